"""Checks of arguments that several modules share: a bad one is named, with what came and what was expected."""

from numbers import Integral


def integer(name, value, least=None, most=None):
    """The value of the argument `name` as an int. NumPy's integers will do.

    Args:
        name: of the argument, for the message.
        value: what was given.
        least, most: the lowest and the highest that are allowed; None: there is no such limit.

    Raises:
        TypeError: it is not an integer; True and 2.0 are none.
        ValueError: it is below `least` or above `most`.

    >>> integer("epochs", 3, least=1)
    3
    >>> integer("epochs", 0, least=1)
    Traceback (most recent call last):
    ValueError: epochs must be an integer of at least 1, got 0
    """
    limits = "" if least is None else f" of at least {least}"
    limits = limits if most is None else f" from {least} to {most}"
    message = f"{name} must be an integer{limits}, got {value!r}"
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(message)
    if (least is not None and value < least) or (most is not None and value > most):
        raise ValueError(message)
    return int(value)


def list_of_names(name, value):
    """The value of the argument `name`, several names, as a list.

    Raises:
        TypeError: it is one str, or nothing that can be gone through.

    >>> list_of_names("layers", "conv1")
    Traceback (most recent call last):
    TypeError: layers must be a list of names, such as ['conv1'], got 'conv1'
    """
    if isinstance(value, str):
        raise TypeError(f"{name} must be a list of names, such as [{value!r}], got {value!r}")
    try:
        return list(value)
    except TypeError:
        raise TypeError(f"{name} must be a list of names, got {value!r}") from None
