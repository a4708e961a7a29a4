"""DataLoader in the iterating thread: batches, orders, seeds, errors."""

from __future__ import annotations

import random

import numpy as np
import pytest

import autograd_core as ac
from nn.data import (
    BatchSampler,
    DataLoader,
    Dataset,
    IterableDataset,
    SequentialSampler,
    StackDataset,
    Subset,
    TensorDataset,
    sample_rng,
)


class Stream(IterableDataset):
    def __init__(self, n):
        self.n = n

    def __iter__(self):
        return iter(range(self.n))

    def __len__(self):
        return self.n


class Noisy(Dataset):
    """Every sample draws from its own stream."""

    def __init__(self, n=20):
        self.n = n

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        return i, float(sample_rng().random()), float(sample_rng().random())


class GloballyNoisy(Noisy):
    """Every sample draws from the global generators."""

    def __getitem__(self, i):
        return i, random.random(), float(np.random.rand()), ac.rand(1).item()


def seeded(n=0):
    return ac.Generator().manual_seed(n)


def epoch(loader):
    return [[part.tolist() for part in batch] for batch in loader]


# -------------------------------------------------------------------------------------------------------------- batches


@pytest.mark.parametrize("drop_last", [False, True])
def test_batches(drop_last):
    loader = DataLoader(TensorDataset(ac.arange(7), ac.arange(7) * 2), batch_size=3, drop_last=drop_last)
    batches = list(loader)
    assert all(type(batch) is list for batch in batches)
    assert [b[0].tolist() for b in batches] == ([[0, 1, 2], [3, 4, 5]] if drop_last else [[0, 1, 2], [3, 4, 5], [6]])
    assert len(loader) == len(batches)


def test_a_list_is_a_dataset():
    assert [b.tolist() for b in DataLoader([1, 2, 3], batch_size=2)] == [[1, 2], [3]]
    assert [b.tolist() for b in DataLoader(range(3))] == [[0], [1], [2]]


def test_no_batching():
    out = list(DataLoader([np.ones(2), np.zeros(2)], batch_size=None))
    assert [t.tolist() for t in out] == [[1, 1], [0, 0]]
    assert len(DataLoader([1, 2], batch_size=None)) == 2
    assert list(DataLoader(Stream(3), batch_size=None)) == [0, 1, 2]


def test_whole_batches_from_a_batch_sampler_with_batch_size_none():
    loader = DataLoader(
        TensorDataset(ac.arange(6)), sampler=BatchSampler(SequentialSampler(range(6)), 4, False), batch_size=None
    )
    assert [b[0].tolist() for b in loader] == [[0, 1, 2, 3], [4, 5]]


def test_batch_sampler_and_sampler():
    assert [b.tolist() for b in DataLoader(range(9), batch_sampler=[[1, 2], [8]])] == [[1, 2], [8]]
    assert [b.tolist() for b in DataLoader(range(9), sampler=[3, 1, 4], batch_size=2)] == [[3, 1], [4]]


def test_collate_fn_gets_a_list_of_samples():
    seen = []

    def collate(samples):
        seen.append(samples)
        samples.reverse()
        return len(samples)

    assert list(DataLoader(TensorDataset(ac.arange(3)), batch_size=2, collate_fn=collate)) == [2, 1]
    assert type(seen[0]) is list
    assert seen[0][0][0].item() == 1


def test_iterable():
    assert [b.tolist() for b in DataLoader(Stream(5), batch_size=2)] == [[0, 1], [2, 3], [4]]
    assert [b.tolist() for b in DataLoader(Stream(5), batch_size=2, drop_last=True)] == [[0, 1], [2, 3]]
    assert len(DataLoader(Stream(5), batch_size=2)) == 3
    assert len(DataLoader(Stream(5), batch_size=2, drop_last=True)) == 2


def test_nested_datasets():
    data = StackDataset(x=TensorDataset(ac.arange(4)), y=Subset(range(10), [4, 3, 2, 1]))
    batch = next(iter(DataLoader(data, batch_size=4)))
    assert batch["x"][0].tolist() == [0, 1, 2, 3]
    assert batch["y"].tolist() == [4, 3, 2, 1]


def test_types_can_be_written():
    assert DataLoader[int]
    assert Dataset[int]
    assert issubclass(TensorDataset, Dataset)


def test_two_iterators_at_once():
    loader = DataLoader(range(4), batch_size=2)
    assert [(a.tolist(), b.tolist()) for a in loader for b in loader][1] == ([0, 1], [2, 3])


def test_batches_do_not_share_memory_with_the_dataset():
    x = ac.zeros(4, 2)
    for (batch,) in DataLoader(TensorDataset(x), batch_size=2):
        batch.array[:] = 1
    assert x.array.sum() == 0


# ---------------------------------------------------------------------------------------------------------------- seeds


def test_shuffle_is_governed_by_the_generator():
    def order(generator):
        return [b.item() for b in DataLoader(range(30), shuffle=True, generator=generator)]

    assert order(seeded()) == order(seeded()) != order(seeded(1))
    assert sorted(order(seeded())) == list(range(30))
    ac.manual_seed(5)
    first = order(None)
    ac.manual_seed(5)
    assert order(None) == first


