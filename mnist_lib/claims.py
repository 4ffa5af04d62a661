"""A claim: one sentence of a notebook, checked where it is made."""


def claim(sentence, condition):
    """Print `sentence` with ✓ if `condition` is true, and with ✗ if it is false.

    Args:
        sentence: the claim in words, a str.
        condition: what was measured: one truth value (bool, or a NumPy or PyTorch value that holds one).

    Raises:
        TypeError: `condition` is not one truth value; `3 > 2` is one, `3` is not.

    >>> claim("Three is more than two.", 3 > 2)
    ✓ Three is more than two.
    >>> claim("Three is more than four.", 3 > 4)
    ✗ Three is more than four.
    """
    if not isinstance(sentence, str):
        raise TypeError(f"sentence must be a str, got {type(sentence).__name__}")
    value = condition
    if getattr(condition, "size", None) == 1 or getattr(condition, "numel", int)() == 1:
        value = condition.item()
    if not isinstance(value, bool):
        raise TypeError(f"condition must be one truth value, such as `a > b`; got {condition!r}")
    print("✓" if value else "✗", sentence)
