"""How well answers agree with labels: the confusion matrix and the report. torchmetrics counts and divides."""

import numpy as np
import pandas as pd
import torch
from torchmetrics.functional import classification

from .machinery.checks import integer

SCORES = {
    "precision": classification.multiclass_precision,
    "recall": classification.multiclass_recall,
    "f1": classification.multiclass_f1_score,
}


def confusion_matrix(answers, labels, classes=10):
    """Count how often each label got each answer (built in notebook 09).

    Args:
        answers: (N,), integers from 0 to classes − 1: what a model said. N is at least 1.
        labels: (N,), of the same kind: what it is. Both may be on any device.
        classes: how many classes there are, at least 2.

    Returns:
        int64 (classes, classes) on the CPU: row = label, column = answer. It adds up to N.

    Raises:
        TypeError, ValueError: an argument is not as described.

    >>> confusion_matrix([0, 1, 1, 2], [0, 1, 2, 2], classes=3)
    tensor([[1, 0, 0],
            [0, 1, 0],
            [0, 1, 1]])
    """
    pair = _checked("answers", answers, classes), _checked("labels", labels, classes)
    return classification.multiclass_confusion_matrix(*pair, int(classes))


def report(answers, labels, classes=10):
    """Return precision, recall and F1 of each class, and their macro averages (built in notebook 09).

    Arguments and errors as in `confusion_matrix`.

    Returns:
        A DataFrame, a row for each class and a last row "macro". Columns: precision, recall and f1, from 0 to 1, where
        0 / 0 counts as 0; and support, the number of examples with this label. The row "macro" has the plain mean over
        the classes that occur among labels or answers, and the number of all examples.

    >>> report([0, 1, 1, 2], [0, 1, 2, 2], classes=3).round(2)
           precision  recall    f1  support
    0           1.00    1.00  1.00        1
    1           0.50    1.00  0.67        1
    2           1.00    0.50  0.67        2
    macro       0.83    0.83  0.78        4
    """
    answers, labels = _checked("answers", answers, classes), _checked("labels", labels, classes)
    columns = {}
    for name, score in SCORES.items():
        each, macro = (score(answers, labels, int(classes), how) for how in (None, "macro"))
        columns[name] = [*each.tolist(), macro.item()]
    columns["support"] = [*labels.bincount(minlength=classes).tolist(), len(labels)]
    return pd.DataFrame(columns, [*range(classes), "macro"])


def _checked(name, values, classes):
    """The numbers of classes as int64 (N,) on the CPU. torchmetrics would take probabilities, and any number."""
    if not isinstance(values, torch.Tensor):
        values = torch.as_tensor(np.array(values))
    if values.dim() != 1 or len(values) == 0:
        raise ValueError(f"{name} must be (N,), N at least 1, got the shape {tuple(values.shape)}")
    if values.is_floating_point() or values.dtype == torch.bool:
        raise TypeError(f"{name} must be integers, as argmax gives them, got {values.dtype}")
    values, last = values.cpu().long(), integer("classes", classes, least=2) - 1
    wrong = values[(values < 0) | (values > last)]
    if len(wrong):
        raise ValueError(f"{name} must be from 0 to {last}, got {wrong[0]}")
    return values
