"""Convolution and pooling by hand: for every output cell, the numbers that it is made from.

All functions work on one signal (C, L) or one image (C, H, W), without a batch. Their arguments are those of
torch.nn.functional: where that takes one number for all axes or one for each, so do they.
"""

import math
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from numbers import Integral

import torch


@dataclass(frozen=True)
class Window:
    """One cell of an output, and all that it is computed from.

    Attributes:
        output: the place of the result, (channel, *place).
        cells: the places in the input, a tuple (channel, *place) each. A place beyond the input is padding.
        values: what stands there. Padding is 0; in max pooling −∞. None is a cell that does not count.
        kernel: the places in the weight, a tuple (output channel, channel in the group, *place) each. Empty in pooling.
        weights: what stands there. Empty in pooling.
        bias: what is added, or None.
        result: the number in the output cell.
        written_out: how it comes about, such as "0·0.1 + 1·0.2 + 2·0.3 = 0.8".
    """

    output: tuple
    cells: tuple
    values: tuple
    kernel: tuple
    weights: tuple
    bias: float | None
    result: float
    written_out: str

    @property
    def products(self):
        """Each value times its weight, a list of floats."""
        return [value * weight for value, weight in zip(self.values, self.weights)]


def output_size(size, kernel_size, stride=1, padding=0, dilation=1, ceil_mode=False):
    """How many windows fit along one axis: the output size of a convolution or a pooling.

    Args:
        size: cells of the input along this axis, at least 1.
        kernel_size: cells of the kernel, at least 1.
        stride: steps from one window to the next, at least 1.
        padding: cells added on each side, at least 0, or "same" (as many cells out as in) or "valid" (none).
        dilation: steps from one kernel cell to the next, at least 1.
        ceil_mode: let a last window stick out, if it starts inside the input or the padding before it.

    Raises:
        TypeError, ValueError: an argument is no whole number, or out of range, or no window fits.

    >>> output_size(16, kernel_size=3)
    14
    >>> output_size(5, kernel_size=2, stride=2), output_size(5, kernel_size=2, stride=2, ceil_mode=True)
    (2, 3)
    """
    _check_at_least(1, size=size, kernel_size=kernel_size, stride=stride, dilation=dilation)
    before, after = padding_sides(padding, kernel_size, dilation)
    if padding == "same" and stride != 1:
        raise ValueError(f'padding "same" needs stride 1, got stride {stride}')
    span = dilation * (kernel_size - 1) + 1  # from the first cell of a window to its last
    room = size + before + after - span  # how far the first window can move
    steps = math.ceil(room / stride) if ceil_mode else room // stride
    if steps < 0:
        raise ValueError(
            f"kernel_size {kernel_size} with dilation {dilation} spans {span} cells, and a size of {size} "
            f"with padding {padding} has only {size + before + after}"
        )
    if ceil_mode and steps * stride >= size + before:
        steps -= 1
    return steps + 1


def output_size_formula(size, kernel_size, stride=1, padding=0, dilation=1, ceil_mode=False):
    """The output size with its formula, the numbers put in. Arguments and errors as in `output_size`.

    >>> print(output_size_formula(16, kernel_size=3, padding=1))
    ⌊(16 + 2·1 − 1·(3 − 1) − 1) / 1⌋ + 1 = 16
    """
    result = output_size(size, kernel_size, stride, padding, dilation, ceil_mode)
    before, after = padding_sides(padding, kernel_size, dilation)
    added = f"2·{before}" if before == after else f"{before} + {after}"
    inner = f"({size} + {added} − {dilation}·({kernel_size} − 1) − 1) / {stride}"
    if not ceil_mode:
        return f"⌊{inner}⌋ + 1 = {result}"
    whole = math.ceil((size + before + after - dilation * (kernel_size - 1) - 1) / stride) + 1
    if result == whole:
        return f"⌈{inner}⌉ + 1 = {result}"
    return (
        f"⌈{inner}⌉ + 1 = {whole}, less 1 for a window that would start beyond the input: {result}"
    )


