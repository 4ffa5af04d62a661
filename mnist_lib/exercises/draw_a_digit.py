"""The exercises of notebook 13_draw_a_digit."""

from itertools import pairwise

import numpy as np
import torch

from .base import call_answer, exercise, take_numbers, wrong_tensor


@exercise("13-grey", hint="From where to where does the ink reach, in pixels from the left?")
def _grey(answer):
    first, second = take_numbers(answer, 2, "(first, second)")
    mistakes = {
        (0.25, 0.75): None,
        (0.75, 0.25): "the ink reaches from 0.75 to 1.75: which column has more of it?",
        (0.0, 1.0): "1.25 is the middle of the line, and the middle of the second column is 1.5.",
        (0.25, 1.0): "the ink ends at 1.75, before the second column does.",
        (0.5, 0.5): "that would be so with the middle at 1, on the border of the two columns.",
        (1.0, 1.0): "a pixel is as bright as the share of it that lies under the pen.",
        (25.0, 75.0): "brightness goes from 0 to 1.",
    }
    return mistakes.get((first, second), f"({first:g}, {second:g}) is not it.")


@exercise("13-box", hint="The longer side becomes 20. By which factor? It is the same for all.")
def _box(answer):
    ink, pen = take_numbers(answer, 2, "(ink, pen)")
    mistakes = {
        (10, 2): None,
        (20, 2): "20 is the longer side; the aspect ratio is kept.",
        (20, 4): "20 is the longer side; this drawing is higher than it is wide.",
        (3, 0.6): "that is squeezed, the whole pad into 28; the box holds the ink alone.",
        (14, 2.8): "the box is 20 pixels high, not 28.",
        (10, 6): "scaled as a picture, the pen becomes smaller with the drawing.",
        (10, 0.6): "the pen is scaled by the same factor as the ink, not by that of the pad.",
        (10, 2.5): "that is the pen of `prepare`, which draws strokes anew; a picture has its own.",
    }
    for (right_ink, right_pen), misunderstanding in mistakes.items():
        if np.allclose((ink, pen), (right_ink, right_pen), atol=0.01):
            return misunderstanding
    return f"({ink:g}, {pen:g}) is not it."


@exercise("13-between", hint="np.linspace(a, b, count + 2) has a, the new points, and b.")
def _between(answer):
    stroke = np.array([(0.0, 0.0), (0.3, 0.0), (0.3, 0.6)])
    given = stroke.copy()
    points = np.asarray(call_answer(answer, given, 2), dtype=float)
    if not np.array_equal(given, stroke):
        return "you changed the stroke that you were given."
    right = np.array([(0, 0), (0.1, 0), (0.2, 0), (0.3, 0), (0.3, 0.2), (0.3, 0.4), (0.3, 0.6)])
    both = np.insert(right, 3, right[3], axis=0)
    known = [  # what comes out, and what was misunderstood
        (right, None),
        (right[:-1], "the last point of the stroke is missing."),
        (both, "the point where two lines meet comes twice."),
        (right[[1, 2, 4, 5]], "keep the old points too."),
        (right[[0, 3, 6]], "there are no new points in it."),
        (_spread(stroke, 1), "that is one new point on each line; `count` was 2."),
        (_spread(stroke, 3), "that is one new point too many on each line."),
        (right[:, ::-1], "x and y are exchanged."),
    ]
    for outcome, misunderstanding in known:
        if points.shape == outcome.shape and np.allclose(points, outcome, atol=1e-6):
            return misunderstanding
    dot = f"a stroke of 3 points and count = 2 make an array (7, 2), and yours is {points.shape}."
    return dot if points.shape != right.shape else "the new points are not at equal distances."


def _spread(stroke, count):
    """A stroke with `count` new points on each of its lines."""
    parts = [np.linspace(a, b, count + 1, endpoint=False) for a, b in pairwise(stroke)]
    return np.concatenate([*parts, stroke[-1:]])


@exercise("13-lean", hint="Means of x and y first, each pixel weighted by its brightness.")
def _lean(answer):
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(1, 12, 12, generator=generator) ** 4
    image = image + torch.eye(12).flip(1)[None]  # it leans to the right
    value = torch.as_tensor(call_answer(answer, image.clone())).float()
    ink = image[0] / image.sum()
    y, x = torch.meshgrid(torch.arange(12.0), torch.arange(12.0), indexing="ij")
    x0, y0 = x - (ink * x).sum(), y - (ink * y).sum()
    covariance, across, down = (ink * x0 * y0).sum(), (ink * x0**2).sum(), (ink * y0**2).sum()
    known = [  # what comes out, and what was misunderstood
        (covariance / down, None),
        (-covariance / down, "the sign: y goes down, so leaning to the right is negative."),
        (covariance / across, "divide by the variance of y, not of x."),
        (covariance, "that is the covariance; divide by the variance of y."),
        (
            covariance * image.sum(),
            "the weights add to the ink; divide by it, then by the variance.",
        ),
        (
            covariance / (across * down).sqrt(),
            "that is the correlation; divide by the variance of y.",
        ),
        ((ink * x * y).sum() / (ink * y**2).sum(), "take the means off first."),
        ((x - 5.5).mul(y - 5.5).mul(ink).sum() / ((y - 5.5) ** 2 * ink).sum(), _MIDDLE),
    ]
    return wrong_tensor(
        value, known, "for a line alone, from top right to bottom left at 45°, it is −1."
    )


_MIDDLE = "the means are those of the ink, not the middle of the image."
