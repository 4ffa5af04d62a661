"""The exercises of notebook 13_draw_a_digit."""

import numpy as np
import torch
from torch.nn import functional as F

from .base import CHECKS, RIGHT, call_answer, exercise, wrong

CHECKS |= {
    "13-grey": {
        "hint": "From where to where does the ink reach, in pixels from the left?",
        "asked": "two numbers are asked for, (first, second)",
        (0.25, 0.75): RIGHT,
        (0.75, 0.25): "the ink reaches from 0.75 to 1.75: which column has more of it?",
        (0, 1): "1.25 is the middle of the line, and the middle of the second column is 1.5.",
        (0.25, 1): "the ink ends at 1.75, before the second column does.",
        (0.5, 0.5): "that would be so with the middle at 1, on the border of the two columns.",
        (1, 1): "a pixel is as bright as the share of it that lies under the pen.",
        (25, 75): "brightness goes from 0 to 1.",
    },
    "13-box": {
        "hint": "The longer side becomes 20. By which factor? It is the same for all.",
        "asked": "two numbers are asked for, (ink, pen)",
        "tolerance": 0.01,
        (10, 2): RIGHT,
        (20, 2): "20 is the longer side; the aspect ratio is kept.",
        (20, 4): "20 is the longer side; this drawing is higher than it is wide.",
        (3, 0.6): "that is squeezed, the whole pad into 28; the box holds the ink alone.",
        (14, 2.8): "the box is 20 pixels high, not 28.",
        (10, 6): "scaled as a picture, the pen becomes smaller with the drawing.",
        (10, 0.6): "the pen is scaled by the same factor as the ink, not by that of the pad.",
        (10, 2.5): "that is the pen of `prepare`, which draws strokes anew; a picture has its own.",
    },
}


@exercise("13-between", "np.linspace(a, b, count + 2) has a, the new points, and b.")
def _between(answer):
    stroke = np.array([(0.0, 0.0), (0.3, 0.0), (0.3, 0.6)])
    given = stroke.copy()
    points = call_answer(answer, given, 2)
    if not np.array_equal(given, stroke):
        yield "you changed the stroke that you were given."
    one, right, three = (
        F.interpolate(torch.tensor(stroke.T)[None], size, mode="linear", align_corners=True)[0].T
        for size in (5, 7, 9)  # points, with 1, 2 and 3 new ones on each line
    )
    table = {
        right: RIGHT,
        right[:-1]: "the last point of the stroke is missing.",
        right[[0, 1, 2, 3, 3, 4, 5, 6]]: "the point where two lines meet comes twice.",
        right[[1, 2, 4, 5]]: "keep the old points too.",
        right[[0, 3, 6]]: "there are no new points in it.",
        one: "that is one new point on each line; `count` was 2.",
        three: "that is one new point too many on each line.",
        right.flip(1): "x and y are exchanged.",
        "asked": "a stroke of 3 points and count = 2 make an array (7, 2)",
        "otherwise": "the new points are not at equal distances.",
    }
    yield wrong(points, table)


@exercise("13-lean", "Means of x and y first, each pixel weighted by its brightness.")
def _lean(answer):
    image = torch.rand(1, 12, 12, generator=torch.Generator().manual_seed(0)) ** 4
    image = image + torch.eye(12).flip(1)[None]  # it leans to the right
    ink = image[0] / image.sum()
    x, y = torch.meshgrid(torch.arange(12.0), torch.arange(12.0), indexing="xy")
    places = torch.stack([x.flatten(), y.flatten()])
    (across, covariance), (_, down) = torch.cov(places, correction=0, aweights=ink.flatten())
    right, correlation = covariance / down, covariance / (across * down).sqrt()
    from_0, from_middle = (
        (ink * (x - c) * (y - c)).sum() / (ink * (y - c) ** 2).sum() for c in (0, 5.5)
    )
    table = {
        right: RIGHT,
        -right: "the sign: y goes down, so leaning to the right is negative.",
        covariance / across: "divide by the variance of y, not of x.",
        covariance: "that is the covariance; divide by the variance of y.",
        covariance * image.sum(): "the weights add to the ink; divide by it, then by the variance.",
        correlation: "that is the correlation; divide by the variance of y.",
        from_0: "take the means off first.",
        from_middle: "the means are those of the ink, not the middle of the image.",
        "otherwise": "for a line alone, from top right to bottom left at 45°, it is −1.",
    }
    yield wrong(call_answer(answer, image), table)
