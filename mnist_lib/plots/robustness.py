"""What becomes of a model's answers when digits move, or are prepared in other ways: shares of several runs."""

import math
from itertools import product

import numpy as np
import pandas as pd

from ..shifts import by_radius
from .base import COLOURS, MARKERS, describe, ink, label_ends, marks, new_axes, panels, plot


def _check_shares(tables, missing=False):
    """Raise an error unless `tables` are {name: DataFrame of shares}, 1 to 9; if `missing`, NaN will do, too."""
    pd.concat(tables)  # pandas says what is not a table, or that there is none
    if len(tables) > len(MARKERS):
        raise ValueError(f"tables must be at most {len(MARKERS)}, got {len(tables)}")
    for name, table in tables.items():
        values = table.to_numpy(dtype=float)
        outside = values[~((values >= 0) & (values <= 1) | missing & np.isnan(values))]
        if outside.size:
            raise ValueError(f"tables must hold shares from 0 to 1, got {outside[0]:g} in {name!r}")


@plot
def plot_shift_grids(tables, what="accuracy", ax=None):
    """Draw a share for every shift of the images, by models: one heat map each, all on the scale from 0 to 100 %.

    Args:
        tables: {name: DataFrame of shares from 0 to 1, from `shifts.shift_grid`: a row a dy, a column a dx}; at most 9.
        what: what the shares are: "accuracy", "consistency".
        ax: the axes of a subplot, whose place the maps take; or None for a new figure.
    """
    _check_shares(tables)
    across = 2 if len(tables) == 4 else min(len(tables), 3)
    down = math.ceil(len(tables) / across)
    ax = ax or new_axes(2.9 * across + 1.1, 2.9 * down + 0.4)
    parts, words = panels(ax, down, across), []
    for number, (part, (name, table)) in enumerate(zip(parts, tables.items())):
        drawn = _draw_shifts(part, table.sort_index(axis=0).sort_index(axis=1))
        part.set_title(name, fontsize=12)
        if number + across >= len(tables):  # nothing is below it
            part.set_xlabel("dx: pixels to the right")
        if number % across == 0:
            part.set_ylabel("dy: pixels down")
        words.append(f"{name}: {_radii_words(table)}")
    for part in parts[len(tables) :]:
        part.remove()
    shown = parts[: len(tables)]
    ax.figure.colorbar(drawn, ax=shown, shrink=0.8, label=f"{what} (%)", ticks=range(0, 101, 20))
    text = f"Heat maps of the {what} at each shift dx (right), dy (down). {'; '.join(words)}."
    return describe(ax, text)


def _draw_shifts(ax, table):
    """One heat map in %, with numbers at its corners, edges and centre, and half-way between; returns the picture."""
    drawn = ax.imshow(100 * table.to_numpy(), cmap="cividis", vmin=0, vmax=100)
    few = ({round(place) for place in np.linspace(0, count - 1, 5)} for count in table.shape)
    for row, column in product(*few):
        value = 100 * table.iloc[row, column]
        colour = ink(drawn.to_rgba(value))
        ax.text(column, row, f"{value:.0f}", ha="center", va="center", color=colour, fontsize=10)
    for axis, steps in ((ax.xaxis, table.columns), (ax.yaxis, table.index)):
        places = range(0, len(steps), math.ceil(len(steps) / 7))
        axis.set_ticks(places, [f"{steps[place]}".replace("-", "−") for place in places])
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)
    return drawn


def _radii_words(table):
    """The share without a shift, and its mean over the shifts of radius 2, 4 and 6, as far as they are there."""
    means = 100 * by_radius(table)
    shown = [
        f"≈{means[radius]:.1f} % {f'at radius {radius}' if radius else 'without a shift'}"
        for radius in (0, 2, 4, 6)
        if radius in means
    ]
    return ", ".join(shown) or f"from ≈{means.min():.1f} % to ≈{means.max():.1f} % by radius"


@plot
def plot_bands(tables, xlabel, ylabel="accuracy (%)", ax=None):
    """Draw a share against a number: the mean of several runs, in a band from the lowest to the highest.

    Args:
        tables: {name: DataFrame of shares from 0 to 1, a row for each run, a column for each number}; at most 9.
        xlabel, ylabel: what the numbers and the shares are.
    """
    _check_shares(tables)
    ax, words = ax or new_axes(7.5, 4.2), []
    for number, (name, table) in enumerate(tables.items()):
        shares = 100 * table.sort_index(axis=1)
        mean, look = shares.mean(), {"color": COLOURS[number], **marks(number, number // 2)}
        ax.plot(mean.index, mean, label=name, markersize=6, **look)
        band = (shares.min(), shares.max())
        ax.fill_between(mean.index, *band, color=look["color"], alpha=0.15, lw=0)
        told = dict.fromkeys(mean.index[[0, len(mean) // 2, -1]])
        words.append(f"{name} {', '.join(f'≈{mean[at]:.1f} at ≈{at:g}' for at in told)}")
    ax.set(xlabel=xlabel, ylabel=ylabel, ylim=(0, 102))
    label_ends(ax)
    text = f"{ylabel[0].upper()}{ylabel[1:]} against {xlabel}, means of several runs in bands from the lowest to the "
    return describe(ax, f"{text}highest: {'; '.join(words)}.")


@plot
def plot_ways(tables, xlabel="accuracy (%)", ax=None):
    """Draw a share for each way to do something, by models: a mark at the mean, a line from the lowest to the highest.

    Args:
        tables: {name: DataFrame of shares from 0 to 1, a row for each run, a column for each way}; at most 9.
        xlabel: what the shares are.
    """
    _check_shares(tables, missing=True)
    ways = list(next(iter(tables.values())))
    ax = ax or new_axes(7.5, 0.9 + 0.55 * len(ways))
    places = np.arange(len(ways))
    words = {way: [] for way in ways}
    for number, (name, table) in enumerate(tables.items()):
        y = places + 0.24 * (number - (len(tables) - 1) / 2)
        shares, colour = 100 * table[ways], COLOURS[number]
        ax.hlines(y, shares.min(), shares.max(), color=colour, lw=2)
        ax.plot(
            shares.mean(), y, MARKERS[number], color=colour, mec="white", markersize=7, label=name
        )
        for way, mean in shares.mean().items():
            words[way].append(f"{name} ≈{mean:.1f}")
    ax.set(yticks=places, yticklabels=ways, ylim=(len(ways) - 0.5, -0.5))
    ax.set(xlabel=xlabel, xlim=(0, 101))
    ax.grid(axis="x", color="0.9")
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    text = "; ".join(f"{way}: {', '.join(means)}" for way, means in words.items())
    return describe(ax, f"Marks: {xlabel}, the mean of several runs. {text}.")
