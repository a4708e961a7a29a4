"""Write ``autograd_core/tensor.pyi`` from the live class: every method and property of Tensor with its signature.

Most methods are attached by the tables in ``autograd_core/ops``, where no type checker sees them.

    python scripts/make_stub.py          # write the file
    python scripts/make_stub.py --check  # exit with 1 if it is out of date
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import autograd_core  # noqa: E402
from autograd_core import dispatch  # noqa: E402
from autograd_core.tensor import Tensor  # noqa: E402

TARGET = ROOT / "autograd_core" / "tensor.pyi"

HEADER = '''"""Types of tensor.py, made by scripts/make_stub.py from the live class; do not edit."""

# ruff: noqa

import builtins
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Self
from weakref import ref

import numpy as np

from .device import device as Device
from .dtypes import dtype as Dtype
from .graph import Node, RemovableHandle
from .random import Generator

Array = np.ndarray[Any, Any]
Number = builtins.int | builtins.float | builtins.complex | builtins.bool

class Size(tuple[int, ...]):
    def numel(self) -> int: ...
    def __getitem__(self, index: Any) -> Any: ...
    def __add__(self, other: Any) -> Size: ...

class TensorExtra:
    view_of: Tensor | None
    view_op: Any
    view_params: tuple[Any, ...]
    views: list[ref[Tensor]] | None
    grad: Tensor | None
    inference: bool
    def __init__(self) -> None: ...

def wrap(array: Array, node: Node | None = ...) -> Tensor: ...
def mark(t: Tensor) -> None: ...
def touch(tensor: Tensor) -> None: ...

'''

SLOTS = """class Tensor:
    array: Array
    node: Node | None
    extra: TensorExtra | None
    __array_priority__: builtins.int
"""

# Names that are methods of the class, so that inside it the built-in must be named in full.
BUILTIN = re.compile(r"(?<![\w.])(float|int|bool|complex|type|tuple|list|dict|str|object|slice)(?![\w])")
OURS = re.compile(r"(?<![\w.])(dtypes\.)?(dtype|device)(?![\w(])")
IN_PLACE = {f"__i{n}__" for n in "add sub mul truediv floordiv mod pow matmul and or xor lshift rshift".split()}
PROPERTIES = {
    "T": "Tensor", "mT": "Tensor", "H": "Tensor", "mH": "Tensor", "real": "Tensor", "imag": "Tensor", "is_cuda": "builtins.bool",
    "is_sparse": "builtins.bool", "layout": "Any", "name": "None",
}  # fmt: skip
# Comparison and arithmetic give tensors; whatever they are asked of.
SKIPPED = {
    "_repr_html_",  # attached when viz is imported
    "_repr_svg_",
    "__slots__",
    "__weakref__",
    "__dict__",
    "__module__",
    "__doc__",
    "__qualname__",
    "__array_priority__",
    "array",
    "node",
    "extra",
}


def annotation(value: Any) -> str:
    """An annotation as it reads inside the class body."""
    if value is inspect.Parameter.empty:
        return "Any"
    text = value if isinstance(value, str) else getattr(value, "__name__", str(value))
    text = text.replace("builtins.", "").replace("np.random.Generator", "Any")
    known = set(re.findall(r"[A-Za-z_][\w.]*", text))
    allowed = {"Tensor", "Any", "Sequence", "Callable", "Iterator", "Generator", "Array", "Node", "None", "Size", "RemovableHandle",
               "Number",
               "float", "int", "bool", "complex", "type", "tuple", "list",
               "dict", "str", "object", "slice", "Dtype", "device", "dtype"}  # fmt: skip
    if known - allowed:
        return "Any"
    text = BUILTIN.sub(r"builtins.\1", text)
    return re.sub(r"(?<![\w.])device(?!\w)", "Device", re.sub(r"(?<![\w.])dtype(?!\w)", "Dtype", text))


def written(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function behind wrappers; a dispatcher that has not run yet writes itself first."""
    function = inspect.unwrap(function)
    code = getattr(function, "__code__", None)
    if code is not None and code is dispatch._unwritten.__code__:
        function.__globals__["write"](function.__kwdefaults__["kind_"])
    return function


def signature(name: str, function: Callable[..., Any]) -> str:
    """One ``def`` line."""
    in_place = name.endswith("_") and not name.endswith("__")
    function = written(function)
    parts: list[str] = []
    star = slash = False
    for i, p in enumerate(inspect.signature(function).parameters.values()):
        if p.name == "kind_":
            continue
        if i == 0:
            parts.append("self")
            continue
        if p.kind is p.VAR_POSITIONAL:
            parts.append(f"*{p.name}: {annotation(p.annotation)}")
            star = True
            continue
        if p.kind is p.VAR_KEYWORD:
            parts.append(f"**{p.name}: {annotation(p.annotation)}")
            continue
        if p.kind is p.KEYWORD_ONLY and not star:
            parts.append("*")
            star = True
        slash = slash or p.kind is p.POSITIONAL_ONLY
        parts.append(f"{p.name}: {annotation(p.annotation)}" + ("" if p.default is p.empty else " = ..."))
    back = inspect.signature(function).return_annotation
    result = "Tensor" if back is inspect.Signature.empty else annotation(back)
    if name == "__hash__":  # object's own, which has no annotation
        result = "builtins.int"
    if in_place or name in IN_PLACE:
        result = "Self"  # p -= 0.1 * p.grad leaves a Parameter a Parameter
    comment = "  # type: ignore[override]" if name in ("__eq__", "__ne__") else ""
    return f"    def {name}({', '.join(parts)}) -> {result}: ...{comment}\n"


def attribute(name: str, value: Any) -> str:
    """The lines of one attribute of the class."""
    if isinstance(value, property):
        back = PROPERTIES.get(name)
        if back is None:
            note = inspect.signature(value.fget).return_annotation if value.fget else inspect.Signature.empty
            back = "Any" if note is inspect.Signature.empty else annotation(note)
        lines = f"    @property\n    def {name}(self) -> {back}: ...\n"
        if value.fset:
            lines += f"    @{name}.setter\n    def {name}(self, value: {back}) -> None: ...\n"
        if value.fdel:
            lines += f"    @{name}.deleter\n    def {name}(self) -> None: ...\n"
        return lines
    if isinstance(value, (staticmethod, classmethod)):
        kind = "staticmethod" if isinstance(value, staticmethod) else "classmethod"
        return f"    @{kind}\n" + signature(name, value.__func__)
    return signature(name, value)


def render() -> str:
    """The text of the stub."""
    assert autograd_core.Tensor is Tensor
    kinds = (property, staticmethod, classmethod)
    names = sorted(n for n, v in vars(Tensor).items() if n not in SKIPPED and (callable(v) or isinstance(v, kinds)))
    properties = [n for n in names if isinstance(vars(Tensor)[n], property)]
    methods = [n for n in names if n not in properties]
    return HEADER + SLOTS + "".join(attribute(n, vars(Tensor)[n]) for n in [*properties, *methods])


def main() -> int:
    text = render()
    if "--check" in sys.argv:
        return int(not TARGET.exists() or TARGET.read_text() != text)
    TARGET.write_text(text)
    print(f"{TARGET.relative_to(ROOT)}: {text.count('    def ')} methods and properties")
    return 0


if __name__ == "__main__":
    sys.exit(main())
