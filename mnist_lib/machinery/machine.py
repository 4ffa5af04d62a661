"""What this machine has, and what to do when something is missing."""

import importlib
import importlib.metadata
import importlib.util
import os
import platform
import subprocess
import sys
from pathlib import Path

PACKAGES = "torch torchvision numpy pandas matplotlib mlxtend ipywidgets anywidget".split()
PACKAGES += "torchmetrics scipy joblib safetensors filelock platformdirs tqdm".split()
INSTALL = "In the course's folder run:  pip install -r requirements.txt"
LACKING_IN_COLAB = "torchmetrics"


class MachineProblem(RuntimeError):
    """Something on this machine keeps the notebooks from running. The message says what to do."""


def prepare():
    """End the setup cell of a notebook: see that the package has what it needs, wherever it was found.

    Google Colab installs what it lacks, and is told which menu gives a GPU where there is none. Processes that a
    notebook starts find the package in an uploaded folder, too.

    Raises:
        MachineProblem: not in Google Colab, and the requirements are not installed.

    >>> prepare()
    """
    in_colab = "google.colab" in sys.modules
    if importlib.util.find_spec(LACKING_IN_COLAB) is None:
        if not in_colab:
            raise MachineProblem(f"{LACKING_IN_COLAB} is not installed. {INSTALL}")
        subprocess.run([sys.executable, "-m", "pip", "install", "-q", LACKING_IN_COLAB], check=True)
    folder, others = str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")
    if folder in sys.path and folder not in others.split(os.pathsep):
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [folder, others]))
    if in_colab and not importlib.import_module("torch").cuda.is_available():
        print("No GPU here. Runtime → Change runtime type gives one; all works without, too.")


def check_machine():
    """Print the versions and the device that the notebooks will use.

    A MachineProblem says what is missing or broken, and holds the one command that mends it.
    """
    print(f"{'Python':<13}{platform.python_version()}")
    for package in PACKAGES:
        try:
            importlib.import_module(package)
        except Exception as error:  # a broken package may raise anything
            raise MachineProblem(_advice(package, error)) from error
        print(f"{package:<13}{_installed(package)}")
    from ..training import pick_device

    print(f"{'device':<13}{pick_device()}")


def check_settings():
    """Print what else a report should hold: the system, where the digits are, and what is set in the environment."""
    names = [name for name in sorted(os.environ) if name.startswith(("MNIST_LIB_", "OMP_", "MKL_"))]
    settings = ", ".join(f"{name}={os.environ[name]}" for name in names) or "nothing"
    print(f"{'system':<13}{platform.platform()}, {os.cpu_count()} processors")
    print(f"{'set':<13}{_anonymous(settings)}")
    from ..data import SOURCES, data_folder
    from ..training import base_seed
    from .download import is_complete

    folder = data_folder()
    what = "all of MNIST" if is_complete(folder) else "no full MNIST"
    print(f"{'digits':<13}{what} in {_anonymous(folder)}")
    base_seed()
    if (source := os.environ.get("MNIST_LIB_SOURCE") or "auto") not in SOURCES:
        raise ValueError(f"MNIST_LIB_SOURCE must be one of {', '.join(SOURCES)}, got {source!r}")


def _anonymous(path):
    """The text of a path, or several, with ~ for the home folder, which has somebody's name."""
    home = os.path.expanduser("~").rstrip("/")
    return str(path).replace(home, "~") if home else str(path)


def _advice(package, error):
    """What mends the `error` that importing `package` raised: what is wrong, and one command."""
    if isinstance(error, ModuleNotFoundError) and "." not in (error.name or "."):
        needs = "" if error.name == package else f", and {package} needs it"
        return f"{error.name} is not installed{needs}. {INSTALL}"
    wrong, packages = f"{package} {_installed(package)} does not import", package
    if package == "torchvision":
        pair = f"torch {_installed('torch')} and torchvision {_installed('torchvision')}"
        wrong = f"{pair} do not work together here: they come from different sources or releases"
    if package in ("torch", "torchvision"):
        packages = "torch torchvision"  # they work together from one source and of one release
    mend = f"pip install --force-reinstall {packages}"
    return f"{wrong} ({error}). This mends it:  {mend}  Then restart the kernel."


def _installed(package):
    """The installed version of `package`, a str, whether it imports or not."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "(unknown version)"
