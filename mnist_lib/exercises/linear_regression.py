"""The exercises of notebook 04_linear_regression."""

import torch

from .base import CHECKS, RIGHT, call_answer, exercise, wrong

CHECKS |= {
    "04-step": {
        "hint": "A chain: the slope of the square, times the slope of w · x in w. Then downhill.",
        1.7: RIGHT,
        2.3: "that is a step uphill: subtract.",
        1.9: "multiply the slope of the square, 2 · error, by the slope of w · x.",
        1.85: "you forgot the 2 that comes from the square.",
        1.95: "you took the loss for its slope.",
        1.8: "the slope of w · x in w is x, not w.",
        1.4: "the error is 2 · 3 − 5 = 1.",
        0.2: "subtract y before you square.",
        -4: "the slope is not yet multiplied by the learning rate.",
        6: "that is the slope; the step is still missing.",
        0.3: "that is the length of the step; where does it lead, from 2?",
    },
    "04-edge": {
        "hint": "What is the mean of x²? The curvatures are twice that, and two.",
        0.2: RIGHT,
        1: "that is the edge in b; the larger curvature decides, and that is the one in w.",
        0.1: "that is 1 divided by the curvature: with it w lands in one step. The edge is twice as far.",
        0.4: "the curvature is *twice* the mean of x².",
        10: "that is the curvature in w; the edge is 2 divided by it.",
        5: "that is the mean of x².",
        2: "the curvature is not 1: it is twice the mean of x².",
        0.05: "take the mean of x², not the sum.",
    },
}


@exercise("04-flat")
def _flat(answer):
    """Print the shape of predictions - y. Which of the two has an axis too many?"""
    predictions, y = torch.tensor([[1.0], [2], [4]], requires_grad=True), torch.tensor([1.0, 3, 1])
    differences = predictions.detach() - y  # (3, 3): all with all
    errors = differences.diag()
    squares = errors.square()
    table = {
        squares.mean(): RIGHT,
        differences.square().mean(): "every prediction is still compared with every point.",
        squares.sum(): "that is the sum of the squares; take their mean.",
        errors.abs().mean(): "that is the mean of the absolute errors; square them.",
        errors.mean() ** 2: "first square, then take the mean.",
        squares.mean().sqrt(): "that is the root of it; the loss is the mean of the squares.",
        "asked": "the function returns one number, the loss",
    }
    loss = call_answer(answer, predictions, y)
    yield wrong(loss, table)
    if not getattr(loss, "requires_grad", False):
        yield "no slopes lead back to the predictions: return the tensor that PyTorch computes."
