"""How far to trust a classifier: its confusions and its confidence."""

from numbers import Integral

import matplotlib.pyplot as plt
import numpy as np
import torch

from .base import COLOURS, array, describe, ink, new_axes, style


@style()
def plot_confusion(matrix, normalise=False, errors_only=False, ax=None):
    """Draw a confusion matrix with mlxtend, and make every number readable.

    Args:
        matrix: (classes, classes), counts; row = label (what it is), column = answer.
        normalise: whether to write shares of each row, in %, instead of counts.
        errors_only: whether to leave out the diagonal; the darkest cell is then the most frequent error.
        ax: the axes to draw into, or None for a new figure.

    Raises:
        ValueError: the matrix is not square, or holds other numbers than counts.
    """
    from mlxtend.plotting import plot_confusion_matrix

    counts = _counts(matrix)
    values, classes = 100 * _shares(counts) if normalise else counts, len(counts)
    errors = np.where(np.eye(classes, dtype=bool), 0, values)
    drawn = errors if errors_only else values
    ax = ax or new_axes(6.4, 6)
    own = plt.figure()  # mlxtend labels whatever figure is pyplot's current one
    with np.errstate(all="ignore"):  # and divides by the sum of a row that may be empty
        scale = plt.Normalize(0, drawn.max() or 1)
        plot_confusion_matrix(drawn, figure=ax.figure, axis=ax, norm_colormap=scale)
    plt.close(own)
    if errors_only:
        ax.images[-1].set_data(np.ma.array(drawn, mask=np.eye(classes, dtype=bool)))
        ax.set_facecolor("0.9")
    _draw_grid(ax, classes)
    ax.set(xlabel="answer", ylabel="label", xticks=range(classes), yticks=range(classes))
    size = min(12, 0.28 * 72 * ax.get_window_extent().width / ax.figure.dpi / classes)
    for number, text in enumerate(ax.texts[-(classes**2) :]):
        row, column = divmod(number, classes)
        text.set(text=_percent(values[row, column]) if normalise else f"{values[row, column]:.0f}")
        text.set(fontsize=size, color=ink(ax.images[-1].to_rgba(drawn[row, column])))
        if row == column and errors_only:
            text.set(text="")
        elif values[row, column] == 0:
            text.set(fontsize=0.75 * size, color="0.4")
    return describe(ax, _confusion_words(counts, errors, normalise, errors_only))


def _draw_grid(ax, cells):
    """White lines between the cells of a square matrix, and a light frame around it."""
    between = np.arange(cells - 1) + 0.5
    ax.hlines(between, -0.5, cells - 0.5, color="white", lw=1)
    ax.vlines(between, -0.5, cells - 0.5, color="white", lw=1)
    ax.spines[:].set(visible=True, color="0.8")
    ax.tick_params(length=0)


def _counts(matrix):
    """A confusion matrix as an int64 array."""
    counts = array(torch.as_tensor(matrix))
    if counts.ndim != 2 or len(set(counts.shape)) != 1 or len(counts) == 0:
        raise ValueError(f"matrix must be (classes, classes), got {counts.shape}")
    wrong = counts[(counts < 0) | (counts != counts.round())]
    if wrong.size:
        raise ValueError(f"matrix must hold counts, whole numbers from 0; got {wrong[0]:g}")
    return counts.astype(np.int64)


def _shares(counts):
    """Each count divided by the sum of its row; 0 in a row of zeros."""
    return counts / counts.sum(axis=1, keepdims=True).clip(1)


def _percent(value):
    """A share in % with one decimal: as 0 or 100 only where it is."""
    if 0 < value < 0.05:
        return "<0.1"
    if 99.95 <= value < 100:
        return ">99.9"
    return f"{value:.0f}" if value in (0, 100) else f"{value:.1f}"


