"""The exercises of notebook 06_linear_and_nonlinear."""

import torch

from .base import call_answer, exercise, wrong_number, wrong_words


@exercise("06-parameters", hint="Each output has one weight per input, and one bias.")
def _parameters(answer):
    return wrong_number(
        answer,
        79_510,
        {
            79_400: "you forgot the biases: one for each output of each layer.",
            78_500: "that is the first layer alone.",
            1_010: "that is the second layer alone.",
            79_500: "you forgot the ten biases of the last layer.",
            79_410: "you forgot the hundred biases of the first layer.",
        },
    )


@exercise("06-counting", hint="How many images are there, and how many of them are right?")
def _counting(answer):
    return wrong_number(
        answer,
        48 / 72,
        {
            0.5: "that is the mean of the three batches; the small one counts as much as the large ones there.",
            48: "that is how many are right; divide by how many there are.",
            100 * 48 / 72: "accuracy is a share, from 0 to 1.",
        },
        tolerance=0.005,
    )


@exercise("06-accuracy", hint="The class of an image is the place of the largest logit in its row.")
def _accuracy(answer):
    logits = torch.tensor([[9.0, 1, 0, 0], [0, 0, 3, 1], [5, 8, 4, 0], [0, 1, 9, 7], [0, 8, 1, 0]])
    labels = torch.tensor([0, 2, 2, 0, 1])
    value = call_answer(answer, logits, labels)
    if isinstance(value, torch.Tensor) and value.numel() > 1:
        return f"one number is asked for, and yours are {value.numel()}: take their mean."
    return wrong_number(
        value,
        0.6,
        {
            0.4: "that is the share of wrong answers.",
            3: "that is the number of right answers; divide by how many there are.",
            0.75: "divide by the number of images, not of classes.",
            60: "that is the percentage; accuracy is a share, from 0 to 1.",
        },
        tolerance=1e-4,
    )


@exercise("06-softmax", hint="Subtract each row's largest logit first: the softmax stays the same.")
def _softmax(answer):
    logits = torch.tensor([[2.0, 1.0, 0.0], [0.0, 0.0, 5.0]])
    result = torch.as_tensor(call_answer(answer, logits.clone())).float()
    if result.shape != logits.shape:
        return (
            f"the result has the shape of the logits, (2, 3), and yours has {tuple(result.shape)}."
        )
    if torch.allclose(result, logits.softmax(dim=0), atol=1e-5):
        return "you normalised over the batch (dim=0): each image's own row adds to 1 (dim=1)."
    if torch.allclose(result, logits.exp() / logits.exp().sum(), atol=1e-5):
        return "all entries together add to 1; each row should. Sum with dim=1, keepdim=True."
    if not torch.allclose(result, logits.softmax(dim=1), atol=1e-5):
        return "the rows are not the exponentials divided by their sum."
    large = torch.tensor([[0.0, 0.0, 5.0], [1000.0, 0.0, 0.0], [-1000.0, -1001.0, -1002.0]])
    result = torch.as_tensor(call_answer(answer, large.clone())).float()
    if not torch.allclose(result, large.softmax(dim=1), atol=1e-5):
        return "it fails for logits such as 1000 or -1000: subtract each row's own maximum first."
    return None


@exercise("06-diagnosis", hint="How well does a network that over-fits do on its training images?")
def _diagnosis(answer):
    return wrong_words(
        answer,
        {
            "over-fitting": "a network that over-fits is good on its training images; this one is not.",
            "cannot learn": None,
        },
    )
