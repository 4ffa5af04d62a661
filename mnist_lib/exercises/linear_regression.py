"""The exercises of notebook 04_linear_regression."""

import torch

from .base import CHECKS, RIGHT, call_answer, exercise, wrong

CHECKS |= {
    "04-shape": {
        "hint": "Write one below the other, ending at the right. A size of one is repeated.",
        "asked": "a shape is a pair of numbers in brackets",
        (5, 3): RIGHT,
        (3, 5): "rows and columns are exchanged: the three numbers lie along the last direction.",
        (5, 1): "the 1 is repeated too, until it fits the 3.",
        (5,): "there are two directions: the missing one counts as a 1.",
        (3,): "there are two directions, as in the larger of the two shapes.",
        (8,): "nothing is put in a row: each number meets each.",
        (5, 1, 3): "no direction is added: shapes are compared from the right.",
    },
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
    "04-median": {
        "hint": "Move c up by a little: how many numbers come nearer, and how many go away?",
        3: RIGHT,
        22: "that is the mean: it is best for the squares, and one wild number pulls it along.",
        2.5: "the wild number counts too, as one of five.",
        100: "only one of five numbers is there.",
        50.5: "that is the middle between the smallest and the largest.",
    },
}


@exercise(
    "04-step", "Two slopes, the mean of 2 · error · x and the mean of 2 · error. Down, not up."
)
def _one_step(answer):
    x, y = torch.tensor([0.0, 1, 2, 5]), torch.tensor([1.0, 3, 2, 4])
    line, rate = torch.tensor([2.0, -1]), 0.125
    w, b = line.tolist()
    errors = w * x + b - y
    each = 2 * torch.stack([errors * x, errors])  # (2, 4): in w and in b, for each of the points
    slopes = each.mean(dim=1)
    right = line - rate * slopes
    late = torch.stack([right[0], b - rate * 2 * (right[0] * x + b - y).mean()])
    table = {
        right: RIGHT,
        right.flip(0): "return w first, then b.",
        line + rate * slopes: "that is a step uphill: subtract.",
        line - rate * slopes / 2: "the slope of a square has a 2 in it.",
        line[:, None] - rate * each: "w and b are one number each: take the mean over the points.",
        line - rate * slopes * 4: "you took the sum over the points, not the mean.",
        line - slopes: "the slope is not yet multiplied by the learning rate.",
        slopes: "these are the slopes; the step is still missing.",
        late: "both slopes belong to the old line: you moved w before you worked out the slope in b.",
        line - rate * slopes[1]: "in the slope in w, each error is multiplied by its x.",
        "asked": "the function returns two numbers, the new w and the new b",
        "otherwise": "these are not the w and b one step further down.",
        "any_shape": True,
    }
    yield wrong(call_answer(answer, x, y, w, b, rate), table)
