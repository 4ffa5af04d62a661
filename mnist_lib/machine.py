"""What this machine has, and what to do when something is missing."""

import importlib
import importlib.metadata
import platform

PACKAGES = ("torch", "torchvision", "numpy", "pandas", "matplotlib", "mlxtend", "ipywidgets")


class MachineProblem(RuntimeError):
    """Something on this machine keeps the notebooks from running. The message says what to do."""


def check_machine():
    """Print the versions and the device that the notebooks will use.

    Raises:
        MachineProblem: a package is missing, or torch and torchvision do not belong together. The
            message holds the one command that mends it.

    >>> check_machine()  # doctest: +ELLIPSIS, +NORMALIZE_WHITESPACE
    Python 3...
    torch ...
    device ...
    """
    print(f"{'Python':<12}{platform.python_version()}")
    for package in PACKAGES:
        print(f"{package:<12}{_version(package)}")
    from .training import pick_device

    print(f"{'device':<12}{pick_device()}")


def _version(package):
    """The version of an importable package, as a str."""
    try:
        importlib.import_module(package)
        return importlib.metadata.version(package)
    except ModuleNotFoundError as error:
        if error.name != package:
            raise _problem(package, error) from error
        raise MachineProblem(
            f"{package} is not installed. In the folder of the course run:  pip install -r requirements.txt"
        ) from error
    except (ImportError, OSError, RuntimeError, AttributeError) as error:
        raise _problem(package, error) from error


def _problem(package, error):
    """What to tell the reader when `package` is installed and does not import."""
    if package in ("torch", "torchvision"):
        pair = " and ".join(f"{name} {_installed(name)}" for name in ("torch", "torchvision"))
        return MachineProblem(
            f"{pair} do not work together here: they come from different sources or releases ({error}). "
            "This mends it:  pip install --force-reinstall torch torchvision  Then restart the kernel."
        )
    return MachineProblem(
        f"{package} {_installed(package)} does not import ({error}). "
        f"This mends it:  pip install --force-reinstall {package}  Then restart the kernel."
    )


def _installed(package):
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "(not installed)"
