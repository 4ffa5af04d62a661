"""Checks of arguments that several modules share: a bad one is named, with what came and what was expected."""

import inspect
from numbers import Integral, Real

import numpy as np
import torch


def integer(name, value, least=None, most=None):
    """The value of the argument `name` as an int. NumPy's integers will do.

    Args:
        name: of the argument, for the message.
        value: what was given.
        least, most: the lowest and the highest that are allowed; None: there is no such limit.

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


def number(name, value, least, most):
    """The value of the argument `name` as a float.

    >>> number("pen", 2, least=0, most=1)
    Traceback (most recent call last):
    ValueError: pen must be a number from 0 to 1, got 2
    """
    message = f"{name} must be a number from {least:.4g} to {most:.4g}, got {value!r}"
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(message)
    if not least <= value <= most:
        raise ValueError(message)
    return float(value)


def list_of_names(name, value):
    """The value of the argument `name`, several names, as a list.

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


def steps_alone(**parts):
    """Look at optimizers and schedules, by name: a training calls their `step` without arguments. None will do.

    >>> steps_alone(optimizer=torch.optim.LBFGS([torch.zeros(1)]))
    Traceback (most recent call last):
    TypeError: optimizer must make a step without arguments, got LBFGS, whose step needs closure
    """
    for name, part in parts.items():
        try:
            if hasattr(type(part), "step"):
                inspect.signature(type(part).step).bind(part)
        except TypeError as error:  # "missing a required argument: 'closure'"
            needs = str(error).split("'")[1]
            got = f"{type(part).__name__}, whose step needs {needs}"
            raise TypeError(f"{name} must make a step without arguments, got {got}") from None


def check_image(image):
    """Look at a grey image, and give it back as an array.

    Args:
        image: (1, H, W) or (H, W), a tensor or an array of numbers in [0, 1].

    Returns:
        A float32 array (H, W).

    >>> check_image(torch.zeros(3, 28, 28))
    Traceback (most recent call last):
    ValueError: image must have the shape (1, H, W) or (H, W), got (3, 28, 28)
    """
    if isinstance(image, torch.Tensor):
        image = image.detach().cpu().numpy()
    if not isinstance(image, np.ndarray) or image.dtype.kind not in "biuf":
        raise TypeError(f"image must be a tensor or an array of numbers, got {image!r}")
    if image.ndim == 3 and len(image) == 1:
        image = image[0]
    if image.ndim != 2 or image.size == 0:
        raise ValueError(f"image must have the shape (1, H, W) or (H, W), got {image.shape}")
    low, high = image.min(), image.max()
    if not (low >= 0 and high <= 1):  # NaN is refused, too
        raise ValueError(f"image must be in [0, 1], got values from {low:.4g} to {high:.4g}")
    return image.astype(np.float32)
