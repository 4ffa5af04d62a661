"""Training and evaluation, held against loops written out with plain PyTorch."""

import copy
import hashlib
import math
import os
import random
import subprocess
import sys
from functools import partial
from pathlib import Path

import fitting
import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, IterableDataset

from mnist_lib import models, training
from mnist_lib.data import Batches, Split
from mnist_lib.machinery.watchers import History, WeightRecord
from mnist_lib.training import Diverged, Evaluation

ROOT = Path(__file__).parents[1]
SGD = partial(torch.optim.SGD, lr=0.05, momentum=0.9)
ADAM = partial(torch.optim.Adam, lr=0.003)
KINDS = {"Batches": Batches, "DataLoader": DataLoader}
every_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
DEVICES = sorted({"cpu", training.pick_device().type})


def make_split(size=50, seed=0):
    """Random images and labels."""
    generator = torch.Generator().manual_seed(seed)
    images = torch.rand(size, 1, 28, 28, generator=generator)
    return Split(images, torch.randint(10, (size,), generator=generator))


def make_model(seed=0):
    """A small network in which training and evaluation mode differ: batch normalisation and dropout."""
    if seed is not None:
        torch.manual_seed(seed)
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(784, 16),
        nn.BatchNorm1d(16),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(16, 10),
    )


class Bias(nn.Module):
    """The same logits for every image: the parameter itself."""

    def __init__(self, *logits):
        super().__init__()
        self.logits = nn.Parameter(torch.tensor([*logits, *[0.0] * (10 - len(logits))]))

    def forward(self, images):
        return self.logits.expand(len(images), 10)


def same_weights(one, other):
    """Whether two models agree in every parameter and buffer, bit for bit."""
    pairs = zip(one.state_dict().items(), other.state_dict().items(), strict=True)
    return all(name == other_name and torch.equal(a, b) for (name, a), (other_name, b) in pairs)


def modes(model):
    return [module.training for module in model.modules()]


def evaluate_by_hand(model, split):
    """Loss and number of right answers over the whole split at once."""
    model = copy.deepcopy(model).eval()
    with torch.no_grad():
        logits = model(split.images)
    right = int((logits.argmax(1) == split.labels).sum())
    return F.cross_entropy(logits, split.labels).item(), right


def train_by_hand(model, batches, optimizer, epochs=1, scheduler=None):
    """The loop that every textbook has; returns (loss, right, seen, learning rate) of every step."""
    steps = []
    for _ in range(epochs):
        model.train()
        for images, labels in batches:
            optimizer.zero_grad()
            logits = model(images)
            loss = F.cross_entropy(logits, labels)
            loss.backward()
            optimizer.step()
            right = int((logits.argmax(1) == labels).sum())
            steps.append((loss.item(), right, len(labels), optimizer.param_groups[0]["lr"]))
            if scheduler is not None:
                scheduler.step()
    return steps


# A seed and a device


def error_for(value):
    """What is raised for a value that is not an integer in range."""
    return ValueError if type(value) is int else TypeError


def test_a_seed_makes_python_numpy_and_torch_repeatable():
    def draw(seed):
        training.seed_everything(seed)
        return random.random(), np.random.rand(), torch.rand(1).item()

    first, again, other = draw(3), draw(3), draw(4)
    assert first == again
    assert all(a != b for a, b in zip(first, other))
    assert torch.are_deterministic_algorithms_enabled()


@pytest.mark.parametrize("device", DEVICES)
def test_after_a_seed_convolutions_are_computed_in_float32(device):
    """Newer NVIDIA GPUs would take TF32, and be wrong from the fourth digit on."""
    training.seed_everything(0)
    assert not torch.backends.cudnn.allow_tf32
    images, weight = torch.randn(4, 64, 14, 14), torch.randn(64, 64, 3, 3)
    maps = F.conv2d(images.to(device), weight.to(device)).cpu().double()
    exact = F.conv2d(images.double(), weight.double())
    assert (maps - exact).abs().max() < 1e-5 * exact.abs().max()


@pytest.mark.parametrize("seed", [-1, 2**32, 1.5])
def test_a_seed_that_is_none_is_refused(seed):
    with pytest.raises(error_for(seed), match=f"seed must be an integer from .*, got {seed!r}"):
        training.seed_everything(seed)


def test_a_seed_may_be_a_number_of_numpy():
    training.seed_everything(np.int64(3))
    first = torch.rand(3)
    training.seed_everything(3)
    assert torch.equal(torch.rand(3), first)


@pytest.mark.parametrize("text", [None, "", "0", "7", "4294967000"])
def test_base_seed_comes_from_the_environment(monkeypatch, text):
    monkeypatch.delenv("MNIST_LIB_SEED", raising=False)
    if text is not None:
        monkeypatch.setenv("MNIST_LIB_SEED", text)
    assert training.base_seed() == int(text or 0)
    training.seed_everything(training.base_seed() + 250)  # there is room for the seeds after it


