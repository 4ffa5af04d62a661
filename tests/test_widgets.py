"""The explorers, driven from Python: what they show agrees with PyTorch, whatever the sliders say."""

import base64
import html
import io
import itertools
import re
import threading
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import matplotlib
import matplotlib.pyplot as plt
import matplotlib.style
import PIL.Image
import PIL.ImageOps
import pytest
import torch
import torch.nn.functional as F
import traitlets
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from test_plots import contrast
from watched import Watched

from mnist_lib import data, features, metrics, models, plots, widgets
from mnist_lib.machinery import watchers
from mnist_lib.widgets import (
    confusion_explorer,
    convolution_explorer,
    drawing_pad,
    feature_explorer,
    kernel_explorer,
    learning_rate_explorer,
    pooling_explorer,
    shift_explorer,
)
from mnist_lib.widgets.descent import descend
from mnist_lib.widgets.explorer import ArrowKeys

ROOT = Path(__file__).parents[1]
REFUSAL = "These settings do not go together: "
X = torch.tensor([-1.0, 0.0, 0.5, 2.0])
Y = torch.tensor([3.0, 1.0, -0.5, 2.5])


def make_predictions(size=200, classes=10, seed=0):
    """A `Split` of noise and probabilities for it: 7 in 10 are right, no label is 3 and no answer is 5."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(classes, (size,), generator=generator)
    labels[labels == 3] = 1
    logits = 2 * torch.randn(size, classes, generator=generator)
    logits[range(size), labels] += 4
    logits[:, 5:6] -= 50
    images = torch.rand(size, 1, 28, 28, generator=generator)
    return data.Split(images, labels), logits.softmax(dim=1)


def make_record(out_channels=3, in_channels=2, moments=4):
    """The weights of a convolution, "weight", drawn anew at each moment and growing; steps 0, 10, 20, …"""
    torch.manual_seed(0)
    model = torch.nn.Conv2d(in_channels, out_channels, kernel_size=3)
    record = watchers.WeightRecord(["weight", "bias"], every=10)
    for moment in range(moments):
        torch.nn.init.normal_(model.weight, std=0.1 + moment)
        training = SimpleNamespace(model=model, step=10 * moment, last_step=10 * (moments - 1))
        record.after_step(training) if moment else record.before_training(training)
    return record


def make_digits(size=12):
    """A `Split` of noise."""
    generator = torch.Generator().manual_seed(0)
    return data.Split(torch.rand(size, 1, 28, 28, generator=generator), torch.arange(size) % 10)


def make_networks():
    """Networks with random weights, {name: model}, which differ in their answers and are sure of them."""
    torch.manual_seed(0)
    networks = {"softmax classifier": models.SoftmaxClassifier(), "ConvNet": models.ConvNet()}
    networks |= {"MLP": models.MLP(), "TinyVGG": models.TinyVGG()}
    for network in networks.values():
        for parameter in network.parameters():
            parameter.data *= 3
    return networks


EXPLORERS = {
    "convolution 1-D": lambda: three_of(7),
    "convolution 2-D": lambda: convolution_explorer(counting(1, 4, 5), [[[-1, 0], [0, 0.5]]]),
    "pooling 1-D": lambda: pooling_explorer(counting(2, 6), ask=False),
    "pooling 2-D": lambda: pooling_explorer(counting(1, 4, 6), kind="avg"),
    "learning rate": lambda: learning_rate_explorer(X, Y, steps=8),
    "confusion": lambda: right_answers(confusion_explorer(*make_predictions(400))),
    "kernels": lambda: kernel_explorer(make_record(), "weight"),
    "features": lambda: feature_explorer(make_networks()["ConvNet"], make_digits()),
    "shift": lambda: shift_explorer(make_networks(), make_digits(), "layers.4"),
}


def counting(*shape):
    return torch.arange(float(torch.Size(shape).numel())).reshape(shape)


def three_of(size, ask=False, **options):
    """The explorer of a convolution of 0, 1, 2, … with a kernel of three."""
    return convolution_explorer(counting(1, size), [[0.1, 0.2, 0.3]], ask=ask, **options)


def right_answers(explorer):
    """The explorer, at a cell with several pages."""
    explorer.choose(label=1, answer=1)
    return explorer


def pad_with_a_seven():
    pad = drawing_pad({"MLP": models.MLP(), "ConvNet": models.ConvNet()})
    pad.canvas.strokes = [[[0.3, 0.2], [0.7, 0.2], [0.45, 0.8]], [[0.35, 0.5], [0.65, 0.5]]]
    return pad


class Unpainted(FigureCanvasAgg):
    """A figure on it is drawn and described, but has no pixels: those take most of the time."""

    def print_png(self, file, pil_kwargs):
        pass


@pytest.fixture(autouse=True)
def unpainted(monkeypatch):
    monkeypatch.setattr(widgets.explorer, "FigureCanvasAgg", Unpainted)
    yield
    plt.close("all")


@pytest.fixture
def painted(unpainted, monkeypatch):
    """For tests that look at pixels."""
    monkeypatch.setattr(widgets.explorer, "FigureCanvasAgg", FigureCanvasAgg)
    monkeypatch.setattr(widgets.explorer, "PIXELS_PER_INCH", 20)  # faster


def words(widget):
    """The text of an HTML widget."""
    return html.unescape(re.sub(r"<[^>]*>", "", widget.value))


def picture_alt(explorer):
    return html.unescape(re.search(r'alt="([^"]*)"', explorer.picture.value)[1])


def png(explorer):
    return pictures_and_sizes(explorer)[0][0]


def pictures_and_sizes(explorer):
    """[(picture, width, height on the page)]: several for a pad."""
    parts = r'width="(\d+)" height="(\d+)" [^>]*src="data:image/png;base64,([^"]*)"'
    return [
        (PIL.Image.open(io.BytesIO(base64.b64decode(content))), int(width), int(height))
        for width, height, content in re.findall(parts, explorer.picture.value)
    ]


def run_code(explorer, **names):
    """The names that the code to copy leaves behind; `names` are there before."""
    exec(words(explorer.code), names | {"print": lambda *values: None}, names)
    return names


def shown_cell(explorer):
    """The output cell that the text names, and the number that it says is there."""
    text = words(explorer.text)
    place = re.search(r"output\[([\d, ]+)\] = ", text)[1]
    number = re.search(r"[=≈] (\S+)$", text)[1]
    return tuple(map(int, place.split(", "))), float(number.replace("−", "-").replace("∞", "inf"))


def convolution_by_torch(input, kernel, **options):
    """PyTorch's convolution of the settings of an explorer, or None if it refuses."""
    rows = [[float(number) for number in row.split()] for row in kernel.splitlines()]
    weight = torch.tensor(rows).reshape(1, len(input), *[len(rows[0])] * (input.dim() - 1))
    try:
        return (F.conv1d if input.dim() == 2 else F.conv2d)(input, weight, **options)
    except RuntimeError:
        return None


def pooling_by_torch(input, kind, dilation, count_include_pad, **options):
    """PyTorch's pooling of the settings of an explorer, or None if it refuses."""
    axes = input.dim() - 2
    if kind == "max":
        pool, options["dilation"] = (F.max_pool1d, F.max_pool2d)[axes], dilation
    else:
        pool, options["count_include_pad"] = (F.avg_pool1d, F.avg_pool2d)[axes], count_include_pad
    try:
        return pool(input, **options)
    except RuntimeError:
        return None


