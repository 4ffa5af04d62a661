"""The exercises of notebook 02_conv2d."""

import torch
from torch.nn import functional as F

from ..arithmetic import short
from .base import CHECKS, RIGHT, call_answer, exercise, wrong

CHECKS |= {
    "02-value": {
        "hint": "The window at the top right holds 2 0 and 1 3.",
        -1: RIGHT,
        1: "you turned the kernel around, as mathematics does; PyTorch takes it as it is.",
        3: "that is the window at the top left.",
        -5: "that is the window at the bottom left: rows come before columns.",
        0: "that is the window at the bottom right.",
        5: "you did not take the sign of −1 along.",
        6: "you added the whole window; two of its numbers are multiplied by 0, and one by −1.",
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
    "02-cost": {
        "hint": "How many output cells are there, and what does each cost?",
        225_792: RIGHT,
        1_152: "that is the number of weights: each is used at every place.",
        28_224: "each output cell looks at all 8 input channels.",
        14_112: "there are 16 output channels.",
        165_888: "with padding 1 the map stays 14×14.",
        451_584: "count the multiplications alone, not the additions.",
        25_088: "a kernel has 3·3 weights for each input channel.",
        75_264: "a kernel has 3·3 weights for each input channel, not 3.",
        1_764: "each output cell looks at all 8 input channels, and there are 16 output channels.",
    },
}


@exercise("02-edges", "What is above counts plus, what is below counts minus.")
def _edges(answer):
    kernel = torch.as_tensor(answer, dtype=torch.float32)
    if kernel.shape != (3, 3):
        yield f"the kernel has 3 rows of 3 numbers, and yours has the shape {tuple(kernel.shape)}."
    top, middle, bottom = kernel.sum(dim=1).tolist()
    if abs(top + middle + bottom) > 1e-5:
        yield f"on a flat area of ones it gives {short(top + middle + bottom)}: its numbers must add to 0."
    if kernel.sum(dim=0).abs().max() > 1e-5:
        yield "it answers to vertical edges: each column must add to 0."
    if max(abs(top), abs(bottom)) < 1e-5:
        yield "an edge between its rows gives 0: what is above should count plus, what is below minus."
    if top <= 0 <= bottom:
        yield "the sign is the wrong way round: it is negative where it is brighter above."
    if not top >= 0 >= bottom:  # the edge may lie below the top row, or above the bottom row
        yield "it is not positive at every edge that is brighter above."


@exercise("02-stride", "The window begins at row · stride and column · stride.")
def _strided(answer):
    generator = torch.Generator().manual_seed(0)
    for shape, size, stride in (((6, 7), (2, 3), 1), ((6, 7), (2, 3), 2), ((9, 8), (3, 3), 3)):
        image = torch.rand(shape, generator=generator)
        kernel = torch.rand(size, generator=generator)
        right = F.conv2d(image[None], kernel[None, None], stride=stride)[0]
        turned = F.conv2d(image[None], kernel.flip(0, 1)[None, None], stride=stride)[0]
        case = f"for an image {shape}, a kernel {size} and stride {stride}"
        table = {
            right: RIGHT,
            turned: "you turned the kernel around; PyTorch takes it as it is.",
            "asked": f"{case} the result has the shape {tuple(right.shape)}",
            "otherwise": f"with stride {stride} the numbers are others than PyTorch's.",
        }
        yield wrong(call_answer(answer, image, kernel, stride), table)