@pytest.mark.parametrize("text", ["-1", "1.5", " 7", "4294967001", "²"])
def test_a_base_seed_that_is_none_is_refused(monkeypatch, text):
    monkeypatch.setenv("MNIST_LIB_SEED", text)
    with pytest.raises(ValueError, match="MNIST_LIB_SEED must be an integer from 0 to ") as caught:
        training.base_seed()
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize("cuda", [True, False])
@pytest.mark.parametrize("mps", [True, False])
def test_the_device_is_cuda_else_mps_else_the_cpu(monkeypatch, cuda, mps):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert training.pick_device() == torch.device("cuda" if cuda else "mps" if mps else "cpu")


def test_the_device_of_a_model():
    assert training.device_of(nn.Linear(2, 2)) == torch.device("cpu")
    assert training.device_of(nn.Linear(2, 2, device="meta")) == torch.device("meta")
    with pytest.raises(ValueError, match="model must have parameters, got Flatten without any"):
        training.device_of(nn.Flatten())


class Traveller:
    """Stands for a tensor, and notes the devices it is sent to."""

    def __init__(self, tensor, visited):
        self.tensor, self.visited = tensor, visited

    def to(self, device):
        self.visited.append(device)
        return self.tensor


def test_batches_are_moved_to_the_device_of_the_model(monkeypatch):
    monkeypatch.setattr(training, "device_of", lambda model: "the device")
    visited, split = [], make_split(4)
    batches = [(Traveller(split.images, visited), Traveller(split.labels, visited))]
    model = make_model()
    training.evaluate(model, batches)
    training.train_one_epoch(model, batches, SGD(model.parameters()))
    assert visited == ["the device"] * 4


def test_predict_moves_images_to_the_device_of_the_model():
    probabilities = training.probabilities(make_model().to("meta"), torch.rand(300, 1, 28, 28))
    assert probabilities.device.type == "meta" and probabilities.shape == (300, 10)


@pytest.mark.parametrize("device", DEVICES)
def test_training_on_every_device_of_this_machine(device):
    split, weights = make_split(), []
    for _ in range(2):
        training.seed_everything(0)
        model = make_model(seed=None).to(device)
        batches = Batches(split, 20, shuffle=True)
        fitting.fit(model, batches, ADAM(model.parameters()), epochs=2, validation=batches)
        assert training.probabilities(model, split.images).device.type == device
        weights.append(model)
    assert same_weights(*weights)


# Evaluation


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("grad", [False, True])
@pytest.mark.parametrize("train", [False, True])
def test_evaluation_mode_puts_everything_back(train, grad, fails):
    model = make_model().train(train)
    model[2].eval()  # a frozen batch normalisation
    model[4].train()
    before = modes(model)
    with torch.set_grad_enabled(grad):
        try:
            with training.evaluation_mode(model):
                assert not any(modes(model)) and not torch.is_grad_enabled()
                if fails:
                    raise KeyboardInterrupt
        except KeyboardInterrupt:
            assert fails
        assert torch.is_grad_enabled() == grad
    assert modes(model) == before


@every_kind
@pytest.mark.parametrize("batch_size", [1, 7, 50, 64])
def test_evaluation_is_exact_whatever_the_batches(kind, batch_size):
    model, split = make_model(), make_split(50)
    loss, right = evaluate_by_hand(model, split)
    result = training.evaluate(model, kind(split, batch_size=batch_size))
    assert result.loss == pytest.approx(loss, rel=1e-6)
    assert (result.right, result.seen, result.accuracy) == (right, 50, right / 50)


def test_evaluation_is_exact_when_a_small_batch_is_unlike_the_others():
    """Where a mean of the means of the batches would be far off."""
    model, images = Bias(2.0), torch.zeros(11, 1, 28, 28)
    labels = torch.tensor([0] * 10 + [5])
    easy, hard = math.log(math.e**2 + 9) - 2, math.log(math.e**2 + 9)
    result = training.evaluate(model, Batches(Split(images, labels), 10))
    assert result.loss == pytest.approx((10 * easy + hard) / 11, rel=1e-6)
    assert result[1:] == (10, 11)


def test_the_order_of_the_batches_does_not_matter():
    model, batches = make_model(), list(Batches(make_split(50), 8))
    forward, backward = training.evaluate(model, batches), training.evaluate(model, batches[::-1])
    assert forward.loss == pytest.approx(backward.loss, rel=1e-9) and forward[1:] == backward[1:]


@every_kind
def test_evaluation_leaves_no_trace(kind):
    model, batches = make_model().train(), kind(make_split(), batch_size=20)
    model[2].eval()
    model[1].weight.grad = torch.ones_like(model[1].weight)
    before, mode = copy.deepcopy(model), modes(model)
    first, second = training.evaluate(model, batches), training.evaluate(model, batches)
    assert first == second, "no dropout, no running statistics that move"
    assert same_weights(model, before) and modes(model) == mode
    assert torch.equal(model[1].weight.grad, torch.ones_like(model[1].weight))
    assert model[5].weight.grad is None and type(first.loss) is float


def test_evaluation_records_no_graph():
    model, recorded = make_model(), []
    model.register_forward_hook(lambda *call: recorded.append(call[-1].requires_grad))
    training.evaluate(model, Batches(make_split(), 20))
    training.probabilities(model, make_split().images)
    assert recorded == [False] * 4


