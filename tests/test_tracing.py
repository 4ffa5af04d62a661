"""Tracing: known lines are found, digits drawn again look like themselves; photographs of many kinds; any image."""

import io
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image
from scipy.ndimage import rotate

from mnist_lib.data import load_mnist
from mnist_lib.machinery.tracing import read_photo, trace
from mnist_lib.strokes import PEN, draw, prepare

SEVEN = [[(0.3, 0.25), (0.68, 0.27), (0.5, 0.75)]]


@pytest.fixture(scope="module")
def digits():
    return load_mnist("sample").test.images


def length(stroke):
    return np.linalg.norm(np.diff(stroke, axis=0), axis=1).sum()


def ends(stroke):
    """Both ends of a stroke, the one that is further left or up first, rounded to 1/100."""
    return sorted((tuple(stroke[0].round(2)), tuple(stroke[-1].round(2))))


def likeness(one, other):
    """How far two images agree: 1 is the same, 0 nothing in common."""
    return (torch.minimum(one, other).sum() / torch.maximum(one, other).sum()).item()


# trace


@pytest.mark.parametrize("size", [28, 112, 300])
def test_a_level_line_becomes_one_stroke_in_its_middle(size):
    (stroke,) = trace(draw([[(0.2, 0.3), (0.7, 0.3)]], pen=0.1, size=size))
    assert np.abs(stroke[:, 1] - 0.3).max() < 0.01
    assert abs(stroke[:, 0].min() - 0.2) < 0.02 and abs(stroke[:, 0].max() - 0.7) < 0.02
    assert length(stroke) == pytest.approx(0.5, abs=0.04)


def test_x_is_to_the_right_and_y_down():
    (stroke,) = trace(draw([[(0.2, 0.1), (0.2, 0.5)]], pen=0.1))
    assert np.abs(stroke[:, 0] - 0.2).max() < 0.01
    assert abs(stroke[:, 1].min() - 0.1) < 0.04 and abs(stroke[:, 1].max() - 0.5) < 0.04


