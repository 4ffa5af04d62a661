"""Convolution and pooling by hand: drawn at random and compared with PyTorch, and worked out on paper.

`conftest.py` says how many configurations are drawn.
"""

import math
import re
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import event, given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from mnist_lib import arithmetic
from mnist_lib.widgets.windows import output_size_formula

# Configurations, drawn at random: most are possible, a fair share is not.
#
# A configuration is (arguments, complaints). Each complaint is a list of what an error message may name: the numbers
# behind one reason why the arguments are impossible. Whether they are impossible is for PyTorch to say.

KINDS = ["whole", "tenths", "four decimals", "any", "float32", "large", "tiny", "negative"]


def make_numbers(draw, shape):
    """A float64 tensor of numbers of one kind."""
    kind, random = draw(st.sampled_from(KINDS)), np.random.default_rng(draw(st.integers(0, 10**6)))
    values = random.uniform(-3, 3, shape)
    if kind in ("whole", "tenths", "four decimals"):
        values = values.round({"whole": 0, "tenths": 1, "four decimals": 4}[kind])
    elif kind == "float32":
        values = values.round(1).astype(np.float32).astype(np.float64)
    elif kind in ("large", "tiny"):
        values = (values * 1000).round(4) if kind == "large" else values * 1e-4
    elif kind == "negative":
        values = -values.round(1).clip(0.1) - 1
    return torch.from_numpy(np.asarray(values))


def one_or_each(draw, numbers):
    """The numbers of all axes as an argument: a tuple, or, where they are the same, one number, alone or in a tuple."""
    if len(set(numbers)) > 1:
        return tuple(numbers)
    return draw(st.sampled_from([numbers[0], (numbers[0],), tuple(numbers)]))


def draw_numbers(draw, axes, least, most):
    """A number for each axis; in half of the cases the same for all."""
    number = st.integers(least, most)
    return [draw(number)] * axes if draw(st.booleans()) else [draw(number) for _ in range(axes)]


def draw_sizes(draw, kernel_sizes, paddings, dilations):
    """Sizes of an input, most of them large enough for the kernel, and why those that are not are impossible."""
    sizes, complaints = [], []
    for kernel_size, added, dilation in zip(kernel_sizes, paddings, dilations):
        span = dilation * (kernel_size - 1) + 1
        spare = draw(st.sampled_from([0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, -1, -2]))
        sizes.append(max(1, span - added + spare))
        if sizes[-1] + added < span:
            complaints.append([kernel_size, dilation, span, sizes[-1], sizes[-1] + added])
    return sizes, complaints


def spoil_number(draw, names, least):
    """A value that an argument of one of the names cannot have, {name: value}, and what the message has to name."""
    name = draw(st.sampled_from(names))
    value = draw(st.sampled_from([least - 1, -3, 1.0, 2.5, True, (1, 1, 1)]))
    return {name: value}, [name, value]


@st.composite
def convolutions(draw):
    """A configuration of conv1d or conv2d."""
    axes, groups = draw(st.integers(1, 2)), draw(st.sampled_from([1, 1, 2, 3]))
    group_channels = draw(st.integers(1, 2 if groups > 1 else 3))
    channels, out_channels = groups * group_channels, groups * draw(st.integers(1, 2))
    kernel_sizes = draw_numbers(draw, axes, 1, 5 if axes == 1 else 3)
    dilations, strides = draw_numbers(draw, axes, 1, 3), draw_numbers(draw, axes, 1, 3)
    paddings = draw_numbers(draw, axes, 0, 3)
    added = [2 * number for number in paddings]
    sizes, complaints = draw_sizes(draw, kernel_sizes, added, dilations)
    arguments = {
        "input": make_numbers(draw, (channels, *sizes)),
        "weight": make_numbers(draw, (out_channels, group_channels, *kernel_sizes)),
        "bias": make_numbers(draw, (out_channels,)) if draw(st.booleans()) else None,
        "stride": one_or_each(draw, strides),
        "padding": one_or_each(draw, paddings),
        "dilation": one_or_each(draw, dilations),
        "groups": groups,
    }
    if draw(st.integers(0, 4)) == 0:
        spoilt, complaint = draw(st.sampled_from(SPOILT_CONVOLUTIONS))(draw, arguments)
        arguments, complaints = arguments | spoilt, [*complaints, complaint]
    return arguments, complaints


def spoil_padding(draw, arguments):
    padding = draw(st.sampled_from([-1, 1.0, True, "same", "reflect", (1, 1, 1)]))
    return {"padding": padding}, ["padding", padding]


