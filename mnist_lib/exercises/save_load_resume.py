"""The exercises of notebook 12_save_load_resume."""

import copy
import tempfile
from pathlib import Path

import torch
from torch import nn

from ..machinery.checkpoints import save_checkpoint
from .base import CHECKS, RIGHT, call_answer, exercise

CHECKS |= {
    "12-missing": {
        "hint": "What does each step depend on, beside the weights and the batch?",
        "optimizer": RIGHT,
        "schedule": "with a constant learning rate there is none to keep.",
        "batches": "their order is drawn at the beginning of an epoch, from the random states.",
        "nothing": "momentum is a memory of the slopes before; where is it kept?",
    },
}


def _unfit(state):
    """States that do not fit the model of `state` exactly, and what is wrong with each."""
    yield state | {"2.weight": torch.ones(1, 4)}, "a tensor of another shape"
    yield {k: v for k, v in state.items() if k != "1.running_mean"}, "a state without a buffer"
    yield (
        {k: v for k, v in state.items() if "num" not in k},
        "a state without the counter of batches",
    )
    yield state | {"1.num_batches_tracked": torch.zeros(1).long()}, "a counter of another shape"
    yield state | {"3.weight": torch.ones(2)}, "a name that the model does not have"
    yield {f"module.{name}": tensor for name, tensor in state.items()}, "names with a prefix"


def _error(function, *arguments):
    """The error that a call raises, or None."""
    try:
        function(*arguments)
    except Exception as error:
        return error


@exercise("12-whole")
def _whole(answer):
    """Compare with model.state_dict() before you load: the names, then the shapes."""
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
    mine, before = copy.deepcopy(model), copy.deepcopy(model.state_dict())
    state = {name: 2 * tensor + 1 for name, tensor in before.items()}
    loaded = call_answer(answer, mine, state)
    if loaded is not mine:
        yield f"the result is the model that was given, and yours is another {type(loaded).__name__}."
    if not all(map(torch.equal, loaded.state_dict().values(), state.values())):
        yield "a state that fits was not loaded whole."
    for given, what in _unfit(state):
        error = _error(answer, model, given)
        yield error is None and f"{what} was taken without an error."
        if not isinstance(error, ValueError):
            yield f"{what}: a ValueError is asked for, and a {type(error).__name__} came out."
        if not all(map(torch.equal, model.state_dict().values(), before.values())):
            yield f"{what} was refused, but the layers that fit are overwritten already."


@exercise("12-newest")
def _newest(answer):
    """Try the one; in an except, note the error, and try the other. What is left?"""
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
            error = _error(answer, path)
            name = type(error).__name__
            if error is None:
                yield "neither was whole, and no error came out: someone would train on with nothing."
            if name != expected:
                yield f"neither was whole: the first error was a {expected}, and a {name} came out."
