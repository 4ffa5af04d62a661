"""Downloading MNIST from a server on this machine, over a good line and over bad ones."""

import contextlib
import functools
import gzip
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

# A process that forks one for each folder it is told, to fetch the tiny set, and says how they end: with 3 where half a
# set was in place before a step on the disk; with 9 where one was killed before the step that its number names.
FORKS = """
import json, os, pathlib, sys
from mnist_lib.machinery import download
download.SHA256 = json.loads(sys.argv[1])

def fetch(folder, mirror, watched, last):
    steps, looking = 0, False
    def step(event, arguments):
        nonlocal steps, looking
        if watched and not looking and event.startswith(("open", "os.", "shutil.")):
            looking = True
            if pathlib.Path(folder, "MNIST", "raw").exists() and not download.is_complete(folder):
                os._exit(3)
            looking = False
        writes = event == "open" and set("wa") & set(arguments[1] or "")
        if last and (writes or event.startswith(("os.", "shutil.", "tempfile."))):
            steps += 1
            if steps == last:
                os._exit(9)
    os.environ["MNIST_LIB_MIRROR"] = mirror
    sys.addaudithook(step)
    download.fetch(folder, seconds=100)

for line in sys.stdin:
    folders, *how = json.loads(line)
    children = []
    for folder in folders:
        children.append(os.fork())
        if children[-1] == 0:
            try:
                fetch(folder, *how)
                os._exit(0)
            finally:
                os._exit(1)
    print(json.dumps(children), flush=True)
    ends = [os.waitpid(child, 0)[1] for child in children]
    print(json.dumps([os.waitstatus_to_exitcode(end) for end in ends]), flush=True)
"""
PARTS = f".mnist.parts.{getattr(os, 'getuid', int)()}"
posix = pytest.mark.skipif(os.name != "posix", reason="os.fork, signals, permission bits")
load_sample = functools.cache(data._load_sample)


@pytest.fixture(autouse=True)
def tiny(monkeypatch, tmp_path):
    """The tiny set is what counts as MNIST; folders are temporary; the settings of the machine do not matter."""
    monkeypatch.setattr(download, "SHA256", loopback.HASHES)
    monkeypatch.setattr(data, "AUTO_SECONDS", 100.0)  # for a busy machine
    monkeypatch.setattr(data, "_load_sample", load_sample)  # read once
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


@pytest.fixture(scope="module")
def forks():
    """Start processes that fetch, one for each folder: their ids. `ends()` says how they ended."""
    command = [sys.executable, "-c", FORKS, json.dumps(loopback.HASHES)]
    environment = os.environ | {"no_proxy": "*"}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=environment, **pipes) as process:

        def start(*folders, watched=False, last=None):
            how = [os.environ["MNIST_LIB_MIRROR"], watched, last]
            print(json.dumps([[*map(str, folders)], *how]), file=process.stdin, flush=True)
            return json.loads(process.stdout.readline())

        start.ends = lambda: json.loads(process.stdout.readline())
        yield start
        process.stdin.close()


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


def check_auto(folder, capsys, sentence, left=()):
    """Whoever asks for "auto" gets the sample and one line that says why, returned here. What had come is `left`."""
    assert load_mnist("auto").source == "sample"
    said = capsys.readouterr().out
    begin = (
        "Digits: the 5,000-image sample (3,500 to train, 500 to validate, 1,000 to test), because "
    )
    assert said.startswith(begin) and said.endswith(".\n") and said.count("\n") == 1
    reason = said.removeprefix(begin).removesuffix(".\n")
    assert re.match(sentence, reason), reason
    assert left_in(folder) == set(left)
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


def test_mirrors_that_accept_and_never_answer_give_auto_the_sample_within_ten_seconds(
    folder, capsys, monkeypatch
):
    assert (download.ANSWER_SECONDS, len(download.MIRRORS)) == (4, 2)  # four times as long as here
    monkeypatch.setattr(download, "ANSWER_SECONDS", 1.0)
    with loopback.serve(loopback.silence) as one, loopback.serve(loopback.silence) as other:
        monkeypatch.setattr(download, "MIRRORS", (one.url, other.url))
        begin = time.monotonic()
        check_auto(
            folder, capsys, r".*:[0-9]+ sent nothing for 1 s; .*:[0-9]+ sent nothing for 1 s$"
        )
        assert time.monotonic() - begin <= 4


