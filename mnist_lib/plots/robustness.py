"""What becomes of a model's answers when the digits move."""

import math
from itertools import product

import numpy as np
import pandas as pd

from ..shifts import by_radius
from .base import MARKERS, SHARES, describe, draw_bands, ink, new_axes, panels, style


@style()
def plot_shift_grids(tables, what="accuracy", ax=None):
    """Draw a share for every shift of the images, by models: one heat map each, all on the scale from 0 to 100 %.

    Args:
        tables: {name: DataFrame of shares from 0 to 1, a row for each dy, a column for each dx}, as the tables
            of `shifts.shift_grid`. Drawn from the smallest dy above and the smallest dx at the left.
        what: what the shares are: "accuracy", "consistency".
        ax: the axes of a subplot, whose place the maps take; or None for a new figure.

    Raises:
        ValueError: there is no table, or one is no DataFrame, is empty, or holds something else than shares.
    """
    tables = _checked(tables)
    across = 2 if len(tables) == 4 else min(len(tables), 3)
    down = math.ceil(len(tables) / across)
    ax = ax or new_axes(2.9 * across + 1.1, 2.9 * down + 0.4)
    parts = panels(ax, down, across)
    for number, (part, (name, table)) in enumerate(zip(parts, tables.items())):
        drawn = _draw_shifts(part, table)
        part.set_title(name, fontsize=12)
        if number + across >= len(tables):  # nothing is below it
            part.set_xlabel("dx: pixels to the right")
        if number % across == 0:
            part.set_ylabel("dy: pixels down")
    for part in parts[len(tables) :]:
        part.remove()
    shown = parts[: len(tables)]
    ax.figure.colorbar(drawn, ax=shown, shrink=0.8, label=f"{what} (%)", ticks=range(0, 101, 20))
    words = "; ".join(f"{name}: {_radii_words(table)}" for name, table in tables.items())
    return describe(ax, f"Heat maps of the {what} at each shift dx (right), dy (down). {words}.")


def _checked(tables):
    """Tables of shares by name, with their rows and columns in order."""
    if not isinstance(tables, dict) or len(tables) == 0:
        got = "an empty one" if isinstance(tables, dict) else f"a {type(tables).__name__}"
        raise ValueError(f"tables must be a dict of at least one table, {{name: table}}; got {got}")
    for name, table in tables.items():
        if not isinstance(table, pd.DataFrame) or table.size == 0:
            got = "an empty one" if isinstance(table, pd.DataFrame) else type(table).__name__
            raise ValueError(
                f"tables must hold DataFrames with rows and columns, got {got}: {name!r}"
            )
        values = table.to_numpy(dtype=float)
        outside = values[~((values >= 0) & (values <= 1))]
        if outside.size:
            raise ValueError(f"tables must hold shares from 0 to 1, got {outside[0]:g} in {name!r}")
    return {name: table.sort_index(axis=0).sort_index(axis=1) for name, table in tables.items()}


def _draw_shifts(ax, table):
    """One heat map in %, with numbers at its corners, edges and centre, and half-way between; returns the picture."""
    drawn = ax.imshow(100 * table.to_numpy(), cmap=SHARES, vmin=0, vmax=100)
    for row, column in product(_few(len(table)), _few(len(table.columns))):
        value = 100 * table.iloc[row, column]
        colour = ink(drawn.to_rgba(value))
        ax.text(column, row, f"{value:.0f}", ha="center", va="center", color=colour, fontsize=10)
    for axis, steps in ((ax.xaxis, table.columns), (ax.yaxis, table.index)):
        places = range(0, len(steps), math.ceil(len(steps) / 7))
        axis.set_ticks(places, [f"{steps[place]}".replace("-", "−") for place in places])
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)
    return drawn


def _few(count):
    """The first, the middle and the last of so many places, and those half-way between them."""
    return sorted({round(place) for place in np.linspace(0, count - 1, 5)})


def _radii_words(table):
    """The share without a shift, and its mean over the shifts of radius 2, 4 and 6, as far as they are there."""
    means = 100 * by_radius(table)
    shown = [
        f"≈{means[radius]:.1f} % {f'at radius {radius}' if radius else 'without a shift'}"
        for radius in (0, 2, 4, 6)
        if radius in means
    ]
    return ", ".join(shown) or f"from ≈{means.min():.1f} % to ≈{means.max():.1f} % by radius"


@style()
def plot_by_radius(tables, ylabel="accuracy (%)", ax=None):
    """Draw a share against the radius of the shifts: the mean over seeds, in a band from the lowest to the highest.

    Args:
        tables: {name: DataFrame of shares from 0 to 1, a row for each seed, a column for each radius}; at most 9.
        ylabel: what the shares are.
        ax: the axes to draw into, or None for a new figure.

    Raises:
        ValueError: there are no tables or more than 9, or one is as `plot_shift_grids` does not take it.
    """
    tables = _checked(tables)
    if len(tables) > len(MARKERS):
        raise ValueError(f"tables must hold at most {len(MARKERS)} tables, got {len(tables)}")
    ax = ax or new_axes(7.5, 4.2)
    words = []
    for name, mean in draw_bands(ax, tables).items():
        some = dict.fromkeys(mean.index[[0, len(mean) // 2, -1]])
        words.append(f"{name} {', '.join(f'≈{mean[radius]:.1f} at {radius}' for radius in some)}")
    ax.set(xlabel="radius of the shift (pixels)", ylabel=ylabel)
    ax.xaxis.get_major_locator().set_params(integer=True)
    text = f"{ylabel} against the radius of the shift, means over seeds: {'; '.join(words)}."
    return describe(ax, text[0].upper() + text[1:])
