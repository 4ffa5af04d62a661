"""All that pyproject.toml admits, a line a combination: `nox`, or `nox -s oldest -- tests/test_data.py`.

Every session makes a new environment (about 6 GB each; `nox` keeps them in .nox) and runs `pytest`, or what stands
behind the `--`. The Python of a session has to be installed.
"""

import nox

nox.options.default_venv_backend = "uv"
OUR_WARNINGS = "filterwarnings=error::DeprecationWarning:mnist_lib"


def check(session, *install, pytest=()):
    """Install, say what was installed, and run the tests."""
    session.install(*install)
    session.run("uv", "pip", "freeze", external=True)
    session.run("pytest", *pytest, *session.posargs)


@nox.session(python=["3.11", "3.12", "3.13"])
def pinned(session):
    """What the stored outputs were made with."""
    check(session, "-r", "requirements.txt")


@nox.session(python="3.11")
def oldest(session):
    """The lowest versions that the package asks for; the tools of the tests are today's."""
    lowest = f"{session.virtualenv.location}/lowest.txt"
    how = ("--resolution=lowest-direct", "--no-deps", "--extra=onnx", f"--python={session.python}")
    session.run("uv", "pip", "compile", "pyproject.toml", *how, "-qo", lowest, external=True)
    check(session, "-c", lowest, "-e", ".[dev,onnx]")


@nox.session(python="3.13")
def colab(session):
    """What Google Colab has, and the ONNX that notebook 12 brings there."""
    check(session, "-c", "tests/colab.txt", "-e", ".[dev,onnx]")


@nox.session(python="3.13")
def newest(session):
    """Whatever pip finds today; a deprecation warning from our own lines is an error."""
    check(session, "--upgrade", "-e", ".[dev,onnx]", pytest=("-o", OUR_WARNINGS))
