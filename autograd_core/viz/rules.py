"""The text of an op's rules: the code as the op table writes it, and the same as a formula."""

from __future__ import annotations

import ast
import functools
import inspect
import linecache
import re
import textwrap
from collections.abc import Callable
from typing import Any

from .records import Rule

_SUPER = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


@functools.cache
def describe(op: Any) -> tuple[str, tuple[Rule, ...]]:
    """The forward formula of an op and its rules, from the op table.

    Parameters
    ----------
    op : an entry of ``autograd_core.op.OPS``.

    Returns
    -------
    (str, tuple of Rule)
    """
    rules = []
    for name, function in getattr(op, "texts", {}).items():
        code = source_of(function)
        rules.append(Rule(", ".join(op.inputs) if name == "*" else name, code, formula_of(code, function)))
    return forward_formula(op), tuple(rules)


def forward_formula(op: Any) -> str:
    """``y = a · b``."""
    text = getattr(op, "formula", "") or ""
    if not text:
        scalar = getattr(op, "scalar", None)
        if scalar:
            text = pretty(scalar.replace("{", "").replace("}", ""))
        else:
            text = f"{op.name}({', '.join((*op.inputs, *getattr(op, 'params', ())))})"
    text = text.replace("^T", "ᵀ").replace("^2", "²").replace(" - ", " − ")
    return text if re.match(r"y\w*(\[[^]]*\])*\s*=", text) else f"y = {text}"


@functools.lru_cache(maxsize=64)
def _functions(file: str) -> dict[int, list[ast.Lambda | ast.FunctionDef]]:
    """The lambdas and functions of a source file, by the line they begin on."""
    out: dict[int, list[ast.Lambda | ast.FunctionDef]] = {}
    try:
        tree = ast.parse("".join(linecache.getlines(file)))
    except SyntaxError:
        return out
    for n in ast.walk(tree):
        if isinstance(n, ast.Lambda | ast.FunctionDef):
            first = n.decorator_list[0].lineno if isinstance(n, ast.FunctionDef) and n.decorator_list else n.lineno
            out.setdefault(first, []).append(n)
    return out


def source_of(function: Callable[..., Any]) -> str:
    """The text of a lambda or function alone, without what stands around it; the empty string where it is not known."""
    function = inspect.unwrap(function)
    code = getattr(function, "__code__", None)
    if code is None:
        return getattr(function, "__name__", "")
    node = _node_of(code)
    if node is None:
        return ""
    lines = linecache.getlines(code.co_filename)[node.lineno - 1 : node.end_lineno]
    if isinstance(node, ast.Lambda):
        text = ast.get_source_segment("".join(linecache.getlines(code.co_filename)), node) or ast.unparse(node)
        return " ".join(part.strip() for part in text.splitlines())
    return textwrap.dedent("".join(lines)).rstrip()


def _node_of(code: Any) -> ast.Lambda | ast.FunctionDef | None:
    names = list(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount])
    found: list[ast.Lambda | ast.FunctionDef] = []
    for n in _functions(code.co_filename).get(code.co_firstlineno, ()):
        a = n.args
        if [x.arg for x in (*a.posonlyargs, *a.args, *a.kwonlyargs)] == names and (
            code.co_name in ("<lambda>", getattr(n, "name", "<lambda>"))
        ):
            found.append(n)
    if len(found) > 1:  # several lambdas on one line: the one whose body holds the code's columns
        columns = [(p[0], p[2]) for p in code.co_positions() if p[0] is not None and p[2] is not None and p[3] != p[2]]
        fitting: list[ast.Lambda | ast.FunctionDef] = [
            n
            for n in found
            if isinstance(n, ast.Lambda)
            and columns
            and all(
                (n.body.lineno, n.body.col_offset) <= c <= (n.body.end_lineno or 0, n.body.end_col_offset or 0)
                for c in columns
            )
        ]
        found = fitting or found
    return found[0] if found else None


