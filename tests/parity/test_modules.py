"""Every module against PyTorch's: text, state_dict, results, gradients of inputs and parameters, buffers, both
modes."""

from __future__ import annotations

import inspect
import warnings
from typing import Any

import numpy as np
import pytest

import autograd_core as ac
import nn
from tests.parity.module_cases import CASES, CONTAINERS, Array, C, Pooled, Tensorial

torch = pytest.importorskip("torch")

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore:.*min_value:FutureWarning")


def ours(a: np.ndarray) -> Any:
    return ac.from_numpy(np.array(a))


def theirs(a: np.ndarray) -> Any:
    return torch.from_numpy(np.array(a))


def build(case: C) -> tuple[Any, Any]:
    """The two modules in float64, with the same parameters (where they have their shapes already)."""
    both = []
    for package, tensor in ((nn, ours), (torch.nn, theirs)):
        args = [tensor(a.values) if isinstance(a, Tensorial) else a for a in case.args]
        kwargs = {k: tensor(v.values) if isinstance(v, Tensorial) else v for k, v in case.kwargs.items()}
        both.append(getattr(package, case.name)(*args, **kwargs).double())
    return both[0], both[1]


def copy_state(source: Any, target: Any) -> None:
    """PyTorch's parameters and buffers into ours, through the state_dict."""
    target.load_state_dict({k: ours(v.detach().numpy()) for k, v in source.state_dict().items()})


def inputs_of(case: C) -> tuple[list[Any], dict[str, Any], list[Any], dict[str, Any], list[Any]]:
    """The same inputs twice, and the pairs of them that require grad."""
    leaves: list[tuple[Any, Any]] = []
    random = np.random.default_rng(0)
    drawn: dict[int, np.ndarray] = {}

    def make(value: Any) -> list[tuple[Any, Any]]:
        if isinstance(value, Pooled):
            a = value.source.draw(random)
            y, index = getattr(torch.nn.functional, f"max_pool{value.n}d")(theirs(a), 2, return_indices=True)
            mine, other = ours(y.numpy()).requires_grad_(), y.clone().requires_grad_()
            leaves.append((mine, other))
            return [(mine, other), (ours(index.numpy()), index)]
        if isinstance(value, Array):
            if id(value) not in drawn:  # the same object is the same tensor
                drawn[id(value)] = value.draw(random)
            a = drawn[id(value)]
            pair = (ours(a), theirs(a))
            if value.grad and a.dtype.kind == "f":
                pair[0].requires_grad_()
                pair[1].requires_grad_()
                leaves.append(pair)
            if value.kind == "logits":
                return [(nn.functional.log_softmax(pair[0], -1), torch.log_softmax(pair[1], -1))]
            return [pair]
        if isinstance(value, Tensorial):
            return [(ours(value.values), theirs(value.values))]
        if isinstance(value, list) and value and isinstance(value[0], Array):
            parts = [make(v)[0] for v in value]
            return [(tuple(p[0] for p in parts), tuple(p[1] for p in parts))]
        if (
            isinstance(value, list)
            and all(isinstance(v, int) for v in value)
            and case.name in ("EmbeddingBag", "CTCLoss")
        ):
            return [(ac.tensor(value), torch.tensor(value))]
        return [(value, value)]

    pairs = [p for v in case.inputs for p in make(v)]
    named = {k: make(v)[0] for k, v in case.named.items()}
    return (
        [p[0] for p in pairs],
        {k: p[0] for k, p in named.items()},
        [p[1] for p in pairs],
        {k: p[1] for k, p in named.items()},
        leaves,
    )


def flat(value: Any) -> list[Any]:
    """All tensors in a result."""
    if isinstance(value, (tuple, list)):
        return [t for v in value for t in flat(v)]
    return [value] if value is not None else []


def close(mine: Any, other: Any, what: str, tolerance: float) -> None:
    a, b = mine.detach().numpy(), other.detach().numpy()
    assert a.shape == b.shape, what
    assert a.dtype == b.dtype, what
    np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance, err_msg=what)


def same_text(mine: Any, other: Any) -> None:
    assert repr(mine) == repr(other).replace("torch.", "autograd_core.")


@pytest.mark.parametrize("case", CASES, ids=str)
def test_module(case: C) -> None:
    mine, other = build(case)
    same_text(mine, other)
    lazy = case.name.startswith("Lazy")
    if lazy:  # shapes come from the first input
        args, named, args_t, named_t, _ = inputs_of(case)
        mine(*args, **named)
        other(*args_t, **named_t)
        same_text(mine, other)
        assert type(mine).__name__ == case.name.removeprefix("Lazy")
    assert list(mine.state_dict()) == list(other.state_dict())
    assert [n for n, _ in mine.named_parameters()] == [n for n, _ in other.named_parameters()]
    copy_state(other, mine)
    for training in (False,) if case.random else (True, False):
        mine.train(training)
        other.train(training)
        mine.zero_grad()
        other.zero_grad()
        compare_call(case, mine, other, "train" if training else "eval")


