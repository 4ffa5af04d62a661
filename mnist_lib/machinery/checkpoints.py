"""Checkpoints: files that a training goes on from, written so that the one before is never lost."""

import contextlib
import copy
import glob
import hashlib
import io
import math
import os
import pickle
import random
import re
import warnings
import weakref
import zipfile
from itertools import zip_longest
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import Dataset

from ..training import check_finite
from .checks import integer, number
from .files import write_whole

PROGRESS = ("step", "epoch", "seconds")  # of a Training
_first_seen = weakref.WeakKeyDictionary()  # {schedule: the description of it and its optimizer}


class CheckpointError(RuntimeError):
    """A file is not a whole checkpoint, or it is one of another training. The message says which, and what to do."""


def save_checkpoint(path, state):
    """Write `state` to a file, in one step: at every moment there is a whole file at `path`, the old or the new one.

    The checkpoint that was there is kept beside it, as `path` with ".previous" at the end.

    Args:
        path: the file to write; its folder exists.
        state: dicts, lists and tuples of tensors, numbers, texts, truth values and None.

    Raises:
        TypeError: there is something else in `state`, such as a number of NumPy's.
        OSError: a file cannot be written or moved, because the disk is full, say. There is a whole one still.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     save_checkpoint(Path(folder, "run.pt"), {"step": 3})
    ...     load_checkpoint(Path(folder, "run.pt"))
    {'step': 3}
    """
    path, content = _place(path), io.BytesIO()
    try:
        torch.save(state, content)
        _load(content)
    except MemoryError:
        raise
    except Exception as error:  # it cannot be written, or could not be read again
        name = re.search(r"GLOBAL (\S+)", str(error))
        expected = "tensors, numbers and texts (int(x) and float(x) make numbers of NumPy's)"
        got = name[1] if name else f"something else ({type(error).__name__}: {error})"
        raise TypeError(f"state must hold nothing but {expected}, got {got}") from error
    old = path.with_name(f"{path.name}.{os.getpid()}.old")
    try:
        if path.exists():
            try:
                os.link(path, old)
            except OSError:  # this disk knows no second names
                write_whole(old, path.read_bytes())
        write_whole(path, content.getbuffer())
        if old.exists():  # only now: the file at the path may have been damaged
            os.replace(old, previous(path))
    finally:
        old.unlink(missing_ok=True)


def _place(path):
    """The path of a file: of the file itself, if it is that of a link."""
    return Path(path).expanduser().resolve()


def _load(content):
    """The state in the content of a file, a BytesIO: on the CPU. No code in it is run."""
    content.seek(0)
    return torch.load(content, map_location="cpu", weights_only=True)


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
    path, way_out = _place(path), "start anew under another name"
    content = io.BytesIO(path.read_bytes())
    try:
        damaged = zipfile.ZipFile(content).testzip()  # PyTorch's zip archives have checksums
        if damaged is not None:
            raise ValueError(f"{damaged} was changed")
        return _load(content)
    except MemoryError:
        raise
    except Exception as error:  # a broken file breaks in many ways
        why = f"{type(error).__name__}: {error}"
        if isinstance(error, pickle.UnpicklingError):  # it advises to open the file all the same
            why = "it holds something else than tensors, numbers and texts"
        if (kept := previous(path)).exists():
            way_out = f"rename {kept.name}, the one before it, to {path.name}, or {way_out}"
        what = f"{path.name} is not a whole checkpoint ({why})"
        raise CheckpointError(f"{what}; {way_out}") from error


