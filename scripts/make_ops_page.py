"""Write ``docs/ops.md`` from the op table and the samples: every op's formula, its rules as written, what it saves, what is tested.

python scripts/make_ops_page.py
python scripts/make_ops_page.py --check   # exit with 1 if the page is out of date
"""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import autograd_core as ac  # noqa: E402
from autograd_core.graph import watch  # noqa: E402
from autograd_core.op import OPS  # noqa: E402
from autograd_core.viz.rules import describe, source_of  # noqa: E402
from tests.op_samples import all_samples, arrays_of, call, placeholders  # noqa: E402

TARGET = ROOT / "docs" / "ops.md"

HEAD = """# Every op

Made by `scripts/make_ops_page.py` from the op table and the test samples; do not edit.

An op is one record: a kernel on ndarrays, and one gradient rule for each input. In a rule, `g` is the gradient of the
result (the cotangent), `y` the result, an input's name its value, `F` the namespace of ops. *Saved* is what a rule names,
and so what is kept until backward. *Tested* counts the samples that run through the op: `v` checks values only, `1` the
first derivative against finite differences, `2` the second as well; `=` says how many of them also run in PyTorch, where
values and gradients must agree. Ops with a dash have no gradient (comparisons, rounding to integers), or appear only in
the rules of others, whose second derivatives test them.
"""


def reached() -> dict[str, dict[str, int]]:
    """For each op how many samples run through it, by how far they go, and how many of them PyTorch runs too."""
    counts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))

    class Collector:
        def __init__(self) -> None:
            self.seen: set[str] = set()

        def forward(self, op: Any, args: Any, run: Any) -> Any:
            self.seen.add(op.name)
            return run(*args)

        def backward(self, node: Any, g: Any, run: Any) -> Any:
            return run()

    for sample in all_samples():
        collector = Collector()
        tensors = [
            ac.from_numpy(a).requires_grad_(p.grad)
            for a, p in zip(arrays_of(sample), placeholders(sample), strict=True)
        ]
        with watch.observing(collector):
            call(sample, ac, tensors)
        for name in collector.seen:
            counts[name][sample.check] += 1
            counts[name]["parity"] += sample.parity
    return counts


def cell(text: str) -> str:
    """Text for a cell of a Markdown table."""
    return " ".join(text.replace("|", "\\|").split())


def rules_of(op: Any) -> str:
    """The rules as the table writes them."""
    parts = []
    for key, rule in op.texts.items():
        text = source_of(rule)
        body = (
            text.partition(":")[2].strip() if text.startswith("lambda") else f"{getattr(rule, '__name__', 'rule')}(...)"
        )
        parts.append(f"{'all' if key == '*' else key}: `{cell(body)}`")
    return "<br>".join(parts) or "-"


def tested(counts: dict[str, int]) -> str:
    """``12 (v 2, 1 3, 2 7) = 10``."""
    total = sum(counts.get(k, 0) for k in ("value", "first", "second"))
    if not total:
        return "-"
    kinds = ", ".join(
        f"{short} {counts[k]}" for k, short in (("value", "v:"), ("first", "1:"), ("second", "2:")) if counts.get(k)
    )
    return f"{total} ({kinds}) = {counts.get('parity', 0)}"


def render() -> str:
    """The page."""
    counts = reached()
    families: dict[str, list[Any]] = defaultdict(list)
    for op in OPS.values():
        if not op.name.endswith("_example"):
            families[op.module.rpartition(".")[2]].append(op)
    lines = [HEAD]
    lines.append(f"{sum(map(len, families.values()))} ops in {len(families)} files, {len(all_samples())} samples.\n")
    for family in sorted(families):
        lines.append(f"\n## {family}\n\n| op | formula | rules | saved | tested |\n|---|---|---|---|---|")
        for op in sorted(families[family], key=lambda o: o.name):
            saved = ", ".join(op.slots) or "-"
            formula = cell(describe(op)[0])
            lines.append(f"| `{op.name}` | {formula} | {rules_of(op)} | {saved} | {tested(counts[op.name])} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    text = render()
    if "--check" in sys.argv:
        return int(not TARGET.exists() or TARGET.read_text(encoding="utf-8") != text)
    TARGET.write_text(text, encoding="utf-8")
    print(f"{TARGET.relative_to(ROOT)}: {text.count(chr(10))} lines")
    return 0


if __name__ == "__main__":
    sys.exit(main())
