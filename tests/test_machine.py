"""check_machine(): versions where all is well, one sentence and one command where it is not."""

import importlib.metadata
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mnist_lib import training
from mnist_lib.machinery import machine

ROOT = Path(__file__).parents[1]
CHECK = """
from mnist_lib.machinery.machine import MachineProblem, check_machine
try:
    check_machine()
except MachineProblem as problem:
    print("PROBLEM:", problem)
"""


def test_versions_and_device_are_printed(capsys):
    assert machine.check_machine() is None
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    versions = [[package, importlib.metadata.version(package)] for package in machine.PACKAGES]
    assert lines == [
        ["Python", sys.version.split()[0]],
        *versions,
        ["device", str(training.pick_device())],
    ]


def problem_with(folder, **packages):
    """The message of check_machine() where only `packages` are installed: {name: the code of the package}."""
    for number, (name, code) in enumerate(packages.items(), start=1):
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text(code)
        info = folder / f"{name}-{number}.5.dist-info"
        info.mkdir()
        lines = ("Metadata-Version: 2.1", f"Name: {name}", f"Version: {number}.5", "")
        (info / "METADATA").write_text("\n".join(lines))
    path = os.pathsep.join([str(folder), str(ROOT)])
    environment = os.environ | {"PYTHONPATH": path, "PYTHONIOENCODING": "utf-8"}
    command = [sys.executable, "-S", "-c", CHECK]  # -S: without what is really installed
    run = subprocess.run(command, env=environment, capture_output=True, timeout=60)
    printed = run.stdout.decode("utf-8")
    assert run.returncode == 0 and "PROBLEM:" in printed, run.stderr
    message = printed.split("PROBLEM: ")[1].strip()
    assert message.count("pip install") == 1 and "\n" not in message
    return message


def test_torch_and_torchvision_that_do_not_fit(tmp_path):
    error = "operator torchvision::nms does not exist"
    message = problem_with(tmp_path, torch="", torchvision=f"raise RuntimeError('{error}')")
    assert message.startswith("torch 1.5 and torchvision 2.5 do not work together")
    assert error in message and "restart the kernel" in message
    assert "pip install --force-reinstall torch torchvision " in message


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ("OSError('libtorch_cpu.so: cannot open shared object file')", "libtorch_cpu.so"),
        ("ImportError('DLL load')", "DLL"),
    ],
)
def test_torch_itself_is_broken(tmp_path, error, said):
    message = problem_with(tmp_path, torch=f"raise {error}", torchvision="")
    assert message.startswith("torch 1.5 does not import") and said in message
    assert "pip install --force-reinstall torch torchvision " in message, "renewed as a pair"


def test_half_of_torchvision_is_gone(tmp_path):
    code = "raise ModuleNotFoundError(\"No module named 'torchvision._C'\", name='torchvision._C')"
    assert "do not work together" in problem_with(tmp_path, torch="", torchvision=code)


@pytest.mark.parametrize("installed", [(), ("torch", "torchvision")])
def test_a_package_is_missing(tmp_path, installed):
    message = problem_with(tmp_path, **dict.fromkeys(installed, ""))
    missing = machine.PACKAGES[len(installed)]
    assert message.startswith(f"{missing} is not installed.")
    assert "pip install -r requirements.txt" in message


def test_a_package_needs_another_that_is_missing(tmp_path):
    message = problem_with(tmp_path, torch="", torchvision="import PIL")
    assert message.startswith("PIL is not installed, and torchvision needs it.")
    assert "pip install -r requirements.txt" in message


def test_a_package_was_built_for_another_numpy(tmp_path):
    working = dict.fromkeys(("torch", "torchvision", "numpy"), "")
    broken = "raise ValueError('numpy.dtype size changed')"
    message = problem_with(tmp_path, **working, pandas=broken)
    assert message.startswith("pandas 4.5 does not import (numpy.dtype size changed).")
    assert "pip install --force-reinstall pandas " in message


def test_an_unknown_version_is_no_problem():
    assert machine._version("json") == "(unknown version)"  # part of Python, and no distribution


def test_the_requirements_are_where_the_message_says():
    assert (ROOT / "requirements.txt").is_file()
    named = (ROOT / "requirements.txt").read_text("utf-8").lower()
    assert all(f"\n{package}==" in named for package in machine.PACKAGES)
