"""The drawing pad in a real JupyterLab, and in a classic notebook if there is one: drawn on, and read in Python."""

import io
import itertools
import json
import math
import time
from typing import NamedTuple

import browser
import PIL.Image
import pytest
import torch
from browser import CLASSIC, chromium_page, missing, slider, write_notebook

from mnist_lib import strokes
from mnist_lib.data import load_mnist
from mnist_lib.machinery import tracing

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())

SEVEN = [[(0.3, 0.2), (0.7, 0.2), (0.45, 0.8)], [(0.35, 0.5), (0.65, 0.5)]]
TRAIN, PAD, READ, AGAIN, WAIT, BOOK, KEPT = range(7)  # the cells
CELLS = [
    """import json, pathlib, time, torch
from mnist_lib import data, models
from mnist_lib.widgets import drawing_pad
train = data.load_mnist("sample").train
torch.manual_seed(0)
networks = {"untrained": models.SoftmaxClassifier(), "MLP": models.MLP()}
optimizer = torch.optim.Adam(networks["MLP"].parameters(), lr=1e-3)
for part in torch.randperm(4 * len(train.labels)).remainder(len(train.labels)).split(64):
    optimizer.zero_grad()
    torch.nn.functional.cross_entropy(networks["MLP"](train.images[part]), train.labels[part]).backward()
    optimizer.step()
examples = {"one": [[(0.5, 0.2), (0.5, 0.8)]], "seven": [[(0.3, 0.2), (0.7, 0.2), (0.45, 0.8)]]}""",
    "pad = drawing_pad(networks, examples)\npad",
    "print(json.dumps([pad.strokes, pad.answers, pad.canvas.pen, pad.image is None]))",
    "pad",
    "while not pathlib.Path('go').exists():\n    time.sleep(0.02)",
    "from mnist_lib.widgets import drawing_book\nbook = drawing_book('mine.json', 'Ann', each=1)\nbook",
    "print(json.dumps([book.asked, book.drawings]))",
]


class Notebook(NamedTuple):
    """An open notebook: its page, its folder, and how a cell is run and found."""

    page: object
    folder: object
    run: object
    area: object

    def read(self):
        """What Python has: strokes, answers, the width of the pen, and whether there is no image."""
        return json.loads(self.run(self.page, READ)[0])

    def until(self, holds):
        """What Python has, once it is so (or after ten seconds, as it is)."""
        deadline = time.monotonic() + 10
        while not holds(*(state := self.read())) and time.monotonic() < deadline:
            time.sleep(0.02)
        return state


def open_in(kind, folder, page, url):
    """The notebook with a pad, opened in JupyterLab or in the classic notebook."""
    lab = kind == "JupyterLab"
    (browser.open_notebook if lab else browser.open_classic)(page, url, "pad.ipynb")
    ways = (browser.run_cell, browser.output_area)
    classic_ways = (browser.run_classic_cell, browser.classic_output_area)
    run, area = ways if lab else classic_ways
    run(page, TRAIN)
    return Notebook(page, folder, run, area)


@pytest.fixture(scope="module", params=["JupyterLab", "classic notebook"])
def notebook(request, tmp_path_factory):
    """The open notebook in which a model is trained."""
    if request.param != "JupyterLab" and CLASSIC is None:
        pytest.skip("MNIST_LIB_CLASSIC names no Python that has the classic notebook")
    folder = tmp_path_factory.mktemp("notebooks")
    write_notebook(folder / "pad.ipynb", *CELLS)
    lab = request.param == "JupyterLab"
    serve = browser.jupyterlab if lab else browser.classic_notebook
    with serve(folder) as url, chromium_page() as page:
        yield open_in(request.param, folder, page, url)


