"""The windows of a convolution and of a pooling, one after the other."""

import math
from functools import partial

import ipywidgets
import torch
from matplotlib.figure import Figure

from .. import arithmetic, plots
from ..machinery.checks import integer
from .explorer import Explorer, View, make_control


def _ranges(**last):
    """Where sliders go, {name: range}: from 1, and the padding from 0, to the last number."""
    return {name: range(0 if name == "padding" else 1, end + 1) for name, end in last.items()}


# Where the controls go, in 1-D and in 2-D; beyond that the numbers get too small to read.
CONVOLUTION = {
    1: _ranges(size=16, in_channels=4, out_channels=4)
    | _ranges(kernel_size=5, stride=4, padding=3, dilation=4, groups=4),
    2: _ranges(rows=6, columns=6, in_channels=2, out_channels=2)
    | _ranges(kernel_size=3, stride=3, padding=2, dilation=3, groups=2),
}
CHOICES = {"ceil_mode": (False, True), "count_include_pad": (True, False)}
POOLING = {
    1: _ranges(size=16, channels=4, kernel_size=5, stride=5, padding=3, dilation=4) | CHOICES,
    2: _ranges(rows=8, columns=8, channels=2)
    | _ranges(kernel_size=4, stride=4, padding=2, dilation=3)
    | CHOICES,
}


def convolution_explorer(dimensions=1, **start):
    """Return an `Explorer` of the windows of a convolution of 0, 1, 2, … with the weights 0.1, 0.2, 0.3, …

    Args:
        dimensions: 1 or 2.
        start: where the sliders stand at first, by name. `CONVOLUTION` has their names and ranges; in 2-D, size
            stands for rows and columns.

    Raises:
        TypeError, ValueError: there is no such slider, or it does not go there.

    >>> explorer = convolution_explorer(size=6, kernel_size=2)
    >>> explorer.controls["stride"].value = 2
    >>> explorer.step.value = explorer.step.max
    >>> print(explorer.text.value)
    <div aria-live="polite">Window 3 of 3: output[0, 2] = 4·0.1 + 5·0.2 = 1.4</div>
    """
    controls = _controls(CONVOLUTION, dimensions, start, kernel_size=3)
    return Explorer(controls, _convolution, "window", first=1)


