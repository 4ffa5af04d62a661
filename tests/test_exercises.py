"""The checks behind "Your turn": right answers pass, wrong ones are told what was probably misunderstood."""

import ast
import copy
import io
from contextlib import redirect_stdout
from functools import partial
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import torch
from notebook_rules import code_cells, main_notebooks, read
from scipy.stats import binom, binomtest, chi2
from torch import nn
from torch.nn import functional as F

from mnist_lib.data import load_mnist
from mnist_lib.exercises import CHECKS, check, hint
from mnist_lib.machinery.checkpoints import CheckpointError, load_checkpoint
from mnist_lib.models import MLP, ConvNet, TinyVGG


class Reader(nn.Module):
    """Exercise 00-better, answered: a linear classifier, which learns when it is first asked."""

    def __init__(self, steps, learning_rate, split="train"):
        super().__init__()
        self.how, self.split = (steps, learning_rate), split
        torch.manual_seed(0)
        self.linear, self.learned = nn.Linear(784, 10), False

    def forward(self, images):
        if not self.learned:
            steps, learning_rate = self.how
            with redirect_stdout(io.StringIO()):
                split = getattr(load_mnist("sample"), self.split)[:3000]
            for _ in range(steps):
                with torch.enable_grad():
                    loss = F.cross_entropy(self.linear(split.images.flatten(1)), split.labels)
                slopes = torch.autograd.grad(loss, [*self.linear.parameters()])
                for weight, slope in zip(self.linear.parameters(), slopes):
                    weight.data -= learning_rate * slope
            self.learned = True
        return self.linear(images.flatten(1))


def repaired(model, batches, optimizer, dim=None, forget=True, forget_late=False, early=False):
    """Exercise 06-repair, answered; or with one of its bugs left."""
    for images, labels in batches:
        logits = model(images)
        loss = F.cross_entropy(logits if dim is None else logits.softmax(dim), labels)
        if forget and not forget_late:
            optimizer.zero_grad()
        if early:
            optimizer.step()
        loss.backward()
        if not early:
            optimizer.step()
        if forget_late:
            optimizer.zero_grad()
    return model


def mse(predictions, y, change=lambda errors: errors.square().mean()):
    """Exercise 04-flat, answered; or with another sum of the errors."""
    return change(predictions - y.unsqueeze(1))


def signum(weight, slope, state, lr=0.1, beta=0.9, of=lambda velocity, slope: velocity.sign()):
    """Exercise 08-signum, answered; or with a mistake, where `of` is something else."""
    velocity = state["velocity"] = beta * state.get("velocity", 0) + slope
    return weight - lr * of(velocity, slope)


def sum_of_signs(weight, slope, state, lr):
    """Exercise 08-signum with the sign taken too early."""
    return signum(weight, slope.sign(), state, lr)


def mcnemar_p(a, b, labels, sides="two-sided", count=None):
    """Exercise 09-mcnemar, answered; or of one side, or of other images."""
    wins = ((a == labels) & (b != labels)).sum().item()
    losses = ((b == labels) & (a != labels)).sum().item()
    tosses = count(a, b).sum().item() if count else wins + losses
    return binomtest(wins, tosses, alternative=sides).pvalue


def uncorrected_mcnemar(a, b, labels):
    """Exercise 09-mcnemar by the chi-squared distribution."""
    wins, losses = ((a == labels) & (b != labels)).sum(), ((b == labels) & (a != labels)).sum()
    return chi2.sf((wins - losses).item() ** 2 / (wins + losses).item(), 1)


def only(a, b, labels):
    """How many only A gets right."""
    return ((a == labels) & (b != labels)).sum().item()


def doubled_tail(a, b, labels):
    """Exercise 09-mcnemar, but twice the tail even where it is more than half."""
    wins, losses = only(a, b, labels), only(b, a, labels)
    return 2 * binom.cdf(min(wins, losses), wins + losses, 0.5)


def of_accuracies(a, b, labels):
    """Exercise 09-mcnemar with all that each reads."""
    right = [(answers == labels).sum().item() for answers in (a, b)]
    return binomtest(right[0], sum(right)).pvalue


def logits_with(model, images, layer, channel, factor, place=None, keep=False, give=True):
    """Exercise 10-factor, answered; or with mistakes that students make."""

    def change(module, inputs, output):
        output = output.clone()
        output[(slice(None), channel) if place is None else place] *= factor
        return output if give else None

    hook = model.get_submodule(layer).register_forward_hook(change)
    logits = model(images)
    if not keep:
        hook.remove()
    return logits


def larger_weights(model, images, layer, channel, factor):
    """Exercise 10-factor, with the weights changed instead of the output: the model is another one afterwards."""
    model.get_submodule(layer).weight.data[channel] *= factor
    model.get_submodule(layer).bias.data[channel] *= factor
    return model(images)


def changed_in_place(model, images, layer, channel, factor):
    """Exercise 10-factor, with the layer's own output changed instead of a copy."""

    def change(module, inputs, output):
        output[:, channel] *= factor

    hook = model.get_submodule(layer).register_forward_hook(change)
    logits = model(images)
    hook.remove()
    return logits


def share_as_bad(cost, pair, least=None, others="all", sign=1):
    """Exercise 10-control, answered; or with other pairs: "with itself", "apart", "as given"."""
    pairs = list(combinations(range(8), 2))
    left_out = {"with itself": (), "as given": pair}.get(others, sorted(pair))
    pairs = [two for two in pairs if two != tuple(left_out)]
    pairs = [two for two in pairs if others != "apart" or not set(two) & set(pair)]
    bound = cost(pair) if least is None else least
    return sum(sign * cost(two) >= sign * bound for two in pairs) / len(pairs)


