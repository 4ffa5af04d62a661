"""The exercises of notebook 04_linear_regression."""

import math

import torch

from .base import call_answer, exercise, wrong_number


@exercise(
    "04-shape", hint="Write one below the other, ending at the right. A size of one is repeated."
)
def _broadcast_shape(answer):
    if not isinstance(answer, tuple | list | torch.Size):
        return f"a shape is a pair of numbers in brackets, and yours is {answer!r}."
    return {
        (5, 3): None,
        (3, 5): "rows and columns are exchanged: the three numbers lie along the last direction.",
        (5, 1): "the 1 is repeated too, until it fits the 3.",
        (5,): "there are two directions: the missing one counts as a 1.",
        (3,): "there are two directions, as in the larger of the two shapes.",
        (8,): "nothing is put in a row: each number meets each.",
        (5, 1, 3): "no direction is added: shapes are compared from the right.",
    }.get(tuple(answer), f"{tuple(answer)} is not it.")


@exercise("04-slope", hint="A chain: the slope of the square, times the slope of w · x in w.")
def _slope(answer):
    return wrong_number(
        answer,
        6,
        {
            2: "that is the slope of the square, 2 · error; multiply it by the slope of w · x.",
            3: "you forgot the 2 that comes from the square, or the error is not right.",
            1: "that is the error, or the loss; the question is how steeply the loss rises.",
            4: "the slope of w · x in w is x, not w.",
            -6: "the error is w · x − y, and that is above 0 here: the loss rises with w.",
            12: "the error is 2 · 3 − 5 = 1.",
        },
        tolerance=1e-4,
    )


@exercise(
    "04-step", hint="Two slopes, the mean of 2 · error · x and the mean of 2 · error. Down, not up."
)
def _one_step(answer):
    x, y = torch.tensor([0.0, 1.0, 2.0, 5.0]), torch.tensor([1.0, 3.0, 2.0, 4.0])
    w, b, rate = 2.0, -1.0, 0.125
    result = call_answer(answer, x, y, w, b, rate)
    result = result.flatten() if isinstance(result, torch.Tensor) else result
    if not isinstance(result, tuple | list | torch.Tensor) or len(result) != 2:
        return "the function returns two numbers: the new w and the new b."
    new = [torch.as_tensor(value).detach() for value in result]
    if any(value.numel() != 1 for value in new):
        return "w and b are one number each: take the mean over the points."
    new = [value.item() for value in new]
    errors = w * x + b - y
    in_w, in_b = 2 * (errors * x).mean().item(), 2 * errors.mean().item()
    w_after = w - rate * in_w
    known = {  # what comes out: what was misunderstood
        (w_after, b - rate * in_b): None,
        (b - rate * in_b, w_after): "return w first, then b.",
        (w + rate * in_w, b + rate * in_b): "that is a step uphill: subtract.",
        (w - rate * in_w / 2, b - rate * in_b / 2): "the slope of a square has a 2 in it.",
        (
            w - rate * in_w * 4,
            b - rate * in_b * 4,
        ): "you took the sum over the points, not the mean.",
        (w - in_w, b - in_b): "the slope is not yet multiplied by the learning rate.",
        (in_w, in_b): "these are the slopes; the step is still missing.",
        (w_after, b - rate * 2 * (w_after * x + b - y).mean().item()): (
            "both slopes belong to the old line: you moved w before you worked out the slope in b."
        ),
        (w - rate * in_b, b - rate * in_b): "in the slope in w, each error is multiplied by its x.",
    }
    for outcome, misunderstanding in known.items():
        if all(math.isclose(one, two, abs_tol=1e-4) for one, two in zip(new, outcome)):
            return misunderstanding
    return "these are not the w and b one step further down."


@exercise("04-edge", hint="What is the mean of x²? The curvatures are twice that, and two.")
def _edge(answer):
    return wrong_number(
        answer,
        0.2,
        {
            1: "that is the edge in b; the larger curvature decides, and that is the one in w.",
            0.1: "that is 1 divided by the curvature: with it w lands in one step. The edge is twice as far.",
            0.4: "the curvature is *twice* the mean of x².",
            10: "that is the curvature in w; the edge is 2 divided by it.",
            5: "that is the mean of x².",
            0.05: "take the mean of x², not the sum.",
        },
        tolerance=1e-4,
    )


@exercise(
    "04-median", hint="Move c up by a little: how many numbers come nearer, and how many go away?"
)
def _median(answer):
    return wrong_number(
        answer,
        3,
        {
            22: "that is the mean: it is best for the squares, and one wild number pulls it along.",
            2.5: "the wild number counts too, as one of five.",
            100: "only one of five numbers is there.",
            50.5: "that is the middle between the smallest and the largest.",
        },
        tolerance=1e-4,
    )
