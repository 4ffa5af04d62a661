"""Downloading MNIST from a server on this machine, over a good line and over bad ones."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time

import loopback
import pytest

from mnist_lib import data, download
from mnist_lib.data import load_mnist
from mnist_lib.download import DataUnavailable, fetch, is_complete

# A process of its own that fetches the tiny set.
FETCH = """
import json, sys
from mnist_lib import download
download.SHA256 = json.loads(sys.argv[1])
download.fetch(sys.argv[2], seconds=20)
"""

# The same, looking before each step that touches the disk whether half a set is in place.
FETCH_WATCHED = (
    """
import pathlib, sys
looking = False
def look(event, arguments):
    global looking
    if looking or "download" not in globals() or not event.startswith(("open", "os.", "shutil.")):
        return
    looking = True
    if pathlib.Path(sys.argv[2], "MNIST", "raw").exists() and not download.is_complete(sys.argv[2]):
        print("half a set in place before", event, arguments)
    looking = False
sys.addaudithook(look)
"""
    + FETCH
)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def tiny(monkeypatch, tmp_path, cache):
    """The tiny set is what counts as MNIST; folders are temporary; the settings of the machine do not matter."""
    monkeypatch.setattr(download, "SHA256", loopback.HASHES)
    monkeypatch.setattr(data, "_cache_folder", lambda: cache)
    monkeypatch.delenv("MNIST_LIB_SOURCE", raising=False)
    monkeypatch.delenv("MNIST_LIB_MIRROR", raising=False)
    monkeypatch.setenv("MNIST_LIB_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("no_proxy", "*")


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "data"


@pytest.fixture
def serve(monkeypatch):
    """Start a server that answers in the given way, and name it in MNIST_LIB_MIRROR."""
    with contextlib.ExitStack() as stack:

        def start(answer=loopback.well):
            server = stack.enter_context(loopback.serve(answer))
            monkeypatch.setenv("MNIST_LIB_MIRROR", server.url)
            return server

        yield start


def start_fetch(folder, program=FETCH):
    command = [sys.executable, "-c", program, json.dumps(loopback.HASHES), str(folder)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def wait_until(condition):
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "what was waited for did not happen"
        time.sleep(0.01)


def left_in(folder):
    return {path.name for path in folder.iterdir()} - {".mnist.lock"}


def held_in(folder):
    return {path.name: path.read_bytes() for path in (folder / "MNIST" / "raw").iterdir()}


def refused():
    """The address of a server that is not there."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{listener.getsockname()[1]}/"


# A good line


@pytest.mark.parametrize("ending", ["/", ""])
def test_fetch_puts_the_four_files_in_place_and_nothing_else(serve, folder, monkeypatch, ending):
    server = serve()
    monkeypatch.setenv("MNIST_LIB_MIRROR", server.url.rstrip("/") + ending)
    fetch(folder)
    assert is_complete(folder)
    assert held_in(folder) == loopback.FILES
    assert left_in(folder) == {"MNIST"}


def test_what_is_on_disk_is_not_downloaded_again(serve, folder):
    server = serve()
    fetch(folder)
    fetch(folder)
    assert len(server.asked) == 4


def test_complete_data_is_used_without_writing_beside_it(folder, monkeypatch):
    loopback.store(folder)
    monkeypatch.setenv("MNIST_LIB_MIRROR", refused())
    os.chmod(folder, 0o555)
    fetch(folder)
    assert load_mnist("full").source == "full"
    os.chmod(folder, 0o755)
    assert [path.name for path in folder.iterdir()] == ["MNIST"]


@pytest.mark.parametrize("source", ["auto", "full"])
def test_load_mnist_downloads_what_is_missing(serve, capsys, source):
    serve()
    mnist = load_mnist(source)
    assert mnist.source == "full"
    assert (len(mnist.train), len(mnist.validation), len(mnist.test)) == (220, 20, 40)
    assert (
        capsys.readouterr().out
        == "Digits: all of MNIST (220 to train, 20 to validate, 40 to test).\n"
    )


