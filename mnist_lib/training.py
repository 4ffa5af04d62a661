"""Training: a seed, a device, one epoch, an evaluation, fit (which a checkpoint can go on from), predictions."""

import math
import os
import random
import time
import warnings
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from torch.nn import functional as F
from tqdm.auto import tqdm

from .machinery.checkpoints import Checkpoint, CheckpointError
from .machinery.checks import integer, list_of_names

EVALUATION_BATCH_SIZE = 250  # it fits the cache of a CPU: faster there than 1,000 or 10,000


class Diverged(RuntimeError):
    """The loss became NaN or infinite. The message says when, and what to try."""


class Evaluation(NamedTuple):
    """How a model does on a set of examples.

    `loss` is the mean cross entropy in nats, `right` of `seen` examples were classified correctly.
    """

    loss: float
    right: int
    seen: int

    @property
    def accuracy(self):
        """The share of right answers, 0 to 1."""
        return self.right / self.seen


def base_seed():
    """The seed that the notebooks start from: the environment variable MNIST_LIB_SEED, else 0.

    Raises:
        ValueError: MNIST_LIB_SEED is not an integer from 0 to 4294967000.

    >>> isinstance(base_seed(), int)
    True
    """
    text = os.environ.get("MNIST_LIB_SEED") or "0"
    if not text.isdecimal() or int(text) > 4_294_967_000:
        raise ValueError(f"MNIST_LIB_SEED must be an integer from 0 to 4294967000, got {text!r}")
    return int(text)


def seed_everything(seed):
    """Start every random number generator at `seed`, and ask PyTorch for repeatable arithmetic.

    After it, the same code gives the same result, bit for bit, on the same machine. Convolutions on
    NVIDIA GPUs are computed in float32, and no longer in the coarser TF32, which newer ones take by default.

    Args:
        seed: an integer from 0 to 2**32 - 1.

    Raises:
        ValueError: `seed` is no such integer.

    >>> seed_everything(0); first = torch.rand(3)
    >>> seed_everything(0); torch.equal(first, torch.rand(3))
    True
    """
    if not isinstance(seed, int) or not 0 <= seed < 2**32:
        raise ValueError(f"seed must be an integer from 0 to 2**32 - 1, got {seed!r}")
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)  # the CPU and every GPU
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # what CUDA asks for in exchange
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.backends.cudnn.allow_tf32 = False
    torch.utils.deterministic.fill_uninitialized_memory = False  # only slows down


def pick_device():
    """The fastest device of this machine: CUDA, else Apple's MPS, else the CPU. A torch.device.

    >>> pick_device().type in ("cuda", "mps", "cpu")
    True
    """
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def device_of(model):
    """The device that the parameters of `model` are on, a torch.device.

    Raises:
        ValueError: `model` has no parameters.

    >>> device_of(torch.nn.Linear(2, 2))
    device(type='cpu')
    """
    parameter = next(model.parameters(), None)
    if parameter is None:
        raise ValueError(f"model must have parameters, got {type(model).__name__} without any")
    return parameter.device


@contextmanager
def evaluation_mode(model):
    """Within it, `model` is in evaluation mode and no gradients are recorded; then all is as before.

    Each part of the model gets back the mode it had, a frozen part too.

    >>> model = torch.nn.Dropout(0.5)
    >>> with evaluation_mode(model):
    ...     model.training, torch.is_grad_enabled()
    (False, False)
    >>> model.training
    True
    """
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module, training in modes:
            module.training = training


def count_right(logits, labels):
    """(right, seen): how many of a batch are classified correctly, and how many there are.

    Args:
        logits: (N, classes); probabilities do as well.
        labels: int64 (N,).

    Raises:
        ValueError: `labels` is not one label for each row of `logits`.

    >>> count_right(torch.tensor([[0.1, 0.9], [0.8, 0.2], [0.3, 0.7]]), torch.tensor([1, 0, 0]))
    (2, 3)
    """
    if labels.shape != logits.shape[:1]:  # they would be compared all with all
        expected, got = tuple(logits.shape[:1]), tuple(labels.shape)
        raise ValueError(f"labels must have the shape {expected}, got {got}")
    return int((logits.argmax(dim=1) == labels).sum()), len(labels)


