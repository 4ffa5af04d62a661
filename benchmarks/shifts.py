"""How much faster `shift_grid` is than a loop over images, and how close it comes to what it cannot beat.

    python benchmarks/shifts.py

The 13×13 grid of shifts over the sample's test split, in turns: by `shift_grid`; image by image, shift by shift; and
the model's forward pass alone, 169 times over the images as they are, in the same batches: the floor. The loop goes
through a part of the images, and is scaled up; it has to give the same result on them. Prints medians in multiples of
the grid's. Takes under ten minutes on an idle machine. Other programs on it disturb; run it when little else runs.
OMP_NUM_THREADS says how many threads it takes.
"""

from statistics import median

import numpy as np
import torch
from turns import in_turns, print_ratios

from mnist_lib import shifts
from mnist_lib.data import Batches, load_mnist
from mnist_lib.models import MLP, ConvNet, SoftmaxClassifier, TinyVGG
from mnist_lib.training import (
    evaluation_batch_size,
    evaluation_mode,
    seed_everything,
    train_one_epoch,
)

ROUNDS = 5
PART = 40  # images that the loop goes through
STEPS = range(-6, 7)


def train(make_model, split):
    """A model after one epoch: its answers are not all the same."""
    seed_everything(0)
    model = make_model()
    batches = Batches(split, 32, shuffle=True)
    train_one_epoch(model, batches, torch.optim.Adam(model.parameters(), lr=0.003))
    return model


def grid_by_loop(model, split):
    """Accuracy and consistency, (2, 13, 13), one image and one shift at a time."""
    counts = np.zeros((2, len(STEPS), len(STEPS)))
    with evaluation_mode(model):
        for image, label in split:
            unshifted = model(image.unsqueeze(0)).argmax().item()
            for row, dy in enumerate(STEPS):
                for column, dx in enumerate(STEPS):
                    moved = shifts.shift(image, dx, dy)
                    answer = model(moved.unsqueeze(0)).argmax().item()
                    counts[0, row, column] += answer == label.item()
                    counts[1, row, column] += answer == unshifted
    return counts / len(split)


def forward_alone(model, split):
    """The model on the images as they are, once for each shift."""
    with evaluation_mode(model):
        for images, _ in Batches(split, evaluation_batch_size(model)):
            for _ in range(len(STEPS) ** 2):
                model(images)


def compare(title, model, split):
    """Time the three ways in turns, and print them in multiples of the grid."""
    part = split[:PART]
    ways = {
        "grid": lambda: shifts.shift_grid(model, split, STEPS),
        "loop": lambda: grid_by_loop(model, part),
        "forward": lambda: forward_alone(model, split),
    }
    if not np.array_equal(ways["loop"](), np.stack(shifts.shift_grid(model, part, STEPS))):
        raise AssertionError("the loop and the grid give different results")
    seconds = in_turns(ways, ROUNDS)
    seconds["loop"] = [time * len(split) / PART for time in seconds["loop"]]
    unit = median(seconds["grid"])
    print(f"\n{title}; 1 is {unit:.2f} s")
    print_ratios(seconds, unit)


def main():
    """Measure and print."""
    mnist = load_mnist("sample")
    print(f"{torch.get_num_threads()} thread(s)")
    for make_model in (SoftmaxClassifier, MLP, ConvNet, TinyVGG):
        compare(make_model.__name__, train(make_model, mnist.train), mnist.test)


if __name__ == "__main__":
    main()
