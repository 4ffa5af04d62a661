"""Moved images: shifts of a batch, how a model bears them, training with them, and blur pooling against them.

Everywhere, positive dx moves right and positive dy moves down. What leaves the frame is lost, and zeros come in.
"""

import copy
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.nn import functional as F

from .data import Batches, check_split
from .machinery.checks import integer
from .training import device_of, evaluation_mode

BATCH_SIZE = 500  # more than for an evaluation: a call costs small models as much as their sums do


class ShiftGrid(NamedTuple):
    """What a model makes of a split at every shift: two DataFrames with a row for each dy, a column for each dx.

    `accuracy` is the share of images classified correctly, 0 to 1. `consistency` is the share of images, 0 to 1,
    that get the same answer, right or wrong, as they get unshifted.
    """

    accuracy: pd.DataFrame
    consistency: pd.DataFrame


def shift(images, dx, dy):
    """Move images by dx pixels to the right and dy pixels down.

    Args:
        images: a tensor (..., H, W): one image, or any batch of them.
        dx, dy: integers of any size; negative ones move left and up.

    Returns:
        A new tensor of the same shape, dtype and device.

    Raises:
        TypeError: `images` is no tensor, or `dx` or `dy` no integer.
        ValueError: `images` has fewer than two axes.

    >>> shift(torch.tensor([[1, 2, 3], [4, 5, 6]]), dx=1, dy=0)
    tensor([[0, 1, 2],
            [0, 4, 5]])
    """
    _check_tensor("images", images)
    if images.ndim < 2:
        raise ValueError(f"images must have the shape (..., H, W), got {tuple(images.shape)}")
    height, width = images.shape[-2:]
    dx = _clip(integer("dx", dx), width)
    dy = _clip(integer("dy", dy), height)
    return F.pad(images, (dx, -dx, dy, -dy))  # left, right, top, bottom; below 0 it cuts off


def shift_each(images, dx, dy):
    """Move every image of a batch by its own shift.

    Args:
        images: a tensor (N, C, H, W).
        dx, dy: int64 (N,): how far each image moves to the right, and how far down.

    Returns:
        A new tensor of the same shape, dtype and device.

    Raises:
        TypeError: an argument is no tensor, or `dx` or `dy` no int64 tensor.
        ValueError: an argument has another shape.

    >>> images = torch.tensor([[1, 2, 3], [4, 5, 6]]).reshape(2, 1, 1, 3)
    >>> shift_each(images, dx=torch.tensor([1, -2]), dy=torch.tensor([0, 0])).flatten(1)
    tensor([[0, 1, 2],
            [6, 0, 0]])
    """
    _check_batch("images", images)
    count, channels, height, width = images.shape
    for name, value in (("dx", dx), ("dy", dy)):
        _check_tensor(name, value)
        if value.dtype != torch.int64:
            raise TypeError(f"{name} must be int64, got {value.dtype}")
        if value.shape != (count,):
            expected = f"the shape ({count},), one shift for each image"
            raise ValueError(f"{name} must have {expected}, got {tuple(value.shape)}")
    device = images.device
    image = torch.arange(count, device=device).reshape(-1, 1, 1, 1)
    channel = torch.arange(channels, device=device).reshape(-1, 1, 1)
    rows = _sources(dy.to(device), height).reshape(-1, 1, height, 1)
    columns = _sources(dx.to(device), width).reshape(-1, 1, 1, width)
    padded = F.pad(images, (0, 1, 0, 1))  # a row and a column of zeros, at the end: place −1
    return padded[image, channel, rows, columns]  # (N, C, H, W)


def random_shift(images, largest):
    """Move every image of a batch by its own random shift, each as likely as any other: an augmentation.

    Args:
        images: a tensor (N, C, H, W).
        largest: how many pixels an image moves at most in each direction, at least 0.

    Returns:
        A new tensor of the same shape, dtype and device. The shifts are drawn from PyTorch's generator.

    Raises:
        TypeError: `images` is no tensor, or `largest` no integer.
        ValueError: `images` has another shape, or `largest` is negative.

    >>> random_shift(torch.ones(2, 1, 28, 28), largest=2).shape
    torch.Size([2, 1, 28, 28])
    """
    _check_batch("images", images)
    largest = integer("largest", largest, least=0)
    dx, dy = torch.randint(-largest, largest + 1, (2, len(images)))
    return shift_each(images, dx, dy)


