"""Drawings on the pad."""

import numpy as np

from ..strokes import check_strokes, draw
from .base import COLOURS, array, describe, new_axes, plot, tiles

SIZE = 140  # pixels on a side, for a drawing that is looked at


@plot
def plot_strokes(strokes, pen, ax=None):
    """Draw one drawing on its pad, with the points that the pad has noted: a colour for each stroke.

    Args:
        strokes: a drawing, a list of strokes (K, 2), as `strokes.draw` takes it.
        pen: the width of the pen, as a share of the pad's width.
    """
    strokes = check_strokes(strokes)
    ax = ax or new_axes(4.4, 4.2)
    ax.imshow(array(draw(strokes, pen, SIZE)[0]), vmin=0, vmax=1, extent=(0, 1, 1, 0))
    bright = [COLOURS[place] for place in (1, 4, 3, 2)]  # they show on black and on white
    for number, stroke in enumerate(strokes):
        colour = bright[number % 4]
        ax.plot(*stroke.T, "o-", color=colour, markersize=3.5, lw=0.8)
        ax.plot(*stroke[0], "o", color=colour, markersize=8, mec="black")
    ax.set(xlim=(0, 1), ylim=(1, 0), xlabel="x", ylabel="y")
    ax.set(xticks=np.linspace(0, 1, 5), yticks=np.linspace(0, 1, 5), aspect="equal")
    points = sum(len(stroke) for stroke in strokes)
    return describe(
        ax,
        f"A drawing on its pad, white on black, with its points: ≈{len(strokes)} strokes, each from a large dot on, "
        f"of ≈{points} points in all, drawn with a pen ≈{100 * pen:.1f} % of the pad's width.",
    )


@plot
def plot_drawings(drawings, columns=4, ax=None):
    """Draw several drawings side by side, each on its pad, with its name under it.

    Args:
        drawings: {name: (strokes, pen)} of at least one.
        columns: how many stand in a row.
    """
    pads = np.concatenate([array(draw(*drawing, SIZE)) for drawing in drawings.values()])
    ax, *_ = tiles(ax, pads, drawings, columns, 1.9, vmin=0, vmax=1)
    parts = "; ".join(
        f"{name} (≈{len(strokes)} strokes, pen ≈{100 * pen:.0f} %)"
        for name, (strokes, pen) in drawings.items()
    )
    return describe(ax, f"{len(drawings)} drawings on their pads, white on black: {parts}.")
