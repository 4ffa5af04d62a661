"""Many small training runs: a grid of optimizers, learning rates and seeds, many models in each step."""

import math
import re
import threading
from functools import partial
from itertools import chain, compress, groupby, product

import pandas as pd
import torch
from joblib import Parallel, delayed
from joblib.parallel import get_active_backend
from torch import nn
from torch.func import functional_call, vmap
from torch.nn import functional as F

from .. import training
from ..data import Batches
from ..training import Diverged, count_steps, evaluate, progress_bar, seed_everything
from .checkpoints import random_states, set_random_states
from .checks import integer, steps_alone

ELEMENTWISE = (
    *(torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW, torch.optim.NAdam, torch.optim.RAdam),
    *(torch.optim.Adamax, torch.optim.Adagrad, torch.optim.Adadelta, torch.optim.RMSprop),
)
_lock = threading.Lock()  # the threads of a process share one stream of random numbers


def run_grid(
    make_model,
    train,
    judge,
    optimizers,
    learning_rates,
    seeds,
    epochs,
    batch_size=32,
    make_schedule=None,
    together=32,
    workers=None,
):
    """Train a model for every optimizer, learning rate and seed, and say how well each does on `judge`.

    Args:
        make_model, train, epochs, batch_size, make_schedule: as in `train_together`.
        judge: the Split (or batches) to evaluate on at the end: validation while one chooses, test when all is chosen.
        optimizers: {name: make_optimizer}, as in `train_together`.
        learning_rates: a list for all optimizers, or {name: list} with a list for each.
        seeds: the seeds of each combination.
        together: how many models at most are trained in the same steps; 1: each alone.
        workers: how many processes work at a time, joblib's n_jobs. None: one, or what a surrounding
            `joblib.parallel_config` says, with the backend "dask" or "ray" for a cluster. Each task, `together` runs,
            carries the images with it; with `scatter=[train, judge]` Dask sends them to each worker once.

    Returns:
        A DataFrame, a row for each run: optimizer, learning_rate, seed, loss and accuracy on `judge`. A run that
        diverged has the loss inf and the accuracy 0. Random numbers drawn after it are as if it had not run.

    >>> from functools import partial
    >>> from mnist_lib.data import Split
    >>> from mnist_lib.models import SoftmaxClassifier
    >>> split = Split(torch.rand(64, 1, 28, 28), torch.arange(64) % 10)
    >>> optimizers = {"SGD": torch.optim.SGD, "momentum": partial(torch.optim.SGD, momentum=0.9)}
    >>> table = run_grid(SoftmaxClassifier, split, split, optimizers, [0.01, 0.1], [0, 1], epochs=1)
    >>> len(table), list(table.columns)
    (8, ['optimizer', 'learning_rate', 'seed', 'loss', 'accuracy'])
    """
    if isinstance(make_model, nn.Module) or not callable(make_model):
        got = type(make_model).__name__
        raise TypeError(f"make_model must be a function that returns a new model, got a {got}")
    together = integer("together", together, least=1)
    tasks = [
        (name, optimizers[name], runs[start : start + together])
        for name, runs in _runs(optimizers, learning_rates, seeds).items()
        for start in range(0, len(runs), together)
    ]
    how = {"epochs": epochs, "batch_size": batch_size, "make_schedule": make_schedule}
    jobs = (delayed(_train_and_judge)(make_model, train, judge, *task, how) for task in tasks)
    rows, count = [], sum(len(runs) for *_, runs in tasks)
    backend, _ = get_active_backend()
    return_as = "generator" if backend.supports_return_generator else "list"  # Ray has only lists
    states = random_states()
    try:
        with progress_bar(count, "grid", "run") as bar:
            for some in Parallel(n_jobs=workers, return_as=return_as)(jobs):
                rows += some
                bar.update(len(some))
    finally:
        set_random_states(states)
    return pd.DataFrame(rows, columns=["optimizer", "learning_rate", "seed", "loss", "accuracy"])


