"""From images to strokes: the middle lines of a digit's ink, and the ink of a photographed digit (notebook 13)."""

import io
import math
from itertools import pairwise, product

import numpy as np
import scipy  # its parts, and those of skimage, are loaded when they are first used
import skimage
import torch
from torch.nn import functional as F

from .checks import check_image
from .files import open_grey


def trace(image):
    """Find the strokes of a digit: the middle lines of its ink (Zhang and Suen 1984).

    Args:
        image: (1, H, W) or (H, W), a tensor or an array in [0, 1], white on black.

    Returns:
        A list of float64 arrays (K, 2), in units of the image's longer side, from 0 to 1. A line is cut where others
        meet it. A black image has none.

    >>> image = torch.zeros(28, 28)
    >>> image[4:24, 13:15] = 1
    >>> (stroke,) = trace(image)
    >>> stroke[:, 0].round(2).min(), stroke[:, 0].round(2).max()
    (np.float64(0.5), np.float64(0.5))
    """
    image = torch.from_numpy(check_image(image))[None, None]
    factor = max(1, round(112 / max(image.shape)))  # to a longer side of about 112 pixels
    image = F.interpolate(image, scale_factor=factor, mode="bicubic")[0, 0].numpy()
    around = scipy.ndimage.gaussian_filter(image, max(image.shape) / 28)
    ink = np.pad((image > 0.5) & (image > 0.95 * around), 1)  # the second: small loops stay open
    skeleton = skimage.morphology.skeletonize(ink)[1:-1, 1:-1]
    reach = scipy.ndimage.distance_transform_edt(ink)[1:-1, 1:-1]  # from there to the ink's end
    lines = (_smooth(np.array(line, dtype=float)) for line in _without_spurs(skeleton, reach))
    return [(line + 0.5)[:, ::-1] / max(image.shape) for line in lines]


def _without_spurs(skeleton, reach):
    """The lines of a skeleton, less the whiskers that bumps of the outline make.

    A whisker hangs on other lines, and a disc in that place, a fifth wider than the ink is there, covers its end.
    """
    while True:
        lines, degree = _follow(skeleton)
        spurs = []
        for root, *spur in (line[::turn] for line in lines for turn in (1, -1)):
            if degree[root] > 2 and spur and degree[spur[-1]] == 1:
                if math.dist(root, spur[-1]) + reach[spur[-1]] < 1.2 * reach[root]:
                    spurs += spur
        if not spurs:
            return lines
        skeleton[tuple(zip(*spurs))] = False


def _follow(skeleton):
    """Follow the lines of a skeleton, a bool array, from where they end or meet to where they do so again.

    Returns the lines, lists of pixels (row, column), and the number of neighbours of each pixel, a dict.
    """
    pixels = set(map(tuple, np.argwhere(skeleton).tolist()))
    near = {pixel: _neighbours(pixel, pixels) for pixel in sorted(pixels)}
    lines, walked = [], set()
    for start in sorted(near, key=lambda pixel: len(near[pixel]) == 2):  # the rings come last
        if not near[start]:
            lines.append([start])
        for step in near[start]:
            if (start, step) in walked:
                continue
            line = [start, step]
            while len(near[line[-1]]) == 2 and line[-1] != start:
                line.append(next(pixel for pixel in near[line[-1]] if pixel != line[-2]))
            walked.update(pairwise(line))
            walked.update(pairwise(line[::-1]))
            lines.append(line)
    return lines, {pixel: len(neighbours) for pixel, neighbours in near.items()}


def _neighbours(pixel, pixels):
    """Those of `pixels` that touch `pixel`: at a side, or at a corner where no side leads there."""
    row, column = pixel
    sides = [(row - 1, column), (row, column - 1), (row, column + 1), (row + 1, column)]
    corners = product((row - 1, row + 1), (column - 1, column + 1))
    corners = [(y, x) for y, x in corners if pixels.isdisjoint([(y, column), (row, x)])]
    return [place for place in sides + corners if place in pixels]


def _smooth(line, step=4):
    """The pixels of a line, float (N, 2), without their steps, and every fourth of them: (K, 2). The ends stay."""
    kept, last = list(range(0, len(line) - 1, step)), len(line) - 1
    if len(line) > 2 and (line[0] == line[-1]).all():  # a ring
        smooth = scipy.ndimage.gaussian_filter1d(line[:-1], 2, axis=0, mode="wrap")
        return smooth[[*kept, 0]]
    smooth = scipy.ndimage.gaussian_filter1d(line, 2, axis=0, mode="nearest")
    smooth[[0, -1]] = line[[0, -1]]
    return smooth[[*kept, last]]


def read_photo(file):
    """Find the ink in a photographed digit, dark on bright or bright on dark.

    Args:
        file: a path, the bytes of a file, or an open file.

    Returns:
        A float32 tensor (1, H, W) in [0, 1], upright, ink white on black, at most 400 pixels high and wide.
        `prepare(trace(read_photo(file)))` is then what `prepare` makes of a drawing.

    >>> read_photo(b"Dear diary")
    Traceback (most recent call last):
    ValueError: the file is not an image that can be read (of no known kind)
    """
    content = file if isinstance(file, (bytes, bytearray, memoryview)) else None
    for paper in (255, 0):  # what is seen where it is transparent; white ink is lost on white
        image = open_grey(file if content is None else io.BytesIO(content), paper)
        image.thumbnail((400, 400))
        grey = np.asarray(image, dtype=np.float32) / 255
        around = scipy.ndimage.uniform_filter(grey, max(1, max(grey.shape) // 2))
        ink = scipy.ndimage.gaussian_filter(grey, 1) - around  # it is rare, and differs a lot
        grey = 1 - grey if (ink**3).sum() > 0 else grey  # now it is dark
        light = scipy.ndimage.uniform_filter(grey, max(1, max(grey.shape) // 3))
        darker = np.maximum(light - scipy.ndimage.gaussian_filter(grey, 1), 0)
        if skimage.filters.threshold_otsu(darker) >= 0.025:  # else it is an empty sheet
            ink = darker / np.maximum(light, 0.05)  # the share of the light around it
            threshold = skimage.filters.threshold_otsu(ink)
            parts, _ = scipy.ndimage.label(ink > threshold)
            areas = np.bincount(parts.ravel())
            specks = areas < areas[1:].max() / 20  # of the largest part
            specks[0] = False  # the paper
            ink[specks[parts]] = 0
            return torch.from_numpy(ink / (2 * threshold)).clamp(0, 1).unsqueeze(0)
    return torch.zeros(1, *grey.shape)
