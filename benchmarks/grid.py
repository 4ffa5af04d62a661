"""What many runs in the same steps are worth: the ratios behind `run_grid`, in notebook 08.

    python benchmarks/grid.py

Runs a grid like the notebook's on the sample, one epoch: one by one, up to 32 together as the notebook does it,
and both in two worker processes; then a small grid of TinyVGG. In turns, in one process; prints each median in
multiples of the notebook's way. Takes two or three minutes on two idle cores. Other programs on the machine disturb it;
run it when little else runs. OMP_NUM_THREADS says how many threads the process takes; its workers take one each.
"""

from functools import partial
from statistics import median

import joblib
import torch
from torch import nn
from turns import in_turns, print_ratios

from mnist_lib.data import load_mnist
from mnist_lib.machinery.grids import run_grid
from mnist_lib.models import TinyVGG

ROUNDS = 5
OPTIMIZERS = {
    "momentum": partial(torch.optim.SGD, momentum=0.9),
    "Adam": torch.optim.Adam,
}
RATES = [0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0]


def make_mlp():
    """784 → 32 → 10 with a ReLU, without biases: the network of notebook 08."""
    return nn.Sequential(
        nn.Flatten(), nn.Linear(784, 32, bias=False), nn.ReLU(), nn.Linear(32, 10, bias=False)
    )


def compare(title, grid, ways, first):
    """Run `grid` in each of `ways`, in turns; print medians and ranges in multiples of the way named `first`."""
    rounds = {name: partial(grid, **options) for name, options in ways.items()}
    in_turns(rounds, 1)  # starts the workers, and is slower
    seconds = in_turns(rounds, ROUNDS)
    unit = median(seconds[first])
    print(f"\n{title}; 1 is {unit:.1f} s")
    print_ratios(seconds, unit)


def main():
    """Measure and print."""
    mnist = load_mnist("sample")
    print(f"{torch.get_num_threads()} thread(s) of {joblib.cpu_count()}")
    ways = {
        "one by one": {"together": 1},
        "32 together": {"together": 32},
        "one by one, two workers": {"together": 1, "workers": 2},
        "32 together, two workers": {"together": 32, "workers": 2},
    }
    rest = (mnist.validation, OPTIMIZERS, RATES, range(3), 1)
    mlps = partial(run_grid, make_mlp, mnist.train, *rest)
    compare(f"{len(OPTIMIZERS) * 24} small MLPs", mlps, ways, first="32 together")

    few, optimizers = mnist.train[:320], {"Adam": torch.optim.Adam}
    rest = (mnist.validation, optimizers, [0.0003, 0.001, 0.003, 0.01], range(8), 1)
    cnns = partial(run_grid, TinyVGG, few, *rest)
    ways = {f"{together} together": {"together": together} for together in (1, 8, 32)}
    compare("32 CNNs (TinyVGG), 320 images", cnns, ways, first="1 together")


if __name__ == "__main__":
    main()
