"""Looking at computation graphs: what was computed, by which line, with which gradient rule, at what cost.

``viz.text(loss)`` prints a graph, ``viz.dot(loss)`` draws it with Graphviz, ``viz.html(loss, "graph.html")`` writes a
page to explore it, and ``with viz.record() as rec:`` records a whole training step for any of them.
"""

from ..tensor import Tensor
from .diff import Diff, diff
from .dot import dot
from .errors import last_error
from .flow import GradientFlow, GradientHistory, gradient_flow
from .fold import collapse, fold_repeats
from .html import html
from .memory import Memory, memory
from .mermaid import mermaid
from .notebook import tensor_html
from .record import Recording, record
from .records import Graph, Module, Node, Rule, Saved, Source, Stats
from .text import text
from .walk import graph

__all__ = [
    "Diff", "GradientFlow", "GradientHistory", "Graph", "Memory", "Module", "Node", "Recording", "Rule", "Saved",
    "Source", "Stats", "collapse", "diff", "dot", "fold_repeats", "gradient_flow", "graph", "html", "last_error",
    "memory", "mermaid", "record", "text",
]  # fmt: skip

Tensor._repr_html_ = tensor_html  # type: ignore[attr-defined]  # from now on a notebook shows a tensor's program too
