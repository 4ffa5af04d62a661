"""The figures: what is drawn, the words that say so, and how `show` puts both on the page."""

import base64
import inspect
import io
import itertools
import math
import re
import sys
import threading
from functools import partial
from itertools import product
from pathlib import Path

import matplotlib
import matplotlib.figure
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib.colors import to_hex, to_rgb
from nbval.plugin import get_sanitize_patterns
from torch.nn import functional as F
from torchmetrics.functional.classification import binary_calibration_error

from mnist_lib import arithmetic, plots, strokes
from mnist_lib.plots import base
from mnist_lib.plots.base import ink
from mnist_lib.widgets.descent import descend

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def matplotlib_as_it_was():
    with plt.rc_context():
        matplotlib.rcdefaults()
        yield
    plt.close("all")


def make_images(seed, size=7):
    """Digits as far as a figure can tell: a third of the pixels are not black."""
    images = torch.rand(size, 1, 28, 28, generator=torch.Generator().manual_seed(seed))
    return ((images - 2 / 3) * 3 * (0.7 + 0.1 * seed)).clamp(min=0)


def make_probabilities(seed):
    return torch.randn(10, generator=torch.Generator().manual_seed(seed)).mul(2).softmax(dim=0)


def make_weights(seed):
    return torch.randn(10, 784, generator=torch.Generator().manual_seed(seed)) * (seed + 1) / 10


def make_history(seed, rows=5):
    random = np.random.default_rng(seed)
    columns = {
        "step": 10 * np.arange(1, rows + 1),
        "seconds": random.uniform(0.1, 9, rows).cumsum(),
    }
    names = ("loss", "accuracy", "validation_loss", "validation_accuracy")
    return pd.DataFrame(columns | {name: random.uniform(0.2, 1, rows) for name in names})


def make_scores(seed):
    random = np.random.default_rng(seed)
    return {name: random.uniform(0.2, 1, 4) for name in ("linear", "MLP", "CNN")}


def make_signals(seed):
    return torch.arange(16.0).reshape(2, 8) + seed, [[[0.1, 0.2, 0.3], [1, 1, 1]]]


def make_points(seed):
    """Points near a line, (40,) each, and a descent from (−0.5, 0.75), (7, 2)."""
    x = torch.linspace(-1, 1, 40)
    y = x / 2 + 0.01 * torch.randn(40, generator=torch.Generator().manual_seed(seed))
    return x, y, descend(x, y, 0.3 + seed / 10, 6, start=(-0.5, 0.75))


def make_lines(seed):
    x, y, path = make_points(seed)
    return x, y, {"start": path[0], "end": path[-1].tolist()}


def make_confusion(seed, scale=30):
    """Counts, int64 (10, 10), many on the diagonal and some beside it; and no 3 at all."""
    random = np.random.default_rng(seed)
    matrix = random.poisson(random.exponential(scale / 10, (10, 10)))
    matrix += np.diag(random.integers(2 * scale, 9 * scale, 10))
    matrix[3] = 0
    return torch.tensor(matrix)


def make_answers(seed, size=300):
    """Confidences from 0.2 to 1, and whether the answers are right: less often than they are sure."""
    random = np.random.default_rng(seed)
    confidences = random.uniform(0.2, 1, size)
    return torch.tensor(confidences), torch.tensor(random.uniform(size=size) < confidences**2)


def bowl(weights):
    """A surface over two weights."""
    return weights.square().sum(dim=-1)


def make_paths(seed):
    """Two paths from (1, 2), one of which runs off."""
    start, towards = (
        torch.tensor([1.0, 2.0]),
        0.1 * torch.rand(2, generator=torch.Generator().manual_seed(seed)),
    )
    walk = torch.stack([start * (1 - towards) ** step for step in range(4)])
    return {"walk": walk, "leap": torch.stack([start, start * 1e9, torch.full((2,), torch.nan)])}


def make_table(seed):
    """Numbers in two rows and three columns, one of them missing."""
    numbers = np.random.default_rng(seed).uniform(1, 90, (2, 3))
    numbers[1, 2] = np.nan
    index, columns = pd.Index(["SGD", "Adam"], name="rule"), pd.Index([0.1, 0.3, 1.0], name="rate")
    return pd.DataFrame(numbers, index, columns)


def make_shares(seed, dys=range(-6, 7), dxs=range(-6, 7)):
    """A table as `shift_grid` returns it: shares that differ from shift to shift."""
    shares = np.random.default_rng(seed).uniform(size=(len(dys), len(dxs)))
    return pd.DataFrame(shares, pd.Index(dys, name="dy"), pd.Index(dxs, name="dx"))


def make_runs(seed):
    """Shares of three seeds at radius 0 to 6."""
    return pd.DataFrame(np.random.default_rng(seed).uniform(size=(3, 7)))


def make_strokes(seed):
    """A hook of three points that is larger with a larger seed, and a dot, with a pen."""
    hook = np.array([(0.2, 0.25), (0.5, 0.25), (0.5, 0.5 + 0.1 * seed)])
    return [hook, *[np.array([(0.75, 0.75)])] * (seed + 1)], 0.05 + 0.02 * seed


def make_ways(seed):
    """Shares of three runs for two ways, or at two numbers."""
    random = np.random.default_rng(seed)
    return {name: pd.DataFrame(random.uniform(size=(3, 2)), columns=[2, 7]) for name in ("a", "b")}


def make_seen(seed):
    """A digit, a map, its cell in row 2 and column 5, and what it sees."""
    map = make_weights(seed)[0, :49].reshape(7, 7)
    return make_images(seed)[0], map, 2, 5, (range(2, 15), range(17, 28)), "channel 4"


CASES = {  # every plot function: data for it, by seed
    "plot_digits": lambda seed: (make_images(seed), torch.arange(7) + seed),
    "plot_network": lambda seed: (
        [("input", (2, 1, 28, 28)), ("Conv2d", (2, 4 + seed, 24, 24)), ("Flatten", (2, 9))],
    ),
    "plot_pixels": lambda seed: (make_images(seed)[0], 3, 5, 8),
    "plot_prediction": lambda seed: (make_images(seed)[0], make_probabilities(seed)),
    "plot_history": lambda seed: (make_history(seed),),
    "plot_scores": lambda seed: (make_scores(seed),),
    "plot_lines": lambda seed: make_lines(seed),
    "plot_losses": lambda seed: ({"slow": [3.0, 2.0 - seed], "fast": make_points(seed)[0].abs()},),
    "plot_descent": lambda seed: make_points(seed),
    "plot_paths": lambda seed: (bowl, make_paths(seed)),
    "plot_table": lambda seed: (make_table(seed),),
    "plot_maps": lambda seed: (make_weights(seed).reshape(10, 28, 28), "abcdefghij"),
    "plot_map_grid": lambda seed: (
        make_weights(seed)[:, :12].reshape(5, 2, 3, 4),
        ["raw", "b", "c", "d", "e"],
        torch.tensor([0, 55]),
        "kernel",
        "step",
    ),
    "plot_seen": lambda seed: make_seen(seed),
    "plot_shift_grids": lambda seed: ({"MLP": make_shares(seed), "CNN": make_shares(seed + 9)},),
    "plot_strokes": lambda seed: make_strokes(seed),
    "plot_drawings": lambda seed: ({"a": make_strokes(seed), "b": make_strokes(seed + 1)},),
    "plot_ways": lambda seed: (make_ways(seed),),
    "plot_bands": lambda seed: (make_ways(seed), "pen (%)"),
    "plot_signals": lambda seed: ({"before": [4.0 + seed, 1.0, 2.0], "after": torch.arange(4.0)},),
    "plot_convolution": lambda seed: make_signals(seed),
    "plot_confusion": lambda seed: (make_confusion(seed),),
    "plot_reliability": lambda seed: make_answers(seed),
    "plot_pooling": lambda seed: (torch.arange(20.0).reshape(1, 4, 5) + seed, 2),
}
# Their descriptions hold sums, number by number: a notebook draws them of numbers that it gives itself.
WRITTEN_OUT = {"plot_network", "plot_convolution", "plot_pooling", "plot_signals"}
every_plot = pytest.mark.parametrize("name", CASES)


def draw(name, seed=0, **options):
    return getattr(plots, name)(*CASES[name](seed), **options)


def numbers(ax):
    """The numbers behind an ≈ in a description, in order."""
    found = re.findall(r"≈([-\d.,]*\d)", ax.description)
    return [float(number.replace(",", "")) for number in found]


def texts(ax):
    return [text.get_text() for text in ax.texts]


# What holds for every figure


def test_every_plot_function_is_tested_here():
    assert set(CASES) == {name for name in vars(plots) if name.startswith("plot_")}


def test_a_network_is_drawn_with_boxes_as_high_as_its_maps():
    ax = plots.plot_network([("input", (2, 1, 28, 28)), ("MaxPool2d", (2, 6, 14, 14))])
    heights = [box.get_height() for box in ax.patches]
    assert heights == [1.0, 0.5] and ax.patches[1].get_width() > ax.patches[0].get_width()
    assert ax.description.endswith(": input 1×28×28, MaxPool2d 6×14×14.")


def picture(name, seed=0):
    """A figure as it is seen: its pixels, as bytes."""
    file = io.BytesIO()
    with plots.style():  # as `show` does
        figure = draw(name, seed).figure
        figure.set_layout_engine("none")  # it would take most of the time
        figure.savefig(file, format="rgba", dpi=40)
    plt.close()
    return file.getvalue()


