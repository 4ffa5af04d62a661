"""Every still figure of the series. Each carries a description in words, computed from what it shows.

A plot function draws into `ax` (or into a new figure) and returns the axes; `show` puts the figure on the
page. In descriptions, numbers that depend on the data or the seed stand behind an ≈.
"""

import base64
import contextlib
import io
import itertools
import math
import textwrap
import threading
from numbers import Integral

import matplotlib.pyplot as plt
import numpy as np
import torch
from IPython import get_ipython
from IPython.display import display

from . import arithmetic, scenes

# Colours for categories that colour-blind readers can tell apart (Okabe and Ito 2008).
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#000000", "#999999")
MARKERS = ("o", "s", "^", "D", "v", "x", "P", "*")  # so that grey tells lines apart too
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
_lock = threading.RLock()


@contextlib.contextmanager
def style():
    """The look of the series, for a `with` or as a decorator. One thread at a time: Matplotlib has one look for all."""
    with _lock, plt.rc_context(STYLE):
        yield


@style()
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
    with style():
        figure.savefig(file, format="png", bbox_inches="tight")
    plt.close(figure)
    picture = base64.b64encode(file.getvalue()).decode()
    display(
        {"image/png": picture, "text/plain": words},
        raw=True,
        metadata={"image/png": {"alt": words}},
    )


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
    for number, image in enumerate(_array(images)):
        x, y = 30 * (number % columns), pitch * (number // columns)
        ax.imshow(image[0], cmap="gray", vmin=0, vmax=1, extent=(x, x + 28, y + 28, y))
        ax.add_patch(plt.Rectangle((x, y), 28, 28, fill=False, ec="0.7", lw=0.5))
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


@style()
def plot_maps(maps, captions=None, columns=5, own_scale=False, ax=None):
    """Draw maps of numbers of either sign. Purple is below zero, white is zero, orange above.

    Args:
        maps: (N, H, W), N at least 1: weights, feature maps, the outputs of a convolution.
        captions: N short texts, written above, or None.
        columns: how many stand in a row.
        own_scale: whether each map uses all colours, so that maps cannot be compared with each other.
        ax: the axes to draw into, or None for a new figure.

    Raises:
        ValueError: the shape is another, there is no map, or another number of captions.
    """
    maps = torch.as_tensor(maps)
    if maps.dim() != 3 or len(maps) == 0:
        raise ValueError(f"maps must be (N, H, W) with N at least 1, got {tuple(maps.shape)}")
    if captions is not None and len(captions) != len(maps):
        raise ValueError(f"captions must be as many as maps ({len(maps)}), got {len(captions)}")
    values = _array(maps)
    count, height, width = values.shape
    columns = min(columns, count)
    rows, above = math.ceil(count / columns), 0.2 * height if captions is not None else 0
    across, down = 1.07 * width, 1.07 * height + above
    size = min(3.0, 7 / columns)  # inches across a map
    ax = ax or new_axes(size * columns + 0.8, size * rows * down / across)
    limits = np.abs(values).max(axis=(1, 2)) if own_scale else np.full(count, np.abs(values).max())
    for number, (values_of_map, limit) in enumerate(zip(values, limits)):
        x, y = across * (number % columns), down * (number // columns)
        extent, limit = (x, x + width, y + height, y), limit or 1.0
        drawn = ax.imshow(values_of_map, cmap=SIGNED, vmin=-limit, vmax=limit, extent=extent)
        box = plt.Rectangle((x, y), width, height, fill=False, ec="0.85", lw=0.6)
        ax.add_patch(box)
        if captions is not None:
            middle, text = x + width / 2, str(captions[number])
            ax.text(middle, y - 0.02 * height, text, ha="center", va="bottom")
    edge = 0.03 * width
    ax.set(xlim=(-edge, across * columns), ylim=(down * rows - above, -above - 0.03 * height))
    ax.axis("off")
    if not own_scale:
        bar = ax.figure.colorbar(drawn, ax=ax, shrink=0.8)
        bar.ax.set_ylim(min(0, values.min()), max(0, values.max()))
    words = f"{count} {'map' if count == 1 else 'maps'} of {height}×{width} numbers"
    words += (
        f", from ≈{values.min():.2f} to ≈{values.max():.2f}; purple is below zero, orange above"
    )
    words += f"; captions: {', '.join(map(str, captions))}" if captions is not None else ""
    return describe(ax, words + ".")


@style()
def plot_templates(weights, columns=5, ax=None):
    """Draw the weights of each output of a linear layer as an image: what it looks for.

    Args:
        weights: (outputs, 784). Purple is below zero, white is zero, orange above.
        columns: how many stand in a row.
        ax: the axes to draw into, or None for a new figure.
    """
    images = torch.as_tensor(weights).detach().reshape(-1, 28, 28)
    ax = plot_maps(images, range(len(images)), columns, ax=ax)
    limit = float(images.abs().max())
    return describe(
        ax,
        f"The weights of {len(images)} outputs as images, from ≈{-limit:.2f} (purple) over 0 to ≈{limit:.2f} (orange).",
    )


@style()
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
    for (name, values), marker in zip(errors.items(), MARKERS):
        ax.plot(history["step"], values, f"{marker}-", label=name, markersize=4)
    ax.set(xlabel="step", ylabel="error rate (%)", ylim=(0, None))
    ax.legend()
    spans = "; ".join(
        f"{name} from ≈{values.iloc[0]:.1f} % to ≈{values.iloc[-1]:.1f} %"
        for name, values in errors.items()
    )
    return describe(ax, f"Error rate against training step: {spans}.")


@style()
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


@style()
def plot_accuracy_against_time(histories, ax=None):
    """Draw validation accuracy against seconds of training.

    Args:
        histories: {name: what `fit` returned, with validation}.
        ax: the axes to draw into, or None for a new figure.
    """
    ax = ax or new_axes(7, 4)
    for (name, history), marker in zip(histories.items(), itertools.cycle(MARKERS)):
        accuracy = 100 * history["validation_accuracy"]
        ax.plot(history["seconds"], accuracy, f"{marker}-", label=name, markersize=5)
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


@style()
def plot_signals(signals, starts=None, ax=None):
    """Draw signals as lines, each in a band of its own, below each other.

    Args:
        signals: {name: (L,)}.
        starts: {name: the place of its first value}; 0 where nothing is said.
        ax: the axes to draw into, or None for a new figure.
    """
    ax = ax or new_axes(7, 1.3 * len(signals))
    ax.axis("off")
    names, bands = list(signals), len(signals)
    ends = [(starts or {}).get(name, 0) + len(signals[name]) for name in names]
    words = []
    for number, name in enumerate(names):
        band = ax.inset_axes((0, 1 - (number + 0.85) / bands, 1, 0.8 / bands))
        values = _array(torch.as_tensor(signals[name]))
        places = (starts or {}).get(name, 0) + np.arange(len(values))
        band.axhline(0, color="0.8", linewidth=0.8)
        band.plot(places, values, "o-", color=COLOURS[number % len(COLOURS)], markersize=4)
        band.set(xlim=(-0.5, max(ends) - 0.5))
        band.set_title(name, loc="left", fontsize=12, pad=2)
        band.margins(y=0.15)
        if number < bands - 1:
            band.tick_params(labelbottom=False)
        else:
            band.set_xlabel("place")
        low, high = arithmetic.short(values.min()), arithmetic.short(values.max())
        words.append(
            f"{name}: {len(values)} values from {low} to {high}, the largest at {places[values.argmax()]}, "
            f"the smallest at {places[values.argmin()]}"
        )
    return describe(ax, f"Signals below each other. {'; '.join(words)}.")


@style()
def plot_convolution(
    input,
    weight,
    bias=None,
    stride=1,
    padding=0,
    dilation=1,
    groups=1,
    steps=None,
    sums=True,
    ax=None,
):
    """Draw how a convolution comes about: some of its windows, one below the other.

    Args:
        input, weight, bias, stride, padding, dilation, groups: as in `arithmetic.convolution_windows`.
        steps: the numbers of the windows to draw, from 0; or None for the first, a middle and the last one.
        sums: whether to write the sum below each window.
        ax: the axes to draw into, or None for a new figure.

    Raises:
        TypeError, ValueError: what goes in does not go together, or there is no such window.
    """
    windows = arithmetic.convolution_windows(input, weight, bias, stride, padding, dilation, groups)
    input, weight = torch.as_tensor(input), torch.as_tensor(weight)
    words = f"A convolution, input {tuple(input.shape)} and weight {tuple(weight.shape)}"
    words += _settings(stride=(stride, 1), padding=(padding, 0), dilation=(dilation, 1))
    words += _settings(groups=(groups, 1))
    sides = _sides(padding, weight.shape[2:], dilation)
    scene = scenes.scene_of(input, weight, windows, sides, outside=0.0)
    return _draw_windows(ax, scene, steps, sums, words)


@style()
def plot_pooling(
    input,
    kernel_size,
    stride=None,
    padding=0,
    dilation=1,
    ceil_mode=False,
    count_include_pad=True,
    kind="max",
    steps=None,
    sums=True,
    ax=None,
):
    """Draw how a pooling comes about: some of its windows, one below the other.

    Args:
        input, kernel_size, stride, padding, dilation, ceil_mode: as in `arithmetic.max_pool_windows`.
        count_include_pad: as in `arithmetic.avg_pool_windows`; for "avg" alone.
        kind: "max" or "avg"; "avg" takes no dilation.
        steps, sums, ax: as in `plot_convolution`.

    Raises:
        TypeError, ValueError: what goes in does not go together, or there is no such window.
    """
    if kind == "max":
        windows = arithmetic.max_pool_windows(
            input, kernel_size, stride, padding, dilation, ceil_mode
        )
    elif kind == "avg" and dilation == 1:
        windows = arithmetic.avg_pool_windows(
            input, kernel_size, stride, padding, ceil_mode, count_include_pad
        )
    else:
        raise ValueError(
            f'kind must be "max", or "avg" with dilation 1; got {kind!r} with dilation {dilation}'
        )
    input = torch.as_tensor(input)
    words = f"{'A max' if kind == 'max' else 'An average'} pooling, input {tuple(input.shape)}"
    words += f", kernel_size {kernel_size}, stride {kernel_size if stride is None else stride}"
    words += _settings(padding=(padding, 0), dilation=(dilation, 1), ceil_mode=(ceil_mode, False))
    words += _settings(count_include_pad=(count_include_pad, True))
    kernel_sizes = arithmetic.for_each_axis("kernel_size", kernel_size, input.dim() - 1)
    outside = -math.inf if kind == "max" else 0.0 if count_include_pad else None
    sides = _sides(padding, kernel_sizes, dilation)
    scene = scenes.scene_of(input, None, windows, sides, outside)
    return _draw_windows(ax, scene, steps, sums, words)


def _settings(**settings):
    """What is not as usual, in words: {name: (value, usual value)}."""
    return "".join(
        f", {name} {value}" for name, (value, usual) in settings.items() if value != usual
    )


def _sides(padding, kernel_sizes, dilation):
    """Cells of padding (before, after) along each axis."""
    axes = len(kernel_sizes)
    paddings = arithmetic.for_each_axis("padding", padding, axes)
    dilations = arithmetic.for_each_axis("dilation", dilation, axes)
    return [arithmetic.padding_sides(*axis) for axis in zip(paddings, kernel_sizes, dilations)]


def _draw_windows(ax, scene, steps, sums, words):
    """Draw some windows of a scene below each other, and describe them; `words` say what it is a picture of."""
    windows, last = scene.windows, len(scene.windows) - 1
    steps = sorted({0, last // 2, last}) if steps is None else list(steps)
    if not steps or not all(0 <= step <= last for step in steps):
        raise ValueError(f"steps must be numbers from 0 to {last}, got {steps}")
    width = max(scene.width, 12)
    lines = [textwrap.wrap(windows[step].written_out, int(4.4 * width)) for step in steps]
    pitch = scene.height + 0.7 * max(map(len, lines)) * sums + 1.1
    if ax is None:
        cell = min(0.4, 9 / width)  # inches
        ax = new_axes(cell * (width + 0.4), cell * (pitch * len(steps) - 0.5))
        ax.figure.set_layout_engine("none")
        ax.set_position((0, 0, 1, 1))
    size = 72 * ax.figure.get_figwidth() / (width + 0.4)  # points to a cell
    for number, step in enumerate(steps):
        scene.draw(ax, step, pitch * number, size)
        if sums:
            below = pitch * number + scene.height + 0.3
            text, font = "\n".join(lines[number]), min(12, 0.4 * size)
            ax.text(0, below, text, va="top", fontsize=font, linespacing=1.3)
    ax.set(xlim=(-0.2, width + 0.2), ylim=(pitch * len(steps) - 0.6, -0.1), aspect="equal")
    ax.axis("off")
    words += f": output {tuple(at + 1 for at in windows[-1].output)}."
    for step in steps:
        words += f" Window {step + 1} of {len(windows)}: {windows[step].written_out}."
    return describe(ax, words)


@style()
def plot_lines(x, y, lines, ax=None):
    """Draw points, and straight lines through them.

    Args:
        x, y: the points, N values each.
        lines: {name: (w, b)}, for the lines w·x + b.
        ax: the axes to draw into, or None for a new figure.
    """
    ax = ax or new_axes(7, 4)
    x, y = _array(x).ravel(), _array(y).ravel()
    ax.plot(x, y, ".", color="0.5", markersize=5 if len(x) > 50 else 9, label="points")
    at, height = np.linspace(x.min(), x.max(), 5), np.ptp(y) or 1.0
    low, high = y.min(), y.max()
    for number, (name, (w, b)) in enumerate(lines.items()):
        values = _line(at, w, b)
        ax.plot(at, values, label=name, lw=1.8, **_marks(number))
        low, high = min(low, np.nanmin([*values, low])), max(high, np.nanmax([*values, high]))
    low, high = max(low, y.min() - height), min(high, y.max() + height)  # a line may run off
    ax.set(xlabel="x", ylabel="y", ylim=(low - 0.05 * height, high + 0.05 * height))
    ax.locator_params(nbins=5)
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    words = "; ".join(f"{name}: w ≈{w:.3g}, b ≈{b:.3g}" for name, (w, b) in lines.items())
    return describe(ax, f"{len(x)} points and {len(lines)} lines w·x + b. {words}.")


@style()
def plot_losses(losses, ax=None):
    """Draw how losses change from step to step, on a logarithmic axis.

    Args:
        losses: {name: the loss before the first step and after each}. Infinity and NaN are left out.
        ax: the axes to draw into, or None for a new figure.
    """
    ax = ax or new_axes(7, 3.5)
    for number, (name, values) in enumerate(losses.items()):
        values = np.asarray(values, dtype=float)
        kept = np.where(np.isfinite(values), values, np.nan)
        every = (number, max(1, len(values) // 10))  # markers, not one above the other
        ax.plot(range(len(values)), kept, label=name, markevery=every, **_marks(number))
    ax.set(xlabel="step", ylabel="loss (mean squared error)", yscale="log")
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    ends = "; ".join(
        f"{name} from ≈{values[0]:.2g} to ≈{values[-1]:.2g}" for name, values in losses.items()
    )
    return describe(ax, f"Loss against step, on a logarithmic axis: {ends}.")


@style()
def plot_paths(surface, paths, ax=None):
    """Draw where optimizers go on a surface over two weights, seen from above.

    The frame holds the first path and the origin. A + marks the lowest place in it, unless that lies at its edge.

    Args:
        surface: a function of weights (..., 2) that returns heights (...).
        paths: {name: (steps + 1, 2)}, from the common start to the end. Infinity and NaN are left out.
        ax: the axes to draw into, or None for a new figure.

    Raises:
        ValueError: there is no path.
    """
    if not paths:
        raise ValueError("paths must hold at least one path, got none")
    ax = ax or new_axes(7.5, 4)
    paths = {name: _array(torch.as_tensor(path)) for name, path in paths.items()}
    low, high = _frame(next(iter(paths.values())))
    x, y, heights = _heights(surface, low, high)
    spread = np.ptp(heights) or 1.0
    levels = heights.min() + spread * np.linspace(0, 1, 12) ** 2  # closer near the bottom
    ax.contourf(x, y, heights, levels=levels, cmap="Greys", vmax=2 * levels[-1] - levels[0])
    ax.contour(x, y, heights, levels=levels, colors="0.7", linewidths=0.7)
    for number, (name, path) in enumerate(paths.items()):
        kept = np.where(np.isfinite(path), path, np.nan)
        ax.plot(*kept.T, label=name, lw=1.5, markersize=4, **_marks(number))
    start = next(iter(paths.values()))[0]
    ax.plot(*start, "o", color="white", markeredgecolor="black", markersize=10)
    ax.set(xlabel="first weight", ylabel="second weight")
    ax.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]))
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    ends = "; ".join(
        f"{name} after {len(path) - 1} steps at (≈{path[-1, 0]:.2g}, ≈{path[-1, 1]:.2g})"
        for name, path in paths.items()
    )
    at = f"(≈{start[0]:.2g}, ≈{start[1]:.2g})"
    words = f"Paths on a surface seen from above, all from {at}. {ends}."
    lowest = _lowest(surface, low, high)
    if lowest is not None:
        ax.plot(*lowest, "+", color="black", markersize=10, markeredgewidth=1.5)
        x, y = np.round(lowest, 2) + 0.0  # without a −0
        words += f" A + marks the lowest place shown, (≈{x:g}, ≈{y:g})."
    return describe(ax, words)


def _frame(path):
    """The lower left and the upper right corner of what to show: the path and the origin, with a margin."""
    path = np.concatenate([path[np.isfinite(path).all(axis=1)], np.zeros((1, 2))])
    margin = 0.15 * np.ptp(path, axis=0) + 0.05 * (np.abs(path).max() or 1.0)
    return path.min(axis=0) - margin, path.max(axis=0) + margin


def _heights(surface, low, high):
    """Places on a grid between two corners, and the height of the surface there: x, y and heights (201, 201)."""
    x, y = np.meshgrid(*(np.linspace(*ends, 201) for ends in zip(low, high)))
    places = torch.as_tensor(np.stack([x, y], axis=-1), dtype=torch.float32)
    return x, y, _array(surface(places)).astype(float)


def _lowest(surface, low, high):
    """The lowest place of a surface between two corners, as an array (2,); None if it lies at an edge."""
    place, cell = None, (high - low) / 200
    for closer in (1, 10, 100):  # a ravine may be narrower than the first cells
        x, y, heights = _heights(surface, low, high)
        row, column = np.unravel_index(heights.argmin(), heights.shape)
        if place is None and not (0 < row < 200 and 0 < column < 200):
            return None
        place = np.array([x[row, column], y[row, column]])
        low, high = place - 10 * cell / closer, place + 10 * cell / closer
    return place


@style()
def plot_learning_rates(table, ax=None):
    """Draw the error rate of optimizers against the learning rate: means over seeds, from best to worst seed.

    Args:
        table: what `grids.run_grid` returns: columns optimizer, learning_rate, accuracy.
        ax: the axes to draw into, or None for a new figure.
    """
    ax = ax or new_axes(7.5, 4.5)
    words = []
    for number, (name, runs) in enumerate(table.groupby("optimizer", sort=False)):
        errors = 100 * (1 - runs.groupby("learning_rate")["accuracy"].agg(["mean", "min", "max"]))
        look = _look(number)
        ax.plot(errors.index, errors["mean"], label=name, markersize=5, **look)
        ax.vlines(errors.index, errors["max"], errors["min"], color=look["color"], lw=1)
        best = errors["mean"].idxmin()
        words.append(f"{name} ≈{errors['mean'].min():.1f} % at ≈{best:g}")
    ax.set(xscale="log", xlabel="learning rate", ylabel="error rate (%)")
    if (table["accuracy"] < 1).any():  # else all is 0, for which a logarithmic axis has no place
        ax.set_yscale("log")
        ticks = [tick for tick in (1, 2, 5, 10, 20, 50, 90) if tick > ax.get_ylim()[0]]
        ax.set_yticks(ticks, labels=map(str, ticks))
    ax.minorticks_off()
    ax.set_xticks(sorted(table["learning_rate"].unique()))
    ax.xaxis.set_major_formatter("{x:g}")
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    text = f"Error rate against learning rate. The lowest: {'; '.join(words)}."
    return describe(ax, text)


@style()
def plot_ranks(ranks, ax=None):
    """Draw who comes first, second, … under several conditions: a line for each name, from condition to condition.

    Args:
        ranks: DataFrame, a row for each name, a column for each condition; 1 is the first place.
        ax: the axes to draw into, or None for a new figure.
    """
    ax = ax or new_axes(8.5, 0.5 * len(ranks) + 0.8)
    places = range(len(ranks.columns))
    for number, (name, row) in enumerate(ranks.iterrows()):
        ax.plot(places, row, markersize=8, lw=2, **_look(number))
        ax.text(-0.1, row.iloc[0], name, ha="right", va="center")
        ax.text(places[-1] + 0.1, row.iloc[-1], name, ha="left", va="center")
    ax.set(xticks=places, xticklabels=ranks.columns, xlim=(-1, len(places)))
    ax.xaxis.tick_top()
    ax.set_yticks(range(1, len(ranks) + 1))
    ax.set(ylabel="place")
    ax.invert_yaxis()
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)
    orders = "; ".join(
        f"{condition}: ≈[{', '.join(ranks[condition].sort_values().index)}]" for condition in ranks
    )
    return describe(ax, f"Places from first to last, a line for each. {orders}.")


@style()
def plot_descent(x, y, path, step=None, ax=None):
    """Draw points and the line of one step of a descent; beside them the loss over w and b, and the path so far.

    Args:
        x, y: the points, N values each.
        path: (steps + 1, 2), rows (w, b), as `training.descend` returns it. It may run off to infinity and NaN.
        step: how far to draw the path, from 0; None: to its end. The axes are the same for every step.
        ax: the axes of a subplot, whose left half gets points and line; or None for a new figure.

    Raises:
        ValueError: the path has no such step.
    """
    x, y, path = _array(x).ravel(), _array(y).ravel(), _array(path).astype(float)
    last = len(path) - 1
    step = last if step is None else step
    if not 0 <= step <= last:
        raise ValueError(f"step must be from 0 to {last}, got {step}")
    ax = ax or new_axes(8, 3.6)
    (w, b), height = path[step], np.ptp(y) or 1.0
    ax.plot(x, y, ".", color="0.6", markersize=5)
    at = np.linspace(x.min(), x.max(), 101)
    values, low, high = _line(at, w, b), y.min() - 0.7 * height, y.max() + 0.7 * height
    ax.plot(at, values, color=COLOURS[5], lw=2.5)
    if not ((low < values) & (values < high)).any():
        ax.text(0.5, 0.9, "(the line is outside)", transform=ax.transAxes, ha="center")
    ax.set(xlabel="x", ylabel="y", ylim=(low, high))
    ax.locator_params(nbins=5)
    ax.set_title(f"step {step} of {last}", fontsize=12)
    best = np.polyfit(x, y, 1)
    surface = _beside(ax)
    _draw_surface(surface, x, best, path, step)
    with np.errstate(all="ignore"):
        before, now = (np.square(w * x + b - y).mean() for w, b in path[[0, step]])
    surface.set_title(f"loss {now:.3g}", fontsize=12)
    words = (
        f"Left: {len(x)} points and the line w·x + b at step {step} of {last}, w ≈{w:.3g} and b ≈{b:.3g}. "
        f"Right: contours of the loss over w and b, lowest at w ≈{best[0]:.3g} and b ≈{best[1]:.3g}, and the path "
        f"so far. On it the loss goes from ≈{before:.2g} to ≈{now:.2g}."
    )
    return describe(ax, words)


def _beside(ax):
    """New axes in the right half of a subplot; `ax` keeps the left half."""
    halves = ax.get_subplotspec().subgridspec(1, 2)
    ax.set_subplotspec(halves[0])
    return ax.figure.add_subplot(halves[1])


def _draw_surface(ax, x, best, path, step):
    """Contours of the mean squared error around its lowest point, and a path on it up to a step."""
    reach = 1.5 * max(0.3, *np.abs(path[0] - best))  # from the middle to the edges
    away = np.linspace(-reach, reach, 101)
    w, b = np.meshgrid(away, away)
    above = w**2 * (x**2).mean() + 2 * w * b * x.mean() + b**2  # the lowest loss
    levels = above.max() * np.linspace(0, 1, 10) ** 2  # evenly spaced contours
    ax.contourf(best[0] + w, best[1] + b, above, levels=levels, cmap="Greys", vmax=2 * levels[-1])
    ax.contour(best[0] + w, best[1] + b, above, levels=levels, colors="0.6", linewidths=0.7)
    ax.plot(*best, "+", color="black", markersize=12, markeredgewidth=2)
    trail = path[: step + 1]
    ax.plot(*trail.T, "o-", color=COLOURS[5], markersize=3, lw=1.2)
    ax.plot(*trail[-1], "o", color=COLOURS[5], markeredgecolor="black", markersize=8)
    ax.set(xlim=best[0] + np.array([-reach, reach]), ylim=best[1] + np.array([-reach, reach]))
    ax.set(xlabel="w, the slope", ylabel="b, the value at x = 0", aspect="equal")
    ax.locator_params(nbins=5)


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
        text.set(fontsize=size, color=_ink(ax.images[-1].to_rgba(drawn[row, column])))
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
    counts = _array(torch.as_tensor(matrix))
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


def _ink(colour):
    """Black or white, whichever has the higher contrast on an RGB colour (WCAG 2: at least 4.58, whatever it is)."""
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour[:3]
    )
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return "black" if (luminance + 0.05) / 0.05 > 1.05 / (luminance + 0.05) else "white"


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


def _line(x, w, b):
    """w·x + b, without a warning where w or b is infinite."""
    with np.errstate(all="ignore"):
        return float(w) * x + float(b)


def _marks(number, dashes=None):
    """Marker and dashes of a line, so that lines can be told apart in grey too."""
    dashes = number if dashes is None else dashes
    return {"marker": MARKERS[number % len(MARKERS)], "ls": ("-", "--", "-.", ":")[dashes % 4]}


def _look(number):
    """How the line of one of eight names is drawn: the same colour wherever the name comes back."""
    return {"color": COLOURS[number % len(COLOURS)], **_marks(number, dashes=number // 2)}


def _array(tensor):
    """The values of a tensor, on whatever device, as a NumPy array."""
    return tensor.detach().cpu().numpy()


def _plain(value):
    """A number out of a tensor that holds one; anything else as it is."""
    return value.item() if isinstance(value, torch.Tensor) else value
