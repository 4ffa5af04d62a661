"""What a notebook builds up in plain cells, and what mnist_lib holds under the same name, do the same."""

import errno
import functools
import random
from functools import partial
from itertools import product
from unittest.mock import Mock

import numpy as np
import pytest
import torch
from notebook_rules import NOTEBOOKS, built_in, code_cells, output_texts, read, tags
from torch.utils.data import DataLoader
from torchvision.transforms.functional import to_pil_image

from mnist_lib import arithmetic, data, features, metrics, models, shifts, strokes, training
from mnist_lib.machinery import checkpoints, drawings, grids, tracing, watchers
from mnist_lib.widgets.descent import descend

BUILT = {  # what is compared of each notebook
    "01_conv1d": "output_size written_out conv1d",
    "02_conv2d": "corr2d receptive_field multiplications",
    "03_pooling": "max_pool",
    "04_linear_regression": "descend",
    "05_mnist_data": "Batches DigitFolder",
    "06_linear_and_nonlinear": "SoftmaxClassifier TwoLinearLayers MLP count_parameters count_right total Evaluation "
    "evaluate training_steps train_one_epoch fit History train",
    "07_cnn": "TinyVGG ConvNet UnpaddedConvNet BatchNormCNN probabilities predict",
    "08_optimizers": "one_cycle run_grid",
    "09_confusion_matrix": "confusion_matrix report",
    "10_kernels_and_feature_maps": "WeightRecord feature_maps layer_names seen_pixels",
    "11_shift_robustness": "shift_by_loop shift random_shift Augmented shift_grid by_radius BlurPool2d",
    "12_save_load_resume": "random_states set_random_states save_checkpoint load_checkpoint",
    "13_draw_a_digit": "BOX MIDDLE PEN draw fit_to_box centre_by_mass prepare centre_of_mass "
    "save_drawings load_drawings photograph read_photo",
}


@pytest.fixture(scope="module")
def digits():
    """A few hundred training images; 300 is no multiple of 64."""
    return data.load_mnist("sample").train[:300]


@functools.cache
def built(stem):
    """What the notebook builds up, {name: object}."""
    return built_in(stem, *BUILT[stem].split())


def from_notebook(stem, name):
    """The notebook's own object, which must not be the library's."""
    ours = built(stem)[name]
    assert not ours.__module__.startswith("mnist_lib")
    return ours


MODELS = [
    (stem, name, ())
    for stem in ("06_linear_and_nonlinear", "07_cnn")
    for name in BUILT[stem].split()
    if isinstance(getattr(models, name, None), type)
]


@pytest.mark.parametrize(
    ("stem", "name", "arguments"),
    [*MODELS, ("06_linear_and_nonlinear", "MLP", ((20, 15), True))],
)
def test_models_have_the_same_weights_and_logits(stem, name, arguments, digits):
    pair = []
    for make in (from_notebook(stem, name), getattr(models, name)):
        training.seed_everything(0)
        pair.append(make(*arguments))
    ours, theirs = pair
    assert [*ours.state_dict()] == [*theirs.state_dict()]
    for mode in (False, True):
        logits = []
        for model in pair:
            torch.manual_seed(1)
            logits.append(model.train(mode)(digits.images[:100]))
        assert torch.equal(*logits)


def test_seven_models_are_compared():
    assert len(MODELS) == 7


def test_parameters_are_counted_alike():
    count = from_notebook("06_linear_and_nonlinear", "count_parameters")
    assert count(models.ConvNet()) == models.count_parameters(models.ConvNet()) == 207_258


def test_descents_are_the_same():
    x, y = torch.rand(2, 50, generator=torch.Generator().manual_seed(0))
    for learning_rate in (0.1, 3.0):
        ours = from_notebook("04_linear_regression", "descend")(x, y, learning_rate, 200)
        theirs = descend(x, y, learning_rate, 200)
        assert torch.equal(ours.nan_to_num(), theirs.nan_to_num())


