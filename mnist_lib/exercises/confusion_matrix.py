"""The exercises of notebook 09_confusion_matrix."""

import torch

from .base import CHECKS, RIGHT, call_answer, exercise, wrong

IMAGES = 1.96**2 * 0.99 * 0.01 / 0.001**2  # for ± 0.001 at 99 %
CHECKS |= {
    "09-precision": {
        "hint": "How many images were called 1, rightly or wrongly?",
        "tolerance": 0.005,
        0.75: RIGHT,
        0.6: "that is the recall: of the images that are 1. Precision looks down the column.",
        12 / 18: "that is F1; the precision alone was asked for.",
        23 / 30: "that is the accuracy, over all classes.",
        6 / 30: "divide by the images that were called 1, not by all images.",
        0.25: "that is the share of wrong ones among the images called 1.",
        75: "precision is a share, from 0 to 1.",
    },
    "09-images": {
        "hint": "1.96 · √(p(1 − p)/n) = 0.001, solved for n.",
        "tolerance": 60,
        IMAGES: RIGHT,
        IMAGES / 1.96**2: "that is for one standard error; the interval goes 1.96 of them.",
        IMAGES / 1.96: "the 1.96 is squared too, when the root is undone.",
        1.96**2 * 0.25 / 0.001**2: "p is 0.99 here, not 0.5.",
        IMAGES * 4: "0.001 is to either side, not from end to end.",
        IMAGES / 4: "± 0.001 is to either side; you used ± 0.002.",
    },
}


@exercise("09-macro", "Divide each class's right answers by the sum of its row; then the mean.")
def _macro_recall(answer):
    matrix = torch.tensor([[90, 10, 0], [2, 3, 0], [1, 1, 8]])
    recall, precision = (matrix.diag() / matrix.sum(dim=dim) for dim in (1, 0))
    accuracy = matrix.trace() / matrix.sum()
    table = {
        recall.mean(): RIGHT,
        precision.mean(): "that is macro precision: the labels are the rows.",
        accuracy: "that is the accuracy: a frequent class counts more there. Divide row by row first.",
        recall.sum(): "that is the sum over the classes; take the mean.",
        recall: "one number is asked for, and yours are 3: take their mean.",
    }
    yield wrong(call_answer(answer, matrix), table)


@exercise("09-temperature", "Divide before the softmax, and each image's row adds to 1.")
def _temperature(answer):
    logits = torch.tensor([[2.0, 1, 0], [0, 0, 5]])
    softmax, divided = logits.softmax(dim=1), logits / 2
    table = {
        divided.softmax(dim=1): RIGHT,
        (logits * 2).softmax(dim=1): "you multiplied: a temperature above 1 makes less sure.",
        divided.softmax(dim=0): "you normalised over the batch (dim=0), not the classes.",
        softmax / 2: "divide the logits, before the softmax: these rows do not add to 1.",
        softmax: "the temperature changes nothing in yours.",
        divided: "these are logits; the softmax is missing.",
        divided.log_softmax(dim=1): "these are logarithms of probabilities.",
        (softmax / 2).softmax(dim=1): "you took the softmax twice; divide the logits instead.",
        divided.sigmoid(): "a sigmoid looks at each logit alone; take the softmax of a row.",
        "asked": "the result has the shape of the logits, (2, 3)",
        "otherwise": "these are not the softmax of the logits divided by the temperature.",
    }
    yield wrong(call_answer(answer, logits, 2.0), table)
