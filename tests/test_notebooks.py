"""The notebooks keep the rules of `notebook_rules`, and the rules catch the notebooks that break them."""

import contextlib
import copy
import inspect
import io
import json
import os
import re
import subprocess
import sys

import IPython
import matplotlib.pyplot as plt
import nbformat
import notebook_rules as rules
import pytest
import torch
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from run_notebooks import main
from torch import nn

from mnist_lib.data import Batches, Split

FIXTURES = rules.FOLDER / "tests" / "fixtures"
COURSE = {path.relative_to(rules.NOTEBOOKS).as_posix(): path for path in rules.all_notebooks()}
MAIN = [path.name for path in rules.main_notebooks()]
HOMEWORK = {}  # a solution repeats the cells of its notebook: each text once, under its first name
for name, path in COURSE.items():
    for number, cell in rules.code_cells(rules.read(path), "homework"):
        HOMEWORK.setdefault(cell.source, f"{name.removesuffix('.ipynb')}-{number}")


# The course


@pytest.mark.parametrize("name", COURSE)
def test_a_notebook_keeps_all_rules(name):
    notebook = rules.read(COURSE[name])
    problems = [problem for rule in rules.RULES for problem in rule(notebook, COURSE[name])]
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("name", MAIN)
def test_a_solution_follows_its_notebook_and_says_what_is_stored(name):
    """Without a kernel: its cells are plain Python, and print."""
    assert f"solutions/{name}" in COURSE, f"notebooks/solutions/{name} is missing"
    solution = rules.read(COURSE[f"solutions/{name}"])
    problems = rules.solution_problems(rules.read(COURSE[name]), solution)
    assert not problems, "\n".join(problems)
    namespace = {"__name__": "__main__"}
    for number, cell in rules.code_cells(solution):
        if "setup" in rules.tags(cell):
            continue
        with contextlib.redirect_stdout(io.StringIO()) as said:
            exec(compile(cell.source, f"{name}, cell {number}", "exec"), namespace)
        if rules.compared(cell):
            assert said.getvalue() == "".join(rules.output_texts(cell)), f"cell {number}"


def test_each_solution_has_its_notebook():
    assert {name.removeprefix("solutions/") for name in COURSE} == set(MAIN)


def test_names_are_seen_before_they_are_used():
    problems = rules.unseen_names({name: rules.read(COURSE[name]) for name in MAIN})
    assert not problems, "\n".join(problems)


# Homework


