"""How far to trust a classifier: its confusions, its confidence, and what it says of digits that move."""

import math
from itertools import product

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from ..machinery.checks import integer
from ..shifts import by_radius
from .base import COLOURS, MARKERS, array, describe, ink, label_ends, marks, new_axes, panels, plot

RADII = {0: "without a shift", 2: "at radius 2", 4: "at radius 4", 6: "at radius 6"}


@plot
def plot_confusion(matrix, normalise=False, errors_only=False, ax=None):
    """Draw a confusion matrix whose every number can be read.

    Args:
        matrix: (classes, classes), counts; row = label (what it is), column = answer. Of a DataFrame, the names too.
        normalise: whether to write shares of each row, in %, instead of counts.
        errors_only: whether to leave out the diagonal; the darkest cell is then the most frequent error.
    """
    names = range(len(matrix))
    if isinstance(matrix, pd.DataFrame):
        names, others = list(matrix.index), list(matrix.columns)
        if names != others:
            raise ValueError(f"matrix must have the same rows as columns, got {names} and {others}")
    counts = array(matrix)
    if counts.ndim != 2 or len(counts) != len(counts.T):
        raise ValueError(f"matrix must be (classes, classes), got {counts.shape}")
    if (wrong := counts[(counts < 0) | (counts != counts.round())]).size:
        raise ValueError(f"matrix must hold counts, integers of at least 0, got {wrong[0]:g}")
    counts = counts.astype(np.int64)
    classes, diagonal = len(counts), np.eye(len(counts), dtype=bool)
    values = 100 * counts / counts.sum(axis=1, keepdims=True).clip(1) if normalise else counts
    errors = np.where(diagonal, 0, values)
    ax = ax or new_axes(6.4, 6)
    cells = np.ma.array(values, mask=diagonal & errors_only)
    drawn = ax.imshow(cells, cmap="Blues", vmin=0, vmax=cells.filled(0).max() or 1)
    size = min(12, 0.28 * 72 * ax.get_window_extent().width / ax.figure.dpi / classes)
    for (row, column), value in np.ndenumerate(values):
        text = _percent(value) if normalise else str(value)
        colour, font = ("0.4", 0.75 * size) if value == 0 else (ink(drawn.to_rgba(value)), size)
        text = "" if cells.mask[row, column] else text
        ax.text(column, row, text, ha="center", va="center", color=colour, fontsize=font)
    between = np.arange(classes - 1) + 0.5
    ax.hlines(between, -0.5, classes - 0.5, color="white", lw=1)
    ax.vlines(between, -0.5, classes - 0.5, color="white", lw=1)
    ax.set(xlabel="answer", xticks=range(classes), xticklabels=names)
    ax.set(ylabel="label", yticks=range(classes), yticklabels=names)
    ax.spines[:].set(visible=True, color="0.8")
    ax.tick_params(length=0)
    ax.set_facecolor("0.9")  # seen on a diagonal that is left out
    return describe(ax, _confusion_words(counts, errors, normalise, errors_only, names))


def _percent(value):
    """A share in % with one decimal: as 0 or 100 only where it is."""
    if 0 < value < 0.05:
        return "<0.1"
    if 99.95 <= value < 100:
        return ">99.9"
    return f"{value:.0f}" if value in (0, 100) else f"{value:.1f}"


def _confusion_words(counts, errors, normalise, errors_only, names):
    """What a confusion matrix shows; `errors` are its values off the diagonal, counts or %."""
    label, answer = (names[k] for k in np.unravel_index(errors.argmax(), errors.shape))
    total, wrong = counts.sum(), counts.sum() - counts.trace()
    words = f"Confusion matrix of {len(counts)} classes, a row for each label and a column for each answer"
    words += ", in % of each row" if normalise else ""
    words += ", without its diagonal" if errors_only else ""
    words += f": ≈{total:,} examples, ≈{wrong:,} of them off the diagonal."
    most = f"The largest share: ≈{errors.max():.1f} % of label ≈{label} were called ≈{answer}."
    if not normalise:
        times = f"≈{errors.max():,} times a ≈{label} was called ≈{answer}"
        most = f"No confusion is more frequent than this: {times}."
    return f"{words} {most}" if wrong else words


