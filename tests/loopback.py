"""A tiny MNIST in the real one's file format, and a web server on this machine that sends it, well or badly."""

import contextlib
import gzip
import hashlib
import http.server
import struct
import threading

import numpy as np

TRAIN, TEST = 240, 40  # how many images the tiny set has


def images(count, origin):
    """Pixels uint8 (count, 28, 28) that tell where they came from: [origin, number of the image, 255, 0, …]."""
    pixels = np.zeros((count, 28, 28), dtype=np.uint8)
    pixels[:, 0, 0], pixels[:, 0, 1], pixels[:, 0, 2] = origin, np.arange(count), 255
    return pixels


def tiny_mnist():
    """The four files, name → bytes. The label of image i is i % 10; `origin` is 1 in train, 2 in test."""
    files = {}
    for part, count, origin in (("train", TRAIN, 1), ("t10k", TEST, 2)):
        files[f"{part}-images-idx3-ubyte"] = (
            struct.pack(">4i", 2051, count, 28, 28) + images(count, origin).tobytes()
        )
        labels = (np.arange(count) % 10).astype(np.uint8)
        files[f"{part}-labels-idx1-ubyte"] = struct.pack(">2i", 2049, count) + labels.tobytes()
    return files


FILES = tiny_mnist()
HASHES = {name: hashlib.sha256(content).hexdigest() for name, content in FILES.items()}


def pack(name):
    """The file as it is sent. Not compressed: some has to be longer than what is read at a time."""
    return gzip.compress(FILES[name], compresslevel=0, mtime=0)


def store(folder, **replaced):
    """Put the tiny set where torchvision keeps it; `replaced` maps the start of a name to other bytes."""
    raw = folder / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name, content in FILES.items():
        (raw / name).write_bytes(replaced.get(name.partition("-")[0], content))
    return folder


# How a server can answer: each takes the request's handler and the packed file it asked for.


def well(handler, packed):
    send(handler, packed)


def ranges(handler, packed, most=None):
    """Begins where it is asked to, and hangs up after `most` bytes."""
    start = int(handler.headers.get("Range", "bytes=0-")[len("bytes=") : -1])
    if start >= len(packed):
        return handler.send_error(416)
    send(handler, packed[start:][:most], length=len(packed) - start, code=206 if start else 200)


def slowly(handler, packed):
    handler.server.over.wait(0.2)
    well(handler, packed)


def status(code):
    return lambda handler, packed: handler.send_error(code)


def page(handler, packed):
    send(handler, b"<!DOCTYPE html><title>Sign in to the school's network</title>")


def other_data(handler, packed):
    send(handler, gzip.compress(b"not the digits"))


def damaged(handler, packed):
    send(handler, packed[:20] + bytes(20) + packed[40:])


def short_file(handler, packed):
    send(handler, packed[: len(packed) // 2])


def short_answer(handler, packed):
    send(handler, packed[: len(packed) // 2], length=len(packed))


def nothing(handler, packed):
    """Hang up without a word."""


def silence(handler, packed):
    handler.server.over.wait()


def half_then_silence(handler, packed):
    short_answer(handler, packed)
    handler.server.over.wait()


def trickle(handler, packed):
    """2 KB at a time; the largest file takes about ten seconds."""
    send(handler, b"", length=len(packed))
    for start in range(0, len(packed), 2048):
        handler.wfile.write(packed[start : start + 2048])
        if handler.server.over.wait(0.1):
            break


def in_circles(handler, packed):
    handler.send_response(302)
    handler.send_header("Location", handler.path)
    handler.end_headers()


def send(handler, body, length=None, code=200):
    handler.send_response(code)
    handler.send_header("Content-Length", str(len(body) if length is None else length))
    handler.end_headers()
    handler.server.sent += len(body)
    handler.wfile.write(body)


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append(self.path)
        packed = pack(self.path.strip("/").removesuffix(".gz"))
        with contextlib.suppress(ConnectionError):  # the other side was stopped, or hung up
            self.server.answer(self, packed)

    def log_message(self, *arguments):
        pass


@contextlib.contextmanager
def serve(answer=well):
    """A server that answers as `answer` does; its `url`, the paths it was `asked` for, and how many bytes it `sent`."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.answer, server.asked, server.sent = answer, [], 0
    server.over = threading.Event()
    server.url = f"http://127.0.0.1:{server.server_port}/"
    threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
    ).start()
    try:
        yield server
    finally:
        server.over.set()
        server.shutdown()
        server.server_close()