class Mixed(nn.Module):
    """A network whose parts are in different modes, and which shows whether it ran in training mode."""

    def __init__(self):
        super().__init__()
        first = [nn.Conv2d(1, 4, 5), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.5), nn.MaxPool2d(2)]
        last = [nn.Conv2d(4, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(100, 10)]
        self.layers = nn.Sequential(*first, *last)
        self.layers[3].eval()

    def forward(self, images):
        return self.layers(images)


TAKE_A_MODEL = {"model", "net", "networks", "layers"}
NOT_FOR_JUDGING = {
    "training_steps",
    "train_one_epoch",
    "fit",
    "tell",
}  # they train: the mode is theirs


def given(function, model):
    """What to call a function of a homework cell with, by the names of its arguments."""
    images, labels = torch.rand(6, 1, 28, 28), torch.arange(6)
    values = {"model": model, "net": model, "networks": {"a": [model]}, "layers": model.layers[:5]}
    values |= {"images": images, "image": images[0], "prepared": images, "labels": labels}
    values |= {"answers": labels, "answer": 3, "layer": "layers.0", "row": 2, "column": 3, "by": 1}
    values |= {"channels": 2, "cells": 1, "split": Split(images, labels), "steps": [0, 1]}
    values |= {"batches": Batches(values["split"], 4), "change": torch.zeros_like}
    values |= {"scores": torch.rand(6, 28, 28), "counts": [1, 2], "helped": True, "brightness": 0.5}
    special = {"answers": {"images": {"one": images[0]}}}
    special |= {"feature_maps": {"layers": ["layers.0"]}, "receptive_field": {"layers": [(3, 1)]}}
    values |= special.get(function.__name__, {})
    parameters = inspect.signature(function).parameters.values()
    return {p.name: values[p.name] for p in parameters if p.default is p.empty}


def call(function, **values):
    """Call it, and run it to its end where it is a generator or something for a `with`."""
    result = function(**values)
    if inspect.isgenerator(result):
        list(result)
    if hasattr(result, "__enter__"):
        with result:
            pass


@pytest.mark.parametrize("source", list(HOMEWORK), ids=list(HOMEWORK.values()))
@pytest.mark.filterwarnings("ignore:.*non-interactive:UserWarning")
def test_homework_runs_alone_and_does_no_harm(source, monkeypatch, tmp_path, capsys):
    """Modes of models, running means and the gradient setting are afterwards what they were."""
    monkeypatch.setenv("MNIST_LIB_SOURCE", "sample")
    monkeypatch.chdir(tmp_path)
    plt.switch_backend("agg")
    torch.manual_seed(0)
    namespace = {"__name__": "__main__"}
    try:
        exec(compile(source, "homework", "exec"), namespace)
    finally:
        plt.close("all")
    assert "✗" not in capsys.readouterr().out
    assert torch.is_grad_enabled()
    for function in [value for value in namespace.values() if inspect.isfunction(value)]:
        names = set(inspect.signature(function).parameters)
        own = function.__module__ == "__main__" and function.__name__ not in NOT_FOR_JUDGING
        if not (own and names & TAKE_A_MODEL):
            continue
        for grad in (True, False):
            model = Mixed()
            modes = [part.training for part in model.modules()]
            state = copy.deepcopy(model.state_dict())
            with torch.set_grad_enabled(grad):
                call(function, **given(function, model))
                assert torch.is_grad_enabled() == grad
            assert [part.training for part in model.modules()] == modes
            assert all(torch.equal(state[name], now) for name, now in model.state_dict().items())
            assert all(weight.grad is None for weight in model.parameters())


# The rules: each catches what it is there for, and nothing else


@pytest.fixture
def setup_of_fixtures(monkeypatch):
    """Let the setup cell of the fixtures be the one that all notebooks share, and their address that of the course."""
    text = rules.code_cells(rules.read(FIXTURES / "good.ipynb"))[0][1].source
    monkeypatch.setattr(rules, "setup_text", lambda: text)
    monkeypatch.setattr(rules, "address", lambda: ("/".join(["OWNER", "REPO"]), "main"))


def broken_rules(path):
    """The names of the rules that a fixture breaks, a set."""
    notebook = rules.read(path)
    broken = {rule.__name__ for rule in rules.RULES if rule(notebook, path)}
    solution = rules.read(FIXTURES / "solutions" / "good.ipynb")
    if not rules.is_solution(path) and rules.solution_problems(notebook, solution):
        broken.add("solution_problems")
    return broken


@pytest.mark.parametrize(
    "path", list(FIXTURES.rglob("good.ipynb")), ids=lambda path: path.parent.name
)
def test_good_notebook_breaks_no_rule(path, setup_of_fixtures):
    assert broken_rules(path) == set()


@pytest.mark.parametrize(
    "path",
    sorted(set(FIXTURES.glob("*.ipynb")) - {FIXTURES / "good.ipynb"}),
    ids=lambda path: path.stem,
)
def test_broken_notebook_breaks_its_rule_only(path, setup_of_fixtures):
    assert broken_rules(path) == {path.stem.split("-")[0]}


def test_large_notebook_breaks_the_rule_of_size_only(monkeypatch, setup_of_fixtures):
    monkeypatch.setattr(rules, "MOST_BYTES", 1000)
    assert broken_rules(FIXTURES / "good.ipynb") == {"size"}


@pytest.mark.parametrize("number", range(3))
def test_long_notebook_breaks_the_rule_of_length_only(number, monkeypatch, setup_of_fixtures):
    good = rules.read(FIXTURES / "good.ipynb")
    monkeypatch.setattr(rules, "LENGTHS", {"good": (100, 1000, 100)})
    assert rules.length(good, FIXTURES / "good.ipynb") == []
    limits = [100, 1000, 100]
    limits[number] = 1
    monkeypatch.setattr(rules, "LENGTHS", {"good": limits})
    (problem,) = rules.length(good, FIXTURES / "good.ipynb")
    assert ("cells", "words", "claims")[number] in problem


def test_second_edition_says_what_it_found_in_other_words(monkeypatch, setup_of_fixtures):
    monkeypatch.setattr(rules, "LENGTHS", {"good": (100, 1000, 100)})
    assert broken_rules(FIXTURES / "good.ipynb") == {"last_screen"}
    other = rules.read(FIXTURES / "last_screen-other_words.ipynb")
    assert len(rules.last_screen(other, FIXTURES / "good.ipynb")) == 2  # of its three sentences


def test_each_rule_has_its_broken_notebook():
    shown = {path.stem.split("-")[0] for path in FIXTURES.glob("*.ipynb")}
    assert {rule.__name__ for rule in rules.RULES} - shown == {"size", "length"}


@pytest.mark.parametrize(
    ("cells", "unseen"),
    [
        (["from mnist_lib.data import load_mnist"], []),
        (["from mnist_lib.training import fit"], ["fit"]),
        (["def fit(): ...", "from mnist_lib.training import fit"], []),
        (["from mnist_lib.training import fit", "def fit(): ..."], ["fit"]),
        (["from mnist_lib.training import fit as theirs, evaluate"], ["fit", "evaluate"]),
        (["from mnist_lib import training", "training.fit()"], ["fit"]),
        (["import mnist_lib.training as t", "def fit(): ...", "t.fit(t.split)"], ["split"]),
        (["import mnist_lib", "mnist_lib.training.fit()"], ["fit"]),
    ],
)
def test_unseen_names(cells, unseen):
    first = new_notebook(cells=[new_markdown_cell("Here is `load_mnist()`.")])
    second = new_notebook(cells=[new_code_cell(source) for source in cells])
    third = new_notebook(cells=[new_code_cell("from mnist_lib.training import fit")])
    found = [
        re.search(r"takes (\w+)", line)[1]
        for line in rules.unseen_names({"00": first, "01": second})
    ]
    assert found == unseen
    later = rules.unseen_names({"00": first, "01": second, "02": third})
    assert any(line.startswith("02") for line in later) == ("def fit(): ..." not in cells)


def test_built_in():
    namespace = rules.built_in(FIXTURES / "good.ipynb", "area")
    assert namespace["area"](2) == pytest.approx(12.566, abs=1e-3)
    assert "claim" not in namespace and "answer" not in namespace
    with pytest.raises(LookupError, match="circumference"):
        rules.built_in(FIXTURES / "good.ipynb", "area", "circumference")


# Running and storing

WIDGET_CELL = """
import ipywidgets
from IPython.display import display

out = ipywidgets.Output()
display(ipywidgets.VBox([ipywidgets.IntSlider(), out]))
with out:
    out.clear_output()
    print("a figure")
"""


def write(path, *sources):
    """Write a notebook of code cells as an editor might leave it: ids missing, more metadata than needed."""
    notebook = new_notebook(cells=[new_code_cell(source) for source in sources])
    notebook.metadata["widgets"] = {"some": "state"}
    for cell in notebook.cells:
        del cell["id"]
        cell.metadata["collapsed"] = False
    path.write_text(nbformat.v4.writes(notebook), "utf-8")
    return path


@pytest.mark.skipif(IPython.version_info < (8,), reason="its tracebacks name temporary files")
def test_stored_notebook_is_clean_and_the_same_each_time(tmp_path, capsys):
    counts = "for n in 1, 2:\n    print(n, flush=True)"
    raises = "import json\n\njson.loads('{')"
    progress = "from tqdm.auto import tqdm\n\nlist(tqdm(range(3)))"
    path = write(tmp_path / "a.ipynb", counts, WIDGET_CELL, raises, progress, "")
    notebook = rules.read(path)
    notebook.cells[2].metadata["tags"] = ["raises-exception"]
    path.write_text(nbformat.v4.writes(notebook), "utf-8")
    results = []
    for _ in range(2):
        assert main(["--store", "--source", "sample", str(path)]) == 0
        assert "    stored" in capsys.readouterr().out
        results.append(path.read_bytes())
    assert results[0] == results[1]
    assert results[0].endswith(b"}\n")
    assert list(tmp_path.iterdir()) == [path]
    notebook = rules.read(path)
    for rule in (rules.widgets, rules.minimal_metadata, rules.absolute_paths):
        assert not rule(notebook, path)
    assert [cell.execution_count for cell in notebook.cells] == [1, 2, 3, 4, None]
    assert [output.text for output in notebook.cells[0].outputs] == ["1\n2\n"]
    assert "a figure\n" in rules.output_texts(notebook.cells[1])
    assert notebook.cells[2].outputs[0].ename == "JSONDecodeError"
    assert rules.output_texts(notebook.cells[3]) == ["[0, 1, 2]"]


def test_store_refuses_and_says_why(tmp_path, capsys):
    sources = {
        "claim": "print('✓ Yes.')\nprint('✗ No.')",
        "error": "1 / 0",
        "path": "print('/home/student/digits')",
        "edited": "file = open('edited.ipynb', 'a')\nprint(file=file, flush=True)",
    }
    paths = [write(tmp_path / f"{name}.ipynb", source) for name, source in sources.items()]
    before = [path.read_bytes() for path in paths]
    assert main(["--store", "--source", "sample", *map(str, paths)]) == 1
    assert [path.read_bytes() for path in paths] == [*before[:3], before[3] + b"\n"]
    said = capsys.readouterr().out
    assert re.search(r"1 of 2 claims held\n    ✗ No.\n    not stored: a claim failed", said)
    assert re.search(r"ZeroDivisionError(.|\n)*    not stored: a cell raised", said)
    assert "    not stored: the file was changed while it ran" in said
    assert re.search(r"    not stored: cell 1 holds the absolute path /home/student/digits", said)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], {"MNIST_LIB_SOURCE": "sample", "TQDM_DISABLE": "1"}),
        (["--store"], {"MNIST_LIB_SOURCE": "full"}),
        (
            ["--source", "full", "--seed", "3", "--threads", "2"],
            {"MNIST_LIB_SOURCE": "full", "MNIST_LIB_SEED": "3", "OMP_NUM_THREADS": "2"},
        ),
    ],
)
def test_source_seed_and_threads_reach_the_notebook(options, expected, tmp_path, monkeypatch):
    monkeypatch.setenv("MNIST_LIB_DATA", "digits")
    source = f"import os\n\nassert {expected}.items() <= os.environ.items()"
    absolute = 'assert os.path.isabs(os.environ["MNIST_LIB_DATA"])'
    path = write(tmp_path / "a.ipynb", source, absolute)
    before = path.read_bytes()
    assert main([*options, str(path)]) == 0
    assert (path.read_bytes() == before) == ("--store" not in options)


