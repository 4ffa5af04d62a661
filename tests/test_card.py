"""Everything also runs where a graphics card does the arithmetic: with a stand-in for one, on any machine."""

import copy
import re
import sys

import card
import matplotlib.pyplot as plt
import notebook_rules as rules
import numpy as np
import pytest
import torch
from IPython.core.interactiveshell import InteractiveShell
from torch.nn import functional as F
from traitlets.config import Config

from mnist_lib import data, features, models, shifts, training, widgets
from mnist_lib.data import MNIST, Batches, Split
from mnist_lib.machinery import grids
from mnist_lib.machinery.checkpoints import Checkpoint
from mnist_lib.machinery.watchers import History, WeightRecord

NETWORKS = [models.SoftmaxClassifier, models.ConvNet, models.BatchNormCNN]
EVERY_DAY = {"00_start_here", "09_confusion_matrix"}  # the others run with --thorough
LARGE = {"12_save_load_resume", "15_fast"}  # they need more images than a tenth of the sample


@pytest.fixture
def on_card(monkeypatch):
    """The stand-in, which `pick_device` finds."""
    monkeypatch.setattr(training, "pick_device", lambda: torch.device("cuda"))
    monkeypatch.setattr(grids, "vmap", card.marking(grids.vmap))
    with card.Card() as here:
        yield here


@pytest.fixture
def split(on_card):
    """600 random images on the card."""
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(600, 1, 28, 28, generator=generator)
    return Split(images, torch.arange(600) % 10).to("cuda")


# The stand-in


@pytest.mark.usefixtures("on_card")
def test_what_was_moved_is_marked_and_so_is_what_comes_of_it():
    here, there = torch.rand(3, 4), torch.rand(3, 4).to("cuda")
    layer = torch.nn.Linear(4, 2).to(there.device)
    loss = layer(there).sum()
    loss.backward()
    marked = (there, there[0], there.T, there + 1, layer.weight, layer.weight.grad, loss)
    marked += (torch.zeros(2, device="cuda"), torch.zeros_like(there), there.half(), loss.detach())
    marked += (*copy.deepcopy(layer).parameters(), *copy.deepcopy([there]))
    marked += (here.to(there), here.cuda(), layer.state_dict()["bias"], here.to("cuda", torch.half))
    assert all(tensor.is_cuda and tensor.device.type == "cuda" for tensor in marked)
    not_marked = (here, here + 1, there.cpu(), torch.zeros_like(here), there.to("cpu"))
    not_marked += (here.to(torch.half), there.to(here), torch.zeros(2))
    assert not any(tensor.is_cuda or tensor.device.type == "cuda" for tensor in not_marked)
    assert torch.equal(here.to("cuda").cpu(), here) and there.to("cuda") is there


MIXTURES = [
    lambda here, there: here + there,
    lambda here, there: there @ here.T,
    lambda here, there: torch.cat([here, there]),
    lambda here, there: torch.stack([there, here]),
    lambda here, there: torch.stack([there.sum(), here.sum()]),
    lambda here, there: torch.equal(there, here),
    lambda here, there: (there == here).all(),
    lambda here, there: F.cross_entropy(there, torch.zeros(3, dtype=torch.long)),
    lambda here, there: torch.nn.Linear(4, 2)(there),
    lambda here, there: torch.nn.Linear(4, 2).to("cuda")(here),
    lambda here, there: here[torch.tensor([0, 1]).to("cuda")],
    lambda here, there: torch.where(there > 0, there, here),
    lambda here, there: there.numpy(),
    lambda here, there: np.asarray(there),
    lambda here, there: here.add_(there),
]


@pytest.mark.usefixtures("on_card")
@pytest.mark.parametrize("mix", MIXTURES)
def test_what_a_card_refuses_is_refused(mix):
    with pytest.raises((RuntimeError, TypeError), match=r"same device|numpy"):
        mix(torch.rand(3, 4), torch.rand(3, 4).to("cuda"))


@pytest.mark.usefixtures("on_card")
def test_what_a_card_takes_is_taken():
    here, there = torch.rand(3, 4), torch.rand(3, 4).to("cuda")
    there += torch.tensor(1.0)  # a number that is a tensor
    there[torch.tensor([0, 2])] = 5.0  # indices may come from the CPU
    assert there[torch.tensor([0, 2])].is_cuda
    there[0], here[0] = here[0], there[0]
    here.copy_(there)
    assert there.is_cuda and not here.is_cuda and torch.equal(here, there.cpu())
    torch.nn.Linear(4, 2).to("cuda").load_state_dict(torch.nn.Linear(4, 2).state_dict())


def test_reads_from_the_card_are_counted(on_card):
    there = torch.arange(4.0).to("cuda")
    reads = (float, int, bool, torch.Tensor.item)
    for read in reads:
        read(there[2])
    assert on_card.reads == 4
    there.tolist(), there.cpu(), there[there > 1], there.nonzero(), f"{there[0]:.1f}"
    torch.zeros(4).copy_(there)
    there[there > 1] = 0
    assert on_card.reads == 11
    (there + 1).sum(), there.shape, there.device, there[1:], there.clone()
    there.copy_(torch.zeros(4))
    assert on_card.reads == 11


# The library


def reads_of(card, action):
    """How often the CPU waited for the card while `action` ran."""
    before = card.reads
    action()
    return card.reads - before


