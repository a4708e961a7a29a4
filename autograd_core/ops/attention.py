"""Scaled dot-product attention: one op that keeps its inputs and one number a query, not the table of weights."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..kernels import attention as kernels
from ..op import defop, raw, sym
from ..tensor import Tensor, wrap
from .checks import floating, one_type, probability, tensor
from .dropout import dropout
from .shape import broadcast_shapes

__all__: list[str] = []

# ------------------------------------------------------------------------------------------------- the op


def _allowed(queries: int, keys: int, mask: Any, causal: bool) -> Any:
    """Where a query may look, or None for everywhere."""
    seen = np.tri(queries, keys) > 0 if causal else None
    if mask is not None and mask.dtype.kind == "b":
        seen = mask if seen is None else seen & mask
    return seen


def _attention_rule(
    g: Any, q: Any, k: Any, v: Any, mask: Any, out: Any, lse: Any, scale: float, causal: bool, needs: Any
) -> Any:
    """The weights are computed again from the log-sum-exp of each query (Dao et al., "FlashAttention", 2022)."""
    return (
        *kernels.attention_backward(g, q, k, v, out, lse, mask, causal, scale),
        _mask_rule(g, q, k, v, mask, out, lse, scale, causal) if needs[3] else None,
    )


def _mask_rule(g: Any, q: Any, k: Any, v: Any, mask: Any, out: Any, lse: Any, scale: float, causal: bool) -> Any:
    """The gradient of a mask of numbers: that of the scores, summed where the mask was broadcast."""
    s = np.matmul(q, np.swapaxes(k, -1, -2)) * scale + mask
    if causal:
        np.copyto(s, -np.inf, where=np.tri(*s.shape[-2:]) == 0)
    p = np.exp(s - lse[..., None])
    ds = p * (np.matmul(g, np.swapaxes(v, -1, -2)) - (g * out).sum(-1, keepdims=True))
    return raw.sum_to(ds, mask.shape)


def _attention_reference(q: Any, k: Any, v: Any, mask: Any, scale: float, causal: bool) -> Any:
    n = q.array.ndim
    s = sym.matmul(q, sym.transpose(k, n - 2, n - 1)) * scale
    if mask is not None and mask.array.dtype.kind == "f":
        s = s + mask
    seen = _allowed(q.array.shape[-2], k.array.shape[-2], None if mask is None else mask.array, causal)
    finite = np.isfinite(s.array) if seen is None else np.broadcast_to(seen, s.array.shape) & (s.array > -np.inf)
    blind = ~finite.any(-1, keepdims=True)
    s = sym.masked_fill(s, wrap(~finite & ~blind), -np.inf)
    s = sym.masked_fill(s, wrap(np.broadcast_to(blind, s.array.shape)), 0.0)
    p = sym.masked_fill(sym.softmax(s, n - 1), wrap(np.broadcast_to(blind, s.array.shape)), 0.0)
    return sym.matmul(p, v)


# Vaswani et al., "Attention Is All You Need", 2017.
defop(
    lambda q, k, v, mask, scale, causal: kernels.attention(q, k, v, mask, causal, scale),
    "q k v mask",
    "scale causal",
    name="attention",
    outputs="out lse",
    differentiable="out",
    formula="softmax(q k^T scale + mask) v",
    reference=_attention_reference,
    joint=_attention_rule,
)

# ------------------------------------------------------------------------------------------------- the function


def _repeat_heads(x: Tensor, times: int) -> Tensor:
    """Each head ``times`` times in a row (grouped-query attention)."""
    s = x.array.shape
    wide = sym.broadcast_to(sym.reshape(x, (*s[:-2], 1, *s[-2:])), (*s[:-2], times, *s[-2:]))
    return sym.reshape(wide, (*s[:-3], s[-3] * times, *s[-2:]))


def scaled_dot_product_attention(
    query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None = None, dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None, enable_gqa: bool = False,
) -> Tensor:  # fmt: skip
    """``softmax(query @ key.mT * scale + mask) @ value``.

    Parameters
    ----------
    query : Tensor, (..., L, E)
    key : Tensor, (..., S, E)
    value : Tensor, (..., S, Ev)
    attn_mask : Tensor, optional
        Bool, True where a query may look; or float, added to the scores.  Broadcast to (..., L, S).
    dropout_p : float
        Probability with which weights are dropped (here, not by a module: give 0 when evaluating).
    is_causal : bool
        Let query i look at keys 0 to i only; not together with ``attn_mask``.
    scale : float, optional
        ``1 / sqrt(E)`` when left out.
    enable_gqa : bool
        Let the heads (third dimension from the right) of the query be a multiple of those of key and value.

    Returns
    -------
    Tensor, (..., L, Ev)
        0 for a query that may look nowhere.

    Raises
    ------
    RuntimeError
        If shapes or dtypes do not fit.

    Source: Vaswani et al., 2017; PyTorch, ``torch.nn.functional.scaled_dot_product_attention``.
    """
    name = "scaled_dot_product_attention"
    q, k, v = floating(name, query, "query"), floating(name, key, "key"), floating(name, value, "value")
    one_type(name, query=q, key=k, value=v)
    probability(name, dropout_p)
    a, b, c = q.array.shape, k.array.shape, v.array.shape
    if min(len(a), len(b), len(c)) < 2:
        raise RuntimeError(f"{name}: expected at least 2 dimensions (..., length, features), got {a}, {b} and {c}.")
    if a[-1] != b[-1] or b[-2] != c[-2]:
        raise RuntimeError(
            f"{name}: query {a} and key {b} must have equal features (last dimension), key and value {c} equal length "
            "(last but one)."
        )
    if is_causal and attn_mask is not None:
        raise RuntimeError(
            f"{name}: give attn_mask or is_causal=True, not both (a causal mask can be made with tril())."
        )
    if enable_gqa and len(a) >= 3 and a[-3] != b[-3]:
        if b[-3] == 0 or a[-3] % b[-3] or c[-3] != b[-3]:
            raise RuntimeError(
                f"{name}: {a[-3]} query heads must be a multiple of the {b[-3]} key and {c[-3]} value heads."
            )
        k, v = _repeat_heads(k, a[-3] // b[-3]), _repeat_heads(v, a[-3] // c[-3])
        b, c = k.array.shape, v.array.shape
    if not a[:-2] == b[:-2] == c[:-2]:
        lead = broadcast_shapes(a[:-2], b[:-2], c[:-2])
        q, k, v = (sym.broadcast_to(x, (*lead, *x.array.shape[-2:])) for x in (q, k, v))
    mask = None if attn_mask is None else tensor(name, attn_mask, "attn_mask")
    if mask is not None:
        full = (*q.array.shape[:-1], b[-2])
        kind = mask.array.dtype
        if kind.kind != "b" and kind != q.array.dtype:
            raise RuntimeError(
                f"{name}: attn_mask must be bool or of the query's type {q.dtype.name}, got {mask.dtype.name}."
            )
        try:
            fits = np.broadcast_shapes(mask.array.shape, full) == full
        except ValueError:
            fits = False
        if not fits:
            raise RuntimeError(f"{name}: attn_mask {mask.array.shape} cannot be broadcast to (..., L, S) = {full}.")
    factor = 1 / math.sqrt(a[-1]) if scale is None and a[-1] else 1.0 if scale is None else float(scale)
    if dropout_p == 0.0:
        return sym.attention(q, k, v, mask, factor, bool(is_causal))[0]
    n = q.array.ndim
    s = sym.matmul(q, sym.transpose(k, n - 2, n - 1)) * factor
    if mask is not None and mask.array.dtype.kind == "f":
        s = s + mask
    seen = _allowed(a[-2], b[-2], None if mask is None else mask.array, is_causal)
    if seen is not None:
        s = sym.masked_fill(s, wrap(np.broadcast_to(~seen, s.array.shape)), -np.inf)
    p = sym.softmax(s, n - 1)
    if seen is not None and not seen.any(-1).all():
        p = sym.masked_fill(p, wrap(np.broadcast_to(~seen.any(-1, keepdims=True), s.array.shape)), 0.0)
    return sym.matmul(dropout(p, dropout_p), v)
