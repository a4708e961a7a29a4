"""nn.utils, nn.init and nn.training where no other library is needed: errors, summaries, the training loop."""

from __future__ import annotations

import copy
import csv
import json
import math
import pickle

import numpy as np
import pytest

import autograd_core as torch
import nn
from nn.training import EarlyStopping, History, accuracy, confusion_matrix, evaluate, fit, plot_curves, topk_accuracy
from nn.utils import parametrizations, parametrize, prune
from nn.utils.rnn import PackedSequence, pack_padded_sequence, pack_sequence, pad_packed_sequence, pad_sequence
from nn.utils.stateless import functional_call

# --------------------------------------------------------------------------------------------------- errors

FC = {"weight": torch.eye(2), "bias": torch.zeros(2)}


@pytest.mark.parametrize(
    ("call", "kind", "text"),
    [
        (lambda: nn.utils.clip_grad_norm_([3], 1.0), TypeError, "clip_grad_norm_: expected tensors, got int"),
        (lambda: nn.utils.vector_to_parameters(3, []), TypeError, "expected a Tensor, got int"),
        (
            lambda: nn.utils.vector_to_parameters(torch.ones(3), nn.Linear(2, 2).parameters()),
            RuntimeError,
            "the vector has 3 elements, the parameters 6",
        ),
        (lambda: nn.utils.skip_init(3), RuntimeError, "expected a Module class"),
        (lambda: nn.utils.skip_init(nn.ReLU), RuntimeError, "ReLU has no device argument"),
        (
            lambda: nn.utils.fuse_conv_bn_eval(nn.Conv2d(1, 1, 1), nn.BatchNorm2d(1)),
            RuntimeError,
            r"must be in evaluation mode; call eval\(\) first",
        ),
        (
            lambda: nn.utils.fuse_linear_bn_eval(nn.Linear(1, 3).eval(), nn.BatchNorm1d(2).eval()),
            RuntimeError,
            "the batch norm has 2 features, the linear map 3 outputs",
        ),
        (lambda: functional_call(nn.Linear(2, 2), {"w": torch.ones(1)}, torch.ones(2)), RuntimeError, r"named \['w'\]"),
        (
            lambda: functional_call(nn.Linear(2, 2), {"weight": torch.eye(2)}, torch.ones(2), strict=True),
            RuntimeError,
            r"missing \['bias'\]",
        ),
        (lambda: functional_call(nn.Linear(2, 2), (FC, FC), torch.ones(2)), ValueError, "appear in more than one dict"),
        (lambda: functional_call(nn.Linear(2, 2), 3, torch.ones(2)), ValueError, "expected a dict of tensors"),
        (lambda: nn.utils.summary(nn.ReLU()), ValueError, "give an input"),
        (
            lambda: parametrize.register_parametrization(nn.Linear(2, 2), "w", nn.ReLU()),
            ValueError,
            "Linear has no parameter, buffer or parametrized tensor 'w'",
        ),
        (
            lambda: parametrize.register_parametrization(nn.Linear(2, 2), "weight", nn.Flatten(0)),
            ValueError,
            r"may not change dtype or shape unless unsafe=True; autograd_core.float32 \(2, 2\) became .* \(4,\)",
        ),
        (lambda: parametrize.remove_parametrizations(nn.Linear(2, 2), "weight"), ValueError, "has no parametrizations"),
        (
            lambda: parametrize.remove_parametrizations(
                parametrizations.weight_norm(nn.Linear(2, 2)), "weight", leave_parametrized=False
            ),
            ValueError,
            "is computed from 2 tensors",
        ),
        (lambda: parametrizations.orthogonal(nn.Linear(2, 2), "bias"), ValueError, "expected a matrix"),
        (lambda: parametrizations.orthogonal(nn.Linear(2, 2), "w"), ValueError, "has no parameter or buffer 'w'"),
        (
            lambda: parametrizations.orthogonal(nn.Linear(2, 2), orthogonal_map="qr"),
            ValueError,
            "orthogonal_map must be 'matrix_exp', 'cayley' or 'householder', got 'qr'",
        ),
        (
            lambda: parametrizations.spectral_norm(nn.Linear(2, 2), n_power_iterations=0),
            ValueError,
            "n_power_iterations must be positive",
        ),
        (lambda: parametrizations.spectral_norm(nn.Linear(2, 2), dim=2), IndexError, "dim=2 is out of range"),
        (lambda: nn.utils.spectral_norm(nn.Linear(2, 2), "w"), ValueError, "has no parameter 'w'"),
        (lambda: nn.utils.remove_spectral_norm(nn.Linear(2, 2)), ValueError, "has no spectral_norm"),
        (lambda: nn.utils.remove_weight_norm(nn.Linear(2, 2)), ValueError, "has no weight_norm"),
        (lambda: nn.utils.spectral_norm(nn.LazyLinear(2)), ValueError, "run it once first"),
        (lambda: prune.l1_unstructured(nn.Linear(2, 2), "weight", 1.5), ValueError, r"a float in \[0, 1\]"),
        (
            lambda: prune.l1_unstructured(nn.Linear(2, 2), "weight", "all"),
            TypeError,
            "amount must be an int or a float",
        ),
        (lambda: prune.l1_unstructured(nn.Linear(2, 2), "weight", 5), ValueError, "more than the 4 there are"),
        (lambda: prune.random_structured(nn.Linear(2, 2), "bias", 1, 0), ValueError, "needs at least 2 dimensions"),
        (lambda: prune.ln_structured(nn.Linear(2, 2), "weight", 1, 2, 5), IndexError, "dim=5 is out of range"),
        (lambda: prune.remove(nn.Linear(2, 2), "weight"), ValueError, "'weight' of Linear is not pruned"),
        (
            lambda: prune.global_unstructured([(nn.Linear(2, 2), "weight")], prune.LnStructured, amount=1, n=1),
            TypeError,
            "only unstructured methods can be used, got LnStructured",
        ),
        (lambda: prune.PruningContainer().add_pruning_method(3), TypeError, "expected a BasePruningMethod, got int"),
        (lambda: pack_padded_sequence([1], [1]), TypeError, "input must be a Tensor, got list"),
        (lambda: pack_padded_sequence(torch.ones(3), [1]), RuntimeError, "at least 2 dimensions"),
        (lambda: pack_padded_sequence(torch.ones(3, 2), [1]), RuntimeError, "1 lengths for a batch of 2"),
        (lambda: pack_padded_sequence(torch.ones(3, 2), [3, 0]), RuntimeError, r"at least 1, got \[3, 0\]"),
        (lambda: pack_padded_sequence(torch.ones(3, 2), [4, 1]), RuntimeError, "the longest length is 4"),
        (lambda: pack_padded_sequence(torch.ones(3, 2), [1, 3]), RuntimeError, "Pass enforce_sorted=False"),
        (lambda: pack_padded_sequence(torch.ones(3, 2), [1.5, 1.0]), TypeError, "lengths must be integers"),
        (lambda: pack_padded_sequence(torch.ones(3, 0), []), (RuntimeError, TypeError), "lengths|empty batch"),
        (
            lambda: pad_packed_sequence(pack_sequence([torch.ones(3)]), total_length=2),
            ValueError,
            "total_length=2 is less than the longest sequence, which has 3",
        ),
        (lambda: pad_sequence([]), RuntimeError, "at least one sequence"),
        (lambda: pad_sequence([torch.ones(2, 1), torch.ones(2, 2)]), RuntimeError, r"sequence 1 has shape \(2, 2\)"),
        (lambda: pad_sequence([torch.ones(2)], padding_side="top"), RuntimeError, "'left' or 'right', got 'top'"),
        (lambda: PackedSequence(3), TypeError, "usually made by pack_padded_sequence"),
        (lambda: nn.init.uniform_(torch.ones(2), 1, 0), RuntimeError, "must have a <= b"),
        (lambda: nn.init.normal_(torch.ones(2), std=-1), RuntimeError, "std must not be negative"),
        (lambda: nn.init.eye_(torch.ones(2)), ValueError, "only tensors with 2 dimensions"),
        (lambda: nn.init.dirac_(torch.ones(2, 2)), ValueError, "3, 4, or 5 dimensions"),
        (lambda: nn.init.dirac_(torch.ones(3, 2, 2), 2), ValueError, "divisible by groups"),
        (lambda: nn.init.sparse_(torch.ones(3), 0.1), ValueError, "only tensors with 2 dimensions"),
        (lambda: nn.init.orthogonal_(torch.ones(3)), ValueError, "2 or more dimensions"),
        (lambda: nn.init.xavier_uniform_(torch.ones(3)), ValueError, "fewer than 2 dimensions"),
        (lambda: nn.init.kaiming_normal_(torch.ones(3, 2), mode="fan"), ValueError, "'fan_in' or 'fan_out'"),
        (lambda: nn.init.calculate_gain("swish"), ValueError, "unsupported nonlinearity 'swish'"),
        (lambda: nn.init.calculate_gain("leaky_relu", "x"), ValueError, "is not a number"),
        (lambda: nn.init.zeros_([1]), TypeError, "zeros_: expected a Tensor to fill, got list"),
        (lambda: accuracy(torch.ones(2, 3), torch.ones(2)), ValueError, "integer targets"),
        (lambda: topk_accuracy(torch.ones(2, 3), torch.tensor([0, 1]), 4), ValueError, "k must be between 1 and the 3"),
        (lambda: confusion_matrix(torch.ones(2, 3), torch.tensor([0, 5])), ValueError, r"in \[0, 2\]"),
        (lambda: confusion_matrix(torch.ones(2, 3), torch.tensor([0])), ValueError, "2 predictions for 1 targets"),
        (lambda: EarlyStopping(mode="up"), ValueError, "'min' or 'max'"),
        (lambda: EarlyStopping(-1), ValueError, "must not be negative"),
        (lambda: History("log.txt"), ValueError, r"must end in .csv or .jsonl, got 'log.txt'"),
    ],
)
def test_refusals(call, kind, text):
    with pytest.raises(kind, match=text):
        call()


