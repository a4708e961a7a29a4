# ruff: noqa: E501  (a table: one case a line)
"""What wrong arguments to nn.functional say: the function's name, the numbers, and what to do."""

from __future__ import annotations

import math
import re
import warnings

import numpy as np
import pytest

import autograd_core as ac
import nn.functional as F


def x(*shape: int) -> ac.Tensor:
    return ac.ones(*shape)


def ints(*values: int) -> ac.Tensor:
    return ac.tensor(list(values))


CASES = [
    # activations
    (lambda: F.gelu(ints(1, 2)), RuntimeError, "gelu: input must be a floating point tensor, got int64; convert "
        "it with float()."),
    (lambda: F.gelu(x(2), approximate="exact"), RuntimeError, "gelu: approximate must be 'none' or 'tanh', got "
        "'exact'."),
    (lambda: F.relu([1.0]), TypeError, "relu: input must be a Tensor, got list."),
    (lambda: F.hardtanh(x(2), 1.0, -1.0), ValueError, "hardtanh: min_val 1.0 must not be greater than max_val -1.0."),
    (lambda: F.celu(x(2), 0), RuntimeError, "celu: alpha must not be 0"),
    (lambda: F.glu(x(3, 5)), RuntimeError, r"glu: the size of dimension -1 must be even, got 5 (shape (3, 5))."),
    (lambda: F.prelu(x(2, 3), x(2)), RuntimeError, "prelu: weight has 2 values, input of shape (2, 3) has 3 channels"),
    (lambda: F.softshrink(x(2), -1.0), RuntimeError, "softshrink: lambd must not be negative, got -1.0."),
    (lambda: F.rrelu(x(2), 0.5, 0.1), RuntimeError, "rrelu: lower 0.5 must not be greater than upper 0.1."),
    (lambda: F.gumbel_softmax(x(2), tau=0), ValueError, "gumbel_softmax: tau must be positive, got 0."),
    (lambda: F.softmax(x(2, 3), 2), IndexError, "softmax: dimension 2 is out of range for a 2-d tensor"),
    # linear
    (lambda: F.linear(x(32, 64), x(10, 128)), RuntimeError, "linear: expected input with last dimension "
        "in_features=128, got input (32, 64)"),
    (lambda: F.linear(x(2, 3), x(4, 3), x(5)), RuntimeError, "linear: expected bias of shape (4,), got (5,)."),
    (lambda: F.linear(x(2, 3).double(), x(4, 3)), RuntimeError, "linear: expected tensors of one dtype, got "
        "input float64, weight float32"),
    (lambda: F.bilinear(x(2, 3), x(2, 4), x(5, 3, 3)), RuntimeError, "bilinear: expected input1 (*, 3), input2 (*, 3)"),
    # convolution
    (lambda: F.conv2d(x(1, 16, 8, 8), x(4, 32, 3, 3)), RuntimeError, "conv2d: weight (4, 32, 3, 3) with groups=1 "
        "expects 32 input channels, got input (1, 16, 8, 8) with 16."),
    (lambda: F.conv2d(x(8, 8), x(4, 3, 3, 3)), RuntimeError, "conv2d: expected input of 4 dimensions (batch, "
        "channels, height, width) or 3"),
    (lambda: F.conv2d(x(1, 3, 8, 8), x(4, 3, 3)), RuntimeError, "conv2d: expected weight of 4 dimensions, got "
        "shape (4, 3, 3)."),
    (lambda: F.conv2d(x(1, 3, 2, 2), x(4, 3, 3, 3)), RuntimeError, "conv2d: the kernel (3 x 3 with its dilation) "
        "is larger than the padded input (2 x 2)"),
    (lambda: F.conv2d(x(1, 3, 8, 8), x(4, 3, 3, 3), stride=0), RuntimeError, "conv2d: stride must be positive, "
        "got (0, 0)."),
    (lambda: F.conv2d(x(1, 3, 8, 8), x(4, 3, 3, 3), stride=(1, 2, 3)), RuntimeError, "conv2d: stride must be one "
        "int or 2 ints, got (1, 2, 3)."),
    (lambda: F.conv2d(x(1, 3, 8, 8), x(4, 3, 3, 3), stride=1.5), TypeError, "conv2d: stride must be an int or a "
        "tuple of 2 ints, got float."),
    (lambda: F.conv2d(x(1, 3, 8, 8), x(4, 3, 3, 3), padding=-1), RuntimeError, "conv2d: padding must not be "
        "negative, got (-1, -1)"),
    (lambda: F.conv2d(x(1, 3, 8, 8), x(4, 3, 3, 3), padding="full"), RuntimeError, "conv2d: padding must be an "
        "int, a tuple, 'valid' or 'same', got 'full'."),
    (lambda: F.conv2d(x(1, 3, 8, 8), x(4, 3, 3, 3), padding="same", stride=2), RuntimeError, "conv2d: padding='same' is not defined for strided convolutions"),
    (lambda: F.conv2d(x(1, 3, 8, 8).double(), x(4, 3, 3, 3)), RuntimeError, "conv2d: expected tensors of one "
        "dtype, got input float64, weight float32"),
    (lambda: F.conv1d(x(1, 3, 8), x(4, 3, 3), x(3)), RuntimeError, "conv1d: expected bias of shape (4,), got (3,)."),
    (lambda: F.conv1d(x(1, 4, 8), x(3, 2, 3), groups=2), RuntimeError, "conv1d: out_channels=3 of weight (3, 2, "
        "3) cannot be divided into groups=2."),
    (lambda: F.conv_transpose2d(x(1, 3, 8, 8), x(4, 3, 3, 3)), RuntimeError, "conv_transpose2d: weight (4, 3, 3, "
        "3) expects 4 input channels, got input (1, 3, 8, 8) with 3."),
    (lambda: F.conv_transpose2d(x(1, 3, 8, 8), x(3, 4, 3, 3), output_padding=1), RuntimeError, "conv_transpose2d: output_padding must be smaller than stride or dilation"),
    (lambda: F.conv_transpose1d(x(1, 3, 8), x(3, 4, 3), x(3)), RuntimeError, "conv_transpose1d: expected bias of "
        "shape (4,), got (3,)."),
    # pooling
    (lambda: F.max_pool2d(x(4, 4), 2), RuntimeError, "max_pool2d: expected input of 4 dimensions (batch, "
        "channels, height, width) or 3"),
    (lambda: F.max_pool2d(x(1, 1, 4, 4), 5), RuntimeError, "max_pool2d: a kernel of size 5"),
    (lambda: F.max_pool2d(x(1, 1, 4, 4), 2, padding=2), RuntimeError, "max_pool2d: padding must be between 0 and half"),
    (lambda: F.max_pool2d(x(1, 1, 4, 4), 2, stride=0), RuntimeError, "max_pool2d: stride should not be zero or "
        "negative, got (0, 0)."),
    (lambda: F.max_pool2d(x(1, 0, 4, 4), 2), RuntimeError, "max_pool2d: only the batch dimension of the input "
        "may be empty, got shape (1, 0, 4, 4)."),
    (lambda: F.avg_pool2d(ac.ones(1, 1, 4, 4, dtype=ac.int64), 2), RuntimeError, "avg_pool2d: input must be a "
        "floating point tensor, got int64"),
    (lambda: F.avg_pool2d(x(1, 1, 4, 4), 2, divisor_override=0), RuntimeError, "avg_pool2d: divisor_override "
        "must not be zero."),
    (lambda: F.adaptive_avg_pool2d(x(1, 1, 4, 4), (2, 2, 2)), RuntimeError, "adaptive_avg_pool2d: output_size "
        "must be one int or 2"),
    (lambda: F.adaptive_max_pool1d(x(1, 1, 4), -1), RuntimeError, "adaptive_max_pool1d: output_size must not be "
        "negative, got (-1,)."),
    (lambda: F.max_unpool2d(x(1, 1, 2, 2), ac.full((1, 1, 2, 2), 99), 2), RuntimeError, "max_unpool2d: found an "
        "invalid max index 99"),
    (lambda: F.max_unpool2d(x(1, 1, 2, 2), ac.zeros(1, 1, 2, 2, dtype=ac.int64), 2, output_size=(9, 9)), ValueError, "max_unpool2d: invalid output_size (9, 9)"),
    (lambda: F.fractional_max_pool2d(x(1, 1, 4, 4), 2), ValueError, "fractional_max_pool2d: give one of "
        "output_size and output_ratio."),
    (lambda: F.fractional_max_pool2d(x(1, 1, 4, 4), 3, 3), RuntimeError, "fractional_max_pool2d: 3 windows of "
        "size 3 do not fit into size 4"),
    # norms
    (lambda: F.batch_norm(x(1, 3), None, None, training=True), ValueError, "batch_norm: expected more than 1 "
        "value per channel when training, got input shape (1, 3)"),
    (lambda: F.batch_norm(x(4, 3), None, None), RuntimeError, "batch_norm: expected running_mean and running_var "
        "to be given when training=False."),
    (lambda: F.batch_norm(x(4, 3), None, None, x(4), training=True), RuntimeError, "batch_norm: weight must have "
        "shape (3,), one value for each channel of the input, got (4,)."),
    (lambda: F.layer_norm(x(2, 5), (4,)), RuntimeError, "layer_norm: normalized_shape=(4,) expects input of "
        "shape (*, 4), got (2, 5)."),
    (lambda: F.layer_norm(x(2, 5), (5,), x(4)), RuntimeError, "layer_norm: weight must have shape "
        "normalized_shape=(5,), got (4,)."),
    (lambda: F.layer_norm(x(2, 5).double(), (5,), x(5)), RuntimeError, "layer_norm: weight is float32 but the "
        "input is float64"),
    (lambda: F.group_norm(x(2, 5, 3), 2), RuntimeError, "group_norm: the 5 channels of the input (2, 5, 3) "
        "cannot be divided into num_groups=2."),
    (lambda: F.instance_norm(x(2, 3, 1)), ValueError, "instance_norm: expected more than 1 spatial element when "
        "training, got input shape (2, 3, 1)"),
    (lambda: F.rms_norm(x(2, 5), (3, 5)), RuntimeError, "rms_norm: normalized_shape=(3, 5) expects input of "
        "shape (*, 3, 5), got (2, 5)."),
    # dropout, embedding
    (lambda: F.dropout(x(2), 1.5), ValueError, "dropout: dropout probability has to be between 0 and 1, got 1.5."),
    (lambda: F.dropout(x(2), math.nan), ValueError, "dropout: dropout probability has to be between 0 and 1, got nan."),
    (lambda: F.dropout(ints(1, 2)), RuntimeError, "dropout: input must be a floating point tensor, got int64"),
    (lambda: F.dropout1d(x(2, 3, 4, 5)), RuntimeError, "dropout1d: received a 4-d input, expected 2 or 3 dimensions"),
    (lambda: F.embedding(ints(0, 12), x(10, 3)), IndexError, "embedding: index 12 is out of range for a table of "
        "10 rows (0 to 9)."),
    (lambda: F.embedding(ints(0, -1), x(10, 3)), IndexError, "embedding: index -1 is out of range for a table of "
        "10 rows (0 to 9)."),
    (lambda: F.embedding(x(2), x(10, 3)), RuntimeError, "embedding: input must be an integer tensor, got "
        "float32; convert it with long()."),
    (lambda: F.embedding(ints(0), x(10, 3), padding_idx=10), ValueError, "embedding: padding_idx 10 must be "
        "within num_embeddings, a table of 10 rows."),
    (lambda: F.embedding_bag(ints(0, 1), x(4, 2)), ValueError, "embedding_bag: if input is 1-d, offsets has to "
        "be a 1-d tensor"),
    (lambda: F.embedding_bag(ints(0, 1), x(4, 2), ints(1)), RuntimeError, "embedding_bag: offsets must start at 0"),
    (lambda: F.embedding_bag(ints(0, 9), x(4, 2), ints(0)), IndexError, "embedding_bag: index 9 is out of range "
        "for a table of 4 rows"),
    (lambda: F.one_hot(ints(0, 5), 3), RuntimeError, "one_hot: class values must be smaller than num_classes=3, "
        "got 5."),
    (lambda: F.one_hot(ints(0, -5)), RuntimeError, "one_hot: class values must not be negative, got -5."),
    # losses
    (lambda: F.mse_loss(x(32, 1), x(32)), RuntimeError, "mse_loss: input (32, 1) and target (32,) would "
        "broadcast to (32, 32). Give both the same shape."),
    (lambda: F.l1_loss(x(1, 32), x(32, 1)), RuntimeError, "l1_loss: input (1, 32) and target (32, 1) would "
        "broadcast to (32, 32)."),
    (lambda: F.smooth_l1_loss(x(3), x(4)), RuntimeError, "smooth_l1_loss: shapes (3,) and (4,) do not broadcast"),
    (lambda: F.huber_loss(x(8, 1), x(8)), RuntimeError, "huber_loss: input (8, 1) and target (8,) would "
        "broadcast to (8, 8)."),
    (lambda: F.kl_div(x(8, 1), x(8), reduction="sum"), RuntimeError, "kl_div: input (8, 1) and target (8,) would "
        "broadcast to (8, 8)."),
    (lambda: F.poisson_nll_loss(x(8, 1), x(8)), RuntimeError, "poisson_nll_loss: input (8, 1) and target (8,) "
        "would broadcast to (8, 8)."),
    (lambda: F.mse_loss(x(3), x(3), reduction="average"), ValueError, "mse_loss: 'average' is not a valid value "
        "for reduction"),
    (lambda: F.mse_loss(ints(1), ints(1)), RuntimeError, "mse_loss: input must be a floating point tensor, got int64"),
    (lambda: F.huber_loss(x(3), x(3), delta=0), RuntimeError, "huber_loss: delta must be positive, got 0."),
    (lambda: F.binary_cross_entropy(x(3), x(4)), ValueError, "binary_cross_entropy: target size (4,) is "
        "different to input size (3,)"),
    (lambda: F.binary_cross_entropy(x(3) * 2, x(3)), RuntimeError, "binary_cross_entropy: all elements of input "
        "should be between 0 and 1, got 2; for logits use binary_cross_entropy_with_logits."),
    (lambda: F.binary_cross_entropy(x(3) * math.nan, x(3)), RuntimeError, "all elements of input should be "
        "between 0 and 1, got nan"),
    (lambda: F.binary_cross_entropy_with_logits(x(3), x(3, 1)), ValueError, "binary_cross_entropy_with_logits: "
        "target size (3, 1) must be the same as input size (3,)."),
    (lambda: F.binary_cross_entropy_with_logits(x(3), x(3), pos_weight=x(2)), RuntimeError, "binary_cross_entropy_with_logits: pos_weight (2,) cannot be broadcast"),
    (lambda: F.cross_entropy(x(3, 4), ints(0, 1, 4)), IndexError, "cross_entropy: target 4"),
    (lambda: F.cross_entropy(x(3, 4), ints(0, 1)), ValueError, "cross_entropy: expected target"),
    (lambda: F.cross_entropy(x(3, 4), x(3)), RuntimeError, "cross_entropy: floating point targets are "
        "probabilities and need the input's shape (3, 4), got (3,)"),
    (lambda: F.cross_entropy(x(3, 4), ints(0, 1, 2), x(3)), RuntimeError, "cross_entropy: weight must have one "
        "value for each of the 4 classes"),
    (lambda: F.cross_entropy(x(3, 4), ints(0, 1, 2), label_smoothing=2.0), RuntimeError, "cross_entropy: "
        "label_smoothing must be between 0.0 and 1.0, got 2.0"),
    (lambda: F.nll_loss(x(3, 4), ints(0, 1, 9)), IndexError, "nll_loss: target 9"),
    (lambda: F.ctc_loss(x(5, 2, 4), ac.tensor([[1, 2], [3, 9]]), (5, 5), (2, 2)), RuntimeError, "ctc_loss: targets must be classes, 0 to 3, got 1 to 9."),
    (lambda: F.ctc_loss(x(5, 2, 4), ac.tensor([[1, 2], [3, 1]]), (6, 5), (2, 2)), RuntimeError, "ctc_loss: input_lengths must be from 0 to T=5, got [6, 5]."),
    (lambda: F.multi_margin_loss(x(2, 3), ints(0, 3)), IndexError, "multi_margin_loss: target 3 is out of range "
        "for 3 classes (0 to 2)."),
    (lambda: F.multi_margin_loss(x(2, 3), ints(0, 1), p=3), ValueError, "multi_margin_loss: only p == 1 and p == "
        "2 are supported, got 3."),
    (lambda: F.cosine_embedding_loss(x(2, 3), x(2, 3), x(3)), RuntimeError, "cosine_embedding_loss: a target of "
        "shape (3,) expects 2-d inputs of as many rows"),
    (lambda: F.gaussian_nll_loss(x(3), x(3), -x(3)), ValueError, "gaussian_nll_loss: var has negative entries, "
        "the smallest is -1."),
    (lambda: F.triplet_margin_loss(x(2, 3), x(2, 3), x(3)), RuntimeError, "triplet_margin_loss: anchor, positive and negative should have the same number of dimensions"),
    # images
    (lambda: F.pad(x(2, 3), (1,)), RuntimeError, "pad: widths come in pairs (before, after), got 1 of them"),
    (lambda: F.pad(x(2, 3), (1, 1, 1, 1, 1, 1)), RuntimeError, "pad: 3 pairs of widths for an input of 2 dimensions"),
    (lambda: F.pad(x(2, 3), (-2, -2)), RuntimeError, "pad: dimension 1 of size 3 padded by (-2, -2) would have size -1."),
    (lambda: F.pad(x(1, 3), (3, 0), mode="reflect"), RuntimeError, "pad: for mode 'reflect' the widths must be smaller than the size 3, got (3, 0)"),
    (lambda: F.pad(x(1, 3), (4, 0), mode="circular"), RuntimeError, "pad: for mode 'circular' the widths must not exceed the size 3, got (4, 0)"),
    (lambda: F.pad(x(1, 3), (1, 0), mode="mirror"), NotImplementedError, "pad: mode must be 'constant', 'reflect', 'replicate' or 'circular', got 'mirror'."),
    (lambda: F.interpolate(x(1, 1, 4, 4)), ValueError, "interpolate: either size or scale_factor should be defined."),
    (lambda: F.interpolate(x(1, 1, 4, 4), 2, 2), ValueError, "interpolate: only one of size and scale_factor may be defined."),
    (lambda: F.interpolate(x(1, 1, 4, 4), 2, mode="linear"), NotImplementedError, "interpolate: mode 'linear' takes 3-d input, got shape (1, 1, 4, 4); for this input use nearest"),
    (lambda: F.interpolate(x(1, 1, 4, 4), 2, align_corners=True), ValueError, "interpolate: align_corners can only be set with linear, bilinear, bicubic and trilinear modes"),
    (lambda: F.interpolate(x(1, 1, 4, 4), scale_factor=0.1), RuntimeError, "interpolate: input and output sizes should be greater than 0"),
    (lambda: F.pixel_shuffle(x(1, 3, 2, 2), 2), RuntimeError, "pixel_shuffle: 3 channels (shape (1, 3, 2, 2)) cannot be divided by the square of upscale_factor=2."),
    (lambda: F.pixel_unshuffle(x(1, 3, 3, 2), 2), RuntimeError, "pixel_unshuffle: height and width of shape (1, 3, 3, 2) cannot be divided by downscale_factor=2."),
    (lambda: F.channel_shuffle(x(1, 3, 2), 2), RuntimeError, "channel_shuffle: 3 channels (shape (1, 3, 2)) cannot be divided into groups=2."),
    (lambda: F.unfold(x(1, 1, 2, 2), 3), RuntimeError, "unfold: a kernel of (3, 3)"),
    (lambda: F.fold(x(1, 4, 5), (3, 3), 2), RuntimeError, "fold: output_size=(3, 3), kernel_size=(2, 2)"),
    (lambda: F.grid_sample(x(1, 1, 4, 4), x(1, 2, 2, 3), align_corners=False), RuntimeError, "grid_sample: expected input (n, c, h, w) with grid (n, oh, ow, 2)"),
    (lambda: F.grid_sample(x(1, 1, 4, 4), x(1, 2, 2, 2), mode="cubic", align_corners=False), ValueError, "grid_sample: expected mode to be 'bilinear', 'nearest' or 'bicubic', got 'cubic'."),
    (lambda: F.affine_grid(x(1, 2, 2), (1, 1, 4, 4), align_corners=False), ValueError, "affine_grid: expected a batch of 2d affine matrices of shape (1, 2, 3)"),
    # attention, distances
    (lambda: F.scaled_dot_product_attention(x(2, 3, 4), x(2, 3, 5), x(2, 3, 5)), RuntimeError, "scaled_dot_product_attention: query (2, 3, 4) and key (2, 3, 5) must have equal features"),
    (lambda: F.scaled_dot_product_attention(x(2, 3, 4), x(2, 5, 4), x(2, 5, 4), x(3, 4)), RuntimeError, "scaled_dot_product_attention: attn_mask (3, 4) cannot be broadcast to (..., L, S) = (2, 3, 5)."),
    (lambda: F.scaled_dot_product_attention(x(3, 4), x(3, 4), x(3, 4), x(3, 3), is_causal=True), RuntimeError, "scaled_dot_product_attention: give attn_mask or is_causal=True, not both"),
    (lambda: F.pdist(x(3)), RuntimeError, "pdist: expected a 2-d tensor, rows being vectors, got shape (3,)."),
    (lambda: F.cosine_similarity(ints(1, 2), ints(1, 2), dim=0), RuntimeError, "cosine_similarity: x1 must be a floating point tensor, got int64"),
    (lambda: F.local_response_norm(x(2, 3), 2), ValueError, "local_response_norm: expected 3-d or more input"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "kind", "text"), CASES, ids=[re.sub(r"\W+", "_", c[2])[:48] for c in CASES])
