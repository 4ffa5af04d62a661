"""Drawings on the pad, and what becomes of answers when drawings are prepared in other ways."""

import math

import numpy as np
import pandas as pd

from ..strokes import check_strokes, draw
from .base import COLOURS, MARKERS, array, describe, draw_bands, new_axes, style

SIZE = 140  # pixels on a side, for a drawing that is looked at


@style()
def plot_strokes(strokes, pen, ax=None):
    """Draw one drawing on its pad, with the points that the pad has noted: a colour for each stroke.

    Args:
        strokes: a drawing, a list of strokes (K, 2), as `strokes.draw` takes it.
        pen: the width of the pen, as a share of the pad's width.
        ax: the axes to draw into, or None for a new figure.
    """
    strokes = check_strokes(strokes)
    ax = ax or new_axes(4.4, 4.2)
    _show_ink(ax, strokes, pen, (0, 1, 1, 0))
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


@style()
def plot_drawings(drawings, columns=4, ax=None):
    """Draw several drawings side by side, each on its pad, with its name under it.

    Args:
        drawings: {name: (strokes, pen)} of at least one.
        columns: how many stand in a row.
        ax: the axes to draw into, or None for a new figure.

    Raises:
        ValueError: there is no drawing.
    """
    if not drawings:
        raise ValueError(
            "drawings must hold at least one drawing, {name: (strokes, pen)}, got none"
        )
    rows = math.ceil(len(drawings) / columns)
    columns = min(columns, len(drawings))
    ax = ax or new_axes(1.9 * columns, 2.25 * rows)
    for number, (name, (strokes, pen)) in enumerate(drawings.items()):
        x, y = 1.1 * (number % columns), 1.3 * (number // columns)
        _show_ink(ax, strokes, pen, (x, x + 1, y + 1, y))
        ax.text(x + 0.5, y + 1.02, name, ha="center", va="top", fontsize=11)
    ax.set(xlim=(-0.05, 1.1 * columns - 0.05), ylim=(1.3 * rows - 0.05, -0.05), aspect="equal")
    ax.axis("off")
    parts = "; ".join(f"{name} ({_words(*drawing)})" for name, drawing in drawings.items())
    return describe(ax, f"{len(drawings)} drawings on their pads, white on black: {parts}.")


@style()
def plot_ways(tables, xlabel="accuracy (%)", ax=None):
    """Draw a share for each way to do something, by models: a mark at the mean, a line from the lowest to the highest.

    Args:
        tables: {name: DataFrame of shares from 0 to 1, a row for each run, a column for each way}; at most 9.
        xlabel: what the shares are.
        ax: the axes to draw into, or None for a new figure.

    Raises:
        ValueError: there are no tables or more than 9, or one holds something else than shares, or has other columns
            than the first.
    """
    ways = _columns(tables)
    ax = ax or new_axes(7.5, 0.9 + 0.42 * len(ways))
    places = np.arange(len(ways))
    for number, (name, table) in enumerate(tables.items()):
        y = places + 0.16 * (number - (len(tables) - 1) / 2)
        shares = 100 * table[ways]
        colour = COLOURS[number]
        ax.hlines(y, shares.min(), shares.max(), color=colour, lw=2)
        ax.plot(shares.mean(), y, MARKERS[number], color=colour, markersize=6, label=name)
    ax.set(yticks=places, yticklabels=ways, xlabel=xlabel, xlim=(0, 101))
    ax.grid(axis="x", color="0.9")
    ax.invert_yaxis()
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    words = (
        f"{way}: "
        + ", ".join(f"{name} ≈{100 * table[way].mean():.1f}" for name, table in tables.items())
        for way in ways
    )
    return describe(ax, f"Marks: {xlabel}, the mean of several runs. {'; '.join(words)}.")


@style()
def plot_bands(tables, xlabel, ylabel="accuracy (%)", ax=None):
    """Draw a share against a number: the mean of several runs, in a band from the lowest to the highest.

    Args:
        tables: {name: DataFrame of shares from 0 to 1, a row for each run, a column for each number}; at most 9.
        xlabel: what the numbers are.
        ylabel: what the shares are.
        ax: the axes to draw into, or None for a new figure.

    Raises:
        ValueError: there are no tables or more than 9, or one holds something else than shares, or has other columns
            than the first.
    """
    columns = _columns(tables)
    ax = ax or new_axes(7.5, 4.2)
    words = []
    for name, mean in draw_bands(ax, tables).items():
        ends = ", ".join(f"≈{mean[at]:.1f} at ≈{at:g}" for at in (columns[0], columns[-1]))
        words.append(f"{name} {ends}")
    ax.set(xlabel=xlabel, ylabel=ylabel)
    text = f"{ylabel} against {xlabel}, means of several runs: {'; '.join(words)}."
    return describe(ax, text[0].upper() + text[1:])


def _columns(tables):
    """The columns that all tables have, a list."""
    if not isinstance(tables, dict) or not 1 <= len(tables) <= len(MARKERS):
        got = len(tables) if isinstance(tables, dict) else type(tables).__name__
        raise ValueError(f"tables must be a dict of 1 to {len(MARKERS)} DataFrames, got {got}")
    columns = None
    for name, table in tables.items():
        if not isinstance(table, pd.DataFrame) or table.size == 0:
            raise ValueError(f"tables must hold DataFrames with rows and columns, got {name!r}")
        columns = list(table.columns) if columns is None else columns
        if list(table.columns) != columns:
            raise ValueError(f"tables must have the same columns, got others in {name!r}")
        if ((table < 0) | (table > 1)).any(axis=None):
            raise ValueError(f"tables must hold shares from 0 to 1, got others in {name!r}")
    return columns


def _show_ink(ax, strokes, pen, extent):
    """Show a drawing as a picture, white on black, with a grey border."""
    picture = array(draw(strokes, pen, SIZE)[0])
    ax.imshow(picture, cmap="gray", vmin=0, vmax=1, extent=extent)


def _words(strokes, pen):
    """Strokes and pen of a drawing, in words."""
    return f"≈{len(strokes)} strokes, pen ≈{100 * pen:.0f} %"