def total(evaluations):
    """Add up evaluations of parts to the evaluation of the whole: exact, however unequal the parts are.

    Raises:
        ValueError: there are none, or they hold no example.

    >>> total([Evaluation(loss=1.0, right=2, seen=3), Evaluation(loss=2.0, right=1, seen=1)])
    Evaluation(loss=1.25, right=3, seen=4)
    """
    evaluations = list(evaluations)
    seen = sum(part.seen for part in evaluations)
    if seen == 0:
        hint = "an iterator is used up after one round"
        raise ValueError(f"batches must hold at least one example, got none ({hint})")
    right = sum(part.right for part in evaluations)
    loss = sum(part.loss * part.seen for part in evaluations)  # weighted: a batch may be smaller
    return Evaluation(loss / seen, right, seen)


def descend(x, y, learning_rate, steps, start=(0.0, 0.0)):
    """Fit the line w·x + b by gradient descent on the mean squared error, all points in every step.

    Args:
        x, y: the points, floating point tensors of one shape.
        learning_rate: how far a step goes; too large, and the path runs off to infinity and NaN.
        steps: how many steps to take, 0 or more.
        start: w and b before the first step.

    Returns:
        The path (steps + 1, 2), a row (w, b) before the first step and after each.

    Raises:
        ValueError: `x` and `y` have different shapes.

    >>> descend(torch.tensor([2.0]), torch.tensor([4.0]), 0.125, steps=1, start=(3.0, 0.0)).tolist()
    [[3.0, 0.0], [2.0, -0.5]]
    """
    if x.shape != y.shape:  # every x would be compared with every y
        raise ValueError(f"y must have the shape of x, {tuple(x.shape)}, got {tuple(y.shape)}")
    path = [torch.tensor(start, dtype=x.dtype, device=x.device)]
    for _ in range(steps):
        w, b = path[-1]
        errors = w * x + b - y
        slopes = torch.stack([2 * (errors * x).mean(), 2 * errors.mean()])
        path.append(path[-1] - learning_rate * slopes)
    return torch.stack(path)


def training_steps(model, batches, optimizer):
    """Go through `batches` once, with one step of the optimizer for each; a generator.

    Args:
        model: images → logits. It is put into training mode.
        batches: yields (images, labels): Batches, or a DataLoader. They are moved to the model's device.
        optimizer: a torch.optim.Optimizer over the model's parameters.

    Yields:
        After every step, an Evaluation of its batch, by the model as it was before the step.

    Raises:
        Diverged: the loss became NaN or infinite.
    """
    device = device_of(model)
    model.train()
    for number, (images, labels) in enumerate(batches, start=1):
        images, labels = images.to(device), labels.to(device)
        logits = model(images)
        loss = F.cross_entropy(logits, labels)
        result = Evaluation(loss.item(), *count_right(logits, labels))
        if not math.isfinite(result.loss):
            when = f"at step {number} of this epoch"
            raise Diverged(f"the loss is {result.loss} {when}; try a smaller learning rate")
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        yield result


def train_one_epoch(model, batches, optimizer):
    """Take all `training_steps`, and return their sum, an Evaluation: the model as it was on the way."""
    return total(training_steps(model, batches, optimizer))


def evaluate(model, batches):
    """How `model` does on all examples of `batches`: exact, whatever the sizes of the batches.

    Args:
        model: images → logits. Its mode is put back, no gradient is recorded.
        batches: yields (images, labels): Batches, or a DataLoader. They are moved to the model's device.

    Returns:
        An Evaluation: loss (mean over examples), right, seen, accuracy.

    Raises:
        ValueError: `batches` is empty.
    """
    device, parts = device_of(model), []
    with evaluation_mode(model):
        for images, labels in batches:
            images, labels = images.to(device), labels.to(device)
            logits = model(images)
            loss = F.cross_entropy(logits, labels).item()
            parts.append(Evaluation(loss, *count_right(logits, labels)))
    return total(parts)