def test_message(call, kind, text):
    with pytest.raises(kind) as caught:
        call()
    assert text in str(caught.value)


@pytest.mark.parametrize("name", ["mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"])
def test_one_sided_broadcast_warns(name):
    with pytest.warns(
        UserWarning, match=rf"{name}: using a target size \(1,\) that is different to the input size \(4,\)"
    ):
        loss = getattr(F, name)(x(4), ac.zeros(1))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert loss.item() == getattr(F, name)(x(4), ac.zeros(4)).item()


def test_warnings_say_what_was_chosen():
    with pytest.warns(UserWarning, match="softmax: dim was left out, 1 was chosen"):
        F.softmax(x(2, 3))
    with pytest.warns(UserWarning, match="kl_div: reduction='mean' divides by the number of elements"):
        F.kl_div(x(2, 3), x(2, 3))
    with pytest.warns(UserWarning, match="grid_sample: align_corners was left out"):
        F.grid_sample(x(1, 1, 2, 2), ac.zeros(1, 1, 1, 2))
    with pytest.warns(UserWarning, match="dropout2d: a 3-d input is taken as"):
        F.dropout2d(x(2, 3, 4))
    with pytest.warns(UserWarning, match="mse_loss: size_average and reduce are deprecated"):
        F.mse_loss(x(2), x(2), size_average=False)


