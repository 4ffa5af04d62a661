"""The drawing pad, driven from Python: what it shows and gives is what PyTorch makes of the strokes."""

import base64
import html
import io
import re
import threading

import PIL.Image
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from torch import nn
from watched import Watched

from mnist_lib import models, plots, strokes, widgets
from mnist_lib.machinery import tracing
from mnist_lib.widgets import DrawingPad, drawing_pad
from mnist_lib.widgets.pad import EMPTY, PREPARED, SQUEEZED

SEVEN = [[[0.3, 0.2], [0.7, 0.2], [0.45, 0.8]], [[0.35, 0.5], [0.65, 0.5]]]
ONE = [[[0.1, 0.1], [0.1, 0.3]]]
EXAMPLES = {"a one": ONE, "a seven": SEVEN}


class Unpainted(FigureCanvasAgg):
    """A figure on it is drawn and described, but has no pixels: those take most of the time."""

    def print_png(self, file, pil_kwargs):
        pass


@pytest.fixture(autouse=True)
def unpainted(monkeypatch):
    monkeypatch.setattr(widgets.explorer, "FigureCanvasAgg", Unpainted)


@pytest.fixture
def painted(unpainted, monkeypatch):
    """For tests that look at pixels."""
    monkeypatch.setattr(widgets.explorer, "FigureCanvasAgg", FigureCanvasAgg)
    monkeypatch.setattr(widgets.explorer, "PIXELS_PER_INCH", 20)  # faster


def make_models():
    """Networks with random weights, {name: model}, which differ in their answers and are sure of them."""
    torch.manual_seed(0)
    networks = {"softmax classifier": models.SoftmaxClassifier(), "ConvNet": models.ConvNet()}
    networks |= {"MLP": models.MLP()}
    for network in networks.values():
        for parameter in network.parameters():
            parameter.data *= 3
    return networks


def make_pad(examples=EXAMPLES):
    return drawing_pad(make_models(), examples)


def make_small_pad(examples=EXAMPLES):
    """A pad with one model, for what has nothing to do with models."""
    torch.manual_seed(0)
    return drawing_pad({"MLP": models.MLP()}, examples)


def words(widget):
    """The text of an HTML widget."""
    return html.unescape(re.sub(r"<[^>]*>", "", widget.value))


def alts(pad):
    return [html.unescape(alt) for alt in re.findall(r'alt="([^"]*)"', pad.picture.value)]


def by_torch(networks, image):
    with torch.no_grad():
        return {
            name: model.eval()(image[None]).softmax(dim=1)[0] for name, model in networks.items()
        }


def from_the_page(pad, drawing):
    """Draw as the page does: with a message."""
    pad.canvas.set_state({"strokes": drawing})


def in_python(pad, drawing):
    pad.canvas.strokes = drawing


@pytest.mark.parametrize(
    ("preparation", "draw"), [(PREPARED, from_the_page), (SQUEEZED, in_python)]
)
def test_image_and_probabilities_are_those_of_the_strokes(preparation, draw):
    pad, networks = make_pad(), make_models()
    pad.choose(pen=7, preparation=preparation)
    for drawing in (ONE, SEVEN):
        draw(pad, drawing)
    assert pad.strokes == pad.canvas.strokes == SEVEN
    prepared = preparation == PREPARED
    image = strokes.prepare(SEVEN) if prepared else strokes.draw(SEVEN, 0.07)
    torch.testing.assert_close(pad.image, image)
    assert pad.image.shape == (1, 28, 28) and pad.image.dtype == torch.float32
    expected = by_torch(networks, image)
    torch.testing.assert_close(pad.probabilities, expected)
    assert list(pad.probabilities) == list(networks)
    answers = {name: values.argmax().item() for name, values in expected.items()}
    assert pad.answers == answers and len(set(answers.values())) > 1
    said = {
        name: f"{name} {answers[name]} ({100 * expected[name].max():.0f} %)" for name in networks
    }
    assert words(pad.text) == ", ".join(said.values())
    for (name, values), alt in zip(expected.items(), alts(pad)[1:], strict=True):
        shares = ", ".join(f"{100 * value:.0f}" for value in values.tolist())
        assert alt == f"{said[name]}: bars for 0 to 9, {shares} %."
    check_picture(pad, image, expected)
    printed = []
    names = {"pad": pad, "models": pad.models, "print": lambda *values: printed.append(values)}
    exec(words(pad.code), names)
    assert names["image"].equal(pad.image)
    for (name, values), line in zip(expected.items(), printed, strict=True):
        assert line == (name, values.argmax().item(), pytest.approx(values.max().item()))