def compare_call(case: C, mine: Any, other: Any, mode: str) -> None:
    args, named, args_t, named_t, leaves = inputs_of(case)
    results, results_t = flat(mine(*args, **named)), flat(other(*args_t, **named_t))
    assert len(results) == len(results_t)
    random = np.random.default_rng(1)
    total, total_t = ac.zeros((), dtype=ac.float64), torch.zeros((), dtype=torch.float64)
    for k, (y, y_t) in enumerate(zip(results, results_t, strict=True)):
        close(y, y_t, f"{mode}: output {k}", case.tolerance)
        assert y.requires_grad == y_t.requires_grad, f"{mode}: output {k} requires_grad"
        if y_t.requires_grad:
            weight = random.standard_normal(tuple(y_t.shape))
            total = total + (y * ours(weight)).sum()
            total_t = total_t + (y_t * theirs(weight)).sum()
    if total_t.requires_grad:
        total.backward()
        total_t.backward()
        for k, (x, x_t) in enumerate(leaves):
            compare_gradient(x, x_t, f"{mode}: gradient of input {k}", case.tolerance)
        for (name, p), p_t in zip(mine.named_parameters(), other.parameters(), strict=True):
            compare_gradient(p, p_t, f"{mode}: gradient of {name}", case.tolerance)
    for (name, buffer), buffer_t in zip(mine.named_buffers(), other.buffers(), strict=True):
        close(buffer, buffer_t, f"{mode}: buffer {name}", case.tolerance)


def compare_gradient(x: Any, x_t: Any, what: str, tolerance: float) -> None:
    assert (x.grad is None) == (x_t.grad is None), what
    if x_t.grad is not None:
        close(x.grad, x_t.grad, what, tolerance)


def test_every_module_has_a_case() -> None:
    everything = {
        n
        for n in dir(torch.nn)
        if isinstance(getattr(torch.nn, n), type)
        and issubclass(getattr(torch.nn, n), torch.nn.Module)
        and n not in NOT_HERE
    }
    assert len(everything) == 155
    assert everything - {c.name for c in CASES} - set(CONTAINERS) == set()
    assert {n for n in everything if not hasattr(nn, n)} == set()


NOT_HERE = {
    "Container", "CrossMapLRN2d", "DataParallel", "LinearCrossEntropyLoss", "NLLLoss2d", "RNNBase", "RNNCellBase",
    "SyncBatchNorm",
}  # fmt: skip
"""Names of ``torch.nn`` that PyTorch does not document as modules of their own, or has removed from its
documentation."""


def differences(mine: Any, other: Any) -> list[str]:
    """Where two constructors' parameters differ in name, order, kind or default."""

    def read(cls: Any) -> list[tuple[str, Any, Any]]:
        out = []
        for p in list(inspect.signature(cls.__init__).parameters.values())[1:]:
            default = p.default
            if callable(default) and getattr(default, "__name__", "") == "relu":
                default = "relu"
            out.append((p.name, p.kind, default))
        return out

    a, b = read(mine), read(other)
    return [] if a == b else [f"{x} / {y}" for x, y in zip(a, b, strict=False) if x != y] + [str(len(a) - len(b))]


VARIADIC = {
    "GRU", "LSTM", "RNN",  # PyTorch hides their arguments behind *args, as we do those of the next
    "LazyConv1d", "LazyConv2d", "LazyConv3d", "LazyConvTranspose1d", "LazyConvTranspose2d", "LazyConvTranspose3d",
    "LogSigmoid", "Sigmoid", "Softmax2d", "Softsign", "Tanh", "Tanhshrink",
    "ModuleDict", "ModuleList", "ParameterDict", "ParameterList",
}  # fmt: skip


@pytest.mark.parametrize("name", sorted({c.name for c in CASES} - VARIADIC))
def test_constructor_arguments(name: str) -> None:
    assert differences(getattr(nn, name), getattr(torch.nn, name)) == []


@pytest.mark.parametrize("name", sorted({c.name for c in CASES}))
def test_forward_arguments(name: str) -> None:
    mine = list(inspect.signature(getattr(nn, name).forward).parameters)
    other = list(inspect.signature(getattr(torch.nn, name).forward).parameters)
    assert mine == other


# ------------------------------------------------------------------------------------------- initial distributions

