"""A pad to draw digits on, and what models make of them as one draws."""

from functools import partial

import ipywidgets
import torch

from .. import plots
from ..strokes import draw, prepare
from .bars import ABOVE, ASK, add_axes_in_inches, ask, draw_bars, draw_image, in_words
from .canvas import TOUCHED, Canvas, as_lists
from .explorer import Explorer, View, make_control

PREPARED, SQUEEZED = "as MNIST's digits", "squeezed to 28×28"
PART = (1.9, 2.4)  # inches, the picture of the image or of the bars of one model
EMPTY = "Nothing is drawn yet"
NOTES = (
    "Draw one digit, 0 to 9. The small picture is all that the networks see of your drawing.",
    "Each group of bars is one network. Its blue bar, the longest, is its guess: the longer, the surer. "
    "It can be sure and still be wrong.",
    "In the list called image, choose how the small picture is made.",
    f"{PREPARED}: as large, in the same place and with the same pen as the digits that the networks learned from.",
    f"{SQUEEZED}: the whole black square, made small, with your pen.",
)


class DrawingPad(Explorer):
    """A pad to draw digits on with mouse, pen or finger: models say as one draws which digit they see.

    Without a pointer, an example is chosen or a photograph is uploaded: its strokes are then on the pad.

    Args:
        models: {name: model} of at least one, each for images (N, 1, 28, 28), on any device.
        examples: {name: strokes}, drawings that can be chosen; see `strokes.check_strokes`. Or None.

    >>> classifier = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
    >>> pad = DrawingPad({"softmax classifier": classifier})
    >>> pad.canvas.strokes = [[(0.5, 0.2), (0.5, 0.8)]]  # as the mouse does
    >>> list(pad.answers), pad.image.shape
    (['softmax classifier'], torch.Size([1, 28, 28]))
    """

    stored = "A pad to draw digits on: run this notebook to draw. "
    stored += "The figures around it tell the same story without it."

    def __init__(self, models, examples=None):
        ask(models, torch.zeros(1, 28, 28))  # or say why not
        examples = {name: as_lists(strokes) for name, strokes in (examples or {}).items()}
        instead = "choose an example or upload a photograph" if examples else "upload a photograph"
        words = "Drawing pad: draw a digit with the mouse, a pen or a finger."
        canvas = Canvas(words=f"{words} Without them, {instead} below.")
        self.models, self.canvas, self._examples = models, canvas, examples
        controls = {
            "pen": make_control("pen (%)", range(2, 9), round(100 * canvas.pen)),
            "preparation": ipywidgets.Dropdown(options=[PREPARED, SQUEEZED], description="image"),
        }
        options = [("choose one", ""), *((name, name) for name in examples)]
        self._example = ipywidgets.Dropdown(options=options, description="example")
        if examples:
            controls["example"] = self._example
        super().__init__(controls, self._make_view)
        for control in list(self.controls.values())[1:]:
            control.layout.height = TOUCHED
        settings = self.children[0]
        settings.layout.align_items = "center"
        right = ipywidgets.VBox([self.text, self.picture, settings])
        right.layout.flex, right.layout.min_width = "1 1 300px", "0"
        row = ipywidgets.Layout(flex_flow="row wrap", grid_gap="4px 16px")
        self.children = (ipywidgets.Box([canvas, right], layout=row), self.notes, self.code)
        ipywidgets.dlink((controls["pen"], "value"), (canvas, "pen"), lambda percent: percent / 100)
        canvas.observe(self._strokes_changed, "strokes")
        canvas.observe(self._problem_changed, "problem")
        self._example.observe(self._take_example, "value")

    @property
    def strokes(self):
        """A copy of the drawing: a list of strokes, lists of points [x, y], in units of the pad's width."""
        return [[[x, y] for x, y in stroke] for stroke in self.canvas.strokes]

    @property
    def image(self):
        """What the models get: a float32 tensor (1, 28, 28) in [0, 1], or None if nothing is drawn."""
        return _make_image(**self._settings_now())

    @property
    def probabilities(self):
        """{name: probabilities (10,), on the CPU} of all models for the image, or {} if nothing is drawn."""
        return ask(self.models, self.image)

    @property
    def answers(self):
        """{name: the most probable digit} of all models, or {} if nothing is drawn."""
        return {name: values.argmax().item() for name, values in self.probabilities.items()}

    def undo(self):
        """Take back the last stroke, as the button does."""
        self.canvas.strokes = self.strokes[:-1]

    def clear(self):
        """Take back all strokes, as the button does."""
        self.canvas.strokes = []

    def _settings_now(self):
        pen, preparation = (self.controls[name].value for name in ("pen", "preparation"))
        return {"strokes": self.strokes, "pen": pen / 100, "preparation": preparation}

    def _make_view(self, strokes, pen, preparation):
        image = _make_image(strokes, pen, preparation)
        given = ask(self.models, image)
        shown = given or dict.fromkeys(self.models, torch.zeros(10))
        parts = [partial(_draw_image, torch.zeros(1, 28, 28) if image is None else image)]
        parts += [partial(_draw_model, *answer) for answer in shown.items()]
        text = in_words(given) or EMPTY
        return View(0, PART, tuple(parts), lambda step: text, NOTES, _code(preparation, pen))

    def _strokes_changed(self, change):
        if change.new != self._examples.get(self._example.value):
            self._example.value = ""  # so that it can be chosen again
        self._update()

    def _take_example(self, change):
        if change.new:
            self.canvas.strokes = self._examples[change.new]

    def _problem_changed(self, change):
        if change.new:
            self._say(change.new)
        else:  # it is settled: back to the answers
            self._shown = None
            self._update()


def _make_image(strokes, pen, preparation):
    """What the models get of a drawing: (1, 28, 28), or None if there is no ink on the pad."""
    if not strokes:
        return None
    image = prepare(strokes) if preparation == PREPARED else draw(strokes, pen)
    return image if image.any() else None  # all of it may lie beside the pad


def _draw_image(image, step, figure):
    ax = add_axes_in_inches(figure, PART[1])
    ax.text(0.1, ABOVE - 0.08, "What they see:\n28×28 pixels", va="bottom", linespacing=1.1)
    draw_image(ax, image, left=0.1)
    ink = (image > 0.5).sum().item()
    words = f"The image that the models get: {ink} of its 784 pixels are more white than black."
    return plots.describe(ax, words)


def _draw_model(name, values, step, figure):
    ax = add_axes_in_inches(figure, PART[1])
    draw_bars(ax, {name: values}, left=0.3, across=PART[0] - 0.1)
    percent = ", ".join(f"{100 * value:.0f}" for value in values.tolist())
    return plots.describe(ax, f"{in_words({name: values})}: bars for 0 to 9, {percent} %.")


def _code(preparation, pen):
    prepared = preparation == PREPARED
    return f"""import torch
from mnist_lib.strokes import {"prepare" if prepared else "draw"}

# pad: the drawing pad, with strokes on it. models: {{name: model}}
image = {"prepare(pad.strokes)" if prepared else f"draw(pad.strokes, pen={pen})"}  # (1, 28, 28)
{ASK.format(images="image.unsqueeze(0)")}"""
