"""The exercises of notebook 12_save_load_resume."""

import tempfile
from pathlib import Path

import torch

from ..machinery.checkpoints import save_checkpoint
from .base import CHECKS, RIGHT, call_answer, exercise

CHECKS |= {
    "12-tensors": {
        "hint": "Go from layer to layer: what is learned, and what is kept beside it?",
        9: RIGHT,
        6: "batch normalisation has buffers, too.",
        7: "batch normalisation keeps more beside its running mean.",
        8: "batch normalisation keeps three things: a mean, a variance, and how many batches it saw.",
        3: "that is the number of layers with tensors; each has several.",
        12: "ReLU, dropout and flatten have no tensors.",
    },
    "12-numbers": {
        "hint": "What does Adam's state hold for each weight? And do not forget the weight.",
        3_000_000: RIGHT,
        1_000_000: "that is the model; Adam keeps numbers of its own for each weight.",
        2_000_000: "that is the optimizer alone, or one number too few: Adam keeps two for each weight.",
        4_000_000: "slopes are computed anew at each step; they are not kept.",
        3: "that is the count for each weight; there are a million.",
    },
}


@exercise(
    "12-prefix", "A str has a method that removes something at its beginning, if it is there."
)
def _prefix(answer):
    names = ("module.layers.0.weight", "layers.1.bias", "odd.module.bias", "models.scale")
    state = {name: torch.full((2,), float(number)) for number, name in enumerate(names)}
    given = dict(state)
    result = call_answer(answer, given)
    if given.keys() != state.keys():
        yield "the state_dict that was given has changed; return a new one."
    if not isinstance(result, dict):
        yield f"the result is a dict, and yours is a {type(result).__name__}."
    if "odd.bias" in result:
        yield '"module." inside a name was taken away, too; only the beginning is meant.'
    for name in names[1:]:
        if name not in result:
            yield f"{name!r} does not begin with module., and has to stay as it is."
    right = dict(zip(("layers.0.weight", *names[1:]), state.values()))
    if result.keys() != right.keys():
        yield f"the names should be {', '.join(right)}, and yours are {', '.join(map(str, result))}."
    if any(not torch.is_tensor(result[key]) or not result[key].equal(right[key]) for key in right):
        yield "the names are right, but a tensor stands under the name of another, or was changed."


@exercise(
    "12-newest", "Try the one; in an except, note the error, and try the other. What is left?"
)
def _newest(answer):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "run.pt")
        before = Path(f"{path}.previous")
        for step in (1, 2):
            save_checkpoint(path, {"step": step, "weights": torch.zeros(1000)})
        new = path.read_bytes()
        cut, middle = new[:-100], len(new) // 2  # among the numbers torch.load overlooks a bit
        changed = new[:middle] + bytes([new[middle] ^ 1]) + new[middle + 1 :]
        not_before = "and it is not the one before that comes back."
        for given, content, step, problem in (
            (path, new, 2, "where both are whole, it is not the newest that comes back."),
            (str(path), cut, 1, f"the newest was cut short, {not_before}"),
            (str(path), changed, 1, f"one bit of the newest was changed, {not_before}"),
            (path, None, 1, f"there was no file at the path, {not_before}"),
        ):
            path.unlink()
            if content:
                path.write_bytes(content)
            state = call_answer(answer, given)
            if not isinstance(state, dict) or state.get("step") != step:
                yield problem
        for damaged, expected in ((path, "CheckpointError"), (before, "FileNotFoundError")):
            path.unlink(missing_ok=True)
            before.unlink(missing_ok=True)
            damaged.write_bytes(cut)
            try:
                answer(path)
            except Exception as error:
                name = type(error).__name__
                if name != expected:
                    yield f"neither was whole: the first error was a {expected}, and a {name} came out."
            else:
                yield "neither was whole, and no error came out: someone would train on with nothing."
