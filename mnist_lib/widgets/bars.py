"""Bars for the probabilities that models give a digit: what all explorers of one digit draw."""

import textwrap

from matplotlib.collections import PolyCollection
from torch import nn

from .. import plots

A_BAR = 0.17  # inches, from one bar to the next
ABOVE = 0.65  # inches above the bars, for the name of a model and its answer
A_ROW = 2.5  # inches from the bars of a model to those below


def check_models(models):
    """Raise an error if `models` is no {name: model}, or empty."""
    if not isinstance(models, dict) or not all(isinstance(m, nn.Module) for m in models.values()):
        raise TypeError(f"models must be a dict {{name: nn.Module}}, got {models!r:.60}")
    if not models:
        raise ValueError("models must hold at least one model, got none")


def answers_of(given):
    """The most probable digit and its probability in words, {name: "7 (98 %)"}, of {name: probabilities (10,)}."""
    return {
        name: f"{values.argmax().item()} ({100 * values.max().item():.0f} %)"
        for name, values in given.items()
    }


def inches(ax, width, height):
    """Let the unit of empty axes be an inch, counted from the left and from above."""
    ax.set(xlim=(0, width), ylim=(height, 0))
    ax.axis("off")


def draw_image(ax, image, left, top, size):
    """Draw an image (1, H, W) as a square of `size` inches."""
    extent = (left, left + size, top + size, top)
    ax.imshow(image[0].cpu().numpy(), cmap="gray", vmin=0, vmax=1, extent=extent, aspect="auto")


def draw_bars(ax, given, answers, blue, left, across, columns=4):
    """Draw, for each model, its answer above the probabilities of 0 to 9, in axes whose unit is an inch.

    Few artists, and no axes of their own for the models: it is drawn anew at every key press.

    Args:
        ax: axes after `inches`.
        given: {name: probabilities (10,)}.
        answers: {name: what is written below the name}.
        blue: {name: the digit whose bar is blue}; the others are orange.
        left: inches to the left of the first model.
        across: inches from a model to the next one.
        columns: how many models stand side by side.
    """
    full, bars, colours = across - 0.25, [], []
    for number, (name, values) in enumerate(given.items()):
        row, column = divmod(number, columns)
        start, top = left + column * across, A_ROW * row + ABOVE
        title = textwrap.fill(name, round(11 * full), max_lines=2, placeholder=" …")
        ax.text(start, top - 0.08, f"{title}\n{answers[name]}", va="bottom", linespacing=1.1)
        for digit, value in enumerate(values.tolist()):
            y = top + digit * A_BAR
            colour = plots.COLOURS[0 if digit == blue[name] else 1]
            for share, face in ((1, "0.93"), (value, colour)):
                x, low = start + share * full, y + 0.8 * A_BAR
                bars.append([(start, y), (x, y), (x, low), (start, low)])
                colours.append(face)
            if column == 0:
                ax.text(start - 0.08, y + 0.4 * A_BAR, str(digit), ha="right", va="center")
    ax.add_collection(PolyCollection(bars, facecolors=colours), autolim=False)
