"""Downloading MNIST from a server on this machine, over a good line and over bad ones."""

import contextlib
import itertools
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import loopback
import pytest

from mnist_lib import data
from mnist_lib.data import load_mnist
from mnist_lib.machinery import download
from mnist_lib.machinery.download import DataUnavailable, fetch, is_complete

# A process of its own that fetches the tiny set.
FETCH = """
import json, sys
from mnist_lib.machinery import download
download.SHA256 = json.loads(sys.argv[1])
download.fetch(sys.argv[2], seconds=100)
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

# The same, killed before the step on the disk that is named by its number.
FETCH_KILLED = (
    """
import os, sys
steps = 0
def count(event, arguments):
    global steps
    writes = event == "open" and "w" in (arguments[1] or "")
    if "download" in globals() and (writes or event.startswith(("os.", "shutil.", "tempfile."))):
        steps += 1
        if steps == int(sys.argv[3]):
            os._exit(9)
sys.addaudithook(count)
"""
    + FETCH
)


@pytest.fixture(autouse=True)
def tiny(monkeypatch, tmp_path):
    """The tiny set is what counts as MNIST; folders are temporary; the settings of the machine do not matter."""
    monkeypatch.setattr(download, "SHA256", loopback.HASHES)
    monkeypatch.setattr(data, "AUTO_SECONDS", 100.0)  # for a busy machine
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


def start_fetch(folder, program=FETCH, *arguments):
    command = [sys.executable, "-c", program, json.dumps(loopback.HASHES), str(folder), *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def wait_until(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "what was waited for did not happen"
        time.sleep(0.01)


def listeners():
    return [thread for thread in threading.enumerate() if "_listen" in thread.name]


def left_in(folder):
    return {path.name for path in folder.iterdir()} - {".mnist.lock"}


def held_in(folder):
    return {path.name: path.read_bytes() for path in (folder / "MNIST" / "raw").iterdir()}


def sent_once(server):
    """Whether the server was asked for the four files, for each of them once."""
    return sorted(server.asked) == sorted(f"/{name}.gz" for name in loopback.FILES)


def refused():
    """The address of a server that is not there."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{listener.getsockname()[1]}/"


# A good line


def test_complete_data_is_used_without_writing_beside_it(folder, monkeypatch):
    loopback.store(folder)
    monkeypatch.setenv("MNIST_LIB_MIRROR", refused())
    os.chmod(folder, 0o555)
    fetch(folder)
    assert load_mnist("full").source == "full"
    os.chmod(folder, 0o755)
    assert [path.name for path in folder.iterdir()] == ["MNIST"]


@pytest.mark.parametrize("source", ["auto", "full"])
def test_load_mnist_uses_what_is_on_disk(folder, monkeypatch, source):
    loopback.store(folder)
    monkeypatch.setenv("MNIST_LIB_MIRROR", refused())
    assert load_mnist(source).source == "full"


def test_load_mnist_downloads_what_is_damaged_once_and_keeps_it(serve, folder, monkeypatch, capsys):
    loopback.store(folder, t10k=b"half a fi")
    server = serve()
    monkeypatch.setenv("MNIST_LIB_MIRROR", server.url.rstrip("/"))
    for source in ("auto", "full"):
        mnist = load_mnist(source)
        assert mnist.source == "full"
        assert (len(mnist.train), len(mnist.validation), len(mnist.test)) == (220, 20, 40)
        said = capsys.readouterr().out
        assert said == "Digits: all of MNIST (220 to train, 20 to validate, 40 to test).\n"
    assert sent_once(server)
    assert held_in(folder) == loopback.FILES
    (kept,) = (folder / "MNIST").glob("raw-not-mnist-*")
    assert (kept / "t10k-labels-idx1-ubyte").read_bytes() == b"half a fi"
    assert left_in(folder) == {"MNIST"}


def test_a_server_that_refuses_python_is_asked_under_another_name(serve, folder):
    serve(no_programs)
    fetch(folder)
    assert held_in(folder) == loopback.FILES


def test_the_sample_in_the_environment_keeps_auto_from_the_network(serve, monkeypatch):
    server = serve()
    monkeypatch.setenv("MNIST_LIB_SOURCE", "sample")
    assert load_mnist("auto").source == "sample"
    assert server.asked == []


# Bad lines


def headers_then_silence(handler, packed):
    loopback.send(handler, b"", length=len(packed))
    handler.server.over.wait()


def headers_for_ever(handler, packed):
    """A line of them twice a second: never silent, and never at the point."""
    handler.send_response(200)
    while not handler.server.over.wait(0.5):
        handler.send_header("X-Wait", "a little")
        handler.flush_headers()