@every_plot
def test_a_figure_goes_where_it_should_and_says_what_it_shows(name):
    """Its description is the same for other data, up to the numbers behind an ≈, as nbval blanks them out."""
    _, given = plt.subplots()
    ax, other = draw(name, ax=given), draw(name, seed=1)
    assert ax is given and other.figure is plt.figure(2) and len(plt.get_fignums()) == 2
    labels = dict.fromkeys(("plot_scores", "plot_ways"), other.get_xlabel())  # names need none
    assert not other.axison or labels.get(name, other.get_xlabel() and other.get_ylabel())
    words = [ax.description, other.description]
    assert words[0] != words[1] and len(words[0]) > 30 and words[0].endswith(".")
    patterns = get_sanitize_patterns((ROOT / "tests" / "nbval_sanitize.cfg").read_text("utf-8"))
    for pattern, replacement in [(r"\d+(\.\d+)?", "N")] if name in WRITTEN_OUT else patterns:
        words = [re.sub(pattern, replacement, text) for text in words]
    assert words[0] == words[1]


HOSTILE = {"axes.grid": True, "font.size": 20, "image.origin": "lower", "lines.linewidth": 5}
HOSTILE |= {"axes.titlecolor": "red", "image.interpolation": "bilinear", "savefig.dpi": 10}


@every_plot
def test_a_figure_looks_the_same_whatever_style_the_user_has_and_leaves_it_alone(name):
    expected = picture(name)
    plt.style.use(["dark_background", HOSTILE])
    before = dict(matplotlib.rcParams)
    assert picture(name) == expected
    assert dict(matplotlib.rcParams) == before


def test_a_figure_of_the_readers_own_looks_the_same_too(monkeypatch):
    shown = []
    monkeypatch.setattr(base, "get_ipython", lambda: "a shell")
    monkeypatch.setattr(base, "display", lambda data, **how: shown.append(data["image/png"]))
    for user in ("default", "dark_background"):
        plt.style.use(user)
        ax = plots.new_axes(3, 2)
        ax.plot([1, 2], color="black", linewidth=1, label="loss")
        ax.set(xlabel="step", ylabel="loss")
        ax.legend()
        plots.show(plots.describe(ax, "A line."))
    assert shown[0] == shown[1]


def test_scores_may_be_tensors_lists_or_the_columns_of_a_table():
    shares = {"a": [0.9, 0.7], "b": [0.5, 0.3]}
    expected = plots.plot_scores(shares).description
    tensors = {name: torch.tensor(of, requires_grad=True) for name, of in shares.items()}
    lists = {name: [torch.tensor(share) for share in of] for name, of in shares.items()}
    for same in (tensors, lists, pd.DataFrame(shares)):
        assert plots.plot_scores(same).description == expected
    assert "a ≈90.0" in plots.plot_scores({"a": 0.9}).description


def test_a_cross_table_is_a_confusion_matrix_with_names():
    labels, answers = pd.Series(list("xyyz")), pd.Series(list("xxyz"))
    table = pd.crosstab(labels, answers)
    ax = plots.plot_confusion(table)
    assert texts(ax) == [str(count) for count in table.to_numpy().ravel()]
    for axis in (ax.xaxis, ax.yaxis):
        assert [tick.get_text() for tick in axis.get_ticklabels()] == ["x", "y", "z"]
    assert "≈1 times a ≈y was called ≈x" in ax.description
    with pytest.raises(ValueError, match="matrix must have the same rows as columns, got"):
        plots.plot_confusion(pd.crosstab(labels, answers.replace("z", "x")))


def test_one_image_is_drawn_whatever_its_axes():
    image = make_images(0)[:1]
    for one in (image, image[0], image[0, 0], [image[0]], image.numpy()):
        ax = plots.plot_digits(one)
        assert np.array_equal(ax.images[0].get_array(), image[0, 0]) and len(ax.images) == 1
        assert ax.description.startswith("1 image of digits")
    assert np.array_equal(plots.plot_pixels(image[0, 0]).images[0].get_array(), image[0, 0])
    with pytest.raises(ValueError, match=r"image must have the shape \(1, H, W\) or \(H, W\), got"):
        plots.plot_pixels(make_images(0))
    with pytest.raises(ValueError, match=r"probabilities must be \(10,\), got \(1, 10\)"):
        plots.plot_prediction(image[0], make_probabilities(0)[None])


@every_plot
@pytest.mark.filterwarnings("ignore:Using a non-tuple sequence")
def test_what_cannot_be_drawn_is_refused_by_the_name_of_an_argument(name):
    plot, case, refused = getattr(plots, name), CASES[name](0), 0
    for place in range(len(case)):
        for wrong in (None, "seven", [], torch.rand(2, 3, 4, 5, 6), {"a": "b"}):
            try:
                plot(*case[:place], wrong, *case[place + 1 :])
            except (TypeError, ValueError) as error:
                assert str(error).startswith(tuple(inspect.signature(plot).parameters))
                refused += 1
            plt.close("all")
    assert refused >= 3