def predict(model, images):
    """Probabilities (N, 10) for images (N, 1, 28, 28): the softmax of the model's logits. Each row adds to 1.

    The model's mode is put back, no gradient is recorded; the result is on the model's device.
    """
    device = device_of(model)
    with evaluation_mode(model):
        logits = [model(part.to(device)) for part in images.split(EVALUATION_BATCH_SIZE)]
        return torch.cat(logits).softmax(dim=1)


class WeightRecord:
    """Copies of some weights as training goes on: `fit` takes them, from before the first step to after the last.

    `names` are those of the parameters, `steps` the list of the steps they were taken after, 0 being before the first.
    `record[name]` holds the copies, a tensor (moments, *shape of the parameter) on the CPU.

    Args:
        model: the model that is trained.
        names: which of its parameters, such as ["layers.0.weight"]; `model.named_parameters()` has them all.
        every: after how many steps to take copies, at least 1. Those before the first and after the last always are.

    Raises:
        TypeError: `names` is no list, but one name (`["layers.0.weight"]` is a list of one), or `every` no integer.
        ValueError: `names` is empty, or the model has no such parameter; the message says which it has. Or `every`
            is below 1.

    >>> model = torch.nn.Linear(2, 1)
    >>> record = WeightRecord(model, ["weight"], every=10)
    >>> record.note(0); _ = torch.nn.init.zeros_(model.weight); record.note(10)
    >>> record.steps, record["weight"].shape, record["weight"][1]
    ([0, 10], torch.Size([2, 1, 2]), tensor([[0., 0.]]))
    """

    def __init__(self, model, names, every=1):
        names = list_of_names("names", names)
        parameters = dict(model.named_parameters())
        if not names or not set(names) <= set(parameters):
            raise ValueError(f"names must be some of {', '.join(parameters)}, got {names}")
        self.model, self.every = model, integer("every", every, least=1)
        self.names, self.steps, self._copies = names, [], {name: [] for name in names}

    def note(self, step):
        """Copy the weights as they are after `step`.

        Raises:
            ValueError: `step` does not come after the last one noted: the record is full from an earlier training.
        """
        if self.steps and step <= self.steps[-1]:
            filled = f"one that goes to step {self.steps[-1]}"
            raise ValueError(f"record must be a new one to start from step {step}, got {filled}")
        self.steps.append(step)
        for name, copies in self._copies.items():
            weights = self.model.get_parameter(name).detach()
            copies.append(weights.to("cpu", copy=True))  # training changes the weights in place

    def __getitem__(self, name):
        if name not in self._copies:
            raise KeyError(f"name must be one of {', '.join(self._copies)}, got {name!r}")
        if not self.steps:
            raise ValueError(
                "record must hold weights, got none: train with fit(..., record=record)"
            )
        return torch.stack(self._copies[name])

    def state_dict(self):
        """What has been noted so far, for a checkpoint."""
        return {"steps": self.steps, "copies": self._copies}

    def load_state_dict(self, state):
        """Put back what had been noted."""
        self.steps = list(state["steps"])
        self._copies = {name: list(state["copies"][name]) for name in self.names}


@dataclass
class Progress:
    """How far a training has come.

    Attributes:
        step: the steps taken so far.
        seconds: those that they took.
        rows: the rows of the history so far, dicts.
        recent: the evaluations of the training batches since the last row.
    """

    step: int = 0
    seconds: float = 0.0
    rows: list = field(default_factory=list)
    recent: list = field(default_factory=list)

    def add_row(self, epoch, measured):
        """Put a row at the end of the history, with what was measured since the one before."""
        place = {"step": self.step, "epoch": epoch, "seconds": self.seconds}
        self.rows.append(place | measured)
        self.recent = []


