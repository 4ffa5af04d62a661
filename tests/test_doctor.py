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
from mnist_lib.machinery.doctor import diagnose

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
        kind = LOOKS.get(case.kind, case.kind)
        rows.append((name, kind, kind in crosses, ", ".join(sorted(crosses))))
    table = pd.DataFrame(rows, columns=["planted", "look", "named", "crosses"])
    print(table.to_string())
    assert len(table) == 40 and table["named"].sum() >= LEAST


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
