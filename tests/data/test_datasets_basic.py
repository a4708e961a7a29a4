"""Datasets that wrap others, samplers and collation."""

from __future__ import annotations

import pickle
from collections import Counter, OrderedDict, namedtuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_core as ac
from nn.data import (
    Batch,
    BatchSampler,
    ChainDataset,
    ConcatDataset,
    Dataset,
    DistributedSampler,
    IterableDataset,
    RandomSampler,
    Sampler,
    SequentialSampler,
    StackDataset,
    Subset,
    SubsetRandomSampler,
    TensorDataset,
    WeightedRandomSampler,
    default_collate,
    default_convert,
    random_split,
)


class Squares(Dataset):
    def __init__(self, n):
        self.n = n

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        return i * i


class Count(IterableDataset):
    def __init__(self, n):
        self.n = n

    def __iter__(self):
        return iter(range(self.n))

    def __len__(self):
        return self.n


# ------------------------------------------------------------------------------------------------------------- datasets


def test_tensor_dataset():
    x, y = ac.arange(12).reshape(4, 3), ac.tensor([0.0, 1.0, 2.0, 3.0])
    data = TensorDataset(x, y)
    assert len(data) == 4
    assert data[1][0].tolist() == [3, 4, 5]
    assert data[-1][1].item() == 3.0
    batch = data.__getitems__([2, 0, -1])
    assert type(batch) is Batch
    assert len(batch) == 3
    assert batch.columns[0].tolist() == [[6, 7, 8], [0, 1, 2], [9, 10, 11]]
    assert [sample[1].item() for sample in batch] == [2.0, 0.0, 3.0]
    batch.columns[0].array[:] = -1  # a batch is a copy
    assert x.array.min() == 0


def test_tensor_dataset_keeps_gradients():
    w = ac.ones(4, requires_grad=True)
    (column,) = TensorDataset(w).__getitems__([1, 1, 3]).columns
    column.sum().backward()
    assert w.grad.tolist() == [0, 2, 0, 1]


@pytest.mark.parametrize(
    ("arguments", "kind", "text"),
    [
        ((), ValueError, "TensorDataset: give at least one tensor"),
        ((ac.ones(2), ac.ones(3)), ValueError, r"size mismatch between tensors: their lengths are \[2, 3\]"),
        ((ac.tensor(1.0),), ValueError, "argument 0 is 0-dimensional"),
        ((ac.ones(2), np.ones(2)), TypeError, "argument 1 is ndarray, not Tensor; wrap it"),
    ],
)
def test_tensor_dataset_errors(arguments, kind, text):
    with pytest.raises(kind, match=text):
        TensorDataset(*arguments)


def test_tensor_dataset_index_errors():
    data = TensorDataset(ac.ones(3))
    with pytest.raises(IndexError, match="TensorDataset: index 5 is out of range for 3 samples"):
        data.__getitems__([0, 5])
    with pytest.raises(IndexError):
        data[3]


def test_concat():
    data = Squares(3) + Squares(2)
    assert isinstance(data, ConcatDataset)
    assert len(data) == 5
    assert data.cumulative_sizes == [3, 5]
    assert [data[i] for i in range(5)] == [0, 1, 4, 0, 1]
    assert data[-1] == 1
    assert data[-5] == 0
    for i in (5, -6):
        with pytest.raises(IndexError, match=f"ConcatDataset: index {i} is out of range for 5 samples"):
            data[i]
    with pytest.raises(ValueError, match="should not be an empty iterable"):
        ConcatDataset([])
    with pytest.raises(TypeError, match=r"dataset 1 is an IterableDataset.*use ChainDataset"):
        ConcatDataset([Squares(1), Count(1)])


def test_chain():
    data = Count(2) + Count(3)
    assert isinstance(data, ChainDataset)
    assert list(data) == [0, 1, 0, 1, 2]
    assert len(data) == 5
    with pytest.raises(TypeError, match="dataset 0 is Squares; ChainDataset only supports IterableDataset"):
        ChainDataset([Squares(1)])


