"""The exercises of notebook 16_do_explanations_hold."""

import torch
from torch import nn
from torch.nn import functional as F

from .base import CHECKS, RIGHT, call_answer, exercise

CHECKS |= {
    "16-falls": {
        "hint": "The logit of the image, less the logit with that pixel at 0.",
        "asked": "three numbers are asked for, one for each pixel",
        "otherwise": "with the image (0, 1, 0.6) the logit is −0.7; take one pixel away at a time.",
        (0, -1, 0.3): RIGHT,
        (2, -1, 0.5): "those are the slopes; a pixel that is black already cannot fall.",
        (0, -1, 0.5): "c is 0.6, not 1: only so much of it can be taken away.",
        (0, 1, -0.3): "how far does it *fall*? Without b the logit rises: minus one.",
        (0, 1, 0.3): "b has a negative weight: without it the logit rises, a fall of minus one.",
        (-0.7, 0.3, -1): "those are the logits that are left; the fall was asked for.",
        (2, 1, 0.5): "those are sizes of slopes; multiply by the pixel, and mind the sign.",
    },
    "16-conclusion": {
        "hint": "What does the ranking of its own network do that the other's does not?",
        2: RIGHT,
        1: "another network's ranking does as well, and it knows nothing of this one.",
        3: "most answers, 59 %, outlive the loss: the network has other pixels, too.",
        4: "random pixels change 2 %: twenty times less. What is compared counts, not the half.",
    },
}


@exercise("16-impostor")
def _impostor(answer):
    """What do you see in such a picture that is there before any network looks?"""
    images = torch.zeros(4, 1, 28, 28)
    for number, image in enumerate(images[:, 0]):  # a cross each, at another place
        image[4:20, 6 + 3 * number : 9 + 3 * number] = torch.rand(16, 3)
        image[8 + number : 10 + number, 3:24] = 1
    answers = torch.tensor([3, 1, 4, 1])
    pictures = []
    for _ in range(2):
        layers = nn.Conv2d(1, 4, 5), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 24 * 24, 10)
        one = call_answer(answer, nn.Sequential(*layers), images, answers)
        if not isinstance(one, torch.Tensor) or one.shape != (4, 28, 28):
            got = tuple(one.shape) if isinstance(one, torch.Tensor) else type(one).__name__
            yield f"the result is a tensor (N, 28, 28), here (4, 28, 28), and yours is {got}."
        pictures.append(one.detach().double())
        yield not pictures[-1].isfinite().all() and "some of the numbers are no numbers."
    flat = [(one - one.mean(dim=(1, 2), keepdim=True)).flatten(1) for one in pictures]
    if any((rows.norm(dim=1) < 1e-9).any() for rows in flat):
        yield "a picture of one shade convinces nobody: it has to show something."
    likeness = torch.cosine_similarity(*flat)
    if likeness.min() < 0.9:
        found = f"correlation ≈{likeness.min():.2f}"
        yield f"two networks with other random weights get other pictures ({found}): yours knows too much."
    near = F.max_pool2d(images, 5, stride=1, padding=2)[:, 0] > 0
    if any((one * ~near).abs().sum() > 0.2 * one.abs().sum() for one in pictures):
        yield "it does not lie on the strokes: much of it is far from any ink."
    across = torch.cosine_similarity(flat[0], flat[0].roll(1, dims=0))
    if across.max() > 0.9:
        yield "it is the same picture for every digit: it has to look right for each."