def check_picture(pad, expected_image, expected):
    """It is the image, and the bars of each model."""
    image, *bars = pad._view.draw
    (shown,) = image(0, Figure()).images
    torch.testing.assert_close(torch.tensor(shown.get_array()), expected_image[0])
    for draw, (name, values) in zip(bars, expected.items(), strict=True):
        figure = Figure(pad._view.figure_size)
        ax = draw(0, figure)
        (title, *numbers) = ax.texts
        assert " ".join(title.get_text().split("\n")[:-1]) == name
        assert [text.get_text() for text in numbers] == list("0123456789")
        (drawn,) = ax.collections
        boxes = [path.get_extents() for path in drawn.get_paths()]
        shares = [part.width / whole.width for whole, part in zip(boxes[::2], boxes[1::2])]
        assert shares == pytest.approx(values.tolist(), abs=1e-5)
        blue = [to_hex(colour) == plots.COLOURS[0].lower() for colour in drawn.get_facecolors()]
        assert blue == [n == 2 * values.argmax().item() + 1 for n in range(20)]


def test_nothing_leaves_the_picture():
    names = ["MLP", "a ConvNet that was trained with shifts, number 2"]
    pad = drawing_pad(dict.fromkeys(names, models.ConvNet()))
    for drawing in ([], SEVEN):
        pad.canvas.strokes = drawing
        for draw in pad._view.draw:
            figure = Figure(pad._view.figure_size, dpi=100)
            ax = draw(0, figure)
            figure.canvas.draw()
            boxes = [text.get_window_extent() for text in ax.texts]
            for artist in ax.collections:
                paths = artist.get_paths()
                boxes += [path.get_extents().transformed(ax.transData) for path in paths]
            for box in boxes:
                assert -1 <= box.x0 and box.x1 <= figure.bbox.x1 + 1
                assert -1 <= box.y0 and box.y1 <= figure.bbox.y1 + 1
    assert len(alts(pad)) == 3


def test_an_empty_pad_says_so_and_shows_no_answer():
    pad = make_pad()
    for empty in (lambda: None, pad.undo, pad.clear, lambda: from_the_page(pad, [])):
        empty()
        assert (pad.strokes, pad.image, pad.probabilities, pad.answers) == ([], None, {}, {})
        assert words(pad.text) == EMPTY
        assert alts(pad)[1:] == [
            f"{name} –: bars for 0 to 9, {', '.join('0' * 10)} %." for name in pad.models
        ]
        for draw in pad._view.draw:
            ax = draw(0, Figure())
            assert not any(image.get_array().any() for image in ax.images)
            widths = [p.get_extents().width for part in ax.collections for p in part.get_paths()]
            assert not any(widths[1::2])


def test_changing_the_strokes_that_were_read_changes_no_drawing():
    pad = make_small_pad()
    pad.controls["example"].value = "a seven"
    pad.strokes.append([[0.5, 0.5]])
    pad.strokes[0].append([0.5, 0.5])
    pad.strokes[0][0][0] = 0.9
    assert pad.strokes == pad.canvas.strokes == SEVEN == EXAMPLES["a seven"]
    pad.clear()
    pad.controls["example"].value = "a seven"
    assert pad.strokes == SEVEN


def test_undo_takes_back_the_last_stroke_and_clear_all():
    pad, alone = make_small_pad(), make_small_pad()
    empty = pad.picture.value
    from_the_page(pad, SEVEN)
    pad.undo()
    assert pad.strokes == SEVEN[:1]
    from_the_page(alone, SEVEN[:1])
    assert (pad.picture.value, pad.text.value) == (alone.picture.value, alone.text.value)
    from_the_page(pad, SEVEN)
    pad.clear()
    assert pad.strokes == [] and pad.picture.value == empty


def test_each_change_is_drawn_once(monkeypatch):
    drawn = []
    image = widgets.explorer._image

    def record(view, step):
        drawn.append(isinstance(view.draw, tuple))
        return image(view, step)

    monkeypatch.setattr(widgets.explorer, "_image", record)
    pad = make_small_pad()
    changes = [lambda: from_the_page(pad, SEVEN), lambda: from_the_page(pad, SEVEN)]
    changes += [lambda: setattr(pad.controls["example"], "value", "a one")]
    changes += [pad.clear, pad.undo]
    for change, count in zip(changes, (2, 2, 3, 4, 4)):
        change()
        assert drawn.count(True) == count


