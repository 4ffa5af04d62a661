"""Digits as images, their pixels, what a model says of one, and drawings on a pad."""

import math

import numpy as np

from ..machinery.checks import check_image
from ..strokes import check_strokes, draw
from .base import CENTRED, COLOURS, MARKERS, array, describe, new_axes, plot, tiles

SIZE = 140  # pixels on a side, for a drawing that is looked at


@plot
def plot_digits(images, captions=None, columns=10, ax=None):
    """Draw images side by side, with a caption under each.

    Args:
        images: (N, 1, 28, 28), N at least 1, 0 black to 1 white; or one image.
        captions: N short texts (or labels), or None.
        columns: how many stand in a row.
    """
    values = array(images)
    shape = values.shape
    values = values[:, 0] if values.ndim == 4 and shape[1] == 1 else values
    values = values[None] if values.ndim == 2 else values
    if values.ndim != 3 or 0 in shape:
        raise ValueError(f"images must be (N, 1, H, W) with N at least 1, got {shape}")
    ax, _, captions = tiles(ax, values, captions, columns, 0.85, vmin=0, vmax=1)
    count, rows = len(values), math.ceil(len(values) / columns)
    words = f"{count} image{'s' * (count > 1)} of digits in {rows} row{'s' * (rows > 1)}, white on black"
    words += f"; captions: ≈[{', '.join(captions)}]" if captions is not None else ""
    return describe(ax, words + ".")


@plot
def plot_pixels(image, top=0, left=0, size=28, ax=None):
    """Draw a square part of one image large, with the value of every pixel written on it.

    Args:
        image: (1, 28, 28), 0 black to 1 white.
        top, left: the first row and the first column to show.
        size: how many rows and columns to show.
    """
    image = check_image(image)
    part = image[top : top + size, left : left + size]
    if min(top, left, size - 1) < 0 or part.shape != (size, size):
        within, got = "×".join(map(str, image.shape)), f"{top}, {left} and {size}"
        raise ValueError(f"top, left and size must lie within {within} pixels, got {got}")
    ax = ax or new_axes(6, 6)
    bottom, right = top + size - 1, left + size - 1
    ax.imshow(part, vmin=0, vmax=1, extent=(left - 0.5, right + 0.5, bottom + 0.5, top - 0.5))
    for (row, column), value in np.ndenumerate(part):
        text = f"{value:.2f}".lstrip("0") if 0.005 < value < 0.995 else f"{value:.0f}"
        look = {"color": "black" if value > 0.5 else "white", "fontsize": 100 / size}
        ax.text(left + column, top + row, text, **CENTRED, **look)
    ax.set(xlabel="column", ylabel="row")
    words = (
        f"Rows {top} to {bottom} and columns {left} to {right} of one image, all numbers rounded. "
    )
    words += f"≈{(part > 0).sum()} of the {part.size} pixels are not black; the brightest is "
    return describe(ax, f"{words}≈{part.max():.2f}.")


@plot
def plot_prediction(image, probabilities, ax=None):
    """Draw one image, and beside it the probability that a model gives each digit.

    Args:
        image: (1, 28, 28), 0 black to 1 white.
        probabilities: (10,), adding to 1.
    """
    image, values = check_image(image), array(probabilities)
    if values.shape != (10,):
        raise ValueError(f"probabilities must be (10,), got {values.shape}")
    ax = ax or new_axes(7, 2.8)
    ax.bar(range(10), values, color=COLOURS[0])
    ax.set(xlabel="digit", ylabel="probability", xticks=range(10), ylim=(0, 1))
    picture = ax.inset_axes((-0.62, 0.0, 0.4, 1.0))
    picture.imshow(image, vmin=0, vmax=1)
    picture.axis("off")
    best = int(values.argmax())
    words = f"One image, and a bar for each digit: the highest is that of ≈{best}, with "
    return describe(ax, f"{words}≈{100 * values[best]:.0f} %.")


@plot
def plot_strokes(strokes, pen, ax=None):
    """Draw one drawing on its pad, with the points that the pad has noted; strokes are numbered where they start.

    Args:
        strokes: a drawing, a list of strokes (K, 2), as `strokes.draw` takes it.
        pen: the width of the pen, as a share of the pad's width.
    """
    strokes = check_strokes(strokes)
    ax = ax or new_axes(4.4, 4.2)
    ax.imshow(array(draw(strokes, pen, SIZE)[0]), vmin=0, vmax=1, extent=(0, 1, 1, 0))
    for number, stroke in enumerate(strokes):
        look = {"color": COLOURS[(0, 5, 2, 3)[number % 4]], "marker": MARKERS[number % 4]}
        ax.plot(*stroke.T, **look, markersize=4, lw=1.5)
        ax.plot(*stroke[0], **look, markersize=15, mec="white")
        ax.text(*stroke[0], number + 1, **CENTRED, color="white", fontsize=9)
    ax.set(xlim=(0, 1), ylim=(1, 0), xlabel="x (share of the pad)", ylabel="y (share of the pad)")
    ax.set(xticks=np.linspace(0, 1, 5), yticks=np.linspace(0, 1, 5), aspect="equal")
    words = f"A drawing on its pad, white on black, with its points: ≈{len(strokes)} strokes, each from its number "
    words += f"on, of ≈{sum(map(len, strokes))} points in all, drawn with a pen "
    return describe(ax, f"{words}≈{100 * pen:.1f} % of the pad's width.")


@plot
def plot_drawings(drawings, columns=4, ax=None):
    """Draw several drawings side by side, each on its pad, with its name under it.

    Args:
        drawings: {name: (strokes, pen)} of at least one.
        columns: how many stand in a row.
    """
    pads, words = [], []
    for name, (strokes, pen) in drawings.items():
        pads.append(array(draw(strokes, pen, SIZE)[0]))
        words.append(f"{name} (strokes: ≈{len(strokes)}, pen ≈{100 * pen:.1f} %)")
    ax, *_ = tiles(ax, np.stack(pads), drawings, columns, 1.9, vmin=0, vmax=1)
    text = f"{len(drawings)} drawings on their pads, white on black"
    return describe(ax, f"{text}: {'; '.join(words)}.")