@pytest.fixture
def area(notebook):
    """Where the notebook shows a new pad."""
    notebook.page.set_viewport_size({"width": 1280, "height": 1000})
    notebook.run(notebook.page, PAD)
    area = notebook.area(notebook.page, PAD)
    area.locator("canvas").scroll_into_view_if_needed()
    area.locator("img").first.wait_for()
    yield area
    assert notebook.page.errors == []


@pytest.fixture
def lab(notebook):
    """The notebook, if it is in JupyterLab."""
    if notebook.run is not browser.run_cell:
        pytest.skip("seen in JupyterLab")
    return notebook


def on_page(canvas, points):
    """Points of the pad in pixels of the page."""
    box = canvas.bounding_box()
    return [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]


def drag(page, canvas, points, steps=8):
    """Draw a stroke with the mouse."""
    canvas.scroll_into_view_if_needed()
    (x, y), *rest = on_page(canvas, points)
    page.mouse.move(x, y)
    page.mouse.down()
    for x, y in rest:
        page.mouse.move(x, y, steps=steps)
    page.mouse.up()


def off_line(points, line):
    """How far at most points are from a line through `line`, and how far its corners are from the points' line."""

    def distance(point, way):
        spans = list(itertools.pairwise(way)) or [(way[0], way[0])]
        return min(from_span(point, *span) for span in spans)

    return max(*(distance(point, line) for point in points), *(distance(p, points) for p in line))


def from_span(point, start, end):
    """How far a point is from the straight line between two others."""
    (x, y), (dx, dy) = start, (end[0] - start[0], end[1] - start[1])
    length = dx * dx + dy * dy
    share = ((point[0] - x) * dx + (point[1] - y) * dy) / length if length else 0
    share = min(max(share, 0), 1)
    return math.dist(point, (x + share * dx, y + share * dy))


def brightness(canvas, points):
    """How bright the pad is at some points, 0 to 255."""
    return canvas.evaluate(
        """(canvas, points) => points.map(([x, y]) =>
            canvas.getContext('2d').getImageData(x * canvas.width, y * canvas.height, 1, 1).data[0])""",
        points,
    )


def say(area, words):
    """Wait until the pad says something with these words, and return all of it."""
    said = area.locator("[aria-live]")
    said.filter(has_text=words).wait_for()
    return said.inner_text()


def test_a_seven_is_drawn_taken_back_and_cleared(notebook, area):
    page, canvas = notebook.page, area.locator("canvas")
    say(area, "Nothing is drawn yet")
    assert area.locator("input[type=file]").is_hidden()
    empty = area.locator("img").first.get_attribute("src")
    for stroke in SEVEN:
        drag(page, canvas, stroke)
    drawn, answers, _, _ = notebook.until(
        lambda drawn, *_: len(drawn) == 2 and math.dist(drawn[-1][-1], SEVEN[-1][-1]) < 0.01
    )
    assert len(drawn) == 2 and answers["MLP"] == 7
    for points, line in zip(drawn, SEVEN):
        assert off_line(points, line) < 0.01 and len(points) > 8
        assert math.dist(points[0], line[0]) < 0.01 and math.dist(points[-1], line[-1]) < 0.01
    say(area, "MLP 7 (")
    alts = [image.get_attribute("alt") for image in area.locator("img").all()]
    assert len(alts) == 3 and alts[2].startswith("MLP 7 (") and alts[1].startswith("untrained ")
    assert brightness(canvas, [(0.5, 0.2), (0.5, 0.5), (0.5, 0.35)]) == [255, 255, 0]
    area.get_by_role("button", name="Undo").click()
    first, _, _, _ = notebook.until(lambda drawn, *_: len(drawn) == 1)
    assert first == drawn[:1] and brightness(canvas, [(0.5, 0.2), (0.4, 0.5)]) == [255, 0]
    area.get_by_role("button", name="Clear").click()
    say(area, "Nothing is drawn yet")
    assert notebook.read() == [[], {}, 0.05, True]
    assert brightness(canvas, [(0.5, 0.2), (0.5, 0.5)]) == [0, 0]
    assert area.locator("img").first.get_attribute("src") == empty