def test_batches_are_the_same(digits):
    make = from_notebook("05_mnist_data", "Batches")
    for batch_size, shuffle in product([64, 150, 1000], [False, True]):
        passes = []
        for batches in (
            make(digits, batch_size, shuffle),
            data.Batches(digits, batch_size, shuffle),
        ):
            torch.manual_seed(0)
            passes.append([*batches])
            assert len(batches) == len(passes[-1])
        for (images, labels), (other_images, other_labels) in zip(*passes, strict=True):
            assert torch.equal(images, other_images) and torch.equal(labels, other_labels)


def test_digit_folders_are_the_same(digits, tmp_path):
    for index in range(20):
        image, label = digits[index]
        (tmp_path / str(label.item())).mkdir(exist_ok=True)
        picture = to_pil_image(image).crop((index % 3, 0, 28, 28))  # not all are square
        picture.save(tmp_path / str(label.item()) / f"{index}.png")
    ours = from_notebook("05_mnist_data", "DigitFolder")(tmp_path)
    theirs = data.DigitFolder(tmp_path)
    for left, right in zip(DataLoader(ours, 8), DataLoader(theirs, 8), strict=True):
        assert torch.equal(left[0], right[0]) and torch.equal(left[1], right[1])


def test_counts_are_the_same():
    logits, labels = torch.randn(50, 10), torch.randint(10, (50,))
    ours = from_notebook("06_linear_and_nonlinear", "count_right")
    assert ours(logits, labels) == training.count_right(logits, labels)
    parts = [training.Evaluation(1.0, 2, 3), training.Evaluation(2.5, 0, 7)]
    assert tuple(from_notebook("06_linear_and_nonlinear", "total")(parts)) == training.total(parts)
    assert (
        from_notebook("06_linear_and_nonlinear", "Evaluation")(*parts[0]).accuracy
        == parts[0].accuracy
    )


def test_evaluations_are_the_same(digits):
    torch.manual_seed(0)
    model = models.ConvNet()
    ours = from_notebook("06_linear_and_nonlinear", "evaluate")(model, data.Batches(digits, 64))
    assert tuple(ours) == training.evaluate(model, data.Batches(digits, 64))
    assert model.training


@pytest.mark.parametrize("name", ["probabilities", "predict"])
def test_predictions_are_the_same(name, digits):
    torch.manual_seed(0)
    model = models.ConvNet()
    ours = from_notebook("07_cnn", name)(model, digits.images)
    assert torch.equal(ours, getattr(training, name)(model, digits))


@pytest.mark.parametrize("name", ["training_steps", "train_one_epoch", "fit"])
def test_training_is_the_same(name, digits):
    def train(function, make_history):
        """Reports and weights after two epochs, from seed 0."""
        training.seed_everything(0)
        model = models.ConvNet()
        optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
        batches = data.Batches(digits, 64, shuffle=True)
        if name == "fit":
            history = make_history(data.Batches(digits, 250))
            function(model, batches, optimizer, 2, watchers=[history])
            table = history.table().drop(columns=["seconds", "step"], errors="ignore")
            reports = table.to_numpy().tolist()
        elif name == "train_one_epoch":
            reports = [tuple(function(model, batches, optimizer)) for _ in range(2)]
        else:
            reports = [
                tuple(step) for _ in range(2) for step in function(model, batches, optimizer)
            ]
        return reports, model.state_dict()

    stem = "06_linear_and_nonlinear"
    reports, weights = train(from_notebook(stem, name), from_notebook(stem, "History"))
    other_reports, other_weights = train(getattr(training, name), watchers.History)
    assert reports == other_reports and len(reports) in (2, 10)
    assert all(torch.equal(weights[key], other_weights[key]) for key in weights)


