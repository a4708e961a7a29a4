"""Adam for sparse gradients: only the rows that have a gradient move."""

from __future__ import annotations

import math

import numpy as np

from autograd_core import Tensor
from autograd_core.graph import wrote

from .optimizer import (
    Group,
    Optimizer,
    Params,
    State,
    Workspace,
    at_least,
    fraction,
    is_sparse,
    number,
    rows_of,
    zeros_for,
)


class SparseAdam(Optimizer):
    r"""Adam on the rows that a sparse gradient names (PyTorch's ``SparseAdam``), as ``Embedding(sparse=True)`` gives.

    Rows without a gradient keep their averages and their values; all rows share one step count.

    Parameters
    ----------
    params : iterable
        Dense parameters whose gradients are sparse.
    lr : float
    betas : (float, float)
    eps : float
        More than 0.
    maximize : bool
        Climb instead of descend.

    Raises
    ------
    ValueError
        If an option is out of its range, or a parameter is sparse or complex.
    RuntimeError
        In step, if a gradient is dense.
    """

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        maximize: bool = False,
    ) -> None:
        at_least("SparseAdam", "lr", lr, strict=True)
        at_least("SparseAdam", "eps", eps, strict=True)
        fraction("SparseAdam", "betas[0]", betas[0])
        fraction("SparseAdam", "betas[1]", betas[1])
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "maximize": maximize})
        for i, group in enumerate(self.param_groups):
            for k, p in enumerate(group["params"]):
                if is_sparse(p):
                    raise ValueError(
                        f"SparseAdam: parameter {k} of group {i} is sparse; parameters must be dense tensors."
                    )
                if p.array.dtype.kind == "c":
                    raise ValueError(
                        f"SparseAdam: parameter {k} of group {i} is complex; only real ones are supported."
                    )

    def _step_group(self, group: Group, work: Workspace) -> None:
        for p in group["params"]:
            if p.grad is None:
                continue
            if not is_sparse(p.grad):
                raise RuntimeError(
                    "SparseAdam: dense gradients are not supported; use Adam, or Embedding(sparse=True)."
                )
            state = self.state[p]
            if not state:
                state.update(step=0, exp_avg=zeros_for(p), exp_avg_sq=zeros_for(p))
            state["step"] += 1
            self._move_rows(p, state, group)
            wrote(p.array)

    def _move_rows(self, p: Tensor, state: State, group: Group) -> None:
        rows, g = rows_of(p.grad, group["maximize"])
        if g.size == 0:
            return
        (beta1, beta2), step = group["betas"], int(state["step"])
        average, square = state["exp_avg"].array, state["exp_avg_sq"].array
        m = average[rows]
        m += (1 - beta1) * (g - m)
        v = square[rows]
        v += (1 - beta2) * (g * g - v)
        average[rows], square[rows] = m, v
        size = number(group["lr"]) * math.sqrt(1 - beta2**step) / (1 - beta1**step)
        p.array[rows] -= size * m / (np.sqrt(v) + group["eps"])