def test_a_fast_mouse_leaves_no_gap_and_stays_on_the_pad(notebook, area):
    canvas, line = area.locator("canvas"), [(0.1, 0.9), (0.9, 0.1)]
    drag(notebook.page, canvas, line, steps=1)
    between = [(0.1 + 0.8 * n / 50, 0.9 - 0.8 * n / 50) for n in range(1, 50)]
    assert brightness(canvas, between) == [255] * 49
    drawn, *_ = notebook.until(lambda drawn, *_: len(drawn) == 1 and len(drawn[0]) > 1)
    assert off_line(drawn[0], line) < 0.01
    drag(notebook.page, canvas, [(0.5, 0.5), (1.5, 0.6), (0.6, 0.7)])
    drawn, *_ = notebook.until(lambda drawn, *_: len(drawn) == 2 and drawn[1][-1][1] > 0.69)
    assert max(x for x, _ in drawn[1]) == 1 and math.dist(drawn[1][-1], (0.6, 0.7)) < 0.01
    drag(notebook.page, canvas, [(0.2, 0.3)])
    (*_, dot), *_ = notebook.until(lambda drawn, *_: len(drawn) == 3)
    assert len(dot) == 1 and brightness(canvas, [(0.2, 0.3)]) == [255]


def test_models_answer_while_one_draws(notebook, area):
    page, canvas = notebook.page, area.locator("canvas")
    start, corner, end = on_page(canvas, SEVEN[0])
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(*corner, steps=8)
    say(area, "MLP ")  # the button is still down
    page.mouse.move(*end, steps=8)
    say(area, "MLP 7 (")
    page.mouse.up()
    drawn, *_ = notebook.until(lambda drawn, *_: drawn[0][-1][1] > 0.79)
    assert len(drawn) == 1 and off_line(drawn[0], SEVEN[0]) < 0.01


def test_a_right_button_draws_nothing(notebook, area):
    area.locator("canvas").click(button="right", position={"x": 100, "y": 100})
    drag(notebook.page, area.locator("canvas"), [(0.5, 0.5), (0.6, 0.6)])
    drawn, *_ = notebook.until(lambda drawn, *_: len(drawn) == 1)
    assert len(drawn) == 1 and math.dist(drawn[0][0], (0.5, 0.5)) < 0.01


class Fingers:
    """Touches, as the browser gets them from a screen; each is a (finger, point of the pad)."""

    def __init__(self, page, canvas):
        self.session, self.canvas = page.context.new_cdp_session(page), canvas

    def touch(self, kind, *touches):
        places = on_page(self.canvas, [point for _, point in touches])
        points = [{"x": x, "y": y, "id": n} for (n, _), (x, y) in zip(touches, places)]
        self.session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    def pen(self, kind, point):
        ((x, y),) = on_page(self.canvas, [point])
        message = {"type": kind, "x": x, "y": y, "button": "left", "buttons": 1, "clickCount": 1}
        self.session.send("Input.dispatchMouseEvent", message | {"pointerType": "pen"})


def test_a_finger_draws_and_a_second_does_not_spoil_it(notebook, area):
    canvas = area.locator("canvas")
    fingers, top = Fingers(notebook.page, canvas), canvas.bounding_box()["y"]
    fingers.touch("touchStart", (0, (0.2, 0.2)))
    for n in range(1, 6):
        fingers.touch("touchMove", (0, (0.2, 0.2 + 0.1 * n)))
    fingers.touch("touchStart", (0, (0.2, 0.7)), (1, (0.8, 0.8)))
    for n in range(1, 4):
        fingers.touch("touchMove", (0, (0.2 + 0.1 * n, 0.7)), (1, (0.8, 0.8 - 0.1 * n)))
    fingers.touch("touchMove", (0, (0.55, 0.7)))  # the second is lifted
    fingers.touch("touchMove", (0, (0.6, 0.7)))
    fingers.touch("touchEnd")
    assert canvas.bounding_box()["y"] == top  # nothing scrolled
    drawn, *_ = notebook.until(lambda drawn, *_: drawn and drawn[0][-1][0] > 0.59)
    assert len(drawn) == 1
    assert off_line(drawn[0], [(0.2, 0.2), (0.2, 0.7), (0.6, 0.7)]) < 0.01
    assert brightness(canvas, [(0.8, 0.7), (0.4, 0.7)]) == [0, 255]