@pytest.mark.parametrize("source", ["auto", "full"])
def test_the_sample_in_the_environment_keeps_auto_from_the_network(serve, monkeypatch, source):
    server = serve()
    monkeypatch.setenv("MNIST_LIB_SOURCE", "sample")
    assert load_mnist(source).source == ("sample" if source == "auto" else "full")
    assert len(server.asked) == (0 if source == "auto" else 4)


def test_files_arrive_in_one_step(serve, tmp_path):
    serve()
    assert start_fetch(tmp_path / "new", FETCH_WATCHED).communicate()[0] == ""
    loopback.store(tmp_path / "bad", t10k=b"damaged")
    assert (
        "half a set in place" in start_fetch(tmp_path / "bad", FETCH_WATCHED).communicate()[0]
    )  # it does look
    assert is_complete(tmp_path / "new") and is_complete(tmp_path / "bad")


# Bad lines

FAULTS = {
    "403": (
        loopback.status(403),
        "answered with error 403 instead of sending train-images-idx3-ubyte.gz",
    ),
    "404": (
        loopback.status(404),
        "answered with error 404 instead of sending train-images-idx3-ubyte.gz",
    ),
    "redirected in circles": (loopback.in_circles, "answered with error 302 instead of sending"),
    "a page with status 200": (
        loopback.page,
        "did not send train-images-idx3-ubyte.gz .Not a gzipped file",
    ),
    "other data": (loopback.other_data, "sent files that are not those of MNIST"),
    "damaged on the way": (loopback.damaged, "did not send train-images-idx3-ubyte.gz"),
    "a file cut short": (
        loopback.short_file,
        "did not send train-images-idx3-ubyte.gz .Compressed file ended",
    ),
    "less than promised": (
        loopback.short_answer,
        "did not send train-images-idx3-ubyte.gz .Compressed file ended",
    ),
    "hangs up": (loopback.nothing, "did not send train-images-idx3-ubyte.gz .Remote end closed"),
}


def check_both_ways(folder, capsys, sentence):
    """Full MNIST is refused in one sentence; "auto" gives the sample, with the same sentence; nothing is left."""
    with pytest.raises(DataUnavailable, match=sentence) as caught:
        load_mnist("full")
    capsys.readouterr()
    assert load_mnist("auto").source == "sample"
    said = "Digits: the 5,000-image sample (3,500 to train, 500 to validate, 1,000 to test), because {}.\n"
    assert capsys.readouterr().out == said.format(caught.value)
    assert "\n" not in str(caught.value)
    assert left_in(folder) == set()


@pytest.mark.parametrize("fault", FAULTS)
def test_auto_gives_the_sample_and_full_says_why_when_the_server_sends(
    serve, folder, capsys, fault
):
    answer, sentence = FAULTS[fault]
    serve(answer)
    check_both_ways(folder, capsys, f"127.0.0.1:[0-9]+ {sentence}")


@pytest.mark.parametrize(
    ("mirror", "sentence"),
    [
        (None, "did not send train-images-idx3-ubyte.gz .*refused"),
        ("no-address-at-all", "no-address-at-all did not send .*unknown url type"),
    ],
    ids=["connection refused", "no address"],
)
def test_auto_gives_the_sample_and_full_says_why_without_a_server(
    folder, capsys, monkeypatch, mirror, sentence
):
    monkeypatch.setenv("MNIST_LIB_MIRROR", mirror or refused())
    check_both_ways(folder, capsys, sentence)


def test_a_name_that_does_not_resolve_ends_within_ten_seconds(folder, monkeypatch):
    monkeypatch.setenv("MNIST_LIB_MIRROR", "http://no-such-host.invalid/")
    begin = time.monotonic()
    with pytest.raises(DataUnavailable, match=r"^no-such-host.invalid (did not send|sent nothing)"):
        fetch(folder)
    assert time.monotonic() - begin <= 10
    assert left_in(folder) == set()


