"""nn.data beside torch.utils.data: what does not depend on random numbers is the same."""

from __future__ import annotations

from collections import OrderedDict, namedtuple

import numpy as np
import pytest

import autograd_core as ac
from nn import data as ours

torch = pytest.importorskip("torch")
theirs = torch.utils.data

Pair = namedtuple("Pair", "a b")


def plain(value):
    if isinstance(value, (ac.Tensor, torch.Tensor)):
        return str(value.dtype).rpartition(".")[2].removesuffix("_"), tuple(value.shape), value.tolist()
    if isinstance(value, dict):
        return type(value).__name__, {k: plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value).__name__, [plain(v) for v in value]
    return value


BATCHES = [
    [1, 2, 3], [1.0, 2.5], [True, False], ["a", "b"], [b"a", b"b"],
    [np.float32(1), np.float32(2)], [np.int16(1), np.int16(2)], [np.bool_(True), np.bool_(False)],
    [np.ones((2, 3), np.float32)] * 2, [np.array(1.5), np.array(2.5)], [np.zeros((0, 2))] * 2,
    [(1, 2.0, "x"), (3, 4.0, "y")], [[1, 2], [3, 4]], [{"a": 1, "b": [2.0]}, {"a": 3, "b": [4.0]}],
    [OrderedDict(a=1), OrderedDict(a=2)], [Pair(1, 2.0), Pair(3, 4.0)], [range(3), range(3)],
    [(np.ones(2), {"k": (1, Pair(2, 3))})] * 3, [()] * 2, [{}] * 2,
]  # fmt: skip


@pytest.mark.parametrize("batch", BATCHES)
def test_default_collate(batch):
    assert plain(ours.default_collate(batch)) == plain(theirs.default_collate(batch))


@pytest.mark.parametrize("value", [sample for batch in BATCHES for sample in batch[:1]])
def test_default_convert(value):
    assert plain(ours.default_convert(value)) == plain(theirs.default_convert(value))


@pytest.mark.parametrize("options", [
    {"batch_size": 3}, {"batch_size": 3, "drop_last": True}, {"batch_size": None}, {"sampler": [4, 1], "batch_size": 2},
    {"batch_sampler": [[0, 2], [1]]}, {"batch_size": 20}, {},
])  # fmt: skip
def test_batches_and_lengths(options):
    items = [(i, float(i)) for i in range(10)]
    a, b = ours.DataLoader(items, **options), theirs.DataLoader(items, **options)
    assert len(a) == len(b)
    assert [plain(x) for x in a] == [plain(x) for x in b]


@pytest.mark.parametrize("n", [1, 5, 12])
@pytest.mark.parametrize("replicas", [1, 2, 5])
@pytest.mark.parametrize("drop_last", [False, True])
def test_distributed_sampler(n, replicas, drop_last):
    for rank in range(replicas):
        options = {"num_replicas": replicas, "rank": rank, "shuffle": False, "drop_last": drop_last}
        a, b = ours.DistributedSampler(range(n), **options), theirs.DistributedSampler(range(n), **options)
        assert list(a) == list(b)
        assert len(a) == len(b)


@pytest.mark.parametrize(
    ("n", "fractions"), [(10, [0.5, 0.3, 0.2]), (11, [1 / 3] * 3), (25, [0.9, 0.1]), (30, [0.3, 0.3, 0.4])]
)
def test_random_split_sizes(n, fractions):
    a, b = ours.random_split(range(n), fractions), theirs.random_split(range(n), fractions)
    assert [len(part) for part in a] == [len(part) for part in b]


def test_the_names():
    wanted = [name for name in theirs.__all__ if "Pipe" not in name and "validation" not in name]
    wanted = [n for n in wanted if n not in ("DataChunk", "functional_datapipe", "guaranteed_datapipes_determinism",
                                             "non_deterministic", "_DatasetKind")]  # fmt: skip
    assert set(wanted) - {"runtime_validation_disabled"} <= set(ours.__all__)


def test_the_arguments():
    import inspect

    names = ("DataLoader", "TensorDataset", "ConcatDataset", "ChainDataset", "StackDataset", "Subset", "random_split",
             "RandomSampler", "SubsetRandomSampler", "WeightedRandomSampler", "BatchSampler", "DistributedSampler",
             "default_collate")  # fmt: skip
    for name in names:
        mine = list(inspect.signature(getattr(ours, name)).parameters)
        assert (
            mine[: len(other)] == other
            if (other := list(inspect.signature(getattr(theirs, name)).parameters))
            else True
        )