def test_a_stroke_that_is_broken_off_ends_there(notebook, area):
    page, canvas = notebook.page, area.locator("canvas")
    fingers = Fingers(page, canvas)
    fingers.touch("touchStart", (0, (0.2, 0.2)))
    fingers.touch("touchMove", (0, (0.2, 0.6)))
    fingers.touch("touchCancel")
    x, y = on_page(canvas, [(0.5, 0.2)])[0]
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y + 50)
    page.evaluate("window.dispatchEvent(new Event('blur'))")  # as when another window is chosen
    page.mouse.move(x + 100, y + 50)
    page.mouse.up()
    drag(page, canvas, [(0.8, 0.2), (0.8, 0.6)])
    drawn, *_ = notebook.until(lambda drawn, *_: len(drawn) == 3 and drawn[2][-1][1] > 0.59)
    assert [len(drawn), off_line(drawn[0], [(0.2, 0.2), (0.2, 0.6)]) < 0.01] == [3, True]
    assert all(abs(x - 0.5) < 0.01 for x, _ in drawn[1]) and len(drawn[1]) > 1
    assert off_line(drawn[2], [(0.8, 0.2), (0.8, 0.6)]) < 0.01


def test_a_pen_draws_and_the_palm_before_it_leaves_nothing(lab, area):
    canvas = area.locator("canvas")
    fingers = Fingers(lab.page, canvas)
    fingers.touch("touchStart", (0, (0.8, 0.9)))  # the palm
    fingers.touch("touchMove", (0, (0.82, 0.9)))
    fingers.pen("mousePressed", (0.3, 0.3))
    for n in range(1, 5):
        fingers.pen("mouseMoved", (0.3 + 0.1 * n, 0.3))
        fingers.touch("touchMove", (0, (0.82, 0.9 - 0.1 * n)))
    fingers.pen("mouseReleased", (0.7, 0.3))
    fingers.touch("touchEnd")
    drawn, *_ = lab.until(
        lambda drawn, *_: len(drawn) == 1 and math.dist(drawn[0][-1], (0.7, 0.3)) < 0.01
    )
    assert len(drawn) == 1 and off_line(drawn[0], [(0.3, 0.3), (0.7, 0.3)]) < 0.01
    assert brightness(canvas, [(0.82, 0.7), (0.8, 0.9), (0.5, 0.3)]) == [0, 0, 255]


def test_the_pen_is_as_wide_as_the_slider_says(lab, area):
    canvas = area.locator("canvas")
    drag(lab.page, canvas, [(0.2, 0.5), (0.8, 0.5)])

    def width():
        """Of the line, in share of the pad."""
        column = [(0.5, n / 1000) for n in range(1000)]
        return sum(value > 127 for value in brightness(canvas, column)) / 1000

    assert width() == pytest.approx(0.05, abs=0.006)
    for key, share in (("ArrowLeft", 0.02), ("ArrowRight", 0.08)):
        for _ in range(6):
            slider(area, "pen (%)").press(key)
        *_, pen, _ = lab.until(lambda drawn, answers, pen, none, share=share: pen == share)
        assert pen == share and width() == pytest.approx(share, abs=0.006)


