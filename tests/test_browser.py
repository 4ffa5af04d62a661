"""The explorers in a real JupyterLab: moved with the keyboard, played, and read off the page."""

import re

import pytest
import torch
import torch.nn.functional as F
from browser import (
    chromium_page,
    jupyterlab,
    missing,
    open_notebook,
    output_area,
    run_cell,
    slider,
    write_notebook,
)

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())

# Random images and networks, the same here and in the notebook.
NETWORKS = """import torch
from mnist_lib import data, models
torch.manual_seed(0)
split = data.Split(torch.rand(30, 1, 28, 28), torch.arange(30) % 10)
networks = {"softmax classifier": models.SoftmaxClassifier(), "MLP": models.MLP()}
networks |= {"TinyVGG": models.TinyVGG(), "ConvNet": models.ConvNet()}
for network in networks.values():
    for parameter in network.parameters():
        parameter.data *= 2  # surer of themselves"""
CELLS = [
    """import torch
from mnist_lib.widgets import *
convolution_explorer(torch.arange(8.0).reshape(1, 8), [[0.1, 0.2, 0.3]], ask=False)""",
    "pooling_explorer(torch.arange(36.0).reshape(1, 6, 6), kind='avg', ask=False)",
    "learning_rate_explorer([-1.0, 0.0, 1.0], [-1.0, 1.0, 3.0], steps=12)",
    """import torch
from mnist_lib.data import Split
from mnist_lib.widgets import confusion_explorer
labels = torch.arange(2000) % 10  # the answers to the first of 20 images with label 4: 9; to all others right
probabilities = torch.eye(10)[torch.where(labels == 4, (torch.arange(2000) < 100) * 5 + 4, labels)]
confusion_explorer(Split(torch.rand(2000, 1, 28, 28), labels), 0.9 * probabilities + 0.01)""",
    """import torch
from mnist_lib.machinery.watchers import WeightRecord
from mnist_lib.widgets import kernel_explorer
record = WeightRecord(["weight"])
for step in range(9):
    record.steps.append(10 * step)
    record.copies["weight"].append(torch.full((8, 4, 5, 5), (step + 1) / 9))
kernel_explorer(record, "weight")""",
    f"{NETWORKS}\nfrom mnist_lib.widgets import *\nfeature_explorer(networks['ConvNet'], split)",
    f"{NETWORKS}\nfrom mnist_lib.widgets import *\nshift_explorer(networks, split, layer='layers.3')",
]


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """The page of a notebook with an explorer in each cell."""
    folder = tmp_path_factory.mktemp("notebooks")
    write_notebook(folder / "explorers.ipynb", *CELLS)
    with jupyterlab(folder) as url, chromium_page() as page:
        open_notebook(page, url, "explorers.ipynb")
        yield page


@pytest.fixture
def area(page, request):
    """Where the notebook shows the explorer of a cell, new each time."""
    assert run_cell(page, request.param) == []
    area = output_area(page, request.param)
    area.locator("img").wait_for()
    yield area
    assert page.errors == []


convolution = pytest.mark.parametrize("area", [0], indirect=True)
pooling = pytest.mark.parametrize("area", [1], indirect=True)
learning_rate = pytest.mark.parametrize("area", [2], indirect=True)
confusion = pytest.mark.parametrize("area", [3], indirect=True)
kernels = pytest.mark.parametrize("area", [4], indirect=True)
maps = pytest.mark.parametrize("area", [5], indirect=True)
shift = pytest.mark.parametrize("area", [6], indirect=True)
every_explorer = pytest.mark.parametrize("area", range(len(CELLS)), indirect=True)


def wait_for_text(area, start):
    """What the explorer says, once it starts like this, a regular expression."""
    said = area.locator("[aria-live]")
    said.filter(has_text=re.compile(f"^{start}")).wait_for()
    return said.inner_text()


def buttons(area):
    """Play (and pause), stop, repeat."""
    return area.locator(".widget-play button")