SIZED = [
    C("Linear", 300, 200), C("Bilinear", 20, 30, 40), C("Conv1d", 40, 60, 5), C("Conv2d", 40, 60, 3, groups=2),
    C("Conv3d", 20, 30, 3), C("ConvTranspose2d", 40, 60, 3), C("ConvTranspose1d", 30, 60, 3, groups=3),
    C("Embedding", 200, 50),
    C("EmbeddingBag", 200, 50), C("LSTM", 40, 60), C("GRU", 40, 60), C("RNN", 80, 100), C("LSTMCell", 40, 60),
    C("MultiheadAttention", 64, 4), C("MultiheadAttention", 64, 4, kdim=48, vdim=32, add_bias_kv=True),
    C("TransformerEncoderLayer", 64, 4, 128), C("Transformer", 32, 4, 1, 1, 64), C("BatchNorm2d", 30), C("LayerNorm",
    30),
    C("PReLU", 30),
]  # fmt: skip


@pytest.mark.parametrize("case", SIZED, ids=str)
def test_initial_distribution(case: C) -> None:
    """Mean, spread and extremes of every parameter, against PyTorch's.

    The bound on the spread is four standard errors of a sample standard deviation of n draws (1 / sqrt(2 n), for both
    samples); that on the largest value holds for uniform distributions, where it approaches the bound with n.
    """
    ac.manual_seed(0)
    torch.manual_seed(0)
    mine, other = (
        getattr(nn, case.name)(*case.args, **case.kwargs),
        getattr(torch.nn, case.name)(*case.args, **case.kwargs),
    )
    for (name, p), (name_t, p_t) in zip(mine.named_parameters(), other.named_parameters(), strict=True):
        assert name == name_t
        a, b = p.detach().numpy().ravel(), p_t.detach().numpy().ravel()
        assert p.requires_grad == p_t.requires_grad
        if b.std() == 0:
            np.testing.assert_array_equal(a, b, err_msg=name)
            continue
        error = 4 * np.sqrt(1 / len(b))
        assert abs(a.std() / b.std() - 1) < error, name
        assert abs(a.mean()) < 4 * b.std() / np.sqrt(len(b)), name
        bounded = np.abs(b).max() < 2 * b.std()  # a uniform distribution ends at sqrt(3) standard deviations
        assert (np.abs(a).max() < 2 * a.std()) == bounded or len(b) < 100, name


# --------------------------------------------------------------------------------------------------- random modules


@pytest.mark.parametrize(
    "name", ["Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout", "FeatureAlphaDropout"]
)
def test_dropout_statistics(name: str) -> None:
    """In training: the fraction dropped, the values that are left, and what is dropped together."""
    ac.manual_seed(0)
    torch.manual_seed(0)
    shape = {"Dropout1d": (400, 20, 3), "Dropout3d": (400, 20, 2, 2, 2)}.get(name, (400, 20, 3, 3))
    p = 0.3
    y = getattr(nn, name)(p)(ac.ones(shape)).numpy()
    y_t = getattr(torch.nn, name)(p)(torch.ones(shape)).numpy()
    values, values_t = np.unique(y.round(5)), np.unique(y_t.round(5))
    np.testing.assert_allclose(values, values_t, atol=1e-5)
    groups = 400 * 20 if name not in ("Dropout", "AlphaDropout") else y.size
    low, low_t = (y.round(5) == values[0]).mean(), (y_t.round(5) == values_t[0]).mean()
    assert abs(low - low_t) < 4 * np.sqrt(2 * p * (1 - p) / groups)
    whole = y.reshape(400 * 20, -1)
    assert bool((whole == whole[:, :1]).all()) == (groups == 400 * 20)


def test_rrelu_training() -> None:
    ac.manual_seed(0)
    x = -ac.ones(20000)
    y = -nn.RReLU(0.1, 0.5)(x).numpy()
    assert 0.1 <= y.min() < 0.101
    assert 0.499 < y.max() <= 0.5
    assert abs(y.mean() - 0.3) < 4 * (0.4 / np.sqrt(12)) / np.sqrt(20000)


# --------------------------------------------------------------------------------------------------- containers


def test_containers_text_and_keys() -> None:
    def make(package: Any, tensor: Any) -> Any:
        from collections import OrderedDict

        inner = package.Sequential(OrderedDict([("a", package.Linear(2, 3)), ("b", package.ReLU())]))
        return package.ModuleDict(
            {
                "seq": package.Sequential(package.Linear(2, 2), inner, package.Flatten()),
                "list": package.ModuleList([package.Linear(2, 2), package.Linear(2, 2), package.ReLU()]),
                "params": package.ParameterList([tensor(np.ones((2, 3))), tensor(np.ones(2))]),
                "one": package.ParameterList([tensor(np.ones((2, 3)))]),
                "named": package.ParameterDict({"b": tensor(np.ones(2)), "a": tensor(np.ones(1)), "c": None}),
                "empty": package.Sequential(),
                "none": package.ModuleList(),
            }
        )

    mine, other = make(nn, ours), make(torch.nn, theirs)
    same_text(mine, other)
    assert list(mine.state_dict()) == list(other.state_dict())
    assert [n for n, _ in mine.named_modules()] == [n for n, _ in other.named_modules()]
    assert [n for n, _ in mine.named_parameters()] == [n for n, _ in other.named_parameters()]