def focused(page):
    """What has the focus: the name of its label, or its own, or its tag."""
    return page.evaluate(
        """() => {
            const element = document.activeElement;
            const label = element.closest('.widget-inline-hbox')?.querySelector('label');
            return label?.innerText || element.innerText.trim().split(' ')[0] || element.tagName;
        }"""
    )


def test_the_keyboard_alone_chooses_an_example_and_takes_it_back(lab, area):
    page = lab.page
    area.get_by_role("button", name="Undo").focus()
    reached = [focused(page)]
    for _ in range(7):
        page.keyboard.press("Tab")
        if focused(page) != reached[-1]:  # the number beside the slider has its name, too
            reached.append(focused(page))
        if reached[-1] == "Clear":
            ring = page.evaluate("() => getComputedStyle(document.activeElement).outlineStyle")
            assert ring == "solid"
    assert reached == ["Undo", "Clear", "Upload", "pen (%)", "image", "example", "import"]
    assert "Drawing pad: draw a digit" in area.get_by_role("img").first.get_attribute("aria-label")
    page.keyboard.press("Shift+Tab")
    assert focused(page) == "example"
    page.keyboard.press("s")  # seven
    say(area, "MLP 7 (")
    drawn, answers, *_ = lab.until(lambda drawn, *_: bool(drawn))
    assert drawn == [[[0.3, 0.2], [0.7, 0.2], [0.45, 0.8]]] and answers["MLP"] == 7
    canvas = area.locator("canvas")
    assert brightness(canvas, [(0.5, 0.2), (0.575, 0.5), (0.3, 0.5)]) == [255, 255, 0]
    assert canvas.get_attribute("aria-label").endswith(" Now: 1 stroke.")
    area.get_by_role("button", name="Clear").press("Enter")
    say(area, "Nothing is drawn yet")
    assert canvas.get_attribute("aria-label").endswith(" Now: 0 strokes.")


def choose_file(page, area, name, content, key="Enter"):
    """Choose a file with the button for that, as the keyboard does."""
    with page.expect_file_chooser() as chooser:
        area.get_by_role("button", name="Upload").press(key)
    chooser.value.set_files({"name": name, "mimeType": "image/png", "buffer": content})


def test_a_photograph_is_uploaded(notebook, area):
    grey = 255 - 200 * strokes.draw(SEVEN[:1], 0.06, size=160)[0]
    file = io.BytesIO()
    PIL.Image.fromarray(grey.numpy().astype("uint8")).save(file, "PNG")
    for _ in range(2):  # the same file once more
        choose_file(notebook.page, area, "seven.png", file.getvalue())
        say(area, "MLP 7 (")
        drawn, answers, *_ = notebook.until(lambda drawn, *_: bool(drawn))
        assert answers["MLP"] == 7
        points = torch.tensor([point for stroke in drawn for point in stroke])
        assert 0.7 < (points.max(dim=0).values - points.min(dim=0).values).max() < 0.8
        assert brightness(area.locator("canvas"), drawn[0][:1]) == [255]
        choose_file(notebook.page, area, "diary.txt", b"Dear diary")
        say(area, "diary.txt is not a picture that can be read. The drawing is as it was.")
        assert notebook.read()[0] == drawn
        area.get_by_role("button", name="Clear").click()
        say(area, "Nothing is drawn yet")


def as_file(image, kind, **options):
    """The bytes of a file with a picture, an image (H, W) from 0 to 1."""
    file = io.BytesIO()
    PIL.Image.fromarray((255 * image).round().byte().numpy()).save(file, kind, **options)
    return file.getvalue()


