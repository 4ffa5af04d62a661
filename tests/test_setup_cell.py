"""The setup cell of the notebooks: nothing where the package is installed, one installation in Google Colab."""

import importlib.util
import sys
import types

import pytest
from IPython.core.inputtransformer2 import TransformerManager
from notebook_rules import address, setup_text


@pytest.fixture
def run_setup(monkeypatch):
    """Run the setup cell as IPython would; return the commands that it gave."""

    def run(installed, colab):
        magics = []
        shell = types.SimpleNamespace(run_line_magic=lambda *words: magics.append(words))
        find = importlib.util.find_spec
        monkeypatch.setattr(
            importlib.util, "find_spec", lambda name: find(name) if installed else None
        )
        monkeypatch.delitem(sys.modules, "google.colab", raising=False)
        if colab:
            monkeypatch.setitem(sys.modules, "google.colab", types.ModuleType("google.colab"))
        source = TransformerManager().transform_cell(setup_text())
        exec(compile(source, "setup", "exec"), {"get_ipython": lambda: shell})
        return magics

    return run


@pytest.mark.parametrize("colab", [False, True])
def test_where_the_package_is_installed_the_cell_does_nothing(run_setup, colab):
    assert run_setup(installed=True, colab=colab) == []


def test_in_colab_the_cell_installs_the_package_from_the_repository(run_setup):
    ((magic, words),) = run_setup(installed=False, colab=True)
    assert magic == "pip" and words.startswith("install ")
    assert address() in words
    assert "--upgrade" not in words and " -U" not in words  # Colab's own packages stay


def test_elsewhere_the_cell_says_which_command_to_run(run_setup):
    with pytest.raises(ModuleNotFoundError, match=r"pip install -r requirements\.txt"):
        run_setup(installed=False, colab=False)
