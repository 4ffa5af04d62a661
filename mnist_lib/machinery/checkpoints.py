"""Checkpoints: files that a training goes on from, written so that the one before is never lost."""

import contextlib
import copy
import glob
import io
import os
import pickle
import random
import re
import shutil
import zipfile
from pathlib import Path

import numpy as np
import torch

# What steps change in the state_dict of a scheduler. All else in it has to be the same when a training goes on.
COUNTERS = {"last_epoch", "T_cur", "T_i", "_step_count", "_last_lr", "_is_initial"}
COUNTERS |= {"_get_lr_called_within_step"}


class CheckpointError(RuntimeError):
    """A file is no whole checkpoint, or one of another training. The message says which, and what to do."""


def save_checkpoint(path, state):
    """Write `state` to a file, in one step: at every moment there is a whole file at `path`, the old or the new one.

    The checkpoint that was there is kept beside it, as `path` with ".previous" at the end.

    Args:
        path: the file to write; its folder exists.
        state: dicts, lists and tuples of tensors, numbers, texts, truth values and None.

    Raises:
        TypeError: there is something else in `state`, such as a number of NumPy's.
        OSError: the file cannot be written, because the disk is full, say. Then the one at `path` is as it was.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     save_checkpoint(Path(folder, "run.pt"), {"step": 3})
    ...     load_checkpoint(Path(folder, "run.pt"))
    {'step': 3}
    """
    path, content = _place(path), io.BytesIO()
    torch.save(state, content)
    _check_readable(content)
    new, old = (path.with_name(f"{path.name}.{os.getpid()}.{age}") for age in ("new", "old"))
    try:
        _write(new, content.getbuffer())
        if path.exists():
            _link(path, old)
            os.replace(old, previous(path))
        os.replace(new, path)
    finally:
        for file in (new, old):
            file.unlink(missing_ok=True)


def _place(path):
    """The path of a file: of the file itself, if it is that of a link."""
    return Path(path).expanduser().resolve()


