"""The clinic of notebook 14: trainings with a hidden fault, to be found by looking."""

import math
import random

import torch
from torch import nn
from torch.nn import functional as F

from .. import plots
from ..data import Split
from ..machinery.checkpoints import random_states, set_random_states
from ..training import seed_everything

FAULTS = {  # what is done wrong in a training, and the look that shows it first
    "nothing": ({}, "alone, outputs, pixels and splits together"),
    "cleared before the step": ({"clear": "before step"}, "gradients"),
    "zero_grad forgotten": ({"clear": "never"}, "gradients"),
    "all weights zero": ({"weights": "zero"}, "gradients"),
    "labels shifted": ({"labels": "shifted"}, "batch"),
    "sorted": ({"order": "sorted"}, "labels"),
    "rate too large": ({"rate": 10}, "gradients"),
    "rate too small": ({"rate": 0.01}, "gradients"),
    "softmax twice": ({"outputs": "softmax"}, "outputs"),
    "ReLU on the logits": ({"outputs": "relu"}, "outputs"),
    "eval() forgotten, dropout": ({"network": "dropout", "mode": True}, "alone"),
    "eval() forgotten, batch norm": ({"network": "batch norm", "mode": True}, "alone"),
    "unscaled at test time": ({"scale": 255}, "pixels"),
    "a leak": ({"splits": "shared"}, "splits"),
}
HEALTHY = ({}, {"network": "dropout"}, {"network": "batch norm"})
PAIRS = [  # neither hides the other
    (training, judging)
    for training in ("softmax twice", "ReLU on the logits", "rate too small")
    for judging in ("unscaled at test time", "a leak", "eval() forgotten, dropout")
]


def clinic(mnist, seed=0):
    """Train twelve networks: most with one fault, one with two, some with none; other faults for another seed.

    Args:
        mnist: with `train` and `validation`, Splits of at least 3,000 and 500 digits.
        seed: an integer.

    Returns:
        A list of twelve `Patient`s.

    >>> from mnist_lib.data import load_mnist
    >>> patients = clinic(load_mnist("sample"))  # doctest: +ELLIPSIS
    Digits: the 5,000-image sample (3,500 to train, 500 to validate, 1,000 to test).
    To look at: curve, accuracy, batch, pixels, labels, outputs, gradients, alone, splits.
    To name: nothing; cleared before the step; ...
    >>> patients[0]
    Patient 1, with a dropout network: 0 looks
    >>> patients[0].look("splits")
    Patient 1: 0 of 500 validation images are in train, too.
    """
    chance = random.Random(seed)
    pair, healthy = chance.choice(PAIRS), chance.randint(2, 4)
    others = [name for name in FAULTS if name not in (*pair, "nothing")]
    cases = [pair, *((name,) for name in chance.sample(others, 11 - healthy))]
    cases += healthy * [("nothing",)]
    chance.shuffle(cases)
    states = random_states()
    try:
        patients = [Patient(n, case, mnist, seed, chance) for n, case in enumerate(cases, start=1)]
    finally:
        set_random_states(states)
    print(f"To look at: {', '.join(LOOKS)}.\nTo name: {'; '.join(FAULTS)}.")
    return patients


