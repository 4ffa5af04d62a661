"""The exercises of notebook 07_cnn."""

from copy import deepcopy

import torch

from ..training import convolves, evaluate, pick_device, train
from .base import CHECKS, RIGHT, call_answer, exercise, quiet_mnist

CHECKS |= {
    "07-size": {
        "hint": "First the convolution: how many places does a window of 7 have in 28?",
        11: RIGHT,
        14: "without padding the convolution shrinks the image first: 28 - 7 + 1.",
        22: "that is after the convolution; the pooling halves it.",
        **dict.fromkeys((10, 10.5), "a window of 7 has 28 - 7 + 1 places: do not forget the + 1."),
        12: "that would be for a window of 5.",
    },
    "07-parameters": {
        "hint": "One kernel spans all input channels; each output channel has one, and a bias.",
        9_280: RIGHT,
        9_216: "you forgot the biases: one for each output channel.",
        640: "each kernel spans all 16 input channels.",
        576: "each kernel spans all 16 input channels, and there is a bias for each output channel.",
        9_232: "there is a bias for each output channel (64), not for each input channel.",
    },
}


@exercise("07-small")
def _small(answer):
    """Strides, pooling and few channels make the last map small, and the linear layer with it."""
    model = call_answer(answer)
    if not isinstance(model, torch.nn.Module):
        yield f"the function returns a model, and yours returned {type(model).__name__}."
    yield not convolves(model) and "there is no convolution in it."
    images = torch.rand(3, 1, 28, 28)
    shape = tuple(model(images).shape)
    if shape != (3, 10):
        yield f"for 3 images it returns the shape {shape}; it should return logits (3, 10)."
    model, logits = deepcopy(model).eval(), []
    if not torch.allclose(model(images)[:1], model(images[:1]), atol=1e-4):
        yield "what it says of an image depends on the other images: dim=0 is the batch."
    for _ in range(20):  # with one set of weights, all logits may happen to be positive
        for parameter in model.parameters():
            parameter.data.normal_()
        logits.append(model(images).detach())
    logits = torch.cat(logits)
    log_softmax = logits.logsumexp(dim=1).abs().max() < 1e-4
    if (logits >= 0).all() or logits.abs().max() <= 1 or log_softmax:
        yield "the result should be logits: nothing comes after the last linear layer."
    size = sum(parameter.numel() for parameter in model.parameters())
    yield size >= 5000 and f"it has {size:,} parameters; fewer than 5,000 were asked for."
    mnist = quiet_mnist().to(pick_device())
    epochs, goal = (3, 0.97) if mnist.source == "full" else (12, 0.94)  # the sample is smaller
    model = train(answer, mnist.train[:20_000], epochs, seed=0, batch_size=64)
    share = evaluate(model, mnist.validation).accuracy
    if share < goal:
        made = f"after training it reads {share:.1%} of the validation images, not {goal:.0%}"
        yield f"{made}: more channels, or one more convolution, before the last map."
