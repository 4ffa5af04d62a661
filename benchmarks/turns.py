"""What the benchmarks share: ways run in turns, ratios of medians, the machine's facts, results kept and drawn."""

import argparse
import json
import os
import platform
from pathlib import Path
from statistics import median
from time import perf_counter

from tqdm import tqdm


def in_turns(ways, rounds):
    """Run every way once in each round: {name: function} → {name: seconds, a list}. What else runs disturbs all."""
    seconds = {name: [] for name in ways}
    for name in tqdm([*ways] * rounds, leave=False):
        start = perf_counter()
        ways[name]()
        seconds[name].append(perf_counter() - start)
    return seconds


def print_ratios(seconds, unit, digits=2):
    """Print the median of each way and its range, in multiples of `unit` seconds."""
    width = max(map(len, seconds)) + 1
    for name, times in seconds.items():
        ratios = [time / unit for time in sorted(times)]
        low, middle, high = (
            f"{value:.{digits}f}" for value in (ratios[0], median(ratios), ratios[-1])
        )
        print(f"{name:<{width}}{middle:>7}  (from {low} to {high})")


def command_line(description):
    """A parser with the options that the larger benchmarks share."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=description, formatter_class=raw)
    parser.add_argument("--source", choices=["auto", "sample", "full"], default="auto")
    parser.add_argument("--device", default="cpu", help="cpu (the default), cuda or mps")
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep all that was measured")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="draw it, as PNG, SVG or PDF")
    return parser


def machine(device):
    """What times depend on, {name: str or number}."""
    import torch

    facts = {
        "processor": torch.cpu.get_capabilities()["cpu_name"],
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "system": platform.system(),
        "python": platform.python_version(),
        "torch": torch.__version__,
    }
    return facts | ({"card": torch.cuda.get_device_name()} if device == "cuda" else {})


def report(arguments, table, bars, title):
    """Print a table, and write it where the options `--json` and `--picture` say.

    Args:
        arguments: of `command_line`.
        table: a DataFrame, a row for each way.
        bars: the column that the picture draws as a bar for each row.
        title: what the picture says above them.
    """
    facts = machine(arguments.device)
    print(", ".join(f"{name} {value}" for name, value in facts.items()))
    print(table.to_string(float_format="{:.4g}".format))
    if arguments.json:
        result = {"title": title, "machine": facts, "table": table.to_dict(orient="index")}
        arguments.json.write_text(json.dumps(result, indent=1, default=str) + "\n")
    if arguments.picture:
        from matplotlib.figure import Figure

        figure = Figure(figsize=(8, 1.2 + 0.4 * len(table)), layout="constrained")
        ax = figure.subplots()
        ax.bar_label(ax.barh(table.index.astype(str), table[bars], color="0.7"), fmt=" %.3g")
        ax.invert_yaxis()
        ax.margins(x=0.15)
        ax.set(title=title, xlabel=bars)
        ax.spines[["top", "right"]].set_visible(False)
        figure.savefig(arguments.picture, dpi=150)