def fit(
    model,
    batches,
    optimizer,
    epochs,
    validation=None,
    validate_every=None,
    scheduler=None,
    record=None,
    checkpoint=None,
    checkpoint_every=None,
):
    """Train `model` for some epochs. After the same seed, the same result, bit for bit, on the same machine.

    Args:
        model: images → logits; changed in place.
        batches: the training examples: Batches with `shuffle=True`, or a DataLoader. They have a length.
        optimizer: a torch.optim.Optimizer over the model's parameters.
        epochs: how often to go through the training examples, at least 1.
        validation: batches to evaluate on, or None.
        validate_every: after how many steps to evaluate; None: after each epoch.
        scheduler: a torch.optim.lr_scheduler to step after every step of the optimizer, or None.
        record: a new WeightRecord of `model` to fill, or None.
        checkpoint: the path of a file to keep the training in, or None. If the file exists, the training goes on from
            it, and ends with the same result, bit for bit, as one that was never stopped (on the same machine, with
            the same examples). One line says so. A training needs a file of its own. What draws random numbers has to
            do so from Python's, NumPy's or PyTorch's, or from a torch.Generator that `batches` have.
        checkpoint_every: after how many steps to write it; None: after each epoch. It is written before the first
            step and after the last, too. What cannot be written later on is a warning: the file before it stays.

    Returns:
        A history, a DataFrame with a row for each evaluation and for the end: `step` and `epoch` so far,
        `seconds` of training so far (evaluations and checkpoints not counted), `loss` and `accuracy` on the training
        batches since the row before, and `validation_loss`, `validation_accuracy` if there is `validation`.

    Raises:
        TypeError: `batches` has no length, and so can perhaps not be gone through again. Or `epochs`,
            `validate_every` or `checkpoint_every` is no integer, `record` no WeightRecord, `checkpoint` no path.
        ValueError: `epochs`, `validate_every` or `checkpoint_every` is below 1, or there is no example, or `record` is
            one of another model or not new.
        Diverged: the loss, or that on `validation`, became NaN or infinite.
        CheckpointError: the file is no whole checkpoint, or one of another training; then nothing has changed.
        OSError: the checkpoint cannot be read, or not be written before the first step.
    """
    last = count_steps(batches, epochs)
    every = _interval("validate_every", validate_every, batches)
    save_every = _interval("checkpoint_every", checkpoint_every, batches)
    parts = (model, batches, optimizer, scheduler, record)
    keeper, progress = _begin(checkpoint, parts, last)
    with progress_bar(last, "training", "step", progress.step) as bar:
        for epoch in range(progress.step // len(batches) + 1, epochs + 1):
            done = progress.step % len(batches)
            left = keeper.left_of_epoch(done) if keeper else batches
            started = time.perf_counter()
            for batch in training_steps(model, left, optimizer):
                if scheduler is not None:
                    scheduler.step()
                progress.step += 1
                progress.seconds += time.perf_counter() - started
                progress.recent.append(batch)
                bar.update()
                _note(record, progress.step, last)
                if progress.step % every == 0 or progress.step == last:
                    progress.add_row(epoch, _measure(progress.recent, model, validation))
                if progress.step % save_every == 0 and progress.step % len(batches) != 0:
                    _save(keeper, progress)
                started = time.perf_counter()
            # A sampler may draw once more after the last batch, so the end of an epoch is saved here.
            if progress.step % save_every == 0 or progress.step == last:
                _save(keeper, progress)
    return pd.DataFrame(progress.rows)


def progress_bar(total, what, unit, initial=0):
    """A tqdm bar that shows after a second, and disappears at the end; none where TQDM_DISABLE is set.

    Args:
        total: the number at the end.
        what: what goes on, a word before the bar.
        unit: what is counted.
        initial: the number at the start.

    >>> with progress_bar(3, "training", "step") as bar:
    ...     bar.update()
    """
    off = os.environ.get("TQDM_DISABLE", "") not in ("", "0")  # tqdm for notebooks does not look
    return tqdm(
        total=total, initial=initial, desc=what, unit=unit, leave=False, delay=1, disable=off
    )


def count_steps(batches, epochs):
    """How many steps some epochs take, an int: in each, one for every batch.

    Raises:
        TypeError: `batches` has no length, or `epochs` is no integer.
        ValueError: there is no batch, or `epochs` is below 1.

    >>> count_steps(range(5), epochs=2)
    10
    """
    try:
        steps = len(batches)
    except TypeError as error:
        got = type(batches).__name__
        raise TypeError(f"batches must have a length, such as Batches have, got {got}") from error
    if steps == 0:
        raise ValueError("batches must hold at least one example, got none")
    return steps * integer("epochs", epochs, least=1)


def _interval(name, value, batches):
    """The value of the argument `name`, a number of steps; an epoch if it is None."""
    return len(batches) if value is None else integer(name, value, least=1)


def _begin(checkpoint, parts, last):
    """The Checkpoint, or None, and the Progress to start from: that in the file, if there is one, else none so far."""
    model, *_, record = parts
    _check_record(record, model)
    keeper = None if checkpoint is None else Checkpoint(checkpoint, *parts)
    if keeper:
        keeper.remove_leftovers()
    if keeper and keeper.path.exists():
        progress = keeper.read(lambda saved: _checked_progress(saved, last, keeper.path.name))
        print(f"Going on from {keeper.path.name}, after step {progress.step:,} of {last:,}.")
        return keeper, progress
    _note(record, 0, last)
    if keeper:
        keeper.write(vars(Progress()))
    return keeper, Progress()


def _checked_progress(saved, last, name):
    """The Progress in a checkpoint, if it makes sense.

    Raises:
        CheckpointError: the training there is longer than it should be here.
    """
    progress = Progress(
        integer("step", saved["step"], least=0),
        float(saved["seconds"]),
        [_numbers(row) for row in saved["rows"]],
        [Evaluation(float(loss), int(right), int(seen)) for loss, right, seen in saved["recent"]],
    )
    if progress.step > last:
        come = f"has come to step {progress.step:,}, and the epochs asked for end at {last:,}"
        raise CheckpointError(f"{name} {come}; ask for more epochs")
    return progress


def _numbers(row):
    """A row of a history, a dict of numbers."""
    if not {"step", "epoch", "seconds", "loss", "accuracy"} <= row.keys():
        raise ValueError(
            f"a row of a history must have a step, an epoch and so on, got {row!r:.60}"
        )
    return {str(name): value + 0 for name, value in row.items()}


def _save(keeper, progress):
    """Write the checkpoint, if there is to be one; if that fails, say so, and let the training go on."""
    if keeper is None:
        return
    recent = [tuple(part) for part in progress.recent]
    try:
        keeper.write(vars(progress) | {"recent": recent})
    except (OSError, TypeError) as error:
        kept = f"the one before stays, and training goes on after step {progress.step:,}"
        warnings.warn(f"{keeper.path.name} could not be written ({error}); {kept}", stacklevel=3)


def _check_record(record, model):
    """Raise an error if there is a record that cannot be filled while `model` is trained."""
    expected = "a mnist_lib.training.WeightRecord of the model in training"
    if record is not None and not isinstance(record, WeightRecord):
        raise TypeError(f"record must be {expected}, got {type(record)}")
    if record is not None and record.model is not model:
        raise ValueError(f"record must be {expected}, got another model's")


def _note(record, step, last):
    """Let a record of weights, if there is one, note the steps that it is meant to."""
    if record is not None and (step % record.every == 0 or step == last):
        record.note(step)


def _measure(recent, model, validation):
    """The measured columns of one row of a history."""
    train = total(recent)
    row = {"loss": train.loss, "accuracy": train.accuracy}
    if validation is not None:
        result = evaluate(model, validation)
        if not math.isfinite(result.loss):
            raise Diverged(f"the validation loss is {result.loss}; try a smaller learning rate")
        row |= {"validation_loss": result.loss, "validation_accuracy": result.accuracy}
    return row