def blind_to_two(net, layers=(5,), copied=True, changes=()):
    """Exercise 11-blind, answered; or with changes beside it."""
    net = copy.deepcopy(net) if copied else net
    for number in layers:
        net.layers[number].stride = 1
    if "bias" in changes:
        net.layers[0].bias.data.zero_()
    if "ReLU" in changes:
        net.layers[1] = nn.LeakyReLU(0.0)
    if "dead" in changes:
        net.forward = lambda images: torch.zeros(len(images), 10)
    return net


def edges(images):
    """Exercise 16-impostor, answered with the size of the image's own slopes."""
    return F.conv2d(images, torch.tensor([[[[-1.0, 0, 1]]]]), padding=(0, 1))[:, 0].abs()


def slope_of(model, images):
    """How fast the logits rise along each pixel."""
    images = images.clone().requires_grad_(True)
    return torch.autograd.grad(model(images).sum(), images)[0][:, 0]


def all_logits(weight, bias, images, flip=(2, 3), with_bias=True):
    """Exercise 11-templates, answered; or with mistakes that students make."""
    slid = F.conv2d(F.pad(images, (6, 6, 6, 6)), weight.reshape(10, 1, 28, 28)).flip(flip)
    return slid + with_bias * bias.reshape(10, 1, 1)


def epoch(
    model, images, labels, optimizer, clear="before", softmax=False, judge="all", off=True, on=True
):
    """Exercise 14-mend, answered; or with the mistakes that are in it."""
    if on:
        model.train()
    for x, y in zip(images.split(50), labels.split(50)):
        if clear == "before":
            optimizer.zero_grad()
        logits = model(x)
        F.cross_entropy(logits.softmax(dim=1) if softmax else logits, y).backward()
        if clear == "too late":
            optimizer.zero_grad()
        optimizer.step()
    model.train(not off)
    right = (model(images).argmax(dim=1) == labels).float()
    means = torch.stack([part.mean() for part in right.split(50)])
    return right.mean().item() if judge == "all" else means.mean().item()


def tell(model, images, twice=True, back=True, ask_a_copy=True):
    """Exercise 14-tell, answered; or with mistakes that students make."""
    model = copy.deepcopy(model) if ask_a_copy and back else model
    first, again = model(images), model(images)
    if not back:
        model.eval()
    if twice and not torch.equal(first, again):
        return "dropout"
    alone = model(images[:2])
    return "nothing" if torch.allclose(alone, first[:2], atol=1e-5) else "batch norm"


def losses_of(model, batches, of=lambda loss: loss.detach()):
    """Exercise 15-reads: the losses of all batches, a list."""
    return [of(F.cross_entropy(model(images), labels)) for images, labels in batches]


def run_all(model, batches):
    """The logits and labels of all batches, pairs."""
    return [(model(images), labels) for images, labels in batches]


def trains(model, batches):
    """Exercise 15-reads, with a step that nobody asked for."""
    mean = torch.stack(losses_of(model, batches)).mean().item()
    model.weight.data *= 0.9
    return mean


def load_whole(model, state, names=True, shapes=True, raised=ValueError, strict=True):
    """Exercise 12-whole, answered; or with something that is not compared."""
    own = model.state_dict()
    if names and own.keys() != state.keys():
        raise raised("names")
    if shapes and any(state[name].shape != own[name].shape for name in own if name in state):
        raise raised("shapes")
    try:
        model.load_state_dict(state, strict=strict)
    except RuntimeError as error:
        raise raised("refused") from error
    return model


def load_newest(path, seen=(CheckpointError, FileNotFoundError), load=load_checkpoint, raised=0):
    """Exercise 12-newest, answered; or with errors that are not seen, another loader, another error raised."""
    errors = []
    for file in (path, f"{path}.previous"):
        try:
            return load(file)
        except seen as error:
            errors.append(error)
    raise errors[raised]


def never_fails(path, load=load_newest):
    """Exercise 12-newest, with every error hidden."""
    try:
        return load(path)
    except (CheckpointError, FileNotFoundError):
        return {}


def small(bias=None, end=(), channels=16):
    """Exercise 07-small, answered; or with something after the last linear layer; or too narrow."""
    linear = nn.Linear(channels * 4, 10)
    if bias is not None:  # by chance, and always where it is large enough, no logit is negative
        nn.init.constant_(linear.bias, bias)
    first = [nn.Conv2d(1, channels, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)]
    for padding in (1, 0):
        convolution = nn.Conv2d(channels, channels, 3, padding=padding)
        first += [convolution, nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*first, nn.Flatten(), linear, *end)


def convolved(images, kernel, stride=1):
    return F.conv2d(images[None, None], kernel[None, None], stride=stride)[0, 0]


def several(*numbers):
    """The same numbers as students work them out, other than in brackets."""
    tensor = torch.tensor(numbers)
    return [tensor, tensor.double(), list(tensor), np.array(numbers), list(np.array(numbers))]


