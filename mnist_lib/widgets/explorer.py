"""What all explorers are made of: controls, and below them a picture and words that follow."""

import base64
import html
import io
import threading
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import anywidget
import ipywidgets
import torch
import traitlets
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from .. import plots
from ..machinery.checks import integer

PIXELS_PER_INCH = 110  # of the screen
NARROWEST = 120  # pixels, a picture of several
CODE = '<pre tabindex="0" aria-label="PyTorch code" '  # one click selects all of it
CODE += 'style="user-select: all; white-space: pre-wrap; line-height: 1.4">{}</pre>'
# A kernel may run widgets in threads: one change of an explorer at a time.
_lock = threading.RLock()


class View(NamedTuple):
    """What an explorer shows for one choice of settings.

    `draw` is a function (step, figure) that draws the step into an empty figure and returns the axes, described; or a
    tuple of such functions, for pictures of one size that stand side by side where there is room; or None, if there is
    nothing to draw. A `View` with limits has to be that of settings within them, even if some were beyond.
    """

    last: int  # the number of the last step
    figure_size: tuple  # width and height in inches
    draw: Callable | tuple | None
    text: Callable  # (step): what happens in it, in words
    notes: tuple  # sentences that hold for all steps
    code: str  # PyTorch code that computes the same
    first: int | None = None  # the step to begin with; None: it stays where the slider is
    limits: dict | None = None  # how far controls go with these settings, {name: highest value}


class Explorer(ipywidgets.VBox):
    """Sliders, and below them a picture and words that follow them.

    `explorer.controls["stride"].value = 2` does what the mouse does. `step` and `play` are the slider of the steps and
    the button that moves it; `picture`, `text`, `notes` and `code` are what is shown, HTML widgets.

    Args:
        controls: the settings, {name: widget with a value}.
        view: a function of the settings that returns a `View`, or raises a ValueError that says why there is none.
        steps: what the steps are called, such as "window"; or None if the only step is the first.
        first: the number of the first step.
    """

    # What a stored notebook keeps of it.
    stored = "An explorer: run this notebook to move the sliders. "
    stored += "The figure above tells the same story without them."

    def __init__(self, controls, view, steps=None, first=0):
        self.controls, self._view_of = controls, view
        self.step = step = make_control(steps or "step", range(first, first + 1), first)
        self.play = ipywidgets.Play(min=first, value=first, interval=800)
        self.picture, self.text, self.notes, self.code = (ipywidgets.HTML() for _ in range(4))
        self._settings = self._view = self._shown = None
        self._choosing = False
        as_many_as_fit = "repeat(auto-fit, minmax(250px, 1fr))"
        grid = ipywidgets.Layout(grid_template_columns=as_many_as_fit, grid_gap="0 16px")
        settings = ipywidgets.GridBox(list(controls.values()), layout=grid)
        moves = ipywidgets.HBox([self.play, step], layout=ipywidgets.Layout(margin="8px 0"))
        if steps is None:
            moves.layout.display = "none"
        for control in (*controls.values(), step):
            control.layout.width = "auto"
            control.style.description_width = "90px"
            control.tooltip = control.description  # ipywidgets 8 would say "null"
            control.observe(self._update, "value")
        step.layout.flex = "0 1 500px"
        parts = [settings, moves, self.picture, self.text, self.notes, self.code]
        super().__init__(parts, layout=ipywidgets.Layout(max_width="1000px"))
        self.play.observe(lambda change: step.set_trait("value", change.new), "value")
        self._update()

    def __repr__(self):
        return self.stored

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

    def _update(self, change=None):
        """Show what the controls say."""
        with _lock, torch.no_grad():
            if self._choosing:
                return
            settings = self._settings_now()
            if settings != self._settings:
                self._settings, self._shown = settings, None
                self._settings_changed(settings)
            self.play.value = self.step.value
            if self._view is not None and self.step.value != self._shown:
                self._shown = self.step.value
                self.picture.value = _image(self._view, self.step.value) if self._view.draw else ""
                self._say(self._view.text(self.step.value))

    def _settings_now(self):
        """What the view is of, {name: value}."""
        return {name: control.value for name, control in self.controls.items()}

    def _settings_changed(self, settings):
        try:
            self._view = self._view_of(**settings)
        except ValueError as error:
            self._view = None
            self.picture.value = self.notes.value = self.code.value = ""
            self._say(f"These settings do not go together: {error}.")
        else:
            for name, last in (self._view.limits or {}).items():
                self.controls[name].max = last  # one that was beyond moves, and that is shown
            if self._view.first is not None:
                self.step.value = self._view.first
            self.play.max = self.step.max = self._view.last
            self.notes.value = "<br>".join(map(html.escape, self._view.notes))
            self.code.value = CODE.format(html.escape(self._view.code))
        self.play.disabled = self.step.disabled = self._view is None or self._view.draw is None

    def _say(self, text):
        """Show a text that a screen reader reads out, too."""
        self.text.value = f'<div aria-live="polite">{html.escape(text)}</div>'


