"""The explorers, driven from Python: what they show agrees with PyTorch, whatever the sliders say."""

import base64
import html
import io
import itertools
import re
import threading
from concurrent.futures import ThreadPoolExecutor

import matplotlib
import matplotlib.pyplot as plt
import PIL.Image
import PIL.ImageOps
import pytest
import torch
import torch.nn.functional as F
from matplotlib.figure import Figure
from test_plots import contrast

from mnist_lib import data, metrics, plots, widgets
from mnist_lib.widgets import (
    confusion_explorer,
    convolution_explorer,
    learning_rate_explorer,
    pooling_explorer,
)

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


EXPLORERS = {
    "convolution 1-D": lambda: convolution_explorer(size=7),
    "convolution 2-D": lambda: convolution_explorer(2, rows=4, columns=5),
    "pooling 1-D": lambda: pooling_explorer(1, size=6),
    "pooling 2-D": lambda: pooling_explorer(kind="avg"),
    "learning rate": lambda: learning_rate_explorer(X, Y, steps=8),
    "confusion": lambda: right_answers(confusion_explorer(*make_predictions(400))),
}


def right_answers(explorer):
    """The explorer, at a cell with several pages."""
    explorer.choose(label=1, answer=1)
    return explorer


every_explorer = pytest.mark.parametrize("make", EXPLORERS.values(), ids=EXPLORERS)


@pytest.fixture(autouse=True)
def small_pictures(monkeypatch):
    monkeypatch.setattr(widgets, "PIXELS_PER_INCH", 20)  # faster
    yield
    plt.close("all")


def words(widget):
    """The text of an HTML widget."""
    return html.unescape(re.sub(r"<[^>]*>", "", widget.value))


def picture_alt(explorer):
    return html.unescape(re.search(r'alt="([^"]*)"', explorer.picture.value)[1])


def png(explorer):
    data = re.search(r'src="data:image/png;base64,([^"]*)"', explorer.picture.value)[1]
    return PIL.Image.open(io.BytesIO(base64.b64decode(data)))


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


def counting(*shape):
    return torch.arange(float(torch.Size(shape).numel())).reshape(shape)