def test_an_image_of_mnist_and_a_photograph_that_lies_on_its_side_are_uploaded(notebook, area):
    mnist_one = load_mnist("sample").train.images[8, 0]  # 28×28, white on black
    grey = 1 - 0.8 * strokes.draw(SEVEN, 0.06, size=160)[0]
    exif = PIL.Image.Exif()
    exif[0x0112] = 6  # "turn me to the right"
    lying = as_file(grey.rot90(), "JPEG", exif=exif)
    expected = tracing.trace(tracing.read_photo(as_file(mnist_one, "PNG")))
    for name, content in {"digit.png": as_file(mnist_one, "PNG"), "lying.jpg": lying}.items():
        choose_file(notebook.page, area, name, content)
        drawn, answers, *_ = notebook.until(lambda drawn, *_: bool(drawn))
        if name == "digit.png":
            assert len(drawn) == len(expected)
            images = [strokes.prepare(one) for one in (drawn, expected)]
            assert (images[0] - images[1]).abs().mean() < 0.05
        else:
            assert answers["MLP"] == 7
        area.get_by_role("button", name="Clear").click()
        say(area, "Nothing is drawn yet")


def test_drawings_are_kept_in_a_book_and_it_goes_on_where_it_was(notebook):
    page, file = notebook.page, notebook.folder / "mine.json"

    def open_book():
        notebook.run(page, BOOK)
        area = notebook.area(page, BOOK)
        area.locator("canvas").scroll_into_view_if_needed()
        return area, area.locator("canvas")

    def state():
        return json.loads(notebook.run(page, KEPT)[0])

    area, canvas = open_book()
    area.get_by_role("button", name="Keep").click()
    say(area, "Nothing is drawn yet. Draw this digit")
    first, kept = state()
    assert kept == [] and not file.exists()
    assert area.get_by_role("button", name="Upload").count() == 0
    drag(page, canvas, SEVEN[0])
    area.get_by_role("button", name="Keep").click()
    say(area, "(2 of 10)")
    second, kept = state()
    (one,) = json.loads(file.read_text())
    assert [one] == kept and (one["writer"], one["digit"]) == ("Ann", first)
    assert off_line(one["strokes"][0], SEVEN[0]) < 0.01
    assert brightness(canvas, [(0.5, 0.2)]) == [0]  # ready for the next
    fingers = Fingers(page, canvas)
    fingers.touch("touchStart", (0, (0.2, 0.2)))
    fingers.touch("touchMove", (0, (0.2, 0.6)))
    fingers.touch("touchEnd")
    area.get_by_role("button", name="Keep").press("Enter")
    say(area, "(3 of 10)")
    assert [one["digit"] for one in json.loads(file.read_text())] == [first, second]
    area, canvas = open_book()  # anew, as on another day
    say(area, "(3 of 10)")
    area.get_by_role("button", name="Redo last").press("Enter")
    say(area, f"always write it: {second}.")
    assert len(json.loads(file.read_text())) == 1
    page.wait_for_function(
        "canvas => canvas.getContext('2d').getImageData(0.2 * canvas.width, 0.4 * canvas.height, 1, 1).data[0] > 200",
        arg=canvas.element_handle(),
    )
    assert page.errors == []


def test_a_large_photograph_is_made_smaller(notebook, area):
    """A server takes no message of more than 10 MB."""
    noise = torch.randint(200, 250, (3500, 3500), generator=torch.Generator().manual_seed(0))
    noise[900:2600, 1700:1850] = 40  # a one
    file = notebook.folder / "large.bmp"
    PIL.Image.fromarray(noise.numpy().astype("uint8")).save(file)
    assert file.stat().st_size > 12e6
    with notebook.page.expect_file_chooser() as chooser:
        area.get_by_role("button", name="Upload").click()
    chooser.value.set_files(file)
    say(area, "MLP ")
    (stroke,) = notebook.read()[0]
    assert off_line(stroke, [(0.5, stroke[0][1]), (0.5, stroke[-1][1])]) < 0.05


