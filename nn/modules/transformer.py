"""The Transformer of Vaswani et al. (2017): encoder and decoder layers, stacks of them, and the whole."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import autograd_core as ac
from autograd_core import Tensor, errors

from .. import functional as F
from .. import init
from ..module import Module
from .attention import MultiheadAttention
from .container import ModuleList
from .dropout import Dropout
from .linear import Linear
from .normalization import LayerNorm

__all__ = [
    "Transformer",
    "TransformerDecoder",
    "TransformerDecoderLayer",
    "TransformerEncoder",
    "TransformerEncoderLayer",
]

Activation = str | Callable[[Tensor], Tensor]


def _activation(name: str, activation: Activation) -> Any:
    if not isinstance(activation, str):
        return activation
    if activation not in ("relu", "gelu"):
        raise RuntimeError(f"{name}: activation must be 'relu', 'gelu' or a function, got {activation!r}.")
    return F.relu if activation == "relu" else F.gelu


def _is_causal(mask: Tensor | None, told: bool | None) -> bool:
    """Whether ``mask`` is the causal mask, unless the caller said so."""
    if told is not None or mask is None:
        return bool(told)
    size = mask.shape[-2]
    if tuple(mask.shape) != (size, size) or mask.array.dtype.kind != "f":
        return False
    return bool((mask.array == Transformer.generate_square_subsequent_mask(size).array).all())


class _Layer(Module):
    """The feed-forward part that encoder and decoder layers share, and how a block is added to its input."""

    linear1: Linear
    linear2: Linear
    dropout: Dropout
    norm_first: bool
    activation: Any

    def _feed_forward(self, x: Tensor) -> Tensor:
        return self.linear2(self.dropout(self.activation(self.linear1(x))))  # type: ignore[no-any-return]

    def _add(self, x: Any, block: Callable[[Any], Any], norm: Module, dropout: Module) -> Any:
        """x + block(norm(x)) with ``norm_first``, norm(x + block(x)) without."""
        if self.norm_first:
            return x + dropout(block(norm(x)))
        return norm(x + dropout(block(x)))


class TransformerEncoderLayer(_Layer):
    """Self-attention and a feed-forward network, each with residual and layer norm.

    Parameters
    ----------
    d_model, nhead : int
        Features, and attention heads.
    dim_feedforward : int
        Width of the feed-forward network.
    dropout : float
        Dropout everywhere, in training.
    activation : {"relu", "gelu"} or function
        Of the feed-forward network.
    layer_norm_eps : float
        Added to the variances of the norms.
    batch_first : bool
        Whether batches are (N, S, E) instead of (S, N, E).
    norm_first : bool
        Normalise before each block instead of after.
    bias : bool
        Whether linear maps and norms have biases.

    Examples
    --------
    >>> import autograd_core as torch, nn
    >>> nn.TransformerEncoderLayer(8, 2)(torch.zeros(10, 3, 8)).shape
    Size([10, 3, 8])

    Notes
    -----
    Source: PyTorch, page "TransformerEncoderLayer".
    """

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Activation = "relu",
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        new: dict[str, Any] = {"bias": bias, "device": device, "dtype": dtype}
        self.self_attn = MultiheadAttention(d_model, nhead, dropout=dropout, batch_first=batch_first, **new)
        self.linear1 = Linear(d_model, dim_feedforward, **new)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, **new)
        self.norm_first = norm_first
        self.norm1 = LayerNorm(d_model, eps=layer_norm_eps, **new)
        self.norm2 = LayerNorm(d_model, eps=layer_norm_eps, **new)
        self.dropout1 = Dropout(dropout)
        self.dropout2 = Dropout(dropout)
        self.activation = _activation("TransformerEncoderLayer", activation)

    def forward(
        self,
        src: Tensor,
        src_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool = False,
    ) -> Tensor:
        """Run the layer; masks as in :class:`MultiheadAttention`."""

        def attend(x: Any) -> Any:
            return self.self_attn(
                x,
                x,
                x,
                attn_mask=src_mask,
                key_padding_mask=src_key_padding_mask,
                need_weights=False,
                is_causal=is_causal,
            )[0]

        x = self._add(src, attend, self.norm1, self.dropout1)
        return self._add(x, self._feed_forward, self.norm2, self.dropout2)  # type: ignore[no-any-return]


class TransformerDecoderLayer(_Layer):
    """Self-attention, attention to the encoder's output, and a feed-forward network, each with residual and layer norm.

    Parameters are those of :class:`TransformerEncoderLayer`.

    Examples
    --------
    >>> import autograd_core as torch, nn
    >>> nn.TransformerDecoderLayer(8, 2)(torch.zeros(20, 3, 8), torch.zeros(10, 3, 8)).shape
    Size([20, 3, 8])
    """

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Activation = "relu",
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        new: dict[str, Any] = {"bias": bias, "device": device, "dtype": dtype}
        self.self_attn = MultiheadAttention(d_model, nhead, dropout=dropout, batch_first=batch_first, **new)
        self.multihead_attn = MultiheadAttention(d_model, nhead, dropout=dropout, batch_first=batch_first, **new)
        self.linear1 = Linear(d_model, dim_feedforward, **new)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, **new)
        self.norm_first = norm_first
        self.norm1 = LayerNorm(d_model, eps=layer_norm_eps, **new)
        self.norm2 = LayerNorm(d_model, eps=layer_norm_eps, **new)
        self.norm3 = LayerNorm(d_model, eps=layer_norm_eps, **new)
        self.dropout1 = Dropout(dropout)
        self.dropout2 = Dropout(dropout)
        self.dropout3 = Dropout(dropout)
        self.activation = _activation("TransformerDecoderLayer", activation)

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """Run the layer; ``memory`` is the encoder's output, masks as in :class:`MultiheadAttention`."""

        def attend(x: Any) -> Any:
            return self.self_attn(
                x,
                x,
                x,
                attn_mask=tgt_mask,
                key_padding_mask=tgt_key_padding_mask,
                need_weights=False,
                is_causal=tgt_is_causal,
            )[0]

        def look(x: Any) -> Any:
            return self.multihead_attn(
                x,
                memory,
                memory,
                attn_mask=memory_mask,
                key_padding_mask=memory_key_padding_mask,
                need_weights=False,
                is_causal=memory_is_causal,
            )[0]

        x = self._add(tgt, attend, self.norm1, self.dropout1)
        x = self._add(x, look, self.norm2, self.dropout2)
        return self._add(x, self._feed_forward, self.norm3, self.dropout3)  # type: ignore[no-any-return]