def test_the_pen_of_the_slider_is_that_of_the_canvas():
    pad = make_small_pad()
    assert (pad.controls["pen"].min, pad.controls["pen"].max) == (2, 8)
    assert pad.canvas.pen == pad.controls["pen"].value / 100
    pad.controls["pen"].value = 8
    assert pad.canvas.pen == 0.08
    pad.controls["preparation"].value = SQUEEZED
    pad.canvas.strokes = SEVEN
    broad = pad.image.sum()
    assert "pen=0.08" in words(pad.code)
    pad.controls["pen"].value = 2
    assert pad.image.sum() < broad / 2
    pad.controls["preparation"].value = PREPARED
    narrow = pad.image
    pad.controls["pen"].value = 8
    assert pad.image.equal(narrow)


# Examples


def test_an_example_is_drawn_and_can_be_chosen_again():
    pad = make_small_pad()
    example = pad.controls["example"]
    example.value = "a seven"
    assert pad.strokes == SEVEN and words(pad.text) != EMPTY
    assert example.value == "a seven"
    from_the_page(pad, SEVEN + ONE)
    assert example.value == ""  # no longer what is on the pad
    example.value = "a seven"
    assert pad.strokes == SEVEN
    pad.clear()
    assert example.value == ""
    example.value = "a one"
    assert pad.strokes == ONE and example.value == "a one"


def test_without_examples_there_is_no_list_and_no_word_of_it():
    for examples in (None, {}):
        pad = make_small_pad(examples)
        assert list(pad.controls) == ["pen", "preparation"]
        assert "example" not in pad.canvas.words and "upload a photograph" in pad.canvas.words
        from_the_page(pad, SEVEN)
    assert "choose an example or upload" in make_small_pad().canvas.words


def test_examples_may_be_tensors():
    pad = make_small_pad({"seven": [torch.tensor(stroke) for stroke in SEVEN]})
    pad.controls["example"].value = "seven"
    assert pad.strokes == SEVEN and pad.controls["example"].value == "seven"


# Photographs


def upload(pad, content, name="photo.png"):
    """Upload as the page does: with a message."""
    pad.canvas._handle_custom_msg({"name": name}, [memoryview(content)])


def photograph(drawing, **options):
    """The bytes of a picture with a drawing, dark on bright."""
    grey = 255 - 255 * strokes.draw(drawing, 0.06, size=200)[0]
    file = io.BytesIO()
    PIL.Image.fromarray(grey.numpy().astype("uint8")).save(file, "PNG")
    return file.getvalue()


def test_a_photograph_becomes_strokes_on_the_pad():
    pad, picture = make_small_pad(), photograph(SEVEN)
    upload(pad, picture)
    points = torch.tensor([point for stroke in pad.strokes for point in stroke])
    half = pad.canvas.pen / 2
    low, high = points.min(dim=0).values - half, points.max(dim=0).values + half
    assert (high - low).max().item() == pytest.approx(0.8, abs=0.01)
    torch.testing.assert_close(low + high, torch.ones(2), atol=1e-3, rtol=0)
    expected = strokes.prepare(tracing.trace(tracing.read_photo(picture)))
    assert (pad.image - expected).abs().max() < 0.02  # the pad rounds to four decimals
    assert (pad.image - strokes.prepare(SEVEN)).abs().mean() < 0.05
    assert words(pad.text).startswith("MLP ")


def test_a_photograph_may_be_a_long_strip():
    grey = torch.full((600, 30), 220, dtype=torch.uint8)
    grey[420:560, 13:17] = 50
    pad = make_small_pad()
    for upright in (True, False):
        file = io.BytesIO()
        PIL.Image.fromarray((grey if upright else grey.T.contiguous()).numpy()).save(file, "PNG")
        upload(pad, file.getvalue())
        (stroke,) = pad.strokes
        low, high = torch.tensor(stroke).aminmax(dim=0)
        across, along = (high - low).tolist()[:: 1 if upright else -1]
        assert along == pytest.approx(0.8 - pad.canvas.pen, abs=0.01) and across < 0.02
        assert words(pad.text).startswith("MLP ")


