"""What every figure needs: the look of the series, empty axes, a description in words, and a way onto the page."""

import base64
import contextlib
import functools
import inspect
import io
import math
import threading

import matplotlib.pyplot as plt
import matplotlib.style
import numpy as np
import torch
from IPython import get_ipython
from IPython.display import display
from matplotlib.colors import LinearSegmentedColormap

# Colours for categories that colour-blind readers can tell apart (Okabe and Ito 2008), and a ninth (Tol 2021).
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9")
COLOURS += ("#D55E00", "#000000", "#999999", "#882255")
MARKERS = ("o", "s", "^", "D", "v", "x", "P", "*", "<")  # so that grey tells lines apart too
# For weights: purple below zero, white at zero, orange above; in grey, what is below zero is the darker.
SIGNED = ["#14123f", "#5c5aa8", "#ffffff", "#fbdcb4", "#f5b25a"]
SIGNED = LinearSegmentedColormap.from_list("signed", SIGNED)
CENTRED = {"ha": "center", "va": "center"}  # for texts
STYLE = {
    "axes.prop_cycle": plt.cycler(color=COLOURS),
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.constrained_layout.use": True,
    "figure.dpi": 110,
    "font.size": 12,
    "image.cmap": "gray",
    "legend.frameon": False,
}
_lock = threading.RLock()


@contextlib.contextmanager
def style():
    """The look of the series, for a `with` or as a decorator, whatever style the user has set.

    One thread at a time: Matplotlib has one look for all.
    """
    with _lock, matplotlib.style.context(["default", STYLE]):
        yield


def plot(function):
    """Make a plot function draw in the style of the series, and name the argument that it cannot draw."""
    signature = inspect.signature(function)
    needed = [name for name, of in signature.parameters.items() if of.default is of.empty]

    @functools.wraps(function)
    def draw(*args, **options):
        signature.bind(*args, **options)  # a call that is wrong in itself
        try:
            with style():
                return function(*args, **options)
        except Exception as error:  # from any of the libraries below
            if str(error).startswith(tuple(signature.parameters)):
                raise
            what = f"{' and '.join(needed)} must be as {function.__name__} describes"
            raise ValueError(f"{what}; {type(error).__name__}: {error}") from error

    return draw


@style()
def new_axes(width=7.0, height=3.5):
    """Empty axes in a new figure in the style of the series; sizes in inches."""
    return plt.figure(figsize=(width, height)).add_subplot()


def describe(ax, description):
    """Give `ax` its description, a str of one or more sentences, and return `ax`."""
    ax.description = description
    return ax


def show(ax):
    """Put the figure of `ax` on the page, with its description as the picture's alternative text.

    Raises:
        ValueError: the figure has no description; the plot functions here write one, `describe` adds one.
    """
    figure = ax.figure
    words = " ".join(part.description for part in figure.axes if hasattr(part, "description"))
    if not words:
        raise ValueError("ax must have a description, got none: call describe(ax, '…') first")
    for legend in filter(None, (part.get_legend() for part in figure.axes)):  # the reader's own too
        legend.set_frame_on(False)
        for text in legend.get_texts():
            text.set_color("black")
    if get_ipython() is None:  # a plain Python program
        plt.show()
        print(words)
        return
    file = io.BytesIO()
    with style():
        figure.savefig(file, format="png", bbox_inches="tight")
    plt.close(figure)
    data = {"image/png": base64.b64encode(file.getvalue()).decode(), "text/plain": words}
    display(data, raw=True, metadata={"image/png": {"alt": words}})


def marks(number, dashes=None):
    """Marker and dashes of a line, so that lines can be told apart in grey too."""
    dashes = number if dashes is None else dashes
    return {"marker": MARKERS[number % len(MARKERS)], "ls": ("-", "--", "-.", ":")[dashes % 4]}