def convolution_by_torch(in_channels, out_channels, kernel_size, groups, **options):
    """PyTorch's convolution of the settings of an explorer, or None if it refuses."""
    size = [options.pop(name) for name in ("size", "rows", "columns") if name in options]
    if in_channels % groups or out_channels % groups:
        return None
    weight = (counting(out_channels, in_channels // groups, *[kernel_size] * len(size)) + 1) / 10
    convolve = F.conv1d if len(size) == 1 else F.conv2d
    try:
        return convolve(counting(in_channels, *size), weight, groups=groups, **options)
    except RuntimeError:
        return None


def pooling_by_torch(kind, channels, dilation, count_include_pad, **options):
    """PyTorch's pooling of the settings of an explorer, or None if it refuses."""
    size = [options.pop(name) for name in ("size", "rows", "columns") if name in options]
    if kind == "max":
        pool, options["dilation"] = (F.max_pool1d, F.max_pool2d)[len(size) - 1], dilation
    else:
        pool, options["count_include_pad"] = (
            (F.avg_pool1d, F.avg_pool2d)[len(size) - 1],
            count_include_pad,
        )
    try:
        return pool(counting(channels, *size), **options)
    except RuntimeError:
        return None


def settings(explorer):
    return {name: control.value for name, control in explorer.controls.items()}


def check(explorer, by_torch):
    """The explorer shows what PyTorch computes, at its first and its last window; or it refuses as well."""
    expected = by_torch(**settings(explorer))
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


SIZES = {1: {"size": 6}, 2: {"rows": 3, "columns": 4}}


@pytest.mark.parametrize("dimensions", [1, 2])
def test_a_convolution_agrees_with_pytorch_or_is_refused(dimensions):
    channels = [(1, 1, 1), (2, 1, 1), (2, 2, 2), (1, 2, 1), (1, 2, 2)]
    refused = []
    for options in combinations(kernel_size=[2, 3], stride=[1, 3], padding=[0, 1], dilation=[1, 3]):
        for in_channels, out_channels, groups in channels:
            options |= {"in_channels": in_channels, "out_channels": out_channels, "groups": groups}
            explorer = convolution_explorer(dimensions, **SIZES[dimensions], **options)
            check(explorer, convolution_by_torch)
            refused.append(explorer.step.disabled)
    assert 0.2 < sum(refused) / len(refused) < 0.8  # the last of the channels never fit


@pytest.mark.parametrize("kind", ["max", "avg"])
@pytest.mark.parametrize("dimensions", [1, 2])
def test_a_pooling_agrees_with_pytorch_or_is_refused(dimensions, kind):
    only = {"dilation": [1, 2]} if kind == "max" else {"count_include_pad": [True, False]}
    choices = {
        "kernel_size": [2, 3],
        "stride": [2],
        "padding": [0, 1, 2],
        "ceil_mode": [False, True],
    }
    refused = []
    for options in combinations(**choices, **only):
        explorer = pooling_explorer(dimensions, kind, channels=2, **SIZES[dimensions], **options)
        check(explorer, pooling_by_torch)
        refused.append(explorer.step.disabled)
    assert 0.2 < sum(refused) / len(refused) < 0.8  # a padding of 2 never fits


def test_a_picture_is_described_as_the_still_figure():
    explorer = convolution_explorer(size=7, stride=2)
    explorer.step.value = 3
    still = plots.plot_convolution(
        counting(1, 7), torch.tensor([[[0.1, 0.2, 0.3]]]), stride=2, steps=[2], sums=False
    )
    assert picture_alt(explorer) == still.description


def test_the_formula_is_written_for_each_axis_or_once():
    explorer = convolution_explorer(2, rows=5, columns=6)
    same = "⌊({} + 2·0 − 1·(3 − 1) − 1) / 1⌋ + 1 = {}"
    rows, columns = explorer.notes.value.split("<br>")
    assert rows == "Output rows = " + same.format(5, 3)
    assert columns == "Output columns = " + same.format(6, 4)
    explorer.controls["rows"].value = 6
    assert words(explorer.notes) == "Output rows and columns = " + same.format(6, 4)


def test_words_are_escaped_and_read_out():
    explorer = convolution_explorer()
    assert explorer.text.value.startswith('<div aria-live="polite">')
    explorer = learning_rate_explorer(X, Y)
    assert "&lt;" in explorer.notes.value and "<" not in explorer.notes.value


@every_explorer
def test_the_picture_keeps_its_size_from_step_to_step(make):
    explorer, sizes = make(), set()
    for step in range(explorer.step.min, explorer.step.max + 1):
        explorer.step.value = step
        width, height = re.search(r'width="(\d+)" height="(\d+)"', explorer.picture.value).groups()
        sizes.add((int(width), int(height), png(explorer).size))
    ((width, height, (wide, high)),) = sizes
    assert wide == pytest.approx(2 * width, abs=2) and high == pytest.approx(2 * height, abs=2)


def test_the_picture_leaves_no_margin():
    picture = png(convolution_explorer(2, size=6))
    left, top, right, bottom = PIL.ImageOps.invert(picture.convert("L")).getbbox()
    assert right - left > 0.9 * picture.width and bottom - top > 0.85 * picture.height


# Controls


def test_play_moves_the_window():
    explorer = convolution_explorer(size=7)
    explorer.play.value = 4
    assert explorer.step.value == 4 and words(explorer.text).startswith("Window 4 of 5: ")
    explorer.step.value = 2
    assert explorer.play.value == 2


def test_the_window_stays_in_range():
    explorer = convolution_explorer(size=12)
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
    explorer = convolution_explorer(size=8, dilation=3)
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
        (lambda: convolution_explorer(groups=2), "groups must divide the 1 input channels"),
        (
            lambda: convolution_explorer(in_channels=2, out_channels=3, groups=2),
            "groups must divide",
        ),
        (lambda: pooling_explorer(padding=2), "padding must be at most half of"),
        (lambda: pooling_explorer(rows=1), "kernel_size 2 with dilation 1 spans 2 cells"),
    ],
)
def test_the_reason_is_given(make, reason):
    assert words(make().text).startswith(REFUSAL + reason)


def test_what_a_kind_of_pooling_does_not_have_is_disabled():
    explorer = pooling_explorer(dilation=2)
    dilation, counted = explorer.controls["dilation"], explorer.controls["count_include_pad"]
    assert counted.disabled and not dilation.disabled
    explorer.controls["kind"].value = "avg"
    assert dilation.disabled and not counted.disabled
    check(explorer, pooling_by_torch)
    assert "F.avg_pool2d" in words(explorer.code) and "dilation" not in words(explorer.code)


def test_size_stands_for_rows_and_columns():
    controls = convolution_explorer(2, size=5, columns=4).controls
    assert controls["rows"].value == 5 and controls["columns"].value == 4


