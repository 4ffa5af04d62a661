"""What one draws on: strokes that the page and Python share."""

from pathlib import Path

import anywidget
import numpy as np
import traitlets

from ..strokes import check_strokes


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
    than 10 MB through): see `on_msg`.

    Attributes:
        strokes: the drawing, a list of strokes, lists of points [x, y], in units of the square's width. May be set.
        pen: the width of the pen in the same unit.
        words: what a screen reader says of the square.
        problem: why something that the page sent was not taken, or "".
    """

    _esm = Path(__file__).with_name("canvas.js")
    _css = Path(__file__).with_name("canvas.css")
    strokes = Strokes().tag(sync=True)
    pen = traitlets.Float(0.05, min=0.001, max=1).tag(sync=True)
    words = traitlets.Unicode().tag(sync=True)
    problem = traitlets.Unicode()

    def set_state(self, sync_data):
        """Take the strokes that the page sends, and nothing else: all that it may set.

        If they are not a drawing, say so, and have the page show again what was there.
        """
        try:
            super().set_state({key: sync_data[key] for key in ("strokes",) if key in sync_data})
        except (TypeError, ValueError, traitlets.TraitError) as error:
            self.problem = ""
            self.problem = str(error)
            self.send_state(["strokes", "pen"])
