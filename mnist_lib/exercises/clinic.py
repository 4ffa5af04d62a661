"""The clinic of notebook 14: trainings with a hidden fault, to be found by looking."""

import copy
import math
import random
import textwrap
from functools import partial
from itertools import product
from types import SimpleNamespace
from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import get_total_norm, parameters_to_vector

from .. import plots
from ..data import Batches, Split
from .base import in_order


class Fault(NamedTuple):
    """What is otherwise in a training, and the look that tells it."""

    changes: dict
    look: str


HEALTHY = {"order": "clear backward step", "zero": False, "shifted": 0, "mixed": True, "rate": 0.1}
HEALTHY |= {"end": nn.Identity(), "eval": True, "scale": 1, "leaked": 0}
FAULTS = {
    "nothing": Fault({}, "curve, outputs and splits, and alone unless the network is plain"),
    "cleared before the step": Fault({"order": "backward clear step"}, "gradients"),
    "zero_grad forgotten": Fault({"order": "backward step"}, "gradients"),
    "all weights zero": Fault({"zero": True}, "gradients"),
    "labels shifted": Fault({"shifted": 1}, "batch"),
    "sorted": Fault({"mixed": False}, "labels"),
    "rate too large": Fault({"rate": 1.0}, "gradients"),
    "rate too small": Fault({"rate": 0.001}, "gradients"),
    "softmax twice": Fault({"end": nn.Softmax(dim=1)}, "outputs"),
    "ReLU on the logits": Fault({"end": nn.ReLU()}, "outputs"),
    "eval() forgotten, dropout": Fault({"kind": "dropout", "eval": False}, "alone"),
    "eval() forgotten, batch norm": Fault({"kind": "batch norm", "eval": False}, "alone"),
    "unscaled at test time": Fault({"scale": 255}, "pixels"),
    "a leak": Fault({"leaked": 250}, "splits"),
}
KINDS = {"plain": nn.Identity, "dropout": nn.Dropout, "batch norm": partial(nn.BatchNorm1d, 100)}
TRAINING = "softmax twice", "ReLU on the logits", "rate too small"
JUDGING = "unscaled at test time", "a leak", "eval() forgotten, dropout"
PAIRS = list(product(TRAINING, JUDGING))  # neither hides the other


def clinic(mnist, seed=0):
    """Train twelve networks: most with one fault, one with two, some with none; other faults for another seed.

    Args:
        mnist: with `train` and `validation`, Splits of at least 3,000 and 500 digits.
        seed: an integer.

    Returns:
        A list of twelve `Patient`s.

    >>> from mnist_lib.data import load_mnist
    >>> clinic(load_mnist("sample"))[0].look("splits")  # doctest: +ELLIPSIS
    Digits: the 5,000-image sample (3,500 to train, 500 to validate, 1,000 to test).
    To look at: curve, accuracy, units, batch, labels, pixels, splits, outputs, gradients, alone.
    To name: nothing; cleared before the step; ...
    Patient 1: 0 of 500 validation images are in train, too.
    """
    chance = random.Random(seed)
    pair, healthy = chance.choice(PAIRS), chance.randint(2, 4)
    others = [(name,) for name in FAULTS if name not in (*pair, "nothing")]
    cases = [pair, *chance.sample(others, 11 - healthy), *healthy * [("nothing",)]]
    chance.shuffle(cases)
    with torch.random.fork_rng(devices=[]):  # patients are on the CPU
        patients = [Patient(n, case, mnist, seed, chance) for n, case in enumerate(cases, start=1)]
    print(f"To look at: {', '.join(LOOKS)}.")
    whole = f"To name: {'; '.join(name.replace(' ', '~') for name in FAULTS)}."
    print(textwrap.fill(whole, 90).replace("~", " "))
    return patients