def test_global_settings_stay_as_they_are_when_threads_draw():
    """Widgets draw in threads of their own, while a cell draws in the main one."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)  # threads change places often
    before = dict(matplotlib.rcParams)
    drawn = []

    def draw_some(number):
        for seed in range(3):
            with plots.style():
                figure = matplotlib.figure.Figure()
                drawn.append(draw("plot_lines", seed, ax=figure.add_subplot()))

    threads = [threading.Thread(target=draw_some, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sys.setswitchinterval(usual)
    assert len(drawn) == 12 and dict(matplotlib.rcParams) == before


def test_what_is_drawn_follows_the_style():
    ax = draw("plot_history")
    legend = ax.get_legend()
    assert not legend.get_frame_on() and not ax.spines["top"].get_visible()
    assert legend.get_texts()[0].get_fontsize() == base.STYLE["font.size"]


def test_weights_are_purple_below_zero_white_at_zero_and_orange_above():
    below, zero, above = (plt.get_cmap(plots.SIGNED)(place)[:3] for place in (0.1, 0.5, 0.9))
    assert below[2] > below[0] > below[1]
    assert min(zero) > 0.95
    assert above[0] > above[1] > above[2]


def test_signs_can_be_told_in_grey():
    grey = plt.get_cmap(plots.SIGNED)(np.linspace(0, 1, 201))[:, :3] @ (0.299, 0.587, 0.114)
    below, above = grey[:100][::-1], grey[101:]  # from zero outwards
    assert (np.diff(below) < 0).all() and (np.diff(above) < 0).all()
    assert (below[10:] < above[10:] - 0.02).all() and below[-1] < 0.15 < 0.65 < above[-1]


# One by one: what is drawn is the data, and so are the numbers in the description


def test_digits_stand_in_rows_with_their_captions():
    images = make_images(0)
    ax = plots.plot_digits(images, captions=torch.arange(7) * 2, columns=4)
    assert numbers(ax) == []
    assert "7 images of digits in 2 rows" in ax.description
    assert "≈[0, 2, 4, 6, 8, 10, 12]" in ax.description
    assert texts(ax) == ["0", "2", "4", "6", "8", "10", "12"]
    for number, (drawn, text) in enumerate(zip(ax.images, ax.texts, strict=True)):
        left, right, bottom, top = drawn.get_extent()
        assert (left // 28, top // 28) == (number % 4, number // 4), "row by row from the top left"
        assert left < text.get_position()[0] < right and bottom < text.get_position()[1]
        assert np.array_equal(drawn.get_array(), images[number, 0])
        assert drawn.get_clim() == (0, 1), "grey is not stretched"
        assert ax.get_xlim()[0] <= left < right <= ax.get_xlim()[1]
        assert ax.get_ylim()[0] >= bottom > top >= ax.get_ylim()[1]


@pytest.mark.parametrize(("size", "words"), [(1, "1 row,"), (10, "1 row,"), (11, "2 rows,")])
def test_digits_without_captions(size, words):
    ax = plots.plot_digits(make_images(0, size))
    assert ax.description == f"{size} image{'s' * (size > 1)} of digits in {words} white on black."
    assert len(ax.images) == size and texts(ax) == []


def test_pixels_carry_their_values():
    image = make_images(0)[0]
    part = image[0, 3:11, 5:13].numpy()
    ax = plots.plot_pixels(image, top=3, left=5, size=8)
    assert np.array_equal(ax.images[0].get_array(), part)
    assert ax.images[0].get_extent() == [4.5, 12.5, 10.5, 2.5] and ax.images[0].get_clim() == (0, 1)
    for text in ax.texts:
        column, row = text.get_position()
        assert float(text.get_text()) == pytest.approx(part[row - 3, column - 5], abs=0.0051)
    assert len(ax.texts) == 64
    assert numbers(ax) == [(part > 0).sum(), pytest.approx(part.max(), abs=0.0051)]
    assert "Rows 3 to 10 and columns 5 to 12" in ax.description
    assert "of the 64 pixels" in ax.description


def test_a_prediction_is_the_image_and_a_bar_for_each_digit():
    image, probabilities = CASES["plot_prediction"](0)
    ax = plots.plot_prediction(image, probabilities)
    assert [bar.get_height() for bar in ax.patches] == pytest.approx(probabilities.tolist())
    assert np.array_equal(ax.child_axes[0].images[0].get_array(), image[0])
    assert numbers(ax) == [probabilities.argmax(), round(100 * probabilities.max().item())]
    assert ax.get_ylim() == (0, 1)


def test_maps_share_a_scale_or_have_their_own():
    maps = torch.stack([torch.full((3, 4), 2.0), torch.full((3, 4), -6.0)])
    ax = plots.plot_maps(maps, ["first", "second"])
    assert [drawn.get_clim() for drawn in ax.images] == [(-6, 6), (-6, 6)]
    assert texts(ax) == ["first", "second"] and numbers(ax) == [-6, 2]
    assert ax.figure.axes[-1].get_ylim() == (-6, 2)
    ax = plots.plot_maps(maps, own_scale=True)
    assert [drawn.get_clim() for drawn in ax.images] == [(-2, 2), (-6, 6)]
    assert ax.figure.axes == [ax]


def test_a_dash_marks_what_is_below_zero_in_a_small_map():
    kernel = torch.tensor([[-4.0, 0, 4], [0.1, -0.1, -1]])  # a dash below −0.16
    for ax in (plots.plot_maps(kernel[None]), plots.plot_map_grid(kernel[None, None], [0], [0])):
        (dashes,) = ax.collections
        assert dashes.get_offsets().tolist() == [[0.5, 0.5], [2.5, 1.5]]
        dark, pale = dashes.get_edgecolors()[:, 0]
        assert (dark, pale) == (1, 0)  # white on dark, black on pale
    assert not plots.plot_maps(-torch.ones(1, 8, 8)).collections
    assert not plots.plot_map_grid(torch.ones(1, 1, 2, 2), [0], [0], images=True).collections


def test_maps_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"\(N, H, W\).*got \(3, 4\)"):
        plots.plot_maps(torch.ones(3, 4))
    with pytest.raises(ValueError, match=r"N at least 1, got \(0, 3, 4\)"):
        plots.plot_maps(torch.ones(0, 3, 4))
    with pytest.raises(ValueError, match=r"as many as pictures \(2\), got 1"):
        plots.plot_maps(torch.ones(2, 3, 4), ["one"])


def test_a_grid_of_maps_has_named_rows_and_columns():
    maps, rows, columns, *titles = CASES["plot_map_grid"](0)
    maps[3, 1, 0, 0] = -9
    ax = plots.plot_map_grid(maps, rows, columns, *titles)
    assert (ax.get_ylabel(), ax.get_xlabel()) == ("kernel", "step")
    assert [label.get_text() for label in ax.get_yticklabels()] == rows
    assert [label.get_text() for label in ax.get_xticklabels()] == ["0", "55"]
    assert ax.get_ylim()[0] > ax.get_ylim()[1] and ax.get_xlim()[0] < ax.get_xlim()[1]
    assert len(ax.images) == 10
    for number, drawn in enumerate(ax.images):
        row, column = divmod(number, 2)
        left, right, bottom, top = drawn.get_extent()
        assert (right - left, bottom - top) == pytest.approx((4, 3))
        assert (left + right) / 2 == pytest.approx(ax.get_xticks()[column])
        assert (top + bottom) / 2 == pytest.approx(ax.get_yticks()[row])
        assert np.array_equal(drawn.get_array(), maps[row, column])
        assert drawn.get_clim() == (-9, 9) and drawn.get_cmap().name == plots.SIGNED.name
    assert ax.figure.axes[-1].get_ylim() == pytest.approx((-9, maps.max().item()))
    assert numbers(ax) == pytest.approx([-9, maps.max().item()], abs=0.0051)
    assert ax.description.startswith(
        "Maps of 3×4 numbers in 5 rows (kernel: ≈[raw; b; c; d; e]) and 2 columns (step: ≈[0; 55]), "
    )
    assert ax.description.endswith("The number furthest from zero: ≈[kernel d; step 55].")


def test_maps_in_a_grid_may_have_their_own_scales_or_be_images():
    maps = torch.tensor([0.5, -4.0]).reshape(1, 2, 1, 1) * torch.tensor([[0.2, 1.0], [0.4, 0.0]])
    names = ([""], ["first", "second"])
    ax = plots.plot_map_grid(maps, *names, own_scale=True)
    assert [drawn.get_clim() for drawn in ax.images] == [(-0.5, 0.5), (-4, 4)]
    assert ax.figure.axes == [ax], "there is no common scale to show"
    assert "in 1 row and 2 columns (≈[first; second]), each on a scale of its own" in ax.description
    ax = plots.plot_map_grid(maps, *names, images=True)
    assert [drawn.get_clim() for drawn in ax.images] == [(0, 1), (0, 1)]
    assert {drawn.get_cmap().name for drawn in ax.images} == {"gray"}
    assert ax.figure.axes == [ax]
    assert ax.description.startswith("Images of 2×2 pixels in 1 row") and numbers(ax) == []
    ax = plots.plot_map_grid(maps, *names, own_scale=True, images=True)
    assert [drawn.get_clim() for drawn in ax.images] == [(0, 0.5), (-4, 0)]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "shape", [(3, 12, 1, 9), (1, 4, 5, 5), (8, 1, 3, 3), (1, 20, 14, 14), (2, 2, 9, 1)], ids=str
)
def test_the_names_of_a_grid_do_not_touch_each_other(shape):
    rows, columns = (range(1000, 1000 + count) for count in shape[:2])
    ax = plots.plot_map_grid(torch.rand(shape) - 0.5, rows, columns, "layer", "step")
    ax.figure.draw_without_rendering()
    for labels in (ax.get_xticklabels(), ax.get_yticklabels()):
        boxes = [label.get_window_extent() for label in labels]
        assert not [k for k, box in enumerate(boxes) if box.count_overlaps(boxes) > 1]


@pytest.mark.parametrize(
    ("maps", "rows", "columns", "message"),
    [
        (torch.ones(2, 3, 4), "ab", "abc", r"maps must be \(R, C, H, W\).*got \(2, 3, 4\)"),
        (torch.ones(0, 3, 4, 4), "", "abc", r"each at least 1, got \(0, 3, 4, 4\)"),
        (torch.ones(2, 3, 4, 4), "abc", "abc", "of FixedLocator locations .2.,.* labels .3."),
        (torch.ones(2, 3, 4, 4), "ab", "ab", "of FixedLocator locations .3.,.* labels .2."),
    ],
)
def test_grids_that_do_not_fit_are_refused(maps, rows, columns, message):
    with pytest.raises(ValueError, match=message):
        plots.plot_map_grid(maps, rows, columns)


def framed(ax):
    """The rows and the columns of a picture inside its frame, which runs along the edges of pixels."""
    *_, frame = ax.patches
    inside = []
    for first, last in frame.get_bbox().get_points().T:
        edges = round(first + 0.5), round(last + 0.5)
        assert (first + 0.5, last + 0.5) == pytest.approx(edges, abs=0.4)
        inside.insert(0, list(range(*edges)))
    return tuple(inside)


@pytest.mark.parametrize(
    ("row", "column", "seen"),
    [
        (2, 5, (range(2, 15), range(17, 28))),
        (6, 0, (range(18, 28), range(0, 1))),
        (0, 6, (range(28), range(27, 28))),
    ],
)
def test_the_pixels_that_a_cell_sees_are_framed(row, column, seen):
    image, map, *_ = CASES["plot_seen"](0)
    ax = plots.plot_seen(image, map, row, column, seen, "channel 4")
    left, right, bar = ax.figure.axes[1:]
    assert np.array_equal(left.images[0].get_array(), image[0])
    assert left.images[0].get_clim() == (0, 1) and left.images[0].get_cmap().name == "gray"
    assert np.array_equal(right.images[0].get_array(), map)
    limit = map.abs().max().item()
    assert right.images[0].get_clim() == pytest.approx((-limit, limit))
    assert right.images[0].get_cmap().name == plots.SIGNED.name
    assert right.images[0].get_extent() == [-0.5, 6.5, 6.5, -0.5]
    assert framed(left) == (list(seen[0]), list(seen[1]))
    assert framed(right) == ([row], [column])
    for part in (left, right):
        assert (part.get_xlabel(), part.get_ylabel()) == ("column", "row")
    assert left.get_title() == f"sees {len(seen[0])}×{len(seen[1])} pixels"
    assert right.get_title() == "channel 4" and "7×7 numbers (channel 4)" in ax.description
    low, high = map.min().item(), map.max().item()
    assert bar.get_ylim() == pytest.approx((low, high))
    assert numbers(ax) == pytest.approx([low, high, map[row, column].item()], abs=0.0051)
    rows, columns = (f"{pixels[0]} to {pixels[-1]}" for pixels in seen)
    assert f"rows {rows} and columns {columns}." in ax.description
    assert f"row {row}, column {column}, with" in ax.description


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"image": torch.ones(3, 28, 28)}, r"image must .* \(1, H, W\) .* got \(3, 28, 28\)"),
        ({"map": torch.ones(4, 7, 7)}, r"Invalid shape \(4, 7, 7\)"),
        ({"row": 7}, r"must lie in the 7×7 shown, got range\(7, 8\)"),
        ({"column": -1}, r"must lie in the 7×7 shown, got .* and range\(-1, 0\)"),
        ({"seen": (range(2, 29), range(3))}, r"lie in the 28×28 shown, got range\(2, 29\)"),
        ({"seen": (range(3), range(-1, 3))}, r"the 28×28 shown, got .* and range\(-1, 3\)"),
        ({"seen": (range(3), range(0))}, r"the 28×28 shown, got .* and range\(0, 0\)"),
    ],
)
def test_what_is_not_seen_is_refused(change, message):
    names = ("image", "map", "row", "column", "seen")
    with pytest.raises((TypeError, ValueError), match=message):
        plots.plot_seen(**(dict(zip(names, CASES["plot_seen"](0))) | change))


def test_signals_are_drawn_where_they_start():
    ax = plots.plot_signals({"row": [1.0, 5.0, 2.0], "edges": [4.0, -3.0]}, starts={"edges": 0.5})
    first, second = (band.lines[1] for band in ax.child_axes)
    assert first.get_xdata().tolist() == [0, 1, 2] and first.get_ydata().tolist() == [1, 5, 2]
    assert second.get_xdata().tolist() == [0.5, 1.5] and second.get_ydata().tolist() == [4, -3]
    assert "row: 3 values from 1 to 5, the largest at 1, the smallest at 0" in ax.description
    assert "edges: 2 values from −3 to 4, the largest at 0.5" in ax.description


def test_a_history_becomes_error_rates():
    history = make_history(0)
    ax = plots.plot_history(history)
    train, validation = (100 - 100 * history[name] for name in ("accuracy", "validation_accuracy"))
    for line, values in zip(ax.lines, (train, validation), strict=True):
        assert list(line.get_xdata()) == list(history["step"])
        assert list(line.get_ydata()) == pytest.approx(list(values))
    assert [line.get_label() for line in ax.lines] == ["training batches", "validation"]
    ends = [values.iloc[place] for values in (train, validation) for place in (0, -1)]
    assert numbers(ax) == pytest.approx(ends, abs=0.051)


def test_scores_are_bars_of_means_with_a_dot_for_each_seed():
    scores = make_scores(0)
    ax = plots.plot_scores(scores, xlabel="recall (%)")
    means = [100 * values.mean() for values in scores.values()]
    assert [bar.get_width() for bar in ax.patches] == pytest.approx(means)
    for place, (line, values) in enumerate(zip(ax.lines, scores.values(), strict=True)):
        assert list(line.get_xdata()) == pytest.approx(list(100 * values))
        spread = np.linspace(-0.2, 0.2, len(values))
        assert list(line.get_ydata()) == pytest.approx(list(place + spread))
    assert numbers(ax) == pytest.approx(means, abs=0.051)
    assert texts(ax) == [f"mean {mean:.1f}" for mean in means]
    assert [label.get_text() for label in ax.get_yticklabels()] == list(scores)
    assert ax.get_ylim()[0] > ax.get_ylim()[1], "the first stands on top"
    assert ax.get_xlabel() == "recall (%)"


# Shifts


def parts_of(ax):
    """The heat maps of a figure of shifts, which have titles; and the bar beside them."""
    others = [part for part in ax.figure.axes if part is not ax]
    return [part for part in others if part.get_title()], others[-1]


def test_shares_at_each_shift_are_drawn_where_the_shift_goes():
    """dy from the smallest above to the largest below, dx from left to right: as the digit moves."""
    table = make_shares(0, dys=(-6, -2, 0, 3), dxs=(-1, 0, 1, 4, 5))
    shuffled = table.iloc[[2, 0, 3, 1], [4, 1, 0, 2, 3]]
    ax = plots.plot_shift_grids({"CNN": shuffled}, what="consistency")
    (part,), bar = parts_of(ax)
    (drawn,) = part.images
    assert np.allclose(drawn.get_array(), 100 * table.to_numpy())
    assert drawn.get_clim() == (0, 100) and drawn.origin == "upper"
    assert part.get_ylim()[0] > part.get_ylim()[1] and part.get_xlim()[0] < part.get_xlim()[1]
    assert [label.get_text() for label in part.get_yticklabels()] == ["−6", "−2", "0", "3"]
    assert [label.get_text() for label in part.get_xticklabels()] == ["−1", "0", "1", "4", "5"]
    assert (part.get_yticks().tolist(), part.get_xticks().tolist()) == ([*range(4)], [*range(5)])
    assert part.get_xlabel() == "dx: pixels to the right" and part.get_ylabel() == "dy: pixels down"
    assert bar.get_ylabel() == "consistency (%)" and "the consistency at each" in ax.description


def test_some_of_the_shares_are_written_into_the_heat_map():
    table = make_shares(1)
    ax = plots.plot_shift_grids({"CNN": table})
    (part,), _ = parts_of(ax)
    assert len(part.texts) == 25
    written = {text.get_position()[::-1]: text for text in part.texts}
    assert set(written) == set(product((0, 3, 6, 9, 12), repeat=2))
    for (row, column), text in written.items():
        assert float(text.get_text()) == pytest.approx(100 * table.iloc[row, column], abs=0.51)
        colour = part.images[0].to_rgba(100 * table.iloc[row, column])
        assert contrast(text.get_color(), colour[:3]) >= 4.5
    ticks = [label.get_text() for label in part.get_xticklabels()]
    assert ticks == ["−6", "−4", "−2", "0", "2", "4", "6"]


def test_the_heat_map_gets_lighter_from_0_to_100_percent_in_grey_too():
    colours = plt.get_cmap("cividis")(np.linspace(0, 1, 101))[:, :3]
    greys = colours @ [0.299, 0.587, 0.114]
    assert (np.diff(greys) > 0).all() and greys[-1] - greys[0] > 0.6


@pytest.mark.parametrize(
    ("count", "layout"), [(1, (1, 1)), (2, (1, 2)), (3, (1, 3)), (4, (2, 2)), (5, (2, 3))]
)
def test_heat_maps_stand_beside_each_other_each_under_its_name(count, layout):
    tables = {f"model {number}": make_shares(number) for number in range(count)}
    ax = plots.plot_shift_grids(tables)
    parts, _ = parts_of(ax)
    assert len(ax.figure.axes) == count + 2  # what was given, and the bar
    for number, (part, (name, table)) in enumerate(zip(parts, tables.items(), strict=True)):
        assert part.get_title() == name
        assert np.allclose(part.images[0].get_array(), 100 * table)
        place = part.get_subplotspec()
        assert place.get_gridspec().get_geometry() == layout
        assert divmod(place.num1, layout[1]) == divmod(number, layout[1])
        assert bool(part.get_ylabel()) == (number % layout[1] == 0)
        assert bool(part.get_xlabel()) == (number + layout[1] >= count)


def test_the_description_of_shifts_has_the_means_by_radius():
    tables = {"MLP": make_shares(0), "CNN": make_shares(1)}
    expected = []
    for table in tables.values():
        for radius in (0, 2, 4, 6):
            cells = [
                100 * table.loc[dy, dx]
                for dy, dx in product(range(-6, 7), repeat=2)
                if max(abs(dy), abs(dx)) == radius
            ]
            expected.append(sum(cells) / len(cells))
    ax = plots.plot_shift_grids(tables)
    assert numbers(ax) == pytest.approx(expected, abs=0.051)
    assert re.sub(r"≈[\d.]+", "N", ax.description) == (
        "Heat maps of the accuracy at each shift dx (right), dy (down). "
        "MLP: N % without a shift, N % at radius 2, N % at radius 4, N % at radius 6; "
        "CNN: N % without a shift, N % at radius 2, N % at radius 4, N % at radius 6."
    )
    small = make_shares(0, dys=(1, 2), dxs=(-3, 1))  # of radius 1, 2 and 3
    ax = plots.plot_shift_grids({"MLP": small})
    assert numbers(ax) == pytest.approx([100 * small.loc[2, 1]], abs=0.051)
    ax = plots.plot_shift_grids({"MLP": small.loc[[1], [1]]})
    assert numbers(ax) == pytest.approx(2 * [100 * small.loc[1, 1]], abs=0.051)


@pytest.mark.parametrize("name", ["plot_shift_grids", "plot_bands"])
@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({}, "No objects to concatenate"),
        (make_runs(0), 'must be an iterable of pandas objects, .* type "DataFrame"'),
        ({"CNN": [[0.5]]}, "cannot concatenate object of type .*list"),
        ({"CNN": make_shares(0) * 100}, r"must hold shares from 0 to 1, got [\d.]+ in 'CNN'"),
        ({"CNN": make_shares(0) * math.nan}, "must hold shares from 0 to 1, got nan in 'CNN'"),
    ],
    ids=["none", "no dict", "no table", "percent", "nan"],
)
def test_what_is_no_table_of_shares_is_refused(name, tables, message):
    with pytest.raises((TypeError, ValueError), match=message):
        getattr(plots, name)(tables, "what")


def test_shares_by_radius_are_means_over_seeds_in_a_band_of_all_seeds():
    tables = {"MLP": make_runs(0), "CNN": make_runs(1).rename(columns=lambda radius: 2 * radius)}
    ax = plots.plot_bands(tables, "radius of the shift", ylabel="consistency (%)")
    expected = []
    for number, (name, table) in enumerate(tables.items()):
        line, band = ax.lines[number], ax.collections[number]
        means = [100 * sum(table[radius]) / 3 for radius in table]
        assert line.get_label() == name and list(line.get_xdata()) == list(table.columns)
        assert list(line.get_ydata()) == pytest.approx(means)
        assert np.array_equal(band.get_facecolor()[0, :3], to_rgb(line.get_color()))
        edges = band.get_paths()[0].vertices
        for radius in table:
            at = edges[edges[:, 0] == radius, 1]
            ends = 100 * min(table[radius]), 100 * max(table[radius])
            assert (at.min(), at.max()) == pytest.approx(ends)
        radii = list(table.columns)
        expected += [number for k in (0, 3, 6) for number in (means[k], radii[k])]
    assert numbers(ax) == pytest.approx(expected, abs=0.051)
    assert ax.description.startswith("Consistency (%) against radius of the shift")
    assert re.search(r": MLP ≈\S+ at ≈0, ≈\S+ at ≈3, ≈\S+ at ≈6; CNN ≈\S+ at ≈0", ax.description)
    assert ax.get_ylabel() == "consistency (%)" and ax.get_ylim()[0] == 0
    assert all(tick == int(tick) for tick in ax.get_xticks())
    assert {text.get_text() for text in ax.texts} == {"MLP", "CNN"} and ax.get_legend() is None


@pytest.mark.filterwarnings("error")
def test_names_stand_at_the_ends_of_lines_whose_limits_are_not_set_yet():
    ax = plots.new_axes()
    ax.plot([80, 160], [10, 150], label="never stopped")
    plots.label_ends(ax)
    ax.figure.draw_without_rendering()  # or the layout collapses, and says so
    (name,) = ax.texts
    at = ax.transAxes.inverted().transform(ax.transData.transform((160, 150)))
    assert name.xy == pytest.approx(tuple(at), abs=0.01)


@pytest.mark.filterwarnings("error")
def test_one_seed_and_one_radius_can_be_drawn():
    ax = plots.plot_bands({"CNN": pd.DataFrame({3: [0.25]})}, "radius")
    ax.figure.draw_without_rendering()
    assert "CNN ≈25.0 at ≈3." in ax.description


def test_whole_numbers_have_whole_ticks():
    ax = plots.plot_bands({"CNN": pd.DataFrame([[0.5, 0.6, 0.7]])}, "radius")
    assert all(tick == int(tick) for tick in ax.get_xticks())


def test_nine_names_differ_in_colour_and_in_grey_and_ten_are_refused():
    tables = {f"model {number}": make_runs(number) for number in range(10)}
    with pytest.raises(ValueError, match="tables must be at most 9, got 10"):
        plots.plot_bands(tables, "radius")
    tables.popitem()
    lines = plots.plot_bands(tables, "radius").lines
    assert len({line.get_color() for line in lines}) == 9
    assert len({line.get_marker() for line in lines}) == 9
    assert len({line.get_linestyle() for line in lines}) == 4


# Lines and descents


def test_lines_are_drawn_through_the_points():
    x, y, lines = make_lines(0)
    ax = plots.plot_lines(x.unsqueeze(1), y.unsqueeze(1), lines)
    points, *drawn = ax.lines
    assert list(points.get_ydata()) == y.tolist()
    for line, (name, (w, b)) in zip(drawn, lines.items(), strict=True):
        assert line.get_label() == name
        assert list(line.get_ydata()) == pytest.approx(list(float(w) * line.get_xdata() + float(b)))
        assert {min(line.get_xdata()), max(line.get_xdata())} == {-1, 1}
    values = [float(value) for line in lines.values() for value in line]
    assert numbers(ax) == pytest.approx(values, abs=0.006)
    looks = [(line.get_marker(), line.get_linestyle()) for line in ax.lines]
    assert len(set(looks)) == 3, "without colours they differ too"


def test_a_line_that_runs_off_leaves_the_others_readable():
    x, y, lines = make_lines(0)
    for far in ((0.0, 1e30), (math.inf, 0.0), (math.nan, math.nan)):
        ax = plots.plot_lines(x, y, lines | {"far": far})
        assert -2 < ax.get_ylim()[0] < -0.5 < 1.25 < ax.get_ylim()[1] < 2
        ax.figure.canvas.draw()


def test_losses_are_drawn_as_far_as_they_are_numbers():
    losses = {"falls": [1.0, 0.5, 0.25], "explodes": [1.0, 1e20, math.inf, math.nan]}
    ax = plots.plot_losses(losses)
    falls, explodes = (line.get_ydata() for line in ax.lines)
    assert list(falls) == losses["falls"] and ax.get_yscale() == "log"
    assert list(explodes[:2]) == [1, 1e20] and np.isnan(explodes[2:]).all()
    assert "falls from ≈1 to ≈0.25" in ax.description and "to ≈nan" in ax.description
    assert len({line.get_marker() for line in ax.lines}) == 2


def test_paths_are_drawn_on_their_surface_as_far_as_they_are_numbers():
    paths = make_paths(0)
    ax = plots.plot_paths(bowl, paths)
    walk, leap, start, lowest = (line.get_xydata() for line in ax.lines)
    assert np.allclose(lowest, 0, atol=1e-3) and ax.lines[-1].get_marker() == "+"
    assert ax.description.endswith("A + marks the lowest place shown, (≈0, ≈0).")
    assert np.allclose(walk, paths["walk"]) and list(start[0]) == [1, 2]
    assert np.allclose(leap[:2], paths["leap"][:2]) and np.isnan(leap[2]).all()
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    assert left < 0 < 1 < right < 2 and bottom < 0 < 2 < top < 4  # the first path and the origin
    contours = ax.collections[0]
    heights = contours.levels
    assert heights[0] == pytest.approx(0, abs=0.01) and heights[-1] > bowl(torch.tensor([1.0, 2.0]))
    assert "walk after 3 steps at (≈" in ax.description and "≈nan" in ax.description
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["walk", "leap"]


def turned_ravine(weights):
    """Narrow, at 30°, and lowest at (0.3, −0.2), to hundredths of a grid's cell."""
    first, second = (weights - torch.tensor([0.3, -0.2])).unbind(dim=-1)
    cosine, sine = math.cos(math.pi / 6), math.sin(math.pi / 6)
    return (cosine * first + sine * second) ** 2 + 1000 * (cosine * second - sine * first) ** 2


