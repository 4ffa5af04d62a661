"""A digit that is moved, and what models make of it."""

import math

from .. import features, plots, shifts, training
from ..data import check_split
from .bars import A_BAR, A_ROW, ABOVE, answers_of, check_models, draw_bars, draw_image, inches
from .explorer import Explorer, View, add_arrow_keys, choose_digit, make_control

FURTHEST = 6  # pixels, in every direction
WIDTH = 9.0  # inches, of the picture
A_DIGIT = 2.1  # inches, with the margin to its right


def shift_explorer(models, split, layer=None):
    """Return an `Explorer` of models that look at a digit while it is moved: with two sliders, or the arrow keys.

    Args:
        models: {name: model} of at least one, each for images (N, 1, 28, 28), on any device.
        split: the `data.Split` whose digits are moved. What leaves the frame is lost, and zeros come in.
        layer: the name of a layer of the last model, whose feature maps are shown too; or None.

    Raises:
        TypeError: `models` is no dict of nn.Modules, `split` no `data.Split`, or `layer` does not give a tensor.
        ValueError: `models` or `split` is empty, or `layer` has no feature maps.

    >>> import torch
    >>> from torch import nn
    >>> from mnist_lib import data
    >>> split = data.Split(torch.zeros(1, 1, 28, 28), torch.tensor([7]))
    >>> classifier = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
    >>> _ = nn.init.zeros_(classifier[1].weight), nn.init.eye_(classifier[1].bias[:, None])
    >>> explorer = shift_explorer({"softmax classifier": classifier}, split)
    >>> explorer.controls["dx"].value = -2
    >>> print(explorer.text.value)
    <div aria-live="polite">Digit 0 (label 7), moved 2 left: softmax classifier 0 (23 %)</div>
    """
    check_split(split)
    check_models(models)
    if layer is not None:
        _maps_of(models, split.images[:1], layer)  # or say why not
    controls = {"digit": choose_digit(split)}
    controls |= {
        name: make_control(name, range(-FURTHEST, FURTHEST + 1), 0) for name in ("dx", "dy")
    }

    def view(digit, dx, dy):
        return _view_of_shift(models, split, layer, digit, dx, dy)

    explorer = Explorer(controls, None, view)
    add_arrow_keys(explorer, "dx", "dy", "Arrow keys move the digit")
    return explorer


def _maps_of(models, images, layer):
    """The feature maps (C, H, W) of the last model for one image (1, 1, 28, 28), on the CPU."""
    maps = features.feature_maps(list(models.values())[-1], images, [layer])[layer]
    if maps.dim() != 4:
        raise ValueError(
            f"layer must have feature maps (N, C, H, W), got {layer!r}, {tuple(maps.shape)}"
        )
    return maps[0].cpu()


def _view_of_shift(models, split, layer, digit, dx, dy):
    """The `View` of what the models make of a moved digit; there is one step."""
    moved = shifts.shift(split.images[digit : digit + 1], dx, dy)
    label = split.labels[digit].item()
    given = {name: training.predict(model, moved)[0].cpu() for name, model in models.items()}
    maps = None if layer is None else _maps_of(models, moved, layer)
    answers = answers_of(given)
    said = ", ".join(f"{name} {answer}" for name, answer in answers.items())
    text = f"Digit {digit} (label {label}), {_moved(dx, dy)}: {said}"
    above = _height_of_bars(len(models))
    height = above + (0 if maps is None else _height_of_maps(maps))

    def draw(step, figure):
        ax = figure.add_axes((0, 1 - above / height, 1, above / height))
        inches(ax, WIDTH, above)
        draw_image(ax, moved[0], 0.05, ABOVE, 10 * A_BAR)
        across = min(2.6, (WIDTH - A_DIGIT) / min(4, len(given)))  # from model to model
        draw_bars(ax, given, answers, dict.fromkeys(given, label), A_DIGIT, across)
        words = f"A digit and, for each model, a bar for each of 0 to 9. {text}."
        if maps is not None:
            below = figure.add_axes((0.01, 0, 0.98, 1 - (above + 0.4) / height))
            below.set_title(f"{list(models)[-1]}: {layer}", loc="left", fontsize=12)
            words += f" Below, {layer}: {plots.plot_maps(maps, columns=8, ax=below).description}"
        return plots.describe(ax, words)

    notes = (
        "dx moves to the right, dy moves down; what leaves the frame is lost, and zeros come in",
        "Blue: the probability of the label. Orange: those of the other digits. A grey bar is 100 % long",
    )
    code = _code(digit, dx, dy, layer)
    return View(0, (WIDTH, height), draw, lambda step: text, notes, code)


def _moved(dx, dy):
    """How far a digit was moved, in words."""
    across = f"{abs(dx)} {'right' if dx > 0 else 'left'}" if dx else ""
    down = f"{abs(dy)} {'down' if dy > 0 else 'up'}" if dy else ""
    return f"moved {' and '.join(filter(None, (across, down)))}" if dx or dy else "not moved"


def _height_of_bars(count):
    """The inches that a digit and the bars of so many models take: four models to a row."""
    return A_ROW * math.ceil(count / 4)


def _height_of_maps(maps):
    """The inches that feature maps (C, H, W) take, with a line above: eight maps to a row."""
    columns, rows = min(8, len(maps)), math.ceil(len(maps) / 8)
    return 0.5 + min(1.6, 0.85 * WIDTH / columns) * rows * maps.shape[1] / maps.shape[2]


def _code(digit, dx, dy, layer):
    """The code for what the picture shows."""
    maps = f"""

# the maps of the last of the models
maps = feature_maps(model, moved, [{layer!r}])[{layer!r}]
print(maps.shape)"""
    use_maps = "from mnist_lib.features import feature_maps\n"
    return f"""import torch
import torch.nn.functional as F
{use_maps if layer else ""}
# split: images and labels. models: {{name: model}}
image = split.images[{digit}:{digit + 1}]
moved = F.pad(image, ({dx}, {-dx}, {dy}, {-dy}))  # left, right, top, bottom; below 0 it cuts off
for name, model in models.items():
    device = next(model.parameters()).device
    with torch.no_grad():
        probabilities = model.eval()(moved.to(device)).softmax(dim=1)
    print(name, probabilities.argmax().item(), probabilities.max().item()){maps if layer else ""}"""
