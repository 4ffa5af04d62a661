"""How much faster the course trains than the tutorials that it is built on.

    python benchmarks/training.py                       every network: tutorial against course
    python benchmarks/training.py --ladder "A ConvNet"  one network, one change a row

A tutorial's own loop (pictures through `ToTensor` and a `DataLoader`; its optimizer, rate, batches and epochs) against
`train`: the same network, the same images, seed by seed in turns. The course must be at least as accurate on the
validation split; the table says whether it is. Times are of training alone. With five seeds on all of MNIST the table
takes half an hour on two idle cores. Other programs disturb it. OMP_NUM_THREADS says how many threads it takes.
"""

import os
import time
from dataclasses import dataclass
from functools import partial
from statistics import mean, median, stdev

import pandas as pd
import torch
from torch.nn import functional as F
from torch.utils.data import DataLoader
from tqdm import tqdm
from turns import command_line, report
from tutorials import NETWORKS, Pictures

from mnist_lib.data import Batches, Split, load_mnist
from mnist_lib.training import (
    FUSED_ADAM,
    bf16_pays,
    evaluate,
    one_cycle,
    seed_everything,
    train,
)


@dataclass
class Case:
    """A network, how its tutorial trains it, and the arguments that `train` gets to be as accurate."""

    make_model: object
    make_optimizer: object
    learning_rate: float
    batch_size: int
    epochs: int
    course: dict
    share: float = 1.0  # of the training images that `train` gets


ADAM, MOMENTUM = torch.optim.Adam, partial(torch.optim.SGD, momentum=0.9)
CASES = {  # the batch sizes of the course are the defaults of `train` on all of MNIST
    "E V1 without its ReLU": (
        *(torch.optim.RMSprop, 0.001, 32, 3),
        {"epochs": 1, "batch_size": 256, "learning_rate": 0.03},
    ),
    "C MLP 64-64-32-32": (
        *(ADAM, 0.001, 15, 2),
        *({"epochs": 2, "batch_size": 256, "learning_rate": 0.03}, 0.75),
    ),
    "A ConvNet": (MOMENTUM, 0.001, 64, 5, {"epochs": 1, "batch_size": 64}, 0.3),
    "D conv 16-64": (ADAM, 0.001, 500, 5, {"epochs": 1, "batch_size": 64}, 0.8),
    "E TinyVGG": (ADAM, 0.001, 32, 3, {"epochs": 2, "batch_size": 64}, 0.6),
}
CASES = {name: Case(NETWORKS[name], *how) for name, how in CASES.items()}


def by_tutorial(case, pictures, seed, device):
    """Train as the tutorial does; the model."""
    batches = DataLoader(pictures, case.batch_size, shuffle=True)
    return by_loop(
        case, batches, seed, device, case.make_optimizer, case.learning_rate, case.epochs
    )


