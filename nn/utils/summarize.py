"""``summary``: a table of a model's modules, measured by running it once."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import autograd_core as ac
from autograd_core import Tensor, graph

__all__ = ["Row", "Summary", "count_parameters", "summary"]


def count_parameters(module: Any, trainable: bool | None = None) -> int:
    """The number of parameters' elements; a shared parameter counts once.

    Parameters
    ----------
    module : Module
    trainable : bool, optional
        Only those that require a gradient (True), or only those that do not (False).

    Examples
    --------
    >>> import nn
    >>> nn.utils.count_parameters(nn.Linear(3, 2))
    8
    """
    return sum(p.array.size for p in module.parameters() if trainable is None or p.requires_grad == trainable)


@dataclass
class Row:
    """One call of one module: what it is, what came out, what it cost (including the modules below it)."""

    path: str
    kind: str
    depth: int
    parameters: int
    output: str = ""
    multiply_adds: int = 0
    forward_bytes: int = 0
    shared: bool = False


@dataclass
class Summary:
    """The rows of :func:`summary`, in the order of the calls; ``str()`` is the table."""

    rows: list[Row] = field(default_factory=list)
    parameters: int = 0
    trainable: int = 0
    parameter_bytes: int = 0
    depth: int | None = None

    @property
    def multiply_adds(self) -> int:
        """Of the whole forward."""
        return self.rows[0].multiply_adds if self.rows else 0

    @property
    def forward_bytes(self) -> int:
        """Bytes of all results made in the forward."""
        return self.rows[0].forward_bytes if self.rows else 0

    def __str__(self) -> str:
        head = ("module", "output", "parameters", "multiply-adds", "forward bytes")
        cells = [head]
        for r in self.rows:
            if self.depth is None or r.depth <= self.depth:
                name = "  " * r.depth + f"{r.kind}" + (f" ({r.path})" if r.path else "")
                count = "shared" if r.shared else f"{r.parameters:,}" if r.parameters else "-"
                cells.append(
                    (name, r.output, count, f"{r.multiply_adds:,}" if r.multiply_adds else "-", _bytes(r.forward_bytes))
                )
        widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
        lines = [
            "  ".join(
                c.ljust(w) if i < 2 else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in cells
        ]
        rule = "-" * max(map(len, lines))
        end = [
            f"parameters: {self.parameters:,} ({_bytes(self.parameter_bytes)}), of which trainable: {self.trainable:,}",
            f"multiply-adds: {self.multiply_adds:,}; results of the forward: {_bytes(self.forward_bytes)}",
        ]
        return "\n".join([lines[0], rule, *lines[1:], rule, *end])

    __repr__ = __str__


def _bytes(n: int) -> str:
    if n < 1024:
        return f"{n} B"
    for unit in ("KiB", "MiB", "GiB"):
        n_ = n / 1024
        if n_ < 1024 or unit == "GiB":
            return f"{n_:.1f} {unit}"
        n = int(n_)
    return ""


def _shapes(value: Any) -> str:
    if isinstance(value, Tensor):
        return "x".join(map(str, value.array.shape)) or "scalar"
    if isinstance(value, dict):
        return ", ".join(f"{k}: {_shapes(v)}" for k, v in value.items())
    if isinstance(value, (tuple, list)):
        return ", ".join(filter(None, map(_shapes, value)))
    return ""


def _shape(x: Any) -> tuple[int, ...]:
    return tuple(x.array.shape) if isinstance(x, Tensor) else ()


def _multiply_adds(op: Any, args: tuple[Any, ...], result: Any) -> int:
    """Of the ops that do products of matrices; the others count nothing."""
    name = op.name
    first = result[0] if isinstance(result, tuple) else result
    out = math.prod(_shape(first))
    if name in ("linear", "matmul", "matmul_nt", "matmul_tn"):
        return out * _shape(args[0])[-2 if name == "matmul_tn" else -1]
    if name == "conv":
        return out * math.prod(_shape(args[1])[1:])
    if name == "conv_transpose":
        return math.prod(_shape(args[0])) * math.prod(_shape(args[1])[1:])
    if name == "attention":
        q, k, v = (_shape(a) for a in args[:3])
        return math.prod(q[:-1]) * k[-2] * (q[-1] + v[-1])
    if name in ("rnn_layer", "lstm_layer", "gru_layer"):
        steps, batch, _ = _shape(args[0])
        weights = [_shape(a) for name_, a in zip(op.inputs, args, strict=False) if name_.startswith("w_")]
        return steps * batch * sum(math.prod(s) for s in weights if s)
    if name == "einsum":
        terms = str(args[-1]).replace(" ", "").split("->")[0].split(",")
        sizes = {c: n for term, t in zip(terms, args[0], strict=False) for c, n in zip(term, _shape(t), strict=False)}
        return math.prod(sizes.values())
    return 0


class _Meter:
    """An observer that books ops on the modules they run in."""

    def __init__(self, names: dict[int, str]) -> None:
        self.rows: list[Row] = []
        self._names = names
        self._stack: list[Row] = []
        self._seen: set[int] = set()

    def forward(self, op: Any, args: tuple[Any, ...], run: Any) -> Any:
        result = run(*args)
        cost = _multiply_adds(op, args, result)
        size = (
            0
            if op.view
            else sum(
                t.array.nbytes for t in (result if isinstance(result, tuple) else (result,)) if isinstance(t, Tensor)
            )
        )
        for row in self._stack:
            row.multiply_adds += cost
            row.forward_bytes += size
        return result

    def backward(self, node: Any, g: Any, run: Any) -> Any:
        return run()

    def module(self, module: Any, run: Any) -> Any:
        shared = id(module) in self._seen
        self._seen.add(id(module))
        row = Row(self._names.get(id(module), ""), type(module).__name__, len(self._stack), 0, shared=shared)
        self.rows.append(row)
        self._stack.append(row)
        try:
            result = run()
        finally:
            self._stack.pop()
        row.output, row.kind = _shapes(result), type(module).__name__  # a lazy module has become an ordinary one
        row.parameters = count_parameters(module)
        return result


def summary(
    model: Any, input: Any = None, *, input_size: Any = None, depth: int | None = None, **kwargs: Any
) -> Summary:
    """Run ``model`` once and describe each module's call: output shape, parameters, multiply-adds, bytes of results.

    The model is run in evaluation mode without recording gradients; its mode and its state are as before afterwards.

    Parameters
    ----------
    model : Module
    input : Tensor or tuple
        The arguments of the call.
    input_size : tuple of int, or several of them
        Instead of ``input``: shapes of normally distributed random inputs.
    depth : int, optional
        How deep the printed table goes (the rows are all there).
    **kwargs
        Keyword arguments of the call.

    Returns
    -------
    Summary
        Print it; or read ``rows``, ``parameters``, ``multiply_adds``, ``forward_bytes``.

    Raises
    ------
    ValueError
        If neither ``input`` nor ``input_size`` is given.

    Examples
    --------
    >>> import nn
    >>> table = nn.utils.summary(nn.Sequential(nn.Linear(4, 8), nn.ReLU()), input_size=(2, 4))
    >>> table.parameters, table.multiply_adds
    (40, 64)
    >>> [(r.kind, r.output) for r in table.rows]
    [('Sequential', '2x8'), ('Linear', '2x8'), ('ReLU', '2x8')]
    """
    if input is None and input_size is None and not kwargs:
        raise ValueError("summary: give an input (a tensor or a tuple of arguments) or input_size=(...).")
    if input is None and input_size is not None:
        several = [input_size] if not isinstance(next(iter(input_size)), Iterable) else list(input_size)
        dtype = next((p.dtype for p in model.parameters() if p.is_floating_point()), None)
        state = ac.get_rng_state()
        input = tuple(ac.randn(*s, dtype=dtype) for s in several)
        ac.set_rng_state(state)
    args = input if isinstance(input, tuple) else () if input is None else (input,)
    meter = _Meter({id(m): name for name, m in model.named_modules()})
    modes = [(m, m.training) for m in model.modules()]
    model.eval()
    try:
        with ac.no_grad(), graph.watch.observing(meter):
            model(*args, **kwargs)
    finally:
        for m, training in modes:
            m.training = training
    parameters = list(model.parameters())
    return Summary(
        meter.rows,
        count_parameters(model),
        count_parameters(model, True),
        sum(p.array.nbytes for p in parameters),
        depth,
    )
