"""Many runs in the same steps end where each ends alone: with `fit`, the loop that the reader knows."""

import asyncio
import contextlib
import io
import math
import os
import random
import sys
from functools import partial

import joblib
import numpy as np
import pytest
import torch
from joblib.externals.loky import get_reusable_executor
from joblib.parallel import ThreadingBackend
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingLR, OneCycleLR

from mnist_lib import training
from mnist_lib.data import Batches, Split
from mnist_lib.machinery import grids
from mnist_lib.models import ConvNet, TinyVGG

DEVICES = sorted({"cpu", training.pick_device().type})
OPTIMIZERS = {
    "SGD": torch.optim.SGD,
    "momentum": partial(torch.optim.SGD, momentum=0.9),
    "Nesterov": partial(torch.optim.SGD, momentum=0.9, nesterov=True),
    "Adagrad": torch.optim.Adagrad,
    "RMSprop": torch.optim.RMSprop,
    "Adam": torch.optim.Adam,
    "AdamW": partial(torch.optim.AdamW, weight_decay=0.1),
}
if hasattr(torch.optim, "Muon"):
    OPTIMIZERS["Muon"] = torch.optim.Muon
RATES = {name: [0.001, 0.01] for name in OPTIMIZERS} | {
    "SGD": [0.03, 0.3],
    "momentum": [0.003, 0.1],
}
every_optimizer = pytest.mark.parametrize("name", OPTIMIZERS)


def one_cycle(optimizer, steps, **options):
    """Up to the learning rate of each group, and down again."""
    return OneCycleLR(
        optimizer, [group["lr"] for group in optimizer.param_groups], steps, **options
    )


SCHEDULES = {
    "constant": None,
    "cosine": CosineAnnealingLR,
    "one-cycle": partial(one_cycle, cycle_momentum=False),
}


def make_split(size=50, seed=0, dtype=torch.float32):
    """Random images and labels."""
    generator = torch.Generator().manual_seed(seed)
    images = torch.rand(size, 1, 28, 28, generator=generator, dtype=torch.float64).to(dtype)
    return Split(images, torch.randint(10, (size,), generator=generator))


def make_model(bias=True, dtype=torch.float32):
    """A small network, from the random state as it is."""
    first, second = nn.Linear(784, 8, bias=bias), nn.Linear(8, 10, bias=bias)
    return nn.Sequential(nn.Flatten(), first, nn.ReLU(), second).to(dtype)


def pair(name, dtype=torch.float32):
    """What to train with an optimizer, and on what: Muon takes matrices only."""
    return partial(make_model, name != "Muon", dtype), make_split(dtype=dtype)


def train_by_fit(
    make_model, train, make_optimizer, runs, epochs, batch_size=32, make_schedule=None
):
    """As the notebooks train: a seed, a model, batches, an optimizer, `fit`."""
    models = []
    for rate, seed in runs:
        training.seed_everything(seed)
        model = make_model().to(train.labels.device)
        batches = Batches(train, batch_size, shuffle=True)
        optimizer = make_optimizer(model.parameters(), lr=rate)
        schedule = make_schedule(optimizer, epochs * len(batches)) if make_schedule else None
        training.fit(model, batches, optimizer, epochs, scheduler=schedule)
        models.append(model)
    return models


def assert_same(models, others, **tolerance):
    """The weights agree: bit for bit, or to a tolerance."""
    tolerance = tolerance or {"rtol": 0, "atol": 0}
    for model, other in zip(models, others, strict=True):
        torch.testing.assert_close(
            dict(model.named_parameters()),
            dict(other.named_parameters()),
            equal_nan=True,
            **tolerance,
        )


# Together, alone, by fit


