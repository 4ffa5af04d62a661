"""What all checks are made of: unanswered, not yet (and what was probably misunderstood), or right.

A table says what an answer shows: {the right answer: RIGHT, a wrong one: what was misunderstood}. Answers are numbers,
tuples or tensors of numbers, the right one first, or phrases. A table may also have the keys

- "hint": what helps;
- "otherwise": what to say of other numbers;
- "asked": what to say of an answer of another kind, such as "two numbers are asked for, (row, column)";
- "tolerance": how far a number may be off (1e-4).

For one number, or a row of them, as many numbers in another shape will do.
"""

import re
from contextlib import redirect_stdout
from io import StringIO

import numpy as np
import torch
from torch.nn import functional as F

from ..data import load_mnist
from ..machinery.checkpoints import random_states, set_random_states

CHECKS = {}  # for each exercise its table, or {"hint": …, "function": …}
RIGHT = None


class Unanswered(Exception):
    """There is no answer yet; the message says what is missing."""


def exercise(name):
    """Register the decorated function as the check of exercise `name`; its docstring is the hint.

    It takes the answer and yields what is wrong with it in words, or something false; the first words count.
    """

    def register(function):
        CHECKS[name] = {"hint": function.__doc__, "function": function}
        return function

    return register


def check(name, answer):
    """Say whether `answer` to the exercise `name` is right.

    Prints one line: ○ not answered yet, ✗ not yet and what was probably misunderstood, ✓ right.

    Args:
        name: the exercise, such as "05-leak".
        answer: what you worked out; `...` stands for no answer yet.

    >>> check("01-size", ...)
    ○ Not answered yet: put your answer in place of the ... above. For a hint: hint("01-size")
    >>> check("01-size", 8.5)
    ✗ Not yet: there is no half window: round down.
    >>> check("01-size", 8)
    ✓ Right.
    """
    table, states = _find(name), random_states()
    torch.default_generator.manual_seed(0)  # the same each time; wakes no card
    try:
        if answer is ... or answer is None:
            raise Unanswered("put your answer in place of the ... above")
        problems = table["function"](answer) if "function" in table else [wrong(answer, table)]
        problem = next(filter(None, problems), None)
        said = f"✗ Not yet: {problem}" if problem else "✓ Right."
    except Unanswered as missing:
        said = f'○ Not answered yet: {missing}. For a hint: hint("{name}")'
    except Exception as error:
        said = f"✗ Not yet: your code stopped with {type(error).__name__}: {error}"
    finally:
        set_random_states(states)
    print(said)


def hint(name):
    """Print a hint for the exercise `name`.

    >>> hint("01-size")
    How many cells are there with the padding, and how far can the first window move?
    """
    print(_find(name)["hint"])


def _find(name):
    if name not in CHECKS:
        raise KeyError(f"name must be one of {', '.join(sorted(CHECKS))}; got {name!r}")
    return CHECKS[name]


def wrong(answer, table):
    """Say what is wrong with an answer, by a table; None if it is right.

    >>> wrong([3, 2], {(2, 3): RIGHT, (3, 2): "rows and columns are exchanged."})
    'rows and columns are exchanged.'
    """
    outcomes = [(numbers(key), said) for key, said in table.items() if not isinstance(key, str)]
    if not outcomes:
        return _wrong_words(answer, {key: table[key] for key in table if key != "hint"})
    right = outcomes[0][0]
    kind = f"has the shape {tuple(right.shape)}" if right.dim() else "is a number"
    yours = f"has the shape {tuple(answer.shape)}" if hasattr(answer, "shape") else f"is {answer!r}"
    another_kind = f"{table.get('asked', f'the answer {kind}')}, and yours {yours}."
    try:
        given = numbers(answer)
    except (TypeError, ValueError, RuntimeError):
        return another_kind
    if given.numel() == right.numel() and right.dim() < 2:
        given = given.reshape(right.shape)
    near = {"rtol": 1e-9, "atol": table.get("tolerance", 1e-4)}
    for outcome, said in outcomes:
        if given.shape == outcome.shape and torch.allclose(given, outcome, **near):
            return said
    if given.shape != right.shape:
        return another_kind
    shown = ", ".join(f"{number:g}" for number in given.flatten().tolist())
    return table.get("otherwise", f"{f'({shown})' if right.dim() else shown} is not it.")


def numbers(value):
    """The numbers in a value as a float64 tensor; TypeError, ValueError or RuntimeError if it holds something else."""
    if isinstance(value, torch.Tensor):
        return value.detach().cpu().double()
    if isinstance(value, np.ndarray):
        return torch.from_numpy(value.astype(float))
    if isinstance(value, tuple | list):
        parts = [numbers(part) for part in value]
        if len({part.shape for part in parts}) > 1:
            raise ValueError("rows of equal length are asked for")
        return torch.stack(parts)
    if isinstance(value, bool | str):
        raise TypeError(f"numbers are asked for, got {value!r}")
    return torch.tensor(float(value), dtype=torch.float64)


def _wrong_words(answer, choices):
    """The same for words: they have to name one of the choices, whatever their case, hyphens and spaces.

    "It can't learn." is "cannot learn". What follows a "cannot …" belongs to it: "cannot tell whether they are
    different" is "cannot tell".
    """
    said = re.sub(r"\bcan(['’]?t| not)\b", "cannot", str(answer).lower())
    places = {}
    for choice in choices:
        if found := re.search(r"\b" + re.sub("[ -]", r"[\\s-]*", choice), said):
            places[choice] = found.start()
    first = min(places, key=places.get, default="")
    if len(places) == 1 or first.startswith("cannot"):
        return choices[first]
    *others, last = (f'"{choice}"' for choice in choices)
    wanted = "name just one of" if places else "the answer is"
    return f"{wanted} {', '.join(others)} or {last}, and yours is {answer!r}."


def call_answer(function, *arguments):
    """Call the student's function, with copies of tensors; one that returns nothing is not answered yet."""
    if not callable(function):
        raise TypeError(f"the answer is a function, and yours is a {type(function).__name__}")
    result = function(*(x.clone() if isinstance(x, torch.Tensor) else x for x in arguments))
    if result is None or result is ...:
        raise Unanswered("the function returns nothing (print is not enough, it has to return)")
    return result


def quiet_mnist(source="auto"):
    """`load_mnist` without the line that says which images it found."""
    with redirect_stdout(StringIO()):
        return load_mnist(source)


def epoch(model, batches, optimizer, softmax=None, order="clear backward step"):
    """Train for an epoch, and return the model; or with a mistake: a softmax over a dimension, or another order."""
    for images, labels in batches:
        logits = model(images)
        loss = F.cross_entropy(logits if softmax is None else logits.softmax(softmax), labels)
        in_order(order, clear=optimizer.zero_grad, backward=loss.backward, step=optimizer.step)
    return model


def in_order(order, **steps):
    """Take the named steps of a training in an order such as "clear backward step"."""
    for name in order.split():
        steps[name]()
