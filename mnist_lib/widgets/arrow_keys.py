"""The arrow keys as two more hands on two sliders."""

from pathlib import Path

import anywidget
import traitlets


class ArrowKeys(anywidget.AnyWidget):
    """A box that moves a place with the arrow keys, while it has the focus.

    Attributes:
        x, y: the place; ArrowRight adds 1 to x, ArrowDown adds 1 to y.
        left, right, top, bottom: the lowest and highest x, the lowest and highest y.
        words: what is written in the box.
    """

    _esm = Path(__file__).with_name("arrow_keys.js")
    _css = Path(__file__).with_name("arrow_keys.css")
    x, y = traitlets.Int(0).tag(sync=True), traitlets.Int(0).tag(sync=True)
    left, right = traitlets.Int(0).tag(sync=True), traitlets.Int(0).tag(sync=True)
    top, bottom = traitlets.Int(0).tag(sync=True), traitlets.Int(0).tag(sync=True)
    words = traitlets.Unicode().tag(sync=True)
