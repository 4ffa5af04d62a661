"""How a convolution or a pooling comes about, window by window; signals in one dimension; the layers of a network."""

import math
import re
import textwrap
from itertools import product

import matplotlib.pyplot as plt
import numpy as np
import torch

from .. import arithmetic
from ..arithmetic import for_each_axis, short
from .base import CENTRED, COLOURS, array, describe, new_axes, plot

USUAL = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1}
USUAL |= {"ceil_mode": False, "count_include_pad": True}
FILLS = {"Conv2d": COLOURS[4], "MaxPool2d": COLOURS[1], "Linear": COLOURS[2]}  # others: grey
LOOKS = {  # of a cell: the colours of its face and its edge, the edge's width and line, the colour of its text
    "plain": ("white", "0.6", 0.8, "-", "black"),
    "plain, padding": ("white", "0.6", 0.8, ":", "0.45"),
    "window": ("#F7D98B", "black", 1.8, "-", "black"),
    "window, padding": ("#FCF1D6", "black", 1.8, ":", "0.45"),
    "kernel": ("#BFE3D5", "0.3", 0.8, "-", "black"),
    "result": (COLOURS[0], "black", 1.8, "-", "white"),
    "done": ("#D3E6F5", "0.6", 0.8, "-", "black"),
    "to come": ("white", "0.8", 0.8, "-", "black"),
}


@plot
def plot_network(rows, ax=None):
    """Draw layers as boxes, from left to right: as high as the maps that they give, and as wide as there are many.

    Args:
        rows: [(name, shape)], the input and then each layer; a shape is (N, channels, H, W) or (N, numbers).
    """
    ax = ax or new_axes(10, 3.2)
    largest = max(shape[2] for _, shape in rows if len(shape) == 4)
    x, words = 0.0, []
    for name, (_, channels, *size) in rows:
        height, width = (size[0] / largest, 0.1 + channels / 60) if size else (0.3, 0.12)
        look = {"fc": FILLS.get(name, "0.9"), "hatch": "//" if "Pool" in name else None}
        ax.add_patch(plt.Rectangle((x, -height / 2), width, height, ec="black", lw=0.8, **look))
        text = "×".join(map(str, (channels, *size)))
        ax.text(x + width / 2, -0.56, text, va="top", ha="center", fontsize=9, rotation=90)
        ax.text(x + width / 2, 0.56, name, va="bottom", ha="center", fontsize=10, rotation=90)
        words.append(f"{name} {text}")
        x += width + 0.22
    ax.set(xlim=(-0.2, x), ylim=(-1.0, 1.1))
    ax.axis("off")
    return describe(ax, f"Layers from left to right, and what each gives: {', '.join(words)}.")


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
        low, high = values.argmin(), values.argmax()
        ends = f"from {short(values[low])} to {short(values[high])}, the largest at {places[high]}"
        words.append(f"{name}: {len(values)} values {ends}, the smallest at {places[low]}")
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
    rest = {"max": {"dilation": dilation}, "avg": {"count_include_pad": count_include_pad}}
    if kind not in rest or (kind == "avg" and dilation != 1):
        got = f"{kind!r} with dilation {dilation}"
        raise ValueError(f'kind must be "max", or "avg" with dilation 1; got {got}')
    make_windows = getattr(arithmetic, f"{kind}_pool_windows")
    windows = make_windows(input, kernel_size, stride, padding, ceil_mode=ceil_mode, **rest[kind])
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


