"""Shifts held against loops over pixels and images, and what follows a shift exactly and what does not."""

import math
from functools import partial
from itertools import product

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare
from torch import nn
from torch.nn import functional as F

from mnist_lib import shifts, training
from mnist_lib.data import Augmented, Batches, Split
from mnist_lib.models import SoftmaxClassifier, TinyVGG

DEVICES = sorted({"cpu", training.pick_device().type})
KINDS = [torch.float32, torch.float64, torch.uint8, torch.int64, torch.bool]
distances = st.one_of(st.integers(-8, 8), st.sampled_from([-1000, 1000, 2**63 - 1, -(2**63)]))


def by_pixel(image, dx, dy):
    """One image (H, W), moved pixel by pixel: each looks where it comes from."""
    height, width = image.shape
    moved = torch.zeros_like(image)
    for row in range(height):
        for column in range(width):
            if 0 <= row - dy < height and 0 <= column - dx < width:
                moved[row, column] = image[row - dy, column - dx]
    return moved


def random_images(shape, seed=0, dtype=torch.float32):
    """Noise from 1 to 100: a zero has come in from outside."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(1, 101, shape, generator=generator).to(dtype)


def smooth_images(count, size, seed):
    """Random images (count, 1, size, size) without the finest detail, mostly from −2 to 2."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.randn(count, 1, size // 2, size // 2, generator=generator)
    return F.interpolate(coarse, size=(size, size), mode="bicubic")


