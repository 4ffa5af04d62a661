"""How the windows of a convolution or a pooling are drawn, cell by cell: what stands behind two of the `plots`."""

import matplotlib.pyplot as plt

from .. import arithmetic
from .base import COLOURS

RESULT = COLOURS[0]


def scene_of(input, weight, windows, sides, outside):
    """The drawing of a convolution or a pooling, ready to draw each of its windows.

    Args:
        input: a tensor, (channels, L) or (channels, H, W).
        weight: the kernels, a tensor; or None for a pooling.
        windows: a list of `arithmetic.Window`.
        sides: cells of padding (before, after) along each axis.
        outside: what stands in the padding, or None if it is left empty.

    Returns:
        An object with `width` and `height` in cells, and `draw(ax, step, top, size)`: the window number `step`, its
        upper edge at `top`, `size` points to a cell.

    >>> import torch
    >>> input = torch.arange(6.0).reshape(1, 6)
    >>> windows = arithmetic.max_pool_windows(input, 2)
    >>> scene = scene_of(input, None, windows, [(0, 0)], outside=None)
    >>> round(scene.width, 1), round(scene.height, 2)
    (9.2, 2.35)
    """
    return (_Signals if input.dim() == 2 else _Images)(input, weight, windows, sides, outside)


class _Scene:
    """What the drawings of a 1-D and of a 2-D window share: rows of cells, and which of them stand out."""

    def __init__(self, input, weight, windows, sides, outside):
        self.windows, self.sides, self.outside = windows, sides, outside
        self.input = input.detach().cpu().numpy()
        self.weight = None if weight is None else weight.detach().cpu().numpy()
        self.low = [-before for before, _ in sides]
        self.high = [size - 1 + after for size, (_, after) in zip(self.input.shape[1:], sides)]
        for cell in windows[-1].cells:  # where ceil_mode lets the last window stick out
            self.high = [max(most, at) for most, at in zip(self.high, cell[1:])]

    def input_text(self, cell):
        """What stands in an input cell, and whether it is the input's own."""
        if all(0 <= at < size for at, size in zip(cell, self.input.shape)):
            return arithmetic.short(self.input[cell]), True
        sizes = self.input.shape[1:]
        beyond = any(at >= n + after for at, n, (_, after) in zip(cell[1:], sizes, self.sides))
        return "" if beyond or self.outside is None else arithmetic.short(self.outside), False

    def draw_cell(self, ax, x, y, text, size, state="plain"):
        """One square, its upper left corner at (x, y); `size` is its side in points."""
        face, edge, width, colour, line = {
            "plain": ("white", "0.6", 0.8, "black", "-"),
            "padding": ("white", "0.6", 0.8, "0.45", ":"),
            "window": ("#F7D98B", "black", 1.8, "black", "-"),
            "window in padding": ("#FCF1D6", "black", 1.8, "0.45", ":"),
            "kernel": ("#BFE3D5", "0.3", 0.8, "black", "-"),
            "result": (RESULT, "black", 1.8, "white", "-"),
            "done": ("#D3E6F5", "0.6", 0.8, "black", "-"),
            "to come": ("white", "0.8", 0.8, "black", "-"),
        }[state]
        above = 3 if "window" in state or state == "result" else 2
        box = plt.Rectangle((x, y), 1, 1, fc=face, ec=edge, lw=width, ls=line, zorder=above)
        ax.add_patch(box)
        font = size * min(0.42, 1.35 / max(1, len(text)))
        ax.text(
            x + 0.5, y + 0.53, text, ha="center", va="center", fontsize=font, color=colour, zorder=4
        )

    def draw_input_cell(self, ax, x, y, cell, window, size):
        text, inside = self.input_text(cell)
        if cell in window.cells:
            state = "window" if inside else "window in padding"
        else:
            state = "plain" if inside else "padding"
        self.draw_cell(ax, x, y, text, size, state)

    def draw_output_cell(self, ax, x, y, number, step, size):
        state = "result" if number == step else "done" if number < step else "to come"
        text = "" if number > step else arithmetic.short(self.windows[number].result)
        self.draw_cell(ax, x, y, text, size, state)


