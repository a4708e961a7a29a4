"""What modules say when they are given something wrong: exact texts, with the path in the model."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as torch
import nn


def message(call) -> str:
    with pytest.raises(Exception) as caught:
        call()
    return str(caught.value)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Sequential(nn.Conv2d(32, 64, 3)))
        self.loose = [nn.Linear(3, 3)]

    def forward(self, x):
        return self.features(x)


def test_path_in_the_model():
    net = Net()
    x = torch.zeros(8, 16, 28, 28)
    assert message(lambda: net(x)) == (
        "net.features.0 (Conv2d): expected 1 input channels, got 16, input shape (8, 16, 28, 28)."
    )
    net.features[0] = nn.Identity()
    assert message(lambda: net(x)) == (
        "net.features.2.0 (Conv2d): expected 32 input channels, got 16, input shape (8, 16, 28, 28)."
    )
    with pytest.raises(RuntimeError) as caught:
        net(x)
    assert caught.value.__notes__ == [
        "raised in the forward of Conv2d(32, 64, kernel_size=(3, 3), stride=(1, 1)), called with (Tensor(8, 16, "
        "28, 28) float32)"
    ]


def test_path_without_a_variable():
    assert message(lambda: Net()(torch.zeros(8, 16, 28, 28))).startswith("Net.features.0 (Conv2d): expected 1 input")


def test_path_through_hooks_and_observers():
    net = Net()
    net.features.register_forward_hook(lambda *a: None)
    x = torch.zeros(8, 16, 28, 28)
    want = "net.features.0 (Conv2d): expected 1 input channels, got 16, input shape (8, 16, 28, 28)."
    assert message(lambda: net(x)) == want

    class Observer:
        def forward(self, op, args, run):
            return run(*args)

        def module(self, module, run):
            return run()

    with torch.graph.watch.observing(Observer()):
        assert message(lambda: net(x)) == want


def test_module_outside_the_tree():
    class Holder(nn.Module):
        def __init__(self):
            super().__init__()
            self.parts = [nn.Linear(3, 3)]

        def forward(self, x):
            return self.parts[0](x)

    holder = Holder()
    assert message(lambda: holder(torch.zeros(1, 2))) == (
        "holder > Linear (Linear): expected input with last dimension in_features=3, got shape (1, 2)."
    )


def test_other_kinds_of_errors_keep_their_text():
    class Odd(nn.Module):
        def forward(self, x):
            raise {"key": KeyError("k"), "assert": AssertionError("no"), "two": ValueError("a", 3)}[x]

    odd = nn.Sequential(Odd())
    for name, kind in (("key", KeyError), ("assert", AssertionError), ("two", ValueError)):
        with pytest.raises(kind) as caught:
            odd(name)
        assert caught.value.args in (("k",), ("no",), ("a", 3))
        assert len(caught.value.__notes__) == 1


@pytest.mark.parametrize(
    ("layer", "value", "text"),
    [
        (nn.Linear(3, 2), np.ones((2, 3)), "got ndarray; convert it with autograd_core.from_numpy(...)."),
        (nn.Sigmoid(), [1.0], "got list; convert it with autograd_core.tensor(...)."),
        (nn.LSTM(3, 2), [1.0], "got list; convert it with autograd_core.tensor(...)."),
        (nn.BatchNorm2d(3), 4, "got int; convert it with autograd_core.tensor(...)."),
    ],
)
def test_not_a_tensor(layer, value, text):
    net = nn.Sequential(nn.Identity(), layer)
    with pytest.raises(TypeError) as caught:
        net(value)
    name = type(layer).__name__
    assert str(caught.value) == f"net.1 ({name}): expected a Tensor, {text}"


def test_raised_again_is_told_once():
    class Retry(nn.Module):
        def __init__(self):
            super().__init__()
            self.a = nn.Linear(3, 1)

        def forward(self, x):
            try:
                return self.a(x)
            except RuntimeError as error:
                self.kept = error
                raise

    net = Retry()
    text = message(lambda: net(torch.zeros(1, 2)))
    assert text == "net.a (Linear): expected input with last dimension in_features=3, got shape (1, 2)."


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: nn.Linear(128, 4)(torch.zeros(32, 64)),
            "Linear: expected input with last dimension in_features=128, got shape (32, 64).",
        ),
        (
            lambda: nn.Conv2d(3, 4, 3)(torch.zeros(5, 5)),
            "Conv2d: expected 3-d (unbatched) or 4-d (batched) input, got 2-d, input shape (5, 5).",
        ),
        (
            lambda: nn.ConvTranspose1d(3, 4, 3)(torch.zeros(2, 5, 5)),
            "ConvTranspose1d: expected 3 input channels, got 5, input shape (2, 5, 5).",
        ),
        (
            lambda: nn.ConvTranspose1d(3, 4, 3, 2)(torch.zeros(2, 3, 5), output_size=[20]),
            "ConvTranspose1d: output_size (20,) is not possible for input shape (2, 3, 5); sizes from (11,) to "
            "(12,) are.",
        ),
        (lambda: nn.BatchNorm2d(3)(torch.zeros(2, 3)), "BatchNorm2d: expected 4-d input, got 2-d, input shape (2, 3)."),
        (
            lambda: nn.BatchNorm1d(3)(torch.zeros(2, 4)),
            "BatchNorm1d: expected 3 channels in dimension 1, got 4, input shape (2, 4).",
        ),
        (
            lambda: nn.InstanceNorm1d(3, affine=True)(torch.zeros(2, 4, 5)),
            "InstanceNorm1d: expected 3 channels, got 4, input shape (2, 4, 5).",
        ),
        (
            lambda: nn.LayerNorm((3, 4))(torch.zeros(2, 4, 3)),
            "LayerNorm: expected an input that ends in normalized_shape=(3, 4), got shape (2, 4, 3).",
        ),
        (
            lambda: nn.RMSNorm(3)(torch.zeros(2, 4)),
            "RMSNorm: expected an input that ends in normalized_shape=(3,), got shape (2, 4).",
        ),
        (
            lambda: nn.GroupNorm(2, 4)(torch.zeros(2, 6)),
            "GroupNorm: expected num_channels=4 in dimension 1, got input shape (2, 6).",
        ),
        (lambda: nn.Softmax2d()(torch.zeros(2)), "Softmax2d: expected input of 3 or 4 dimensions, got shape (2,)."),
        (lambda: nn.ReflectionPad2d(1)(torch.zeros(2)), "ReflectionPad2d: expected 3-d or 4-d input, got shape (2,)."),
        (
            lambda: nn.LSTM(4, 5)(torch.zeros(3, 2, 6)),
            "LSTM: expected input with last dimension input_size=4, got shape (3, 2, 6).",
        ),
        (lambda: nn.LSTM(4, 5)(torch.zeros(4)), "LSTM: expected 2-d or 3-d input, got shape (4,)."),
        (
            lambda: nn.GRU(4, 5)(torch.zeros(0, 2, 4)),
            "GRU: expected at least one time step, got input shape (0, 2, 4).",
        ),
        (
            lambda: nn.GRU(4, 5)(torch.zeros(3, 2, 4), torch.zeros(2, 2, 5)),
            "GRU: expected h_0 of shape (1, 2, 5), got (2, 2, 5).",
        ),
        (
            lambda: nn.LSTM(4, 5)(torch.zeros(3, 2, 4), torch.zeros(1, 2, 5)),
            "LSTM: expected the state as (h, c), got Tensor.",
        ),
        (
            lambda: nn.RNN(4, 5)(torch.zeros(3, 2, 4).double()),
            "RNN: the input is autograd_core.float64 but the weights are autograd_core.float32; "
            "convert the input with x.to(autograd_core.float32).",
        ),
        (
            lambda: nn.LSTMCell(4, 5)(torch.zeros(2, 3)),
            "LSTMCell: expected input with last dimension input_size=4, got shape (2, 3).",
        ),
        (
            lambda: nn.LSTMCell(4, 5)(torch.zeros(2, 4), torch.zeros(2, 5)),
            "LSTMCell: expected the state as (h, c), got Tensor.",
        ),
        (
            lambda: nn.GRUCell(4, 5)(torch.zeros(2, 4), torch.zeros(3, 5)),
            "GRUCell: expected a hidden state of shape (2, 5) for input (2, 4), got (3, 5).",
        ),
        (
            lambda: nn.Transformer(8, 2, 1, 1, 8)(torch.zeros(3, 2, 8), torch.zeros(3, 4, 8)),
            "Transformer: the batch sizes of src and tgt must be equal, got 2 and 4.",
        ),
        (
            lambda: nn.AdaptiveLogSoftmaxWithLoss(4, 10, [2])(torch.zeros(2, 4), torch.tensor([1, 10])),
            "AdaptiveLogSoftmaxWithLoss: target values must be in [0, 9], found [1, 10].",
        ),
        (
            lambda: nn.ParameterList([torch.ones(1)])(1),
            "ParameterList: it cannot be called; use its parameters in a module's forward.",
        ),
    ],
)
def test_wrong_inputs(call, text):
    assert message(call) == text


@pytest.mark.parametrize(
    ("make", "kind", "text"),
    [
        (lambda: nn.Linear(-1, 2), ValueError, "Linear: in_features must be non-negative, got -1"),
        (lambda: nn.Linear("3", 2), TypeError, "Linear: in_features must be an int, got str '3'"),
        (lambda: nn.Linear(3, 2.0), TypeError, "Linear: out_features must be an int, got float 2.0"),
        (lambda: nn.Linear(3, 2, device="cuda"), NotImplementedError, "CPU only"),
        (lambda: nn.Bilinear(0, 2, 3), ValueError, "Bilinear: in1_features must be positive, got 0"),
        (
            lambda: nn.Conv2d(3, 4, 3, groups=2),
            ValueError,
            "in_channels=3 and out_channels=4 must be divisible by groups=2",
        ),
        (lambda: nn.Conv2d(3, 4, (3, 3, 3)), ValueError, "Conv2d: kernel_size must be one number or 2, got 3"),
        (lambda: nn.Conv2d(3, 4, 0), ValueError, "Conv2d: kernel_size must be positive, got 0"),
        (lambda: nn.Conv2d(3, 4, 3, padding=-1), ValueError, "Conv2d: padding must be non-negative, got -1"),
        (
            lambda: nn.Conv2d(3, 4, 3, padding="some"),
            ValueError,
            "padding must be numbers, 'same' or 'valid', got 'some'",
        ),
        (lambda: nn.Conv2d(3, 4, 3, 2, "same"), ValueError, "padding='same' needs stride 1"),
        (lambda: nn.Conv2d(3, 4, 3, padding_mode="odd"), ValueError, "padding_mode must be one of"),
        (lambda: nn.ConvTranspose2d(3, 4, 3, padding_mode="reflect"), ValueError, 'only padding_mode="zeros"'),
        (lambda: nn.LazyConv2d(3, 3, 1, stride=2), TypeError, "arguments after kernel_size are"),
        (lambda: nn.BatchNorm1d(-2), ValueError, "num_features must be non-negative"),
        (lambda: nn.GroupNorm(4, 6), ValueError, "num_channels=6 must be divisible by num_groups=4"),
        (lambda: nn.Dropout(1.5), ValueError, "Dropout: the dropout probability p must be between 0 and 1, got 1.5"),
        (lambda: nn.Embedding(4, 2, padding_idx=4), ValueError, "padding_idx=4 is outside the 4 rows"),
        (lambda: nn.Embedding(4, 2, _weight=torch.ones(3, 2)), ValueError, r"the given weight has shape \(3, 2\)"),
        (lambda: nn.Embedding.from_pretrained(torch.ones(3)), ValueError, "expected a 2-d table"),
        (lambda: nn.EmbeddingBag(4, 2, mode="most"), ValueError, "mode must be 'sum', 'mean' or 'max'"),
        (lambda: nn.LSTM(4, 5, proj_size=5), ValueError, "proj_size=5 must be smaller than hidden_size=5"),
        (lambda: nn.GRU(4, 5, proj_size=2), ValueError, "GRU: proj_size is only supported for LSTM"),
        (lambda: nn.RNN(4, 5, nonlinearity="sin"), ValueError, "nonlinearity must be 'tanh' or 'relu', got 'sin'"),
        (lambda: nn.LSTM(4, 5, dropout=2), ValueError, r"dropout must be a number in \[0, 1\], got 2"),
        (lambda: nn.LSTM(4, 5, bias=1), TypeError, "bias must be True or False, got int"),
        (lambda: nn.LSTM(4, 0), ValueError, "hidden_size must be positive, got 0"),
        (lambda: nn.MultiheadAttention(8, 3), ValueError, "embed_dim=8 must be divisible by num_heads=3"),
        (
            lambda: nn.TransformerEncoderLayer(8, 2, activation="sin"),
            RuntimeError,
            "activation must be 'relu', 'gelu' or a function",
        ),
        (
            lambda: nn.MSELoss(reduction="most"),
            ValueError,
            "MSELoss: reduction must be 'mean', 'sum' or 'none', got 'most'",
        ),
        (lambda: nn.TripletMarginLoss(margin=0), ValueError, "margin must be greater than 0"),
        (lambda: nn.MultiMarginLoss(p=3), ValueError, "only p == 1 and p == 2"),
        (lambda: nn.Hardtanh(1.0, -1.0), ValueError, "max_val must be larger than min_val"),
        (lambda: nn.GELU("sin"), RuntimeError, "approximate must be 'none' or 'tanh'"),
        (lambda: nn.PixelShuffle(0), ValueError, "upscale_factor must be positive"),
        (lambda: nn.Unflatten("a", (1,)), TypeError, "dim must be an int"),
        (lambda: nn.Unflatten(1, 3), TypeError, "unflattened_size must be a tuple of ints"),
        (lambda: nn.FractionalMaxPool2d(2), ValueError, "give either output_size or output_ratio"),
        (lambda: nn.FractionalMaxPool2d(2, output_ratio=1.5), ValueError, "output_ratio must be between 0 and 1"),
        (lambda: nn.AdaptiveLogSoftmaxWithLoss(4, 10, [3, 3]), ValueError, "cutoffs must be a sequence of unique"),
        (lambda: nn.Sequential(nn.ReLU(), 3), TypeError, "Sequential: expected a Module, got int"),
        (lambda: nn.Sequential(nn.ReLU())[1], IndexError, "Sequential: index 1 is out of range for 1 modules"),
        (lambda: nn.ModuleList([3]), TypeError, "must be a Module or None, got int"),
        (lambda: nn.ModuleDict(3), TypeError, "expected a mapping or pairs"),
        (lambda: nn.ModuleDict({"pop": nn.ReLU()}), KeyError, "attribute 'pop' already exists"),
        (lambda: nn.ModuleDict([("a",)]), ValueError, r"element 0 must be a pair \(name, module\), got 1 values"),
        (lambda: nn.ParameterDict({"a": torch.ones(1)})["b"], KeyError, r"no entry 'b'; there are \['a'\]"),
        (lambda: nn.ParameterList(torch.ones(2)), TypeError, "expected an iterable of parameters, got Tensor"),
        (lambda: nn.parallel.DistributedDataParallel(nn.ReLU()), NotImplementedError, "there are no process groups"),
    ],
)
def test_wrong_constructors(make, kind, text):
    with pytest.raises(kind, match=text):
        make()


def test_warnings():
    with pytest.warns(UserWarning, match=r"dropout=0.5 does nothing with num_layers=1"):
        nn.LSTM(2, 3, dropout=0.5)
    with pytest.warns(UserWarning, match=r"use reduction='sum'"):
        assert nn.L1Loss(size_average=False).reduction == "sum"
    with pytest.warns(UserWarning, match=r"use reduction='none'"):
        assert nn.NLLLoss(reduce=False).reduction == "none"
    with pytest.warns(FutureWarning, match="min_value is deprecated"):
        nn.Hardtanh(min_value=-2.0)
    with pytest.warns(UserWarning, match="num_features is not used without affine"):
        nn.InstanceNorm1d(3)(torch.ones(2, 4, 5))


# --------------------------------------------------------------------------------------------------- lazy modules


def test_lazy_life():
    net = nn.Sequential(nn.LazyConv2d(4, 3), nn.LazyBatchNorm2d(), nn.Flatten(), nn.LazyLinear(2))
    assert repr(net[0].weight) == "<UninitializedParameter>"
    assert "no shape yet" in message(lambda: net[0].weight + 1)
    assert "no shape yet" in message(lambda: net[3].weight.shape)
    assert "no shape yet" in message(lambda: nn.utils.count_parameters(net))
    net.double()
    assert net[0].weight.dtype == torch.float64
    parameters = list(net.parameters())
    assert net(torch.zeros(2, 3, 5, 5).double()).shape == (2, 2)
    assert [type(m).__name__ for m in net] == ["Conv2d", "BatchNorm2d", "Flatten", "Linear"]
    assert all(p is q for p, q in zip(parameters, net.parameters(), strict=True))
    assert type(net[0].weight) is nn.Parameter
    assert net[0]._hooks is None
    optimizer = nn.optim.SGD(parameters, lr=0.1)
    (net(torch.randn(2, 3, 5, 5).double()) ** 2).sum().backward()
    before = net[3].weight.detach().clone()
    optimizer.step()
    assert not bool((net[3].weight == before).all())


def test_lazy_keeps_other_hooks_and_copies():
    import copy

    layer, seen = nn.LazyLinear(2), []
    layer.register_forward_hook(lambda *a: seen.append(1))
    twin = copy.deepcopy(layer)
    layer(torch.ones(1, 3))
    layer(torch.ones(1, 3))
    assert len(seen) == 2
    assert repr(twin.weight) == "<UninitializedParameter>"
    assert twin(torch.ones(1, 4)).shape == (1, 2)
    assert "arguments" not in message(lambda: nn.LazyLinear(2)("x"))


def test_own_lazy_module():
    from nn.modules.lazy import LazyModuleMixin

    class Scale(LazyModuleMixin, nn.Module):
        def __init__(self):
            super().__init__()
            self.s = nn.UninitializedParameter()

        def initialize_parameters(self, x):
            self.s.materialize(x.shape[-1:])
            nn.init.ones_(self.s)

        def forward(self, x):
            return x * self.s

    assert Scale()(torch.ones(2, 3)).shape == (2, 3)

    class Forgets(Scale):
        def initialize_parameters(self, x):
            pass

    assert "left parameters without a shape" in message(lambda: Forgets()(torch.ones(2)))