def test_batches_may_be_a_list_or_a_generator():
    model, batches = make_model(), Batches(make_split(), 20)
    results = [training.evaluate(model, some) for some in (batches, list(batches), iter(batches))]
    assert results[0] == results[1] == results[2]


@pytest.mark.parametrize(
    "batches", [[], iter(()), Batches(make_split(0), 5)], ids=["list", "iterator", "Batches"]
)
def test_no_example_is_an_error(batches):
    model = make_model()
    optimizer = SGD(model.parameters())
    with pytest.raises(ValueError, match="batches must hold at least one example, got none"):
        training.evaluate(model, batches)
    with pytest.raises(ValueError, match="batches must hold at least one example, got none"):
        training.train_one_epoch(model, batches, optimizer)


@pytest.mark.parametrize(("make", "size"), [(make_model, 1000), (models.ConvNet, 250)])
def test_a_split_may_stand_in_place_of_its_batches(make, size):
    model, split = make(), make_split(2 * size + 100)
    assert training.evaluate(model, split) == training.evaluate(model, Batches(split, size))
    assert torch.equal(
        training.probabilities(model, split), training.probabilities(model, split.images)
    )
    assert torch.equal(training.predict(model, split), training.predict(model, split.images))


def test_right_answers_are_counted():
    logits = torch.tensor([[0.0, 2, 1], [3, 0, 0], [0, 0, 1], [0, 1, 0]])
    assert training.count_right(logits, torch.tensor([1, 0, 0, 1])) == (3, 4)
    assert training.count_right(logits.softmax(1), torch.tensor([1, 0, 0, 1])) == (3, 4)
    assert training.count_right(logits[:0], torch.tensor([], dtype=torch.int64)) == (0, 0)
    right, seen = training.count_right(logits, torch.tensor([2, 2, 2, 2]))
    assert right.dtype == torch.int64 and right.shape == () and type(seen) is int


@pytest.mark.parametrize("shape", [(4, 1), (1,), (3,), (4, 10), ()])
def test_labels_that_would_be_compared_all_with_all_are_refused(shape):
    with pytest.raises(ValueError, match=r"labels must have the shape \(4,\), got \("):
        training.count_right(torch.rand(4, 10), torch.zeros(shape, dtype=torch.int64))


def test_a_total_is_that_of_all_examples():
    losses = [0.5, 1.5, 4.0, 2.0, 1.0, 3.0]
    parts = [
        Evaluation(0.5, 1, 1),
        Evaluation(2.5, 3, 3),
        Evaluation(2.0, 0, 2),
    ]  # of 1, 3 and 2 of them
    parts[1] = Evaluation(sum(losses[1:4]) / 3, 3, 3)
    assert training.total(iter(parts)) == Evaluation(pytest.approx(sum(losses) / 6), 4, 6)
    assert training.total([training.total(parts[:2]), parts[2]]) == training.total(parts)
    assert Evaluation(loss=1.0, right=3, seen=4).accuracy == 0.75


# Predictions


def test_predictions_are_the_softmax_over_the_digits():
    model, images = make_model(), make_split(600).images  # more than two evaluation batches
    probabilities = training.probabilities(model, images)
    with torch.no_grad():
        logits = copy.deepcopy(model).eval()(images)
    assert probabilities.shape == (600, 10) and not probabilities.requires_grad
    torch.testing.assert_close(probabilities.sum(dim=1), torch.ones(600))
    torch.testing.assert_close(probabilities, logits.softmax(dim=1))
    assert torch.equal(probabilities.argmax(1), logits.argmax(1))
    assert not torch.allclose(probabilities.sum(dim=0), torch.ones(10))


def test_predictions_leave_no_trace():
    model, images = make_model().train(), make_split(30).images
    model[2].eval()
    before, mode = copy.deepcopy(model), modes(model)
    assert torch.equal(training.probabilities(model, images), training.probabilities(model, images))
    assert same_weights(model, before) and modes(model) == mode
    assert training.probabilities(model, images[:0]).shape == (0, 10)
    alone = training.probabilities(model, images[4:5])
    torch.testing.assert_close(alone, training.probabilities(model, images)[4:5])


def test_a_prediction_is_the_most_probable_label():
    model, split = make_model(), make_split(600)
    answers = training.predict(model, split)
    with torch.no_grad():
        expected = copy.deepcopy(model).eval()(split.images).argmax(dim=1)
    assert torch.equal(answers, expected) and answers.dtype == torch.int64
    assert (answers == split.labels).sum() == training.evaluate(model, split).right
    assert training.predict(model, split.images[:0]).shape == (0,)


# Training


@pytest.mark.parametrize(
    ("kind", "make_optimizer", "epochs"), [(Batches, ADAM, 1), (DataLoader, SGD, 3)]
)
def test_training_follows_the_loop_written_by_hand(kind, make_optimizer, epochs):
    batches = kind(make_split(50), batch_size=16, shuffle=True)  # 16, 16, 16, 2
    by_hand, by_library = (make_model().eval() for _ in range(2))  # to train is for the loop to say
    torch.manual_seed(1)
    expected = train_by_hand(by_hand, batches, make_optimizer(by_hand.parameters()), epochs)
    torch.manual_seed(1)
    optimizer = make_optimizer(by_library.parameters())
    steps = [
        step
        for _ in range(epochs)
        for step in training.training_steps(by_library, batches, optimizer)
    ]
    assert steps == [step[:3] for step in expected]
    assert same_weights(by_library, by_hand)
    assert not same_weights(by_library, make_model())


