"""The exercises of notebook 06_linear_and_nonlinear."""

import torch

from .base import CHECKS, RIGHT, call_answer, exercise, wrong

CHECKS |= {
    "06-parameters": {
        "hint": "Each output has one weight per input, and one bias.",
        79_510: RIGHT,
        79_400: "you forgot the biases: one for each output of each layer.",
        78_500: "that is the first layer alone.",
        1_010: "that is the second layer alone.",
        79_500: "you forgot the ten biases of the last layer.",
        79_410: "you forgot the hundred biases of the first layer.",
    },
    "06-counting": {
        "hint": "How many images are there, and how many of them are right?",
        "tolerance": 0.005,
        48 / 72: RIGHT,
        0.5: "that is the mean of the three batches; the small one counts as much as the large ones there.",
        48: "that is how many are right; divide by how many there are.",
        100 * 48 / 72: "accuracy is a share, from 0 to 1.",
    },
    "06-diagnosis": {
        "hint": "How well does a network that over-fits do on its training images?",
        "over-fitting": "a network that over-fits is good on its training images; this one is not.",
        "cannot learn": RIGHT,
    },
}


@exercise("06-accuracy", "The class of an image is the place of the largest logit in its row.")
def _accuracy(answer):
    logits = torch.tensor([[9.0, 1, 0, 0], [0, 0, 3, 1], [5, 8, 4, 0], [0, 1, 9, 7], [0, 8, 1, 0]])
    labels = torch.tensor([0, 2, 2, 0, 1])
    table = {
        0.6: RIGHT,
        0.4: "that is the share of wrong answers.",
        3: "that is the number of right answers; divide by how many there are.",
        0.75: "divide by the number of images, not of classes.",
        60: "that is the percentage; accuracy is a share, from 0 to 1.",
        logits.argmax(dim=1)
        == labels: "one number is asked for, and yours are 5: take their mean.",
    }
    yield wrong(call_answer(answer, logits, labels), table)


@exercise("06-softmax", "Subtract each row's largest logit first: the softmax stays the same.")
def _softmax(answer):
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
    table = {
        large.softmax(dim=1): RIGHT,
        "otherwise": "it fails for logits such as 1000 or -1000: subtract each row's own maximum first.",
    }
    yield wrong(call_answer(answer, large), table)