def test_warnings():
    with pytest.warns(FutureWarning, match=r"nn\.init\.normal is deprecated"):
        nn.init.normal(torch.zeros(3))
    with pytest.warns(UserWarning, match="nothing to initialize"):
        nn.init.kaiming_uniform_(torch.zeros(0, 3))
    with pytest.warns(UserWarning, match="more than 2 std"):
        nn.init.trunc_normal_(torch.zeros(3), mean=9.0)
    with pytest.warns(FutureWarning, match="clip_grad_norm is deprecated"):
        nn.utils.clip_grad_norm([], 1.0)


# --------------------------------------------------------------------------------------------------- behaviour


def test_nonfinite_norm():
    w = nn.Parameter(torch.ones(2))
    w.grad = torch.tensor([1.0, math.nan])
    with pytest.raises(RuntimeError, match=r"the total norm of order 2\.0 is nan"):
        nn.utils.clip_grad_norm_(w, 1.0, error_if_nonfinite=True)
    assert w.grad[0] == 1.0
    assert math.isnan(nn.utils.clip_grad_norm_(w, 1.0))
    big = nn.Parameter(torch.ones(2))
    big.grad = torch.full((2,), 1e30)
    assert math.isclose(float(nn.utils.clip_grad_norm_(big, 1.0)), math.sqrt(2) * 1e30, rel_tol=1e-6)  # no overflow
    np.testing.assert_allclose(big.grad.numpy(), math.sqrt(0.5), rtol=1e-6)


