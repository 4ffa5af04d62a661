"""Everything that moves: sliders above a picture, to try out what the still figures show.

An explorer draws with the functions of `plots` and computes with those of `arithmetic` and `training`. It adds the
sliders, a play button, and the PyTorch code for what is on the screen.
"""

import base64
import html
import io
import math
import threading
from collections.abc import Callable
from functools import partial
from numbers import Integral
from typing import NamedTuple

import ipywidgets
import torch
from matplotlib import colormaps
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from . import arithmetic, plots, training

CONVOLUTION = {  # where the sliders go, in 1-D and in 2-D; beyond that the numbers get too small to read
    1: {
        "size": range(1, 17),
        "in_channels": range(1, 5),
        "out_channels": range(1, 5),
        "kernel_size": range(1, 6),
        "stride": range(1, 5),
        "padding": range(4),
        "dilation": range(1, 5),
        "groups": range(1, 5),
    },
    2: {
        "rows": range(1, 7),
        "columns": range(1, 7),
        "in_channels": range(1, 3),
        "out_channels": range(1, 3),
        "kernel_size": range(1, 4),
        "stride": range(1, 4),
        "padding": range(3),
        "dilation": range(1, 4),
        "groups": range(1, 3),
    },
}
POOLING = {
    1: {
        "size": range(1, 17),
        "channels": range(1, 5),
        "kernel_size": range(1, 6),
        "stride": range(1, 6),
        "padding": range(4),
        "dilation": range(1, 5),
        "ceil_mode": (False, True),
        "count_include_pad": (True, False),
    },
    2: {
        "rows": range(1, 9),
        "columns": range(1, 9),
        "channels": range(1, 3),
        "kernel_size": range(1, 5),
        "stride": range(1, 5),
        "padding": range(3),
        "dilation": range(1, 4),
        "ceil_mode": (False, True),
        "count_include_pad": (True, False),
    },
}
PIXELS_PER_INCH = 110  # of the screen
# A kernel may run widgets in threads: one change of an explorer at a time.
_lock = threading.RLock()


class View(NamedTuple):
    """What an explorer shows for one choice of settings.

    Attributes:
        last: the number of the last step.
        figure_size: width and height in inches.
        draw: a function (step, figure) that draws the step into an empty figure and returns the axes, described; or
            None, if there is nothing to draw.
        text: a function (step) that says in words what happens in the step.
        notes: what holds for all steps, a tuple of sentences.
        code: PyTorch code that computes the same.
        first: the step to begin with, or None to stay where the slider is.
    """

    last: int
    figure_size: tuple
    draw: Callable
    text: Callable
    notes: tuple
    code: str
    first: int | None = None


