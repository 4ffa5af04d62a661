"""check_machine(): versions where all is well, one sentence and one command where it is not."""

import importlib.metadata
import json
import os
import subprocess
import sys
from pathlib import Path

from mnist_lib import training
from mnist_lib.machinery import machine

ROOT = Path(__file__).parents[1]
CHECK = """
import json, sys
from mnist_lib.machinery.machine import MachineProblem, check_machine
messages, own = [], set(sys.modules)
for folder in sys.argv[1:]:
    sys.path.insert(0, folder)
    try:
        check_machine()
    except MachineProblem as problem:
        messages.append(str(problem))
    sys.path.remove(folder)
    for name in set(sys.modules) - own:
        del sys.modules[name]
print(json.dumps(messages))
"""
INSTALL, MEND = "pip install -r requirements.txt", "pip install --force-reinstall"
PAIR = f"{MEND} torch torchvision "
HALF = "raise ModuleNotFoundError(\"No module named 'torchvision._C'\", name='torchvision._C')"
# What is installed, {name: the code of the package}; how the message begins; what else it says.
PROBLEMS = [
    ({"torch": "", "torchvision": "raise RuntimeError('no operator nms')"},
     "torch 1.5 and torchvision 2.5 do not work together", "no operator nms", PAIR, "restart the kernel"),
    ({"torch": "", "torchvision": HALF}, "torch 1.5 and torchvision 2.5 do not work together", PAIR),
    ({"torch": "raise OSError('libtorch_cpu.so')", "torchvision": ""},
     "torch 1.5 does not import", "libtorch_cpu.so", PAIR),  # renewed as a pair
    ({"torch": "raise ImportError('DLL load')", "torchvision": ""}, "torch 1.5 does not import", "DLL", PAIR),
    ({}, "torch is not installed.", INSTALL),
    ({"torch": "", "torchvision": ""}, "numpy is not installed.", INSTALL),
    ({"torch": "", "torchvision": "import PIL"}, "PIL is not installed, and torchvision needs it.", INSTALL),
    ({"torch": "", "torchvision": "", "numpy": "", "pandas": "raise ValueError('dtype size changed')"},
     "pandas 4.5 does not import (dtype size changed).", f"{MEND} pandas "),
]  # fmt: skip


def test_versions_and_device_are_printed(capsys):
    assert machine.check_machine() is None
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    versions = [[package, importlib.metadata.version(package)] for package in machine.PACKAGES]
    assert lines == [
        ["Python", sys.version.split()[0]],
        *versions,
        ["device", str(training.pick_device())],
    ]


def test_what_is_wrong_is_said_in_a_line_with_the_command_that_mends_it(tmp_path):
    folders = [tmp_path / str(number) for number in range(len(PROBLEMS))]
    for folder, (packages, *_) in zip(folders, PROBLEMS):
        folder.mkdir()
        for number, (name, code) in enumerate(packages.items(), start=1):
            (folder / name).mkdir()
            (folder / name / "__init__.py").write_text(code)
            info = folder / f"{name}-{number}.5.dist-info"
            info.mkdir()
            lines = ("Metadata-Version: 2.1", f"Name: {name}", f"Version: {number}.5", "")
            (info / "METADATA").write_text("\n".join(lines))
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-S", "-c", CHECK]  # -S: without what is really installed
    run = subprocess.run(
        [*command, *map(str, folders)], env=environment, check=True, capture_output=True, timeout=60
    )
    messages = json.loads(run.stdout.splitlines()[-1])
    for message, (_, begins, *parts) in zip(messages, PROBLEMS, strict=True):
        assert message.startswith(begins) and all(part in message for part in parts), message
        assert message.count("pip install") == 1 and "\n" not in message


def test_an_unknown_version_is_no_problem():
    assert machine._installed("json") == "(unknown version)"  # part of Python, and no distribution


def test_the_requirements_are_where_the_message_says():
    assert (ROOT / "requirements.txt").is_file()
    named = (ROOT / "requirements.txt").read_text("utf-8").lower()
    assert all(f"\n{package}==" in named for package in machine.PACKAGES)