def test_each_loop_tells_the_watchers_the_same(digits):
    class Diary(list):
        def __getattr__(self, moment):
            if moment not in ("before_training", "after_step", "after_epoch"):
                raise AttributeError(moment)
            names = ("step", "epoch", "last_step")
            return lambda training: self.append([moment, *(getattr(training, n) for n in names)])

    told = []
    for fit in (from_notebook("06_linear_and_nonlinear", "fit"), training.fit):
        model, diary = models.SoftmaxClassifier(), Diary()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        fit(model, data.Batches(digits, 64), optimizer, 2, watchers=[diary])
        told.append([*diary])
    assert told[0] == told[1] and len(told[0]) == 1 + 2 * (5 + 1)


def test_the_recipe_is_the_same(digits):
    ours = from_notebook("06_linear_and_nonlinear", "train")(models.ConvNet, digits, 2, 3)
    how = {"learning_rate": 0.1, "make_schedule": None, "batch_size": 64, "bf16": False}
    how["make_optimizer"] = torch.optim.SGD
    theirs = training.train(models.ConvNet, digits, 2, 3, **how)
    pairs = zip(ours.parameters(), theirs.parameters(), strict=True)
    assert all(torch.equal(one, other) for one, other in pairs)


def test_cycles_are_the_same():
    def rates(make_schedule):
        optimizer = torch.optim.Adam([torch.zeros(1)], lr=0.3)
        schedule, found = make_schedule(optimizer, 20), []
        for _ in range(20):
            found.append((*schedule.get_last_lr(), optimizer.param_groups[0]["betas"]))
            optimizer.step()
            schedule.step()
        return found

    assert rates(from_notebook("08_optimizers", "one_cycle")) == rates(training.one_cycle)


def test_grids_are_the_same(digits):
    optimizers = {"SGD": torch.optim.SGD, "Adam": torch.optim.Adam}
    choice = (digits, digits, optimizers, [0.01, 0.1], [3, 4])
    ours = from_notebook("08_optimizers", "run_grid")(models.SoftmaxClassifier, *choice, epochs=2)
    theirs = grids.run_grid(models.SoftmaxClassifier, *choice, epochs=2)
    assert [*ours.columns] == [name for name in theirs.columns if name != "loss"]
    assert ours.drop(columns="accuracy").equals(theirs[["optimizer", "learning_rate", "seed"]])
    assert (ours["accuracy"] - theirs["accuracy"]).abs().max() < 0.005  # one image of 300


@pytest.mark.parametrize(("classes", "count"), [(2, 3), (3, 12), (10, 8), (10, 60)])
def test_confusion_matrices_and_reports_are_the_same(classes, count):
    random = torch.Generator().manual_seed(count)
    answers, labels = torch.randint(classes, (2, count), generator=random)
    ours = from_notebook("09_confusion_matrix", "confusion_matrix")(answers, labels, classes)
    assert torch.equal(ours, metrics.confusion_matrix(answers, labels, classes))
    ours = from_notebook("09_confusion_matrix", "report")(answers, labels, classes)
    theirs = metrics.report(answers, labels, classes)
    assert [*ours.columns] == [*theirs.columns] and [*ours.index] == [*theirs.index]
    assert np.allclose(ours, theirs, atol=1e-6)


def test_weight_records_are_the_same(digits):
    def record(make_record):
        """A record of two epochs of five steps, from seed 0."""
        kept = make_record(["layers.0.weight", "layers.3.bias"], every=4)
        training.train(models.ConvNet, digits, 2, 0, batch_size=64, watchers=[kept])
        return kept

    ours = record(from_notebook("10_kernels_and_feature_maps", "WeightRecord"))
    theirs = record(watchers.WeightRecord)
    assert ours.steps == theirs.steps == [0, 4, 8, 10]
    for name in ("layers.0.weight", "layers.3.bias"):
        assert torch.equal(ours[name], theirs[name])
        assert len(theirs[name].unique(dim=0)) == 4


LOOKED_INTO = [models.MLP, models.ConvNet, models.BatchNormCNN, models.TinyVGG]


