"""The exercises of notebook 01_conv1d."""

import torch
from torch.nn import functional as F

from ..arithmetic import short
from .base import CHECKS, RIGHT, call_answer, exercise, numbers, wrong

CHECKS |= {
    "01-size": {
        "hint": "How many cells are there with the padding, and how far can the first window move?",
        8: RIGHT,
        6: "you counted the padding once: it is added on both sides.",
        7: "the place where the window starts counts too: do not forget the + 1.",
        7.5: "round down, and do not forget the + 1: the place where the window starts counts too.",
        **dict.fromkeys((8.5, 9), "there is no half window: round down."),
        4: "you left out the padding.",
        16: "you left out the stride: the window moves by 2 each time.",
    },
}


@exercise("01-ramp")
def _ramp(answer):
    """On a ramp, the middle number lies half-way between its neighbours."""
    kernel = numbers(answer).flatten()
    yield len(kernel) != 3 and f"the kernel has three numbers, and yours has {len(kernel)}."
    flat, ramp = (kernel @ numbers([(1, 1, 1), (0, 1, 2)]).T).tolist()
    if not abs(flat) <= 1e-6:  # also NaN
        yield f"on 1, 1, 1 it gives {short(flat)}: its numbers must add to 0."
    yield abs(ramp) > 1e-6 and f"on 0, 1, 2 it gives {short(ramp)}, not 0."
    yield kernel.abs().max() < 1e-6 and "it responds to nothing at all."


@exercise("01-move")
def _moving_kernel(answer):
    """Each output should be the input to the left of its window's middle."""
    kernel = numbers(answer).flatten()
    yield len(kernel) != 3 and f"the kernel has three numbers, and yours has {len(kernel)}."
    moved = F.conv1d(numbers([[5, 2, 7, 1]]), kernel.reshape(1, 1, 3), padding=1)[0]
    table = {
        (0, 5, 2, 7): RIGHT,
        (2, 7, 1, 0): "that moves it to the left: the output takes its right neighbour's number.",
        (5, 2, 7, 1): "that leaves it where it is.",
        "otherwise": f"5, 2, 7, 1 becomes {', '.join(map(short, moved.tolist()))}.",
    }
    yield wrong(moved, table)


@exercise("01-average")
def _moving_average(answer):
    """A convolution with `width` equal numbers. What must they add to?"""
    signal = torch.tensor([1.0, 5, 4, 4, 8, 0])
    for width in (2, 3, 1, 6):
        right = signal.unfold(0, width, 1).mean(dim=1)
        begin = ", ".join(f"{mean:g}" for mean in right[:2])
        table = {
            right: RIGHT,
            right * width: "these are sums: the weights of a mean add to 1.",
            "asked": f"for 6 numbers and width {width} there are {len(right)} windows",
            "otherwise": f"for 1, 5, 4, 4, 8, 0 and width {width} the means begin with {begin}.",
        }
        yield wrong(call_answer(answer, signal, width), table)
