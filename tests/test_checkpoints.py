"""A training that was stopped, however it was stopped, goes on as if nothing had happened."""

import copy
import errno
import io
import multiprocessing
import os
import pickle
import random
import threading
import time
import warnings
import zipfile

import killed
import numpy as np
import pytest
import torch
from fitting import fit
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn
from torch.utils.data import DataLoader, RandomSampler, Sampler

from mnist_lib import models, training
from mnist_lib.data import Augmented, Batches, Split
from mnist_lib.machinery import checkpoints
from mnist_lib.machinery.checkpoints import (
    CheckpointError,
    load_checkpoint,
    previous,
    save_checkpoint,
)
from mnist_lib.machinery.watchers import History, WeightRecord


class Stopped(Exception):
    """What cuts a training off in these tests, where it is not killed."""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.pt"


@pytest.fixture(scope="module")
def straight():
    """The outcome of the training that was never stopped."""
    parts = killed.make()
    return killed.outcome(parts, fit(**parts))


def stop_at(monkeypatch, step):
    """Cut the next training off in its step number `step`, before the optimizer takes it."""
    taken = training.count_right
    steps = iter(range(1, 10_000))

    def count_or_stop(logits, labels):
        if torch.is_grad_enabled() and next(steps) == step:
            raise Stopped
        return taken(logits, labels)

    monkeypatch.setattr(training, "count_right", count_or_stop)


def cut_off(path, step, every=1, **changes):
    """Train until a step is cut off; what is left is the checkpoint."""
    with pytest.MonkeyPatch.context() as patch:
        stop_at(patch, step)
        with pytest.raises(Stopped):
            fit(**killed.make() | changes, checkpoint=path, checkpoint_every=every)


def everything(parts):
    """A copy of all that a refused checkpoint must leave alone."""
    states = {name: parts[name].state_dict() for name in ("model", "optimizer", "scheduler")}
    return copy.deepcopy(states | {"random": checkpoints.random_states()})


