"""Attention with several heads, from projections to output (``torch.nn.functional.multi_head_attention_forward``)."""

from __future__ import annotations

import math
from typing import Any

import autograd_core as ac
from autograd_core import Tensor
from autograd_core.ops.activation import softmax
from autograd_core.ops.attention import scaled_dot_product_attention
from autograd_core.ops.checks import floating, tensor
from autograd_core.ops.dropout import dropout
from autograd_core.ops.linear import linear
from autograd_core.ops.padding import pad

NAME = "multi_head_attention_forward"


def _shapes(query: Tensor, key: Tensor, value: Tensor, padding: Tensor | None, mask: Tensor | None, heads: int) -> bool:
    """Check the ranks; returns whether there is a batch dimension."""
    q, k, v = (tuple(x.shape) for x in (query, key, value))
    if len(q) not in (2, 3):
        raise RuntimeError(f"{NAME}: query must be (length, embed) or (length, batch, embed), got shape {q}.")
    if len(k) != len(q) or len(v) != len(q):
        raise RuntimeError(
            f"{NAME}: expected key and value to have {len(q)} dimensions as the query {q}, got {k} and {v}."
        )
    whole = len(q) == 3
    if padding is not None and padding.ndim != (2 if whole else 1):
        raise RuntimeError(
            f"{NAME}: expected key_padding_mask to have {2 if whole else 1} dimensions, got shape "
            f"{tuple(padding.shape)}."
        )
    if mask is not None:
        if mask.ndim not in (2, 3):
            raise RuntimeError(f"{NAME}: attn_mask must be 2-d or 3-d, got shape {tuple(mask.shape)}.")
        if mask.ndim == 3 and not whole and tuple(mask.shape) != (heads, q[0], k[0]):
            raise RuntimeError(f"{NAME}: expected attn_mask of shape {(heads, q[0], k[0])}, got {tuple(mask.shape)}.")
    return whole


def _additive(mask: Tensor | None, dtype: Any, what: str) -> Tensor | None:
    """A mask as numbers to add: bool masks are True where attention is forbidden."""
    if mask is None:
        return None
    m = tensor(NAME, mask, what)
    if m.dtype is ac.bool:
        return ac.zeros(tuple(m.shape), dtype=dtype).masked_fill(m, -math.inf)
    if not m.dtype.is_floating_point:
        raise AssertionError(f"{NAME}: only bool and floating types of {what} are supported, got {m.dtype.name}.")
    return m


def _project(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    embed: int,
    in_weight: Tensor | None,
    in_bias: Tensor | None,
    separate: bool,
    weights: tuple[Any, ...],
) -> tuple[Tensor, ...]:
    """The three input projections; one product for all where the inputs are the same tensor."""
    if separate:
        for what, w in zip(("q_proj_weight", "k_proj_weight", "v_proj_weight"), weights, strict=True):
            if w is None:
                raise AssertionError(f"{NAME}: use_separate_proj_weight is True but {what} is None.")
        biases = (None, None, None) if in_bias is None else in_bias.chunk(3)
        return tuple(linear(x, w, b) for x, w, b in zip((q, k, v), weights, biases, strict=True))
    if in_weight is None:
        raise AssertionError(f"{NAME}: use_separate_proj_weight is False but in_proj_weight is None.")
    if k is v and q is k:
        return tuple(linear(q, in_weight, in_bias).chunk(3, -1))
    parts = in_weight.split(embed)
    biases = (None, None, None) if in_bias is None else in_bias.split(embed)
    if k is v:
        both = None if in_bias is None else in_bias[embed:]
        k2, v2 = linear(k, in_weight[embed:], both).chunk(2, -1)
        return linear(q, parts[0], biases[0]), k2, v2
    return tuple(linear(x, w, b) for x, w, b in zip((q, k, v), parts, biases, strict=True))