@pytest.mark.parametrize(
    "answer", [loopback.silence, loopback.half_then_silence], ids=lambda answer: answer.__name__
)
def test_a_server_that_falls_silent_is_left_within_ten_seconds(serve, folder, answer):
    serve(answer)
    begin = time.monotonic()
    with pytest.raises(DataUnavailable, match=r"^127.0.0.1:[0-9]+ sent nothing for [46] s$"):
        fetch(folder)
    assert time.monotonic() - begin <= 10
    assert left_in(folder) == set()


def test_a_server_that_accepts_and_never_answers_gives_auto_the_sample(folder, monkeypatch, capsys):
    monkeypatch.setattr(download, "ANSWER_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        monkeypatch.setenv("MNIST_LIB_MIRROR", f"http://127.0.0.1:{deaf.getsockname()[1]}/")
        assert load_mnist("auto").source == "sample"
    assert "sent nothing for" in capsys.readouterr().out


def test_a_trickle_ends_when_the_time_is_up(serve, folder, monkeypatch, capsys):
    serve(loopback.trickle)
    monkeypatch.setattr(data, "AUTO_SECONDS", 3.0)
    begin = time.monotonic()
    assert load_mnist("auto").source == "sample"
    assert time.monotonic() - begin <= 10
    assert " bytes, and not all of MNIST, when the time was up." in capsys.readouterr().out
    assert left_in(folder) == set()


def test_a_slow_but_steady_line_is_waited_for(serve, folder, monkeypatch):
    """The first file takes longer than a silence may last, and comes a few bytes at a time."""

    def in_steps(handler, packed):
        loopback.send(handler, b"", length=len(packed))
        step = len(packed) // 25 + 1 if len(server.asked) == 1 else len(packed)
        for start in range(0, len(packed), step):
            time.sleep(0.1)
            handler.wfile.write(packed[start : start + step])

    monkeypatch.setattr(download, "ANSWER_SECONDS", 1.8)
    monkeypatch.setattr(download, "STALL_SECONDS", 1.8)
    server = serve(in_steps)
    fetch(folder)
    assert is_complete(folder)


@pytest.mark.parametrize(
    "fault", ["404", "a page with status 200", "other data", "a file cut short"]
)
def test_the_second_mirror_is_tried_when_the_first_sends(folder, monkeypatch, fault):
    with loopback.serve(FAULTS[fault][0]) as bad, loopback.serve() as good:
        monkeypatch.setattr(download, "MIRRORS", (refused(), bad.url, good.url))
        fetch(folder)
    assert bad.asked and len(good.asked) == 4
    assert held_in(folder) == loopback.FILES
    assert left_in(folder) == {"MNIST"}


def test_when_every_mirror_is_bad_the_message_names_each(folder, monkeypatch):
    with loopback.serve(loopback.status(403)) as one, loopback.serve(loopback.page) as other:
        monkeypatch.setattr(download, "MIRRORS", (one.url, other.url))
        with pytest.raises(
            DataUnavailable, match=r":[0-9]+ answered with error 403 .*; .*:[0-9]+ did not send "
        ):
            fetch(folder)


# Bad folders


@pytest.mark.parametrize("name", ["train", "t10k"])
def test_damaged_files_are_not_trusted_but_kept_and_replaced(serve, folder, name):
    loopback.store(folder, **{name: b"half a fi"})
    assert not is_complete(folder)
    serve()
    fetch(folder)
    assert held_in(folder) == loopback.FILES
    (kept,) = (folder / "MNIST").glob("raw-not-mnist-*")
    assert (kept / f"{name}-labels-idx1-ubyte").read_bytes() == b"half a fi"


def test_damaged_files_stay_where_they_are_when_nothing_better_is_to_be_had(serve, folder):
    loopback.store(folder, t10k=b"half a fi")
    serve(loopback.status(403))
    with pytest.raises(DataUnavailable):
        fetch(folder)
    assert held_in(folder)["t10k-labels-idx1-ubyte"] == b"half a fi"


@pytest.mark.parametrize("name", loopback.FILES)
def test_a_set_that_lacks_a_file_or_has_another_in_its_place_is_not_complete(folder, name):
    path = loopback.store(folder) / "MNIST" / "raw" / name
    assert is_complete(folder)
    *others, last = path.read_bytes()
    path.write_bytes(bytes([*others, last ^ 1]))
    assert not is_complete(folder)
    path.unlink()
    assert not is_complete(folder)


def test_a_folder_that_cannot_be_made_gives_auto_the_sample(serve, tmp_path, monkeypatch, capsys):
    serve()
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("MNIST_LIB_DATA", str(tmp_path / "file" / "data"))
    assert load_mnist("auto").source == "sample"
    assert "/data cannot be written" in capsys.readouterr().out
    with pytest.raises(
        DataUnavailable, match=r"cannot be written .*; set MNIST_LIB_DATA to a folder that can"
    ):
        load_mnist("full")


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser writes everywhere"
)
def test_a_folder_that_cannot_be_written_says_so(serve, folder):
    serve()
    folder.mkdir(mode=0o555)
    with pytest.raises(DataUnavailable, match="cannot be written"):
        fetch(folder)


