"""Full MNIST on disk: downloaded once, checked, moved into place whole.

`fetch` is what the package calls. Run as a program, this file is the child process that talks to the
server: a child can be stopped when a server stays silent. It leans on torchvision's downloader.
"""

import hashlib
import os
import shutil
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
ANSWER_SECONDS = 3.0  # a server that has not answered by then is left alone
STALL_SECONDS = 6.0  # a download during which nothing arrives for so long is stopped
START_SECONDS = 60.0  # the child imports torchvision, which takes long on a busy machine


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
    that were there and are not MNIST's are kept under another name.

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
        with FileLock(folder / ".mnist.lock", timeout=seconds):
            if not is_complete(folder):
                _fetch_alone(folder, deadline)
    except Timeout:
        raise DataUnavailable(f"another process has been downloading MNIST for more than {seconds:.0f} s") from None
    except (OSError, NotImplementedError) as error:
        raise DataUnavailable(
            f"the folder {folder} cannot be written ({error}); "
            "set MNIST_LIB_DATA to a folder that can, or that holds MNIST already"
        ) from error


def _fetch_alone(folder, deadline):
    """Download, check and move into place; the caller holds the lock."""
    for leftover in folder.glob(".download-*"):  # of a process that was killed
        shutil.rmtree(leftover, ignore_errors=True)
    temporary = Path(tempfile.mkdtemp(prefix=".download-", dir=folder))
    try:
        _run_child(temporary, deadline)
        if not is_complete(temporary):
            raise DataUnavailable("the files that arrived are not those of MNIST")
        raw = folder / "MNIST" / "raw"
        raw.parent.mkdir(exist_ok=True)
        if raw.exists():
            raw.replace(raw.with_name(f"raw-not-mnist-{time.time_ns()}"))
        (temporary / "MNIST" / "raw").replace(raw)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _run_child(temporary, deadline):
    """Run this file as a child that downloads into `temporary`; stop it when nothing moves."""
    mirrors = [os.environ["MNIST_LIB_MIRROR"]] if os.environ.get("MNIST_LIB_MIRROR") else MIRRORS
    log = temporary / "log.txt"
    with open(log, "wb") as output:
        child = subprocess.Popen(
            [sys.executable, "-P", str(Path(__file__).resolve()), str(temporary), *mirrors],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        size, moved = 0, time.monotonic()
        while child.poll() is None:
            time.sleep(0.05)
            before, size = size, sum(file.stat().st_size for file in temporary.rglob("*") if file.is_file())
            now = time.monotonic()
            moved = now if size != before else moved
            if now - moved > (STALL_SECONDS if size else START_SECONDS):
                raise DataUnavailable(f"the server sent nothing for {STALL_SECONDS:.0f} s")
            if now > deadline:
                raise DataUnavailable("the download was too slow")
    finally:
        child.kill()
        child.wait()
    if child.returncode != 0:
        raise DataUnavailable(log.read_text(errors="replace").strip().splitlines()[-1])


def _sha256(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _why_silent(mirror):
    """Why nothing is to be had from `mirror`, or None if it answers."""
    host = urllib.parse.urlsplit(mirror).netloc or mirror
    request = urllib.request.Request(mirror + next(iter(SHA256)) + ".gz", method="HEAD")
    try:
        urllib.request.urlopen(request, timeout=ANSWER_SECONDS).close()
    except urllib.error.HTTPError as error:
        return None if error.code in (405, 501) else f"{host} answered {error.code} {error.reason}"
    except (OSError, ValueError) as error:
        return f"{host} gave no answer ({getattr(error, 'reason', error)})"
    return None


def _download(name, mirror, raw):
    """One file from one mirror into the folder `raw`; None if it is right, else what is wrong."""
    from torchvision.datasets.utils import download_and_extract_archive

    for path in (raw / name, raw / f"{name}.gz"):
        path.unlink(missing_ok=True)
    try:
        download_and_extract_archive(f"{mirror}{name}.gz", download_root=str(raw), filename=f"{name}.gz")
        if _sha256(raw / name) == SHA256[name]:
            return None
        return f"{mirror} sent a {name} that is not MNIST's"
    except (OSError, EOFError, RuntimeError) as error:
        return f"{mirror} did not send {name} ({error})"


def main(temporary, *mirrors):
    """Download the four files into `temporary`, each from the first mirror that has it right."""
    answers = {mirror: _why_silent(mirror) for mirror in mirrors}
    mirrors = [mirror for mirror, reason in answers.items() if reason is None]
    if not mirrors:
        sys.exit("\n" + "; ".join(answers.values()))
    raw = Path(temporary) / "MNIST" / "raw"
    raw.mkdir(parents=True)
    import torchvision.datasets.utils  # noqa: F401  (slow: its end is the sign that the clock may start)

    print("downloading", flush=True)
    for name in SHA256:
        reasons = []
        for mirror in mirrors:
            reason = _download(name, mirror, raw)
            if reason is None:
                break
            reasons.append(reason)
        else:
            sys.exit("\n" + "; ".join(reasons))


if __name__ == "__main__":
    main(*sys.argv[1:])
