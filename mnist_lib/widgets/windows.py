"""The windows of a convolution and of a pooling, one after the other: each is asked for, and then shown."""

import math
from functools import partial

import ipywidgets
import numpy as np
import torch
from matplotlib.figure import Figure

from .. import arithmetic, plots
from .explorer import Explorer, View, _lock, make_control

# Where the controls go. Pictures of more than about 16 by 16 cells get too small to read.
CONVOLUTION = {"stride": range(1, 5), "padding": range(4), "dilation": range(1, 5)}
POOLING = {"kernel_size": range(1, 6)} | CONVOLUTION | {"stride": range(1, 6)}
POOLING |= {"ceil_mode": (False, True), "count_include_pad": (True, False)}


class WindowExplorer(Explorer):
    """An `Explorer` of windows that asks what comes out of each before it shows it, if its check box `ask` says so.

    `guess` is the field for the reader's answer, `reveal` the button that shows the result without one.
    """

    def __init__(self, controls, view, ask):
        self.ask = ipywidgets.Checkbox(value=ask, description="ask me first", indent=False)
        self.guess = ipywidgets.Text(description="your result", placeholder="a number, then Enter")
        self.guess.continuous_update = False
        self.reveal = ipywidgets.Button(description="show it")
        self._place = self._answer = None  # no answer yet
        super().__init__(controls, view, "window", first=1)
        line = ipywidgets.Layout(flex_flow="row wrap", grid_gap="0 16px")
        self.asking = ipywidgets.HBox([self.guess, self.reveal, self.ask], layout=line)
        place = self.children.index(self.text)
        self.children = (*self.children[:place], self.asking, *self.children[place:])
        self.ask.observe(lambda change: self._answered(None if change.new else ""), "value")
        self.guess.observe(lambda change: change.new and self._answered(change.new), "value")
        self.reveal.on_click(lambda button: self._answered(""))

    def _answered(self, answer):
        self._answer = answer
        self._update()

    def _update(self, change=None):
        with _lock:
            place = super()._settings_now(), self.step.value
            if place != self._place:  # another window: another question
                self._place, self._answer = place, None if self.ask.value else ""
                self.guess.value = ""
            super()._update()

    def _settings_now(self):
        return super()._settings_now() | {"answer": self._answer}


def convolution_explorer(input, kernel, stride=1, padding=0, dilation=1, ask=True):
    """Return a `WindowExplorer` of a convolution; the numbers of its kernel can be edited.

    Args:
        input: (channels, L) or (channels, H, W).
        kernel: (channels, length) or (channels, height, width): one output channel.
        stride, padding, dilation: where the sliders stand at first. `CONVOLUTION` has their ranges.
        ask: whether it asks for each result before it shows it.

    >>> explorer = convolution_explorer([[0, 1, 2, 3, 4, 5]], [[0.1, 0.2]], stride=2)
    >>> print(explorer.text.value)
    <div aria-live="polite">Window 1 of 3: what is output[0, 0]?</div>
    >>> explorer.guess.value = "0.3"
    >>> print(explorer.text.value)
    <div aria-live="polite">Window 1 of 3: output[0, 0] = 0·0.1 + 1·0.2 = 0.2, not 0.3</div>
    """
    input, kernel = (torch.as_tensor(each, dtype=torch.float32) for each in (input, kernel))
    if input.dim() not in (2, 3) or kernel.dim() != input.dim() or len(kernel) != len(input):
        got = f"{tuple(input.shape)} and {tuple(kernel.shape)}"
        raise ValueError(f"input and kernel must be (channels, …) with as many channels, got {got}")
    rows = [" ".join(map(arithmetic.short, row.tolist())) for row in kernel.flatten(0, -2)]
    text = ipywidgets.Textarea("\n".join(rows), description="kernel", continuous_update=False)
    text.rows = len(rows)
    controls = {"kernel": text} | _controls(CONVOLUTION, (stride, padding, dilation))
    return WindowExplorer(controls, partial(_convolution, input), ask)


def _convolution(input, kernel, answer, **options):
    """The `View` of a convolution with the kernel of a text."""
    weight = read_kernel(kernel, channels=len(input), dimensions=input.dim() - 1)
    windows = arithmetic.convolution_windows(input, weight, **options)
    plot = partial(plots.plot_convolution, input, weight, **options)
    call = f"{_written('weight', weight)}\noutput = F.conv{input.dim() - 1}d(\n    input, weight"
    return _view_of_windows(windows, plot, input, weight.shape[2:], options, call, answer)


def read_kernel(text, channels, dimensions):
    """The kernel that is written in a text, (1, channels, length) or (1, channels, height, width).

    >>> read_kernel("-1 0 1", channels=1, dimensions=1)
    tensor([[[-1.,  0.,  1.]]])
    """
    rows = [line.replace(", ", " ").strip(" [],").split() for line in text.strip().splitlines()]
    if len(set(map(len, rows))) != 1 or not rows[0]:
        raise ValueError("the kernel must have as many numbers in each row, with spaces between")
    if len(rows) % channels or (dimensions == 1 and len(rows) != channels):
        many = "one row" if dimensions == 1 else "as many rows"
        raise ValueError(f"the kernel must have {many} for each of {channels} channels")
    numbers = torch.tensor([[_number(word) for word in row] for row in rows])
    shape = [len(rows) // channels] * (dimensions - 1)
    return numbers.reshape(1, channels, *shape, len(rows[0]))


def _number(text):
    """The number that somebody wrote: -1, −1, 0.5, 0,5 or 1/2."""
    above, slash, below = text.strip().replace("−", "-").replace(",", ".").partition("/")
    try:
        number = float(above) / float(below if slash else 1)
    except (ValueError, ZeroDivisionError):
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"{text!r} is not a number")
    return number


