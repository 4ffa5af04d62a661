"""Pen strokes, and the way from them to an image such as MNIST's: a box of 20×20, the centre of mass, the pen.

A drawing is a list of strokes, a stroke a list of points (x, y): x to the right and y down, in units of the pad's
width, so that the pad reaches from 0 to 1 both ways. A pen is a width in the same unit. Ink is white (1), the rest
black (0). An argument that is not as described raises a TypeError or a ValueError. `machinery.tracing` has the way
back, from images to strokes. All is built in notebook 13.
"""

import math

import numpy as np
import torch

from .machinery.checks import check_image, integer, number

BOX = 20 / 28  # the longer side of a digit of MNIST: 20 pixels of 28
MIDDLE = 14.5 / 28  # its centre of mass: half a pixel to the right of the image's middle, and down
PEN = 2.5 / 28  # the pen it looks drawn with
THIN = 1e-4  # the thinnest pen, and the smallest box


def check_strokes(strokes):
    """Look through a drawing, and give it back as a list of float64 arrays (K, 2).

    Args:
        strokes: strokes, each of at least one point: lists of pairs, or arrays or tensors (K, 2), of numbers from −10
            to 10. There may be none.

    >>> check_strokes([[(0.5, 0.25)]])
    [array([[0.5 , 0.25]])]
    >>> check_strokes([(0.5, 0.25)])
    Traceback (most recent call last):
    ValueError: strokes[0] must be points (x, y), an array (K, 2) of numbers from −10 to 10, got (0.5, 0.25)
    """
    if not hasattr(strokes, "__iter__"):
        raise TypeError(f"strokes must be a list of strokes, got {strokes!r}")
    checked = []
    for place, stroke in enumerate(strokes):
        try:
            whole = stroke.detach().cpu() if isinstance(stroke, torch.Tensor) else stroke
            points = np.asarray(whole, dtype=np.float64)
        except (TypeError, ValueError, OverflowError):  # no numbers, or rows of different lengths
            points = np.empty(0)
        if points.shape[1:] != (2,) or len(points) == 0 or not (np.abs(points) <= 10).all():
            wanted = "points (x, y), an array (K, 2) of numbers from −10 to 10"
            raise ValueError(f"strokes[{place}] must be {wanted}, got {stroke!r}")
        checked.append(points)
    return checked


def draw(strokes, pen, size=28):
    """Draw strokes with a round pen. What lies outside the pad is cut off.

    A pixel is as bright as the share of it that the pen covers: a line of the pen's width, as far from the pixel's
    middle as the nearest point of the strokes is, is laid over a square. That is exact for long upright and level
    lines, and close for others. For a pen thinner than a pixel, pixels are cut into parts as small, at most 4×4.

    Args:
        strokes: the drawing; without a stroke the image is black.
        pen: its width, 0.0001 to 1.
        size: height and width of the image in pixels, 1 to 1,000.

    Returns:
        A float32 tensor (1, size, size) in [0, 1].

    >>> draw([[(0.0, 0.5), (1.0, 0.5)]], pen=0.5, size=4)[0, :, 1]
    tensor([0., 1., 1., 0.])
    """
    strokes, pen = check_strokes(strokes), number("pen", pen, THIN, 1)
    size = integer("size", size, least=1, most=1000)
    if not strokes:
        return torch.zeros(1, size, size)
    parts = min(4, math.ceil(1 / (pen * size)))
    image = _paint(strokes, pen, parts * size).reshape(size, parts, size, parts).mean(axis=(1, 3))
    return torch.from_numpy(image).unsqueeze(0)