def test_init_is_seeded_and_in_place():
    a, b = torch.zeros(50), torch.zeros(50)
    g = torch.Generator().manual_seed(3)
    nn.init.normal_(a, generator=g)
    nn.init.normal_(b, generator=torch.Generator().manual_seed(3))
    assert a.tolist() == b.tolist()
    p = nn.Parameter(torch.zeros(3))
    assert nn.init.ones_(p) is p
    torch.manual_seed(5)
    first = nn.Linear(3, 3).weight.tolist()
    torch.manual_seed(5)
    assert nn.Linear(3, 3).weight.tolist() == first


def test_functional_call_ties_and_restores():
    net = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False), nn.BatchNorm1d(2))
    net[1].weight = net[0].weight
    own = net[0].weight
    x = torch.eye(2)
    y = functional_call(net.eval(), {"0.weight": torch.eye(2) * 2}, (x,))
    np.testing.assert_allclose(y.detach().numpy(), 4 * np.eye(2), rtol=1e-5)
    assert net[0].weight is own
    assert net[1].weight is own
    y = functional_call(net, {"0.weight": torch.eye(2) * 2}, x, tie_weights=False)
    assert not np.allclose(y.detach().numpy(), 4 * np.eye(2))
    with pytest.raises(ValueError, match="are one tensor of the module"):
        functional_call(net, {"0.weight": torch.eye(2), "1.weight": torch.ones(2, 2)}, x)
    with pytest.raises(RuntimeError):
        functional_call(net, {"0.weight": torch.ones(3, 3)}, x)
    assert net[0].weight is own


