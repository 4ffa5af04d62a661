"""A class on a shared hub: kernels that all start the first notebook at once, on one empty folder and a poor line."""

import asyncio
import hashlib
import json
import os
import tempfile

import loopback
import nbformat
import notebook_rules as rules
import zmq
from nbclient import NotebookClient
from traitlets.config import Config

from mnist_lib import data
from mnist_lib.machinery import download
from mnist_lib.machinery.files import write_for_torchvision

# What a kernel begins with: other digits, and more patience, for this machine may be slow.
BEGIN = """import json, os
from mnist_lib.machinery import download
from mnist_lib.machinery.files import write_for_torchvision
download.SHA256 = json.loads(os.environ["HASHES"])
download.ANSWER_SECONDS = download.STALL_SECONDS = 60.0
"""


def sample_as_mnist():
    """The digits of the sample in the four files of MNIST, {name: bytes}."""
    raw = write_for_torchvision(data._load_sample()) / "MNIST" / "raw"
    return {path.name: path.read_bytes() for path in raw.iterdir()}


def poor(handler, packed):
    """Slow; every fourth time too busy; else it hangs up after a part, in the middle of the larger files."""
    handler.server.over.wait(0.3)
    if len(handler.server.asked) % 4 == 0:
        return handler.send_error(503)
    loopback.ranges(handler, packed, most=700_000)


async def start_here(folder, environment):
    """Run the first notebook in a kernel of its own; what it printed, a str."""
    notebook = nbformat.from_dict(rules.read(rules.main_notebooks()[0]))
    with tempfile.TemporaryDirectory(prefix="kernel", ignore_cleanup_errors=True) as sockets:
        ipc = {"transport": "ipc", "ip": f"{sockets}/socket"} if zmq.has("ipc") else {}
        client = NotebookClient(
            notebook,
            config=Config(KernelManager=ipc),
            timeout=900,
            startup_timeout=900,
            resources={"metadata": {"path": str(folder)}},
        )
        await client.async_execute(env=environment)
    return "".join(line for cell in notebook.cells for line in rules.output_lines(cell))


def test_a_class_starts_at_once_on_an_empty_shared_folder(tmp_path, monkeypatch, thorough):
    files, count = sample_as_mnist(), 40 if thorough else 8
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    monkeypatch.setattr(loopback, "FILES", files)
    monkeypatch.setattr(download, "SHA256", hashes)
    (tmp_path / "sitecustomize.py").write_text(BEGIN)
    shared = tmp_path / "shared"
    environment = os.environ | {
        "HASHES": json.dumps(hashes),
        "MNIST_LIB_DATA": str(shared),
        "MNIST_LIB_SOURCE": "",
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join([str(tmp_path), str(rules.FOLDER)]),
        "no_proxy": "*",
    }

    async def all_at_once():
        return await asyncio.gather(*(start_here(tmp_path, environment) for _ in range(count)))

    with loopback.serve(poor) as server:
        environment["MNIST_LIB_MIRROR"] = server.url
        printed = asyncio.run(all_at_once())
    assert len(printed) == count  # all came to their end
    assert not any("✗" in text for text in printed)
    got_all = sum("Digits: all of MNIST (" in text for text in printed)
    told_why = sum("the 5,000-image sample" in text and "because" in text for text in printed)
    assert got_all >= 1 and got_all + told_why >= count
    once = sum(len(loopback.pack(name)) for name in files)
    assert (
        once <= server.sent < 1.5 * once
    )  # one download; a kernel that ran out of patience loses little
    assert {path.name for path in shared.iterdir()} == {"MNIST", ".mnist.lock"}
    assert download.is_complete(shared)
    assert {path.name for path in (shared / "MNIST" / "raw").iterdir()} == set(files)
