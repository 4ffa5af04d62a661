"""The exercises of notebook 03_pooling."""

import torch
from torch.nn import functional as F

from .base import CHECKS, RIGHT, call_answer, exercise, numbers, wrong

CHECKS |= {
    "03-move": {
        "hint": "Which moves take every window to where another one was?",
        4: RIGHT,
        1: "a move by one takes each window across the borders of others.",
        2: "that would be right for windows of 2×2.",
        3: "a move by three still cuts through the windows.",
        **dict.fromkeys(range(8, 28, 4), "right, but a smaller move will do."),
        28: "then nothing is left of the digit.",
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


@exercise("03-twins")
def _twins(answer):
    """The same nine numbers can stand in many ways."""
    yield len(answer) != 2 and f"two images are asked for, and these are {len(answer)}."
    one, other = map(numbers, answer)
    if one.shape != (3, 3) or other.shape != (3, 3):
        yield f"both are 3×3, and yours have the shapes {tuple(one.shape)} and {tuple(other.shape)}."
    yield torch.equal(one, other) and "they are the same image."
    if not torch.isclose(one.mean(), other.mean()):
        yield f"their averages are {one.mean():g} and {other.mean():g}."
    if one.max() != other.max():
        yield f"their largest numbers are {one.max():g} and {other.max():g}."


@exercise("03-reshape")
def _reshape(answer):
    """Make the shape (N, C, H // k, k, W // k, k), and take amax over two of the six."""
    images = torch.randn(2, 3, 7, 10)
    for k in (2, 3):
        right = F.max_pool2d(images, k)
        table = {
            right: RIGHT,
            F.avg_pool2d(images, k): "these are averages; the largest was asked for.",
            F.relu(right): "nothing below 0 comes out: do not start from zeros.",
            "asked": f"for images (2, 3, 7, 10) and k = {k} the result has the shape {tuple(right.shape)}",
            "otherwise": "the shape is right and the numbers are not: which two of the six dimensions lie in a window?",
        }
        yield wrong(call_answer(answer, images, k), table)