def by_loop(case, batches, seed, device, make_optimizer, rate, epochs, schedule=None, bf16=False):
    """Train with the loop of the tutorials: each batch to the device, a step, the loss read; the model."""
    seed_everything(seed)
    model = case.make_model().to(device)
    optimizer = make_optimizer(model.parameters(), lr=rate)
    scheduler = schedule(optimizer, epochs * len(batches)) if schedule else None
    model.train()
    for _ in range(epochs):
        total = 0.0
        for images, labels in batches:
            images, labels = images.to(device), labels.to(device)
            with torch.autocast(device, torch.bfloat16, enabled=bf16):
                loss = F.cross_entropy(model(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if scheduler:
                scheduler.step()
            total += loss.item()
    return model


def by_course(case, split, seed):
    """Train as the course does; the model."""
    return train(case.make_model, split[: int(case.share * len(split))], seed=seed, **case.course)


def ladder(case, pictures, split, device):
    """{name: function of a seed}: the tutorial's way, then one more change each, then the course's own function."""
    rows = Split(split.images.clone(memory_format=torch.contiguous_format), split.labels)
    own = (case.make_optimizer, case.learning_rate, case.epochs)
    fused = (partial(case.make_optimizer, fused=True), *own[1:])
    pays = bf16_pays(case.make_model().to(device))
    part, recipe = split[: int(case.share * len(split))], case.course
    best = (FUSED_ADAM, recipe.get("learning_rate", 0.02), recipe["epochs"], one_cycle, pays)

    def way(images, batch_size, *how):
        return lambda seed: by_loop(
            case, Batches(images, batch_size, shuffle=True), seed, device, *how
        )

    return {
        "the tutorial": lambda seed: by_tutorial(case, pictures, seed, device),
        "slices of a tensor": way(rows, case.batch_size, *own),
        "channels last": way(split, case.batch_size, *own),
        "a fused optimizer": way(split, case.batch_size, *fused),
        "bfloat16, where it pays": way(split, case.batch_size, *fused, None, pays),
        "a better recipe": way(part, recipe["batch_size"], *best),
        "train": lambda seed: by_course(case, split, seed),
    }


def measure(ways, seeds, judge, device):
    """Run every way for every seed, in turns. The first round, which warms up, does not count.

    Args:
        ways: {name: function of a seed that returns a trained model}.
        seeds: how many rounds count.
        judge: the split whose accuracy is taken.
        device: "cuda" is waited for.

    Returns:
        {name: {column: number}}: the median of the seconds and their range, mean and spread of the accuracies.
    """
    runs = {name: [] for name in ways}
    for seed, name in tqdm(
        [(seed, name) for seed in range(-1, seeds) for name in ways], leave=False
    ):
        started = time.perf_counter()
        model = ways[name](max(seed, 0))
        if device == "cuda":
            torch.cuda.synchronize()
        seconds = time.perf_counter() - started
        if seed >= 0:
            runs[name].append((seconds, 100 * evaluate(model, judge).accuracy))
    return {name: describe(*zip(*pairs)) for name, pairs in runs.items()}


def describe(seconds, accuracies):
    """A row of the table, {column: number}."""
    spread = stdev(accuracies) if len(accuracies) > 1 else 0.0
    times = {"seconds": median(seconds), "from": min(seconds), "to": max(seconds)}
    return times | {"accuracy, %": mean(accuracies), "±": spread}


def main():
    """Measure, print, keep."""
    os.environ["TQDM_DISABLE"] = "1"  # one bar is enough
    parser = command_line(__doc__)
    parser.add_argument("--seeds", type=int, default=5, metavar="N", help="default: 5")
    parser.add_argument("--ladder", choices=CASES, metavar="NETWORK", help=", ".join(CASES))
    arguments = parser.parse_args()
    mnist, device = load_mnist(arguments.source), arguments.device
    pictures, split = Pictures(mnist.train), mnist.train.to(device)
    judge = mnist.validation.to(device)
    if arguments.ladder:
        ways = ladder(CASES[arguments.ladder], pictures, split, device)
        rows = measure(ways, arguments.seeds, judge, device)
        first, title = rows["the tutorial"]["seconds"], f"{arguments.ladder}, one change a row"
        rows = {name: row | {"times faster": first / row["seconds"]} for name, row in rows.items()}
    else:
        rows, title = {}, "Training, the course against the tutorials"
        for name, case in CASES.items():
            ways = {
                "tutorial": partial(by_tutorial, case, pictures, device=device),
                "course": partial(by_course, case, split),
            }
            both = measure(ways, arguments.seeds, judge, device)
            rows[name] = {
                f"{way} {key}": number for way in both for key, number in both[way].items()
            }
            rows[name]["times faster"] = both["tutorial"]["seconds"] / both["course"]["seconds"]
            rows[name]["as accurate"] = (
                both["course"]["accuracy, %"] >= both["tutorial"]["accuracy, %"]
            )
    report(arguments, pd.DataFrame.from_dict(rows, orient="index"), "times faster", title)


if __name__ == "__main__":
    main()
