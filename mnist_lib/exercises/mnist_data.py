"""The exercises of notebook 05_mnist_data."""

import torch

from ..data import Split
from .base import CHECKS, RIGHT, call_answer, exercise, wrong

CHECKS |= {
    "05-report": {
        "hint": "On which images was the learning rate chosen?",
        "tolerance": 0.001,
        97.6: RIGHT,
        97.9: "that is the best of five on these images, and was chosen because it is: some of it may be luck.",
        97.75: "the mean still holds a half that may be luck; the test images were looked at once.",
        0.976: "write it in percent.",
        0.979: "write it in percent, and think again: on which images was it chosen?",
    },
}


@exercise("05-leak")
def _leak(answer):
    """Two images are the same if all their pixels are. For each image of the second, is there one?"""
    ink = [torch.rand(count, 1, 28, 28) > 0.8 for count in (6, 8)]
    old, new = (torch.randint(256, where.shape) / 256 * where for where in ink)  # sums are exact
    old[4] = old[1]  # it stands there twice
    new[0] = new[3] = new[5] = old[1]
    new[2] = old[5]
    new[4], new[6] = old[0].flip(1), old[2].flip(1)  # as bright, and not the same
    table = {
        4: RIGHT,
        0: "equal images may stand at different places, and a set takes equal tensors for different ones.",
        2: "of the second split, an image that stands there three times is leaked three times.",
        3: "you counted those of the first that stand in the second.",
        5: "an image that the first split has twice is no leak by itself.",
        6: "an image with the same sum, or the same pixels in another order, is another image.",
        7: "you counted pairs: an image that the first split has twice counted twice.",
        8: "`in` asks a tensor whether any pixel is equal; all must be.",
        "asked": "a number is asked for: how many images of the second split",
    }
    yield wrong(call_answer(answer, old, new), table)
    many = torch.rand(40, 1, 28, 28)
    otherwise = "of 40 equal images 40 are leaked; distances are rounded: compare the pixels."
    yield wrong(call_answer(answer, many, many), {40: RIGHT, "otherwise": otherwise})


@exercise("05-exchanged")
def _exchanged(answer):
    """What becomes of 0, what of 1, and what of 0.25? Return two things."""
    split = Split(torch.rand(4, 1, 28, 28) / 2, torch.tensor([7, 2, 1, 0]))
    before = split.images.clone()
    result = call_answer(answer, split, 1)
    if not isinstance(result, tuple | list) or len(result) != 2:
        yield "a dataset's item is a pair: return the image and its label."
    image, label = result
    if not torch.equal(split.images, before):
        yield "you changed the split itself; go through it twice, and all is as it was: make a new image."
    if getattr(label, "numel", lambda: 1)() != 1:
        yield "the second of the pair is one label, 2 for example 1; is the image first?"
    yield label != 2 and f"the label of example 1 is 2 here, and yours is {label}."
    table = {
        1 - before[1]: RIGHT,
        -before[1]: "minus one is not black: pixels go from 0 to 1, so white (1) becomes 0.",
        255 - before[1]: "these pixels go from 0 to 1, not to 255.",
        "asked": "the image has the shape (1, 28, 28)",
        "otherwise": "black (0) should become 1, and white (1) should become 0.",
    }
    yield wrong(image, table)