@pytest.mark.parametrize("ranges", [widgets.CONVOLUTION, widgets.POOLING])
def test_sliders_go_where_their_table_says(ranges):
    explore = convolution_explorer if ranges is widgets.CONVOLUTION else pooling_explorer
    for dimensions in (1, 2):
        last = {name: allowed[-1] for name, allowed in ranges[dimensions].items()}
        controls = explore(dimensions, **last).controls
        for name, allowed in ranges[dimensions].items():
            control = controls[name]
            assert control.description == name and control.value == last[name]
            if isinstance(allowed, range):
                assert (control.min, control.max) == (allowed[0], allowed[-1])


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: convolution_explorer(3), ValueError, "dimensions must be 1 or 2, got 3"),
        (lambda: convolution_explorer(True), TypeError, "dimensions must be 1 or 2, got True"),
        (lambda: convolution_explorer(strid=2), TypeError, r"one of size, .*groups; got 'strid'"),
        (lambda: convolution_explorer(rows=2), TypeError, r"one of size, .*groups; got 'rows'"),
        (
            lambda: convolution_explorer(stride=0),
            ValueError,
            "stride must be a whole number from 1 to 4, got 0",
        ),
        (
            lambda: convolution_explorer(stride=1.5),
            TypeError,
            "stride must be a whole number from 1 to 4, got 1.5",
        ),
        (lambda: convolution_explorer(padding=True), TypeError, "padding .* got True"),
        (lambda: pooling_explorer(size=99), ValueError, "size must be .* from 1 to 8, got 99"),
        (
            lambda: pooling_explorer(ceil_mode=1),
            TypeError,
            "ceil_mode must be False or True, got 1",
        ),
        (
            lambda: pooling_explorer(kind="min"),
            ValueError,
            "kind must be 'max' or 'avg', got 'min'",
        ),
        (lambda: pooling_explorer(groups=1), TypeError, "one of rows, .* got 'groups'"),
        (
            lambda: learning_rate_explorer(X, Y, steps=0),
            ValueError,
            "steps must be a whole number from 1 to 1000, got 0",
        ),
        (lambda: learning_rate_explorer("x", Y), TypeError, "x must be a tensor or a list"),
        (lambda: learning_rate_explorer(X, Y[:3]), ValueError, r"y .* of x, \(4,\), got \(3,\)"),
        (lambda: learning_rate_explorer(X, Y / 0), ValueError, "y must hold finite numbers"),
        (lambda: learning_rate_explorer([1, 1], [1, 2]), ValueError, "x .* two different numbers"),
        (lambda: learning_rate_explorer([], []), ValueError, "x .* two different numbers"),
    ],
)
def test_start_values_are_checked(make, error, message):
    with pytest.raises(error, match=message):
        make()


# In a notebook


@every_explorer
def test_a_stored_notebook_says_that_there_is_an_explorer(make):
    explorer, sentence = make(), repr(make())
    assert sentence == (
        "An explorer: run this notebook to move the sliders. "
        "The figure above tells the same story without them."
    )
    explorer.step.value = explorer.step.max
    assert repr(explorer) == sentence


def test_the_sentence_is_what_ipywidgets_displays(capsys):
    explorer = convolution_explorer()
    if hasattr(explorer, "_repr_mimebundle_"):  # ipywidgets 8
        assert explorer._repr_mimebundle_()["text/plain"] == repr(explorer)
    else:
        explorer._ipython_display_()
        assert f"'text/plain': {repr(explorer)!r}" in capsys.readouterr().out


@every_explorer
def test_no_figure_is_left_open(make):
    mine = plt.figure()
    explorer = make()
    explorer.step.value = explorer.step.max
    assert plt.get_fignums() == [mine.number] and plt.gcf() is mine


@every_explorer
def test_settings_of_matplotlib_neither_matter_nor_change(make):
    matplotlib.rcdefaults()
    plain = make().picture.value
    changed = {"savefig.bbox": "tight", "savefig.dpi": 30, "figure.dpi": 50}
    with plt.rc_context(changed | {"figure.facecolor": "red", "font.size": 30}):
        before = matplotlib.rcParams.copy()
        assert make().picture.value == plain
        assert matplotlib.rcParams == before


def test_each_change_is_drawn_once(monkeypatch):
    drawn = []
    image = widgets._image
    monkeypatch.setattr(
        widgets, "_image", lambda view, step: drawn.append((view.last, step)) or image(view, step)
    )
    explorer = convolution_explorer(size=7)
    assert drawn == [(5, 1)]
    explorer.step.value = 5
    explorer.play.value = 4
    explorer.controls["stride"].value = 2  # three windows: this one is gone
    explorer.controls["padding"].value = 1
    assert drawn == [(5, 1), (5, 5), (5, 4), (3, 3), (4, 3)]


def test_nothing_is_recorded_for_gradients(monkeypatch):
    on = []
    monkeypatch.setattr(
        widgets, "_image", lambda view, step: on.append(torch.is_grad_enabled()) or ""
    )
    explorer = convolution_explorer()
    thread = threading.Thread(target=setattr, args=(explorer.step, "value", 2))
    thread.start()
    thread.join()
    assert on == [False, False]