def _runs(optimizers, learning_rates, seeds):
    """{name of an optimizer: its runs, pairs (learning rate, seed)}."""
    seeds = _listed("seeds", seeds)
    if not isinstance(learning_rates, dict):
        learning_rates = dict.fromkeys(optimizers, _listed("learning_rates", learning_rates))
    if missing := [name for name in optimizers if name not in learning_rates]:
        got = list(learning_rates)
        raise ValueError(f"learning_rates must have a list for {missing[0]!r}, got only {got}")
    rates = {name: _listed("learning_rates", learning_rates[name]) for name in optimizers}
    if not (seeds and rates and all(rates.values())):
        got = f"the seeds {seeds} and the learning rates {rates}"
        raise ValueError(f"optimizers, learning_rates and seeds must hold at least one, got {got}")
    return {name: list(product(map(float, some), seeds)) for name, some in rates.items()}


def _listed(name, values):
    """The values of the argument `name` as a list."""
    try:
        return list(values)
    except TypeError:
        raise TypeError(f"{name} must be a list of numbers, got {values!r}") from None


def _train_and_judge(make_model, train, judge, name, make_optimizer, runs, how):
    """The rows of the table for some runs of one optimizer, tuples."""
    train_them = train_alone if len(runs) == 1 else train_together
    with _lock:
        models = train_them(make_model, train, make_optimizer, runs, **how)
    rows = []
    for run, model in zip(runs, models):
        result = evaluate(model, judge)
        end = (result.loss, result.accuracy) if math.isfinite(result.loss) else (math.inf, 0.0)
        rows.append((name, *run, *end))
    return rows


def train_alone(make_model, train, make_optimizer, runs, epochs, batch_size=32, make_schedule=None):
    """The same as `train_together`, one model after the other with `training.train`."""
    models, (runs, _) = [], _checked(train, runs, batch_size, epochs)
    for rate, seed in runs:
        how = (make_optimizer, rate, make_schedule, batch_size)
        try:
            model = training.train(make_model, train, epochs, seed, *how, bf16=False)
        except Diverged:
            model = _spoil(make_model().to(train.labels.device))
        model.zero_grad()
        models.append(model)
    return models


def train_together(
    make_model, train, make_optimizer, runs, epochs, batch_size=32, make_schedule=None
):
    """Train a model for each run, a pair (learning rate, seed), all of them in the same steps.

    Every model ends as `training.train` would leave it, but for rounding, which grows where a learning rate is too
    large. The models' weights lie in one tensor for each layer, so that a step is a few large products instead of many
    small ones; the idea is that of PyTorch's tutorial on model ensembling. One that diverged has NaN for weights.

    Args:
        make_model: a function without arguments that returns a new model, images → logits. No dropout, no batch
            normalisation. All parameters take part in the forward pass.
        make_optimizer: a function (parameters, lr=…) that returns a torch.optim.Optimizer, such as torch.optim.Adam.
            It gets a parameter group for each model, with the learning rate of its run; one of PyTorch's that treats
            each weight by itself gets the weights of all models with one rate at once, which is quicker.
        train: the Split to learn from; the models are trained on its device.
        epochs, batch_size, make_schedule: as for `training.train`.

    Returns:
        The trained models, in the order of `runs`.
    """
    models, orders, (runs, steps) = [], [], _checked(train, runs, batch_size, epochs)
    for _, seed in runs:
        seed_everything(seed)
        models.append(make_model().to(train.labels.device))
        orders.append(torch.stack([torch.randperm(len(train)) for _ in range(epochs)]))
    orders = torch.stack(orders).to(train.labels.device)  # (runs, epochs, examples)
    weights = _share_memory(models)
    form = make_model().to(orders.device)  # takes the weights of all; its own may get lost
    form(train.images[:1])  # an error of the model's own comes from here
    groups = _parameter_groups(make_optimizer, models, weights, runs)
    optimizer = make_optimizer(groups, lr=runs[0][0])
    schedule = make_schedule(optimizer, steps) if make_schedule else None
    steps_alone(optimizer=optimizer, schedule=schedule)
    diverged = torch.zeros(len(runs), dtype=torch.bool, device=orders.device)
    for order in orders.unbind(dim=1):
        for chosen in order.split(int(batch_size), dim=1):  # (runs, batch_size)
            logits = _forward(form, weights, train.images[chosen])  # (runs, batch_size, 10)
            labels = train.labels[chosen]
            losses = F.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="none")
            for weight in weights.values():
                weight.grad.zero_()
            losses = losses.reshape(labels.shape).mean(dim=1)  # (runs,)
            diverged |= ~losses.isfinite()
            losses.sum().backward()
            optimizer.step()
            if schedule is not None:
                schedule.step()
    for parameter in chain.from_iterable(model.parameters() for model in models):
        parameter.data, parameter.grad = parameter.data.clone(), None  # its own memory again
    for model in compress(models, diverged):
        _spoil(model)
    return models


