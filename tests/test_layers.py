"""The plan of the house holds: imports run downward, nn uses public names only, importing is light."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CORE = ROOT / "autograd_core"

LEVELS = {
    0: {"errors", "graph", "dtypes", "device", "formatting", "quiet", "kernels"},
    1: {"tensor", "dispatch", "op", "random", "factories", "inplace"},
    2: {"ops", "sparse"},
    3: {"engine"},
    4: {"autograd"},
}
LEVEL = {name: level for level, names in LEVELS.items() for name in names}
TOP = 5  # everything else: gradcheck, functional, func, debug, profiler, io, viz, linalg, fft, special, the package itself


def imported(path: Path) -> set[tuple[str, bool]]:
    """The parts of autograd_core that a file imports, each with whether at module level."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    package = path.relative_to(ROOT).with_suffix("").parts[:-1]
    out = set()
    inner = {
        id(n) for f in ast.walk(tree) if isinstance(f, ast.FunctionDef | ast.AsyncFunctionDef) for n in ast.walk(f)
    }
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.ImportFrom):
            base = list(package[: len(package) - node.level + 1]) if node.level else []
            full = [*base, *(node.module.split(".") if node.module else [])]
            if len(full) == 1 and full[0] == "autograd_core":
                names = [f"autograd_core.{a.name}" for a in node.names]
            else:
                names = [".".join(full)]
        elif isinstance(node, ast.Import):
            names = [a.name for a in node.names]
        for n in names:
            parts = n.split(".")
            if parts[0] == "autograd_core" and len(parts) > 1:
                out.add((parts[1], id(node) not in inner))
    return out


def level_of(part: str) -> int:
    return LEVEL.get(part, TOP)


CORE_FILES = sorted(p for p in CORE.rglob("*.py") if p != CORE / "__init__.py")


@pytest.mark.parametrize("path", CORE_FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_run_downward(path: Path) -> None:
    part = path.relative_to(CORE).parts[0].removesuffix(".py")
    for other, at_top in imported(path):
        if at_top and other != part and (CORE / f"{other}.py").exists() | (CORE / other).is_dir():
            assert level_of(other) <= level_of(part), (
                f"{path.name} (level {level_of(part)}) imports {other} ({level_of(other)})"
            )


@pytest.mark.parametrize("path", sorted(CORE.glob("kernels/**/*.py")), ids=lambda p: p.name)
def test_kernels_know_arrays_only(path: Path) -> None:
    assert {p for p, _ in imported(path)} <= {"kernels", "errors"}


@pytest.mark.parametrize("path", sorted((ROOT / "nn").rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT)))
def test_nn_uses_public_names_only(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("autograd_core"):
            private = [a.name for a in node.names if a.name.startswith("_")]
            assert not private and not any(p.startswith("_") for p in node.module.split("."))


def test_packages_never_import_torch() -> None:
    for path in [*CORE.rglob("*.py"), *(ROOT / "nn").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            modules = (
                [a.name for a in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom) and not node.level
                else []
            )
            assert not any(m.split(".")[0] == "torch" for m in modules), path


def test_importing_is_light() -> None:
    code = (
        "import sys, autograd_core, nn\n"
        "known = ('numba', 'scipy', 'llvmlite', 'graphviz', 'matplotlib', 'torch', 'safetensors', 'tqdm')\n"
        "heavy = [m for m in known if m in sys.modules]\n"
        "print(heavy)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert out.stdout.strip() == "[]"