def test_a_message_without_a_file_changes_nothing_and_a_file_without_a_name_is_a_file():
    pad = make_small_pad()
    before = pad.text.value
    pad.canvas._handle_custom_msg({"name": "nothing.png"}, [])
    assert pad.strokes == [] and pad.text.value == before
    for message in (None, 7, "a.png", [], {}, {"name": None}, {"name": ""}):
        pad.canvas._take_message(pad.canvas, {"name": "a"}, [b"Dear diary"])
        pad.canvas._take_message(pad.canvas, message, [b"Dear diary"])
        assert words(pad.text).startswith("The file is not a picture that can be read.")
    pad.canvas._take_message(pad.canvas, message, [photograph(ONE)])
    assert pad.strokes != []


def test_the_same_photograph_can_be_uploaded_again_and_takes_the_place_of_a_message():
    pad, picture = make_small_pad(), photograph(ONE)
    upload(pad, picture)
    first, said = pad.strokes, words(pad.text)
    assert first != []
    pad.clear()
    upload(pad, picture)
    assert pad.strokes == first
    upload(pad, b"")
    assert words(pad.text) != said
    upload(pad, picture)  # the drawing is the same
    assert words(pad.text) == said


def test_a_file_without_a_digit_is_said_in_words_and_the_drawing_stays():
    pad = make_small_pad()
    from_the_page(pad, SEVEN)
    said, picture = words(pad.text), pad.picture.value
    unreadable = "diary.txt is not a picture that can be read"
    for content, message in (
        (b"Dear diary", unreadable),
        (b"", unreadable),
        (photograph(SEVEN)[:200], unreadable),
        (photograph([]), "No digit was found in diary.txt"),
    ):
        upload(pad, content, "diary.txt")
        assert words(pad.text) == f"{message}. The drawing is as it was."
        assert pad.strokes == SEVEN and pad.picture.value == picture
        pad.undo()
        from_the_page(pad, SEVEN)
        assert words(pad.text) == said


# Odd drawings


def test_an_odd_drawing_gets_an_answer(painted):
    pad = make_small_pad()
    for drawing in (
        [[[0.5, 0.5]]],  # a dot
        [[[0, 0]], [[1, 1]]],
        [[[0, 0.5], [1, 0.5]]],  # a line
        [[[0.5, 0.5], [0.5, 0.5]]],
        [[[n / 1e3, 0.3], [n / 1e3, 0.6]] for n in range(1000)],
        [[[n / 4e3, n * n % 97 / 97] for n in range(4000)]],
    ):
        from_the_page(pad, drawing)
        for preparation in (PREPARED, SQUEEZED):
            pad.controls["preparation"].value = preparation
            assert words(pad.text).startswith("MLP ") and len(alts(pad)) == 2
            assert pad.image.min() >= 0 and pad.image.max() <= 1
            (values,) = pad.probabilities.values()
            assert values.sum() == pytest.approx(1)
        from_the_page(pad, [])
        assert words(pad.text) == EMPTY


def test_what_lies_beside_the_pad_is_nothing_until_it_is_moved_onto_it():
    pad = make_small_pad()
    for drawing in ([[[-5, 3], [9.9, -9.9]]], [[[8, 8]]]):
        pad.controls["preparation"].value = SQUEEZED
        from_the_page(pad, drawing)
        assert (pad.image, pad.answers, words(pad.text)) == (None, {}, EMPTY)
        pad.controls["preparation"].value = PREPARED
        assert words(pad.text).startswith("MLP ") and pad.image.max() <= 1
        assert set(pad.answers) == set(pad.models)


NONSENSE = [
    "seven",
    7,
    None,
    {"x": 1},
    [[]],
    [[[0.5]]],
    [[["a", "b"]]],
    [[[None, 1]]],
    [[[1e9, 0]]],
]


def test_nonsense_from_the_page_is_said_in_words_and_changes_nothing(monkeypatch):
    pad, told = make_small_pad(), []
    from_the_page(pad, SEVEN)
    monkeypatch.setattr(pad.canvas, "send_state", lambda keys=None: told.append(keys))
    for nonsense in (*NONSENSE, [[0.5, 0.5]], [[[float("nan"), 0]]], NONSENSE[0], NONSENSE[0]):
        from_the_page(pad, nonsense)
        assert words(pad.text).startswith("This drawing could not be used: strokes")
        assert pad.strokes == SEVEN
        assert "strokes" in told.pop()  # so that the page shows what is there
        from_the_page(pad, ONE)
        assert words(pad.text).startswith("MLP ")
        from_the_page(pad, SEVEN)