class Augmented:
    """Batches whose images are changed, anew each time they are gone through.

    Args:
        batches: Batches, or a DataLoader: yields (images, labels).
        change: images → images. Its random numbers make the difference from one time to the next.

    Raises:
        TypeError: `change` cannot be called.

    >>> from mnist_lib.data import Split
    >>> ones = Split(torch.ones(3, 1, 1, 2), torch.arange(3))
    >>> moved = Augmented(Batches(ones, 2), lambda images: shift(images, dx=1, dy=0))
    >>> len(moved), [images.flatten().tolist() for images, labels in moved]
    (2, [[0.0, 1.0, 0.0, 1.0], [0.0, 1.0]])
    """

    def __init__(self, batches, change):
        if not callable(change):
            raise TypeError(f"change must be a function of images, got {change!r}")
        self.batches, self.change = batches, change

    def __len__(self):
        return len(self.batches)

    def __iter__(self):
        for images, labels in self.batches:
            yield self.change(images), labels


def shift_grid(model, split, steps=range(-6, 7)):
    """How a model does on a split at every shift of a grid: accuracy, and consistency (Zhang 2019).

    A batch is padded once; each shift is a window on it. The model runs on its own device; on a CPU a copy of it
    runs, with channels last in memory: convolutions are faster so, and their sums differ by rounding alone.

    Args:
        model: images → logits. Its mode is put back, no gradient is recorded.
        split: a Split.
        steps: the different integers that dx and dy take.

    Returns:
        A ShiftGrid: two DataFrames with the index dy, the columns dx and values from 0 to 1.

    Raises:
        TypeError: `split` is no Split, or a step is no integer.
        ValueError: `split` or `steps` is empty, or a step comes twice.

    >>> from mnist_lib.data import Split
    >>> black = Split(torch.zeros(4, 1, 28, 28), torch.arange(4))
    >>> model = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
    >>> shift_grid(model, black, steps=[-1, 0]).consistency.to_numpy().tolist()
    [[1.0, 1.0], [1.0, 1.0]]
    """
    steps = _check_steps(steps)
    check_split(split)
    device = device_of(model)
    if device.type == "cpu":
        model = copy.deepcopy(model).to(memory_format=torch.channels_last)
    counts = torch.zeros(2, len(steps), len(steps), dtype=torch.int64, device=device)
    with evaluation_mode(model):
        for images, labels in Batches(split, BATCH_SIZE):
            unshifted, shifted = _answers(model, images.to(device), steps)
            for count, wanted in zip(counts, (labels.to(device), unshifted)):
                count += (shifted == wanted).sum(dim=2)
    index, columns = pd.Index(steps, name="dy"), pd.Index(steps, name="dx")
    shares = counts.cpu().numpy() / len(split)  # all that ever leaves the device
    return ShiftGrid(*(pd.DataFrame(share, index, columns) for share in shares))


def by_radius(table):
    """The mean over all shifts of the same radius, the larger of |dx| and |dy|.

    Args:
        table: a DataFrame with the index dy and the columns dx, such as ShiftGrid has.

    Returns:
        A Series with the index radius, from the smallest to the largest.

    Raises:
        TypeError: `table` is no DataFrame.

    >>> table = pd.DataFrame([[0.8, 0.6], [0.4, 0.2]], index=[0, 1], columns=[0, 1])
    >>> by_radius(table).round(3).to_dict()
    {0: 0.8, 1: 0.4}
    """
    if not isinstance(table, pd.DataFrame):
        raise TypeError(f"table must be a DataFrame, got {type(table).__name__}")
    down, right = np.abs(table.index.to_numpy()), np.abs(table.columns.to_numpy())
    radius = pd.Index(np.maximum.outer(down, right).ravel(), name="radius")
    return pd.Series(table.to_numpy().ravel(), radius).groupby(level="radius").mean()