def test_one_epoch_adds_up_its_steps():
    batches, results = Batches(make_split(50), 16), []
    for train in (training.train_one_epoch, training.training_steps):
        model = make_model()
        torch.manual_seed(1)
        results.append(train(model, batches, SGD(model.parameters())))
    results[1] = training.total(results[1])
    assert results[0] == results[1] and results[0].seen == 50


def test_dropout_stays_on_after_an_evaluation_in_between():
    batches = Batches(make_split(50), 10)
    with_evaluations, without = make_model().eval(), make_model().eval()
    torch.manual_seed(1)
    train_by_hand(without, batches, SGD(without.parameters()))
    torch.manual_seed(1)
    for _ in training.training_steps(with_evaluations, batches, SGD(with_evaluations.parameters())):
        assert all(modes(with_evaluations))
        training.evaluate(with_evaluations, batches)
        training.probabilities(with_evaluations, make_split(3).images)
    assert same_weights(with_evaluations, without)


@pytest.mark.parametrize(
    ("logits", "label", "loss"), [((math.nan,), 0, "nan"), ((3e38, -3e38), 1, "inf")]
)
def test_a_loss_that_is_no_number_stops_the_training(logits, label, loss):
    model = Bias(*logits)
    batches = Batches(Split(torch.zeros(4, 1, 28, 28), torch.full((4,), label)), 2)
    sentence = f"^the loss is {loss} at step 1 of this epoch; try a smaller learning rate$"
    with pytest.raises(Diverged, match=sentence):
        training.train_one_epoch(model, batches, SGD(model.parameters()))


def test_the_first_loss_that_is_no_number_is_named():
    split = make_split(30)
    split.images[12] = math.nan
    model, history = make_model(), History(every=1)
    with pytest.raises(Diverged, match="the loss is nan at step 3 of this epoch"):
        training.fit(model, Batches(split, 5), SGD(model.parameters()), 2, watchers=[history])
    assert len(history.table()) == 6


def test_a_huge_learning_rate_diverges():
    model = make_model()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e30)
    with pytest.raises(Diverged, match="try a smaller learning rate"):
        fitting.fit(model, Batches(make_split(), 5), optimizer, epochs=3)


def test_a_validation_loss_that_is_no_number_stops_the_training():
    """The weights can break in the very last step, too."""
    model, images = Bias(3e38, -3e38), torch.zeros(4, 1, 28, 28)
    train, validation = (Batches(Split(images, torch.full((4,), label)), 4) for label in (0, 1))
    with pytest.raises(Diverged, match="the loss is inf on the validation images; try a smaller"):
        fitting.fit(model, train, torch.optim.SGD(model.parameters(), lr=0.0), 1, validation)


# fit


def fit(seed=0, epochs=3, kind=Batches, **options):
    """A small training run on 50 examples in batches of 16, 16, 16 and 2: (model, history)."""
    training.seed_everything(seed)
    model = make_model(seed=None)
    batches = kind(make_split(50), batch_size=16, shuffle=True)
    return model, fitting.fit(model, batches, SGD(model.parameters()), epochs, **options)


@pytest.mark.parametrize(
    ("kind", "validate_every"),
    [(DataLoader, 3), *((Batches, every) for every in (None, 1, 5, 12, 100))],
)
def test_fit_takes_the_steps_of_the_loop_and_its_rows_add_up(kind, validate_every):
    validation = Batches(make_split(30, seed=1), 7)
    model, history = fit(kind=kind, validation=validation, validate_every=validate_every)
    training.seed_everything(0)
    by_hand = make_model(seed=None)
    batches = kind(make_split(50), batch_size=16, shuffle=True)
    steps = train_by_hand(by_hand, batches, SGD(by_hand.parameters()), epochs=3)
    assert same_weights(model, by_hand), "evaluating in between changes nothing"

    every = validate_every or 4
    ends = sorted({*range(every, 13, every), 12})
    assert list(history["step"]) == ends
    assert list(history["epoch"]) == [math.ceil(end / 4) for end in ends]
    for start, end, loss, accuracy in zip([0, *ends], ends, history["loss"], history["accuracy"]):
        part = steps[start:end]
        seen = sum(step[2] for step in part)
        assert loss == pytest.approx(sum(step[0] * step[2] for step in part) / seen, rel=1e-12)
        assert accuracy == sum(step[1] for step in part) / seen
    last = training.evaluate(model, validation)
    assert history["validation_loss"].iloc[-1] == last.loss
    assert history["validation_accuracy"].iloc[-1] == last.accuracy
    assert (history["seconds"] > 0).all() and history["seconds"].is_monotonic_increasing


