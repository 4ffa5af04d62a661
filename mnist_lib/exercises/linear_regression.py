"""The exercises of notebook 04_linear_regression."""

import torch

from .base import CHECKS, RIGHT, call_answer, exercise, wrong

CHECKS |= {
    "04-slope": {
        "hint": "A chain: the slope of the square, times the slope of w · x in w.",
        6: RIGHT,
        2: "that is the slope of the square, 2 · error; multiply it by the slope of w · x.",
        3: "you forgot the 2 that comes from the square, or the error is not right.",
        1: "that is the error, or the loss; the question is how steeply the loss rises.",
        4: "the slope of w · x in w is x, not w.",
        -6: "the error is w · x − y, and that is above 0 here: the loss rises with w.",
        12: "the error is 2 · 3 − 5 = 1.",
    },
    "04-edge": {
        "hint": "What is the mean of x²? The curvatures are twice that, and two.",
        0.2: RIGHT,
        1: "that is the edge in b; the larger curvature decides, and that is the one in w.",
        0.1: "that is 1 divided by the curvature: with it w lands in one step. The edge is twice as far.",
        0.4: "the curvature is *twice* the mean of x².",
        10: "that is the curvature in w; the edge is 2 divided by it.",
        5: "that is the mean of x².",
        0.05: "take the mean of x², not the sum.",
    },
}


@exercise("04-flat", "Print the shape of predictions - y. Which of the two has an axis too many?")
def _flat(answer):
    predictions, y = torch.tensor([[1.0], [2], [4]]), torch.tensor([1.0, 3, 1])
    differences = predictions - y  # (3, 3): all with all
    errors = differences.diag()
    yield wrong(
        call_answer(answer, predictions, y),
        {
            errors.square().mean(): RIGHT,
            differences.square().mean(): "every prediction is still compared with every point.",
            errors.square().sum(): "that is the sum of the squares; take their mean.",
            errors.abs().mean(): "that is the mean of the absolute errors; square them.",
            errors.mean() ** 2: "first square, then take the mean.",
            "asked": "the function returns one number, the loss",
        },
    )
