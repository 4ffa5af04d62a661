"""Strokes: grey values by hand and against a count of points, what moving and scaling leave alone, any input."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mnist_lib import strokes as library
from mnist_lib.data import load_mnist
from mnist_lib.machinery.tracing import trace
from mnist_lib.strokes import (
    BOX,
    MIDDLE,
    PEN,
    centre_by_mass,
    centre_of_mass,
    check_strokes,
    draw,
    fit_to_box,
    prepare,
)

SEVEN = [[(0.1, 0.1), (0.4, 0.12), (0.2, 0.7)], [(0.15, 0.4), (0.35, 0.38)]]  # with a crossbar
EDGES = 14.0  # where the middle of the pad is, in pixels


@pytest.fixture(scope="module")
def sample():
    return load_mnist("sample")


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def random_strokes(seed, count=3, points=4, low=0.1, high=0.9):
    places = torch.rand(count, points, 2, generator=generator(seed)).double().numpy()
    return list(low + (high - low) * places)


def moved(strokes, factor, dx, dy):
    return [np.asarray(stroke) * factor + (dx, dy) for stroke in strokes]


def box_of(image, level=0.5):
    """The box of what is brighter than `level`: left, right, top, bottom, in pixels."""
    columns = np.flatnonzero(image[0].amax(dim=0) > level)
    rows = np.flatnonzero(image[0].amax(dim=1) > level)
    return columns[0], columns[-1] + 1, rows[0], rows[-1] + 1


def by_points(strokes, pen, size, fine=8):
    """The share of a grid of points in each pixel that the pen covers: what `draw` comes close to."""
    places = (np.arange(size * fine) + 0.5) / (size * fine)
    points = np.stack(np.meshgrid(places, places), axis=-1).reshape(-1, 2)
    covered = np.zeros(len(points), dtype=bool)
    for stroke in map(np.asarray, strokes):
        for start, end in zip(stroke, [*stroke[1:], stroke[-1]]):
            along = end - start
            share = np.clip((points - start) @ along / max(along @ along, 1e-12), 0, 1)
            nearest = start + share[:, None] * along
            covered |= np.linalg.norm(points - nearest, axis=1) <= pen / 2
    return torch.tensor(covered.reshape(size, fine, size, fine).mean(axis=(1, 3)))


# check_strokes


@pytest.mark.parametrize(
    "stroke",
    [
        [[0.1, 0.2], [0.3, 0.4]],
        [(0.1, 0.2), (0.3, 0.4)],
        np.array([[0.1, 0.2], [0.3, 0.4]]),
        torch.tensor([[0.1, 0.2], [0.3, 0.4]], dtype=torch.float64, requires_grad=True),
    ],
    ids=["lists", "tuples", "array", "tensor"],
)
def test_strokes_come_as_lists_arrays_or_tensors(stroke):
    (array,) = check_strokes([stroke])
    assert array.dtype == np.float64 and array.tolist() == [[0.1, 0.2], [0.3, 0.4]]


def test_a_drawing_may_be_empty_and_integers_and_the_limits_will_do():
    assert check_strokes([]) == [] and check_strokes(()) == []
    assert check_strokes([[(-10, 10)]])[0].tolist() == [[-10.0, 10.0]]


@pytest.mark.parametrize(
    ("strokes", "error", "message"),
    [
        (7, TypeError, r"^strokes must be a list of strokes, got 7$"),
        (None, TypeError, r"^strokes must be a list of strokes, got None$"),
        ("7", ValueError, r"^strokes\[0\] must be points .*, got '7'$"),
        ([7], ValueError, r"^strokes\[0\] must be points .*\(K, 2\) of numbers .*, got 7$"),
        ([[(0, 0)], []], ValueError, r"^strokes\[1\] must be points .*, got \[\]$"),
        ([[0.1, 0.2]], ValueError, r"^strokes\[0\] must be points .*, got \[0.1, 0.2\]$"),
        ([[(1, 2, 3)]], ValueError, r"^strokes\[0\] must be points .*, got \[\(1, 2, 3\)\]$"),
        ([[(1, 2), (3,)]], ValueError, r"^strokes\[0\] must be points .*, got \[\(1, 2\), \(3,\)"),
        ([[("a", "b")]], ValueError, r"^strokes\[0\] must be .* numbers .*, got \[\('a', 'b'\)\]$"),
        ([[(None, 1)]], ValueError, r"^strokes\[0\] must be .* numbers .*, got"),
        ([[(1j, 1)]], ValueError, r"^strokes\[0\] must be .* numbers .*, got"),
        ([[(0, 10**400)]], ValueError, r"^strokes\[0\] must be .* numbers .*, got"),
        ([[(0, math.nan)]], ValueError, r"^strokes\[0\] must be .* from −10 to 10, got .*nan"),
        ([[(0, math.inf)]], ValueError, r"^strokes\[0\] must be .* from −10 to 10, got .*inf"),
        ([[(0, 0), (-10.5, 0)]], ValueError, r"^strokes\[0\] must be .* to 10, got .*-10.5"),
    ],
)
def test_what_is_no_drawing_is_refused(strokes, error, message):
    for function in (check_strokes, lambda strokes: draw(strokes, 0.1), prepare):
        with pytest.raises(error, match=message):
            function(strokes)


# draw


@pytest.mark.parametrize(
    ("y", "pen", "column"),
    [
        (0.375, 0.25, [0, 1, 0, 0]),  # a pen of one pixel along the middle of row 1
        (0.5, 0.25, [0, 0.5, 0.5, 0]),  # along the edge between two rows
        (0.5, 0.5, [0, 1, 1, 0]),
        (0.375, 0.125, [0, 0.5, 0, 0]),  # half a pixel
        (0.4375, 0.25, [0, 0.75, 0.25, 0]),  # a quarter of a pixel further down
        (0.375, 0.5, [0.5, 1, 0.5, 0]),
        (0.0, 0.25, [0.5, 0, 0, 0]),  # half of it is outside
        (1.5, 0.25, [0, 0, 0, 0]),
    ],
)
def test_a_level_line_is_as_bright_as_the_share_it_covers(y, pen, column):
    level = draw([[(-1, y), (2, y)]], pen, size=4)
    assert torch.allclose(
        level, torch.tensor(column, dtype=torch.float32).reshape(1, 4, 1).expand(1, 4, 4), atol=1e-5
    )
    upright = draw([[(y, -1), (y, 2)]], pen, size=4)
    assert torch.allclose(upright, level.transpose(1, 2), atol=1e-5)


def test_a_dot_lies_where_x_is_to_the_right_and_y_down():
    image = draw([[(0.9, 0.1)]], pen=0.2, size=5)
    assert image.shape == (1, 5, 5) and image.dtype == torch.float32
    assert (image > 0).nonzero().tolist() == [[0, 0, 4]] and image.max() == pytest.approx(1)


def test_a_dot_is_round():
    image = draw([[(0.5, 0.5)]], pen=0.5, size=200)[0]
    assert image.sum().item() / 200**2 == pytest.approx(math.pi * 0.25**2, rel=0.01)
    assert torch.allclose(image, image.T) and torch.allclose(image, image.flip(0), atol=1e-4)
    assert image[100, 50:150].min() > 0.5 and image[60, 60] < 0.01  # the corner of its box


def test_ends_are_round_and_reach_half_a_pen_further():
    image = draw([[(0.3, 0.5), (0.7, 0.5)]], pen=0.2, size=100)
    assert box_of(image) == (20, 80, 40, 60)
    assert image[0, 41, 21] == 0 and image[0, 50, 21] == 1


@pytest.mark.parametrize("size", [4, 28, 57])
@pytest.mark.parametrize("pen", [0.02, 0.08, 0.3])
def test_grey_is_close_to_the_share_of_points_that_the_pen_covers(size, pen):
    strokes = [*random_strokes(size, low=-0.2, high=1.2), [(0.3, 0.8)]]
    difference = (draw(strokes, pen, size)[0] - by_points(strokes, pen, size)).abs()
    assert difference.max() < 0.5  # in the corner of a bend
    assert difference.mean() < (0.02 if size >= 28 else 0.1)


def test_points_are_joined_and_strokes_are_not():
    points = [(0.1, 0.5), (0.9, 0.5)]
    assert draw([points], 0.1)[0, 13, 14] > 0.9
    assert draw([[point] for point in points], 0.1)[0, 13, 14] == 0


def test_ink_over_ink_is_no_brighter_and_the_order_does_not_matter():
    one, other = random_strokes(0, count=1), random_strokes(1, count=1)
    both = draw([*one, *other], 0.1)
    assert torch.equal(both, torch.maximum(draw(one, 0.1), draw(other, 0.1)))
    assert torch.equal(both, draw([*other, *one, *other], 0.1))
    assert torch.allclose(both, draw([one[0][::-1], *other], 0.1), atol=1e-4)


def test_an_empty_drawing_is_black():
    assert draw([], 0.1).tolist() == torch.zeros(1, 28, 28).tolist()


def test_a_thousand_strokes_are_drawn_as_each_alone():
    strokes = random_strokes(0, count=1000, points=2, low=-1.5, high=2.5)
    image = draw(strokes[:400], 0.04)  # 334 are computed at once
    parts = [draw([stroke], 0.04) for stroke in strokes[:400]]
    assert torch.equal(image, torch.stack(parts).amax(dim=0)) and image.mean() < 0.95
    assert draw(strokes, 0.15).min() > 0.99 and prepare(strokes).shape == (1, 28, 28)


@pytest.mark.parametrize("function", [draw, fit_to_box, centre_by_mass])
def test_a_pen_out_of_its_limits_or_that_is_no_number_is_refused(function):
    for pens, error in (((9e-5, 1.01), ValueError), ((None, "0.1"), TypeError)):
        for pen in pens:
            with pytest.raises(error, match=r"^pen must be a number from 0.0001 to .*, got"):
                function(SEVEN, pen)


@pytest.mark.parametrize(
    ("size", "error"), [(0, ValueError), (1001, ValueError), (28.0, TypeError), (None, TypeError)]
)
def test_a_size_that_is_none_is_refused(size, error):
    with pytest.raises(error, match=r"^size must be an integer from 1 to 1000, got"):
        draw(SEVEN, 0.1, size)


# the box and the pen


@pytest.mark.parametrize("pen", [0.02, PEN, 0.2])
@pytest.mark.parametrize("box", [BOX, 0.5, 1.0])
def test_the_ink_fills_the_box_and_its_middle_is_the_pads(pen, box):
    strokes = moved(random_strokes(round(100 * (pen + box))), 2.5, -3, 1)
    image = draw(fit_to_box(strokes, pen, box), pen, size=280)
    left, right, top, bottom = box_of(image)
    assert abs(max(right - left, bottom - top) - 280 * box) <= 2
    assert abs(left + right - 280) <= 2 and abs(top + bottom - 280) <= 2


@pytest.mark.parametrize("strokes", [SEVEN, [[(y, x) for x, y in stroke] for stroke in SEVEN]])
def test_width_and_height_keep_their_ratio(strokes):
    before = np.concatenate([np.asarray(stroke) for stroke in strokes])
    after = np.concatenate(fit_to_box(strokes, 0.1))
    factor = (BOX - 0.1) / 0.6
    assert np.allclose(after - after[0], (before - before[0]) * factor)
    assert [len(stroke) for stroke in fit_to_box(strokes, 0.1)] == [3, 2]


def test_a_dot_is_only_moved():
    for dot in ([[(0.1, 0.8)]], [[(3, 4), (3, 4)], [(3, 4 + 1e-12)]]):
        assert np.allclose(np.concatenate(fit_to_box(dot, 0.1)), 0.5)


def test_a_pen_wider_than_the_box_is_refused_and_one_as_wide_leaves_dots():
    with pytest.raises(ValueError, match=r"^pen must be a number from 0.0001 to 0.3, got 0.31$"):
        fit_to_box(SEVEN, 0.31, box=0.3)
    assert np.allclose(np.concatenate(fit_to_box(SEVEN, 0.3, box=0.3)), 0.5)
    with pytest.raises(ValueError, match=r"^box must be a number from 0.0001 to 1, got 20$"):
        fit_to_box(SEVEN, 0.1, box=20)


@pytest.mark.parametrize("function", [fit_to_box, centre_by_mass])
def test_a_drawing_without_a_point_is_refused(function):
    for call in (lambda: function([], 0.1), lambda: prepare([])):
        with pytest.raises(ValueError, match=r"^strokes must hold at least one point, got none$"):
            call()


# the centre of mass


@pytest.mark.parametrize(
    ("image", "centre"),
    [
        ([[1, 0], [0, 0]], (0.25, 0.25)),
        ([[0, 1], [0, 0]], (0.75, 0.25)),
        ([[0, 0], [1, 0]], (0.25, 0.75)),
        ([[0.5, 0.5], [0.5, 0.5]], (0.5, 0.5)),
        ([[0.25, 0.75]], (0.625, 0.25)),
        ([[0.0], [0.0], [0.0], [1.0]], (0.5, 3.5)),
    ],
)
def test_the_centre_of_mass_by_hand(image, centre):
    assert centre_of_mass(torch.tensor(image, dtype=torch.float32)) == pytest.approx(centre)
    assert centre_of_mass(np.array([image])) == pytest.approx(centre)


@pytest.mark.parametrize(
    ("image", "error", "message"),
    [
        (torch.zeros(28, 28), ValueError, r"^image must have ink in it, got a black one$"),
        (torch.zeros(3, 28, 28), ValueError, r"^image must have the shape .* got \(3, 28, 28\)$"),
        (torch.zeros(0, 28), ValueError, r"^image must have the shape .* got \(0, 28\)$"),
        (torch.zeros(28), ValueError, r"^image must have the shape .* got \(28,\)$"),
        (torch.full((2, 2), 255.0), ValueError, r"^image must be in \[0, 1\], got .* 255"),
        (torch.full((2, 2), -0.1), ValueError, r"^image must be in \[0, 1\], got .* -0.1"),
        (torch.full((2, 2), math.nan), ValueError, r"^image must be in \[0, 1\], got .* nan"),
        ([[1.0]], TypeError, r"^image must be a tensor or an array of numbers, got"),
        (np.array([["a"]]), TypeError, r"^image must be a tensor or an array of numbers, got"),
    ],
)
def test_what_is_no_image_is_refused(image, error, message):
    with pytest.raises(error, match=message):
        centre_of_mass(image)
    if not message.startswith("^image must have ink"):
        with pytest.raises(error, match=message):
            trace(image)


@pytest.mark.parametrize("middle", [MIDDLE, 0.5, 0.4])
def test_the_ink_is_moved_until_its_centre_of_mass_is_in_the_middle(middle):
    for seed in range(5):
        strokes = moved(random_strokes(seed), 0.5, 0.4, -0.1)
        image = draw(centre_by_mass(strokes, 0.06, middle), 0.06, size=112)
        assert centre_of_mass(image) == pytest.approx((middle, middle), abs=0.1 / 28)


def test_moving_by_mass_changes_no_size():
    before, after = np.asarray(SEVEN[0]), centre_by_mass(SEVEN, 0.1)[0]
    assert np.allclose(after - after[0], before - before[0])


def test_a_drawing_larger_than_the_pad_is_centred_as_a_whole():
    ring = [3 * np.stack([np.cos(turn), np.sin(turn)], axis=1) for turn in [np.linspace(0, 7, 99)]]
    points = np.concatenate(centre_by_mass(moved(ring, 1, 4, -4), 0.05, middle=0.5))
    assert np.allclose((points.max(axis=0) + points.min(axis=0)) / 2, 0.5, atol=0.4)
    assert np.allclose(centre_by_mass([[(5.0, 5.0)]], 0.001)[0], MIDDLE)


# the whole preparation


@pytest.mark.parametrize(
    ("factor", "dx", "dy"), [(1, 0.3, -0.2), (0.1, 0.5, 0.9), (7, -2, 3), (0.01, 9, -9)]
)
def test_neither_place_nor_size_matters(factor, dx, dy):
    for strokes in (SEVEN, *(random_strokes(seed) for seed in range(5))):
        image, other = prepare(strokes), prepare(moved(strokes, factor, dx, dy))
        assert (image - other).abs().max() < 0.01


def test_the_preparation_is_its_stages_in_their_order():
    image = draw(centre_by_mass(fit_to_box(SEVEN, PEN, BOX), PEN, MIDDLE), PEN, 28)
    assert torch.equal(prepare(SEVEN), image)


def test_a_prepared_line_lies_where_mnists_would():
    image = prepare([[(0.2, 0.1), (0.2, 0.2)]])  # 20 pixels high, 2.5 wide, about the middle 14.5
    column = image[0, :, 14]
    assert column.sum().item() == pytest.approx(20, abs=0.3) and column[5:24].min() == 1
    row = torch.zeros(28)
    row[13:16] = torch.tensor([0.75, 1, 0.75])
    assert torch.allclose(image[0, 14], row, atol=0.01)


def test_one_dot_is_an_image_too():
    image = prepare([[(0.9, 0.9)]])
    assert image[0, 14, 14] == 1 and 4 < image.sum() < 6


# what MNIST did


def test_the_box_and_the_middle_are_mnists(sample):
    images = sample.train.images[:500]
    sides = [
        max(right - left, bottom - top) for left, right, top, bottom in map(box_of_any, images)
    ]
    assert np.mean(np.array(sides) == round(28 * BOX)) > 0.9
    centres = 28 * np.array([centre_of_mass(image) for image in images])
    assert (
        np.abs(centres - 28 * MIDDLE).max() < 0.51
        and np.abs(centres.mean(axis=0) - 14.5).max() < 0.1
    )


def box_of_any(image):
    return box_of(image, level=0)


def test_the_pen_is_mnists(sample):
    """Traced digits drawn with it have, in the middle, as much ink as they had."""
    digits = sample.train.images[:40]
    ratios = [draw(trace(digit), PEN).sum() / digit.sum() for digit in digits]
    assert np.median(ratios) == pytest.approx(1, abs=0.1)


def test_prepared_drawings_are_like_digits_and_squeezed_ones_are_not(sample):
    """The nearest of the training images names them."""
    digits, labels = sample.test.images[:80], sample.test.labels[:80]
    known = sample.train.images.flatten(1)
    small = [fit_to_box(trace(digit), 0.05, 0.6) for digit in digits]
    drawings = [[stroke + 0.15 for stroke in strokes] for strokes in small]

    def accuracy(images):
        nearest = torch.cdist(torch.stack(images).flatten(1), known).argmin(dim=1)
        return (sample.train.labels[nearest] == labels).double().mean()

    on_digits = accuracy(list(digits))
    assert accuracy([prepare(strokes) for strokes in drawings]) > on_digits - 0.08
    assert accuracy([draw(strokes, 0.05) for strokes in drawings]) < on_digits - 0.3


# anything at all

numbers = st.one_of(
    st.floats(-10, 10),
    st.floats(-1, 2),
    st.integers(-10, 10),
    st.sampled_from([0.0, -0.0, 5e-324, 1e-12, 0.5, 10, -10]),
)
drawings = st.lists(st.lists(st.tuples(numbers, numbers), min_size=1, max_size=6), max_size=6)
anything = st.recursive(
    st.one_of(st.none(), st.booleans(), st.floats(), st.integers(), st.text(max_size=2), numbers),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.tuples(inner, inner),
        st.dictionaries(st.text(max_size=1), inner, max_size=2),
    ),
    max_leaves=12,
)
pens = st.one_of(st.floats(1e-4, 1), st.sampled_from([1e-4, 0.02, 0.08, 0.5, 1.0]))


def is_an_image(image, size=28):
    low, high = image.aminmax()
    return image.shape == (1, size, size) and image.dtype == torch.float32 and 0 <= low <= high <= 1


@settings(max_examples=settings.default.max_examples // 2)
@given(strokes=anything, pen=st.one_of(anything, pens))
def test_whatever_comes_is_answered_or_refused_in_words(strokes, pen):
    for function in (
        check_strokes,
        prepare,
        lambda strokes: draw(strokes, pen),
        lambda strokes: draw(SEVEN, pen),
        lambda strokes: fit_to_box(strokes, 0.1, pen),
        lambda strokes: centre_by_mass(strokes, pen),
        centre_of_mass,
    ):
        try:
            function(strokes)
        except (TypeError, ValueError) as error:
            assert " must " in str(error) and ", got " in str(error)


@settings(max_examples=settings.default.max_examples // 4)
@given(strokes=drawings, pen=pens, size=st.integers(1, 40))
def test_every_drawing_becomes_an_image(strokes, pen, size):
    assert is_an_image(draw(strokes, pen, size), size)
    if not strokes:
        return
    image = prepare(strokes)
    assert is_an_image(image) and image.max() > 0.9
    points = np.concatenate(centre_by_mass(fit_to_box(strokes, PEN), PEN))
    if PEN / 2 < points.min() and points.max() < 1 - PEN / 2:  # else some of the ink is cut off
        assert abs(np.array(centre_of_mass(image)) - MIDDLE).max() < 0.02  # half a pixel


@settings(max_examples=settings.default.max_examples // 2)
@given(strokes=drawings.filter(len), pen=pens)
def test_every_drawing_is_fitted_and_centred(strokes, pen):
    if pen <= BOX:
        points = np.concatenate(fit_to_box(strokes, pen))
        extents = np.ptp(points, axis=0)
        assert extents.max() == pytest.approx(BOX - pen, abs=1e-6) or extents.max() < 1e-9
        assert np.abs(points - 0.5).max() <= (BOX - pen) / 2 + 1e-6
    assert all(np.isfinite(stroke).all() for stroke in centre_by_mass(strokes, pen))


@settings(max_examples=settings.default.max_examples // 4)
@given(strokes=drawings.filter(len), factor=st.floats(0.05, 1), dx=st.floats(-1, 1))
def test_every_drawing_is_prepared_alike_wherever_it_is(strokes, factor, dx):
    if not 1e-3 < library._bounds(check_strokes(strokes))[1] or abs(dx) > 10 - 10 * factor:
        return
    assert (prepare(strokes) - prepare(moved(strokes, factor, dx, -dx))).abs().max() < 0.05