def test_parametrized_modules_copy_and_refuse_pickle():
    layer = parametrizations.weight_norm(nn.Linear(3, 2))
    twin = copy.deepcopy(layer)
    with torch.no_grad():
        twin.parametrizations.weight.original0.zero_()
    assert float(layer.weight.abs().sum()) > 0
    assert float(twin.weight.abs().sum()) == 0
    with pytest.raises(RuntimeError, match=r"save its state_dict\(\) instead"):
        pickle.dumps(layer)
    parametrize.remove_parametrizations(layer, "weight")
    assert type(layer) is nn.Linear
    assert pickle.loads(pickle.dumps(layer)).weight.shape == (2, 3)
    assert isinstance(twin, nn.Linear)
    other = parametrize.transfer_parametrizations_and_params(twin, nn.Linear(3, 2))
    assert float(other.weight.abs().sum()) == 0


def test_pruned_twice_hooks_once():
    layer = nn.Linear(4, 4)
    prune.l1_unstructured(layer, "weight", 4)
    prune.l1_unstructured(layer, "weight", 4, importance_scores=torch.arange(16.0).reshape(4, 4))
    assert int((layer.weight_mask == 0).sum()) == 8
    layer(torch.ones(1, 4)).sum().backward()
    assert int((layer.weight_orig.grad == 0).sum()) == 8


def test_skip_init_and_swa_alias():
    assert nn.utils.skip_init(nn.Linear, 2, 3).weight.shape == (3, 2)
    assert nn.utils.swa_utils.AveragedModel


# --------------------------------------------------------------------------------------------------- summary


def test_summary_counts_the_products_of_a_gradient():
    class Force(nn.Module):
        """The gradient of x W c in x, and its products: forward (2x3)(3x4), backward g W^T."""

        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.randn(3, 4))

        def forward(self, x):
            with torch.enable_grad():
                x = x.detach().requires_grad_()
                gx, gw = torch.autograd.grad((x @ self.weight).sum(), (x, self.weight), create_graph=True)
            return gx.sum() + gw.sum()

    table = nn.utils.summary(Force(), torch.randn(2, 3))
    assert table.multiply_adds == 3 * 2 * 3 * 4  # the product, and each of its two gradients


