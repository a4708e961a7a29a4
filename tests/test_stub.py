"""The stub of class Tensor, the tables and the class agree; so do the lists of PyTorch's names."""



from __future__ import annotations

import ast
import importlib.util
from pathlib import Path
from types import ModuleType

from autograd_core import Tensor
from autograd_core.op import INPLACE, METHODS

ROOT = Path(__file__).resolve().parents[1]


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_stub_is_what_the_class_is() -> None:
    made = script("make_stub").render()
    assert (ROOT / "autograd_core" / "tensor.pyi").read_text() == made, "run scripts/make_stub.py"


def test_tables_class_and_stub_agree() -> None:
    tree = ast.parse((ROOT / "autograd_core" / "tensor.pyi").read_text())
    (cls,) = (n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == "Tensor")
    listed = {n.name for n in cls.body if isinstance(n, ast.FunctionDef)}
    for name in (*METHODS, *INPLACE):
        assert name in vars(Tensor), f"{name} is in the table, but not on the class"
        assert name in listed, f"{name} is not in the stub"
    for name in listed:
        assert hasattr(Tensor, name), f"{name} is in the stub, but not on the class"


def test_every_listed_name_is_here() -> None:
    check = script("check_names")
    gone, reasons = check.missing(), check.exceptions()
    assert {f for forms in gone.values() for f in forms} == set(reasons)
    assert all(reasons.values())


def test_the_page_of_ops_lists_all_of_them() -> None:
    import autograd_core.ops.attach  # noqa: F401
    from autograd_core.op import OPS

    page = (ROOT / "docs" / "ops.md").read_text(encoding="utf-8")
    missing = [
        n
        for n, op in OPS.items()
        if f"| `{n}` |" not in page and op.module.startswith("autograd_core") and not n.endswith("_example")
    ]
    assert not missing, f"run scripts/make_ops_page.py: {missing}"
