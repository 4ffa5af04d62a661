"""Full MNIST on disk: downloaded once, checked, moved into place whole.

`fetch` is what the package calls. Run as a program, this file is the child process that has torchvision
download from one server. torchvision waits for ever; a child can be stopped, whatever it is waiting for.
"""

import hashlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

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
IMPORT_SECONDS = 60.0  # torchvision may take so long to import, on a busy machine
STALL_SECONDS = 6.0  # a download that has begun, and then brings nothing for so long, is stopped


class DataUnavailable(RuntimeError):
    """The full MNIST set is not on disk and could not be had. The message says why in one sentence."""


def is_complete(folder):
    """True if `folder`/MNIST/raw holds the four files of MNIST, byte for byte."""
    raw = Path(folder) / "MNIST" / "raw"
    try:
        return all(_sha256(raw / name) == expected for name, expected in SHA256.items())
    except OSError:
        return False


def fetch(folder, seconds=600.0):
    """Make sure that `folder` holds all of MNIST, as torchvision stores it.

    The files come into a temporary folder beside their place, are compared with their SHA-256, and
    move into place in one step. A lock lets one process download while others wait for it. Files
    that were there and are not MNIST's are kept under another name. The mirrors are tried in turn; the
    environment variable MNIST_LIB_MIRROR, the address of a folder with the four `.gz` files, replaces them.

    Args:
        folder: where MNIST/raw belongs, a path.
        seconds: how long to wait and to download, together.

    Raises:
        DataUnavailable: the files could not be had; the message says why.
    """
    from filelock import FileLock, Timeout

    folder = Path(folder)
    if is_complete(folder):
        return
    deadline = time.monotonic() + seconds
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # mode: the users who share a folder share the lock
        with FileLock(folder / ".mnist.lock", timeout=seconds, mode=0o666):
            if not is_complete(folder):
                _fetch_alone(folder, deadline)
    except Timeout:
        raise DataUnavailable(
            f"another process has been downloading MNIST for more than {seconds:.0f} s"
        ) from None
    except (OSError, NotImplementedError) as error:
        raise DataUnavailable(
            f"the folder {folder} cannot be written ({error}); "
            "set MNIST_LIB_DATA to a folder that can, or that holds MNIST already"
        ) from error


def _fetch_alone(folder, deadline):
    """Try the mirrors in turn; the caller holds the lock."""
    for leftover in folder.glob(".download-*"):  # of a process that was killed
        shutil.rmtree(leftover, ignore_errors=True)
    named = os.environ.get("MNIST_LIB_MIRROR")
    reasons = []
    for mirror in [named] if named else MIRRORS:
        temporary = Path(tempfile.mkdtemp(prefix=".download-", dir=folder))
        try:
            reason = _try_mirror(mirror, temporary, deadline)
            if reason is None:
                _move_into_place(temporary / "MNIST" / "raw", folder / "MNIST" / "raw")
                return
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
        reasons.append(f"{urllib.parse.urlsplit(mirror).netloc or mirror} {reason}")
        if time.monotonic() > deadline:
            break
    raise DataUnavailable("; ".join(reasons))


def _try_mirror(mirror, temporary, deadline):
    """Have a child download from `mirror` into `temporary`. Returns None if that went well, else why not."""
    (temporary / "MNIST" / "raw").mkdir(parents=True)
    # -P: the modules beside this file are not to be taken for others of the same name
    command = [sys.executable, "-P", str(Path(__file__).resolve()), str(temporary), mirror]
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, **pipes, text=True, errors="replace") as child:
        try:
            reason = _watch(child, temporary, deadline)
        finally:
            child.kill()
        if reason is None and child.returncode != 0:
            said = child.stderr.read().splitlines()
            reason = said[-1] if said else f"stopped with status {child.returncode}"
    if reason is not None and _stage(temporary) == "importing":  # no other mirror mends that
        raise DataUnavailable(
            f"torchvision does not import ({reason}); check_machine() says what mends it"
        )
    if reason is None and not is_complete(temporary):
        return "sent files that are not those of MNIST"
    return reason


def _watch(child, temporary, deadline):
    """Wait until the child ends. Returns None, or why it is to be stopped: no progress, or no time left."""
    before, since = None, time.monotonic()
    while child.poll() is None:
        time.sleep(0.05)
        stage, now = _stage(temporary), time.monotonic()
        size = sum(file.stat().st_size for file in temporary.glob("*.gz"))
        if (stage, size) != before:
            before, since = (stage, size), now
        if stage == "importing":
            if now - since > IMPORT_SECONDS:
                return f"it had not after {IMPORT_SECONDS:.0f} s"
            if now > deadline:
                return "it had not when the time was up"
            continue
        patience = STALL_SECONDS if size else ANSWER_SECONDS
        if now - since > patience:
            return f"sent nothing for {patience:.0f} s"
        if now > deadline:
            return f"had sent {size:,} bytes, and not all of MNIST, when the time was up"
    return None


def _stage(temporary):
    """What the child is at. It leaves an empty file of that name in `temporary` when it begins."""
    for stage in ("downloading", "importing"):
        if (temporary / stage).exists():
            return stage
    return "knocking"


def _move_into_place(arrived, raw):
    """Move the folder `arrived` to `raw` in one step; what is at `raw` already is kept under another name."""
    raw.parent.mkdir(exist_ok=True)
    if raw.exists():
        raw.replace(raw.with_name(f"raw-not-mnist-{time.time_ns()}"))
    arrived.replace(raw)


def _sha256(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _knock(address):
    """See that `address` is answered, as torchvision does: ask for the file and hang up before it comes."""
    request = urllib.request.Request(address, headers={"User-Agent": "mnist_lib"})
    urllib.request.urlopen(request).close()


def _or_exit(step, address, *folders):
    """Call `step`; whatever goes wrong is why there is no MNIST from this mirror: exit and say it."""
    file = address.rpartition("/")[2]
    try:
        step(address, *folders)
    except urllib.error.HTTPError as error:
        sys.exit(f"answered with error {error.code} instead of sending {file}")
    except Exception as error:
        sys.exit(f"did not send {file} ({getattr(error, 'reason', error)})")


def main(temporary, mirror):
    """Download the four files from `mirror`, unpack them into `temporary`/MNIST/raw; or exit and say why not."""
    temporary = Path(temporary)
    addresses = [f"{mirror.rstrip('/')}/{name}.gz" for name in SHA256]
    socket.setdefaulttimeout(2 * STALL_SECONDS)  # ends the child even if its parent was killed
    _or_exit(_knock, addresses[0])  # before the import, which takes seconds

    (temporary / "importing").touch()
    os.environ["TQDM_DISABLE"] = "1"  # nobody sees torchvision's progress bar
    try:
        from torchvision.datasets.utils import download_and_extract_archive
    except Exception as error:
        sys.exit(" ".join(str(error).split()))  # in one line

    (temporary / "downloading").touch()
    for address in addresses:
        _or_exit(download_and_extract_archive, address, temporary, temporary / "MNIST" / "raw")


if __name__ == "__main__":
    main(*sys.argv[1:])