def make_split(size=40, seed=0):
    """Blots in the middle of the frame, as digits are, and labels 0 to 2."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(size, 1, 5, 5, generator=generator).sub(0.5).clamp(0)
    images = F.pad(F.interpolate(coarse, size=(20, 20), mode="bilinear"), (4, 4, 4, 4))
    return Split(images, torch.randint(3, (size,), generator=generator))


def make_model(seed=3):
    """Small, with answers 0 to 2; dropout and batch normalisation make its two modes differ.

    With this seed its answers change with the shift: `test_the_cases_of_the_grid_tell_shifts_apart` sees to it.
    """
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.MaxPool2d(4),
        nn.Flatten(),
        nn.Dropout(0.5),
        nn.Linear(4 * 7 * 7, 3, bias=False),
    )


# One shift for all images


@settings(max_examples=settings.default.max_examples // 2)
@given(
    shape=st.lists(st.integers(1, 6), min_size=2, max_size=4),
    dx=distances,
    dy=distances,
    dtype=st.sampled_from(KINDS),
    seed=st.integers(0, 1000),
)
def test_a_shift_is_that_of_the_loop_over_pixels(shape, dx, dy, dtype, seed):
    images = random_images(shape, seed, dtype)
    before = images.clone()
    moved = shifts.shift(images, dx, dy)
    expected = [by_pixel(image, dx, dy) for image in images.reshape(-1, *shape[-2:])]
    assert torch.equal(moved, torch.stack(expected).reshape(shape))
    assert (moved.dtype, moved.device) == (images.dtype, images.device)
    moved.zero_()
    assert torch.equal(images, before), "the result is a new tensor"


@pytest.mark.parametrize("each", [False, True])
@pytest.mark.parametrize(
    ("dx", "dy", "lands"),
    [(2, 0, (3, 5)), (-2, 0, (3, 1)), (0, 2, (5, 3)), (0, -2, (1, 3)), (1, -3, (0, 4))],
)
def test_positive_dx_moves_right_and_positive_dy_moves_down(dx, dy, lands, each):
    image = torch.zeros(1, 1, 7, 7)
    image[0, 0, 3, 3] = 1  # row 3, column 3
    moved = (
        shifts.shift_each(image, torch.tensor([dx]), torch.tensor([dy]))
        if each
        else shifts.shift(image, dx, dy)
    )
    assert moved[0, 0].nonzero().tolist() == [list(lands)]


@settings(max_examples=settings.default.max_examples // 4)
@given(dx=st.integers(-3, 3), dy=st.integers(-3, 3), seed=st.integers(0, 1000))
def test_there_and_back_loses_only_what_left_the_frame(dx, dy, seed):
    inside = F.pad(random_images((2, 1, 3, 4), seed), (3, 3, 3, 3))
    assert torch.equal(shifts.shift(shifts.shift(inside, dx, dy), -dx, -dy), inside)
    images = random_images((2, 1, 5, 6), seed)
    back = shifts.shift(shifts.shift(images, dx, dy), -dx, -dy)
    assert torch.equal(back[back != 0], images[back != 0])
    assert (back == 0).sum() == 2 * (5 * 6 - (5 - abs(dy)) * (6 - abs(dx)))


def test_numpy_integers_empty_batches_and_gradients():
    images = random_images((2, 1, 4, 4)).requires_grad_()
    moved = shifts.shift(images, np.int64(1), np.int32(0))
    assert torch.equal(moved, shifts.shift(images, 1, 0))
    moved.sum().backward()
    assert torch.equal(images.grad, (torch.arange(4) < 3).expand(2, 1, 4, 4).float())
    assert shifts.shift(torch.ones(0, 1, 28, 28), 1, 1).shape == (0, 1, 28, 28)
    none = torch.zeros(0, dtype=torch.int64)
    assert shifts.shift_each(torch.ones(0, 1, 28, 28), none, none).shape == (0, 1, 28, 28)


@pytest.mark.parametrize("device", DEVICES)
def test_a_result_stays_on_its_device_and_in_its_memory_format(device):
    images = random_images((2, 3, 5, 4)).to(device, memory_format=torch.channels_last)
    moved = shifts.shift(images, 1, -1)
    assert moved.device.type == device
    assert moved.is_contiguous(memory_format=torch.channels_last)
    each = shifts.shift_each(images, torch.tensor([1, 1]), torch.tensor([-1, -1]))  # on the CPU
    assert each.device.type == device and torch.equal(each, moved)


def test_infinities_and_nan_are_moved_like_other_numbers():
    images = torch.tensor([math.inf, math.nan, -math.inf]).expand(1, 1, 3, 3)
    moved = shifts.shift_each(images, torch.tensor([2]), torch.tensor([1]))
    expected = torch.tensor([[0, 0, 0], [0, 0, math.inf], [0, 0, math.inf]])
    torch.testing.assert_close(moved[0, 0], expected, equal_nan=True, rtol=0, atol=0)
    torch.testing.assert_close(shifts.shift(images, 2, 1), moved, equal_nan=True, rtol=0, atol=0)


# A shift for each image


@settings(max_examples=settings.default.max_examples // 2)
@given(
    shape=st.tuples(*[st.integers(1, 5)] * 4),
    places=st.lists(st.tuples(distances, distances), min_size=5, max_size=5),
    dtype=st.sampled_from(KINDS),
    seed=st.integers(0, 1000),
)
def test_each_image_goes_where_it_would_go_alone(shape, places, dtype, seed):
    images = random_images(shape, seed, dtype)
    before = images.clone()
    dx, dy = torch.tensor(places[: shape[0]]).T
    moved = shifts.shift_each(images, dx, dy)
    for image, result, (right, down) in zip(images, moved, places):
        for channel, expected in zip(image, result, strict=True):
            assert torch.equal(by_pixel(channel, right, down), expected)
    assert (moved.shape, moved.dtype) == (images.shape, images.dtype)
    assert moved.is_contiguous()
    moved.zero_()
    assert torch.equal(images, before), "the result is a new tensor"


# Random shifts


def drawn_shifts(count, largest, seed=0, device="cpu"):
    """The shifts (dx, dy) that `random_shift` drew, read from where a lit pixel went, (count, 2)."""
    size = 2 * largest + 1
    images = torch.zeros(count, 1, size, size, device=device)
    images[:, 0, largest, largest] = 1
    torch.manual_seed(seed)
    place = shifts.random_shift(images, largest)[:, 0].flatten(1).cpu()
    assert (place.sum(dim=1) == 1).all()
    place = place.argmax(dim=1)
    return torch.stack([place % size - largest, place // size - largest], dim=1)


@pytest.mark.parametrize("largest", [0, 1, 2, 4])
def test_every_shift_is_drawn_and_each_about_as_often(largest):
    """A fair draw fails this in one of 10,000 seeds; the seed is fixed."""
    size = 2 * largest + 1
    drawn = drawn_shifts(200 * size**2, largest) + largest
    counts = torch.bincount(drawn[:, 0] * size + drawn[:, 1], minlength=size**2)
    assert len(counts) == size**2 and (counts > 0).all()
    assert largest == 0 or chisquare(counts.numpy()).pvalue > 1e-4


def test_images_of_a_batch_move_by_themselves():
    drawn = drawn_shifts(50, largest=4)
    assert len(drawn.unique(dim=0)) > 20
    assert not torch.equal(drawn[:, 0], drawn[:, 1])
    assert torch.equal(drawn, drawn_shifts(50, largest=4))
    assert not torch.equal(drawn, drawn_shifts(50, largest=4, seed=1))


@pytest.mark.parametrize("device", DEVICES)
def test_the_same_seed_draws_the_same_shifts_on_every_device(device):
    assert torch.equal(drawn_shifts(50, 3), drawn_shifts(50, 3, device=device))


# Augmented batches


def test_augmented_batches_are_changed_anew_each_time():
    split = make_split(50)
    batches = Batches(split, 16)
    moved = Augmented(batches, partial(shifts.random_shift, largest=2))
    assert len(moved) == len(batches) == 4
    torch.manual_seed(0)
    first, second = list(moved), list(moved)
    for (images, labels), (again, same_labels), (plain, plain_labels) in zip(
        first, second, batches, strict=True
    ):
        assert torch.equal(labels, plain_labels) and torch.equal(same_labels, plain_labels)
        assert images.shape == plain.shape
        assert not torch.equal(images, again)
    torch.manual_seed(0)
    assert all(torch.equal(a[0], b[0]) for a, b in zip(first, moved, strict=True))


def test_augmented_batches_are_what_change_makes_of_them():
    batches = Batches(make_split(5), 2, shuffle=True)
    torch.manual_seed(3)
    expected = [(1 - images, labels) for images, labels in batches]
    torch.manual_seed(3)
    for (images, labels), (changed, kept) in zip(
        expected, Augmented(batches, lambda images: 1 - images), strict=True
    ):
        assert torch.equal(images, changed) and torch.equal(labels, kept)


def test_a_model_is_fitted_on_augmented_batches():
    model, split = SoftmaxClassifier(), make_split(20)
    before, seen = split.images.clone(), []
    moved = Augmented(Batches(split, 8), lambda images: seen.append(images) or images)
    training.fit(model, moved, torch.optim.SGD(model.parameters(), lr=0.1), epochs=2)
    assert [len(images) for images in seen] == [8, 8, 4] * 2
    assert torch.equal(split.images, before)


# The grid


def grid_by_loop(model, split, steps):
    """Image by image, shift by shift: {(dy, dx): (accuracy, consistency)}."""
    model.eval()
    table = {}
    with torch.no_grad():
        unshifted = [model(image.unsqueeze(0)).argmax().item() for image in split.images]
        for dy in steps:
            for dx in steps:
                moved = [by_pixel(image[0], dx, dy) for image in split.images]
                answers = [model(image[None, None]).argmax().item() for image in moved]
                right = sum(a == b for a, b in zip(answers, split.labels.tolist(), strict=True))
                same = sum(a == b for a, b in zip(answers, unshifted, strict=True))
                table[dy, dx] = right / len(split), same / len(split)
    return table


@pytest.mark.parametrize(
    ("size", "batch_size", "steps"),
    [
        (7, 3, [-2, 0, 5]),
        (4, 250, [3, 1]),
        (3, 1, [0]),
        (2, 2, [-30, np.int64(-28), -27, 10**12, 2]),
    ],
)
def test_the_grid_is_that_of_the_loop_over_images(monkeypatch, size, batch_size, steps):
    """Batches of any size, steps without 0, not symmetric, in any order, beyond the border."""
    monkeypatch.setattr(shifts, "evaluation_batch_size", lambda model: batch_size)
    model, split = make_model(), make_split(size)
    expected = grid_by_loop(model, split, steps)
    grid = shifts.shift_grid(model, split, steps)
    for number, table in enumerate(grid):
        assert list(table.index) == list(table.columns) == list(steps)
        assert (table.index.name, table.columns.name) == ("dy", "dx")
        for (dy, dx), values in expected.items():
            assert table.loc[dy, dx] == pytest.approx(values[number], abs=1e-12)


def test_the_cases_of_the_grid_tell_shifts_apart():
    """The test above would see dx for dy, a sign, or labels in place of answers."""
    accuracy, table = map(np.array, shifts.shift_grid(make_model(), make_split(7), [-2, 0, 5]))
    assert not np.array_equal(table, table.T)
    assert not np.array_equal(table, table[::-1]) and not np.array_equal(table, table[:, ::-1])
    assert not np.array_equal(accuracy, table)


def test_rows_are_dy_and_columns_are_dx():
    """By a model that says how far a pixel went: to the right by its class, and down not at all."""
    model = nn.Sequential(nn.AvgPool2d((28, 1)), nn.Flatten(), nn.Linear(28, 10, bias=False))
    with torch.no_grad():
        model[2].weight.copy_(F.pad(torch.eye(10), (9, 9)))  # class c: a pixel in column 9 + c
    images = torch.zeros(1, 1, 28, 28)
    images[0, 0, 14, 12] = 1  # class 3
    accuracy, consistency = shifts.shift_grid(model, Split(images, torch.tensor([5])))
    assert (accuracy[2] == 1).all() and (accuracy.drop(columns=2) == 0).all(axis=None)
    assert (consistency[0] == 1).all() and (consistency.loc[:, 1:] == 0).all(axis=None)
    assert list(accuracy.index) == list(accuracy.columns) == list(range(-6, 7))


def test_at_no_shift_nothing_changes():
    model, split = make_model(), make_split(300)
    grid = shifts.shift_grid(model, split, [-1, 0, 1])
    assert grid.consistency.loc[0, 0] == 1
    assert (grid.consistency.drop(index=0) < 1).all(axis=None)
    plain = training.evaluate(model, Batches(split, 100)).accuracy
    assert grid.accuracy.loc[0, 0] == pytest.approx(plain, abs=1e-12)


def test_the_grid_leaves_no_trace():
    model, split = make_model(), make_split(9)
    model[5].eval()
    modes = [module.training for module in model.modules()]
    state, images, random = model.state_dict(), split.images.clone(), torch.get_rng_state()
    before = {name: value.clone() for name, value in state.items()}
    shifts.shift_grid(model, split, [-1, 0])
    assert [module.training for module in model.modules()] == modes
    assert all(torch.equal(state[name], before[name]) for name in before)
    assert torch.equal(split.images, images)
    assert torch.equal(torch.get_rng_state(), random)
    assert all(parameter.grad is None for parameter in model.parameters())


def test_the_model_sees_plain_images_and_no_gradient_is_recorded():
    model, seen = make_model(), []
    model.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].is_contiguous()))
    model.register_forward_hook(lambda *call: seen.append(call[-1].requires_grad))
    shifts.shift_grid(model, make_split(3), range(-2, 3))
    assert all(seen[::2]) and not any(seen[1::2]) and len(seen) == 2 * 26


@pytest.mark.parametrize("device", DEVICES)
def test_the_grid_on_every_device_of_this_machine(device):
    """To within the few images between two digits whose answer hangs on the last bit."""
    model, split = make_model(), make_split(100)
    expected = shifts.shift_grid(model, split, [-1, 0, 2])
    grid = shifts.shift_grid(model.to(device), split, [-1, 0, 2])
    for table, wanted in zip(grid, expected):
        assert np.abs(table - wanted).max(axis=None) <= 0.02


def test_for_the_softmax_classifier_the_grid_is_one_convolution():
    """Its weights are ten templates. Laid over the padded images, the window at each place is a shift."""
    torch.manual_seed(0)
    model, split = SoftmaxClassifier().double(), make_split(30)
    split = Split(split.images.double(), split.labels)
    linear = model.layers[1]
    templates = linear.weight.reshape(10, 1, 28, 28)
    with torch.no_grad():
        maps = F.conv2d(F.pad(split.images, (6, 6, 6, 6)), templates, linear.bias)
    answers = maps.argmax(dim=1).flip(1, 2)  # (N, 13, 13): the window at the left moves it right
    right = (answers == split.labels.reshape(-1, 1, 1)).double().mean(dim=0)
    same = (answers == answers[:, 6:7, 6:7]).double().mean(dim=0)
    grid = shifts.shift_grid(model, split)
    np.testing.assert_allclose(grid.accuracy.to_numpy(), right.numpy(), atol=1e-12)
    np.testing.assert_allclose(grid.consistency.to_numpy(), same.numpy(), atol=1e-12)
    assert len(set(grid.consistency.to_numpy().ravel())) > 5, "the test tells shifts apart"


# By radius


@settings(max_examples=settings.default.max_examples // 4)
@given(
    rows=st.lists(st.integers(-7, 7), min_size=1, max_size=6, unique=True),
    columns=st.lists(st.integers(-7, 7), min_size=1, max_size=6, unique=True),
    seed=st.integers(0, 1000),
)
def test_radii_are_those_of_a_loop(rows, columns, seed):
    values = np.random.default_rng(seed).random((len(rows), len(columns)))
    table = pd.DataFrame(values, pd.Index(rows, name="dy"), pd.Index(columns, name="dx"))
    parts = {}
    for row in rows:
        for column in columns:
            parts.setdefault(max(abs(row), abs(column)), []).append(table.loc[row, column])
    means = shifts.by_radius(table)
    assert means.index.name == "radius"
    assert list(means.index) == sorted(parts)
    for radius, part in parts.items():
        assert means[radius] == pytest.approx(sum(part) / len(part), abs=1e-12)


def test_the_radii_of_a_whole_grid():
    grid = shifts.shift_grid(make_model(), make_split(20), range(-3, 4))
    means = shifts.by_radius(grid.consistency)
    assert list(means.index) == [0, 1, 2, 3] and means[0] == 1
    sizes = np.array([1, 8, 16, 24])
    assert (means * sizes).sum() / 49 == pytest.approx(grid.consistency.to_numpy().mean())


# Blur pooling


def blur_by_hand(maps, kernel_size, stride):
    """As in the paper: an outer product of binomial coefficients, reflected borders, a depthwise convolution."""
    row = torch.tensor([math.comb(kernel_size - 1, k) for k in range(kernel_size)]).to(maps.dtype)
    kernel = row.outer(row) / row.sum() ** 2
    before, after = math.floor((kernel_size - 1) / 2), math.ceil((kernel_size - 1) / 2)
    padded = F.pad(maps, (before, after, before, after), mode="reflect")
    parts = [F.conv2d(part, kernel[None, None], stride=stride) for part in padded.split(1, dim=1)]
    return torch.cat(parts, dim=1)


@pytest.mark.parametrize("kernel_size", [1, 2, 3, 4, 5, 7])
@pytest.mark.parametrize(
    ("stride", "shape", "dtype"),
    [
        (1, (2, 1, 5, 5), torch.float64),
        (2, (2, 3, 8, 8), torch.float32),
        (2, (1, 1, 7, 10), torch.float64),
        (3, (3, 4, 27, 13), torch.float32),
    ],
)
def test_blur_pooling_is_the_convolution_of_the_paper(kernel_size, stride, shape, dtype):
    generator = torch.Generator().manual_seed(0)
    maps = torch.rand(shape, generator=generator, dtype=dtype).requires_grad_()
    pooled = shifts.BlurPool2d(kernel_size, stride)(maps)
    copy = maps.detach().clone().requires_grad_()
    expected = blur_by_hand(copy, kernel_size, stride)
    torch.testing.assert_close(pooled, expected)
    assert pooled.shape == (*shape[:2], math.ceil(shape[2] / stride), math.ceil(shape[3] / stride))
    weights = torch.rand(expected.shape, generator=generator, dtype=dtype)
    (pooled * weights).sum().backward()
    (expected * weights).sum().backward()
    torch.testing.assert_close(maps.grad, copy.grad)


def test_blur_pooling_is_boxes_one_after_another():
    """The binomial filter of size k is k − 1 boxes [1, 1]: averages of 2×2, the last with a stride."""
    maps = random_images((2, 3, 9, 9), dtype=torch.float64)
    for kernel_size in (2, 3, 5):
        before = (kernel_size - 1) // 2
        after = kernel_size - 1 - before
        boxes = F.pad(maps, (before, after, before, after), mode="reflect")
        for _ in range(kernel_size - 2):
            boxes = F.avg_pool2d(boxes, 2, stride=1)
        boxes = F.avg_pool2d(boxes, 2, stride=2)
        torch.testing.assert_close(shifts.BlurPool2d(kernel_size)(maps), boxes)


def test_blur_pooling_is_finite_however_wide():
    """Row 200 of Pascal's triangle is beyond float32."""
    pool = shifts.BlurPool2d(200)
    assert pool.filter.sum().item() == pytest.approx(1, abs=1e-5)
    expected = [math.comb(199, k) / 2**199 for k in range(200)]
    torch.testing.assert_close(pool.filter.sum(dim=0), torch.tensor(expected))