def _parameter_groups(make_optimizer, models, weights, runs):
    """A parameter group for each model; or for each stretch of runs with one learning rate, parts of `weights`."""
    while isinstance(make_optimizer, partial):
        make_optimizer = make_optimizer.func
    if make_optimizer not in ELEMENTWISE:  # those of PyTorch that treat each weight by itself
        pairs = zip(models, runs)
        return [{"params": list(model.parameters()), "lr": rate} for model, (rate, _) in pairs]
    learn = [weights[name] for name, own in models[0].named_parameters() if own.requires_grad]
    groups, start = [], 0
    for rate, some in groupby(runs, key=lambda run: run[0]):
        end, parts = start + len(list(some)), []
        for weight in learn:
            parts.append(weight.detach()[start:end])
            parts[-1].grad = weight.grad[start:end]
        groups.append({"params": parts, "lr": rate})
        start = end
    return groups


def _forward(model, weights, images):
    """The logits of all models, (models, batch, 10), or an error that says what to do."""
    try:
        return vmap(lambda some, images: functional_call(model, some, images))(weights, images)
    except RuntimeError as error:
        name, why = type(model).__name__, str(error).split(". ")[0]
        what = f"together=1 trains each alone; {name} cannot be trained together ({why})"
        raise ValueError(f"make_model must return models that vmap can take, or {what}") from error


def _checked(train, runs, batch_size, epochs):
    """The runs as a list, and how many steps each has."""
    runs = list(runs)
    if not runs:
        raise ValueError("runs must hold at least one pair (learning rate, seed), got none")
    for rate, _ in runs:
        if not 0 <= rate < math.inf:  # PyTorch does not look at the rates of groups
            raise ValueError(f"learning rates must be finite and at least 0, got {rate}")
    if len(train) == 0:
        raise ValueError("train must hold at least one example, got none")
    return runs, count_steps(Batches(train, batch_size), epochs)


def _share_memory(models):
    """Put the weights of all models into one tensor for each parameter; the models' own become parts of it.

    Returns {name: (models, *shape)}, with gradients of which the models' own are parts as well.
    """
    kinds = [type(part).__name__ for part in models[0].modules()]
    if re.search("Dropout|Lazy", " ".join(kinds)) or list(models[0].buffers()):
        what = "without dropout, batch normalisation and lazy layers"
        got = f"{type(models[0]).__name__}; together=1 trains each alone"
        raise ValueError(f"make_model must return models {what} to train them together, got {got}")
    weights = {}
    for name, _ in models[0].named_parameters():
        parts = [model.get_parameter(name) for model in models]
        weights[name] = torch.stack([part.detach() for part in parts]).requires_grad_()
        weights[name].grad = torch.zeros_like(weights[name])
        for part, data, grad in zip(parts, weights[name].data, weights[name].grad):
            part.data, part.grad = data, grad if part.requires_grad else None
    return weights


def _spoil(model):
    """Set all weights of a model that diverged to NaN, so that no one takes it for a trained one, and return it."""
    for parameter in model.parameters():
        nn.init.constant_(parameter, math.nan)
    return model
