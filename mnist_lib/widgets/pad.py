"""A pad to draw digits on, and what models make of them as one draws."""

import ipywidgets
import torch

from .. import plots, training
from ..machinery.tracing import read_photo, trace
from ..strokes import check_strokes, draw, fit_to_box, prepare
from .bars import A_BAR, ABOVE, answers_of, check_models, draw_bars, draw_image, inches
from .explorer import Explorer, View, edge_to_edge, live_text, make_control, needed_by

PREPARED, SQUEEZED = "as MNIST's digits", "squeezed to 28×28"
PART = (1.9, 2.4)  # inches, the picture of the image or of the bars of one model
TOUCHED = "44px"  # how high a button has to be for a finger
PHOTO = 0.8  # of the pad's width, the longer side of what was found in a photograph
EMPTY = "Nothing is drawn yet"
NOTES = (
    "The image is what all models get. It is made of the strokes, in one of two ways",
    f"{PREPARED}: as large, as thick and in the same place; the width of your pen makes no difference",
    f"{SQUEEZED}: the whole pad, with your pen",
    "Blue: the most probable digit. Orange: the others. A grey bar is 100 % long",
)


class DrawingPad(Explorer):
    """A pad to draw digits on with mouse, pen or finger, and what models make of the drawing.

    Without a pointer, an example is chosen or a photograph is uploaded: its strokes are then on the pad.

    Attributes:
        canvas: the pad itself, a widget. `canvas.strokes` is the drawing and may be set; `canvas.words` is what a
            screen reader says of it.
        controls: {name: widget} for the width of the pen in percent of the pad, for the way the image is made, and
            for the examples, if there are any.
        models: {name: model}, as it was given.
        picture, text, notes, code: what is shown, HTML widgets.
    """

    def __init__(self, models, examples, canvas):
        self.models, self.canvas, self._examples = models, canvas, examples
        controls = {
            "pen": make_control("pen (%)", range(2, 9), round(100 * canvas.pen)),
            "preparation": ipywidgets.Dropdown(options=[PREPARED, SQUEEZED], description="image"),
        }
        if examples:
            options = [("choose one", ""), *((name, name) for name in examples)]
            controls["example"] = ipywidgets.Dropdown(options=options, description="example")
        super().__init__(controls, None, self._make_view)
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
        canvas.observe(self._say_problem, "problem")
        canvas.on_msg(self._take_message)
        if examples:
            controls["example"].observe(self._take_example, "value")

    def __repr__(self):
        """What a stored notebook keeps of a pad."""
        return (
            "A pad to draw digits on: run this notebook to draw. "
            "The figure above tells the same story without it."
        )

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
        return _ask(self.models, self.image)

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
        controls = self.controls
        made = {"pen": controls["pen"].value / 100, "preparation": controls["preparation"].value}
        return {"strokes": self.strokes, **made}

    def _make_view(self, strokes, pen, preparation):
        image = _make_image(strokes, pen, preparation)
        text, draw = _show(self.models, image)
        return View(0, PART, draw, lambda step: text, NOTES, _code(preparation, pen))

    def _strokes_changed(self, change):
        example = self.controls.get("example")
        if example is not None and change.new != self._examples.get(example.value):
            example.value = ""  # so that it can be chosen again
        self._update()

    def _take_example(self, change):
        if change.new:
            self.canvas.strokes = self._examples[change.new]

    def _take_message(self, canvas, message, files):
        if files:
            name = message.get("name") if isinstance(message, dict) else None
            self.take_photo(name or "The file", bytes(files[0]))

    def take_photo(self, name, content):
        """Put the strokes of a photographed digit on the pad, or say in words why not: then the drawing stays.

        Args:
            name: what the file is called.
            content: the bytes of the file.
        """
        try:
            strokes = trace(read_photo(content))
        except ValueError:
            self._say(f"{name} is not a picture that can be read. The drawing is as it was.")
            return
        if not strokes:
            self._say(f"No digit was found in {name}. The drawing is as it was.")
            return
        self.canvas.strokes = fit_to_box(strokes, self.canvas.pen, PHOTO)
        self._shown = None  # an earlier message goes, even if the drawing is the same
        self._update()

    def _say_problem(self, change):
        if change.new:
            self._say(f"What was drawn could not be taken: {change.new}.")

    def _say(self, text):
        self.text.value = live_text(text)


