"""`python -m mnist_lib`: what it says, what it changes, and how it ends."""

import functools
import re
import shutil
import subprocess
import sys

import loopback
import notebook_rules as rules
import pytest

from mnist_lib.machinery import commands, download, machine

COPY = "A-teacher/the.course"


def ends(*words):
    """What `python -m mnist_lib …` ends with: None if all went well, else a number or the last line."""
    try:
        commands.main([*map(str, words)])
    except SystemExit as end:
        return end.code


def contents(folder):
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


# address


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A copy of the course, which is what the command and the rules see."""
    shutil.copy(rules.FOLDER / "pyproject.toml", tmp_path)
    no_rubbish = shutil.ignore_patterns(".*")
    shutil.copytree(rules.NOTEBOOKS, tmp_path / "notebooks", ignore=no_rubbish)
    monkeypatch.setattr(commands, "COURSE", tmp_path)
    monkeypatch.setattr(rules, "FOLDER", tmp_path)
    forget()
    yield tmp_path
    monkeypatch.undo()
    forget()


def forget():
    for remembered in (rules.address, rules.setup_text, rules.main_notebooks):
        getattr(remembered, "cache_clear", lambda: None)()


@pytest.mark.parametrize(
    ("name", "rest", "ref"),
    [
        (COPY, "", "main"),
        (COPY, ".git", "main"),
        (COPY, "/tree/spring/2027-v1.0/", "spring/2027-v1.0"),
        ("anna/notebooks", "/tree/notebooks/new", "notebooks/new"),
    ],
)
def test_an_address_is_written_to_every_place(course, capsys, name, rest, ref):
    url = f"https://github.com/{name}{rest}"
    before, (old, old_ref) = contents(course), rules.address()
    assert ends("address", url) is None
    *said, last = capsys.readouterr().out.splitlines()
    after = contents(course)
    assert sorted(said) == sorted(name for name in after if after[name] != before[name])
    assert sorted(said) == sorted(before)
    assert last == f"Files changed: {len(said)}. The address is {name}, {ref}."
    for file, content in after.items():
        assert old.encode() not in content
        places = rf"{name}(/tree/|/blob/|@|\")".encode()
        assert len(re.findall(places, content)) == before[file].count(old.encode()), file
    forget()
    assert rules.address() == (name, ref)
    for file in filter(re.compile(r".*ipynb").match, after):
        notebook = rules.read(course / file)
        assert rules.badge(notebook, course / file) == []
        setup = rules.code_cells(notebook)[0][1].source
        assert f'git+https://github.com/{name}@{ref}"' in setup

    assert ends("address", url) is None
    assert capsys.readouterr().out == f"Files changed: 0. The address is {name}, {ref}.\n"
    assert contents(course) == after
    ends("address", f"https://github.com/{old}/tree/{old_ref}")
    assert contents(course) == before  # to the byte


def test_a_straggler_is_found(course, capsys):
    """A notebook that came from somebody else's copy."""
    path = course / "notebooks" / "03_pooling.ipynb"
    text = path.read_text("utf-8")
    path.write_text(text.replace(rules.address()[0], "some/body"), "utf-8")
    ends("address", "https://github.com/" + rules.address()[0])
    assert capsys.readouterr().out.splitlines()[0] == "notebooks/03_pooling.ipynb"
    assert path.read_text("utf-8") == text


@pytest.mark.parametrize(
    "url",
    [
        "",
        COPY,
        "https://gitlab.com/a/b",
        "http://github.com/a/b",
        "https://github.com/a",
        "https://github.com/a/b/blob/main/README.md",
        "https://github.com/a/b/tree/",
        'https://github.com/a/b"',
        "https://github.com/a/b c",
        "https://github.com/a/b/tree/../x",
        "https://github.com/a/b/tree/x/../y",
    ],
)
def test_what_is_no_address_changes_nothing(course, capsys, url):
    before = contents(course)
    assert ends("address", url) == 2
    said = capsys.readouterr().err
    assert "must be https://github.com/NAME/REPO" in said and f"got {url!r}" in said
    assert contents(course) == before


def test_where_the_course_is_not_the_command_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(commands, "COURSE", tmp_path)
    assert "run this in its folder" in ends("address", f"https://github.com/{COPY}")