def focused(page):
    """The name beside what has the focus, or its tag."""
    return page.evaluate(
        """() => {
            const element = document.activeElement;
            const label = element.closest('.widget-inline-hbox')?.querySelector('label');
            return label?.innerText || element.tagName;
        }"""
    )


@convolution
def test_a_slider_moves_with_the_arrow_keys(area):
    stride, window = slider(area, "stride"), slider(area, "window")
    stride.press("ArrowRight")
    wait_for_text(area, "Window 1 of 3: ")
    stride.press("ArrowLeft")
    wait_for_text(area, "Window 1 of 6: ")
    for key, number in (("ArrowRight", 2), ("ArrowUp", 3), ("ArrowDown", 2), ("End", 6)):
        window.press(key)
        said = wait_for_text(area, f"Window {number} of 6: ")
    weight = torch.tensor([[[0.1, 0.2, 0.3]]])
    expected = F.conv1d(torch.arange(8.0).reshape(1, 8), weight)[0, 5].item()
    assert said.endswith(f" = {expected:.1f}")
    assert f"Window 6 of 6: {said.partition(' = ')[2]}" in area.locator("img").get_attribute("alt")


@pooling
def test_the_play_button_plays(area):
    assert wait_for_text(area, "Window ").startswith("Window 1 of 9: ")
    buttons(area).first.press("Enter")
    said = wait_for_text(area, "Window [3-9] of 9: ")  # a busy kernel may leave one out
    number, result = re.fullmatch(r"Window (\d) of 9: .* = (\S+)", said).groups()
    expected = F.avg_pool2d(torch.arange(36.0).reshape(1, 6, 6), 2).flatten()
    assert float(result) == expected[int(number) - 1]


@convolution
def test_an_impossible_choice_is_said_in_words(area):
    dilation = slider(area, "dilation")
    dilation.press("End")
    said = wait_for_text(area, "These settings do not go together: ")
    assert "kernel_size 3 with dilation 4 spans 9 cells" in said
    area.locator("img").wait_for(state="detached")
    assert buttons(area).first.is_disabled()
    dilation.press("ArrowLeft")
    wait_for_text(area, "Window 1 of 2: ")
    area.locator("img").wait_for()
    assert buttons(area).first.is_enabled()


@convolution
def test_a_kernel_is_written_and_a_result_guessed(page, area):
    area.get_by_text("ask me first").click()
    wait_for_text(area, r"Window 1 of 6: what is output\[0, 0\]\?")
    kernel = area.locator("textarea")
    kernel.fill("-1 1")
    kernel.press("Tab")
    wait_for_text(area, r"Window 1 of 7: what is output\[0, 0\]\?")
    guess = area.get_by_placeholder("a number, then Enter")
    guess.fill("2")
    guess.press("Enter")
    said = wait_for_text(area, r"Window 1 of 7: output\[0, 0\] = ")
    assert said.endswith(" = 0·(−1) + 1·1 = 1, not 2")
    slider(area, "window").press("ArrowRight")
    wait_for_text(area, r"Window 2 of 7: what is output\[0, 1\]\?")
    assert guess.input_value() == ""
    area.get_by_role("button", name="show it").click()
    wait_for_text(area, r"Window 2 of 7: output\[0, 1\] = 1·\(−1\) \+ 2·1 = 1$")
    kernel.fill("-1 one")
    kernel.press("Tab")
    wait_for_text(area, "These settings do not go together: 'one' is not a number")


@learning_rate
def test_the_learning_rate_diverges_and_converges(area):
    area.get_by_text("Gradient descent with learning rate 0.1 converges").wait_for()
    slider(area, "learning rate").press("End")
    area.get_by_text("Gradient descent with learning rate 2 does not converge").wait_for()
    slider(area, "step").press("End")
    wait_for_text(area, "Step 12: ")


def cell(area, label, answer):
    """The button of a cell of the confusion matrix."""
    return area.locator(f'button[title^="label {label}, answer {answer}: "]')


def dropdown(area, name):
    return area.locator(f'.widget-inline-hbox:has(label:text-is("{name}")) select')