def drawing_pad(models, examples=None):
    """Return a `DrawingPad`: one draws a digit, and models say as one draws which digit they see.

    Args:
        models: {name: model} of at least one, each for images (N, 1, 28, 28), on any device.
        examples: {name: strokes}, drawings that can be chosen; see `strokes.check_strokes`. Or None.

    Raises:
        TypeError: `models` is no dict of nn.Modules, or `examples` no dict of drawings.
        ValueError: `models` is empty, a model does not give 10 logits, or an example is empty or no drawing.
        ModuleNotFoundError: a package is missing; the message says how to install it.

    >>> from torch import nn
    >>> classifier = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
    >>> _ = nn.init.zeros_(classifier[1].weight), nn.init.eye_(classifier[1].bias[:, None])
    >>> pad = drawing_pad({"softmax classifier": classifier})
    >>> pad.canvas.strokes = [[(0.5, 0.2), (0.5, 0.8)]]  # as the mouse does
    >>> pad.answers, pad.image.shape
    ({'softmax classifier': 0}, torch.Size([1, 28, 28]))
    >>> print(pad.text.value)
    <div aria-live="polite">softmax classifier 0 (23 %)</div>
    """
    check_models(models)
    _check_answers(models)
    _check_examples(examples)
    with needed_by("the drawing pad needs"):
        from .canvas import Canvas, as_lists  # other explorers do without its package
    examples = {name: as_lists(strokes) for name, strokes in (examples or {}).items()}
    instead = "choose an example or upload a photograph" if examples else "upload a photograph"
    layout = ipywidgets.Layout(width="324px", max_width="100%", min_width="0")
    words = "Drawing pad: draw a digit with the mouse, a pen or a finger."
    canvas = Canvas(words=f"{words} Without them, {instead} below.", layout=layout)
    return DrawingPad(models, examples, canvas)


def _check_answers(models):
    """Raise an error unless each model gives 10 probabilities for an image."""
    for name, model in models.items():
        shape = tuple(training.predict(model, torch.zeros(1, 1, 28, 28)).shape)
        if shape != (1, 10):
            expected = f"models[{name!r}] must return logits (N, 10)"
            raise ValueError(f"{expected}, got {shape} for one image (1, 1, 28, 28)")


def _check_examples(examples):
    """Raise an error unless `examples` is {name: strokes}, or None."""
    if not isinstance(examples, dict | None) or not all(
        isinstance(name, str) and name for name in examples or {}
    ):
        raise TypeError(f"examples must be a dict {{name: strokes}}, got {examples!r:.60}")
    for name, strokes in (examples or {}).items():
        try:
            drawn = check_strokes(strokes)
        except (TypeError, ValueError) as error:
            raise type(error)(f"examples[{name!r}]: {error}") from None
        if not drawn:
            raise ValueError(f"examples[{name!r}] must hold at least one stroke, got none")


def _make_image(strokes, pen, preparation):
    """What the models get of a drawing: (1, 28, 28), or None if there is no ink on the pad."""
    if not strokes:
        return None
    image = prepare(strokes) if preparation == PREPARED else draw(strokes, pen)
    return image if image.any() else None  # all of it may lie beside the pad


def _ask(models, image):
    """{name: probabilities (10,), on the CPU} for an image, or {} if there is none."""
    if image is None:
        return {}
    return {name: training.predict(model, image[None])[0].cpu() for name, model in models.items()}


def _show(models, image):
    """A sentence on what models make of an image or None, and functions that draw it and the bars of each model."""
    given = _ask(models, image)
    answers = answers_of(given) or dict.fromkeys(models, "–")
    said = ", ".join(f"{name} {answer}" for name, answer in answers.items())
    parts = [_draw_image(image)]
    parts += [_draw_model(name, given.get(name), answers[name]) for name in models]
    return said if given else EMPTY, tuple(parts)


def _draw_image(image):
    """A function (step, figure) that draws what the models get, or a black square."""
    shown = torch.zeros(1, 28, 28) if image is None else image

    def draw_part(step, figure):
        ax = edge_to_edge(figure)
        inches(ax, *PART)
        ax.text(0.1, ABOVE - 0.08, "The image:\n28×28 pixels", va="bottom", linespacing=1.1)
        draw_image(ax, shown, 0.1, ABOVE, 10 * A_BAR)
        ink = (shown > 0.5).sum().item()
        words = f"The image that the models get: {ink} of its 784 pixels are more white than black."
        return plots.describe(ax, words)

    return draw_part


def _draw_model(name, values, answer):
    """A function (step, figure) that draws the bars of one model; `values` are its probabilities, or None."""
    shown = torch.zeros(10) if values is None else values

    def draw_part(step, figure):
        ax = edge_to_edge(figure)
        inches(ax, *PART)
        blue = {name: shown.argmax().item()}
        draw_bars(ax, {name: shown}, {name: answer}, blue, 0.3, PART[0] - 0.1)
        percent = ", ".join(f"{100 * value:.0f}" for value in shown.tolist())
        return plots.describe(ax, f"{name} {answer}: bars for 0 to 9, {percent} %.")

    return draw_part


def _code(preparation, pen):
    """The code for what the picture shows."""
    prepared = preparation == PREPARED
    return f"""import torch
from mnist_lib.strokes import {"prepare" if prepared else "draw"}

# pad: the drawing pad, with strokes on it. models: {{name: model}}
image = {"prepare(pad.strokes)" if prepared else f"draw(pad.strokes, pen={pen})"}  # (1, 28, 28)
for name, model in models.items():
    device = next(model.parameters()).device
    with torch.no_grad():
        logits = model.eval()(image.unsqueeze(0).to(device))  # (1, 10)
    probabilities = logits.softmax(dim=1)
    print(name, probabilities.argmax().item(), probabilities.max().item())"""