def test_columns_of_the_history():
    columns = ["step", "epoch", "seconds", "loss", "accuracy"]
    assert list(fit()[1].columns) == columns
    validated = fit(validation=Batches(make_split(9), 4))[1]
    assert list(validated.columns) == [*columns, "validation_loss", "validation_accuracy"]
    assert [str(kind) for kind in validated.dtypes] == ["int64"] * 2 + ["float64"] * 5


@pytest.mark.parametrize("validate_every", [None, 3])
def test_seconds_are_those_of_training_alone(monkeypatch, validate_every):
    """By a clock that says: a second for every training batch, an hour for every other."""
    clock, model, batches = [0.0], make_model(), Batches(make_split(50), 16)
    monkeypatch.setattr(training.time, "perf_counter", lambda: clock[0])
    model.register_forward_hook(
        lambda *_: clock.append(clock.pop() + (1 if model.training else 3600))
    )
    history = fitting.fit(model, batches, SGD(model.parameters()), 3, batches, validate_every)
    assert list(history["seconds"]) == list(history["step"])


def test_validation_columns_are_those_of_the_model_at_that_step():
    validation = Batches(make_split(30, seed=1), 7)
    _, history = fit(epochs=3, validation=validation)
    for epochs in (1, 2, 3):
        model, _ = fit(epochs=epochs)
        expected = training.evaluate(model, validation)
        assert history["validation_loss"][epochs - 1] == expected.loss
        assert history["validation_accuracy"][epochs - 1] == expected.accuracy


@pytest.mark.parametrize("validate_every", [None, 3])
def test_the_scheduler_is_stepped_after_every_step(validate_every):
    batches, models, rates = Batches(make_split(50), 16), [], []
    for by_hand in (True, False):
        model = make_model()
        torch.manual_seed(1)
        optimizer = SGD(model.parameters())
        scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, total_steps=9)
        seen = []
        optimizer.register_step_post_hook(
            lambda optimizer, *_, seen=seen: seen.append(optimizer.param_groups[0]["lr"])
        )
        if by_hand:
            train_by_hand(model, batches, optimizer, 2, scheduler)
        else:
            options = {"scheduler": scheduler, "validate_every": validate_every}
            fitting.fit(model, batches, optimizer, 2, **options)
        models.append(model)
        rates.append([*seen, *scheduler.get_last_lr()])
    assert rates[0] == rates[1] and len(set(rates[0])) == 9
    assert same_weights(*models)


def test_the_same_seed_gives_the_same_result_and_another_seed_another():
    validation = Batches(make_split(30, seed=1), 7)
    models, histories = zip(*(fit(seed, validation=validation) for seed in (5, 5, 6)))
    assert same_weights(models[0], models[1]) and not same_weights(models[0], models[2])
    one, two, other = (history.drop(columns="seconds") for history in histories)
    assert one.equals(two) and not one.equals(other)


class Diary(nn.Module):
    """A model that notes which images it is trained on (their first pixel is their number)."""

    def __init__(self):
        super().__init__()
        self.linear, self.seen = nn.Linear(784, 10), []

    def forward(self, images):
        if self.training:
            self.seen += images[:, 0, 0, 0].int().tolist()
        return self.linear(images.flatten(1))


@every_kind
def test_every_epoch_visits_every_example_once_in_a_new_order(kind):
    split, model = make_split(50), Diary()
    split.images[:, 0, 0, 0] = torch.arange(50)
    batches = kind(split, batch_size=16, shuffle=True)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    fitting.fit(model, batches, optimizer, epochs=3, validation=batches, validate_every=3)
    epochs = [model.seen[start : start + 50] for start in (0, 50, 100)]
    assert len(model.seen) == 150 and all(sorted(epoch) == list(range(50)) for epoch in epochs)
    assert epochs[0] != epochs[1] != epochs[2] != epochs[0] and list(range(50)) not in epochs


@pytest.mark.parametrize(
    ("name", "value"), [("epochs", 0), ("epochs", 2.5), ("epochs", None), ("validate_every", 0)]
)
def test_epochs_and_validate_every_are_positive_integers(name, value):
    with pytest.raises(error_for(value)) as caught:
        fit(**{"epochs": 1, name: value})
    name = {"validate_every": "every"}.get(name, name)
    assert str(caught.value) == f"{name} must be an integer of at least 1, got {value!r}"


class Stream(IterableDataset):
    def __iter__(self):
        yield from make_split(50)


@pytest.mark.parametrize(
    "make", [lambda: iter(Batches(make_split(), 5)), lambda: DataLoader(Stream(), batch_size=10)]
)
def test_batches_without_a_length_are_for_one_epoch_and_not_for_fit(make):
    model = make_model()
    optimizer = SGD(model.parameters())
    assert training.train_one_epoch(model, make(), optimizer).seen == 50
    assert training.evaluate(model, make()).seen == 50
    with pytest.raises(TypeError, match="batches must have a length, such as Batches have, got "):
        fitting.fit(model, make(), optimizer, epochs=1)


