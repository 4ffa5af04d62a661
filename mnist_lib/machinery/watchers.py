"""Who watches a training: a history, and a record of weights. `training.fit` tells them how it goes."""

import math
import time

import pandas as pd
import torch

from ..training import Evaluation, check_finite, evaluate, to_numbers, total
from .checks import integer, list_of_names


class History:
    """A table of how a training goes: a watcher for `fit` (built in notebook 06).

    Args:
        validation: a Split (or batches) to evaluate on, or None.
        every: after how many steps to add a row; None: after each epoch. The last step has a row, too.

    >>> from mnist_lib.data import Split
    >>> from mnist_lib.models import SoftmaxClassifier
    >>> from mnist_lib.training import train
    >>> split, history = Split(torch.rand(10, 1, 28, 28), torch.arange(10)), History(every=3)
    >>> model = train(SoftmaxClassifier, split, epochs=4, seed=0, batch_size=5, watchers=[history])
    >>> history.table()[["step", "epoch"]].to_numpy().tolist()
    [[3, 2], [6, 3], [8, 4]]
    """

    def __init__(self, validation=None, every=None):
        self.validation = validation
        self.every = every if every is None else integer("every", every, least=1)
        self.rows, self.recent = [], []

    def table(self):
        """The history so far, a DataFrame with a row for each evaluation.

        Its columns: `step`; `epoch`, from 1; `seconds` of training; `loss` and `accuracy` on the training batches since
        the row before; `validation_loss` and `validation_accuracy`, if there is `validation`.
        """
        return pd.DataFrame(self.rows)

    def before_training(self, training):
        """Begin a new table."""
        self.rows, self.recent = [], []

    def after_step(self, training):
        """Add a row, if it is time."""
        self.recent.append(training.result)
        every = self.every or len(training.batches)
        if training.step % every and training.step < training.last_step:
            return
        started = time.perf_counter()
        seen, self.recent = total(self.recent), []
        training.seconds += time.perf_counter() - started  # a graphics card may still compute
        row = {"step": training.step, "epoch": training.epoch + 1, "seconds": training.seconds}
        row |= {"loss": seen.loss, "accuracy": seen.accuracy}
        if self.validation is not None:
            result = evaluate(training.model, self.validation)
            if math.isfinite(seen.loss):  # else `training_steps` says at which step that was
                check_finite(result.loss, "on the validation images")
            row |= {"validation_loss": result.loss, "validation_accuracy": result.accuracy}
        self.rows.append(row)

    def state_dict(self):
        """What a checkpoint keeps: the rows so far, and what the next one is made of."""
        return {"rows": self.rows, "recent": [*zip(*map(to_numbers, zip(*self.recent)))]}

    def load_state_dict(self, state):
        """Put it back."""
        self.rows = [dict(row) for row in state["rows"]]
        self.recent = [Evaluation(*part) for part in state["recent"]]


class WeightRecord:
    """Copies of some weights as a training goes on: a watcher for `fit` (built in notebook 10).

    They are taken before the first step, after every few, and after the last. `record.steps` lists these steps, and
    `record[name]` holds the copies, a tensor (moments, *shape of the parameter) on the CPU.

    Args:
        names: which of the model's parameters, such as ["layers.0.weight"].
        every: after how many steps to take copies, at least 1.

    >>> from mnist_lib.data import Split
    >>> from mnist_lib.models import SoftmaxClassifier
    >>> from mnist_lib.training import train
    >>> split, record = Split(torch.rand(10, 1, 28, 28), torch.arange(10)), WeightRecord(["layers.1.bias"])
    >>> model = train(SoftmaxClassifier, split, epochs=3, seed=0, watchers=[record])
    >>> record.steps, record["layers.1.bias"].shape
    ([0, 1, 2, 3], torch.Size([4, 10]))
    """

    def __init__(self, names, every=1):
        self.names = list_of_names("names", names)
        self.every = integer("every", every, least=1)
        self.steps, self.copies = [], {name: [] for name in self.names}

    def __getitem__(self, name):
        if name not in self.copies:
            raise KeyError(f"name must be one of {', '.join(self.names)}, got {name!r}")
        if not self.steps:
            raise ValueError("the record must hold weights, got none: train with watchers=[record]")
        return torch.stack(self.copies[name])

    def before_training(self, training):
        """Begin a new record, with the weights before the first step."""
        parameters = dict(training.model.named_parameters())
        if not self.names or not set(self.names) <= set(parameters):
            raise ValueError(f"names must be some of {', '.join(parameters)}, got {self.names}")
        self.steps, self.copies = [], {name: [] for name in self.names}
        self._copy(training)

    def after_step(self, training):
        """Copy the weights, if it is time."""
        if training.step % self.every == 0 or training.step == training.last_step:
            self._copy(training)

    def _copy(self, training):
        self.steps.append(training.step)
        for name, copies in self.copies.items():
            weights = training.model.get_parameter(name).detach()
            copies.append(weights.to("cpu", copy=True))  # training changes the weights in place

    def state_dict(self):
        """What a checkpoint keeps: the steps and the copies so far."""
        return {"steps": self.steps, "copies": self.copies}

    def load_state_dict(self, state):
        """Put it back."""
        self.steps = list(state["steps"])
        self.copies = {name: list(state["copies"][name]) for name in self.names}
