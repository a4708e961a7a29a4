"""Convolutions and transposed convolutions over 1, 2 and 3 spatial dimensions, and their lazy forms."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import autograd_core as ac
from autograd_core import Tensor, errors

from .. import functional as F
from .. import init
from ..module import Module
from ..parameter import Parameter, UninitializedParameter
from .lazy import LazyModuleMixin
from .sizes import per_dim, positive

__all__ = [
    "Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d", "LazyConv1d", "LazyConv2d",
    "LazyConv3d", "LazyConvTranspose1d", "LazyConvTranspose2d", "LazyConvTranspose3d",
]  # fmt: skip

_MODES = ("zeros", "reflect", "replicate", "circular")


class _ConvNd(Module):
    """What all convolutions share: checked arguments, parameters, initial values, text."""

    bias: Parameter  # None without a bias; typed for the common case, as in PyTorch
    weight: Tensor
    _n: int  # spatial dimensions
    _transposed = False

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any,
        padding: Any,
        dilation: Any,
        output_padding: Any,
        groups: int,
        bias: bool,
        padding_mode: str,
        device: Any,
        dtype: Any,
    ) -> None:
        super().__init__()
        name, n = type(self).__name__, self._n
        lazy = isinstance(self, LazyModuleMixin)
        self.in_channels = positive(name, "in_channels", in_channels, zero=lazy)
        self.out_channels = positive(name, "out_channels", out_channels, zero=lazy)
        self.groups = positive(name, "groups", groups)
        self.kernel_size = tuple(positive(name, "kernel_size", k) for k in per_dim(name, "kernel_size", kernel_size, n))
        self.stride = tuple(positive(name, "stride", s) for s in per_dim(name, "stride", stride, n))
        self.dilation = tuple(positive(name, "dilation", d) for d in per_dim(name, "dilation", dilation, n))
        self.output_padding = tuple(
            positive(name, "output_padding", p, zero=True) for p in per_dim(name, "output_padding", output_padding, n)
        )
        if self.in_channels % self.groups or self.out_channels % self.groups:
            raise ValueError(
                f"{name}: in_channels={self.in_channels} and out_channels={self.out_channels} must be divisible by "
                f"groups={self.groups}."
            )
        if padding_mode not in _MODES:
            raise ValueError(f"{name}: padding_mode must be one of {_MODES}, got {padding_mode!r}.")
        if isinstance(padding, str):
            if padding not in ("same", "valid"):
                raise ValueError(f"{name}: padding must be numbers, 'same' or 'valid', got {padding!r}.")
            if padding == "same" and any(s != 1 for s in self.stride):
                raise ValueError(f"{name}: padding='same' needs stride 1, got stride={self.stride}.")
            self.padding: Any = padding
        else:
            self.padding = tuple(positive(name, "padding", p, zero=True) for p in per_dim(name, "padding", padding, n))
        self.padding_mode = padding_mode
        self.transposed = self._transposed
        self._set_borders()
        first, second = (in_channels, out_channels) if self._transposed else (out_channels, in_channels)
        self.weight = Parameter(ac.empty((first, second // groups, *self.kernel_size), device=device, dtype=dtype))
        if bias:
            self.bias = Parameter(ac.empty(out_channels, device=device, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def _set_borders(self) -> None:
        """The widths ``F.pad`` takes, last dimension first, for the padding modes other than zeros."""
        borders: list[int] = []
        for i in reversed(range(self._n)):
            if self.padding == "same":
                total = self.dilation[i] * (self.kernel_size[i] - 1)
                borders += [total // 2, total - total // 2]
            elif self.padding == "valid":
                borders += [0, 0]
            else:
                borders += [self.padding[i], self.padding[i]]
        self._reversed_padding_repeated_twice = borders

    def reset_parameters(self) -> None:
        """Draw new initial values: uniform in (-k, k) with k = 1 / sqrt(inputs of one output element)."""
        if self.weight.array.size:
            init.kaiming_uniform_(self.weight, a=math.sqrt(5))
            if self.bias is not None:
                bound = 1 / math.sqrt(init._calculate_fan_in_and_fan_out(self.weight)[0])
                init.uniform_(self.bias, -bound, bound)

    def extra_repr(self) -> str:
        s = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        if self.padding != (0,) * self._n:
            s += f", padding={self.padding}"
        if self.dilation != (1,) * self._n:
            s += f", dilation={self.dilation}"
        if self.output_padding != (0,) * self._n:
            s += f", output_padding={self.output_padding}"
        if self.groups != 1:
            s += f", groups={self.groups}"
        if self.bias is None:
            s += ", bias=False"
        if self.padding_mode != "zeros":
            s += f", padding_mode={self.padding_mode}"
        return s

    def _explain(self, input: Tensor, error: Exception) -> Exception:
        """The error for an input whose size does not fit the layer."""
        name, shape = type(self).__name__, tuple(input.shape)
        n = self._n
        if len(shape) not in (n + 1, n + 2):
            return errors.ShapeError(
                f"{name}: expected {n + 1}-d (unbatched) or {n + 2}-d (batched) input, got {len(shape)}-d, input "
                f"shape {shape}."
            )
        channels = shape[-n - 1]
        if channels != self.in_channels:
            return errors.ShapeError(
                f"{name}: expected {self.in_channels} input channels, got {channels}, input shape {shape}."
            )
        return error


class _Conv(_ConvNd):
    """A convolution, given ``F.convNd``."""

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        convolve = (F.conv1d, F.conv2d, F.conv3d)[self._n - 1]
        if self.padding_mode != "zeros":
            input = F.pad(input, self._reversed_padding_repeated_twice, mode=self.padding_mode)
            return convolve(input, weight, bias, self.stride, 0, self.dilation, self.groups)
        return convolve(input, weight, bias, self.stride, self.padding, self.dilation, self.groups)

    def forward(self, input: Tensor) -> Tensor:
        try:
            return self._conv_forward(input, self.weight, self.bias)
        except (RuntimeError, ValueError, IndexError) as error:
            better = self._explain(input, error)
            if better is error:
                raise
            raise better from error


_CONV_DOC = """Convolution (cross-correlation, as in PyTorch) over {n} spatial dimension{s}.

    y[b, o, p] = bias[o] + sum over channels c and offsets k of weight[o, c, k] x[b, c, stride p + dilation k - padding]

    Parameters
    ----------
    in_channels, out_channels : int
        Channels of input and output.
    kernel_size, stride, dilation : int or tuple of {n} ints
        The window, its steps, and the distance of its elements.
    padding : int, tuple of {n} ints, "same" or "valid"
        Border added on both sides; "same" keeps the size (stride 1), "valid" adds none.
    groups : int
        Channels are split into this many groups that do not mix; must divide both channel counts.
    bias : bool
        Whether a bias is added.
    padding_mode : {{"zeros", "reflect", "replicate", "circular"}}
        What the border holds.

    Attributes
    ----------
    weight : (out_channels, in_channels / groups, *kernel_size)
    bias : (out_channels,)

    Raises
    ------
    RuntimeError
        If the input does not have ``in_channels`` channels or not {n} spatial dimensions.

    Examples
    --------
    >>> import autograd_core as torch, nn
    >>> nn.Conv{n}d(3, 8, 3, padding=1)(torch.zeros(2, 3, {sizes})).shape
    Size([2, 8, {sizes}])

    Notes
    -----
    Source: PyTorch, page "Conv{n}d".
    """


class Conv1d(_Conv):
    __doc__ = _CONV_DOC.format(n=1, s="", sizes="9")
    _n = 1

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding,
            dilation,
            0,
            groups,
            bias,
            padding_mode,
            device,
            dtype,
        )


class Conv2d(_Conv):
    __doc__ = _CONV_DOC.format(n=2, s="s", sizes="9, 9")
    _n = 2

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding,
            dilation,
            0,
            groups,
            bias,
            padding_mode,
            device,
            dtype,
        )


class Conv3d(_Conv):
    __doc__ = _CONV_DOC.format(n=3, s="s", sizes="5, 5, 5")
    _n = 3

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding,
            dilation,
            0,
            groups,
            bias,
            padding_mode,
            device,
            dtype,
        )


class _ConvTransposeNd(_ConvNd):
    """A transposed convolution: the gradient of a convolution with respect to its input, as a layer."""

    _transposed = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Any = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if padding_mode != "zeros":
            raise ValueError(f'{type(self).__name__}: only padding_mode="zeros" is supported, got {padding_mode!r}.')
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding,
            dilation,
            output_padding,
            groups,
            bias,
            padding_mode,
            device,
            dtype,
        )

    def forward(self, input: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        try:
            extra = self._output_padding(input, output_size)
            transpose = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)[self._n - 1]
            return transpose(
                input, self.weight, self.bias, self.stride, self.padding, extra, self.groups, self.dilation
            )
        except (RuntimeError, IndexError) as error:
            better = self._explain(input, error)
            if better is error:
                raise
            raise better from error

    def _output_padding(self, input: Tensor, output_size: Sequence[int] | None) -> tuple[int, ...]:
        """What must be added at the far sides to reach ``output_size`` (several sizes have the same convolution)."""
        if output_size is None:
            return self.output_padding
        n, sizes = self._n, tuple(int(s) for s in output_size)
        if len(sizes) == input.ndim:
            sizes = sizes[-n:]
        if len(sizes) != n:
            raise errors.ShapeError(
                f"{type(self).__name__}: output_size must have {n} or {input.ndim} elements, got {len(sizes)}: {sizes}."
            )
        spatial = input.shape[-n:]
        least = [
            (spatial[i] - 1) * self.stride[i] - 2 * self.padding[i] + self.dilation[i] * (self.kernel_size[i] - 1) + 1
            for i in range(n)
        ]
        most = [m + s - 1 for m, s in zip(least, self.stride, strict=True)]
        if any(not lo <= s <= hi for lo, s, hi in zip(least, sizes, most, strict=True)):
            raise errors.ShapeError(
                f"{type(self).__name__}: output_size {sizes} is not possible for input shape {tuple(input.shape)}; "
                f"sizes from {tuple(least)} to {tuple(most)} are."
            )
        return tuple(s - lo for s, lo in zip(sizes, least, strict=True))


_TRANSPOSE_DOC = """Transposed convolution over {n} spatial dimension{s}: the input gradient of ``Conv{n}d``, as a
layer.

    Parameters
    ----------
    in_channels, out_channels : int
        Channels of input and output.
    kernel_size, stride, padding, dilation : int or tuple of {n} ints
        Those of the convolution that this one undoes (in shape).
    output_padding : int or tuple of {n} ints
        Added to one side of the output's size; smaller than stride or dilation.
    groups : int
        Must divide both channel counts.
    bias : bool
        Whether a bias is added.
    padding_mode : {{"zeros"}}

    Attributes
    ----------
    weight : (in_channels, out_channels / groups, *kernel_size)
    bias : (out_channels,)

    Examples
    --------
    >>> import autograd_core as torch, nn
    >>> up = nn.ConvTranspose{n}d(8, 3, 3, stride=2, padding=1)
    >>> x = torch.zeros(2, 8, {sizes})
    >>> up(x).shape, up(x, output_size=({bigger},)).shape
    (Size([2, 3, {seven}]), Size([2, 3, {bigger}]))

    Notes
    -----
    Source: PyTorch, page "ConvTranspose{n}d".
    """


def _transpose_doc(n: int) -> str:
    row = lambda size: ", ".join([str(size)] * n)
    return _TRANSPOSE_DOC.format(n=n, s="s" if n > 1 else "", sizes=row(4), seven=row(7), bigger=row(8))


class ConvTranspose1d(_ConvTransposeNd):
    __doc__ = _transpose_doc(1)
    _n = 1


class ConvTranspose2d(_ConvTransposeNd):
    __doc__ = _transpose_doc(2)
    _n = 2


class ConvTranspose3d(_ConvTransposeNd):
    __doc__ = _transpose_doc(3)
    _n = 3


class _LazyConv(LazyModuleMixin):
    """A convolution that takes ``in_channels`` from its first input."""

    in_channels: int
    out_channels: int
    groups: int
    kernel_size: tuple[int, ...]
    weight: Any
    bias: Any
    _n: int
    _transposed: bool

    def __init__(self, out_channels: int, kernel_size: Any, *args: Any, **kwargs: Any) -> None:
        names = _TRANSPOSE_ARGS if self._transposed else _CONV_ARGS
        given = dict(zip(names, args, strict=False))
        if len(args) > len(names) or set(given) & set(kwargs):
            raise TypeError(
                f"{type(self).__name__}: arguments after kernel_size are {', '.join(names)}, each given once."
            )
        given.update(kwargs)
        bias, device, dtype = given.pop("bias", True), given.pop("device", None), given.pop("dtype", None)
        groups = given.get("groups", 1)
        super().__init__(0, 0, kernel_size, **given, bias=False)
        self.out_channels = positive(type(self).__name__, "out_channels", out_channels)
        if self.out_channels % groups:
            raise ValueError(
                f"{type(self).__name__}: out_channels={out_channels} must be divisible by groups={groups}."
            )
        self.weight = UninitializedParameter(device=device, dtype=dtype)
        if bias:
            self.bias = UninitializedParameter(device=device, dtype=dtype)

    def reset_parameters(self) -> None:
        """Draw new initial values, once there are shapes."""
        if not self.has_uninitialized_params() and self.in_channels != 0:
            super().reset_parameters()  # type: ignore[misc]

    def initialize_parameters(self, input: Tensor, *args: Any, **kwargs: Any) -> None:
        """Give the parameters their shapes and initial values."""
        name, shape, n = type(self).__name__, tuple(input.shape), self._n
        if len(shape) not in (n + 1, n + 2):
            raise errors.ShapeError(f"{name}: expected {n + 1}-d or {n + 2}-d input, got shape {shape}.")
        if self.in_channels == 0:  # also when values were loaded before the first input
            self.in_channels = shape[-n - 1]
        if not self.has_uninitialized_params():
            return
        if self.in_channels % self.groups:
            raise errors.ShapeError(
                f"{name}: the input's {self.in_channels} channels must be divisible by groups={self.groups}."
            )
        first, second = self.out_channels, self.in_channels
        if self._transposed:
            first, second = second, first
        self.weight.materialize((first, second // self.groups, *self.kernel_size))
        if self.bias is not None:
            self.bias.materialize((self.out_channels,))
        self.reset_parameters()


_CONV_ARGS = ("stride", "padding", "dilation", "groups", "bias", "padding_mode", "device", "dtype")
_TRANSPOSE_ARGS = (
    "stride",
    "padding",
    "output_padding",
    "groups",
    "bias",
    "dilation",
    "padding_mode",
    "device",
    "dtype",
)


class LazyConv1d(_LazyConv, Conv1d):  # type: ignore[misc]
    """:class:`Conv1d` that takes ``in_channels`` from its first input; arguments from ``out_channels`` on as there."""

    cls_to_become = Conv1d


class LazyConv2d(_LazyConv, Conv2d):  # type: ignore[misc]
    """:class:`Conv2d` that takes ``in_channels`` from its first input; arguments from ``out_channels`` on as there."""

    cls_to_become = Conv2d


class LazyConv3d(_LazyConv, Conv3d):  # type: ignore[misc]
    """:class:`Conv3d` that takes ``in_channels`` from its first input; arguments from ``out_channels`` on as there."""

    cls_to_become = Conv3d


class LazyConvTranspose1d(_LazyConv, ConvTranspose1d):  # type: ignore[misc]
    """:class:`ConvTranspose1d` that takes ``in_channels`` from its first input; other arguments as there."""

    cls_to_become = ConvTranspose1d


class LazyConvTranspose2d(_LazyConv, ConvTranspose2d):  # type: ignore[misc]
    """:class:`ConvTranspose2d` that takes ``in_channels`` from its first input; other arguments as there."""

    cls_to_become = ConvTranspose2d


class LazyConvTranspose3d(_LazyConv, ConvTranspose3d):  # type: ignore[misc]
    """:class:`ConvTranspose3d` that takes ``in_channels`` from its first input; other arguments as there."""

    cls_to_become = ConvTranspose3d