RIGHT = {
    "00-better": [Reader(300, 0.5), nn.Sequential(Reader(300, 0.5))],
    "00-own-mean": [
        lambda images: images - images.mean(dim=(1, 2, 3), keepdim=True),
        lambda images: torch.stack([image - image.mean() for image in images]),
        lambda images: (images.flatten(1) - images.flatten(1).mean(1)[:, None]).reshape(
            images.shape
        ),
        lambda images: images.numpy() - images.numpy().mean((1, 2, 3), keepdims=True),
    ],
    "00-follows": ["second", "The second.", "the SECOND one"],
    "01-ramp": [[1, -2, 1], (-0.5, 1, -0.5), torch.tensor([1.0, -2, 1]), np.array([[2, -4, 2]])],
    "01-size": [8],
    "01-move": [[1, 0, 0], torch.tensor([1.0, 0, 0]), np.array([1, 0, 0])],
    "01-average": [
        lambda signal, width: signal.unfold(0, width, 1).mean(dim=1),
        lambda signal, width: np.convolve(signal, np.ones(width) / width, mode="valid"),
        lambda signal, width: F.avg_pool1d(signal[None, None], width, stride=1),
    ],
    "02-field": [9],
    "02-move": [6, 6.0, np.int64(6)],
    "02-ramp": [
        [[0, 1, 0], [1, -4, 1], [0, 1, 0]],
        torch.tensor([[-1.0, -1, -1], [-1, 8, -1], [-1, -1, -1]], requires_grad=True),
        torch.tensor([[[[0.0, 1, 0], [1, -4, 1], [0, 1, 0]]]]),
        np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]]),
        ([0, 0.5, 0], [0, -1, 0], (0, 0.5, 0)),
    ],
    "03-move": [4, 4.0, torch.tensor(4)],
    "03-twins": [
        ([[1, 0, 0], [0, 0, 0], [0, 0, 0]], [[0, 0, 0], [0, 1, 0], [0, 0, 0]]),
        [torch.eye(3), torch.eye(3).flip(0)],
        (np.eye(3), np.eye(3)[::-1].copy()),
        ([[2, 0, 0], [0, 0, 0], [0, 0, 0]], [[2, -1, 1], [0, 0, 0], [0, 0, 0]]),
    ],
    "03-border": [8, 8.0],
    "03-reshape": [F.max_pool2d, lambda images, k: F.max_pool2d(images.double(), k)],
    "04-step": [1.7, torch.tensor(1.7), np.float64(1.7)],
    "04-edge": [0.2, 1 / 5],
    "04-flat": [
        mse,
        lambda predictions, y: F.mse_loss(predictions.squeeze(1), y),
        lambda predictions, y: ((predictions.ravel() - y) ** 2).sum() / len(y),
    ],
    "05-report": [97.6, torch.tensor(97.6), np.float32(97.6)],
    "05-leak": [
        lambda old, new: sum(any(torch.equal(a, b) for b in old) for a in new),
        lambda old, new: (new[:, None] == old).flatten(2).all(dim=2).any(dim=1).sum(),
        lambda old, new: sum(
            a.numpy().tobytes() in {b.numpy().tobytes() for b in old} for a in new
        ),
        lambda old, new: np.int64(sum((old - a).abs().amax(dim=(1, 2, 3)).min() == 0 for a in new)),
    ],
    "05-exchanged": [lambda split, index: (1 - split.images[index], split.labels[index])],
    "06-repair": [repaired, partial(repaired, forget_late=True)],
    "06-softmax": [lambda logits: logits.softmax(dim=1), lambda logits: logits.double().softmax(1)],
    "06-diagnosis": [
        *("cannot learn", "It cannot learn.", "It can't learn", "it can’t learn", "CAN NOT LEARN"),
        "It cannot learn, so it is not over-fitting.",
    ],
    "07-size": [11],
    "07-parameters": [9280],
    "07-small": [partial(small, channels=14), partial(small, bias=9, channels=14)],
    "08-momentum": [-0.58],
    "08-signum": [signum, lambda weight, *given: signum(weight.double(), *given)],
    "08-choice": [0.1],
    "08-noise": [
        *("cannot tell", "Cannot tell.", "I can't tell.", "one can not tell", "cannot-tell"),
        "cannot tell whether they are different",
        "We can't tell if they are equal or different.",
    ],
    "09-precision": [0.75, 6 / 8],
    "09-mcnemar": [mcnemar_p, lambda *given: torch.tensor(mcnemar_p(*given))],
    "09-tables": [3],
    "09-reliability": [0.5],
    "10-seen": [(8, 17), [8, 17], *several(8, 17)],
    "10-factor": [logits_with, lambda *given: logits_with(*given).double()],
    "10-control": [share_as_bad, lambda *given: torch.tensor(share_as_bad(*given))],
    "11-blind": [blind_to_two],
    "11-cells": [(-1.5, 1), [-1.5, 1], *several(-1.5, 1)],
    "11-templates": [all_logits, lambda *given: all_logits(*given).double()],
    "12-missing": ["optimizer", "The optimizer."],
    "12-whole": [load_whole, lambda model, state: load_whole(model, dict(state))],
    "12-newest": [load_newest],
    "13-stage": [("place", "size", "pen", "none"), ["Place", " size", "pen", "NONE"]],
    "14-mend": [epoch, lambda *given: torch.tensor(epoch(*given))],
    "14-tell": [tell, lambda *given: tell(*given).upper()],
    "13-fool": [[(0.2, 1.0), (0.7, 1.0)], np.array([(0.2, 1.0), (0.45, 1.0), (0.7, 1.0)])],
    "15-swap": ["absolute value", "The absolute value.", "absolute-value"],
    "15-multiplications": [921_600, 64 * 10 * 10 * 16 * 9],
    "15-benchmark": ["both", "Both!"],
    "15-reads": [
        lambda model, batches: torch.stack(losses_of(model, batches)).mean().item(),
        lambda model, batches: float(sum(losses_of(model, batches)) / len(batches)),
        lambda model, batches: np.mean(torch.stack(losses_of(model, batches)).tolist()),
    ],
    "16-falls": [(0, -1, 0.3), [2 * 0, -1 * 1, 0.5 * 0.6], *several(0, -1, 0.3)],
    "16-impostor": [
        lambda model, images, answers: images[:, 0],
        lambda model, images, answers: images[:, 0] > 0,
        lambda model, images, answers: edges(images).double(),
    ],
    "16-conclusion": [2],
}
WRONG = [
    ("00-better", 0.89, "the answer is a model"),
    ("00-better", Reader(300, 0.5, "validation"), "really unseen"),
    ("00-better", Reader(5, 20.0), "go too far"),
    ("00-better", Reader(100, 0.1), "not yet 88"),
    ("00-own-mean", lambda images: images - images.mean(), "all images together"),
    ("00-own-mean", lambda images: images - images.mean(dim=0), "pixel by pixel"),
    ("00-own-mean", lambda images: images - images.mean(dim=2, keepdim=True), "each column"),
    ("00-own-mean", lambda images: images - images.mean(dim=3, keepdim=True), "each row"),
    ("00-own-mean", lambda images: images.mean(dim=(1, 2, 3), keepdim=True), "these are the means"),
    ("00-own-mean", lambda images: images.flatten(1), "the shape stays"),
    ("00-own-mean", lambda images: images / 2, "do nothing else"),
    ("00-own-mean", lambda: 1, "stopped with TypeError"),
    ("00-own-mean", torch.zeros(3, 1, 28, 28), "the answer is a function"),
    ("00-follows", "first", "nobody asked people"),
    ("00-follows", "third", "does not show that nobody could"),
    ("00-follows", "second and third", "name just one of"),
    ("01-ramp", [-1, 0, 1], "on 0, 1, 2 it gives 2"),
    ("01-ramp", [1, 1, 1], "on 1, 1, 1 it gives 3"),
    ("01-ramp", [0, 0, 0], "nothing at all"),
    ("01-ramp", [torch.nan] * 3, "on 1, 1, 1 it gives nan"),
    ("02-ramp", [[torch.nan] * 3] * 3, "it gives nan"),
    ("01-ramp", [-1, 1], "yours has 2"),
    ("01-size", 6, "counted the padding once"),
    ("01-size", 7, "+ 1"),
    ("01-size", 4, "left out the padding"),
    ("01-size", 16, "left out the stride"),
    ("01-size", 8.5, "no half window"),
    ("01-move", [0, 0, 1], "to the left"),
    ("01-move", [0, 1, 0], "where it is"),
    ("01-move", [0.5, 0.5, 0], "becomes 2.5, 3.5, 4.5, 4"),
    ("01-move", [1, 0], "has 2"),
    ("01-average", lambda signal, width: signal.unfold(0, width, 1).sum(dim=1), "these are sums"),
    ("01-average", lambda signal, width: signal, "there are 5 windows"),
    ("01-average", lambda signal, width: signal[width - 1 :], "begin with 3, 4"),
    ("02-field", 7, "adds 2·2"),
    ("02-field", 11, "layers behind it"),
    ("02-move", 5, "distances multiply"),
    ("02-move", 2, "the first convolution alone"),
    ("02-move", 12, "a smaller move"),
    ("02-ramp", [[1, 1, 1], [1, 1, 1], [1, 1, 1]], "it gives 9: its numbers must add to 0"),
    ("02-ramp", [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], "its left neighbour it gives 8"),
    ("02-ramp", [[-1, -2, -1], [0, 0, 0], [1, 2, 1]], "the row above it gives 8"),
    ("02-ramp", [[0, 0, 0], [0, 0, 0], [0, 0, 0]], "nothing at all"),
    ("02-ramp", [1, -2, 1], "3 rows of 3"),
    ("02-ramp", [[1, -2, 1], [1]], "rows of equal length"),
    ("03-move", 2, "windows of 2×2"),
    ("03-move", 1, "across the borders"),
    ("03-move", 8, "a smaller move"),
    ("03-twins", [torch.eye(3), torch.eye(3)], "the same image"),
    ("03-twins", [torch.eye(3), 2 * torch.eye(3)], "averages are 0.333333 and 0.666667"),
    ("03-twins", [torch.eye(3), torch.full((3, 3), 1 / 3)], "largest numbers are 1 and 0.33"),
    ("03-twins", [torch.eye(2), torch.eye(3)], "the shapes (2, 2) and (3, 3)"),
    ("03-twins", [torch.eye(3)], "two images are asked for"),
    ("03-twins", 3, "stopped with TypeError"),
    ("03-border", 12, "divided by 9"),
    ("03-border", 5.33, "a corner"),
    ("03-reshape", F.avg_pool2d, "averages"),
    ("03-reshape", partial(F.max_pool2d, ceil_mode=True), "the shape (2, 3, 3, 5)"),
    ("03-reshape", lambda images, k: -F.max_pool2d(-images, k), "the numbers are not"),
    (
        "04-flat",
        lambda predictions, y: ((predictions - y) ** 2).mean(),
        "still compared with every",
    ),
    (
        "04-flat",
        partial(mse, change=lambda errors: errors.square().sum()),
        "the sum of the squares",
    ),
    ("04-flat", partial(mse, change=lambda errors: errors.abs().mean()), "absolute errors"),
    ("04-flat", partial(mse, change=lambda errors: errors.mean() ** 2), "first square"),
    ("04-flat", partial(mse, change=lambda errors: errors.square()), "one number, the loss"),
    ("04-step", 2.3, "uphill"),
    ("04-step", 1.9, "slope of the square"),
    ("04-step", 1.85, "forgot the 2"),
    ("04-step", 1.95, "the loss for its slope"),
    ("04-step", 1.8, "not w"),
    ("04-step", 0.2, "subtract y"),
    ("04-step", -4, "the learning rate"),
    ("04-step", 6, "the step is still missing"),
    ("04-step", 0.3, "from 2?"),
    ("04-edge", 2, "is not 1"),
    (
        "04-flat",
        lambda predictions, y: F.mse_loss(predictions[:, 0], y).sqrt(),
        "the root of it",
    ),
    ("04-flat", lambda predictions, y: mse(predictions, y).item(), "no slopes lead back"),
    ("04-edge", 1, "edge in b"),
    ("04-edge", 0.1, "lands in one step"),
    ("04-edge", 0.4, "*twice*"),
    ("04-edge", 10, "2 divided by it"),
    ("05-report", 97.9, "best of five"),
    ("05-report", 97.75, "may be luck"),
    ("05-report", 0.976, "in percent"),
    ("05-report", "97.6", "is a number"),
    (
        "05-leak",
        lambda old, new: (new[:, None] == old).flatten(2).all(dim=2).sum(),
        "counted pairs",
    ),
    (
        "05-leak",
        lambda old, new: len(
            {x.numpy().tobytes() for x in old} & {x.numpy().tobytes() for x in new}
        ),
        "leaked three times",
    ),
    (
        "05-leak",
        lambda old, new: sum(any(abs(a.sum() - b.sum()) < 1e-3 for b in old) for a in new),
        "another image",
    ),
    (
        "05-leak",
        lambda old, new: sum((torch.cdist(new.flatten(1), old.flatten(1)) == 0).any(dim=1)),
        "compare the pixels",
    ),
    ("05-leak", lambda old, new: new, "a number is asked for"),
    (
        "05-exchanged",
        lambda split, index: 1 - split.images[index],
        "return the image and its label",
    ),
    ("05-exchanged", lambda split, index: (-split.images[index], split.labels[index]), "minus one"),
    (
        "05-exchanged",
        lambda split, index: (255 - split.images[index], split.labels[index]),
        "to 255",
    ),
    (
        "05-exchanged",
        lambda split, index: (1 - split.images[index], index),
        "the label of example 1",
    ),
    ("05-exchanged", lambda split, index: split[index], "should become"),
    (
        "05-exchanged",
        lambda split, index: (split.images[index].neg_().add_(1), split.labels[index]),
        "changed the split itself",
    ),
    ("06-repair", partial(repaired, dim=0), "give it the logits"),
    ("06-repair", partial(repaired, dim=1), "better than dim=0"),
    ("06-repair", partial(repaired, forget=False), "add up"),
    ("06-repair", partial(repaired, early=True, forget=False), "before the slopes"),
    ("06-repair", partial(repaired, early=True), "did not move"),
    ("06-repair", lambda model, batches, optimizer: model, "did not move"),
    ("06-repair", partial(repaired, dim=0, forget=False), "see `training_steps`"),
    ("06-repair", lambda model, batches: model, "stopped with TypeError"),
    ("06-repair", lambda *all: repaired(*all).training, "should return the model"),
    ("06-diagnosis", "over-fitting", "good on its training images"),
    ("06-diagnosis", "overfitting", "good on its training images"),
    ("06-diagnosis", "It is Over fitting", "good on its training images"),
    ("06-diagnosis", "bad luck", 'the answer is "over-fitting" or'),
    ("06-diagnosis", "it can learn, it over-fits", 'the answer is "over-fitting" or'),
    ("06-diagnosis", "over-fitting, or it cannot learn", 'name just one of "over-fitting" or'),
    ("06-diagnosis", "it learns", 'the answer is "over-fitting" or'),
    ("06-softmax", lambda logits: logits.softmax(dim=0), "over the batch"),
    ("06-softmax", lambda logits: logits.exp() / logits.exp().sum(), "all entries together"),
    ("06-softmax", lambda logits: logits.exp() / logits.exp().sum(1, keepdim=True), "own maximum"),
    ("06-softmax", lambda logits: logits.log_softmax(dim=1), "not the exponentials"),
    (
        "06-softmax",
        lambda logits: (
            (logits - logits.max()).exp() / (logits - logits.max()).exp().sum(1, keepdim=True)
        ),
        "own maximum",
    ),
    ("06-softmax", lambda logits: logits.softmax(dim=1).sum(dim=1), "shape of the logits"),
    ("07-size", 14, "shrinks"),
    ("07-size", 22, "halves"),
    ("07-parameters", 9216, "biases"),
    ("07-parameters", 640, "16 input channels"),
    ("07-small", MLP, "no convolution"),
    ("07-small", TinyVGG, "7,740 parameters"),
    ("07-small", ConvNet, "207,258 parameters"),
    ("07-small", lambda: 5, "returns a model"),
    ("07-small", small, "5,706 parameters"),
    ("07-small", partial(small, channels=2), "of the validation images, not 94%"),
    ("07-small", partial(small, end=[nn.Softmax(1)]), "should be logits"),
    ("07-small", partial(small, end=[nn.LogSoftmax(1)]), "should be logits"),
    ("07-small", partial(small, end=[nn.Sigmoid()]), "should be logits"),
    ("07-small", partial(small, end=[nn.ReLU()]), "should be logits"),
    ("07-small", partial(small, end=[nn.Tanh()]), "should be logits"),
    ("07-small", partial(small, end=[nn.LogSoftmax(0)]), "depends on the other images"),
    (
        "07-small",
        lambda: nn.Sequential(nn.Conv2d(1, 2, 5, stride=4), nn.Flatten(), nn.Linear(72, 5)),
        "logits (3, 10)",
    ),
    ("08-momentum", -0.4, "two plain steps"),
    ("08-momentum", -0.6, "fades"),
    ("08-momentum", 0.58, "goes down"),
    ("08-momentum", -0.058, "1 - 0.9"),
    ("08-momentum", -0.5, "-0.5 is not it"),
    ("08-signum", partial(signum, of=lambda velocity, slope: slope.sign()), "sign of the slope"),
    ("08-signum", partial(signum, of=lambda velocity, slope: velocity), "steps of momentum"),
    ("08-signum", partial(signum, of=lambda velocity, slope: -velocity.sign()), "goes up"),
    ("08-signum", partial(signum, of=lambda velocity, slope: velocity.tanh()), "should be -1.5"),
    ("08-signum", lambda weight, slope, state, lr: torch.zeros(1), "of shape (4,)"),
    ("08-signum", partial(signum, beta=1), "have to fade"),
    ("08-signum", partial(signum, of=lambda v, g: (g + 0.9 * v).sign()), "Nesterov's step"),
    ("08-choice", 0.01, "test results"),
    ("08-choice", 0.001, "agree well"),
    ("08-choice", 0.3, "0.3 is not it"),
    ("08-momentum", -0.76, "only 2"),
    ("08-signum", sum_of_signs, "adds up the slopes themselves"),
    ("08-noise", "different", "picked from 45"),
    ("08-noise", "equal", "may well be there"),
    ("08-noise", "They are Different.", "picked from 45"),
    ("08-noise", "equal or different", 'name just one of "different", "equal" or "cannot tell"'),
    ("08-noise", "different, but I cannot tell", "name just one of"),
    ("08-noise", "unequal", "yours is 'unequal'"),
    ("08-noise", "A", "yours is 'A'"),
    ("09-precision", 0.6, "that is the recall"),
    ("09-precision", 0.667, "that is F1"),
    ("09-precision", 0.77, "the accuracy"),
    ("09-precision", 0.2, "not by all images"),
    ("09-precision", 75, "a share"),
    ("09-mcnemar", partial(mcnemar_p, sides="greater"), "one side"),
    ("09-mcnemar", partial(mcnemar_p, count=lambda a, b: a != b), "nobody wins"),
    ("09-mcnemar", lambda *given: 1 - mcnemar_p(*given), "1 - p"),
    (
        "09-mcnemar",
        lambda a, b, labels: (a == labels).sum() - (b == labels).sum(),
        "not the p of 9",
    ),
    ("09-mcnemar", lambda a, b, labels: 2 * binom.sf(only(a, b, labels) - 1, 11, 0.5), "if B wins"),
    ("09-mcnemar", doubled_tail, "if neither wins"),
    ("09-mcnemar", lambda a, b, labels: ((a == labels) & (b != labels)).sum(), "number of wins"),
    ("09-mcnemar", lambda a, b, labels: a == labels, "one number is asked for"),
    ("09-mcnemar", uncorrected_mcnemar, "approximation"),
    ("09-mcnemar", of_accuracies, "read by both"),
    ("09-tables", 1, "two sets of images"),
    ("09-tables", 2, "two things differ"),
    ("09-tables", 4, "by luck"),
    ("09-reliability", 2, "less sure than right"),
    ("09-reliability", 1, "changes nothing"),
    ("10-seen", (8, 13), "each sees five rows of pixels"),
    ("10-seen", (8.9, 17.2), "(8.9, 17.2) is not it"),
    ("16-falls", ("none", -1, 0.3), "three numbers are asked for"),
    ("16-conclusion", 1, "knows nothing of this one"),
    ("16-conclusion", 3, "outlive the loss"),
    ("16-conclusion", 4, "twenty times less"),
    ("16-impostor", lambda model, images, answers: slope_of(model, images), "knows too much"),
    ("16-impostor", lambda model, images, answers: images, "is a tensor (N, 28, 28)"),
    ("16-impostor", lambda model, images, answers: 0 * images[:, 0], "one shade"),
    ("16-impostor", lambda model, images, answers: images[:, 0] / 0, "no numbers"),
    ("16-impostor", lambda model, images, answers: 1 - images[:, 0], "far from any ink"),
    ("16-impostor", lambda model, images, answers: images.mean(dim=0).expand(4, 28, 28), "every"),
    ("16-impostor", lambda model, images, answers: "picture", "and yours is str"),
    ("10-seen", (4, 6), "go on"),
    ("10-seen", (8, 12), "the pooling looks at two rows"),
    ("10-seen", (8, 16), "rows 12 and 13"),
    ("10-seen", (6, 15), "no padding"),
    ("10-seen", (4, 13), "no padding"),
    ("10-seen", (8, 18), "ends at row 17"),
    ("10-seen", (4, 12), "the pooling halves"),
    ("10-seen", (4, 10), "the pooling halves"),
    ("10-seen", (17, 8), "comes before"),
    ("10-seen", (0, 27), "(0, 27) is not it"),
    ("10-seen", 8, "two numbers are asked for"),
    ("10-seen", (8, 12, 17), "two numbers are asked for"),
    ("16-falls", (2, -1, 0.5), "those are the slopes"),
    ("16-falls", (0, -1, 0.5), "c is 0.6, not 1"),
    ("16-falls", (0, 1, -0.3), "how far does it *fall*"),
    ("16-falls", (0, 1, 0.3), "a fall of minus one"),
    ("16-falls", (-0.7, 0.3, -1.0), "logits that are left"),
    ("16-falls", (2, 1, 0.5), "sizes of slopes"),
    ("16-falls", (0, 0, 0), "one pixel away at a time"),
    ("16-falls", -0.7, "three numbers"),
    ("10-factor", larger_weights, "the model is another one afterwards"),
    ("10-factor", partial(logits_with, keep=True), "remove the hook"),
    ("10-factor", changed_in_place, "clone it first"),
    ("10-factor", lambda model, *others: logits_with(model.eval(), *others), "another mode"),
    ("10-factor", lambda model, *others: logits_with(model.train(), *others), "another mode"),
    ("10-factor", partial(logits_with, give=False), "return the new output"),
    ("10-factor", partial(logits_with, place=2), "not a channel"),
    ("10-factor", partial(logits_with, place=...), "all channels"),
    ("10-factor", partial(logits_with, place=(0, 0)), "not the logits with that channel"),
    ("10-factor", lambda *arguments: logits_with(*arguments)[:, :5], "logits (5, 10)"),
    ("10-control", partial(share_as_bad, least=2.6), "at least as much"),
    ("10-control", partial(share_as_bad, others="with itself"), "leave it out"),
    ("10-control", partial(share_as_bad, sign=-1), "at most as much"),
    ("10-control", lambda *given: 1 - share_as_bad(*given), "cost less"),
    ("10-control", lambda *given: 27 * share_as_bad(*given), "a count"),
    ("10-control", partial(share_as_bad, others="apart"), "another pair, too"),
    ("10-control", lambda cost, pair: 0.5, "the 27 other pairs"),
    ("10-control", lambda cost, pair: cost, "one share is asked for"),
    ("10-control", partial(share_as_bad, others="as given"), "(5, 2)"),
    ("11-cells", (1.5, -1), "the other way"),
    ("11-cells", (-6, 4), "those are pixels; a cell"),
    ("11-cells", (6, -4), "not the way back"),
    ("11-cells", (-3, 2), "two poolings"),
    ("11-cells", (-1, 1), "no need to round"),
    ("11-cells", (-2, 1), "no need to round"),
    ("11-cells", (1, -1.5), "exchanged"),
    ("11-cells", (-1.5, -1), "have to go down"),
    ("11-cells", (1.5, 1), "have to go left"),
    ("11-cells", (-1, 0.5), "(-1, 0.5) is not it"),
    ("11-cells", -2, "two numbers"),
    ("11-cells", (-2, 1, 0), "two numbers are asked for, (dx, dy), and yours is (-2, 1, 0)"),
    ("11-cells", (-2, True), "two numbers"),
    ("11-blind", lambda net: net, "moved by two pixels"),
    ("11-blind", partial(blind_to_two, layers=(2, 5)), "blind to a move by one"),
    ("11-blind", partial(blind_to_two, copied=False), "change a copy"),
    ("11-blind", partial(blind_to_two, changes=["bias"]), "the weights are not those"),
    ("11-blind", partial(blind_to_two, changes=["ReLU"]), "2 layers are different"),
    ("11-blind", partial(blind_to_two, changes=["dead"]), "does not look at the digits"),
    ("11-templates", lambda *given: all_logits(*given, flip=()), "other way round"),
    ("11-templates", lambda *given: all_logits(*given, with_bias=False), "the bias is missing."),
    ("11-templates", lambda *given: all_logits(*given, (), False), "missing, and the order"),
    ("11-templates", lambda *given: all_logits(*given).mT, "rows are for dy"),
    ("11-templates", lambda *given: all_logits(*given, flip=(2,)), "columns are the other way"),
    ("11-templates", lambda *given: all_logits(*given, flip=(3,)), "rows are the other way"),
    ("11-templates", lambda *given: all_logits(*given) * 0, "not the logits of the linear model"),
    ("11-templates", lambda weight, bias, images: images.flatten(1) @ weight.T, "has the shape"),
    ("12-missing", "schedule", "there is none to keep"),
    ("12-missing", "batches", "from the random states"),
    ("12-missing", "nothing", "a memory of the slopes"),
    ("12-whole", partial(load_whole, shapes=False), "another shape was refused, but the layers"),
    ("12-whole", partial(load_whole, names=False), "without a buffer was refused, but"),
    ("12-whole", partial(load_whole, names=False, strict=False), "was taken without an error"),
    ("12-whole", partial(load_whole, raised=KeyError), "and a KeyError came out"),
    ("12-whole", lambda model, state: model, "not loaded whole"),
    ("12-whole", lambda model, state: state, "the model that was given"),
    ("12-whole", lambda model, state: load_whole(copy.deepcopy(model), state), "yours is another"),
    (
        "12-whole",
        lambda model, state: (model.load_state_dict(state, strict=False), model)[1],
        "a Run",
    ),
    ("12-newest", lambda path: load_checkpoint(f"{path}.previous"), "both are whole"),
    ("12-newest", partial(never_fails, load=load_checkpoint), "cut short"),
    ("12-newest", partial(load_newest, load=torch.load, seen=Exception), "one bit"),
    ("12-newest", lambda path: load_newest(path.with_name(path.name)), "'str' object has no"),
    ("12-newest", partial(load_newest, seen=FileNotFoundError), "CheckpointError: run.pt is"),
    ("12-newest", partial(load_newest, seen=CheckpointError), "with FileNotFoundError"),
    ("12-newest", lambda path: load_newest(path) if Path(path).exists() else {}, "no file at the"),
    ("12-newest", partial(load_newest, raised=1), "and a FileNotFoundError came out"),
    ("12-newest", never_fails, "no error came out"),
    ("14-mend", partial(epoch, softmax=True), "give it the logits"),
    ("14-mend", partial(epoch, clear="never"), "are added up"),
    ("14-mend", partial(epoch, clear="too late"), "before the step uses them"),
    ("14-mend", partial(epoch, on=False), "from your last epoch"),
    ("14-mend", partial(epoch, softmax=True, clear="never"), "give it the logits"),
    ("14-mend", partial(epoch, judge="batches"), "divide once"),
    ("14-mend", partial(epoch, off=False), "is dropout still on"),
    ("14-mend", lambda *given: [epoch(*given) for _ in range(2)][1], "not those after one epoch"),
    ("14-tell", partial(tell, twice=False), "of a network with dropout it says"),
    ("14-tell", partial(tell, ask_a_copy=False), "ask a copy"),
    ("14-tell", partial(tell, back=False), "you called eval() or train()"),
    ("14-tell", lambda model, images: "nothing", "it says 'nothing', not 'dropout'"),
    ("13-stage", ("size", "size", "pen", "none"), "look at a again: its size"),
    ("13-stage", ("place", "place", "pen", "none"), "look at b again: it is in the middle"),
    ("13-stage", ("place", "size", "none", "none"), "look at c again: it is large"),
    ("13-stage", ("place", "size", "pen", "place"), "look at d again: size, place and pen"),
    ("13-stage", ("place", "size"), "four of the words"),
    ("13-stage", ("place", "size", "pen", "mass"), "four of the words"),
    ("13-stage", "place", "four of the words"),
    ("13-fool", [(0.5, 0.5)], "still reads a 7"),
    ("13-fool", [(0.1, 1.0), (0.9, 1.0)], "0.80 of the pad long"),
    ("13-fool", [(0.3, 1.1), (0.7, 1.1)], "leaves the pad"),
    ("13-fool", 7, "strokes[0] must be points"),
    ("15-swap", "ReLU", "the answer is"),
    ("15-swap", "tanh", "never swaps"),
    ("15-swap", "sigmoid", "never swaps"),
    ("15-multiplications", 2_764_800, "only the forward pass"),
    ("15-multiplications", 5_529_600, "forward multiplications"),
    ("15-multiplications", 1_327_104, "10×10 places"),
    ("15-multiplications", 57_600, "all 16 input channels"),
    ("15-multiplications", 14_400, "64 output channels"),
    ("15-multiplications", 9_216, "those are the weights"),
    ("15-multiplications", 1_843_200, "only multiplications"),
    ("15-multiplications", 102_400, "3·3 weights"),
    ("15-benchmark", "luck", "also warmed up"),
    ("15-benchmark", "warm-up", "by luck alone, too"),
    ("15-reads", lambda model, batches: sum(losses_of(model, batches)) / 3, "yours is a Tensor"),
    ("15-reads", lambda model, batches: sum(losses_of(model, batches)).item(), "divide by"),
    ("15-reads", lambda model, batches: losses_of(model, batches)[-1].item(), "the last batch"),
    ("15-reads", lambda model, batches: np.mean(losses_of(model, batches, float)), "read 3"),
    (
        "15-reads",
        lambda model, batches: torch.tensor(losses_of(model, batches)).mean().item(),
        "read 4 times",
    ),
    (
        "15-reads",
        lambda model, batches: np.mean(losses_of(model, batches, lambda loss: loss.tolist())),
        "read 3 times",
    ),
    (
        "15-reads",
        lambda model, batches: float(
            np.mean(losses_of(model, batches, lambda loss: loss.detach().numpy()))
        ),
        "read 3 times",
    ),
    (
        "15-reads",
        lambda model, batches: float(
            np.mean(losses_of(model, batches, lambda loss: loss.detach()))
        ),
        "read 3 times",
    ),
    (
        "15-reads",
        lambda model, batches: torch.as_tensor(losses_of(model, batches)).mean().item(),
        "read 4 times",
    ),
    ("15-reads", trains, "changed the model"),
    (
        "15-reads",
        lambda model, batches: F.cross_entropy(
            *map(torch.cat, zip(*run_all(model, batches)))
        ).item(),
        "the mean over examples",
    ),
]


