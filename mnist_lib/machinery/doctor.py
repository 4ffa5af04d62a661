"""A doctor to take along: what can be seen from outside of a network and its data (notebook 14)."""

import math
from contextlib import suppress

import torch
from torch.nn import functional as F

from ..training import Diverged, evaluate, evaluation_mode, training_steps
from .checkpoints import random_states, set_random_states

LOOKS = "classes pixels splits labels logits alone start gradients batch model".split()
UNSEEN = """Not seen from here: zero_grad(), the learning rate, eval() before judging, the pixels in use, what was
chosen on which split; wrong labels, unless nearly all are; copies that differ by a bit."""


def diagnose(make_model, train, validation, model=None):
    """Print what is seen of a classifier of images and its data: ✓, ✗, or – where a look was not possible.

    Data, modes, weights and random numbers stay as they were. A model is made anew, never copied.

    Args:
        make_model: a function that returns a new network, images (N, …) → logits (N, C).
        train, validation: Splits, on one device.
        model: the trained network, or None.

    Returns:
        {name of the look: (mark, a sentence)}

    >>> from mnist_lib.data import Split
    >>> split = Split(torch.rand(64, 1, 8, 8), torch.arange(64) % 2)
    >>> net = lambda: torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 2))
    >>> diagnose(net, split, split)["splits"]  # doctest: +ELLIPSIS
    classes   ✓ Labels are whole numbers, each output has its class in both splits, and train is mixed.
    ...
    ('✗', '64 of 64 validation images are in train, too.')
    """
    states, seen = random_states(), {}
    try:
        patient = Patient(make_model, train, validation, model)
        for name in LOOKS if model else LOOKS[:-1]:
            look = getattr(patient, name)
            try:
                wrong = next(filter(None, look()), "")
                seen[name] = ("✗", wrong) if wrong else ("✓", look.__doc__)
            except Exception as error:  # the reader's code may raise anything
                seen[name] = ("–", f"Not possible: {type(error).__name__}: {error}".split("\n")[0])
            print(f"{name:<9} {seen[name][0]} {seen[name][1]}")
    finally:
        set_random_states(states)
    print(UNSEEN)
    return seen