@pytest.mark.parametrize(
    ("answer", "limit", "left"),
    [
        (headers_then_silence, "ANSWER_SECONDS", set()),
        (headers_for_ever, "ANSWER_SECONDS", set()),
        (loopback.half_then_silence, "STALL_SECONDS", {PARTS}),
    ],
)
def test_a_server_that_falls_silent_is_left_soon_after(
    serve, folder, monkeypatch, answer, limit, left
):
    monkeypatch.setattr(download, limit, 1.0)
    serve(answer)
    begin = time.monotonic()
    with pytest.raises(DataUnavailable, match=r"^127.0.0.1:[0-9]+ sent nothing for 1 s$"):
        fetch(folder)
    assert time.monotonic() - begin <= 3
    assert left_in(folder) == left


def test_a_trickle_is_no_silence_and_ends_when_the_time_is_up(serve, folder, monkeypatch, capsys):
    server = serve(loopback.trickle)
    monkeypatch.delenv("MNIST_LIB_MIRROR")
    monkeypatch.setattr(download, "MIRRORS", (server.url, server.url))
    monkeypatch.setattr(download, "STALL_SECONDS", 1.0)
    monkeypatch.setattr(data, "AUTO_SECONDS", 2.0)
    begin = time.monotonic()
    check_auto(
        folder,
        capsys,
        "127.0.0.1:[0-9]+ had sent [1-9][0-9,]+ bytes, and not all of MNIST, when the time was up$",
        left={PARTS},
    )
    assert time.monotonic() - begin <= 4
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


# What has come already


def test_a_line_that_breaks_again_and_again_brings_it_all_once(serve, folder):
    seen = []
    server = serve(functools.partial(loopback.ranges, most=40_000))
    fetch(folder, progress=seen.append)
    assert held_in(folder) == loopback.FILES
    size = sum(len(loopback.pack(name)) for name in loopback.FILES)
    assert server.sent == size and len(server.asked) > 6
    assert seen == sorted(seen) and seen[-1] == size


@pytest.mark.parametrize(
    "part",
    [
        loopback.pack("t10k-images-idx3-ubyte")[:20_000],  # of another file
        bytes(10**6),  # longer than what is sent
        gzip.compress(b"another file"),
    ],
    ids=["another", "longer", "whole"],
)
def test_what_does_not_fit_is_asked_for_from_the_beginning(serve, folder, part):
    parts = folder / PARTS
    parts.mkdir(parents=True)
    (parts / FIRST).write_bytes(part)
    serve(loopback.ranges)
    fetch(folder)
    assert held_in(folder) == loopback.FILES
    assert left_in(folder) == {"MNIST"}


@pytest.mark.parametrize(
    "answer",
    [loopback.status(403), loopback.page, loopback.other_data, loopback.short_answer],
    ids=["403", "a page", "another file", "the first half, anew"],
)
def test_a_poor_answer_loses_nothing_of_what_has_come(serve, folder, answer):
    parts = folder / PARTS
    parts.mkdir(parents=True)
    (parts / FIRST).write_bytes(loopback.pack(FIRST.removesuffix(".gz"))[:-1])
    server = serve(answer)
    with pytest.raises(DataUnavailable):
        fetch(folder)
    server.answer, server.sent = loopback.ranges, 0
    fetch(folder)
    assert server.sent == 1 + sum(len(loopback.pack(name)) for name in [*loopback.FILES][1:])
    assert left_in(folder) == {"MNIST"}