class Patient:
    """A network that was trained, and what one may look at.

    Attributes:
        number: 1 to 12.
        looks: what was looked at, a list of names.
    """

    def __init__(self, number, faults, mnist, seed, chance):
        self.number, self.looks, self._faults = number, [], faults
        self._how = how = SimpleNamespace(**HEALTHY, kind=chance.choice(list(KINDS)))
        for name in faults:
            vars(how).update(FAULTS[name].changes)
        train, validation = mnist.train[:3000].to("cpu"), mnist.validation[:500].to("cpu")
        images = torch.cat([train.images[: how.leaked], validation.images[how.leaked :]])
        labels = torch.cat([train.labels[: how.leaked], validation.labels[how.leaked :]])
        self._validation = Split(how.scale * images, labels)
        self._train = Split(train.images, train.labels.roll(how.shifted))
        if not how.mixed:
            self._train = self._train[self._train.labels.argsort(stable=True)]
        torch.default_generator.manual_seed(100 * seed + number)
        self._learn(how)

    def _learn(self, how, epochs=5):
        """Train, and note what could be looked at on the way."""
        layers = nn.Flatten(), nn.Linear(784, 100), KINDS[how.kind](), nn.ReLU(), nn.Linear(100, 10)
        self._network, self._losses, self._accuracies = nn.Sequential(*layers, how.end), [], []
        self._gradients = (
            "size of the first layer's gradient, of all gradients, and how far the step went:"
        )
        if how.zero:
            for parameter in self._network.parameters():
                nn.init.zeros_(parameter)
        optimizer = torch.optim.SGD(self._network.parameters(), lr=how.rate, momentum=0.9)
        for _ in range(epochs):
            for images, labels in Batches(self._train, 50, shuffle=how.mixed):
                if not self._losses:
                    self._first = labels
                loss = F.cross_entropy(self._network(images), labels)
                clear = partial(optimizer.zero_grad, set_to_none=False)
                step = partial(self._step, optimizer)
                in_order(how.order, clear=clear, backward=loss.backward, step=step)
                self._losses.append(loss.item())
            splits = self._train, self._validation
            right = [(self._outputs(s.images).argmax(dim=1) == s.labels).float() for s in splits]
            self._accuracies.append(" / ".join(f"{100 * r.mean():.0f}" for r in right) + " %")

    @torch.no_grad()
    def _step(self, optimizer):
        """One step, with the sizes of gradients and of the move noted."""
        parameters, step = list(self._network.parameters()), len(self._losses) + 1
        gradients, before = [p.grad for p in parameters], parameters_to_vector(parameters)
        optimizer.step()
        moved = parameters_to_vector(parameters) - before
        if step in (1, 2, 10, 100, 300):
            sizes = gradients[0].norm(), get_total_norm(gradients), moved.norm()
            self._gradients += f"\nstep {step}: {', '.join(f'{size:.3g}' for size in sizes)}"

    @torch.no_grad()
    def _outputs(self, images):
        """What the reader's program gets when it uses the network; a copy, so that averages stay."""
        return copy.deepcopy(self._network).train(not self._how.eval)(images)

    def look(self, what):
        """Look at something, and be counted. Prints a line or more, or returns a figure.

        Args:
            what: one of `LOOKS`.
        """
        if what not in LOOKS:
            raise ValueError(f"what must be one of {', '.join(LOOKS)}, got {what!r}")
        self.looks.append(what)
        with torch.random.fork_rng(devices=[]):  # dropout draws
            seen = getattr(self, f"_look_at_{what}")()
        if not isinstance(seen, str):
            return plots.show(seen)
        print(f"Patient {self.number}: {seen}")

    def name(self, *faults):
        """Say what is wrong, with one or two names of `FAULTS`. A wrong one, or one of two, counts as three looks."""
        named, hidden = set(faults), set(self._faults)
        if not named <= FAULTS.keys() or not 0 < len(faults) < 3:
            raise ValueError(f"faults must be one or two of {'; '.join(FAULTS)}, got {faults}")
        if len(named) < len(faults) or (len(named) > 1 and "nothing" in named):
            raise ValueError(f"faults must be two mistakes, or one name, got {faults}")
        if named == hidden:
            telling = "; ".join(FAULTS[name].look for name in self._faults)
            said = f"✓ Yes. Looks: {len(self.looks)}. What tells it: {telling}."
        else:
            self.looks += 3 * ["not the name"]
            said = "✗ No: one is right, the other is not." if named & hidden else "✗ No."
            said = "✗ That is one of two." if named < hidden else said
        print(f"Patient {self.number}: {said}")

    def give_up(self):
        """Print what is wrong, and what tells it; counts as ten looks."""
        names = "; ".join(f"{name} (look at: {FAULTS[name].look})" for name in self._faults)
        self.looks += 10 * ["gave up"]
        print(f"Patient {self.number}: {names}.")

    def __repr__(self):
        return f"Patient {self.number}, with a {self._how.kind} network. Looks: {len(self.looks)}"

    def _look_at_curve(self):
        ax, ticks = plots.new_axes(5, 2.6), [0.1, 1, 10, 100]
        losses = torch.tensor(self._losses).nan_to_num(99).clamp(max=99)  # as the museum draws them
        losses = losses.unfold(0, 10, 10).mean(dim=1)
        ax.plot(range(10, 10 * len(losses) + 10, 10), losses, color=plots.COLOURS[0])
        ax.axhline(math.log(10), color="0.5", ls=":")
        ax.set(yscale="log", ylim=(0.03, 120), yticks=ticks, yticklabels=ticks)
        ax.set(xlabel="step", ylabel="loss", title=f"Patient {self.number}")
        ends = f"from ≈{losses[0]:.2f} to ≈{losses[-1]:.2f}; 99 stands for more"
        return plots.describe(ax, f"Loss of patient {self.number} against the step, {ends}.")

    def _look_at_accuracy(self):
        return f"after each epoch, train / validation: {', '.join(self._accuracies)}"

    def _look_at_batch(self):
        return plots.plot_digits(self._train.images[:20], self._train.labels[:20])

    def _look_at_pixels(self):
        of = "{} from {:g} to {:g}, mean {:.2f}".format
        splits = {"train": self._train.images, "validation": self._validation.images}
        return "; ".join(of(name, x.min(), x.max(), x.mean()) for name, x in splits.items())

    def _look_at_labels(self):
        counts = self._first.bincount(minlength=10).tolist()
        return f"how often 0 to 9 are in the first batch: {counts}"

    def _look_at_outputs(self):
        rows = zip(self._validation.labels[:3], self._outputs(self._validation.images[:3]))
        rows = [f"a {label}: {' '.join(f'{value:.2f}' for value in row)}" for label, row in rows]
        return "the outputs for three validation images:\n" + "\n".join(rows)

    def _look_at_gradients(self):
        return self._gradients

    @torch.no_grad()
    def _look_at_units(self):
        hidden = copy.deepcopy(self._network).eval()[:4](self._validation.images)
        silent = (hidden <= 0).all(dim=0).sum()
        return f"{silent} of 100 hidden units are silent: above zero for no validation image"

    def _look_at_alone(self):
        images = self._validation.images[:100]
        first, again = (self._outputs(images).argmax(dim=1) for _ in range(2))
        by_two = torch.cat([self._outputs(pair).argmax(dim=1) for pair in images.split(2)])
        again, by_two = ((first == other).sum() for other in (again, by_two))
        return f"asked again, {again} of 100 answers stay; asked in pairs, {by_two}"

    def _look_at_splits(self):
        known = {image.numpy().tobytes() for image in self._train.images}
        both = sum(image.numpy().tobytes() in known for image in self._validation.images)
        return f"{both} of {len(self._validation)} validation images are in train, too."


LOOKS = "curve accuracy units batch labels pixels splits outputs gradients alone".split()