def test_summary():
    net = nn.Sequential(
        nn.LazyConv2d(8, 3, padding=1), nn.BatchNorm2d(8), nn.Dropout(0.9), nn.Flatten(), nn.LazyLinear(10)
    )
    net[2].train()
    table = nn.utils.summary(net, input_size=(2, 3, 8, 8))
    assert net[2].training
    assert int(net[1].num_batches_tracked) == 0
    assert [r.kind for r in table.rows] == ["Sequential", "Conv2d", "BatchNorm2d", "Dropout", "Flatten", "Linear"]
    assert [r.output for r in table.rows] == ["2x10", "2x8x8x8", "2x8x8x8", "2x8x8x8", "2x512", "2x10"]
    assert [r.parameters for r in table.rows] == [5370, 224, 16, 0, 0, 5130]
    assert [r.multiply_adds for r in table.rows] == [37888, 27648, 0, 0, 0, 10240]
    assert table.rows[1].forward_bytes == 2 * 8 * 64 * 4
    text = str(table)
    assert "parameters: 5,370 (21.0 KiB), of which trainable: 5,370" in text
    assert "  Conv2d (0)" in text
    net.requires_grad_(False)
    small = nn.utils.summary(net, torch.zeros(1, 3, 8, 8), depth=0)
    assert small.trainable == 0
    assert len(str(small).splitlines()) == 6
    assert nn.utils.count_parameters(net, trainable=False) == 5370


@pytest.mark.parametrize(
    ("net", "size", "products"),
    [
        (nn.LSTM(4, 5), (3, 2, 4), 3 * 2 * (20 * 4 + 20 * 5)),
        (nn.GRU(4, 2, bidirectional=True), (3, 2, 4), 2 * 3 * 2 * (6 * 4 + 6 * 2)),
        (nn.ConvTranspose2d(2, 3, 2), (1, 2, 4, 4), 2 * 16 * 3 * 4),
        (nn.Conv2d(4, 4, 3, groups=2), (1, 4, 5, 5), 4 * 9 * 2 * 9),
        (nn.Bilinear(2, 3, 4), [(5, 2), (5, 3)], None),
    ],
)
def test_summary_counts_products(net, size, products):
    table = nn.utils.summary(net, input_size=size)
    assert table.multiply_adds == products or (products is None and table.multiply_adds > 0)


def test_summary_of_shared_and_several_outputs():
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.a = nn.Linear(3, 3)

        def forward(self, x, *, scale):
            return {"y": self.a(self.a(x)) * scale, "z": (x, x)}

    table = nn.utils.summary(Two(), torch.ones(2, 3), scale=2.0)
    assert table.rows[0].output == "y: 2x3, z: 2x3, 2x3"
    assert [r.shared for r in table.rows] == [False, False, True]
    assert table.parameters == 12


# --------------------------------------------------------------------------------------------------- training

X = torch.randn(64, 2, generator=torch.Generator().manual_seed(0))
Y = (X[:, 0] * X[:, 1] > 0).long()
BATCHES = [(X[i : i + 16], Y[i : i + 16]) for i in range(0, 64, 16)]


def model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 2))


