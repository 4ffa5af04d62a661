"""What the benchmarks share: several ways run in turns, and their times printed as ratios of medians."""

from statistics import median
from time import perf_counter


def in_turns(ways, rounds):
    """Run every way once in each round: {name: function} → {name: seconds, a list}. What else runs disturbs all."""
    seconds = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            start = perf_counter()
            way()
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
