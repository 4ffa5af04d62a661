"""The exercises of notebook 12_save_load_resume."""

import tempfile
from pathlib import Path

import torch

from ..machinery.checkpoints import save_checkpoint
from .base import call_answer, exercise, wrong_number


@exercise("12-tensors", hint="Go from layer to layer: what is learned, and what is kept beside it?")
def _tensors(answer):
    mistakes = {
        6: "batch normalisation has buffers, too.",
        7: "batch normalisation keeps more beside its running mean.",
        8: "batch normalisation keeps three things: a mean, a variance, and how many batches it saw.",
        3: "that is the number of layers with tensors; each has several.",
        12: "ReLU, dropout and flatten have no tensors.",
    }
    return wrong_number(answer, 9, mistakes)


@exercise(
    "12-numbers", hint="What does Adam's state hold for each weight? And do not forget the weight."
)
def _numbers(answer):
    mistakes = {
        1_000_000: "that is the model; Adam keeps numbers of its own for each weight.",
        2_000_000: "that is the optimizer alone, or one number too few: Adam keeps two for each weight.",
        4_000_000: "slopes are computed anew at each step; they are not kept.",
        3: "that is the count for each weight; there are a million.",
    }
    return wrong_number(answer, 3_000_000, mistakes)


@exercise(
    "12-prefix", hint="A str has a method that removes something at its beginning, if it is there."
)
def _prefix(answer):
    names = ("module.layers.0.weight", "layers.1.bias", "odd.module.bias", "models.scale")
    state = {name: torch.full((2,), float(number)) for number, name in enumerate(names)}
    given = dict(state)
    result = call_answer(answer, given)
    if given.keys() != state.keys():
        return "the state_dict that was given has changed; return a new one."
    if not isinstance(result, dict):
        return f"the result is a dict, and yours is a {type(result).__name__}."
    if "odd.bias" in result:
        return '"module." inside a name was taken away, too; only the beginning is meant.'
    for name in names[1:]:
        if name not in result:
            return f"{name!r} does not begin with module., and has to stay as it is."
    right = dict(zip(("layers.0.weight", *names[1:]), state.values()))
    if result.keys() != right.keys():
        yours = ", ".join(map(str, result))
        return f"the names should be {', '.join(right)}, and yours are {yours}."
    if any(not _same_tensor(result[name], tensor) for name, tensor in right.items()):
        return "the names are right, but a tensor stands under the name of another, or was changed."
    return None


def _same_tensor(one, other):
    return isinstance(one, torch.Tensor) and torch.equal(one, other)


@exercise(
    "12-newest", hint="Try the one; in an except, note the error, and try the other. What is left?"
)
def _newest(answer):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "run.pt")
        before = Path(f"{path}.previous")
        for step in (1, 2):
            save_checkpoint(path, {"step": step, "weights": torch.zeros(1000)})
        if _step(answer, path) != 2:
            return "where both are whole, it is not the newest that comes back."
        content = path.read_bytes()
        damages = {
            "the newest was cut short": content[:-100],
            "one bit of the newest was changed": _with_a_changed_bit(content),
        }
        for damage, damaged in damages.items():
            path.write_bytes(damaged)
            if _step(answer, str(path)) != 1:
                return f"{damage}, and it is not the one before that comes back."
        path.unlink()
        if _step(answer, path) != 1:
            return "there was no file at the path, and it is not the one before that comes back."
        before.rename(path)
        path.write_bytes(content[:-100])
        if problem := _wrong_error(answer, path, "CheckpointError"):
            return problem
        path.rename(before)
        return _wrong_error(answer, path, "FileNotFoundError")


def _with_a_changed_bit(content):
    middle = len(content) // 2  # among the numbers, where torch.load does not notice it
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


def _step(answer, path):
    """The step in what the answer returns, or None if that is no such state."""
    state = call_answer(answer, path)
    return state.get("step") if isinstance(state, dict) else None


def _wrong_error(answer, path, expected):
    """What is wrong with the error that comes out where neither file is whole, or None."""
    try:
        answer(path)
    except Exception as error:
        name = type(error).__name__
        if name == expected:
            return None
        return f"neither was whole: the first error was a {expected}, and a {name} came out."
    return "neither was whole, and no error came out: someone would train on with nothing."
