"""How training goes, and how models and optimizers compare."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LinearSegmentedColormap

from .base import COLOURS, MARKERS, array, describe, ink, new_axes, plot

GREYS = LinearSegmentedColormap.from_list("greys", ["0.93", "0.1"])  # white is for no number


@plot
def plot_history(history, ax=None):
    """Draw the error rate on training batches and on validation images as training goes on.

    Args:
        history: what `fit` returned, with validation.
    """
    ax, words = ax or new_axes(), []
    columns = {"training batches": "accuracy", "validation": "validation_accuracy"}
    for (name, column), marker in zip(columns.items(), MARKERS):
        values = 100 * (1 - history[column])
        ax.plot(history["step"], values, f"{marker}-", label=name, markersize=4)
        words.append(f"{name} from ≈{values.iloc[0]:.1f} % to ≈{values.iloc[-1]:.1f} %")
    ax.set(xlabel="step", ylabel="error rate (%)", ylim=(0, None))
    ax.legend()
    return describe(ax, f"Error rate against training step: {'; '.join(words)}.")


@plot
def plot_scores(scores, xlabel="accuracy (%)", ax=None):
    """Draw a bar for the mean of each group of results, and a dot for each result.

    Args:
        scores: {name: results of several seeds, as shares from 0 to 1}.
        xlabel: what is measured.
    """
    scores = dict(scores)  # a DataFrame, too
    ax = ax or new_axes(7, 0.7 + 0.55 * len(scores))
    words, small = [], all(100 * array(shares).max() < 5 for shares in scores.values())
    for place, (name, shares) in enumerate(scores.items()):
        values = 100 * array(shares).ravel()
        mean = f"{values.mean():.{2 if small else 1}f}"
        ax.barh(place, values.mean(), color=COLOURS[4], height=0.6)
        spread = 0.2 if len(values) > 1 else 0  # so that no dot hides another
        apart = place + np.linspace(-spread, spread, len(values))
        ax.plot(values, apart, "o", color=COLOURS[6], markersize=4, clip_on=False)
        side = {"xycoords": ("axes fraction", "data"), "va": "center"}
        ax.annotate(f"mean {mean}", (1.02, place), annotation_clip=False, **side)
        words.append(f"{name} ≈{mean}")
    ax.set(yticks=range(len(scores)), yticklabels=scores, xlabel=xlabel)
    ax.invert_yaxis()
    ax.margins(x=0.05)
    ax.set_xlim(left=0)
    text = f"Bars: {xlabel}, the mean of several runs, with a dot for each run."
    return describe(ax, f"{text} {'; '.join(words)}.")


@plot
def plot_table(table, form="{:.0f}", lowest=False, logarithmic=False, title="", ax=None):
    """Draw a table of numbers as shaded cells, dark where the number is large, with the number in each.

    Args:
        table: DataFrame, at least one row and column; a cell without a number (NaN) is left white, with a dash. The
            names of index and columns name the axes.
        form: how a number is written.
        lowest: whether to frame the lowest number of each row.
        logarithmic: whether a shade stands for a ratio, not a difference; all numbers must be above 0 then.
        title: what the numbers are.
    """
    values = np.ma.masked_invalid(array(table.to_numpy(dtype=float)))
    if logarithmic and (values <= 0).any():
        raise ValueError(f"table must hold numbers above 0 for a ratio, got {values.min():g}")
    rows, columns = values.shape
    ax = ax or new_axes(2 + 0.9 * columns, 1.2 + 0.42 * rows)
    drawn = ax.imshow(values, GREYS, norm="log" if logarithmic else "linear", aspect="auto")
    shades = drawn.to_rgba(values)
    for (row, column), value in np.ndenumerate(values.filled(np.nan)):
        missing = np.isnan(value)
        text = "–" if missing else form.format(value)
        colour = "black" if missing else ink(shades[row, column])
        ax.text(column, row, text, ha="center", va="center", color=colour)
    best = [(row, values[row].argmin()) for row in range(rows) if values[row].count()]
    for row, column in best if lowest else []:
        for colour, width in (("white", 6), ("black", 3)):  # seen on any shade
            frame = {"fill": False, "ec": colour, "lw": width}
            ax.add_patch(plt.Rectangle((column - 0.45, row - 0.44), 0.9, 0.88, **frame))
    ax.set_xticks(range(columns), table.columns)
    ax.set_yticks(range(rows), table.index)
    ax.set(xlabel=table.columns.name, ylabel=table.index.name)
    ax.set_title(title, fontsize=12)
    ax.tick_params(length=0)
    ends = (
        f"{table.index[row]} ≈{form.format(values[row, column])} at ≈[{table.columns[column]}]"
        for row, column in best
    )
    words = f"A table of {title or 'numbers'}, the lowest of each row"
    return describe(ax, f"{words}: {'; '.join(ends)}.")