class Scene:
    """The drawing of a convolution or a pooling, ready to draw each of its windows.

    In 1-D, input, kernel and output stand below each other, the kernel and the output cell under their window. In 2-D
    they stand beside each other, their channels below each other. `width` and `height` are in cells.

    Args:
        input: a tensor, (channels, L) or (channels, H, W).
        weight: the kernels, a tensor; or None for a pooling.
        windows: a list of `arithmetic.Window`.
        padding: as in `arithmetic`.
        outside: what stands in the padding, or None if it is left empty.
    """

    def __init__(self, input, weight, windows, padding, outside):
        self.input, self.windows, self.outside = array(input), windows, outside
        self.most = max(abs(self.input).max(), 1e-9)
        sides = for_each_axis("padding", padding, input.ndim - 1)
        self.low = [-added for added in sides]
        self.end = [size + added for size, added in zip(input.shape[1:], sides)]
        _, *last = zip(*windows[-1].cells)  # it may stick out, where ceil_mode is on
        self.high = [max(end, max(at) + 1) for end, at in zip(self.end, last)]
        shown = [high - low for low, high in zip(self.low, self.high)]
        blocks = {"input": (len(input), *shown)}
        if weight is not None:
            blocks["kernel"] = weight.shape[1:]
        blocks["output"] = [at + 1 for at in windows[-1].output]
        self.names, self.corners = [], {}
        (self._below if len(sides) == 1 else self._beside)(blocks)

    def _below(self, blocks):
        """Find the places of blocks in 1-D."""
        room, y, gap = 3.2, 0, 0.35  # room for the names, at the left
        for name, (channels, _) in blocks.items():
            self.names.append((0, y + channels / 2, name, "left"))
            self.corners[name] = room - self.low[0], y, 1
            y += channels + gap
        self.width, self.height = room + blocks["input"][1], y - gap

    def _beside(self, blocks):
        """Find the places of blocks in 2-D."""
        x, top, gap, self.height = 0, 0.9, 1.2, 0
        for name, (channels, rows, columns) in blocks.items():
            self.names.append((x + columns / 2, 0.4, name, "center"))
            left, above = (self.low[1], self.low[0]) if name == "input" else (0, 0)
            pitch = 0.5 + (blocks["input"][1] if name == "kernel" else rows)  # beside its channel
            self.corners[name] = x - left, top - above, pitch
            x += columns + gap
            self.height = max(self.height, top + (channels - 1) * pitch + rows)
        self.width = x - gap

    def draw(self, ax, step, left, top, size, ask=False):
        """Draw the window number `step`, its corner at (left, top), `size` points to a cell; a "?" if `ask`."""
        for x, y, name, side in self.names:
            ax.text(left + x, top + y, name, ha=side, va="center", fontsize=min(12, 0.4 * size))

        def draw_cell(state, text, block, cell, under=None, face=None):
            right, above, pitch = self.corners[block]
            channel, *row, column = cell
            x = left + right + (column if under is None or len(row) else under)
            y = top + above + channel * pitch + sum(row)
            usual, edge, width, line, colour = LOOKS[state]
            look = {"fc": face or usual, "ec": edge, "lw": width, "ls": line}
            ax.add_patch(plt.Rectangle((x, y), 1, 1, **look, zorder=3 if width > 1 else 2))
            font = size * min(0.42, 1.35 / max(1, len(text)))
            ax.text(x + 0.5, y + 0.53, text, **CENTRED, color=colour, fontsize=font, zorder=4)

        window = self.windows[step]
        for cell in product(range(len(self.input)), *map(range, self.low, self.high)):
            text, inside = self._input_text(cell)
            state = "window" if cell in window.cells else "plain"
            shade = None  # a picture shows in its numbers: the larger, the darker
            if inside and state == "plain" and self.input.ndim == 3:
                shade = str(1 - 0.4 * max(self.input[cell], 0) / self.most)
            draw_cell(state if inside else f"{state}, padding", text, "input", cell, face=shade)
        for cell, (_, *place), weight in zip(window.cells, window.kernel, window.weights):
            draw_cell("kernel", short(weight), "kernel", place, under=cell[1])
        for number, other in enumerate(self.windows):
            state = "result" if number == step else "done" if number < step else "to come"
            text = "" if number > step else short(other.result)
            text = "?" if number == step and ask else text
            middle = (other.cells[0][1] + other.cells[-1][1]) / 2
            draw_cell(state, text, "output", other.output, under=middle)

    def _input_text(self, cell):
        """What stands in an input cell, and whether it is the input's own."""
        if all(0 <= at < size for at, size in zip(cell, self.input.shape)):
            return short(self.input[cell]), True
        beyond = any(at >= end for at, end in zip(cell[1:], self.end))
        return "" if beyond or self.outside is None else short(self.outside), False
