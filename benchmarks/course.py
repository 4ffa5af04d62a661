"""How long every notebook takes, and how much memory.

    python benchmarks/course.py --source sample
    python benchmarks/course.py --source full notebooks/07_cnn.ipynb

Runs each in a fresh kernel, one after the other, and prints seconds and the most memory that the kernel had. A claim
that does not hold ends it. Other programs disturb the times. OMP_NUM_THREADS says how many threads a kernel takes.
"""

import sys
import time
from pathlib import Path

import pandas as pd
from turns import command_line, report

COURSE = Path(__file__).parents[1]
sys.path.insert(0, str(COURSE / "tests"))


def main():
    """Measure, print, keep."""
    from notebook_rules import MARKS, main_notebooks, output_lines, read
    from run_notebooks import execute
    from tqdm import tqdm

    parser = command_line(__doc__)
    parser.add_argument("notebooks", nargs="*", type=Path, metavar="NOTEBOOK", help="default: all")
    arguments, rows = parser.parse_args(), {}
    source = "full" if arguments.source == "auto" else arguments.source
    for path in tqdm(arguments.notebooks or main_notebooks(), leave=False):
        notebook, started = read(path), time.perf_counter()
        peak = execute(notebook, path.parent, source)
        lines = [line for cell in notebook.cells for line in output_lines(cell)]
        if failed := [line for line in lines if line.startswith(MARKS["fails"])]:
            raise AssertionError(f"{path.name}: {failed[0]}")
        rows[path.stem] = {"seconds": time.perf_counter() - started, "memory, GB": peak}
    report(arguments, pd.DataFrame.from_dict(rows, orient="index"), "seconds", f"On {source}")


if __name__ == "__main__":
    main()
