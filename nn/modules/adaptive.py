"""``AdaptiveLogSoftmaxWithLoss``: an output layer for many classes of very uneven frequency."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import autograd_core as ac
from autograd_core import Tensor, errors

from .. import functional as F
from ..module import Module
from .container import ModuleList, Sequential
from .linear import Linear

__all__ = ["AdaptiveLogSoftmaxWithLoss"]


class _ASMoutput(NamedTuple):
    output: Tensor
    loss: Tensor


class AdaptiveLogSoftmaxWithLoss(Module):
    """Frequent classes in a head, rare ones in clusters with smaller projections (Grave et al. 2016).

    Parameters
    ----------
    in_features, n_classes : int
        Size of the input's last dimension; number of classes, ordered by frequency.
    cutoffs : sequence of int
        Where the head ends and where each cluster but the last ends.
    div_value : float
        By how much each next cluster's projection is smaller.
    head_bias : bool
        Whether the head has a bias.

    Returns
    -------
    named tuple
        ``output``: log-probability of each target; ``loss``: minus their mean.
    """

    def __init__(
        self,
        in_features: int,
        n_classes: int,
        cutoffs: Sequence[int],
        div_value: float = 4.0,
        head_bias: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        cuts = list(cutoffs)
        if (
            not cuts
            or cuts != sorted(set(cuts))
            or cuts[0] <= 0
            or cuts[-1] > n_classes - 1
            or any(int(c) != c for c in cuts)
        ):
            raise ValueError(
                "AdaptiveLogSoftmaxWithLoss: cutoffs must be a sequence of unique, positive integers in "
                "increasing order, "
                f"each between 1 and n_classes-1={n_classes - 1}, got {cuts}."
            )
        self.in_features, self.n_classes = in_features, n_classes
        self.cutoffs = [*cuts, n_classes]
        self.div_value, self.head_bias = div_value, head_bias
        self.shortlist_size = cuts[0]
        self.n_clusters = len(cuts)
        self.head_size = self.shortlist_size + self.n_clusters
        new = {"device": device, "dtype": dtype}
        self.head = Linear(in_features, self.head_size, bias=head_bias, **new)
        self.tail = ModuleList()
        for i in range(self.n_clusters):
            inner = int(in_features // (div_value ** (i + 1)))
            outer = self.cutoffs[i + 1] - self.cutoffs[i]
            self.tail.append(
                Sequential(Linear(in_features, inner, bias=False, **new), Linear(inner, outer, bias=False, **new))
            )

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        self.head.reset_parameters()
        for first, second in self.tail:
            first.reset_parameters()
            second.reset_parameters()

    def forward(self, input_: Tensor, target_: Tensor) -> _ASMoutput:
        batched = target_.ndim == 1
        if target_.ndim > 1 or input_.ndim != target_.ndim + 1 or (batched and len(input_) != len(target_)):
            raise errors.ShapeError(
                "AdaptiveLogSoftmaxWithLoss: expected input (N, in_features) with target (N,), or (in_features,) "
                "with (), "
                f"got {tuple(input_.shape)} and {tuple(target_.shape)}."
            )
        x: Any = input_ if batched else input_.unsqueeze(0)  # type: ignore[attr-defined]
        target: Any = target_ if batched else target_.unsqueeze(0)  # type: ignore[attr-defined]
        values = target.array
        if values.size and (values.min() < 0 or values.max() >= self.n_classes):
            raise RuntimeError(
                f"AdaptiveLogSoftmaxWithLoss: target values must be in [0, {self.n_classes - 1}], "
                f"found [{values.min()}, {values.max()}]."
            )
        head: Any = F.log_softmax(self.head(x), dim=1)
        output = x.new_zeros(len(target))
        column = target.clone()
        for i in range(self.n_clusters):
            rows = ((target >= self.cutoffs[i]) & (target < self.cutoffs[i + 1])).nonzero()[:, 0]
            if len(rows):
                column[rows] = self.shortlist_size + i
                inside: Any = F.log_softmax(self.tail[i](x[rows]), dim=1)
                relative = target[rows] - self.cutoffs[i]
                output = output.scatter_add(0, rows, inside.gather(1, relative.unsqueeze(1)).squeeze(1))
        output = output + head.gather(1, column.unsqueeze(1)).squeeze(1)
        loss = (-output).mean()
        return _ASMoutput(output if batched else output.squeeze(0), loss)

    def _full(self, x: Tensor, head_output: Tensor) -> Tensor:
        head: Any = F.log_softmax(head_output, dim=1)
        parts = [head[:, : self.shortlist_size]]
        for i in range(self.n_clusters):
            inside: Any = F.log_softmax(self.tail[i](x), dim=1)
            parts.append(inside + head[:, self.shortlist_size + i].unsqueeze(1))
        return ac.cat(parts, dim=1)  # type: ignore[attr-defined,no-any-return]

    def log_prob(self, input: Tensor) -> Tensor:
        """Log-probabilities (N, n_classes) of all classes."""
        return self._full(input, self.head(input))

    def predict(self, input: Tensor) -> Tensor:
        """The most probable class (N,) of each sample."""
        return self.log_prob(input).argmax(dim=1)  # type: ignore[attr-defined,no-any-return]
