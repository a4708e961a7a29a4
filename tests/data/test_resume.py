"""state_dict and load_state_dict of the loader: what follows is what would have followed."""

from __future__ import annotations

import io
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import autograd_core as ac
from autograd_core.io import load, save
from nn.data import (
    DataLoader,
    Dataset,
    DistributedSampler,
    IterableDataset,
    RandomSampler,
    SubsetRandomSampler,
    TensorDataset,
    WeightedRandomSampler,
    sample_rng,
)


class Noisy(Dataset):
    def __len__(self):
        return 17

    def __getitem__(self, i):
        return i, float(sample_rng().random())


class Stream(IterableDataset):
    def __iter__(self):
        for i in range(17):
            yield i, float(sample_rng().random())


class StatefulStream(IterableDataset):
    """A stream that can say where it stands."""

    def __init__(self):
        self.position = 0
        self.served = 0

    def __iter__(self):
        while self.position < 17:
            self.position += 1
            self.served += 1
            yield self.position
        self.position = 0

    def state_dict(self):
        return {"position": self.position}

    def load_state_dict(self, state):
        self.position = state["position"]


def make(kind, workers=0, worker_type="process", seed=None):
    g = None if seed is None else ac.Generator().manual_seed(seed)
    options = {"num_workers": workers, "worker_type": worker_type, "generator": g}
    if kind == "stream":
        return DataLoader(Stream(), batch_size=4, **options)
    if kind == "plain":
        return DataLoader(Noisy(), batch_size=4, **options)
    if kind == "shuffle":
        return DataLoader(Noisy(), batch_size=4, shuffle=True, **options)
    sampler = {
        "replacement": lambda: RandomSampler(range(17), replacement=True, num_samples=30, generator=g),
        "more": lambda: RandomSampler(range(17), num_samples=30, generator=ac.Generator().manual_seed(9)),
        "subset": lambda: SubsetRandomSampler(range(3, 17), generator=g),
        "weighted": lambda: WeightedRandomSampler(np.arange(17), 30, generator=g),
        "distributed": lambda: DistributedSampler(range(17), 2, 1),
    }[kind]()
    return DataLoader(Noisy(), batch_size=4, sampler=sampler, **options)


def plain(batch):
    return [part.tolist() for part in batch]


def through_file(state):
    file = io.BytesIO()
    save(state, file)
    file.seek(0)
    return load(file)


@pytest.mark.parametrize("seed", [None, 5])
@pytest.mark.parametrize(
    "kind", ["plain", "shuffle", "replacement", "more", "subset", "weighted", "distributed", "stream"]
)
@pytest.mark.parametrize("stop", [(0, 0), (0, 1), (0, 3), (1, 2), (0, "end"), (1, "end")])
def test_what_follows_is_what_would_have_followed(kind, seed, stop):
    ac.manual_seed(1)
    loader = make(kind, seed=seed)
    at_epoch, at_batch = stop
    state = rng = None
    remaining = []
    for epoch in range(3):
        if (epoch, 0) == stop:
            state, rng = through_file(loader.state_dict()), ac.get_rng_state()
        for i, batch in enumerate(loader, 1):
            if state is not None:
                remaining.append((epoch, plain(batch)))
            if (epoch, i) == stop or (epoch == at_epoch and at_batch == "end" and i == len_of(loader, kind)):
                state, rng = through_file(loader.state_dict()), ac.get_rng_state()

    ac.manual_seed(77)  # another process, with other things drawn before
    ac.rand(3)
    again = make(kind, seed=None if seed is None else 123)
    again.load_state_dict(state)
    ac.set_rng_state(rng)
    assert [(epoch, plain(batch)) for epoch in range(at_epoch, 3) for batch in again] == remaining


def len_of(loader, kind):
    return 5 if kind == "stream" else len(loader)


@pytest.mark.parametrize("kind", ["shuffle", "stream"])
@pytest.mark.parametrize(("workers", "worker_type"), [(2, "process"), (2, "thread")])
def test_with_workers_and_another_number_of_them(kind, workers, worker_type):
    loader = make(kind, workers=1 if kind == "stream" else workers, worker_type=worker_type, seed=3)
    iterator = iter(loader)
    next(iterator), next(iterator)
    state = through_file(loader.state_dict())
    rest = [plain(batch) for batch in iterator]
    for others in (0, 1) if kind == "stream" else (0, 1, 3):
        again = make(kind, workers=others, worker_type=worker_type, seed=8)
        again.load_state_dict(state)
        result = [plain(batch) for batch in again]
        if kind == "stream":
            # a worker's stream has a random stream of its own; with none, it is worker 0's
            assert [batch[0] for batch in result] == [batch[0] for batch in rest]
        assert result == rest


def test_state_inside_the_loop_counts_the_batch_in_hand():
    loader = make("plain")
    for i, _ in enumerate(loader, 1):
        assert loader.state_dict()["batches"] == i
        assert loader.state_dict()["in_progress"]
    assert loader.state_dict()["in_progress"] is False
    assert loader.state_dict()["epoch"] == 1


def test_resuming_twice_from_one_state():
    loader = make("shuffle", seed=1)
    iterator = iter(loader)
    next(iterator)
    state = loader.state_dict()
    rest = [plain(b) for b in iterator]
    again = make("shuffle", seed=2)
    for _ in range(2):
        again.load_state_dict(state)
        assert again.state_dict() == state
        assert [plain(b) for b in again] == rest