@pytest.mark.parametrize(
    ("object", "method", "broken"),
    [
        ("HTMLCanvasElement", "toBlob", "take => take(null)"),  # it is short of memory
        ("Blob", "arrayBuffer", "async () => { throw new Error('the file is gone') }"),
    ],
)
def test_what_the_browser_cannot_send_is_said_in_words(lab, area, object, method, broken):
    file = io.BytesIO()
    PIL.Image.new("L", (20, 20)).save(file, "PNG")
    lab.page.evaluate(
        """([object, method, broken]) => {
            const {prototype} = window[object], whole = prototype[method];
            prototype[method] = eval(broken);
            window.mend = () => { prototype[method] = whole; };
        }""",
        [object, method, broken],
    )
    try:
        choose_file(lab.page, area, "black.png", file.getvalue())
        say(area, "black.png is not a picture that can be read. The drawing is as it was.")
    finally:
        lab.page.evaluate("window.mend()")


# Screens


def test_it_fits_a_telephone(lab, area):
    drag(lab.page, area.locator("canvas"), SEVEN[0])
    say(area, "MLP 7 (")
    lab.page.set_viewport_size({"width": 360, "height": 740})
    lab.page.wait_for_function(
        "canvas => Math.abs(canvas.width - canvas.clientWidth * devicePixelRatio) < 1 && canvas.clientWidth < 300",
        arg=area.locator("canvas").element_handle(),
    )
    clipped = area.evaluate(
        """area => {
            const {left, right} = area.getBoundingClientRect();
            return [...area.querySelectorAll('canvas, button, img, label, select, pre, input, [aria-live]')]
                .filter(part => part.offsetParent && (part.getBoundingClientRect().right > right
                    || part.getBoundingClientRect().left < left || part.scrollWidth > part.clientWidth + 1))
                .map(part => part.outerHTML.slice(0, 80));
        }"""
    )
    assert clipped == []
    for part in area.locator("button:visible, select").all():
        assert part.bounding_box()["height"] >= 44
    box = area.locator("canvas").bounding_box()
    assert box["width"] == pytest.approx(box["height"], abs=1) and box["width"] > 200
    assert brightness(area.locator("canvas"), [(0.5, 0.2), (0.5, 0.5)]) == [255, 0]
    drag(lab.page, area.locator("canvas"), SEVEN[1])
    drawn, *_ = lab.until(lambda drawn, *_: len(drawn) == 2 and drawn[1][-1][0] > 0.64)
    assert off_line(drawn[1], SEVEN[1]) < 0.01


def test_it_is_sharp_on_a_fine_screen(lab, area):
    canvas = area.locator("canvas")
    session = lab.page.context.new_cdp_session(lab.page)
    metrics = {"width": 1280, "height": 1000, "deviceScaleFactor": 2, "mobile": False}
    session.send("Emulation.setDeviceMetricsOverride", metrics)
    lab.page.wait_for_function("devicePixelRatio === 2")
    drag(lab.page, canvas, SEVEN[0])
    assert canvas.evaluate("canvas => canvas.width / canvas.clientWidth") == 2
    assert brightness(canvas, [(0.5, 0.2), (0.5, 0.5)]) == [255, 0]
    session.send("Emulation.clearDeviceMetricsOverride")


def test_two_views_show_the_same(lab, area):
    lab.run(lab.page, AGAIN)
    other = lab.area(lab.page, AGAIN).locator("canvas")
    other.wait_for()
    drag(lab.page, area.locator("canvas"), SEVEN[0])
    lab.until(lambda drawn, *_: len(drawn) == 1 and drawn[0][-1][1] > 0.79)
    drag(lab.page, other, SEVEN[1])
    drawn, *_ = lab.until(lambda drawn, *_: len(drawn) == 2 and drawn[1][-1][0] > 0.64)
    assert len(drawn) == 2 and off_line(drawn[0], SEVEN[0]) < 0.01 > off_line(drawn[1], SEVEN[1])
    for canvas in (area.locator("canvas"), other):
        assert brightness(canvas, [(0.5, 0.2), (0.5, 0.5), (0.3, 0.4)]) == [255, 255, 0]
    lab.area(lab.page, AGAIN).get_by_role("button", name="Clear").click()
    say(area, "Nothing is drawn yet")
    assert brightness(area.locator("canvas"), [(0.5, 0.2)]) == [0]
    clear_output(lab.page, AGAIN)