def settings(explorer):
    return {name: control.value for name, control in explorer.controls.items()}


def check(explorer, by_torch, input):
    """The explorer shows what PyTorch computes, at its first and its last window; or it refuses as well."""
    expected = by_torch(input, **settings(explorer))
    if expected is None:
        assert words(explorer.text).startswith(REFUSAL)
        assert explorer.picture.value == explorer.notes.value == explorer.code.value == ""
        assert explorer.step.disabled and explorer.play.disabled
        return
    assert not explorer.step.disabled and not explorer.play.disabled
    assert explorer.step.max == explorer.play.max == expected.numel()
    for step in (1, expected.numel()):
        explorer.step.value = step
        place, number = shown_cell(explorer)
        assert number == pytest.approx(expected[place].item(), rel=1e-5, abs=1e-4)
        assert counting(*expected.shape)[place] == step - 1
        text = f"Window {step} of {expected.numel()}: "
        assert words(explorer.text).startswith(text) and text in picture_alt(explorer)
    torch.testing.assert_close(run_code(explorer)["output"], expected)
    formulas = explorer.notes.value.split("<br>")
    for size, formula in itertools.zip_longest(
        expected.shape[1:], formulas, fillvalue=formulas[-1]
    ):
        assert formula.endswith(f" {size}")


def combinations(**choices):
    for values in itertools.product(*choices.values()):
        yield dict(zip(choices, values))


# What is shown, against PyTorch


INPUTS = [counting(1, 6), counting(2, 6), counting(1, 3, 4), counting(2, 3, 4)]


def some_of(cases, thorough):
    """Each seventh case; or all. From the fifth on: so each choice matters to what some of them show."""
    return list(cases) if thorough else list(cases)[4::7]


every_input = pytest.mark.parametrize("input", INPUTS, ids=lambda input: str(tuple(input.shape)))


@every_input
def test_a_convolution_agrees_with_pytorch_or_is_refused(input):
    choices = {"kernel_size": [2, 3], "stride": [1, 3], "padding": [0, 1], "dilation": [1, 3]}
    kernel = torch.ones(len(input), *[1] * (input.dim() - 1))
    explorer, refused = convolution_explorer(input, kernel, ask=False), []
    for options in combinations(**choices):
        size = options.pop("kernel_size")
        kernel = counting(len(input) * size ** (input.dim() - 2), size) - 1.5
        explorer.choose(
            kernel="\n".join(" ".join(f"{n:g}" for n in row) for row in kernel), **options
        )
        check(explorer, convolution_by_torch, input)
        refused.append(explorer.step.disabled)
    assert any(refused) and not all(refused)


@every_input
def test_a_pooling_agrees_with_pytorch_or_is_refused(input, thorough):
    choices = {"kind": ["max", "avg"], "kernel_size": [2, 3], "padding": [0, 1, 2]}
    choices |= {"ceil_mode": [False, True], "dilation": [1, 2], "count_include_pad": [True, False]}
    explorer, refused = pooling_explorer(input, ask=False), []
    for options in some_of(combinations(**choices), thorough):
        explorer.choose(**options)
        assert settings(explorer).items() >= options.items()
        check(explorer, pooling_by_torch, input)
        refused.append(explorer.step.disabled)
    assert 0.2 < sum(refused) / len(refused) < 0.8  # a padding of 2 never fits


# Kernels that are written


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("-1 0 1", [-1, 0, 1]),
        (" −1  0.5\t1e1 ", [-1, 0.5, 10]),
        ("[−1, 1/2, 1]\n", [-1, 0.5, 1]),
        ("0,5 1 2", [0.5, 1, 2]),
    ],
)
def test_a_kernel_is_read_as_people_write_it(text, numbers):
    explorer = three_of(7)
    explorer.controls["kernel"].value = text
    expected = F.conv1d(counting(1, 7), torch.tensor([[numbers]]).float())
    torch.testing.assert_close(run_code(explorer)["output"], expected)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "the kernel must have as many numbers in each row"),
        ("\n \n", "the kernel must have as many numbers in each row"),
        ("1 2 x", "'x' is not a number"),
        ("1 2 nan", "'nan' is not a number"),
        ("1 2 1/0", "'1/0' is not a number"),
        ("1 2 1/", "'1/' is not a number"),
        ("1 2\n3", "the kernel must have as many numbers in each row"),
        ("1 2\n3 4", "the kernel must have one row for each of 1 channels"),
    ],
)
def test_what_is_no_kernel_is_said_in_words(text, reason):
    explorer = three_of(7)
    explorer.controls["kernel"].value = text
    assert words(explorer.text).startswith(REFUSAL + reason)
    assert explorer.picture.value == "" and explorer.step.disabled
    explorer.controls["kernel"].value = "1 2 3"
    assert words(explorer.text).startswith("Window 1 of 5: ")


def test_a_kernel_of_two_channels_has_its_rows_below_each_other():
    explorer = convolution_explorer(counting(2, 3, 3), counting(2, 2, 3), ask=False)
    assert explorer.controls["kernel"].value == "0 1 2\n3 4 5\n6 7 8\n9 10 11"
    explorer.controls["kernel"].value += "\n1 1 1"
    assert "as many rows for each of 2 channels" in words(explorer.text)
    explorer.controls["kernel"].value = "1 2\n3 4"
    expected = F.conv2d(counting(2, 3, 3), torch.tensor([[[[1.0, 2]], [[3, 4]]]]))
    torch.testing.assert_close(run_code(explorer)["output"], expected)


# Asked first


def test_a_result_is_asked_for_before_it_is_shown():
    explorer = three_of(7, ask=True)
    for _ in range(2):
        assert words(explorer.text) == "Window 1 of 5: what is output[0, 0]?"
        assert picture_alt(explorer).endswith("0·0.1 + 1·0.2 + 2·0.3 = ?.")
        explorer.guess.value = "0.8"
        shown = "Window 1 of 5: output[0, 0] = 0·0.1 + 1·0.2 + 2·0.3 = 0.8"
        assert words(explorer.text) == f"{shown}, as you said"
        assert picture_alt(explorer).endswith(" = 0.8.")
        explorer.step.value = 2
        assert words(explorer.text) == "Window 2 of 5: what is output[0, 1]?"
        assert explorer.guess.value == ""
        explorer.step.value = 1  # asked again


@pytest.mark.parametrize(
    ("guess", "verdict"),
    [
        ("1,4", ", as you said"),
        ("7/5", ", as you said"),
        ("1.39", ", not 1.39"),
        ("−3", ", not −3"),
    ],
)
def test_a_guess_is_judged(guess, verdict):
    explorer = three_of(7, ask=True)
    explorer.step.value = 2
    explorer.guess.value = guess
    assert words(explorer.text).endswith(f" = 1.4{verdict}")


def test_a_guess_that_is_no_number_leaves_the_question_open():
    explorer = three_of(7, ask=True)
    explorer.guess.value = "eight"
    assert words(explorer.text) == "Window 1 of 5: what is output[0, 0]? 'eight' is not a number."
    explorer.guess.value = "0.8"
    assert words(explorer.text).endswith(", as you said")


