"""How tensors and modules look in a notebook."""

from __future__ import annotations

from html import escape
from typing import Any

from .words import plural

_PRE = "style='margin:0;font:12px/1.5 ui-monospace,Menlo,Consolas,monospace;white-space:pre;overflow-x:auto'"


def tensor_html(tensor: Any, limit: int = 400) -> str:
    """A tensor's text, and below it, folded, the program that computed it."""
    out = f"<pre {_PRE}>{escape(repr(tensor))}</pre>"
    if tensor.node is None or tensor.node.op is None:
        return out
    from .text import text
    from .walk import Reader, hub

    reader = Reader()
    todo, count = [tensor.node], 0
    seen: set[int] = set()
    while todo and count <= limit:
        place, _ = hub(todo.pop())
        if place.seq not in seen:
            seen.add(place.seq)
            count += place.op is not None
            todo.extend(p for p in place.parents if p is not None)
    if count > limit:
        return out + f"<div>more than {limit} ops lead here: viz.html(tensor, 'graph.html') draws them</div>"
    reader.follow(tensor.node)
    listing = text(reader.finish([hub(tensor.node)[0].seq]))
    return (
        out
        + f"<details><summary>computed by {plural(count, 'op')}</summary><pre {_PRE}>{escape(listing)}</pre></details>"
    )


def module_html(module: Any) -> str:
    """A module as a tree that folds: class, parameters and their number, level by level."""
    return f"<div style='font:12px/1.6 ui-monospace,Menlo,Consolas,monospace'>{_module(module, '')}</div>"


def _module(module: Any, name: str) -> str:
    children = list(module.named_children())
    size = sum(p.array.size for _, p in module.named_parameters())
    own = list(module.named_parameters(recurse=False))
    label = f"{'<b>' + escape(name) + '</b>: ' if name else ''}{escape(type(module).__name__)}"
    detail = escape(module.extra_repr()) if hasattr(module, "extra_repr") else ""
    head = f"{label}({detail}) <span style='opacity:.6'>{plural(size, 'element') if size else ''}</span>"
    rows = "".join(
        f"<div style='margin-left:18px;opacity:.8'>{escape(n)} {escape(str(tuple(p.array.shape)))}"
        f" {escape(str(p.array.dtype))}</div>"
        for n, p in own
    )
    inner = rows + "".join(_module(m, n) for n, m in children)
    if not inner:
        return f"<div style='margin-left:18px'>{head}</div>"
    return f"<details{' open' if not name else ''} style='margin-left:18px'><summary>{head}</summary>{inner}</details>"
