"""How large the gradient arrives at each parameter, and a verdict in words."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import svg
from .words import number, plural


@dataclass(slots=True)
class Row:
    """One parameter: norms of gradient and weight, their ratio, and the root mean square of the gradient."""

    name: str
    shape: tuple[int, ...]
    grad: float | None
    weight: float
    rms: float | None
    zeros: float = 0.0
    bad: int = 0

    @property
    def ratio(self) -> float | None:
        """Gradient norm over weight norm: how large a plain step would be, relative to the weight."""
        return None if self.grad is None or not self.weight else self.grad / self.weight


class GradientFlow:
    """The gradients of a model after one backward; prints as a table with a verdict, ``svg()`` draws it.

    Attributes
    ----------
    rows : list of Row, in the order of ``named_parameters()``
    verdict : str
    """

    #: A gradient this much smaller (or larger) at one end than at the other is called vanishing (exploding).
    FACTOR = 100.0

    def __init__(self, rows: list[Row]) -> None:
        self.rows = rows
        self.verdict = self._verdict()

    def _verdict(self) -> str:
        got = [r for r in self.rows if r.grad is not None]
        if not got:
            return "No parameter has a gradient: call backward() before gradient_flow()."
        out = []
        if bad := [r for r in got if r.bad]:
            out.append(
                f"NaN or infinity in the gradient of {_names(bad)}: run the step under debug.detect_anomaly() to see"
                " where it began."
            )
        if missing := [r for r in self.rows if r.grad is None]:
            out.append(
                f"No gradient reached {_names(missing)}: the loss does not depend on"
                f" {'it' if len(missing) == 1 else 'them'}, or the way was cut by detach() or no_grad()."
            )
        if zero := [r for r in got if r.grad == 0 and not r.bad]:
            out.append(
                f"The gradient of {_names(zero)} is exactly zero: dead units, a saturated function or a mask that"
                " covers everything."
            )
        ends = [r for r in got if r.rms and not r.bad and len(r.shape) > 1] or [r for r in got if r.rms and not r.bad]
        if len(ends) >= 2:
            k = max(1, len(ends) // 4)
            early, late = _middle(ends[:k]), _middle(ends[-k:])
            steps = max(1, len(ends) - 1)
            if early * self.FACTOR < late:
                out.append(
                    f"Gradients vanish towards the input: from {number(late)} an element at {ends[-1].name} to"
                    f" {number(early)} at {ends[0].name}, a factor of {(late / early) ** (1 / steps):.2g} a layer. Try"
                    " another activation or initialisation, normalisation, or residual connections."
                )
            elif late * self.FACTOR < early:
                out.append(
                    f"Gradients explode towards the input: from {number(late)} an element at {ends[-1].name} to"
                    f" {number(early)} at {ends[0].name}, a factor of {(early / late) ** (1 / steps):.2g} a layer. Try"
                    " a smaller initialisation, normalisation, or clip_grad_norm_()."
                )
        if large := [r for r in got if r.ratio is not None and not r.bad and r.ratio > 1e3]:
            out.append(
                f"The gradient of {_names(large)} is more than 1,000 times the weight: a step at a usual learning rate"
                " will overshoot."
            )
        if not out:
            low, high = min(r.rms or 0 for r in ends) if ends else 0.0, max(r.rms or 0 for r in ends) if ends else 0.0
            return f"Healthy: {number(low)} to {number(high)} an element across {plural(len(got), 'parameter')}."
        return "\n".join(out)

    def text(self) -> str:
        """The table and the verdict."""
        width = max([len(r.name) for r in self.rows] + [9])
        lines = [f"{'parameter':<{width}}  {'gradient':>10}  {'weight':>10}  {'ratio':>10}  {'per element':>11}"]
        for r in self.rows:
            mark = (
                f"  {plural(r.bad, 'element')} NaN or infinite"
                if r.bad
                else f"  {100 * r.zeros:.0f} % zeros"
                if r.zeros > 0.5
                else ""
            )
            lines.append(
                f"{r.name:<{width}}  {number(r.grad):>10}  {number(r.weight):>10}  {number(r.ratio):>10} "
                f" {number(r.rms):>11}{mark}"
            )
        return "\n".join([*lines, "", self.verdict])

    def svg(self) -> str:
        """Bars of the gradient's root mean square, on a scale of decades."""
        return _bars(self.rows, self.verdict)

    def _repr_html_(self) -> str:
        return self.svg()

    def __str__(self) -> str:
        return self.text()