def test_a_result_is_shown_without_a_guess():
    explorer = pooling_explorer(counting(1, 4))
    assert words(explorer.text) == "Window 1 of 2: what is output[0, 0]?"
    explorer.reveal.click()
    assert words(explorer.text) == "Window 1 of 2: output[0, 0] = max(0, 1) = 1"
    explorer.controls["kind"].value = "avg"
    assert words(explorer.text) == "Window 1 of 2: what is output[0, 0]?"
    explorer.ask.value = False
    assert words(explorer.text).endswith(" = 0.5")
    explorer.step.value = 2
    assert words(explorer.text).endswith(" = 2.5")
    explorer.ask.value = True
    assert words(explorer.text) == "Window 2 of 2: what is output[0, 1]?"


def test_a_picture_is_described_as_the_still_figure():
    explorer = three_of(7, stride=2)
    explorer.step.value = 3
    still = plots.plot_convolution(
        counting(1, 7), torch.tensor([[[0.1, 0.2, 0.3]]]), stride=2, steps=[2], sums=False
    )
    assert picture_alt(explorer) == still.description


def test_the_formula_is_written_for_each_axis_or_once():
    same = "⌊({} + 2·0 − 1·(3 − 1) − 1) / 1⌋ + 1 = {}"
    notes = words(pooling_explorer(counting(1, 6, 6), kernel_size=3, stride=1).notes)
    assert notes == "Output rows and columns = " + same.format(6, 4)
    explorer = pooling_explorer(counting(1, 5, 6), kernel_size=3, stride=1)
    rows, columns = explorer.notes.value.split("<br>")
    assert rows == "Output rows = " + same.format(5, 3)
    assert columns == "Output columns = " + same.format(6, 4)


def test_words_are_escaped_and_read_out():
    explorer = three_of(4)
    assert explorer.text.value.startswith('<div aria-live="polite">')
    explorer = learning_rate_explorer(X, Y)
    assert "&lt;" in explorer.notes.value and "<" not in explorer.notes.value


def test_the_picture_leaves_no_margin(painted):
    picture = png(pooling_explorer(counting(1, 6, 6)))
    left, top, right, bottom = PIL.ImageOps.invert(picture.convert("L")).getbbox()
    assert right - left > 0.9 * picture.width and bottom - top > 0.85 * picture.height


# Controls


def test_play_moves_the_window():
    explorer = three_of(7)
    explorer.play.value = 4
    assert explorer.step.value == 4 and words(explorer.text).startswith("Window 4 of 5: ")
    explorer.step.value = 2
    assert explorer.play.value == 2


def test_the_window_stays_in_range():
    explorer = three_of(12)
    explorer.step.value = 10
    explorer.controls["stride"].value = 3
    assert explorer.step.value == explorer.play.value == explorer.step.max == explorer.play.max == 4
    assert words(explorer.text).startswith("Window 4 of 4: ")
    explorer.controls["stride"].value = 1
    assert explorer.step.value == explorer.play.value == 4
    assert explorer.step.max == explorer.play.max == 10
    for control in (explorer.step, explorer.play):
        control.value = 99
        assert explorer.step.value == explorer.play.value == 10
        control.value = -1
        assert explorer.step.value == explorer.play.value == 1


def test_an_impossible_choice_is_said_in_words_and_can_be_taken_back():
    explorer = three_of(8, dilation=3)
    explorer.step.value = 2
    before = explorer.picture.value, explorer.text.value, explorer.notes.value, explorer.code.value
    explorer.controls["dilation"].value = 4
    assert words(explorer.text) == REFUSAL + (
        "kernel_size 3 with dilation 4 spans 9 cells, and a size of 8 with padding 0 has only 8."
    )
    explorer.play.value = 1
    explorer.play.value = explorer.step.value = 2
    assert words(explorer.text).startswith(REFUSAL) and explorer.picture.value == ""
    explorer.controls["dilation"].value = 3
    assert not explorer.step.disabled and not explorer.play.disabled
    assert before == (
        explorer.picture.value,
        explorer.text.value,
        explorer.notes.value,
        explorer.code.value,
    )


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: pooling_explorer(counting(1, 6), padding=2), "padding must be at most half of"),
        (lambda: pooling_explorer(counting(1, 1)), "kernel_size 2 with dilation 1 spans 2 cells"),
        (lambda: pooling_explorer(counting(6)), "input must be 2-D or 3-D, not empty, got (6,)"),
        (lambda: learning_rate_explorer(X, Y[:3]), r"y must have the shape of x, (4,), got (3,)"),
    ],
)
def test_the_reason_is_given(make, reason):
    assert words(make().text).startswith(REFUSAL + reason)


def test_what_a_kind_of_pooling_does_not_have_is_disabled():
    explorer = pooling_explorer(counting(1, 6, 6), dilation=2, ask=False)
    dilation, counted = explorer.controls["dilation"], explorer.controls["count_include_pad"]
    assert counted.disabled and not dilation.disabled
    explorer.controls["kind"].value = "avg"
    assert dilation.disabled and not counted.disabled
    check(explorer, pooling_by_torch, counting(1, 6, 6))
    assert "F.avg_pool2d" in words(explorer.code) and "dilation" not in words(explorer.code)


@pytest.mark.parametrize("ranges", [widgets.CONVOLUTION, widgets.POOLING])
def test_sliders_go_where_their_table_says(ranges):
    explore = three_of if ranges is widgets.CONVOLUTION else pooling_explorer
    last = {name: allowed[-1] for name, allowed in ranges.items()}
    controls = explore(18 if explore is three_of else counting(1, 18), **last).controls
    for name, allowed in ranges.items():
        control = controls[name]
        assert control.description == name and control.value == last[name]
        if isinstance(allowed, range):
            assert (control.min, control.max) == (allowed[0], allowed[-1])


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (
            lambda: convolution_explorer(counting(6), [1.0, 2]),
            ValueError,
            r"with as many channels, got \(6,\) and \(2,\)",
        ),
        (
            lambda: convolution_explorer(counting(2, 6), [[1.0, 2]]),
            ValueError,
            r"with as many channels, got \(2, 6\) and \(1, 2\)",
        ),
        (lambda: three_of(7, stride=0), ValueError, "stride must be .* from 1 to 4, got 0"),
        (
            lambda: pooling_explorer(counting(1, 6), ceil_mode=2),
            traitlets.TraitError,
            "of a Checkbox instance expected a boolean, not the int 2",
        ),
        (
            lambda: pooling_explorer(counting(1, 6), kind="min"),
            ValueError,
            'kind must be "max" or "avg", got \'min\'',
        ),
        (
            lambda: learning_rate_explorer(X, Y, steps=0),
            ValueError,
            "steps must be an integer from 1 to 1000, got 0",
        ),
    ],
)
def test_start_values_are_checked(make, error, message):
    with pytest.raises(error, match=message):
        make()


# In a notebook


@pytest.mark.parametrize("make", [*EXPLORERS.values(), pad_with_a_seven], ids=[*EXPLORERS, "pad"])
def test_whatever_the_user_has_set_an_explorer_looks_the_same(make, painted):
    """And it changes nothing of the user's; and its picture keeps its size from step to step."""
    mine = plt.figure()
    plain = make_and_move(make)
    own = {"axes.grid": True, "image.origin": "lower", "lines.linewidth": 9, "font.size": 30}
    own |= {"savefig.bbox": "tight", "savefig.dpi": 30, "figure.dpi": 50, "axes.titlesize": 40}
    with matplotlib.style.context(["dark_background", own]):
        before = matplotlib.rcParams.copy()
        assert make_and_move(make) == plain
        assert matplotlib.rcParams == before
    assert plt.get_fignums() == [mine.number] and plt.gcf() is mine


