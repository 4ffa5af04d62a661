"""How training goes, and how models and optimizers compare."""

import itertools

import numpy as np

from .base import COLOURS, MARKERS, array, describe, line_look, new_axes, plot


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
def plot_accuracy_against_time(histories, ax=None):
    """Draw validation accuracy against seconds of training.

    Args:
        histories: {name: what `fit` returned, with validation}.
    """
    ax, words = ax or new_axes(7, 4), []
    for (name, history), marker in zip(histories.items(), itertools.cycle(MARKERS)):
        seconds, accuracy = history["seconds"], 100 * history["validation_accuracy"]
        ax.plot(seconds, accuracy, f"{marker}-", label=name, markersize=5)
        words.append(f"{name} ≈{accuracy.iloc[-1]:.1f} % after ≈{seconds.iloc[-1]:.1f} s")
    ax.set(xlabel="seconds of training", ylabel="validation accuracy (%)", xscale="log")
    ax.xaxis.set_major_formatter("{x:g}")
    ax.xaxis.set_minor_formatter("")
    ax.legend()
    text = "Validation accuracy against training time, on a logarithmic axis"
    return describe(ax, f"{text}: {'; '.join(words)}.")


@plot
def plot_scores(scores, xlabel="accuracy (%)", ax=None):
    """Draw a bar for the mean of each group of results, and a dot for each result.

    Args:
        scores: {name: results of several seeds, as shares from 0 to 1}.
        xlabel: what is measured.
    """
    scores = dict(scores)  # a DataFrame, too
    ax = ax or new_axes(7, 0.7 + 0.55 * len(scores))
    words = []
    for place, (name, shares) in enumerate(scores.items()):
        values = 100 * array(shares).ravel()
        mean = f"{values.mean():.1f}"
        ax.barh(place, values.mean(), color=COLOURS[4], height=0.6)
        ax.plot(values, np.full(len(values), place), "o", color=COLOURS[6], markersize=4)
        side = {"textcoords": "offset points", "va": "center"}
        ax.annotate(f"mean {mean}", (values.max(), place), (7, 0), **side)
        words.append(f"{name} ≈{mean}")
    ax.set(yticks=range(len(scores)), yticklabels=scores, xlabel=xlabel)
    ax.invert_yaxis()
    ax.margins(x=0.2)
    ax.set_xlim(left=0)
    text = f"Bars: {xlabel}, the mean of several runs, with a dot for each run."
    return describe(ax, f"{text} {'; '.join(words)}.")


@plot
def plot_learning_rates(table, ax=None):
    """Draw the error rate of optimizers against the learning rate: means over seeds, from best to worst seed.

    Args:
        table: what `grids.run_grid` returns: columns optimizer, learning_rate, accuracy.
    """
    ax = ax or new_axes(7.5, 4.5)
    words = []
    for number, (name, runs) in enumerate(table.groupby("optimizer", sort=False)):
        errors = 100 * (1 - runs.groupby("learning_rate")["accuracy"].agg(["mean", "min", "max"]))
        look = line_look(number)
        ax.plot(errors.index, errors["mean"], label=name, markersize=5, **look)
        ax.vlines(errors.index, errors["max"], errors["min"], color=look["color"], lw=1)
        best = errors["mean"].idxmin()
        words.append(f"{name} ≈{errors['mean'].min():.1f} % at ≈{best:g}")
    ax.set(xscale="log", xlabel="learning rate", ylabel="error rate (%)")
    if (table["accuracy"] < 1).any():  # else all is 0, for which a logarithmic axis has no place
        ax.set_yscale("log")
        ticks = [tick for tick in (1, 2, 5, 10, 20, 50, 90) if tick > ax.get_ylim()[0]]
        ax.set_yticks(ticks, labels=map(str, ticks))
    ax.minorticks_off()
    ax.set_xticks(sorted(table["learning_rate"].unique()))
    ax.xaxis.set_major_formatter("{x:g}")
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return describe(ax, f"Error rate against learning rate. The lowest: {'; '.join(words)}.")


@plot
def plot_ranks(ranks, ax=None):
    """Draw who comes first, second, … under several conditions: a line for each name, from condition to condition.

    Args:
        ranks: DataFrame, a row for each name, a column for each condition; 1 is the first place.
    """
    ax = ax or new_axes(8.5, 0.5 * len(ranks) + 0.8)
    places = range(len(ranks.columns))
    for number, (name, row) in enumerate(ranks.iterrows()):
        ax.plot(places, row, markersize=8, lw=2, **line_look(number))
        ax.text(-0.1, row.iloc[0], name, ha="right", va="center")
        ax.text(places[-1] + 0.1, row.iloc[-1], name, ha="left", va="center")
    ax.set(xticks=places, xticklabels=ranks.columns, xlim=(-1, len(places)))
    ax.set(yticks=range(1, len(ranks) + 1), ylabel="place")
    ax.xaxis.tick_top()
    ax.invert_yaxis()
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)
    orders = "; ".join(
        f"{condition}: ≈[{', '.join(ranks[condition].sort_values().index)}]" for condition in ranks
    )
    return describe(ax, f"Places from first to last, a line for each. {orders}.")