def multi_head_attention_forward(
    query: Tensor, key: Tensor, value: Tensor, embed_dim_to_check: int, num_heads: int, in_proj_weight: Tensor | None,
    in_proj_bias: Tensor | None, bias_k: Tensor | None, bias_v: Tensor | None, add_zero_attn: bool, dropout_p: float,
    out_proj_weight: Tensor, out_proj_bias: Tensor | None, training: bool = True,
    key_padding_mask: Tensor | None = None,
    need_weights: bool = True, attn_mask: Tensor | None = None, use_separate_proj_weight: bool = False,
    q_proj_weight: Tensor | None = None, k_proj_weight: Tensor | None = None, v_proj_weight: Tensor | None = None,
    static_k: Tensor | None = None, static_v: Tensor | None = None, average_attn_weights: bool = True,
    is_causal: bool = False,
) -> tuple[Tensor, Tensor | None]:  # fmt: skip
    """Project, attend with ``num_heads`` heads, project back.

    Parameters
    ----------
    query, key, value : Tensor, (length, batch, embed) or (length, embed)
    embed_dim_to_check, num_heads : int
    in_proj_weight, in_proj_bias : Tensor, (3 embed, embed) and (3 embed,)
        The three input projections behind one another; or one by one in ``q_proj_weight`` and so on with
        ``use_separate_proj_weight``.
    bias_k, bias_v : Tensor, (1, 1, embed), optional
        One more key and value, learned.
    add_zero_attn : bool
        One more key and value of zeros.
    dropout_p : float
        Probability with which weights are dropped when ``training``.
    key_padding_mask : Tensor, (batch, keys), optional
        True (or -inf to add) at keys that nobody may look at.
    attn_mask : Tensor, (queries, keys) or (batch * heads, queries, keys), optional
        True (or -inf to add) where a query may not look.
    need_weights, average_attn_weights : bool
        Return the weights (their mean over heads) too.
    is_causal : bool
        A hint that ``attn_mask`` is the causal mask, which is then required.

    Returns
    -------
    output : Tensor, query's shape
    weights : Tensor, (batch, queries, keys) or (batch, heads, queries, keys), or None

    Source: Vaswani et al., 2017; PyTorch, ``torch.nn.functional.multi_head_attention_forward``.
    """
    q, k, v = floating(NAME, query, "query"), floating(NAME, key, "key"), floating(NAME, value, "value")
    whole = _shapes(q, k, v, key_padding_mask, attn_mask, num_heads)
    if is_causal and attn_mask is None:
        raise RuntimeError(f"{NAME}: need attn_mask if specifying the is_causal hint.")
    if not whole:
        same_kv, same_qk = k is v, q is k
        q = q.unsqueeze(1)
        k = q if same_qk else k.unsqueeze(1)
        v = k if same_kv else v.unsqueeze(1)
        key_padding_mask = None if key_padding_mask is None else key_padding_mask.unsqueeze(0)
    targets, batch, embed = q.shape
    if embed != embed_dim_to_check:
        raise AssertionError(f"{NAME}: was expecting embedding dimension of {embed_dim_to_check}, but got {embed}.")
    size = embed // num_heads
    if size * num_heads != embed:
        raise AssertionError(f"{NAME}: embed_dim {embed} is not divisible by num_heads {num_heads}.")
    if (k.shape[:2] if use_separate_proj_weight else k.shape) != (v.shape[:2] if use_separate_proj_weight else v.shape):
        raise AssertionError(f"{NAME}: key shape {tuple(k.shape)} does not match value shape {tuple(v.shape)}.")
    q, k, v = _project(
        q,
        k,
        v,
        embed,
        in_proj_weight,
        in_proj_bias,
        use_separate_proj_weight,
        (q_proj_weight, k_proj_weight, v_proj_weight),
    )

    mask = _additive(attn_mask, q.dtype, "attn_mask")
    padding = _additive(key_padding_mask, q.dtype, "key_padding_mask")
    if mask is not None:
        expected = (targets, k.shape[0]) if mask.ndim == 2 else (batch * num_heads, targets, k.shape[0])
        if tuple(mask.shape) != expected:
            raise RuntimeError(f"{NAME}: the shape of the attn_mask is {tuple(mask.shape)}, but should be {expected}.")
        mask = mask.unsqueeze(0) if mask.ndim == 2 else mask
    if bias_k is not None and bias_v is not None:
        k = ac.cat([k, bias_k.expand(1, batch, embed)])
        v = ac.cat([v, bias_v.expand(1, batch, embed)])
        mask = None if mask is None else pad(mask, (0, 1))
        padding = None if padding is None else pad(padding, (0, 1))

    def split(x: Any) -> Any:
        return x.reshape(x.shape[0], batch * num_heads, size).transpose(0, 1)

    q = split(q)
    k = split(k) if static_k is None else static_k
    v = split(v) if static_v is None else static_v
    if add_zero_attn:
        zeros = ac.zeros(batch * num_heads, 1, size, dtype=k.dtype)
        k, v = ac.cat([k, zeros], 1), ac.cat([v, zeros], 1)
        mask = None if mask is None else pad(mask, (0, 1))
        padding = None if padding is None else pad(padding, (0, 1))
    sources = k.shape[1]
    if padding is not None:
        if tuple(padding.shape) != (batch, sources):
            raise AssertionError(
                f"{NAME}: expected key_padding_mask of shape {(batch, sources)}, got {tuple(padding.shape)}."
            )
        wide = padding.reshape(batch, 1, 1, sources).expand(batch, num_heads, 1, sources)
        wide = wide.reshape(batch * num_heads, 1, sources)
        mask = wide if mask is None else mask + wide
    drop = dropout_p if training else 0.0
    if not need_weights:
        out = scaled_dot_product_attention(q, k, v, mask, drop)
        weights = None
    else:
        scores = (q * (1 / math.sqrt(size))) @ k.transpose(1, 2)
        p = softmax(scores if mask is None else scores + mask, -1)
        p = dropout(p, drop) if drop > 0 else p
        out = p @ v
        weights = p.reshape(batch, num_heads, targets, sources)
        weights = weights.mean(1) if average_attn_weights else weights
    joined = out.transpose(0, 1).reshape(targets * batch, embed)
    result = linear(joined, out_proj_weight, out_proj_bias).reshape(targets, batch, embed)
    if not whole:
        result = result.squeeze(1)
        weights = None if weights is None else weights.squeeze(0)
    return result, weights
