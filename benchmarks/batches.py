"""How much faster slices of a tensor are than a DataLoader: the ratios behind notebook 05.

    python benchmarks/batches.py

Goes through the validation split in batches of 64, three ways, in turns, and prints each median in
multiples of the fastest way's. Other programs on the machine disturb it; run it when little else runs.
"""

from collections import deque
from functools import partial
from statistics import median

from torch.utils.data import DataLoader
from turns import in_turns, print_ratios
from tutorials import Pictures

from mnist_lib.data import Batches, load_mnist

ROUNDS = 15


def main():
    """Measure and print."""
    split = load_mnist().validation
    ways = {
        "Batches": Batches(split, 64, shuffle=True),
        "DataLoader over tensors": DataLoader(split, 64, shuffle=True),
        "DataLoader with ToTensor": DataLoader(Pictures(split), 64, shuffle=True),
    }
    rounds = {name: partial(deque, batches, maxlen=0) for name, batches in ways.items()}
    seconds = in_turns(rounds, ROUNDS)
    print_ratios(seconds, median(seconds["Batches"]), digits=1)


if __name__ == "__main__":
    main()