def clear_output(page, index):
    page.evaluate(
        """index => {
            window.jupyterapp.shell.currentWidget.content.activeCellIndex = index;
            return window.jupyterapp.commands.execute('notebook:clear-cell-output').then(() => 0);
        }""",
        index,
    )


def listeners(page):
    """How many listeners the window has."""
    session = page.context.new_cdp_session(page)
    window = session.send("Runtime.evaluate", {"expression": "window"})["result"]["objectId"]
    found = session.send("DOMDebugger.getEventListeners", {"objectId": window})["listeners"]
    return sum(listener["type"] in ("blur", "resize") for listener in found)


def test_a_removed_output_leaves_no_listeners(lab, area):
    shown = listeners(lab.page)
    clear_output(lab.page, PAD)
    area.locator("canvas").wait_for(state="detached")
    assert listeners(lab.page) == shown - 2


# The kernel


def test_a_busy_kernel_neither_slows_the_drawing_nor_gets_a_backlog(lab, area):
    page, canvas, go = lab.page, area.locator("canvas"), lab.folder / "go"
    go.unlink(missing_ok=True)
    page.evaluate(
        """() => {
            const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
            window.sent = 0;
            kernel.anyMessage.connect((_, {msg, direction}) => {
                if (direction === 'send' && msg.content?.data?.state?.strokes) window.sent += 1;
            });
            window.jupyterapp.shell.currentWidget.content.activeCellIndex = 4;
            window.jupyterapp.commands.execute('notebook:run-cell');
        }"""
    )
    try:
        for stroke in [*SEVEN, [(0.1, 0.9), (0.9, 0.9)]]:
            drag(page, canvas, stroke, steps=30)
        seen = [(0.5, 0.2), (0.5, 0.5), (0.5, 0.9)]
        assert brightness(canvas, seen) == [255, 255, 255]
        area.get_by_role("button", name="Undo").click()
        assert brightness(canvas, seen) == [255, 255, 0]
        assert page.evaluate("window.sent") == 1  # the rest waits, and only the latest
    finally:
        go.touch()  # the cell comes to its end
    drawn, *_ = lab.until(lambda drawn, *_: len(drawn) == 2 and drawn[1][-1][0] > 0.64)
    assert len(drawn) == 2 and all(off_line(*pair) < 0.01 for pair in zip(drawn, SEVEN))
    assert page.evaluate("window.sent") <= 3
    say(area, "MLP 7 (")


def test_ten_thousand_strokes_fill_the_pad(lab, area):
    canvas, page = area.locator("canvas"), lab.page
    page.evaluate(
        """() => {
            const {content} = window.jupyterapp.shell.currentWidget;
            const code = 'pad.canvas.strokes = [[(n / 1e4, 0.3), (n / 1e4, 0.6)] for n in range(10_000)]';
            const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
            return kernel.requestExecute({code}).done.then(() => 0);
        }"""
    )
    full = area.get_by_role("status").filter(has_text="The pad is full")
    full.wait_for()
    assert brightness(canvas, [(0.5, 0.45), (0.5, 0.9)]) == [255, 0]
    drag(page, canvas, [(0.2, 0.9), (0.8, 0.9)])
    assert brightness(canvas, [(0.5, 0.9)]) == [0]
    assert len(lab.read()[0]) == 10_000
    area.get_by_role("button", name="Clear").click()
    full.wait_for(state="detached")
    drag(page, canvas, [(0.2, 0.9), (0.8, 0.9)])
    drawn, *_ = lab.until(lambda drawn, *_: len(drawn) == 1)
    assert len(drawn) == 1 and brightness(canvas, [(0.5, 0.9)]) == [255]