def test_resuming_a_resumed_epoch():
    loader = make("shuffle", seed=1)
    iterator = iter(loader)
    whole = [plain(b) for b in make("shuffle", seed=1)]
    next(iterator)
    second = make("shuffle", seed=2)
    second.load_state_dict(loader.state_dict())
    iterator = iter(second)
    assert plain(next(iterator)) == whole[1]
    third = make("shuffle", seed=3)
    third.load_state_dict(through_file(second.state_dict()))
    assert [plain(b) for b in third] == whole[2:]


def test_resume_loads_no_batch_that_is_passed_over():
    loaded = []

    class Watched(Noisy):
        def __getitem__(self, i):
            loaded.append(i)
            return i

    loader = DataLoader(Watched(), batch_size=4)
    iterator = iter(loader)
    next(iterator), next(iterator)
    again = DataLoader(Watched(), batch_size=4)
    again.load_state_dict(loader.state_dict())
    loaded.clear()
    next(iter(again))
    assert loaded == [8, 9, 10, 11]


def test_a_stream_with_a_state_of_its_own_is_not_run_again():
    loader = DataLoader(StatefulStream(), batch_size=4)
    iterator = iter(loader)
    next(iterator), next(iterator)
    again = DataLoader(StatefulStream(), batch_size=4)
    again.load_state_dict(through_file(loader.state_dict()))
    assert [b.tolist() for b in again] == [b.tolist() for b in iterator] == [[9, 10, 11, 12], [13, 14, 15, 16], [17]]
    assert again.dataset.served == 9


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"dataset_length": 18}, "saved with dataset_length=18, this loader has 17"),
        ({"batch_size": 8}, "saved with batch_size=8, this loader has 4"),
        ({"generator": ac.Generator().get_state()}, "saved by a loader with a generator, this one is without"),
        ({"sampler": {"generator": 1}}, r"the state has \['generator'\], expected 'seed'"),
    ],
)
def test_states_that_do_not_fit(change, text):
    loader = make("shuffle")
    next(iter(loader))
    with pytest.raises(ValueError, match=text):
        make("shuffle").load_state_dict({**loader.state_dict(), **change})


def test_what_is_no_state():
    with pytest.raises(ValueError, match="this is not the state of a DataLoader: missing"):
        make("plain").load_state_dict({"epoch": 1})
    with pytest.raises(ValueError, match="this is not the state of a DataLoader"):
        make("plain").load_state_dict(None)


TRAINING = """
import os, sys, time
import numpy as np
import autograd_core as ac
from autograd_core.io import load, save
from nn.data import DataLoader, Dataset, sample_rng

class Noisy(Dataset):
    def __init__(self):
        rng = np.random.default_rng(0)
        self.x = rng.normal(size=(64, 4)).astype(np.float32)
        self.y = self.x @ np.array([1, -2, 3, 0.5], np.float32)
    def __len__(self):
        return 64
    def __getitem__(self, i):
        return self.x[i] + np.float32(0.1) * sample_rng().standard_normal(4, dtype=np.float32), self.y[i]

path, pause = sys.argv[1], float(sys.argv[2])
g = ac.Generator().manual_seed(0)
loader = DataLoader(Noisy(), batch_size=8, shuffle=True, generator=g, num_workers=int(sys.argv[3]))
w, m, start, step = ac.zeros(4), ac.zeros(4), 0, 0
ac.manual_seed(1)
if os.path.exists(path):
    c = load(path)
    w, m, start, step = c["w"], c["m"], c["epoch"], c["step"]
    loader.load_state_dict(c["loader"])
    ac.set_rng_state(c["rng"])
for epoch in range(start, 3):
    for x, y in loader:
        x = x + 0.01 * ac.randn(8, 4)            # noise of the training program itself
        error = (x.array @ w.array - y.array)
        m.array[:] = np.float32(0.9) * m.array + x.array.T @ error / np.float32(8)
        w.array[:] -= np.float32(0.02) * m.array
        step += 1
        state = {"loader": loader.state_dict(), "rng": ac.get_rng_state()}
        save({"w": w, "m": m, "epoch": epoch, "step": step, **state}, path)
        print(step, flush=True)
        time.sleep(pause)
print(w.array.tobytes().hex())
"""


def test_killed_at_random_moments_the_end_is_the_same_to_the_bit(tmp_path):
    def start(name, pause, workers=0):
        return subprocess.Popen(
            [sys.executable, "-c", TRAINING, str(tmp_path / name), str(pause), str(workers)],
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    unbroken = start("unbroken", 0).communicate()[0].split()
    rng = random.Random(0)
    kills = 0
    for attempt in range(20):
        process = start("killed", 0.01, workers=attempt % 2)
        if kills < 5:
            process.stdout.readline()
            time.sleep(rng.uniform(0, 0.08))
            process.send_signal(signal.SIGKILL)
            kills += 1
        out = process.communicate()[0].split()
        if out and len(out[-1]) == 32:
            break
    assert kills == 5
    assert out[-1] == unbroken[-1]
    assert load(tmp_path / "killed")["step"] == load(tmp_path / "unbroken")["step"] == 24


def test_tensor_dataset_resume_is_quick_for_many_batches():
    data = TensorDataset(ac.arange(100_000))
    loader = DataLoader(data, batch_size=10, shuffle=True, generator=ac.Generator().manual_seed(0))
    iterator = iter(loader)
    for _ in range(9_999):
        next(iterator)
    again = DataLoader(data, batch_size=10, shuffle=True, generator=ac.Generator().manual_seed(1))
    again.load_state_dict(loader.state_dict())
    (last,) = [b[0].tolist() for b in again]
    assert last == next(iterator)[0].tolist()
