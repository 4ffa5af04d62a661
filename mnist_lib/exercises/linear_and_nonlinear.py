"""The exercises of notebook 06_linear_and_nonlinear."""

import copy
from functools import partial

import torch
from torch import nn
from torch.nn.utils import parameters_to_vector

from .base import CHECKS, RIGHT, call_answer, epoch, exercise, wrong

CHECKS |= {
    "06-diagnosis": {
        "hint": "How well does a network that over-fits do on its training images?",
        "over-fitting": "a network that over-fits is good on its training images; this one is not.",
        "cannot learn": RIGHT,
    },
}


@exercise("06-repair")
def _repair(answer):
    """Compare it with `training_steps`, line by line: what is missing, what is too much?"""
    batches = [(torch.rand(size, 1, 28, 28), torch.arange(size) % 10) for size in (8, 8, 5)]
    start = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))

    def weights_after(run):
        model = copy.deepcopy(start)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        model = call_answer(run, model, batches, optimizer)
        if not isinstance(model, nn.Module):
            raise TypeError("it should return the model")
        return parameters_to_vector(model.parameters())

    mistakes = {
        "cross entropy takes the softmax itself: give it the logits.": {"softmax": 0},
        "dim=1 is better than dim=0; but cross entropy takes the softmax itself.": {"softmax": 1},
        "slopes add up from batch to batch: forget them first.": {"order": "backward step"},
        "the step comes before the slopes of its batch are there.": {"order": "step backward"},
    }
    table = {weights_after(epoch): RIGHT}
    table |= {weights_after(partial(epoch, **how)): said for said, how in mistakes.items()}
    still = "the model did not move at all: are the slopes there when the step comes?"
    table[parameters_to_vector(start.parameters())] = still
    table["otherwise"] = "the weights are not those of `train_one_epoch`: see `training_steps`."
    yield wrong(weights_after(answer), table)


@exercise("06-softmax")
def _softmax(answer):
    """Subtract each row's largest logit first: the softmax stays the same."""
    logits = torch.tensor([[2.0, 1, 0], [0, 0, 5]])
    over_batch, over_all = logits.softmax(dim=0), logits.exp() / logits.exp().sum()
    table = {
        logits.softmax(dim=1): RIGHT,
        over_batch: "you normalised over the batch (dim=0): each image's own row adds to 1 (dim=1).",
        over_all: "all entries together add to 1; each row should. Sum with dim=1, keepdim=True.",
        "asked": "the result has the shape of the logits, (2, 3)",
        "otherwise": "the rows are not the exponentials divided by their sum.",
    }
    yield wrong(call_answer(answer, logits), table)
    large = torch.tensor([[0.0, 0, 5], [1000, 0, 0], [-1000, -1001, -1002]])
    fails = "it fails for logits such as 1000 or -1000: subtract each row's own maximum first."
    yield wrong(call_answer(answer, large), {large.softmax(dim=1): RIGHT, "otherwise": fails})
