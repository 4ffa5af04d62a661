"""Training: a step, an epoch, an evaluation; `fit`, the loop; `train`, the recipe; predictions."""

import math
import operator
import os
import random
import time
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.optim.lr_scheduler import OneCycleLR
from tqdm.auto import tqdm

from .data import Augmented, Batches, Split
from .machinery.checks import integer, steps_alone

MOMENTS = ("before_training", "after_step", "after_epoch")  # when `fit` tells who watches
FUSED_ADAM = partial(torch.optim.Adam, fused=True)  # one pass over the weights for all it does


class Diverged(RuntimeError):
    """The loss became NaN or infinite. The message says when, and what to try."""


class Evaluation(NamedTuple):
    """How a model does: mean cross entropy in nats, and how many are `right` of those `seen` (built in notebook 06).

    Of a single batch, loss and right are tensors on its device: a graphics card would have to be waited for to read
    them. `total` reads those of many batches at once.
    """

    loss: float
    right: int
    seen: int

    @property
    def accuracy(self):
        """The share of right answers, 0 to 1."""
        return self.right / self.seen


def base_seed():
    """The seed that the notebooks start from: MNIST_LIB_SEED (0 to 4294967000) of the environment, else 0."""
    text = os.environ.get("MNIST_LIB_SEED") or "0"
    if not text.isdecimal() or int(text) > 4_294_967_000:
        raise ValueError(f"MNIST_LIB_SEED must be an integer from 0 to 4294967000, got {text!r}")
    return int(text)


def seed_everything(seed):
    """Start every random number generator at `seed`, an integer from 0 to 2**32 - 1, and ask for repeatable arithmetic.

    After it, the same code gives the same result, bit for bit, on the same machine. Convolutions on
    NVIDIA GPUs are computed in float32, not in the coarser TF32, which newer ones take by default.

    >>> seed_everything(0); first = torch.rand(3)
    >>> seed_everything(0); torch.equal(first, torch.rand(3))
    True
    """
    seed = integer("seed", seed, least=0, most=2**32 - 1)
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)  # the CPU and every GPU
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # CUDA adds in a fixed order
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.backends.cudnn.allow_tf32 = False
    torch.utils.deterministic.fill_uninitialized_memory = False  # it would only cost time


def pick_device():
    """The fastest device of this machine, a torch.device: CUDA, else Apple's MPS, else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def device_of(model):
    """The device that the parameters of `model` are on, a torch.device."""
    parameter = next(model.parameters(), None)
    if parameter is None:
        raise ValueError(f"model must have parameters, got {type(model).__name__} without any")
    return parameter.device


@contextmanager
def evaluation_mode(model):
    """Within it, `model` is in evaluation mode and no gradients are recorded; then each part's mode is put back.

    Built in notebook 06.

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
    """(right, seen): how many of a batch are classified correctly, and how many there are (built in notebook 06).

    Args:
        logits: (N, classes), or probabilities.
        labels: int64 (N,).

    Returns:
        right, an int64 tensor () on their device, and seen, an int.

    >>> count_right(torch.tensor([[0.1, 0.9], [0.8, 0.2], [0.3, 0.7]]), torch.tensor([1, 0, 0]))
    (tensor(2), 3)
    """
    if labels.shape != logits.shape[:1]:  # they would be compared all with all
        expected, got = tuple(logits.shape[:1]), tuple(labels.shape)
        raise ValueError(f"labels must have the shape {expected}, got {got}")
    return (logits.argmax(dim=1) == labels).sum(), len(labels)


def total(evaluations):
    """Add up evaluations of parts, exactly, however unequal the parts are (built in notebook 06).

    >>> total([Evaluation(loss=1.0, right=2, seen=3), Evaluation(loss=2.0, right=1, seen=1)])
    Evaluation(loss=1.25, right=3, seen=4)
    """
    evaluations = list(evaluations)
    seen = sum(part.seen for part in evaluations)
    if seen == 0:
        raise ValueError("batches must hold at least one example, got none; a used-up iterator?")
    losses, rights, sizes = map(to_numbers, zip(*evaluations))
    loss = sum(map(operator.mul, losses, sizes))  # weighted: a batch may be smaller
    return Evaluation(loss / seen, sum(rights), seen)


def to_numbers(values):
    """Python's numbers for a list of numbers and tensors; these are copied from their device all at once."""
    tensors = [value for value in values if isinstance(value, torch.Tensor)]
    copies = iter(torch.stack(tensors).tolist() if tensors else [])
    return [next(copies) if isinstance(value, torch.Tensor) else value for value in values]


def training_steps(model, batches, optimizer):
    """Go through `batches` once, with one step of the optimizer for each; a generator (built in notebook 06).

    Arguments as in `fit`. Batches are moved to the model's device.

    Yields:
        After every step, an Evaluation of its batch, by the model as it was before the step.

    Raises:
        Diverged: after all of them, if a loss was NaN or infinite. (To look at each would make a graphics card wait.)
    """
    device, losses = device_of(model), []
    model.train()
    for images, labels in batches:
        images, labels = images.to(device), labels.to(device)
        logits = model(images)
        loss = F.cross_entropy(logits, labels)
        result = Evaluation(loss.detach(), *count_right(logits, labels))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(result.loss)
        yield result
    for step, loss in enumerate(to_numbers(losses), start=1):
        check_finite(loss, f"at step {step} of this epoch")