@pytest.mark.parametrize(
    ("name", "schedule", "epochs", "batch_size"),
    [
        *[(name, "one-cycle", 3, 16) for name in OPTIMIZERS],
        *[("SGD", "constant", 1, 50), ("Adam", "constant", 3, 16), ("AdamW", "cosine", 2, 64)],
    ],
)
def test_together_ends_where_fit_ends(name, schedule, epochs, batch_size):
    """50 examples in batches of 16 are 16, 16, 16 and 2."""
    make, split = pair(name, torch.float64)
    low, high = RATES[name]
    runs = [(low, 3), (high, 0), (high, 3)]
    rest = (make, split, OPTIMIZERS[name], runs, epochs, batch_size, SCHEDULES[schedule])
    expected, together = train_by_fit(*rest), grids.train_together(*rest)
    assert_same(together, expected, rtol=1e-8, atol=1e-10)
    assert_same(grids.train_alone(*rest), expected)
    weights = {model[1].weight[0, 0].item() for model in together}
    assert len(weights) == len(runs), "rates and seeds matter"


@pytest.mark.parametrize("name", ["momentum", "Adam"])
def test_together_ends_where_fit_ends_in_single_precision(name):
    make, split = pair(name)
    runs = [(rate, seed) for rate in RATES[name] for seed in (0, 1)]
    rest = (make, split, OPTIMIZERS[name], runs, 3, 16)
    assert_same(grids.train_together(*rest), train_by_fit(*rest), rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", ["momentum", "Adam"])
def test_a_schedule_may_change_the_momentum_too(name):
    make, split = pair(name, torch.float64)
    rest = (make, split, OPTIMIZERS[name], [(0.003, 0), (0.01, 0)], 2, 16, one_cycle)
    assert_same(grids.train_together(*rest), train_by_fit(*rest), rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("device", DEVICES)
def test_a_cnn_on_every_device_of_this_machine(device):
    dtype = torch.float32 if device == "mps" else torch.float64  # which MPS does not have
    tolerance = {"rtol": 0, "atol": 1e-4} if device == "mps" else {"rtol": 1e-7, "atol": 1e-9}
    split = make_split(20, dtype=dtype).to(device)
    rest = (lambda: TinyVGG(2).to(dtype), split, torch.optim.Adam, [(0.01, 0), (0.02, 0)])
    models = grids.train_together(*rest, epochs=2, batch_size=8)
    assert {parameter.device.type for model in models for parameter in model.parameters()} == {
        device
    }
    assert_same(models, train_by_fit(*rest, epochs=2, batch_size=8), **tolerance)


class AdamAtARate(torch.optim.Adam):
    """Adam that wants to be told its learning rate."""

    def __init__(self, params, lr):
        super().__init__(params, lr=lr)


@pytest.mark.parametrize("train", [grids.train_alone, grids.train_together])
@pytest.mark.parametrize(
    ("make_optimizer", "same"),
    [
        (lambda parameters, lr: torch.optim.SGD(parameters, lr=lr), torch.optim.SGD),
        (partial(torch.optim.SGD, lr=0.5), torch.optim.SGD),
        (AdamAtARate, torch.optim.Adam),
    ],
    ids=["function", "partial", "class"],
)
def test_an_optimizer_is_made_as_by_hand_from_parameters_and_a_learning_rate(
    train, make_optimizer, same
):
    split, runs = make_split(dtype=torch.float64), [(0.3, 0), (0.01, 0)]
    rest = (partial(make_model, dtype=torch.float64), split)
    models = train(*rest, make_optimizer, runs, epochs=1)
    for some in (make_optimizer, same):
        assert_same(models, train_by_fit(*rest, some, runs, epochs=1), rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("train", [grids.train_alone, grids.train_together])
def test_runs_may_be_of_any_kind(train):
    expected = [(0.1, 0), (0.01, 1)]
    train = partial(train, make_model, make_split(), torch.optim.SGD, epochs=1)
    for runs in (iter(expected), zip(np.array([0.1, 0.01]), np.arange(2)), tuple(expected)):
        assert_same(train(runs), train(expected))


@pytest.mark.parametrize("train", [grids.train_alone, grids.train_together])
def test_frozen_weights_stay_as_they_are(train):
    def make():
        model = make_model()
        return model.requires_grad_(False).append(nn.Linear(10, 10))

    split, make_optimizer = make_split(), OPTIMIZERS["AdamW"]  # which lets all weights decay
    models = train(make, split, make_optimizer, [(0.1, 0), (0.1, 1)], epochs=1)
    for seed, model in enumerate(models):
        training.seed_everything(seed)
        start = make()
        assert torch.equal(model[1].weight, start[1].weight)
        assert not torch.equal(model[4].weight, start[4].weight)
        assert [parameter.requires_grad for parameter in model.parameters()] == [False] * 4 + [
            True
        ] * 2


@pytest.mark.parametrize("train", [grids.train_alone, grids.train_together])
def test_the_models_keep_their_weights_to_themselves(train):
    runs = [(0.1, seed) for seed in range(20)]
    models = train(make_model, make_split(), torch.optim.Adam, runs, epochs=1)
    file = io.BytesIO()
    torch.save(models[0].state_dict(), file)
    numbers = sum(parameter.numel() for parameter in models[0].parameters())
    assert len(file.getvalue()) < 2 * 4 * numbers
    for model in models:
        for parameter in model.parameters():
            assert parameter.is_leaf and parameter.requires_grad and parameter.grad is None
    before = models[1][1].weight.clone()
    with torch.no_grad():
        models[0][1].weight.zero_()
    assert torch.equal(models[1][1].weight, before)
    batches = Batches(make_split(), 10)  # and training may go on
    training.fit(models[1], batches, torch.optim.SGD(models[1].parameters(), 0.1), epochs=1)
    assert not torch.equal(models[1][1].weight, before)


# Runs that diverge


@every_optimizer
def test_a_run_that_diverges_leaves_its_neighbours_alone(name):
    """Bit for bit what they are beside a run that does not diverge."""
    make, split = pair(name)
    good, bad = (RATES[name][0], 0), (1e30, 1)
    train = partial(grids.train_together, make, split, OPTIMIZERS[name], epochs=2, batch_size=16)
    beside_bad, beside_good = train([good, bad, good]), train([good, (good[0], 1), good])
    assert all(parameter.isnan().all() for parameter in beside_bad.pop(1).parameters())
    assert beside_good.pop(1)[1].weight.isfinite().all()
    assert_same(beside_bad, beside_good)
    assert_same(grids.train_alone(make, split, OPTIMIZERS[name], [bad], 2, 16), [spoilt(make)])


def spoilt(make):
    """A model with NaN for weights."""
    model = make()
    for parameter in model.parameters():
        nn.init.constant_(parameter, math.nan)
    return model


@pytest.mark.parametrize("together", [1, 32])
@pytest.mark.parametrize("name", [name for name in OPTIMIZERS if name in ("SGD", "Adam", "Muon")])
def test_a_run_that_diverges_has_no_result(name, together):
    make, split = pair(name)
    rates = [RATES[name][0], 1e30]
    table = grids.run_grid(
        make, split, split, {name: OPTIMIZERS[name]}, rates, [0, 1], 2, together=together
    )
    good, bad = table.iloc[:2], table.iloc[2:]
    assert (good["loss"] < 5).all()
    assert list(bad["loss"]) == [math.inf] * 2 and list(bad["accuracy"]) == [0, 0]


class Bias(nn.Module):
    """The same logits for every image, so far apart that the loss of a wrong one is infinite, and its slope is not."""

    def __init__(self):
        super().__init__()
        self.logits = nn.Parameter(torch.tensor([3e38, -3e38] + [0.0] * 8))

    def forward(self, images):
        return self.logits.expand(len(images), 10)


@pytest.mark.parametrize("together", [1, 32])
def test_a_loss_that_was_infinite_once_is_not_forgotten(together):
    images = torch.zeros(4, 1, 28, 28)
    wrong, right = (Split(images, torch.tensor([label, 0, 0, 0])) for label in (1, 0))
    optimizers, rest = {"SGD": torch.optim.SGD}, ([0.1], range(4), 1, 1)
    table = grids.run_grid(Bias, wrong, right, optimizers, *rest, together=together)
    assert list(table["loss"]) == [math.inf] * 4 and list(table["accuracy"]) == [0] * 4
    table = grids.run_grid(Bias, right, right, optimizers, *rest, together=together)
    assert list(table["loss"]) == [0] * 4 and list(table["accuracy"]) == [1] * 4
    table = grids.run_grid(Bias, right, wrong, optimizers, *rest, together=together)  # at the end
    assert list(table["loss"]) == [math.inf] * 4 and list(table["accuracy"]) == [0] * 4


# The table


def small_grid(**options):
    """Two optimizers, two or three rates, three seeds: 15 runs."""
    usual = {
        "make_model": make_model,
        "train": make_split(50),
        "judge": make_split(300, seed=1),
        "optimizers": {name: OPTIMIZERS[name] for name in ("momentum", "Adam")},
        "learning_rates": {"momentum": [0.1, 0.01], "Adam": [0.001, 0.01, 0.003]},
        "seeds": [2, 0, 1],
        "epochs": 2,
        "batch_size": 16,
    }
    return grids.run_grid(**usual | options)


@pytest.fixture(scope="module")
def table():
    """That of the small grid, as many together as there can be."""
    return small_grid()


def test_rows_stand_in_order_and_say_how_the_models_do(table):
    assert list(table.columns) == ["optimizer", "learning_rate", "seed", "loss", "accuracy"]
    runs = {
        "momentum": [(rate, seed) for rate in (0.1, 0.01) for seed in (2, 0, 1)],
        "Adam": [(rate, seed) for rate in (0.001, 0.01, 0.003) for seed in (2, 0, 1)],
    }
    expected = [(name, *run) for name, some in runs.items() for run in some]
    named = table[["optimizer", "learning_rate", "seed"]]
    assert list(named.itertuples(index=False, name=None)) == expected
    assert list(table.index) == list(range(15))
    judge = Batches(make_split(300, seed=1), 300)
    rows = table.itertuples()
    for name, some in runs.items():
        for model in train_by_fit(make_model, make_split(), OPTIMIZERS[name], some, 2, 16):
            result, row = training.evaluate(model, judge), next(rows)
            assert row.loss == pytest.approx(result.loss, rel=1e-4)
            assert row.accuracy == result.accuracy


def assert_same_table(table, other):
    """Rounding may show in the losses alone."""
    assert table.drop(columns="loss").equals(other.drop(columns="loss"))
    assert list(table["loss"]) == pytest.approx(list(other["loss"]), rel=1e-4)
    assert table["loss"].nunique() == len(table)


@pytest.mark.parametrize(("together", "groups"), [(1, [1] * 15), (4, [4, 2, 4, 4, 1]), (9, [6, 9])])
def test_the_table_is_the_same_however_many_run_together(monkeypatch, together, groups, table):
    seen = []
    for name in ("train_alone", "train_together"):
        train = getattr(grids, name)

        def note(*args, train=train, name=name, **options):
            seen.append((name, len(args[3])))
            return train(*args, **options)

        monkeypatch.setattr(grids, name, note)
    assert_same_table(small_grid(together=together), table)
    ways = {True: "train_together", False: "train_alone"}
    assert seen == [(ways[count > 1], count) for count in groups]


def test_rates_and_seeds_may_be_of_any_kind():
    grid = partial(grids.run_grid, make_model, make_split(), make_split(), epochs=1)
    optimizers = {name: OPTIMIZERS[name] for name in ("SGD", "Adam")}
    table = grid(optimizers, [0.1, 0.01], [0, 1])
    assert len(table) == 8
    for rates, seeds in [
        (np.array([0.1, 0.01]), range(2)),
        (torch.tensor([0.1, 0.01], dtype=torch.float64), (0, 1)),
        ((rate for rate in (0.1, 0.01)), (seed for seed in (0, 1))),
        ({"Adam": [0.1, 0.01], "SGD": (0.1, 0.01), "Muon": [1.0]}, [0, 1]),
        ({"Adam": iter([0.1, 0.01]), "SGD": np.array([0.1, 0.01])}, np.arange(2)),
    ]:
        assert grid(optimizers, rates, seeds).equals(table)


@pytest.mark.parametrize("together", [1, 4])
def test_whole_numbers_may_be_those_of_numpy(together):
    options = {"seeds": range(3), "epochs": 2, "batch_size": 16, "together": together}
    numbers = {name: np.int64(value) for name, value in options.items() if name != "seeds"}
    assert failing_grid(**numbers, seeds=np.arange(3)).equals(failing_grid(**options))


@pytest.mark.parametrize("together", [1, 32])
def test_random_numbers_go_on_as_if_nothing_had_been(together):
    def draw():
        return random.random(), np.random.rand(), torch.rand(1).item()

    training.seed_everything(7)
    expected = draw()
    training.seed_everything(7)
    failing_grid(together=together)
    assert draw() == expected
    training.seed_everything(7)
    with pytest.raises(ValueError, match="seed must be an integer"):
        failing_grid(seeds=[0, -1], together=together)
    assert draw() == expected


# What is refused


def failing_grid(**options):
    """A grid of two runs that are trained together, unless `options` say otherwise."""
    usual = {
        "make_model": make_model,
        "train": make_split(),
        "judge": make_split(),
        "optimizers": {"SGD": torch.optim.SGD},
        "learning_rates": [0.1],
        "seeds": [0, 1],
        "epochs": 1,
    }
    return grids.run_grid(**usual | options)


@pytest.mark.parametrize("value", [0, 2.0])
def test_together_is_a_positive_integer(value):
    with pytest.raises(ValueError if type(value) is int else TypeError) as caught:
        failing_grid(together=value)
    assert str(caught.value) == f"together must be an integer of at least 1, got {value!r}"


@pytest.mark.parametrize("together", [1, 32])
@pytest.mark.parametrize("name", ["epochs", "batch_size"])
@pytest.mark.parametrize("value", [0, 2.5])
def test_epochs_and_batch_size_are_positive_integers(name, value, together):
    with pytest.raises(ValueError if type(value) is int else TypeError) as caught:
        failing_grid(**{name: value, "make_schedule": one_cycle, "together": together})
    assert str(caught.value) == f"{name} must be an integer of at least 1, got {value!r}"


@pytest.mark.parametrize("together", [1, 32])
def test_there_is_an_example_to_learn_from(together):
    with pytest.raises(ValueError, match="train must hold at least one example, got none"):
        failing_grid(train=make_split(0), together=together)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("seeds", 3, "a list of numbers, got 3"),
        ("learning_rates", 0.1, "a list of numbers, got 0.1"),
        ("learning_rates", {"SGD": 0.1}, "a list of numbers, got 0.1"),
        ("make_model", nn.Flatten(), "a function that returns a new model, got a Flatten"),
        ("make_model", None, "a function that returns a new model, got a NoneType"),
    ],
)
def test_what_is_of_another_kind_is_refused_by_name(name, value, expected):
    with pytest.raises(TypeError) as caught:
        failing_grid(**{name: value})
    assert str(caught.value) == f"{name} must be {expected}"


@pytest.mark.parametrize(
    ("options", "got"),
    [
        ({"optimizers": {}}, "got the seeds [0, 1] and the learning rates {}"),
        ({"seeds": []}, "got the seeds [] and the learning rates {'SGD': [0.1]}"),
        ({"learning_rates": []}, "got the seeds [0, 1] and the learning rates {'SGD': []}"),
        (
            {
                "optimizers": {"SGD": torch.optim.SGD, "Adam": torch.optim.Adam},
                "learning_rates": {"SGD": [0.1], "Adam": []},
            },
            "got the seeds [0, 1] and the learning rates {'SGD': [0.1], 'Adam': []}",
        ),
    ],
)
def test_nothing_to_run(options, got):
    with pytest.raises(ValueError) as caught:
        failing_grid(**options)
    expected = "optimizers, learning_rates and seeds must hold at least one"
    assert str(caught.value) == f"{expected}, {got}"


def test_an_optimizer_without_learning_rates():
    with pytest.raises(ValueError) as caught:
        failing_grid(learning_rates={"sgd": [0.1]})
    assert str(caught.value) == "learning_rates must have a list for 'SGD', got only ['sgd']"


@pytest.mark.parametrize("train", [grids.train_alone, grids.train_together])
def test_no_runs(train):
    sentence = r"runs must hold at least one pair \(learning rate, seed\), got none"
    with pytest.raises(ValueError, match=sentence):
        train(make_model, make_split(), torch.optim.SGD, [], epochs=1)


@pytest.mark.parametrize(
    "part", [nn.Dropout(0.5), nn.Dropout1d(), nn.AlphaDropout(), nn.BatchNorm1d(10)], ids=str
)
def test_models_that_cannot_be_trained_together_are_refused(part):
    def make():
        return make_model().append(part)

    sentence = (
        "make_model must return models without dropout, batch normalisation and lazy layers to train them together, "
        "got Sequential; together=1 trains each alone"
    )
    with pytest.raises(ValueError) as caught:
        failing_grid(make_model=make)
    assert str(caught.value) == sentence
    assert len(failing_grid(make_model=make, together=1)) == 2
    with pytest.raises(ValueError, match="got ConvNet; together=1"):
        failing_grid(make_model=ConvNet)


@pytest.mark.parametrize("together", [1, 32])
@pytest.mark.parametrize("seed", [-1, 1.5])
def test_a_seed_that_is_none_is_refused(seed, together):
    with pytest.raises(
        (TypeError, ValueError), match=r"seed must be an integer from 0 to .*, got "
    ):
        failing_grid(seeds=[0, seed], together=together)


@pytest.mark.parametrize("together", [1, 32])
@pytest.mark.parametrize("rate", [-0.1, math.nan, math.inf])
def test_a_learning_rate_that_is_none_is_refused(rate, together):
    with pytest.raises(ValueError) as caught:
        failing_grid(learning_rates=[0.1, rate], together=together)
    assert str(caught.value) == f"learning rates must be finite and at least 0, got {rate}"


# The progress bar


@pytest.mark.parametrize(("switch", "shows"), [(None, True), ("1", False)])
@pytest.mark.parametrize("together", [1, 4])
def test_the_progress_bar_counts_the_runs_and_goes_away(
    monkeypatch, capfd, together, switch, shows
):
    bars, make_bar = [], training.tqdm

    def at_once(**options):
        bar = make_bar(**options | {"delay": 0, "mininterval": 0})
        if options["desc"] == "grid":
            bars.append(bar)
        return bar

    monkeypatch.setattr(training, "tqdm", at_once)
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    if switch is not None:
        monkeypatch.setenv("TQDM_DISABLE", switch)
    failing_grid(seeds=range(5), together=together)
    printed = capfd.readouterr()
    assert printed.out == "" and len(bars) == 1
    if shows:
        assert "grid" in printed.err and printed.err.endswith("\r"), "wiped away at the end"
        assert (bars[0].n, bars[0].total) == (5, 5)
    else:
        assert printed.err == ""


def test_the_progress_bar_grows_as_the_runs_come_in(monkeypatch):
    counts, now = [], []

    class Bar:
        def update(self, count):
            counts.append(count)

    def make():
        now.append(sum(counts))
        return make_model()

    monkeypatch.setattr(grids, "progress_bar", lambda *_: contextlib.nullcontext(Bar()))
    failing_grid(make_model=make, seeds=range(5), together=2)
    assert counts == [2, 2, 1]
    assert now == sorted(now) and set(now) == {0, 2, 4}, "each waits for those before it"


# Other processes, other machines


def test_worker_processes_get_the_same_table_with_what_a_notebook_defines(table, thorough):
    """Functions that no file has are sent as they are. (One task does: each worker imports PyTorch, which is dear.)"""
    here = os.getpid()

    def make_here():
        assert os.getpid() != here, "no worker process"
        return nn.Sequential(nn.Flatten(), nn.Linear(784, 8), nn.ReLU(), nn.Linear(8, 10))

    optimizers = {"momentum": lambda parameters, lr: torch.optim.SGD(parameters, lr, momentum=0.9)}
    options = {"make_model": make_here, "optimizers": optimizers, "workers": 2}
    if thorough:
        optimizers["Adam"], options["together"] = partial(torch.optim.Adam), 2
    try:
        expected = table[table["optimizer"].isin(list(optimizers))]
        assert_same_table(small_grid(**options), expected)
    finally:
        get_reusable_executor().shutdown()


class ListsOnly(ThreadingBackend):
    """A backend like Ray's, that gives no results before all are there."""

    supports_return_generator = False


@pytest.mark.parametrize("backend", ["threading", ListsOnly()], ids=["threading", "lists"])
def test_threads_get_the_same_table(backend):
    """They share one stream of random numbers, and train in turns."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)  # threads change places often
    options = {"seeds": range(8), "together": 1, "epochs": 4, "batch_size": 8}
    with joblib.parallel_config(backend=backend, n_jobs=4):
        table = failing_grid(**options)
    sys.setswitchinterval(usual)
    assert table.equals(failing_grid(**options))


@pytest.mark.filterwarnings("error:Sending large graph")
def test_a_dask_cluster_gets_the_same_table():
    """The splits are scattered: sent to each worker once, not with each task. Its threads train in turns."""
    distributed = pytest.importorskip("distributed")
    if hasattr(asyncio, "_nest_patched"):
        pytest.skip("an old Jupyter has changed asyncio")
    splits = make_split(4000), make_split(300, seed=1)  # 12 MB of images
    options = {"make_model": make_model, "train": splits[0], "judge": splits[1], "together": 1}
    cluster = distributed.LocalCluster(
        n_workers=1, threads_per_worker=4, processes=True, dashboard_address=None
    )
    with cluster, distributed.Client(cluster):
        with joblib.parallel_config(backend="dask", scatter=splits):
            table = failing_grid(**options, seeds=range(8))
    assert_same_table(table, failing_grid(**options | {"together": 32}, seeds=range(8)))


class Shared(nn.Module):
    """One layer under two names: each model's own, whatever is trained beside it."""

    def __init__(self):
        super().__init__()
        self.one = self.other = nn.Linear(784, 10)

    def forward(self, images):
        return self.one(images.flatten(1)) + self.other(images.flatten(1))


class Odd(nn.Module):
    """What trains alone, and not together: `out += …`, an `if` that looks at the data, a number taken out."""

    def __init__(self, kind):
        super().__init__()
        self.body, self.kind = nn.Linear(784, 10), kind

    def forward(self, images):
        logits = self.body(images.flatten(1))
        if self.kind == "in place":
            out = torch.zeros(len(images), 10)
            out += logits
            return out
        if self.kind == "if":
            return 2 * logits if logits.sum() > 0 else logits
        if self.kind == "noise":
            return logits + torch.rand(10)
        return logits * logits.max().item()


def test_a_shared_layer_is_trained_together_as_alone():
    tables = [small_grid(make_model=Shared, together=together) for together in (1, 4)]
    assert_same_table(*tables)


@pytest.mark.parametrize("kind", ["in place", "if", "noise", "item"])
def test_a_model_that_cannot_be_trained_together_is_told_the_way_out(kind):
    make = partial(Odd, kind)
    sentence = "make_model must return models that vmap can take, or together=1 trains each alone"
    with pytest.raises(ValueError, match=f"^{sentence}; Odd cannot be trained together"):
        small_grid(make_model=make)
    assert len(small_grid(make_model=make, together=1)) > 1


def test_an_error_of_the_models_own_stays_as_it_is():
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        small_grid(make_model=lambda: nn.Sequential(nn.Flatten(), nn.Linear(7, 3)))


@pytest.mark.parametrize("together", [1, 4])
def test_a_schedule_that_needs_an_argument_is_refused(together):
    def make_schedule(optimizer, steps):
        return torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer)

    with pytest.raises(TypeError, match="without arguments, got ReduceLROnPlateau"):
        small_grid(make_schedule=make_schedule, together=together)