class GradientHistory:
    """Gradients over steps: call it after each backward, then print or draw.

    Examples
    --------
    >>> history = viz.GradientHistory(model)                                  # doctest: +SKIP
    >>> for x, y in loader:                                                   # doctest: +SKIP
    ...     loss(model(x), y).backward(); history.step(); optimizer.step(); optimizer.zero_grad()
    >>> open("gradients.svg", "w").write(history.svg())                       # doctest: +SKIP
    """

    def __init__(self, model: Any) -> None:
        self.model = model
        self.flows: list[GradientFlow] = []

    def step(self) -> GradientFlow:
        """Take the gradients as they are now."""
        self.flows.append(gradient_flow(self.model))
        return self.flows[-1]

    def text(self) -> str:
        """The last verdict, and how the gradients moved since the first step."""
        if not self.flows:
            return "no steps yet: call step() after each backward()"
        first, last = self.flows[0].rows, self.flows[-1].rows
        width = max(len(r.name) for r in last)
        lines = [f"{'parameter':<{width}}  {'first step':>10}  {'last step':>10}"]
        lines += [
            f"{b.name:<{width}}  {number(a.rms):>10}  {number(b.rms):>10}" for a, b in zip(first, last, strict=False)
        ]
        return "\n".join([*lines, "", self.flows[-1].verdict])

    def svg(self) -> str:
        """A heat map: one row a parameter, one column a step."""
        rows = [r.name for r in self.flows[-1].rows] if self.flows else []
        left, top, cell = 230, 46, 16
        steps = len(self.flows)
        step = min(14.0, 640 / max(steps, 1))
        W, H = left + steps * step + 30, top + cell * len(rows) + 50
        values = [r.rms for f in self.flows for r in f.rows if r.rms]
        middle = float(np.median(np.log10(values))) if values else 0.0
        parts = [svg.label(14, 24, "Gradient per element (root mean square), by step", "title")]
        for i, name in enumerate(rows):
            parts.append(svg.label(left - 8, top + i * cell + 12, svg.clip(name, 32), "soft", "end"))
            for j, f in enumerate(self.flows):
                r = f.rows[i] if i < len(f.rows) else None
                x = None if r is None or r.rms is None else math.inf if r.bad else r.rms
                parts.append(
                    svg.rect(
                        left + j * step,
                        top + i * cell,
                        step - (0.6 if step > 3 else 0),
                        cell - 1,
                        svg.decade_colour(x, middle),
                        f"{name}, step {j + 1}: {number(None if r is None else r.rms)}",
                    )
                )
        y = top + cell * len(rows) + 18
        for k in range(9):
            parts.append(svg.rect(left + k * 22, y, 22, 10, svg.decade_colour(10 ** (middle - 4 + k), middle)))
        parts += [
            svg.label(left - 8, y + 10, number(10 ** (middle - 4)), "soft", "end"),
            svg.label(left + 206, y + 10, number(10 ** (middle + 4)), "soft"),
        ]
        return svg.document(max(W, 480), H, parts, "gradient history")

    def _repr_html_(self) -> str:
        return self.svg()

    def __str__(self) -> str:
        return self.text()