def _confusion_words(counts, errors, normalise, errors_only):
    """What a confusion matrix shows; `errors` are its values off the diagonal, counts or %."""
    label, answer = np.unravel_index(errors.argmax(), errors.shape)
    total, wrong = counts.sum(), counts.sum() - counts.trace()
    words = f"Confusion matrix of {len(counts)} classes, a row for each label and a column for each answer"
    words += ", in % of each row" if normalise else ""
    words += ", without its diagonal" if errors_only else ""
    words += f": ≈{total:,} examples, ≈{wrong:,} of them off the diagonal."
    if wrong == 0:
        return words
    if normalise:
        share = errors[label, answer]
        return f"{words} The largest share: ≈{share:.1f} % of label ≈{label} were called ≈{answer}."
    times = f"≈{counts[label, answer]:,} times a ≈{label} was called ≈{answer}"
    return f"{words} No confusion is more frequent than this: {times}."


@style()
def plot_reliability(confidences, right, bins=10, ax=None):
    """Draw a reliability diagram: of the answers given with a confidence, the share that is right (Guo et al. 2017).

    Above it stands how many answers each bin holds, on a logarithmic axis. Empty bins are left out.

    Args:
        confidences: (N,), from 0 to 1: the probability of each answer.
        right: (N,), whether each answer is right.
        bins: into how many bins of equal width the confidences go.
        ax: the axes to draw into, or None for a new figure.

    Raises:
        ValueError: there are no answers, the shapes differ, a confidence is out of range, `right` holds something else
            than True and False (or 1 and 0), or `bins` is not a positive integer.
    """
    confidences, right = torch.as_tensor(confidences).cpu(), torch.as_tensor(right).cpu()
    if confidences.ndim != 1 or confidences.shape != right.shape or len(right) == 0:
        shapes = f"{tuple(confidences.shape)} and {tuple(right.shape)}"
        raise ValueError(f"confidences and right must be (N,), N at least 1, got {shapes}")
    outside = confidences[~((confidences >= 0) & (confidences <= 1))]
    if len(outside):
        raise ValueError(f"confidences must be from 0 to 1, got {outside[0]:g}")
    neither = right[(right != 0) & (right != 1)]
    if len(neither):
        raise ValueError(f"right must be True or False for each answer, got {neither[0]:g}")
    if isinstance(bins, bool) or not isinstance(bins, Integral) or bins < 1:
        raise ValueError(f"bins must be an integer of at least 1, got {bins!r}")
    ax = ax or new_axes(5, 5)
    places, counts, sure, share = _binned(confidences.detach(), right, bins)
    ax.plot([0, 1], [0, 1], ":", color="0.4", label="as sure as right")
    ax.vlines(sure, sure, share, color=COLOURS[1], lw=3, label="gap")
    ax.plot(sure, share, "o-", color=COLOURS[0], label="share right")
    ax.set(xlabel="confidence", ylabel="share right", xlim=(0, 1.02), ylim=(-0.02, 1.02))
    ax.legend()
    above = ax.inset_axes((0, 1.06, 1, 0.25), sharex=ax)
    bars = above.bar(places, counts, 0.9 / bins, color=COLOURS[4])
    above.bar_label(bars, fmt="{:,.0f}", fontsize=9)
    above.set(ylabel="answers", yscale="log", ylim=(0.6, 6 * counts.max()))
    above.tick_params(labelbottom=False)
    means = 100 * np.average([sure, share, np.abs(sure - share)], axis=1, weights=counts)
    return describe(
        ax,
        f"Share right against confidence, for ≈{len(right):,} answers in {bins} bins. On average they are "
        f"≈{means[0]:.1f} % sure and ≈{means[1]:.1f} % right; the expected calibration error, the mean distance "
        f"from the diagonal, is ≈{means[2]:.1f} %.",
    )


def _binned(confidences, right, bins):
    """Sort answers by confidence into bins [low, high) of equal width, of which the last has 1, too.

    Returns:
        Arrays, with a value for each bin that is not empty: its middle, how many answers, mean confidence, share right.
    """
    edges = torch.linspace(0, 1, bins + 1, dtype=confidences.dtype)
    bin_of = (torch.bucketize(confidences, edges, right=True) - 1).clamp(max=bins - 1)
    counts, sure, share = (
        bin_of.bincount(values.double(), bins).numpy()
        for values in (torch.ones(len(right)), confidences, right)
    )
    filled = np.flatnonzero(counts)
    counts = counts[filled]
    return (filled + 0.5) / bins, counts, sure[filled] / counts, share[filled] / counts
