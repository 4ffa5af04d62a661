"""The exercises of notebook 01_conv1d."""

import torch
from torch.nn import functional as F

from ..arithmetic import short
from .base import call_answer, exercise, wrong_number


@exercise(
    "01-value",
    hint="The third window begins at the third number. Its middle one is multiplied by 0.",
)
def _value(answer):
    return wrong_number(
        answer,
        -2,
        {
            2: "you turned the kernel around, as mathematics does; PyTorch takes it as it is.",
            -1: "that is the first window; the third begins at the third number.",
            0: "that is the second window; the third begins at the third number.",
            10: "you did not take the sign of −1 along.",
            11: "you added the whole window; its middle is multiplied by 0, its right by −1.",
        },
    )


@exercise(
    "01-size",
    hint="How many cells are there with the padding, and how far can the first window move?",
)
def _conv1d_size(answer):
    return wrong_number(
        answer,
        8,
        {
            6: "you counted the padding once: it is added on both sides.",
            7: "the place where the window starts counts too: do not forget the + 1.",
            7.5: "round down, and do not forget the + 1: the place where the window starts counts too.",
            8.5: "there is no half window: round down.",
            4: "you left out the padding.",
            16: "you left out the stride: the window moves by 2 each time.",
        },
    )


@exercise("01-shape", hint="How many input channels does one output channel see?")
def _weight_shape(answer):
    if not isinstance(answer, tuple | list) or len(answer) != 3:
        return f"the answer is three numbers, (a, b, c), and yours is {answer!r}."
    mistakes = {
        (9, 6, 5): "with three groups an output channel does not see all six inputs.",
        (3, 2, 5): "each of the nine output channels has its own kernel, in whichever group it is.",
        (6, 3, 5): "the outputs come first; and each sees 6 / 3 inputs.",
        (2, 9, 5): "the outputs come first.",
        (6, 2, 5): "the outputs come first, and there are nine of them.",
        (9, 3, 5): "each output channel sees 6 / 3 inputs; you divided the outputs.",
        (9, 18, 5): "groups make the kernels smaller: divide by them.",
        (9, 5, 2): "the kernel size comes last.",
    }
    if tuple(answer) == (9, 2, 5):
        return None
    return mistakes.get(
        tuple(answer), "the shape is (outputs, inputs that one of them sees, kernel size)."
    )


@exercise("01-move", hint="Each output should be the input to the left of its window's middle.")
def _moving_kernel(answer):
    kernel = torch.as_tensor(answer, dtype=torch.float32).flatten()
    if kernel.numel() != 3:
        return f"the kernel has three numbers, and yours has {kernel.numel()}."
    signal = torch.tensor([5.0, 2.0, 7.0, 1.0])
    moved = F.conv1d(signal.reshape(1, 1, 4), kernel.reshape(1, 1, 3), padding=1).flatten()
    if torch.allclose(moved, torch.tensor([0.0, 5.0, 2.0, 7.0])):
        return None
    if torch.allclose(moved, torch.tensor([2.0, 7.0, 1.0, 0.0])):
        return "that moves it to the left: the output takes its right neighbour's number."
    if torch.allclose(moved, signal):
        return "that leaves it where it is."
    return f"5, 2, 7, 1 becomes {', '.join(short(value) for value in moved.tolist())}."


@exercise("01-average", hint="A convolution with `width` equal numbers. What must they add to?")
def _moving_average(answer):
    signal = torch.tensor([1.0, 5.0, 3.0, 4.0, 8.0, 0.0])
    for width in (2, 3):
        result = torch.as_tensor(call_answer(answer, signal.clone(), width)).float().flatten()
        expected = signal.unfold(0, width, 1).mean(dim=1)
        if result.shape != expected.shape:
            return (
                f"for 6 numbers and width {width} there are {len(expected)} windows, "
                f"and your result has {len(result)} numbers."
            )
        if torch.allclose(result, expected * width):
            return "these are sums: the weights of a mean add to 1."
        if not torch.allclose(result, expected):
            return f"for 1, 5, 3, 4, 8, 0 and width {width} the means begin with {expected[0]:g}, {expected[1]:g}."
    return None
