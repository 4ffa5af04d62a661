"""What threads are worth when a machine is shared: the advice in the README behind OMP_NUM_THREADS=1.

    python benchmarks/threads.py

Trains TinyVGG for an epoch of the sample with one thread and with one for each core, in turns: first with the
machine as it is, then beside as many busy processes as there are cores. Prints medians in multiples of the first.
"""

import multiprocessing
import os
from statistics import median
from time import perf_counter

import torch

from mnist_lib.data import Batches, load_mnist
from mnist_lib.models import TinyVGG
from mnist_lib.training import seed_everything, train_one_epoch

ROUNDS = 7
CORES = os.cpu_count()


def keep_busy():
    """Use up one core until stopped."""
    while True:
        pass


def seconds_for_an_epoch(split, threads):
    """How long an epoch takes with that many threads."""
    torch.set_num_threads(threads)
    seed_everything(0)
    model = TinyVGG()
    optimizer = torch.optim.Adam(model.parameters())
    start = perf_counter()
    train_one_epoch(model, Batches(split, 64, shuffle=True), optimizer)
    return perf_counter() - start


def measure(split):
    """Median seconds with 1 thread and with all, measured in turns: {threads: seconds}."""
    times = {1: [], CORES: []}
    for _ in range(ROUNDS):
        for threads in times:
            times[threads].append(seconds_for_an_epoch(split, threads))
    return {threads: median(values) for threads, values in times.items()}


def main():
    """Measure and print."""
    split = load_mnist("sample").train
    seconds_for_an_epoch(split, CORES)  # the first epoch of a process is slower
    alone = measure(split)
    neighbours = [multiprocessing.Process(target=keep_busy, daemon=True) for _ in range(CORES)]
    for neighbour in neighbours:
        neighbour.start()
    shared = measure(split)
    for neighbour in neighbours:
        neighbour.terminate()
    for name, times in (("alone", alone), (f"beside {CORES} busy processes", shared)):
        for threads, seconds in times.items():
            print(f"{name:<26}{threads:>3} thread(s) {seconds / alone[1]:6.2f}")


if __name__ == "__main__":
    main()
