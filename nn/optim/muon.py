"""Muon: momentum made orthogonal, for the matrices of hidden layers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd_core import Tensor

from .formula import FormulaOptimizer
from .optimizer import Array, Group, Params, State, at_least, number, zeros_for


class Muon(FormulaOptimizer):
    r"""Muon: An optimizer for hidden layers in neural networks (Jordan, 2024; PyTorch's ``Muon``).

    ::

        b = momentum * b + (1 - momentum) * g
        u = (1 - momentum) * g + momentum * b  if nesterov  else  b
        p = p * (1 - lr * weight_decay) - lr * scale * orthogonalize(u)

    ``orthogonalize`` is ``ns_steps`` rounds of a quintic Newton-Schulz iteration, ``X = a X + (b A + c A A) X`` with
    ``A = X X^T``, from u / max(|u|, eps).  PyTorch rounds the iteration to bfloat16; here it keeps the parameter's
    precision, so steps agree with PyTorch's to bfloat16's three digits.

    Parameters
    ----------
    params : iterable
        Matrices: use another optimizer for biases, embeddings and heads.
    lr, weight_decay, momentum : float
    nesterov : bool
    ns_coefficients : (float, float, float)
    eps : float
    ns_steps : int
        Less than 100.
    adjust_lr_fn : {None, "original", "match_rms_adamw"}
        ``scale`` is ``sqrt(max(1, rows / columns))``, or ``0.2 * sqrt(max(rows, columns))``, with which learning rates
        tuned for AdamW fit.

    Raises
    ------
    ValueError
        If an option is out of its range, or a parameter is not 2-d.
    RuntimeError
        If a parameter is complex.
    """

    counts = False
    elementwise = False

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = (3.4445, -4.775, 2.0315),
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
    ) -> None:
        at_least("Muon", "lr", lr)
        at_least("Muon", "momentum", momentum)
        at_least("Muon", "weight_decay", weight_decay)
        if adjust_lr_fn not in (None, "original", "match_rms_adamw"):
            raise ValueError(
                f"Muon: adjust_lr_fn {adjust_lr_fn!r} is not supported; use 'original', 'match_rms_adamw' or None."
            )
        if ns_steps >= 100:
            raise ValueError(f"Muon: ns_steps must be less than 100 (5 are enough), got {ns_steps}.")
        if len(ns_coefficients) != 3:
            raise ValueError(f"Muon: ns_coefficients must be exactly 3 numbers, got {len(ns_coefficients)}.")
        defaults = {
            "lr": lr,
            "weight_decay": weight_decay,
            "momentum": momentum,
            "nesterov": nesterov,
            "ns_coefficients": ns_coefficients,
            "eps": eps,
            "ns_steps": ns_steps,
            "adjust_lr_fn": adjust_lr_fn,
        }
        super().__init__(params, defaults)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        super().add_param_group(param_group)
        for p in self.param_groups[-1]["params"]:
            if p.array.ndim != 2:
                self.param_groups.pop()
                raise ValueError(
                    f"Muon: only 2-d parameters are supported, got one of shape {p.array.shape}; "
                    "give biases and other parameters to an optimizer such as AdamW."
                )

    def _init_state(self, p: Tensor, state: State, group: Group) -> None:
        if p.array.dtype.kind == "c":
            raise RuntimeError(
                f"Muon: complex parameters are not supported, got {p.dtype.name} of shape {p.array.shape}."
            )
        state["momentum_buffer"] = zeros_for(p)

    def _formula(self, F: Any, p: Any, g: Any, s: dict[str, Any], h: Group, step: int) -> tuple[Any, dict[str, Any]]:
        lr, momentum = number(h["lr"]), h["momentum"]
        b = s["momentum_buffer"] + (1 - momentum) * (g - s["momentum_buffer"])
        u = g + momentum * (b - g) if h["nesterov"] else b
        rows, columns = p.shape
        if h["adjust_lr_fn"] == "match_rms_adamw":
            scale = 0.2 * math.sqrt(max(rows, columns))
        else:
            scale = math.sqrt(max(1, rows / columns)) if columns else 1.0
        u = orthogonalize(u, h["ns_coefficients"], h["ns_steps"], h["eps"])
        return p * (1 - lr * h["weight_decay"]) - lr * scale * u, {"momentum_buffer": b}


def orthogonalize(x: Array, coefficients: tuple[float, float, float], steps: int, eps: float) -> Array:
    """The matrix with the singular values of ``x`` brought close to 1 (Newton-Schulz, quintic)."""
    a, b, c = coefficients
    wide = x if x.shape[0] <= x.shape[1] else x.T
    wide = wide / max(float(np.linalg.norm(wide)), eps)
    for _ in range(steps):
        gram = wide @ wide.T
        wide = a * wide + (b * gram + c * (gram @ gram)) @ wide
    return wide if x.shape[0] <= x.shape[1] else wide.T
