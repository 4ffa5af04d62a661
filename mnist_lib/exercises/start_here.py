"""The exercises of notebook 00_start_here."""

import torch

from ..training import evaluate
from .base import CHECKS, RIGHT, call_answer, exercise, quiet_mnist, wrong

CHECKS |= {
    "00-follows": {
        "hint": "What was changed, what was measured, and of whom?",
        "first": "as easy for this model; nobody asked people, and you have seen the ten riddles.",
        "second": RIGHT,
        "third": "this model makes no use of neighbours; that does not show that nobody could.",
    },
}


@exercise("00-own-mean")
def _own_mean(answer):
    """Which axes belong to one image? The mean needs a shape that repeats for it: keepdim=True."""
    images = torch.rand(3, 1, 28, 28) * torch.tensor([0.2, 0.5, 1.0]).reshape(3, 1, 1, 1)
    table = {
        images - images.mean(dim=(1, 2, 3), keepdim=True): RIGHT,
        images - images.mean(): "you subtracted the mean of all images together from each.",
        images - images.mean(dim=0): "dim=0 averages over the images, pixel by pixel.",
        images - images.mean(dim=2, keepdim=True): "that is the mean of each column.",
        images - images.mean(dim=3, keepdim=True): "that is the mean of each row.",
        images.mean(dim=(1, 2, 3), keepdim=True): "these are the means; subtract them.",
        "asked": "the shape stays (3, 1, 28, 28)",
        "otherwise": "subtract the mean of each image from it, and do nothing else.",
    }
    yield wrong(call_answer(answer, images), table)


@exercise("00-better")
def _better(answer):
    """Print the loss now and then: was it still falling when the steps were over?"""
    if not isinstance(answer, torch.nn.Module):
        yield "the answer is a model, as `learn` returns it; its accuracy on unseen digits is measured here."
    mnist = quiet_mnist()
    share = evaluate(answer, mnist.validation).accuracy
    if share > evaluate(answer, mnist.train[:3000]).accuracy:
        yield "it reads more of the unseen digits than of the 3,000: were they really unseen?"
    why = "were the steps too few, too small, or so large that they go too far?"
    yield share < 0.88 and f"it reads {100 * share:.4g} of 100, not yet 88: {why}"