def test_in_place_forms_write_and_refuse_leaves():
    a = ac.tensor([-1.0, 2.0])
    b = F.relu_(a)
    assert b is a
    np.testing.assert_array_equal(a.array, [0.0, 2.0])
    with pytest.raises(RuntimeError, match="relu_: a leaf tensor that requires grad"):
        F.relu(ac.ones(2, requires_grad=True), inplace=True)


def test_nothing_is_drawn_when_not_training():
    ac.manual_seed(0)
    a = ac.rand(1).item()
    ac.manual_seed(0)
    for f in (F.dropout, F.alpha_dropout, F.dropout1d, F.feature_alpha_dropout):
        y = x(2, 3)
        assert f(y, 0.5, False) is y
    assert ac.rand(1).item() == a


def test_dropout_keeps_the_share_and_the_mean():
    ac.manual_seed(1)
    y = F.dropout(x(100_000), 0.3).array
    kept = (y != 0).mean()
    assert abs(kept - 0.7) < 5 * math.sqrt(0.21 / 100_000)  # five standard deviations of a share
    np.testing.assert_allclose(y[y != 0], 1 / 0.7, rtol=1e-6)
    channels = F.dropout2d(x(50, 40, 3, 3), 0.5).array
    assert ((channels == 0).all((2, 3)) | (channels != 0).all((2, 3))).all()


