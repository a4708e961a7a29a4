"""Nested lists, tuples and dicts taken apart into their leaves and put together again."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable
from typing import Any

__all__ = [
    "TreeSpec",
    "tree_all",
    "tree_any",
    "tree_flatten",
    "tree_leaves",
    "tree_map",
    "tree_map_only",
    "tree_unflatten",
]


class TreeSpec:
    """The structure of a tree: what its nodes are, without the leaves."""

    __slots__ = ("children_specs", "context", "num_leaves", "type")

    def __init__(self, type: Any, context: Any, children_specs: list[TreeSpec]) -> None:
        self.type, self.context, self.children_specs = type, context, children_specs
        self.num_leaves: int = sum(c.num_leaves for c in children_specs) if type is not None else 1

    def is_leaf(self) -> bool:
        """Whether the tree is one leaf."""
        return self.type is None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TreeSpec) and (self.type, self.context, self.children_specs) == (
            other.type,
            other.context,
            other.children_specs,
        )

    def __hash__(self) -> int:
        return hash((self.type, self.num_leaves))

    def __repr__(self) -> str:
        return "*" if self.type is None else f"TreeSpec({self.type.__name__}, {self.context}, {self.children_specs})"


def tree_flatten(tree: Any, is_leaf: Callable[[Any], bool] | None = None) -> tuple[list[Any], TreeSpec]:
    """The leaves of nested lists, tuples, named tuples and dicts in order, and the structure around them."""
    leaves: list[Any] = []

    def visit(node: Any) -> TreeSpec:
        kind = type(node)
        if is_leaf is not None and is_leaf(node):
            leaves.append(node)
            return TreeSpec(None, None, [])
        if kind in (dict, OrderedDict):
            return TreeSpec(kind, list(node), [visit(v) for v in node.values()])
        if kind is defaultdict:
            return TreeSpec(kind, (node.default_factory, list(node)), [visit(v) for v in node.values()])
        if kind in (list, tuple) or (isinstance(node, tuple) and hasattr(node, "_fields")):
            return TreeSpec(kind, None, [visit(v) for v in node])
        leaves.append(node)
        return TreeSpec(None, None, [])

    return leaves, visit(tree)


def tree_unflatten(leaves: Iterable[Any], treespec: TreeSpec) -> Any:
    """The tree of ``treespec`` with these leaves."""
    values = list(leaves)
    if len(values) != treespec.num_leaves:
        raise ValueError(f"tree_unflatten: {len(values)} leaves for a structure of {treespec.num_leaves}.")
    queue = iter(values)

    def build(spec: TreeSpec) -> Any:
        if spec.type is None:
            return next(queue)
        parts = [build(c) for c in spec.children_specs]
        if spec.type in (dict, OrderedDict):
            return spec.type(zip(spec.context, parts, strict=True))
        if spec.type is defaultdict:
            return defaultdict(spec.context[0], zip(spec.context[1], parts, strict=True))
        return spec.type(*parts) if hasattr(spec.type, "_fields") else spec.type(parts)

    return build(treespec)


def tree_leaves(tree: Any, is_leaf: Callable[[Any], bool] | None = None) -> list[Any]:
    """The leaves of a tree."""
    return tree_flatten(tree, is_leaf)[0]


def tree_map(func: Callable[..., Any], tree: Any, *rests: Any, is_leaf: Callable[[Any], bool] | None = None) -> Any:
    """The tree with ``func`` applied to its leaves (and to those of trees of the same structure)."""
    leaves, spec = tree_flatten(tree, is_leaf)
    others = [tree_flatten(r, is_leaf)[0] for r in rests]
    return tree_unflatten([func(*vs) for vs in zip(leaves, *others, strict=True)], spec)


def tree_map_only(kind: Any, func: Callable[[Any], Any], tree: Any) -> Any:
    """The tree with ``func`` applied to the leaves of a type."""
    return tree_map(lambda v: func(v) if isinstance(v, kind) else v, tree)


def tree_all(pred: Callable[[Any], bool], tree: Any) -> bool:
    """Whether ``pred`` holds for all leaves."""
    return all(pred(v) for v in tree_leaves(tree))


def tree_any(pred: Callable[[Any], bool], tree: Any) -> bool:
    """Whether ``pred`` holds for a leaf."""
    return any(pred(v) for v in tree_leaves(tree))