def saddle(weights):
    """Up along the first weight, down along the second."""
    return weights[..., 0] ** 2 - weights[..., 1] ** 2


def slope(weights):
    """Down to the right."""
    return -weights[..., 0]


def plain(weights):
    """The same height everywhere."""
    return torch.full(weights.shape[:-1], 3.0)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("surface", "lowest"),
    [(turned_ravine, [(0.3, -0.2)]), (saddle, []), (slope, []), (plain, [])],
    ids=["ravine", "saddle", "slope", "plain"],
)
@pytest.mark.parametrize("start", [(-2.0, 1.5), (0.5, -1.0)])
def test_the_lowest_place_is_marked_where_it_is_no_edge(surface, lowest, start):
    ax = plots.plot_paths(surface, {"rest": torch.tensor([start, start])})
    marks = [line.get_xydata()[0] for line in ax.lines if line.get_marker() == "+"]
    assert len(marks) == len(lowest) and np.allclose(marks, lowest, atol=0.002)
    assert ("A + marks" in ax.description) == bool(lowest)


@pytest.mark.filterwarnings("error")
def test_a_path_that_never_leaves_the_origin_can_be_drawn():
    ax = plots.plot_paths(bowl, {"rest": torch.zeros(3, 2)})
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    assert left < 0 < right and bottom < 0 < top