def _paint(strokes, pen, size):
    """What `draw` does with a pen of at least a pixel: a float32 array (size, size)."""
    steps = [np.diff(stroke, axis=0, append=stroke[-1:]) for stroke in strokes]  # from the last: 0
    lines = np.hstack([np.concatenate(strokes), np.concatenate(steps)])  # (S, 4): x, y, dx, dy
    lines = lines.astype(np.float32) * size
    nearest = np.full((size, size), np.inf, dtype=np.float32)
    at_once = max(1, 2**18 // size**2)  # so that what is computed fits the cache
    for start in range(0, len(lines), at_once):
        distances = _squared_distances(lines[start : start + at_once], size)
        np.minimum(nearest, distances.min(axis=2), out=nearest)
    distance, half = np.sqrt(nearest), pen * size / 2
    covered = np.minimum(distance + 0.5, half) - np.maximum(distance - 0.5, -half)
    return covered.clip(0, 1)


def _squared_distances(lines, size):
    """From the middle of each pixel to the nearest point of each line, in pixels, squared: (size, size, S)."""
    x, y, dx, dy = lines.T
    middles = np.arange(size, dtype=np.float32) + np.float32(0.5)
    across, down = middles[None, :, None] - x, middles[:, None, None] - y
    length = np.maximum(dx * dx + dy * dy, np.float32(1e-12))
    share = np.clip((across * dx + down * dy) / length, 0, 1)  # where on it the nearest point is
    return (across - share * dx) ** 2 + (down - share * dy) ** 2


def fit_to_box(strokes, pen, box=BOX):
    """Scale and move strokes until the longer side of their ink is `box`, and its box in the middle of the pad.

    Width and height keep their ratio. A dot, less than 1e-9 wide and high, is only moved.

    Args:
        strokes: the drawing, with at least one point.
        pen: the width that it will be drawn with, at most `box`.
        box: the longer side of the ink, 0.0001 to 1.

    Returns:
        A list of float64 arrays (K, 2).

    >>> fit_to_box([[(0, 0), (0.1, 0)]], pen=0.25, box=0.75)
    [array([[0.25, 0.5 ],
           [0.75, 0.5 ]])]
    """
    strokes, box = check_strokes(strokes), number("box", box, THIN, 1)
    pen = number("pen", pen, THIN, box)
    middle, extent = _bounds(strokes)
    scale = (box - pen) / extent if extent >= 1e-9 else 1
    return [(stroke - middle) * scale + 0.5 for stroke in strokes]


def _bounds(strokes):
    """The middle of the points' bounding box, an array (x, y), and its longer side."""
    if not strokes:
        raise ValueError("strokes must hold at least one point, got none")
    points = np.concatenate(strokes)
    low, high = points.min(axis=0), points.max(axis=0)
    return (low + high) / 2, float((high - low).max())


def centre_of_mass(image):
    """Where the ink of an image is on average.

    Args:
        image: (1, H, W) or (H, W), a tensor or an array in [0, 1], not all black.

    Returns:
        (x, y), floats in units of the image's width: (0.5, 0.5) is the middle of a square one.

    >>> centre_of_mass(torch.tensor([[0.0, 0.5], [0.0, 0.5]]))
    (0.75, 0.5)
    """
    image = check_image(image)
    ink = image.sum()
    if ink == 0:
        raise ValueError("image must have ink in it, got a black one")
    rows, columns = ((np.arange(length) + 0.5) / image.shape[1] for length in image.shape)
    return float(image.sum(axis=0) @ columns / ink), float(image.sum(axis=1) @ rows / ink)


def centre_by_mass(strokes, pen, middle=MIDDLE):
    """Move strokes until the centre of mass of their ink is at `middle`, both ways.

    Args:
        strokes: the drawing, with at least one point.
        pen: the width it is drawn with.
        middle: where to, in units of the pad; MNIST's digits are half a pixel to the right of 0.5, and down.

    Returns:
        A list of float64 arrays (K, 2).

    >>> centre_by_mass([[(0.1, 0.1), (0.2, 0.1)]], pen=0.1, middle=0.5)[0].round(3)
    array([[0.45, 0.5 ],
           [0.55, 0.5 ]])
    """
    strokes, pen = check_strokes(strokes), number("pen", pen, THIN, 1)
    start, extent = _bounds(strokes)
    scale = min(1, 1 / (extent + pen))  # what is larger than the pad would be cut off
    whole = [(stroke - start) * scale + 0.5 for stroke in strokes]
    image = _paint(whole, max(pen * scale, 1 / 28), 28)  # no dot falls between the pixels
    centre = start + (np.array(centre_of_mass(image)) - 0.5) / scale
    return [stroke - centre + middle for stroke in strokes]


def prepare(strokes):
    """Make an image of a drawing as MNIST's were made (LeCun, Bottou, Bengio and Haffner 1998).

    The ink is scaled into a box of 20×20 pixels, its centre of mass moved to MNIST's, all drawn with MNIST's pen.

    Args:
        strokes: the drawing, with at least one point, of any size at any place.

    Returns:
        A float32 tensor (1, 28, 28) in [0, 1].

    >>> seven = [[(0.1, 0.1), (0.3, 0.1), (0.2, 0.4)]]
    >>> prepare(seven).shape
    torch.Size([1, 28, 28])
    """
    return draw(centre_by_mass(fit_to_box(strokes, PEN), PEN), PEN)
