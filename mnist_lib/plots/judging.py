"""How far to trust a classifier: its confusions and its confidence."""

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from ..machinery.checks import integer
from .base import CENTRED, COLOURS, array, describe, ink, new_axes, plot


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
        names, answers = list(matrix.index), list(matrix.columns)
        if names != answers:
            raise ValueError(
                f"matrix must have the same rows as columns, got {names} and {answers}"
            )
    counts = array(matrix)
    if counts.ndim != 2 or len(counts) != len(counts.T):
        raise ValueError(f"matrix must be (classes, classes), got {counts.shape}")
    wrong = counts[(counts < 0) | (counts != counts.round())]
    if wrong.size:
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
        ax.text(column, row, text, **CENTRED, color=colour, fontsize=font)
    between = np.arange(classes - 1) + 0.5
    ax.hlines(between, -0.5, classes - 0.5, color="white", lw=1)
    ax.vlines(between, -0.5, classes - 0.5, color="white", lw=1)
    ax.set(xlabel="answer", ylabel="label")
    ax.set_xticks(range(classes), names)
    ax.set_yticks(range(classes), names)
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
    if wrong and normalise:
        share = f"≈{errors.max():.1f} % of label ≈{label} were called ≈{answer}"
        words += f" The largest share: {share}."
    elif wrong:
        times = f"≈{errors.max():,} times a ≈{label} was called ≈{answer}"
        words += f" No confusion is more frequent than this: {times}."
    return words


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
    outside = confidences[~((confidences >= 0) & (confidences <= 1))]
    if outside.size:
        raise ValueError(f"confidences must be from 0 to 1, got {outside[0]:g}")
    neither = right[(right != 0) & (right != 1)]
    if neither.size:
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
    return describe(
        ax,
        f"Share right against confidence, for ≈{len(answers):,} answers in {bins} bins. On average they are "
        f"≈{means[0]:.1f} % sure and ≈{means[1]:.1f} % right; the expected calibration error, the mean distance "
        f"from the diagonal, is ≈{means[2]:.1f} %.",
    )