@pytest.mark.skipif(os.name != "posix", reason="permission bits")
def test_the_lock_may_be_taken_by_other_users_of_a_shared_folder(serve, folder):
    serve()
    fetch(folder)
    assert (folder / ".mnist.lock").stat().st_mode & 0o777 == 0o666


# Many processes, and killed ones


def test_sixteen_processes_at_once_download_once(serve, folder):
    server = serve(loopback.slowly)
    processes = [start_fetch(folder) for _ in range(16)]
    said = [process.communicate()[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * 16, said
    assert len(server.asked) == 4
    assert held_in(folder) == loopback.FILES
    assert left_in(folder) == {"MNIST"}


def test_who_waits_too_long_for_another_process_is_told_so(serve, folder):
    server = serve(loopback.silence)
    other = start_fetch(folder)
    wait_until(lambda: server.asked)
    with pytest.raises(
        DataUnavailable, match="another process has been downloading MNIST for more than 0 s"
    ):
        fetch(folder, seconds=0.2)
    other.kill()
    other.communicate()
    assert len(server.asked) == 1


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL")
@pytest.mark.parametrize("half", [True, False], ids=["within a file", "between files"])
def test_after_a_kill_half_way_the_next_run_succeeds_and_leaves_nothing(serve, folder, half):
    def second_file_hangs(handler, packed):
        if len(server.asked) > 1:
            (loopback.half_then_silence if half else loopback.silence)(handler, packed)
        else:
            loopback.well(handler, packed)

    server = serve(second_file_hangs)
    process = start_fetch(folder)
    wait_until(lambda: len(server.asked) > 1)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert len(list(folder.glob(".download-*"))) == 1 and not is_complete(folder)
    server.answer = loopback.well
    fetch(folder)
    server.over.set()  # the killed process's own child, still listening, gets its end now
    time.sleep(0.3)
    assert held_in(folder) == loopback.FILES
    assert left_in(folder) == {"MNIST"}


def test_a_stopped_cell_leaves_neither_files_nor_a_child(serve, folder, monkeypatch):
    serve(loopback.silence)
    children = []

    class Child(subprocess.Popen):
        def __init__(self, *arguments, **options):
            super().__init__(*arguments, **options)
            children.append(self)

    def stop(seconds, sleep=time.sleep):
        monkeypatch.setattr(time, "sleep", sleep)
        raise KeyboardInterrupt

    monkeypatch.setattr(subprocess, "Popen", Child)
    monkeypatch.setattr(time, "sleep", stop)
    with pytest.raises(KeyboardInterrupt):
        fetch(folder)
    (child,) = children
    assert child.returncode is not None
    assert left_in(folder) == set()
