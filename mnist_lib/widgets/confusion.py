"""The digits behind the numbers of a confusion matrix."""

import math
from itertools import chain, product

import ipywidgets
import torch
from matplotlib import colormaps
from matplotlib.colors import to_hex

from .. import plots
from .explorer import Explorer, View


def confusion_explorer(split, probabilities):
    """Return an `Explorer` of a confusion matrix: press a cell, and see its digits, the most confident first.

    It begins with the most frequent error. `explorer.buttons[label][answer]` is a cell of the matrix.

    Args:
        split: the `data.Split` that the probabilities belong to.
        probabilities: (N, classes), what a model gives each class of each image; each row adds up to 1.

    >>> from mnist_lib.data import Split
    >>> split = Split(torch.rand(3, 1, 28, 28), torch.tensor([0, 1, 1]))
    >>> explorer = confusion_explorer(split, [[0.9, 0.1], [0.8, 0.2], [0.3, 0.7]])
    >>> print(explorer.text.value)
    <div aria-live="polite">Label 1, answer 0: 1 digit. Page 1 of 1: confidence 80.0 %</div>
    """
    from .. import metrics  # takes seconds, and no other explorer needs it

    probabilities = torch.as_tensor(probabilities, dtype=torch.float32, device="cpu").detach()
    sums, ones = probabilities.sum(dim=-1), torch.ones(len(split))
    if sums.shape != ones.shape or not sums.allclose(ones, atol=0.01):
        expected = f"({len(split)}, classes), rows that add up to 1, as logits.softmax(dim=1) does"
        got = f"{tuple(probabilities.shape)} with sums from {sums.min():.3g} to {sums.max():.3g}"
        raise ValueError(f"probabilities must be {expected}, got {got}")
    classes = range(probabilities.shape[1])
    confidences, answers = probabilities.max(dim=1)
    images, labels = split.images.cpu(), split.labels.cpu()
    counts = metrics.confusion_matrix(answers, labels, len(classes))
    plain, chosen = _cell_layout("none", 0), _cell_layout("2px solid black", 2)
    buttons = [[_cell(counts, label, answer, plain) for answer in classes] for label in classes]

    def view(label, answer):
        for button in chain(*buttons):
            button.layout = chosen if button is buttons[label][answer] else plain
        places = ((labels == label) & (answers == answer)).nonzero().flatten()
        places = places[confidences[places].argsort(descending=True, stable=True)]
        return _view_of_cell(counts, label, answer, images[places], confidences[places])

    start = divmod(counts.clone().fill_diagonal_(0).argmax().item(), len(classes))
    controls = {}
    for name, value in zip(("label", "answer"), start):
        controls[name] = ipywidgets.Dropdown(options=classes, value=value, description=name)
    explorer = Explorer(controls, view, "page", first=1)
    explorer.buttons = buttons
    for label, answer in product(classes, classes):
        cell = {"label": label, "answer": answer}
        buttons[label][answer].on_click(lambda _, cell=cell: explorer.choose(**cell))
    _put_beside(explorer, _matrix_of(buttons))
    return explorer


def _cell(counts, label, answer, layout):
    """A button with a count: blue for right answers, orange for errors, the darker the more; black stays readable."""
    count, right = counts[label, answer].item(), label == answer
    most = (counts.diagonal() if right else counts.clone().fill_diagonal_(0)).max().item()
    colours = colormaps["Blues" if right else "Oranges"]
    button = ipywidgets.Button(description=str(count), layout=layout)
    button.tooltip = f"label {label}, answer {answer}: {_digits(count)}"
    button.style.button_color = to_hex(colours(0.15 + 0.45 * count / most)) if count else "#f7f7f7"
    button.style.text_color = "black" if count else "#666666"  # ipywidgets 7 leaves it black
    return button