@every_explorer
def test_explorers_work_in_any_thread(make):
    """Kernels run widgets in threads of their own, and others draw at the same time."""
    explorers = [make() for _ in range(3)]
    together = threading.Barrier(6, timeout=60)

    def drive(number):
        together.wait()
        explorer = explorers[number % 3]
        for step in [3, 1, 4, 2]:
            (explorer.step if number < 3 else explorer.play).value = step
        together.wait()
        return words(explorer.text)

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(drive, range(6)))
    alone = make()
    for explorer in explorers:
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


def test_it_says_whether_the_descent_converges():
    explorer = learning_rate_explorer(X, Y, steps=400)
    explorer.step.value = 400
    found = set()
    for rate in (0.01, 0.1, 0.3, 0.5, 0.6, 0.7, 0.8, 1, 2):
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


def test_the_buttons_are_the_confusion_matrix():
    split, probabilities = make_predictions()
    explorer = confusion_explorer(split, probabilities)
    matrix = metrics.confusion_matrix(probabilities.argmax(dim=1), split.labels)
    counts = [[int(button.description) for button in row] for row in explorer.buttons]
    assert counts == matrix.tolist() and matrix.trace() < 190
    names = {0: "no digits", 1: "1 digit"}
    for label, row in enumerate(counts):
        for answer, count in enumerate(row):
            name = f"label {label}, answer {answer}: {names.get(count, f'{count} digits')}"
            assert explorer.buttons[label][answer].tooltip == name


def test_it_begins_with_the_most_frequent_error():
    split, probabilities = make_predictions()
    explorer = confusion_explorer(split, probabilities)
    matrix = metrics.confusion_matrix(probabilities.argmax(dim=1), split.labels)
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
    most = [divmod(place, 10) for place in errors.flatten().argsort(descending=True)[:3].tolist()]
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


def test_digits_are_as_large_on_the_last_page_as_on_the_first():
    explorer = confusion_explorer(*make_predictions(400))
    explorer.choose(label=1, answer=1)
    first, last = (explorer._view.draw(page, Figure()) for page in (1, explorer.step.max))
    assert len(last.images) < 15 == len(first.images)
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


@pytest.mark.parametrize("classes", [2, 10])
def test_without_an_error_it_begins_with_the_first_cell(classes):
    labels = torch.arange(20) % classes
    probabilities = torch.eye(classes)[labels]
    split = data.Split(torch.rand(20, 1, 28, 28), labels)
    explorer = confusion_explorer(split, probabilities)
    assert marked(explorer) == [(0, 0)]
    assert len(explorer.buttons) == len(explorer.buttons[0]) == classes


def test_the_counts_can_be_read_on_their_colours():
    """Black on at most a middling shade; ipywidgets 7 writes in black whatever is said."""
    explorer = confusion_explorer(*make_predictions(400))
    shades = set()
    for button in itertools.chain(*explorer.buttons):
        colour = button.style.button_color
        shades.add(colour)
        grey = button.style.text_color
        assert contrast("black", colour) > contrast(grey, colour) - 1e-9 > 4.5
    assert len(shades) > 8


def test_the_colour_is_the_darker_the_more():
    explorer = confusion_explorer(*make_predictions(400))
    for right in (True, False):
        cells = sorted(
            (int(button.description), contrast("white", button.style.button_color))
            for label, row in enumerate(explorer.buttons)
            for answer, button in enumerate(row)
            if (label == answer) == right
        )
        assert len({count for count, _ in cells}) > 2
        for (count, shade), (more, darker) in itertools.pairwise(cells):
            assert (count == more) == (shade == darker) and shade <= darker


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda p: p[:9], ValueError, r"probabilities must be \(10, classes\), .* got \(9, 10\)"),
        (lambda p: p[0], ValueError, r"probabilities must be \(10, classes\), .* got \(10,\)"),
        (lambda p: p.log(), ValueError, r"probabilities .* as logits.softmax\(dim=1\) does"),
        (lambda p: p.log().softmax(dim=0), ValueError, "add up to 1 in each row"),
        (lambda p: p / 0, ValueError, "add up to 1 in each row"),
        (lambda p: "p", TypeError, "probabilities must be a tensor"),
        (lambda p: p[:, :2].softmax(dim=1), ValueError, "labels must be from 0 to 1"),
    ],
)
def test_probabilities_are_checked(change, error, message):
    split, probabilities = make_predictions(10)
    with pytest.raises(error, match=message):
        confusion_explorer(split, change(probabilities))


def test_there_is_an_image_to_be_confused():
    split, probabilities = make_predictions(10)
    with pytest.raises(ValueError, match="split must hold at least one image, got none"):
        confusion_explorer(data.Split(*split[:0]), probabilities[:0])
