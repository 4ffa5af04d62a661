"""The doctor of notebook 14, on networks with planted faults and on healthy ones, which others made."""

import contextlib
import io
from functools import cache

import pandas as pd
import planted
import pytest
import torch
from torch import nn

from mnist_lib import models
from mnist_lib.data import Split
from mnist_lib.machinery.doctor import diagnose, guessed, learning

LOOKS = {"order": "classes", "one batch": "batch"}  # by other names there
LEAST = 36


@cache
def examined(name):
    """The looks that show a cross, and what the doctor printed."""
    case = (planted.FAULTS | planted.HEALTHY)[name]
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        found = diagnose(**case.make())
    return {look for look, (mark, _) in found.items() if mark == "✗"}, out.getvalue()


def on_sample(monkeypatch):
    """Full MNIST may not be there: then the sample stands for it."""
    digits = planted.digits
    monkeypatch.setattr(planted, "digits", lambda source="sample": digits("sample"))


def test_planted_faults_are_named(monkeypatch):
    on_sample(monkeypatch)
    rows = []
    for name, case in planted.FAULTS.items():
        crosses, _ = examined(name)
        kind, *also = (LOOKS.get(look, look) for look in (case.kind, *case.also))
        false = crosses - {kind, *also}
        rows.append((name, kind, kind in crosses, ", ".join(sorted(crosses)), len(false)))
    table = pd.DataFrame(rows, columns=["planted", "look", "named", "crosses", "false"])
    print(table.to_string())
    assert len(table) == 40 and table["named"].sum() >= LEAST
    assert table.groupby("look")["named"].any().all() and not table["false"].any()


@pytest.mark.parametrize("name", planted.HEALTHY)
def test_nothing_false_is_said_of_healthy_ones(name, monkeypatch):
    on_sample(monkeypatch)
    crosses, said = examined(name)
    assert crosses == set() and "–" not in said.split("Not seen")[0], said


def split(images=64, classes=2):
    torch.manual_seed(0)
    return Split(torch.rand(images, 1, 8, 8), torch.arange(images) % classes)


def net():
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 2))


