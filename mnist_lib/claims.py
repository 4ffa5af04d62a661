"""A claim: one sentence of a notebook, checked where it is made."""


def claim(sentence, condition):
    """Print `sentence` with ✓ if `condition` is true, and with ✗ if it is false.

    Args:
        sentence: the claim in words, a str.
        condition: what was measured: one truth value (bool, or a NumPy or PyTorch value that holds one).

    Raises:
        TypeError: `sentence` is not a str, or `condition` not one truth value; `3 > 2` is one, `3` is not.

    >>> claim("Three is more than two.", 3 > 2)
    ✓ Three is more than two.
    >>> claim("Three is more than four.", 3 > 4)
    ✗ Three is more than four.
    """
    if not isinstance(sentence, str):
        raise TypeError(f"sentence must be a str, got {type(sentence).__name__}")
    try:
        value = condition.item()  # the bool that a NumPy or PyTorch value holds
    except (AttributeError, RuntimeError, ValueError):  # anything else, or several values
        value = condition
    if not isinstance(value, bool):
        expected = "one truth value, such as `a > b` or `(a > b).all()`"
        got = f"{type(condition).__name__} {condition!r:.60}"
        raise TypeError(f"condition must be {expected}, got {got}")
    print("✓" if value else "✗", sentence)
