"""What one draws on: strokes that the page and Python share."""

from pathlib import Path

import anywidget
import ipywidgets
import numpy as np
import traitlets

from ..machinery.tracing import read_photo, trace
from ..strokes import check_strokes, fit_to_box

TOUCHED = "44px"  # how high a button has to be for a finger
PHOTO = 0.8  # of the pad's width, the longer side of what was found in a photograph


def as_lists(strokes):
    """A drawing as lists of [x, y], with four decimals. Raises the errors of `strokes.check_strokes`."""
    return [np.round(stroke, 4).tolist() for stroke in check_strokes(strokes)]


class Strokes(traitlets.TraitType):
    """A drawing, kept as lists."""

    default_value = ()

    def validate(self, widget, value):
        """The drawing as `as_lists` makes it."""
        return as_lists(value)


class Canvas(anywidget.AnyWidget):
    """A square to draw on with mouse, pen or finger, and the buttons Undo, Clear and Upload.

    The page sends a photograph as a message {"name": …} with the bytes of the file, scaled down (a server lets no more
    than 10 MB through).
    """

    _esm = Path(__file__).with_name("canvas.js")
    _css = Path(__file__).with_name("canvas.css")
    strokes = Strokes().tag(sync=True)  # lists of points [x, y], in units of the square's width
    pen = traitlets.Float(0.05, min=0.001, max=1).tag(sync=True)  # its width in the same unit
    words = traitlets.Unicode().tag(sync=True)  # what a screen reader says of the square
    upload = traitlets.Bool(True).tag(sync=True)  # whether there is a button for photographs
    problem = traitlets.Unicode()  # why what came last from the page was not taken; or ""

    def __init__(self, **traits):
        layout = ipywidgets.Layout(width="324px", max_width="100%", min_width="0")
        super().__init__(layout=layout, **traits)
        self.on_msg(self._take_message)

    def set_state(self, sync_data):
        """Take the strokes that the page sends, and nothing else: all that it may set.

        If they are not a drawing, say so, and have the page show again what was there.
        """
        try:
            super().set_state({key: sync_data[key] for key in ("strokes",) if key in sync_data})
        except (TypeError, ValueError, traitlets.TraitError) as error:
            self._say(f"This drawing could not be used: {error}.")
            self.send_state(["strokes", "pen"])

    def take_photo(self, name, content):
        """Put the strokes of a photographed digit on the pad, or say in words why not: then the drawing stays."""
        try:
            strokes = trace(read_photo(content))
            problem = "" if strokes else f"No digit was found in {name}"
        except ValueError:
            problem = f"{name} is not a picture that can be read"
        self._say(problem and f"{problem}. The drawing is as it was.")
        if not problem:
            self.strokes = fit_to_box(strokes, self.pen, PHOTO)

    def _take_message(self, canvas, message, files):
        if files:
            name = message.get("name") if isinstance(message, dict) else None
            self.take_photo(name or "The file", bytes(files[0]))

    def _say(self, problem):
        """Say it, even if it was said before."""
        self.problem = ""
        self.problem = problem
