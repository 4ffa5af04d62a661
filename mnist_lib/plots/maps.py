"""Numbers as shades: weights, kernels and feature maps, which have either sign; tables."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LinearSegmentedColormap

from ..machinery.checks import check_image
from .base import COLOURS, SIGNED, array, describe, ink, new_axes, panels, plot, texts, tile, tiles

GREYS = LinearSegmentedColormap.from_list("greys", ["0.93", "0.1"])  # white is for no number


@plot
def plot_maps(maps, captions=None, columns=5, own_scale=False, ax=None):
    """Draw maps of numbers of either sign. Purple is below zero, white is zero, orange above.

    In maps of up to 7×7 numbers, such as kernels, a dash marks each one that is clearly below zero.

    Args:
        maps: (N, H, W), N at least 1: weights, feature maps, the outputs of a convolution.
        captions: N short texts, written above, or None.
        columns: how many stand in a row.
        own_scale: whether each map uses all colours, so that maps cannot be compared with each other.
    """
    values = array(maps)
    inches = min(3.0, 7 / max(1, min(columns, len(values))))
    ax, drawn, captions = tiles(ax, values, captions, columns, inches, above=True)
    for map, scale in zip(drawn, values if own_scale else [values] * len(values)):
        _tint(map, scale)
    _draw_dashes(ax)
    if not own_scale:
        _draw_bar(ax, map, values)
    count, height, width = values.shape
    words = f"{count} map{'s' * (count > 1)} of {height}×{width} numbers, {_range(values)}"
    words += f"; captions: {', '.join(captions)}" if captions is not None else ""
    return describe(ax, words + ".")


def _range(values):
    """The lowest and the highest number in words, and the colours."""
    low, high = f"≈{values.min():.2f}", f"≈{values.max():.2f}"
    return f"from {low} to {high}; purple is below zero, orange above"


def _tint(drawn, values):
    """Give a picture signed colours that reach as far as some values."""
    limit = np.abs(values).max() or 1.0
    drawn.set(cmap=SIGNED, clim=(-limit, limit))


def _draw_dashes(ax):
    """A dash in each cell of a small map that is clearly below zero: a sign that grey shows, too."""
    dashes = []
    for drawn in ax.images:
        values, (left, _, _, top) = drawn.get_array(), drawn.get_extent()
        below = np.argwhere(values < 0.04 * drawn.get_clim()[0]) if max(values.shape) <= 7 else ()
        colours = drawn.to_rgba(values)
        dashes += [(left + x + 0.5, top + y + 0.5, ink(colours[y, x])) for y, x in below]
    if dashes:
        x, y, colours = zip(*dashes)
        ax.scatter(x, y, marker="_", s=14, c=colours, linewidths=1.2)


def _draw_bar(ax, drawn, values):
    """The scale beside a map, from the lowest to the highest of the values, and zero in any case."""
    bar = ax.figure.colorbar(drawn, ax=ax, shrink=0.8)
    if values.any():
        bar.ax.set_ylim(min(0, values.min()), max(0, values.max()))


@plot
def plot_map_grid(
    maps, rows, columns, row_title="", column_title="", own_scale=False, images=False, ax=None
):
    """Draw maps of numbers of either sign in rows and columns that have names, in the colours of `plot_maps`.

    Args:
        maps: (R, C, H, W): R rows of C maps.
        rows, columns: R and C short texts (or numbers).
        row_title, column_title: what the rows and what the columns are, such as "input channel".
        own_scale: whether each map uses all colours, so that maps cannot be compared with each other.
        images: whether the maps are images, drawn in greys from 0 (black) to 1 (white).
    """
    values, rows, columns = array(maps), texts(rows), texts(columns)
    if values.ndim != 4 or 0 in values.shape:
        raise ValueError(f"maps must be (R, C, H, W), each at least 1, got {values.shape}")
    down, across, height, width = values.shape
    size = min(1.4, 7 / across, 8 * width / (height * down))  # inches across a map
    pitch = max(1.07 * height, 0.3 * width / size)  # so that the names of rows do not touch
    ax = ax or new_axes(size * across + 1.6, size * down * pitch / width + 0.8)
    x, y = 1.07 * width * np.arange(across), pitch * np.arange(down)
    for row, column in np.ndindex(down, across):
        part = values[row, column]
        drawn = tile(ax, part, x[column], y[row], vmin=0, vmax=1)
        if not images:
            _tint(drawn, part if own_scale else values)
        elif own_scale:
            drawn.autoscale()
    if not images:
        _draw_dashes(ax)
    edge = 0.03 * max(width, height)
    ax.set(xlim=(-edge, x[-1] + width + edge), ylim=(y[-1] + height + edge, -edge))
    ax.set_xticks(x + width / 2, columns, rotation=90 if max(map(len, columns)) > 11 * size else 0)
    ax.set_yticks(y + height / 2, rows)
    ax.set(xlabel=column_title, ylabel=row_title)
    ax.xaxis.tick_top()
    ax.xaxis.set_label_position("top")
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    if not (own_scale or images):
        _draw_bar(ax, drawn, values)
    names, titles = (rows, columns), (row_title, column_title)
    return describe(ax, _grid_words(values, names, titles, own_scale, images))


def _grid_words(values, names, titles, own_scale, images):
    """What a grid of maps shows."""
    counts, sides = values.shape[:2], []
    for count, word, each, title in zip(counts, ("row", "column"), names, titles):
        listed = f"≈[{'; '.join(each)}]" if any(each) else ""
        words = ": ".join(filter(None, (title, listed)))
        sides.append(f"{count} {word}{'s' * (count > 1)}" + (f" ({words})" if words else ""))
    sides, (height, width) = " and ".join(sides), values.shape[2:]
    if images:
        return f"Images of {height}×{width} pixels in {sides}."
    words = f"Maps of {height}×{width} numbers in {sides}"
    if own_scale:
        return f"{words}, each on a scale of its own; purple is below zero, orange above."
    at = np.unravel_index(np.abs(values).max(axis=(2, 3)).argmax(), counts)
    place = [f"{title} {each[k]}".strip() for title, each, k in zip(titles, names, at)]
    furthest = f"The number furthest from zero: ≈[{'; '.join(filter(None, place))}]."
    return f"{words}, {_range(values)}. {furthest}"


@plot
def plot_seen(image, map, row, column, seen, caption="", ax=None):
    """Draw an image with a frame round the pixels that one cell of a feature map sees, and that map beside it.

    Args:
        image: (1, H, W), 0 black to 1 white.
        map: (h, w), numbers of either sign.
        row, column: the cell of the map, from 0.
        seen: (rows, columns), two ranges of pixels, as `features.seen_pixels` returns them.
        caption: what the map is, written above it.
        ax: the axes of a subplot, whose place image and map take; or None for a new figure.
    """
    image, map = check_image(image), array(map)
    ax = ax or new_axes(7.5, 3.7)
    left, right = panels(ax, 1, 2, 2)
    left.imshow(image, vmin=0, vmax=1)
    rows, columns = seen
    _draw_frame(left, rows, columns)
    left.set_title(f"sees {len(rows)}×{len(columns)} pixels", fontsize=12)
    drawn = tile(right, map, -0.5, -0.5)
    _tint(drawn, map)
    _draw_frame(right, range(row, row + 1), range(column, column + 1))
    right.set_title(caption, fontsize=12)
    _draw_bar(right, drawn, map)
    for part in (left, right):
        part.set(xlabel="column", ylabel="row")
        part.locator_params(nbins=7, integer=True)
        part.spines[:].set_visible(False)
    words = f"Left: an image, with a frame round rows {rows[0]} to {rows[-1]} and columns {columns[0]} to "
    words += f"{columns[-1]}. Right: a map of {map.shape[0]}×{map.shape[1]} numbers"
    words += f" ({caption})" if caption else ""
    words += f", from ≈{map.min():.2f} to ≈{map.max():.2f}. A frame marks the cell that sees those pixels: row "
    return describe(ax, f"{words}{row}, column {column}, with the number ≈{map[row, column]:.2f}.")


def _draw_frame(ax, rows, columns):
    """A frame just outside some rows and columns of a picture."""
    height, width = ax.images[0].get_array().shape
    first = rows and columns and min(rows[0], columns[0]) >= 0
    if not (first and rows[-1] < height and columns[-1] < width):
        got = f"{rows} and {columns}"
        raise ValueError(f"rows and columns must lie in the {height}×{width} shown, got {got}")
    away = 0.013 * max(height, width)
    corner = (columns[0] - 0.5 - away, rows[0] - 0.5 - away)
    sides = {"width": len(columns) + 2 * away, "height": len(rows) + 2 * away}
    for colour, line in (("black", 4), ("white", 3), (COLOURS[5], 1.8)):  # for light and dark
        ax.add_patch(plt.Rectangle(corner, **sides, fill=False, ec=colour, lw=line, clip_on=False))


@plot
def plot_table(table, form="{:.0f}", lowest=False, logarithmic=False, title="", ax=None):
    """Draw a table of numbers as shaded cells, dark where the number is large, with the number in each.

    Args:
        table: DataFrame, at least one row and column; a cell without a number (NaN) is left white, with a dash. The
            names of index and columns name the axes.
        form: how a number is written.
        lowest: whether to frame the lowest number of each row.
        logarithmic: whether a shade stands for a ratio, not a difference; all numbers must be above 0 then.
        title: what the numbers are.
    """
    values = np.ma.masked_invalid(array(table.to_numpy(dtype=float)))
    if logarithmic and (values <= 0).any():
        raise ValueError(f"table must hold numbers above 0 for a ratio, got {values.min():g}")
    rows, columns = values.shape
    ax = ax or new_axes(2 + 0.9 * columns, 1.2 + 0.42 * rows)
    drawn = ax.imshow(values, GREYS, norm="log" if logarithmic else "linear", aspect="auto")
    shades = drawn.to_rgba(values)
    for (row, column), value in np.ndenumerate(values.filled(np.nan)):
        missing = np.isnan(value)
        text = "–" if missing else form.format(value)
        colour = "black" if missing else ink(shades[row, column])
        ax.text(column, row, text, ha="center", va="center", color=colour)
    ends, frames = [], (("white", 6), ("black", 3)) if lowest else ()  # seen on any shade
    for row in np.flatnonzero(values.count(axis=1)):
        column = values[row].argmin()
        number = form.format(values[row, column])
        ends.append(f"{table.index[row]} ≈{number} at ≈[{table.columns[column]}]")
        for colour, width in frames:
            frame = {"fill": False, "ec": colour, "lw": width}
            ax.add_patch(plt.Rectangle((column - 0.45, row - 0.44), 0.9, 0.88, **frame))
    ax.set(xticks=range(columns), xticklabels=table.columns, xlabel=table.columns.name)
    ax.set(yticks=range(rows), yticklabels=table.index, ylabel=table.index.name)
    ax.set_title(title, fontsize=12)
    ax.tick_params(length=0)
    words = f"A table of {title or 'numbers'}, the lowest of each row"
    return describe(ax, f"{words}: {'; '.join(ends)}.")
