"""The exercises of notebook 12_save_load_resume."""

import tempfile
from pathlib import Path

import torch

from ..checkpoints import save_checkpoint
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
    if list(given) != list(state):
        return "the state_dict that was given has changed; return a new one."
    if not isinstance(result, dict):
        return f"the result is a dict, and yours is a {type(result).__name__}."
    if "odd.bias" in result:
        return '"module." inside a name was taken away, too; only the beginning is meant.'
    for name in names[1:]:
        if name not in result:
            return f"{name!r} does not begin with module., and has to stay as it is."
    right = dict(zip(("layers.0.weight", *names[1:]), state.values()))
    if list(result) != list(right):
        return f"the names should be {', '.join(right)}, and yours are {', '.join(result)}."
    if any(result[name] is not tensor for name, tensor in right.items()):
        return "the names are right, but a tensor stands under the name of another, or was changed."
    return None


@exercise(
    "12-newest", hint="Try the one, and in an except the other. load_checkpoint has two errors."
)
def _newest(answer):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "run.pt")
        before = Path(f"{path}.previous")
        for step in (1, 2):
            save_checkpoint(path, {"step": step})
        if call_answer(answer, path) != {"step": 2}:
            return "where both are whole, it is not the newest that comes back."
        path.write_bytes(path.read_bytes()[:-100])
        if call_answer(answer, path) != {"step": 1}:
            return "the newest was cut short, and it is not the one before that comes back."
        path.unlink()
        if call_answer(answer, path) != {"step": 1}:
            return "there was no file at the path, and it is not the one before that comes back."
        before.write_bytes(b"")
        try:
            answer(path)
        except Exception:  # any error will do
            return None
    return "neither was whole, and no error came out: someone would train on with nothing."
