"""A training run killed at random moments ends where the unbroken run ends, to the last bit."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time

import pytest

from autograd_core.io import load

TRAINING = """
import os, sys, time
import autograd_core as ac
import nn
from autograd_core.io import load, save
from nn.data import DataLoader, Subset
from nn.datasets import Digits
from nn.transforms import Compose, GaussianNoise, RandomAffine, ToTensor

path, pause, workers = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
ac.manual_seed(0)
augment = Compose([RandomAffine(10, (0.1, 0.1), interpolation="bilinear"), ToTensor(), GaussianNoise(0.0, 0.02)])
data = Subset(Digits(True, transform=augment), range(200))
loader = DataLoader(data, batch_size=32, shuffle=True, num_workers=workers, generator=ac.Generator().manual_seed(1))
model = nn.Sequential(
    nn.Flatten(), nn.Linear(64, 24), nn.BatchNorm1d(24), nn.ReLU(), nn.Dropout(0.2), nn.Linear(24, 10)
)
optimizer = nn.optim.AdamW(model.parameters(), lr=0.01)
scheduler = nn.optim.lr_scheduler.CosineAnnealingLR(optimizer, 21)
start = 0
if os.path.exists(path):
    checkpoint = load(path)
    model.load_state_dict(checkpoint["model"])
    optimizer.load_state_dict(checkpoint["optimizer"])
    scheduler.load_state_dict(checkpoint["scheduler"])
    loader.load_state_dict(checkpoint["loader"])
    ac.set_rng_state(checkpoint["rng"])
    start = checkpoint["epoch"]
for epoch in range(start, 3):
    for image, label in loader:
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(image), label).backward()
        optimizer.step()
        scheduler.step()
        save({
            "model": model.state_dict(), "optimizer": optimizer.state_dict(), "scheduler": scheduler.state_dict(),
            "loader": loader.state_dict(), "rng": ac.get_rng_state(), "epoch": epoch,
        }, path)
        print("step", flush=True)
        time.sleep(pause)
print("done")
"""


def start(path, pause, workers):
    return subprocess.Popen(
        [sys.executable, "-c", TRAINING, str(path), str(pause), str(workers)], stdout=subprocess.PIPE, text=True
    )


@pytest.mark.parametrize("workers", [0, 2])
def test_killed_training_ends_where_the_unbroken_one_ends(tmp_path, workers):
    out = start(tmp_path / "unbroken", 0, 0).communicate()[0].split()
    assert out.count("step") == 21
    assert out[-1] == "done"
    rng = random.Random(workers)
    for _ in range(3):
        process = start(tmp_path / "killed", 0.02, workers)
        assert process.stdout.readline() == "step\n"
        time.sleep(rng.uniform(0, 0.15))
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert start(tmp_path / "killed", 0, workers).communicate()[0].split()[-1] == "done"
    assert (tmp_path / "killed").read_bytes() == (tmp_path / "unbroken").read_bytes()
    assert load(tmp_path / "killed")["loader"]["batches"] == 7