def test_no_example_to_fit_or_to_validate_on():
    model, none = make_model(), Batches(make_split(0), 5)
    with pytest.raises(ValueError, match="batches must hold at least one example, got none"):
        fitting.fit(model, none, SGD(model.parameters()), epochs=1)
    with pytest.raises(ValueError, match="batches must hold at least one example, got none"):
        fit(validation=none)


# The progress bar


@pytest.mark.parametrize(("switch", "shows"), [(None, True), ("0", True), ("1", False)])
def test_the_progress_bar_counts_the_steps_and_goes_away(monkeypatch, capfd, switch, shows):
    bars, make_bar = [], training.tqdm

    def at_once(**options):
        bars.append(make_bar(**options | {"delay": 0, "mininterval": 0}))
        return bars[0]

    monkeypatch.setattr(training, "tqdm", at_once)
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    if switch is not None:
        monkeypatch.setenv("TQDM_DISABLE", switch)
    fit(epochs=3)
    printed = capfd.readouterr()
    assert printed.out == "" and len(bars) == 1
    if shows:
        assert "training" in printed.err and printed.err.endswith("\r"), "wiped away at the end"
        assert (bars[0].n, bars[0].total) == (12, 12)
    else:
        assert printed.err == ""


# A record of weights

NAMES = ["1.weight", "5.bias"]


def fit_with_record(every, names=NAMES, **options):
    """`fit`, with a record: (model, history, record). It takes 12 steps."""
    training.seed_everything(0)
    model = make_model(seed=None)
    record = WeightRecord(names, every)
    batches = Batches(make_split(50), batch_size=16, shuffle=True)
    history = fitting.fit(model, batches, SGD(model.parameters()), 3, record=record, **options)
    return model, history, record


@pytest.mark.parametrize("every", [1, 4, np.int64(5), 100])
def test_a_record_is_that_of_the_loop_written_by_hand(every):
    """Bit for bit, at step 0, at every multiple, and at the last step: once."""
    training.seed_everything(0)
    model = make_model(seed=None)
    copies = [{name: model.get_parameter(name).detach().clone() for name in NAMES}]
    optimizer = SGD(model.parameters())
    batches = Batches(make_split(50), batch_size=16, shuffle=True)
    model.train()
    for _ in range(3):
        for images, labels in batches:
            optimizer.zero_grad()
            F.cross_entropy(model(images), labels).backward()
            optimizer.step()
            copies.append({name: model.get_parameter(name).detach().clone() for name in NAMES})

    trained, _, record = fit_with_record(every)
    assert record.steps == sorted({*range(0, 13, every), 12})
    for name in NAMES:
        expected = torch.stack([copies[step][name] for step in record.steps])
        assert torch.equal(record[name], expected)
        assert torch.equal(record[name][-1], trained.get_parameter(name))
        assert not torch.equal(record[name][0], record[name][-1])
        assert record[name].device.type == "cpu" and not record[name].requires_grad


@pytest.mark.parametrize("options", [{}, {"validation": Batches(make_split(9), 4)}])
def test_a_record_changes_nothing(options):
    with_record, history, _ = fit_with_record(1, **options)
    state = torch.get_rng_state()
    without, expected = fit(**options)
    assert same_weights(with_record, without)
    assert torch.equal(torch.get_rng_state(), state)
    assert history.drop(columns="seconds").equals(expected.drop(columns="seconds"))


def test_a_record_holds_copies():
    """Neither training on, nor writing into what the record gave, changes it."""
    model, _, record = fit_with_record(4)
    before = {name: record[name].clone() for name in NAMES}
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
    for name in NAMES:
        record[name].zero_()
        assert torch.equal(record[name], before[name])
        assert before[name].any()


@pytest.mark.parametrize("device", DEVICES)
def test_a_record_lies_on_the_cpu(device):
    model, record = make_model().to(device), WeightRecord(NAMES)
    training.fit(model, Batches(make_split(), 20), SGD(model.parameters()), 1, watchers=[record])
    assert {record[name].device.type for name in NAMES} == {"cpu"}


@pytest.mark.parametrize("names", [["1.weigth"], [], ["1.weight", "2.running_mean"]])
def test_a_name_that_the_model_does_not_have_is_answered_by_those_it_has(names):
    known = "1.weight, 1.bias, 2.weight, 2.bias, 5.weight, 5.bias"
    with pytest.raises(ValueError, match=f"names must be some of {known}, got ") as caught:
        fit_with_record(1, names)
    assert str(caught.value).endswith(f"got {names}")


def test_names_are_a_list():
    with pytest.raises(TypeError, match=r"names must be a list .*\['1.weight'\], got '1.weight'"):
        WeightRecord("1.weight")
    with pytest.raises(KeyError, match=r"name must be one of 1.weight, 5.bias, got '1.bias'"):
        fit_with_record(100)[2]["1.bias"]


def test_an_empty_record_says_how_it_is_filled():
    with pytest.raises(ValueError, match=r"record must hold weights, got none: train with "):
        WeightRecord(NAMES)["1.weight"]


def test_a_record_is_kept_after_a_positive_number_of_steps():
    with pytest.raises(ValueError, match="every must be an integer of at least 1, got 0"):
        WeightRecord(NAMES, 0)