def padding_sides(padding, kernel_size, dilation=1):
    """How many cells a padding adds before and after an axis, two ints.

    They are as many, except for "same" with a kernel that spans an even number of cells: then one more comes after.

    >>> padding_sides(2, kernel_size=3), padding_sides("same", kernel_size=3), padding_sides("same", kernel_size=4)
    ((2, 2), (1, 1), (1, 2))
    """
    if padding == "valid":
        return 0, 0
    if padding == "same":
        total = dilation * (kernel_size - 1)
        return total // 2, total - total // 2
    _check_at_least(0, padding=padding)
    return padding, padding


def for_each_axis(name, value, axes):
    """One value for each axis, a tuple: of one number, or of as many as there are axes.

    Args:
        name: the argument that is meant, for the error.
        value: a number or "same" or "valid"; or a tuple of 1 or `axes` numbers, as in PyTorch.
        axes: how many there are.

    Raises:
        ValueError: the tuple has another length, or words in it.

    >>> for_each_axis("stride", 2, axes=2)
    (2, 2)
    """
    if not isinstance(value, tuple | list):
        return (value,) * axes
    if len(value) not in (1, axes) or any(isinstance(part, str) for part in value):
        raise ValueError(f"{name} must be one number, or {axes} of them, got {value}")
    return tuple(value) * (axes // len(value))


def convolution_windows(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """All windows of a convolution as PyTorch computes it (the kernel is not flipped).

    Args:
        input: (C, L) or (C, H, W).
        weight: (output channels, C / groups, kernel length) or (output channels, C / groups, height, width).
        bias: (output channels,), or None.
        stride, dilation: at least 1, for each axis.
        padding: zeros added on each side, for each axis; or "same" or "valid".
        groups: how many groups the channels are divided into; each output channel sees the inputs of its group.

    Returns:
        A list of `Window`, in the order of the output's cells: channel by channel, row by row.

    Raises:
        TypeError, ValueError: shapes or arguments that do not go together, with their numbers.

    >>> windows = convolution_windows([[0.0, 1, 2, 3]], [[[0.1, 0.2, 0.3]]])
    >>> print(windows[0].written_out)
    0·0.1 + 1·0.2 + 2·0.3 = 0.8
    >>> output_of(windows)
    tensor([[0.8000, 1.4000]], dtype=torch.float64)
    """
    input, weight = _numbers("input", input), _numbers("weight", weight)
    bias = None if bias is None else _numbers("bias", bias)
    _check_convolution(input, weight, bias, groups)
    out_channels, group_channels, *kernel_sizes = weight.shape
    places = _places(input.shape[1:], kernel_sizes, stride, padding, dilation)
    windows = []
    for channel in range(out_channels):
        group = channel // (out_channels // groups)
        inputs = range(group * group_channels, (group + 1) * group_channels)
        kernel = tuple(product([channel], range(group_channels), *map(range, kernel_sizes)))
        weights = tuple(weight[place].item() for place in kernel)
        added = None if bias is None else bias[channel].item()
        for place, cells in places:
            cells = tuple((number, *cell) for number in inputs for cell in cells)
            values = tuple(_look_up(input, cell, outside=0.0) for cell in cells)
            result = sum(value * weight for value, weight in zip(values, weights)) + (added or 0.0)
            line = written_out(values, weights, added)
            output = (channel, *place)
            windows.append(Window(output, cells, values, kernel, weights, added, result, line))
    return windows


def max_pool_windows(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False):
    """All windows of a max pooling; padding counts as −∞, so that it never wins.

    Args:
        input: (C, L) or (C, H, W).
        kernel_size: cells of a window, for each axis.
        stride: as `kernel_size` if None.
        padding: at most half of `kernel_size`, for each axis.
        dilation: at least 1, for each axis.
        ceil_mode: as in `output_size`.

    Returns:
        A list of `Window`, channel by channel, row by row.

    Raises:
        TypeError, ValueError: as `convolution_windows`.

    >>> print(max_pool_windows([[0.0, 1, 2, 3]], kernel_size=2)[1].written_out)
    max(2, 3) = 3
    """

    def pool(values):
        return max(values), f"max({', '.join(map(short, values))}) {_equals(values)}"

    return _pool_windows(
        pool, input, kernel_size, stride, padding, dilation, ceil_mode, outside=-math.inf
    )


def avg_pool_windows(
    input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True
):
    """All windows of an average pooling. Arguments, result and errors as in `max_pool_windows`, and

    Args:
        count_include_pad: whether the zeros of the padding count when the sum is divided. Cells beyond the padding,
            where `ceil_mode` lets a window stick out, never do.

    >>> print(avg_pool_windows([[0.0, 1, 2, 3]], kernel_size=2)[1].written_out)
    (2 + 3) / 2 = 2.5
    """

    def pool(values):
        count, mean = len(values), sum(values) / len(values)
        total = " + ".join(map(_factor, values))
        total = f"({total})" if count > 1 else total
        right = sum(map(_shown, values)) == _shown(mean) * count
        return mean, f"{total} / {count} {_equals(values, right)}"

    outside = 0.0 if count_include_pad else None
    return _pool_windows(pool, input, kernel_size, stride, padding, 1, ceil_mode, outside)


def output_of(windows):
    """The output tensor, float64, (C, L) or (C, H, W), that the windows were made for."""
    shape = [last + 1 for last in windows[-1].output]
    results = [window.result for window in windows]
    return torch.tensor(results, dtype=torch.float64).reshape(shape)


def written_out(values, weights, bias=None):
    """A weighted sum as one would write it on paper.

    Args:
        values, weights: equally many numbers.
        bias: a number to add, or None.

    Returns:
        A str with "=" if it is exact as it stands, and with "≈" if a number in it was rounded to 4 decimals.

    >>> print(written_out([0, 1, -2], [0.1, 0.2, 0.3], bias=1))
    0·0.1 + 1·0.2 + (−2)·0.3 + 1 = 0.6
    """
    terms = [f"{_factor(value)}·{_factor(weight)}" for value, weight in zip(values, weights)]
    terms += [] if bias is None else [_factor(bias)]
    added = bias or 0.0
    result = sum(value * weight for value, weight in zip(values, weights)) + added
    shown = sum(_shown(value) * _shown(weight) for value, weight in zip(values, weights))
    right = shown + _shown(added) == _shown(result)
    return f"{' + '.join(terms)} {_equals([*values, *weights, added], right)} {short(result)}"


def short(number):
    """A number with at most 4 decimals, and a true minus sign.

    >>> short(0.30000001), short(-2.0), short(float("-inf"))
    ('0.3', '−2', '−∞')
    """
    if math.isinf(number):
        return "∞" if number > 0 else "−∞"
    text = f"{number:.4f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text.replace("-", "−")


def _factor(number):
    """A number inside of a sum: in brackets if it is negative."""
    text = short(number)
    return f"({text})" if text.startswith("−") else text


def _shown(number):
    """The number that `short` shows, exactly."""
    return Fraction(f"{number:.4f}") if math.isfinite(number) else number


def _equals(numbers, right=True):
    """ "=" if `short` shows the numbers as they are, up to the precision of float32, and the sum is right as shown."""
    exact = all(math.isclose(_shown(number), number, rel_tol=1e-7) for number in numbers)
    return "=" if exact and right else "≈"


def _pool_windows(pool, input, kernel_size, stride, padding, dilation, ceil_mode, outside):
    """The windows of a pooling; `pool` gets the values of one, and returns the result and what is written before it."""
    input = _numbers("input", input)
    if input.dim() not in (2, 3):
        raise ValueError(f"input must be (C, L) or (C, H, W), got the shape {tuple(input.shape)}")
    sizes = input.shape[1:]
    kernel_sizes = for_each_axis("kernel_size", kernel_size, len(sizes))
    paddings = for_each_axis("padding", padding, len(sizes))
    _check_pool_padding(kernel_sizes, paddings)
    stride = kernel_size if stride is None else stride
    windows = []
    places = _places(sizes, kernel_sizes, stride, padding, dilation, ceil_mode)
    for channel, (place, cells) in product(range(len(input)), places):
        values = tuple(
            _look_up(input, (channel, *cell), outside)
            if all(at < size + added for at, size, added in zip(cell, sizes, paddings))
            else None  # beyond the padding, where ceil_mode lets the window stick out
            for cell in cells
        )
        counted = [value for value in values if value is not None]
        result, line = pool(counted)
        line = f"{line} {short(result)}"
        cells = tuple((channel, *cell) for cell in cells)
        windows.append(Window((channel, *place), cells, values, (), (), None, result, line))
    return windows


def _places(sizes, kernel_sizes, stride, padding, dilation, ceil_mode=False):
    """A list of (place in the output, places in the input that its window covers), in reading order."""
    strides = for_each_axis("stride", stride, len(sizes))
    dilations = for_each_axis("dilation", dilation, len(sizes))
    paddings = for_each_axis("padding", padding, len(sizes))
    axes = list(zip(sizes, kernel_sizes, strides, paddings, dilations))
    counts = [output_size(*axis, ceil_mode) for axis in axes]
    befores = [padding_sides(added, kernel, gap)[0] for _, kernel, _, added, gap in axes]
    places = []
    for place in product(*map(range, counts)):
        starts = [at * step - before for at, step, before in zip(place, strides, befores)]
        cells = [
            tuple(start + gap * offset for start, gap, offset in zip(starts, dilations, offsets))
            for offsets in product(*map(range, kernel_sizes))
        ]
        places.append((place, cells))
    return places


def _look_up(array, cell, outside):
    """What stands at `cell` of the array, a float; or `outside`, if the cell lies in the padding."""
    inside = all(0 <= at < size for at, size in zip(cell, array.shape))
    return array[cell].item() if inside else outside


def _numbers(name, values):
    """The values as a float64 tensor on the CPU, at least one."""
    try:
        tensor = torch.as_tensor(values)
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(f"{name} must be a tensor or nested lists of numbers: {error}") from None
    if tensor.numel() == 0:
        raise ValueError(f"{name} must not be empty, got the shape {tuple(tensor.shape)}")
    return tensor.detach().to("cpu", torch.float64)


def _check_at_least(least, **arguments):
    for name, value in arguments.items():
        if not isinstance(value, Integral) or isinstance(value, bool):
            raise TypeError(f"{name} must be a whole number, got {value!r}")
        if value < least:
            raise ValueError(f"{name} must be at least {least}, got {value}")


def _check_convolution(input, weight, bias, groups):
    """Whether the shapes go together."""
    if input.dim() not in (2, 3) or weight.dim() != input.dim() + 1:
        raise ValueError(
            "input must be (C, L) with a weight (output channels, C / groups, kernel_size), or (C, H, W) with "
            f"one more axis in both; got input {tuple(input.shape)} and weight {tuple(weight.shape)}"
        )
    _check_at_least(1, groups=groups)
    channels, out_channels, group_channels = len(input), len(weight), weight.shape[1]
    if channels % groups or out_channels % groups:
        raise ValueError(
            f"groups must divide the {channels} input channels and the {out_channels} output channels, got {groups}"
        )
    if group_channels != channels // groups:
        raise ValueError(
            f"weight must have {channels} / {groups} = {channels // groups} input channels for a kernel, "
            f"got {group_channels}"
        )
    if bias is not None and bias.shape != (out_channels,):
        raise ValueError(
            f"bias must hold one number for each of {out_channels} output channels, got the shape {tuple(bias.shape)}"
        )


def _check_pool_padding(kernel_sizes, paddings):
    """Whether padding is at most half of a kernel: where PyTorch draws the line, whatever the dilation."""
    for kernel_size, padding in zip(kernel_sizes, paddings):
        _check_at_least(1, kernel_size=kernel_size)
        _check_at_least(0, padding=padding)
        if padding > kernel_size // 2:
            raise ValueError(
                f"padding must be at most half of kernel_size {kernel_size}, got {padding}"
            )
