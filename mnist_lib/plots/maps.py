"""Numbers of either sign as pictures: weights, kernels, feature maps."""

import math

import matplotlib.pyplot as plt
import numpy as np
import torch

from .base import COLOURS, SIGNED, array, describe, new_axes, panels, plain, style


@style()
def plot_maps(maps, captions=None, columns=5, own_scale=False, ax=None):
    """Draw maps of numbers of either sign. Purple is below zero, white is zero, orange above.

    Args:
        maps: (N, H, W), N at least 1: weights, feature maps, the outputs of a convolution.
        captions: N short texts, written above, or None.
        columns: how many stand in a row.
        own_scale: whether each map uses all colours, so that maps cannot be compared with each other.
        ax: the axes to draw into, or None for a new figure.

    Raises:
        ValueError: the shape is another, there is no map, or another number of captions.
    """
    maps = torch.as_tensor(maps)
    if maps.dim() != 3 or len(maps) == 0:
        raise ValueError(f"maps must be (N, H, W) with N at least 1, got {tuple(maps.shape)}")
    if captions is not None and len(captions) != len(maps):
        raise ValueError(f"captions must be as many as maps ({len(maps)}), got {len(captions)}")
    values = array(maps)
    count, height, width = values.shape
    columns = min(columns, count)
    rows, above = math.ceil(count / columns), 0.2 * height if captions is not None else 0
    across, down = 1.07 * width, 1.07 * height + above
    size = min(3.0, 7 / columns)  # inches across a map
    ax = ax or new_axes(size * columns + 0.8, size * rows * down / across)
    limits = np.abs(values).max(axis=(1, 2)) if own_scale else np.full(count, np.abs(values).max())
    for number, (values_of_map, limit) in enumerate(zip(values, limits)):
        x, y = across * (number % columns), down * (number // columns)
        drawn = _draw_map(ax, values_of_map, limit, x, y)
        if captions is not None:
            middle, text = x + width / 2, str(captions[number])
            ax.text(middle, y - 0.02 * height, text, ha="center", va="bottom")
    edge = 0.03 * width
    ax.set(xlim=(-edge, across * columns), ylim=(down * rows - above, -above - 0.03 * height))
    ax.axis("off")
    if not own_scale:
        _draw_bar(ax, drawn, values)
    words = f"{count} {'map' if count == 1 else 'maps'} of {height}×{width} numbers"
    words += (
        f", from ≈{values.min():.2f} to ≈{values.max():.2f}; purple is below zero, orange above"
    )
    words += f"; captions: {', '.join(map(str, captions))}" if captions is not None else ""
    return describe(ax, words + ".")


def _draw_map(ax, values, limit, x=0, y=0):
    """Draw one map in signed colours from −limit to limit, its upper left corner at (x, y), and return its picture."""
    (height, width), limit = values.shape, limit or 1.0
    extent = (x, x + width, y + height, y)
    drawn = ax.imshow(values, cmap=SIGNED, vmin=-limit, vmax=limit, extent=extent)
    ax.add_patch(plt.Rectangle((x, y), width, height, fill=False, ec="0.85", lw=0.6))
    return drawn


def _draw_bar(ax, drawn, values, **options):
    """The scale beside a map, from the lowest to the highest of the values, and zero in any case."""
    bar = ax.figure.colorbar(drawn, ax=ax, **({"shrink": 0.8} | options))
    if values.any():
        bar.ax.set_ylim(min(0, values.min()), max(0, values.max()))


@style()
def plot_templates(weights, columns=5, ax=None):
    """Draw the weights of each output of a linear layer as an image: what it looks for.

    Args:
        weights: (outputs, 784). Purple is below zero, white is zero, orange above.
        columns: how many stand in a row.
        ax: the axes to draw into, or None for a new figure.
    """
    images = torch.as_tensor(weights).detach().reshape(-1, 28, 28)
    ax = plot_maps(images, range(len(images)), columns, ax=ax)
    limit = float(images.abs().max())
    return describe(
        ax,
        f"The weights of {len(images)} outputs as images, from ≈{-limit:.2f} (purple) over 0 to ≈{limit:.2f} (orange).",
    )


@style()
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
        ax: the axes to draw into, or None for a new figure.

    Raises:
        ValueError: the shape is another, there is no map, or another number of rows or columns.
    """
    maps = torch.as_tensor(maps)
    if maps.dim() != 4 or 0 in maps.shape:
        raise ValueError(f"maps must be (R, C, H, W), each at least 1, got {tuple(maps.shape)}")
    values, (down, across, height, width) = array(maps), maps.shape
    rows, columns = [str(plain(text)) for text in rows], [str(plain(text)) for text in columns]
    for name, texts, count in (("rows", rows, down), ("columns", columns, across)):
        if len(texts) != count:
            raise ValueError(f"{name} must be as many as those of maps ({count}), got {len(texts)}")
    size = min(1.4, 7 / across, 8 * width / (height * down))  # inches across a map
    pitch = max(1.07 * height, 0.3 * width / size)  # so that the names of rows do not touch
    ax = ax or new_axes(size * across + 1.6, size * down * pitch / width + 0.8)
    x, y = 1.07 * width * np.arange(across), pitch * np.arange(down)
    highest = np.abs(values).max()
    for row, column in np.ndindex(down, across):
        part = values[row, column]
        drawn = _draw_map(ax, part, np.abs(part).max() if own_scale else highest, x[column], y[row])
        if images:
            drawn.set(cmap="gray", clim=(part.min(), part.max()) if own_scale else (0, 1))
    edge = 0.03 * max(width, height)
    ax.set(xlim=(-edge, x[-1] + width + edge), ylim=(y[-1] + height + edge, -edge))
    ax.set_xticks(x + width / 2, columns, rotation=90 if max(map(len, columns)) > 9 * size else 0)
    ax.set_yticks(y + height / 2, rows)
    ax.set(xlabel=column_title, ylabel=row_title)
    ax.xaxis.tick_top()
    ax.xaxis.set_label_position("top")
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    if not (own_scale or images):
        _draw_bar(ax, drawn, values)
    return describe(ax, _grid_words(values, (rows, columns), (row_title, column_title), images))


def _grid_words(values, texts, titles, images):
    """What a grid of maps shows."""
    down, across, height, width = values.shape
    sides = []
    for count, word, names, title in zip((down, across), ("row", "column"), texts, titles):
        names = f"≈[{', '.join(names)}]" if any(names) else ""
        words = ": ".join(part for part in (title, names) if part)
        sides.append(f"{count} {word}{'s' * (count > 1)}" + (f" ({words})" if words else ""))
    words = (
        f"{'Images' if images else 'Maps'} of {height}×{width} {'pixels' if images else 'numbers'}"
    )
    words += f" in {sides[0]} and {sides[1]}"
    if images:
        return words + "."
    at = np.unravel_index(np.abs(values).max(axis=(2, 3)).argmax(), (down, across))
    place = [f"{title} {names[k]}".strip() for title, names, k in zip(titles, texts, at)]
    words += (
        f", from ≈{values.min():.2f} to ≈{values.max():.2f}; purple is below zero, orange above."
    )
    return f"{words} The number furthest from zero: ≈[{', '.join(filter(None, place))}]."


@style()
def plot_overlays(images, maps, captions=None, columns=5, own_scale=False, ax=None):
    """Draw maps of numbers of either sign over the outlines of images: what speaks for an answer, and where.

    Args:
        images: (N, 1, H, W), N at least 1, 0 black to 1 white; the outline is where they are half as bright.
        maps: (N, H, W). Purple is below zero, white is zero, orange above.
        captions: N short texts, written above, or None.
        columns: how many stand in a row.
        own_scale: whether each map uses all colours, so that maps cannot be compared with each other.
        ax: the axes to draw into, or None for a new figure.

    Raises:
        ValueError: the shapes do not go together, there is no image, or another number of captions.
    """
    images, maps = torch.as_tensor(images), torch.as_tensor(maps)
    count, *size = maps.shape
    if maps.dim() != 3 or count == 0 or images.shape != (count, 1, *size):
        shapes = f"{tuple(images.shape)} and {tuple(maps.shape)}"
        raise ValueError(f"images and maps must be (N, 1, H, W) and (N, H, W), got {shapes}")
    texts = None if captions is None else [str(plain(caption)) for caption in captions]
    ax = plot_maps(maps, texts, columns, own_scale, ax)
    for image, drawn in zip(array(images), list(ax.images)[-len(images) :]):
        left, _, _, top = drawn.get_extent()
        y, x = (np.arange(size) + 0.5 for size in image[0].shape)  # the middles of pixels
        if image.max() > image.min():
            level = [(image.min() + image.max()) / 2]
            ax.contour(left + x, top + y, image[0], level, colors="black", linewidths=1)
    values = array(maps)
    height, width = size
    places = np.abs(values).reshape(count, -1).argmax(axis=1)
    words = f"The {'outline of 1 image' if count == 1 else f'outlines of {count} images'}, over each a map of its "
    words += f"{height}×{width} pixels, from ≈{values.min():.2g} to ≈{values.max():.2g}; purple is below zero, "
    words += "orange above; row and column of the number furthest from zero: "
    words += f"≈[{'; '.join(f'{place // width}, {place % width}' for place in places)}]"
    words += f"; captions: ≈[{', '.join(texts)}]" if texts is not None else ""
    return describe(ax, words + ".")


@style()
def plot_seen(image, map, row, column, seen, caption="", ax=None):
    """Draw an image with a frame round the pixels that one cell of a feature map sees, and that map beside it.

    Args:
        image: (1, H, W), 0 black to 1 white.
        map: (h, w), numbers of either sign.
        row, column: the cell of the map, from 0.
        seen: (rows, columns), two ranges of pixels, as `features.seen_pixels` returns them.
        caption: what the map is, written above it.
        ax: the axes of a subplot, whose place image and map take; or None for a new figure.

    Raises:
        ValueError: the shape of image or map is another, the map has no such cell, or the image no such pixels.
    """
    image, map = array(torch.as_tensor(image)), array(torch.as_tensor(map))
    _check_seen(image, map, row, column, seen)
    ax = ax or new_axes(7.5, 3.7)
    left, right = panels(ax, 1, 2)
    left.imshow(image[0], cmap="gray", vmin=0, vmax=1)
    rows, columns = seen
    _draw_frame(left, rows[0], columns[0], len(rows), len(columns))
    left.set_title(f"sees {len(rows)}×{len(columns)} pixels", fontsize=12)
    drawn = _draw_map(right, map, np.abs(map).max(), -0.5, -0.5)
    _draw_frame(right, row, column)
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


def _check_seen(image, map, row, column, seen):
    """Raise a ValueError if these do not go together as `plot_seen` says."""
    if image.ndim != 3 or len(image) != 1:
        raise ValueError(f"image must be (1, H, W), got {image.shape}")
    if map.ndim != 2 or map.size == 0:
        raise ValueError(f"map must be (h, w), got {map.shape}")
    for name, value, size in zip(("row", "column"), (row, column), map.shape):
        if not 0 <= value < size:
            raise ValueError(f"{name} must be from 0 to {size - 1}, got {value}")
    for name, pixels, size in zip(("rows", "columns"), seen, image.shape[1:]):
        if len(pixels) == 0 or pixels[0] < 0 or pixels[-1] >= size:
            raise ValueError(f"seen must hold {name} from 0 to {size - 1}, got {pixels}")


def _draw_frame(ax, row, column, height=1, width=1):
    """A frame just outside some pixels of a picture, which begin in that row and column."""
    away = 0.013 * max(ax.images[0].get_array().shape)
    corner = (column - 0.5 - away, row - 0.5 - away)
    sides = {"width": width + 2 * away, "height": height + 2 * away}
    for colour, line in (("black", 4), ("white", 3), (COLOURS[5], 1.8)):  # for light and dark
        ax.add_patch(plt.Rectangle(corner, **sides, fill=False, ec=colour, lw=line, clip_on=False))
