"""Every still figure of the series. Each carries a description in words, computed from what it shows.

A plot function draws into `ax` (or into a new figure) and returns the axes; `show` puts the figure on the
page. In descriptions, numbers that depend on the data or the seed stand behind an ≈.
"""

import base64
import io
import math

import matplotlib.pyplot as plt
import numpy as np
import torch
from IPython import get_ipython
from IPython.display import display

# Colours for categories that colour-blind readers can tell apart (Okabe and Ito 2008).
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#000000")
SIGNED = "PuOr_r"  # for weights: purple below zero, white at zero, orange above
STYLE = {
    "axes.prop_cycle": plt.cycler(color=COLOURS),
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.constrained_layout.use": True,
    "figure.dpi": 110,
    "font.size": 12,
    "image.cmap": "gray",
    "legend.frameon": False,
}


@plt.rc_context(STYLE)
def new_axes(width=7.0, height=3.5):
    """Empty axes in a new figure in the style of the series; sizes in inches."""
    return plt.figure(figsize=(width, height)).add_subplot()


def describe(ax, description):
    """Give `ax` its description, a str of one or more sentences, and return `ax`."""
    ax.description = description
    return ax


def show(ax):
    """Put the figure of `ax` on the page, with its description as the picture's alternative text.

    Raises:
        ValueError: the figure has no description; the plot functions here write one, `describe` adds one.
    """
    figure = ax.figure
    words = " ".join(part.description for part in figure.axes if hasattr(part, "description"))
    if not words:
        raise ValueError(
            "ax must have a description, got none: call describe(ax, '…') before show(ax)"
        )
    for part in figure.axes:  # a legend of the reader's own too
        if part.get_legend() is not None:
            part.get_legend().set_frame_on(False)
    if get_ipython() is None:  # a plain Python program
        plt.show()
        print(words)
        return
    file = io.BytesIO()
    with plt.rc_context(STYLE):
        figure.savefig(file, format="png", bbox_inches="tight")
    plt.close(figure)
    picture = base64.b64encode(file.getvalue()).decode()
    display(
        {"image/png": picture, "text/plain": words},
        raw=True,
        metadata={"image/png": {"alt": words}},
    )


