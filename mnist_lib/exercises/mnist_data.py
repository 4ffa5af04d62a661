"""The exercises of notebook 05_mnist_data."""

import torch

from ..data import Split
from .base import CHECKS, RIGHT, call_answer, exercise, wrong

CHECKS |= {
    "05-report": {
        "hint": "On which images was the learning rate chosen?",
        "tolerance": 0.001,
        97.2: RIGHT,
        97.9: "that is the best of five on these images, and was chosen because it is: some of it is luck.",
        97.55: "the mean still holds the lucky half; the test images were looked at once.",
        0.972: "write it in percent.",
    },
}


@exercise(
    "05-leak",
    "Two images are the same if all their pixels are. For each image of the second, is there one?",
)
def _leak(answer):
    old, new = torch.rand(6, 1, 28, 28), torch.rand(5, 1, 28, 28)
    old[4] = old[1]  # it stands there twice
    new[0] = new[3] = old[1]
    new[2] = old[5]
    new[4] = old[0].flip(1)  # as bright, and not the same
    table = {
        3: RIGHT,
        0: "you compared images at the same place; a leaked one may stand anywhere.",
        2: "of the second split, an image that stands there twice is leaked twice.",
        5: "you counted pairs: an image that the first split has twice counted twice.",
        4: "an image with the same sum, or the same pixels in another order, is another image.",
        "asked": "a number is asked for: how many images of the second split",
    }
    yield wrong(call_answer(answer, old, new), table)
    yield wrong(
        call_answer(answer, old, old[:0]), {0: RIGHT, "otherwise": "an empty split leaks none."}
    )
    yield wrong(
        call_answer(answer, new, old),
        {4 - 1: RIGHT, "otherwise": "with the splits exchanged, it is wrong."},
    )


@exercise("05-exchanged", "What becomes of 0, what of 1, and what of 0.25? Return two things.")
def _exchanged(answer):
    split = Split(torch.rand(4, 1, 28, 28), torch.tensor([7, 2, 1, 0]))
    before = split.images.clone()
    result = call_answer(answer, split, 1)
    if not isinstance(result, tuple | list) or len(result) != 2:
        yield "a dataset's item is a pair: return the image and its label."
    image, label = result
    if not torch.equal(split.images, before):
        yield "you changed the split itself; go through it twice, and all is as it was: make a new image."
    if label != 2:
        yield f"the label of example 1 is 2 here, and yours is {label}."
    table = {
        1 - before[1]: RIGHT,
        -before[1]: "minus one is not black: pixels go from 0 to 1, so white (1) becomes 0.",
        255 - before[1]: "these pixels go from 0 to 1, not to 255.",
        "asked": "the image has the shape (1, 28, 28)",
        "otherwise": "black (0) should become 1, and white (1) should become 0.",
    }
    yield wrong(image, table)