def random_states():
    """The states of the random number generators of Python, NumPy and PyTorch, a dict that can be saved.

    >>> states = random_states(); first = torch.rand(3)
    >>> set_random_states(states); torch.equal(first, torch.rand(3))
    True
    """
    name, keys, *rest = np.random.get_state()
    states = {"python": random.getstate(), "numpy": (name, keys.tolist(), *rest)}
    states["torch"] = torch.get_rng_state()
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
    """A file that keeps a training: the last of the watchers of `fit` (built in notebook 12).

    If the file exists, the training goes on from it, and ends with the same result, bit for bit, as one that was never
    stopped (on the same machine, with the same examples). One line says so. Else it is written before the first step,
    after every few, and after the last. If that fails later on, it warns: the file before stays.

    It keeps the model, the optimizer, the schedule, the watchers before it, and the states of all random number
    generators: Python's, NumPy's, PyTorch's, and those that the batches or their samplers have as `generator`.

    Args:
        path: the file. Each training needs one of its own.
        every: after how many steps to write it; None: after each epoch.

    Raises:
        TypeError, ValueError: an argument is not as described. Before training: something cannot be saved, or the
            batches are not the same when they are gone through again.
        CheckpointError, OSError: before training: the file is not one to go on from. Nothing has changed then.
    """

    def __init__(self, path, every=None):
        self.path = _place(path)
        self.every = every if every is None else integer("every", every, least=1)

    def before_training(self, training):
        """Go on from the file, or begin it."""
        if training.watchers[-1] is not self:
            raise ValueError("watchers must end with the Checkpoint: it keeps those before it")
        _check_repeatable(training.batches)
        self.fingerprint, self.training = _fingerprint(training), training
        training.batches = _Resumable(training.batches)
        for age in ("new", "old"):  # of processes that were killed while they wrote
            for file in self.path.parent.glob(f"{glob.escape(self.path.name)}.*.{age}"):
                with contextlib.suppress(OSError):  # it is in use, or gone already
                    file.unlink()
        if not self.path.exists():
            save_checkpoint(self.path, self._state())
            try:
                self._put_back(load_checkpoint(self.path))
            except Exception as error:  # as of a model with get_extra_state alone
                self.path.unlink()
                why = f"{type(error).__name__}: {error}"
                raise TypeError(f"what is trained must take back its own state ({why})") from error
            return
        self._go_on()
        steps = f"{training.step:,} of {training.last_step:,}"
        print(f"Going on from {self.path.name}, after step {steps}.")

    def after_step(self, training):
        """Write the file, if it is time; the end of an epoch is for `after_epoch`."""
        epoch = len(training.batches)
        if training.step % (self.every or epoch) == 0 and training.step % epoch != 0:
            check_finite(training.result.loss.item(), f"at step {training.step}")  # keep the file
            self._save()

    def after_epoch(self, training):
        """Write the file, if it is time. (A sampler may draw once more after the last batch.)"""
        due = training.step % (self.every or len(training.batches)) == 0
        if due or training.epoch == training.epochs:
            self._save()

    def _save(self):
        """Write the file; if that fails, say so, and let the training go on."""
        try:
            save_checkpoint(self.path, self._state())
        except (OSError, TypeError) as error:
            what = f"{self.path.name} could not be written ({error}); the one before stays, and training goes on"
            warnings.warn(f"{what} after step {self.training.step:,}", stacklevel=4)

    def _parts(self):
        """All that has a state, by name."""
        training = self.training
        parts = {"model": training.model, "optimizer": training.optimizer}
        if training.scheduler is not None:
            parts["scheduler"] = training.scheduler
        watchers = enumerate(training.watchers[:-1])
        return parts | {f"watcher {k}": w for k, w in watchers if hasattr(w, "state_dict")}

    def _state(self):
        """Everything that a training needs to go on, in a form that can be saved."""
        training, batches = self.training, self.training.batches
        state = {name: part.state_dict() for name, part in self._parts().items()}
        state["progress"] = {name: getattr(training, name) for name in PROGRESS}
        state |= {"random": batches.random_states(), "epoch_start": batches.epoch_start}
        return state | {"fingerprint": self.fingerprint}

    def _put_back(self, state):
        """Put everything back to where it was: the opposite of `_state`."""
        training, batches = self.training, self.training.batches
        for name, part in self._parts().items():
            part.load_state_dict(state[name])
        for name in PROGRESS:
            setattr(training, name, state["progress"][name])
        batches.done, batches.epoch_start = training.step % len(batches), state["epoch_start"]
        for states in (state["epoch_start"], state["random"]):  # both are tried before training
            batches.set_random_states(states)

    def _go_on(self):
        """Put everything back to where it was when the file was written, or raise an error and change nothing."""
        saved, before = load_checkpoint(self.path), copy.deepcopy(self._state())
        name, training = self.path.name, self.training
        try:
            for there, here in zip_longest(saved["fingerprint"], self.fingerprint):
                if there != here:
                    what = f"“{there}” there, “{here}” here; start anew under another name"
                    raise CheckpointError(f"{name} is of another training: {what}")
            step, epoch, seconds = (saved["progress"][name] for name in PROGRESS)
            step, last = integer("step", step, least=0), training.last_step
            if integer("epoch", epoch, least=0) != step // len(training.batches):
                raise ValueError(f"step {step} is not in epoch {epoch}")
            number("seconds", seconds, 0, math.inf)
            if step > last:
                what = f"come to step {step:,}, and the epochs asked for end at {last:,}"
                raise CheckpointError(f"{name} has {what}; ask for more epochs")
            self._put_back(saved)
        except CheckpointError:
            raise
        except Exception as error:  # whatever a foreign file may hold
            self._put_back(before)
            what = f"{name} is not a checkpoint of fit ({type(error).__name__}: {error})"
            raise CheckpointError(f"{what}; start anew under another name") from error


