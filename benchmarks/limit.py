"""How near the training loops come to what this machine could do.

    python benchmarks/limit.py

Counts the operations of a step of each network, forward and backward (multiplications and additions of convolutions and
matrix products, as PyTorch's own counter sees them), and measures how many a second the machine manages in one large
matrix product in float32. Their quotient is the time below which no step can fall. Prints which share of that speed
the plain loop and `train` reach. Takes a minute or two on two idle cores; other programs disturb it.
"""

from functools import partial
from statistics import median

import pandas as pd
import torch
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode
from turns import command_line, in_turns, report
from tutorials import NETWORKS

from mnist_lib.data import Batches, load_mnist
from mnist_lib.training import seed_everything, train, train_one_epoch

IMAGES, SIDE = 3_200, 2_048  # a part of the training images; the height and width of the matrices


def operations(make_model):
    """Floating point operations for one image, forward and backward."""
    images, labels = torch.rand(10, 1, 28, 28), torch.arange(10)
    with FlopCounterMode(display=False) as counter:
        F.cross_entropy(make_model()(images), labels).backward()
    return counter.get_total_flops() / len(images)


def product(a, b):
    """A matrix product, and one number of it: a graphics card is waited for."""
    return (a @ b)[0, 0].item()


def plain_loop(make_model, split):
    """An epoch of the loop of notebook 06: batches of 64, Adam."""
    seed_everything(0)
    model = make_model().to(split.labels.device)
    train_one_epoch(model, Batches(split, 64, shuffle=True), torch.optim.Adam(model.parameters()))


def main():
    """Measure, print, keep."""
    parser = command_line(__doc__)
    parser.add_argument("--rounds", type=int, default=7, metavar="N", help="default: 7")
    arguments = parser.parse_args()
    split = load_mnist(arguments.source).train[:IMAGES].to(arguments.device)
    seed_everything(0)
    matrices = torch.rand(2, SIDE, SIDE, device=arguments.device)
    rows = {}
    for name, make_model in NETWORKS.items():
        ways = {
            "matrix product": partial(product, *matrices),
            "plain loop": partial(plain_loop, make_model, split),
            "train": partial(train, make_model, split, 1, 0),
        }
        in_turns(ways, 1)  # the first round is slower
        seconds = {way: median(times) for way, times in in_turns(ways, arguments.rounds).items()}
        rate, count = 2 * SIDE**3 / seconds["matrix product"], operations(make_model) * len(split)
        rows[name] = {"GFLOP an epoch of 55,000": 55_000 / len(split) * count / 1e9}
        rows[name] |= {"GFLOP/s of a product": rate / 1e9}
        for way in ("plain loop", "train"):
            rows[name][f"{way}, % of it"] = 100 * count / seconds[way] / rate
    table = pd.DataFrame.from_dict(rows, orient="index")
    report(arguments, table, "train, % of it", "Share of the speed of a matrix product, %")


if __name__ == "__main__":
    main()
