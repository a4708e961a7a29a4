"""``MultiheadAttention``."""

from __future__ import annotations

from typing import Any

import autograd_core as ac
from autograd_core import Tensor

from .. import functional as F
from .. import init
from ..module import Module
from ..parameter import Parameter
from .linear import NonDynamicallyQuantizableLinear
from .sizes import positive, probability

__all__ = ["MultiheadAttention"]


class MultiheadAttention(Module):
    """Attention in several heads: concat(softmax(Q_i K_i^T / sqrt(d) + mask) V_i) W_out.

    Parameters
    ----------
    embed_dim, num_heads : int
        Features, and into how many heads they are split; the second must divide the first.
    dropout : float
        Dropout of the attention weights, in training.
    bias : bool
        Whether the projections have biases.
    add_bias_kv : bool
        Append a learned element to keys and values.
    add_zero_attn : bool
        Append a zero to keys and values.
    kdim, vdim : int, optional
        Features of keys and values (``embed_dim`` unless given).
    batch_first : bool
        Whether batches are (N, L, E) instead of (L, N, E).

    Raises
    ------
    RuntimeError
        If the inputs' sizes do not fit each other or the masks.

    Examples
    --------
    >>> import autograd_core as torch, nn
    >>> attention = nn.MultiheadAttention(8, 2, batch_first=True)
    >>> x = torch.zeros(4, 5, 8)
    >>> y, weights = attention(x, x, x)
    >>> y.shape, weights.shape
    (Size([4, 5, 8]), Size([4, 5, 5]))

    Notes
    -----
    Source: Vaswani et al. 2017; PyTorch, page "MultiheadAttention".
    """

    in_proj_weight: Tensor | None
    in_proj_bias: Tensor | None
    q_proj_weight: Tensor | None
    k_proj_weight: Tensor | None
    v_proj_weight: Tensor | None
    bias_k: Tensor | None
    bias_v: Tensor | None

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.embed_dim = positive("MultiheadAttention", "embed_dim", embed_dim)
        self.kdim = embed_dim if kdim is None else kdim
        self.vdim = embed_dim if vdim is None else vdim
        self._qkv_same_embed_dim = self.kdim == embed_dim and self.vdim == embed_dim
        self.num_heads = positive("MultiheadAttention", "num_heads", num_heads)
        self.dropout = probability("MultiheadAttention", dropout)
        self.batch_first = batch_first
        self.head_dim = embed_dim // num_heads
        if self.head_dim * num_heads != embed_dim:
            raise ValueError(f"MultiheadAttention: embed_dim={embed_dim} must be divisible by num_heads={num_heads}.")
        shapes: dict[str, tuple[int, ...] | None] = dict.fromkeys(
            ("q_proj_weight", "k_proj_weight", "v_proj_weight", "in_proj_weight")
        )
        if self._qkv_same_embed_dim:
            shapes["in_proj_weight"] = (3 * embed_dim, embed_dim)
        else:
            shapes |= {
                "q_proj_weight": (embed_dim, embed_dim),
                "k_proj_weight": (embed_dim, self.kdim),
                "v_proj_weight": (embed_dim, self.vdim),
            }
        shapes["in_proj_bias"] = (3 * embed_dim,) if bias else None
        for name, shape in shapes.items():
            self.register_parameter(
                name, None if shape is None else Parameter(ac.empty(shape, device=device, dtype=dtype))
            )
        self.out_proj = NonDynamicallyQuantizableLinear(embed_dim, embed_dim, bias=bias, device=device, dtype=dtype)
        for name in ("bias_k", "bias_v"):
            values = Parameter(ac.empty((1, 1, embed_dim), device=device, dtype=dtype)) if add_bias_kv else None
            self.register_parameter(name, values)
        self.add_zero_attn = add_zero_attn
        self._reset_parameters()

    def _reset_parameters(self) -> None:
        for w in (self.in_proj_weight, self.q_proj_weight, self.k_proj_weight, self.v_proj_weight):
            if w is not None:
                init.xavier_uniform_(w)
        if self.in_proj_bias is not None:
            init.zeros_(self.in_proj_bias)
            init.zeros_(self.out_proj.bias)  # type: ignore[arg-type]
        for b in (self.bias_k, self.bias_v):
            if b is not None:
                init.xavier_normal_(b)

    def forward(
        self,
        query: Any,
        key: Any,
        value: Any,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """Attend.

        Parameters
        ----------
        query, key, value : Tensor
            (L, N, E), (S, N, kdim), (S, N, vdim); with ``batch_first`` the first two exchanged; or without N.
        key_padding_mask : Tensor (N, S), optional
            True (or a number to add, such as minus infinity) where a key is to be ignored.
        need_weights : bool
            Whether to return the attention weights too; without them the fused kernel is used.
        attn_mask : Tensor (L, S) or (N * num_heads, L, S), optional
            True (or a number to add) where attention is not allowed.
        average_attn_weights : bool
            Return the mean over heads, or each head's weights.
        is_causal : bool
            Says that ``attn_mask`` is the causal mask.

        Returns
        -------
        tuple
            The output, of the query's shape, and the weights (N, L, S) or None.
        """
        batched = query.ndim == 3
        if self.batch_first and batched:
            query, key, value = (t.transpose(0, 1) if t.ndim == 3 else t for t in (query, key, value))
        output, weights = F.multi_head_attention_forward(
            query, key, value, self.embed_dim, self.num_heads, self.in_proj_weight, self.in_proj_bias, self.bias_k,
            self.bias_v,
            self.add_zero_attn, self.dropout, self.out_proj.weight, self.out_proj.bias, training=self.training,
            key_padding_mask=key_padding_mask, need_weights=need_weights, attn_mask=attn_mask,
            use_separate_proj_weight=not self._qkv_same_embed_dim, q_proj_weight=self.q_proj_weight,
            k_proj_weight=self.k_proj_weight, v_proj_weight=self.v_proj_weight,
            average_attn_weights=average_attn_weights,
            is_causal=is_causal,
        )  # fmt: skip
        if self.batch_first and batched:
            output = output.transpose(0, 1)  # type: ignore[attr-defined]
        return output, weights
