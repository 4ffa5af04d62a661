"""The arrow keys as two more hands on two sliders."""

from pathlib import Path

import anywidget
import ipywidgets
import traitlets

STYLE = """
.mnist-lib-arrow-keys {
  width: fit-content; margin: 6px; padding: 2px 10px; cursor: pointer;
  border: 1px solid #767676; border-radius: 4px;
}
.mnist-lib-arrow-keys:focus { outline: 3px solid #0072B2; outline-offset: 1px; }
"""


class ArrowKeys(anywidget.AnyWidget):
    """A box that moves a place with the arrow keys, while it has the focus.

    Attributes:
        x, y: the place; ArrowRight adds 1 to x, ArrowDown adds 1 to y.
        left, right, top, bottom: the lowest and highest x, the lowest and highest y.
        words: what is written in the box.
    """

    _esm = Path(__file__).with_name("arrow_keys.js")
    _css = STYLE
    x, y = traitlets.Int(0).tag(sync=True), traitlets.Int(0).tag(sync=True)
    left, right = traitlets.Int(0).tag(sync=True), traitlets.Int(0).tag(sync=True)
    top, bottom = traitlets.Int(0).tag(sync=True), traitlets.Int(0).tag(sync=True)
    words = traitlets.Unicode().tag(sync=True)


def add_arrow_keys(explorer, across, down, words):
    """Put a box above the picture of an explorer that moves two of its sliders with the arrow keys.

    Args:
        explorer: an `Explorer`; the box becomes its attribute `arrow_keys`.
        across, down: the names of the controls that ArrowRight and ArrowDown increase.
        words: what is written in the box, such as "Arrow keys move the digit".
    """
    keys = explorer.arrow_keys = ArrowKeys(words=words)
    sides = {"x": (across, "left", "right"), "y": (down, "top", "bottom")}
    for place, (name, low, high) in sides.items():
        control = explorer.controls[name]
        ipywidgets.dlink((control, "min"), (keys, low))
        ipywidgets.dlink((control, "max"), (keys, high))
        ipywidgets.dlink((control, "value"), (keys, place))
        ipywidgets.dlink((keys, place), (control, "value"))  # no further than the slider goes
    place = explorer.children.index(explorer.picture)
    explorer.children = (*explorer.children[:place], keys, *explorer.children[place:])