def has_border(button):
    return button.evaluate("button => parseFloat(getComputedStyle(button).borderTopWidth) > 0")


@confusion
def test_a_cell_is_pressed_with_the_mouse(area):
    said = wait_for_text(area, "Label 4, answer 9: 10 digits")
    assert said.endswith(" Page 1 of 1: confidence 91.0 %") and has_border(cell(area, 4, 9))
    picture = area.locator("img").get_attribute("src")
    button = cell(area, 7, 7)
    assert button.inner_text() == "200"
    assert button.get_attribute("title") == "label 7, answer 7: 200 digits"
    button.click()
    wait_for_text(area, r"Label 7, answer 7: 200 digits\. Page 1 of 14: ")
    area.locator('img[alt^="Label 7, answer 7, page 1 of 14: 15 images"]').wait_for()
    assert area.locator("img").get_attribute("src") != picture
    assert has_border(button) and not has_border(cell(area, 4, 9))
    assert [dropdown(area, name).input_value() for name in ("label", "answer")] == ["7", "7"]
    assert "(split.labels == 7) & (answers == 7)" in area.locator("pre").inner_text()
    slider(area, "page").press("ArrowRight")
    wait_for_text(area, r"Label 7, answer 7: 200 digits\. Page 2 of 14: ")
    cell(area, 0, 1).click()
    wait_for_text(area, "Label 0, answer 1: no digit has this label and got this answer")
    area.locator("img").wait_for(state="detached")


@confusion
def test_a_cell_is_reached_and_pressed_with_the_keyboard(page, area):
    cell(area, 0, 0).focus()
    for _ in range(44):
        page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.title") == "label 4, answer 4: 190 digits"
    page.keyboard.press("Enter")
    wait_for_text(area, "Label 4, answer 4: 190 digits")
    assert has_border(cell(area, 4, 4))
    page.keyboard.press("Tab")  # pressing has not moved the focus
    page.keyboard.press("Space")
    wait_for_text(area, "Label 4, answer 5: no digit")


@confusion
def test_a_cell_is_chosen_in_the_dropdowns(area):
    dropdown(area, "answer").select_option("4")
    wait_for_text(area, "Label 4, answer 4: ")
    dropdown(area, "label").select_option("9")
    wait_for_text(area, "Label 9, answer 4: no digit")
    assert has_border(cell(area, 9, 4)) and not has_border(cell(area, 4, 4))


@convolution
def test_everything_is_reached_with_the_tab_key(page, area):
    area.locator("textarea").focus()
    reached = [focused(page)]
    for _ in range(15):  # 4 sliders with numbers, 3 buttons, a field, a button, a box, the code
        page.keyboard.press("Tab")
        if focused(page) != reached[-1]:  # the number beside a slider has its name, too
            reached.append(focused(page))
    settings = ["kernel", "stride", "padding", "dilation", "BUTTON", "window"]
    assert reached == [*settings, "your result", "BUTTON", "\u200b", "PRE"]


@every_explorer
def test_nothing_is_cut_off(page, area):
    for width in (900, 1280):
        page.set_viewport_size({"width": width, "height": 1000})
        clipped = area.evaluate(
            """area => {
                const edge = area.getBoundingClientRect().right;
                const parts = 'label, img, pre, button, input, [aria-live], [role=application], .widget-readout';
                return [...area.querySelectorAll(parts)]
                    .filter(part => part.scrollWidth > part.clientWidth + 1
                            && getComputedStyle(part).display != 'inline'
                        || part.getBoundingClientRect().right > edge)
                    .map(part => part.outerHTML.slice(0, 80));
            }"""
        )
        assert clipped == [], width
    assert area.locator("[title=null]:visible").count() == 0


@pooling
def test_one_click_selects_all_of_the_code(page, area):
    area.locator("pre").click()
    selected = page.evaluate("() => window.getSelection().toString()")
    assert selected.strip() == area.locator("pre").inner_text().strip()
    names = {"print": lambda output: None}
    exec(selected, names)
    assert names["output"].shape == (1, 3, 3)


