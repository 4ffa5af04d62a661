"""The exercises of notebook 03_pooling."""

import torch
from torch.nn import functional as F

from .base import call_answer, exercise, wrong_number


@exercise(
    "03-max", hint="With stride 1 the windows overlap; the one at the bottom left begins in row 1."
)
def _max(answer):
    return wrong_number(
        answer,
        6,
        {
            5: "that is the window at the top left: 3 1 and 1 5.",
            9: "that is a window at the right.",
            3.5: "that is the average; the largest was asked for.",
            2: "a window of 2 at the bottom left holds 1 5 and 2 6.",
        },
    )


@exercise(
    "03-ceil", hint="Where does each window begin? The last may stick out, but has to begin inside."
)
def _ceil(answer):
    if not isinstance(answer, tuple | list) or len(answer) != 2:
        return f"the answer is two numbers, (a, b), and yours is {answer!r}."
    first = wrong_number(
        answer[0],
        14,
        {
            13: "the first: with ceil_mode a last window may stick out: it holds the 27th cell.",
            13.5: "the first: there is no half window: with ceil_mode, round up.",
            26: "the first: the stride is 2.",
        },
    )
    return first or wrong_number(
        answer[1],
        3,
        {
            4: "the second: the fourth window would begin at 9, and the last cell is number 8.",
            3.5: "the second: there is no half window.",
            2: "the second: the place where the first window starts counts too.",
        },
    )


@exercise(
    "03-border",
    hint="Which part of the window lies in the padding, and by what is the sum divided?",
)
def _border(answer):
    return wrong_number(
        answer,
        8,
        {
            12: "padding counted: the zeros take part, and the sum is divided by 9.",
            16 / 3: "that is a corner, where five of nine cells are padding.",
            4: "three of nine cells are padding, not six.",
            0: "padding counts as 0 in an average, but six cells of the window are 12.",
        },
        tolerance=0.01,
    )


@exercise(
    "03-reshape",
    hint="Make the shape (N, C, H // k, k, W // k, k), and take amax over two of the six.",
)
def _reshape(answer):
    images = torch.rand(2, 3, 7, 10, generator=torch.Generator().manual_seed(0))
    for k in (2, 3):
        result = torch.as_tensor(call_answer(answer, images.clone(), k))
        expected = F.max_pool2d(images, k)
        if result.shape != expected.shape:
            return (
                f"for images {tuple(images.shape)} and k = {k} the result has the shape {tuple(expected.shape)}, "
                f"and yours has {tuple(result.shape)}."
            )
        if torch.allclose(result, F.avg_pool2d(images, k)):
            return "these are averages; the largest was asked for."
        if not torch.equal(result, expected):
            return "the shape is right and the numbers are not: which two of the six dimensions lie in a window?"
    return None
