"""A JupyterLab on this machine, and a Chromium that opens notebooks in it, as a student would.

    with jupyterlab(folder) as url, chromium_page() as page:
        open_notebook(page, url, "01_conv1d.ipynb")
        run_cell(page, 3)
        slider(output_area(page, 3), "stride").press("ArrowRight")

Everything lives in folders of its own, on a free port, and ends with its `with`. The classic notebook is driven in the
same way where the variable MNIST_LIB_CLASSIC names a Python that has it.
"""

import contextlib
import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import ipywidgets
import nbformat
import psutil

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
CLASSIC = os.environ.get("MNIST_LIB_CLASSIC")  # a Python with the classic notebook 6.5
ROOT = Path(__file__).parents[1]
SECONDS = 60  # how long anything may take before it has failed
# One notebook in a page, with nothing that asks, or looks for news.
QUIET = {"checkForUpdates": False, "doNotDisturbMode": True, "fetchNews": "false"}
PRIVATE = [
    "IPYTHONDIR",
    "JUPYTER_CONFIG_DIR",
    "JUPYTER_DATA_DIR",
    "JUPYTER_RUNTIME_DIR",
    "JUPYTERLAB_SETTINGS_DIR",
    "JUPYTERLAB_WORKSPACES_DIR",
]


def missing():
    """What these tests need and this machine lacks, in words; or an empty str."""
    if importlib.util.find_spec("playwright") is None:
        return "playwright is not installed (pip install playwright)"
    if CHROMIUM is None:
        return "there is no chromium (on Debian: apt-get install chromium)"
    if int(ipywidgets.__version__.partition(".")[0]) < 8:
        return "JupyterLab 4 shows no widgets of ipywidgets 7 (the classic notebook does)"
    return ""


def write_notebook(path, *sources):
    """A notebook with a code cell for each source, at `path`."""
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), path)


@contextlib.contextmanager
def jupyterlab(folder):
    """The address of a JupyterLab that shows `folder`."""
    with tempfile.TemporaryDirectory() as private:
        private = Path(private)
        settings = private / "jupyterlab_settings_dir" / "@jupyterlab" / "apputils-extension"
        settings.mkdir(parents=True)
        (settings / "notification.jupyterlab-settings").write_text(json.dumps(QUIET))
        options = {
            "IdentityProvider.token": "",
            "ServerApp.ip": "127.0.0.1",
            "ServerApp.port": free_port(),  # another one if it is taken by then
            "ServerApp.root_dir": str(folder),
            "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
        }
        command = [sys.executable, "-m", "jupyterlab", "--expose-app-in-browser"]
        with serve(command, options, folder, private, "jpserver") as url:
            yield url


@contextlib.contextmanager
def classic_notebook(folder):
    """The address of a classic notebook that shows `folder`."""
    with tempfile.TemporaryDirectory() as private:
        options = {
            "NotebookApp.token": "",
            "NotebookApp.ip": "127.0.0.1",
            "NotebookApp.port": free_port(),
            "NotebookApp.notebook_dir": str(folder),
        }
        command = [CLASSIC, "-m", "notebook"]
        with serve(
            command, options, folder, Path(private), "nbserver", PYTHONPATH=str(ROOT)
        ) as url:
            yield url