@convolution
def test_a_notebook_keeps_a_sentence(page, area):
    (output,) = page.evaluate(
        "() => window.jupyterapp.shell.currentWidget.content.widgets[0].model.outputs.toJSON()"
    )
    assert output["data"]["text/plain"].startswith("An explorer: run this notebook to move")


# Inside a network


@kernels
def test_the_kernels_are_played(area):
    wait_for_text(area, "Before training: weights from 0.111 to 0.111")
    buttons(area).first.click()
    wait_for_text(area, "After step 80: weights from 1 to 1")
    slider(area, "moment").press("Home")
    wait_for_text(area, "Before training: weights from 0.111 to 0.111")
    area.locator('img[alt^="Before training: Maps of 5×5 numbers in 4 rows"]').wait_for()


def networks():
    """The names that `NETWORKS` leaves behind."""
    names = {}
    exec(NETWORKS, names)
    return names


def number_of(text):
    return float(text.replace("−", "-"))


@maps
def test_the_arrow_keys_move_the_cell(area):
    names = networks()
    model = names["networks"]["ConvNet"]
    box = area.locator("[role=application]")
    assert box.inner_text() == "Arrow keys move the cell"
    wait_for_text(area, r"Digit 0 \(label 0\); layers\.0, channel 0, row 14, column 14: ")
    for _ in range(15):
        box.press("ArrowRight")
    for key in ("ArrowUp", "ArrowDown", "ArrowDown"):
        box.press(key)
    said = wait_for_text(area, r"Digit 0 \(label 0\); layers\.0, channel 0, row 15, column 27: ")
    expected = model.layers[0](names["split"].images[:1])[0, 0, 15, 27].item()
    assert number_of(re.search(r"the number is (\S+)\.", said)[1]) == pytest.approx(expected, 1e-2)
    assert said.endswith("rows 13 to 17 and columns 25 to 27 of the digit")
    dropdown(area, "layer").select_option("layers.3")  # 14×14 cells
    wait_for_text(area, r"Digit 0 \(label 0\); layers\.3, channel 0, row 13, column 13: ")
    for _ in range(9):  # not End: in ipywidgets that is where the slider ended at first
        slider(area, "channel").press("ArrowRight")
    said = wait_for_text(area, r"Digit 0 \(label 0\); layers\.3, channel 7, row 13, column 13: ")
    expected = model.layers[:4](names["split"].images[:1])[0, 7, 13, 13].item()
    assert number_of(re.search(r"the number is (\S+)\.", said)[1]) == pytest.approx(expected, 1e-2)
    for _ in range(3):
        box.press("ArrowRight")
    box.press("ArrowLeft")
    wait_for_text(area, r".* channel 7, row 13, column 12: ")


# Moving the digit


def digit(area):
    """The field for the number of a digit."""
    return area.locator('.widget-inline-hbox:has(label:text-is("digit")) input')


def check_answers(said, number, dx, dy):
    """The explorer says of the shifted digit what PyTorch computes."""
    names = networks()
    moved = F.pad(names["split"].images[number : number + 1], (dx, -dx, dy, -dy))
    for name, model in names["networks"].items():
        with torch.no_grad():
            probability, answer = model.eval()(moved).softmax(dim=1).max(dim=1)
        shown = re.search(rf"{name} (\d) \((\d+) %\)", said)
        assert int(shown[1]) == answer.item()
        assert int(shown[2]) == pytest.approx(100 * probability.item(), abs=0.51)


