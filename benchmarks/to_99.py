"""From nothing to 99 % of the test images: seconds of training, over many seeds.

    python benchmarks/to_99.py
    python benchmarks/to_99.py --choose --seeds 5 --images 40000     is that enough? by the validation split
    python benchmarks/to_99.py --epochs 8 --seeds 3                  what two minutes are worth

A CNN with batch normalisation, trained by `train`. The recipe was chosen on the validation split; the test split is
only looked at here. What comes before the training (Python's imports, reading MNIST) is reported apart, each in a fresh
process, with the part of it that is the course's own. Other programs disturb the times.
"""

import os
import subprocess
import sys
import time
from statistics import mean, median, stdev

import pandas as pd
import torch
from tqdm import tqdm
from turns import command_line, report

from mnist_lib.data import load_mnist
from mnist_lib.models import BatchNormCNN
from mnist_lib.training import evaluate, train

STARTS = {  # what a fresh process does first: its seconds add up
    "import torch": "import torch",
    "and mnist_lib": "import torch, mnist_lib.data, mnist_lib.models, mnist_lib.training",
    "and read MNIST": "import mnist_lib.models, mnist_lib.training; "
    "from mnist_lib.data import load_mnist; load_mnist({source!r})",
}


def seconds_of(code):
    """Seconds that a fresh process takes for some code, the median of three."""
    times = []
    for _ in range(3):
        started = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
        times.append(time.perf_counter() - started)
    return median(times)


def main():
    """Measure, print, keep."""
    os.environ["TQDM_DISABLE"] = "1"  # one bar is enough
    parser = command_line(__doc__)
    parser.add_argument("--seeds", type=int, default=30, metavar="N", help="default: 30")
    parser.add_argument("--epochs", type=int, default=1, metavar="N", help="default: 1")
    parser.add_argument(
        "--images", type=int, metavar="N", help="so many to learn from; default: all"
    )
    parser.add_argument("--choose", action="store_true", help="judge on the validation split")
    arguments = parser.parse_args()
    starts = {
        name: seconds_of(code.format(source=arguments.source)) for name, code in STARTS.items()
    }
    mnist, rows = load_mnist(arguments.source), {}
    split = mnist.train[: arguments.images].to(arguments.device)
    judge = (mnist.validation if arguments.choose else mnist.test).to(arguments.device)
    for seed in tqdm(range(-1, arguments.seeds), leave=False, disable=False):
        started = time.perf_counter()
        model = train(BatchNormCNN, split, arguments.epochs, max(seed, 0))
        if arguments.device == "cuda":
            torch.cuda.synchronize()
        seconds = time.perf_counter() - started
        if seed >= 0:  # the first only warms up
            accuracy = 100 * evaluate(model, judge).accuracy
            rows[f"seed {seed}"] = {"seconds": seconds, "accuracy, %": accuracy}
    table = pd.DataFrame.from_dict(rows, orient="index")
    report(arguments, table, "accuracy, %", f"{arguments.epochs} epoch(s) of BatchNormCNN")
    for name, column in table.items():
        spread = stdev(column) if len(column) > 1 else 0.0
        print(
            f"{name}: {mean(column):.3f} ± {spread:.3f}, from {min(column):.3f} to {max(column):.3f}"
        )
    print(
        "before it, seconds: " + ", ".join(f"{name} {value:.2f}" for name, value in starts.items())
    )


if __name__ == "__main__":
    main()