class Patient:
    """A network and its data. A look yields what is wrong, or something false; its docstring is the rest."""

    def __init__(self, make_model, train, validation, model):
        self.make_model, self.fresh, self.trained = make_model, None, model
        self.both = {"train": train, "validation": validation}
        mixed = torch.randperm(len(train), generator=torch.Generator().manual_seed(0))
        self.train, self.mixed = train, train[mixed[:3000].to(train.labels.device)]
        self.fresh = self.new()

    def new(self):
        """One more network that nobody has trained."""
        torch.default_generator.manual_seed(0)
        network = self.make_model()
        if network is self.fresh or network is self.trained:
            raise ValueError("make_model must return a new network each time, got the same again")
        return network.to(self.train.images.device)

    def classes(self):
        """Labels are whole numbers, each output has its class in both splits, and train is mixed."""
        wanted = set(range(outputs(self.fresh, self.mixed[:4]).shape[-1]))
        for name, split in self.both.items():
            found = set(split.labels.tolist())
            yield split.labels.is_floating_point() and f"Labels of {name} are {split.labels.dtype}."
            yield found - wanted and f"{name} has labels without an output: {found - wanted}."
            yield wanted - found and f"{name} has no labels for the outputs {wanted - found}."
        yield (
            in_runs(self.train.labels)
            and "Labels of train come in runs, as if sorted. Does your loop shuffle?"
        )

    def pixels(self):
        """All pixels are numbers in a sane range; means and spreads of the splits are alike."""
        for name, split in self.both.items():
            low, high = split.images.flatten(1).aminmax(dim=1)
            grey, most = (low == high).double().mean(), max(-low.min(), high.max())
            yield not (high - low).isfinite().all() and f"{name} has NaN or infinite pixels."
            yield grey > 0.01 and f"{grey:.0%} of the images of {name} are of one grey all over."
            yield not 0.1 < most < 30 and f"{name} goes up to {most:g}, not to about 1 or 3."
        mean, other = (split.images.mean() for split in self.both.values())
        spread, width = (split.images.std() for split in self.both.values())
        far = abs(mean - other) > 0.4 * max(spread, width) or not 0.5 < spread / width < 2
        yield far and f"The mean is {mean:.2f} in train, {other:.2f} in validation."

    def splits(self):
        """No exact copy of a validation image is in train."""
        known, asked = ([i.tobytes() for i in s.images.cpu().numpy()] for s in self.both.values())
        once = set(known)
        copies = sum(image in once for image in asked)
        yield copies and f"{copies} of {len(asked)} validation images are in train, too."
        yield len(once) < 0.9 * len(known) and "Many training images are there twice or more."

    def labels(self):
        """Images that look alike have the same label more often than by chance."""
        known, asked = self.mixed, self.both["validation"][:300]
        apart = torch.cdist(asked.images.flatten(1).float(), known.images.flatten(1).float())
        right = (known.labels[apart.argmin(dim=1)] == asked.labels).double().mean()
        yield guessed(right, asked.labels) and f"The nearest image has the same in {right:.0%}."

    def logits(self):
        """The outputs are (N, classes); no softmax, sigmoid or ReLU is seen."""
        for network in (self.fresh, self.trained or self.fresh):
            out = outputs(network, self.mixed[:256])
            low, high = out.aminmax()
            shape = tuple(out.shape)
            yield (len(shape) != 2 or shape[0] == 1) and f"256 images give outputs {shape}."
            sums = {"softmax": out.sum(1) - 1, "softmax over the batch": out.sum(0) - 1}
            for end, off in (sums | {"log_softmax": out.logsumexp(1)}).items():
                yield off.abs().max() < 1e-3 and f"They look like those of {end}."
            yield 0 <= low < high and (low == 0 or high < 1) and "None is below 0: sigmoid, ReLU?"

    def alone(self):
        """In evaluation, an image gets the same outputs alone, in a batch, and again."""
        network = self.trained or self.fresh
        first, again = (outputs(network, self.mixed[:32]) for _ in range(2))
        single = torch.cat([outputs(network, self.mixed[n : n + 1]) for n in range(8)])
        noise = 1e-3 * first.abs().max() + 1e-6
        yield (first - again).abs().max() > noise and "The same images get others the second time."
        yield (first[:8] - single).abs().max() > noise and "Alone, an image gets other outputs."

    def start(self):
        """The loss of a fresh network is below twice that of knowing nothing."""
        loss = evaluate(self.fresh, self.mixed[:256]).loss
        even = math.log(outputs(self.fresh, self.mixed[:4]).shape[1])
        yield not loss < 2 * even and f"The loss begins at {loss:.2f}, not at {even:.2f}."

    def gradients(self):
        """Each parameter gets a gradient, finite and not zero."""
        network, some = self.new().train(), self.mixed[:64]
        loss = F.cross_entropy(network(some.images), some.labels)
        yield not loss.requires_grad and "The loss has none: no_grad() or detach() on the way?"
        nodes, known = {loss.grad_fn}, {id(parameter) for parameter in network.parameters()}
        while new := {to for node in nodes for to, _ in node.next_functions if to} - nodes:
            nodes |= new  # back through all that took part
        outside = any(id(node.variable) not in known for node in nodes if hasattr(node, "variable"))
        yield outside and "Some weights are not among parameters(): no optimizer gets them."
        list(learning(network, some, 3))  # a branch that starts at zero has one after a step
        for name, parameter in network.named_parameters():
            yield parameter.grad is None and f"{name} gets none: is it frozen, or never used?"
            yield not parameter.grad.isfinite().all() and f"That of {name} is NaN or infinite."
            yield not parameter.grad.any() and f"That of {name} is zero in the third step."

    def batch(self):
        """A fresh network learns at least 29 of 32 images by heart."""
        for rate in (1e-3, 1e-2):
            steps = learning(self.new(), self.mixed[:32], 150, rate)
            if any(result.accuracy > 0.9 for result in steps):
                return
        yield "A fresh network does not learn 32 images in 150 steps of Adam, at rates of 0.001 and 0.01."

    def model(self):
        """The trained network reads more of its training images than by guessing."""
        out, labels = outputs(self.trained, self.mixed[:500]), self.mixed.labels[:500]
        yield not out.isfinite().all() and "Its outputs are NaN or infinite."
        answers = out.argmax(dim=1)
        often = (answers.bincount() > 5).nonzero().flatten().tolist()
        yield len(often) <= len(labels.unique()) / 2 and f"It hardly answers anything but {often}."
        right = (answers == labels).double().mean()
        yield guessed(right, labels) and f"It reads {right:.0%} of its training images: guessing."


def outputs(network, split):
    """What a network gives for images in evaluation."""
    with evaluation_mode(network):
        return network(split.images)


def learning(network, split, steps, rate=1e-3):
    """Steps of Adam, all on one batch; a generator."""
    optimizer = torch.optim.Adam(network.parameters(), lr=rate)
    with suppress(Diverged):  # what is NaN is told by its gradients
        yield from training_steps(network, steps * [(split.images, split.labels)], optimizer)


def guessed(right, labels):
    """Whether a share of right answers is within three standard deviations of guessing, or below."""
    chance = (labels.bincount().max() / len(labels)).item()
    return right <= chance + 3 * math.sqrt(chance * (1 - chance) / len(labels))


def in_runs(labels):
    """Whether labels in a row are further from the shares of all than in the worst of twenty mixed orders."""
    ones, size = F.one_hot(labels).double(), max(10, min(100, len(labels) // 10))

    def uneven(order):
        return sum((part.mean(0) - ones.mean(0)).abs().sum() for part in ones[order].split(size))

    mixed = max(uneven(torch.randperm(len(labels))) for _ in range(20))
    return uneven(torch.arange(len(labels))) > 1.4 * mixed