@shift
def test_the_arrow_keys_move_the_digit(page, area):
    box = area.locator("[role=application]")
    assert box.inner_text() == "Arrow keys move the digit"
    check_answers(wait_for_text(area, r"Digit 0 \(label 0\), not moved: "), 0, 0, 0)
    picture = area.locator("img").get_attribute("src")
    box.focus()
    steps = {"ArrowRight": "1 right", "ArrowDown": "1 right and 1 down"}
    steps |= {"ArrowLeft": "1 down", "ArrowUp": None}
    for key, moved in steps.items():
        page.keyboard.press(key)
        wait_for_text(area, rf"Digit 0 \(label 0\), {f'moved {moved}' if moved else 'not moved'}: ")
    assert area.locator("img").get_attribute("src") == picture
    for key in ["ArrowUp"] * 2 + ["ArrowRight"] * 9 + ["ArrowLeft"]:
        page.keyboard.press(key)
    said = wait_for_text(area, r"Digit 0 \(label 0\), moved 5 right and 2 up: ")
    check_answers(said, 0, 5, -2)
    assert area.locator("img").get_attribute("src") != picture
    alt = area.locator("img").get_attribute("alt")
    assert said in alt and "Below, layers.3: 8 maps of 14×14 numbers" in alt
    for name, value in (("dx", "5"), ("dy", "-2")):  # the sliders go along
        assert slider(area, name).get_attribute("aria-valuenow").split(".")[0] == value
    assert "F.pad(image, (5, -5, -2, 2))" in area.locator("pre").inner_text()


@shift
def test_the_sliders_move_the_digit(area):
    slider(area, "dx").press("ArrowLeft")
    wait_for_text(area, r"Digit 0 \(label 0\), moved 1 left: ")
    slider(area, "dy").press("End")
    said = wait_for_text(area, r"Digit 0 \(label 0\), moved 1 left and 6 down: ")
    check_answers(said, 0, -1, 6)
    slider(area, "dx").press("End")
    wait_for_text(area, r"Digit 0 \(label 0\), moved 6 right and 6 down: ")
    # The arrow keys go on from where the sliders are, and no further than they go.
    steps = {"ArrowRight": (6, 6), "ArrowDown": (6, 6), "ArrowUp": (6, 5), "ArrowLeft": (5, 5)}
    for key, (dx, dy) in steps.items():
        area.locator("[role=application]").press(key)
        wait_for_text(area, rf"Digit 0 \(label 0\), moved {dx} right and {dy} down: ")
    digit(area).fill("27")
    digit(area).press("Enter")
    said = wait_for_text(area, r"Digit 27 \(label 7\), moved 5 right and 5 down: ")
    check_answers(said, 27, 5, 5)


@shift
def test_a_key_that_is_held_down_does_not_lag_behind(page, area):
    area.locator("[role=application]").focus()
    for key, where in (("ArrowRight", "6 right"), ("ArrowUp", "6 right and 6 up")):
        for _ in range(40):
            page.keyboard.press(key)
        wait_for_text(area, rf"Digit 0 \(label 0\), moved {where}: ")
    page.keyboard.press("ArrowLeft")
    check_answers(wait_for_text(area, r"Digit 0 \(label 0\), moved 5 right and 6 up: "), 0, 5, -6)


@shift
def test_the_arrow_keys_belong_to_the_box_until_it_is_left(page, area):
    box = area.locator("[role=application]")

    def ring():
        return box.evaluate("box => getComputedStyle(box).outlineStyle")

    def active_cell():
        return page.evaluate("() => window.jupyterapp.shell.currentWidget.content.activeCellIndex")

    assert ring() == "none"
    box.click()
    assert ring() == "solid"
    cell, top = active_cell(), area.bounding_box()["y"]
    for key in ("ArrowDown", "ArrowUp", "ArrowUp"):
        page.keyboard.press(key)
    wait_for_text(area, r"Digit 0 \(label 0\), moved 1 up: ")
    assert active_cell() == cell and area.bounding_box()["y"] == top  # nothing scrolled
    page.keyboard.press("Control+ArrowDown")
    page.keyboard.press("Escape")
    assert ring() == "none"
    page.keyboard.press("ArrowRight")
    slider(area, "dx").focus()
    reached = []
    for _ in range(5):
        page.keyboard.press("Tab")
        if focused(page) not in reached:
            reached.append(focused(page))
    assert reached == ["dx", "dy", "DIV", "PRE"]
    wait_for_text(area, r"Digit 0 \(label 0\), moved 1 up: ")  # still