def no_programs(handler, packed):
    """As some servers do, it answers browsers and refuses what calls itself Python."""
    refuses = "Python" in handler.headers["User-Agent"]
    (loopback.status(403) if refuses else loopback.well)(handler, packed)


FAULTS = {
    "403": (loopback.status(403), "answered with error 403 instead of sending {}"),
    "404": (loopback.status(404), "answered with error 404 instead of sending {}"),
    "redirected in circles": (loopback.in_circles, "answered with error 302 instead of sending {}"),
    "hangs up": (loopback.nothing, r"did not send {} \(Remote end closed"),
    "a page with status 200": (loopback.page, r"did not send {} \(Not a gzipped file"),
    "damaged on the way": (loopback.damaged, r"did not send {} \(CRC check failed"),
    "a file cut short": (loopback.short_file, r"did not send {} \(Compressed file ended"),
}
FIRST = "train-images-idx3-ubyte.gz"


def check_auto(folder, capsys, sentence):
    """Whoever asks for "auto" gets the sample and one line that says why, which is returned; nothing is left."""
    assert load_mnist("auto").source == "sample"
    said = capsys.readouterr().out
    begin = (
        "Digits: the 5,000-image sample (3,500 to train, 500 to validate, 1,000 to test), because "
    )
    assert said.startswith(begin) and said.endswith(".\n") and said.count("\n") == 1
    reason = said.removeprefix(begin).removesuffix(".\n")
    assert re.match(sentence, reason), reason
    assert left_in(folder) == set()
    return reason


def check_both_ways(folder, capsys, sentence):
    """The same; and full MNIST is refused with the same sentence."""
    reason = check_auto(folder, capsys, sentence)
    with pytest.raises(DataUnavailable, match=f"^{re.escape(reason)}$"):
        load_mnist("full")
    assert left_in(folder) == set()


@pytest.mark.parametrize("fault", FAULTS)
def test_auto_gives_the_sample_and_full_says_why_when_the_server(serve, folder, capsys, fault):
    answer, sentence = FAULTS[fault]
    serve(answer)
    check_both_ways(folder, capsys, "127.0.0.1:[0-9]+ " + sentence.format(FIRST))


@pytest.mark.parametrize(
    ("mirror", "sentence"),
    [
        (None, f"127.0.0.1:[0-9]+ did not send {FIRST} .*refused"),
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


def test_a_name_that_takes_for_ever_to_resolve_is_left_soon(folder, monkeypatch):
    over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *arguments: over.wait())
    monkeypatch.setattr(download, "ANSWER_SECONDS", 1.0)
    monkeypatch.setenv("MNIST_LIB_MIRROR", "http://localhost/")
    begin = time.monotonic()
    with pytest.raises(DataUnavailable, match=r"^localhost sent nothing for 1 s$"):
        fetch(folder)
    assert time.monotonic() - begin <= 3
    (listening,) = listeners()
    over.set()
    assert listening.daemon  # Python does not wait for it when it ends


def test_two_mirrors_that_accept_and_never_answer_give_auto_the_sample_within_ten_seconds(
    folder, capsys, monkeypatch
):
    with loopback.serve(loopback.silence) as one, loopback.serve(loopback.silence) as other:
        monkeypatch.setattr(download, "MIRRORS", (one.url, other.url))
        begin = time.monotonic()
        check_auto(
            folder, capsys, r".*:[0-9]+ sent nothing for 4 s; .*:[0-9]+ sent nothing for 4 s$"
        )
        assert time.monotonic() - begin <= 10


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [(headers_then_silence, 4), (headers_for_ever, 4), (loopback.half_then_silence, 3)],
)
def test_a_server_that_falls_silent_is_left_soon_after(serve, folder, monkeypatch, answer, seconds):
    monkeypatch.setattr(download, "STALL_SECONDS", 3.0)
    serve(answer)
    begin = time.monotonic()
    with pytest.raises(DataUnavailable, match=rf"^127.0.0.1:[0-9]+ sent nothing for {seconds} s$"):
        fetch(folder)
    assert time.monotonic() - begin <= seconds + 2
    assert left_in(folder) == set()


def test_a_trickle_is_no_silence_and_ends_when_the_time_is_up(serve, folder, monkeypatch, capsys):
    server = serve(loopback.trickle)
    monkeypatch.delenv("MNIST_LIB_MIRROR")
    monkeypatch.setattr(download, "MIRRORS", (server.url, server.url))
    monkeypatch.setattr(download, "STALL_SECONDS", 1.0)
    monkeypatch.setattr(data, "AUTO_SECONDS", 3.0)
    begin = time.monotonic()
    check_auto(
        folder,
        capsys,
        "127.0.0.1:[0-9]+ had sent [1-9][0-9,]+ bytes, and not all of MNIST, when the time was up$",
    )
    assert time.monotonic() - begin <= 5
    assert len(server.asked) == 1  # there was no time left for another mirror


