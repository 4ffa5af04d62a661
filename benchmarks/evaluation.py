"""How much faster `evaluate` is than the tutorials' way, and how near it comes to the forward pass alone.

    python benchmarks/evaluation.py

For each network, in turns, on the validation split: the tutorials' way (pictures through `ToTensor` and a `DataLoader`,
batches of 64, the right answers of each batch read), `evaluate`, and the model alone on images ready in batches.
The first two must find the same number of right answers. Takes some minutes on two idle cores; other programs disturb
it. OMP_NUM_THREADS says how many threads it takes.
"""

from functools import partial
from statistics import median

import pandas as pd
import torch
from torch.utils.data import DataLoader
from turns import command_line, in_turns, report
from tutorials import NETWORKS, Pictures

from mnist_lib.data import load_mnist
from mnist_lib.models import SoftmaxClassifier
from mnist_lib.training import evaluate, evaluation_batch_size, evaluation_mode, seed_everything

MODELS = {"SoftmaxClassifier": SoftmaxClassifier, **NETWORKS}


def by_tutorial(model, pictures, device):
    """How many answers are right, an int, in the tutorials' way."""
    right = 0
    with evaluation_mode(model):
        for images, labels in DataLoader(pictures, 64):
            answers = model(images.to(device)).argmax(dim=1)
            right += (answers == labels.to(device)).sum().item()
    return right


def forward_alone(model, batches):
    """The model on images that lie ready; how many logits are not NaN, so that a graphics card is waited for."""
    with evaluation_mode(model):
        return torch.cat([model(images) for images in batches]).isfinite().sum().item()


def main():
    """Measure, print, keep."""
    parser = command_line(__doc__)
    parser.add_argument("--rounds", type=int, default=15, metavar="N", help="default: 15")
    arguments = parser.parse_args()
    split, device = load_mnist(arguments.source).validation, arguments.device
    pictures, split = Pictures(split), split.to(device)
    rows = {}
    for name, make_model in MODELS.items():
        seed_everything(0)
        model = make_model().to(device)
        batches = split.images.split(evaluation_batch_size(model))
        ways = {
            "tutorial": partial(by_tutorial, model, pictures, device),
            "evaluate": partial(evaluate, model, split),
            "forward": partial(forward_alone, model, batches),
        }
        if ways["tutorial"]() != ways["evaluate"]().right:
            raise AssertionError(f"{name}: the two ways find different numbers of right answers")
        in_turns(ways, 1)  # the first round is slower
        seconds = {way: median(times) for way, times in in_turns(ways, arguments.rounds).items()}
        rows[name] = {f"{way}, ms": 1000 * time for way, time in seconds.items()} | {
            "times faster": seconds["tutorial"] / seconds["evaluate"],
            "times the forward pass": seconds["evaluate"] / seconds["forward"],
        }
    table = pd.DataFrame.from_dict(rows, orient="index")
    report(arguments, table, "times faster", "evaluate, against the tutorials' way")


if __name__ == "__main__":
    main()