@plt.rc_context(STYLE)
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
    for number, image in enumerate(_array(images)):
        x, y = 30 * (number % columns), pitch * (number // columns)
        ax.imshow(image[0], cmap="gray", vmin=0, vmax=1, extent=(x, x + 28, y + 28, y))
        if captions is not None:
            ax.text(
                x + 14, y + 28.5, str(_plain(captions[number])), ha="center", va="top", fontsize=11
            )
    ax.set(xlim=(-1, 30 * columns - 1), ylim=(pitch * rows - 1, -1))
    ax.axis("off")
    words = (
        f"{len(images)} images of digits in {rows} {'row' if rows == 1 else 'rows'}, white on black"
    )
    if captions is not None:
        words += f"; captions: ≈[{', '.join(str(_plain(caption)) for caption in captions)}]"
    return describe(ax, words + ".")


@plt.rc_context(STYLE)
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
    part = _array(image)[0, top : top + size, left : left + size]
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


@plt.rc_context(STYLE)
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


@plt.rc_context(STYLE)
def plot_prediction(image, probabilities, ax=None):
    """Draw one image, and beside it the probability that a model gives each digit.

    Args:
        image: (1, 28, 28), 0 black to 1 white.
        probabilities: (10,), adding to 1.
        ax: the axes to draw the bars into, or None for a new figure.
    """
    ax = ax or new_axes(7, 2.8)
    values = _array(probabilities)
    ax.bar(range(10), values, color=COLOURS[0])
    ax.set(xlabel="digit", ylabel="probability", xticks=range(10), ylim=(0, 1))
    picture = ax.inset_axes((-0.62, 0.0, 0.4, 1.0))
    picture.imshow(_array(image)[0], cmap="gray", vmin=0, vmax=1)
    picture.axis("off")
    best = int(values.argmax())
    return describe(
        ax,
        f"One image, and a bar for each digit: the highest is that of ≈{best}, with ≈{100 * values[best]:.0f} %.",
    )


@plt.rc_context(STYLE)
def plot_templates(weights, columns=5, ax=None):
    """Draw the weights of each output of a linear layer as an image: what it looks for.

    Args:
        weights: (outputs, 784). Purple is below zero, white is zero, orange above.
        columns: how many stand in a row.
        ax: the axes to draw into, or None for a new figure.
    """
    images = _array(weights).reshape(-1, 28, 28)
    rows = math.ceil(len(images) / columns)
    ax = ax or new_axes(1.45 * columns, 1.6 * rows)
    limit = float(np.abs(images).max())
    for number, image in enumerate(images):
        x, y = 30 * (number % columns), 34 * (number // columns)
        drawn = ax.imshow(
            image, cmap=SIGNED, vmin=-limit, vmax=limit, extent=(x, x + 28, y + 28, y)
        )
        ax.text(x + 14, y - 0.5, str(number), ha="center", va="bottom")
    ax.set(xlim=(-1, 30 * columns - 1), ylim=(34 * rows - 4, -6))
    ax.axis("off")
    ax.figure.colorbar(drawn, ax=ax, label="weight", shrink=0.8)
    return describe(
        ax,
        f"The weights of {len(images)} outputs as images, from ≈{-limit:.2f} (purple) over 0 to ≈{limit:.2f} (orange).",
    )


@plt.rc_context(STYLE)
def plot_history(history, ax=None):
    """Draw the error rate on training batches and on validation images as training goes on.

    Args:
        history: what `fit` returned, with validation.
        ax: the axes to draw into, or None for a new figure.
    """
    ax = ax or new_axes()
    errors = {
        "training batches": 100 * (1 - history["accuracy"]),
        "validation": 100 * (1 - history["validation_accuracy"]),
    }
    for name, values in errors.items():
        ax.plot(history["step"], values, "o-", label=name, markersize=4)
    ax.set(xlabel="step", ylabel="error rate (%)", ylim=(0, None))
    ax.legend()
    spans = "; ".join(
        f"{name} from ≈{values.iloc[0]:.1f} % to ≈{values.iloc[-1]:.1f} %"
        for name, values in errors.items()
    )
    return describe(ax, f"Error rate against training step: {spans}.")


@plt.rc_context(STYLE)
def plot_scores(scores, xlabel="accuracy (%)", ax=None):
    """Draw a bar for the mean of each group of results, and a dot for each result.

    Args:
        scores: {name: results of several seeds, as shares from 0 to 1}.
        xlabel: what is measured.
        ax: the axes to draw into, or None for a new figure.
    """
    ax = ax or new_axes(7, 0.7 + 0.55 * len(scores))
    names = list(scores)
    for place, name in enumerate(names):
        values = 100 * np.asarray(scores[name])
        ax.barh(place, values.mean(), color=COLOURS[4], height=0.6)
        ax.plot(values, np.full(len(values), place), "o", color=COLOURS[6], markersize=4)
        ax.annotate(
            f"mean {values.mean():.1f}",
            (values.max(), place),
            (7, 0),
            textcoords="offset points",
            va="center",
        )
    ax.set(yticks=range(len(names)), yticklabels=names, xlabel=xlabel)
    ax.invert_yaxis()
    ax.margins(x=0.2)
    ax.set_xlim(left=0)
    means = "; ".join(f"{name} ≈{100 * np.mean(scores[name]):.1f}" for name in names)
    return describe(
        ax, f"Bars: {xlabel}, the mean of several runs, with a dot for each run. {means}."
    )


@plt.rc_context(STYLE)
def plot_accuracy_against_time(histories, ax=None):
    """Draw validation accuracy against seconds of training.

    Args:
        histories: {name: what `fit` returned, with validation}.
        ax: the axes to draw into, or None for a new figure.
    """
    ax = ax or new_axes(7, 4)
    for name, history in histories.items():
        ax.plot(
            history["seconds"], 100 * history["validation_accuracy"], "o-", label=name, markersize=4
        )
    ax.set(xlabel="seconds of training", ylabel="validation accuracy (%)", xscale="log")
    ax.xaxis.set_major_formatter("{x:g}")
    ax.xaxis.set_minor_formatter("")
    ax.legend()
    ends = "; ".join(
        f"{name} ≈{100 * history['validation_accuracy'].iloc[-1]:.1f} % after ≈{history['seconds'].iloc[-1]:.1f} s"
        for name, history in histories.items()
    )
    return describe(
        ax, f"Validation accuracy against training time, on a logarithmic axis: {ends}."
    )


def _array(tensor):
    """The values of a tensor, on whatever device, as a NumPy array."""
    return tensor.detach().cpu().numpy()


def _plain(value):
    """A number out of a tensor that holds one; anything else as it is."""
    return value.item() if isinstance(value, torch.Tensor) else value