def formula_of(code: str, function: Callable[..., Any] | None = None) -> str:
    """The formula of a rule given as code: ``lambda g, y: g * (1 - y * y)`` is ``g · (1 − y²)``."""
    try:
        body = ast.parse(code.strip(), mode="exec").body
    except SyntaxError:
        return ""
    if not body:
        return ""
    tree = body[0]
    if isinstance(tree, ast.Expr) and isinstance(tree.value, ast.Lambda):
        return _Pretty(tree.value.args).text(tree.value.body)
    if isinstance(tree, ast.FunctionDef):
        steps = [s for s in tree.body if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))]
        if len(steps) == 1 and isinstance(steps[0], ast.Return) and steps[0].value is not None:
            return _Pretty(tree.args).text(steps[0].value)
        names = [a.arg for a in tree.args.args if a.arg not in ("F", "needs")]
        return f"{tree.name.strip('_')}({', '.join(names)})"
    if function is not None and isinstance(tree, ast.Expr):
        return _Pretty().text(tree.value)
    return ""


def pretty(expression: str) -> str:
    """An expression of Python in the signs of mathematics, or as it stands where it is not one."""
    try:
        return _Pretty().text(ast.parse(expression, mode="eval").body)
    except SyntaxError:
        return expression


class _Pretty:
    """Writes an expression with as few brackets as its precedence needs."""

    def __init__(self, arguments: ast.arguments | None = None) -> None:
        self.values = {a.arg for a in arguments.args} - {"F"} if arguments is not None else set()

    BINARY = {
        ast.Add: (" + ", 1),
        ast.Sub: (" − ", 1),
        ast.Mult: (" · ", 2),
        ast.Div: (" / ", 2),
        ast.MatMult: (" @ ", 2),
        ast.FloorDiv: (" // ", 2),
        ast.Mod: (" mod ", 2),
        ast.BitOr: (" or ", 0),
        ast.BitAnd: (" and ", 0),
    }
    COMPARE = {ast.Gt: ">", ast.Lt: "<", ast.GtE: "≥", ast.LtE: "≤", ast.Eq: "=", ast.NotEq: "≠"}

    def text(self, n: ast.AST, outer: int = 0) -> str:
        text, own = self._write(n)
        return f"({text})" if own < outer else text

    def _write(self, n: ast.AST) -> tuple[str, int]:
        if isinstance(n, ast.BinOp):
            return self._binary(n)
        if isinstance(n, ast.UnaryOp) and isinstance(n.op, ast.USub):
            return "−" + self.text(n.operand, 3), 2
        if isinstance(n, ast.UnaryOp) and isinstance(n.op, ast.Invert | ast.Not):
            return "not " + self.text(n.operand, 1), 0
        if isinstance(n, ast.BoolOp):
            return (" and " if isinstance(n.op, ast.And) else " or ").join(self.text(v, 1) for v in n.values), 0
        if isinstance(n, ast.Call):
            return self._call(n)
        if isinstance(n, ast.Name):
            return (f"shape({n.id[:-6]})" if n.id.endswith("_shape") else n.id), 9
        if isinstance(n, ast.Constant):
            return (f"{n.value:g}" if isinstance(n.value, float) else repr(n.value)), 9
        if isinstance(n, ast.Compare) and len(n.ops) == 1 and type(n.ops[0]) in self.COMPARE:
            return f"{self.text(n.left, 1)} {self.COMPARE[type(n.ops[0])]} {self.text(n.comparators[0], 1)}", 0
        if isinstance(n, ast.IfExp):
            return f"{self.text(n.body, 1)} if {self.text(n.test, 1)} else {self.text(n.orelse, 1)}", 0
        if isinstance(n, ast.Tuple):
            return ", ".join(self.text(e, 1) for e in n.elts), 0
        if isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name) and n.value.id == "math":
            return {"pi": "π", "e": "e"}.get(n.attr, n.attr), 9
        return ast.unparse(n).replace("builtins.", ""), 9

    def _binary(self, n: ast.BinOp) -> tuple[str, int]:
        if isinstance(n.op, ast.Pow):
            if isinstance(n.right, ast.Constant) and isinstance(n.right.value, int):
                return self.text(n.left, 9) + str(n.right.value).translate(_SUPER), 8
            if isinstance(n.right, ast.Constant) and n.right.value == 0.5:
                return "√" + self.text(n.left, 9), 8
            return f"{self.text(n.left, 9)}^{self.text(n.right, 9)}", 8
        if (
            isinstance(n.op, ast.Mult)
            and isinstance(n.left, ast.Name)
            and isinstance(n.right, ast.Name)
            and n.left.id == n.right.id
        ):
            return n.left.id + "²", 8
        if (
            isinstance(n.op, ast.Mult)
            and isinstance(n.left, ast.BinOp)
            and isinstance(n.left.op, ast.Mult)
            and ast.dump(n.left.right) == ast.dump(n.right)
        ):
            return f"{self.text(n.left.left, 2)} · {self.text(n.right, 9)}²", 2
        sign, level = self.BINARY.get(type(n.op), (None, 0))
        if sign is None:
            return ast.unparse(n), 0
        inner = 9 if isinstance(n.right, ast.UnaryOp) else level + isinstance(n.op, ast.Sub | ast.Div | ast.MatMult)
        return self.text(n.left, level) + sign + self.text(n.right, inner), level

    def _call(self, n: ast.Call) -> tuple[str, int]:
        name = n.func.attr if isinstance(n.func, ast.Attribute) else n.func.id if isinstance(n.func, ast.Name) else ""
        args = n.args
        method = isinstance(n.func, ast.Attribute) and not self._namespace(n.func.value)
        if not name or method or n.keywords:
            return self._plain_call(n, name), 9
        if name in ("matmul", "matmul_nt", "matmul_tn") and len(args) == 2:
            left = self.text(args[0], 9) + "ᵀ" if name == "matmul_tn" else self.text(args[0], 2)
            right = self.text(args[1], 9) + "ᵀ" if name == "matmul_nt" else self.text(args[1], 3)
            return f"{left} @ {right}", 2
        if name in ("mT", "t") and len(args) == 1:
            return self.text(args[0], 9) + "ᵀ", 9
        if name in ("neg", "negative") and len(args) == 1:
            return "−" + self.text(args[0], 3), 2
        if name == "sqrt" and len(args) == 1:
            return "√" + self.text(args[0], 9), 8
        if name in ("square",) and len(args) == 1:
            return self.text(args[0], 9) + "²", 8
        if name == "exp" and len(args) == 1:
            return f"exp({self.text(args[0])})", 9
        if name in ("mul", "add", "sub", "div") and len(args) == 2:
            kind = {"mul": ast.Mult, "add": ast.Add, "sub": ast.Sub, "div": ast.Div}[name]()
            return self._binary(ast.BinOp(args[0], kind, args[1]))
        return self._plain_call(n, name), 9

    def _plain_call(self, n: ast.Call, name: str) -> str:
        function = name.lstrip("_")
        if isinstance(n.func, ast.Attribute) and not self._namespace(n.func.value):
            function = f"{self.text(n.func.value, 9)}.{name}"
        elif not name:
            function = ast.unparse(n.func)
        args = [self.text(a) for a in n.args] + [
            f"{k.arg}={self.text(k.value)}" if k.arg else ast.unparse(k.value) for k in n.keywords
        ]
        return f"{function}({', '.join(args)})"

    def _namespace(self, n: ast.AST) -> bool:
        """Whether a name stands for a place where functions live (``F``, ``np``, ``kernels``), not for a value."""
        return isinstance(n, ast.Name) and n.id not in self.values