# nbval


def with_outputs(path, changes):
    """Write the good notebook to `path` with texts replaced in what it has stored, nowhere else."""
    notebook = rules.read(FIXTURES / "good.ipynb")
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            for part, key in ((output, "text"), (output.get("data", {}), "text/plain")):
                for old, new in changes.items():
                    if key in part:
                        part[key] = part[key].replace(old, new)
    path.write_text(nbformat.v4.writes(notebook), "utf-8")


STARTS_THE_SECOND_TIME = """
import os, sys

if not os.path.exists({flag!r}):  # as if another process had taken its port
    open({flag!r}, "w").close()
    sys.exit("no port for me")
from ipykernel.kernelapp import launch_new_instance
launch_new_instance()
"""


def with_kernel(path, kernel, *sources):
    """Write a notebook of cells that put out nothing, to be run by a kernel of that name."""
    notebook = new_notebook(cells=[new_code_cell(source) for source in sources])
    for number, cell in enumerate(notebook.cells, 1):
        cell.execution_count = number
    notebook.metadata.kernelspec = {"name": kernel, "display_name": kernel, "language": "python"}
    path.write_text(nbformat.v4.writes(notebook), "utf-8")


def test_nbval_compares_sentences_and_not_numbers_and_kernels_do_not_die_unheard(tmp_path):
    with_outputs(tmp_path / "numbers.ipynb", {"≈3": "≈[-0.3, 1,234]"})
    with_outputs(
        tmp_path / "words.ipynb", {"3.142": "3.143", "✓ Half": "✗ Half", "One pixel": "Two pixels"}
    )
    dies = "import os\n\nwritten = os.write(2, b'last words')\nos._exit(3)"
    with_kernel(tmp_path / "dead.ipynb", "python3", "one = 1", dies, "two = 2", "three = 3")
    with_kernel(tmp_path / "again.ipynb", "again", "one = 1")
    folder = tmp_path / "kernels" / "again"
    folder.mkdir(parents=True)
    code = STARTS_THE_SECOND_TIME.format(flag=str(tmp_path / "flag"))
    argv = [sys.executable, "-c", code, "-f", "{connection_file}"]
    (folder / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": "again"}))
    command = [sys.executable, "-m", "pytest", "-c", "pyproject.toml", "-p", "conftest", "-n0"]
    done = subprocess.run(
        [*command, "-rA", "--color=no", "-pno:cacheprovider", tmp_path],
        cwd=rules.FOLDER,
        env=os.environ | {"JUPYTER_PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    failed = re.findall(
        r"^FAILED .*(numbers|words|dead|again).*Cell (\d+)", done.stdout, re.MULTILINE
    )
    wanted = [("dead", "1"), ("words", "1"), ("words", "4"), ("words", "6")]
    assert sorted(failed) == wanted, done.stdout
    assert len(re.findall("^PASSED", done.stdout, re.MULTILINE)) == 2 * 12 - 3 + 2, done.stdout
    assert "the kernel died" in done.stdout and "2 skipped" in done.stdout
    assert re.search(r"stderr of the kernel of dead.ipynb -+\n(.*\n)*last words", done.stdout), (
        done.stdout
    )
    assert (tmp_path / "flag").exists() and not list(tmp_path.glob("kernel*-*"))


@pytest.mark.parametrize(
    "text",
    [
        "≈3.4 s",
        "≈[1, 2] s",
        "≈-0.31 s",
        "≈1,234 s",
        "≈ −3 s",
        "≈1e-05 s",
        "≈nan s",
        "≈.5 s",
        "≈[[1, 2], [3]] s",
    ],
)
def test_numbers_behind_the_sign_are_blanked(text):
    assert rules.blanked(f"It took {text}.") == "It took ≈N s."


def test_numbers_before_the_sign_and_words_stay():
    assert rules.blanked("3 ≈ pi, 2.5 and [1]") == "3 ≈ pi, 2.5 and [1]"
