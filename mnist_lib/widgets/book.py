"""A book of drawings: it asks for one digit after the other, and keeps each drawing in a file at once."""

import html
from collections import Counter
from pathlib import Path

import ipywidgets
import numpy as np

from ..machinery.checks import integer
from ..machinery.drawings import load_drawings, save_drawings
from .canvas import TOUCHED, Canvas

TEXT = '<div aria-live="polite" style="font-size: 120%; line-height: 1.5">{}</div>'


class DrawingBook(ipywidgets.VBox):
    """Asks one writer for digits in a mixed order, and keeps each drawing in a file at once. It shows no answers.

    Whoever opens the file again goes on where the last drawing was kept. Several writers may share a file.

    Args:
        path: the file, which need not be there yet. Its folder is.
        writer: the name of who draws.
        each: how many drawings of each digit, 1 to 100.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     book = DrawingBook(f"{folder}/mine.json")
    ...     book.canvas.strokes = [[(0.5, 0.2), (0.5, 0.8)]]  # as the mouse does
    ...     book.keep()
    ...     [drawing["writer"] for drawing in book.drawings]
    ['me']
    """

    def __init__(self, path, writer="me", each=2):
        if not isinstance(writer, str) or not writer.strip():
            raise ValueError(f"writer must be a name, got {writer!r}")
        self.each = integer("each", each, least=1, most=100)
        self.path, self.writer = Path(path).expanduser().resolve(), writer.strip()
        self._kept = self._digits(self.drawings)
        self._order = np.random.default_rng(0).permutation(10 * self.each) % 10
        words = "Pad: draw the digit that is asked for, with the mouse, a pen or a finger."
        self.canvas = Canvas(words=words, upload=False)
        self.text, high = ipywidgets.HTML(), ipywidgets.Layout(height=TOUCHED)
        self.keep_button = ipywidgets.Button(description="Keep", layout=high)
        self.keep_button.tooltip = "Keep this drawing, and go on to the next digit"
        self.keep_button.on_click(lambda button: self.keep())
        self.back_button = ipywidgets.Button(description="Redo last", layout=high)
        self.back_button.tooltip = "Put the last kept drawing on the pad, to be drawn better"
        self.back_button.on_click(lambda button: self.take_back())
        buttons = ipywidgets.HBox([self.keep_button, self.back_button])
        super().__init__([self.text, self.canvas, buttons])
        self.canvas.observe(lambda change: self._ask(change.new), "problem")
        self._ask()

    def __repr__(self):
        return "A book of drawings: run this notebook to draw digits and keep them in a file."

    @property
    def drawings(self):
        """All drawings in the file, of all writers, as `load_drawings` gives them; [] if there is no file yet."""
        return load_drawings(self.path) if self.path.exists() else []

    @property
    def asked(self):
        """The digit that is asked for, or None if there are enough of each."""
        kept = Counter(self._kept)
        for digit in self._order.tolist():
            if kept[digit] == 0:
                return digit
            kept[digit] -= 1
        return None

    def keep(self):
        """Keep what is on the pad as the digit that is asked for, and ask for the next, as the button does."""
        drawing = {"writer": self.writer, "digit": self.asked, "pen": self.canvas.pen}
        drawing["strokes"] = self.canvas.strokes
        if not drawing["strokes"]:
            self._ask("Nothing is drawn yet.")
        elif self.asked is not None:
            self._rewrite(lambda drawings: ([*drawings, drawing], []))

    def take_back(self):
        """Take the writer's last drawing out of the file, and put it on the empty pad, as the button does."""

        def without_last(drawings):
            own = [n for n, drawing in enumerate(drawings) if drawing["writer"] == self.writer]
            last = drawings.pop(own[-1])["strokes"] if own else []
            return drawings, last

        if self.canvas.strokes:
            self._ask("First keep or clear what is on the pad.")
        else:
            self._rewrite(without_last)

    def _rewrite(self, change):
        """Write the drawings anew after a change, drawings → (drawings, what is then on the pad), or say why not."""
        problem = ""
        try:
            drawings, on_pad = change(self.drawings)
            save_drawings(self.path, drawings)
        except (OSError, TypeError, ValueError) as error:
            problem = f"This could not be saved, and the pad is as it was. Ask for help ({error})."
        else:
            self._kept, self.canvas.strokes = self._digits(drawings), on_pad
        self._ask(problem)

    def _digits(self, drawings):
        """What this writer has drawn, in order."""
        return [one["digit"] for one in drawings if one["writer"] == self.writer]

    def _ask(self, problem=""):
        """Say what to draw, after what went wrong."""
        digit, number, most = self.asked, len(self._kept), 10 * self.each
        request = f"All {most} are kept in {self.path.name}. Thank you! Now run the next cells."
        if digit is not None:
            request = f"Draw this digit the way you always write it: {digit}. Then press Keep. "
            request += f"({number + 1} of {most})"
        self.keep_button.disabled, self.back_button.disabled = digit is None, number == 0
        self.text.value = TEXT.format(html.escape(f"{problem} {request}".strip()))