def test_what_comes_anew_and_is_more_takes_the_place_of_what_has_come(serve, folder):
    """From a server that always begins at the beginning."""
    parts = folder / PARTS
    parts.mkdir(parents=True)
    (parts / FIRST).write_bytes(loopback.pack(FIRST.removesuffix(".gz"))[:1000])
    serve(loopback.short_answer)
    with pytest.raises(DataUnavailable, match="sent a part of"):
        fetch(folder)
    assert (parts / FIRST).stat().st_size == len(loopback.pack(FIRST.removesuffix(".gz"))) // 2


def test_a_mirror_that_stalls_is_left_for_the_next(folder, monkeypatch):
    def a_little(handler, packed):
        loopback.ranges(handler, packed, most=1000)
        handler.server.over.wait()

    monkeypatch.setattr(download, "STALL_SECONDS", 0.5)
    with loopback.serve(a_little) as one, loopback.serve(loopback.ranges) as other:
        monkeypatch.setattr(download, "MIRRORS", (one.url, other.url))
        fetch(folder, seconds=60)
    assert len(one.asked) == 1 and held_in(folder) == loopback.FILES
    size = sum(len(loopback.pack(name)) for name in loopback.FILES)
    assert (one.sent, other.sent) == (1000, size - 1000)


@posix
def test_nobody_else_can_change_what_has_come(serve, folder):
    serve(loopback.short_answer)
    with pytest.raises(DataUnavailable, match="sent a part of"):
        fetch(folder)
    assert (folder / PARTS).stat().st_mode & 0o777 == 0o700


@posix
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs another user")
def test_a_folder_that_somebody_else_has_put_there_is_not_used(serve, folder):
    (folder / PARTS).mkdir(parents=True)
    os.chown(folder / PARTS, 12345, 12345)
    serve()
    with pytest.raises(DataUnavailable, match="belongs to another user"):
        fetch(folder)
    assert not list((folder / PARTS).iterdir())


@posix
def test_what_one_user_fetched_all_others_can_read(serve, folder):
    before = os.umask(0o077)
    try:
        serve()
        folder.mkdir()
        fetch(folder)
    finally:
        os.umask(before)
    raw = folder / "MNIST" / "raw"
    assert {path.stat().st_mode & 0o777 for path in (raw.parent, raw)} == {0o755}
    assert {path.stat().st_mode & 0o777 for path in raw.iterdir()} == {0o644}


# Bad folders


def test_damaged_files_stay_where_they_are_when_nothing_better_is_to_be_had(serve, folder):
    loopback.store(folder, t10k=b"half a fi")
    serve(loopback.status(403))
    with pytest.raises(DataUnavailable):
        fetch(folder)
    assert held_in(folder)["t10k-labels-idx1-ubyte"] == b"half a fi"


def test_a_set_that_lacks_a_file_or_has_another_in_its_place_is_not_complete(folder):
    loopback.store(folder)
    for name, content in loopback.FILES.items():
        path = folder / "MNIST" / "raw" / name
        assert is_complete(folder)
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        assert not is_complete(folder)
        path.unlink()
        assert not is_complete(folder)
        path.write_bytes(content)