def test_stack():
    assert StackDataset(Squares(3), range(3))[2] == (4, 2)
    assert StackDataset(image=Squares(3), text=list("abc"))[1] == {"image": 1, "text": "b"}
    with pytest.raises(ValueError, match=r"their lengths are \[3, 2\]"):
        StackDataset(Squares(3), Squares(2))
    with pytest.raises(ValueError, match="at least one dataset"):
        StackDataset()
    with pytest.raises(ValueError, match="not both"):
        StackDataset(Squares(1), a=Squares(1))


def test_subset():
    part = Subset(Squares(10), [5, 3])
    assert len(part) == 2
    assert part[1] == 9
    assert part.__getitems__([0, 1]) == [25, 9]
    inner = Subset(TensorDataset(ac.arange(10)), [5, 3, 8])
    assert inner.__getitems__([2, 0]).columns[0].tolist() == [8, 5]

    class Doubled(Subset):
        def __getitem__(self, i):
            return 2 * super().__getitem__(i)

    assert Doubled(Squares(10), [5, 3]).__getitems__([1]) == [18]


@given(st.integers(0, 60), st.lists(st.floats(0.01, 1), min_size=1, max_size=4), st.integers(0, 99))
@settings(deadline=None)
def test_random_split_by_fractions(n, weights, seed):
    fractions = [w / sum(weights) for w in weights]
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        parts = random_split(range(n), fractions, generator=ac.Generator().manual_seed(seed))
    assert sorted(i for part in parts for i in part.indices) == list(range(n))
    assert all(abs(len(part) - n * f) < len(parts) for part, f in zip(parts, fractions, strict=True))


def test_random_split_by_counts():
    g = ac.Generator().manual_seed(1)
    a, b = random_split(Squares(10), [3, 7], generator=g)
    a2, b2 = random_split(Squares(10), [3, 7], generator=g.manual_seed(1))
    assert a.indices == a2.indices
    assert b.indices == b2.indices
    with pytest.raises(ValueError, match=r"\[3, 8\] sum to 11, the dataset has 10 samples"):
        random_split(Squares(10), [3, 8])
    with pytest.raises(ValueError, match="is negative or not a number"):
        random_split(Squares(10), [11, -1])
    with pytest.raises(ValueError, match="is negative or not a number"):
        random_split(Squares(10), [float("nan"), 1.0])
    with pytest.raises(ValueError, match="fractions must sum to 1"):
        random_split(Squares(10), [0.5, 0.7])
    with pytest.raises(ValueError, match="lengths is empty"):
        random_split(Squares(10), [])
    with pytest.warns(UserWarning, match="length of split at index 1 is 0"):
        random_split(Squares(1), [0.5, 0.5])


def test_abstract_classes_say_what_is_missing():
    with pytest.raises(NotImplementedError, match=r"Dataset: a Dataset subclass must define __getitem__"):
        Dataset()[0]
    with pytest.raises(NotImplementedError, match="must define __iter__"):
        iter(IterableDataset())
    with pytest.raises(NotImplementedError, match="must define __iter__"):
        iter(Sampler())


# ------------------------------------------------------------------------------------------------------------- samplers


def seeded(n=0):
    return ac.Generator().manual_seed(n)


def test_sequential_and_random():
    assert list(SequentialSampler("abcd")) == [0, 1, 2, 3]
    assert len(SequentialSampler("abcd")) == 4
    order = list(RandomSampler(range(50), generator=seeded()))
    assert sorted(order) == list(range(50))
    assert order != sorted(order)
    assert order == list(RandomSampler(range(50), generator=seeded()))
    assert len(list(RandomSampler(range(5), num_samples=13))) == 13
    assert Counter(RandomSampler(range(5), num_samples=15)) == Counter(dict.fromkeys(range(5), 3))
    assert set(RandomSampler(range(3), replacement=True, num_samples=2000)) == {0, 1, 2}
    assert list(RandomSampler([], num_samples=0)) == []


def test_default_generator_governs_what_has_none():
    ac.manual_seed(3)
    a = list(RandomSampler(range(20))), list(SubsetRandomSampler(range(20)))
    ac.manual_seed(3)
    assert a == (list(RandomSampler(range(20))), list(SubsetRandomSampler(range(20))))