def test_blur_pooling_stands_for_max_pooling():
    """The sizes fit, it has nothing to train or to save, and it moves with its model."""
    pool = nn.Sequential(nn.MaxPool2d(2, stride=1), shifts.BlurPool2d())
    maps = torch.rand(2, 5, 28, 28)
    assert pool(maps).shape == nn.MaxPool2d(2)(maps).shape == (2, 5, 14, 14)
    assert pool(pool(maps)).shape == (2, 5, 7, 7)
    assert list(pool.parameters()) == [] and pool.state_dict() == {}
    assert repr(pool[1]) == "BlurPool2d(kernel_size=3, stride=2)"
    assert pool.double()(maps.double()).dtype == torch.float64
    flat = torch.full((1, 1, 7, 9), 3.0)
    torch.testing.assert_close(shifts.BlurPool2d(5)(flat), torch.full((1, 1, 4, 5), 3.0))


@pytest.mark.parametrize("device", DEVICES)
def test_blur_pooling_on_every_device_of_this_machine(device):
    maps = torch.rand(2, 3, 14, 14)
    expected = shifts.BlurPool2d()(maps)
    pool = shifts.BlurPool2d().to(device)
    for memory_format in (torch.contiguous_format, torch.channels_last):
        pooled = pool(maps.to(device, memory_format=memory_format))
        torch.testing.assert_close(pooled.cpu(), expected)


