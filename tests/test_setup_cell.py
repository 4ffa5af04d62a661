"""The setup cell: nothing where the package is installed; in Google Colab, what is lacking, and how to get a GPU."""

import importlib.util
import os
import sys
import types

import pytest
import torch
from IPython.core.interactiveshell import InteractiveShell
from notebook_rules import address, setup_text
from test_house import COLAB, DEPENDENCIES, NEW_TO_COLAB
from traitlets.config import Config

SMALL = NEW_TO_COLAB - {"torchmetrics"}  # Colab has them, in a version that we do not know

PLACEHOLDER, COPY = "/".join(["OWNER", "REPO"]), "A-teacher/the.course"


@pytest.fixture
def run_setup(monkeypatch, tmp_path):
    """Run the setup cell in IPython, in a folder of its own; return what it gave to %pip."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setenv("PYTHONPATH", "elsewhere")
    find = importlib.util.find_spec

    def run(installed=False, colab=False, gpu=False, name=COPY):
        def find_spec(name):
            there = name == "mnist_lib" and str(tmp_path) in "".join(sys.path)
            return find("json") if installed or there else None

        lines = []
        shell = InteractiveShell(config=Config({"HistoryManager": {"enabled": False}}))
        shell.register_magic_function(lines.append, magic_name="pip")
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
    assert run_setup(installed=True) == [] == run_setup(installed=True, colab=True, gpu=True)
    assert capsys.readouterr().out == "" and sys.path == path


def test_in_colab_the_cell_installs_the_package_from_the_repository(run_setup):
    package = f"mnist-lib @ git+https://github.com/{COPY}@{address()[1]}"
    assert run_setup(colab=True) == [f'install --quiet "{package}"']


def test_in_colab_without_a_gpu_the_cell_says_which_menu_gives_one(run_setup, capsys):
    run_setup(installed=True, colab=True)
    said = capsys.readouterr().out
    assert "Runtime → Change runtime type" in said and said.count("\n") == 1
    run_setup(installed=True)  # elsewhere there is no such menu
    assert capsys.readouterr().out == ""


def test_in_colab_a_copy_without_an_address_is_told_so(run_setup):
    with pytest.raises(ModuleNotFoundError, match="give it an address"):
        run_setup(colab=True, name=PLACEHOLDER)


def test_elsewhere_the_cell_says_which_command_to_run(run_setup):
    with pytest.raises(ModuleNotFoundError, match=r"pip install -r requirements\.txt"):
        run_setup()


def test_an_uploaded_folder_is_found_also_by_processes_that_a_notebook_starts(run_setup, uploaded):
    for _ in range(2):  # twice does no harm
        run_setup(colab=True)
        assert [path.rstrip("/") for path in sys.path].count(uploaded) == 1
        assert os.environ["PYTHONPATH"] == os.pathsep.join([sys.path[-1], "elsewhere"])


def test_in_colab_an_uploaded_folder_needs_only_what_colab_lacks(run_setup, uploaded):
    for _ in range(2):  # once more, if the network failed
        assert run_setup(colab=True) == ['install --quiet "torchmetrics"']


def test_elsewhere_an_unpacked_course_that_is_not_installed_is_told_the_command(
    run_setup, uploaded
):
    with pytest.raises(ModuleNotFoundError, match=r"pip install -r requirements\.txt"):
        run_setup()


def test_all_that_colab_lacks_is_named():
    """Dependencies that are not among what Colab has in a version that we know, nor among the small ones."""
    assert {wanted.name for wanted in DEPENDENCIES} - set(COLAB) - SMALL == {"torchmetrics"}