def test_generator_moves_on_between_epochs():
    sampler = RandomSampler(range(30), generator=seeded())
    assert list(sampler) != list(sampler)


def test_subset_random():
    assert sorted(SubsetRandomSampler([7, 9, 2])) == [2, 7, 9]


@pytest.mark.parametrize("replacement", [True, False])
def test_weighted_never_draws_weight_zero(replacement):
    sampler = WeightedRandomSampler([0.0, 1.0, 0.0, 3.0, 0.0], 2, replacement, generator=seeded())
    drawn = [i for _ in range(200) for i in sampler]
    assert set(drawn) == {1, 3}
    if not replacement:
        assert drawn.count(1) == drawn.count(3) == 200


def test_weighted_frequencies():
    counts = Counter(WeightedRandomSampler(ac.tensor([1.0, 2.0, 5.0]), 80_000, generator=seeded()))
    for i, p in enumerate([1 / 8, 2 / 8, 5 / 8]):
        # 5 standard deviations of a binomial count
        assert abs(counts[i] - 80_000 * p) < 5 * np.sqrt(80_000 * p * (1 - p))
    first = Counter(next(iter(WeightedRandomSampler([1.0, 2.0, 5.0], 3, False, seeded(s)))) for s in range(4000))
    for i, p in enumerate([1 / 8, 2 / 8, 5 / 8]):
        assert abs(first[i] - 4000 * p) < 5 * np.sqrt(4000 * p * (1 - p))


def test_batch_sampler():
    assert list(BatchSampler(range(7), 3, False)) == [[0, 1, 2], [3, 4, 5], [6]]
    assert list(BatchSampler(range(7), 3, True)) == [[0, 1, 2], [3, 4, 5]]
    assert len(BatchSampler(SequentialSampler(range(7)), 3, False)) == 3
    assert len(BatchSampler(SequentialSampler(range(7)), 3, True)) == 2


@given(st.integers(1, 50), st.integers(1, 6), st.booleans(), st.booleans())
@settings(deadline=None)
def test_distributed(n, replicas, drop_last, shuffle):
    parts = []
    for rank in range(replicas):
        sampler = DistributedSampler(range(n), replicas, rank, shuffle=shuffle, drop_last=drop_last)
        sampler.set_epoch(2)
        parts.append(list(sampler))
        assert len(parts[-1]) == len(sampler)
    assert len({len(part) for part in parts}) == 1
    seen = [i for part in parts for i in part]
    assert set(seen) == set(range(n)) if not drop_last else len(set(seen)) == len(seen) == n // replicas * replicas


def test_distributed_alone_and_errors():
    assert sorted(DistributedSampler(range(5))) == [0, 1, 2, 3, 4]
    with pytest.raises(ValueError, match=r"invalid rank 2, rank should be in the interval \[0, 1\]"):
        DistributedSampler(range(5), num_replicas=2, rank=2)


@pytest.mark.parametrize(
    ("make", "kind", "text"),
    [
        (lambda: RandomSampler([1], replacement="yes"), TypeError, "replacement should be a bool"),
        (lambda: RandomSampler([1], num_samples=-1), ValueError, "num_samples should be an integer of at least 0"),
        (lambda: RandomSampler([1], num_samples=True), ValueError, "num_samples"),
        (lambda: iter(RandomSampler([], num_samples=1)), ValueError, "cannot draw from an empty data_source"),
        (lambda: WeightedRandomSampler([1.0], 0), ValueError, "num_samples should be a positive integer"),
        (lambda: WeightedRandomSampler([[1.0]], 1), ValueError, r"should be a 1d sequence, got shape \(1, 1\)"),
        (lambda: WeightedRandomSampler([1.0, -1.0], 1), ValueError, "finite and not negative"),
        (lambda: WeightedRandomSampler([1.0, np.nan], 1), ValueError, "finite and not negative"),
        (lambda: WeightedRandomSampler([0.0, 0.0], 1), ValueError, "all 2 weights are zero"),
        (lambda: WeightedRandomSampler([1.0, 0.0], 2, False), ValueError, "without replacement from 1 indices"),
        (lambda: BatchSampler([1], 0, False), ValueError, "batch_size should be a positive integer"),
        (lambda: BatchSampler([1], 2.0, False), ValueError, "batch_size should be a positive integer"),
        (lambda: BatchSampler([1], True, False), ValueError, "batch_size should be a positive integer"),
        (lambda: BatchSampler([1], 2, 1), TypeError, "drop_last should be a bool"),
    ],
)
def test_sampler_errors(make, kind, text):
    with pytest.raises(kind, match=text):
        make()