@pytest.mark.parametrize("logarithmic", [False, True])
def test_a_table_has_each_number_in_its_cell_and_frames_the_lowest_of_a_row(logarithmic):
    table = pd.DataFrame([[4.0, 2, 8], [1, np.nan, 64]], ["a", "b"], [0.1, 1, 10])
    ax = plots.plot_table(table, lowest=True, logarithmic=logarithmic, title="errors")
    assert texts(ax) == ["4", "2", "8", "1", "–", "64"]
    places = [text.get_position() for text in ax.texts]
    assert places == [(column, row) for row in range(2) for column in range(3)]
    frames = [np.add(patch.get_xy(), 0.45).round().tolist() for patch in ax.patches]
    assert frames == [[1, 0], [1, 0], [0, 1], [0, 1]]
    (image,) = ax.images
    shades = image.cmap(image.norm(image.get_array()))[..., 0]  # of grey, 1 is white
    assert 0.9 < shades[1, 0] < 1 and shades[1, 2] < 0.15
    assert abs(shades[0, 2] - 0.5) < 0.15 if logarithmic else shades[0, 2] > 0.8
    assert ax.description.endswith(
        "errors, the lowest of each row: a ≈2 at ≈[1.0]; b ≈1 at ≈[0.1]."
    )
    assert not plots.plot_table(table).patches
    assert texts(plots.plot_table(0 * table + 3, logarithmic=logarithmic))[:2] == ["3", "3"]
    with pytest.raises(ValueError, match="table must hold numbers above 0 for a ratio, got 0"):
        plots.plot_table(table - 1, logarithmic=True)


@pytest.mark.parametrize("step", [0, 4, 6, None])
def test_a_descent_is_the_line_of_its_step_and_the_path_up_to_it(step):
    x, y, path = make_points(0)
    ax = plots.plot_descent(x, y, path, step=step)
    step = 6 if step is None else step
    w, b = path[step].tolist()
    points, line = ax.lines
    assert list(points.get_ydata()) == y.tolist()
    assert list(line.get_ydata()) == pytest.approx(list(w * line.get_xdata() + b))
    (surface,) = [other for other in ax.figure.axes if other is not ax]
    lowest, trail, end = surface.lines
    best = np.polyfit(x, y, 1)
    assert (lowest.get_xdata()[0], lowest.get_ydata()[0]) == pytest.approx(tuple(best))
    assert trail.get_xydata().tolist() == pytest.approx(path[: step + 1].numpy())
    assert end.get_xydata().tolist() == pytest.approx(path[step : step + 1].numpy())
    loss = ((w * x + b - y) ** 2).mean().item()
    assert f"step {step} of 6, w ≈{w:.3g} and b ≈{b:.3g}" in ax.description
    assert ax.description.endswith(f"to ≈{loss:.2g}.") and f"{loss:.3g}" in surface.get_title()


def test_the_surface_is_the_mean_squared_error():
    x, y, path = make_points(0)
    x = x + 3  # so that w and b lean on each other
    surface = plots.plot_descent(x, y, path).figure.axes[1]
    contours = surface.collections[-1]
    for level, line in zip(contours.levels[1:4], contours.get_paths()[1:4]):
        w, b = torch.tensor(line.vertices[::10], dtype=torch.float32).T.unsqueeze(2)
        best = np.polyfit(x, y, 1)
        above = ((w * x + b - y) ** 2).mean(dim=1) - ((best[0] * x + best[1] - y) ** 2).mean()
        assert above.numpy() == pytest.approx(level, rel=0.05)


def test_the_axes_of_a_descent_stay_from_step_to_step_even_if_it_explodes():
    x, y, _ = make_points(0)
    path = descend(x, y, 3.0, 200, start=(-0.5, 0.75))
    assert path.isnan().any()
    limits = set()
    for step in (0, 1, 20, 60, 200):
        ax = plots.plot_descent(x, y, path, step=step)
        ax.figure.canvas.draw()
        limits.add(tuple(part.axis() for part in ax.figure.axes))
        assert bool(ax.texts) == (step > 0), "it says that the line is outside"
    assert len(limits) == 1


@pytest.mark.parametrize("step", [-1, 7])
def test_a_step_beyond_the_path_is_refused(step):
    with pytest.raises(ValueError, match=f"step must be an integer from 0 to 6, got {step}"):
        plots.plot_descent(*make_points(0), step=step)


# Windows of a convolution and of a pooling

