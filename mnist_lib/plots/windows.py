"""How a convolution or a pooling comes about, window by window; and signals in one dimension."""

import math
import re
import textwrap

import numpy as np
import torch

from .. import arithmetic
from .base import COLOURS, array, describe, new_axes, plot
from .scenes import Scene

USUAL = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1}
USUAL |= {"ceil_mode": False, "count_include_pad": True}


@plot
def plot_signals(signals, starts=None, ax=None):
    """Draw signals as lines, each in a band of its own, below each other.

    Args:
        signals: {name: (L,)}; where a value is NaN, nothing is drawn.
        starts: {name: the place of its first value}; 0 where nothing is said.
    """
    ax = ax or new_axes(7, 1.3 * len(signals))
    ax.axis("off")
    bands, words, last = len(signals), [], 0
    for number, (name, signal) in enumerate(signals.items()):
        band = ax.inset_axes((0, 1 - (number + 0.85) / bands, 1, 0.8 / bands))
        values = array(signal)
        places = (starts or {}).get(name, 0) + np.arange(len(values))
        places, values = places[~np.isnan(values)], values[~np.isnan(values)]
        last = max(last, places[-1])
        band.axhline(0, color="0.8", linewidth=0.8)
        band.plot(places, values, "o-", color=COLOURS[number % len(COLOURS)], markersize=4)
        band.set_title(name, loc="left", fontsize=12, pad=2)
        band.margins(y=0.15)
        band.tick_params(labelbottom=number == bands - 1)
        low, high = arithmetic.short(values.min()), arithmetic.short(values.max())
        words.append(
            f"{name}: {len(values)} values from {low} to {high}, the largest at {places[values.argmax()]}, "
            f"the smallest at {places[values.argmin()]}"
        )
    for band in ax.child_axes:
        band.set_xlim(-0.5, last + 0.5)
    band.set_xlabel("place")
    return describe(ax, f"Signals below each other. {'; '.join(words)}.")


@plot
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
    ask=False,
    ax=None,
):
    """Draw how a convolution comes about: some of its windows, from left to right where there is room.

    Args:
        input, weight, bias, stride, padding, dilation, groups: as in `arithmetic.convolution_windows`.
        steps: the numbers of the windows to draw, from 0; or None for the first, a middle and the last one.
        sums: whether to write the sum below each window.
        ask: whether to leave the results of these windows open, for the reader to predict.
    """
    windows = arithmetic.convolution_windows(input, weight, bias, stride, padding, dilation, groups)
    input, weight = torch.as_tensor(input), torch.as_tensor(weight)
    words = f"A convolution, input {tuple(input.shape)} and weight {tuple(weight.shape)}"
    words += _settings(stride=stride, padding=padding, dilation=dilation, groups=groups)
    scene = Scene(input, weight, windows, padding, outside=0.0)
    return _draw_windows(ax, scene, steps, sums, ask, words)


@plot
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
    ask=False,
    ax=None,
):
    """Draw how a pooling comes about: some of its windows, from left to right where there is room.

    Args:
        input, kernel_size, stride, padding, dilation, ceil_mode: as in `arithmetic.max_pool_windows`.
        count_include_pad: as in `arithmetic.avg_pool_windows`; for "avg" alone.
        kind: "max" or "avg"; "avg" takes no dilation.
        steps, sums, ask: as in `plot_convolution`.
    """
    if kind == "max":
        options = {"dilation": dilation}
    elif kind == "avg" and dilation == 1:
        options = {"count_include_pad": count_include_pad}
    else:
        got = f"{kind!r} with dilation {dilation}"
        raise ValueError(f'kind must be "max", or "avg" with dilation 1; got {got}')
    make_windows = getattr(arithmetic, f"{kind}_pool_windows")
    windows = make_windows(input, kernel_size, stride, padding, ceil_mode=ceil_mode, **options)
    input = torch.as_tensor(input)
    words = f"{'A max' if kind == 'max' else 'An average'} pooling, input {tuple(input.shape)}"
    words += f", kernel_size {kernel_size}, stride {kernel_size if stride is None else stride}"
    words += _settings(padding=padding, dilation=dilation, ceil_mode=ceil_mode)
    words += _settings(count_include_pad=count_include_pad)
    outside = -math.inf if kind == "max" else 0.0 if count_include_pad else None
    scene = Scene(input, None, windows, padding, outside)
    return _draw_windows(ax, scene, steps, sums, ask, words)


def _settings(**settings):
    """What is not as usual, in words."""
    return "".join(f", {name} {value}" for name, value in settings.items() if value != USUAL[name])


def _draw_windows(ax, scene, steps, sums, ask, words):
    """Draw some windows of a scene, from left to right where there is room; `words` say what it is a picture of."""
    windows, last = scene.windows, len(scene.windows) - 1
    steps = sorted({0, last // 2, last}) if steps is None else list(steps)
    if not steps or not all(0 <= step <= last for step in steps):
        raise ValueError(f"steps must be numbers from 0 to {last}, got {steps}")
    width = max(scene.width, 9)
    fits = len(steps) * (width + 2) < 48
    across = len(steps) if fits and scene.input.ndim == 3 else 1  # rows read better stacked
    written = {step: windows[step].written_out for step in steps}
    if ask:  # without the result
        written = {step: re.split(" [=≈] ", text)[0] + " = ?" for step, text in written.items()}
    lines = [textwrap.wrap(written[step], int(4.4 * width)) for step in steps]
    pitch = scene.height + 0.7 * max(map(len, lines)) * sums + 1.1
    whole = across * (width + 2) - 2, pitch * len(steps) / across - 0.5  # in cells
    if ax is None:
        cell = min(0.4, 10.5 / whole[0])  # inches
        ax = new_axes(cell * (whole[0] + 0.4), cell * whole[1])
        ax.figure.set_layout_engine("none")
        ax.set_position((0, 0, 1, 1))
    size = 72 * ax.figure.get_figwidth() / (whole[0] + 0.4)  # points to a cell
    for number, step in enumerate(steps):
        left, top = number % across * (width + 2), number // across * pitch
        scene.draw(ax, step, left, top, size, ask)
        if sums:
            below, text = top + scene.height + 0.3, "\n".join(lines[number])
            ax.text(left, below, text, va="top", fontsize=min(12, 0.4 * size), linespacing=1.3)
    ax.set(xlim=(-0.2, whole[0] + 0.2), ylim=(whole[1] - 0.1, -0.1), aspect="equal")
    ax.axis("off")
    words += f": output {tuple(at + 1 for at in windows[-1].output)}."
    for step in steps:
        words += f" Window {step + 1} of {len(windows)}: {written[step]}."
    return describe(ax, words)
