"""Full MNIST on disk: downloaded once, checked, moved into place whole.

`fetch` is what the package calls. A thread listens to the server; it can be left alone, whatever it waits for. What
comes is kept in a hidden folder of the user's own until all has arrived.
"""

import gzip
import hashlib
import os
import queue
import shutil
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
import zlib
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
PACKED_BYTES = 11_594_722  # of the four files as they are sent
ANSWER_SECONDS = 4.0  # a server that has sent nothing by then is left alone
HANG_UP_SECONDS = 0.1  # between two requests to a server that hung up before it had sent all
STALL_SECONDS = 6.0  # so is a download that has begun, and then brings nothing for so long


class DataUnavailable(RuntimeError):
    """The full MNIST set is not on disk and could not be had. The message says why in one sentence."""


def is_complete(folder):
    """True if `folder`/MNIST/raw holds the four files of MNIST, byte for byte."""
    raw = Path(folder) / "MNIST" / "raw"
    try:
        return all(_is_mnist(name, (raw / name).read_bytes()) for name in SHA256)
    except OSError:
        return False


def fetch(folder, seconds=600.0, progress=lambda there: None):
    """Make sure that `folder` holds all of MNIST, as torchvision stores it.

    The files are compared with their SHA-256 and move into place in one step. A lock lets one process download
    while others wait for it. What arrived before a download was stopped is not asked for again. Files that were there
    and are not MNIST's are kept under another name. The mirrors are tried in turn; the environment variable
    MNIST_LIB_MIRROR, the address of a folder with the four `.gz` files, replaces them.

    Args:
        folder: where MNIST/raw belongs, a path.
        seconds: how long to wait and to download, together.
        progress: called with the number of bytes that are there, of PACKED_BYTES, whenever some have arrived.

    Raises:
        DataUnavailable: the files could not be had; the message says why.
    """
    folder, deadline = Path(folder), time.monotonic() + seconds
    user = getattr(os, "getuid", int)()  # what comes is for nobody else to change
    parts = folder / f".mnist.parts.{user}"
    if is_complete(folder):
        shutil.rmtree(parts, ignore_errors=True)  # left by a process that was killed at its end
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # mode: the users who share a folder share the lock
        with FileLock(folder / ".mnist.lock", timeout=seconds, mode=0o666):
            if not is_complete(folder):
                _put_in_place(_download(parts, deadline, progress), folder)
            shutil.rmtree(parts, ignore_errors=True)
    except Timeout:
        why = f"another process has been downloading MNIST for more than {seconds:.0f} s"
        raise DataUnavailable(why) from None
    except (OSError, NotImplementedError) as error:
        way_out = "name one that can with MNIST_LIB_DATA, or for the command `download`"
        why = f"the folder {folder} cannot be written ({error}); {way_out}"
        raise DataUnavailable(why) from error


def _put_in_place(files, folder):
    """Write the files to `folder`/MNIST/raw in one step. What is there already is kept under another name."""
    for leftover in folder.glob(".download-*"):  # of a process that was killed
        shutil.rmtree(leftover, ignore_errors=True)
    arrived, raw = folder / f".download-{time.time_ns()}", folder / "MNIST" / "raw"
    try:
        arrived.mkdir()
        for name, content in files.items():
            (arrived / name).write_bytes(content)
            (arrived / name).chmod(0o644)  # a class can read it, whatever the umask
        raw.parent.mkdir(exist_ok=True)
        for path in (arrived, raw.parent):
            with suppress(PermissionError):  # it is somebody else's
                path.chmod(0o755)
        if raw.exists():
            raw.replace(raw.with_name(f"raw-not-mnist-{time.time_ns()}"))
        arrived.replace(raw)
    finally:
        shutil.rmtree(arrived, ignore_errors=True)


class _NotSent(Exception):
    """A mirror did not send what it was asked for; the message says why."""


class _HungUp(_NotSent):
    """It sent a part."""


def _download(parts, deadline, progress):
    """The four files, {name: bytes}, from the first mirror that sends what the folder `parts` lacks."""
    named, reasons = os.environ.get("MNIST_LIB_MIRROR"), []
    parts.mkdir(mode=0o700, exist_ok=True)
    if hasattr(os, "getuid") and parts.lstat().st_uid != os.getuid():
        raise PermissionError(f"{parts.name} in it belongs to another user")
    try:
        for mirror in [named] if named else MIRRORS:
            try:
                return {name: _file(mirror, name, parts, deadline, progress) for name in SHA256}
            except _NotSent as reason:
                reasons.append(f"{urllib.parse.urlsplit(mirror).netloc or mirror} {reason}")
            if time.monotonic() > deadline:
                break
    finally:
        with suppress(OSError):
            parts.rmdir()  # where nothing has come
    raise DataUnavailable("; ".join(reasons))


