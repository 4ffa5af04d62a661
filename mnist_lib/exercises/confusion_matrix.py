"""The exercises of notebook 09_confusion_matrix."""

import torch

from .base import call_answer, exercise, wrong_number, wrong_tensor


@exercise("09-precision", hint="How many images were called 1, rightly or wrongly?")
def _precision(answer):
    return wrong_number(
        answer,
        0.75,
        {
            0.6: "that is the recall: of the images that are 1. Precision looks down the column.",
            12 / 18: "that is F1; the precision alone was asked for.",
            23 / 30: "that is the accuracy, over all classes.",
            6 / 30: "divide by the images that were called 1, not by all images.",
            0.25: "that is the share of wrong ones among the images called 1.",
            75: "precision is a share, from 0 to 1.",
        },
        tolerance=0.005,
    )


@exercise(
    "09-macro", hint="Divide each class's right answers by the sum of its row; then the mean."
)
def _macro_recall(answer):
    matrix = torch.tensor([[90, 10, 0], [2, 3, 0], [1, 1, 8]])
    value = call_answer(answer, matrix.clone())
    if isinstance(value, torch.Tensor) and value.numel() > 1:
        return f"one number is asked for, and yours are {value.numel()}: take their mean."
    right, of_label, of_answer = matrix.diag(), matrix.sum(dim=1), matrix.sum(dim=0)
    return wrong_number(
        value,
        (right / of_label).mean().item(),
        {
            (right / of_answer).mean().item(): "that is macro precision: the labels are the rows.",
            (right.sum() / matrix.sum()).item(): (
                "that is the accuracy: a frequent class counts more there. Divide row by row first."
            ),
            (right / of_label).sum().item(): "that is the sum over the classes; take the mean.",
        },
        tolerance=1e-4,
    )


@exercise("09-images", hint="1.96 · √(p(1 − p)/n) = 0.001, solved for n.")
def _images(answer):
    expected = 1.96**2 * 0.99 * 0.01 / 0.001**2
    return wrong_number(
        answer,
        expected,
        {
            expected / 1.96**2: "that is for one standard error; the interval goes 1.96 of them.",
            expected / 1.96: "the 1.96 is squared too, when the root is undone.",
            1.96**2 * 0.25 / 0.001**2: "p is 0.99 here, not 0.5.",
            expected * 4: "0.001 is to either side, not from end to end.",
            expected / 4: "± 0.001 is to either side; you used ± 0.002.",
        },
        tolerance=60,
    )


@exercise("09-temperature", hint="Divide before the softmax, and each image's row adds to 1.")
def _temperature(answer):
    logits = torch.tensor([[2.0, 1.0, 0.0], [0.0, 0.0, 5.0]])
    result = torch.as_tensor(call_answer(answer, logits.clone(), 2.0)).float()
    if result.shape != logits.shape:
        return f"the result has the shape of the logits, and yours has {tuple(result.shape)}."
    softmax = logits.softmax(dim=1)
    known = [  # what comes out, and what was misunderstood
        ((logits / 2).softmax(dim=1), None),
        ((logits * 2).softmax(dim=1), "you multiplied: a temperature above 1 makes less sure."),
        ((logits / 2).softmax(dim=0), "you normalised over the batch (dim=0), not the classes."),
        (softmax / 2, "divide the logits, before the softmax: these rows do not add to 1."),
        (softmax, "the temperature changes nothing in yours."),
        (logits / 2, "these are logits; the softmax is missing."),
        ((logits / 2).log_softmax(dim=1), "these are logarithms of probabilities."),
        ((softmax / 2).softmax(dim=1), "you took the softmax twice; divide the logits instead."),
        ((logits / 2).sigmoid(), "a sigmoid looks at each logit alone; take the softmax of a row."),
    ]
    return wrong_tensor(
        result, known, "these are not the softmax of the logits divided by the temperature."
    )