def test_the_page_sets_nothing_but_strokes():
    pad = make_small_pad()
    before = {name: getattr(pad.canvas, name) for name in pad.canvas.keys}
    others = {"pen": 0.03, "words": "A pad", "_esm": "alert(1)", "_css": "", "layout": None}
    pad.canvas.set_state({"strokes": SEVEN, **others, "unheard of": 1})
    after = {name: getattr(pad.canvas, name) for name in pad.canvas.keys}
    assert after == before | {"strokes": SEVEN}
    assert pad.canvas.pen == pad.controls["pen"].value / 100 == 0.05


def test_strokes_are_lists_of_four_decimals_and_nonsense_is_an_error():
    pad = make_small_pad()
    pad.canvas.strokes = (torch.tensor([[0.123456, 1.0]]), [(0.5, 1 / 3)])
    drawn = [[[0.1235, 1.0]], [[0.5, 0.3333]]]
    assert pad.strokes == drawn
    for nonsense in NONSENSE:
        with pytest.raises((TypeError, ValueError), match="strokes"):
            pad.canvas.strokes = nonsense
        assert pad.strokes == drawn


# What it is asked for


@pytest.mark.parametrize(
    ("networks", "examples", "error", "message"),
    [
        ([models.MLP()], None, TypeError, r"models must be a dict \{name: nn.Module\}, got \[MLP"),
        ({"MLP": models.MLP}, None, TypeError, "models must be a dict"),
        ({}, None, TypeError, r"models must be a dict \{name: nn.Module\}, got \{\}"),
        (
            {"": nn.Sequential(nn.Flatten(), nn.Linear(784, 3))},
            None,
            ValueError,
            r"models\[''\] must return logits \(N, 10\), got \(1, 3\)",
        ),
        ({"": models.MLP()}, [SEVEN], AttributeError, "'list' object has no attribute 'items'"),
        ({"": models.MLP()}, {"7": 7}, TypeError, "strokes must be a list"),
        ({"": models.MLP()}, {"7": [[]]}, ValueError, r"strokes\[0\] must be points"),
    ],
)
def test_models_and_examples_are_checked(networks, examples, error, message):
    with pytest.raises(error, match=message):
        drawing_pad(networks, examples)


def test_models_stay_in_their_mode_and_are_asked_without_gradients():
    model = Watched()
    pad = drawing_pad({"": model})
    thread = threading.Thread(target=from_the_page, args=(pad, SEVEN))  # as kernels do
    thread.start()
    thread.join()
    assert words(pad.text) != EMPTY and not pad.probabilities[""].requires_grad
    assert model.training and set(model.asked) == {(False, False)} and len(model.asked) == 3


def test_each_model_is_asked_on_its_own_device():
    """One on a GPU where there is one; `meta` has no numbers, but wants images of its own kind."""
    if torch.cuda.is_available():
        networks = {"CPU": models.MLP(), "GPU": models.MLP().cuda()}
        pad = drawing_pad(networks)
        pad.canvas.strokes = SEVEN
        assert {values.device.type for values in pad.probabilities.values()} == {"cpu"}
    moved = []

    class Elsewhere(models.MLP):
        def forward(self, images):
            moved.append(images.device.type)
            return torch.zeros(len(images), 10)

    drawing_pad({"": Elsewhere().to("meta")})
    assert moved == ["meta"]


def test_a_stored_notebook_says_that_there_is_a_pad():
    pad = make_small_pad()
    sentence = "A pad to draw digits on: run this notebook to draw. "
    sentence += "The figures around it tell the same story without it."
    assert isinstance(pad, DrawingPad) and repr(pad) == sentence
    pad.canvas.strokes = SEVEN
    assert repr(pad) == sentence


def test_the_picture_is_a_png_for_each_part(painted):
    pad = make_pad()
    pad.canvas.strokes = SEVEN
    parts = re.findall(r'src="data:image/png;base64,([^"]*)"', pad.picture.value)
    sizes = {PIL.Image.open(io.BytesIO(base64.b64decode(part))).size for part in parts}
    assert len(parts) == 4 and len(sizes) == 1
