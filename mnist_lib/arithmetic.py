"""Convolution and pooling by hand: for every output cell, the numbers that it is made from.

All functions work on one signal (C, L) or one image (C, H, W), without a batch. Their arguments are those of
torch.nn.functional: where that takes one number for all axes or one for each, so do they. What does not go together
raises a TypeError or a ValueError, or what PyTorch raises, with its numbers.
"""

import math
from dataclasses import dataclass
from fractions import Fraction
from itertools import product

import torch
from torch.nn import functional as F

from .machinery.checks import integer


@dataclass(frozen=True)
class Window:
    """One cell of an output, and all that it is computed from. In pooling `kernel` and `weights` are empty."""

    output: tuple  # the place of the result, (channel, *place)
    cells: tuple  # the places in the input, (channel, *place) each; those beyond it are padding
    values: tuple  # what stands there: in padding 0, in max pooling's −∞; None where a cell does not count
    kernel: tuple  # the places in the weight, (output channel, channel in the group, *place) each
    weights: tuple  # what stands there
    bias: float | None  # what is added
    result: float  # the number in the output cell
    written_out: str  # how it comes about, such as "0·0.1 + 1·0.2 + 2·0.3 = 0.8"


def output_size(size, kernel_size, stride=1, padding=0, dilation=1, ceil_mode=False):
    """How many windows of a convolution or a pooling fit along one axis (built in notebook 01).

    Args:
        size: cells of the input along this axis, at least 1.
        kernel_size: cells of the kernel, at least 1.
        stride: steps from one window to the next, at least 1.
        padding: cells added on each side, at least 0.
        dilation: steps from one kernel cell to the next, at least 1.
        ceil_mode: let a last window stick out, if it starts inside the input or the padding before it.

    >>> output_size(16, kernel_size=3)
    14
    >>> output_size(5, kernel_size=2, stride=2), output_size(5, kernel_size=2, stride=2, ceil_mode=True)
    (2, 3)
    """
    lengths = {"size": size, "kernel_size": kernel_size, "stride": stride, "dilation": dilation}
    for name, value in lengths.items():
        integer(name, value, least=1)
    padded = size + 2 * integer("padding", padding, least=0)
    span = dilation * (kernel_size - 1) + 1  # from the first cell of a window to its last
    room = padded - span  # how far the first window can move
    steps = math.ceil(room / stride) if ceil_mode else room // stride
    if steps < 0:
        raise ValueError(
            f"kernel_size {kernel_size} with dilation {dilation} spans {span} cells, and a size of {size} "
            f"with padding {padding} has only {padded}"
        )
    if ceil_mode and steps * stride >= size + padding:
        steps -= 1  # the last window would start beyond the input
    return steps + 1


