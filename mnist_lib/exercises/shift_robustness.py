"""The exercises of notebook 11_shift_robustness."""

import torch
from torch.nn import functional as F

from .base import CHECKS, RIGHT, call_answer, exercise, wrong

CHECKS |= {
    "11-where": {
        "hint": "Rows count down, columns count right; dx belongs to the columns.",
        "asked": "two numbers are asked for, (row, column)",
        (12, 7): RIGHT,
        (7, 12): "row and column are exchanged: dy changes the row, dx the column.",
        (8, 13): "both signs are turned round: positive dy moves down, to larger rows.",
        (8, 7): "positive dy moves down, and rows are counted downwards.",
        (12, 13): "negative dx moves left, to smaller columns.",
        (13, 8): "dx changes the column, dy the row; and mind the signs.",
    },
    "11-cells": {
        "hint": "Two poolings by 2: how wide is a cell? And back is the other way.",
        "asked": "two numbers are asked for, (dx, dy)",
        (-2, 1): RIGHT,
        (2, -1): "that is where the maps have gone; to put them back is the other way.",
        (-8, 4): "those are pixels; a cell is several pixels wide.",
        (8, -4): "those are pixels, and that is not the way back.",
        (-4, 2): "there are two poolings before these maps, not one.",
        (1, -2): "dx and dy are exchanged.",
        (-2, -1): "dy = −4 moved the digit up, so its maps have to go down.",
        (2, 1): "dx = 8 moved the digit right, so its maps have to go left.",
    },
}


@exercise("11-always", "Compare each row with the first, then ask for all rows, then average.")
def _always(answer):
    answers = torch.tensor([[3, 5, 1, 7, 0, 9]] * 4)
    answers[2, 1], answers[1, 2] = 6, 2  # two of six images change once
    same = (answers == answers[0]).float()
    always = same.amin(dim=0)
    table = {
        always.mean(): RIGHT,
        same.mean(): "that is the mean over all shifts; one change is enough here.",
        same[1:].mean(): "that is the mean over the shifts; one change is enough.",
        same.amin(dim=1).mean(): "that is a share of shifts; the share of images was asked for.",
        always: "that says it of each image; now the share.",
        always.sum(): "that is a count; divide by the number of images.",
        1 - always.mean(): "that is the share that changes.",
        "otherwise": "of four images, two that never change their class make a share of 0.5.",
    }
    yield wrong(call_answer(answer, answers), table)


@exercise("11-templates", "F.conv2d slides the template; turn rows and columns round at the end.")
def _templates(answer):
    generator = torch.Generator().manual_seed(0)
    weight, bias = (torch.randn(shape, generator=generator) for shape in ((10, 784), (10,)))
    images = torch.rand(3, 1, 28, 28, generator=generator)
    slid = F.conv2d(F.pad(images, (6, 6, 6, 6)), weight.reshape(10, 1, 28, 28))
    turned, biases = slid.flip(2, 3), bias.reshape(10, 1, 1)
    right = turned + biases
    order = "the order is the other way round: a template further left sees an image further right."
    table = {
        right: RIGHT,
        slid + biases: order,
        turned: "the bias is missing.",
        slid: f"the bias is missing, and {order}",
        right.mT: "rows and columns are exchanged: rows are for dy.",
        right.flip(3): "the rows are in order, the columns are the other way round.",
        right.flip(2): "the columns are in order, the rows are the other way round.",
        "otherwise": "at dx = dy = 0 these are not the logits of the linear model, "
        "or elsewhere not those of the moved images.",
    }
    yield wrong(call_answer(answer, weight, bias, images), table)