def test_sample_streams_depend_on_epoch_and_index_alone():
    by_order = {}
    for shuffle in (False, True):
        loader = DataLoader(Noisy(), batch_size=3, shuffle=shuffle, generator=seeded())
        samples = {}
        for batch in epoch(loader):
            samples.update({i: rest for i, *rest in zip(*batch, strict=True)})
        by_order[shuffle] = samples
    assert by_order[False] == by_order[True]
    values = [v for rest in by_order[False].values() for v in rest]
    assert len(set(values)) == len(values)


def test_another_epoch_another_stream():
    loader = DataLoader(Noisy(), batch_size=20, generator=seeded())
    assert epoch(loader) != epoch(loader)


def test_a_subset_keeps_the_streams_of_the_whole():
    whole = epoch(DataLoader(Noisy(), batch_size=20, generator=seeded()))[0]
    part = epoch(DataLoader(Subset(Noisy(), [7, 3]), batch_size=2, generator=seeded()))[0]
    assert part[1] == [whole[1][7], whole[1][3]]


def test_outside_of_a_loader_manual_seed_governs():
    ac.manual_seed(1)
    a = Noisy()[0]
    assert a != Noisy()[0]
    ac.manual_seed(1)
    assert Noisy()[0] == a


def test_seed_globals_leaves_the_main_programs_generators_alone():
    def follow():
        random.seed(0), np.random.seed(0), ac.manual_seed(0)
        loader = DataLoader(GloballyNoisy(), batch_size=5, seed_globals=True, generator=seeded())
        out = [(b, random.random(), np.random.rand(), ac.rand(1).item()) for b in epoch(loader)]
        return [o[0] for o in out], [o[1:] for o in out]

    batches, mine = follow()
    assert follow() == (batches, mine)
    random.seed(0), np.random.seed(0), ac.manual_seed(0)
    assert mine == [(random.random(), np.random.rand(), ac.rand(1).item()) for _ in range(4)]
    flat = [v for batch in batches for part in batch[1:] for v in part]
    assert len(set(flat)) == len(flat)


# --------------------------------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("arguments", "kind", "text"),
    [
        ({"num_workers": -1}, ValueError, "num_workers should be a non-negative integer, got -1"),
        ({"num_workers": 1.5}, ValueError, "num_workers should be a non-negative integer"),
        ({"timeout": -1}, ValueError, "timeout should be a non-negative number"),
        ({"prefetch_factor": 2}, ValueError, "prefetch_factor=2 needs workers"),
        ({"prefetch_factor": 0, "num_workers": 1}, ValueError, "at least 1, got 0"),
        ({"persistent_workers": True}, ValueError, "persistent_workers needs num_workers > 0"),
        ({"worker_type": "fibre"}, ValueError, 'worker_type should be "process" or "thread"'),
        (
            {"seed_globals": True, "worker_type": "thread", "num_workers": 1},
            ValueError,
            "generators that threads share",
        ),
        ({"sampler": [0], "shuffle": True}, ValueError, "sampler option is mutually exclusive with shuffle"),
        ({"batch_sampler": [[0]], "batch_size": 2}, ValueError, "batch_sampler option is mutually exclusive"),
        ({"batch_sampler": [[0]], "drop_last": True}, ValueError, "batch_sampler option is mutually exclusive"),
        ({"batch_size": None, "drop_last": True}, ValueError, "drop_last has no meaning"),
        ({"batch_size": 0}, ValueError, "batch_size should be a positive integer, got batch_size=0"),
        ({"batch_size": "8"}, ValueError, "batch_size should be a positive integer"),
        ({"multiprocessing_context": "fork"}, ValueError, "num_workers=0"),
        ({"multiprocessing_context": "spoon", "num_workers": 1}, ValueError, "got 'spoon'"),
        ({"multiprocessing_context": 3, "num_workers": 1}, TypeError, "got int"),
        ({"dataset": 5}, TypeError, "dataset is int, which has no __getitem__"),
        ({"dataset": Stream(3), "shuffle": True}, ValueError, "no indices to shuffle"),
        ({"dataset": Stream(3), "sampler": [0]}, ValueError, "takes no sampler"),
        ({"dataset": Stream(3), "batch_sampler": [[0]]}, ValueError, "takes no batch_sampler"),
    ],
)
def test_argument_errors(arguments, kind, text):
    with pytest.raises(kind, match=text):
        DataLoader(**{"dataset": [1, 2, 3], **arguments})


def test_attributes_that_cannot_be_changed():
    loader = DataLoader(range(3))
    for name in ("batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers"):
        with pytest.raises(ValueError, match=f"{name} should not be set after the DataLoader is initialized"):
            setattr(loader, name, None)
    loader.collate_fn = lambda samples: "mine"
    assert list(loader) == ["mine"] * 3


def test_errors_of_the_dataset_come_through_as_they_are():
    class Broken(Dataset):
        def __len__(self):
            return 3

        def __getitem__(self, i):
            raise KeyError("my own")

    with pytest.raises(KeyError, match=r"^'my own'$"):
        list(DataLoader(Broken()))