def _copies(module: Module, n: int) -> ModuleList:
    return ModuleList([copy.deepcopy(module) for _ in range(n)])


class TransformerEncoder(Module):
    """``num_layers`` copies of an encoder layer, one after the other, and a norm at the end where given.

    ``enable_nested_tensor`` and ``mask_check`` are accepted and without effect: padded places are computed.
    """

    def __init__(
        self,
        encoder_layer: Module,
        num_layers: int,
        norm: Module | None = None,
        enable_nested_tensor: bool = True,
        mask_check: bool = True,
    ) -> None:
        super().__init__()
        self.layers = _copies(encoder_layer, num_layers)
        self.num_layers = num_layers
        self.norm = norm
        self.enable_nested_tensor, self.mask_check = enable_nested_tensor, mask_check

    def forward(
        self,
        src: Tensor,
        mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool | None = None,
    ) -> Tensor:
        """Run the stack; masks as in :class:`MultiheadAttention`."""
        causal = _is_causal(mask, is_causal)
        for layer in self.layers:
            src = layer(src, src_mask=mask, is_causal=causal, src_key_padding_mask=src_key_padding_mask)
        return src if self.norm is None else self.norm(src)


class TransformerDecoder(Module):
    """``num_layers`` copies of a decoder layer, one after the other, and a norm at the end where given."""

    def __init__(self, decoder_layer: Module, num_layers: int, norm: Module | None = None) -> None:
        super().__init__()
        self.layers = _copies(decoder_layer, num_layers)
        self.num_layers = num_layers
        self.norm = norm

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """Run the stack; ``memory`` is the encoder's output, masks as in :class:`MultiheadAttention`."""
        causal = _is_causal(tgt_mask, tgt_is_causal)
        for layer in self.layers:
            tgt = layer(
                tgt,
                memory,
                tgt_mask=tgt_mask,
                memory_mask=memory_mask,
                tgt_key_padding_mask=tgt_key_padding_mask,
                memory_key_padding_mask=memory_key_padding_mask,
                tgt_is_causal=causal,
                memory_is_causal=memory_is_causal,
            )
        return tgt if self.norm is None else self.norm(tgt)