class _Resumable:
    """Batches that begin where a training was stopped: the first `done` of the epoch are passed over.

    Their order was drawn when the epoch began, so the states of the random numbers of that moment are kept.
    """

    def __init__(self, batches):
        self.batches, self.done = batches, 0
        generators = (getattr(part, "generator", None) for part in _parts_of(batches))
        self.generators = [own for own in generators if isinstance(own, torch.Generator)]
        self.epoch_start = self.random_states()

    def __len__(self):
        return len(self.batches)

    def __iter__(self):
        done, self.done, now = self.done, 0, self.random_states()
        if done:
            self.set_random_states(self.epoch_start)
        self.epoch_start = self.random_states()
        left = iter(self.batches)
        for _ in range(done):
            next(left)  # seen before the training was stopped
        if done:
            self.set_random_states(now)
        yield from left

    def random_states(self):
        """Those of all generators that a training draws from."""
        return random_states() | {"own": [own.get_state() for own in self.generators]}

    def set_random_states(self, states):
        """Put them back."""
        set_random_states(states)
        for own, state in zip(self.generators, states["own"], strict=True):
            own.set_state(state)


def _parts_of(batches):
    """Batches, and what is inside: the batches that they change, the samplers of a DataLoader. A list."""
    parts = [batches]
    for part in parts:  # it grows on the way
        inner = (getattr(part, name, None) for name in ("batches", "batch_sampler", "sampler"))
        parts += [new for new in inner if new is not None and not any(new is p for p in parts)]
    return parts


def _check_repeatable(batches):
    """Go through batches once, and raise an error if they keep what no checkpoint could put back."""
    if any(getattr(part, "persistent_workers", False) for part in _parts_of(batches)):
        why = "what its workers have drawn cannot be put back"
        raise ValueError(f"batches must not have persistent_workers=True: {why}")
    resumable, before = _Resumable(batches), _attributes(batches)
    for _ in batches:
        pass
    resumable.set_random_states(resumable.epoch_start)
    for name, value in _attributes(batches).items():
        if before.get(name) != value:
            why = "when a training goes on, that cannot be put back"
            raise ValueError(f"batches must not change {name} while they are gone through: {why}")


def _attributes(batches):
    """What batches and their samplers keep to themselves, {name: text}: no images, and no generators of PyTorch."""
    parts, found = _parts_of(batches), {}
    for part in parts:
        for name, value in getattr(part, "__dict__", {}).items():
            if isinstance(value, torch.Generator | Dataset) or any(value is p for p in parts):
                continue
            try:
                content = hashlib.sha256(pickle.dumps(value)).hexdigest()
            except Exception:  # a lambda, say
                content = repr(value)
            found[f"{type(part).__name__}.{name}"] = content
    return found


def _fingerprint(training):
    """What must be the same when a training goes on, a list of lines: model, optimizer, schedule, batches, watchers."""
    model, schedule = training.model, training.scheduler
    lines = repr(model).splitlines()
    for name, part in model.state_dict().items():
        if torch.nn.parameter.is_lazy(part):
            raise ValueError(f"model must know its sizes, got the lazy {name}: run it once before")
        is_tensor = isinstance(part, torch.Tensor)  # else it is a state of the model's own
        lines.append(f"{name}: {f'{tuple(part.shape)}, {part.dtype}' if is_tensor else 'any'}")
    how = repr(training.optimizer).splitlines()
    if schedule is not None:  # steps change both: what counts is how they were when first seen
        how += [f"scheduler: {type(schedule).__name__}"]
        how += [f"{name}: {value!r}" for name, value in schedule.state_dict().items()]
        how = _first_seen.setdefault(schedule, how)
    lines += [*how, f"number of batches: {len(training.batches)}"]
    for part in _parts_of(training.batches):
        lines.append(f"batches: {type(part).__name__}")
        for name in ("batch_size", "shuffle", "split", "dataset"):
            value = getattr(part, name, "none")
            lines.append(f"{name}: {len(value) if hasattr(value, '__len__') else value}")
    watchers = training.watchers[:-1]
    return lines + [f"watcher: {type(w).__name__} {getattr(w, 'names', '')}" for w in watchers]
