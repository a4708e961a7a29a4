"""How numbers, shapes and ops are put into words: one place for all sinks."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

#: Op families, in the order of a legend. The page and DOT colour by these names.
FAMILIES = (
    "matmul",
    "conv",
    "activation",
    "norm",
    "elementwise",
    "reduce",
    "shape",
    "index",
    "loss",
    "random",
    "other",
)

#: Op family -> (fill, border). The page uses the same hues.
COLOURS = {
    "matmul": ("#dbe7ff", "#3567c7"),
    "conv": ("#d8ecfb", "#1f7fb8"),
    "activation": ("#ffe3d6", "#d0603a"),
    "norm": ("#e9defa", "#7c53bd"),
    "elementwise": ("#eceff4", "#66738a"),
    "reduce": ("#d9f2ea", "#1f8a6d"),
    "shape": ("#f3f1ec", "#948b78"),
    "index": ("#e2f3d5", "#588f2e"),
    "loss": ("#fbd9e2", "#c2365f"),
    "random": ("#fdeecb", "#b07d12"),
    "other": ("#eeeeee", "#777777"),
}

_FAMILY_WORDS = {
    "conv": ("conv", "pool", "unfold", "fold", "interpolate", "upsample", "pixel"),
    "loss": ("loss", "cross_entropy", "nll", "kl_div", "mse", "bce"),
    "norm": ("norm",),
    "matmul": (
        "matmul",
        "linear",
        "mm",
        "bmm",
        "einsum",
        "dot",
        "outer",
        "addmm",
        "baddbmm",
        "attention",
        "lstm",
        "gru",
        "rnn",
        "tensordot",
        "solve",
        "inv",
        "cholesky",
        "svd",
        "eigh",
        "qr",
        "det",
        "mv",
        "bilinear",
        "lu",
    ),
    "activation": (
        "relu",
        "gelu",
        "silu",
        "tanh",
        "sigmoid",
        "softmax",
        "log_softmax",
        "elu",
        "selu",
        "celu",
        "softplus",
        "mish",
        "hardtanh",
        "hardswish",
        "softsign",
        "threshold",
        "glu",
    ),
    "random": ("dropout", "rand", "bernoulli", "normal", "multinomial", "rrelu"),
    "reduce": (
        "sum",
        "mean",
        "max",
        "min",
        "prod",
        "amax",
        "amin",
        "logsumexp",
        "var",
        "std",
        "cumsum",
        "cumprod",
        "all",
        "any",
        "argmax",
        "argmin",
        "sum_to",
        "median",
        "mode",
        "trace",
        "count_nonzero",
        "nansum",
        "nanmean",
        "aminmax",
    ),
    "shape": (
        "reshape",
        "view",
        "transpose",
        "permute",
        "mT",
        "t",
        "expand",
        "broadcast_to",
        "squeeze",
        "unsqueeze",
        "flatten",
        "cat",
        "stack",
        "concat",
        "split",
        "chunk",
        "unbind",
        "repeat",
        "flip",
        "roll",
        "tile",
        "movedim",
        "pad",
        "swapaxes",
        "contiguous",
        "clone",
        "ravel",
        "narrow",
        "diagonal",
        "to",
        "tril",
        "triu",
        "as_strided",
        "cast",
    ),
    "index": (
        "index",
        "getitem",
        "gather",
        "scatter",
        "take",
        "embedding",
        "masked",
        "select",
        "where",
        "setitem",
        "put",
        "sort",
        "topk",
        "slice",
        "one_hot",
    ),
}
_ELEMENTWISE = {
    "add",
    "sub",
    "mul",
    "div",
    "neg",
    "exp",
    "log",
    "sin",
    "cos",
    "pow",
    "sqrt",
    "abs",
    "maximum",
    "minimum",
    "clamp",
    "square",
    "reciprocal",
    "rsqrt",
    "erf",
    "log1p",
    "expm1",
    "sign",
    "tan",
    "atan",
    "asin",
    "acos",
    "sinh",
    "cosh",
    "floor",
    "ceil",
    "round",
    "addcmul",
    "addcdiv",
    "lerp",
    "fmod",
    "remainder",
    "atan2",
    "log2",
    "log10",
    "exp2",
    "real",
    "imag",
    "conj",
    "eq",
    "gt",
    "lt",
}


def family(op: str) -> str:
    """The family of an op, from its name: what its colour means.

    >>> family("conv2d"), family("layer_norm"), family("mul")
    ('conv', 'norm', 'elementwise')
    """
    if op in _ELEMENTWISE:
        return "elementwise"
    op = op.removesuffix("_backward")  # a slope belongs where its op does
    for name, words in _FAMILY_WORDS.items():
        if op in words:
            return name
    parts = op.strip("_").split("_")
    for name, words in _FAMILY_WORDS.items():
        if any(p.startswith(w) if len(w) > 3 else p.rstrip("0123456789d") == w for p in parts for w in words):
            return name
    return "elementwise" if parts[0] in _ELEMENTWISE else "other"


def shape_text(shape: Iterable[int]) -> str:
    """A shape as people write it: ``32×128``; a scalar is ``()``."""
    return "×".join(map(str, shape)) or "()"


def dtype_shape(dtype: str, shape: Iterable[int]) -> str:
    """``float32[32, 128]``; nothing for a value that was never made."""
    return f"{dtype}[{', '.join(map(str, shape))}]" if dtype else ""


def bytes_text(n: float) -> str:
    """``1.5 MB`` (1 kB = 1000 B)."""
    for unit in ("B", "kB", "MB", "GB"):
        if abs(n) < 1000 or unit == "GB":
            return f"{n:.0f} {unit}" if unit == "B" or abs(n) >= 100 else f"{n:.3g} {unit}"
        n /= 1000
    return ""


def seconds_text(s: float | None) -> str:
    """``12.3 µs``."""
    if s is None:
        return ""
    for scale, unit in ((1, "s"), (1e-3, "ms"), (1e-6, "µs")):
        if abs(s) >= scale:
            return f"{s / scale:.3g} {unit}"
    return f"{s / 1e-9:.3g} ns"


def number(x: float | None) -> str:
    """A number in at most four significant digits; ``–`` for none."""
    return "–" if x is None else f"{x:.4g}"


def plural(n: int, word: str) -> str:
    """``1 op``, ``2 ops``."""
    return f"{n:,} {word}" if n == 1 else f"{n:,} {word}s"


def write_file(path: str | os.PathLike[str], content: str | bytes, what: str) -> Path:
    """Write ``content`` to ``path`` through a temporary name: an existing file is replaced only by a complete one.

    Raises an :class:`OSError` of the kind the system gave, with one sentence on what to do.
    """
    target = Path(path)
    data = content.encode("utf-8") if isinstance(content, str) else content
    temporary = ""
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".tmp", dir=target.parent)
        with os.fdopen(handle, "wb") as f:
            f.write(data)
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)
        os.replace(temporary, target)
    except OSError as e:
        if temporary and os.path.exists(temporary):
            os.unlink(temporary)
        raise type(e)(
            e.errno,
            f"{what}: cannot write {str(target)!r} ({e.strerror}); "
            "give a path in a folder that exists and that you may write to",
        ) from None
    return target