def equal(one, other):
    """Whether nested states are the same in every bit."""
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(equal(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(equal, one, other))
    return one == other


# Killed


def context():
    """How the processes are started: quickly, where the system can copy one that has imported all that they need."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    forking = multiprocessing.get_context("forkserver")
    forking.set_forkserver_preload(
        ["mnist_lib.machinery.checkpoints", "mnist_lib.machinery.watchers", "torch._dynamo"]
    )
    return forking


def run(checkpoint, result, kill_after=None):
    """Train in a process of its own. Returns its exit code and the seconds it trained."""
    started = context().Event()
    process = context().Process(target=killed.train, args=(checkpoint, result, started))
    process.start()
    assert started.wait(60)
    begun = time.perf_counter()
    if kill_after is not None:
        time.sleep(kill_after)
        process.kill()  # SIGKILL: nothing can be tidied up
    process.join(60)
    return process.exitcode, time.perf_counter() - begun


def test_a_training_killed_at_random_moments_goes_on_as_if_it_had_never_stopped(tmp_path, thorough):
    code, seconds = run(tmp_path / "unharmed.pt", tmp_path / "expected.pt")
    assert code == 0
    expected, times = torch.load(tmp_path / "expected.pt"), 20 if thorough else 3
    for number in range(times):  # once, again, and again and again
        path, result = tmp_path / f"{number}.pt", tmp_path / f"{number}.result.pt"
        moments = [random.uniform(number, number + 1) / times]
        moments += [random.uniform(0.1, 0.5) for _ in range(number % 3)]
        for moment in moments:
            code, _ = run(path, result, kill_after=moment * seconds)
            assert code != 0 or result.exists()
            if path.exists():
                load_checkpoint(path)  # whole, whenever the process died
        code, _ = run(path, result)
        assert code == 0
        assert killed.same(torch.load(result), expected), f"killed after {moments} of the time"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_process_that_dies_while_it_saves_leaves_the_old_checkpoint_or_the_new_one(path):
    for step in (1, 2):
        save_checkpoint(path, {"step": step})
    died = context().Queue()
    process = context().Process(target=killed.die_while_saving, args=(path, died))
    process.start()
    outcomes = list(iter(lambda: died.get(timeout=60), None))
    process.join(60)
    assert len(outcomes) == 9
    for moment, code, found, before in outcomes:
        assert code == 9, f"it lived on: {moment}"
        replaced = moment in (
            ("replace", "after"),
            *(("second replace", w) for w in ("before", "after")),
        )
        assert found == {"step": 3 if replaced else 2}, moment
        assert before["step"] in (1, 2), moment


@pytest.mark.skipif(os.name == "nt", reason="Windows has no limit on the size of a file")
def test_a_file_that_does_not_fit_leaves_the_one_before(path):
    said = context().Queue()
    process = context().Process(target=killed.save_too_much, args=(path, said))
    process.start()
    assert said.get(timeout=60) == "File too large"
    process.join(60)
    assert load_checkpoint(path) == {"step": 1}
    assert os.listdir(path.parent) == ["run.pt"]


@pytest.mark.parametrize("damaged", [False, True])
@pytest.mark.parametrize("failing", [1, 2])
def test_a_move_that_fails_leaves_a_whole_checkpoint(path, monkeypatch, failing, damaged):
    """On Windows it fails while another program has the file open."""
    for step in (1, 2):
        save_checkpoint(path, {"step": step})
    if damaged:
        path.write_bytes(path.read_bytes()[:100])
    replace, calls = os.replace, []

    def refuse(*paths):
        calls.append(paths)
        if len(calls) == failing:
            raise PermissionError(errno.EACCES, "Access is denied")
        replace(*paths)

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(PermissionError):
        save_checkpoint(path, {"step": 3})
    assert load_checkpoint(previous(path)) == {"step": 1}
    if failing == 2 or not damaged:
        assert load_checkpoint(path) == {"step": 3 if failing == 2 else 2}
    assert sorted(os.listdir(path.parent)) == ["run.pt", "run.pt.previous"]
    monkeypatch.undo()
    save_checkpoint(path, {"step": 4})
    assert load_checkpoint(path) == {"step": 4}


def test_a_training_tidies_up_after_processes_that_died(path):
    leftovers = [
        path.with_name(f"run.pt.{pid}.{age}") for pid in (7, 12345) for age in ("new", "old")
    ]
    others = [
        path.with_name(name) for name in ("run.pt.new.txt", "other.pt.7.new", "run.pt.backup")
    ]
    for file in leftovers + others:
        file.write_text("half")
    fit(**plain(1), checkpoint=path)
    names = sorted(["run.pt", "run.pt.previous", *(file.name for file in others)])
    assert sorted(os.listdir(path.parent)) == names


# Cut off at a known step


rarely = pytest.mark.thorough


@pytest.mark.parametrize(
    ("step", "every"),
    [
        *[(1, 5), (2, 1), (6, 5), (12, 1), (13, 12), (14, 5), (36, 12)],
        *[pytest.param(step, 1, marks=rarely) for step in (6, 13, 14, 25, 36)],
        *[pytest.param(step, 5, marks=rarely) for step in (2, 12, 13, 25, 36)],
        *[pytest.param(step, 12, marks=rarely) for step in (1, 2, 6, 12, 14, 25)],
    ],
)
def test_it_goes_on_from_any_step(step, every, path, straight, capsys):
    cut_off(path, step, every)
    after = (step - 1) // every * every
    parts = killed.make(seed=6)  # other weights and random numbers, which the checkpoint replaces
    capsys.readouterr()
    history = fit(**parts, checkpoint=path)
    assert capsys.readouterr().out == f"Going on from run.pt, after step {after} of 36.\n"
    assert killed.same(killed.outcome(parts, history), straight)


def test_a_finished_training_is_only_loaded(path, straight, monkeypatch):
    history = fit(**killed.make(), checkpoint=path)
    parts, before = killed.make(seed=6), path.read_bytes()
    stop_at(monkeypatch, 1)
    again = fit(**parts, checkpoint=path)
    assert again.equals(history)  # the seconds too
    assert killed.same(killed.outcome(parts, again), straight)
    assert path.read_bytes() == before


def test_seconds_go_on(path):
    cut_off(path, 30, every=29)
    before = load_checkpoint(path)["progress"]["seconds"]
    history = fit(**killed.make(), checkpoint=path)
    assert history["seconds"].is_monotonic_increasing
    assert history["seconds"].iloc[-1] > before > 0


def test_it_is_written_at_the_interval(path, monkeypatch):
    written = []
    keep = checkpoints.save_checkpoint
    monkeypatch.setattr(
        checkpoints,
        "save_checkpoint",
        lambda path, state: (written.append(state["progress"]["step"]), keep(path, state)),
    )
    fit(**plain(3), checkpoint=path, checkpoint_every=10)
    assert written == [0, 10, 20, 21]
    written.clear()
    fit(**plain(3), checkpoint=path.with_name("other.pt"))
    assert written == [0, 7, 14, 21]


def test_what_diverged_is_not_written_over_what_had_not(path):
    """The loss is looked at when an epoch is over, and before the file is written."""
    parts = plain(3)
    parts["batches"] = Batches(parts["batches"].split, 10)
    parts["batches"].split.images[35] = torch.nan  # step 4 of the first epoch
    with pytest.raises(training.Diverged, match="at step 4; try"):
        fit(**parts, checkpoint=path, checkpoint_every=2)
    saved = load_checkpoint(path)
    assert saved["progress"]["step"] == 2
    assert all(part.isfinite().all() for part in saved["model"].values())


def test_the_cell_can_be_run_again_after_an_interruption(path, straight):
    """The same objects, half trained: what a student has who interrupts the kernel."""
    parts = killed.make()
    with pytest.MonkeyPatch.context() as patch:
        stop_at(patch, 20)
        with pytest.raises(Stopped):
            fit(**parts, checkpoint=path, checkpoint_every=3)
    history = fit(**parts, checkpoint=path, checkpoint_every=3)
    assert killed.same(killed.outcome(parts, history), straight)


def plain(epochs, **changes):
    """A training without a schedule: it can be made longer later."""
    torch.manual_seed(3)
    split = Split(torch.rand(70, 1, 28, 28), torch.randint(10, (70,)))
    model = changes.pop("model", None) or models.SoftmaxClassifier()
    make = changes.pop("optimizer", lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9))
    batches = changes.pop("batches", None) or Batches(split, 10, shuffle=True)
    return {
        "model": model,
        "batches": batches,
        "optimizer": make(model.parameters()),
        "epochs": epochs,
    } | changes


def weights(parts):
    return list(parts["model"].parameters())


def test_more_epochs_go_on_too(path):
    straight = plain(5)
    history = fit(**straight)
    fit(**plain(2), checkpoint=path)
    parts = plain(5)
    longer = fit(**parts, checkpoint=path)
    assert equal(weights(parts), weights(straight))
    assert longer.drop(columns="seconds").equals(history.drop(columns="seconds"))


def test_fewer_epochs_are_refused(path):
    fit(**plain(3), checkpoint=path)
    parts, message = plain(2), r"run\.pt has come to step 21, .* end at 14; ask for"
    before = copy.deepcopy([*weights(parts), torch.get_rng_state()])
    with pytest.raises(CheckpointError, match=message):
        fit(**parts, checkpoint=path)
    assert equal([*weights(parts), torch.get_rng_state()], before)


SCHEDULES = {
    "cosine": lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, 21),
    "restarts": lambda o: torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(o, 4, 2),
    "milestones": lambda o: torch.optim.lr_scheduler.MultiStepLR(o, [4, 11, 11]),
    "in turn": lambda o: torch.optim.lr_scheduler.SequentialLR(
        o,
        [torch.optim.lr_scheduler.LinearLR(o), torch.optim.lr_scheduler.ExponentialLR(o, 0.8)],
        [6],
    ),
    "a function": lambda o: torch.optim.lr_scheduler.LambdaLR(o, lambda step: 1 / (1 + step)),
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_all_schedules_go_on(name, path):
    """With new objects, and with the same: what a student has who interrupts the kernel."""

    def parts():
        made = plain(3)
        return made | {"scheduler": SCHEDULES[name](made["optimizer"])}

    straight = parts()
    fit(**straight)
    interrupted = parts()
    with pytest.MonkeyPatch.context() as patch:
        stop_at(patch, 10)
        with pytest.raises(Stopped):
            fit(**interrupted, checkpoint=path, checkpoint_every=6)
    file = path.read_bytes()
    for resumed in (parts(), interrupted):
        path.write_bytes(file)
        fit(**resumed, checkpoint=path)
        assert equal(weights(resumed), weights(straight))


OPTIMIZERS = {
    "SGD": lambda p: torch.optim.SGD(p, lr=0.1),
    "two groups": lambda p: torch.optim.SGD(
        [{"params": [q], "lr": 0.1 / (1 + i)} for i, q in enumerate(p)], momentum=0.9
    ),
    "RMSprop": lambda p: torch.optim.RMSprop(p, lr=0.001),
    "Adagrad": lambda p: torch.optim.Adagrad(p, lr=0.01),
    "AdamW": lambda p: torch.optim.AdamW(p, lr=0.001, amsgrad=True),
    "NAdam": lambda p: torch.optim.NAdam(p, lr=0.001),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_all_optimizers_go_on(name, path):
    straight = plain(2, optimizer=OPTIMIZERS[name])
    fit(**straight)
    with pytest.MonkeyPatch.context() as patch:
        stop_at(patch, 9)
        with pytest.raises(Stopped):
            fit(**plain(2, optimizer=OPTIMIZERS[name]), checkpoint=path)
    resumed = plain(2, optimizer=OPTIMIZERS[name])
    fit(**resumed, checkpoint=path)
    assert equal(weights(resumed), weights(straight))


def a_loader(split, kind):
    """A DataLoader that draws from the global generator, or from one of its own."""
    own = torch.Generator().manual_seed(4)
    if kind == "global":
        return DataLoader(split, 10, shuffle=True)
    if kind == "own":
        return DataLoader(split, 10, shuffle=True, generator=own)
    if kind == "of the sampler":
        return DataLoader(split, 10, sampler=RandomSampler(split, generator=own))
    return Augmented(DataLoader(split, 10, shuffle=True, generator=own), lambda images: 1 - images)


@pytest.mark.parametrize("kind", ["global", "own", "of the sampler", "augmented"])
def test_a_data_loader_goes_on(kind, path):
    def parts():
        torch.manual_seed(7)
        split = Split(torch.rand(70, 1, 28, 28), torch.randint(10, (70,)))
        return plain(2, batches=a_loader(split, kind))

    straight = parts()
    fit(**straight)
    for step, every in ((6, 5), (8, 7), (14, 12)):  # within an epoch, between two, in the next
        with pytest.MonkeyPatch.context() as patch:
            stop_at(patch, step)
            with pytest.raises(Stopped):
                fit(**parts(), checkpoint=path, checkpoint_every=every)
        resumed = parts()
        fit(**resumed, checkpoint=path)
        assert equal(weights(resumed), weights(straight)), step
        path.unlink()


class OwnEpochs(Sampler):
    """Counts its own epochs, and orders by them, or once they are over."""

    def __init__(self, size, afterwards):
        self.size, self.afterwards, self.epoch = size, afterwards, 0

    def __len__(self):
        return self.size

    def __iter__(self):
        self.epoch += not self.afterwards
        own = torch.Generator().manual_seed(self.epoch)
        yield from torch.randperm(self.size, generator=own).tolist()
        self.epoch += self.afterwards


class OwnNumbers:
    """Batches that draw from a generator of NumPy's of their own."""

    def __init__(self, split):
        self.split, self.generator = split, np.random.default_rng(0)

    def __len__(self):
        return 7

    def __iter__(self):
        for chosen in self.generator.permutation(70).reshape(7, 10):
            yield self.split.images[chosen], self.split.labels[chosen]


UNREPEATABLE = {
    "persistent workers": lambda split: DataLoader(
        split, 10, shuffle=True, num_workers=1, persistent_workers=True
    ),
    "a sampler that counts": lambda split: DataLoader(split, 10, sampler=OwnEpochs(70, False)),
    "it counts afterwards": lambda split: DataLoader(split, 10, sampler=OwnEpochs(70, True)),
    "augmented": lambda split: Augmented(DataLoader(split, 10, sampler=OwnEpochs(70, True)), abs),
    "own numbers": OwnNumbers,
}


@pytest.mark.parametrize("name", UNREPEATABLE)
def test_batches_that_cannot_be_put_back_are_refused_before_training(name, path, monkeypatch):
    split = Split(torch.rand(70, 1, 28, 28), torch.randint(10, (70,)))
    parts = plain(2, batches=UNREPEATABLE[name](split))
    before = copy.deepcopy(weights(parts))
    stop_at(monkeypatch, 1)
    wanted = (
        "batches must not (have persistent_workers=True|change (OwnEpochs.epoch|OwnNumbers.gen))"
    )
    with pytest.raises(ValueError, match=wanted):
        fit(**parts, checkpoint=path)
    assert equal(weights(parts), before) and not path.exists()


def test_a_checkpoint_is_the_last_of_the_watchers(path):
    parts, history = plain(1), History()
    with pytest.raises(ValueError, match="watchers must end with the Checkpoint"):
        training.fit(**parts, watchers=[checkpoints.Checkpoint(path), history])
    assert not path.exists() and history.rows == []


def test_the_recipe_goes_on_from_a_checkpoint(path):
    split = Split(torch.rand(70, 1, 28, 28), torch.randint(10, (70,)))
    change = {"augment": killed.change, "batch_size": 10}
    straight = training.train(models.ConvNet, split, 2, 0, **change)
    with pytest.MonkeyPatch.context() as patch:
        stop_at(patch, 12)
        with pytest.raises(Stopped):
            watchers = [checkpoints.Checkpoint(path, every=5)]
            training.train(models.ConvNet, split, 2, 0, **change, watchers=watchers)
    watchers = [checkpoints.Checkpoint(path)]
    resumed = training.train(models.ConvNet, split, 2, 0, **change, watchers=watchers)
    assert equal(resumed.state_dict(), straight.state_dict())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
def test_it_goes_on_on_a_graphics_card(path):
    def parts():
        made = killed.make()
        made["model"].to("cuda")
        return made

    straight = parts()
    fit(**straight)
    with pytest.MonkeyPatch.context() as patch:
        stop_at(patch, 17)
        with pytest.raises(Stopped):
            fit(**parts(), checkpoint=path, checkpoint_every=5)
    resumed = parts()
    fit(**resumed, checkpoint=path)
    assert equal(resumed["model"].state_dict(), straight["model"].state_dict())


# Another training's, or broken


def another(name):
    """The parts of a training that differs in one thing from that of `killed.make`."""
    parts = killed.make()
    if name == "optimizer":
        other = torch.optim.SGD(parts["model"].parameters(), lr=0.001)
        schedule = torch.optim.lr_scheduler.OneCycleLR(other, 0.01, total_steps=36)
        return parts | {"optimizer": other, "scheduler": schedule}
    if name == "0.weight":
        layers = list(parts["model"])
        layers[0], layers[-1] = nn.Conv2d(1, 4, 3, stride=2), nn.Linear(4 * 13 * 13, 10)
        model = nn.Sequential(*layers)
        optimizer = torch.optim.Adam(model.parameters())
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.01, total_steps=36)
        record = WeightRecord(["0.weight"], every=4)
        return parts | dict(model=model, optimizer=optimizer, scheduler=schedule, record=record)
    if name == "scheduler":
        schedule = torch.optim.lr_scheduler.StepLR(parts["optimizer"], 10)
        return parts | {"scheduler": schedule}
    if name == "total_steps of the scheduler":
        schedule = torch.optim.lr_scheduler.OneCycleLR(parts["optimizer"], 0.01, total_steps=99)
        return parts | {"scheduler": schedule}
    if name == "record":
        return parts | {"record": None}
    if name == "weight_decay":
        parts["optimizer"].param_groups[0]["weight_decay"] = 0.1
        return parts
    if name == "line 6 of the model":
        parts["model"][4].p = 0.1  # Dropout
        return parts
    split = parts["batches"].batches.split
    if name == "number of batches":
        return parts | {"batches": Batches(split, 10, shuffle=True)}
    if name == "number of examples":
        return parts | {"batches": Augmented(Batches(split[:229], 20, shuffle=True), killed.change)}
    return parts | {"batches": Augmented(Batches(split, 20), killed.change)}