@pytest.mark.parametrize("name", CHECKS)
def test_right_answers_are_right_and_wrong_ones_are_told_what_was_misunderstood(name, capsys):
    def said(answer):
        check(name, answer)
        return capsys.readouterr().out

    for answer in RIGHT[name]:
        assert said(answer) == "✓ Right.\n"
    for answer, words in (wrong[1:] for wrong in WRONG if wrong[0] == name):
        line = said(answer)
        assert line.startswith("✗ Not yet: ") and words in line and line.count("\n") == 1
    for answer in (..., None):  # no answer is no wrong answer
        assert said(answer).startswith("○ Not answered yet: put your answer")
    if callable(RIGHT[name][0]) and not isinstance(RIGHT[name][0], nn.Module):
        line = said(lambda *arguments: print("931 of 1000"))
        assert "○ Not answered yet: the function returns nothing" in line


@pytest.mark.parametrize("name", CHECKS)
def test_each_has_a_hint_that_does_not_tell_the_answer(name, capsys):
    hint(name)
    line = capsys.readouterr().out
    assert line.strip()
    assert f"{RIGHT[name][0]}" not in line


def test_every_wrong_answer_is_one_to_an_exercise_that_there_is():
    assert {name for name, _, _ in WRONG} <= set(CHECKS)


def test_an_unknown_name_is_named():
    for function in (hint, lambda name: check(name, 1)):
        with pytest.raises(KeyError, match="'00-bette'"):
            function("00-bette")


def test_every_check_is_used_in_its_notebook():
    used = {}
    for path in main_notebooks():
        for _, cell in code_cells(read(path), "check"):
            for node in ast.walk(ast.parse(cell.source)):
                if isinstance(node, ast.Call) and node.func.id == "check":
                    used[node.args[0].value] = path.stem
    assert set(used) == set(CHECKS)
    assert all(name[:2] == stem[:2] for name, stem in used.items())