def spoil_groups(draw, arguments):
    channels, out_channels = len(arguments["input"]), len(arguments["weight"])
    few = [groups for groups in (2, 3, 5) if channels % groups or out_channels % groups]
    groups = draw(st.sampled_from([0, -1, 1.0, True, *few]))
    return {"groups": groups}, ["groups", groups] + [channels, out_channels] * (groups in few)


def spoil_weight_channels(draw, arguments):
    out_channels, group_channels, *kernel_sizes = arguments["weight"].shape
    weight = torch.ones(out_channels, group_channels + 1, *kernel_sizes, dtype=torch.float64)
    return {"weight": weight}, [len(arguments["input"]), arguments["groups"], group_channels + 1]


def spoil_axes(draw, arguments):
    """An image for a signal, or a signal for an image; or a weight with an axis too few or too many."""
    name = draw(st.sampled_from(["input", "weight"]))
    fewer = draw(st.booleans()) if name == "weight" else arguments["input"].dim() == 3
    wrong = arguments[name][..., 0] if fewer else arguments[name][..., None]
    spoilt = {name: wrong}
    both = arguments | spoilt
    return spoilt, [f"{both['input'].dim() + 1}-D", tuple(both["weight"].shape)]


def spoil_bias(draw, arguments):
    out_channels = len(arguments["weight"])
    shape = draw(st.sampled_from([(out_channels + 1,), (1, out_channels), (out_channels, 1), ()]))
    shown = list(shape) if len(shape) == 1 else shape  # PyTorch refuses a length, we what is no row
    return {"bias": torch.ones(shape, dtype=torch.float64)}, [shown]


def spoil_emptiness(draw, arguments):
    name = draw(st.sampled_from(["input", "weight"] if "weight" in arguments else ["input"]))
    if name == "weight" and draw(st.booleans()):
        empty = arguments[name][:0]  # no output channel
    else:
        empty = arguments[name][..., :0]
    return {name: empty}, [name, tuple(empty.shape)]


SPOILT_CONVOLUTIONS = [
    lambda draw, arguments: spoil_number(draw, ["stride", "dilation"], least=1),
    spoil_padding,
    spoil_groups,
    spoil_weight_channels,
    spoil_axes,
    spoil_bias,
    spoil_emptiness,
]