# ------------------------------------------------------------------------------------------------------------ collation

Pair = namedtuple("Pair", "image label")


def test_numbers():
    assert default_collate([1, 2]).dtype is ac.int64
    assert default_collate([1.0, 2.0]).dtype is ac.float64
    assert default_collate([True, False]).dtype is ac.bool
    assert default_collate([np.float32(1), np.float32(2)]).dtype is ac.float32
    assert default_collate([np.int16(1)]).dtype is ac.int16
    assert default_collate(["a", "b"]) == ["a", "b"]
    assert default_collate([b"a"]) == [b"a"]


def test_arrays_and_tensors():
    out = default_collate([np.ones((2, 3), np.float32), np.zeros((2, 3), np.float32)])
    assert out.shape == (2, 2, 3)
    assert out.dtype is ac.float32
    assert default_collate([ac.tensor(1), ac.tensor(2)]).tolist() == [1, 2]
    assert default_collate([np.array(2.5), np.array(3.5)]).tolist() == [2.5, 3.5]
    assert default_collate([np.ones((0, 2)), np.ones((0, 2))]).shape == (2, 0, 2)
    x = ac.ones(2, requires_grad=True)
    assert default_collate([x * 2, x * 3]).requires_grad


def test_containers():
    batch = [(1, "a", {"k": [1.0, 2.0]}), (2, "b", {"k": [3.0, 4.0]})]
    numbers, letters, mapping = default_collate(batch)
    assert numbers.tolist() == [1, 2]
    assert letters == ("a", "b")
    assert [t.tolist() for t in mapping["k"]] == [[1, 3], [2, 4]]
    pair = default_collate([Pair(ac.ones(2), 1), Pair(ac.zeros(2), 0)])
    assert type(pair) is Pair
    assert pair.image.shape == (2, 2)
    assert type(default_collate([OrderedDict(a=1), OrderedDict(a=2)])) is OrderedDict
    assert [t.tolist() for t in default_collate([range(2), range(2)])] == [[0, 0], [1, 1]]


@pytest.mark.parametrize(
    ("batch", "kind", "text"),
    [
        ([], ValueError, "the batch is empty"),
        ([np.ones(2), np.ones(3)], RuntimeError, r"sample 0 is \(2,\), sample 1 is \(3,\)"),
        ([[1], [1, 2]], RuntimeError, "each element in list of batch should be of equal size"),
        ([{"a": 1}, {}], KeyError, "sample 1 of the batch has no key 'a'"),
        ([None, None], TypeError, "found <class 'NoneType'>"),
        ([np.array(["a"])], TypeError, "found an array of dtype <U1"),
        ([2**70], RuntimeError, "does not fit in int64"),
    ],
)
def test_collate_errors(batch, kind, text):
    with pytest.raises(kind, match=text):
        default_collate(batch)


def test_default_convert():
    out = default_convert({"a": np.ones(2), "b": [np.float32(1), "s"], "c": (1, np.zeros(1)), "d": np.array(["x"])})
    assert isinstance(out["a"], ac.Tensor)
    assert isinstance(out["b"][0], ac.Tensor)
    assert out["b"][1] == "s"
    assert out["c"][0] == 1
    assert isinstance(out["c"][1], ac.Tensor)
    assert isinstance(out["d"], np.ndarray)
    assert type(default_convert(Pair(np.ones(1), 2))) is Pair


def test_datasets_can_be_pickled():
    data = Subset(TensorDataset(ac.arange(4)), [1, 2])
    assert pickle.loads(pickle.dumps(data))[1][0].item() == 2