def for_each_axis(name, value, axes):
    """One value for each axis, a tuple: of one value, or of a tuple of 1 or `axes` numbers, as in PyTorch.

    >>> for_each_axis("stride", 2, axes=2)
    (2, 2)
    """
    if not isinstance(value, tuple | list):
        return (value,) * axes
    if len(value) not in (1, axes):
        raise ValueError(f"{name} must be one number, or {axes} of them, got {value}")
    return tuple(value) * (axes // len(value))


def convolution_windows(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """All windows of a convolution as PyTorch computes it, the kernel not flipped (built in notebooks 01 and 02).

    Args:
        input: (C, L) or (C, H, W).
        weight: (output channels, C / groups, kernel length) or (output channels, C / groups, height, width).
        bias: (output channels,), or None.
        stride, dilation: at least 1, for each axis.
        padding: zeros added on each side, for each axis.
        groups: how many groups the channels are divided into; each output channel sees the inputs of its group.

    Returns:
        A list of `Window`, in the order of the output's cells: channel by channel, row by row.

    >>> windows = convolution_windows([[0.0, 1, 2, 3]], [[[0.1, 0.2, 0.3]]])
    >>> print(windows[0].written_out)
    0·0.1 + 1·0.2 + 2·0.3 = 0.8
    >>> output_of(windows)
    tensor([[0.8000, 1.4000]], dtype=torch.float64)
    """
    input = _numbers("input", input, 2, 3)
    weight = _numbers("weight", weight, input.dim() + 1)
    bias = None if bias is None else _numbers("bias", bias, 1)
    _check_channels(input, weight, bias, groups)
    out_channels, group_channels, *kernel_sizes = weight.shape
    places = list(_places(input.shape[1:], kernel_sizes, stride, padding, dilation))
    numbers, windows = _by_place(input), []
    for channel in range(out_channels):
        first = channel // (out_channels // groups) * group_channels  # of its group
        inputs = range(first, first + group_channels)
        kernel = tuple(product([channel], range(group_channels), *map(range, kernel_sizes)))
        weights = tuple(weight[channel].flatten().tolist())
        added = None if bias is None else bias[channel].item()
        for place, cells in places:
            cells = tuple((number, *cell) for number in inputs for cell in cells)
            values = tuple(numbers.get(cell, 0.0) for cell in cells)
            result = _weighted_sum(values, weights, added)
            line = written_out(values, weights, added)
            output = (channel, *place)
            windows.append(Window(output, cells, values, kernel, weights, added, result, line))
    return windows


def max_pool_windows(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False):
    """All windows of a max pooling; padding counts as −∞, so that it never wins (built in notebook 03).

    Args:
        input: (C, L) or (C, H, W).
        kernel_size: cells of a window, for each axis.
        stride: as `kernel_size` if None.
        padding: at most half of `kernel_size`, for each axis.
        dilation: at least 1, for each axis.
        ceil_mode: as in `output_size`.

    Returns:
        A list of `Window`, channel by channel, row by row.

    >>> print(max_pool_windows([[0.0, 1, 2, 3]], kernel_size=2)[1].written_out)
    max(2, 3) = 3
    """

    def pool(values):
        return max(values), f"max({', '.join(map(short, values))})", True

    return _pool_windows(pool, input, kernel_size, stride, padding, dilation, ceil_mode, -math.inf)


def avg_pool_windows(
    input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True
):
    """All windows of an average pooling (notebook 03). As `max_pool_windows`, without dilation, and with

    Args:
        count_include_pad: whether the zeros of the padding count when the sum is divided. Cells beyond the padding,
            where `ceil_mode` lets a window stick out, never do.

    >>> print(avg_pool_windows([[0.0, 1, 2, 3]], kernel_size=2)[1].written_out)
    (2 + 3) / 2 = 2.5
    """

    def pool(values):
        count, total = len(values), " + ".join(map(_factor, values))
        mean = sum(values) / count
        right = sum(map(_shown, values)) == _shown(mean) * count
        return mean, f"{f'({total})' if count > 1 else total} / {count}", right

    outside = 0.0 if count_include_pad else None
    return _pool_windows(pool, input, kernel_size, stride, padding, 1, ceil_mode, outside)


def output_of(windows):
    """The output tensor, float64, (C, L) or (C, H, W), that the windows were made for."""
    results = torch.tensor([window.result for window in windows], dtype=torch.float64)
    return results.reshape([last + 1 for last in windows[-1].output])


def written_out(values, weights, bias=None):
    """A weighted sum as one would write it on paper (built in notebook 01).

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
    result, numbers = _weighted_sum(values, weights, bias), [*values, *weights, bias or 0.0]
    shown = _weighted_sum(map(_shown, values), map(_shown, weights), _shown(bias or 0.0))
    return f"{' + '.join(terms)} {_equals(numbers, shown == _shown(result))} {short(result)}"


def short(number):
    """A number with at most 4 decimals, and a true minus sign.

    >>> short(0.30000001), short(-2.0), short(float("-inf"))
    ('0.3', '−2', '−∞')
    """
    text = f"{number:.4f}".rstrip("0").rstrip(".").replace("inf", "∞")
    return "0" if text == "-0" else text.replace("-", "−")


def _factor(number):
    """A number inside of a sum: in brackets if it is negative."""
    text = short(number)
    return f"({text})" if text.startswith("−") else text


def _shown(number):
    """The number that `short` shows, exactly."""
    return Fraction(f"{number:.4f}") if math.isfinite(number) else number


def _equals(numbers, right):
    """ "=" if `short` shows the numbers as they are, up to float32's precision, and the sum is `right` as shown."""
    exact = all(math.isclose(_shown(number), number, rel_tol=1e-7) for number in numbers)
    return "=" if exact and right else "≈"


def _weighted_sum(values, weights, bias):
    """What a sum of products comes to, with a bias or None added."""
    return sum(value * weight for value, weight in zip(values, weights)) + (bias or 0)


def _pool_windows(pool, input, kernel_size, stride, padding, dilation, ceil_mode, outside):
    """The windows of a pooling. `pool` takes the values of one: returns result, left side, whether they are equal."""
    input = _numbers("input", input, 2, 3)
    channels, *sizes = input.shape
    kernel_sizes = for_each_axis("kernel_size", kernel_size, len(sizes))
    paddings = for_each_axis("padding", padding, len(sizes))
    for size, added in zip(kernel_sizes, paddings):
        if integer("padding", added, least=0) > integer("kernel_size", size, least=1) // 2:
            raise ValueError(f"padding must be at most half of kernel_size {size}, got {added}")
    stride = kernel_size if stride is None else stride
    places = _places(sizes, kernel_sizes, stride, padding, dilation, ceil_mode)
    padded = [range(-added, size + added) for size, added in zip(sizes, paddings)]
    numbers = dict.fromkeys(product(range(channels), *padded), outside) | _by_place(input)
    windows = []
    for channel, (place, cells) in product(range(channels), places):
        cells = tuple((channel, *cell) for cell in cells)
        values = tuple(map(numbers.get, cells))  # None: beyond the padding, where ceil_mode leads
        counted = [value for value in values if value is not None]
        result, left, right = pool(counted)
        line = f"{left} {_equals(counted, right)} {short(result)}"
        windows.append(Window((channel, *place), cells, values, (), (), None, result, line))
    return windows


def _places(sizes, kernel_sizes, stride, padding, dilation, ceil_mode=False):
    """Yield (place in the output, places in the input that its window covers), in reading order."""
    settings = {"stride": stride, "padding": padding, "dilation": dilation}
    settings = [for_each_axis(name, value, len(sizes)) for name, value in settings.items()]
    axes = []  # for each axis the windows along it, a range of cells each
    for size, kernel_size, step, added, gap in zip(sizes, kernel_sizes, *settings):
        count = output_size(size, kernel_size, step, added, gap, ceil_mode)
        starts = [step * number - added for number in range(count)]
        axes.append([range(start, start + gap * kernel_size, gap) for start in starts])
    for windows in product(*map(enumerate, axes)):
        place, ranges = zip(*windows)
        yield place, list(product(*ranges))


def _by_place(input):
    """The numbers of a tensor, {place: number}."""
    return dict(zip(product(*map(range, input.shape)), input.flatten().tolist()))


def _numbers(name, values, *axes):
    """The values as a float64 tensor on the CPU; `axes` says how many axes it may have."""
    tensor = torch.as_tensor(values).detach().to("cpu", torch.float64)
    if tensor.dim() not in axes or tensor.numel() == 0:
        wanted = " or ".join(f"{count}-D" for count in axes)
        raise ValueError(f"{name} must be {wanted}, not empty, got {tuple(tensor.shape)}")
    return tensor


def _check_channels(input, weight, bias, groups):
    """Refuse channels that do not go together: groups in our words, the rest in PyTorch's."""
    if len(input) % integer("groups", groups, least=1) or len(weight) % groups:
        channels = f"{len(input)} input channels and the {len(weight)} output channels"
        raise ValueError(f"groups must divide the {channels}, got {groups}")
    convolve = F.conv1d if input.dim() == 2 else F.conv2d
    convolve(input, weight, bias, padding=weight.shape[2:], groups=groups)