@st.composite
def poolings(draw):
    """A configuration of max_pool1d, max_pool2d, avg_pool1d or avg_pool2d."""
    axes, kind = draw(st.integers(1, 2)), draw(st.sampled_from(["max", "avg"]))
    kernel_sizes = draw_numbers(draw, axes, 1, 5 if axes == 1 else 4)
    strides, dilations = draw_numbers(draw, axes, 1, 4), draw_numbers(draw, axes, 1, 3)
    if kind == "avg":
        dilations = [1] * axes
    paddings = [draw(st.integers(0, kernel_size // 2)) for kernel_size in kernel_sizes]
    added = [2 * number for number in paddings]
    sizes, complaints = draw_sizes(draw, kernel_sizes, added, dilations)
    arguments = {
        "input": make_numbers(draw, (draw(st.integers(1, 2)), *sizes)),
        "kernel_size": one_or_each(draw, kernel_sizes),
        "stride": one_or_each(draw, strides) if draw(st.booleans()) else None,
        "padding": one_or_each(draw, paddings),
        "ceil_mode": draw(st.booleans()),
    }
    if kind == "max":
        arguments["dilation"] = one_or_each(draw, dilations)
    else:
        arguments["count_include_pad"] = draw(st.booleans())
    if draw(st.integers(0, 4)) == 0:
        spoilt, complaint = draw(st.sampled_from(SPOILT_POOLINGS))(draw, arguments)
        arguments, complaints = arguments | spoilt, [*complaints, complaint]
    return kind, arguments, complaints


def spoil_pooling_number(draw, arguments):
    names = ["kernel_size", "stride", "dilation"]
    return spoil_number(draw, names if "dilation" in arguments else names[:2], least=1)


def spoil_pooling_padding(draw, arguments):
    """More padding than half of the kernel; less than half of what it spans, perhaps, if it is dilated."""
    axes = arguments["input"].dim() - 1
    kernel_size = draw(st.integers(1, 5))
    padding = kernel_size // 2 + draw(st.integers(1, 2))
    arguments = {"kernel_size": (kernel_size,) * axes, "padding": (padding,) * axes}
    return arguments, ["padding", kernel_size, padding]


def spoil_pooling_padding_kind(draw, arguments):
    padding = draw(st.sampled_from([-1, 1.0, True, "same", (0, 0, 0)]))
    return {"padding": padding}, ["padding", padding]


def spoil_pooling_axes(draw, arguments):
    wrong = arguments["input"][(0,) * (arguments["input"].dim() - 1)]
    return {"input": wrong}, [tuple(wrong.shape)]


SPOILT_POOLINGS = [
    spoil_pooling_number,
    spoil_pooling_padding,
    spoil_pooling_padding_kind,
    spoil_pooling_axes,
    spoil_emptiness,
]


# What holds for every configuration


def pytorch(function, arguments):
    """What PyTorch computes, or None where it refuses."""
    try:
        expected = function(**arguments)
    except (RuntimeError, TypeError):
        expected = None
    event("impossible" if expected is None else "possible")
    return expected


def assert_refused(make_windows, arguments, complaints):
    """An error says why: it names all that one of the complaints is about."""
    with pytest.raises((TypeError, ValueError, RuntimeError)) as caught:
        make_windows(**arguments)
    message = str(caught.value)
    assert any(all(names(message, thing) for thing in complaint) for complaint in complaints), (
        f"{message!r} names none of {complaints}"
    )


def names(message, thing):
    """Whether a number, a word or a tuple stands in a message; 1 does not stand in 10, in -1 or in 1.5."""
    return re.search(rf"(?<![\w.-]){re.escape(str(thing))}(?!\.?\w)", message) is not None


def for_each_axis(value, axes):
    """What may be one value for all axes, as a tuple."""
    values = value if isinstance(value, tuple) else (value,)
    return values * axes if len(values) == 1 else values


def assert_sizes(expected, arguments, kernel_sizes, **defaults):
    """`output_size` says for each axis how many windows there are, and so does its formula."""
    arguments = defaults | arguments
    sizes, axes = arguments["input"].shape[1:], len(kernel_sizes)
    settings = (for_each_axis(arguments[name], axes) for name in ("stride", "padding", "dilation"))
    for *axis, count in zip(sizes, kernel_sizes, *settings, expected.shape[1:]):
        assert arithmetic.output_size(*axis, arguments["ceil_mode"]) == count
        formula = output_size_formula(*axis, arguments["ceil_mode"])
        formula, _, less = formula.partition(", less 1 for a window that would start beyond the ")
        left, right = formula.split(" = ")
        assert evaluate(left) == int(right), "the formula is right as it is written"
        assert less in ("", f"input: {count}") and int(right) - bool(less) == count


def assert_cells(windows, arguments, kernel_sizes, **defaults):
    """Every window covers the cells that lie `dilation` apart, from where `stride` and `padding` put it."""
    arguments, axes = defaults | arguments, len(kernel_sizes)
    settings = [for_each_axis(arguments[name], axes) for name in ("stride", "padding", "dilation")]
    for window in windows:
        covered = []
        for at, kernel, stride, padding, gap in zip(window.output[1:], kernel_sizes, *settings):
            first = at * stride - padding
            covered.append(range(first, first + gap * kernel, gap))
        channels = dict.fromkeys(channel for channel, *_ in window.cells)
        assert window.cells == tuple(product(channels, *covered))


def products(window):
    """Each value times its weight, a list of floats."""
    return [value * weight for value, weight in zip(window.values, window.weights, strict=True)]


def inside(cell, shape):
    return all(0 <= at < size for at, size in zip(cell, shape))


# What is written out, read again

HALF = Fraction(5, 100_000)  # of the last of 4 decimals
NUMBER = r"(?:\d+(?:\.\d{0,3}[1-9])?|∞)"
SIGNED = rf"(?:−?{NUMBER})"
FACTOR = rf"(?:{NUMBER}|\(−{NUMBER}\))"
SUM = rf"{FACTOR}·{FACTOR}(?: \+ {FACTOR}·{FACTOR})*"
MEAN = rf"(?:\({FACTOR}(?: \+ {FACTOR})+\) / \d+|{FACTOR} / 1)"
MAX = rf"max\({SIGNED}(?:, {SIGNED})*\)"


def evaluate(text):
    """What a formula comes to, in fractions."""
    text = re.sub(r"\d+(?:\.\d+)?", r"Fraction('\g<0>')", text)
    for sign, meaning in {"−": "-", "·": "*", "∞": "math.inf"}.items():
        text = text.replace(sign, meaning)
    for name, brackets in {"math.floor": "⌊⌋", "math.ceil": "⌈⌉"}.items():
        text = text.replace(brackets[0], f"{name}(").replace(brackets[1], ")")
    return eval(text, {"Fraction": Fraction, "math": math, "max": lambda *numbers: max(numbers)})


def exactly(number):
    return Fraction(number) if math.isfinite(number) else number


def error(shown, number):
    """How far a number is from what is shown of it."""
    return 0 if shown == number else abs(shown - exactly(number))


def assert_written(line, form, numbers, result, rounding=Fraction(0)):
    """A line has its form, shows its numbers to 4 decimals, comes to its result, and says "=" only where it may.

    Args:
        line: such as "0·0.1 + 1·0.2 ≈ 0.2".
        form: a regular expression for what stands before "=" or "≈".
        numbers: those that are to stand there.
        result: what is to come out.
        rounding: how far the left side may be from the result, because its numbers are rounded.
    """
    match = re.fullmatch(rf"({form}) ([=≈]) ({SIGNED})", line)
    assert match, line
    left, sign, right = evaluate(match[1]), match[2], evaluate(match[3])
    shown = [evaluate(number) for number in re.findall(SIGNED, match[1])]
    errors = [error(*pair) for pair in zip(shown, numbers, strict=True)]
    assert max(errors) <= HALF and error(right, result) <= HALF + rounding / 10**6, line
    assert error(left, result) <= HALF + rounding, line
    shares = [wrong / abs(exactly(number)) for wrong, number in zip(errors, numbers) if wrong]
    if left == right and max(shares, default=0) <= 2**-24:  # as close as float32 can be
        assert sign == "=", f"this is exact: {line}"
    if left != right or max(shares, default=0) > 2e-7:
        assert sign == "≈", f"this is not exact: {line}"


def assert_sum_written(line, values, weights, bias, result):
    numbers = [number for pair in zip(values, weights) for number in pair]
    sizes = sum(abs(exactly(number)) + HALF for number in numbers)
    form = SUM if bias is None else rf"{SUM} \+ {FACTOR}"
    numbers += [] if bias is None else [bias]
    assert_written(line, form, numbers, result, HALF * (sizes + 1))


# The properties


@settings(max_examples=settings.default.max_examples // 2)
@given(convolutions())
def test_convolutions_are_those_of_pytorch(case):
    arguments, complaints = case
    function = F.conv1d if arguments["input"].dim() == 2 else F.conv2d
    expected = pytorch(function, arguments)
    if expected is None:
        assert_refused(arithmetic.convolution_windows, arguments, complaints)
        return
    windows = arithmetic.convolution_windows(**arguments)
    sums = [sum(map(abs, products(window))) for window in windows]
    torch.testing.assert_close(
        arithmetic.output_of(windows), expected, rtol=1e-12, atol=1e-13 * (1 + max(sums))
    )
    kernel_sizes = arguments["weight"].shape[2:]
    assert_sizes(expected, arguments, kernel_sizes, ceil_mode=False)
    assert_cells(windows, arguments, kernel_sizes)
    places = product(*map(range, expected.shape))
    for window, place in zip(windows, places, strict=True):
        assert window.output == place
        assert_convolution_window(window, **arguments)


def assert_convolution_window(window, input, weight, bias, groups, **_):
    """A window holds the numbers that stand at its cells, and they come to its result."""
    channel = window.output[0]
    first = channel // (len(weight) // groups) * weight.shape[1]
    own_group = range(first, first + weight.shape[1])
    assert list(dict.fromkeys(cell[0] for cell in window.cells)) == list(own_group)
    assert window.values == tuple(
        input[cell].item() if inside(cell, input.shape) else 0 for cell in window.cells
    )
    assert window.kernel == tuple(product([channel], *map(range, weight.shape[1:])))
    assert window.weights == tuple(weight[place].item() for place in window.kernel)
    assert window.bias == (None if bias is None else bias[channel].item())
    result = math.fsum([*products(window), window.bias or 0])
    scale = sum(map(abs, products(window)))
    assert window.result == pytest.approx(result, rel=1e-12, abs=1e-13 * (1 + scale))
    assert_sum_written(
        window.written_out, window.values, window.weights, window.bias, window.result
    )


@given(poolings())
def test_poolings_are_those_of_pytorch(case):
    kind, arguments, complaints = case
    axes = 1 if arguments["input"].dim() <= 2 else 2
    expected = pytorch(getattr(F, f"{kind}_pool{axes}d"), arguments)
    make_windows = getattr(arithmetic, f"{kind}_pool_windows")
    if expected is None:
        assert_refused(make_windows, arguments, complaints)
        return
    windows = make_windows(**arguments)
    torch.testing.assert_close(arithmetic.output_of(windows), expected, rtol=1e-12, atol=1e-12)
    kernel_sizes = for_each_axis(arguments["kernel_size"], axes)
    if arguments["stride"] is None:
        arguments["stride"] = kernel_sizes
    assert_sizes(expected, arguments, kernel_sizes, dilation=1)
    assert_cells(windows, arguments, kernel_sizes, dilation=1)
    places = product(*map(range, expected.shape))
    for window, place in zip(windows, places, strict=True):
        assert window.output == place
        assert_pooling_window(window, kind, arguments)


def assert_pooling_window(window, kind, arguments):
    """A window holds the numbers that stand at its cells, and they come to its result."""
    input = arguments["input"]
    assert {cell[0] for cell in window.cells} == {window.output[0]}
    assert (window.kernel, window.weights, window.bias) == ((), (), None)
    paddings = for_each_axis(arguments["padding"], input.dim() - 1)
    padding = 0 if arguments.get("count_include_pad") else None
    padding = -math.inf if kind == "max" else padding
    padded = [size + added for size, added in zip(input.shape[1:], paddings)]
    for cell, value in zip(window.cells, window.values, strict=True):
        if inside(cell, input.shape):
            assert value == input[cell].item()
        elif all(at < end for at, end in zip(cell[1:], padded)):
            assert value == padding
        else:
            assert value is None, "beyond the padding nothing counts"
    counted = [value for value in window.values if value is not None]
    if kind == "max":
        assert window.result == max(counted)
        assert_written(window.written_out, MAX, counted, window.result, HALF)
    else:
        assert window.result == pytest.approx(math.fsum(counted) / len(counted), abs=1e-12)
        numbers = [*counted, len(counted)]
        assert_written(window.written_out, MEAN, numbers, window.result, HALF)


numbers = st.one_of(
    st.integers(-20, 20).map(float),
    st.integers(-(10**6), 10**6).map(lambda number: number / 10_000),
    st.integers(-999, 999).map(lambda number: torch.tensor(number / 10).item()),  # float32
    st.floats(-(10**6), 10**6),
)


@given(st.lists(st.tuples(numbers, numbers), min_size=1, max_size=5), st.none() | numbers)
def test_a_sum_that_is_written_out_is_true(pairs, bias):
    values, weights = zip(*pairs)
    result = sum(value * weight for value, weight in pairs) + (bias or 0)
    assert_sum_written(arithmetic.written_out(values, weights, bias), values, weights, bias, result)


# On paper


@pytest.mark.parametrize(
    ("values", "weights", "bias", "line"),
    [
        ([2], [3], None, "2·3 = 6"),
        ([0, 1, -2], [0.1, 0.2, 0.3], 1, "0·0.1 + 1·0.2 + (−2)·0.3 + 1 = 0.6"),
        ([1, 2], [-1, 0.5], -0.25, "1·(−1) + 2·0.5 + (−0.25) = −0.25"),
        ([1], [1], 0, "1·1 + 0 = 1"),
        ([1 / 3], [3], None, "0.3333·3 ≈ 1"),
        ([0.001], [0.0005], None, "0.001·0.0005 ≈ 0"),
        ([0.00001], [1], None, "0·1 ≈ 0"),
        ([87.654321], [1], None, "87.6543·1 ≈ 87.6543"),
        ([torch.tensor(0.1).item()], [3], None, "0.1·3 = 0.3"),
        ([0.1, 0.2], [1, 1], -0.3, "0.1·1 + 0.2·1 + (−0.3) = 0"),
        ([math.inf, 1], [1, 2], None, "∞·1 + 1·2 = ∞"),
    ],
)
def test_a_sum_on_paper(values, weights, bias, line):
    assert arithmetic.written_out(values, weights, bias) == line


def lines(windows):
    return [window.written_out for window in windows]


def test_one_channel():
    signal, kernel = torch.arange(16.0)[None], torch.tensor([[[0.1, 0.2, 0.3]]])
    windows = arithmetic.convolution_windows(signal, kernel)
    output = arithmetic.output_of(windows)
    assert output.shape == (1, 14) and output.dtype == torch.float64
    assert output[0, :2].tolist() == pytest.approx([0.8, 1.4])
    assert lines(windows)[:2] == [
        "0·0.1 + 1·0.2 + 2·0.3 = 0.8",
        "1·0.1 + 2·0.2 + 3·0.3 = 1.4",
    ]
    torch.testing.assert_close(output.float(), F.conv1d(signal, kernel))


def test_two_channels():
    signal = torch.arange(16.0).reshape(2, 8)
    kernel = torch.tensor([[[0.1, 0.2, 0.3], [1, 1, 1]]])
    windows = arithmetic.convolution_windows(signal, kernel)
    output = arithmetic.output_of(windows)
    assert output.shape == (1, 6)
    assert output[0, :2].tolist() == pytest.approx([27.8, 31.4])
    assert lines(windows)[0] == "0·0.1 + 1·0.2 + 2·0.3 + 8·1 + 9·1 + 10·1 = 27.8"
    assert windows[0].cells == ((0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2))
    assert sum(products(windows[0])[:3]) == pytest.approx(0.8), "the first channel's part"


def test_an_image():
    windows = arithmetic.convolution_windows(torch.ones(1, 4, 4), [[[[0.1, 0.2], [0.3, 0.4]]]])
    torch.testing.assert_close(
        arithmetic.output_of(windows), torch.ones(1, 3, 3, dtype=torch.float64)
    )
    assert lines(windows) == ["1·0.1 + 1·0.2 + 1·0.3 + 1·0.4 = 1"] * 9
    assert [window.output for window in windows[:4]] == [(0, 0, 0), (0, 0, 1), (0, 0, 2), (0, 1, 0)]
    assert windows[5].cells == ((0, 1, 2), (0, 1, 3), (0, 2, 2), (0, 2, 3))


def test_pooling_an_image():
    image = torch.arange(20.0).reshape(1, 4, 5)
    largest = arithmetic.max_pool_windows(image, kernel_size=2, stride=2)
    assert arithmetic.output_of(largest).tolist() == [[[6, 8], [16, 18]]]
    assert lines(largest)[0] == "max(0, 1, 5, 6) = 6"
    mean = arithmetic.avg_pool_windows(image, kernel_size=2, stride=2)
    assert arithmetic.output_of(mean).tolist() == [[[3, 5], [13, 15]]]
    assert lines(mean)[0] == "(0 + 1 + 5 + 6) / 4 = 3"


def test_pooling_a_signal():
    signal = torch.arange(16.0)
    windows = arithmetic.max_pool_windows(signal[None], kernel_size=2)
    assert arithmetic.output_of(windows).tolist() == [[1, 3, 5, 7, 9, 11, 13, 15]]
    windows = arithmetic.max_pool_windows(signal.reshape(2, 8), kernel_size=2)
    assert arithmetic.output_of(windows).tolist() == [[1, 3, 5, 7], [9, 11, 13, 15]]


@pytest.mark.parametrize(
    ("size", "settings", "floor", "ceil"),
    [
        (5, {"kernel_size": 2, "stride": 2}, 2, 3),
        (4, {"kernel_size": 2, "stride": 2}, 2, 2),
        (5, {"kernel_size": 2, "stride": 3}, 2, 2),
        (4, {"kernel_size": 1, "stride": 3}, 2, 2),
        (5, {"kernel_size": 1, "stride": 3}, 2, 2),  # a third one would start beyond the input
        (3, {"kernel_size": 2, "stride": 2, "padding": 1}, 2, 2),  # in the padding behind it
    ],
)
def test_ceil_mode_adds_a_window_only_if_it_starts_inside(size, settings, floor, ceil):
    assert arithmetic.output_size(size, **settings) == floor
    assert arithmetic.output_size(size, **settings, ceil_mode=True) == ceil
    for ceil_mode in (False, True):
        expected = F.max_pool1d(torch.ones(1, size), **settings, ceil_mode=ceil_mode)
        windows = arithmetic.max_pool_windows(torch.ones(1, size), **settings, ceil_mode=ceil_mode)
        assert arithmetic.output_of(windows).shape == expected.shape


def test_the_formula_of_the_output_size():
    formula = output_size_formula
    assert formula(16, kernel_size=3) == "⌊(16 + 2·0 − 1·(3 − 1) − 1) / 1⌋ + 1 = 14"
    assert formula(5, 2, 2, ceil_mode=True) == "⌈(5 + 2·0 − 1·(2 − 1) − 1) / 2⌉ + 1 = 3"
    assert formula(3, 2, 2, 1, ceil_mode=True) == (
        "⌈(3 + 2·1 − 1·(2 − 1) − 1) / 2⌉ + 1 = 3, less 1 for a window that would start beyond the input: 2"
    )


def test_the_padding_of_a_max_pooling_never_wins():
    windows = arithmetic.max_pool_windows([[-5.0, -3, -4]], kernel_size=2, stride=2, padding=1)
    assert lines(windows) == ["max(−∞, −5) = −5", "max(−3, −4) = −3"]
    far = arithmetic.max_pool_windows([[7.0]], kernel_size=2, padding=1, dilation=2)
    assert lines(far) == ["max(−∞, −∞) = −∞"], "as PyTorch: where there is nothing else"


def test_the_padding_of_an_average_counts_or_does_not():
    signal = [[2.0, 4, 6]]
    counted = arithmetic.avg_pool_windows(signal, kernel_size=2, padding=1)
    assert lines(counted) == ["(0 + 2) / 2 = 1", "(4 + 6) / 2 = 5"]
    left_out = arithmetic.avg_pool_windows(signal, 2, padding=1, count_include_pad=False)
    assert lines(left_out) == ["2 / 1 = 2", "(4 + 6) / 2 = 5"]
    assert left_out[0].values == (None, 2)


def test_cells_beyond_the_padding_never_count():
    windows = arithmetic.avg_pool_windows([[2.0, 4, 6]], kernel_size=2, ceil_mode=True)
    assert lines(windows) == ["(2 + 4) / 2 = 3", "6 / 1 = 6"]
    assert windows[1].cells == ((0, 2), (0, 3)) and windows[1].values == (6, None)


def test_an_average_that_does_not_come_out_even_is_marked():
    (window,) = arithmetic.avg_pool_windows([[100.0, 100, 101]], kernel_size=3)
    assert window.written_out == "(100 + 100 + 101) / 3 ≈ 100.3333"


def test_inputs_may_be_lists_integers_or_parameters():
    signal, kernel = [[1, 2, 3]], torch.nn.Parameter(torch.ones(1, 1, 2))
    for input in (signal, np.array(signal), torch.tensor(signal)):
        windows = arithmetic.convolution_windows(input, kernel, bias=[1])
        assert arithmetic.output_of(windows).tolist() == [[4, 6]]
        assert not arithmetic.output_of(windows).requires_grad


SIGNAL, IMAGE = torch.ones(4, 5), torch.ones(1, 4, 6)


@pytest.mark.parametrize(
    ("input", "weight_shape", "options", "kind", "message"),
    [
        (SIGNAL, (2, 4, 6), {}, ValueError, "kernel_size 6 with dilation 1 spans 6 cells, and a size of 5 with "
         "padding 0 has only 5"),
        (SIGNAL, (2, 4, 4), {"padding": 1, "dilation": 3}, ValueError, "kernel_size 4 with dilation 3 spans 10 cells, "
         "and a size of 5 with padding 1 has only 7"),
        (IMAGE, (1, 1, 2, 7), {}, ValueError, "kernel_size 7 with dilation 1 spans 7 cells, and a size of 6 with "
         "padding 0 has only 6"),
        (SIGNAL, (2, 4, 3), {"groups": 3}, ValueError, "groups must divide the 4 input channels and the 2 output "
         "channels, got 3"),
        (SIGNAL, (3, 2, 3), {"groups": 2}, ValueError, "groups must divide the 4 input channels and the 3 output "
         "channels, got 2"),
        (SIGNAL, (2, 3, 3), {}, RuntimeError, "to have 3 channels, but got 4 channels instead"),
        (SIGNAL, (2, 4, 3), {"groups": 2}, RuntimeError, "to have 8 channels, but got 4 channels instead"),
        (SIGNAL, (2, 4), {}, ValueError, "weight must be 3-D, not empty, got (2, 4)"),
        (SIGNAL[0], (1, 1, 3), {}, ValueError, "input must be 2-D or 3-D, not empty, got (5,)"),
        (IMAGE[None], (1, 1, 2, 2), {}, ValueError, "input must be 2-D or 3-D, not empty, got (1, 1, 4, 6)"),
        (SIGNAL, (2, 4, 3), {"bias": torch.ones(3)}, RuntimeError, "expected bias to be 1-dimensional with 2 elements, "
         "but got bias of size [3]"),
        (SIGNAL, (1, 4, 3), {"bias": torch.ones(1, 1)}, ValueError, "bias must be 1-D, not empty, got (1, 1)"),
        (SIGNAL, (2, 4, 3), {"padding": "same"}, TypeError, "padding must be an integer of at least 0, got 'same'"),
        (SIGNAL, (2, 4, 3), {"padding": "full"}, TypeError, "padding must be an integer of at least 0, got 'full'"),
        (SIGNAL, (2, 4, 3), {"padding": -1}, ValueError, "padding must be an integer of at least 0, got -1"),
        (SIGNAL, (2, 4, 3), {"stride": 0}, ValueError, "stride must be an integer of at least 1, got 0"),
        (SIGNAL, (2, 4, 3), {"stride": 1.5}, TypeError, "stride must be an integer of at least 1, got 1.5"),
        (SIGNAL, (2, 4, 3), {"stride": True}, TypeError, "stride must be an integer of at least 1, got True"),
        (SIGNAL, (2, 4, 3), {"dilation": 0}, ValueError, "dilation must be an integer of at least 1, got 0"),
        (SIGNAL, (2, 4, 3), {"groups": 0}, ValueError, "groups must be an integer of at least 1, got 0"),
        (SIGNAL, (2, 4, 3), {"groups": True}, TypeError, "groups must be an integer of at least 1, got True"),
        (SIGNAL, (2, 4, 3), {"stride": (1, 2)}, ValueError, "stride must be one number, or 1 of them, got (1, 2)"),
        (SIGNAL[:, :0], (2, 4, 3), {"padding": 2}, ValueError, "input must be 2-D or 3-D, not empty, got (4, 0)"),
        (SIGNAL, (0, 4, 3), {}, ValueError, "weight must be 3-D, not empty, got (0, 4, 3)"),
    ],
)  # fmt: skip
def test_an_impossible_convolution_is_refused_with_its_numbers(
    input, weight_shape, options, kind, message
):
    with pytest.raises(kind, match=re.escape(message)):
        arithmetic.convolution_windows(input, torch.ones(weight_shape), **options)


@pytest.mark.parametrize(
    ("input", "settings", "kind", "message"),
    [
        (SIGNAL, {"kernel_size": 6}, ValueError, "kernel_size 6 with dilation 1 spans 6 cells, and a size of 5 with "
         "padding 0 has only 5"),
        (SIGNAL, {"kernel_size": 3, "padding": 2}, ValueError, "padding must be at most half of kernel_size 3, got 2"),
        (IMAGE, {"kernel_size": (2, 3), "padding": (1, 2)}, ValueError, "padding must be at most half of kernel_size "
         "3, got 2"),
        (SIGNAL, {"kernel_size": 2, "padding": -1}, ValueError, "padding must be an integer of at least 0, got -1"),
        (SIGNAL, {"kernel_size": 2, "padding": "same"}, TypeError, "padding must be an integer of at least 0, got "
         "'same'"),
        (SIGNAL, {"kernel_size": 0}, ValueError, "kernel_size must be an integer of at least 1, got 0"),
        (SIGNAL, {"kernel_size": 2.0}, TypeError, "kernel_size must be an integer of at least 1, got 2.0"),
        (SIGNAL, {"kernel_size": True}, TypeError, "kernel_size must be an integer of at least 1, got True"),
        (SIGNAL, {"kernel_size": (2, 2)}, ValueError, "kernel_size must be one number, or 1 of them, got (2, 2)"),
        (SIGNAL, {"kernel_size": 2, "stride": 0}, ValueError, "stride must be an integer of at least 1, got 0"),
        (SIGNAL[0], {"kernel_size": 2}, ValueError, "input must be 2-D or 3-D, not empty, got (5,)"),
        (IMAGE[None], {"kernel_size": 2}, ValueError, "input must be 2-D or 3-D, not empty, got (1, 1, 4, 6)"),
        (SIGNAL[:0], {"kernel_size": 2}, ValueError, "input must be 2-D or 3-D, not empty, got (0, 5)"),
    ],
)  # fmt: skip
def test_an_impossible_pooling_is_refused_with_its_numbers(input, settings, kind, message):
    for make_windows in (arithmetic.max_pool_windows, arithmetic.avg_pool_windows):
        with pytest.raises(kind, match=re.escape(message)):
            make_windows(input, **settings)


def test_max_pooling_pads_by_half_of_the_kernel_however_far_it_is_dilated():
    """A dilated window spans more, and PyTorch refuses more padding all the same."""
    with pytest.raises(ValueError, match="at most half of kernel_size 3, got 2"):
        arithmetic.max_pool_windows(SIGNAL, kernel_size=3, padding=2, dilation=2)
    with pytest.raises(RuntimeError):
        F.max_pool1d(SIGNAL, kernel_size=3, padding=2, dilation=2)
