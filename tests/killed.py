"""A training that the tests of checkpoints run in a process of its own, to kill it there."""

import random

import numpy as np
import torch
from torch import nn

from mnist_lib.data import Batches, Split
from mnist_lib.shifts import Augmented, random_shift
from mnist_lib.training import WeightRecord, fit, seed_everything

EPOCHS, STEPS = 3, 36


def change(images):
    """Move each image, and add noise from all three generators of random numbers."""
    noise = torch.rand_like(images) + random.random() + np.random.rand()
    return random_shift(images, 2) + 0.1 * noise


def make(seed=5):
    """All that `fit` needs, by name: dropout, running means, a schedule and a change of the images among it."""
    fixed = torch.Generator().manual_seed(0)
    images = torch.rand(230, 1, 28, 28, generator=fixed)
    labels = torch.randint(10, (230,), generator=fixed)
    seed_everything(seed)
    convolution = nn.Conv2d(1, 4, kernel_size=5, stride=2)
    layers = (convolution, nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Dropout(0.5))
    model = nn.Sequential(*layers, nn.Linear(4 * 12 * 12, 10))
    optimizer = torch.optim.Adam(model.parameters())
    return {
        "model": model,
        "batches": Augmented(Batches(Split(images, labels), 20, shuffle=True), change),
        "optimizer": optimizer,
        "epochs": EPOCHS,
        "validation": Batches(Split(images[:50], labels[:50]), 50),
        "validate_every": 5,
        "scheduler": torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.01, total_steps=STEPS),
        "record": WeightRecord(model, ["0.weight"], every=4),
    }


def outcome(parts, history):
    """All that a training ends with, {name: tensor}; NumPy's and Python's next random numbers among it."""
    after = {"history": torch.tensor(history.drop(columns="seconds").values)}
    after |= {f"model {name}": value for name, value in parts["model"].state_dict().items()}
    for number, state in parts["optimizer"].state_dict()["state"].items():
        after |= {f"optimizer {number} {name}": value for name, value in state.items()}
    after["learning rate"] = torch.tensor(parts["scheduler"].get_last_lr())
    after["record"] = parts["record"]["0.weight"]
    after["next"] = torch.tensor([torch.rand(()).item(), np.random.rand(), random.random()])
    return after


def same(one, other):
    """Whether two outcomes are the same in every bit."""
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def train(checkpoint, result, started):
    """Train, with a checkpoint after every step, and write the outcome to the file `result`."""
    torch.set_num_threads(1)
    parts = make()
    started.set()
    history = fit(**parts, checkpoint=checkpoint, checkpoint_every=1)
    torch.save(outcome(parts, history), result)