def pooling_explorer(
    input,
    kind="max",
    kernel_size=2,
    stride=2,
    padding=0,
    dilation=1,
    ceil_mode=False,
    count_include_pad=True,
    ask=True,
):
    """Return a `WindowExplorer` of a pooling.

    Args:
        input: (channels, L) or (channels, H, W).
        kind: "max" or "avg". Dilation is for "max" alone, count_include_pad for "avg" alone.
        kernel_size, stride, padding, dilation, ceil_mode, count_include_pad: where the controls stand at first.
            `POOLING` has their ranges.
        ask: whether it asks for each result before it shows it.

    >>> explorer = pooling_explorer([[0, 1, 2, 3]], ask=False)
    >>> print(explorer.text.value)
    <div aria-live="polite">Window 1 of 2: output[0, 0] = max(0, 1) = 1</div>
    """
    if kind not in ("max", "avg"):
        raise ValueError(f'kind must be "max" or "avg", got {kind!r}')
    buttons = ipywidgets.ToggleButtons(options=["max", "avg"], value=kind, description="kind")
    buttons.style.button_width, buttons.layout.display = "56px", "flex"
    values = (kernel_size, stride, padding, dilation, ceil_mode, count_include_pad)
    controls = {"kind": buttons} | _controls(POOLING, values)
    kinds = (buttons, "value")
    ipywidgets.dlink(kinds, (controls["dilation"], "disabled"), lambda kind: kind == "avg")
    ipywidgets.dlink(kinds, (controls["count_include_pad"], "disabled"), lambda kind: kind == "max")
    input = torch.as_tensor(input, dtype=torch.float32)
    return WindowExplorer(controls, partial(_pooling, input), ask)


def _pooling(input, kind, dilation, count_include_pad, answer, **options):
    """The `View` of a pooling."""
    options |= {"dilation": dilation} if kind == "max" else {"count_include_pad": count_include_pad}
    windows = getattr(arithmetic, f"{kind}_pool_windows")(input, **options)
    plot = partial(plots.plot_pooling, input, **options, kind=kind)
    call = f"output = F.{kind}_pool{input.dim() - 1}d(\n    input"
    sizes = [options["kernel_size"]] * (input.dim() - 1)
    return _view_of_windows(windows, plot, input, sizes, options, call, answer)


def _view_of_windows(windows, plot, input, kernel_sizes, options, call, answer):
    """The `View` of windows of an input; `call` is how its code goes on, `answer` is the reader's, a text, or None."""
    wrong, guess = "", None
    if answer:
        try:
            guess = _number(answer)
        except ValueError as error:
            wrong, answer = f" {error}.", None

    def draw(step, figure):
        ax = figure.add_axes((0, 0, 1, 1))
        return plot(steps=[step - 1], sums=False, ask=answer is None, ax=ax)

    def text(step):
        window = windows[step - 1]
        place = f"output[{', '.join(map(str, window.output))}]"
        start = f"Window {step} of {len(windows)}: "
        if answer is None:
            return f"{start}what is {place}?{wrong}"
        said = ""
        if guess is not None:
            right = math.isclose(guess, window.result, rel_tol=0.005, abs_tol=0.005)
            said = ", as you said" if right else f", not {arithmetic.short(guess)}"
        return f"{start}{place} = {window.written_out}{said}"

    names = ("stride", "padding", "dilation", "ceil_mode")
    geometry = {name: options[name] for name in names if name in options}
    axes = ["size"] if input.dim() == 2 else ["rows", "columns"]
    sizes = zip(input.shape[1:], kernel_sizes)
    formulas = [output_size_formula(*along, **geometry) for along in sizes]
    if len(set(formulas)) == 1:
        axes = [" and ".join(axes)]
    notes = tuple(f"Output {name} = {formula}" for name, formula in zip(axes, formulas))
    ax = draw(1, Figure())  # only to see how many cells wide and high it is
    width, height = (abs(high - low) for low, high in (ax.get_xlim(), ax.get_ylim()))
    cell = min(0.4, 9 / width, 4.6 / height)  # inches
    code = f"import torch\nimport torch.nn.functional as F\n\n{_written('input', input)}\n{call}"
    code += "".join(f", {name}={value}" for name, value in options.items()) + "\n)\nprint(output)"
    return View(len(windows), (cell * width, cell * height), draw, text, notes, code)


def _written(name, tensor):
    """Code that makes a tensor, its rows below each other."""
    start = f"{name} = torch.tensor("
    look = {"separator": ", ", "threshold": tensor.numel() + 1, "max_line_width": 200}
    return f"{start}{np.array2string(tensor.numpy(), prefix=start, **look)})"


def _controls(ranges, values):
    """A control for each name, where it stands at first."""
    return {name: make_control(name, ranges[name], at) for name, at in zip(ranges, values)}


def output_size_formula(size, kernel_size, stride=1, padding=0, dilation=1, ceil_mode=False):
    """The output size with its formula, the numbers put in. Arguments as in `arithmetic.output_size`.

    >>> print(output_size_formula(16, kernel_size=3, padding=1))
    ⌊(16 + 2·1 − 1·(3 − 1) − 1) / 1⌋ + 1 = 16
    """
    result = arithmetic.output_size(size, kernel_size, stride, padding, dilation, ceil_mode)
    inner = f"({size} + 2·{padding} − {dilation}·({kernel_size} − 1) − 1) / {stride}"
    if not ceil_mode:
        return f"⌊{inner}⌋ + 1 = {result}"
    whole = math.ceil((size + 2 * padding - dilation * (kernel_size - 1) - 1) / stride) + 1
    less = f", less 1 for a window that would start beyond the input: {result}"
    return f"⌈{inner}⌉ + 1 = {whole}{less if result < whole else ''}"