class Explorer(ipywidgets.VBox):
    """Sliders, and below them a picture and words that follow them.

    Args:
        controls: the settings, {name: widget with a value}.
        step: an IntSlider for what is stepped through; its maximum follows the settings.
        view: a function of the settings that returns a `View`, or raises a ValueError that says why there is none.

    Attributes:
        controls, step: as above; `explorer.controls["stride"].value = 2` does what the mouse does.
        play: the play button that moves the step.
        picture, text, notes, code: what is shown, HTML widgets.
    """

    def __init__(self, controls, step, view):
        self.controls, self.step, self._view_of = controls, step, view
        self.play = ipywidgets.Play(min=step.min, value=step.value, interval=800)
        self.picture, self.text, self.notes, self.code = (ipywidgets.HTML() for _ in range(4))
        self._settings = self._view = self._shown = None
        self._choosing = False
        as_many_as_fit = "repeat(auto-fit, minmax(250px, 1fr))"
        grid = ipywidgets.Layout(grid_template_columns=as_many_as_fit, grid_gap="0 16px")
        settings = ipywidgets.GridBox(list(controls.values()), layout=grid)
        steps = ipywidgets.HBox([self.play, step], layout=ipywidgets.Layout(margin="8px 0"))
        for control in (*controls.values(), step):
            control.layout.width = "auto"
            control.style.description_width = "90px"
            control.tooltip = control.description  # ipywidgets 8 would say "null"
        step.layout.flex = "0 1 500px"
        parts = [settings, steps, self.picture, self.text, self.notes, self.code]
        super().__init__(parts, layout=ipywidgets.Layout(max_width="1000px"))
        self.play.observe(self._play_moved, "value")
        for control in (*controls.values(), step):
            control.observe(self._update, "value")
        self._update()

    def __repr__(self):
        """What a stored notebook keeps of an explorer."""
        return (
            "An explorer: run this notebook to move the sliders. "
            "The figure above tells the same story without them."
        )

    def choose(self, **settings):
        """Move several controls at once, {name: value}; what they say together is shown once."""
        with _lock:
            self._choosing = True
            try:
                for name, value in settings.items():
                    self.controls[name].value = value
            finally:
                self._choosing = False
                self._update()

    def _play_moved(self, change):
        self.step.value = change.new

    def _update(self, change=None):
        """Show what the controls say."""
        with _lock, torch.no_grad():
            if self._choosing:
                return
            settings = {name: control.value for name, control in self.controls.items()}
            if settings != self._settings:
                self._settings, self._shown = settings, None
                self._settings_changed(settings)
            self.play.value = self.step.value
            if self._view is not None and self.step.value != self._shown:
                self._shown = self.step.value
                self.picture.value = _image(self._view, self.step.value) if self._view.draw else ""
                self.text.value = _live_text(self._view.text(self.step.value))

    def _settings_changed(self, settings):
        try:
            self._view = self._view_of(**settings)
        except ValueError as error:
            self._view = None
            self.picture.value = self.notes.value = self.code.value = ""
            self.text.value = _live_text(f"These settings do not go together: {error}.")
        else:
            if self._view.first is not None:
                self.step.value = self._view.first
            self.play.max = self.step.max = self._view.last
            self.notes.value = "<br>".join(map(html.escape, self._view.notes))
            self.code.value = _code_to_copy(self._view.code)
        self.play.disabled = self.step.disabled = self._view is None or self._view.draw is None


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
    return Explorer(controls, _control("window", range(1, 2), 1), _convolution)


