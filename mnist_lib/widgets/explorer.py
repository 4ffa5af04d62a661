"""What all explorers are made of: controls, and below them a picture and words that follow."""

import base64
import html
import io
import threading
from collections.abc import Callable
from typing import NamedTuple

import ipywidgets
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from .. import plots
from ..machinery.checks import integer
from .arrow_keys import ArrowKeys

PIXELS_PER_INCH = 110  # of the screen
NARROWEST = 120  # pixels, a picture of several
CODE = (  # one click selects all of it
    '<pre style="user-select: all; white-space: pre-wrap; line-height: 1.4" tabindex="0" '
    'aria-label="PyTorch code">{}</pre>'
)
# A kernel may run widgets in threads: one change of an explorer at a time.
_lock = threading.RLock()


class View(NamedTuple):
    """What an explorer shows for one choice of settings.

    Attributes:
        last: the number of the last step.
        figure_size: width and height in inches.
        draw: a function (step, figure) that draws the step into an empty figure and returns the axes, described; or
            a tuple of such functions, for pictures of one size that stand side by side where there is room; or None,
            if there is nothing to draw.
        text: a function (step) that says in words what happens in the step.
        notes: what holds for all steps, a tuple of sentences.
        code: PyTorch code that computes the same.
        first: the step to begin with, or None to stay where the slider is.
        limits: how far controls go with these settings, {name: highest value}. The `View` has to be that of settings
            within the limits, even if some were beyond.
    """

    last: int
    figure_size: tuple
    draw: Callable
    text: Callable
    notes: tuple
    code: str
    first: int | None = None
    limits: dict | None = None


class Explorer(ipywidgets.VBox):
    """Sliders, and below them a picture and words that follow them.

    Args:
        controls: the settings, {name: widget with a value}.
        view: a function of the settings that returns a `View`, or raises a ValueError that says why there is none.
        steps: what the steps are called, such as "window"; or None if the only step is the first.
        first: the number of the first step.

    Attributes:
        controls: as above; `explorer.controls["stride"].value = 2` does what the mouse does.
        step, play: the slider of the steps, and the play button that moves it.
        picture, text, notes, code: what is shown, HTML widgets.
    """

    stored = (  # what a stored notebook keeps of it
        "An explorer: run this notebook to move the sliders. "
        "The figure above tells the same story without them."
    )

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
        step.layout.flex = "0 1 500px"
        parts = [settings, moves, self.picture, self.text, self.notes, self.code]
        super().__init__(parts, layout=ipywidgets.Layout(max_width="1000px"))
        self.play.observe(lambda change: step.set_trait("value", change.new), "value")
        for control in (*controls.values(), step):
            control.observe(self._update, "value")
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


def add_arrow_keys(explorer, across, down, words):
    """Put a box with some words above the picture of an explorer; it becomes the explorer's `arrow_keys`.

    In it, ArrowRight and ArrowDown increase the controls with the names `across` and `down`.
    """
    keys = explorer.arrow_keys = ArrowKeys(words=words)
    sides = {"x": (across, "left", "right"), "y": (down, "top", "bottom")}
    for place, (name, low, high) in sides.items():
        control = explorer.controls[name]
        ipywidgets.dlink((control, "min"), (keys, low))
        ipywidgets.dlink((control, "max"), (keys, high))
        ipywidgets.dlink((control, "value"), (keys, place))
        ipywidgets.dlink((keys, place), (control, "value"))  # no further than the slider goes
        control.unobserve(explorer._update, "value")
        control.observe(
            explorer._update, "value"
        )  # last: the box knows the place before it is said
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