class BlurPool2d(nn.Module):
    """Blur each channel, then take every stride-th pixel: it aliases less than taking them at once (Zhang 2019).

    The filter is binomial, [1, 2, 1]/4 in both directions for 3, and is not trained. The border is mirrored.
    `nn.Sequential(nn.MaxPool2d(2, stride=1), BlurPool2d())` stands for `nn.MaxPool2d(2)`.

    Args:
        kernel_size: pixels of the filter in each direction, at least 1.
        stride: steps from one pixel that is taken to the next, at least 1.

    Raises:
        TypeError: an argument is no integer.
        ValueError: an argument is below 1.

    >>> BlurPool2d()(torch.tensor([[[[0.0, 0, 4, 0, 0]] * 2]])).tolist()
    [[[[0.0, 2.0, 0.0]]]]
    """

    def __init__(self, kernel_size=3, stride=2):
        super().__init__()
        self.kernel_size = integer("kernel_size", kernel_size, least=1)
        self.stride = integer("stride", stride, least=1)
        row = torch.ones(1)
        for _ in range(self.kernel_size - 1):
            row = (F.pad(row, (0, 1)) + F.pad(row, (1, 0))) / 2  # Pascal's triangle, halved
        self.register_buffer("filter", row.outer(row), persistent=False)  # moves with the model

    def forward(self, maps):
        """Maps (N, C, H, W) of floating point numbers → (N, C, ⌈H / stride⌉, ⌈W / stride⌉).

        Raises:
            TypeError: `maps` is no tensor of floating point numbers.
            ValueError: `maps` has another shape, or is too small to be mirrored at the border.
        """
        _check_batch("maps", maps)
        if not maps.is_floating_point():
            raise TypeError(f"maps must hold floating point numbers, got {maps.dtype}")
        before = (self.kernel_size - 1) // 2
        after = self.kernel_size - 1 - before
        maps = _mirror(_mirror(maps, before, after, axis=2), before, after, axis=3)
        channels = maps.shape[1]
        weight = self.filter.to(maps.dtype).expand(channels, 1, -1, -1)
        return F.conv2d(maps, weight, stride=self.stride, groups=channels)

    def extra_repr(self):
        """The arguments, for `print`."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}"


def _mirror(maps, before, after, axis):
    """Add mirrored cells on both sides of an axis, as F.pad does with "reflect".

    F.pad does not give the same gradients each time on CUDA; this does.
    """
    size = maps.shape[axis]
    if max(before, after) >= size:
        wanted = f"more than {max(before, after)} rows and columns to be mirrored"
        raise ValueError(f"maps must have {wanted}, got the shape {tuple(maps.shape)}")
    first = maps.narrow(axis, 1, before).flip(axis)
    last = maps.narrow(axis, size - 1 - after, after).flip(axis)
    return torch.cat([first, maps, last], dim=axis)


def _sources(shifts, size):
    """Where each cell of an axis comes from, int64 (N, size): −1 or `size` where nothing does."""
    places = torch.arange(size, device=shifts.device)
    return (places - shifts.unsqueeze(1)).clamp(-1, size)


def _answers(model, images, steps):
    """The classes that a model gives images (N, C, H, W): unshifted (N,), and at each shift (dy, dx, N)."""
    height, width = images.shape[-2:]
    reach = max(map(abs, steps))
    top, left = min(reach, height), min(reach, width)
    padded = F.pad(images, (left, left, top, top))

    def answer(dx, dy):
        row, column = top - _clip(dy, top), left - _clip(dx, left)
        window = padded[..., row : row + height, column : column + width]  # a view, no copy
        return model(window).argmax(dim=1)

    shifted = torch.stack([answer(dx, dy) for dy in steps for dx in steps])
    return answer(0, 0), shifted.reshape(len(steps), len(steps), len(images))


def _clip(value, limit):
    """`value`, or the nearest integer from −limit to limit: moved that far, an image has left the frame."""
    return max(-limit, min(value, limit))


def _check_tensor(name, value):
    if not isinstance(value, torch.Tensor):
        raise TypeError(f"{name} must be a tensor, got {type(value).__name__}")


def _check_batch(name, value):
    _check_tensor(name, value)
    if value.ndim != 4:
        raise ValueError(f"{name} must have the shape (N, C, H, W), got {tuple(value.shape)}")


def _check_steps(steps):
    """The steps of a grid as a list of different ints."""
    try:
        steps = list(steps)
    except TypeError:
        raise TypeError(f"steps must be a list or a range of integers, got {steps!r}") from None
    steps = [integer("each of steps", step) for step in steps]
    if not steps or len(set(steps)) < len(steps):
        raise ValueError(f"steps must be different integers, at least one, got {steps}")
    return steps
