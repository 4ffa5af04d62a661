"""How well answers agree with labels: the confusion matrix and the report. torchmetrics counts and divides.

Answers and labels are the numbers of classes, from 0. Which answer a model gives is for `predict` to say.
"""

from numbers import Integral

import numpy as np
import pandas as pd
import torch
from torchmetrics.functional import classification

SCORES = {
    "precision": classification.multiclass_precision,
    "recall": classification.multiclass_recall,
    "f1": classification.multiclass_f1_score,
}


def confusion_matrix(answers, labels, classes=10):
    """Count how often each label got each answer.

    Args:
        answers: (N,), whole numbers from 0 to classes − 1: what a model said.
        labels: (N,), of the same kind: what it is. Both may be on any device.
        classes: how many classes there are, at least 2.

    Returns:
        int64 (classes, classes) on the CPU: row = label, column = answer. It adds up to N.

    Raises:
        TypeError: they are not whole numbers.
        ValueError: they are empty, differ in shape, or a class is out of range.

    >>> confusion_matrix([0, 1, 1, 2], [0, 1, 2, 2], classes=3)
    tensor([[1, 0, 0],
            [0, 1, 0],
            [0, 1, 1]])
    """
    answers, labels, classes = _checked(answers, labels, classes)
    return classification.multiclass_confusion_matrix(answers, labels, classes)


def report(answers, labels, classes=10):
    """Return precision, recall and F1 of each class, and their macro averages.

    Args:
        answers, labels, classes: as in `confusion_matrix`.

    Returns:
        A DataFrame, a row for each class and a last row "macro". Columns: precision, recall and f1, from 0 to 1, where
        0 / 0 counts as 0; and support, the number of examples with this label. The row "macro" has the plain mean over
        the classes that occur among labels or answers, and the number of all examples.

    Raises:
        TypeError, ValueError: as `confusion_matrix`.

    >>> report([0, 1, 1, 2], [0, 1, 2, 2], classes=3).round(2)
           precision  recall    f1  support
    0           1.00    1.00  1.00        1
    1           0.50    1.00  0.67        1
    2           1.00    0.50  0.67        2
    macro       0.83    0.83  0.78        4
    """
    answers, labels, classes = _checked(answers, labels, classes)
    columns = {
        name: [
            *score(answers, labels, classes, average=None),
            score(answers, labels, classes, average="macro"),
        ]
        for name, score in SCORES.items()
    }
    columns = {name: torch.stack(values).double().numpy() for name, values in columns.items()}
    columns["support"] = [*labels.bincount(minlength=classes).tolist(), len(labels)]
    return pd.DataFrame(columns, index=[*range(classes), "macro"])


def _checked(answers, labels, classes):
    """Answers and labels as int64 tensors on the CPU, and the number of classes as an int."""
    if not isinstance(classes, Integral) or isinstance(classes, bool):
        raise TypeError(f"classes must be a whole number, got {classes!r}")
    if classes < 2:
        raise ValueError(f"classes must be at least 2, got {classes}")
    classes = int(classes)
    answers, labels = _numbers("answers", answers, classes), _numbers("labels", labels, classes)
    if answers.shape != labels.shape:
        raise ValueError(
            f"answers must be as many as labels ({len(labels)}), one for each; got {len(answers)}"
        )
    return answers, labels, classes


def _numbers(name, values, classes):
    """The numbers of classes as an int64 tensor (N,) on the CPU."""
    try:
        if not isinstance(values, torch.Tensor):  # PyTorch takes no Series with an index of its own
            values = torch.as_tensor(np.array(values))
        values = values.cpu()
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(f"{name} must be a tensor or a list of whole numbers: {error}") from None
    if values.numel() == 0:
        raise ValueError(f"{name} must hold at least one number, got none")
    if values.is_floating_point() or values.is_complex() or values.dtype == torch.bool:
        raise TypeError(f"{name} must be whole numbers, as argmax gives them; got {values.dtype}")
    if values.dim() != 1:
        raise ValueError(f"{name} must have the shape (N,), got {tuple(values.shape)}")
    values = values.long()  # PyTorch has no min of uint16
    low, high = values.min().item(), values.max().item()
    if low < 0 or high >= classes:
        wrong = low if low < 0 else high
        raise ValueError(f"{name} must be from 0 to {classes - 1}, got {wrong}")
    return values
