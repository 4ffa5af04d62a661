"""Digits as images, their pixels, how many there are, and what a model says of one."""

import math

import matplotlib.pyplot as plt
import numpy as np

from .base import COLOURS, array, describe, new_axes, plain, style


@style()
def plot_digits(images, captions=None, columns=10, ax=None):
    """Draw images side by side, with a caption under each.

    Args:
        images: (N, 1, 28, 28), N at least 1, 0 black to 1 white.
        captions: N short texts (or labels), or None.
        columns: how many stand in a row.
        ax: the axes to draw into, or None for a new figure.

    Raises:
        ValueError: there is no image, or another number of captions.
    """
    if len(images) == 0:
        raise ValueError("images must hold at least one image, got none")
    if captions is not None and len(captions) != len(images):
        raise ValueError(f"captions must be as many as images ({len(images)}), got {len(captions)}")
    rows = math.ceil(len(images) / columns)
    columns = min(columns, len(images))
    pitch = 36 if captions is not None else 30
    ax = ax or new_axes(0.85 * columns, 0.03 * rows * pitch)
    for number, image in enumerate(array(images)):
        x, y = 30 * (number % columns), pitch * (number // columns)
        ax.imshow(image[0], cmap="gray", vmin=0, vmax=1, extent=(x, x + 28, y + 28, y))
        ax.add_patch(plt.Rectangle((x, y), 28, 28, fill=False, ec="0.7", lw=0.5))
        if captions is not None:
            ax.text(
                x + 14, y + 28.5, str(plain(captions[number])), ha="center", va="top", fontsize=11
            )
    ax.set(xlim=(-1, 30 * columns - 1), ylim=(pitch * rows - 1, -1))
    ax.axis("off")
    words = (
        f"{len(images)} images of digits in {rows} {'row' if rows == 1 else 'rows'}, white on black"
    )
    if captions is not None:
        words += f"; captions: ≈[{', '.join(str(plain(caption)) for caption in captions)}]"
    return describe(ax, words + ".")


@style()
def plot_pixels(image, top=0, left=0, size=28, ax=None):
    """Draw a square part of one image large, with the value of every pixel written on it.

    Args:
        image: (1, 28, 28), 0 black to 1 white.
        top, left: the first row and the first column to show.
        size: how many rows and columns to show.
        ax: the axes to draw into, or None for a new figure.

    Raises:
        ValueError: the part goes beyond the image.
    """
    if min(top, left, size - 1) < 0 or max(top, left) + size > 28:
        raise ValueError(
            f"top, left and size must lie within 28 pixels, got {top}, {left} and {size}"
        )
    ax = ax or new_axes(6, 6)
    part = array(image)[0, top : top + size, left : left + size]
    ax.imshow(
        part,
        cmap="gray",
        vmin=0,
        vmax=1,
        extent=(left - 0.5, left + size - 0.5, top + size - 0.5, top - 0.5),
    )
    for row, values in enumerate(part):
        for column, value in enumerate(values):
            text = f"{value:.2f}".lstrip("0") if 0.005 < value < 0.995 else f"{value:.0f}"
            colour = "black" if value > 0.5 else "white"
            ax.text(
                left + column,
                top + row,
                text,
                ha="center",
                va="center",
                color=colour,
                fontsize=100 / size,
            )
    ax.set(xlabel="column", ylabel="row")
    lit = int((part > 0).sum())
    return describe(
        ax,
        f"Rows {top} to {top + size - 1} and columns {left} to {left + size - 1} of one image, a number on every "
        f"pixel. ≈{lit} of the {part.size} pixels are not black; the brightest is ≈{part.max():.2f}.",
    )


@style()
def plot_counts(counts, ax=None):
    """Draw how many images of each digit every split holds.

    Args:
        counts: DataFrame, a row for each digit, a column for each split.
        ax: the axes to draw into, or None for a new figure.
    """
    ax = ax or new_axes()
    width = 0.8 / len(counts.columns)
    left = np.arange(len(counts)) - (len(counts.columns) - 1) / 2 * width
    for number, name in enumerate(counts.columns):
        ax.bar(left + number * width, counts[name], width, label=name)
    ax.set(xlabel="digit", ylabel="images", xticks=range(len(counts)), xticklabels=counts.index)
    ax.legend(ncols=len(counts.columns), loc="lower center", bbox_to_anchor=(0.5, 1.0))
    spans = "; ".join(
        f"{name} ≈{counts[name].min():,} to ≈{counts[name].max():,}" for name in counts.columns
    )
    return describe(
        ax, f"Bars: images of each of {len(counts)} digits, by split. Per digit: {spans}."
    )


@style()
def plot_prediction(image, probabilities, ax=None):
    """Draw one image, and beside it the probability that a model gives each digit.

    Args:
        image: (1, 28, 28), 0 black to 1 white.
        probabilities: (10,), adding to 1.
        ax: the axes to draw the bars into, or None for a new figure.
    """
    ax = ax or new_axes(7, 2.8)
    values = array(probabilities)
    ax.bar(range(10), values, color=COLOURS[0])
    ax.set(xlabel="digit", ylabel="probability", xticks=range(10), ylim=(0, 1))
    picture = ax.inset_axes((-0.62, 0.0, 0.4, 1.0))
    picture.imshow(array(image)[0], cmap="gray", vmin=0, vmax=1)
    picture.axis("off")
    best = int(values.argmax())
    return describe(
        ax,
        f"One image, and a bar for each digit: the highest is that of ≈{best}, with ≈{100 * values[best]:.0f} %.",
    )