def check_finite(loss, when):
    """Raise Diverged if the loss, a number, is NaN or infinite. `when` says when, for the message."""
    if not math.isfinite(loss):
        raise Diverged(f"the loss is {loss} {when}; try a smaller learning rate")


def train_one_epoch(model, batches, optimizer):
    """Take all `training_steps`, and return their total: of a model that changed on the way (built in notebook 06)."""
    return total(training_steps(model, batches, optimizer))


@dataclass
class Training:
    """A training under way, as the watchers of `fit` see it."""

    model: torch.nn.Module
    batches: object
    optimizer: torch.optim.Optimizer
    epochs: int
    scheduler: object  # or None
    watchers: tuple
    last_step: int  # how many steps all epochs take
    step: int = 0  # steps taken so far
    epoch: int = 0  # epochs finished so far
    seconds: float = 0.0  # spent on the steps, not on what watchers do
    result: Evaluation | None = None  # of the last batch, by the model before its step

    def tell(self, moment):
        """Call the method of this name of every watcher that has it; each must have one of the three."""
        for watcher in self.watchers:
            if not any(hasattr(watcher, name) for name in MOMENTS):  # it would never be called
                raise TypeError(f"watchers must have one of the methods {MOMENTS}, got {watcher!r}")
            with torch.autocast(device_of(self.model).type, enabled=False):  # they judge in float32
                getattr(watcher, moment, lambda training: None)(self)


def fit(model, batches, optimizer, epochs, scheduler=None, watchers=()):
    """Train `model` in place, and tell the watchers how it goes (built in notebook 06).

    Args:
        model: images → logits.
        batches: the training examples: Batches with `shuffle=True`, or a DataLoader. They have a length.
        optimizer: a torch.optim.Optimizer over the model's parameters.
        epochs: how often to go through the training examples, at least 1.
        scheduler: a torch.optim.lr_scheduler to step after every step of the optimizer, or None.
        watchers: objects with some of the methods `before_training`, `after_step` and `after_epoch`, each called with
            the Training: ProgressBar, machinery.watchers.History and WeightRecord, machinery.checkpoints.Checkpoint.

    Raises:
        TypeError, ValueError: `batches` have no length or no example, `epochs` is not an integer of at least 1, or a
            step needs an argument, as those of LBFGS and ReduceLROnPlateau do.
        Diverged: the loss became NaN or infinite.
    """
    steps = count_steps(batches, epochs)
    steps_alone(optimizer=optimizer, scheduler=scheduler)
    training = Training(model, batches, optimizer, epochs, scheduler, tuple(watchers), steps)
    training.tell("before_training")  # a Checkpoint may go on from a later step
    while training.epoch < epochs:
        started = time.perf_counter()
        for result in training_steps(model, training.batches, optimizer):
            if scheduler is not None:
                scheduler.step()
            training.step, training.result = training.step + 1, result
            training.seconds += time.perf_counter() - started
            training.tell("after_step")
            started = time.perf_counter()
        training.seconds += time.perf_counter() - started
        training.epoch += 1
        training.tell("after_epoch")


