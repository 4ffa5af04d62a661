"""Drawings on the pad."""

import numpy as np

from ..strokes import check_strokes, draw
from .base import CENTRED, COLOURS, MARKERS, array, describe, new_axes, plot, tiles

SIZE = 140  # pixels on a side, for a drawing that is looked at


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
    points = sum(len(stroke) for stroke in strokes)
    return describe(
        ax,
        f"A drawing on its pad, white on black, with its points: ≈{len(strokes)} strokes, each from its number on, "
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
        f"{name} (strokes: ≈{len(strokes)}, pen ≈{100 * pen:.1f} %)"
        for name, (strokes, pen) in drawings.items()
    )
    return describe(ax, f"{len(drawings)} drawings on their pads, white on black: {parts}.")
