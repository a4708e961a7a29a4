"""Check that every operation of PyTorch that the lists in ``tests/api`` name exists here.

A name is met when it can be called: as a free function where PyTorch has one (below ``autograd_core``, or below ``nn``),
as a Tensor method where PyTorch's class has one, and in place (``name_``) where PyTorch has that too.  Which of these
PyTorch has is written in ``tests/api/forms.txt`` (``--forms`` makes that file anew and needs PyTorch).  What is missing
must stand, with its reason, in ``tests/api/exceptions.txt``; the exit code is 1 when something is missing without one,
or stands there although it exists.

    python scripts/check_names.py            # what is missing
    python scripts/check_names.py --forms    # ask PyTorch again which forms it has
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
API = ROOT / "tests" / "api"
sys.path.insert(0, str(ROOT))

# Suffixes of the lists that stand for an argument ("interpolate.bilinear"), not for a name.
_VARIANTS = ("nn.functional.interpolate", "nn.functional.pad", "scatter_reduce", "index_reduce")
# Names of PyTorch's operation database that users spell otherwise.
_SPELLED = {"slice": "Tensor.__getitem__", "cholesky": "linalg.cholesky", "bernoulli": "bernoulli", "uniform": "Tensor.uniform_",
            "exponential": "Tensor.exponential_", "fill": "fill", "rsub": "rsub", "normal": "normal"}  # fmt: skip


def names(list_name: str) -> list[str]:
    """The names of a list, variants without their suffix, each once."""
    out: dict[str, None] = {}
    for line in (API / f"{list_name}.txt").read_text().splitlines():
        name = line.partition("#")[0].strip()
        if name:
            out[name] = None
    return list(out)


def plain(name: str) -> str:
    """``name`` without the suffix that stands for an argument."""
    for v in _VARIANTS:
        if name.startswith(v + "."):
            return v
    return _SPELLED.get(name, name)


def find(library: Any, path: str) -> Any:
    """The object at a dotted path below a library, None where there is none."""
    obj: Any = library
    for part in path.split("."):
        if part == "nn" and library.__name__ == "autograd_core":
            obj = importlib.import_module("nn")
            continue
        obj = getattr(obj, part, None)
        if obj is None:
            return None
    return obj


def forms_of(library: Any, name: str) -> list[str]:
    """The spellings of ``name`` that a library has: free function, method, in-place method."""
    path = plain(name)
    spellings = [path]
    if "." not in path:
        spellings += [f"Tensor.{path}", f"Tensor.{path}_"]
        if path.endswith("_"):
            spellings = [f"Tensor.{path}", path]
    return [s for s in spellings if find(library, s) is not None]


def wanted() -> dict[str, list[str]]:
    """Name to the spellings that PyTorch has, from ``forms.txt``."""
    out = {}
    for line in (API / "forms.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            name, _, forms = line.partition(":")
            out[name] = forms.split()
    return out


def exceptions() -> dict[str, str]:
    """Spelling to the reason why it is not here."""
    out = {}
    for line in (API / "exceptions.txt").read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            name, _, reason = line.partition(":")
            out[name.strip()] = reason.strip()
    return out


def missing() -> dict[str, list[str]]:
    """Name to the spellings that PyTorch has and autograd_core does not."""
    import autograd_core

    out = {}
    for name, forms in wanted().items():
        gone = [f for f in forms if find(autograd_core, f) is None]
        if gone:
            out[name] = gone
    return out


def write_forms() -> None:
    """Ask PyTorch which spellings of the listed names it has."""
    import torch

    lines = ["# name: the spellings that PyTorch has (made by scripts/check_names.py --forms)"]
    for name in dict.fromkeys([*names("core"), *names("wide")]):
        lines.append(f"{name}: {' '.join(forms_of(torch, name))}")
    (API / "forms.txt").write_text("\n".join(lines) + "\n")


def main() -> int:
    if "--forms" in sys.argv:
        write_forms()
    gone, reasons = missing(), exceptions()
    bad = False
    for label in ("core", "wide"):
        every = names(label)
        met = [n for n in every if n not in gone]
        print(f"{label}: {len(met)} of {len(every)} names met")
        for n in every:
            for form in gone.get(n, ()):
                reason = reasons.get(form)
                bad = bad or reason is None
                print(f"  {form}: {reason or 'MISSING, no reason given'}")
    absent = {f for forms in gone.values() for f in forms}
    for form in reasons:
        if form not in absent:
            bad = True
            print(f"  {form} stands in exceptions.txt, but exists (or is on no list)")
    return int(bad)


if __name__ == "__main__":
    sys.exit(main())