SHOWN = {  # the first line of the fingerprint that is another
    "0.weight": r".*Conv2d\(1, 4, kernel_size=\(3, 3\), stride=\(2, 2\)\)",
    "optimizer": r"SGD \(",
    "weight_decay": "    weight_decay: 0.1”",
    "scheduler": "scheduler: StepLR”",
    "total_steps of the scheduler": "    initial_lr|.*total_steps: 99",
    "number of batches": "number of batches: 23”",
    "number of examples": "split: 229”",
    "shuffle": "shuffle: False”",
    "line 6 of the model": r".*Dropout\(p=0.1",
    "record": "None”",
}


def test_the_checkpoint_of_another_training_is_refused(path):
    cut_off(path, 8, every=3)
    files = path.read_bytes(), previous(path).read_bytes()
    for name, shown in SHOWN.items():
        parts = another(name)
        before = everything(parts)
        here = f"run.pt is of another training: “.*” there, “{shown}"
        with pytest.raises(CheckpointError, match=here):
            fit(**parts, checkpoint=path)
        assert equal(everything(parts), before), name
        assert (path.read_bytes(), previous(path).read_bytes()) == files


def with_schedule(milestones):
    """A training with a schedule inside a schedule."""
    parts = plain(2)
    steps = torch.optim.lr_scheduler.MultiStepLR(parts["optimizer"], milestones)
    warm = torch.optim.lr_scheduler.ConstantLR(parts["optimizer"])
    both = torch.optim.lr_scheduler.SequentialLR(parts["optimizer"], [warm, steps], [3])
    return parts | {"scheduler": both}


