"""The exercises of notebook 11_shift_robustness."""

import copy
from collections import OrderedDict

import torch
from torch import nn
from torch.nn import functional as F

from .base import CHECKS, RIGHT, call_answer, exercise, wrong

CHECKS |= {
    "11-cells": {
        "hint": "Two poolings by 2: how wide is a cell? And back is the other way.",
        "asked": "two numbers are asked for, (dx, dy)",
        (-1.5, 1): RIGHT,
        (1.5, -1): "that is where the maps have gone; to put them back is the other way.",
        (-6, 4): "those are pixels; a cell is several pixels wide.",
        (6, -4): "those are pixels, and that is not the way back.",
        (-3, 2): "there are two poolings before these maps, not one.",
        **dict.fromkeys([(-1, 1), (-2, 1)], "no need to round: a part of a cell can be put back."),
        (1, -1.5): "dx and dy are exchanged.",
        (-1.5, -1): "dy = −4 moved the digit up, so its maps have to go down.",
        (1.5, 1): "dx = 6 moved the digit right, so its maps have to go left.",
    },
}


@exercise("11-blind")
def _blind(answer):
    """How far apart are the pixels of two neighbouring cells behind the second pooling?"""
    layers = [nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
    layers += [nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
    layers += [nn.Conv2d(16, 20, 3, padding=1), nn.ReLU(), nn.AdaptiveMaxPool2d(1)]
    layers = nn.Sequential(*layers, nn.Flatten(), nn.Linear(20, 10))
    net = nn.Sequential(OrderedDict(layers=layers)).eval()  # LabNet has `layers`, too
    digits = torch.rand(4, 1, 20, 20)
    canvas = F.pad(digits, (24, 24, 24, 24))
    moved = [F.pad(digits, (24 + by, 24 - by, 24 + by, 24 - by)) for by in (1, 2)]
    before, weights = net(canvas), copy.deepcopy(net.state_dict())
    given = call_answer(answer, net)
    if not torch.equal(net(canvas), before):
        yield "the network you were given is another one afterwards: change a copy."
    same = given.state_dict()
    if same.keys() != weights.keys() or not all(map(torch.equal, same.values(), weights.values())):
        yield "the weights are not those of the network."
    logits, by_one, by_two = map(given, (canvas, *moved))
    if logits.shape != (4, 10) or torch.allclose(logits[0], logits[1], atol=1e-6):
        yield "it does not look at the digits any more: each has to get logits of its own."
    if not torch.allclose(by_two, logits, atol=1e-5):
        yield "moved by two pixels, its logits are others."
    if torch.allclose(by_one, logits, atol=1e-5):
        yield "it is blind to a move by one, too: that is more than the smallest change."
    other = sum(str(theirs) != str(ours) for theirs, ours in zip(given.layers, net.layers))
    yield other > 1 and f"{other} layers are different from before; one is enough."


@exercise("11-templates")
def _templates(answer):
    """F.conv2d slides the template; turn rows and columns round at the end."""
    weight, bias, images = torch.randn(10, 784), torch.randn(10), torch.rand(3, 1, 28, 28)
    slid = F.conv2d(images, weight.reshape(10, 1, 28, 28), padding=6)
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
        "otherwise": "at dx = dy = 0 not the logits of the linear model, or elsewhere not those of the moved images.",
    }
    yield wrong(call_answer(answer, weight, bias, images), table)
