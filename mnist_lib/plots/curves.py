"""How training goes, how models and optimizers compare, and a loss on its way down."""

import numpy as np
import torch
from scipy.optimize import fmin

from ..machinery.checks import integer
from .base import COLOURS, MARKERS, array, describe, label_ends, marks, new_axes, plot


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
        ax.text(1.02, place, f"mean {mean}", va="center", transform=ax.get_yaxis_transform())
        words.append(f"{name} ≈{mean}")
    ax.set(yticks=range(len(scores)), yticklabels=scores, xlabel=xlabel)
    ax.invert_yaxis()
    ax.margins(x=0.05)
    ax.set_xlim(left=0)
    text = f"Bars: {xlabel}, the mean of several runs, with a dot for each run."
    return describe(ax, f"{text} {'; '.join(words)}.")


@plot
def plot_lines(x, y, lines, ylim=None, ax=None):
    """Draw points, and straight lines through them.

    Args:
        x, y: the points, N values each.
        lines: {name: (w, b)}, for the lines w·x + b.
        ylim: the lowest and the highest y that is drawn; or None for what shows all points.
    """
    ax = ax or new_axes(7, 4)
    x, y = array(x).ravel(), array(y).ravel()
    ax.plot(x, y, ".", color="0.5", markersize=5 if len(x) > 50 else 9)
    at, height = np.linspace(x.min(), x.max(), 5), np.ptp(y) or 1.0
    low, high = y.min(), y.max()
    for number, (name, (w, b)) in enumerate(lines.items()):
        values = _line(at, w, b)
        ax.plot(at, values, label=name, lw=1.8, **marks(number))
        low, high = min(low, np.nanmin([*values, low])), max(high, np.nanmax([*values, high]))
    low, high = max(low, y.min() - height), min(high, y.max() + height)  # a line may run off
    ax.set(xlabel="x", ylabel="y", ylim=ylim or (low - 0.05 * height, high + 0.05 * height))
    ax.locator_params(nbins=5)
    label_ends(ax)
    words = "; ".join(f"{name}: w ≈{w:.3g}, b ≈{b:.3g}" for name, (w, b) in lines.items())
    return describe(ax, f"{len(x)} points and {len(lines)} lines w·x + b. {words}.")