def test_a_second_training_begins_a_new_record_and_a_new_history():
    model, _, record = fit_with_record(5)
    batches, optimizer = Batches(make_split(50), 16), SGD(model.parameters())
    before, watching = model.get_parameter("5.bias").detach().clone(), History()
    for _ in range(2):
        training.fit(model, batches, optimizer, 1, watchers=[record, watching])
    assert record.steps == [0, 4] and len(watching.table()) == 1
    assert not torch.equal(record["5.bias"][0], before), "that of the second, not of the first"


# Who watches


def test_watchers_are_told_before_training_after_each_step_and_after_each_epoch():
    """In the order that they stand in; what they have no method for, they are not told."""
    told = []

    class Notes:
        def before_training(self, training):
            told.append(("before", training.step, training.epoch, training.last_step))

        def after_epoch(self, training):
            told.append(("epoch", training.step, training.epoch, training.result.seen))

    class Steps:
        def after_step(self, training):
            told.append(("step", training.step, training.epoch, training.result.seen))

    model = make_model()
    batches, optimizer = Batches(make_split(50), 30), SGD(model.parameters())
    training.fit(model, batches, optimizer, 2, watchers=[Notes(), Steps()])
    assert told == [
        ("before", 0, 0, 4),
        *[("step", 1, 0, 30), ("step", 2, 0, 20), ("epoch", 2, 1, 20)],
        *[("step", 3, 1, 30), ("step", 4, 1, 20), ("epoch", 4, 2, 20)],
    ]


@pytest.mark.parametrize("watcher", [print, "run.pt", None])
def test_what_could_never_be_told_anything_is_refused_before_training(watcher):
    model = make_model()
    before, optimizer = copy.deepcopy(model), SGD(model.parameters())
    with pytest.raises(TypeError, match=r"watchers must have one of the methods .*, got "):
        training.fit(model, Batches(make_split(9), 4), optimizer, 1, watchers=[watcher])
    assert same_weights(model, before)


# The recipe


def recipe_by_hand(split, epochs, seed, make_optimizer, rate, make_schedule, batch_size, change):
    """What `train` says in one line: the loop that every textbook has."""
    training.seed_everything(seed)
    model = make_model(seed=None)
    optimizer = make_optimizer(model.parameters(), lr=rate)
    steps = epochs * math.ceil(len(split) / batch_size)
    schedule = make_schedule(optimizer, steps) if make_schedule else None
    batches = Batches(split, batch_size, shuffle=True)
    for _ in range(epochs):
        changed = ((change(images), labels) for images, labels in batches)
        train_by_hand(model, changed, optimizer, 1, schedule)
    return model


def noisy(images):
    return images + torch.rand_like(images)


@pytest.mark.parametrize(
    ("seed", "make_schedule", "augment"),
    [(0, None, None), (7, None, noisy), (7, training.one_cycle, None)],
)
def test_the_recipe_is_the_loop_written_by_hand(make_schedule, augment, seed):
    choice = (partial(torch.optim.SGD, momentum=0.9), 0.1, make_schedule, 16)
    model = training.train(partial(make_model, None), make_split(), 3, seed, *choice, augment)
    by_hand = recipe_by_hand(make_split(), 3, seed, *choice, augment or (lambda images: images))
    assert same_weights(model, by_hand)
    other = training.train(partial(make_model, None), make_split(), 3, seed + 1, *choice, augment)
    assert not same_weights(model, other)


def test_the_recipe_by_default():
    """Fused Adam with a one-cycle schedule up to 0.02, in batches of 32."""
    model = training.train(partial(make_model, None), make_split(200), epochs=1, seed=3)
    adam = partial(torch.optim.Adam, fused=True)
    choice = (adam, 0.02, training.one_cycle, 32, lambda images: images)
    assert same_weights(model, recipe_by_hand(make_split(200), 1, 3, *choice))


@pytest.mark.parametrize(
    ("make_model", "size", "batch_size"),
    [
        (models.MLP, 9_999, 32),
        (models.MLP, 10_000, 256),
        (models.ConvNet, 9_999, 32),
        (models.ConvNet, 10_000, 64),
    ],
)
def test_where_there_is_much_the_recipe_takes_larger_batches(make_model, size, batch_size):
    class Enough(Exception):
        pass

    class Look:
        def after_step(self, training):
            assert training.result.seen == batch_size
            assert training.last_step == math.ceil(size / batch_size)
            raise Enough

    split = Split(torch.zeros(1, 1, 28, 28).expand(size, -1, -1, -1), torch.arange(size) % 10)
    with pytest.raises(Enough):
        training.train(make_model, split, epochs=1, seed=3, watchers=[Look()])