class Patient:
    """A network that was trained, and what one may look at.

    Attributes:
        number: 1 to 12.
        looks: what was looked at, a list of names.
    """

    def __init__(self, number, faults, mnist, seed, chance):
        self.number, self.looks, self._faults = number, [], faults
        changes = dict(chance.choice(HEALTHY))
        for name in faults:
            changes |= FAULTS[name][0]
        self._kind = changes.get("network", "plain")
        self._mode, self._scale = changes.get("mode", False), changes.get("scale", 1)
        splits = mnist.train[:3000], mnist.validation[:500]
        self._train, self._validation = (s.to("cpu") for s in splits)
        if changes.get("splits"):
            images = torch.cat([self._train.images[:250], self._validation.images[250:]])
            labels = torch.cat([self._train.labels[:250], self._validation.labels[250:]])
            self._validation = Split(images, labels)
        if changes.get("labels"):
            self._train = Split(self._train.images, self._train.labels.roll(1))
        if changes.get("order"):
            self._train = self._train[self._train.labels.argsort(stable=True)]
        seed_everything(100 * seed + number)
        self._learn(changes)

    def _learn(self, changes, epochs=5):
        """Train, and note what could be looked at on the way."""
        new = {"dropout": [nn.Dropout(0.5)], "batch norm": [nn.BatchNorm1d(100)]}
        extra = new.get(self._kind, [])
        layers = [nn.Flatten(), nn.Linear(784, 100), *extra, nn.ReLU(), nn.Linear(100, 10)]
        ends = {"softmax": [nn.Softmax(dim=1)], "relu": [nn.ReLU()]}
        layers += ends.get(changes.get("outputs"), [])
        self._network = nn.Sequential(*layers)
        if changes.get("weights"):
            for parameter in self._network[1:].parameters():
                nn.init.zeros_(parameter)
        rate = 0.1 * changes.get("rate", 1)
        optimizer = torch.optim.SGD(self._network.parameters(), lr=rate, momentum=0.9)
        self._losses, self._steps, self._accuracies = [], [], []
        for _ in range(epochs):
            self._network.train()
            mixed = torch.randperm(len(self._train))
            for rows in (mixed.sort().values if changes.get("order") else mixed).split(50):
                images, labels = self._train[rows].images, self._train[rows].labels
                loss = F.cross_entropy(self._network(images), labels)
                if changes.get("clear") is None:
                    optimizer.zero_grad()
                loss.backward()
                if changes.get("clear") == "before step":
                    optimizer.zero_grad()
                self._step(optimizer)
                self._losses.append(loss.item())
            self._accuracies.append((self._share(self._train), self._share(self._validation, True)))

    def _step(self, optimizer):
        """One step, with the sizes of gradients and of the move noted."""
        parameters = list(self._network.parameters())
        before = [parameter.detach().clone() for parameter in parameters]
        sizes = [0.0 if p.grad is None else p.grad.norm().item() for p in parameters]
        optimizer.step()
        moved = [(p.detach() - old).norm().item() for p, old in zip(parameters, before)]
        self._steps.append((sizes[0], math.hypot(*sizes), math.hypot(*moved)))

    def _outputs(self, images):
        """What the reader's program gets when it uses the network."""
        self._network.train(self._mode)
        with torch.no_grad():
            return self._network(images)

    def _share(self, split, held_out=False):
        images = split.images * (self._scale if held_out else 1)
        kept = {name: value.clone() for name, value in self._network.state_dict().items()}
        right = (self._outputs(images).argmax(dim=1) == split.labels).float().mean().item()
        self._network.load_state_dict(kept)
        return right

    def look(self, what):
        """Look at something, and be counted. Prints a line or more, or returns a figure.

        Args:
            what: one of `LOOKS`.
        """
        if what not in LOOKS:
            raise ValueError(f"what must be one of {', '.join(LOOKS)}, got {what!r}")
        self.looks.append(what)
        seen = getattr(self, f"_look_at_{what}")()
        if isinstance(seen, str):
            print(f"Patient {self.number}: {seen}")
            return None
        return plots.show(seen)

    def name(self, *faults):
        """Say what is wrong, with one or two names of `FAULTS`. A wrong name counts as two looks."""
        named, hidden = set(faults), set(self._faults)
        if not faults or not named <= FAULTS.keys():
            raise ValueError(f"faults must be one or two of {', '.join(FAULTS)}; got {faults}")
        if len(named) < len(faults) or (len(named) > 1 and "nothing" in named):
            raise ValueError(f"faults must be two mistakes, or one name, got {faults}")
        if named != hidden:
            self.looks += 2 * ["a wrong name"]
        if named == hidden:
            soonest = "; ".join(FAULTS[name][1] for name in self._faults)
            said = f"✓ Yes, after {len(self.looks)} looks. What tells it soonest: {soonest}."
        elif named < hidden:
            said = "✗ That is one of two."
        else:
            said = "✗ No: one is right, the other is not." if named & hidden else "✗ No."
        print(f"Patient {self.number}: {said}")

    def give_up(self):
        """Print what is wrong, and what tells it soonest."""
        names = "; ".join(f"{name} (look at: {FAULTS[name][1]})" for name in self._faults)
        self.looks.append("gave up")
        print(f"Patient {self.number}: {names}.")

    def __repr__(self):
        return f"Patient {self.number}, with a {self._kind} network: {len(self.looks)} looks"

    def _look_at_curve(self):
        ax = plots.new_axes(5, 2.6)
        ax.plot(self._losses, color=plots.COLOURS[0])
        ax.axhline(2.303, color="0.5", ls=":")
        ax.set(xlabel="step", ylabel="loss", ylim=(0, 4), title=f"Patient {self.number}")
        ends = f"from ≈{self._losses[0]:.2f} to ≈{sum(self._losses[-30:]) / 30:.2f}"
        return plots.describe(ax, f"Loss of patient {self.number} against the step, {ends}.")

    def _look_at_accuracy(self):
        rows = [f"{100 * t:.0f} / {100 * v:.0f} %" for t, v in self._accuracies]
        return f"after each epoch, train / validation: {', '.join(rows)}"

    def _look_at_batch(self):
        images, labels = self._train.images[:20], self._train.labels[:20].tolist()
        return plots.plot_digits(images, [str(label) for label in labels])

    def _look_at_pixels(self):
        parts = {"train": self._train.images, "validation": self._validation.images * self._scale}
        of = "{} from {:g} to {:g}, mean {:.2f}".format
        return "; ".join(of(k, v.min(), v.max(), v.mean()) for k, v in parts.items())

    def _look_at_labels(self):
        counts = self._train.labels[:50].bincount(minlength=10).tolist()
        return f"how often 0 to 9 are in the first batch: {counts}"

    def _look_at_outputs(self):
        outputs = self._outputs(self._validation.images[:3] * self._scale).tolist()
        rows = [
            f"a {label}: " + " ".join(f"{value:.2f}" for value in row)
            for label, row in zip(self._validation.labels.tolist(), outputs)
        ]
        return "the outputs for three validation images:\n" + "\n".join(rows)

    def _look_at_gradients(self):
        lines = ["size of the first layer's gradient, of all gradients, and how far the step went:"]
        for step in (0, 1, 9, 99, 299):
            sizes = ", ".join(f"{size:.3g}" for size in self._steps[step])
            lines.append(f"step {step + 1}: {sizes}")
        return "\n".join(lines)

    def _look_at_alone(self):
        images = self._validation.images[:100] * self._scale
        first, again = (self._outputs(images).argmax(dim=1) for _ in range(2))
        by_two = torch.cat([self._outputs(pair).argmax(dim=1) for pair in images.split(2)])
        same = [100 * (first == other).float().mean().item() for other in (again, by_two)]
        again, by_two = (f"{share:.0f}" for share in same)
        return f"of 100 answers, as before when asked again: {again}; two by two: {by_two}"

    def _look_at_splits(self):
        known = {image.numpy().tobytes() for image in self._train.images}
        both = sum(image.numpy().tobytes() in known for image in self._validation.images)
        return f"{both} of {len(self._validation)} validation images are in train, too."


LOOKS = "curve accuracy batch pixels labels outputs gradients alone splits".split()