def make_and_move(make):
    """What the explorer shows at first and in its last step: HTML."""
    torch.manual_seed(0)
    explorer, shown, sizes = make(), [], set()
    for step in (explorer.step.min, explorer.step.max):
        explorer.step.value = step
        shown.append(explorer.picture.value)
        for picture, width, height in pictures_and_sizes(explorer):
            sizes.add((width, height, picture.size))
        assert repr(explorer) == explorer.stored  # what a stored notebook keeps
    ((width, height, (wide, high)),) = sizes
    assert wide == pytest.approx(2 * width, abs=2) and high == pytest.approx(2 * height, abs=2)
    return shown


def test_the_sentence_is_what_ipywidgets_displays(capsys):
    explorer = three_of(4)
    assert repr(explorer) == (
        "An explorer: run this notebook to move the sliders. "
        "The figure above tells the same story without them."
    )
    if hasattr(explorer, "_repr_mimebundle_"):  # ipywidgets 8
        assert explorer._repr_mimebundle_()["text/plain"] == repr(explorer)
    else:
        explorer._ipython_display_()
        assert f"'text/plain': {repr(explorer)!r}" in capsys.readouterr().out


def test_each_change_is_drawn_once(monkeypatch):
    drawn = []
    image = widgets.explorer._image
    monkeypatch.setattr(
        widgets.explorer,
        "_image",
        lambda view, step: drawn.append((view.last, step)) or image(view, step),
    )
    explorer = three_of(7)
    assert drawn == [(5, 1)]
    explorer.step.value = 5
    explorer.play.value = 4
    explorer.controls["stride"].value = 2  # three windows: this one is gone
    explorer.controls["padding"].value = 1
    assert drawn == [(5, 1), (5, 5), (5, 4), (3, 3), (4, 3)]


def test_nothing_is_recorded_for_gradients(monkeypatch):
    on = []
    monkeypatch.setattr(
        widgets.explorer, "_image", lambda view, step: on.append(torch.is_grad_enabled()) or ""
    )
    explorer = three_of(7)
    thread = threading.Thread(target=setattr, args=(explorer.step, "value", 2))
    thread.start()
    thread.join()
    assert on == [False, False]


def test_explorers_work_in_any_thread(painted, monkeypatch):
    """Kernels run widgets in threads of their own, and others draw at the same time."""
    image, inside, crowds = widgets.explorer._image, [], []

    def slow_image(view, step):
        inside.append(view)
        time.sleep(0.01)  # time for another to come in
        crowds.append(sum(other is view for other in inside))
        inside.remove(view)
        return image(view, step)

    monkeypatch.setattr(widgets.explorer, "_image", slow_image)
    makes = [EXPLORERS[name] for name in ("convolution 1-D", "learning rate", "kernels")]
    explorers = [make() for make in makes]
    together = threading.Barrier(6, timeout=60)

    def drive(number):
        together.wait()
        explorer = explorers[number % 3]
        for step in [3, 1, 4, 2] if number < 3 else [2, 4, 1, 3]:
            (explorer.step if number < 3 else explorer.play).value = step
        together.wait()

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(drive, range(6)))
    assert set(crowds) == {1}  # one change of an explorer at a time
    for explorer, alone in zip(explorers, [make() for make in makes]):
        assert explorer.step.value == explorer.play.value
        alone.step.value = explorer.step.value
        assert explorer.picture.value == alone.picture.value
        assert explorer.text.value == alone.text.value
    assert plt.get_fignums() == []


# The learning rate


def shown_numbers(explorer):
    text = words(explorer.text).replace("−", "-")
    pattern = r"w = (\S+), b = (\S+), loss = (\S+), gradient \(.*\) = \((\S+), (\S+)\)$"
    return [float(number) for number in re.search(pattern, text).groups()]


@pytest.mark.parametrize("shape", [(4,), (4, 1)])
def test_the_descent_is_that_of_sgd(shape):
    x, y = X.reshape(shape), Y.reshape(shape)
    explorer = learning_rate_explorer(x, y.clone().requires_grad_(), steps=5)
    explorer.controls["learning_rate"].value = 0.123456
    w, b = torch.zeros((), requires_grad=True), torch.zeros((), requires_grad=True)
    optimizer = torch.optim.SGD([w, b], lr=0.123)
    for step in range(6):
        explorer.step.value = step
        optimizer.zero_grad()
        loss = F.mse_loss(w * x + b, y)
        loss.backward()
        expected = [number.item() for number in (w, b, loss, w.grad, b.grad)]
        assert shown_numbers(explorer) == pytest.approx(expected, rel=1e-3)
        assert f"step {step} of 5" in picture_alt(explorer)
        last = w.item(), b.item()
        optimizer.step()
    names = run_code(explorer, x=x, y=y)
    assert (names["w"].item(), names["b"].item()) == pytest.approx(last)
    assert "torch.optim.SGD([w, b], lr=0.123)" in words(explorer.code)


def test_it_says_whether_the_descent_converges(painted):
    explorer = learning_rate_explorer(X, Y, steps=400)
    explorer.step.value = 400
    found = set()
    for rate in (0.01, 0.6, 0.7, 2):
        explorer.controls["learning_rate"].value = rate
        *_, loss, slope_w, slope_b = shown_numbers(explorer)
        converges = abs(slope_w) + abs(slope_b) < 0.1 and loss < 3
        word = "converges" if converges else "does not converge"
        assert f" with learning rate {rate:g} {word}: " in words(explorer.notes)
        found.add(word)
    assert len(found) == 2
    assert shown_numbers(explorer)[2] != shown_numbers(explorer)[2]  # NaN, and still a picture
    assert "step 400 of 400" in picture_alt(explorer)


def test_the_learning_rate_reaches_from_a_hundredth_to_two():
    rate = learning_rate_explorer(X, Y).controls["learning_rate"]
    for value, reached in ((1e-9, 0.01), (99, 2)):
        rate.value = value
        assert rate.value == pytest.approx(reached)


# The confusion matrix


def numbered(size=200, **options):
    """Predictions whose images tell their number: all pixels of image i are i / size."""
    split, probabilities = make_predictions(size, **options)
    split.images[:] = torch.arange(size).reshape(-1, 1, 1, 1) / size
    return split, probabilities


def drawn_digits(monkeypatch):
    """What is drawn from now on, a list of (images, captions)."""
    drawn, plot = [], plots.plot_digits
    monkeypatch.setattr(
        plots,
        "plot_digits",
        lambda images, captions, *rest, **options: (
            drawn.append((images, captions)) or plot(images, captions, *rest, **options)
        ),
    )
    return drawn


def press(explorer, label, answer):
    explorer.buttons[label][answer].click()


def marked(explorer):
    """The cells that are marked as chosen."""
    return [
        (label, answer)
        for label, row in enumerate(explorer.buttons)
        for answer, button in enumerate(row)
        if button.layout.border != "none"
    ]