@pytest.mark.parametrize("shape", [(28, 56), (56, 28), (300, 150)])
def test_the_unit_is_the_longer_side_of_the_image(shape):
    image = torch.zeros(shape)
    height, width = shape
    image[height // 2 - 2 : height // 2 + 2, width // 4 : 3 * width // 4] = 1
    (stroke,) = trace(image)
    unit = max(shape)
    assert np.abs(stroke[:, 1] - height / 2 / unit).max() < 0.03
    assert abs(stroke[:, 0].mean() - width / 2 / unit) < 0.03
    assert np.ptp(stroke[:, 0]) < 0.52 * width / unit


def test_a_bend_stays_one_stroke():
    (stroke,) = trace(draw([[(0.3, 0.2), (0.3, 0.8), (0.7, 0.8)]], pen=PEN))  # an L
    assert np.allclose(ends(stroke), [(0.3, 0.2), (0.7, 0.8)], atol=0.04)
    assert np.linalg.norm(stroke - (0.3, 0.8), axis=1).min() < 0.05


def test_a_ring_becomes_one_closed_stroke():
    turn = np.linspace(0, 2 * math.pi, 50)
    ring = 0.5 + 0.3 * np.stack([np.cos(turn), np.sin(turn)], axis=1)
    (stroke,) = trace(draw([ring], pen=PEN))
    assert np.array_equal(stroke[0], stroke[-1])
    assert np.abs(np.linalg.norm(stroke - 0.5, axis=1) - 0.3).max() < 0.02
    assert length(stroke) == pytest.approx(0.6 * math.pi, rel=0.03)


def test_a_cross_becomes_its_four_arms():
    cross = [[(0.5, 0.2), (0.5, 0.8)], [(0.2, 0.5), (0.8, 0.5)]]
    arms = trace(draw(cross, pen=0.08))
    long = [arm for arm in arms if length(arm) > 0.1]
    assert len(long) == 4 and sum(map(length, arms)) == pytest.approx(1.2, abs=0.12)
    tips = [
        point for arm in long for point in ends(arm) if np.abs(np.subtract(point, 0.5)).max() > 0.2
    ]
    assert np.allclose(sorted(tips), [(0.2, 0.5), (0.5, 0.2), (0.5, 0.8), (0.8, 0.5)], atol=0.04)


def test_a_dot_becomes_a_dot():
    (stroke,) = trace(draw([[(0.3, 0.6)]], pen=0.1))
    assert np.abs(stroke - (0.3, 0.6)).max() < 0.03


def test_bumps_of_the_outline_leave_no_whiskers_and_short_tails_stay():
    image = draw([[(0.2, 0.5), (0.8, 0.5)]], pen=0.15, size=112)
    image[0, 46:49, 50:60] = 1  # a bump
    assert len(trace(image)) == 1
    tail = [[(0.2, 0.5), (0.8, 0.5)], [(0.5, 0.5), (0.5, 0.65)]]
    assert len(trace(draw(tail, pen=0.15, size=112))) == 3


def test_a_small_loop_that_is_nearly_filled_stays_open():
    image = torch.zeros(28, 28)
    image[10:17, 10:17] = 1
    image[13, 13] = 0.7  # it was white paper, once
    (stroke,) = trace(image)
    assert np.array_equal(stroke[0], stroke[-1]) and len(stroke) > 3


@pytest.mark.parametrize(
    "image", [torch.zeros(1, 28, 28), torch.full((28, 28), 0.4), torch.zeros(1, 1)]
)
def test_where_nothing_is_bright_there_are_no_strokes(image):
    assert trace(image) == []


def test_lines_are_smooth_and_their_points_not_too_many():
    (stroke,) = trace(draw([[(0.2, 0.2), (0.8, 0.5)]], pen=PEN))
    away = (stroke - (0.2, 0.2)) @ (-1, 2) / math.sqrt(5)  # from the line that was drawn
    assert np.abs(away)[1:-1].max() < 0.003  # the stairs of the skeleton reach 0.004
    assert length(stroke) == pytest.approx(math.hypot(0.6, 0.3), rel=0.04)
    assert 10 < len(stroke) < 40


def test_digits_drawn_from_their_strokes_look_like_themselves(digits):
    pens = (0.07, 0.09, 0.11)  # the best of three: digits are drawn with pens of many widths
    alike = [
        max(likeness(draw(strokes, pen), digit) for pen in pens)
        for digit in digits[:50]
        for strokes in [trace(digit)]
    ]
    assert np.median(alike) > 0.8 and np.quantile(alike, 0.05) > 0.65


def test_drawn_traced_and_drawn_again_is_the_same(digits):
    for digit in digits[:12]:
        drawn = draw(trace(digit), PEN, 112)
        assert likeness(draw(trace(drawn), PEN, 112), drawn) > 0.75


# photographs


def ink(digit=SEVEN, size=(180, 240)):
    """How much of each pixel ink covers, (height, width): a digit in the middle."""
    height, width = size
    cover = np.zeros(size)
    side = min(size)
    top, left = (height - side) // 2, (width - side) // 2
    cover[top : top + side, left : left + side] = draw(digit, 0.06, side)[0]
    return cover


def photo(cover, paper=0.8, pen=0.25, noise=0.02, light=0.5, seed=0):
    """Grey values in [0, 1]: paper and ink in a light that falls off to the right, and the grain of the camera."""
    random = np.random.default_rng(seed)
    grey = paper * (1 - cover) + pen * cover
    falls = np.linspace(1, light, cover.shape[1])
    return (grey * falls + noise * random.normal(size=cover.shape)).clip(0, 1)


def as_file(grey, format="PNG", mode="L", **options):
    image = Image.fromarray(np.rint(grey * 255).astype(np.uint8))
    if mode == "I;16":
        image = Image.fromarray(np.rint(grey * 65535).astype(np.uint16))
    elif mode != "L":
        image = image.convert(mode)
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def assert_a_seven(file):
    image = read_photo(file)
    assert image.dtype == torch.float32 and 0 <= image.min() <= image.max() <= 1
    assert likeness(prepare(trace(image)), prepare(SEVEN)) > 0.7


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "LA", "P", "I;16", "CMYK"])
def test_a_photograph_of_any_kind_becomes_the_drawing(mode):
    assert_a_seven(as_file(photo(ink()), "TIFF" if mode == "CMYK" else "PNG", mode))