def _cell_layout(border, edge):
    """The layout of a cell with a border of so many pixels, drawn around it: the number stays where it is."""
    width, height, margin = f"{42 + 2 * edge}px", f"{28 + 2 * edge}px", f"{-edge}px"
    return ipywidgets.Layout(width=width, height=height, margin=margin, padding="0", border=border)


def _digits(count):
    return "1 digit" if count == 1 else f"{count or 'no'} digits"


def _matrix_of(buttons):
    """A grid of the buttons, with its rows and columns named."""

    def words(text, **layout):
        layout = ipywidgets.Layout(margin="0", **layout)
        return ipywidgets.HTML(f'<div style="text-align: center">{text}</div>', layout=layout)

    size = len(buttons)
    upright = '<span style="writing-mode: vertical-rl; transform: rotate(180deg)">label</span>'
    parts = [
        words("", grid_area="1 / 1 / 3 / 3"),
        words("answer", grid_area=f"1 / 3 / 2 / {3 + size}"),
        words(upright, grid_area=f"3 / 1 / {3 + size} / 2", align_self="center"),
        *map(words, range(size)),
    ]
    for label, row in enumerate(buttons):
        parts += [words(label), *row]
    columns = f"20px 20px repeat({size}, 42px)"
    layout = ipywidgets.Layout(grid_template_columns=columns, grid_gap="2px", margin="0")
    return ipywidgets.GridBox(parts, layout=layout)


def _put_beside(explorer, matrix):
    """Show a matrix on the left of what an explorer shows, or above where there is no room."""
    settings, steps, picture, text, notes, code = explorer.children
    legend = ipywidgets.HTML("Blue: right answers. Orange: errors. The darker, the more.")
    left = ipywidgets.VBox([matrix, legend])
    right = ipywidgets.VBox([steps, text, picture], layout=ipywidgets.Layout(flex="1 1 440px"))
    layout = ipywidgets.Layout(flex_flow="row wrap", grid_gap="0 24px")
    explorer.children = [settings, ipywidgets.HBox([left, right], layout=layout), notes, code]


def _view_of_cell(counts, label, answer, images, confidences):
    """The `View` of the digits in a cell of a confusion matrix, the most confident first, 15 to a page."""
    count, a_row, a_page = len(images), 5, 15
    last, rows = max(1, math.ceil(count / a_page)), math.ceil(min(count, a_page) / a_row)
    percent = [f"{100 * confidence:.1f} %" for confidence in confidences.tolist()]
    name = f"Label {label}, answer {answer}"

    def draw(page, figure):
        part = slice(a_page * (page - 1), a_page * page)
        ax = plots.plot_digits(images[part], percent[part], a_row, ax=figure.add_axes((0, 0, 1, 1)))
        ax.set(xlim=(-1, 30 * a_row - 1), ylim=(36 * rows - 1, -1))  # as if the page were full
        return plots.describe(ax, f"{name}, page {page} of {last}: {ax.description}")

    def text(page):
        if count == 0:
            return f"{name}: no digit has this label and got this answer"
        shown = percent[a_page * (page - 1) : a_page * page]
        span = shown[0] if shown[0] == shown[-1] else f"{shown[0]} to {shown[-1]}"
        return f"{name}: {_digits(count)}. Page {page} of {last}: confidence {span}"

    of_label, of_answer = counts[label].sum().item(), counts[:, answer].sum().item()
    notes = (
        f"{count} of {of_label} digits with label {label} got the answer {answer}",
        f"{count} of {of_answer} digits that got the answer {answer} have the label {label}",
    )
    code = f"""# split: images and labels. probabilities: a row for each image
confidences, answers = probabilities.max(dim=1)
places = ((split.labels == {label}) & (answers == {answer})).nonzero().flatten()
places = places[confidences[places].argsort(descending=True, stable=True)]
images = split.images[places]
print(places, confidences[places])"""
    return View(last, (4.5, 1.08 * rows), draw if count else None, text, notes, code, first=1)