def _convolution(in_channels, out_channels, kernel_size, stride, padding, dilation, groups, **size):
    """The `View` of a convolution."""
    shape = (in_channels, *size.values())
    kernel = (out_channels, max(1, in_channels // groups), *[kernel_size] * len(size))
    input = torch.arange(float(math.prod(shape))).reshape(shape)
    weight = torch.arange(1, math.prod(kernel) + 1).reshape(kernel) / 10
    options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    windows = arithmetic.convolution_windows(input, weight, **options)

    def draw(step, figure):
        return plots.plot_convolution(
            input, weight, **options, steps=[step - 1], sums=False, ax=_edge_to_edge(figure)
        )

    code = f"""input = torch.arange({input.numel()}.0).reshape{shape}
weight = torch.arange(1, {weight.numel() + 1}).reshape{kernel} / 10
output = F.conv{len(size)}d(input, weight, {_arguments(options)})"""
    return _view_of_windows(windows, draw, size, {"kernel_size": kernel_size} | options, code)


def pooling_explorer(dimensions=2, kind="max", **start):
    """Return an `Explorer` of the windows of a pooling of 0, 1, 2, …

    Args:
        dimensions: 1 or 2.
        kind: "max" or "avg". Dilation is for "max" alone, count_include_pad for "avg" alone.
        start: where the controls stand at first, by name. `POOLING` has their names and ranges; in 2-D, size
            stands for rows and columns.

    Raises:
        TypeError, ValueError: there is no such control, or it does not go there.

    >>> explorer = pooling_explorer(size=4)
    >>> print(explorer.text.value)
    <div aria-live="polite">Window 1 of 4: output[0, 0, 0] = max(0, 1, 4, 5) = 5</div>
    """
    _check("kind", kind, ("max", "avg"))
    buttons = ipywidgets.ToggleButtons(options=["max", "avg"], value=kind, description="kind")
    buttons.style.button_width, buttons.layout.display = "56px", "flex"
    controls = {"kind": buttons}
    controls |= _controls(POOLING, dimensions, start, kernel_size=2, stride=2)
    kinds = (controls["kind"], "value")
    ipywidgets.dlink(kinds, (controls["dilation"], "disabled"), lambda kind: kind == "avg")
    ipywidgets.dlink(kinds, (controls["count_include_pad"], "disabled"), lambda kind: kind == "max")
    return Explorer(controls, _control("window", range(1, 2), 1), _pooling)


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

    def draw(step, figure):
        return plots.plot_pooling(
            input, **options, kind=kind, steps=[step - 1], sums=False, ax=_edge_to_edge(figure)
        )

    code = f"""input = torch.arange({input.numel()}.0).reshape{shape}
output = F.{kind}_pool{len(size)}d(
    input, {_arguments(options)}
)"""
    return _view_of_windows(windows, draw, size, options, code)


def _view_of_windows(windows, draw, size, options, code):
    """The `View` of some windows.

    Args:
        windows: a list of `arithmetic.Window`.
        draw: as in `View`.
        size, options: of the input, and of the convolution or pooling, by name.
        code: the lines that compute the output.
    """

    def text(step):
        window = windows[step - 1]
        place = ", ".join(map(str, window.output))
        return f"Window {step} of {len(windows)}: output[{place}] = {window.written_out}"

    names = ("kernel_size", "stride", "padding", "dilation", "ceil_mode")
    geometry = {name: options[name] for name in names if name in options}
    formulas = [arithmetic.output_size_formula(cells, **geometry) for cells in size.values()]
    if len(set(formulas)) == 1:
        notes = (f"Output {' and '.join(size)} = {formulas[0]}",)
    else:
        notes = tuple(f"Output {name} = {formula}" for name, formula in zip(size, formulas))
    ax = draw(1, Figure())  # only to see how many cells wide and high it is
    width, height = (abs(high - low) for low, high in (ax.get_xlim(), ax.get_ylim()))
    cell = min(0.4, 9 / width, 9 / height)  # inches
    code = f"import torch\nimport torch.nn.functional as F\n\n{code}\nprint(output)"
    return View(len(windows), (cell * width, cell * height), draw, text, notes, code)


def _edge_to_edge(figure):
    """New axes that leave no margin."""
    return figure.add_axes((0, 0, 1, 1))


def _arguments(options):
    return ", ".join(f"{name}={value}" for name, value in options.items())


def learning_rate_explorer(x, y, steps=30):
    """Return an `Explorer` of gradient descent: a line w·x + b, fitted with a learning rate from 0.01 to 2.

    Args:
        x, y: the points, lists or tensors of one shape; finite numbers, and not all in one place x.
        steps: how many steps there are, 1 to 1,000.

    Raises:
        TypeError, ValueError: `x` and `y` are no such numbers, or `steps` is out of range.

    >>> explorer = learning_rate_explorer([0.0, 1.0, 2.0], [1.0, 3.0, 5.0])
    >>> print(explorer.notes.value)
    Gradient descent with learning rate 0.1 converges: 0.1 &lt; 2 / largest curvature of the loss = 0.419
    """
    x, y = _points("x", x), _points("y", y)
    if x.shape != y.shape:
        raise ValueError(f"y must have the shape of x, {tuple(x.shape)}, got {tuple(y.shape)}")
    if len(x.unique()) < 2:
        raise ValueError(f"x must hold at least two different numbers, got {x.unique().tolist()}")
    _check("steps", steps, range(1, 1001))
    controls = {
        "learning_rate": ipywidgets.FloatLogSlider(
            value=0.1,
            min=-2,  # 10 to the power of −2
            max=math.log10(2),
            step=0.05,
            description="learning rate",
            readout_format=".3f",
        )
    }

    def view(learning_rate):
        learning_rate = float(f"{learning_rate:.3g}")  # no other than is written below
        path = training.descend(x, y, learning_rate, steps)

        def draw(step, figure):
            figure.set_layout_engine("constrained")
            return plots.plot_descent(x, y, path, step=step, ax=figure.add_subplot())

        def text(step):
            return _descent_text(x, y, step, *path[step])

        notes, code = (_convergence(x, learning_rate),), _descent_code(learning_rate, steps)
        return View(steps, (8, 3.6), draw, text, notes, code)

    return Explorer(controls, _control("step", range(steps + 1), 0), view)


def _descent_text(x, y, step, w, b):
    """Where gradient descent stands at a step, in words."""
    errors = w * x + b - y
    numbers = w, b, (errors**2).mean(), 2 * (errors * x).mean(), 2 * errors.mean()
    w, b, loss, slope_w, slope_b = (f"{number:.4g}".replace("-", "−") for number in numbers)
    return (
        f"Step {step}: w = {w}, b = {b}, loss = {loss}, "
        f"gradient (∂loss/∂w, ∂loss/∂b) = ({slope_w}, {slope_b})"
    )


def _convergence(x, learning_rate):
    """Whether gradient descent on the mean squared error of w·x + b goes to the minimum, in words."""
    x = x.double()
    hessian = 2 * torch.tensor([[(x**2).mean(), x.mean()], [x.mean(), 1.0]])
    limit = 2 / torch.linalg.eigvalsh(hessian)[-1].item()  # the last is the largest
    word, sign = ("converges", "<") if learning_rate < limit else ("does not converge", "≥")
    return (
        f"Gradient descent with learning rate {learning_rate:g} {word}: "
        f"{learning_rate:g} {sign} 2 / largest curvature of the loss = {limit:.3g}"
    )


def _descent_code(learning_rate, steps):
    return f"""import torch

# x and y: the points, two tensors
w = torch.tensor(0.0, requires_grad=True)
b = torch.tensor(0.0, requires_grad=True)
optimizer = torch.optim.SGD([w, b], lr={learning_rate})
for step in range({steps}):
    loss = ((w * x + b - y) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(w.item(), b.item())"""


def confusion_explorer(split, probabilities):
    """Return an `Explorer` of a confusion matrix: press a cell, and see its digits, the most confident first.

    It begins with the most frequent error. `explorer.buttons[label][answer]` is a cell of the matrix.

    Args:
        split: the `data.Split` that the probabilities belong to.
        probabilities: (N, classes), what a model gives each class of each image; each row adds up to 1.

    Raises:
        TypeError, ValueError: `split` is empty, `probabilities` are none, or not as many as images, or a label is not
            one of the classes.

    >>> from mnist_lib.data import Split
    >>> split = Split(torch.rand(3, 1, 28, 28), torch.tensor([0, 1, 1]))
    >>> explorer = confusion_explorer(split, [[0.9, 0.1], [0.8, 0.2], [0.3, 0.7]])
    >>> print(explorer.text.value)
    <div aria-live="polite">Label 1, answer 0: 1 digit. Page 1 of 1: confidence 80.0 %</div>
    """
    from . import metrics  # takes seconds, and no other explorer needs it

    if len(split) == 0:
        raise ValueError("split must hold at least one image, got none")
    probabilities = _probabilities(probabilities, len(split))
    classes = range(probabilities.shape[1])
    confidences, answers = probabilities.max(dim=1)
    images, labels = split.images.cpu(), split.labels.cpu()
    counts = metrics.confusion_matrix(answers, labels, len(classes))
    plain, chosen = _cell_layout("none", 0), _cell_layout("2px solid black", 2)
    buttons = [[_cell(counts, label, answer, plain) for answer in classes] for label in classes]

    def view(label, answer):
        for row in classes:
            for column in classes:
                buttons[row][column].layout = chosen if (row, column) == (label, answer) else plain
        places = ((labels == label) & (answers == answer)).nonzero().flatten()
        places = places[confidences[places].argsort(descending=True, stable=True)]
        return _view_of_cell(counts, label, answer, images[places], confidences[places])

    start = divmod(counts.clone().fill_diagonal_(0).argmax().item(), len(classes))
    controls = {
        name: ipywidgets.Dropdown(options=classes, value=value, description=name)
        for name, value in zip(("label", "answer"), start)
    }
    explorer = Explorer(controls, _control("page", range(1, 2), 1), view)
    explorer.buttons = buttons
    for label in classes:
        for answer in classes:
            press = partial(explorer.choose, label=label, answer=answer)
            buttons[label][answer].on_click(lambda _, press=press: press())
    _put_beside(explorer, _matrix_of(buttons))
    return explorer


def _probabilities(values, count):
    """The values as a float32 tensor (count, classes) on the CPU."""
    try:
        values = torch.as_tensor(values, dtype=torch.float32, device="cpu").detach()
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(f"probabilities must be a tensor of numbers: {error}") from None
    if values.dim() != 2 or len(values) != count:
        expected = f"({count}, classes), a row for each image"
        raise ValueError(f"probabilities must be {expected}, got {tuple(values.shape)}")
    if not (values >= 0).all() or ((values.sum(dim=1) - 1).abs() > 0.01).any():
        raise ValueError(
            "probabilities must be from 0 to 1 and add up to 1 in each row, as logits.softmax(dim=1) does"
        )
    return values


def _cell(counts, label, answer, layout):
    """A button with a count: blue for right answers, orange for errors, the darker the more; black stays readable."""
    count, right = counts[label, answer].item(), label == answer
    most = (counts.diagonal() if right else counts.clone().fill_diagonal_(0)).max().item()
    colours = colormaps["Blues" if right else "Oranges"]
    colour = to_hex(colours(0.15 + 0.45 * count / most)) if count else "#f7f7f7"
    button = ipywidgets.Button(description=str(count), layout=layout)
    button.tooltip = f"label {label}, answer {answer}: {_digits(count)}"
    button.style.button_color = colour
    button.style.text_color = "black" if count else "#666666"  # ipywidgets 7 leaves it black
    return button


def _cell_layout(border, edge):
    """The layout of a cell with a border of so many pixels, drawn around it: the number stays where it is."""
    width, height, margin = f"{42 + 2 * edge}px", f"{28 + 2 * edge}px", f"{-edge}px"
    return ipywidgets.Layout(width=width, height=height, margin=margin, padding="0", border=border)


def _digits(count):
    return "1 digit" if count == 1 else f"{count or 'no'} digits"


def _matrix_of(buttons):
    """A grid of the buttons, with its rows and columns named."""

    def words(text, **layout):
        layout = ipywidgets.Layout(margin="0", **layout)
        return ipywidgets.HTML(f'<div style="text-align: center">{text}</div>', layout=layout)

    size = len(buttons)
    upright = '<span style="writing-mode: vertical-rl; transform: rotate(180deg)">label</span>'
    parts = [
        words("", grid_area="1 / 1 / 3 / 3"),
        words("answer", grid_area=f"1 / 3 / 2 / {3 + size}"),
        words(upright, grid_area=f"3 / 1 / {3 + size} / 2", align_self="center"),
        *map(words, range(size)),
    ]
    for label, row in enumerate(buttons):
        parts += [words(label), *row]
    columns = f"20px 20px repeat({size}, 42px)"
    layout = ipywidgets.Layout(grid_template_columns=columns, grid_gap="2px", margin="0")
    return ipywidgets.GridBox(parts, layout=layout)


def _put_beside(explorer, matrix):
    """Show a matrix on the left of what an explorer shows, or above where there is no room."""
    settings, steps, picture, text, notes, code = explorer.children
    legend = ipywidgets.HTML("Blue: right answers. Orange: errors. The darker, the more.")
    left = ipywidgets.VBox([matrix, legend])
    right = ipywidgets.VBox([steps, text, picture], layout=ipywidgets.Layout(flex="1 1 440px"))
    layout = ipywidgets.Layout(flex_flow="row wrap", grid_gap="0 24px")
    explorer.children = [settings, ipywidgets.HBox([left, right], layout=layout), notes, code]


def _view_of_cell(counts, label, answer, images, confidences):
    """The `View` of the digits in a cell of a confusion matrix, the most confident first, 15 to a page."""
    count, a_row, a_page = len(images), 5, 15
    last, rows = max(1, math.ceil(count / a_page)), math.ceil(min(count, a_page) / a_row)
    percent = [f"{100 * confidence:.1f} %" for confidence in confidences.tolist()]
    name = f"Label {label}, answer {answer}"

    def draw(page, figure):
        part = slice(a_page * (page - 1), a_page * page)
        ax = plots.plot_digits(images[part], percent[part], a_row, ax=_edge_to_edge(figure))
        ax.set(xlim=(-1, 30 * a_row - 1), ylim=(36 * rows - 1, -1))  # as if the page were full
        return plots.describe(ax, f"{name}, page {page} of {last}: {ax.description}")

    def text(page):
        if count == 0:
            return f"{name}: no digit has this label and got this answer"
        shown = percent[a_page * (page - 1) : a_page * page]
        span = shown[0] if shown[0] == shown[-1] else f"{shown[0]} to {shown[-1]}"
        return f"{name}: {_digits(count)}. Page {page} of {last}: confidence {span}"

    of_label, of_answer = counts[label].sum().item(), counts[:, answer].sum().item()
    notes = (
        f"{count} of {of_label} digits with label {label} got the answer {answer}",
        f"{count} of {of_answer} digits that got the answer {answer} have the label {label}",
    )
    code = f"""# split: images and labels. probabilities: a row for each image
confidences, answers = probabilities.max(dim=1)
places = ((split.labels == {label}) & (answers == {answer})).nonzero().flatten()
places = places[confidences[places].argsort(descending=True, stable=True)]
images = split.images[places]
print(places, confidences[places])"""
    return View(last, (4.5, 1.08 * rows), draw if count else None, text, notes, code, first=1)


def _points(name, values):
    """The values as a float32 tensor on the CPU."""
    try:
        points = torch.as_tensor(values, dtype=torch.float32, device="cpu").detach()
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(f"{name} must be a tensor or a list of numbers: {error}") from None
    if not points.isfinite().all():
        raise ValueError(f"{name} must hold finite numbers, got {values!r:.60}")
    return points


def _controls(ranges, dimensions, start, **usual):
    """A control for each name, where `start` puts it, or else where it usually stands.

    Raises:
        TypeError, ValueError: `start` has another name, or a value that is out of range.
    """
    _check("dimensions", dimensions, (1, 2))
    ranges, usual = ranges[dimensions], {"size": 16, "rows": 6, "columns": 6} | usual
    if dimensions == 2 and "size" in start:
        size = start.pop("size")
        _check("size", size, ranges["rows"])
        start = {"rows": size, "columns": size} | start
    for name in start:
        if name not in ranges:
            raise TypeError(f"a start value must be one of {', '.join(ranges)}; got {name!r}")
    for name, value in start.items():
        _check(name, value, ranges[name])
    chosen = {name: allowed[0] for name, allowed in ranges.items()} | usual | start
    return {name: _control(name, allowed, chosen[name]) for name, allowed in ranges.items()}


def _check(name, value, allowed):
    """Raise an error if the value is not one of the allowed ones, a range or a tuple."""
    if isinstance(allowed, range):
        kind, expected = Integral, f"a whole number from {allowed[0]} to {allowed[-1]}"
    else:
        kind, expected = type(allowed[0]), " or ".join(map(repr, allowed))
    if not isinstance(value, kind) or isinstance(value, bool) != (kind is bool):
        raise TypeError(f"{name} must be {expected}, got {value!r}")
    if value not in allowed:
        raise ValueError(f"{name} must be {expected}, got {value!r}")


def _control(name, allowed, value):
    """A slider for a range, a check box for truth values."""
    if not isinstance(allowed, range):
        return ipywidgets.Checkbox(value=value, description=name)
    return ipywidgets.IntSlider(value, min=allowed[0], max=allowed[-1], description=name)


def _image(view, step):
    """HTML with the picture of a step. The figure is not one of pyplot's: a notebook would show those once more."""
    with plots.style():
        figure = Figure(view.figure_size, dpi=2 * PIXELS_PER_INCH, facecolor="white", layout="none")
        ax = view.draw(step, figure)
        file = io.BytesIO()
        FigureCanvasAgg(figure).print_png(file)
    width, height = (round(PIXELS_PER_INCH * inches) for inches in view.figure_size)
    return (
        f'<img alt="{html.escape(ax.description)}" width="{width}" height="{height}" '
        'style="display: block; max-width: 100%; height: auto" decoding="sync" '
        f'src="data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}">'
    )


def _live_text(text):
    """HTML that a screen reader reads out when it changes."""
    return f'<div aria-live="polite">{html.escape(text)}</div>'


def _code_to_copy(code):
    """HTML of code that one click selects."""
    style = "user-select: all; white-space: pre-wrap; line-height: 1.4"
    return f'<pre style="{style}" tabindex="0" aria-label="PyTorch code">{html.escape(code)}</pre>'