@contextlib.contextmanager
def serve(command, options, folder, private, name, **variables):
    """The address of a server that is started in `folder` and writes where it is into a file with this name."""
    environment = dict(os.environ) | {name: str(private / name.lower()) for name in PRIVATE}
    environment.pop("MPLBACKEND", None)  # the kernel draws as it does for a student
    flags = ["--no-browser", "--allow-root"]
    flags += [f"--{option}={value}" for option, value in options.items()]
    with open(private / "log", "w") as log:
        server = subprocess.Popen(
            [*command, *flags],
            cwd=folder,
            env=environment | variables,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        yield address(server, private, name)
    finally:
        end(server)


def free_port():
    """The number of a port on this machine that nobody listens to."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def address(server, private, name):
    """Where the server answers, once it does: it writes that into a file then."""
    file = private / "jupyter_runtime_dir" / f"{name}-{server.pid}.json"
    deadline = time.monotonic() + SECONDS
    while not (file.exists() and file.read_text().endswith("}")):
        if server.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"the server did not start:\n{(private / 'log').read_text()}")
        time.sleep(0.05)
    return json.loads(file.read_text())["url"].rstrip("/")


def end(server):
    """Stop a server with all that it started; what does not listen is killed."""
    family = psutil.Process(server.pid).children(recursive=True)
    server.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        server.wait(15)
    _, remaining = psutil.wait_procs(family, timeout=5)
    for process in [*remaining, server]:
        with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError):
            process.kill()
    server.wait()
    psutil.wait_procs(remaining, timeout=5)


@contextlib.contextmanager
def chromium_page(width=1280, height=1000):
    """An empty page of a new Chromium; `page.errors` collects what goes wrong in its scripts."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--disable-gpu"])
        try:
            page = browser.new_page(viewport={"width": width, "height": height})
            page.set_default_timeout(1000 * SECONDS)
            page.errors = []
            page.on("pageerror", lambda error: page.errors.append(str(error)))
            yield page
        finally:
            browser.close()


def open_notebook(page, url, name):
    """Open a notebook of the folder that `url` shows, and wait for its kernel."""
    page.goto(f"{url}/doc/tree/{name}")
    page.wait_for_function(
        "() => window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.status == 'idle'"
    )


def run_cell(page, index):
    """Run a cell to its end, and return its text outputs; an error in it is a RuntimeError here."""
    outputs = page.evaluate(
        """async index => {
            const notebook = window.jupyterapp.shell.currentWidget.content;
            notebook.activeCellIndex = index;
            await window.jupyterapp.commands.execute('notebook:run-cell');
            return notebook.widgets[index].model.outputs.toJSON();
        }""",
        index,
    )
    return texts(outputs, index)


def texts(outputs, index):
    """The text outputs of a cell; an error among the outputs is a RuntimeError."""
    for output in outputs:
        if output["output_type"] == "error":
            raise RuntimeError(f"cell {index}: {output['ename']}: {output['evalue']}")
    return ["".join(output.get("text", "")) for output in outputs if "text" in output]


def output_area(page, index):
    """What the open notebook shows below a cell."""
    return page.locator(".jp-Notebook .jp-Cell").nth(index).locator(".jp-Cell-outputArea")


def slider(area, name):
    """What the keyboard moves of the slider with this name."""
    return area.locator(f'.widget-inline-hbox:has(label:text-is("{name}")) [role=slider]')


# The same in the classic notebook


def open_classic(page, url, name):
    """Open a notebook of the folder that `url` shows, and wait for its kernel and for what shows widgets."""
    page.goto(f"{url}/notebooks/{name}")
    page.wait_for_function("() => window.Jupyter?.notebook?.kernel?.widget_manager")
    page.wait_for_function("() => Jupyter.notebook.kernel.is_connected()")


def run_classic_cell(page, index):
    """Run a cell to its end, and return its text outputs; an error in it is a RuntimeError here."""
    page.evaluate(
        """index => new Promise(resolve => {
            const {kernel, events} = Jupyter.notebook;
            const cell = Jupyter.notebook.get_cell(index);
            cell.execute();
            const execution = cell.last_msg_id;
            const ended = kernel._msg_callbacks[execution].iopub.status;
            kernel._msg_callbacks[execution].iopub.status = message => {
                ended?.(message);
                if (message.content.execution_state === 'idle') resolve(); // all outputs have come
            };
        })""",
        index,
    )
    outputs = page.evaluate("index => Jupyter.notebook.get_cell(index).output_area.toJSON()", index)
    return texts(outputs, index)


def classic_output_area(page, index):
    """What the open notebook shows below a cell."""
    return page.locator("#notebook-container .cell").nth(index).locator(".output_wrapper")