def label_ends(ax):
    """Write the name of each line beside its right end, in place of a legend; where ends meet, names keep apart."""
    ax.autoscale_view()  # where the lines will end
    to_axes, ends = ax.transAxes.inverted(), []
    for line in ax.lines:
        drawn = line.get_xydata()[np.isfinite(line.get_ydata())]
        if len(drawn) and not line.get_label().startswith("_"):
            ends.append((to_axes.transform(ax.transData.transform(drawn[-1])), line))
    ends.sort(key=lambda end: end[0][1])
    apart = 15 / (72 * ax.figure.get_figheight() * ax.get_position().height)  # a line of text
    heights, places = [float(np.clip(y, 0, 1)) for (_, y), _ in ends], []
    for height in heights:
        places.append(max(height, places[-1] + apart) if places else height)
    places = np.minimum(places, 1 - apart * np.arange(len(places))[::-1])  # within the frame
    for place, y, ((x, _), line) in zip(places, heights, ends):
        look = {"xycoords": "axes fraction", "va": "center", "annotation_clip": False}
        lead = {"arrowstyle": "-", "color": line.get_color(), "shrinkA": 2, "shrinkB": 0}
        lead["relpos"] = (0, 0.5)  # from the left end of the name
        ax.annotate(line.get_label(), (x, y), (1.05, place), arrowprops=lead, **look)


def tile(ax, values, x=0, y=0, **look):
    """Show a picture, an array (H, W), in a thin frame, its upper left corner at (x, y); `look` is for `imshow`."""
    height, width = values.shape[-2:]
    ax.add_patch(plt.Rectangle((x, y), width, height, fill=False, ec="0.8", lw=0.5))
    return ax.imshow(values, extent=(x, x + width, y + height, y), **look)


def tiles(ax, pictures, captions, columns, inches, above=False, **look):
    """Show pictures (N, H, W) side by side, row by row, each with one of the N captions below it, or `above`.

    `inches` is the width of a picture in a new figure; `look` is for `imshow`. Returns the axes, the pictures as
    Matplotlib has them, and the captions as a list of str (or None).
    """
    if pictures.ndim != 3 or 0 in pictures.shape:
        raise ValueError(f"pictures must be (N, H, W) with N at least 1, got {pictures.shape}")
    count, height, width = pictures.shape
    captions = texts(captions)
    if captions is not None and len(captions) != count:
        raise ValueError(f"captions must be as many as pictures ({count}), got {len(captions)}")
    columns = min(columns, count)
    rows, gap, room = math.ceil(count / columns), width / 14, 3 / 14 * height * bool(captions)
    across, down = width + gap, height + gap + room
    ax = ax or new_axes(inches * columns + 0.8, inches * rows * down / across + 0.08)
    shown = []
    for number, picture in enumerate(pictures):
        x, y = across * (number % columns), down * (number // columns) + above * room
        shown.append(tile(ax, picture, x, y, **look))
        if captions:
            edge, side, size = (-0.02, "bottom", 12) if above else (1.02, "top", 11)
            place = (x + width / 2, y + edge * height)
            ax.text(*place, captions[number], ha="center", va=side, fontsize=size)
    ax.set(xlim=(-gap / 2, across * columns - gap / 2), ylim=(down * rows - gap / 2, -gap / 2))
    ax.axis("off")
    return ax, shown, captions


def ink(colour):
    """Black or white, whichever has the higher contrast on an RGB colour (WCAG 2: at least 4.58, whatever it is)."""
    parts = np.array(colour[:3])
    parts = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    luminance = parts @ (0.2126, 0.7152, 0.0722)
    return "black" if (luminance + 0.05) / 0.05 > 1.05 / (luminance + 0.05) else "white"


def panels(ax, rows, columns, count):
    """So many new axes in rows and columns where `ax` was: a list. What is left of `ax` is its description."""
    ax.axis("off")
    cells = [*ax.get_subplotspec().subgridspec(rows, columns)]
    return [ax.figure.add_subplot(cell) for cell in cells[:count]]


def array(values):
    """A tensor, on whatever device, a list of such, or anything else that holds numbers, as a NumPy array."""
    if isinstance(values, list | tuple):
        values = [array(part) for part in values]
    return np.asarray(values.detach().cpu() if isinstance(values, torch.Tensor) else values)


def texts(captions):
    """Captions, which may be numbers or tensors that hold one, as a list of str; None as it is."""
    if captions is None:
        return None
    return [str(part.item() if isinstance(part, torch.Tensor) else part) for part in captions]
