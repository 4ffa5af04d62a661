"""Run notebooks from top to bottom, each in a fresh kernel, and say which of their claims held.

    python tests/run_notebooks.py                               all of them, on the 5,000-image sample
    python tests/run_notebooks.py notebooks/07_cnn.ipynb --seed 3 --threads 2
    python tests/run_notebooks.py --store                       on all of MNIST; the outputs are kept

The exit status is 1 if a claim does not hold or a cell raises.
"""

import argparse
import math
import os
import re
import sys
import tempfile
import time
from itertools import count
from pathlib import Path

import nbformat
import zmq
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from notebook_rules import (
    MARKS,
    METADATA,
    WIDGET_VIEW,
    absolute_paths,
    all_notebooks,
    code_cells,
    output_lines,
    read,
    tags,
)
from traitlets.config import Config

SECONDS_A_CELL = 3600
# In a traceback, what comes before the folder of Python, of the installed packages, or of ours.
OWN_FOLDERS = re.compile(
    r"(File (?:\x1b\[[\d;]*m)*)[^\n]*?[/\\](?=(?:site-packages|python3\.\d+(?![/\\]site-packages)|mnist_lib)[/\\])"
)
# What is run last: the most memory that the kernel had, in bytes.
PEAK = """import resource, sys
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024))"""
PROGRESS_BAR = re.compile(r"\d+%\|.*\[\d\d:\d\d<")


class Client(NotebookClient):
    """Runs the cells; what a widget shows in an `Output` stays among the outputs of its cell.

    There GitHub and nbval see it. (nbclient would put it into metadata.widgets, where nobody does.)
    """

    in_widget = False

    def handle_comm_msg(self, outs, msg, cell_index):
        """Note whether an `Output` widget is catching what is shown; keep nothing of the widget itself."""
        state = msg["content"]["data"].get("state", {})
        if "msg_id" in state:
            self.in_widget = bool(state["msg_id"])

    def clear_output(self, outs, msg, cell_index):
        """Clear the outputs of the cell, unless it is a widget that clears its own."""
        if not self.in_widget:
            super().clear_output(outs, msg, cell_index)


def execute(notebook, folder, source, seed=None, threads=None):
    """Execute all cells in a fresh kernel that works in `folder`; the outputs go into `notebook`.

    Args:
        notebook: NotebookNode, changed in place.
        folder: where it lies, a Path.
        source: "sample" or "full", which digits `load_mnist()` gives.
        seed: the seed the notebook starts from, an int, or None for its own.
        threads: how many threads PyTorch computes with, an int, or None for its own choice.

    Returns:
        The most memory that the kernel had, in GB, or NaN where the system does not say.

    Raises:
        CellExecutionError, CellTimeoutError, DeadKernelError: a cell raised, took an hour, or killed the kernel.
    """
    environment = dict(os.environ, MNIST_LIB_SOURCE=source, TQDM_DISABLE="1")
    environment.pop("MPLBACKEND", None)  # figures as a student sees them
    if data := environment.get(
        "MNIST_LIB_DATA"
    ):  # it may be meant from here, and the kernel works elsewhere
        environment["MNIST_LIB_DATA"] = str(Path(data).expanduser().absolute())
    if seed is not None:
        environment["MNIST_LIB_SEED"] = str(seed)
    if threads is not None:
        environment["OMP_NUM_THREADS"] = str(threads)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.update(execution_count=None, outputs=[])
    folder_of_sockets = tempfile.TemporaryDirectory(prefix="kernel", ignore_cleanup_errors=True)
    talk = {
        "ip": str(Path(folder_of_sockets.name, "socket")),
        "transport": "ipc",
    }  # no port to lose
    client = Client(
        notebook,
        config=Config(KernelManager=talk if zmq.has("ipc") else {}),
        kernel_name="python3",
        timeout=SECONDS_A_CELL,
        resources={"metadata": {"path": str(folder)}},
        coalesce_streams=True,
        record_timing=False,
        store_widget_state=False,
        extra_arguments=["--log-level=ERROR"],
    )
    may_fail = {"tags": ["raises-exception"]}
    notebook.cells.append(nbformat.v4.new_code_cell(PEAK, metadata=may_fail))
    try:
        with folder_of_sockets:
            client.execute(env=environment)
    finally:
        peak = notebook.cells.pop().outputs
    return int(peak[0].text) / 1e9 if peak and "text" in peak[0] else math.nan


