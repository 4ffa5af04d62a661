"""Where the images come from: the sample, the full set, batches, and folders of image files."""

import functools
import hashlib
import io
import itertools
import pickle
import struct
import sys

import loopback
import numpy as np
import platformdirs
import pytest
import torch
import torchvision
from PIL import Image
from torch.utils.data import DataLoader

from mnist_lib import data
from mnist_lib.data import Batches, DigitFolder, Split, load_mnist
from mnist_lib.machinery import download
from mnist_lib.machinery.download import DataUnavailable
from mnist_lib.machinery.files import write_for_torchvision

SAMPLE_LINE = "Digits: the 5,000-image sample (3,500 to train, 500 to validate, 1,000 to test)"
SAMPLE_SHA256 = {
    "train": "cff378fb9315d49dc1b2edfc621392ebb189405ff19963187e4788999e1cb669",
    "validation": "5726e43b31365c70e9a77ea3938effc6ac2da52928862f661c868450cef3c896",
    "test": "873da48430d7599e4e9d2e845ef12385fc3a908a4bfe5cbf999b876e7c1bbf56",
}
load_sample = functools.cache(data._load_sample)


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch, tmp_path):
    """The data folder is temporary, and the settings of the machine do not matter."""
    monkeypatch.delenv("MNIST_LIB_SOURCE", raising=False)
    monkeypatch.setenv("MNIST_LIB_MIRROR", "http://127.0.0.1:9/")  # nobody listens there
    monkeypatch.setenv("MNIST_LIB_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(data, "_load_sample", load_sample)  # read once


@pytest.fixture(scope="module")
def sample():
    return load_mnist("sample")


@pytest.fixture
def full(monkeypatch, tmp_path):
    """The tiny set of loopback.py is on disk and counts as all of MNIST."""
    monkeypatch.setattr(download, "SHA256", loopback.HASHES)
    loopback.store(tmp_path / "data")
    return load_mnist("full")


def splits(mnist):
    return {"train": mnist.train, "validation": mnist.validation, "test": mnist.test}


def rows(split):
    """Each image as bytes."""
    return [image.numpy().tobytes() for image in split.images]


# The sample


def test_the_sample_has_the_promised_shapes_types_and_range(sample):
    assert sample.source == "sample"
    for split, count in zip(splits(sample).values(), (3500, 500, 1000), strict=True):
        assert split.images.shape == (count, 1, 28, 28) and split.images.dtype == torch.float32
        assert split.labels.shape == (count,) and split.labels.dtype == torch.int64
        assert split.images.min() == 0 and split.images.max() == 1
        assert split.labels.bincount().tolist() == [count // 10] * 10


@pytest.mark.parametrize("name", SAMPLE_SHA256)
def test_the_sample_is_the_same_on_every_machine(sample, name):
    split = splits(sample)[name]
    content = (
        split.images.numpy().astype("<f4").tobytes() + split.labels.numpy().astype("<i8").tobytes()
    )
    assert hashlib.sha256(content).hexdigest() == SAMPLE_SHA256[name]


def test_images_lie_in_memory_as_convolutions_like_them(sample):
    """Channels last, which one channel hides from `is_contiguous`; what is picked out of a split keeps it."""
    images = sample.train[torch.randperm(3500)[:50]].images
    assert images.stride() == (784, 1, 28, 1)
    assert torch.nn.Conv2d(1, 4, 5)(images).is_contiguous(memory_format=torch.channels_last)


def test_no_image_of_the_sample_is_in_two_splits(sample):
    for one, other in itertools.combinations(splits(sample).values(), 2):
        assert not set(rows(one)) & set(rows(other))


@pytest.mark.parametrize("name", SAMPLE_SHA256)
def test_the_digits_are_mixed(sample, name):
    """As chance would have it: one neighbour in ten is alike, not all (sorted) and not none (dealt in turn)."""
    labels = splits(sample)[name].labels
    assert 0.05 < (labels[1:] == labels[:-1]).float().mean() < 0.15
    assert set(labels[:100].tolist()) == set(range(10))


def test_labels_belong_to_their_images(sample):
    """The nearest class mean names most digits of every split; with labels one image further it could not."""
    means = torch.stack(
        [sample.train.images[sample.train.labels == digit].mean(dim=0) for digit in range(10)]
    )
    for split in splits(sample).values():
        nearest = torch.cdist(split.images.flatten(1), means.flatten(1)).argmin(dim=1)
        assert (nearest == split.labels).float().mean() > 0.75
        assert (nearest == split.labels.roll(1)).float().mean() < 0.25


# The full set


def test_the_full_set_is_cut_as_promised(full):
    assert full.source == "full"
    for split, count in zip(splits(full).values(), (220, 20, 40), strict=True):
        assert split.images.shape == (count, 1, 28, 28) and split.images.dtype == torch.float32
        assert split.labels.shape == (count,) and split.labels.dtype == torch.int64
        assert split.images.max() == 1
        assert split.labels.bincount().tolist() == [count // 10] * 10


def test_validation_is_cut_from_the_training_files_and_never_from_the_test_files(full):
    origin = {
        name: (split.images[:, 0, 0, 0] * 255).unique().tolist()
        for name, split in splits(full).items()
    }
    assert origin == {"train": [1], "validation": [1], "test": [2]}
    numbers = [
        (split.images[:, 0, 0, 1] * 255).round().int().tolist()
        for split in (full.train, full.validation)
    ]
    assert sorted(numbers[0] + numbers[1]) == list(range(loopback.TRAIN))


def test_labels_of_the_full_set_belong_to_their_images(full):
    for split in splits(full).values():
        assert torch.equal((split.images[:, 0, 0, 1] * 255).round().long() % 10, split.labels)


def test_the_full_set_is_mixed_the_same_way_every_time(full):
    numbers = (full.train.images[:, 0, 0, 1] * 255).round()
    assert (numbers.diff() > 0).float().mean() < 0.7
    assert torch.equal(load_mnist("full").train.images, full.train.images)


def test_full_mnist_is_read_as_torchvision_reads_it(full, tmp_path):
    theirs = torchvision.datasets.MNIST(tmp_path / "data", train=False)
    assert torch.equal((full.test.images[:, 0] * 255).round().byte(), theirs.data)
    assert torch.equal(full.test.labels, theirs.targets)


def test_full_mnist_is_dealt_into_55_000_and_5_000():
    labels = np.random.RandomState(1).randint(10, size=60_000)
    numbers = np.arange(60_000).reshape(-1, 1, 1)  # instead of pixels
    validation, train = data._deal(numbers, labels, [0] + [1] * 11)
    assert (len(validation), len(train)) == (5_000, 55_000)
    dealt = [(split.images.flatten() * 255).round().long() for split in (validation, train)]
    assert torch.cat(dealt).sort().values.tolist() == list(range(60_000))
    assert abs(np.bincount(validation.labels) - np.bincount(labels) / 12).max() < 2


# Which source


@pytest.mark.parametrize(
    ("asked", "environment", "source"),
    [
        ("sample", None, "sample"),
        ("full", None, "full"),
        ("auto", None, "full"),
        ("auto", "", "full"),
        ("auto", "auto", "full"),
        ("auto", "sample", "sample"),
        ("auto", "full", "full"),
        ("full", "sample", "full"),
        ("sample", "full", "sample"),
        ("sample", "nonsense", "sample"),
    ],
)
def test_the_environment_replaces_auto_and_nothing_else(
    full, monkeypatch, capsys, asked, environment, source
):
    if environment is not None:
        monkeypatch.setenv("MNIST_LIB_SOURCE", environment)
    capsys.readouterr()
    assert load_mnist(asked).source == source
    full_line = "Digits: all of MNIST (220 to train, 20 to validate, 40 to test)"
    assert capsys.readouterr().out == {"sample": SAMPLE_LINE, "full": full_line}[source] + ".\n"


def test_auto_is_what_one_gets_without_asking(full):
    assert load_mnist().source == "full"


@pytest.mark.parametrize("source", ["Full", "", "mnist", None, 5])
def test_an_unknown_source_is_named(source):
    with pytest.raises(
        ValueError, match=f"^source must be one of auto, full, sample, got {source!r}$"
    ):
        load_mnist(source)


def test_an_unknown_source_in_the_environment_is_named(monkeypatch):
    monkeypatch.setenv("MNIST_LIB_SOURCE", "fulll")
    with pytest.raises(
        ValueError, match=r"MNIST_LIB_SOURCE must be one of auto, full, sample, got 'fulll'$"
    ):
        load_mnist("auto")


def test_without_a_network_auto_gives_the_sample_and_says_why_in_one_line(capsys):
    assert load_mnist("auto").source == "sample"
    out = capsys.readouterr().out
    assert out.startswith(SAMPLE_LINE + ", because 127.0.0.1:9 did not send train-images")
    assert out.count("\n") == 1


def test_full_mnist_needs_no_torchvision_that_imports(full, monkeypatch, tmp_path):
    (tmp_path / "torchvision.py").write_text(
        'raise RuntimeError("operator torchvision::nms does not exist")'
    )
    monkeypatch.syspath_prepend(tmp_path)
    for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        monkeypatch.delitem(sys.modules, name)
    assert load_mnist("auto").source == "full"


def test_the_data_folder_is_the_one_named_or_the_users_cache(monkeypatch, tmp_path):
    assert data.data_folder() == tmp_path / "data"
    monkeypatch.setenv("MNIST_LIB_DATA", "~/mnist")
    assert data.data_folder() == data.Path.home() / "mnist"
    monkeypatch.setenv("MNIST_LIB_DATA", "")
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda name: tmp_path / "cache" / name)
    assert data.data_folder() == tmp_path / "cache" / "mnist_lib"


@pytest.fixture(params=[None, "~/mnist"], ids=["no folder named", "one in the home folder named"])
def homeless(request, monkeypatch):
    """A user id that has no home folder."""
    pwd = pytest.importorskip("pwd")

    def unknown(uid):
        raise KeyError(f"getpwuid(): uid not found: {uid}")

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    for name in ("HOME", "XDG_CACHE_HOME", "MNIST_LIB_DATA"):
        monkeypatch.delenv(name, raising=False)
    if request.param:
        monkeypatch.setenv("MNIST_LIB_DATA", request.param)


def test_without_a_home_folder_there_is_the_sample(homeless, capsys):
    assert load_mnist("sample").source == "sample"
    assert capsys.readouterr().out == SAMPLE_LINE + ".\n"
    assert load_mnist("auto").source == "sample"
    said = capsys.readouterr().out
    assert said.startswith(SAMPLE_LINE + ", because there is no home folder (")
    assert said.endswith("; set MNIST_LIB_DATA to a folder that can be written.\n")


def test_without_a_home_folder_full_mnist_says_what_to_set(homeless):
    with pytest.raises(DataUnavailable, match=r"^there is no home folder .*; set MNIST_LIB_DATA"):
        load_mnist("full")


# Split


def numbered(count):
    """A Split whose image i is all i and whose label is i."""
    return Split(
        torch.arange(count).float().reshape(-1, 1, 1, 1).expand(-1, 1, 28, 28), torch.arange(count)
    )


def test_a_split_gives_pairs_slices_and_selections():
    split = numbered(5)
    assert len(split) == 5
    image, label = split[3]
    assert image.shape == (1, 28, 28) and image.unique() == 3 and label == 3
    assert split[-1][1] == 4
    assert split[np.int64(3)][1] == split[torch.tensor(3)][1] == 3
    parts = {
        (1, 2): split[1:3],
        (4, 0, 4): split[torch.tensor([4, 0, 4])],
        (0, 3): split[[0, 3]],
        (2, 1): split[np.array([2, 1])],
        (0, 2, 4): split[split.labels % 2 == 0],
        (): split[5:],
        (3,): split[1:][2:3],
    }
    for numbers, part in parts.items():
        assert isinstance(part, Split) and len(part) == len(numbers)
        assert part.labels.tolist() == [*numbers] == part.images[:, 0, 5, 7].tolist()
    assert [label.item() for image, label in split] == [0, 1, 2, 3, 4]
    with pytest.raises(IndexError):
        split[5]


def test_a_split_wants_as_many_labels_as_images():
    with pytest.raises(
        ValueError, match=r"^images and labels must be equally many, got 3 images and 2 labels$"
    ):
        Split(torch.zeros(3, 1, 28, 28), torch.zeros(2, dtype=torch.int64))


@pytest.mark.parametrize(
    "device",
    [
        "meta",
        pytest.param(
            "cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
        ),
    ],
)
def test_splits_move_to_a_device(sample, device):
    moved = sample.to(torch.device(device))
    assert moved.source == "sample"
    for split in splits(moved).values():
        assert split.images.device.type == split.labels.device.type == device
    assert sample.train.to(device).labels.device.type == device
    assert sample.train.images.device.type == "cpu"


def test_a_split_works_in_a_torch_dataloader():
    batches = list(DataLoader(numbered(10), batch_size=4))
    assert [images.shape for images, labels in batches] == [
        (4, 1, 28, 28),
        (4, 1, 28, 28),
        (2, 1, 28, 28),
    ]
    assert torch.cat([labels for images, labels in batches]).tolist() == list(range(10))


# Batches


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize(
    ("count", "size"), [(10, 4), (8, 4), (3, 10), (5, 1), (5, np.int64(2)), (0, 4)]
)
def test_every_example_comes_once_with_its_label_in_batches_of_the_right_size(count, size, shuffle):
    batches = Batches(numbered(count), size, shuffle)
    seen = list(batches)
    full_ones, rest = divmod(count, int(size))
    assert [len(labels) for images, labels in seen] == [size] * full_ones + [rest] * (rest > 0)
    assert len(batches) == len(seen)
    assert sorted(label for images, labels in seen for label in labels.tolist()) == list(
        range(count)
    )
    for images, labels in seen:
        assert images.shape[1:] == (1, 28, 28)
        assert torch.equal(images[:, 0, 5, 5].long(), labels)


def order(batches):
    return [label for images, labels in batches for label in labels.tolist()]


def test_without_shuffling_the_order_is_kept():
    batches = Batches(numbered(100), 7)
    assert order(batches) == order(batches) == list(range(100))


def test_shuffling_gives_another_order_each_pass_and_the_same_after_the_same_seed():
    batches = Batches(numbered(100), 7, shuffle=True)
    torch.manual_seed(0)
    first, second = order(batches), order(batches)
    assert len({tuple(first), tuple(second), tuple(range(100))}) == 3
    torch.manual_seed(0)
    assert (order(batches), order(batches)) == (first, second)
    torch.manual_seed(1)
    assert order(batches) != first


def test_shuffling_mixes_over_the_whole_split_and_not_within_batches():
    torch.manual_seed(0)
    first_batch = next(iter(Batches(numbered(1000), 100, shuffle=True)))[1]
    assert first_batch.max() > 800 and first_batch.min() < 200


@pytest.mark.parametrize("size", [0, -1, 2.5, 4.0, "4", None, True])
def test_a_batch_size_must_be_a_positive_integer(size):
    error = ValueError if type(size) is int else TypeError
    with pytest.raises(error, match=f"^batch_size must be an integer of at least 1, got {size!r}$"):
        Batches(numbered(3), size)


@pytest.mark.parametrize("size", [4, 5, 64])
def test_batches_do_what_a_dataloader_does(size):
    split = numbered(20)
    ours, theirs = Batches(split, size), DataLoader(split, size)
    assert len(ours) == len(theirs)
    for (images, labels), (their_images, their_labels) in zip(ours, theirs, strict=True):
        assert torch.equal(images, their_images) and torch.equal(labels, their_labels)


# DigitFolder

RAMP = np.linspace(0, 255, 40 * 30).reshape(40, 30)  # from black to white, 40 high and 30 wide


def picture(mode):
    """RAMP as an image of the given mode."""
    if mode == "I;16":
        return Image.fromarray(np.rint(RAMP * 257).astype(np.uint16))
    grey = Image.fromarray(np.rint(RAMP).astype(np.uint8))
    if (
        mode == "P"
    ):  # a palette that turns the numbers round, so that they are not the greys themselves
        image = Image.fromarray(255 - np.rint(RAMP).astype(np.uint8)).convert("P")
        image.putpalette([255 - number for number in range(256) for _ in "RGB"])
        return image
    return grey.convert(mode)


def folder_with(tmp_path, *names, mode="L", **options):
    for name in names:
        path = tmp_path / "images" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        picture(mode).save(path, **options)
    return tmp_path / "images"


@pytest.mark.parametrize(
    ("name", "mode", "off_by"),
    [
        ("0/a.png", "L", 0.003),
        ("0/a.png", "LA", 0.003),
        ("0/a.png", "RGB", 0.003),
        ("0/a.png", "RGBA", 0.003),
        ("0/a.png", "P", 0.003),
        ("0/a.png", "I;16", 0.003),
        ("0/a.tif", "I;16", 0.003),
        ("0/a.png", "1", 1),
        ("0/a.jpg", "L", 0.05),
        ("0/a.JPEG", "RGB", 0.05),
        ("0/a.jpg", "CMYK", 0.05),
        ("0/a.bmp", "L", 0.003),
        ("0/a.webp", "RGB", 0.05),
    ],
)
def test_any_kind_of_image_becomes_grey_from_0_to_1(tmp_path, name, mode, off_by):
    image, label = DigitFolder(folder_with(tmp_path, name, mode=mode), size=None)[0]
    assert image.dtype == torch.float32 and image.shape == (1, 40, 30) and label == 0
    assert (image - torch.tensor(RAMP / 255)).abs().max() <= off_by
    assert image.min() <= 0.05 and image.max() >= 0.95


@pytest.mark.parametrize(
    ("size", "shape"), [(28, (1, 28, 28)), (7, (1, 7, 7)), (64, (1, 64, 64)), (None, (1, 40, 30))]
)
@pytest.mark.parametrize("mode", ["L", "I;16"])
def test_images_are_scaled_to_the_size_asked_for(tmp_path, size, shape, mode):
    image, _ = DigitFolder(folder_with(tmp_path, "3/a.png", mode=mode), size=size)[0]
    assert image.shape == shape
    assert 0 <= image.min() < 0.1 and 0.9 < image.max() <= 1
    if (
        size is not None
    ):  # 40×30 is made square by two bars as dark as its corner, not by stretching it
        width = round(size * 30 / 40)
        image = image[..., (size - width) // 2 :][..., :width]
        assert abs(image.mean() - 0.5) < 0.04
    assert (image.mean(dim=2).diff() > 0).all()  # top to bottom as it was


@pytest.mark.parametrize("corner", [0, 200])
def test_what_is_not_square_is_filled_up(tmp_path, corner):
    pixels = np.full((20, 10), 128, np.uint8)
    pixels[0, 0] = corner
    (tmp_path / "4").mkdir()
    Image.fromarray(pixels).save(tmp_path / "4" / "a.png")
    image, _ = DigitFolder(tmp_path, size=20)[0]
    assert torch.equal(image[0, :, 5:15], torch.tensor(pixels) / 255)
    assert (image[0, :, :5] == corner / 255).all() and (image[0, :, 15:] == corner / 255).all()


def test_an_image_of_28_by_28_is_not_touched(tmp_path, sample):
    (tmp_path / "5").mkdir()
    Image.fromarray((sample.test.images[0, 0] * 255).round().byte().numpy()).save(
        tmp_path / "5" / "a.png"
    )
    assert torch.equal(DigitFolder(tmp_path)[0][0], sample.test.images[0])


def test_a_photograph_taken_on_its_side_is_turned_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 3  # the camera was held upside down
    image, _ = DigitFolder(folder_with(tmp_path, "6/a.jpg", exif=exif), size=None)[0]
    assert image[0, 0, 0] > 0.95 and image[0, -1, -1] < 0.05


def test_folders_give_the_labels_in_order(tmp_path):
    names = ["9/b.png", "0/a.png", "0/.hidden.png", "7/a.png", "9/a.png"]
    root = folder_with(tmp_path, *names)
    for extra in ("0/Thumbs.db", "7/desktop.ini", "9/.DS_Store", "readme.txt"):
        (root / extra).write_text("no image")
    (root / ".git").mkdir()
    (root / "9" / "more").mkdir()
    (root / "4").mkdir()
    folder = DigitFolder(root)
    assert folder.classes == ["0", "4", "7", "9"]
    assert [(path.parent.name + "/" + path.name, label) for path, label in folder.files] == [
        ("0/a.png", 0),
        ("7/a.png", 7),
        ("9/a.png", 9),
        ("9/b.png", 9),
    ]
    assert len(folder) == 4
    assert [label for image, label in folder] == [0, 7, 9, 9]


def test_a_folder_goes_through_a_dataloader_and_through_pickle(tmp_path):
    folder = DigitFolder(folder_with(tmp_path, "0/a.png", "1/a.jpg", "1/b.png", mode="RGB"))
    ((images, labels),) = DataLoader(pickle.loads(pickle.dumps(folder)), batch_size=8)
    assert images.shape == (3, 1, 28, 28) and images.dtype == torch.float32
    assert labels.tolist() == [0, 1, 1] and labels.dtype == torch.int64


def test_a_root_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"images'$"):
        DigitFolder(tmp_path / "images")


def test_what_systems_leave_behind_is_passed_over_and_deeper_files_are_found(tmp_path, monkeypatch):
    names = ["3/a.png", "3/more/b.png", "3/more/still/c.png", "8/@eaDir/a.png", "8/a.png"]
    root = folder_with(tmp_path, *names, "__MACOSX/3/a.png", "@eaDir/a.png")
    for extra in ("3/Desktop.ini", "3/thumbs.db", "8/Icon\r", "8/more/Thumbs.db", "THUMBS.DB"):
        (root / extra).parent.mkdir(exist_ok=True)
        (root / extra).write_text("not an image")
    (root / "8" / "gone.png").symlink_to(tmp_path / "nowhere")
    (root / "5").symlink_to(tmp_path / "nowhere")
    monkeypatch.setenv("HOME", str(tmp_path))
    folder = DigitFolder("~/images")
    found = [(path.relative_to(root).as_posix(), label) for path, label in folder.files]
    assert found == [("3/a.png", 3), ("3/more/b.png", 3), ("3/more/still/c.png", 3), ("8/a.png", 8)]
    assert folder.classes == ["3", "8"]


def exif_with(*entries):
    """The EXIF of a photograph taken on its side, with more entries: (tag, type, count, four bytes) each."""
    entries = [(0x0112, 3, 1, b"\6\0\0\0"), *entries]
    parts = [struct.pack("<HHI4s", *entry) for entry in entries]
    return b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<H", len(parts)) + b"".join(parts) + bytes(4)


@pytest.mark.parametrize(
    "entry",
    [
        (0x011A, 5, 1, b"\xff\xff\xff\x7f"),
        (0x010F, 12, 1, b"\1\0\0\0"),
        (0x9286, 3, 1, b"\7\0\0\0"),
        (0x8769, 11, 1, b"\1\2\3\4"),
        (0x0132, 9, 1, b"\xff\xff\xff\xff"),
        (0x8825, 4, 2**31, b"\xff\xff\xff\xff"),
    ],
    ids=lambda entry: f"{entry[0]:#x}",
)
@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
def test_a_photograph_is_turned_whatever_else_stands_beside_its_orientation(tmp_path, entry):
    root = folder_with(tmp_path, "6/a.jpg", exif=exif_with(entry))
    upright, _ = DigitFolder(root, size=None)[0]
    plain, _ = DigitFolder(folder_with(tmp_path, "6/a.jpg"), size=None)[0]
    assert torch.equal(upright, plain.rot90(-1, dims=(1, 2)))


@pytest.mark.parametrize("format", ["AVIF", "DDS", "WEBP", "TIFF", "ICNS", "JPEG2000"])
@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
def test_a_damaged_file_is_named_or_read(tmp_path, format):
    """Pillow raises whatever comes to hand: struct.error, TypeError, RuntimeError …"""
    file, random, refused = io.BytesIO(), np.random.default_rng(0), 0
    picture("RGB").save(file, format)
    path = tmp_path / "images" / "6" / "a.dat"
    path.parent.mkdir(parents=True)
    for _ in range(100):
        data = bytearray(file.getvalue())
        data[4 + random.integers(min(len(data), 300) - 4)] ^= random.integers(1, 256)
        path.write_bytes(data[: random.integers(10, len(data) + 1)])
        try:
            DigitFolder(tmp_path / "images")[0]
        except ValueError as error:
            assert "a.dat is not an image that can be read (" in str(error)
            refused += 1
    assert refused


@pytest.mark.parametrize("size", [(1, 100), (100, 1), (3, 7), (400, 30)])
def test_an_image_of_any_shape_fills_its_square(tmp_path, size):
    path = tmp_path / "images" / "6" / "a.png"
    path.parent.mkdir(parents=True)
    Image.new("L", size, 200).save(path)
    image, _ = DigitFolder(tmp_path / "images")[0]
    assert image.shape == (1, 28, 28) and torch.allclose(image, torch.tensor(200 / 255))


@pytest.mark.parametrize("names", [[], ["a.png"], [".hidden/a.png"], ["3/.hidden.png"]], ids=str)
def test_a_root_without_class_folders_with_images_is_named(tmp_path, names):
    (tmp_path / "images").mkdir()
    with pytest.raises(
        FileNotFoundError, match=r"images holds no class folders \(0, 1, …\) with image files"
    ):
        DigitFolder(folder_with(tmp_path, *names))


@pytest.mark.parametrize("name", ["train", "10", "-1", "²", "three"])
def test_a_class_folder_that_is_no_digit_is_named(tmp_path, name):
    with pytest.raises(ValueError, match=f"must be named 0 to 9, got '{name}'$"):
        DigitFolder(folder_with(tmp_path, "0/a.png", f"{name}/a.png"))


def test_a_file_that_is_no_image_is_named_when_it_is_opened(tmp_path):
    root = folder_with(tmp_path, "0/a.png")
    (root / "0" / "b.png").write_text("Dear diary")
    (root / "0" / "c.jpg").write_bytes(b"")
    folder = DigitFolder(root)
    assert folder[0][0].shape == (1, 28, 28)
    for index, name in ((1, "b.png"), (2, "c.jpg")):
        with pytest.raises(ValueError, match=rf"{name} is not an image that can be read"):
            folder[index]


@pytest.mark.parametrize("name", ["0/a.png", "0/a.jpg", "0/a.bmp", "0/a.gif"])
def test_an_image_cut_short_anywhere_is_named(tmp_path, name):
    root = folder_with(tmp_path, name)
    whole = (root / name).read_bytes()
    folder = DigitFolder(root)
    for length in [*range(0, 60, 5), *range(60, len(whole) * 9 // 10, 40)]:
        (root / name).write_bytes(whole[:length])
        with pytest.raises(ValueError, match=r"0.a\.\w+ is not an image that can be read"):
            folder[0]


def test_torchvision_reads_what_is_written_for_it():
    mnist = data._load_sample()
    folder = write_for_torchvision(mnist)
    for train, splits in ((True, (mnist.train, mnist.validation)), (False, (mnist.test,))):
        theirs = torchvision.datasets.MNIST(folder, train=train)
        pixels = torch.cat([split.images[:, 0] for split in splits])
        assert torch.equal(theirs.data / 255, pixels)
        assert torch.equal(theirs.targets, torch.cat([split.labels for split in splits]))
