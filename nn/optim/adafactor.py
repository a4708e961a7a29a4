"""Adafactor: second moments of matrices kept as a row and a column."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_core import Tensor
from autograd_core.tensor import wrap

from .formula import FormulaOptimizer
from .optimizer import Group, Params, State, at_least, new_step, number, zeros_for


class Adafactor(FormulaOptimizer):
    r"""Adaptive Learning Rates with Sublinear Memory Cost (Shazeer and Stern, 2018; PyTorch's ``Adafactor``).

    With ``b = t^beta2_decay``, ``rho = min(lr, 1 / sqrt(t))`` and RMS the root mean square over a parameter::

        p = p * (1 - lr * weight_decay)
        R = R + b * (mean over columns of g*g - R),  C = C + b * (mean over rows of g*g - C)
        V = R C / max(mean of R, eps1)               (for vectors V = V + b * (g*g - V))
        U = g / sqrt(max(V, eps1^2))
        p = p - max(eps2, RMS(p)) * rho * U / max(1, RMS(U) / d)

    Parameters
    ----------
    params : iterable
        Parameters, groups, or named parameters.
    lr : float
        The largest relative step, and the weight decay's factor.
    beta2_decay : float
        At most 0.
    eps : (float or None, float)
        ``eps1`` (None: the dtype's machine epsilon) and ``eps2``.
    d : float
        Updates whose RMS exceeds it are scaled down.
    weight_decay : float
    foreach : bool, optional
        Accepted without effect.
    maximize : bool
        Climb instead of descend.

    Raises
    ------
    ValueError
        If an option is out of its range.
    RuntimeError
        If a parameter is complex.
    """

    elementwise = False

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-2,
        beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3),
        d: float = 1.0,
        weight_decay: float = 0.0,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
    ) -> None:
        at_least("Adafactor", "lr", lr)
        if not beta2_decay <= 0:
            raise ValueError(f"Adafactor: invalid beta2_decay: must be at most 0, got {beta2_decay}.")
        if eps[0] is not None:
            at_least("Adafactor", "eps[0]", eps[0])
        at_least("Adafactor", "eps[1]", eps[1])
        at_least("Adafactor", "d", d, 1.0)
        at_least("Adafactor", "weight_decay", weight_decay)
        defaults = {
            "lr": lr,
            "beta2_decay": beta2_decay,
            "eps": eps,
            "d": d,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
        }
        super().__init__(params, defaults)

    def _init_state(self, p: Tensor, state: State, group: Group) -> None:
        a = p.array
        if a.dtype.kind == "c":
            raise RuntimeError(
                f"Adafactor: complex parameters are not supported, got {p.dtype.name} of shape {a.shape}."
            )
        state["step"] = new_step()
        if a.ndim > 1:
            state["row_var"] = wrap(np.zeros((*a.shape[:-1], 1), a.dtype))
            state["col_var"] = wrap(np.zeros((*a.shape[:-2], 1, a.shape[-1]), a.dtype))
        else:
            state["variance"] = zeros_for(p)

    def _formula(self, F: Any, p: Any, g: Any, s: dict[str, Any], h: Group, step: int) -> tuple[Any, dict[str, Any]]:
        if p.size == 0:
            return p, {}
        lr, (eps1, eps2) = number(h["lr"]), h["eps"]
        eps1 = float(np.finfo(p.dtype).eps) if eps1 is None else eps1
        b = float(step) ** h["beta2_decay"]
        alpha = max(eps2, _rms(p)) * min(lr, step**-0.5)
        if h["weight_decay"] != 0:
            p = p * (1 - lr * h["weight_decay"])
        square = g * g
        changed: dict[str, Any]
        if g.ndim > 1:
            row = s["row_var"] + b * (square.mean(axis=-1, keepdims=True) - s["row_var"])
            column = s["col_var"] + b * (square.mean(axis=-2, keepdims=True) - s["col_var"])
            variance = row @ column / np.maximum(row.mean(axis=-2, keepdims=True), eps1)
            changed = {"row_var": row, "col_var": column}
        else:
            variance = s["variance"] + b * (square - s["variance"])
            changed = {"variance": variance}
        update = g / np.sqrt(np.maximum(variance, eps1 * eps1))
        return p - alpha / max(1.0, _rms(update) / h["d"]) * update, changed


def _rms(x: Any) -> float:
    """The root mean square."""
    return float(np.linalg.norm(np.ravel(x))) / float(np.size(x)) ** 0.5