# download


@pytest.fixture
def tiny(monkeypatch):
    monkeypatch.setattr(download, "SHA256", loopback.HASHES)
    monkeypatch.setenv("no_proxy", "*")


@pytest.mark.usefixtures("tiny")
def test_download_fills_a_folder_and_goes_on_where_it_stopped(tmp_path, monkeypatch, capsys):
    def breaks(handler, packed):
        asked_again = "Range" in handler.headers
        short = functools.partial(loopback.ranges, most=50_000)
        (loopback.status(403) if asked_again else short)(handler, packed)

    with loopback.serve(breaks) as server:
        monkeypatch.setenv("MNIST_LIB_MIRROR", server.url)
        assert ends("download", tmp_path / "shared").startswith("MNIST is not available: 127.0.0.1")
        half, server.answer = server.sent, loopback.ranges
        for _ in range(2):
            assert ends("download", tmp_path / "shared") is None
            assert capsys.readouterr().out == f"All of MNIST is in {tmp_path / 'shared'}.\n"
        assert server.sent == sum(len(loopback.pack(name)) for name in loopback.FILES)
        assert 0 < half < server.sent
    assert download.is_complete(tmp_path / "shared")


@pytest.mark.usefixtures("tiny")
def test_download_fills_the_folder_that_the_notebooks_look_into(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("MNIST_LIB_DATA", str(tmp_path))
    with loopback.serve() as server:
        monkeypatch.setenv("MNIST_LIB_MIRROR", server.url)
        assert ends("download") is None
    assert download.is_complete(tmp_path)


def test_a_download_that_is_stopped_says_that_nothing_is_lost(tmp_path, monkeypatch):
    def stop(folder, seconds, progress):
        raise KeyboardInterrupt

    monkeypatch.setattr(download, "fetch", stop)
    assert ends("download", tmp_path) == "Stopped. What has come is kept."


# doctor


def test_doctor_says_what_a_report_needs_and_no_name_of_a_person(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HOME", str(tmp_path / "anna"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "anna"))
    monkeypatch.setenv("MNIST_LIB_DATA", "~/digits")
    assert ends("doctor") is None
    said = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert [*said][:2] == ["Python", "torch"]
    assert set(said) >= {*machine.PACKAGES, "device", "system", "digits", "set"}
    assert said["digits"].startswith("no full MNIST in ~") and "anna" not in str(said)
    assert "MNIST_LIB_DATA=~/digits" in said["set"]
    loopback.store(tmp_path / "anna" / "digits")
    monkeypatch.setattr(download, "SHA256", loopback.HASHES)
    ends("doctor")
    assert "all of MNIST in ~" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("packages", "settings", "last"),
    [
        (("torch", "no_such_package"), {}, "no_such_package is not installed."),
        (("torch",), {"MNIST_LIB_SEED": "-3"}, "MNIST_LIB_SEED must be an integer from 0"),
        (("torch",), {"MNIST_LIB_SOURCE": "all"}, "MNIST_LIB_SOURCE must be one of auto, full"),
    ],
)
def test_doctor_says_last_what_is_wrong(monkeypatch, capsys, packages, settings, last):
    monkeypatch.setattr(machine, "PACKAGES", packages)
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    assert ends("doctor") == 1
    *said, problem = capsys.readouterr().out.splitlines()
    assert problem.startswith(last)
    assert [line.split()[0] for line in said][-3:] == ["system", "set", "digits"]


# The command


def test_help_has_examples_and_imports_nothing_heavy():
    code = "import sys, runpy; sys.argv = ['mnist_lib', '--help']\n"
    code += "try: runpy.run_module('mnist_lib', run_name='__main__')\n"
    code += "finally: print([name for name in ('torch', 'numpy', 'pandas') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and done.stdout.splitlines()[-1] == "[]"
    for name in ("doctor", "download", "address"):
        assert done.stdout.count(f"python -m mnist_lib {name}") >= 1
        assert ends(name, "--help") == 0


@pytest.mark.parametrize("words", [[], ["nonsense"], ["address"], ["doctor", "nonsense"]])
def test_what_cannot_be_understood_ends_with_2(words):
    assert ends(*words) == 2
