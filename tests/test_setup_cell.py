"""The setup cell: nothing where the package is installed; in Google Colab, what is lacking, and how to get a GPU."""

import importlib.util
import os
import subprocess
import sys
import types
from pathlib import Path

import pytest
import torch
from IPython.core.interactiveshell import InteractiveShell
from notebook_rules import FOLDER, address, setup_text
from test_house import COLAB, DEPENDENCIES, NEW_TO_COLAB
from traitlets.config import Config

from mnist_lib.machinery import machine

PLACEHOLDER, COPY = "/".join(["OWNER", "REPO"]), "A-teacher/the.course"
SMALL = NEW_TO_COLAB - {"torchmetrics"}  # Colab has them, in a version that we do not know


@pytest.fixture
def run_setup(monkeypatch, tmp_path):
    """Run the setup cell in IPython, in a folder of its own; return what was given to pip.

    `has` says what is installed: the package, its requirements, neither. What was found in a folder is imported from
    where it is: all of its code runs.
    """
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path != str(FOLDER)])
    monkeypatch.setenv("PYTHONPATH", "elsewhere")
    find = importlib.util.find_spec

    def run(has=("mnist_lib", "torchmetrics"), colab=False, gpu=False, name=COPY):
        def find_spec(module):
            uploaded = str(tmp_path) in "".join(sys.path)
            return find("json") if module in has or (module == "mnist_lib" and uploaded) else None

        lines = []
        shell = InteractiveShell(config=Config({"HistoryManager": {"enabled": False}}))
        shell.register_magic_function(lines.append, magic_name="pip")
        monkeypatch.setattr(
            subprocess, "run", lambda command, check: lines.append(" ".join(command[3:]))
        )
        monkeypatch.setattr(importlib.util, "find_spec", find_spec)
        monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
        monkeypatch.delitem(sys.modules, "google.colab", raising=False)
        if colab:
            monkeypatch.setitem(sys.modules, "google.colab", types.ModuleType("google.colab"))
        shell.run_cell(setup_text().replace(address()[0], name)).raise_error()
        return lines

    return run


@pytest.fixture(params=["here", ".", "here/course-main", "here/drive/MyDrive/the course"])
def uploaded(request, tmp_path):
    """The folder of the course beside or above the notebook, or on Google Drive."""
    package = tmp_path / request.param / "mnist_lib"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    return str(package.parent)


def test_where_the_package_is_installed_the_cell_does_nothing(run_setup, capsys):
    path = list(sys.path)
    assert run_setup() == [] == run_setup(colab=True, gpu=True)
    assert capsys.readouterr().out == "" and sys.path == path
    assert os.environ["PYTHONPATH"] == "elsewhere"


def test_in_colab_the_cell_installs_the_package_from_the_repository(run_setup):
    package = f"mnist-lib @ git+https://github.com/{COPY}@{address()[1]}"
    assert run_setup(has=("torchmetrics",), colab=True) == [f'install --quiet "{package}"']


def test_in_colab_without_a_gpu_the_cell_says_which_menu_gives_one(run_setup, capsys):
    run_setup(colab=True)
    said = capsys.readouterr().out
    assert "Runtime → Change runtime type" in said and said.count("\n") == 1
    run_setup()  # elsewhere there is no such menu
    assert capsys.readouterr().out == ""


def test_in_colab_a_copy_without_an_address_is_told_so(run_setup):
    with pytest.raises(ModuleNotFoundError, match="has no address yet"):
        run_setup(has=(), colab=True, name=PLACEHOLDER)


def test_elsewhere_the_cell_says_which_command_to_run(run_setup):
    with pytest.raises(ModuleNotFoundError, match=r"pip install -r requirements\.txt"):
        run_setup(has=())


def test_an_uploaded_folder_is_found(run_setup, uploaded):
    for _ in range(2):  # twice does no harm
        assert run_setup(has=("torchmetrics",), colab=True) == []
        assert [path.rstrip("/") for path in sys.path].count(uploaded) == 1


def test_processes_that_a_notebook_starts_find_an_uploaded_folder(run_setup, monkeypatch, uploaded):
    """The package is where the real one is, so that its own code says where."""
    monkeypatch.setattr(machine, "__file__", f"{uploaded}/mnist_lib/machinery/machine.py")
    for _ in range(2):
        run_setup(has=("torchmetrics",))
        folder, rest = os.environ["PYTHONPATH"].split(os.pathsep)
        assert Path(folder) == Path(uploaded) and rest == "elsewhere"


def test_in_colab_an_uploaded_folder_needs_only_what_colab_lacks(run_setup, uploaded):
    for _ in range(2):  # once more, if the network failed
        assert run_setup(has=(), colab=True) == ["install -q torchmetrics"]


def test_elsewhere_an_unpacked_course_that_is_not_installed_is_told_the_command(
    run_setup, uploaded
):
    with pytest.raises(machine.MachineProblem, match=r"pip install -r requirements\.txt"):
        run_setup(has=())


def test_all_that_colab_lacks_is_named():
    """Dependencies that are not among what Colab has in a version that we know, nor among the small ones."""
    lacking = {wanted.name for wanted in DEPENDENCIES} - set(COLAB) - SMALL
    assert lacking == {machine.LACKING_IN_COLAB}


def test_an_uploaded_folder_works_in_a_process_of_its_own(tmp_path):
    """Nothing is installed there but what Python has: the cell finds the package, which says what is lacking."""
    (tmp_path / "mnist_lib").symlink_to(FOLDER / "mnist_lib", target_is_directory=True)
    code = setup_text().replace("%pip", "pass  #")
    command = [sys.executable, "-I", "-S", "-c", code]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert "MachineProblem: torchmetrics is not installed" in done.stderr
