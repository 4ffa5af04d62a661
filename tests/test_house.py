"""The files around the notebooks agree with each other: README, pins, metadata, the address of the repository."""

import functools
import re
import subprocess
import tomllib
from importlib.metadata import requires

import pytest
import yaml
from notebook_rules import FOLDER, NOTEBOOKS, address, broken_links
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

START = "pip install -r requirements.txt && jupyter lab notebooks/00_start_here.ipynb"
TEST = "pip install -r requirements.txt && pytest"
# What Google Colab has installed: a package that asks for more would replace it, and break Colab.
COLAB = re.findall(r"^([\w-]+)==(.+)$", (FOLDER / "tests" / "colab.txt").read_text("utf-8"), re.M)
COLAB = {canonicalize_name(name): version for name, version in COLAB}
# What it lacks and pip adds, and small packages that it has in a version that we do not know.
NEW_TO_COLAB = {"torchmetrics", "lightning-utilities"}
NEW_TO_COLAB |= {"joblib", "cloudpickle", "packaging", "typing-extensions"}
NEW_TO_COLAB |= {"safetensors", "scikit-image", "imageio", "lazy-loader", "networkx", "tifffile"}
PYPROJECT = tomllib.loads((FOLDER / "pyproject.toml").read_text("utf-8"))
DEPENDENCIES = [Requirement(line) for line in PYPROJECT["project"]["dependencies"]]
EXTRAS = PYPROJECT["project"]["optional-dependencies"]
DEVELOPMENT = [Requirement(line) for lines in EXTRAS.values() for line in lines]


def text(name):
    """The text of a file of the repository."""
    return (FOLDER / name).read_text("utf-8")


@functools.cache
def pins():
    """The pinned requirements, {name: list of Requirement}: several where they depend on the machine."""
    found = {}
    for line in text("requirements.txt").splitlines():
        if line.strip() and not line.startswith("#") and line.strip() != "-e .":
            pin = Requirement(line)
            found.setdefault(canonicalize_name(pin.name), []).append(pin)
    return found


# README


def test_readme_links_every_notebook_in_order():
    linked = re.findall(r"\]\(notebooks/(\d\d_\w+\.ipynb)\)", text("README.md"))
    assert list(dict.fromkeys(linked)) == sorted(path.name for path in NOTEBOOKS.glob("*.ipynb"))


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "TEACHING.md"])
def test_links_resolve(name):
    assert broken_links(text(name), FOLDER) == []


@pytest.mark.parametrize("command", [START, TEST])
def test_readme_has_the_command(command):
    assert command in [line.strip() for line in text("README.md").splitlines()]


def test_continuous_integration_runs_the_command_of_the_readme():
    lines = [line.strip() for line in text(".ci/run").splitlines() if not line.startswith("#")]
    assert [line for line in lines if "pytest" in line] == [TEST]


# The environment


def test_every_requirement_is_an_exact_pin():
    for name, found in pins().items():
        for pin in found:
            assert re.fullmatch(r"==\d[\w.]*", str(pin.specifier)), f"{name} is not pinned: {pin}"
            assert not pin.url and not pin.extras, f"{name} is no plain pin: {pin}"
    assert "-e ." in text("requirements.txt").splitlines()
    assert {"torch", "torchvision", "nbval", "jupyterlab"} <= set(pins())


@pytest.mark.parametrize("wanted", DEPENDENCIES + DEVELOPMENT, ids=str)
def test_pins_satisfy_the_package(wanted):
    found = pins().get(canonicalize_name(wanted.name), [])
    assert found, f"{wanted.name} is not pinned"
    for pin in found:
        (version,) = (specifier.version for specifier in pin.specifier)
        assert wanted.specifier.contains(version), f"{pin} does not satisfy {wanted}"


@pytest.mark.parametrize("wanted", [w for w in DEPENDENCIES if w.name not in NEW_TO_COLAB], ids=str)
def test_colab_satisfies_the_package(wanted):
    assert wanted.name in COLAB, f"is {wanted.name} on Colab, and in which version?"
    assert wanted.specifier.contains(COLAB[wanted.name]), (
        f"Colab has {COLAB[wanted.name]}, not {wanted}"
    )
    assert {specifier.operator for specifier in wanted.specifier} == {">="}, (
        f"{wanted}: a lower bound, and no other"
    )