@pytest.mark.parametrize("make_model", LOOKED_INTO)
def test_feature_maps_are_the_same(make_model, digits):
    torch.manual_seed(0)
    model = make_model()
    ours = built("10_kernels_and_feature_maps")
    names = ours["layer_names"](model)
    assert names == features.layer_names(model)
    left = ours["feature_maps"](model, digits.images[:5], names)
    right = features.feature_maps(model, digits.images[:5], names)
    assert set(left) == set(right) == set(names)
    assert all(torch.equal(left[name], right[name]) for name in names)
    assert model.training and not any(part._forward_hooks for part in model.modules())
    with pytest.raises(ValueError, match=r"layers must be among .*; got .*conv9"):
        ours["feature_maps"](model, digits.images[:5], ["conv9"])


@pytest.mark.parametrize(
    ("make_model", "layer"),
    [
        (models.ConvNet, "layers.5"),
        (models.UnpaddedConvNet, "layers.5"),
        (models.TinyVGG, "layers.7"),
    ],
)
def test_receptive_fields_are_the_same(make_model, layer):
    ours, model = from_notebook("10_kernels_and_feature_maps", "seen_pixels"), make_model()
    for cell in (0, 1, 4):
        seen = features.seen_pixels(model, layer, cell, 4 - cell)
        assert ours(model, layer, cell, 4 - cell) == seen


@pytest.mark.parametrize("name", ["shift_by_loop", "shift"])
def test_shifts_are_the_same(name, digits):
    ours, image = from_notebook("11_shift_robustness", name), digits.images[0, 0]
    for dx, dy in [(-40, 5), (-28, -2), (-3, -29), (0, 0), (1, 28), (27, 5), (30, -2), (2, 3)]:
        assert torch.equal(ours(image, dx, dy), shifts.shift(image, dx, dy))


def test_random_shifts_and_augmented_batches_are_the_same(digits):
    ours = built("11_shift_robustness")
    changed = []
    for shift, augment in (
        (ours["random_shift"], ours["Augmented"]),
        (shifts.random_shift, data.Augmented),
    ):
        batches = augment(data.Batches(digits, 64, shuffle=True), partial(shift, largest=3))
        torch.manual_seed(0)
        changed.append([*batches, *batches])
        assert len(batches) == 5
    for (images, labels), (other_images, other_labels) in zip(*changed, strict=True):
        assert torch.equal(images, other_images) and torch.equal(labels, other_labels)
    assert not torch.equal(changed[0][0][0], changed[0][5][0])


def test_grids_of_shifts_and_their_radii_are_the_same(digits):
    ours = built("11_shift_robustness")
    torch.manual_seed(0)
    model, steps = models.SoftmaxClassifier(), (-4, 0, 1, 3)  # untrained, it is inconsistent
    theirs = shifts.shift_grid(model, digits, steps)
    for left, right in zip(ours["shift_grid"](model, digits, steps), theirs, strict=True):
        assert np.allclose(left, right, atol=1e-6)
        assert np.allclose(ours["by_radius"](left), shifts.by_radius(right), atol=1e-6)
    assert theirs.consistency.loc[0, 0] == 1 and theirs.consistency.loc[-4, 3] < 1


@pytest.mark.parametrize("size", [(27, 27), (28, 28), (5, 8)])
def test_blur_poolings_are_the_same(size):
    maps = torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(0))
    ours = from_notebook("11_shift_robustness", "BlurPool2d")()
    assert torch.allclose(ours(maps), shifts.BlurPool2d()(maps), atol=1e-6)


def both_checkpoints(name):
    """A function for checkpoints, the notebook's and the library's."""
    return from_notebook("12_save_load_resume", name), getattr(checkpoints, name)


def three_numbers():
    """The next number of each generator that a training may draw from."""
    return random.random(), np.random.rand(), torch.rand(1).item()


def test_random_states_are_the_same():
    ours, theirs = both_checkpoints("set_random_states")
    for get, put in zip(both_checkpoints("random_states"), (theirs, ours), strict=True):
        training.seed_everything(3)
        states = get()
        numbers = three_numbers()
        three_numbers()
        put(states)  # each puts back what the other noted
        assert three_numbers() == numbers