def test_other_milestones_are_refused_even_inside_a_schedule(path):
    fit(**with_schedule([6, 9]), checkpoint=path)
    with pytest.raises(CheckpointError, match=r"(?s)“_schedulers: .* 9: 1.*here"):
        fit(**with_schedule([6, 8]), checkpoint=path)


def test_another_dtype_is_refused(path):
    fit(**plain(1, model=nn.Sequential(nn.Flatten(), nn.Linear(784, 10))), checkpoint=path)
    other = nn.Sequential(nn.Flatten(), nn.Linear(784, 10)).double()
    with pytest.raises(CheckpointError, match=r"float32” there, “.*float64” here"):
        fit(**plain(2, model=other), checkpoint=path)


def test_numpy_numbers_are_refused_before_the_training(path, monkeypatch):
    parts = plain(1, optimizer=lambda p: torch.optim.SGD(p, lr=np.float64(0.1)))
    stop_at(monkeypatch, 1)
    with pytest.raises(TypeError, match=r"state must hold nothing but .* got numpy"):
        fit(**parts, checkpoint=path)
    assert not path.exists()


def test_what_could_not_be_read_again_is_not_written(path):
    save_checkpoint(path, {"step": 1})
    odd = (np.int64(2), random.Random(), path, lambda: 1, nn.Linear, {1: open})
    for state in ({"step": one} for one in odd):
        with pytest.raises(TypeError, match="state must hold nothing but tensors, numbers"):
            save_checkpoint(path, state)
    assert load_checkpoint(path) == {"step": 1} and os.listdir(path.parent) == ["run.pt"]