@pytest.mark.parametrize(
    "name", ["torchmetrics", "lightning-utilities", "joblib", "safetensors", "scikit-image"]
)
def test_what_is_new_to_colab_replaces_nothing_there(name):
    for wanted in map(Requirement, requires(name) or []):
        if wanted.marker is None or wanted.marker.evaluate({"extra": ""}):
            name = canonicalize_name(wanted.name)
            assert name in NEW_TO_COLAB or wanted.specifier.contains(COLAB[name]), str(wanted)


def test_conda_installs_the_same_pins():
    environment = yaml.safe_load(text("environment.yml"))
    (pip,) = (entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict))
    assert pip == ["-r requirements.txt"]
    packages = [entry for entry in environment["dependencies"] if isinstance(entry, str)]
    assert sorted(re.split("[=<>]", entry)[0] for entry in packages) == ["pip", "python"]
    (python,) = (entry.split("=")[1] for entry in packages if entry.startswith("python="))
    assert (
        Version(python) in Requirement(f"python{PYPROJECT['project']['requires-python']}").specifier
    )


# The package


def test_all_folders_with_code_are_packaged():
    folders = {path.parent.relative_to(FOLDER) for path in (FOLDER / "mnist_lib").rglob("*.py")}
    packages = {".".join(folder.parts) for folder in folders}
    assert set(PYPROJECT["tool"]["setuptools"]["packages"]) == packages


def test_no_other_address_of_the_repository():
    """Links to Colab, installs and clones name the repository that pyproject.toml names."""
    if not (FOLDER / ".git").exists():
        pytest.skip("this is no clone: git cannot tell which files belong to the repository")
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(
        command, cwd=FOLDER, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    before = r"colab\.research\.google\.com/github/|(?:git\+|clone )https://github\.com/|raw\.githubusercontent\.com/"
    after = "blob|tree|raw|archive|issues|actions"
    place = r"([\w.-]+/[\w.-]*\w)"
    placeholder = "/".join(["OWNER", "REPO"])  # while the course has no address
    examples = {"/".join(words) for words in (["NAME", "REPO"], ["a", "b"])}  # anybody's
    pattern = rf"(?:{before}){place}|github\.com/{place}/(?:{after})\b|\b({placeholder})\b"
    wrong = {
        f"{name}: {found}"
        for name in names
        if not name.startswith("tests/fixtures")  # they have an address of their own
        and (FOLDER / name).suffix in {".cfg", ".ipynb", ".md", ".py", ".toml", ".txt", ".yml"}
        and (FOLDER / name).is_file()
        for line in text(name).splitlines()
        if "github" in line or placeholder in line  # all else is passed over quickly
        for groups in re.findall(pattern, line)
        for found in {group.removesuffix(".git") for group in groups}
        - {"", address()[0]}
        - examples
    }
    assert not wrong, "\n".join(sorted(wrong))


def test_torch_is_pinned_with_its_partner_and_brings_what_it_needs_itself():
    """A build for the CPU needs no CUDA. README says how to get it, of the same release."""
    assert not [name for name in pins() if name.startswith(("nvidia", "cuda", "triton"))]
    pair = " ".join(f"{name}{pins()[name][0].specifier}" for name in ("torch", "torchvision"))
    assert re.fullmatch(r"torch==[\d.]+ torchvision==[\d.]+", pair)
    index = "https://download.pytorch.org/whl/cpu"
    assert f"    pip install {pair} --index-url {index}\n" in text("README.md")


def test_what_begins_first_exists():
    """A notebook that gets another name must not lose its place."""
    for name in re.findall(r'"(\w+\.(?:ipynb|py))"', text("conftest.py")):
        assert (NOTEBOOKS / name).is_file() or (FOLDER / "tests" / name).is_file(), name
