"""The exercises of notebook 07_cnn."""

import torch

from .base import call_answer, exercise, wrong_number


@exercise("07-size", hint="First the convolution: how many places does a window of 5 have in 28?")
def _size(answer):
    return wrong_number(
        answer,
        12,
        {
            14: "without padding the convolution shrinks the image first: 28 - 5 + 1.",
            24: "that is after the convolution; the pooling halves it.",
            13: "a window of 5 has 28 - 5 + 1 places, not 28 - 2.",
            11.5: "a window of 5 has 28 - 5 + 1 places: do not forget the + 1.",
            11: "a window of 5 has 28 - 5 + 1 places: do not forget the + 1.",
        },
    )


@exercise(
    "07-parameters",
    hint="One kernel spans all input channels; each output channel has one, and a bias.",
)
def _conv_parameters(answer):
    return wrong_number(
        answer,
        9_280,
        {
            9_216: "you forgot the biases: one for each output channel.",
            640: "each kernel spans all 16 input channels.",
            576: "each kernel spans all 16 input channels, and there is a bias for each output channel.",
            9_232: "there is a bias for each output channel (64), not for each input channel.",
        },
    )


@exercise(
    "07-small",
    hint="Strides, pooling and few channels make the last map small, and the linear layer with it.",
)
def _small(answer):
    model = call_answer(answer)
    if not isinstance(model, torch.nn.Module):
        return f"the function returns a model, and yours returned {type(model).__name__}."
    if not any(isinstance(module, torch.nn.Conv2d) for module in model.modules()):
        return "there is no convolution in it."
    logits = model(torch.rand(3, 1, 28, 28))
    if logits.shape != (3, 10):
        return f"for 3 images it returns the shape {tuple(logits.shape)}; it should return logits (3, 10)."
    if torch.allclose(logits.exp().sum(dim=1), torch.ones(3), atol=1e-4) or (logits >= 0).all():
        return "the result should be logits: nothing comes after the last linear layer."
    size = sum(parameter.numel() for parameter in model.parameters())
    return None if size < 5000 else f"it has {size:,} parameters; fewer than 5,000 were asked for."