def test_the_buttons_are_the_confusion_matrix_the_darker_the_more():
    split, probabilities = make_predictions(400)
    explorer = confusion_explorer(split, probabilities)
    matrix = metrics.confusion_matrix(probabilities.argmax(dim=1), split.labels)
    names, shades = {0: "no digits", 1: "1 digit"}, {True: [], False: []}
    for label, row in enumerate(matrix.tolist()):
        for answer, count in enumerate(row):
            button = explorer.buttons[label][answer]
            name = f"label {label}, answer {answer}: {names.get(count, f'{count} digits')}"
            assert (button.description, button.tooltip) == (str(count), name)
            colour, grey = button.style.button_color, button.style.text_color
            # ipywidgets 7 writes in black whatever is said
            assert contrast("black", colour) > contrast(grey, colour) - 1e-9 > 4.5
            shades[label == answer].append((count, contrast("white", colour)))
    for cells in map(sorted, shades.values()):
        assert len({count for count, _ in cells}) > 2
        for (count, shade), (more, darker) in itertools.pairwise(cells):
            assert (count == more) == (shade == darker) and shade <= darker
    assert {0, 1} < set(matrix.flatten().tolist()) and matrix.trace() < 390
    # It begins with the most frequent error.
    label, answer = (explorer.controls[name].value for name in ("label", "answer"))
    assert label != answer and matrix[label, answer] == matrix.fill_diagonal_(0).max() > 0
    assert marked(explorer) == [(label, answer)]


def test_a_pressed_cell_shows_its_digits_the_most_confident_first(monkeypatch):
    split, probabilities = numbered(400)
    explorer = confusion_explorer(split, probabilities)
    drawn = drawn_digits(monkeypatch)
    answers = probabilities.argmax(dim=1)
    pages = set()
    errors = metrics.confusion_matrix(answers, split.labels).fill_diagonal_(0)
    most = [divmod(place, 10) for place in errors.flatten().argsort(descending=True)[:2].tolist()]
    for label, answer in ((1, 1), (9, 9), *most):
        expected = [
            (-probabilities[place].max().item(), place)
            for place in range(400)
            if (split.labels[place], answers[place]) == (label, answer)
        ]
        press(explorer, label, answer)
        assert settings(explorer) == {"label": label, "answer": answer}
        assert marked(explorer) == [(label, answer)] and explorer.step.value == 1
        drawn.clear()
        explorer.choose(label=3, answer=5)  # an empty cell; then back: drawn once more
        explorer.choose(label=label, answer=answer)
        for page in range(2, explorer.step.max + 1):
            explorer.step.value = page
        shown = [round(400 * image.mean().item()) for images, _ in drawn for image in images]
        captions = [caption for _, captions in drawn for caption in captions]
        assert shown == [place for _, place in sorted(expected)] and len(shown) > 0
        assert captions == [f"{-100 * confidence:.1f} %" for confidence, _ in sorted(expected)]
        assert all(len(images) == 15 for images, _ in drawn[:-1])
        pages.add(len(drawn))
        code = run_code(explorer, split=split, probabilities=probabilities)
        assert code["places"].tolist() == shown and len(code["images"]) == len(shown)
    assert 1 in pages and max(pages) > 2


def test_the_words_and_the_dropdowns_follow():
    split, probabilities = make_predictions(400)
    explorer = confusion_explorer(split, probabilities)
    explorer.controls["label"].value = explorer.controls["answer"].value = 1
    answers = probabilities.argmax(dim=1)
    chosen = (split.labels == 1) & (answers == 1)
    sure = 100 * probabilities[chosen].max(dim=1).values.sort(descending=True).values
    count, last = len(sure), explorer.step.max
    assert last == -(-count // 15) > 2 and marked(explorer) == [(1, 1)]
    start = f"Label 1, answer 1: {count} digits. Page 1 of {last}: confidence "
    assert words(explorer.text) == f"{start}{sure[0]:.1f} % to {sure[14]:.1f} %"
    explorer.play.value = last
    rest = sure[15 * (last - 1) :]
    span = f"{rest[0]:.1f} % to {rest[-1]:.1f} %" if len(rest) > 1 else f"{rest[0]:.1f} %"
    assert words(explorer.text).endswith(f" Page {last} of {last}: confidence {span}")
    start = f"Label 1, answer 1, page {last} of {last}: {len(rest)} image"
    assert picture_alt(explorer).startswith(start)
    with_label, with_answer = (split.labels == 1).sum(), (answers == 1).sum()
    assert explorer.notes.value.split("<br>") == [
        f"{count} of {with_label} digits with label 1 got the answer 1",
        f"{count} of {with_answer} digits that got the answer 1 have the label 1",
    ]
    first, last = (explorer._view.draw(page, Figure()) for page in (1, last))
    assert len(last.images) < 15 == len(first.images)  # and as large
    assert first.get_xlim() == last.get_xlim() and first.get_ylim() == last.get_ylim()


def test_an_empty_cell_says_so_in_words():
    split, probabilities = make_predictions()
    explorer = confusion_explorer(split, probabilities)
    before = words(explorer.text), explorer.picture.value
    start = tuple(settings(explorer).values())
    press(explorer, 3, 5)  # neither occurs
    assert words(explorer.text) == "Label 3, answer 5: no digit has this label and got this answer"
    assert explorer.picture.value == "" and explorer.step.disabled and explorer.play.disabled
    assert words(explorer.notes).startswith("0 of 0 digits with label 3 got the answer 5")
    names = run_code(explorer, split=split, probabilities=probabilities)
    assert len(names["places"]) == len(names["images"]) == 0
    press(explorer, *start)
    assert (words(explorer.text), explorer.picture.value) == before
    assert not explorer.step.disabled and not explorer.play.disabled


def test_a_pressed_cell_is_drawn_once(monkeypatch):
    explorer = confusion_explorer(*make_predictions(400))
    explorer.choose(label=1, answer=1)
    drawn, said = drawn_digits(monkeypatch), []
    name = re.compile(r"Label \d, answer \d")
    explorer.text.observe(lambda change: said.append(name.search(change.new)[0]), "value")
    explorer.step.value = explorer.step.max
    press(explorer, 2, 2)
    press(explorer, 2, 2)
    explorer.choose(label=0, answer=0)
    assert said == ["Label 1, answer 1", "Label 2, answer 2", "Label 0, answer 0"]
    assert len(drawn) == 3


def test_without_an_error_it_begins_with_the_first_cell():
    labels = torch.arange(20) % 3
    split = data.Split(torch.rand(20, 1, 28, 28), labels)
    explorer = confusion_explorer(split, torch.eye(3)[labels])
    assert marked(explorer) == [(0, 0)]
    assert len(explorer.buttons) == len(explorer.buttons[0]) == 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p: p[:9], r"probabilities must be \(10, classes\), .* got \(9, 10\)"),
        (lambda p: p[0], r"probabilities must be \(10, classes\), .* got \(10,\)"),
        (lambda p: p.argmax(dim=1), r"probabilities must be \(10, classes\), .* got \(10,\)"),
        (
            lambda p: p.log(),
            r"probabilities .* as logits.softmax\(dim=1\) does, got .* sums from -",
        ),
        (lambda p: p.log().softmax(dim=0), "rows that add up to 1"),
        (lambda p: p / 0, "rows that add up to 1"),
        (lambda p: p[:, :2].softmax(dim=1), "labels"),
    ],
)
def test_probabilities_are_checked(change, message):
    split, probabilities = make_predictions(10)
    with pytest.raises(ValueError, match=message):
        confusion_explorer(split, change(probabilities))


