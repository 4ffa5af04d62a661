"""The exercises of notebook 11_shift_robustness."""

import torch
from torch.nn import functional as F

from .base import call_answer, exercise, take_numbers, wrong_tensor


@exercise("11-where", hint="Rows count down, columns count right; dx belongs to the columns.")
def _where(answer):
    row, column = take_numbers(answer, 2, "(row, column)")
    mistakes = {
        (12, 7): None,
        (7, 12): "row and column are exchanged: dy changes the row, dx the column.",
        (8, 13): "both signs are turned round: positive dy moves down, to larger rows.",
        (8, 7): "positive dy moves down, and rows are counted downwards.",
        (12, 13): "negative dx moves left, to smaller columns.",
        (13, 8): "dx changes the column, dy the row; and mind the signs.",
    }
    return mistakes.get((row, column), f"({row:g}, {column:g}) is not it.")


@exercise("11-cells", hint="Two poolings by 2: how wide is a cell? And back is the other way.")
def _cells(answer):
    right, down = take_numbers(answer, 2, "(dx, dy)")
    mistakes = {
        (-2, 1): None,
        (2, -1): "that is where the maps have gone; to put them back is the other way.",
        (-8, 4): "those are pixels; a cell is several pixels wide.",
        (8, -4): "those are pixels, and that is not the way back.",
        (-4, 2): "there are two poolings before these maps, not one.",
        (1, -2): "dx and dy are exchanged.",
        (-2, -1): "dy = −4 moved the digit up, so its maps have to go down.",
        (2, 1): "dx = 8 moved the digit right, so its maps have to go left.",
    }
    return mistakes.get((right, down), f"({right:g}, {down:g}) is not it.")


@exercise("11-always", hint="Compare each row with the first, then ask for all rows, then average.")
def _always(answer):
    answers = torch.tensor([[3, 5, 1, 7, 0, 9]] * 4)
    answers[2, 1], answers[1, 2] = 6, 2  # two of six images change once
    share = torch.as_tensor(call_answer(answer, answers.clone())).float()
    same = answers == answers[0]
    return wrong_tensor(
        share,
        [
            (same.all(dim=0).float().mean(), None),
            (same.float().mean(), "that is the mean over all shifts; one change is enough here."),
            (same[1:].float().mean(), "that is the mean over the shifts; one change is enough."),
            (same.all(dim=1).float().mean(), "that is a share of shifts; it is asked for images."),
            (same.all(dim=0).float(), "that says it of each image; now the share."),
            (same.all(dim=0).float().sum(), "that is a count; divide by the number of images."),
            (1 - same.all(dim=0).float().mean(), "that is the share that changes."),
        ],
        "of four images, two that never change their class make a share of 0.5.",
    )


@exercise(
    "11-templates", hint="F.conv2d slides the template; turn rows and columns round at the end."
)
def _templates(answer):
    generator = torch.Generator().manual_seed(0)
    weight, bias = (torch.randn(shape, generator=generator) for shape in ((10, 784), (10,)))
    images = torch.rand(3, 1, 28, 28, generator=generator)
    logits = torch.as_tensor(
        call_answer(answer, weight.clone(), bias.clone(), images.clone())
    ).float()
    slid = F.conv2d(F.pad(images, (6, 6, 6, 6)), weight.reshape(10, 1, 28, 28))
    right = slid.flip(2, 3) + bias.reshape(10, 1, 1)
    if logits.shape != right.shape:
        return f"the result has the shape {tuple(right.shape)}, and yours {tuple(logits.shape)}."
    return wrong_tensor(
        logits,
        [
            (right, None),
            (slid + bias.reshape(10, 1, 1), _MIRRORED),
            (slid.flip(2, 3), "the bias is missing."),
            (slid, f"the bias is missing, and {_MIRRORED}"),
            (right.mT, "rows and columns are exchanged: rows are for dy."),
            (right.flip(3), "the rows are in order, the columns are the other way round."),
            (right.flip(2), "the columns are in order, the rows are the other way round."),
        ],
        "at dx = dy = 0 these are not the logits of the linear model, or elsewhere not those of the moved images.",
    )


_MIRRORED = "the order is the other way round: a template further left sees an image further right."