@plot
def plot_reliability(confidences, right, bins=10, ax=None):
    """Draw a reliability diagram: of the answers given with a confidence, the share that is right (Guo et al. 2017).

    Each share has its 95 % interval (Wilson 1927). Above it stands how many answers the bin holds, on a logarithmic
    axis. Empty bins are left out.

    Args:
        confidences: (N,), from 0 to 1: the probability of each answer.
        right: (N,), whether each answer is right.
        bins: into how many bins [low, high) of equal width the confidences go; the last has 1, too.
    """
    bins = integer("bins", bins, least=1)
    confidences, right = array(confidences), array(right)
    if confidences.size == 0:
        raise ValueError("confidences must hold at least one answer, got none")
    if (outside := confidences[~((confidences >= 0) & (confidences <= 1))]).size:
        raise ValueError(f"confidences must be from 0 to 1, got {outside[0]:g}")
    if (neither := right[(right != 0) & (right != 1)]).size:
        raise ValueError(f"right must be True or False for each answer, got {neither[0]:g}")
    answers = pd.DataFrame({"sure": confidences, "right": right}).astype(float)
    edges = np.linspace(0, 1, bins + 1, dtype=confidences.dtype)
    groups = answers.groupby(np.digitize(confidences, edges[1:-1]))
    counts, (sure, share) = groups.size(), groups.mean().to_numpy().T
    ax = ax or new_axes(5, 5)
    ax.plot([0, 1], [0, 1], ":", color="0.4", label="as sure as right")
    right_of = (share * counts).round().astype(int)
    intervals = [binomtest(*of).proportion_ci(method="wilson") for of in zip(right_of, counts)]
    ax.plot(sure, share, "o-", color=COLOURS[0], label="share right")
    ax.vlines(sure, *zip(*intervals), color="0.3", lw=2, label="its 95 % interval")
    ax.set(xlabel="confidence", ylabel="share right", xlim=(0, 1.02), ylim=(-0.02, 1.02))
    ax.legend(loc="lower right")
    above = ax.inset_axes((0, 1.06, 1, 0.25), sharex=ax)
    bars = above.bar((counts.index + 0.5) / bins, counts, 0.9 / bins, color=COLOURS[4])
    above.bar_label(bars, fmt="{:,.0f}", fontsize=9)
    above.set(ylabel="answers", yscale="log", ylim=(0.6, 6 * counts.max()))
    above.tick_params(labelbottom=False)
    means = 100 * np.average([sure, share, np.abs(sure - share)], axis=1, weights=counts)
    words = f"Share right against confidence, for ≈{len(answers):,} answers in {bins} bins. On average they are "
    words += f"≈{means[0]:.1f} % sure and ≈{means[1]:.1f} % right; the expected calibration error, the mean distance "
    return describe(ax, f"{words}from the diagonal, is ≈{means[2]:.1f} %.")


def _check_shares(tables, missing=False):
    """Raise an error unless `tables` are {name: DataFrame of shares}, 1 to 9; if `missing`, NaN will do, too."""
    pd.concat(tables)  # pandas says what is not a table, or that there is none
    if len(tables) > len(MARKERS):
        raise ValueError(f"tables must be at most {len(MARKERS)}, got {len(tables)}")
    for name, table in tables.items():
        values = table.to_numpy(dtype=float)
        fine = (values >= 0) & (values <= 1) | missing & np.isnan(values)
        if (outside := values[~fine]).size:
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
    parts, words = panels(ax, down, across, len(tables)), []
    for number, (part, (name, table)) in enumerate(zip(parts, tables.items())):
        drawn = _draw_shifts(part, table.sort_index(axis=0).sort_index(axis=1))
        part.set_title(name, fontsize=12)
        if number + across >= len(tables):  # nothing is below it
            part.set_xlabel("dx: pixels to the right")
        if number % across == 0:
            part.set_ylabel("dy: pixels down")
        words.append(f"{name}: {_radii_words(table)}")
    ax.figure.colorbar(drawn, ax=parts, shrink=0.8, label=f"{what} (%)", ticks=range(0, 101, 20))
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
    shown = [f"≈{means[radius]:.1f} % {at}" for radius, at in RADII.items() if radius in means]
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
        shares, colour = 100 * table.sort_index(axis=1), COLOURS[number]
        mean, look = shares.mean(), marks(number, number // 2)
        ax.plot(mean.index, mean, label=name, color=colour, markersize=6, **look)
        ax.fill_between(mean.index, shares.min(), shares.max(), color=colour, alpha=0.15, lw=0)
        told = dict.fromkeys(mean.index[[0, len(mean) // 2, -1]])
        words.append(f"{name} {', '.join(f'≈{mean[at]:.1f} at ≈{at:g}' for at in told)}")
    ax.set(xlabel=xlabel, ylabel=ylabel, ylim=(0, 102))
    if mean.index.dtype.kind == "i":
        ax.xaxis.get_major_locator().set_params(integer=True)
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
        ax.plot(shares.mean(), y, MARKERS[number], color=colour, mec="white", ms=7, label=name)
        for way, mean in shares.mean().items():
            words[way].append(f"{name} ≈{mean:.1f}")
    ax.set(yticks=places, yticklabels=ways, ylim=(len(ways) - 0.5, -0.5))
    ax.set(xlabel=xlabel, xlim=(0, 101))
    ax.grid(axis="x", color="0.9")
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    text = "; ".join(f"{way}: {', '.join(means)}" for way, means in words.items())
    return describe(ax, f"Marks: {xlabel}, the mean of several runs. {text}.")
