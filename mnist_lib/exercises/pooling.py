"""The exercises of notebook 03_pooling."""

import torch
from torch.nn import functional as F

from .base import ANY, CHECKS, RIGHT, call_answer, exercise, wrong

CHECKS |= {
    "03-max": {
        "hint": "With stride 1 the windows overlap; the one at the bottom left begins in row 1.",
        6: RIGHT,
        5: "that is the window at the top left: 3 1 and 1 5.",
        9: "that is a window at the right.",
        3.5: "that is the average; the largest was asked for.",
        2: "a window of 2 at the bottom left holds 1 5 and 2 6.",
    },
    "03-ceil": {
        "hint": "Where does each window begin? The last may stick out, but has to begin inside.",
        "asked": "the answer is two numbers, (a, b)",
        (14, 3): RIGHT,
        (13, ANY): "the first: with ceil_mode a last window may stick out: it holds the 27th cell.",
        (13.5, ANY): "the first: there is no half window: with ceil_mode, round up.",
        (26, ANY): "the first: the stride is 2.",
        (14, 4): "the second: the fourth window would begin at 9, and the last cell is number 8.",
        (14, 3.5): "the second: there is no half window.",
        (14, 2): "the second: the place where the first window starts counts too.",
    },
    "03-border": {
        "hint": "Which part of the window lies in the padding, and by what is the sum divided?",
        "tolerance": 0.01,
        8: RIGHT,
        12: "padding counted: the zeros take part, and the sum is divided by 9.",
        16 / 3: "that is a corner, where five of nine cells are padding.",
        4: "three of nine cells are padding, not six.",
        0: "padding counts as 0 in an average, but six cells of the window are 12.",
    },
}


@exercise(
    "03-reshape", "Make the shape (N, C, H // k, k, W // k, k), and take amax over two of the six."
)
def _reshape(answer):
    images = torch.rand(2, 3, 7, 10, generator=torch.Generator().manual_seed(0))
    for k in (2, 3):
        right = F.max_pool2d(images, k)
        table = {
            right: RIGHT,
            F.avg_pool2d(images, k): "these are averages; the largest was asked for.",
            "asked": f"for images (2, 3, 7, 10) and k = {k} the result has the shape {tuple(right.shape)}",
            "otherwise": "the shape is right and the numbers are not: which two of the six dimensions lie in a window?",
        }
        yield wrong(call_answer(answer, images, k), table)