@plot
def plot_losses(losses, ax=None):
    """Draw how losses change from step to step, on a logarithmic axis.

    Args:
        losses: {name: the loss before the first step and after each}. Infinity and NaN are left out.
    """
    ax, words = ax or new_axes(7, 3.5), []
    for number, (name, values) in enumerate(losses.items()):
        values = array(values).astype(float)
        kept = np.where(np.isfinite(values), values, np.nan)
        every = (number, max(1, len(values) // 10))  # markers, not one above the other
        ax.plot(range(len(values)), kept, label=name, markevery=every, **marks(number))
        words.append(f"{name} from ≈{values[0]:.2g} to ≈{values[-1]:.2g}")
    ax.set(xlabel="step", ylabel="loss (mean squared error)", yscale="log")
    label_ends(ax)
    return describe(ax, f"Loss against step, on a logarithmic axis: {'; '.join(words)}.")


@plot
def plot_descent(x, y, path, step=None, ax=None):
    """Draw points and the line of one step of a descent; beside them the loss over w and b, and the path so far.

    Args:
        x, y: the points, N values each.
        path: (steps + 1, 2), rows (w, b), as `descend` of notebook 04 returns it. It may run off to infinity and NaN.
        step: how far to draw the path, from 0; None: to its end. The axes are the same for every step.
        ax: the axes of a subplot, whose left half gets points and line; or None for a new figure.
    """
    x, y, path = array(x).ravel(), array(y).ravel(), array(path).astype(float)
    last = len(path) - 1
    step = last if step is None else integer("step", step, 0, last)
    ax = ax or new_axes(8, 3.6)
    (w, b), height = path[step], np.ptp(y) or 1.0
    ax.plot(x, y, ".", color="0.6", markersize=5)
    at = np.linspace(x.min(), x.max(), 101)
    values, low, high = _line(at, w, b), y.min() - 0.7 * height, y.max() + 0.7 * height
    ax.plot(at, values, color=COLOURS[5], lw=2.5)
    if not ((low < values) & (values < high)).any():
        ax.text(0.5, 0.9, "(the line is outside)", transform=ax.transAxes, ha="center")
    ax.set(xlabel="x", ylabel="y", ylim=(low, high))
    ax.locator_params(nbins=5)
    ax.set_title(f"step {step} of {last}", fontsize=12)
    best = np.polyfit(x, y, 1)
    halves = ax.get_subplotspec().subgridspec(1, 2)
    ax.set_subplotspec(halves[0])
    surface = ax.figure.add_subplot(halves[1])
    _draw_surface(surface, x, best, path, step)
    with np.errstate(all="ignore"):
        before, now = (np.square(w * x + b - y).mean() for w, b in path[[0, step]])
    surface.set_title(f"loss {now:.3g}", fontsize=12)
    words = f"Left: {len(x)} points and the line w·x + b at step {step} of {last}, w ≈{w:.3g} and b ≈{b:.3g}. Right: "
    words += f"contours of the loss over w and b, lowest at w ≈{best[0]:.3g} and b ≈{best[1]:.3g}, and the path so "
    return describe(ax, f"{words}far. On it the loss goes from ≈{before:.2g} to ≈{now:.2g}.")


def _draw_surface(ax, x, best, path, step):
    """Contours of the mean squared error around its lowest point, and a path on it up to a step."""
    reach = 1.5 * max(0.3, *np.abs(path[0] - best))  # from the middle to the edges
    w, b = np.meshgrid(*2 * [np.linspace(-reach, reach, 101)])
    above = w**2 * (x**2).mean() + 2 * w * b * x.mean() + b**2  # the lowest loss
    _draw_contours(ax, best[0] + w, best[1] + b, above, 10)
    ax.plot(*best, "+", color="black", markersize=12, markeredgewidth=2)
    trail = path[: step + 1]
    ax.plot(*trail.T, "o-", color=COLOURS[5], markersize=3, lw=1.2)
    ax.plot(*trail[-1], "o", color=COLOURS[5], markeredgecolor="black", markersize=8)
    ax.set(xlabel="w, the rise per 1 in x", ylabel="b, the value at x = 0", aspect="equal")
    ax.locator_params(nbins=5)


def _draw_contours(ax, x, y, heights, levels):
    """A surface in greys, the lower the lighter, with lines of equal height, which are closer near the bottom."""
    levels = heights.min() + (np.ptp(heights) or 1.0) * np.linspace(0, 1, levels) ** 2
    ax.contourf(x, y, heights, levels, cmap="Greys", vmax=2 * levels[-1] - levels[0])
    ax.contour(x, y, heights, levels, colors="0.65", linewidths=0.7)
    ax.set(xlim=(x.min(), x.max()), ylim=(y.min(), y.max()))


def _line(x, w, b):
    """w·x + b, without a warning where w or b is infinite."""
    with np.errstate(all="ignore"):
        return float(w) * x + float(b)


@plot
def plot_paths(surface, paths, ax=None):
    """Draw where optimizers go on a surface over two weights, seen from above.

    The frame holds the first path and the origin. A + marks the lowest place in it, unless that lies at its edge.

    Args:
        surface: a function of weights (..., 2) that returns heights (...).
        paths: {name: (steps + 1, 2)}, from the common start to the end. Infinity and NaN are left out.
    """
    paths = {name: array(path) for name, path in paths.items()}
    first, *_ = paths.values()
    ax = ax or new_axes(7.5, 4)
    shown = np.vstack([first[np.isfinite(first).all(axis=1)], np.zeros((1, 2))])
    margin = 0.15 * np.ptp(shown, axis=0) + 0.05 * (np.abs(shown).max() or 1.0)
    low, high = shown.min(axis=0) - margin, shown.max(axis=0) + margin
    x, y = np.meshgrid(*np.linspace(low, high, 201).T)
    places = torch.as_tensor(np.stack([x, y], axis=-1), dtype=torch.float32)
    heights = array(surface(places)).astype(float)
    _draw_contours(ax, x, y, heights, 12)
    ends, place = [], "(≈{:.2g}, ≈{:.2g})".format
    for number, (name, path) in enumerate(paths.items()):
        ax.plot(*path.T, label=name, lw=1.5, markersize=4, **marks(number))
        ends.append(f"{name} after {len(path) - 1} steps at {place(*path[-1])}")
    ax.plot(*first[0], "o", color="white", markeredgecolor="black", markersize=10)
    ax.set(xlabel="first weight", ylabel="second weight", aspect="equal")
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=len(paths))
    words = f"Paths on a surface seen from above, all from {place(*first[0])}. {'; '.join(ends)}."
    row, column = np.unravel_index(heights.argmin(), heights.shape)
    if 0 < row < 200 and 0 < column < 200:
        near = x[row, column], y[row, column]
        lowest = fmin(lambda at: surface(torch.tensor(at).float()).item(), near, disp=False)
        ax.plot(*lowest, "+", color="black", markersize=10, markeredgewidth=1.5)
        x, y = np.round(lowest, 2) + 0.0  # without a −0
        words += f" A + marks the lowest place shown, (≈{x:g}, ≈{y:g})."
    return describe(ax, words)