def clean(notebook):
    """Keep only what belongs into a stored notebook: same cells, same outputs, and the same file."""
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    notebook.metadata = nbformat.from_dict(METADATA)
    give_ids(notebook.cells)
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict({"tags": tags(cell)} if tags(cell) else {})
        if "outputs" in cell:
            cell.outputs = [output for output in cell.outputs if not shows_progress(output)]
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(WIDGET_VIEW, None)
            output.get("metadata", {}).pop(WIDGET_VIEW, None)
            if "traceback" in output:
                output.traceback = [shorten_paths(line) for line in output.traceback]


def shows_progress(output):
    """Whether this is a progress bar: tqdm's for notebooks draws one even where TQDM_DISABLE is set."""
    text = output.get("text", output.get("data", {}).get("text/plain", ""))
    return bool(PROGRESS_BAR.search(text))


def give_ids(cells):
    """Give an id to each cell that has none of its own; ids that exist stay."""
    taken, free = {cell.get("id") for cell in cells}, (f"cell-{number}" for number in count(1))
    seen = set()
    for cell in cells:
        if cell.get("id") is None or cell.id in seen:
            cell.id = next(name for name in free if name not in taken)
        seen.add(cell.id)


def shorten_paths(text):
    """Cut from a traceback where this machine keeps its packages.

    >>> shorten_paths("File ~/venv/lib/python3.11/site-packages/torch/nn/modules/linear.py:134")
    'File site-packages/torch/nn/modules/linear.py:134'
    """
    return OWN_FOLDERS.sub(r"\1", text)


def store(notebook, path, before):
    """Put the executed notebook where it was, in one step. Returns why not, or "" if it was stored.

    Args:
        notebook: NotebookNode, cleaned.
        path: its file.
        before: the bytes of the file that was executed.
    """
    if problems := absolute_paths(notebook, path):
        return "; ".join(problems)
    if path.read_bytes() != before:
        return "the file was changed while it ran"
    nbformat.validate(notebook)
    temporary = path.with_name(f".{path.name}.tmp")
    nbformat.write(notebook, temporary)
    os.replace(temporary, path)
    return ""


def run(path, arguments):
    """Run one notebook, print what came of it, store it if that was asked for. Returns whether all went well."""
    before, notebook, error, start = path.read_bytes(), read(path), None, time.perf_counter()
    peak = math.nan
    try:
        peak = execute(notebook, path.parent, arguments.source, arguments.seed, arguments.threads)
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as raised:
        error = raised
    seconds = time.perf_counter() - start
    failed = [
        line
        for cell in notebook.cells
        for line in output_lines(cell)
        if line.startswith(MARKS["fails"])
    ]
    held = sum(line.startswith(MARKS["holds"]) for _, cell in code_cells(notebook) if "check" not in tags(cell)
               for line in output_lines(cell))  # fmt: skip
    print(
        f"{os.path.relpath(path)}: {seconds:.1f} s, {peak:.1f} GB, {held} of {held + len(failed)} claims held",
        flush=True,
    )
    for line in failed:
        print(f"    {line}")
    if error:
        print(f"    {error}")
    problem = "a claim failed" if failed else "a cell raised" if error else ""
    if arguments.store:
        clean(notebook)
        problem = problem or store(notebook, path, before)
        print(f"    not stored: {problem}" if problem else "    stored", flush=True)
    return not problem


def main(command_line=None):
    """Run the notebooks that the command line names. Returns the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "notebooks",
        nargs="*",
        type=Path,
        metavar="NOTEBOOK",
        help="default: all, and the solutions",
    )
    parser.add_argument(
        "--source",
        choices=["sample", "full"],
        help="which digits (default: sample, or full with --store)",
    )
    parser.add_argument(
        "--seed", type=int, help="the seed to start from (default: the notebooks' own)"
    )
    parser.add_argument(
        "--threads", type=int, help="how many threads to compute with (default: PyTorch's choice)"
    )
    parser.add_argument(
        "--store",
        action="store_true",
        help="keep the outputs, if all claims hold and no cell raises",
    )
    arguments = parser.parse_args(command_line)
    arguments.source = arguments.source or ("full" if arguments.store else "sample")
    good = [run(path, arguments) for path in arguments.notebooks or all_notebooks()]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