def test_metrics():
    scores = torch.tensor([[0.1, 0.5, 0.4], [0.3, 0.2, 0.5], [0.9, 0.05, 0.05]])
    target = torch.tensor([2, 2, 1])
    assert math.isclose(accuracy(scores, target), 1 / 3)
    assert math.isclose(topk_accuracy(scores, target, 2), 1.0)
    assert math.isclose(topk_accuracy(scores, target, 1), 1 / 3)
    assert confusion_matrix(scores, target).tolist() == [[0, 0, 0], [1, 0, 0], [0, 1, 1]]
    assert confusion_matrix(torch.tensor([1, 0]), torch.tensor([1, 1]), 3).tolist() == [[0, 0, 0], [1, 1, 0], [0, 0, 0]]
    images = torch.zeros(2, 3, 4, 4)
    assert accuracy(images, torch.zeros(2, 4, 4).long()) == 1.0
    assert math.isnan(accuracy(torch.zeros(0, 3), torch.zeros(0).long()))


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_fit_learns_logs_and_draws(tmp_path, ending):
    net, log, picture = model(), tmp_path / f"log.{ending}", tmp_path / "curves.png"
    optimizer = nn.optim.Adam(net.parameters(), lr=0.02)
    seen = []
    history = fit(
        net, BATCHES, nn.CrossEntropyLoss(), optimizer, 30, valid=BATCHES[:1], metrics={"accuracy": accuracy},
        scheduler=nn.optim.lr_scheduler.StepLR(optimizer, 10, 0.5), clip_norm=1.0, log=log, curves=picture,
        progress=False, on_epoch=seen.append,
    )  # fmt: skip
    assert history[-1]["accuracy"] > 0.9
    assert history[-1]["val_loss"] < history[0]["val_loss"]
    assert history.column("lr")[-1] == pytest.approx(0.005)
    assert len(seen) == 30
    assert picture.stat().st_size > 5000
    lines = log.read_text().splitlines()
    if ending == "csv":
        rows = list(csv.DictReader(lines))
        assert list(rows[0]) == list(history[0])
    else:
        rows = [json.loads(line) for line in lines]
        assert rows == list(history)
    assert len(rows) == 30
    assert net.training
    assert evaluate(net, BATCHES, nn.CrossEntropyLoss())["loss"] < 0.4
    assert net.training
    assert len(plot_curves(history).axes) == 2


def test_fit_shows_a_bar(capsys):
    net = model()
    fit(net, BATCHES, nn.CrossEntropyLoss(), nn.optim.SGD(net.parameters(), lr=0.1))
    assert "epoch 1/1" in capsys.readouterr().err


def test_early_stopping_restores_the_best():
    net = model()
    optimizer = nn.optim.SGD(net.parameters(), lr=0.1)
    values = iter([1.0, 0.5, 0.7, math.nan, 0.9])
    stop = EarlyStopping(patience=2)
    best = []

    def spoil(row):
        row["watched"] = next(values)
        if row["watched"] == 0.5:
            best.append(copy.deepcopy(net.state_dict()))

    history = fit(
        net,
        BATCHES,
        nn.CrossEntropyLoss(),
        optimizer,
        20,
        early_stopping=_Watch(stop, spoil),
        monitor="loss",
        progress=False,
    )
    assert len(history) == 5
    assert stop.best == 0.5
    assert stop.best_epoch == 1
    for k, v in net.state_dict().items():
        assert v.tolist() == best[0][k].tolist()
    up = EarlyStopping(0, mode="max", min_delta=0.1)
    assert [up.step(v) for v in (0.1, 0.15, 0.3)] == [False, True, False]


class _Watch:
    """Gives early stopping the values of the test instead of the loss."""

    def __init__(self, stop, spoil):
        self.stop, self.spoil = stop, spoil

    def step(self, value, model):
        row: dict = {}
        self.spoil(row)
        return self.stop.step(row["watched"], model)

    def restore(self, model):
        self.stop.restore(model)


def test_fit_stops_at_a_bad_loss():
    net = model()
    bad = [*BATCHES[:2], (X[:4] * math.nan, Y[:4])]
    with pytest.raises(RuntimeError, match=r"the loss is nan in epoch 1/2, batch 2. Lower the learning rate"):
        fit(net, bad, nn.CrossEntropyLoss(), nn.optim.SGD(net.parameters(), lr=0.1), 2, progress=False)
    with pytest.raises(ValueError, match="there is no value 'f1' to monitor"):
        fit(net, BATCHES, nn.CrossEntropyLoss(), nn.optim.SGD(net.parameters(), lr=0.1), monitor="f1", progress=False)


def test_plateau_gets_the_monitored_value():
    net = model()
    optimizer = nn.optim.SGD(net.parameters(), lr=1e-4)
    plateau = nn.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=0, threshold=0.5)
    fit(net, BATCHES, nn.CrossEntropyLoss(), optimizer, 3, scheduler=plateau, progress=False)
    assert optimizer.param_groups[0]["lr"] < 1e-4