def test_the_next_mirror_is_tried_after_a_bad_one(folder, monkeypatch):
    """One that is not there, one that has no such file, one that stops in the middle; the fourth is good."""
    with (
        loopback.serve(loopback.status(404)) as without,
        loopback.serve(loopback.short_answer) as short,
        loopback.serve() as good,
    ):
        monkeypatch.setattr(download, "MIRRORS", (refused(), without.url, short.url, good.url))
        fetch(folder)
    assert without.asked and short.asked and sent_once(good)
    assert held_in(folder) == loopback.FILES
    assert left_in(folder) == {"MNIST"}


def test_when_every_mirror_is_bad_the_message_names_each(folder, monkeypatch, capsys):
    with loopback.serve(loopback.other_data) as one, loopback.serve(loopback.status(403)) as other:
        monkeypatch.setattr(download, "MIRRORS", (one.url, other.url))
        sentence = (
            ".*:[0-9]+ sent files that are not those of MNIST; .*:[0-9]+ answered with error 403"
        )
        check_auto(folder, capsys, sentence)


# Bad folders


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


def test_a_full_disk_says_so_and_leaves_nothing(serve, folder, monkeypatch):
    def write_bytes(path, content, write=Path.write_bytes):
        write(path, content[:100])
        raise OSError("No space left on device")

    serve()
    monkeypatch.setattr(Path, "write_bytes", write_bytes)
    with pytest.raises(DataUnavailable, match=r"cannot be written \(No space left on device\)"):
        fetch(folder)
    assert left_in(folder) == set()


@pytest.mark.skipif(os.name != "posix", reason="permission bits")
def test_the_lock_may_be_taken_by_other_users_of_a_shared_folder(serve, folder):
    serve(loopback.status(403))
    with pytest.raises(DataUnavailable):
        fetch(folder)
    assert (folder / ".mnist.lock").stat().st_mode & 0o777 == 0o666


# Many processes, and killed ones


def test_sixteen_processes_at_once_download_once_and_see_no_half_set(serve, folder):
    server = serve(loopback.slowly)
    processes = [start_fetch(folder, FETCH_WATCHED) for _ in range(16)]
    said = [process.communicate()[0] for process in processes]
    assert said == [""] * 16
    assert [process.returncode for process in processes] == [0] * 16
    assert sent_once(server)
    assert held_in(folder) == loopback.FILES
    assert left_in(folder) == {"MNIST"}


def test_half_a_set_would_have_been_seen(folder, monkeypatch):
    loopback.store(folder, t10k=b"damaged")
    monkeypatch.setenv("MNIST_LIB_MIRROR", refused())
    assert "half a set in place" in start_fetch(folder, FETCH_WATCHED).communicate()[0]


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
def test_after_a_kill_half_way_the_next_run_succeeds_and_leaves_nothing(serve, folder):
    def third_file_hangs(handler, packed):
        hangs = "t10k-images" in handler.path
        (loopback.half_then_silence if hangs else loopback.well)(handler, packed)

    server = serve(third_file_hangs)
    process = start_fetch(folder)
    wait_until(lambda: len(server.asked) == 3)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert left_in(folder) == set()
    server.answer = loopback.well
    fetch(folder)
    assert held_in(folder) == loopback.FILES
    assert left_in(folder) == {"MNIST"}


def test_after_a_kill_before_any_step_on_the_disk_the_next_run_succeeds_and_loses_nothing(
    serve, tmp_path
):
    serve()
    for step in itertools.count(1):
        folder = loopback.store(tmp_path / str(step), t10k=b"half a fi")
        process = start_fetch(folder, FETCH_KILLED, str(step))
        said = process.communicate()[0]
        assert process.returncode in (0, 9), said
        fetch(folder)
        assert held_in(folder) == loopback.FILES
        assert left_in(folder) == {"MNIST"}
        (kept,) = (folder / "MNIST").glob("raw-not-mnist-*")
        assert (kept / "t10k-labels-idx1-ubyte").read_bytes() == b"half a fi"
        if process.returncode == 0:  # there are no more steps
            break
    assert step > 12


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize("answer", [loopback.silence, loopback.trickle])
def test_a_stopped_cell_leaves_neither_files_nor_a_thread(serve, folder, monkeypatch, answer):
    def stop(handler, packed):
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        answer(handler, packed)

    monkeypatch.setattr(download, "STALL_SECONDS", 0.5)
    serve(stop)
    begin = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        fetch(folder)
    assert time.monotonic() - begin <= 2
    assert left_in(folder) == set()
    wait_until(lambda: not listeners(), seconds=5)