def _convolution(in_channels, out_channels, kernel_size, stride, padding, dilation, groups, **size):
    """The `View` of a convolution."""
    shape = (in_channels, *size.values())
    kernel = (out_channels, max(1, in_channels // groups), *[kernel_size] * len(size))
    input = torch.arange(float(math.prod(shape))).reshape(shape)
    weight = torch.arange(1, math.prod(kernel) + 1).reshape(kernel) / 10
    options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    windows = arithmetic.convolution_windows(input, weight, **options)
    plot = partial(plots.plot_convolution, input, weight, **options)
    code = f"""input = torch.arange({input.numel()}.0).reshape{shape}
weight = torch.arange(1, {weight.numel() + 1}).reshape{kernel} / 10
output = F.conv{len(size)}d(input, weight, {_arguments(options)})"""
    return _view_of_windows(windows, plot, size, {"kernel_size": kernel_size} | options, code)


def pooling_explorer(dimensions=2, kind="max", **start):
    """Return an `Explorer` of the windows of a pooling of 0, 1, 2, …

    Args:
        dimensions: 1 or 2.
        kind: "max" or "avg". Dilation is for "max" alone, count_include_pad for "avg" alone.
        start: where the controls stand at first, by name. `POOLING` has their names and ranges; in 2-D, size
            stands for rows and columns.

    Raises:
        TypeError, ValueError, TraitError: there is no such control, or it does not go there.

    >>> explorer = pooling_explorer(size=4)
    >>> print(explorer.text.value)
    <div aria-live="polite">Window 1 of 4: output[0, 0, 0] = max(0, 1, 4, 5) = 5</div>
    """
    buttons = ipywidgets.ToggleButtons(options=["max", "avg"], value=kind, description="kind")
    buttons.style.button_width, buttons.layout.display = "56px", "flex"
    controls = {"kind": buttons} | _controls(POOLING, dimensions, start, kernel_size=2, stride=2)
    kinds = (buttons, "value")
    ipywidgets.dlink(kinds, (controls["dilation"], "disabled"), lambda kind: kind == "avg")
    ipywidgets.dlink(kinds, (controls["count_include_pad"], "disabled"), lambda kind: kind == "max")
    return Explorer(controls, _pooling, "window", first=1)


def _pooling(
    kind, channels, kernel_size, stride, padding, dilation, ceil_mode, count_include_pad, **size
):
    """The `View` of a pooling."""
    shape = (channels, *size.values())
    input = torch.arange(float(math.prod(shape))).reshape(shape)
    options = {"kernel_size": kernel_size, "stride": stride, "padding": padding}
    if kind == "max":
        options |= {"dilation": dilation, "ceil_mode": ceil_mode}
        windows = arithmetic.max_pool_windows(input, **options)
    else:
        options |= {"ceil_mode": ceil_mode, "count_include_pad": count_include_pad}
        windows = arithmetic.avg_pool_windows(input, **options)
    plot = partial(plots.plot_pooling, input, **options, kind=kind)
    code = f"""input = torch.arange({input.numel()}.0).reshape{shape}
output = F.{kind}_pool{len(size)}d(
    input, {_arguments(options)}
)"""
    return _view_of_windows(windows, plot, size, options, code)


def _view_of_windows(windows, plot, size, options, code):
    """The `View` of some windows; `plot` draws one of them, `code` has the lines that compute the output."""

    def draw(step, figure):
        return plot(steps=[step - 1], sums=False, ax=figure.add_axes((0, 0, 1, 1)))

    def text(step):
        window = windows[step - 1]
        place = ", ".join(map(str, window.output))
        return f"Window {step} of {len(windows)}: output[{place}] = {window.written_out}"

    names = ("kernel_size", "stride", "padding", "dilation", "ceil_mode")
    geometry = {name: options[name] for name in names if name in options}
    formulas = [output_size_formula(cells, **geometry) for cells in size.values()]
    if len(set(formulas)) == 1:
        notes = (f"Output {' and '.join(size)} = {formulas[0]}",)
    else:
        notes = tuple(f"Output {name} = {formula}" for name, formula in zip(size, formulas))
    ax = draw(1, Figure())  # only to see how many cells wide and high it is
    width, height = (abs(high - low) for low, high in (ax.get_xlim(), ax.get_ylim()))
    cell = min(0.4, 9 / width, 9 / height)  # inches
    code = f"import torch\nimport torch.nn.functional as F\n\n{code}\nprint(output)"
    return View(len(windows), (cell * width, cell * height), draw, text, notes, code)


def _arguments(options):
    return ", ".join(f"{name}={value}" for name, value in options.items())


def _controls(ranges, dimensions, start, **usual):
    """A control for each name, where `start` puts it, or else where it usually stands."""
    ranges = ranges[integer("dimensions", dimensions, 1, 2)]
    usual = {"size": 16, "rows": 6, "columns": 6} | usual
    if dimensions == 2 and "size" in start:
        start = dict.fromkeys(("rows", "columns"), start.pop("size")) | start
    for name in start:
        if name not in ranges:
            raise TypeError(f"a start value must be one of {', '.join(ranges)}; got {name!r}")
    chosen = {name: allowed[0] for name, allowed in ranges.items()} | usual | start
    return {name: make_control(name, allowed, chosen[name]) for name, allowed in ranges.items()}


def output_size_formula(size, kernel_size, stride=1, padding=0, dilation=1, ceil_mode=False):
    """The output size with its formula, the numbers put in. Arguments as in `arithmetic.output_size`.

    >>> print(output_size_formula(16, kernel_size=3, padding=1))
    ⌊(16 + 2·1 − 1·(3 − 1) − 1) / 1⌋ + 1 = 16
    """
    result = arithmetic.output_size(size, kernel_size, stride, padding, dilation, ceil_mode)
    before, after = arithmetic.padding_sides(padding, kernel_size, dilation)
    added = f"2·{before}" if before == after else f"{before} + {after}"
    inner = f"({size} + {added} − {dilation}·({kernel_size} − 1) − 1) / {stride}"
    if not ceil_mode:
        return f"⌊{inner}⌋ + 1 = {result}"
    whole = math.ceil((size + before + after - dilation * (kernel_size - 1) - 1) / stride) + 1
    less = f", less 1 for a window that would start beyond the input: {result}"
    return f"⌈{inner}⌉ + 1 = {whole}{less if result < whole else ''}"
