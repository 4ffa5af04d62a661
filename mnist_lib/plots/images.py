"""Digits as images, their pixels, how many there are, and what a model says of one."""

import math

import numpy as np

from ..machinery.checks import check_image
from .base import CENTRED, COLOURS, array, describe, images_of, new_axes, plot, tiles


@plot
def plot_digits(images, captions=None, columns=10, ax=None):
    """Draw images side by side, with a caption under each.

    Args:
        images: (N, 1, 28, 28), N at least 1, 0 black to 1 white; or one image.
        captions: N short texts (or labels), or None.
        columns: how many stand in a row.
    """
    images = images_of("images", images)
    ax, _, captions = tiles(ax, images, captions, columns, 0.85, vmin=0, vmax=1)
    rows = math.ceil(len(images) / columns)
    words = f"{len(images)} image{'s' * (len(images) > 1)} of digits in {rows} row{'s' * (rows > 1)}, white on black"
    if captions is not None:
        words += f"; captions: ≈[{', '.join(captions)}]"
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
    return describe(
        ax,
        f"Rows {top} to {bottom} and columns {left} to {right} of one image, all numbers rounded. "
        f"≈{(part > 0).sum()} of the {part.size} pixels are not black; the brightest is ≈{part.max():.2f}.",
    )


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
    return describe(
        ax,
        f"One image, and a bar for each digit: the highest is that of ≈{best}, with ≈{100 * values[best]:.0f} %.",
    )