def make_control(name, allowed, value):
    """A slider for a range, a check box for truth values."""
    if not isinstance(allowed, range):
        return ipywidgets.Checkbox(value=value, description=name)
    low, high = allowed[0], allowed[-1]
    value = integer(name, value, low, high)  # a slider would take 99 for its highest value
    return ipywidgets.IntSlider(value, min=low, max=high, description=name)


def choose_digit(split):
    """A field for the number of an image of a split, of which there must be one."""
    if len(split) == 0:
        raise ValueError("split must hold at least one image, got none")
    return ipywidgets.BoundedIntText(0, min=0, max=len(split) - 1, description="digit")


class ArrowKeys(anywidget.AnyWidget):
    """A box with words in it: the arrow keys move a place (x, y) within its limits, while the box has the focus."""

    _esm = Path(__file__).with_name("arrow_keys.js")
    _css = Path(__file__).with_name("arrow_keys.css")
    x = traitlets.Int(0).tag(sync=True)  # ArrowRight adds 1
    y = traitlets.Int(0).tag(sync=True)  # ArrowDown adds 1
    left = traitlets.Int(0).tag(sync=True)  # the lowest x
    right = traitlets.Int(0).tag(sync=True)
    top = traitlets.Int(0).tag(sync=True)  # the lowest y
    bottom = traitlets.Int(0).tag(sync=True)
    words = traitlets.Unicode().tag(sync=True)


def add_arrow_keys(explorer, across, down, words):
    """Put a box with some words above the picture of an explorer; it becomes the explorer's `arrow_keys`.

    In it, ArrowRight and ArrowDown increase the controls with the names `across` and `down`.
    """
    keys = explorer.arrow_keys = ArrowKeys(words=words)
    for name, place, low, high in ((across, "x", "left", "right"), (down, "y", "top", "bottom")):
        control = explorer.controls[name]
        for of_control, of_keys in (("min", low), ("max", high), ("value", place)):
            ipywidgets.dlink((control, of_control), (keys, of_keys))
        ipywidgets.dlink((keys, place), (control, "value"))  # no further than the slider goes
        control.unobserve(explorer._update, "value")  # and again, as the last:
        control.observe(explorer._update, "value")  # the box knows the place before it is said
    place = explorer.children.index(explorer.picture)
    explorer.children = (*explorer.children[:place], keys, *explorer.children[place:])


def _image(view, step):
    """HTML with the picture of a step. The figure is not one of pyplot's: a notebook would show those once more."""
    if isinstance(view.draw, tuple):
        parts = "".join(_image(view._replace(draw=draw), step) for draw in view.draw)
        columns = f"repeat(auto-fit, minmax({NARROWEST}px, 1fr))"
        style = f"display: grid; grid-template-columns: {columns}; gap: 4px"
        return f'<div style="{style}">{parts}</div>'
    with plots.style():
        figure = Figure(view.figure_size, dpi=2 * PIXELS_PER_INCH, layout="none")
        ax = view.draw(step, figure)
        file = io.BytesIO()
        FigureCanvasAgg(figure).print_png(file, pil_kwargs={"compress_level": 1})  # 5 times faster
    width, height = (round(PIXELS_PER_INCH * inches) for inches in view.figure_size)
    return (
        f'<img alt="{html.escape(ax.description)}" width="{width}" height="{height}" '
        'style="display: block; max-width: 100%; height: auto" decoding="sync" '
        f'src="data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}">'
    )
