"""What every figure needs: the look of the series, empty axes, a description in words, and a way onto the page."""

import base64
import contextlib
import io
import threading

import matplotlib.pyplot as plt
import torch
from IPython import get_ipython
from IPython.display import display

# Colours for categories that colour-blind readers can tell apart (Okabe and Ito 2008), and a ninth (Tol 2021).
COLOURS = (
    *("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#000000", "#999999"),
    "#882255",
)
MARKERS = ("o", "s", "^", "D", "v", "x", "P", "*", "<")  # so that grey tells lines apart too
SIGNED = "PuOr_r"  # for weights: purple below zero, white at zero, orange above
SHARES = (
    "cividis"  # for 0 to 100 %: from dark to light in grey, too (Nuñez, Anderton and Renslow 2018)
)
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
    """The look of the series, for a `with` or as a decorator. One thread at a time: Matplotlib has one look for all."""
    with _lock, plt.rc_context(STYLE):
        yield


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
        raise ValueError(
            "ax must have a description, got none: call describe(ax, '…') before show(ax)"
        )
    for part in figure.axes:  # a legend of the reader's own too
        if part.get_legend() is not None:
            part.get_legend().set_frame_on(False)
    if get_ipython() is None:  # a plain Python program
        plt.show()
        print(words)
        return
    file = io.BytesIO()
    with style():
        figure.savefig(file, format="png", bbox_inches="tight")
    plt.close(figure)
    picture = base64.b64encode(file.getvalue()).decode()
    display(
        {"image/png": picture, "text/plain": words},
        raw=True,
        metadata={"image/png": {"alt": words}},
    )


def line_look(number):
    """How the line of one of nine names is drawn: the same colour wherever the name comes back."""
    return {"color": COLOURS[number % len(COLOURS)], **marks(number, dashes=number // 2)}


def marks(number, dashes=None):
    """Marker and dashes of a line, so that lines can be told apart in grey too."""
    dashes = number if dashes is None else dashes
    return {"marker": MARKERS[number % len(MARKERS)], "ls": ("-", "--", "-.", ":")[dashes % 4]}


def draw_bands(ax, tables):
    """Draw the mean of several runs as a line, in a band from the lowest to the highest, with a legend beside it.

    Args:
        ax: the axes to draw into.
        tables: {name: DataFrame of shares from 0 to 1, a row for each run, a column for each number}.

    Returns:
        {name: the means in percent, a Series with the columns as its index}.
    """
    means = {}
    for number, (name, table) in enumerate(tables.items()):
        shares = 100 * table
        mean = means[name] = shares.mean()
        line = ax.plot(mean.index, mean, label=name, markersize=6, **line_look(number))[0]
        band = (shares.min(), shares.max())
        ax.fill_between(mean.index, *band, color=line.get_color(), alpha=0.15, lw=0)
    ax.set_ylim(0, 102)
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return means


def ink(colour):
    """Black or white, whichever has the higher contrast on an RGB colour (WCAG 2: at least 4.58, whatever it is)."""
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour[:3]
    )
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return "black" if (luminance + 0.05) / 0.05 > 1.05 / (luminance + 0.05) else "white"


def panels(ax, rows, columns):
    """New axes in rows and columns where `ax` was: a list. What is left of `ax` is its description."""
    ax.axis("off")
    cells = ax.get_subplotspec().subgridspec(rows, columns)
    return [ax.figure.add_subplot(cell) for cell in cells]


def array(tensor):
    """The values of a tensor, on whatever device, as a NumPy array."""
    return tensor.detach().cpu().numpy()


def plain(value):
    """A number out of a tensor that holds one; anything else as it is."""
    return value.item() if isinstance(value, torch.Tensor) else value
