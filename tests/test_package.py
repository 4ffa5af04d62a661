"""The package as a whole: light to import, short functions, every public name explained."""

import ast
import functools
import os
import subprocess
import sys
import tomllib
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import mnist_lib

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "mnist_lib"
FILES = sorted(PACKAGE.rglob("*.py"))
MAIN, COMMANDS = PACKAGE / "__main__.py", PACKAGE / "machinery" / "commands.py"
FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef


def module_name(file):
    """The name under which a file of the package is imported; a package's is that of its folder."""
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@functools.cache
def parsed(file):
    return ast.parse(file.read_text("utf-8"))


def test_importing_the_package_loads_nothing_heavy_and_needs_nothing_installed():
    code = """
import sys
asked = []
class Watcher:
    def find_spec(name, path=None, target=None):
        asked.append(name)
sys.meta_path.insert(0, Watcher)
import mnist_lib
print(*asked)
print(mnist_lib.claims.__name__)
import mnist_lib.machinery.machine
"""
    command = [sys.executable, "-S", "-c", code]  # -S: without what is installed
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    run = subprocess.run(
        command, env=environment, check=True, stdout=subprocess.PIPE, text=True, timeout=60
    )
    asked, claims = run.stdout.splitlines()
    heavy = {"torch", "torchvision", "numpy", "pandas", "matplotlib", "PIL"}
    assert "mnist_lib" in asked.split() and claims == "mnist_lib.claims"
    assert not heavy & {name.split(".")[0] for name in asked.split()}
    assert not {name for name in asked.split() if name.startswith("mnist_lib.")}


def test_every_module_loads_when_it_is_first_used():
    found = [mnist_lib.__getattr__(name).__name__ for name in mnist_lib.__all__]
    assert found == [f"mnist_lib.{name}" for name in mnist_lib.__all__]


def test_every_module_is_named():
    names = sorted(module_name(file).split(".") for file in FILES if file != MAIN)
    assert mnist_lib.__all__ == [parts[1] for parts in names if len(parts) == 2]
    assert set(mnist_lib.__all__) <= set(dir(mnist_lib))


def test_every_package_has_its_init():
    folders = {file.parent for file in FILES}
    assert folders == {file.parent for file in FILES if file.stem == "__init__"}


def test_all_figures_are_had_from_one_place():
    """So that a reader needs to know no more than mnist_lib.plots."""
    figures = {
        node.name
        for file in (PACKAGE / "plots").glob("*.py")
        for node in parsed(file).body
        if isinstance(node, FUNCTIONS) and node.name.startswith("plot_")
    }
    assert figures and figures <= set(vars(mnist_lib.plots))


def test_an_unknown_name_is_an_attribute_error_that_names_the_modules():
    with pytest.raises(AttributeError, match=r"no attribute 'modles'; its modules are .*models"):
        mnist_lib.modles  # noqa: B018
    assert not hasattr(mnist_lib, "numpy")


def test_the_version_is_that_of_the_project():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    assert mnist_lib.__version__ == settings["project"]["version"]


def code_lines(function):
    """How many lines `function` has, its docstring not counted."""
    lines = function.end_lineno - function.lineno + 1
    if ast.get_docstring(function) is None:
        return lines
    return lines - (function.body[0].end_lineno - function.body[0].lineno + 1)


def test_no_function_is_longer_than_40_lines_and_none_of_the_core_than_25():
    longer = [
        (module_name(file), node.name, code_lines(node))
        for file in FILES
        for node in ast.walk(parsed(file))
        if isinstance(node, FUNCTIONS) and code_lines(node) > (25 if file.parent == PACKAGE else 40)
    ]
    assert longer == []


def test_the_package_is_small():
    """The core as the design has it, and the whole package."""
    lines = {file: len(file.read_text("utf-8").splitlines()) for file in FILES}
    assert sum(count for file, count in lines.items() if file.parent == PACKAGE) <= 1_900
    assert lines[MAIN] + lines[COMMANDS] <= 150
    assert sum(lines.values()) <= 8_000


def test_the_loop_fits_a_screen():
    """20 lines of code and 20 of docstring: what students read first."""
    tree = parsed(PACKAGE / "training.py")
    (loop,) = (node for node in tree.body if isinstance(node, FUNCTIONS) and node.name == "fit")
    assert code_lines(loop) <= 20
    assert len(ast.get_docstring(loop).splitlines()) <= 20


# The arrows: notebooks → widgets, exercises → plots → machinery → core

BELOW = {
    "__main__": {"machinery"},
    "core": {"core", "machinery.checks", "machinery.download", "machinery.files"},
    "machinery.checks": set(),
    "machinery.download": set(),
    "machinery.files": set(),
    "machinery": {"core", "machinery"},
    "plots": {"core", "machinery", "plots"},
    "exercises": {"core", "machinery", "plots", "exercises"},
    "widgets": {"core", "machinery", "plots", "widgets"},
}


def layers(name):
    """The layers that a module counts to, the narrowest first: mnist_lib.machinery.checks is one of its own."""
    part = name.removeprefix("mnist_lib").strip(".")
    wide = part.split(".")[0] if (PACKAGE / part.split(".")[0]).is_dir() and part else "core"
    return [part, wide] if part in BELOW else [wide]


def imported(file, at_once=False):
    """The modules of ours that a file imports, wherever in it; or only those that it imports when it is loaded."""
    package = module_name(file).split(".")
    package = package if file.stem == "__init__" else package[:-1]
    for node in parsed(file).body if at_once else ast.walk(parsed(file)):
        if isinstance(node, ast.Import):
            yield from (a.name for a in node.names if a.name.split(".")[0] == "mnist_lib")
        elif isinstance(node, ast.ImportFrom) and (node.level or "mnist_lib" in node.module):
            base = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                yield f"{base}.{alias.name}" if is_module(f"{base}.{alias.name}") else base


def is_module(name):
    path = PACKAGE.parent.joinpath(*name.split("."))
    return path.is_dir() or path.with_suffix(".py").exists()


def test_imports_point_one_way():
    wrong = [
        (module_name(file), name)
        for file in FILES
        for name in imported(file)
        if not BELOW[layers(module_name(file))[0]] & set(layers(name))
    ]
    assert wrong == []


def test_imports_make_no_circle():
    """So that it does not matter which module is used first."""
    graph = {module_name(file): set(imported(file, at_once=True)) for file in FILES}
    assert len([*TopologicalSorter(graph).static_order()]) == len(FILES)


def test_everything_public_has_a_docstring():
    without = []
    for file in FILES:
        module = parsed(file)
        public = [
            node
            for node in module.body
            if isinstance(node, ast.ClassDef | FUNCTIONS) and node.name[0] != "_"
        ]
        classes = [node for node in public if isinstance(node, ast.ClassDef)]
        methods = [node for scope in classes for node in scope.body if isinstance(node, FUNCTIONS)]
        public += [node for node in methods if node.name[0] != "_"]
        without += [module_name(file)] * (not ast.get_docstring(module))
        without += [(module_name(file), n.name) for n in public if not ast.get_docstring(n)]
    assert without == []
