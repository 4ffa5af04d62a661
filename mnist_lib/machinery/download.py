"""Full MNIST on disk: downloaded once, checked, moved into place whole.

`fetch` is what the package calls. A thread listens to the server and keeps what comes in memory; it can be left
alone, whatever it waits for. Nothing is written before all has arrived and is MNIST, byte for byte.
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
ANSWER_SECONDS = 4.0  # a server that has sent nothing by then is left alone
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


def fetch(folder, seconds=600.0):
    """Make sure that `folder` holds all of MNIST, as torchvision stores it.

    The files are compared with their SHA-256 and move into place in one step. A lock lets one process download
    while others wait for it. Files that were there and are not MNIST's are kept under another name. The mirrors are
    tried in turn; the environment variable MNIST_LIB_MIRROR, the address of a folder with the four `.gz` files,
    replaces them.

    Args:
        folder: where MNIST/raw belongs, a path.
        seconds: how long to wait and to download, together.

    Raises:
        DataUnavailable: the files could not be had; the message says why.
    """
    folder, deadline = Path(folder), time.monotonic() + seconds
    if is_complete(folder):
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # mode: the users who share a folder share the lock
        with FileLock(folder / ".mnist.lock", timeout=seconds, mode=0o666):
            if not is_complete(folder):
                _put_in_place(_download(deadline), folder)
    except Timeout:
        raise DataUnavailable(
            f"another process has been downloading MNIST for more than {seconds:.0f} s"
        ) from None
    except (OSError, NotImplementedError) as error:
        raise DataUnavailable(
            f"the folder {folder} cannot be written ({error}); "
            "set MNIST_LIB_DATA to a folder that can, or that holds MNIST already"
        ) from error


def _put_in_place(files, folder):
    """Write the files to `folder`/MNIST/raw in one step. What is there already is kept under another name."""
    for leftover in folder.glob(".download-*"):  # of a process that was killed
        shutil.rmtree(leftover, ignore_errors=True)
    arrived, raw = folder / f".download-{time.time_ns()}", folder / "MNIST" / "raw"
    try:
        arrived.mkdir()
        for name, content in files.items():
            (arrived / name).write_bytes(content)
        raw.parent.mkdir(exist_ok=True)
        if raw.exists():
            raw.replace(raw.with_name(f"raw-not-mnist-{time.time_ns()}"))
        arrived.replace(raw)
    finally:
        shutil.rmtree(arrived, ignore_errors=True)


def _download(deadline):
    """The four files, {name: bytes}, from the first mirror that sends them."""
    named, reasons = os.environ.get("MNIST_LIB_MIRROR"), []
    for mirror in [named] if named else MIRRORS:
        answer = _ask(mirror, deadline)
        if isinstance(answer, dict):
            return answer
        reasons.append(f"{urllib.parse.urlsplit(mirror).netloc or mirror} {answer}")
        if time.monotonic() > deadline:
            break
    raise DataUnavailable("; ".join(reasons))


def _ask(mirror, deadline):
    """The four files, {name: bytes}, from this mirror; or, as a str, why it did not send them."""
    arrivals, left = queue.SimpleQueue(), threading.Event()
    size, patience = 0, ANSWER_SECONDS
    try:
        threading.Thread(target=_listen, args=(mirror, arrivals, left), daemon=True).start()
        while (time_left := deadline - time.monotonic()) > 0:
            arrived = arrivals.get(timeout=min(patience, time_left))
            if not isinstance(arrived, int):
                return arrived
            size, patience = size + arrived, STALL_SECONDS
    except queue.Empty:
        if patience < time_left:
            return f"sent nothing for {patience:.0f} s"
    finally:
        left.set()
    return f"had sent {size:,} bytes, and not all of MNIST, when the time was up"


def _listen(mirror, arrivals, left):
    """Put into the queue `arrivals` the number of bytes as they come; at last the files, or why there are none."""
    files = {}
    for name in SHA256:
        try:
            address, headers = f"{mirror.rstrip('/')}/{name}.gz", {"User-Agent": "mnist_lib"}
            request, packed = urllib.request.Request(address, headers=headers), bytearray()
            with urllib.request.urlopen(request, timeout=2 * STALL_SECONDS) as answer:
                while not left.is_set() and (chunk := answer.read1(2**16)):
                    packed += chunk
                    arrivals.put(len(chunk))
            files[name] = gzip.decompress(packed)
        except urllib.error.HTTPError as error:
            return arrivals.put(f"answered with error {error.code} instead of sending {name}.gz")
        except Exception as error:
            return arrivals.put(f"did not send {name}.gz ({getattr(error, 'reason', error)})")
        if not _is_mnist(name, files[name]):
            return arrivals.put("sent files that are not those of MNIST")
    arrivals.put(files)


def _is_mnist(name, content):
    return hashlib.sha256(content).hexdigest() == SHA256[name]
