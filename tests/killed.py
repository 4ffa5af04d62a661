"""A training that the tests of checkpoints run in a process of its own, to kill it there."""

import os
import random
import signal

import numpy as np
import torch
from fitting import fit
from torch import nn

from mnist_lib.data import Augmented, Batches, Split
from mnist_lib.machinery import checkpoints, files
from mnist_lib.machinery.watchers import WeightRecord
from mnist_lib.shifts import random_shift
from mnist_lib.training import seed_everything

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
        "record": WeightRecord(["0.weight"], every=4),
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


def die_while_saving(path, died):
    """Save over the checkpoint in processes that die at one moment after another; `died` gets their exit codes."""
    write, link, replace, codes = files.write_flushed, os.link, os.replace, []
    moments = [
        (name, when) for name in ("write", "link", "replace") for when in ("before", "after")
    ]
    moments += [("write", "half-way"), ("second replace", "before"), ("second replace", "after")]

    def dying(function, name, when):
        def call(*arguments):
            calls[name] = calls.get(name, 0) + 1
            is_it = moment[0] == (f"second {name}" if calls[name] == 2 else name)
            if is_it and when == "half-way":
                function(arguments[0], bytes(arguments[1])[: len(arguments[1]) // 2])
            if is_it and when in ("before", "half-way"):
                os._exit(9)
            function(*arguments)
            if is_it:
                os._exit(9)

        return call

    for moment in moments:
        child = os.fork()
        if child == 0:
            calls = {}
            files.write_flushed = dying(write, "write", moment[1])
            os.link = dying(link, "link", moment[1])
            os.replace = dying(replace, "replace", moment[1])
            checkpoints.save_checkpoint(path, {"step": 3})
            os._exit(0)
        codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        found = checkpoints.load_checkpoint(path), checkpoints.load_checkpoint(f"{path}.previous")
        died.put((moment, codes[-1], *found))
        for step in (1, 2):
            checkpoints.save_checkpoint(path, {"step": step})
    died.put(None)


def save_too_much(path, said):
    """Save a checkpoint, then one that is larger than a file may be; `said` gets what the system says of it."""
    import resource  # Windows has none

    checkpoints.save_checkpoint(path, {"step": 1})
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
    try:
        checkpoints.save_checkpoint(path, {"weights": torch.zeros(100_000)})
    except OSError as error:
        said.put(error.strerror)
    else:
        said.put("saved")


def train(checkpoint, result, started):
    """Train, with a checkpoint after every step, and write the outcome to the file `result`."""
    torch.set_num_threads(1)
    parts = make()
    started.set()
    history = fit(**parts, checkpoint=checkpoint, checkpoint_every=1)
    torch.save(outcome(parts, history), result)