# What follows a shift


def inner(maps, margin):
    """The cells that are at least `margin` away from the border."""
    return maps[..., margin:-margin, margin:-margin]


@settings(max_examples=settings.default.max_examples // 4)
@given(
    dx=st.integers(-4, 4),
    dy=st.integers(-4, 4),
    kernel_size=st.sampled_from([1, 3, 5]),
    channels=st.integers(1, 3),
    seed=st.integers(0, 1000),
)
def test_a_convolution_follows_every_shift_exactly(dx, dy, kernel_size, channels, seed):
    """Away from the border, bit for bit: sums of whole numbers below 2⁵³ have no rounding in float64."""
    images = random_images((2, channels, 20, 21), seed, torch.float64)
    generator = torch.Generator().manual_seed(seed)
    shape = (3, channels, kernel_size, kernel_size)
    kernel = torch.randint(-50, 51, shape, generator=generator).double()
    convolve = partial(F.conv2d, weight=kernel, padding=kernel_size // 2)
    moved_before = convolve(shifts.shift(images, dx, dy))
    moved_after = shifts.shift(convolve(images), dx, dy)
    assert torch.equal(inner(moved_before, 7), inner(moved_after, 7))
    if kernel.any():
        assert inner(moved_after, 7).any()
    framed = F.pad(images, (7,) * 4)  # nothing leaves the frame: then the whole map follows
    moved_before = convolve(shifts.shift(framed, dx, dy))
    assert torch.equal(moved_before, shifts.shift(convolve(framed), dx, dy))


@pytest.mark.parametrize("pool", [F.max_pool2d, F.avg_pool2d], ids=["max", "average"])
def test_pooling_by_two_follows_even_shifts_only(pool):
    images = F.pad(random_images((2, 3, 12, 12), dtype=torch.float64), (6, 6, 6, 6))
    pooled = pool(images, 2)
    for dx in range(-5, 6):
        for dy in range(-5, 6):
            moved = pool(shifts.shift(images, dx, dy), 2)
            if dx % 2 == dy % 2 == 0:
                assert torch.equal(moved, shifts.shift(pooled, dx // 2, dy // 2))
            else:
                for right in (math.floor(dx / 2), math.ceil(dx / 2)):
                    for down in (math.floor(dy / 2), math.ceil(dy / 2)):
                        assert not torch.equal(moved, shifts.shift(pooled, right, down))


def test_global_max_pooling_does_not_see_a_shift():
    images = F.pad(random_images((2, 3, 5, 5)), (6, 6, 6, 6))
    for dx in range(-6, 7):
        for dy in range(-6, 7):
            assert torch.equal(shifts.shift(images, dx, dy).amax((2, 3)), images.amax((2, 3)))
    assert not torch.equal(shifts.shift(images, 7, 0).amax((2, 3)), images.amax((2, 3)))


def departure(pool, images, dx, dy):
    """How far the pooled maps of moved images are from the moved pooled maps, as a share of their spread.

    A map of half the size would have to move by half a cell: read between its cells, from all four at hand.
    """
    moved = pool(shifts.shift(images, dx, dy))
    pooled = pool(images)
    places = [
        shifts.shift(pooled, right, down)
        for right in {math.floor(dx / 2), math.ceil(dx / 2)}
        for down in {math.floor(dy / 2), math.ceil(dy / 2)}
    ]
    between = torch.stack(places).mean(dim=0)
    error = inner(moved - between, 3).square().mean().sqrt()
    return (error / inner(pooled, 3).std()).item()


@pytest.mark.parametrize("make_images", [smooth_images, random_images], ids=["smooth", "random"])
@pytest.mark.parametrize("shift", [(1, 0), (0, -1), (1, 1), (-3, 2), (3, -3)])
def test_blur_pooling_follows_odd_shifts_better_than_max_pooling(make_images, shift):
    """On each of eight seeds by a wide margin, and neither exactly."""
    blurred = nn.Sequential(nn.MaxPool2d(2, stride=1), shifts.BlurPool2d())
    for seed in range(8):
        if make_images is smooth_images:
            images = smooth_images(4, 32, seed)
        else:
            images = random_images((4, 1, 32, 32), seed)
        kept, lost = departure(blurred, images, *shift), departure(nn.MaxPool2d(2), images, *shift)
        assert 0.001 < kept < 0.8 * lost


# Errors

IMAGES = torch.ones(3, 1, 4, 5)
THREE = torch.zeros(3, dtype=torch.int64)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: shifts.shift(IMAGES, 1.0, 1), TypeError, "dx must be an integer, got 1.0"),
        (lambda: shifts.shift(IMAGES, 1, True), TypeError, "dy must be an integer, got True"),
        (lambda: shifts.shift(IMAGES, THREE, 1), TypeError, r"dx must be an integer, got tensor\("),
        (
            lambda: shifts.shift_each(IMAGES, THREE[:1], THREE),
            ValueError,
            r"dx must have the shape \(3,\), one shift for each image, got \(1,\)",
        ),
        (lambda: shifts.random_shift(IMAGES, -1), ValueError, "largest .* at least 0, got -1"),
        (
            lambda: shifts.random_shift(IMAGES, 1.5),
            TypeError,
            "largest must be an integer of at least 0, got 1.5",
        ),
        (
            lambda: shifts.BlurPool2d(0),
            ValueError,
            "kernel_size must be an integer of at least 1, got 0",
        ),
        (
            lambda: shifts.BlurPool2d(3, stride=1.5),
            TypeError,
            "stride must be an integer of at least 1, got 1.5",
        ),
    ],
)
def test_bad_input_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_bad_steps_are_named_and_a_split_without_images():
    for steps, error, message in [
        ([], ValueError, r"steps must be different integers, at least one, got \[\]"),
        ([0, 1, 0], ValueError, r"steps must be different integers, .* got \[0, 1, 0\]"),
        ([0, 1.0], TypeError, "each of steps must be an integer, got 1.0"),
    ]:
        with pytest.raises(error, match=message):
            shifts.shift_grid(make_model(), make_split(3), steps)
    with pytest.raises(ValueError, match="split must hold at least one image, got none"):
        shifts.shift_grid(make_model(), make_split(0))


def test_a_grid_takes_batches_too():
    model, split = make_model(), make_split(7)
    for table, other in zip(
        shifts.shift_grid(model, split, [0, 3]), shifts.shift_grid(model, Batches(split, 2), [0, 3])
    ):
        assert table.equals(other)


class Homework(nn.Module):
    """The commonest line of homework is in it, and a map that it keeps."""

    def __init__(self):
        super().__init__()
        self.convolution, self.linear = nn.Conv2d(1, 4, 3, padding=1), nn.Linear(4 * 784, 10)

    def forward(self, images):
        self.seen = images.view(len(images), -1)
        self.maps = self.convolution(images)
        return self.linear(self.maps.view(len(images), -1))


def test_a_grid_asks_nothing_of_the_layout_and_copies_no_model():
    torch.manual_seed(0)
    model, split = Homework(), make_split(20)
    model(split.images)  # what it keeps has a graph, and cannot be copied
    grid = shifts.shift_grid(model, split, [-3, 0, 2])
    for dx, dy in product([-3, 0, 2], repeat=2):
        moved = Split(shifts.shift(split.images, dx, dy), split.labels)
        assert grid.accuracy.loc[dy, dx] == pytest.approx(training.evaluate(model, moved).accuracy)


def test_a_model_that_fails_gets_its_mode_back():
    model = TinyVGG().train()
    with pytest.raises(ValueError, match="images must have the shape"):
        shifts.shift_grid(model, Split(torch.ones(2, 1, 5, 5), torch.tensor([0, 1])))
    assert all(module.training for module in model.modules())