@pytest.mark.parametrize(
    "options",
    [
        {"light": 1},
        {"light": 0.3},  # it is darker on the right than the ink is on the left
        {"noise": 0},
        {"noise": 0.05},
        {"pen": 0.55},  # a pencil
        {"paper": 0.15, "pen": 0.85},  # chalk on a board
        {"paper": 0.15, "pen": 0.85, "light": 0.4},
    ],
    ids=str,
)
def test_light_noise_pencil_and_chalk(options):
    assert_a_seven(as_file(photo(ink(), **options), "JPEG", quality=80))


@pytest.mark.parametrize("size", [(60, 60), (150, 400), (900, 1200)])
def test_photographs_of_any_size(size):
    file = as_file(photo(ink(size=size)), "JPEG")
    assert_a_seven(file)
    height, width = read_photo(file).shape[1:]
    assert max(height, width) == min(400, max(size))
    assert width / height == pytest.approx(size[1] / size[0], rel=0.02)


@pytest.mark.parametrize(("orientation", "turn"), [(1, 0), (3, 180), (6, 90), (8, -90)])
def test_a_photograph_taken_on_its_side_is_turned_upright(orientation, turn):
    grey = rotate(photo(ink()), turn)
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert_a_seven(as_file(grey, "JPEG", exif=exif))


def test_ink_on_a_transparent_picture_is_on_paper():
    cover = np.rint(ink() * 255).astype(np.uint8)
    black = Image.fromarray(np.zeros_like(cover))
    file = io.BytesIO()
    Image.merge("LA", [black, Image.fromarray(cover)]).save(file, "PNG")
    assert_a_seven(file.getvalue())


def test_white_ink_on_a_transparent_picture_is_found_too():
    cover = np.rint(ink() * 255).astype(np.uint8)
    file, white = io.BytesIO(), Image.fromarray(np.full_like(cover, 255))
    Image.merge("LA", [white, Image.fromarray(cover)]).save(file, "PNG")
    assert_a_seven(file.getvalue())


@pytest.mark.parametrize("size", [28, 56, 280])
@pytest.mark.parametrize(("ground", "pen"), [(0, 1), (0, 0.4), (0.3, 1)])
def test_a_picture_and_its_negative_are_the_same(digits, size, ground, pen):
    images = torch.nn.functional.interpolate(digits[:4], size=size, mode="bilinear")
    for grey in ground + (pen - ground) * images[:, 0].double().numpy():
        grey = np.rint(255 * grey) / 255
        bright, dark = (read_photo(as_file(one)) for one in (grey, 1 - grey))
        assert torch.allclose(bright, dark, atol=0.001)
        assert bright[0][grey <= grey.min()].mean() < 0.2 < bright.max()


def test_specks_are_no_ink_and_a_second_stroke_is():
    cover = ink()
    cover[20:23, 20:23] = 1  # a crumb
    assert_a_seven(as_file(photo(cover)))
    two = [*SEVEN, [(0.3, 0.6), (0.42, 0.6)]]
    image = prepare(trace(read_photo(as_file(photo(ink(two))))))
    assert likeness(image, prepare(two)) > 0.7 > likeness(image, prepare(SEVEN)) + 0.05


def test_bytes_a_path_and_an_open_file_are_the_same(tmp_path):
    data = as_file(photo(ink()))
    (tmp_path / "seven.png").write_bytes(data)
    expected = read_photo(data)
    with open(tmp_path / "seven.png", "rb") as file:
        others = [tmp_path / "seven.png", str(tmp_path / "seven.png"), memoryview(data), file]
        assert all(torch.equal(read_photo(other), expected) for other in others)


@pytest.mark.parametrize("paper", [0.0, 0.1, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("noise", [0, 0.02])
def test_an_empty_sheet_is_black(paper, noise):
    grey = photo(np.zeros((180, 240)), paper=max(paper, noise * 10), noise=noise, light=0.8)
    assert trace(read_photo(as_file(grey))) == []


@pytest.mark.parametrize("data", [b"", b"Dear diary", as_file(photo(ink()))[:300], b"\xff\xd8\xff"])
def test_what_is_no_image_is_refused(data, tmp_path):
    with pytest.raises(ValueError, match=r"^the file is not an image that can be read \("):
        read_photo(data)
    (tmp_path / "a.png").write_bytes(data)
    with pytest.raises(ValueError, match=r"a\.png is not an image that can be read \("):
        read_photo(tmp_path / "a.png")
    with pytest.raises(ValueError, match=r"b\.png is not an image that can be read \("):
        read_photo(tmp_path / "b.png")


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (500, 1), (2, 3)])
def test_tiny_and_thin_pictures_have_an_answer(size):
    for value in (0, 128, 255):
        grey = np.full(size, value / 255)
        grey[0, 0] = 1 - grey[0, 0]
        image = read_photo(as_file(grey))
        assert image.ndim == 3 and 0 <= image.min() <= image.max() <= 1
        trace(image)


