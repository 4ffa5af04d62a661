"""The exercises of notebook 09_confusion_matrix."""

import torch
from scipy.stats import binomtest, chi2

from .base import CHECKS, RIGHT, call_answer, exercise, wrong

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
    "09-tables": {
        "hint": "What else is different between the two? How many images decide? Who picked the pair?",
        3: RIGHT,
        1: "these are two sets of images: each share alone has a standard error of 0.1 points.",
        2: "two things differ, the network and how it was trained: either may be the reason.",
        4: "the pair was picked after the runs: among so many, some pair wins nine of ten by luck.",
    },
    "09-reliability": {
        "hint": "Is it surer than right, or less sure? And what does a T below 1 do to the probabilities?",
        0.5: RIGHT,
        1: "a temperature of 1 changes nothing, and the points are not on the diagonal.",
        2: "above 1 makes less sure, and this network is less sure than right already.",
    },
}


@exercise("09-mcnemar")
def _mcnemar(answer):
    """On how many images is only A right, and on how many only B? Then toss coins."""
    labels = torch.arange(40) % 10
    off_by = 9 * [0] + 11 * [1] + 20 * [0], 9 * [1] + 2 * [0] + 6 * [2] + 3 * [1] + 20 * [0]
    a, b = (labels + torch.tensor(off_by)) % 10  # only A is right of 9, only B of 2, neither of 9
    wins = (9, 11), (9, 17), (29, 51)
    p, of_other_answers, of_all_read = (binomtest(*wins_of).pvalue for wins_of in wins)
    about = "that is the chi-squared approximation; count the ways, for so few images."
    table = {
        p: RIGHT,
        p / 2: "that is one side; luck could have favoured B as well.",
        **dict.fromkeys(chi2.sf([7**2 / 11, 6**2 / 11], 1), about),
        of_other_answers: "where both are wrong, nobody wins, even if they answer differently.",
        of_all_read: "most images are read by both: only those that just one reads count.",
        1 - p: "that is 1 - p.",
        9: "that is the number of wins; how often would fair coins do as well?",
        "asked": "one number is asked for, p",
        "otherwise": "it is not the p of 9 images that only A reads, and 2 that only B reads.",
    }
    yield wrong(call_answer(answer, a, b, labels), table)
    exchanged = {p: RIGHT, "otherwise": "it should be the same if B wins, and is not."}
    yield wrong(call_answer(answer, b, a, labels), exchanged)
    nobody = {1: RIGHT, "otherwise": "if neither wins, p is 1: luck is always as lopsided."}
    a[:7] = b[:7] = labels[:7]  # two are left for each
    yield wrong(call_answer(answer, a, b, labels), nobody)