def test_alpha_dropout_keeps_mean_and_variance():
    ac.manual_seed(2)
    z = ac.randn(200_000)
    y = F.alpha_dropout(z, 0.2, True).array
    assert abs(y.mean()) < 0.02
    assert abs(y.std() - 1) < 0.02


def test_gumbel_softmax_draws_the_classes():
    ac.manual_seed(3)
    p = np.array([0.2, 0.5, 0.3], np.float32)
    y = F.gumbel_softmax(ac.tensor(np.log(p)).expand(20_000, 3), hard=True).array
    np.testing.assert_array_equal(y.sum(1), 1)
    np.testing.assert_allclose(y.mean(0), p, atol=0.02)


SAVED = [
    (lambda a: F.relu(a * 1), 2.0),  # the product and relu's output (which the next layer keeps anyway)
    (lambda a: F.dropout(a), 1.3),  # the output and a mask of one byte an element
    (lambda a: F.max_pool2d(a.reshape(1, 16, 128, 128), 2), 0.6),  # output and indices, a quarter each
    (lambda a: F.layer_norm(a.reshape(512, 512), (512,)), 1.1),  # output; two numbers a row
    (lambda a: F.gelu(a), 1.1),
    (lambda a: F.cross_entropy(a.reshape(512, 512), ac.zeros(512, dtype=ac.int64)), 0.1),
]


@pytest.mark.parametrize(
    ("run", "share"), SAVED, ids=["relu", "dropout", "max_pool", "layer_norm", "gelu", "cross_entropy"]
)
def test_what_is_kept_for_backward(run, share):
    """Bytes alive after a call, as a share of the input's: what PyTorch keeps, and no more."""
    import gc
    import tracemalloc

    a = ac.rand(512 * 512, requires_grad=True)
    run(a)  # whatever is made once
    gc.collect()
    tracemalloc.start()
    try:
        y = run(a)
        gc.collect()
        alive = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert y.requires_grad
    assert alive <= share * a.array.nbytes