def test_checkpoints_are_the_same(tmp_path):
    state = {"model": models.ConvNet().state_dict(), "random": checkpoints.random_states()}
    places = [tmp_path / "ours.pt", tmp_path / "theirs.pt"]
    for path, save in zip(places, both_checkpoints("save_checkpoint"), strict=True):
        save(path, {"step": 1})
        save(path, state)
    ours, theirs = both_checkpoints("load_checkpoint")
    for path, load in zip(places, (theirs, ours), strict=True):  # each reads what the other wrote
        loaded = load(path)
        assert loaded.keys() == state.keys()
        for name, tensor in state["model"].items():
            assert torch.equal(loaded["model"][name], tensor)
        assert load(path.with_name(path.name + ".previous")) == {"step": 1}
    names = {file.name for file in tmp_path.iterdir()}
    assert names == {name + end for name in ("ours.pt", "theirs.pt") for end in ("", ".previous")}


def test_a_failed_write_leaves_the_same(tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    for number, save in enumerate(both_checkpoints("save_checkpoint")):
        folder = tmp_path / str(number)
        folder.mkdir()
        save(folder / "run.pt", {"step": 1})
        with monkeypatch.context() as patch, pytest.raises(OSError, match="No space left"):
            patch.setattr("os.fsync", full)
            save(folder / "run.pt", {"step": 2})
        assert [file.name for file in folder.iterdir()] == ["run.pt"]
        assert checkpoints.load_checkpoint(folder / "run.pt") == {"step": 1}


def test_a_copy_that_fails_leaves_the_one_before(tmp_path, monkeypatch):
    def no_links(path, other):
        raise OSError(errno.EPERM, "No second names here")  # a second name would need no copy

    for number, save in enumerate(both_checkpoints("save_checkpoint")):
        folder = tmp_path / str(number)
        folder.mkdir()
        for step in (1, 2):
            save(folder / "run.pt", {"step": step})
        full = OSError(errno.ENOSPC, "No space left on device")
        with monkeypatch.context() as patch, pytest.raises(OSError, match="No space left"):
            patch.setattr("os.link", no_links)
            patch.setattr("os.fsync", Mock(side_effect=[None, full]))  # the new file, then the copy
            save(folder / "run.pt", {"step": 3})
        found = {file.name: checkpoints.load_checkpoint(file) for file in folder.iterdir()}
        assert found == {"run.pt": {"step": 2}, "run.pt.previous": {"step": 1}}


@pytest.mark.parametrize("damage", ["cut short", "one bit", "no archive", "empty", "code"])
def test_the_same_checkpoints_are_refused(damage, tmp_path):
    path = tmp_path / "run.pt"
    torch.save(models.ConvNet() if damage == "code" else models.ConvNet().state_dict(), path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= damage == "one bit"
    broken = {"cut short": content[:-100], "no archive": b"step 3", "empty": b""}
    path.write_bytes(broken.get(damage, content))
    for load in both_checkpoints("load_checkpoint"):
        with pytest.raises(RuntimeError, match=r"run\.pt is not a whole checkpoint") as caught:
            load(path)
        assert type(caught.value).__name__ == "CheckpointError"


DRAW = "13_draw_a_digit"
DRAWINGS = {
    "hook": [[(0.2, 0.3), (0.7, 0.25), (0.5, 0.9)]],
    "cross": [[(0.1, 0.5), (0.4, 0.45)], np.array([(0.3, 0.2), (0.2, 0.8)])],
    "dot": [[(0.3, 0.8)]],
    "line and dot": [[(0.6, 0.1), (0.6, 0.3)], [(0.62, 0.4)]],
}
every_drawing = pytest.mark.parametrize("drawing", DRAWINGS.values(), ids=DRAWINGS)


def same_strokes(ours, theirs):
    return len(ours) == len(theirs) and all(
        np.allclose(left, right, atol=1e-3) for left, right in zip(ours, theirs, strict=True)
    )


def test_the_constants_of_a_drawing_are_the_same():
    assert [built(DRAW)[name] for name in ("BOX", "MIDDLE", "PEN")] == [
        20 / 28,
        14.5 / 28,
        2.5 / 28,
    ]
    assert (strokes.BOX, strokes.MIDDLE, strokes.PEN) == (20 / 28, 14.5 / 28, 2.5 / 28)


@every_drawing
def test_drawings_are_the_same(drawing):
    for pen in (0.02, 0.3):
        for size in (4, 28):
            ours, theirs = (
                from_notebook(DRAW, "draw")(drawing, pen, size),
                strokes.draw(drawing, pen, size),
            )
            assert torch.allclose(ours, theirs, atol=1e-4)


@every_drawing
def test_the_stages_of_a_preparation_are_the_same(drawing):
    fit, centre, image = (
        from_notebook(DRAW, name) for name in ("fit_to_box", "centre_by_mass", "prepare")
    )
    for pen, box, middle in ((0.02, strokes.BOX, 0.5), (0.09, 0.4, strokes.MIDDLE)):
        small = strokes.fit_to_box(drawing, pen, box)  # on the pad wherever it is moved from
        assert same_strokes(fit(drawing, pen, box), small)
        assert same_strokes(centre(small, pen, middle), strokes.centre_by_mass(small, pen, middle))
    assert torch.allclose(image(drawing), strokes.prepare(drawing), atol=1e-3)


def test_centres_of_mass_are_the_same(digits):
    ours = from_notebook(DRAW, "centre_of_mass")
    for image in [*digits.images[:5], torch.rand(1, 5, 9)]:
        assert ours(image) == pytest.approx(strokes.centre_of_mass(image), abs=1e-5)


def test_drawings_are_kept_alike(tmp_path):
    """Each reads what the other has written."""
    drawn = [
        {"writer": "Ann", "digit": 7, "pen": 0.05, "strokes": [[[0.5, 0.25]]]},
        {"writer": "Zoë", "digit": 0, "pen": 0.1, "strokes": [[[0.1, 0.2], [0.3, 0.4]]]},
    ]
    ours, theirs = tmp_path / "ours.json", tmp_path / "theirs.json"
    from_notebook(DRAW, "save_drawings")(ours, drawn)
    drawings.save_drawings(theirs, drawn)
    assert drawings.load_drawings(ours) == drawn
    assert from_notebook(DRAW, "load_drawings")(theirs) == drawn


def test_photographs_are_read_alike(digits):
    ours = built(DRAW)
    generator = torch.Generator().manual_seed(0)
    for number, image in enumerate(digits.images[:8]):
        lying, chalk = number % 2 == 1, number > 3
        file = ours["photograph"](image, generator, lying, chalk)
        gap = (ours["read_photo"](file) - tracing.read_photo(file)).abs()
        assert gap.mean() < 0.005


SMALL = list(product(range(1, 8), range(1, 5), range(1, 4), range(3), range(1, 4)))


def answer(function, *arguments, **options):
    """What the function returns, or that it refuses."""
    try:
        return function(*arguments, **options)
    except ValueError:
        return "refused"


def test_output_sizes_are_the_same():
    ours = from_notebook("01_conv1d", "output_size")
    for choice in SMALL:
        assert answer(ours, *choice) == answer(arithmetic.output_size, *choice)


def test_sums_are_written_alike():
    ours = from_notebook("01_conv1d", "written_out")
    for values, weights in (([0, 1, 2], [0.1, 0.2, 0.3]), ([1.0, 10.0, 0.5], [1.0, 2.0, 0.25])):
        assert ours(values, weights) == arithmetic.written_out(values, weights)


def windows_output(windows):
    return arithmetic.output_of(windows).float()


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"stride": 2},
        {"padding": 2},
        {"dilation": 2},
        {"groups": 2},
        {"stride": 3, "padding": 3, "dilation": 2, "groups": 2},
    ],
    ids=str,
)
def test_convolutions_in_1d_are_the_same(options):
    torch.manual_seed(0)
    input, bias = torch.randn(4, 11), torch.randn(6)
    weight = torch.randn(6, 4 // options.get("groups", 1), 3)
    ours = from_notebook("01_conv1d", "conv1d")(input, weight, bias, **options)
    theirs = arithmetic.convolution_windows(input, weight, bias, **options)
    assert torch.allclose(ours, windows_output(theirs), atol=1e-5)


def test_convolutions_in_2d_are_the_same():
    torch.manual_seed(0)
    image, kernel = torch.randn(6, 7), torch.randn(3, 2)
    ours = from_notebook("02_conv2d", "corr2d")(image, kernel)
    theirs = arithmetic.convolution_windows(image[None], kernel[None, None])
    assert torch.allclose(ours, windows_output(theirs)[0], atol=1e-5)


@pytest.mark.parametrize(("kernel_size", "stride"), [(2, 2), (3, 2), (3, 1), (2, 3)])
def test_max_poolings_are_the_same(kernel_size, stride):
    torch.manual_seed(0)
    image = torch.randn(6, 7)
    ours = from_notebook("03_pooling", "max_pool")(image, kernel_size, stride)
    theirs = arithmetic.max_pool_windows(image[None], kernel_size, stride)
    assert torch.equal(ours, windows_output(theirs)[0])


WORKED_EXAMPLES = {  # the arithmetic that other tutorials print: each number, where a reader finds it
    "01_conv1d": [
        *(f"{n}·0.1 + {n + 1}·0.2 + {n + 2}·0.3 = {0.8 + 0.6 * n:g}" for n in range(14)),
        "0·0.1 + 1·0.2 + 2·0.3 + 8·1 + 9·1 + 10·1 = 27.8",
        "1·0.1 + 2·0.2 + 3·0.3 + 9·1 + 10·1 + 11·1 = 31.4",
    ],
    "02_conv2d": [
        f"row {row}, column {column}: 1·0.1 + 1·0.2 + 1·0.3 + 1·0.4 = 1"
        for row in range(3)
        for column in range(3)
    ],
    "03_pooling": [
        "[[ 6.,  8.], [16., 18.]]",
        "[[ 3.,  5.], [13., 15.]]",
        "[[[ 1.,  3.,  5.,  7.,  9., 11., 13., 15.]]]",
        "[[[ 1.,  3.,  5.,  7.], [ 9., 11., 13., 15.]]]",
    ],
}


@pytest.mark.parametrize("stem", WORKED_EXAMPLES)
def test_worked_examples_stand_in_the_notebooks(stem):
    """In outputs that nbval compares, so a number that changes is noticed there."""
    compared = [
        " ".join("".join(output_texts(cell)).split())
        for _, cell in code_cells(read(NOTEBOOKS / f"{stem}.ipynb"))
        if "nbval-ignore-output" not in tags(cell)
    ]
    for example in WORKED_EXAMPLES[stem]:
        assert any(" ".join(example.split()) in text for text in compared), example


def test_the_receptive_field_is_that_of_tinyvgg():
    field = from_notebook("02_conv2d", "receptive_field")
    layers = [
        (layer.kernel_size, layer.stride)
        for layer in models.TinyVGG().modules()
        if isinstance(layer, torch.nn.Conv2d | torch.nn.MaxPool2d)
    ]
    sizes = [
        (k if isinstance(k, int) else k[0], s if isinstance(s, int) else s[0]) for k, s in layers
    ]
    assert field(sizes) == [3, 5, 6, 10, 14, 16]


def test_the_costs_are_those_of_tinyvgg():
    count = from_notebook("02_conv2d", "multiplications")
    layers = [layer for layer in models.TinyVGG().modules() if isinstance(layer, torch.nn.Conv2d)]
    sizes = [(layer.in_channels, layer.out_channels, layer.kernel_size[0]) for layer in layers]
    maps = (28, 28, 14, 14)
    expected = [70_560, 705_600, 176_400, 176_400]
    assert [count(n, n, *size) for n, size in zip(maps, sizes, strict=True)] == expected
