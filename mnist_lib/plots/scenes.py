"""How the windows of a convolution or a pooling are drawn, cell by cell: what stands behind two of the `plots`."""

from itertools import product

import matplotlib.pyplot as plt

from ..arithmetic import for_each_axis, short
from .base import CENTRED, COLOURS, array

LOOKS = {  # of a cell: the colours of its face and its edge, the edge's width and line, the colour of its text
    "plain": ("white", "0.6", 0.8, "-", "black"),
    "plain, padding": ("white", "0.6", 0.8, ":", "0.45"),
    "window": ("#F7D98B", "black", 1.8, "-", "black"),
    "window, padding": ("#FCF1D6", "black", 1.8, ":", "0.45"),
    "kernel": ("#BFE3D5", "0.3", 0.8, "-", "black"),
    "result": (COLOURS[0], "black", 1.8, "-", "white"),
    "done": ("#D3E6F5", "0.6", 0.8, "-", "black"),
    "to come": ("white", "0.8", 0.8, "-", "black"),
}


class Scene:
    """The drawing of a convolution or a pooling, ready to draw each of its windows.

    In 1-D, input, kernel and output stand below each other, the kernel and the output cell under their window. In 2-D
    they stand beside each other, their channels below each other. `width` and `height` are in cells.

    Args:
        input: a tensor, (channels, L) or (channels, H, W).
        weight: the kernels, a tensor; or None for a pooling.
        windows: a list of `arithmetic.Window`.
        padding: as in `arithmetic`.
        outside: what stands in the padding, or None if it is left empty.
    """

    def __init__(self, input, weight, windows, padding, outside):
        self.input, self.windows, self.outside = array(input), windows, outside
        self.most = max(abs(self.input).max(), 1e-9)
        sides = for_each_axis("padding", padding, input.ndim - 1)
        self.low = [-added for added in sides]
        self.end = [size + added for size, added in zip(input.shape[1:], sides)]
        self.high = self.end
        for cell in windows[-1].cells:  # where ceil_mode lets the last window stick out
            self.high = [max(most, at + 1) for most, at in zip(self.high, cell[1:])]
        shown = [high - low for low, high in zip(self.low, self.high)]
        blocks = {"input": (len(input), *shown)}
        if weight is not None:
            blocks["kernel"] = weight.shape[1:]
        blocks["output"] = [at + 1 for at in windows[-1].output]
        self.names, self.corners = [], {}
        (self._below if len(sides) == 1 else self._beside)(blocks)

    def _below(self, blocks):
        """Find the places of blocks in 1-D."""
        room, y, gap = 3.2, 0, 0.35  # room for the names, at the left
        for name, (channels, _) in blocks.items():
            self.names.append((0, y + channels / 2, name, "left"))
            self.corners[name] = room - self.low[0], y, 1
            y += channels + gap
        self.width, self.height = room + blocks["input"][1], y - gap

    def _beside(self, blocks):
        """Find the places of blocks in 2-D."""
        x, top, gap, self.height = 0, 0.9, 1.2, 0
        for name, (channels, rows, columns) in blocks.items():
            self.names.append((x + columns / 2, 0.4, name, "center"))
            left, above = (self.low[1], self.low[0]) if name == "input" else (0, 0)
            pitch = (
                blocks["input"][1] + 0.5 if name == "kernel" else rows + 0.5
            )  # beside its channel
            self.corners[name] = x - left, top - above, pitch
            x += columns + gap
            self.height = max(self.height, top + (channels - 1) * pitch + rows)
        self.width = x - gap

    def draw(self, ax, step, left, top, size, ask=False):
        """Draw the window number `step`, its corner at (left, top), `size` points to a cell; a "?" if `ask`."""
        for x, y, name, side in self.names:
            ax.text(left + x, top + y, name, ha=side, va="center", fontsize=min(12, 0.4 * size))

        def draw_cell(state, text, block, cell, under=None, face=None):
            right, above, pitch = self.corners[block]
            channel, *row, column = cell
            x = left + right + (column if under is None or len(row) else under)
            y = top + above + channel * pitch + sum(row)
            usual, edge, width, line, colour = LOOKS[state]
            look = {"fc": face or usual, "ec": edge, "lw": width, "ls": line}
            ax.add_patch(plt.Rectangle((x, y), 1, 1, **look, zorder=3 if width > 1 else 2))
            font = size * min(0.42, 1.35 / max(1, len(text)))
            look = {"color": colour, "fontsize": font, "zorder": 4}
            ax.text(x + 0.5, y + 0.53, text, **CENTRED, **look)

        window = self.windows[step]
        for cell in product(range(len(self.input)), *map(range, self.low, self.high)):
            text, inside = self._input_text(cell)
            state = "window" if cell in window.cells else "plain"
            shade = None  # a picture shows in its numbers: the larger, the darker
            if inside and state == "plain" and self.input.ndim == 3:
                shade = str(1 - 0.4 * max(self.input[cell], 0) / self.most)
            draw_cell(state if inside else f"{state}, padding", text, "input", cell, face=shade)
        for cell, (_, *place), weight in zip(window.cells, window.kernel, window.weights):
            draw_cell("kernel", short(weight), "kernel", place, under=cell[1])
        for number, other in enumerate(self.windows):
            state = "result" if number == step else "done" if number < step else "to come"
            text = "" if number > step else short(other.result)
            text = "?" if number == step and ask else text
            middle = (other.cells[0][1] + other.cells[-1][1]) / 2
            draw_cell(state, text, "output", other.output, under=middle)

    def _input_text(self, cell):
        """What stands in an input cell, and whether it is the input's own."""
        if all(0 <= at < size for at, size in zip(cell, self.input.shape)):
            return short(self.input[cell]), True
        beyond = any(at >= end for at, end in zip(cell[1:], self.end))
        return "" if beyond or self.outside is None else short(self.outside), False
