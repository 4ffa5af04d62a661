"""What threads are worth when a machine is shared: the advice in the README for hubs.

    python benchmarks/threads.py

Trains TinyVGG for an epoch of the sample with one thread and with one for each core, and with threads that sleep while
they wait for each other (OMP_WAIT_POLICY=passive), in turns: first with the machine as it is, then beside as many busy
processes as there are cores. Prints medians in multiples of the first.
"""

import multiprocessing
import os
import subprocess
import sys
from statistics import median

from turns import in_turns, print_ratios

ROUNDS = 7
CORES = os.cpu_count()
WAYS = {
    "1 thread": {"OMP_NUM_THREADS": "1"},
    f"{CORES} threads": {"OMP_NUM_THREADS": f"{CORES}"},
    f"{CORES} threads that sleep": {"OMP_NUM_THREADS": f"{CORES}", "OMP_WAIT_POLICY": "passive"},
}


def keep_busy():
    """Use up one core until stopped."""
    while True:
        pass


def work():
    """Train for an epoch whenever a line comes, and say so with a line."""
    import torch

    from mnist_lib.data import Batches, load_mnist
    from mnist_lib.models import TinyVGG
    from mnist_lib.training import seed_everything, train_one_epoch

    split = load_mnist("sample").train
    for _ in sys.stdin:
        seed_everything(0)
        model = TinyVGG()
        optimizer = torch.optim.Adam(model.parameters())
        train_one_epoch(model, Batches(split, 64, shuffle=True), optimizer)
        print("done", flush=True)


def start(settings):
    """A process that works with these settings of the environment; a function that lets it work once."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    command = [sys.executable, __file__, "work"]
    process = subprocess.Popen(command, env=os.environ | settings, **pipes)
    process.stdout.readline()  # which digits they are

    def way():
        print("go", file=process.stdin, flush=True)
        process.stdout.readline()

    return way


def main():
    """Measure and print."""
    ways = {name: start(settings) for name, settings in WAYS.items()}
    in_turns(ways, 1)  # the first epoch of a process is slower
    alone = in_turns(ways, ROUNDS)
    neighbours = [multiprocessing.Process(target=keep_busy, daemon=True) for _ in range(CORES)]
    for neighbour in neighbours:
        neighbour.start()
    shared = in_turns(ways, ROUNDS)
    for neighbour in neighbours:
        neighbour.terminate()
    for where, seconds in (("alone", alone), (f"beside {CORES} busy processes", shared)):
        print(f"{where}:")
        print_ratios(seconds, unit=median(alone["1 thread"]))


if __name__ == "__main__":
    work() if sys.argv[1:] == ["work"] else main()