@pytest.mark.parametrize("turn", [0, 1])
def test_a_digit_on_a_long_strip_becomes_the_drawing(turn):
    """Far down on it, which is many widths of the strip away."""
    one = np.full((600, 30), 0.85)
    one[420:560, 13:17] = 0.2
    strokes = trace(read_photo(as_file(np.rot90(one, turn))))
    assert np.concatenate(strokes).max() <= 1
    drawn = [[(0.5, 0.2), (0.5, 0.8)]] if turn == 0 else [[(0.2, 0.5), (0.8, 0.5)]]
    assert likeness(prepare(strokes), prepare(drawn)) > 0.7


# anything at all

thin = st.tuples(st.integers(1, 30), st.floats(1, 40)).map(lambda s: (s[0], round(s[0] * s[1])))


@settings(max_examples=settings.default.max_examples // 4)
@given(shape=thin, turn=st.booleans(), data=st.data())
def test_a_photograph_of_any_shape_makes_an_image_or_is_empty(shape, turn, data):
    (height, width), grey = shape, st.floats(0, 1)
    picture = np.full(shape, data.draw(grey))
    for _ in range(data.draw(st.integers(1, 3))):
        top, bottom = sorted(data.draw(st.tuples(*2 * [st.integers(0, height)])))
        left, right = sorted(data.draw(st.tuples(*2 * [st.integers(0, width)])))
        picture[top:bottom, left:right] = data.draw(grey)
    strokes = trace(read_photo(as_file(picture.T if turn else picture)))
    if strokes:
        assert prepare(strokes).max() > 0.9


shapes = array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=40)
values = st.one_of(st.sampled_from([0.0, 1.0]), st.floats(0, 1, width=32))
images = arrays(np.float32, shapes, elements=values)


@settings(max_examples=settings.default.max_examples // 4)
@given(image=images)
def test_every_image_has_strokes_that_can_be_drawn(image):
    strokes = trace(image)
    most = np.array(image.shape[::-1]) / max(image.shape)
    for stroke in strokes:
        assert stroke.ndim == 2 and stroke.shape[1] == 2 and stroke.dtype == np.float64
        assert stroke.min() >= 0 and (stroke <= most).all()
    if strokes:
        assert prepare(strokes).max() > 0.9


@pytest.mark.parametrize("shape", [(1, 28, 28), (60, 35), (1, 1), (1, 400), (96, 80)])
def test_black_white_and_noise_have_an_answer(shape):
    noise = torch.rand(shape, generator=torch.Generator().manual_seed(0))
    for image in (
        torch.zeros(shape),
        torch.ones(shape),
        noise,
        noise.round(),
        (noise > 0.95).float(),
    ):
        assert all(np.isfinite(stroke).all() for stroke in trace(image))


@settings(max_examples=settings.default.max_examples // 2)
@given(
    data=st.binary(max_size=60),
    start=st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"BM", b"P5 2 2 255\n"]),
)
def test_whatever_bytes_come_are_an_image_or_refused_in_words(data, start):
    try:
        image = read_photo(start + data)
    except ValueError as error:
        assert str(error).startswith("the file is not an image that can be read (")
    else:
        assert 0 <= image.min() <= image.max() <= 1


@settings(max_examples=settings.default.max_examples // 2)
@given(place=st.integers(0, 3000), value=st.integers(0, 255))
def test_a_changed_byte_of_a_photograph_makes_an_image_or_an_error_in_words(place, value):
    data = bytearray(JPEG)
    data[place % len(data)] = value
    try:
        read_photo(data)
    except ValueError as error:
        assert "is not an image that can be read (" in str(error)


JPEG = as_file(photo(ink(size=(60, 60))), "JPEG")