ROLES = {  # of a square: by the colours of its face and its edge
    ("#F7D98B", "#000000"): "window",
    ("#FCF1D6", "#000000"): "window",  # in the padding
    ("#BFE3D5", "#4C4C4C"): "kernel",
    (plots.COLOURS[0], "#000000"): "result",
    ("#D3E6F5", "#999999"): "done",
    ("#FFFFFF", "#CCCCCC"): "to come",
}
CONVOLUTIONS = {
    "1-D": ((2, 8), (1, 2, 3), {}),
    "1-D, two outputs, stride 2": ((2, 8), (2, 2, 3), {"stride": 2, "padding": 2}),
    "1-D, groups, dilation": ((2, 9), (4, 1, 2), {"groups": 2, "dilation": 3, "padding": 1}),
    "2-D": ((1, 4, 4), (1, 1, 2, 2), {}),
    "2-D, two of all": ((2, 3, 4), (2, 2, 2, 3), {"stride": (2, 1), "padding": (1, 0)}),
}
POOLINGS = {
    "1-D": ("max", (2, 8), {"kernel_size": 2}),
    "1-D, last window beyond": ("max", (1, 5), {"kernel_size": 2, "ceil_mode": True}),
    "1-D, padding": ("max", (1, 6), {"kernel_size": 3, "stride": 2, "padding": 1, "dilation": 2}),
    "2-D": ("avg", (1, 4, 5), {"kernel_size": 2}),
    "2-D, last windows beyond": ("max", (2, 3, 5), {"kernel_size": 2, "ceil_mode": True}),
    "2-D, padding": ("avg", (1, 4, 4), {"kernel_size": (2, 3), "padding": (1, 1)}),
    "2-D, no padding counts": (
        "avg",
        (1, 3, 3),
        {"kernel_size": 2, "padding": 1, "ceil_mode": True, "count_include_pad": False},
    ),
}