def test_with_bf16_the_forward_pass_is_in_bfloat16_and_nothing_else():
    class Look:
        def before_training(self, training):
            self.dtypes, self.loss = set(), None
            last = training.model.layers[-1]
            last.register_forward_hook(lambda layer, inputs, logits: self.dtypes.add(logits.dtype))

        def after_epoch(self, run):
            self.judged, self.trained = training.evaluate(run.model, split), self.dtypes.copy()

    split, look = make_split(200), Look()
    model = training.train(models.ConvNet, split, 1, 3, watchers=[look], bf16=True)
    assert look.dtypes == {torch.bfloat16, torch.float32}
    assert look.judged == training.evaluate(model, split)
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    training.seed_everything(3)
    by_hand = models.ConvNet()
    optimizer = torch.optim.Adam(by_hand.parameters(), lr=0.02)
    schedule = training.one_cycle(optimizer, 7)
    for images, labels in Batches(split, 32, shuffle=True):
        with torch.autocast("cpu", torch.bfloat16):
            loss = F.cross_entropy(by_hand(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    pairs = zip(model.parameters(), by_hand.parameters(), strict=True)
    assert all(torch.allclose(one, other, atol=1e-4) for one, other in pairs)


@pytest.mark.parametrize("make_model", [models.ConvNet, models.MLP])
@pytest.mark.parametrize(
    ("known", "fast"),
    [({"amx_bf16": True}, True), ({"avx512_bf16": True}, True), ({"avx512_f": True}, False)],
    ids=str,
)
def test_bf16_is_for_convolutions_where_the_processor_has_it(monkeypatch, make_model, known, fast):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: known, raising=False)
    fast = fast and make_model is models.ConvNet
    assert training.bf16_pays(make_model()) == fast
    split = make_split(50)
    by_default = training.train(make_model, split, 1, 0)
    assert same_weights(by_default, training.train(make_model, split, 1, 0, bf16=fast))
    other = training.train(make_model, split, 1, 0, bf16=not fast)
    assert not same_weights(by_default, other)


def test_an_older_pytorch_that_tells_nothing_trains_in_float32(monkeypatch):
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert not training.bf16_pays(models.ConvNet())


@pytest.mark.parametrize("device", DEVICES)
def test_the_recipe_trains_on_the_device_of_the_split(device):
    history, split = History(make_split(30, seed=1)), make_split(200).to(device)
    watched = training.train(partial(make_model, None), split, 2, 0, watchers=[history])
    assert training.device_of(watched).type == device
    assert len(history.table()) == 2
    assert same_weights(watched, training.train(partial(make_model, None), split, 2, 0))


def test_a_cycle_changes_the_rate_of_every_group_and_nothing_else():
    parameters = [nn.Parameter(torch.zeros(1)) for _ in range(2)]
    groups = [{"params": [one], "lr": rate} for one, rate in zip(parameters, (0.1, 2.0))]
    optimizer = torch.optim.SGD(groups, momentum=0.9)
    schedule, rates = training.one_cycle(optimizer, 10), []
    for _ in range(10):
        rates.append(schedule.get_last_lr())
        optimizer.step()
        schedule.step() if len(rates) < 10 else None
    first, second = zip(*rates)
    assert max(first) == pytest.approx(0.1) and max(second) == pytest.approx(2.0)
    assert first.index(max(first)) == 2 and first[0] < 0.01 and first[-1] < 1e-5
    assert {group["momentum"] for group in optimizer.param_groups} == {0.9}


def weights_of(model):
    values = b"".join(value.numpy().tobytes() for value in model.state_dict().values())
    return hashlib.sha256(values).hexdigest()


ANOTHER = """
import torch
from mnist_lib.training import seed_everything
backends = torch.backends
for switch in (backends, backends.cudnn, getattr(backends.cudnn, "conv", None)):
    for precision in ("ieee", "tf32") * hasattr(switch, "fp32_precision"):
        switch.fp32_precision = precision
        seed_everything(0)
        torch.nn.functional.conv2d(torch.ones(1, 1, 3, 3), torch.ones(1, 1, 3, 3))
from tests.test_training import fit, weights_of
print(weights_of(fit()[0]))
"""


def test_another_process_gets_the_same_weights_and_prints_nothing_else():
    """Not even a warning, whichever of the newer switches for TF32 was set: PyTorch 2.9 complains of contradictions."""
    paths = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    environment = os.environ | {"TQDM_DISABLE": "1", "PYTHONPATH": paths}
    command = [sys.executable, "-W", "error", "-c", ANOTHER]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert run.stderr == ""
    assert run.stdout.split() == [weights_of(fit()[0])]


@pytest.mark.parametrize(
    ("part", "sentence"),
    [
        (
            "optimizer",
            "optimizer must make a step without arguments, got LBFGS, whose step needs closure",
        ),
        (
            "scheduler",
            "scheduler must make a step without arguments, got ReduceLROnPlateau, whose step needs metrics",
        ),
    ],
)
def test_what_needs_an_argument_for_its_steps_is_refused_before_the_first(part, sentence):
    model = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
    before = [weight.clone() for weight in model.parameters()]
    make = torch.optim.LBFGS if part == "optimizer" else torch.optim.SGD
    optimizer = make(model.parameters(), lr=0.1)
    scheduler = None
    if part == "scheduler":
        scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer)
    split = Split(torch.rand(8, 1, 28, 28), torch.arange(8))
    with pytest.raises(TypeError, match=f"^{sentence}$"):
        training.fit(model, Batches(split, 4), optimizer, 1, scheduler)
    assert all(map(torch.equal, before, model.parameters()))