def gradient_flow(model: Any) -> GradientFlow:
    """Describe the gradients of a model's parameters after ``backward()``.

    Parameters
    ----------
    model : an ``nn.Module``, or an iterable of ``(name, tensor)`` pairs.

    Returns
    -------
    GradientFlow
        Prints as a table (gradient norm, weight norm, ratio, root mean square of an element) with a verdict in words
        when gradients vanish, explode, are zero, NaN or missing.

    Examples
    --------
    >>> loss.backward(); print(viz.gradient_flow(model))                      # doctest: +SKIP
    """
    pairs = list(model.named_parameters() if hasattr(model, "named_parameters") else model)
    if not pairs:
        raise ValueError("viz.gradient_flow: the model has no parameters; give an nn.Module or (name, tensor) pairs.")
    rows = []
    for name, p in pairs:
        w = np.asarray(p.array, dtype=np.float64)
        grad = p.grad
        if grad is None:
            rows.append(Row(name, tuple(w.shape), None, float(np.linalg.norm(w)), None))
            continue
        g = np.abs(grad.array).astype(np.float64).ravel()
        finite = np.isfinite(g)
        bad = int(g.size - finite.sum())
        g = g[finite]
        norm = _norm(g)
        rows.append(
            Row(
                name,
                tuple(w.shape),
                norm,
                _norm(w.ravel()[np.isfinite(w.ravel())]),
                norm / math.sqrt(max(g.size, 1)),
                float((g == 0).mean()) if g.size else 0.0,
                bad,
            )
        )
    return GradientFlow(rows)


def _norm(a: Any) -> float:
    """The Euclidean norm, safe against overflow of the squares."""
    top = float(np.abs(a).max()) if a.size else 0.0
    return top * float(np.linalg.norm(a / top)) if top > 0 else 0.0


def _middle(rows: list[Row]) -> float:
    return float(np.exp(np.mean([math.log(r.rms) for r in rows if r.rms])))


def _names(rows: list[Row], limit: int = 4) -> str:
    names = ", ".join(r.name for r in rows[:limit])
    return names + (f" and {len(rows) - limit} more" if len(rows) > limit else "")


def _bars(rows: list[Row], verdict: str) -> str:
    left, top, bar, W = 230, 46, 18, 760
    words = [w for line in verdict.split("\n") for w in _wrap(line, 104)]
    H = top + bar * len(rows) + 34 + 16 * len(words)
    values = [math.log10(r.rms) for r in rows if r.rms]
    low, high = (math.floor(min(values)), math.ceil(max(values))) if values else (-1, 0)
    low, high = (low - 1, high) if low == high else (low, high)
    scale = (W - left - 80) / (high - low)
    middle = float(np.median(values)) if values else 0.0
    parts = [svg.label(14, 24, "Gradient per element (root mean square), from input to output", "title")]
    step = max(1, (high - low) // 10)
    for d in range(low, high + 1, step):
        x = left + (d - low) * scale
        parts += [
            svg.line(x, top, x, top + bar * len(rows)),
            svg.label(x, top + bar * len(rows) + 15, f"1e{d}", "soft", "middle"),
        ]
    for i, r in enumerate(rows):
        y = top + i * bar
        parts.append(svg.label(left - 8, y + 13, svg.clip(r.name, 32), "soft", "end"))
        if r.rms:
            w = max(2.0, (math.log10(r.rms) - low) * scale)
            parts += [
                svg.rect(
                    left,
                    y + 2,
                    w,
                    bar - 5,
                    svg.decade_colour(math.inf if r.bad else r.rms, middle),
                    f"{r.name}: {number(r.rms)}",
                ),
                svg.label(left + w + 6, y + 13, number(r.rms), "soft"),
            ]
        else:
            parts.append(svg.label(left + 4, y + 13, "zero" if r.grad is not None else "no gradient", "soft"))
    parts += [svg.label(14, top + bar * len(rows) + 34 + 16 * i, line) for i, line in enumerate(words)]
    return svg.document(W, H + 6, parts, "gradient flow")


def _wrap(text: str, width: int) -> list[str]:
    import textwrap

    return textwrap.wrap(text, width) or [""]
