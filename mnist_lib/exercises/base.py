"""What all checks are made of: unanswered, not yet (and what was probably misunderstood), or right."""

import math
import re

import torch

CHECKS = {}


class Unanswered(Exception):
    """There is no answer yet; the message says what is missing."""


class AnotherKind(Exception):
    """The answer is of another kind than the one asked for; the message says of which."""


def exercise(name, hint):
    """Register the decorated function as the check of exercise `name`.

    It takes the answer and returns what is wrong with it in words, or None if it is right.
    """

    def register(function):
        CHECKS[name] = (function, hint)
        return function

    return register


def check(name, answer):
    """Say whether `answer` to the exercise `name` is right.

    Prints one line: ○ not answered yet, ✗ not yet and what was probably misunderstood, ✓ right.

    Args:
        name: the exercise, such as "05-last-batch".
        answer: what you worked out; `...` stands for no answer yet.

    Raises:
        KeyError: there is no exercise of that name.

    >>> check("00-pixels", ...)
    ○ Not answered yet: put your answer in place of the ... above. For a hint: hint("00-pixels")
    >>> check("00-pixels", 28)
    ✗ Not yet: 28 is the number of pixels in one row; there are as many rows.
    >>> check("00-pixels", 784)
    ✓ Right.
    """
    function, _ = _find(name)
    try:
        if answer is ... or answer is None:
            raise Unanswered("put your answer in place of the ... above")
        problem = function(answer)
    except Unanswered as missing:
        print(f'○ Not answered yet: {missing}. For a hint: hint("{name}")')
        return
    except AnotherKind as asked:
        problem = str(asked)
    except Exception as error:
        problem = f"your code stopped with {type(error).__name__}: {error}"
    print("✓ Right." if problem is None else f"✗ Not yet: {problem}")


def hint(name):
    """Print a hint for the exercise `name`.

    >>> hint("00-pixels")
    Rows times columns.
    """
    print(_find(name)[1])


def _find(name):
    if name not in CHECKS:
        raise KeyError(f"name must be one of {', '.join(CHECKS)}; got {name!r}")
    return CHECKS[name]


def wrong_number(answer, expected, mistakes, tolerance=0.0):
    """What is wrong with a number: one of the known mistakes {value: what was misunderstood}, or just wrong."""
    try:
        value = math.nan if isinstance(answer, bool | str) else float(answer)
    except (TypeError, ValueError):
        value = math.nan
    if math.isnan(value):
        return f"the answer is a number, and yours is {answer!r}."
    if math.isclose(value, expected, abs_tol=tolerance):
        return None
    for mistake, misunderstanding in mistakes.items():
        if math.isclose(value, mistake, abs_tol=tolerance):
            return misunderstanding
    return f"{value:g} is not it."


def take_numbers(answer, count, what):
    """The numbers of an answer, a tuple of floats.

    Raises:
        AnotherKind: they are not `count` numbers, which `what` describes, such as "(row, column)".
    """
    try:
        numbers = tuple(math.nan if isinstance(x, bool | str) else float(x) for x in answer)
    except (TypeError, ValueError, RuntimeError):
        numbers = ()
    if len(numbers) != count or any(map(math.isnan, numbers)):
        asked = {2: "two", 3: "three"}[count]
        raise AnotherKind(f"{asked} numbers are asked for, {what}, and yours is {answer!r}.")
    return numbers


def wrong_words(answer, choices):
    """What is wrong with an answer in words: {phrase: None if it is right, else what was misunderstood}.

    A sentence will do: "It can't learn." is "cannot learn". It has to name one choice, whatever its case, hyphens and
    spaces. What follows a "cannot …" belongs to it: "cannot tell whether they are different" is "cannot tell".
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


def wrong_tensor(result, known, otherwise):
    """What is wrong with a tensor: that of the first of the known [(outcome, misunderstanding)], or `otherwise`."""
    for outcome, misunderstanding in known:
        if result.shape == outcome.shape and torch.allclose(result, outcome, atol=1e-4):
            return misunderstanding
    return otherwise


def call_answer(function, *arguments):
    """The result of the student's function; a function that returns nothing is not answered yet."""
    if not callable(function):
        raise TypeError(f"the answer is a function, and yours is {function!r}")
    result = function(*arguments)
    if result is None or result is ...:
        raise Unanswered("the function returns nothing (print is not enough, it has to return)")
    return result
