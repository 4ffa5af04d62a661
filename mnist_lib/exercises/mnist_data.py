"""The exercises of notebook 05_mnist_data."""

import torch

from ..data import Split
from .base import CHECKS, RIGHT, call_answer, exercise, wrong

CHECKS |= {
    "05-batches": {
        "hint": "How often does 64 go into 55,000, and what happens to the rest?",
        860: RIGHT,
        859: "you left out the last batch, which is smaller than the others.",
        55_000 / 64: "the rest is a batch too, a smaller one: round up.",
        3_520_000: "you multiplied; the images are shared out to the batches.",
    },
    "05-place": {
        "hint": "How many whole rows lie before row 14?",
        14 * 28 + 7: RIGHT,
        7 * 28 + 14: "you swapped row and column: images are flattened row by row.",
        13 * 28 + 6: "rows and columns are counted from 0.",
        13 * 28 + 7: "rows are counted from 0: fourteen whole rows lie before row 14.",
        14 * 28 + 8: "columns are counted from 0.",
        14 * 7: "you multiplied row and column; each row before it has 28 pixels.",
    },
    "05-which-split": {
        "hint": "One split is for learning, one for choosing, one for the last look.",
        "train": "on the images it learned from, the model that memorises best wins.",
        "validation": RIGHT,
        "test": "a test image that was used to choose is no longer unseen: the last look is gone.",
    },
}


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


@exercise("05-scale", "Which dtype comes in, and what is the largest value that it can hold?")
def _scale(answer):
    pixels = torch.tensor([[10, 51], [102, 204]], dtype=torch.uint8)
    result = call_answer(answer, pixels)
    if not isinstance(result, torch.Tensor):
        yield f"the result is a tensor, and yours is a {type(result).__name__}."
    if result.dtype != torch.float32:
        yield f"the result is float32, and yours is {result.dtype}."
    table = {
        pixels / 255: RIGHT,
        pixels / 256: "white is 255, not 256: 256 is the number of grey levels.",
        pixels
        / 204: "you divided by the brightest pixel of this image; then a pale image would no longer be pale.",
        "asked": "the shape stays (2, 2)",
        "otherwise": "the values are not the pixels divided by 255.",
    }
    if result.max() > 1:
        table["otherwise"] = "the values still go beyond 1."
    yield wrong(result, table)