def count_steps(batches, epochs):
    """How many steps some epochs take, an int: in each, one for every batch. Errors as in `fit`.

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


class ProgressBar:
    """A bar that counts the steps: a watcher for `fit`. It shows after a second, and disappears at the end."""

    def before_training(self, training):
        """Make the bar only with the first step: a checkpoint may say which that is."""
        self.bar = None

    def after_step(self, training):
        """Move the bar; wipe it away after the last step."""
        if self.bar is None:
            self.bar = progress_bar(training.last_step, "training", "step", training.step - 1)
        self.bar.update()
        if training.step == training.last_step:
            self.bar.close()


def progress_bar(total, what, unit, initial=0):
    """A tqdm bar with the word `what` before it, from `initial` to `total`; none where TQDM_DISABLE is set."""
    off = os.environ.get("TQDM_DISABLE", "") not in ("", "0")  # tqdm for notebooks does not look
    how = {"leave": False, "delay": 1, "disable": off}
    return tqdm(total=total, initial=initial, desc=what, unit=unit, **how)


def one_cycle(optimizer, steps):
    """A schedule: from 1/25 of the optimizer's learning rate up to it in 30 % of the steps, then down to almost 0.

    Built in notebook 08; from Smith and Topin 2018, "Super-convergence".

    >>> optimizer = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    >>> schedule = one_cycle(optimizer, steps=10)
    >>> round(schedule.get_last_lr()[0], 2)
    0.04
    """
    highest = [group["lr"] for group in optimizer.param_groups]
    return OneCycleLR(optimizer, highest, total_steps=steps, cycle_momentum=False)


def train(
    make_model,
    split,
    epochs,
    seed,
    make_optimizer=FUSED_ADAM,
    learning_rate=0.02,
    make_schedule=one_cycle,
    batch_size=None,
    augment=None,
    watchers=(),
    bf16=None,
):
    """Make a model, train it with a good recipe, and return it, still in training mode (built in notebook 06).

    The same arguments give the same weights, bit for bit, on the same machine: all random numbers start from `seed`.

    Args:
        make_model: a class or function that returns a new model, images → logits, when called without arguments.
        split: the Split to learn from; the model is trained on its device (`split.to("cuda")`).
        epochs: how often to go through it, at least 1.
        seed: for the weights, the order of the batches, dropout, `augment`.
        make_optimizer: a function (parameters, lr=…) that returns a torch.optim.Optimizer.
        learning_rate: that of the optimizer; with a schedule, the highest. 0.02 suits Adam with the schedule below.
        make_schedule: a function (optimizer, steps) that returns a torch.optim.lr_scheduler; None: a constant rate.
        batch_size: how many examples a step takes; None: 32; of 10,000 and more 64, or 256 without convolutions.
        augment: a change to the images of each batch, images → images, such as a random shift; or None.
        watchers: as for `fit`. A progress bar is always there.
        bf16: whether to compute products in bfloat16, to 8 binary digits; None: where `bf16_pays`.

    Raises:
        TypeError, ValueError, Diverged: as `fit`, `Batches` and `seed_everything`.

    >>> split = Split(torch.rand(64, 1, 28, 28), torch.arange(64) % 10)
    >>> model = train(lambda: torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10)), split, 20, seed=0)
    >>> evaluate(model, split).accuracy
    1.0
    """
    seed_everything(seed)
    model = make_model().to(split.labels.device)
    if batch_size is None:
        batch_size = 32 if len(split) < 10_000 else 64 if convolves(model) else 256
    batches = Batches(split, batch_size, shuffle=True)
    batches = Augmented(batches, augment) if augment else batches
    optimizer = make_optimizer(model.parameters(), lr=learning_rate)
    scheduler = make_schedule and make_schedule(optimizer, count_steps(batches, epochs))
    bf16 = bf16_pays(model) if bf16 is None else bf16
    with torch.autocast(split.labels.device.type, torch.bfloat16, bf16, cache_enabled=False):
        fit(model, batches, optimizer, epochs, scheduler, [ProgressBar(), *watchers])
    return model


def convolves(model):
    """Whether one of the model's layers is a 2-D convolution."""
    return any(isinstance(layer, nn.Conv2d) for layer in model.modules())


def bf16_pays(model):
    """Whether `model` trains faster in bfloat16: it convolves, where there are instructions for such products.

    These are AMX and AVX-512 BF16 in a CPU, as far as PyTorch tells, and those of NVIDIA's cards from 2020 on.
    """
    if device_of(model).type == "cuda":
        fast = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        known = getattr(torch.cpu, "get_capabilities", dict)()
        fast = known.get("amx_bf16", False) or known.get("avx512_bf16", False)
    return fast and convolves(model)


def evaluation_batch_size(model):
    """So many images at a time: what fits the cache of a CPU behind convolutions, more without them."""
    return 250 if convolves(model) else 1000


def evaluate(model, examples):
    """How `model` does on all examples, exactly, whatever the sizes of the batches (built in notebook 06).

    Args:
        model: images → logits. Its mode is put back, no gradient is recorded.
        examples: a Split, or batches (images, labels) such as a DataLoader. They are moved to the model's device.

    Returns:
        An Evaluation: loss (mean over examples), right, seen, accuracy.

    Raises:
        ValueError: there is no example.
    """
    device, parts = device_of(model), []
    if isinstance(examples, Split):
        examples = Batches(examples, evaluation_batch_size(model))
    with evaluation_mode(model):
        for images, labels in examples:
            images, labels = images.to(device), labels.to(device)
            logits = model(images)
            loss = F.cross_entropy(logits, labels)
            parts.append(Evaluation(loss, *count_right(logits, labels)))
    return total(parts)


def probabilities(model, images):
    """The softmax of the model's logits, (N, 10): each row adds to 1 (built in notebook 07).

    Args:
        model: images → logits. Its mode is put back, no gradient is recorded.
        images: (N, 1, 28, 28), or a Split. They are moved to the model's device.

    >>> model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
    >>> probabilities(model, torch.rand(3, 1, 28, 28)).sum(dim=1)
    tensor([1.0000, 1.0000, 1.0000])
    """
    images = images.images if isinstance(images, Split) else images
    device = device_of(model)
    with evaluation_mode(model):
        logits = [model(part.to(device)) for part in images.split(evaluation_batch_size(model))]
        return torch.cat(logits).softmax(dim=1)


def predict(model, images):
    """The labels that `model` gives images, int64 (N,). Arguments as in `probabilities` (built in notebook 07).

    >>> model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
    >>> predict(model, torch.rand(3, 1, 28, 28)).shape
    torch.Size([3])
    """
    return probabilities(model, images).argmax(dim=1)