def make_numbers(shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def squares(ax, steps=1):
    """For each step that is drawn, {role: (y, x, text) of its squares}, in the order of drawing."""
    centres = {text.get_position(): text.get_text() for text in ax.texts}
    assert len(ax.patches) % steps == 0
    drawn = [{role: [] for role in ROLES.values()} for _ in range(steps)]
    for number, patch in enumerate(ax.patches):
        colours = (to_hex(patch.get_facecolor()).upper(), to_hex(patch.get_edgecolor()).upper())
        if colours in ROLES:
            x, y = patch.get_xy()
            squares_of_step = drawn[number * steps // len(ax.patches)]
            squares_of_step[ROLES[colours]].append((y, x, centres[x + 0.5, y + 0.53]))
    return drawn


def written(squares):
    """The texts in some squares, in reading order."""
    return [text for *_, text in sorted(squares)]


def some_steps(windows):
    """The first two windows, one in the middle, and the last."""
    return sorted({0, min(1, len(windows) - 1), len(windows) // 2, len(windows) - 1})


def assert_drawn(ax, windows, expected):
    """Some windows stand there as they are: what each covers, its kernel, its result and the results before it."""
    results = [arithmetic.short(number) for number in expected.flatten().tolist()]
    assert len(results) == len(windows)
    steps = some_steps(windows)
    assert sums(ax) == [windows[step].written_out for step in steps]
    for number, roles in zip(steps, squares(ax, len(steps)), strict=True):
        values, weights = windows[number].values, windows[number].weights
        shown = ["" if value is None else arithmetic.short(value) for value in values]
        assert written(roles["window"]) == shown
        assert written(roles["kernel"]) == [arithmetic.short(weight) for weight in weights]
        assert written(roles["result"]) == [results[number]]
        outputs = written(roles["done"] + roles["result"] + roles["to come"])
        assert outputs == results[: number + 1] + [""] * (len(results) - number - 1)
        if expected.dim() == 2:  # the kernel and the result stand below their window
            columns = {x for _, x, _ in roles["window"]}
            assert {x for _, x, _ in roles["kernel"]} in (columns, set())
            assert roles["result"][0][1] == pytest.approx(np.mean([*columns]))


def sums(ax):
    """The lines that stand below the windows."""
    return [text.get_text().replace("\n", " ") for text in ax.texts if text.get_va() == "top"]


@pytest.mark.parametrize(
    ("shape", "weight_shape", "options"), CONVOLUTIONS.values(), ids=CONVOLUTIONS
)
def test_a_convolution_is_drawn_with_the_numbers_of_pytorch(shape, weight_shape, options):
    input, weight = make_numbers(shape), make_numbers(weight_shape)
    windows = arithmetic.convolution_windows(input, weight, **options)
    ax = plots.plot_convolution(input, weight, **options, steps=some_steps(windows))
    convolution = F.conv1d if input.dim() == 2 else F.conv2d
    expected = convolution(input, weight, **options)
    assert_drawn(ax, windows, expected)
    assert f"output {tuple(expected.shape)}" in ax.description
    for name, value in options.items():
        assert f"{name} {value}" in ax.description


@pytest.mark.parametrize(("kind", "shape", "options"), POOLINGS.values(), ids=POOLINGS)
def test_a_pooling_is_drawn_with_the_numbers_of_pytorch(kind, shape, options):
    input = make_numbers(shape)
    windows = getattr(arithmetic, f"{kind}_pool_windows")(input, **options)
    ax = plots.plot_pooling(input, **options, kind=kind, steps=some_steps(windows))
    expected = getattr(F, f"{kind}_pool{input.dim() - 1}d")(input, **options)
    assert_drawn(ax, windows, expected)
    assert f"output {tuple(expected.shape)}" in ax.description
    for name, value in options.items():
        assert f"{name} {value}" in ax.description


def test_a_bias_is_part_of_the_sum():
    signal, weight = CASES["plot_convolution"](0)
    ax = plots.plot_convolution(signal, weight, bias=[0.5], steps=[0])
    assert sums(ax) == ["0·0.1 + 1·0.2 + 2·0.3 + 8·1 + 9·1 + 10·1 + 0.5 = 28.3"]
    assert written(squares(ax)[0]["result"]) == ["28.3"]


def test_one_number_in_a_tuple_counts_for_both_axes():
    image = torch.arange(16.0).reshape(1, 4, 4)
    ax = plots.plot_pooling(image, (2,), stride=(2,), padding=(1,))
    assert sums(ax) == sums(plots.plot_pooling(image, 2, 2, padding=1))


def test_a_result_can_be_left_open():
    input, weight = torch.arange(6.0).reshape(1, 6), torch.tensor([[[1.0, 2.0]]])
    ax = plots.plot_convolution(input, weight, steps=[2], ask=True)
    drawn = [text.get_text() for text in ax.texts]
    assert drawn.count("?") == 1 and "8" not in drawn and {"2", "5"} <= set(drawn)  # 2, 5, then 8
    assert "2·1 + 3·2 = ?" in drawn and ax.description.endswith("2·1 + 3·2 = ?.")


def cells_of(ax):
    """{text: the box that it stands in} of the cells that are drawn."""
    boxes = {(box.get_x(), round(box.get_y(), 6)): box for box in ax.patches}
    places = [(text, text.get_position()) for text in ax.texts]
    places = [(text.get_text(), (x - 0.5, round(y - 0.53, 6))) for text, (x, y) in places]
    return {text: boxes[place] for text, place in places if place in boxes}


def test_larger_numbers_of_an_image_are_darker():
    input = torch.tensor([[[0.0, 3, 7], [1, 9, 8], [2, 4, 5]]])
    boxes = cells_of(plots.plot_pooling(input, kernel_size=1, steps=[0]))
    shades = [boxes[number].get_facecolor()[0] for number in "134579"]
    assert shades == sorted(shades, reverse=True) and len(set(shades)) == 6
    assert shades[-1] > 0.5  # so that black numbers stay readable


def test_a_slice_of_a_kernel_stands_beside_its_channel():
    input = torch.arange(32.0).reshape(2, 4, 4)
    weight = torch.tensor([[[[0.1, 0.2], [0.3, 0.4]], [[0.5, 0.6], [0.7, 0.8]]]])
    boxes = cells_of(plots.plot_convolution(input, weight, steps=[8]))
    for first_of_channel, first_of_slice in (("0", "0.1"), ("16", "0.5")):
        assert boxes[first_of_channel].get_y() == boxes[first_of_slice].get_y()


def test_names_stand_at_the_ends_of_lines_and_keep_apart():
    lines = {"steep": (1.0, 0.0), "flat": (0.0, 0.1), "as flat": (0.0, 0.11), "low": (-1.0, 0)}
    ax = plots.plot_lines([-1.0, 1.0], [-1.0, 1.0], lines)
    names = {text.get_text(): text for text in ax.texts}
    assert set(names) == set(lines) and ax.get_legend() is None
    heights = [names[name].get_position()[1] for name in ("low", "flat", "as flat", "steep")]
    assert all(above - below > 0.04 for below, above in itertools.pairwise(heights))
    for line in ax.lines[1:]:
        x, y = ax.transAxes.inverted().transform(ax.transData.transform(line.get_xydata()[-1]))
        assert names[line.get_label()].xy == pytest.approx((x, y))


def test_cells_beyond_the_padding_stay_empty():
    ax = plots.plot_pooling(torch.ones(1, 3), kernel_size=2, ceil_mode=True, steps=[1])
    assert written(squares(ax)[0]["window"]) == ["1", ""]
    ax = plots.plot_pooling(torch.ones(1, 3), 2, padding=1, ceil_mode=True, steps=[0])
    assert written(squares(ax)[0]["window"]) == ["−∞", "1"]


@pytest.mark.parametrize("name", ["plot_convolution", "plot_pooling"])
def test_the_description_holds_the_sum_of_each_window_that_is_shown(name):
    make_windows = {
        "plot_convolution": arithmetic.convolution_windows,
        "plot_pooling": arithmetic.max_pool_windows,
    }[name]
    windows = make_windows(*CASES[name](0))
    last = len(windows) - 1
    for steps, shown in {None: [0, last // 2, last], (1,): [1], (2, 0): [2, 0]}.items():
        ax = draw(name, steps=steps)
        assert re.findall(r"Window (\d+) of (\d+): (.+?)\.(?= |$)", ax.description) == [
            (str(step + 1), str(len(windows)), windows[step].written_out) for step in shown
        ]
        assert sums(ax) == [windows[step].written_out for step in shown]


@pytest.mark.parametrize("name", ["plot_convolution", "plot_pooling"])
def test_sums_can_be_left_to_the_description(name):
    ax = draw(name, sums=False)
    assert sums(ax) == [] and ax.description == draw(name).description


@pytest.mark.parametrize("steps", [[6], [-1], [0, 6], []])
def test_a_window_that_is_not_there_is_refused(steps):
    with pytest.raises(ValueError, match=re.escape(f"numbers from 0 to 5, got {steps}")):
        draw("plot_convolution", steps=steps)
    with pytest.raises(ValueError, match=re.escape(f"numbers from 0 to 3, got {steps}")):
        draw("plot_pooling", steps=steps)


def test_what_does_not_go_together_is_refused():
    with pytest.raises(ValueError, match="kernel_size 3 with dilation 4 spans 9 cells"):
        plots.plot_convolution(*CASES["plot_convolution"](0), dilation=4)
    with pytest.raises(ValueError, match="at most half of kernel_size 2, got 2"):
        draw("plot_pooling", padding=2)
    with pytest.raises(ValueError, match=r"kind must be .* got 'mean' with dilation 1"):
        draw("plot_pooling", kind="mean")
    with pytest.raises(ValueError, match=r"kind must be .* got 'avg' with dilation 2"):
        draw("plot_pooling", kind="avg", dilation=2)


def contrast(colour, other):
    """The contrast ratio of two colours, from 1 to 21 (WCAG 2.2, with their relative luminance)."""

    def luminance(colour):
        parts = np.array(to_rgb(colour))
        parts = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
        return parts @ [0.2126, 0.7152, 0.0722]

    low, high = sorted([luminance(colour), luminance(other)])
    return (high + 0.05) / (low + 0.05)


def cells(ax):
    """The texts of a confusion matrix and the colours behind them, in rows."""
    drawn = ax.images[0].get_array()
    colours = ax.images[0].cmap(ax.images[0].norm(drawn))
    assert len(ax.texts) == drawn.size
    for number, text in enumerate(ax.texts):
        assert text.get_position() == (number % len(drawn), number // len(drawn))
    return np.reshape(texts(ax), drawn.shape), colours


every_kind_of_confusion = pytest.mark.parametrize(
    "options",
    [{}, {"normalise": True}, {"errors_only": True}, {"normalise": True, "errors_only": True}],
    ids=["counts", "shares", "errors", "shares of errors"],
)


@every_kind_of_confusion
@pytest.mark.parametrize("scale", [1, 30, 900])
def test_every_number_of_a_confusion_matrix_can_be_read(options, scale):
    for seed in range(3):
        ax = plots.plot_confusion(make_confusion(seed, scale), **options)
        written, colours = cells(ax)
        for text, colour in zip(ax.texts, colours.reshape(-1, 4)):
            assert not text.get_text() or contrast(text.get_color(), colour[:3]) >= 4.5
        assert all(len(text) <= 5 for text in written.flat)
        plt.close("all")


@pytest.mark.parametrize("name", ["Blues", "viridis", "gray", "hsv"])
def test_ink_can_be_read_on_any_colour(name):
    for colour in plt.get_cmap(name)(np.linspace(0, 1, 256)):
        assert contrast(ink(colour), colour[:3]) >= 4.5
    assert (ink((1, 1, 1)), ink((0, 0, 0))) == ("black", "white")


def test_a_confusion_matrix_has_a_row_for_each_label_and_a_column_for_each_answer():
    matrix = make_confusion(0)
    ax = plots.plot_confusion(matrix)
    assert cells(ax)[0].tolist() == [[str(count) for count in row] for row in matrix.tolist()]
    assert np.array_equal(ax.images[0].get_array(), matrix)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("answer", "label")
    for labels in (ax.get_xticklabels(), ax.get_yticklabels()):
        assert [label.get_text() for label in labels] == list("0123456789")
    errors = matrix.clone().fill_diagonal_(0)
    label, answer = divmod(errors.argmax().item(), 10)
    found = [matrix.sum(), errors.sum(), errors.max(), label, answer]
    assert numbers(ax) == found


def test_zeros_of_a_confusion_matrix_are_drawn_lightly():
    ax = plots.plot_confusion(make_confusion(0))
    zeros = {(text.get_color(), text.get_fontsize()) for text in ax.texts if text.get_text() == "0"}
    others = {text.get_fontsize() for text in ax.texts if text.get_text() != "0"}
    ((colour, size),) = zeros
    assert contrast(colour, "black") > 2 and size < min(others)


def test_shares_are_of_a_row_in_percent():
    matrix = torch.tensor([[2998, 1, 0], [3, 0, 1], [0, 0, 0]])
    ax = plots.plot_confusion(matrix, normalise=True)
    written = [[">99.9", "<0.1", "0"], ["75.0", "0", "25.0"], ["0", "0", "0"]]
    assert cells(ax)[0].tolist() == written
    assert numbers(ax) == [3003, 5, 75, 1, 0] and "in % of each row" in ax.description
    rows = [list(map(float, row)) for row in cells(plots.plot_confusion(torch.eye(3) * 7, True))[0]]
    assert rows == [[100, 0, 0], [0, 100, 0], [0, 0, 100]]


def test_errors_alone_set_the_scale():
    matrix = make_confusion(0)
    ax = plots.plot_confusion(matrix, errors_only=True)
    written, _ = cells(ax)
    assert set(written.diagonal()) == {""} and ax.images[0].get_array().mask.diagonal().all()
    assert ax.images[0].get_clim() == (0, matrix.clone().fill_diagonal_(0).max())
    assert "without its diagonal" in ax.description
    ax = plots.plot_confusion(matrix, normalise=True, errors_only=True)
    shares = 100 * matrix / matrix.sum(dim=1, keepdim=True).clamp(min=1)
    assert ax.images[0].get_clim()[1] == pytest.approx(shares.fill_diagonal_(0).max())


@every_kind_of_confusion
def test_a_confusion_matrix_without_errors_or_examples(options):
    for matrix in (torch.eye(10).long() * 5, torch.zeros(10, 10).long()):
        ax = plots.plot_confusion(matrix, **options)
        assert numbers(ax) == [matrix.sum(), 0]


def test_other_figures_are_left_alone():
    """Nothing goes into pyplot's current figure."""
    _, mine = plt.subplots()
    theirs = matplotlib.figure.Figure().add_subplot()
    plots.plot_confusion(make_confusion(0), ax=theirs)
    assert plt.get_fignums() == [1] and plt.gca() is mine
    assert mine.get_xlabel() == mine.get_ylabel() == ""
    assert (theirs.get_xlabel(), theirs.get_ylabel()) == ("answer", "label")


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (torch.ones(2, 3), r"matrix must be \(classes, classes\), got \(2, 3\)"),
        (torch.ones(3), r"matrix must be \(classes, classes\), got \(3,\)"),
        (torch.eye(2) / 2, "matrix must hold counts, integers of at least 0, got 0.5"),
        (-torch.eye(2), "matrix must hold counts, integers of at least 0, got -1"),
    ],
)
def test_what_is_no_confusion_matrix_is_refused(matrix, message):
    with pytest.raises(ValueError, match=message):
        plots.plot_confusion(matrix)


def share_right(ax):
    """The points of a reliability diagram, (mean confidence, share right) by bin."""
    (line,) = (line for line in ax.lines if line.get_label() == "share right")
    return line.get_xydata().tolist()


def test_reliability_is_the_share_right_in_each_bin_of_confidence():
    confidences = torch.tensor([0.5, 0.65, 0.66, 0.92, 0.98, 1.0, 0.05])
    right = torch.tensor([True, False, True, True, True, False, False])
    ax = plots.plot_reliability(confidences, right)
    expected = [(0.05, 0), (0.5, 1), (0.655, 0.5), (2.9 / 3, 2 / 3)]
    assert share_right(ax) == [pytest.approx(point, abs=1e-6) for point in expected]
    (above,) = ax.child_axes
    assert texts(above) == ["1", "1", "2", "3"] and above.get_yscale() == "log"
    middles = [bar.get_x() + bar.get_width() / 2 for bar in above.patches]
    assert middles == pytest.approx([0.05, 0.55, 0.65, 0.95])
    (intervals,) = ax.collections
    ends = [tuple(path.vertices[:, 1]) for path in intervals.get_paths()]
    assert ends[0] == pytest.approx((0, 0.7935), abs=1e-4)  # none of one
    assert ends[2] == pytest.approx((0.0945, 0.9055), abs=1e-4)  # one of two
    assert ends[3] == pytest.approx((0.2077, 0.9385), abs=1e-4)  # two of three
    (diagonal,) = (line for line in ax.lines if line.get_linestyle() == ":")
    assert diagonal.get_xydata().tolist() == [[0, 0], [1, 1]]
    error = (0.05 + 0.5 + 2 * 0.155 + 3 * 0.3) / 7
    found = [7, 100 * confidences.mean().item(), 100 * 4 / 7, 100 * error]
    assert numbers(ax) == pytest.approx(found, abs=0.051)


@pytest.mark.parametrize("bins", [1, 3, 10, 15])
def test_the_expected_calibration_error_is_that_of_torchmetrics(bins):
    for seed in range(4):
        confidences, right = make_answers(seed)
        expected = binary_calibration_error(confidences, right, n_bins=bins).item()
        ax = plots.plot_reliability(confidences, right, bins)
        assert numbers(ax)[-1] == pytest.approx(100 * expected, abs=0.051)
        assert f"in {bins} bins" in ax.description
        plt.close("all")


@pytest.mark.parametrize(
    ("confidences", "right", "bins", "message"),
    [
        ([], [], 10, "confidences must hold at least one answer, got none"),
        ([0.5], [True, True], 10, "must be of the same length"),
        ([[0.5]], [[True]], 10, "must each be 1-dimensional"),
        ([1.5], [True], 10, "confidences must be from 0 to 1, got 1.5"),
        ([math.nan], [True], 10, "confidences must be from 0 to 1, got nan"),
        ([0.5, 0.6], [1, 7], 10, "right must be True or False for each answer, got 7"),
        ([0.5], [0.5], 10, "right must be True or False for each answer, got 0.5"),
        ([0.5], [math.nan], 10, "right must be True or False for each answer, got nan"),
        ([0.5], [True], 0, "bins must be an integer of at least 1, got 0"),
        ([0.5], [True], 2.5, "bins must be an integer of at least 1, got 2.5"),
        ([0.5], [True], True, "bins must be an integer of at least 1, got True"),
        ([0.5], [True], "3", "bins must be an integer of at least 1, got '3'"),
    ],
)
def test_what_has_no_reliability_is_refused(confidences, right, bins, message):
    with pytest.raises((TypeError, ValueError), match=message):
        plots.plot_reliability(confidences, right, bins)


def test_right_may_be_numbers_and_bins_of_numpy():
    confidences, right = make_answers(0)
    expected = plots.plot_reliability(confidences, right, 7).description
    for other in (right.int(), right.double(), right.tolist()):
        assert plots.plot_reliability(confidences, other, np.int64(7)).description == expected


# show


def test_describe_gives_axes_their_words():
    ax = plots.new_axes()
    assert plots.describe(ax, "A first try.") is ax
    assert plots.describe(ax, "Nothing is drawn.").description == "Nothing is drawn."


def test_a_figure_without_a_description_is_not_shown():
    with pytest.raises(ValueError, match="ax must have a description, got none: call describe"):
        plots.show(plots.new_axes())


def test_in_plain_python_the_words_are_printed(monkeypatch, capsys):
    shown = []
    monkeypatch.setattr(plt, "show", lambda: shown.append(plt.get_fignums()))
    _, (left, right) = plt.subplots(1, 2)
    plots.describe(left, "On the left nothing.")
    plots.describe(right, "On the right nothing.")
    plots.show(right)
    assert shown == [[1]]
    assert capsys.readouterr().out == "On the left nothing. On the right nothing.\n"


def test_in_a_notebook_there_is_one_picture_with_its_alternative_text(monkeypatch, capsys):
    shown = []
    monkeypatch.setattr(base, "get_ipython", lambda: "a shell")
    monkeypatch.setattr(base, "display", lambda data, **how: shown.append((data, how)))
    plots.show(draw("plot_history"))
    ((data, how),) = shown
    words = draw("plot_history").description
    assert how == {"raw": True, "metadata": {"image/png": {"alt": words}}}
    assert set(data) == {"image/png", "text/plain"} and data["text/plain"] == words
    assert base64.b64decode(data["image/png"]).startswith(b"\x89PNG\r\n")
    assert len(plt.get_fignums()) == 1 and not any(capsys.readouterr())  # the one drawn last


# Less usual inputs


def test_steps_stand_beside_each_other_where_there_is_room():
    """Windows of an image do; rows of numbers stand below each other, and so do large images."""
    places = []
    for ax in (
        plots.plot_pooling(torch.rand(1, 4, 5), 2),
        plots.plot_pooling(torch.rand(1, 8), 2),
        plots.plot_pooling(torch.rand(1, 4, 20), 2),
    ):
        names = [text.get_position() for text in ax.texts if text.get_text() == "input"]
        places.append([len({position[axis] for position in names}) for axis in (0, 1)])
    assert places == [[3, 1], [1, 3], [1, 3]]


def test_a_signal_with_gaps_has_its_values_where_they_are():
    signal = torch.tensor([1.0, torch.nan, 3.0, torch.nan])
    ax = plots.plot_signals({"a": signal}, starts={"a": 0.5})
    assert ax.child_axes[0].lines[1].get_xydata().tolist() == [[0.5, 1], [2.5, 3]]
    assert "a: 2 values from 1 to 3, the largest at 2.5, the smallest at 0.5" in ax.description


def test_a_history_of_one_row_can_be_seen():
    lines = plots.plot_history(make_history(0, rows=1)).lines
    assert all(line.get_marker() not in ("", "None", None) for line in lines)


def test_the_description_of_scores_says_what_is_measured():
    assert "recall" in plots.plot_scores(make_scores(0), xlabel="recall (%)").description


def test_a_part_beyond_the_image_is_refused():
    with pytest.raises(ValueError, match="within 28×28 pixels, got 20, 20 and 10"):
        plots.plot_pixels(make_images(0)[0], top=20, left=20, size=10)


def test_digits_without_an_image_or_with_too_few_captions_are_refused():
    images = make_images(0)
    with pytest.raises(ValueError, match=r"N at least 1, got \(0, 1, 28, 28\)"):
        plots.plot_digits(images[:0])
    with pytest.raises(ValueError, match=r"as many as pictures \(7\), got 1"):
        plots.plot_digits(images, ["7"])


def test_a_drawing_is_shown_with_its_ink_and_the_points_of_each_stroke():
    drawing, pen = make_strokes(0)
    ax = plots.plot_strokes(drawing, pen)
    picture = ax.images[0].get_array()
    assert np.array_equal(picture, strokes.draw(drawing, pen, len(picture))[0])
    assert ax.images[0].get_extent() == [0, 1, 1, 0] and ax.get_ylim() == (1, 0)  # y goes down
    lines, starts = ax.lines[::2], ax.lines[1::2]
    for stroke, line, start in zip(drawing, lines, starts, strict=True):
        assert np.array_equal(line.get_xydata(), stroke)
        assert line.get_marker() == start.get_marker()
        assert np.array_equal(start.get_xydata(), stroke[:1])
    assert len({(line.get_color(), line.get_marker()) for line in lines}) == 2
    assert texts(ax) == ["1", "2"]
    assert numbers(ax) == [2, 4, 5.0]


def test_drawings_stand_side_by_side_with_their_names():
    drawings = {name: make_strokes(place) for place, name in enumerate("abc")}
    ax = plots.plot_drawings(drawings, columns=2)
    assert texts(ax) == ["a", "b", "c"]
    places = [image.get_extent() for image in ax.images]
    side = len(ax.images[0].get_array())
    found = [(left // side, top // side) for left, _, _, top in places]
    assert found == [(0, 0), (1, 0), (0, 1)]
    for image, (drawing, pen) in zip(ax.images, drawings.values(), strict=True):
        picture = image.get_array()
        assert np.array_equal(picture, strokes.draw(drawing, pen, len(picture))[0])
    assert numbers(ax) == [2, 5, 3, 7, 4, 9]


def test_ways_have_a_mark_at_the_mean_and_a_line_over_all_runs():
    tables = make_ways(0)
    ax = plots.plot_ways(tables, xlabel="recall (%)")
    for line, lines, (name, table) in zip(ax.lines, ax.collections, tables.items(), strict=True):
        assert line.get_label() == name
        assert list(line.get_xdata()) == pytest.approx(list(100 * table.mean()))
        for (start, end), way in zip(lines.get_segments(), table, strict=True):
            assert (start[0], end[0]) == pytest.approx(
                (100 * table[way].min(), 100 * table[way].max())
            )
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["2", "7"]
    assert ax.get_ylim()[0] > ax.get_ylim()[1]  # the first way on top
    means = [100 * table[way].mean() for way in (2, 7) for table in tables.values()]
    assert numbers(ax) == pytest.approx(means, abs=0.051) and "recall" in ax.description


def test_bands_reach_from_the_lowest_to_the_highest_run():
    tables = make_ways(1)
    ax = plots.plot_bands(tables, "pen (%)")
    for line, band, table in zip(ax.lines, ax.collections, tables.values(), strict=True):
        assert line.get_xydata().tolist() == [[x, 100 * table[x].mean()] for x in (2, 7)]
        edges = band.get_paths()[0].vertices
        for x in (2, 7):
            at = edges[edges[:, 0] == x, 1]
            assert (at.min(), at.max()) == pytest.approx(
                (100 * table[x].min(), 100 * table[x].max())
            )
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("pen (%)", "accuracy (%)")
    expected = [
        value for table in tables.values() for x in (2, 7) for value in (100 * table[x].mean(), x)
    ]
    assert numbers(ax) == pytest.approx(expected, abs=0.051)


@pytest.mark.parametrize("plot", [plots.plot_ways, partial(plots.plot_bands, xlabel="pen (%)")])
@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({}, "No objects to concatenate"),
        (make_ways(0)["a"], 'must be an iterable of pandas objects, .* type "DataFrame"'),
        ({f"{n}": make_ways(0)["a"] for n in range(10)}, "tables must be at most 9, got 10"),
        ({"a": [[0.5]]}, "cannot concatenate object of type .*list"),
        ({"a": 100 * make_ways(0)["a"]}, r"shares from 0 to 1, got [\d.]+ in 'a'"),
    ],
    ids=["none", "no dict", "ten", "no table", "percent"],
)
def test_what_cannot_be_compared_is_refused(plot, tables, message):
    with pytest.raises((TypeError, ValueError), match=message):
        plot(tables)


@pytest.mark.parametrize("plot", [plots.plot_ways, partial(plots.plot_bands, xlabel="pen (%)")])
def test_columns_may_stand_in_another_order_in_each_table(plot):
    tables = make_ways(0)
    expected = plot(tables)
    found = plot(tables | {"b": tables["b"][[7, 2]]})
    assert found.description == expected.description
    for line, other in zip(found.lines, expected.lines, strict=True):
        assert np.array_equal(line.get_xydata(), other.get_xydata())


def test_a_mean_of_nothing_is_left_out_of_the_ways():
    """As the confidence of wrong answers where all are right."""
    ax = plots.plot_ways({"CNN": make_ways(0)["a"].assign(none=np.nan)})
    assert np.isnan(ax.lines[0].get_xdata()).tolist() == [False, False, True]
    assert ax.description.endswith("none: CNN ≈nan.")
