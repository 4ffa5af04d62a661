"""The exercises of notebook 02_conv2d."""

import torch

from ..arithmetic import short
from .base import CHECKS, RIGHT, exercise, numbers

CHECKS |= {
    "02-move": {
        "hint": "How far apart, in pixels, are two neighbouring cells of the last map?",
        6: RIGHT,
        5: "distances multiply: a step of the last map is 3 cells of the first, and each of those 2 pixels.",
        2: "that is enough for the first convolution alone.",
        3: "that is enough for the second alone, and only if it saw the pixels themselves.",
        1: "without strides a move by one would do.",
        12: "right, but a smaller move will do.",
    },
    "02-field": {
        "hint": "Behind a stride of 2, neighbouring cells are two pixels apart.",
        9: RIGHT,
        7: "behind the stride neighbours are two pixels apart: the third layer adds 2·2, not 2.",
        11: "the stride counts for the layers behind it, not for its own.",
        5: "that is after two layers.",
        27: "the widths do not multiply: each layer adds to what is there.",
        13: "the stride counts once, for the third layer alone.",
    },
}


@exercise("02-ramp")
def _ramp(answer):
    """On a ramp, a pixel is the mean of its left and right neighbours. And of which others?"""
    kernel = numbers(answer)
    kernel = kernel.squeeze() if kernel.numel() == 9 else kernel
    if kernel.shape != (3, 3):
        yield f"the kernel has 3 rows of 3 numbers, and yours has the shape {tuple(kernel.shape)}."
    places = torch.arange(-1.0, 2, dtype=torch.float64)
    flat = kernel.sum().item()
    across, down = (kernel.sum(dim=axis) @ places for axis in (0, 1))
    if not abs(flat) <= 1e-5:  # also NaN
        yield f"on a flat area of ones it gives {short(flat)}: its numbers must add to 0."
    if abs(across) > 1e-5:
        yield f"where each pixel is brighter by 1 than its left neighbour it gives {short(across.item())}, not 0."
    if abs(down) > 1e-5:
        yield f"where each row is brighter by 1 than the row above it gives {short(down.item())}, not 0."
    yield kernel.abs().max() < 1e-5 and "it responds to nothing at all."
