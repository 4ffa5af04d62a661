"""Moved images: shifts of a batch, how a model bears them, training with them, and blur pooling against them.

Everywhere, positive dx moves right and positive dy moves down. What leaves the frame is lost, and zeros come in.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.nn import functional as F

from .data import Batches, Split
from .machinery.checks import integer
from .training import device_of, evaluation_batch_size, evaluation_mode


class ShiftGrid(NamedTuple):
    """What a model makes of a split at every shift: two DataFrames of shares, a row for each dy, a column for each dx.

    `accuracy`: classified correctly; `consistency`: given the same answer as unshifted, right or wrong.
    """

    accuracy: pd.DataFrame
    consistency: pd.DataFrame


def shift(images, dx, dy):
    """Move images by dx pixels to the right and dy pixels down (built in notebook 11).

    Args:
        images: a tensor (..., H, W): one image, or any batch of them.
        dx, dy: integers of any size; negative ones move left and up.

    Returns:
        A new tensor of the same shape, dtype and device.

    >>> shift(torch.tensor([[1, 2, 3], [4, 5, 6]]), dx=1, dy=0)
    tensor([[0, 1, 2],
            [0, 4, 5]])
    """
    height, width = images.shape[-2:]
    dx = _clip(integer("dx", dx), width)
    dy = _clip(integer("dy", dy), height)
    return F.pad(images, (dx, -dx, dy, -dy))  # left, right, top, bottom; below 0 it cuts off


def shift_each(images, dx, dy):
    """Move every image of a batch by its own shift (built in notebook 11).

    Args:
        images: a tensor (N, C, H, W).
        dx, dy: int64 (N,): how far each image moves to the right, and how far down.

    Returns:
        A new tensor of the same shape, dtype and device.

    >>> images = torch.tensor([[1, 2, 3], [4, 5, 6]]).reshape(2, 1, 1, 3)
    >>> shift_each(images, dx=torch.tensor([1, -2]), dy=torch.tensor([0, 0])).flatten(1)
    tensor([[0, 1, 2],
            [6, 0, 0]])
    """
    count, _, height, width = images.shape
    for name, value in (("dx", dx), ("dy", dy)):
        if value.shape != (count,):  # a single number would move all of them
            expected = f"the shape ({count},), one shift for each image"
            raise ValueError(f"{name} must have {expected}, got {tuple(value.shape)}")
    dx, dy = dx.clamp(-width, width), dy.clamp(-height, height)
    reach = int(max(dx.abs().max(), dy.abs().max())) if count else 0  # read before they are moved
    padded = F.pad(images, (reach, reach, reach, reach))
    windows = padded.unfold(2, height, 1).unfold(3, width, 1)  # every window on it, no copies
    image = torch.arange(count, device=images.device)
    top, left = ((reach - by).to(images.device) for by in (dy, dx))
    return windows[image, :, top, left]  # (N, C, H, W)


def random_shift(images, largest):
    """Move every image of a batch by its own random shift, each as likely as any other (built in notebook 11).

    Args:
        images: a tensor (N, C, H, W).
        largest: how many pixels an image moves at most in each direction, at least 0.

    Returns:
        A new tensor of the same shape, dtype and device. The shifts are drawn from PyTorch's generator.

    >>> random_shift(torch.ones(2, 1, 28, 28), largest=2).shape
    torch.Size([2, 1, 28, 28])
    """
    largest = integer("largest", largest, least=0)
    dx, dy = torch.randint(-largest, largest + 1, (2, len(images)))
    return shift_each(images, dx, dy)


def shift_grid(model, split, steps=range(-6, 7)):
    """How a model does on a split at every shift of a grid: accuracy, and consistency (Zhang 2019).

    A batch is padded once; each shift is a window on it. Built in notebook 11.

    Args:
        model: images → logits. Its mode is put back, no gradient is recorded.
        split: a Split, or batches (images, labels). They are moved to the model's device.
        steps: the different integers that dx and dy take.

    Returns:
        A ShiftGrid: two DataFrames with the index dy, the columns dx and values from 0 to 1.

    Raises:
        TypeError, ValueError: `steps` are not different integers, or there is none, or no image.

    >>> from mnist_lib.data import Split
    >>> black = Split(torch.zeros(4, 1, 28, 28), torch.arange(4))
    >>> model = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
    >>> shift_grid(model, black, steps=[-1, 0]).consistency.to_numpy().tolist()
    [[1.0, 1.0], [1.0, 1.0]]
    """
    steps = [integer("each of steps", step) for step in steps]
    if not steps or len(set(steps)) < len(steps):
        raise ValueError(f"steps must be different integers, at least one, got {steps}")
    device, seen = device_of(model), 0
    batches = Batches(split, evaluation_batch_size(model)) if isinstance(split, Split) else split
    counts = torch.zeros(2, len(steps), len(steps), dtype=torch.int64, device=device)
    with evaluation_mode(model):
        for images, labels in batches:
            unshifted, shifted = _answers(model, images.to(device), steps)
            for count, wanted in zip(counts, (labels.to(device), unshifted)):
                count += (shifted == wanted).sum(dim=2)
            seen += len(labels)
    if seen == 0:
        raise ValueError("split must hold at least one image, got none")
    index, columns = pd.Index(steps, name="dy"), pd.Index(steps, name="dx")
    shares = counts.cpu().numpy() / seen  # all that ever leaves the device
    return ShiftGrid(*(pd.DataFrame(share, index, columns) for share in shares))


def by_radius(table):
    """The mean over all shifts of the same radius, the larger of |dx| and |dy| (built in notebook 11).

    Args:
        table: a DataFrame with the index dy and the columns dx, such as ShiftGrid has.

    Returns:
        A Series with the index radius, from the smallest to the largest.

    >>> table = pd.DataFrame([[0.8, 0.6], [0.4, 0.2]], index=[0, 1], columns=[0, 1])
    >>> by_radius(table).round(3).to_dict()
    {0: 0.8, 1: 0.4}
    """
    down, right = np.abs(table.index.to_numpy()), np.abs(table.columns.to_numpy())
    radius = pd.Index(np.maximum.outer(down, right).ravel(), name="radius")
    return pd.Series(table.to_numpy().ravel(), radius).groupby(level="radius").mean()


class BlurPool2d(nn.Module):
    """Blur each channel, then take every stride-th pixel: it aliases less than taking them at once (Zhang 2019).

    The filter is binomial, [1, 2, 1]/4 in both directions for 3, and is not trained. The border is mirrored.
    `nn.Sequential(nn.MaxPool2d(2, stride=1), BlurPool2d())` stands for `nn.MaxPool2d(2)`. Built in notebook 11.

    Args:
        kernel_size: pixels of the filter in each direction, at least 1.
        stride: steps from one pixel that is taken to the next, at least 1.

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
        """Maps (N, C, H, W) → (N, C, ⌈H / stride⌉, ⌈W / stride⌉)."""
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
    """Add mirrored cells on both sides of an axis, as F.pad does with "reflect", but repeatably on CUDA."""
    size = maps.shape[axis]
    first = maps.narrow(axis, 1, before).flip(axis)
    last = maps.narrow(axis, size - 1 - after, after).flip(axis)
    return torch.cat([first, maps, last], dim=axis)


def _answers(model, images, steps):
    """The classes that a model gives images (N, C, H, W): unshifted (N,), and at each shift (dy, dx, N)."""
    height, width = images.shape[-2:]
    reach = max(map(abs, steps))
    top, left = min(reach, height), min(reach, width)
    padded = F.pad(images, (left, left, top, top))

    def answer(dx, dy):
        row, column = top - _clip(dy, top), left - _clip(dx, left)
        window = padded[..., row : row + height, column : column + width]
        return model(window.contiguous()).argmax(dim=1)  # `view` in a model needs it

    shifted = torch.stack([answer(dx, dy) for dy in steps for dx in steps])
    return answer(0, 0), shifted.reshape(len(steps), len(steps), len(images))


def _clip(value, limit):
    """`value`, or the nearest integer from −limit to limit: moved that far, an image has left the frame."""
    return max(-limit, min(value, limit))