class Odd(nn.Module):
    """A network whose parts are in different modes, and which cannot be copied."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Flatten(), nn.BatchNorm1d(64), nn.Dropout(), nn.Linear(64, 2)
        )
        self.layers[2].eval()
        self.file = io.BytesIO().getbuffer()  # copy.deepcopy refuses it

    def forward(self, images):
        return self.layers(images)


def test_model_modes_data_and_random_numbers_stay(capsys):
    model, train, validation = Odd(), split(), split(32)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    modes = [part.training for part in model.modules()]
    images, state = train.images.clone(), torch.get_rng_state()
    diagnose(Odd, train, validation, model)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert [part.training for part in model.modules()] == modes
    assert torch.equal(train.images, images) and torch.equal(torch.get_rng_state(), state)
    assert all(parameter.grad is None for parameter in model.parameters())


def test_what_cannot_be_looked_at_is_said_and_the_rest_is_seen(capsys):
    class Breaks(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(64, 2)

        def forward(self, images):
            if len(images) == 1:
                raise ValueError("one image\nis not enough")
            return self.layer(images.flatten(1))

    found = diagnose(Breaks, split(), split(32))
    assert found["alone"] == ("–", "Not possible: ValueError: one image")
    assert found["gradients"][0] == "✓" and "model" not in found
    printed = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in printed[: len(found)]] == list(found)
    assert "zero_grad()" in printed[-2]  # what it cannot see


def test_it_says_what_it_saw(capsys):
    found = diagnose(models.MLP, *(Split(torch.rand(40, 1, 28, 28), torch.arange(40) % 9),) * 2)
    assert found["classes"] == ("✗", "train has no labels for the outputs {9}.")
    assert found["splits"] == ("✗", "40 of 40 validation images are in train, too.")


@pytest.mark.parametrize("images", [60, 200])
def test_sorted_labels_are_told_of_few_images_too(images, capsys):
    ordered, validation = split(images), split(40)
    order = ordered.labels.argsort(stable=True)
    for seed in range(5):
        mixed = ordered[torch.randperm(images, generator=torch.Generator().manual_seed(seed))]
        assert diagnose(net, mixed, validation)["classes"][0] == "✓"
    assert "in runs" in diagnose(net, ordered[order], validation)["classes"][1]


def test_a_network_whose_loss_is_nan_has_no_gradients_that_help(capsys):
    class Divides(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(64, 2)

        def forward(self, images):
            x = images.flatten(1)
            return self.layer((x - x) / (x - x))

    found = diagnose(Divides, split(), split(32))
    assert found["gradients"] == ("✗", "That of layer.weight is NaN or infinite.")
    assert found["batch"][0] == found["start"][0] == "✗"


def looked(look, make_model=net, train=None, validation=None, model=None):
    """The mark of one look."""
    return diagnose(make_model, train or split(), validation or split(32), model)[look][0]


@pytest.mark.parametrize(("right", "ones", "of", "chance"), [
    (1.0, 1, 9, False), (0.99, 8, 258, False), (1.0, 6, 455, False), (0.55, 250, 500, True),
])  # fmt: skip
def test_a_perfect_answer_to_rare_labels_is_no_guess(right, ones, of, chance):
    assert guessed(right, (torch.arange(of) < ones).long()) == chance


def test_a_network_that_reads_few_images_is_not_accused():
    train, validation = (part[:50] for part in planted.digits())
    model = models.MLP()
    list(learning(model, train, 100))
    assert looked("model", models.MLP, train, validation, model) == "✓"
    assert looked("model", models.MLP, train, validation, models.MLP()) == "✗"


@pytest.mark.parametrize("width", range(8, 24))
def test_two_classes_may_begin_between_0_and_1(width):
    def deep():
        layers = [layer for _ in range(4) for layer in (nn.Linear(width, width), nn.ReLU())]
        return nn.Sequential(nn.Flatten(), nn.Linear(64, width), *layers, nn.Linear(width, 2))

    assert looked("logits", deep) == "✓"
    assert looked("logits", lambda: nn.Sequential(deep(), nn.Sigmoid())) == "✗"


def test_what_make_model_returns_has_weights_of_its_own():
    model = net()
    with pytest.raises(ValueError, match="make_model must return a new network each time"):
        diagnose(lambda: nn.Sequential(*model), split(), split(32), model)
    with pytest.raises(TypeError, match="make_model must be a function"):
        diagnose(model, split(), split(32))


def test_images_that_want_gradients_get_none():
    train = split()
    train.images.requires_grad_()
    assert looked("gradients", train=train) == looked("batch", train=train) == "✓"
    assert train.images.grad is None


def test_labels_may_be_bytes_and_nothing_else_but_long():
    for kind, mark in ((torch.uint8, "✓"), (torch.int32, "✗"), (torch.float32, "✗")):
        train = Split(split().images, split().labels.to(kind))
        assert looked("classes", train=train) == mark


def test_a_layer_that_is_skipped_by_chance_gets_its_gradient():
    class Skips(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.last = nn.Linear(64, 64), nn.Linear(64, 2)

        def forward(self, images):
            x = images.flatten(1)
            return self.last(self.first(x) if torch.rand(1) < 0.5 else x)

    for _ in range(5):
        assert looked("gradients", Skips) == "✓"


def test_pixels_of_unit_spread_may_reach_far_and_bytes_may_not():
    far = split().images.clone()
    far[0, 0, 0, 0] = 55
    far = Split(far, split().labels)
    assert looked("pixels", train=far, validation=far) == "✓"
    bright = Split(255 * split().images, split().labels)
    assert looked("pixels", train=bright, validation=bright) == "✗"


def test_batch_norm_that_has_no_averages_yet_may_begin():
    def normalised():
        network = nn.Sequential(nn.Flatten(), nn.Linear(64, 2), nn.BatchNorm1d(2))
        nn.init.normal_(network[1].weight, std=20)
        return network

    assert looked("start", normalised) == "✓"
    assert looked("start", lambda: normalised()[:-1]) == "✗"


def test_outputs_in_other_rows_are_told():
    class Reshapes(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(16, 2)

        def forward(self, images):
            return self.layer(images.reshape(-1, 16))  # four rows for each image

    found = diagnose(Reshapes, split(), split(32))
    assert found["logits"] == ("✗", "64 images give outputs (256, 2).")
