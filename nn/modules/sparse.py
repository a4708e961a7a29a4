"""Look-up tables: ``Embedding`` and ``EmbeddingBag``."""

from __future__ import annotations

from typing import Any, Self

import autograd_core as ac
from autograd_core import Tensor, errors

from .. import functional as F
from .. import init
from ..module import Module
from ..parameter import Parameter
from .sizes import positive

__all__ = ["Embedding", "EmbeddingBag"]


def _padding_row(name: str, padding_idx: int | None, rows: int) -> int | None:
    """``padding_idx`` counted from the start, checked."""
    if padding_idx is None:
        return None
    if not -rows <= padding_idx < rows:
        raise ValueError(f"{name}: padding_idx={padding_idx} is outside the {rows} rows of the table.")
    return padding_idx if padding_idx >= 0 else rows + padding_idx


class _Table(Module):
    """A weight of one row per index."""

    weight: Tensor
    padding_idx: int | None

    def _make_weight(self, weight: Tensor | None, freeze: bool, device: Any, dtype: Any) -> None:
        shape = (self.num_embeddings, self.embedding_dim)
        if weight is None:
            self.weight = Parameter(ac.empty(shape, device=device, dtype=dtype), requires_grad=not freeze)
            self.reset_parameters()
        else:
            if tuple(weight.shape) != shape:
                raise errors.ShapeError(
                    f"{type(self).__name__}: the given weight has shape {tuple(weight.shape)}, but num_embeddings and "
                    f"embedding_dim are {shape}."
                )
            self.weight = Parameter(weight, requires_grad=not freeze)

    def reset_parameters(self) -> None:
        """Draw new rows from N(0, 1); the padding row is 0."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            init.zeros_(self.weight.detach()[self.padding_idx])  # type: ignore[index]


class Embedding(_Table):
    """Row ``input[i]`` of a learned table, for every index.

    Parameters
    ----------
    num_embeddings, embedding_dim : int
        Rows and columns of the table.
    padding_idx : int, optional
        A row that gets no gradient and starts at 0.
    max_norm : float, optional
        Rows that are looked up are first scaled down to this norm, in place.
    norm_type : float
        p of that norm.
    scale_grad_by_freq : bool
        Divide a row's gradient by how often its index is in the batch.
    sparse : bool
        Whether the gradient is a sparse tensor.

    Attributes
    ----------
    weight : (num_embeddings, embedding_dim), from N(0, 1)

    Raises
    ------
    IndexError
        If an index is not a row of the table.

    Examples
    --------
    >>> import autograd_core as torch, nn
    >>> nn.Embedding(10, 3)(torch.tensor([[1, 2], [4, 9]])).shape
    Size([2, 2, 3])

    Notes
    -----
    Source: PyTorch, page "Embedding".
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
        _weight: Tensor | None = None,
        _freeze: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.num_embeddings = positive("Embedding", "num_embeddings", num_embeddings, zero=True)
        self.embedding_dim = positive("Embedding", "embedding_dim", embedding_dim, zero=True)
        self.padding_idx = _padding_row("Embedding", padding_idx, num_embeddings)
        self.max_norm, self.norm_type = max_norm, norm_type
        self.scale_grad_by_freq, self.sparse = scale_grad_by_freq, sparse
        self._make_weight(_weight, _freeze, device, dtype)

    def forward(self, input: Tensor) -> Tensor:
        return F.embedding(
            input, self.weight, self.padding_idx, self.max_norm, self.norm_type, self.scale_grad_by_freq, self.sparse
        )

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Tensor,
        freeze: bool = True,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
    ) -> Self:
        """An embedding with a given table (rows, columns), not learned unless ``freeze=False``."""
        if embeddings.ndim != 2:
            raise errors.ShapeError(
                f"Embedding.from_pretrained: expected a 2-d table, got shape {tuple(embeddings.shape)}."
            )
        rows, cols = embeddings.shape
        return cls(
            rows, cols, padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse, _weight=embeddings, _freeze=freeze
        )

    def extra_repr(self) -> str:
        s = f"{self.num_embeddings}, {self.embedding_dim}"
        if self.padding_idx is not None:
            s += f", padding_idx={self.padding_idx}"
        if self.max_norm is not None:
            s += f", max_norm={self.max_norm}"
        if self.norm_type != 2:
            s += f", norm_type={self.norm_type}"
        if self.scale_grad_by_freq:
            s += f", scale_grad_by_freq={self.scale_grad_by_freq}"
        if self.sparse:
            s += ", sparse=True"
        return s


class EmbeddingBag(_Table):
    """Sum, mean or maximum of the rows of each bag of indices, without the rows in between.

    Parameters
    ----------
    num_embeddings, embedding_dim : int
        Rows and columns of the table.
    mode : {"sum", "mean", "max"}
        How a bag's rows are brought together.
    include_last_offset : bool
        Whether ``offsets`` has a last element that says where the last bag ends.
    padding_idx : int, optional
        An index that does not count and gets no gradient.
    max_norm, norm_type, scale_grad_by_freq, sparse
        As in :class:`Embedding`.

    Examples
    --------
    >>> import autograd_core as torch, nn
    >>> bag = nn.EmbeddingBag(10, 3, mode="sum")
    >>> bag(torch.tensor([1, 2, 4, 5]), torch.tensor([0, 3])).shape
    Size([2, 3])
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        _weight: Tensor | None = None,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.num_embeddings = positive("EmbeddingBag", "num_embeddings", num_embeddings, zero=True)
        self.embedding_dim = positive("EmbeddingBag", "embedding_dim", embedding_dim, zero=True)
        if mode not in ("sum", "mean", "max"):
            raise ValueError(f"EmbeddingBag: mode must be 'sum', 'mean' or 'max', got {mode!r}.")
        self.max_norm, self.norm_type, self.scale_grad_by_freq = max_norm, norm_type, scale_grad_by_freq
        self.mode, self.sparse, self.include_last_offset = mode, sparse, include_last_offset
        self.padding_idx = _padding_row("EmbeddingBag", padding_idx, num_embeddings)
        self._make_weight(_weight, False, device, dtype)

    def forward(self, input: Tensor, offsets: Tensor | None = None, per_sample_weights: Tensor | None = None) -> Tensor:
        return F.embedding_bag(
            input, self.weight, offsets, self.max_norm, self.norm_type, self.scale_grad_by_freq, self.mode, self.sparse,
            per_sample_weights, self.include_last_offset, self.padding_idx,
        )  # fmt: skip

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Tensor,
        freeze: bool = True,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
    ) -> Self:
        """A bag with a given table (rows, columns), not learned unless ``freeze=False``."""
        if embeddings.ndim != 2:
            raise errors.ShapeError(
                f"EmbeddingBag.from_pretrained: expected a 2-d table, got shape {tuple(embeddings.shape)}."
            )
        rows, cols = embeddings.shape
        bag = cls(
            rows,
            cols,
            max_norm,
            norm_type,
            scale_grad_by_freq,
            mode,
            sparse,
            embeddings,
            include_last_offset,
            padding_idx,
        )
        bag.weight.requires_grad_(not freeze)
        return bag

    def extra_repr(self) -> str:
        s = f"{self.num_embeddings}, {self.embedding_dim}"
        if self.max_norm is not None:
            s += f", max_norm={self.max_norm}"
        if self.norm_type != 2:
            s += f", norm_type={self.norm_type}"
        if self.scale_grad_by_freq:
            s += f", scale_grad_by_freq={self.scale_grad_by_freq}"
        s += f", mode={self.mode!r}"
        if self.padding_idx is not None:
            s += f", padding_idx={self.padding_idx}"
        return s
