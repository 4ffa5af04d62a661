"""A digit that is moved, and what models make of it."""

import math
from functools import partial

import numpy as np

from .. import features, plots, shifts
from .bars import A_ROW, ASK, add_axes_in_inches, ask, draw_bars, draw_image, in_words
from .explorer import Explorer, View, add_arrow_keys, choose_digit, make_control

REACH = range(-6, 7)  # pixels, in every direction
WIDTH = 9.0  # inches, of the picture
A_DIGIT = 2.1  # inches, with the margin to its right


def shift_explorer(models, split, layer=None):
    """Return an `Explorer` of models that look at a digit while it is moved: with two sliders, or the arrow keys.

    Args:
        models: {name: model} of at least one, each for images (N, 1, 28, 28), on any device.
        split: the `data.Split` whose digits are moved. What leaves the frame is lost, and zeros come in.
        layer: the name of a layer of the last model, whose feature maps are shown too; or None.

    >>> import torch
    >>> from mnist_lib import data
    >>> split = data.Split(torch.zeros(1, 1, 28, 28), torch.tensor([7]))
    >>> classifier = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10, bias=False))
    >>> explorer = shift_explorer({"softmax classifier": classifier}, split)
    >>> explorer.controls["dx"].value = -2
    >>> print(explorer.text.value)
    <div aria-live="polite">Digit 0 (label 7), moved 2 left: softmax classifier 0 (10 %)</div>
    """
    controls = {"digit": choose_digit(split)}
    controls |= {name: make_control(name, REACH, 0) for name in ("dx", "dy")}
    view = partial(_view_of_shift, models, split, layer)
    view(digit=0, dx=0, dy=0)  # or say why not
    explorer = Explorer(controls, view)
    add_arrow_keys(explorer, "dx", "dy", "Arrow keys move the digit")
    return explorer


def _view_of_shift(models, split, layer, digit, dx, dy):
    """The `View` of what the models make of a moved digit; there is one step."""
    moved = shifts.shift(split.images[digit : digit + 1], dx, dy)
    label = split.labels[digit].item()
    given, maps = ask(models, moved[0]), None
    text = f"Digit {digit} (label {label}), {_moved(dx, dy)}: {in_words(given)}"
    height = above = A_ROW * math.ceil(len(models) / 4)
    if layer is not None:
        maps = features.feature_maps(list(models.values())[-1], moved, [layer])[layer].cpu()
        if maps.dim() != 4:
            raise ValueError(f"layer must have maps, got {layer!r}, {tuple(maps.shape)}")
        maps = maps[0]
        tiled = _tiled(maps, columns=min(8, len(maps)))
        across, down = (min(0.2, 8.6 / tiled.shape[1]) * cells for cells in tiled.shape[::-1])
        height += 0.5 + down

    def draw(step, figure):
        ax = add_axes_in_inches(figure, height)
        draw_image(ax, moved[0], left=0.05)
        between = min(2.6, (WIDTH - A_DIGIT) / min(4, len(given)))  # from model to model
        draw_bars(ax, given, A_DIGIT, between, label)
        words = f"A digit and, for each model, a bar for each of 0 to 9. {text}."
        if maps is not None:
            last, size = list(models)[-1], "×".join(map(str, maps.shape[1:]))
            ax.text(0.05, above + 0.25, f"{last}: {layer}", va="bottom")
            limit = maps.abs().max().item() or 1.0
            place = (0.05, 0.05 + across, above + 0.35 + down, above + 0.35)
            look = {"cmap": plots.SIGNED.with_extremes(bad="0.8"), "vmin": -limit, "vmax": limit}
            ax.imshow(tiled, extent=place, aspect="auto", **look)
            words += f" Below, {layer}: {len(maps)} maps of {size} numbers, from ≈{maps.min():.2f}"
            words += f" to ≈{maps.max():.2f}; purple is below zero, orange above."
        return plots.describe(ax, words)

    notes = (
        "dx moves to the right, dy moves down; what leaves the frame is lost, and zeros come in",
        "Blue: the probability of the label. Orange: those of the other digits. A grey bar is 100 % long",
    )
    return View(0, (WIDTH, height), draw, lambda step: text, notes, _code(digit, dx, dy, layer))


def _tiled(maps, columns):
    """Maps (C, H, W) side by side in one array, one NaN apart: one picture is drawn much faster than many."""
    beside = ((0, -len(maps) % columns), (0, 1), (0, 1))
    framed = np.pad(maps.numpy(), beside, constant_values=np.nan)
    height, width = framed.shape[1:]
    rows = framed.reshape(-1, columns, height, width).swapaxes(1, 2)
    return rows.reshape(-1, columns * width)[:-1, :-1]


def _moved(dx, dy):
    """How far a digit was moved, in words."""
    across = f"{abs(dx)} {'right' if dx > 0 else 'left'}" if dx else ""
    down = f"{abs(dy)} {'down' if dy > 0 else 'up'}" if dy else ""
    return f"moved {' and '.join(filter(None, (across, down)))}" if dx or dy else "not moved"


def _code(digit, dx, dy, layer):
    code = f"""import torch
import torch.nn.functional as F

# split: images and labels. models: {{name: model}}
image = split.images[{digit}:{digit + 1}]
moved = F.pad(image, ({dx}, {-dx}, {dy}, {-dy}))  # left, right, top, bottom; below 0 it cuts off
{ASK.format(images="moved")}"""
    if layer is None:
        return code
    return f"""{code}

# the maps of the last of the models
from mnist_lib.features import feature_maps

maps = feature_maps(model, moved, [{layer!r}])[{layer!r}]
print(maps.shape)"""