def test_a_folder_that_cannot_be_made_gives_auto_the_sample(serve, tmp_path, monkeypatch, capsys):
    serve()
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("MNIST_LIB_DATA", str(tmp_path / "file" / "data"))
    assert load_mnist("auto").source == "sample"
    assert "/data cannot be written" in capsys.readouterr().out
    with pytest.raises(
        DataUnavailable, match=r"cannot be written .*; name one that can with MNIST_LIB_DATA"
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


def test_a_full_disk_says_so_and_goes_on_when_there_is_space(serve, folder, monkeypatch):
    def write_bytes(path, content, write=Path.write_bytes):
        write(path, content[:100])
        raise OSError("No space left on device")

    server = serve()
    with monkeypatch.context() as full:
        full.setattr(Path, "write_bytes", write_bytes)
        with pytest.raises(DataUnavailable, match=r"cannot be written \(No space left on device\)"):
            fetch(folder)
    assert left_in(folder) == {PARTS}
    fetch(folder)
    assert left_in(folder) == {"MNIST"} and sent_once(server)


@posix
def test_the_lock_may_be_taken_by_other_users_of_a_shared_folder(serve, folder):
    serve(loopback.status(403))
    with pytest.raises(DataUnavailable):
        fetch(folder)
    assert (folder / ".mnist.lock").stat().st_mode & 0o777 == 0o666


# Many processes, and killed ones


@posix
def test_sixteen_processes_at_once_download_once_and_see_no_half_set(serve, folder, forks):
    server = serve(loopback.slowly)
    forks(*[folder] * 16, watched=True)
    assert forks.ends() == [0] * 16
    assert sent_once(server)
    assert held_in(folder) == loopback.FILES
    assert left_in(folder) == {"MNIST"}


@posix
def test_half_a_set_would_have_been_seen(serve, folder, forks):
    loopback.store(folder, t10k=b"damaged")
    serve()
    forks(folder, watched=True)
    assert forks.ends() == [3]


@posix
def test_who_waits_too_long_for_another_process_is_told_so(serve, folder, forks):
    server = serve(loopback.silence)
    (other,) = forks(folder)
    wait_until(lambda: server.asked)
    with pytest.raises(
        DataUnavailable, match="another process has been downloading MNIST for more than 0 s"
    ):
        fetch(folder, seconds=0.2)
    os.kill(other, signal.SIGKILL)
    assert forks.ends() == [-signal.SIGKILL]
    assert len(server.asked) == 1


@posix
@pytest.mark.parametrize("answer", [loopback.well, loopback.ranges])
def test_after_a_kill_half_way_the_next_run_goes_on_and_leaves_nothing(
    serve, folder, forks, answer
):
    def third_file_hangs(handler, packed):
        hangs = "t10k-images" in handler.path
        (loopback.half_then_silence if hangs else answer)(handler, packed)

    server = serve(third_file_hangs)
    (other,) = forks(folder)
    third = folder / PARTS / "t10k-images-idx3-ubyte.gz"
    wait_until(third.exists)
    os.kill(other, signal.SIGKILL)
    assert forks.ends() == [-signal.SIGKILL]
    assert left_in(folder) == {PARTS}
    there = third.stat().st_size if answer is loopback.ranges else 0
    server.answer, server.asked, server.sent = answer, [], 0
    fetch(folder)
    assert held_in(folder) == loopback.FILES
    assert left_in(folder) == {"MNIST"}
    names = ["t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"]
    assert server.asked == [f"/{name}.gz" for name in names]
    assert server.sent == sum(len(loopback.pack(name)) for name in names) - there


@posix
def test_after_a_kill_before_any_step_on_the_disk_the_next_run_succeeds_and_loses_nothing(
    serve, tmp_path, forks
):
    serve()
    for step in itertools.count(1):
        folder = loopback.store(tmp_path / str(step), t10k=b"half a fi")
        forks(folder, last=step)
        (end,) = forks.ends()
        assert end in (0, 9)
        fetch(folder)
        assert held_in(folder) == loopback.FILES
        assert left_in(folder) == {"MNIST"}
        (kept,) = (folder / "MNIST").glob("raw-not-mnist-*")
        assert (kept / "t10k-labels-idx1-ubyte").read_bytes() == b"half a fi"
        if end == 0:  # there are no more steps
            break
    assert step > 12


@pytest.fixture
def interrupts():
    """A signal raises KeyboardInterrupt, as in a notebook. (Where pytest runs in the background, it is ignored.)"""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@posix
@pytest.mark.usefixtures("interrupts")
@pytest.mark.parametrize("answer", [loopback.silence, loopback.trickle])
def test_a_stopped_cell_leaves_no_thread(serve, folder, monkeypatch, answer):
    def stop(handler, packed):
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        answer(handler, packed)

    monkeypatch.setattr(download, "STALL_SECONDS", 0.5)
    serve(stop)
    begin = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        fetch(folder)
    assert time.monotonic() - begin <= 2
    wait_until(lambda: not listeners(), seconds=5)
