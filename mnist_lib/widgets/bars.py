"""What models make of an image of a digit, and bars for it: what the explorers of one digit share."""

import textwrap

from matplotlib.collections import PolyCollection
from torch import nn

from .. import plots, training

A_BAR = 0.17  # inches, from one bar to the next
ABOVE = 0.72  # inches above the bars, for the name of a model and its answer
A_ROW = 2.57  # inches from the bars of a model to those below
# Code that asks `models` about images.
ASK = """for name, model in models.items():
    device = next(model.parameters()).device
    with torch.no_grad():
        probabilities = model.eval()({images}.to(device)).softmax(dim=1)
    print(name, probabilities.argmax().item(), probabilities.max().item())"""


def ask(models, image):
    """What models make of an image (1, 28, 28): {name: probabilities (10,), on the CPU}; of None, {}."""
    given = models.values() if isinstance(models, dict) else ()
    if not given or not all(isinstance(model, nn.Module) for model in given):
        raise TypeError(f"models must be a dict {{name: nn.Module}}, got {models!r:.60}")
    if image is None:
        return {}
    given = {name: training.probabilities(m, image[None])[0].cpu() for name, m in models.items()}
    for name, values in given.items():
        if values.shape != (10,):
            got = (1, *values.shape)
            raise ValueError(f"models[{name!r}] must return logits (N, 10), got {got}")
    return given


def answer_of(probabilities):
    """The most probable digit and its probability in words, "7 (98 %)"; a dash for zeros, where nobody was asked."""
    if not probabilities.any():
        return "–"
    return f"{probabilities.argmax().item()} ({100 * probabilities.max().item():.0f} %)"


def in_words(given):
    """The answers of several models in words; `given` is {name: probabilities (10,)}."""
    return ", ".join(f"{name} {answer_of(values)}" for name, values in given.items())


def add_axes_in_inches(figure, height):
    """New axes at the top of a figure, as wide as it is; their unit is an inch, from the left and from above."""
    width, whole = figure.get_size_inches()
    ax = figure.add_axes((0, 1 - height / whole, 1, height / whole))
    ax.set(xlim=(0, width), ylim=(height, 0))
    ax.axis("off")
    return ax


def draw_image(ax, image, left):
    """Draw an image (1, 28, 28), as high as the bars, in axes of `add_axes_in_inches`."""
    size = 10 * A_BAR
    extent = (left, left + size, ABOVE + size, ABOVE)
    ax.imshow(image[0].cpu().numpy(), cmap="gray", vmin=0, vmax=1, extent=extent, aspect="auto")


def draw_bars(ax, given, left, across, label=None):
    """Draw, for each model, its answer above the probabilities of 0 to 9, four models to a row.

    Few artists, and no axes of their own for the models: it is drawn anew at every key press. The first model stands
    `left` inches from the left in axes of `add_axes_in_inches`, the others `across` inches apart. The bar of the label,
    or else of the most probable digit, is blue; the others are orange.
    """
    full, bars, colours = across - 0.25, [], []
    for number, (name, values) in enumerate(given.items()):
        row, column = divmod(number, 4)
        start, top = left + column * across, A_ROW * row + ABOVE
        title = textwrap.fill(name, round(11 * full), max_lines=2, placeholder=" …")
        ax.text(start, top - 0.08, f"{title}\n{answer_of(values)}", va="bottom", linespacing=1.1)
        blue = values.argmax().item() if label is None else label
        for digit, value in enumerate(values.tolist()):
            y = top + digit * A_BAR
            colour = plots.COLOURS[0 if digit == blue else 1]
            for share, face in ((1, "0.93"), (value, colour)):
                x, low = start + share * full, y + 0.8 * A_BAR
                bars.append([(start, y), (x, y), (x, low), (start, low)])
                colours.append(face)
            if column == 0:
                ax.text(start - 0.08, y + 0.4 * A_BAR, str(digit), ha="right", va="center")
    ax.add_collection(PolyCollection(bars, facecolors=colours), autolim=False)
