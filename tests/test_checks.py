"""Checks of arguments: what is allowed comes back, and what is not is named."""

import math

import numpy as np
import pytest

from mnist_lib.machinery.checks import integer, list_of_names, number


@pytest.mark.parametrize("value", [2, np.int64(2), np.uint8(2)])
@pytest.mark.parametrize("limits", [(None, None), (2, None), (0, 2), (2, 2)])
def test_an_integer_comes_back_as_an_int(value, limits):
    assert integer("epochs", value, *limits) == 2 and type(integer("epochs", value, *limits)) is int


@pytest.mark.parametrize("value", [2.0, True, np.bool_(True), "2", None, np.float64(2), [2]])
@pytest.mark.parametrize("limits", [(None, None), (1, None), (1, 3)])
def test_what_is_no_integer_is_a_type_error(value, limits):
    with pytest.raises(TypeError, match=r"^epochs must be an integer.*, got ") as caught:
        integer("epochs", value, *limits)
    assert str(caught.value).endswith(f", got {value!r}")


@pytest.mark.parametrize(
    ("value", "limits", "expected"),
    [
        (0, (1,), "of at least 1"),
        (-3, (-2,), "of at least -2"),
        (3, (-6, 2), "from -6 to 2"),
        (-7, (-6, 2), "from -6 to 2"),
    ],
)
def test_an_integer_out_of_range_is_a_value_error(value, limits, expected):
    with pytest.raises(ValueError, match=f"^dx must be an integer {expected}, got {value}$"):
        integer("dx", value, *limits)


def test_a_number_comes_back_as_a_float():
    for value in (1, 3, 2.5, np.float32(2.5), np.int64(3)):
        assert number("pen", value, 1, 3) == value and type(number("pen", value, 1, 3)) is float


@pytest.mark.parametrize("value", [None, "0.1", True, [0.1], 1j, 0, -0.1, 1.5, math.nan, math.inf])
def test_what_is_no_number_or_out_of_range_is_named(value):
    error = ValueError if type(value) in (int, float) else TypeError
    with pytest.raises(error) as caught:
        number("pen", value, 1e-4, 1)
    assert str(caught.value) == f"pen must be a number from 0.0001 to 1, got {value!r}"


def test_names_come_back_as_a_list():
    assert list_of_names("layers", ("a", "b")) == ["a", "b"]
    assert list_of_names("layers", (name for name in "ab")) == ["a", "b"]
    assert list_of_names("layers", []) == []


def test_what_is_no_list_of_names_is_named():
    with pytest.raises(TypeError, match=r"^layers must be .*, such as \['a'\], got 'a'$"):
        list_of_names("layers", "a")
    for wrong in (None, 3):
        with pytest.raises(TypeError, match=f"^layers must be a list of names, got {wrong}$"):
            list_of_names("layers", wrong)