@pytest.mark.parametrize("norm_first", [False, True])
@pytest.mark.parametrize("masked", [False, True])
def test_transformer_stacks(norm_first: bool, masked: bool) -> None:
    both = []
    for package in (nn, torch.nn):
        options: dict[str, Any] = {"dim_feedforward": 16, "dropout": 0.0, "norm_first": norm_first}
        encoder = package.TransformerEncoder(
            package.TransformerEncoderLayer(8, 2, **options), 2, package.LayerNorm(8), enable_nested_tensor=False
        )
        decoder = package.TransformerDecoder(package.TransformerDecoderLayer(8, 2, **options), 2)
        both.append(package.ModuleList([encoder, decoder]).double())
    mine, other = both
    same_text(mine, other)
    copy_state(other, mine)
    random = np.random.default_rng(0)
    src, tgt = random.standard_normal((5, 3, 8)), random.standard_normal((4, 3, 8))
    mask = np.triu(np.full((4, 4), -np.inf), 1)
    square = np.triu(np.full((5, 5), -np.inf), 1)
    results = []
    for (encoder, decoder), tensor in ((mine, ours), (other, theirs)):
        named = {"tgt_mask": tensor(mask)} if masked else {}
        memory = encoder(tensor(src), **({"mask": tensor(square)} if masked else {}))
        y = decoder(tensor(tgt), memory, **named)
        (y * y).sum().backward()
        results.append(y)
    close(*results, "output", 1e-9)
    for (name, p), p_t in zip(mine.named_parameters(), other.parameters(), strict=True):
        close(p.grad, p_t.grad, name, 1e-8)


# --------------------------------------------------------------------------------------------------- packed sequences


@pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU"])
@pytest.mark.parametrize("sort", [True, False])
@pytest.mark.parametrize(
    "options", [{}, {"bidirectional": True, "num_layers": 2}, {"proj_size": 2, "bidirectional": True}], ids=str
)
def test_packed(name: str, sort: bool, options: dict[str, Any]) -> None:
    if "proj_size" in options and name != "LSTM":
        return
    other = getattr(torch.nn, name)(4, 5, **options).double()
    mine = getattr(nn, name)(4, 5, **options).double()
    copy_state(other, mine)
    x = np.random.default_rng(0).standard_normal((6, 4, 4))
    lengths = [6, 4, 4, 1] if sort else [4, 6, 1, 4]
    results = []
    for module, tensor, rnn in ((mine, ours, nn.utils.rnn), (other, theirs, torch.nn.utils.rnn)):
        source = tensor(x).requires_grad_()
        packed = rnn.pack_padded_sequence(source, lengths, enforce_sorted=sort)
        y, state = module(packed)
        padded, sizes = rnn.pad_packed_sequence(y, padding_value=-2.0, total_length=7)
        total = (padded * padded).sum() + sum((s * s).sum() for s in flat(state))
        total.backward()
        results.append([packed.data, packed.batch_sizes, y.data, padded, sizes, *flat(state), source.grad])
    for k, (a, b) in enumerate(zip(*results, strict=True)):
        close(a, b, f"value {k}", 1e-9)
    for (n, p), p_t in zip(mine.named_parameters(), other.named_parameters(), strict=True):
        close(p.grad, p_t[1].grad, n, 1e-9)


def test_pad_pack_unpad() -> None:
    random = np.random.default_rng(0)
    arrays = [random.standard_normal((n, 2)) for n in (2, 4, 3)]
    for batch_first in (True, False):
        for side in ("right", "left"):
            a = nn.utils.rnn.pad_sequence([ours(x) for x in arrays], batch_first, 1.5, side)
            b = torch.nn.utils.rnn.pad_sequence([theirs(x) for x in arrays], batch_first, 1.5, side)
            close(a, b, "pad_sequence", 0)
    packed = nn.utils.rnn.pack_sequence([ours(x) for x in arrays], enforce_sorted=False)
    for x, y in zip(arrays, nn.utils.rnn.unpack_sequence(packed), strict=True):
        np.testing.assert_array_equal(x, y.numpy())


def test_warnings_are_errors_elsewhere() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        nn.LSTM(2, 3, num_layers=2, dropout=0.5)