def _file(mirror, name, parts, deadline, progress):
    """One of the files, bytes: what `parts` has of it, and the rest from this mirror."""
    part = parts / f"{name}.gz"
    begun, anew = part.exists(), part.with_suffix(".anew")
    if begun:
        with suppress(_NotSent):
            return _unpacked(part, name)
    while True:
        before = _size(part)
        try:
            arrived = _receive(mirror, part, anew, deadline, progress)
        except _NotSent as reason:
            if _size(anew) > before:
                anew.replace(part)
            if not isinstance(reason, _HungUp) or _size(part) <= before:
                raise
            time.sleep(HANG_UP_SECONDS)
            continue  # it brought something: ask for the rest
        try:
            return _unpacked(arrived, name)
        except _NotSent:
            arrived.unlink()
            if arrived == anew or not begun:
                raise
            begun = False  # what was there did not fit: once more, from the beginning


def _receive(mirror, part, anew, deadline, progress):
    """Add to the file `part` what it lacks, from this mirror, and return it.

    Where the server sends all of it from the beginning, that goes into the file `anew`, which is returned then.
    """
    arrivals, left, patience = queue.SimpleQueue(), threading.Event(), ANSWER_SECONDS
    anew.unlink(missing_ok=True)
    path = part
    try:
        listen = (f"{mirror.rstrip('/')}/{part.name}", _size(part), arrivals, left)
        threading.Thread(target=_listen, args=listen, daemon=True).start()
        while (time_left := deadline - time.monotonic()) > 0:
            arrived = arrivals.get(timeout=min(patience, time_left))
            if arrived is None:
                return path
            if isinstance(arrived, Exception):
                raise arrived
            if arrived == b"":  # what follows is the beginning
                path = anew
                continue
            with path.open("ab") as file:
                file.write(arrived)
            patience = STALL_SECONDS
            progress(_there(part, path))
    except queue.Empty:
        if patience < time_left:
            raise _NotSent(f"sent nothing for {patience:.0f} s") from None
    finally:
        left.set()
    sent = f"had sent {_there(part, path):,} bytes"
    raise _NotSent(f"{sent}, and not all of MNIST, when the time was up")


def _there(part, path):
    """How many bytes of all files have come, where those of `path` stand for `part`."""
    return sum(_size(file) for file in part.parent.glob("*.gz") if file != part) + _size(path)


def _listen(address, start, arrivals, left):
    """Put into the queue `arrivals` the bytes from `start` on as they come, then None; or a _NotSent that says why not.

    Where the server sends the file from its beginning instead, b"" comes first.
    """
    name = address.rpartition("/")[2]
    headers = {"User-Agent": "mnist_lib"} | ({"Range": f"bytes={start}-"} if start else {})
    try:
        request = urllib.request.Request(address, headers=headers)
        with urllib.request.urlopen(request, timeout=2 * STALL_SECONDS) as answer:
            if start and answer.status != 206:
                arrivals.put(b"")
            while not left.is_set() and (chunk := answer.read1(2**16)):
                arrivals.put(chunk)
            arrivals.put(_HungUp(f"sent a part of {name}") if answer.length else None)
    except urllib.error.HTTPError as error:
        if error.code == 416 and start:  # no such part: what is there is not the beginning of it
            return _listen(address, 0, arrivals, left)
        arrivals.put(_NotSent(f"answered with error {error.code} instead of sending {name}"))
    except Exception as error:
        arrivals.put(_NotSent(f"did not send {name} ({getattr(error, 'reason', error)})"))


def _unpacked(part, name):
    """The file that is packed in `part`, bytes, where that is a file of MNIST."""
    try:
        content = gzip.decompress(part.read_bytes())
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise _NotSent(f"did not send {name}.gz ({error})") from error
    if not _is_mnist(name, content):
        raise _NotSent("sent files that are not those of MNIST")
    return content


def _size(path):
    return path.stat().st_size if path.exists() else 0


def _is_mnist(name, content):
    return hashlib.sha256(content).hexdigest() == SHA256[name]
