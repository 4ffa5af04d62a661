"""Checkpoints: files that a training goes on from, written so that the one before is never lost."""

import copy
import io
import os
import pickle
import random
import shutil
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import torch

COUNTERS = ("last_epoch", "T_cur", "T_i")  # what schedulers count, in their state_dict


class CheckpointError(RuntimeError):
    """A file is no whole checkpoint, or one of another training. The message says which, and what to do."""


def save_checkpoint(path, state):
    """Write `state` to a file, in one step: at every moment there is a whole file at `path`, the old or the new one.

    The checkpoint that was there is kept beside it, as `path` with ".previous" at the end. A process that is killed
    while it writes leaves a hidden folder behind, which may be deleted.

    Args:
        path: the file to write; its folder exists.
        state: dicts, lists and tuples of tensors, numbers, texts, truth values and None.

    Raises:
        OSError: the file cannot be written, because the disk is full, say. Then nothing has changed.

    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_checkpoint(Path(folder, "run.pt"), {"step": 3})
    ...     load_checkpoint(Path(folder, "run.pt"))
    {'step': 3}
    """
    path = Path(path)
    content = io.BytesIO()
    torch.save(state, content)
    with tempfile.TemporaryDirectory(prefix=f".{path.name}-", dir=path.parent) as temporary:
        new, old = Path(temporary, "new"), Path(temporary, "old")
        _write(new, content.getbuffer())
        if path.exists():
            shutil.copyfile(path, old)
            os.replace(old, previous(path))
        os.replace(new, path)


def _write(path, content):
    """Write bytes to a new file, and wait until they are on the disk."""
    with open(path, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def previous(path):
    """Where the checkpoint is kept that was at `path` before the last one. A Path.

    >>> previous("run.pt").name
    'run.pt.previous'
    """
    path = Path(path)
    return path.with_name(f"{path.name}.previous")


def load_checkpoint(path):
    """The state in a file of `save_checkpoint`: on the CPU, and the same to the bit. No code in the file is run.

    Raises:
        FileNotFoundError: there is no such file.
        CheckpointError: it is cut short, changed on the way, or something else altogether.
    """
    path = Path(path)
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
    kept = previous(path)
    if kept.exists():
        return f"rename {kept.name}, the one before it, to {path.name}, or start anew under another name"
    return "delete it, or start anew under another name"


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
    if torch.cuda.is_available():
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
    if "cuda" in states and len(states["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(states["cuda"])
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
        self.path, self.batches = Path(path), batches
        self.settings = _settings(model, batches, optimizer, scheduler)
        if record is not None:
            self.settings["record"] = f"{', '.join(record.names)}, every {record.every}"
        parts = {"model": model, "optimizer": optimizer, "scheduler": scheduler, "record": record}
        self.parts = {name: part for name, part in parts.items() if part is not None}
        generator = getattr(batches, "generator", None)  # a DataLoader may have one of its own
        self.generator = generator if isinstance(generator, torch.Generator) else None
        self.epoch_start = self.random_states()

    def random_states(self):
        """Those of all generators that a training draws from."""
        own = {} if self.generator is None else {"generator": self.generator.get_state()}
        return random_states() | own

    def set_random_states(self, states):
        """Put them back."""
        set_random_states(states)
        if self.generator is not None:
            self.generator.set_state(states["generator"])

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
            self._refuse_another(saved["settings"])
            self._put_back(saved)
            return check(saved["progress"])
        except CheckpointError:
            raise
        except Exception as error:  # whatever a foreign file may hold
            self._put_back(before)
            what = f"{self.path.name} is no checkpoint of fit ({type(error).__name__}: {error})"
            raise CheckpointError(f"{what}; {_way_out(self.path)}") from error

    def _state(self):
        states = {name: part.state_dict() for name, part in self.parts.items()}
        random = {"random": self.random_states(), "epoch_start": self.epoch_start}
        return states | random | {"settings": self.settings}

    def _put_back(self, state):
        for name, part in self.parts.items():
            part.load_state_dict(state[name])
        self.epoch_start = state["epoch_start"]
        self.set_random_states(
            self.epoch_start
        )  # both are tried before the training relies on them
        self.set_random_states(state["random"])

    def _refuse_another(self, settings):
        """Raise an error if the settings are not those of this training."""
        for name in [*self.settings, *settings]:
            there, here = settings.get(name, "nothing"), self.settings.get(name, "nothing")
            if there != here:
                what = f"{name} is {there} there, {here} here; start anew under another name"
                raise CheckpointError(f"{self.path.name} is of another training: {what}")


def _settings(model, batches, optimizer, scheduler):
    """What has to be the same when a training goes on, {name: text}: shapes, optimizer, schedule, batches."""
    settings = {name: str(tuple(value.shape)) for name, value in model.state_dict().items()}
    settings["optimizer"] = type(optimizer).__name__
    changing = {"params"} | ({"lr", "momentum", "betas"} if scheduler is not None else set())
    for number, group in enumerate(optimizer.param_groups):
        which = f" of group {number}" if number else ""
        settings |= {f"{name}{which}": repr(group[name]) for name in group if name not in changing}
    settings["scheduler"] = type(scheduler).__name__
    if scheduler is not None:
        settings |= {
            f"{name} of the scheduler": repr(value)
            for name, value in scheduler.state_dict().items()
            if isinstance(value, int | float) and not name.startswith("_") and name not in COUNTERS
        }
    settings["number of batches"] = str(len(batches))
    settings["batch_size"] = str(getattr(batches, "batch_size", None))
    return settings