class _Signals(_Scene):
    """1-D: input, kernel and output below each other, the kernel and the output cell under their window."""

    margin = 3.2  # for the names at the left

    def __init__(self, input, weight, windows, sides, outside):
        super().__init__(input, weight, windows, sides, outside)
        self.kernel_rows = 0 if weight is None else weight.shape[1]
        self.width = self.margin + self.high[0] - self.low[0] + 1
        self.gap = 0.35
        self.output_rows = windows[-1].output[0] + 1
        self.height = len(self.input) + self.gap + self.output_rows
        if self.kernel_rows:
            self.height += self.kernel_rows + self.gap

    def draw(self, ax, step, top, size):
        window, left = self.windows[step], self.margin - self.low[0]
        self.name(ax, "input", top, len(self.input), size)
        for channel in range(len(self.input)):
            for at in range(self.low[0], self.high[0] + 1):
                place = (channel, at)
                self.draw_input_cell(ax, left + at, top + channel, place, window, size)
        top += len(self.input) + self.gap
        if self.kernel_rows:
            self.name(ax, "kernel", top, self.kernel_rows, size)
            for cell, (_, row, _), weight in zip(window.cells, window.kernel, window.weights):
                text = arithmetic.short(weight)
                self.draw_cell(ax, left + cell[1], top + row, text, size, "kernel")
            top += self.kernel_rows + self.gap
        self.name(ax, "output", top, self.output_rows, size)
        for number, other in enumerate(self.windows):
            places = [cell[1] for cell in other.cells]
            x = left + (places[0] + places[-1]) / 2
            self.draw_output_cell(ax, x, top + other.output[0], number, step, size)

    def name(self, ax, text, top, rows, size):
        ax.text(0, top + rows / 2, text, va="center", fontsize=min(12, 0.4 * size))


class _Images(_Scene):
    """2-D: input, kernel and output beside each other, their channels below each other."""

    gap = 1.2

    def __init__(self, input, weight, windows, sides, outside):
        super().__init__(input, weight, windows, sides, outside)
        self.rows, self.columns = (high - low + 1 for low, high in zip(self.low, self.high))
        self.kernel = (0, 0, 0) if weight is None else tuple(weight.shape[1:])
        self.output = tuple(at + 1 for at in windows[-1].output)
        blocks = [
            (len(self.input), self.rows, self.columns),
            self.kernel,
            self.output,
        ]
        blocks = [block for block in blocks if block[0]]
        self.width = sum(block[2] for block in blocks) + self.gap * (len(blocks) - 1)
        self.height = 0.9 + max(count * (rows + 0.5) - 0.5 for count, rows, _ in blocks)

    def draw(self, ax, step, top, size):
        window = self.windows[step]
        self.name(ax, "input", 0, top, self.columns, size)
        top += 0.9
        for channel in range(len(self.input)):
            for row in range(self.rows):
                for column in range(self.columns):
                    place = (channel, self.low[0] + row, self.low[1] + column)
                    y = top + channel * (self.rows + 0.5) + row
                    self.draw_input_cell(ax, column, y, place, window, size)
        left = self.columns + self.gap
        if self.weight is not None:
            self.name(ax, "kernel", left, top - 0.9, self.kernel[2], size)
            for (_, channel, row, column), weight in zip(window.kernel, window.weights):
                y = top + channel * (self.kernel[1] + 0.5) + row
                self.draw_cell(ax, left + column, y, arithmetic.short(weight), size, "kernel")
            left += self.kernel[2] + self.gap
        self.name(ax, "output", left, top - 0.9, self.output[2], size)
        for number, other in enumerate(self.windows):
            channel, row, column = other.output
            y = top + channel * (self.output[1] + 0.5) + row
            self.draw_output_cell(ax, left + column, y, number, step, size)

    def name(self, ax, text, left, top, columns, size):
        ax.text(
            left + columns / 2,
            top + 0.4,
            text,
            ha="center",
            va="center",
            fontsize=min(12, 0.4 * size),
        )