def test_there_is_an_image_to_be_confused():
    split, probabilities = make_predictions(10)
    with pytest.raises(ValueError, match=r"answers must be .*at least 1, got the shape"):
        confusion_explorer(split[:0], probabilities[:0])
    with pytest.raises(ValueError, match=r"probabilities must be \(2, classes\)"):
        confusion_explorer((split.images, split.labels), probabilities)


# Without steps, and with limits


def test_without_steps_there_is_no_play_button_to_be_seen():
    for make, hidden in ((EXPLORERS["pooling 1-D"], False), (EXPLORERS["shift"], True)):
        explorer = make()
        steps = explorer.children[1]
        assert explorer.step in steps.children and explorer.play in steps.children
        assert (steps.layout.display == "none") == hidden


def test_the_map_of_another_layer_limits_the_cell(monkeypatch):
    explorer = feature_explorer(make_networks()["ConvNet"], make_digits())
    row, column, keys = explorer.controls["row"], explorer.controls["column"], explorer.arrow_keys
    row.value, column.value = 27, 9
    drawn = recorded(monkeypatch, plots, "plot_seen")
    for layer, size in (("layers.2", 14), ("layers.5", 7), ("layers.0", 28)):
        explorer.controls["layer"].value = layer
        limits = (row.max, column.max, keys.bottom, keys.right)
        assert limits == (size - 1,) * 4
        assert (
            (row.value, column.value)
            == (keys.y, keys.x)
            == (
                min(6 if size == 28 else 27, size - 1),
                min(6 if size < 14 or size == 28 else 9, size - 1),
            )
        )
    assert len(drawn) == 3  # once each, though the sliders had to move
    row.value = 99
    assert row.value == keys.y == 27
    check_arrow_keys(explorer, "Arrow keys move the cell")


def check_arrow_keys(explorer, words):
    """They stand above the picture and say what they move."""
    place = explorer.children.index(explorer.picture)
    assert explorer.children[place - 1] is explorer.arrow_keys
    assert explorer.arrow_keys.words == words


def recorded(monkeypatch, module, name):
    """The arguments of the calls of a function from now on, a list of tuples."""
    calls, function = [], getattr(module, name)
    monkeypatch.setattr(
        module, name, lambda *args, **options: calls.append(args) or function(*args, **options)
    )
    return calls


def test_the_arrow_keys_move_the_sliders_and_the_sliders_the_arrow_keys():
    explorer = EXPLORERS["shift"]()
    keys, (_, dx, dy) = explorer.arrow_keys, explorer.controls.values()
    assert (keys.left, keys.right, keys.top, keys.bottom) == (-6, 6, -6, 6)
    keys.x, keys.y = 3, -2
    assert (dx.value, dy.value) == (3, -2)
    dx.value, dy.value = -5, 4
    assert (keys.x, keys.y) == (-5, 4)
    keys.x = 99
    assert dx.value == keys.x == 6
    assert "moved 6 right and 4 down" in words(explorer.text)
    check_arrow_keys(explorer, "Arrow keys move the digit")


def test_the_arrow_keys_have_their_files():
    keys = ArrowKeys()
    name = re.search(r'className = "([^"]+)"', str(keys._esm))[1]
    assert f".{name}:focus {{" in str(keys._css)
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]
    shipped = {ending for ending in settings["package-data"]["mnist_lib.widgets"]}
    folder = ROOT / "mnist_lib/widgets"
    assert {f"*{file.suffix}" for file in folder.glob("arrow_keys.*")} - {"*.py"} == shipped


# Inside a network


def test_the_kernels_of_each_moment_are_drawn(monkeypatch):
    record = make_record()
    explorer = kernel_explorer(record, "weight")
    drawn = recorded(monkeypatch, plots, "plot_map_grid")
    assert explorer.step.max == explorer.play.max == 4
    limit = record["weight"].abs().max().item()
    for moment, step in ((2, 10), (4, 30), (1, 0)):
        explorer.step.value = moment
        weight, start = record["weight"][moment - 1], record["weight"][0]
        maps, rows, columns, *titles = drawn[-1]
        assert maps.shape == (2, 3, 3, 3) and titles == ["input channel", "output channel"]
        assert (len(rows), len(columns)) == (2, 3)
        for row, column in itertools.product(range(2), range(3)):
            assert maps[row, column].equal(weight[column, row])
        said = re.fullmatch(
            r"(.*): weights from (\S+) to (\S+); since the first moment they have changed by (\S+) on average",
            words(explorer.text),
        ).groups()
        when = f"After step {step}" if step else "Before training"
        assert said[0] == when and picture_alt(explorer).startswith(f"{when}: Maps of 3×3 numbers")
        expected = weight.min(), weight.max(), (weight - start).abs().mean()
        for text, number in zip(said[1:], expected):
            assert float(text.replace("−", "-")) == pytest.approx(number.item(), rel=5e-3)
        figure = Figure()  # in the same colours at every moment
        colours = [image.get_clim() for image in explorer._view.draw(moment, figure).images]
        assert colours == [pytest.approx((-limit, limit))] * 6
        assert figure.axes[-1].get_ylim() == pytest.approx((-limit, limit))
    names = run_code(explorer, record=record)
    assert names["kernels"].equal(record["weight"]) and names["change"][0] == 0
    assert names["change"][3] == pytest.approx((record["weight"][3] - start).abs().mean().item())


@pytest.mark.parametrize(
    ("moments", "name", "message"),
    [
        (0, "weight", "record must hold weights, got none"),
        (4, "bias", r"name must be .* 2-D conv.*, got 'bias', \(3,\)"),
    ],
)
def test_a_record_is_checked(moments, name, message):
    with pytest.raises(ValueError, match=message):
        kernel_explorer(make_record(moments=moments), name)


def shown_cell_of_map(explorer):
    """(digit, label, layer, channel, row, column, number, rows and columns seen) from the text."""
    return re.fullmatch(
        r"Digit (\d+) \(label (\d)\); (\S+), channel (\d+), row (\d+), column (\d+): the number is (\S+)\. "
        r"This cell sees rows (\d+) to (\d+) and columns (\d+) to (\d+) of the digit",
        words(explorer.text),
    ).groups()