def _check_readable(content):
    """Raise a TypeError if what was saved could not be loaded again."""
    content.seek(0)
    try:
        torch.load(content, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        name = re.search(r"GLOBAL (\S+)", str(error))
        got = name[1] if name else "something else"
        expected = "tensors, numbers and texts (int(x) and float(x) make numbers of NumPy's)"
        raise TypeError(f"state must hold nothing but {expected}, got {got}") from error


def _write(path, content):
    """Write bytes to a new file, and wait until they are on the disk."""
    with open(path, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _link(path, other):
    """Give a file a second name, or make a copy of it where the disk knows no second names."""
    try:
        os.link(path, other)
    except OSError:
        shutil.copyfile(path, other)


def previous(path):
    """Where the checkpoint is kept that was at `path` before the last one. A Path.

    >>> previous("run.pt").name
    'run.pt.previous'
    """
    path = _place(path)
    return path.with_name(f"{path.name}.previous")


def load_checkpoint(path):
    """The state in a file of `save_checkpoint`: on the CPU, and the same to the bit. No code in the file is run.

    Raises:
        FileNotFoundError: there is no such file.
        CheckpointError: it is cut short, changed on the way, or something else altogether.
    """
    path = _place(path)
    with open(path, "rb") as file:
        content = io.BytesIO(file.read())
    try:
        damaged = zipfile.ZipFile(
            content
        ).testzip()  # PyTorch's files are zip archives, with checksums
        if damaged is not None:
            raise ValueError(f"{damaged} was changed")
        content.seek(0)
        return torch.load(content, map_location="cpu", weights_only=True)
    except MemoryError:
        raise
    except pickle.UnpicklingError as error:  # its own message advises to open the file all the same
        what = (
            f"{path.name} is no checkpoint: it holds something else than tensors, numbers and texts"
        )
        raise CheckpointError(f"{what}; {_way_out(path)}") from error
    except Exception as error:  # a broken file breaks in many ways
        what = f"{path.name} is no whole checkpoint ({type(error).__name__}: {error})"
        raise CheckpointError(f"{what}; {_way_out(path)}") from error


def _way_out(path):
    """What to do about a checkpoint that cannot be gone on from."""
    anew = "start anew under another name"
    kept = previous(path)
    return (
        f"rename {kept.name}, the one before it, to {path.name}, or {anew}"
        if kept.exists()
        else anew
    )


def random_states():
    """The states of the random number generators of Python, NumPy and PyTorch, a dict that can be saved.

    >>> states = random_states(); first = torch.rand(3)
    >>> set_random_states(states); torch.equal(first, torch.rand(3))
    True
    """
    name, keys, *rest = np.random.get_state()
    states = {
        "python": random.getstate(),
        "numpy": (name, keys.tolist(), *rest),
        "torch": torch.get_rng_state(),
    }
    if torch.cuda.is_initialized():  # else no graphics card is in use
        states["cuda"] = torch.cuda.get_rng_state_all()
    if torch.backends.mps.is_available():
        states["mps"] = torch.mps.get_rng_state()
    return states


def set_random_states(states):
    """Put the random number generators back to where they were: what `random_states` returned.

    Those of graphics cards that this machine does not have are passed over.
    """
    random.setstate(states["python"])
    np.random.set_state(states["numpy"])
    torch.set_rng_state(states["torch"])
    for device, state in zip(range(torch.cuda.device_count()), states.get("cuda", [])):
        torch.cuda.set_rng_state(state, device)
    if "mps" in states and torch.backends.mps.is_available():
        torch.mps.set_rng_state(states["mps"])


class Checkpoint:
    """The file that `training.fit` keeps a training in.

    It holds the states of the model, the optimizer, the schedule, the record of weights and the random number
    generators (now, and as they were at the start of the epoch, which decided the order of its batches); how far the
    training has come; and its settings, by which a file of another training is known.

    Args:
        path: the file.
        model, batches, optimizer, scheduler, record: what `fit` trains with.

    Raises:
        TypeError: `path` is no path.
    """

    def __init__(self, path, model, batches, optimizer, scheduler=None, record=None):
        if not isinstance(path, str | os.PathLike):
            raise TypeError(f"checkpoint must be the path of a file, got {path!r}")
        self.path, self.batches = _place(path), batches
        self.settings = _settings(model, batches, optimizer, scheduler)
        if record is not None:
            self.settings["record"] = f"{', '.join(record.names)}, every {record.every}"
        parts = {"model": model, "optimizer": optimizer, "scheduler": scheduler, "record": record}
        self.parts = {name: part for name, part in parts.items() if part is not None}
        self.generators = _generators(batches)
        self.epoch_start = self.random_states()

    def random_states(self):
        """Those of all generators that a training draws from."""
        return random_states() | {"own": [own.get_state() for own in self.generators]}

    def set_random_states(self, states):
        """Put them back."""
        set_random_states(states)
        for own, state in zip(self.generators, states["own"], strict=True):
            own.set_state(state)

    def remove_leftovers(self):
        """Remove the half-written files of processes that were killed while they wrote."""
        for age in ("new", "old"):
            for file in self.path.parent.glob(f"{glob.escape(self.path.name)}.*.{age}"):
                with contextlib.suppress(OSError):  # it is in use, or gone already
                    file.unlink()

    def left_of_epoch(self, done):
        """The batches of an epoch after the first `done`, in the order that was drawn when the epoch began."""
        if done == 0:
            self.epoch_start = self.random_states()
            return self.batches
        now = self.random_states()
        self.set_random_states(self.epoch_start)
        left = iter(self.batches)
        for _ in range(done):
            next(left)  # seen before the training was stopped
        self.set_random_states(now)
        return left

    def write(self, progress):
        """Write everything into the file. `progress` is a dict that `save_checkpoint` can write.

        Raises:
            OSError: it cannot be written; then the file is as it was.
        """
        save_checkpoint(self.path, self._state() | {"progress": progress})

    def read(self, check):
        """Put everything back to where it was when the file was written.

        Args:
            check: a function (progress) that returns what `write` was given, or raises an error if it makes no sense.

        Returns:
            What `check` returned.

        Raises:
            FileNotFoundError: there is no file.
            CheckpointError: it is no whole checkpoint of this training. Then nothing has changed.
        """
        saved = load_checkpoint(self.path)
        before = copy.deepcopy(self._state())
        try:
            self._refuse_another(saved)
            checked = check(saved["progress"])
            self._check_kinds(saved)
            self._put_back(saved)
        except CheckpointError:
            raise
        except Exception as error:  # whatever a foreign file may hold
            self._put_back(before)
            what = f"{self.path.name} is no checkpoint of fit ({type(error).__name__}: {error})"
            raise CheckpointError(f"{what}; start anew under another name") from error
        return checked

    def _state(self):
        states = {name: part.state_dict() for name, part in self.parts.items()}
        random = {"random": self.random_states(), "epoch_start": self.epoch_start}
        return states | random | {"settings": self.settings, "PyTorch": str(torch.__version__)}

    def _put_back(self, state):
        for name, part in self.parts.items():
            part.load_state_dict(state[name])
        self.epoch_start = state["epoch_start"]
        self.set_random_states(
            self.epoch_start
        )  # both are tried before the training relies on them
        self.set_random_states(state["random"])

    def _check_kinds(self, saved):
        """Raise an error if an optimizer or a schedule could take in what it cannot work with."""
        now = {name: part.state_dict() for name, part in self.parts.items()}
        _check_kind(saved["optimizer"]["param_groups"], now["optimizer"]["param_groups"])
        if "scheduler" in now:
            _check_kind(saved["scheduler"], now["scheduler"])
        for values in saved["optimizer"]["state"].values():
            for name, value in values.items():
                if not isinstance(value, torch.Tensor | int | float | None):
                    raise TypeError(f"{name} of the optimizer is {value!r:.40}")

    def _refuse_another(self, saved):
        """Raise an error if the settings are not those of this training."""
        settings, version = saved["settings"], saved["PyTorch"]
        for name in [*self.settings, *settings]:
            there, here = settings.get(name, "nothing"), self.settings.get(name, "nothing")
            if there != here:
                what = f"{name} is {there} there, {here} here; start anew under another name"
                which = "" if version == str(torch.__version__) else f" (with PyTorch {version})"
                raise CheckpointError(f"{self.path.name} is of another training{which}: {what}")


def _check_kind(value, like):
    """Raise an error unless a nested value has the names and the kinds of values that another one has."""
    if isinstance(like, bool) or not isinstance(like, dict | list | tuple | int | float):
        same = type(value) is type(like)
    elif isinstance(like, int | float):
        same = isinstance(value, int | float) and not isinstance(value, bool)
    else:
        same = isinstance(value, type(like)) and len(value) == len(like)
    if not same:
        raise TypeError(f"{value!r:.40} stands where {like!r:.40} was expected")
    if isinstance(like, dict | list | tuple):
        for name in like if isinstance(like, dict) else range(len(like)):
            _check_kind(value[name], like[name])


def _generators(batches):
    """The generators of random numbers that batches have to themselves, as a DataLoader or its samplers may."""
    found, parts = [], [batches]
    while parts:
        part = parts.pop()
        generator = getattr(part, "generator", None)
        if isinstance(generator, torch.Generator) and not any(generator is own for own in found):
            found.append(generator)
        inner = (getattr(part, name, None) for name in ("batches", "batch_sampler", "sampler"))
        parts += [one for one in inner if one is not None]
    return found


def _settings(model, batches, optimizer, scheduler):
    """What has to be the same when a training goes on, {name: text}: model, optimizer, schedule, batches."""
    settings = {
        name: f"{tuple(value.shape)}, {value.dtype}" for name, value in model.state_dict().items()
    }
    lines = enumerate(repr(model).splitlines(), start=1)  # layers, and what they were made with
    settings |= {f"line {number} of the model": line.strip() for number, line in lines}
    settings["optimizer"] = type(optimizer).__name__
    changing = {"params"} | ({"lr", "momentum", "betas"} if scheduler is not None else set())
    for number, group in enumerate(optimizer.param_groups):
        which = f" of group {number}" if number else ""
        settings |= {f"{name}{which}": repr(group[name]) for name in group if name not in changing}
    settings["scheduler"] = type(scheduler).__name__
    if scheduler is not None:
        settings |= _of_schedule(scheduler.state_dict())
    while hasattr(batches, "batches"):  # Augmented
        batches = batches.batches
    settings["number of batches"] = str(len(batches))
    settings["batch_size"] = str(getattr(batches, "batch_size", None))
    sampler = type(getattr(batches, "sampler", None)).__name__
    settings["shuffle"] = str(getattr(batches, "shuffle", sampler))
    examples = getattr(batches, "split", getattr(batches, "dataset", ()))
    settings["number of examples"] = str(len(examples))
    return settings


def _of_schedule(state, which="the scheduler"):
    """What steps do not change in the state_dict of a scheduler, and of those inside it, {name: text}."""
    settings = {}
    for name, value in state.items():
        if name == "_schedulers":
            for number, inner in enumerate(value):
                settings |= _of_schedule(inner, f"{which}'s part {number}")
        elif name not in COUNTERS:
            settings[f"{name} of {which}"] = repr(value)
    return settings