@pytest.mark.parametrize("make_model", NETWORKS)
def test_no_loop_waits_for_the_card(on_card, split, make_model):
    """With five times as many steps, numbers are read just as often."""
    few, many = split[:100], split[:500]
    model = make_model().to("cuda")
    actions = {
        "train": lambda part: training.train(make_model, part, 2, 0, batch_size=20),
        "with shifts": lambda part: training.train(
            make_model, part, 1, 0, batch_size=20, augment=lambda x: shifts.random_shift(x, 2)
        ),
        "evaluate": lambda part: training.evaluate(model, Batches(part, 20)),
        "probabilities": lambda part: training.probabilities(model, part),
        "shift_grid": lambda part: shifts.shift_grid(model, part, steps=range(-1, 2)),
        "feature_maps": lambda part: features.feature_maps(model, part.images, ["layers.0"]),
    }
    for name, action in actions.items():
        reads = [
            reads_of(on_card, lambda action=action, part=part: action(part)) for part in (few, many)
        ]
        assert reads[0] == reads[1] <= 3, name


def test_a_grid_does_not_wait_for_the_card(on_card, split):
    runs = [(0.1, 0), (0.01, 1)]

    def grid(part):
        grids.train_together(models.SoftmaxClassifier, part, torch.optim.Adam, runs, 1, 20)

    reads = [reads_of(on_card, lambda part=part: grid(part)) for part in (split[:100], split[:500])]
    assert reads[0] == reads[1]


def test_who_watches_reads_once_an_epoch_and_keeps_numbers(on_card, split, tmp_path):
    history, record = History(split[:50]), WeightRecord(["layers.1.bias"])

    def watched(steps):
        watchers = [history, Checkpoint(tmp_path / f"{steps}.pt", every=steps - 1)]  # in mid-epoch
        how = {"batch_size": 20, "watchers": watchers}
        training.train(models.SoftmaxClassifier, split[: 20 * steps], 2, 0, **how)

    reads = [reads_of(on_card, lambda steps=steps: watched(steps)) for steps in (4, 20)]
    assert reads[0] == reads[1]
    training.train(models.SoftmaxClassifier, split[:40], 2, 0, batch_size=20, watchers=[record])
    assert not record["layers.1.bias"].is_cuda
    for value in history.table().to_numpy().ravel():
        assert not isinstance(value, torch.Tensor)
    history.recent = [training.Evaluation(split.images.mean(), split.labels[3], 20)]
    numbers = history.state_dict()["recent"][0]
    assert [type(number) for number in numbers] == [float, int, int]


def test_explorers_take_models_and_images_on_the_card(split):
    cnn, mlp = models.TinyVGG().to("cuda"), models.MLP().to("cuda")
    record = WeightRecord(["layers.0.weight"])
    training.train(models.ConvNet, split[:40], 1, 0, watchers=[record])
    explorers = [
        widgets.confusion_explorer(split, training.probabilities(cnn, split)),
        widgets.kernel_explorer(record, "layers.0.weight"),
        widgets.feature_explorer(cnn, split),
        widgets.shift_explorer({"CNN": cnn, "MLP": mlp}, split, layer=None),
        widgets.learning_rate_explorer(torch.rand(5).to("cuda"), torch.rand(5).to("cuda")),
    ]
    for explorer in explorers:
        for control in explorer.controls.values():
            for value in (getattr(control, "max", None), getattr(control, "min", None)):
                if value is not None:
                    control.value = value
    pad = widgets.drawing_pad({"CNN": cnn, "MLP": mlp, "here": models.MLP()})
    pad.canvas.strokes = [[(0.3, 0.2), (0.7, 0.2), (0.45, 0.8)]]
    assert set(pad.answers) == {"CNN", "MLP", "here"}


# The notebooks


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(
            path, marks=[] if path.stem in EVERY_DAY else pytest.mark.thorough, id=path.stem
        )
        for path in rules.main_notebooks()
    ],
)
@pytest.mark.filterwarnings("ignore:.*non-interactive:UserWarning")
def test_a_notebook_runs_on_the_card(path, on_card, monkeypatch, tmp_path):
    """Its cells; from 06 on with a tenth of the sample. (Whether claims hold is for all of it to show.)"""
    if path.stem[:2] > "05" and path.stem not in LARGE:
        monkeypatch.setattr(data, "_load_sample", tenth(data._load_sample()))
    monkeypatch.setenv("MNIST_LIB_SOURCE", "sample")
    monkeypatch.chdir(tmp_path)
    plt.switch_backend("agg")
    problems, namespace = run_cells(rules.read(path), monkeypatch)
    assert not problems, "\n".join(problems)
    if path.stem[:2] > "06":
        assert namespace["mnist"].train.images.is_cuda


def tenth(mnist):
    splits = [part[::10] for part in (mnist.train, mnist.validation, mnist.test)]
    return lambda: MNIST(*splits, "sample")


def run_cells(notebook, monkeypatch):
    """What the cells raise, a list of sentences, and the names that they leave."""
    shell = InteractiveShell(config=Config({"HistoryManager": {"enabled": False}}))
    monkeypatch.setitem(sys.modules, "__main__", shell.user_module)
    problems = []
    for number, cell in rules.code_cells(notebook):
        result = shell.run_cell(cell.source)
        error = result.error_before_exec or result.error_in_exec
        # the export cannot look through the stand-in, and leaves no file to be read
        export = re.search(r"onnx|logits\.npy", cell.source)
        if error is not None and not export and "raises-exception" not in rules.tags(cell):
            problems.append(f"cell {number}: {type(error).__name__}: {error}")
        plt.close("all")
    return problems, shell.user_ns


@pytest.mark.usefixtures("on_card")
def test_a_cell_that_mixes_devices_is_found(monkeypatch):
    notebook = rules.nbformat.v4.new_notebook()
    sources = [
        "import torch",
        "weights = torch.rand(3).to('cuda')",
        "weights + torch.ones(3)",
        "weights + 1",
    ]
    notebook.cells = [rules.nbformat.v4.new_code_cell(source) for source in sources]
    (problem,), _ = run_cells(notebook, monkeypatch)
    assert "same device" in problem
