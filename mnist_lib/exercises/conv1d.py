"""The exercises of notebook 01_conv1d."""

import torch
from torch.nn import functional as F

from ..arithmetic import short
from .base import CHECKS, RIGHT, call_answer, exercise, wrong

CHECKS |= {
    "01-value": {
        "hint": "The third window begins at the third number. Its middle one is multiplied by 0.",
        -2: RIGHT,
        2: "you turned the kernel around, as mathematics does; PyTorch takes it as it is.",
        -1: "that is the first window; the third begins at the third number.",
        0: "that is the second window; the third begins at the third number.",
        10: "you did not take the sign of −1 along.",
        11: "you added the whole window; its middle is multiplied by 0, its right by −1.",
    },
    "01-size": {
        "hint": "How many cells are there with the padding, and how far can the first window move?",
        8: RIGHT,
        6: "you counted the padding once: it is added on both sides.",
        7: "the place where the window starts counts too: do not forget the + 1.",
        7.5: "round down, and do not forget the + 1: the place where the window starts counts too.",
        8.5: "there is no half window: round down.",
        4: "you left out the padding.",
        16: "you left out the stride: the window moves by 2 each time.",
    },
    "01-shape": {
        "hint": "How many input channels does one output channel see?",
        "asked": "the answer is three numbers, (a, b, c)",
        "otherwise": "the shape is (outputs, inputs that one of them sees, kernel size).",
        (9, 2, 5): RIGHT,
        (9, 6, 5): "with three groups an output channel does not see all six inputs.",
        (3, 2, 5): "each of the nine output channels has its own kernel, in whichever group it is.",
        (6, 3, 5): "the outputs come first; and each sees 6 / 3 inputs.",
        (2, 9, 5): "the outputs come first.",
        (6, 2, 5): "the outputs come first, and there are nine of them.",
        (9, 3, 5): "each output channel sees 6 / 3 inputs; you divided the outputs.",
        (9, 18, 5): "groups make the kernels smaller: divide by them.",
        (9, 5, 2): "the kernel size comes last.",
    },
}


@exercise("01-move", "Each output should be the input to the left of its window's middle.")
def _moving_kernel(answer):
    kernel = torch.as_tensor(answer, dtype=torch.float32).flatten()
    if kernel.numel() != 3:
        yield f"the kernel has three numbers, and yours has {kernel.numel()}."
    signal = torch.tensor([[5.0, 2, 7, 1]])
    moved = F.conv1d(signal, kernel.reshape(1, 1, 3), padding=1)[0]
    table = {
        (0, 5, 2, 7): RIGHT,
        (2, 7, 1, 0): "that moves it to the left: the output takes its right neighbour's number.",
        (5, 2, 7, 1): "that leaves it where it is.",
        "otherwise": f"5, 2, 7, 1 becomes {', '.join(map(short, moved.tolist()))}.",
    }
    yield wrong(moved, table)


@exercise("01-average", "A convolution with `width` equal numbers. What must they add to?")
def _moving_average(answer):
    signal = torch.tensor([1.0, 5, 3, 4, 8, 0])
    for width in (2, 3):
        right = signal.unfold(0, width, 1).mean(dim=1)
        begin = f"{right[0]:g}, {right[1]:g}"
        table = {
            right: RIGHT,
            right * width: "these are sums: the weights of a mean add to 1.",
            "asked": f"for 6 numbers and width {width} there are {len(right)} windows",
            "otherwise": f"for 1, 5, 3, 4, 8, 0 and width {width} the means begin with {begin}.",
            "any_shape": True,
        }
        yield wrong(call_answer(answer, signal, width), table)