def test_too_little_memory_is_not_taken_for_a_broken_file(path, monkeypatch):
    save_checkpoint(path, {"step": 1})

    def fail(*arguments, **named):
        raise MemoryError

    monkeypatch.setattr(torch, "load", fail)
    with pytest.raises(MemoryError):
        load_checkpoint(path)


def test_another_learning_rate_is_refused(path):
    fit(**plain(1), checkpoint=path)
    other = plain(2, optimizer=lambda p: torch.optim.SGD(p, lr=0.2, momentum=0.9))
    with pytest.raises(CheckpointError, match=r"“    lr: 0\.1” there, “    lr: 0\.2” here"):
        fit(**other, checkpoint=path)


def test_another_batch_size_is_refused(path):
    split = Split(torch.rand(70, 1, 28, 28), torch.randint(10, (70,)))
    fit(**plain(1, batches=Batches(split, 36)), checkpoint=path)
    with pytest.raises(CheckpointError, match="“batch_size: 36” there, “batch_size: 50” here"):
        fit(**plain(2, batches=Batches(split, 50)), checkpoint=path)


class Trap:
    """Whoever unpickles it has written a file."""

    def __init__(self, file):
        self.file = file

    def __reduce__(self):
        return open, (str(self.file), "w")


FOREIGN = {
    "empty": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_text("no checkpoint"),
    "pickle": lambda path: path.write_bytes(pickle.dumps({"step": 3})),
    "zip": lambda path: zipfile.ZipFile(path, "w").close(),
    "list": lambda path: torch.save([1, 2], path),
    "weights": lambda path: torch.save(models.ConvNet().state_dict(), path),
    "model": lambda path: torch.save(models.ConvNet(), path),
    "trap": lambda path: torch.save(Trap(path.with_name("sprung")), path),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_a_foreign_file_is_refused(name, path):
    FOREIGN[name](path)
    parts, file = killed.make(), path.read_bytes()
    before = everything(parts)
    message = (
        r"run\.pt is not a (whole checkpoint|checkpoint of fit) .*; start anew under another name"
    )
    with pytest.raises(CheckpointError, match=message):
        fit(**parts, checkpoint=path)
    assert equal(everything(parts), before)
    assert path.read_bytes() == file
    assert [file.name for file in path.parent.iterdir()] == ["run.pt"]  # and nothing was run


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The bytes of a checkpoint, of a small training."""
    path = tmp_path_factory.mktemp("whole") / "run.pt"
    with pytest.MonkeyPatch.context() as patch:
        stop_at(patch, 5)  # in the middle of an epoch: so there is something of everything in it
        with pytest.raises(Stopped):
            fit(**plain(1), checkpoint=path, checkpoint_every=2)
    return path.read_bytes()


def test_a_checkpoint_cut_short_is_refused_and_the_one_before_is_named(path, whole):
    fit(**plain(1), checkpoint=path)
    good = previous(path).read_bytes()
    message = r"rename run\.pt\.previous, the one before it, to run\.pt, or start anew"
    for share in (0, 0.5, 0.9, 0.999):
        path.write_bytes(whole[: int(share * len(whole))])
        with pytest.raises(CheckpointError, match=message):
            fit(**plain(1), checkpoint=path)
        assert previous(path).read_bytes() == good
    previous(path).replace(path)  # as the message says
    parts = plain(1)
    fit(**parts, checkpoint=path)
    straight = plain(1)
    fit(**straight)
    assert equal(weights(parts), weights(straight))


many = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    max_examples=settings.default.max_examples // 4,
)


@many
@given(data=st.data())
def test_changed_bytes_are_refused_or_harmless(data, path, whole):
    place = data.draw(st.integers(0, len(whole) - 1))
    end = data.draw(st.integers(place, min(place + 2000, len(whole))))
    put = data.draw(st.binary(max_size=60))
    path.write_bytes(whole[:place] + put + whole[end:])
    try:
        state = load_checkpoint(path)
    except CheckpointError:
        return
    assert equal(state, torch.load(io.BytesIO(whole)))


def test_one_changed_bit_is_noticed_in_every_part(path, whole):
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        parts = {info.filename: archive.read(info) for info in archive.infolist()}
    for name, content in parts.items():
        if len(content) < 20 or ".data/" in name:  # too short to be found, or nothing that is used
            continue
        place = whole.index(content) + len(content) // 2
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(CheckpointError):
            load_checkpoint(path)


@many
@given(content=st.binary(max_size=500))
def test_any_file_is_loaded_or_refused(content, path):
    path.write_bytes(content)
    with pytest.raises(CheckpointError):
        load_checkpoint(path)


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=3)
    | st.builds(torch.zeros, st.lists(st.integers(0, 3), max_size=3)),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=2) | st.integers(0, 3), inner, max_size=3)
    ),
    max_leaves=6,
)


@many
@given(data=st.data())
def test_a_file_that_holds_something_else_is_refused_or_trained_from(data, path, whole):
    """Whole parts may be missing or replaced by anything: an error with a message, and nothing has changed."""
    path.write_bytes(whole)
    state = inner = load_checkpoint(path)
    key = data.draw(st.sampled_from(list(state)))
    if key in ("progress", "random", "epoch_start", "model") and data.draw(st.booleans()):
        inner = state[key]
        key = data.draw(st.sampled_from(list(inner)))
    if data.draw(st.booleans()):
        inner[key] = data.draw(anything)
    else:
        del inner[key]
    torch.save(state, path)
    parts = plain(2)
    before = copy.deepcopy([*weights(parts), parts["optimizer"].state_dict(), random.getstate()])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fit(**parts, checkpoint=path)
    except (CheckpointError, training.Diverged) as error:
        if isinstance(error, CheckpointError):
            after = [*weights(parts), parts["optimizer"].state_dict(), random.getstate()]
            assert equal(after, before)


NONSENSE = {
    "a weight": lambda state: state["model"].update({"layers.1.bias": torch.zeros(3)}),
    "a random state": lambda state: state["random"].update(torch=torch.zeros(2)),
    "the start of the epoch": lambda state: state.update(epoch_start=None),
    "a step": lambda state: state["progress"].update(step="3"),
    "half a step": lambda state: state["progress"].update(step=2.5),
    "seconds": lambda state: state["progress"].update(seconds=[3.0]),
    "another epoch": lambda state: state["progress"].update(epoch=2),
    "a row": lambda state: state["watcher 1"]["rows"].append("x"),
    "a recent batch": lambda state: state["watcher 1"].pop("recent"),
}


@pytest.mark.parametrize("name", NONSENSE)
def test_nonsense_in_a_checkpoint_is_refused_and_nothing_has_changed(name, path):
    def parts():
        made = plain(2)
        return made | {"scheduler": torch.optim.lr_scheduler.StepLR(made["optimizer"], 4)}

    fit(**parts() | {"epochs": 1}, checkpoint=path)
    state = load_checkpoint(path)
    NONSENSE[name](state)
    save_checkpoint(path, state)
    fresh = parts()
    before = everything(fresh)
    with pytest.raises(
        CheckpointError, match=r"(?s)run\.pt is not a checkpoint of fit \(.*start anew"
    ):
        fit(**fresh, checkpoint=path)
    assert equal(everything(fresh), before)


# Writing


def test_save_and_load_keep_every_bit(path):
    state = {
        "half": torch.randn(3).half(),
        "empty": torch.zeros(0, 4),
        "bits": torch.tensor([float("nan"), -0.0, float("inf")]),
        "nested": {"list": [1, 2.5, None, True, "words"], "tuple": (1, (2,))},
    }
    save_checkpoint(path, state)
    loaded = load_checkpoint(path)
    assert loaded["bits"].numpy().tobytes() == state["bits"].numpy().tobytes()
    assert all(equal(loaded[name], state[name]) for name in ("half", "empty", "nested"))
    assert loaded["half"].dtype == torch.float16 and type(loaded["nested"]["tuple"]) is tuple
    assert os.listdir(path.parent) == ["run.pt"]


def test_the_one_before_is_kept(path):
    for step in range(3):
        save_checkpoint(path, {"step": step})
    assert load_checkpoint(path) == {"step": 2}
    assert load_checkpoint(previous(path)) == {"step": 1}
    assert sorted(os.listdir(path.parent)) == ["run.pt", "run.pt.previous"]


def test_a_disk_without_links_has_copies(path, monkeypatch):
    def fail(*arguments):
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(checkpoints.os, "link", fail)
    for step in range(3):
        save_checkpoint(path, {"step": step})
    assert load_checkpoint(path) == {"step": 2} and load_checkpoint(previous(path)) == {"step": 1}


def test_a_link_stays_one(path):
    if os.name == "nt":
        pytest.skip("links need rights on Windows")
    path.with_name("link.pt").symlink_to(path)
    for step in range(2):
        save_checkpoint(path.with_name("link.pt"), {"step": step})
    assert path.with_name("link.pt").is_symlink() and load_checkpoint(path) == {"step": 1}


def test_the_path_may_be_text(path):
    save_checkpoint(str(path), {"step": 1})
    assert load_checkpoint(str(path)) == {"step": 1}


def test_there_is_no_checkpoint(path):
    with pytest.raises(FileNotFoundError):
        load_checkpoint(path)


@pytest.mark.parametrize("what", ["fsync", "replace"])
def test_a_write_that_fails_changes_nothing(what, path, monkeypatch):
    for step in range(2):
        save_checkpoint(path, {"step": step})
    before = {file.name: file.read_bytes() for file in path.parent.iterdir()}
    assert sorted(before) == ["run.pt", "run.pt.previous"]

    def fail(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(checkpoints.os, what, fail)
    with pytest.raises(OSError, match="No space left"):
        save_checkpoint(path, {"step": 2})
    assert {file.name: file.read_bytes() for file in path.parent.iterdir()} == before


def test_writing_changes_nothing_and_a_full_disk_on_the_way_is_a_warning_and_loses_nothing(
    path, straight, monkeypatch
):
    parts, keep = killed.make(), checkpoints.save_checkpoint

    def sometimes(path, state):
        if state["progress"]["step"] in (10, 15, 36):
            raise OSError(errno.ENOSPC, "No space left on device")
        keep(path, state)

    monkeypatch.setattr(checkpoints, "save_checkpoint", sometimes)
    message = r"run\.pt could not be written .*No space left.* goes on after step (10|15|36)$"
    with pytest.warns(UserWarning, match=message) as warned:
        history = fit(**parts, checkpoint=path, checkpoint_every=5)
    assert len(warned) == 3
    assert killed.same(killed.outcome(parts, history), straight)
    assert load_checkpoint(path)["progress"]["step"] == 35
    assert load_checkpoint(previous(path))["progress"]["step"] == 30


def test_a_folder_that_does_not_exist_is_noticed_before_the_training(path, monkeypatch):
    stop_at(monkeypatch, 1)
    with pytest.raises(FileNotFoundError):
        fit(**killed.make(), checkpoint=path.parent / "nowhere" / "run.pt")


@pytest.mark.parametrize("wrong", [3, True, ["run.pt"]])
def test_the_path_has_to_be_one(wrong):
    with pytest.raises(TypeError, match="PathLike"):
        fit(**killed.make(), checkpoint=wrong)


@pytest.mark.parametrize(
    ("wrong", "error"), [(0, ValueError), (-1, ValueError), (2.0, TypeError), ("5", TypeError)]
)
def test_the_interval_has_to_be_an_integer_above_0(wrong, error, path):
    with pytest.raises(error, match="every must be an integer of at least 1, got"):
        fit(**killed.make(), checkpoint=path, checkpoint_every=wrong)
    assert not path.exists()


# Random numbers


def draw():
    return (
        [random.random(), random.gauss(0, 1)],
        np.random.rand(3).tolist(),
        np.random.randn(3).tolist(),
        torch.rand(3),
    )


@pytest.mark.parametrize("before", [0, 1])
def test_random_states_are_put_back(before, path):
    random.gauss(0, 1), np.random.randn(2 * 3 + before), torch.randn(5)  # one may be in store
    states = checkpoints.random_states()
    save_checkpoint(path, states)
    first = draw()
    training.seed_everything(99)
    checkpoints.set_random_states(load_checkpoint(path))
    assert equal(draw(), first)


def test_cards_that_are_not_here_are_passed_over():
    states = checkpoints.random_states() | {"cuda": [torch.zeros(16)] * 99, "mps": torch.zeros(3)}
    states = (
        states
        if not torch.backends.mps.is_available()
        else states | {"mps": torch.mps.get_rng_state()}
    )
    first = draw() if checkpoints.set_random_states(states) is None else None
    checkpoints.set_random_states(states)
    assert equal(draw(), first)


# What cannot be kept is refused before the first step


class WithMore(nn.Module):
    """A classifier whose state holds something besides tensors, and which may refuse to take it back."""

    def __init__(self, more, taken=True):
        super().__init__()
        self.body, self.more, self.taken = nn.Linear(784, 10), more, taken

    def forward(self, images):
        return self.body(images.flatten(1))

    def get_extra_state(self):
        return self.more

    def set_extra_state(self, state):
        if not self.taken:
            raise RuntimeError("not mine")
        self.more = state


class Fading:
    """A schedule of one's own, as LambdaLR takes it."""

    def __init__(self, kept):
        self.kept = kept

    def __call__(self, step):
        return 1 / (1 + step)


def digits():
    return Split(torch.rand(8, 1, 28, 28), torch.arange(8))


def small_fit(path, model, epochs=1, kept=None):
    """A training of two steps an epoch, with a schedule that keeps something; the number of steps it took."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, Fading(kept))
    return len(fit(model, Batches(digits(), 4), optimizer, epochs, None, 1, scheduler, None, path))


@pytest.mark.parametrize("more", [None, {"seen": 3}, "words", [1, 2.5]], ids=str)
def test_a_model_may_have_a_state_of_its_own_and_a_schedule_too(more, path, capsys):
    small_fit(path, WithMore(more), kept=7)
    model = WithMore("other")
    small_fit(path, model, epochs=2, kept=7)
    assert model.more == more and "after step 2 of 4" in capsys.readouterr().out


UNKEPT = {
    "function": (lambda: WithMore(print), TypeError, "state must hold nothing but tensors"),
    "array": (lambda: WithMore(np.ones(2)), TypeError, "state must hold nothing but tensors"),
    "lambda": (lambda: WithMore(lambda: 1), TypeError, "state must hold nothing but tensors"),
    "lock": (lambda: WithMore(threading.Lock()), TypeError, "state must hold nothing but tensors"),
    "refused": (lambda: WithMore(1, taken=False), TypeError, "take back its own state .*not mine"),
    "lazy": (
        lambda: nn.Sequential(nn.Flatten(), nn.LazyLinear(10)),
        ValueError,
        "model must know its sizes, got the lazy 1.weight: run it once before",
    ),
}


@pytest.mark.parametrize("name", UNKEPT)
def test_a_model_that_cannot_be_kept_is_refused_before_the_first_step(name, path, monkeypatch):
    monkeypatch.setattr(torch.optim.SGD, "step", lambda *_: pytest.fail("a step was taken"))
    make, error, sentence = UNKEPT[name]
    with pytest.raises(error, match=sentence):
        small_fit(path, make())
    assert not path.exists()


def test_a_schedule_that_cannot_be_kept_is_refused_before_the_first_step(path, monkeypatch):
    monkeypatch.setattr(torch.optim.SGD, "step", lambda *_: pytest.fail("a step was taken"))
    with pytest.raises(TypeError, match="state must hold nothing but tensors"):
        small_fit(path, nn.Sequential(nn.Flatten(), nn.Linear(784, 10)), kept=lambda: 1)
    assert not path.exists()


@pytest.mark.parametrize(
    "what", [lambda: 1, (i for i in [1]), threading.Lock()], ids=["λ", "gen", "lock"]
)
def test_what_cannot_be_saved_is_refused_in_words(what, path):
    with pytest.raises(TypeError, match="state must hold nothing but tensors"):
        save_checkpoint(path, {"what": what})
    assert not path.exists()