class Transformer(Module):
    """Encoder and decoder.

    Parameters
    ----------
    d_model, nhead : int
        Features, and attention heads.
    num_encoder_layers, num_decoder_layers : int
        Layers of each.
    custom_encoder, custom_decoder : Module, optional
        Used instead of the standard ones.
    dim_feedforward, dropout, activation, layer_norm_eps, batch_first, norm_first, bias
        As in :class:`TransformerEncoderLayer`.

    Examples
    --------
    >>> import autograd_core as torch, nn
    >>> net = nn.Transformer(8, 2, 1, 1, 16)
    >>> net(torch.zeros(10, 3, 8), torch.zeros(20, 3, 8)).shape
    Size([20, 3, 8])

    Notes
    -----
    Source: PyTorch, page "Transformer".
    """

    def __init__(
        self,
        d_model: int = 512,
        nhead: int = 8,
        num_encoder_layers: int = 6,
        num_decoder_layers: int = 6,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Activation = "relu",
        custom_encoder: Any = None,
        custom_decoder: Any = None,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        rest: Any = (
            d_model,
            nhead,
            dim_feedforward,
            dropout,
            activation,
            layer_norm_eps,
            batch_first,
            norm_first,
            bias,
            device,
            dtype,
        )

        def norm() -> LayerNorm:
            return LayerNorm(d_model, eps=layer_norm_eps, bias=bias, device=device, dtype=dtype)

        if custom_encoder is not None:
            self.encoder = custom_encoder
        else:
            self.encoder = TransformerEncoder(TransformerEncoderLayer(*rest), num_encoder_layers, norm())
        if custom_decoder is not None:
            self.decoder = custom_decoder
        else:
            self.decoder = TransformerDecoder(TransformerDecoderLayer(*rest), num_decoder_layers, norm())
        self._reset_parameters()
        self.d_model, self.nhead, self.batch_first = d_model, nhead, batch_first

    def _reset_parameters(self) -> None:
        for p in self.parameters():
            if p.ndim > 1:
                init.xavier_uniform_(p)

    def forward(
        self,
        src: Tensor,
        tgt: Tensor,
        src_mask: Tensor | None = None,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        src_is_causal: bool | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """Encode ``src`` and decode ``tgt`` with it; masks as in :class:`MultiheadAttention`.

        Raises
        ------
        RuntimeError
            If batch sizes differ or the features are not ``d_model``.
        """
        s, t = tuple(src.shape), tuple(tgt.shape)
        if len(s) not in (2, 3) or len(t) != len(s):
            raise errors.ShapeError(f"Transformer: src and tgt must both be 2-d or both 3-d, got shapes {s} and {t}.")
        batch = 0 if self.batch_first else 1
        if len(s) == 3 and s[batch] != t[batch]:
            raise errors.ShapeError(
                f"Transformer: the batch sizes of src and tgt must be equal, got {s[batch]} and {t[batch]}."
            )
        if s[-1] != self.d_model or t[-1] != self.d_model:
            raise errors.ShapeError(
                f"Transformer: src and tgt must have d_model={self.d_model} features, got shapes {s} and {t}."
            )
        memory = self.encoder(src, mask=src_mask, src_key_padding_mask=src_key_padding_mask, is_causal=src_is_causal)
        return self.decoder(  # type: ignore[no-any-return]
            tgt, memory, tgt_mask=tgt_mask, memory_mask=memory_mask, tgt_key_padding_mask=tgt_key_padding_mask,
            memory_key_padding_mask=memory_key_padding_mask, tgt_is_causal=tgt_is_causal,
            memory_is_causal=memory_is_causal,
        )  # fmt: skip

    @staticmethod
    def generate_square_subsequent_mask(sz: int, device: Any = None, dtype: Any = None) -> Tensor:
        """The causal mask: 0 up to the diagonal, minus infinity above it."""
        return ac.full((sz, sz), float("-inf"), dtype=dtype, device=device).triu(1)  # type: ignore[attr-defined,no-any-return]
