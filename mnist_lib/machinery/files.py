"""Files: image files as people have them, and bytes that must be on the disk."""

import os
import struct
import tempfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from PIL.ExifTags import Base

LEFT_BEHIND = ("thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "@eadir", "__macosx")
LEFT_BEHIND += ("$recycle.bin", "system volume information", "#recycle", "lost+found")


def write_for_torchvision(mnist):
    """Write an MNIST into a new folder, whose path it returns, as `torchvision.datasets.MNIST` reads it.

    The format has whole numbers of four bytes, 2048 and the number of axes, then the sizes; then a byte for each value.
    """
    root = Path(tempfile.mkdtemp())
    raw = root / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for part, splits in (("train", [mnist.train, mnist.validation]), ("t10k", [mnist.test])):
        pixels = torch.cat([split.images[:, 0] for split in splits]) * 255
        labels = torch.cat([split.labels for split in splits])
        for name, values in (("images-idx3", pixels.round()), ("labels-idx1", labels)):
            head = struct.pack(f">{1 + values.dim()}i", 2048 + values.dim(), *values.shape)
            content = head + values.byte().numpy().tobytes()
            (raw / f"{part}-{name}-ubyte").write_bytes(content)
    return root


def write_flushed(path, content):
    """Write bytes to a new file, and wait until they are on the disk."""
    with open(path, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def write_whole(path, content):
    """Write bytes to a file, a Path, in one step: a whole file is there at every moment, the old or the new one."""
    new = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        write_flushed(new, content)
        os.replace(new, path)
    finally:
        new.unlink(missing_ok=True)


def visible(folder):
    """What is in a folder, a list of Paths in order, less hidden files and those that systems leave behind."""
    paths = (path for path in sorted(Path(folder).iterdir()) if not path.name.startswith("."))
    return [path for path in paths if path.name.lower() not in LEFT_BEHIND]


def files_in(folder):
    """The visible files in a folder and in the folders inside it, Paths in order; links that lead nowhere are none."""
    for path in visible(folder):
        if path.is_dir():
            yield from files_in(path)
        elif path.is_file():
            yield path


def open_grey(file, paper=None):
    """The image in a file, upright, with one channel of 8 bits.

    Args:
        file: a path, or a file opened for reading bytes.
        paper: the grey, 0 to 255, that is seen where the image is transparent; None: transparency is ignored.

    Returns:
        A Pillow image of the mode "L".

    Raises:
        ValueError: it cannot be read as an image; the message names the file.
    """
    name = file if isinstance(file, (str, os.PathLike)) else "the file"
    try:
        with Image.open(file) as opened:
            exif = Image.Exif()  # a phone's photograph says which side is up; all else may be odd
            exif[Base.Orientation] = opened.getexif().get(Base.Orientation, 1)
            opened.info["exif"] = exif.tobytes()
            image = ImageOps.exif_transpose(opened)
            if image.mode.startswith("I"):  # 16 bits a pixel, which convert("L") would clip
                return Image.fromarray(np.rint(np.asarray(image) / 257).astype(np.uint8))
            if paper is not None and image.has_transparency_data:
                behind = Image.new("RGBA", image.size, (paper, paper, paper))
                image = Image.alpha_composite(behind, image.convert("RGBA"))
            return image.convert("L")
    except Exception as error:  # Pillow raises what comes to hand where a file is damaged
        reason = "of no known kind" if isinstance(error, UnidentifiedImageError) else error
        raise ValueError(f"{name} is not an image that can be read ({reason})") from error