@pytest.mark.parametrize(
    ("name", "count", "looked_at"),
    [("ConvNet", 6, [0, 1, 2, 3, 4, 5]), ("TinyVGG", 10, [3, 4, 9])],
)
def test_the_cell_of_every_layer_is_that_of_pytorch(name, count, looked_at, monkeypatch):
    model, split = make_networks()[name].train(), make_digits()
    explorer = feature_explorer(model, split)
    drawn = recorded(monkeypatch, plots, "plot_seen")
    layers = explorer.controls["layer"].options
    assert layers == tuple(f"layers.{k}" for k in range(count))
    for k in looked_at:
        layer = layers[k]
        with torch.no_grad():
            maps = model.layers[: k + 1](split.images[k : k + 1])[0]
        channel, row, column = len(maps) - 1, maps.shape[1] // 3, maps.shape[2] - 2
        explorer.choose(digit=k, layer=layer, row=row, column=column)
        explorer.step.value = channel
        *place, number, top, bottom, left, right = shown_cell_of_map(explorer)
        assert place == [str(part) for part in (k, k % 10, layer, channel, row, column)]
        expected = maps[channel, row, column].item()
        assert float(number.replace("−", "-")) == pytest.approx(expected, rel=6e-3, abs=1e-6)
        rows, columns = features.seen_pixels(model, layer, row, column)
        assert [rows[0], rows[-1], columns[0], columns[-1]] == [
            int(i) for i in (top, bottom, left, right)
        ]
        image, map, *cell, seen = drawn.pop()
        assert image.equal(split.images[k]) and (cell, seen) == ([row, column], (rows, columns))
        torch.testing.assert_close(map, maps[channel])
        assert explorer.step.max == channel and f"{len(maps)} maps of" in words(explorer.notes)
        names = run_code(explorer, model=model, split=split)
        torch.testing.assert_close(names["maps"][0], maps)
        assert names["pixels"].equal(
            split.images[k : k + 1, :, rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        )
    assert model.training


def test_the_pixels_that_a_cell_sees_are_those_that_change_it():
    model, split = make_networks()["ConvNet"], make_digits()
    explorer = feature_explorer(model, split)
    explorer.controls["layer"].value = "layers.0"
    for row, column in ((0, 0), (9, 20), (27, 26)):
        explorer.choose(row=row, column=column)
        image = split.images[:1].clone().requires_grad_()
        model.layers[0](image)[0, 0, row, column].backward()
        rows, columns = image.grad[0, 0].nonzero().T
        seen = [rows.min(), rows.max(), columns.min(), columns.max()]
        assert [int(i) for i in shown_cell_of_map(explorer)[-4:]] == seen


def test_a_channel_that_is_silent_is_drawn(painted, recwarn):
    model = models.ConvNet()
    torch.nn.init.zeros_(model.layers[0].weight), torch.nn.init.constant_(model.layers[0].bias, -1)
    explorer = feature_explorer(model, make_digits())
    explorer.controls["layer"].value = "layers.2"
    assert "the number is 0. " in words(explorer.text)
    shift_explorer({"ConvNet": model}, make_digits(), "layers.2")
    about_numbers = [w for w in recwarn if issubclass(w.category, RuntimeWarning | UserWarning)]
    assert [str(warning.message) for warning in about_numbers] == []


def test_large_numbers_are_not_cut_off(painted):
    model = models.ConvNet()
    model.layers[0].weight.data *= -1000
    picture = png(feature_explorer(model, make_digits())).convert("L")
    _, _, right, bottom = PIL.ImageOps.invert(picture).getbbox()
    assert right < picture.width and bottom < picture.height


def test_a_pooling_is_max_or_avg():
    with pytest.raises(ValueError, match='kind must be "max" or "avg", got \'sum\''):
        pooling_explorer([[0, 1, 2, 3]], kind="sum")


@pytest.mark.parametrize(
    ("model", "message"), [(models.MLP(), "MLP"), (torch.nn.Conv2d(1, 2, 3), "Conv2d")]
)
def test_a_model_without_feature_maps_is_refused(model, message):
    with pytest.raises(ValueError, match=f"model must have feature maps, {message} has none"):
        feature_explorer(model, make_digits())


@pytest.mark.parametrize(
    "make", [feature_explorer, lambda model, split: shift_explorer({"": model}, split)]
)
def test_there_is_a_digit_to_look_at(make):
    with pytest.raises(ValueError, match="split must hold at least one image, got none"):
        make(models.ConvNet(), make_digits(0))


# Moving a digit


SHIFTS = [(0, 0, 0), (3, 1, 0), (5, 0, 2), (11, -6, 6), (4, 5, -3)]


def moved_by_hand(image, dx, dy):
    """The image (1, 28, 28) moved, pixel by pixel."""
    moved = torch.zeros(1, 28, 28)
    for row, column in itertools.product(range(28), range(28)):
        if 0 <= row + dy < 28 and 0 <= column + dx < 28:
            moved[0, row + dy, column + dx] = image[0, row, column]
    return moved


def probabilities_by_torch(networks, image):
    with torch.no_grad():
        return {
            name: model.eval()(image[None]).softmax(dim=1)[0] for name, model in networks.items()
        }


def test_probabilities_and_maps_are_those_of_the_moved_digit():
    """The maps are those of the last model."""
    networks, split = make_networks(), make_digits()
    explorer = shift_explorer(networks, split, "layers.4")
    for number, dx, dy in SHIFTS:
        explorer.choose(digit=number, dx=dx, dy=dy)
        moved = moved_by_hand(split.images[number], dx, dy)
        expected = probabilities_by_torch(networks, moved)
        assert len({values.argmax().item() for values in expected.values()}) > 1
        answers = [
            f"{values.argmax()} ({100 * values.max():.0f} %)" for values in expected.values()
        ]
        said = ", ".join(map(" ".join, zip(networks, answers)))
        text, alt = words(explorer.text), picture_alt(explorer)
        assert text.startswith(f"Digit {number} (label {number % 10}), ")
        assert text.endswith(f": {said}") and f"{text}." in alt
        ax = explorer._view.draw(0, Figure())
        torch.testing.assert_close(torch.tensor(ax.images[0].get_array()), moved[0])
        titles = [text.get_text().split("\n") for text in ax.texts if "%" in text.get_text()]
        assert [title[-1] for title in titles] == answers
        assert [" ".join(title[:-1]) for title in titles] == list(networks)
        check_bars(ax, expected, label=number % 10)
        with torch.no_grad():
            maps = networks["TinyVGG"].layers[:5](moved[None])[0]
        tiled = ax.images[1].get_array()  # 10 maps, 8 to a row, a cell apart
        assert (
            tiled.shape == (2 * 15 - 1, 8 * 15 - 1)
            and ax.images[1].get_clim()[1] == maps.abs().max()
        )
        for number, one in enumerate(maps):
            top, left = 15 * (number // 8), 15 * (number % 8)
            shown = torch.tensor(tiled[top : top + 14, left : left + 14])
            torch.testing.assert_close(shown, one, check_dtype=False)
        assert tiled.mask[14].all() and tiled.mask[:, 14].all() and tiled.mask[15:, 30:].all()
        low, high = maps.min(), maps.max()
        assert f"Below, layers.4: 10 maps of 14×14 numbers, from ≈{low:.2f} to ≈{high:.2f}" in alt
        printed = []
        names = {"split": split, "models": networks}
        names["print"] = lambda *values, printed=printed: printed.append(values)
        exec(words(explorer.code), names)
        torch.testing.assert_close(names["maps"][0], maps)
        assert names["moved"][0].equal(moved)
        for (name, values), line in zip(expected.items(), printed):
            assert line == (name, values.argmax().item(), pytest.approx(values.max().item()))


def check_bars(ax, expected, label):
    """A grey bar and a coloured one for each model and digit, as long as the probability says."""
    (bars,) = ax.collections
    boxes = [path.get_extents() for path in bars.get_paths()]
    colours = [matplotlib.colors.to_hex(colour) for colour in bars.get_facecolors()]
    assert len(boxes) == len(colours) == 20 * len(expected)
    values = torch.stack(list(expected.values())).flatten().tolist()
    for number, value in enumerate(values):
        whole, part = boxes[2 * number : 2 * number + 2]
        assert part.width / whole.width == pytest.approx(value, abs=1e-5)
        assert (part.x0, part.y0) == (whole.x0, whole.y0)
        colour = plots.COLOURS[0 if number % 10 == label else 1]
        assert colours[2 * number + 1] == colour.lower() != colours[2 * number]


def test_to_the_right_is_positive_and_so_is_down():
    image = torch.zeros(1, 1, 28, 28)
    image[0, 0, 10, 12] = 1
    split = data.Split(image, torch.tensor([7]))
    explorer = shift_explorer({"": models.SoftmaxClassifier()}, split)
    for dx, dy, place, moved in (
        (3, 0, (10, 15), "moved 3 right"),
        (-3, 0, (10, 9), "moved 3 left"),
        (0, 2, (12, 12), "moved 2 down"),
        (0, -2, (8, 12), "moved 2 up"),
        (-1, 4, (14, 11), "moved 1 left and 4 down"),
        (0, 0, (10, 12), "not moved"),
    ):
        explorer.arrow_keys.x, explorer.arrow_keys.y = dx, dy
        assert words(explorer.text).startswith(f"Digit 0 (label 7), {moved}: ")
        shown = torch.tensor(explorer._view.draw(0, Figure()).images[0].get_array())
        assert shown.nonzero().tolist() == [list(place)]


def test_every_move_changes_what_is_shown_and_back_it_is_as_before(painted):
    explorer = EXPLORERS["shift"]()
    parts = explorer.picture, explorer.text, explorer.code
    seen = [[part.value for part in parts]]
    for name, value in (("dx", 1), ("dy", -1), ("digit", 5)):
        explorer.controls[name].value = value
        seen.append([part.value for part in parts])
    for shown in zip(*seen):
        assert len(set(shown)) == 4
    explorer.choose(dx=0, dy=0, digit=0)
    assert [part.value for part in parts] == seen[0]


def test_the_box_knows_the_place_before_the_words_say_it():
    """Or a key that is pressed upon the words would go on from the place before."""
    explorer, seen = EXPLORERS["shift"](), []
    keys, controls = explorer.arrow_keys, explorer.controls
    explorer.text.observe(lambda change: seen.append((keys.x, keys.y)), "value")
    controls["dx"].value = 5
    controls["dy"].value = -3
    keys.x = 4
    assert seen == [(5, 0), (5, -3), (4, -3)] and controls["dx"].value == 4


def test_a_move_is_drawn_once(monkeypatch):
    explorer = EXPLORERS["shift"]()
    drawn = recorded(monkeypatch, plots, "describe")
    moves = [lambda: setattr(explorer.arrow_keys, "x", 2)]
    moves += [lambda: setattr(explorer.arrow_keys, "x", 2)]  # no move
    moves += [lambda: explorer.arrow_keys.set_state({"x": 3, "y": 1})]  # as the page does
    moves += [lambda: explorer.choose(digit=3, dx=-2, dy=-2)]
    for move, count in zip(moves, (1, 1, 3, 4)):
        move()
        assert len(drawn) == count


def test_models_stay_in_their_mode_and_are_asked_without_gradients():
    model = Watched()
    explorer = shift_explorer({"": model}, make_digits(), "layers.2")
    thread = threading.Thread(target=setattr, args=(explorer.controls["dx"], "value", 2))
    thread.start()
    thread.join()
    assert model.training and set(model.asked) == {(False, False)} and len(model.asked) >= 4


@pytest.mark.parametrize("count", [1, 3, 9])
def test_nothing_leaves_the_picture_however_many_models(count):
    names = [f"a ConvNet that was trained with shifts, number {n}" for n in range(count)]
    explorer = shift_explorer(dict.fromkeys(names, models.ConvNet()), make_digits(), "layers.5")
    figure = Figure(explorer._view.figure_size, dpi=100)
    ax = explorer._view.draw(0, figure)
    figure.canvas.draw()
    bars = [path.get_extents().transformed(ax.transData) for path in ax.collections[0].get_paths()]
    titles, digits = [], []
    for text in ax.texts:
        (titles if "%" in text.get_text() else digits).append(text.get_window_extent())
    assert len(titles) == count
    below = [part.get_tightbbox() for part in figure.axes[1:]]
    for box in (*bars, *titles, *digits, *below):  # a pixel beyond is no matter
        assert -1 <= box.x0 and box.x1 <= figure.bbox.x1 + 1
        assert -1 <= box.y0 and box.y1 <= figure.bbox.y1 + 1
    for number, title in enumerate(titles):
        others = (*bars, *digits, *below, *titles[number + 1 :])
        assert not any(title.overlaps(other) for other in others)


@pytest.mark.parametrize(
    ("networks", "layer", "error", "message"),
    [
        ({}, None, TypeError, r"models must be a dict \{name: nn.Module\}, got \{\}"),
        ({"": models.ConvNet()}, "conv", ValueError, "layers must be among layers, .*; got 'conv'"),
        ({"": models.ConvNet()}, "layers.6", ValueError, r"layer .* got 'layers.6', \(1, 392\)"),
        ({"": models.ConvNet()}, 3, ValueError, "layers must be among .*; got 3"),
    ],
)
def test_models_and_layer_are_checked(networks, layer, error, message):
    with pytest.raises(error, match=message):
        shift_explorer(networks, make_digits(), layer)


# Gradient descent on a line


@pytest.mark.parametrize("shape", [(50,), (50, 1)])
def test_a_descent_takes_the_steps_of_sgd(shape):
    x, y = torch.rand(2, *shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    line = torch.nn.Linear(1, 1, dtype=torch.float64)
    torch.nn.init.constant_(line.weight, -0.5), torch.nn.init.constant_(line.bias, 0.75)
    optimizer = torch.optim.SGD(line.parameters(), lr=0.3, momentum=0)
    path = descend(x, y, learning_rate=0.3, steps=20, start=(-0.5, 0.75))
    assert path.shape == (21, 2) and path.dtype == torch.float64
    for w, b in path:
        assert (line.weight.item(), line.bias.item()) == pytest.approx((w.item(), b.item()))
        optimizer.zero_grad()
        F.mse_loss(line(x.reshape(-1, 1)), y.reshape(-1, 1)).backward()
        optimizer.step()


def test_a_descent_of_no_steps_is_its_start():
    x = torch.rand(5)
    assert descend(x, x, 0.1, 0).tolist() == [[0, 0]]


@pytest.mark.parametrize(("share", "lands"), [(0.99, True), (1.01, False)])
def test_a_descent_runs_away_beyond_two_by_the_largest_curvature(share, lands):
    x = torch.linspace(0, 3, 30)
    table = 2 * torch.tensor([[x.square().mean(), x.mean()], [x.mean(), 1.0]])
    rate = share * 2 / torch.linalg.eigvalsh(table).max().item()
    w, b = descend(x, 2 * x + 1, rate, 1000)[-1]
    assert (abs(w - 2) < 0.01 and abs(b - 1) < 0.01) == lands


def test_points_that_would_be_compared_all_with_all_are_refused():
    with pytest.raises(ValueError, match=r"y must have the shape of x, \(5, 1\), got \(5,\)"):
        descend(torch.rand(5, 1), torch.rand(5), 0.1, 1)
