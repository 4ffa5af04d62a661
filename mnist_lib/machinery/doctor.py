"""A doctor to take along: what can be seen from outside of a network and its data (notebook 14)."""

import math
from contextlib import suppress
from itertools import chain

import torch
from torch.nn import functional as F

from ..data import Split
from ..training import Diverged, evaluation_mode, training_steps
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

    Raises:
        TypeError: `make_model` is a network, or else not a function.
        ValueError: it returns a network whose weights belong to another, too.

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
        if isinstance(make_model, torch.nn.Module) or not callable(make_model):
            raise TypeError(f"make_model must be a function that makes a network, got {make_model}")
        self.make_model, self.fresh, self.trained = make_model, None, model
        self.train, validation = (Split(s.images.detach(), s.labels) for s in (train, validation))
        self.both = {"train": self.train, "validation": validation}
        mixed = torch.randperm(len(train), generator=torch.Generator().manual_seed(0))
        self.mixed = self.train[mixed[:3000].to(train.labels.device)]
        self.fresh = self.new()

    def new(self):
        """One more network that nobody has trained."""
        torch.default_generator.manual_seed(0)
        network = self.make_model()
        others = [other.parameters() for other in (self.fresh, self.trained) if other]
        if {id(p) for p in chain(*others)} & {id(p) for p in network.parameters()}:
            raise ValueError("make_model must return a new network each time, got the same weights")
        return network.to(self.train.images.device)

    def classes(self):
        """Labels are whole numbers, each output has its class in both splits, and train is mixed."""
        wanted = set(range(outputs(self.fresh, self.mixed[:4]).shape[-1]))
        for name, split in self.both.items():
            labels = split.labels
            whole = labels.ndim == 1 and labels.dtype in (torch.int64, torch.uint8)
            yield not whole and f"Labels of {name} are {tuple(labels.shape)}, {labels.dtype}."
            found = set(labels.tolist())
            yield found - wanted and f"{name} has labels without an output: {found - wanted}."
            yield wanted - found and f"{name} has no labels for the outputs {wanted - found}."
        runs = in_runs(self.train.labels)
        yield runs and "Labels of train come in runs, as if sorted. Does your loop shuffle?"

    def pixels(self):
        """All pixels are numbers in a sane range; means and spreads of the splits are alike."""
        for name, split in self.both.items():
            low, high = split.images.flatten(1).aminmax(dim=1)
            grey, most = (low == high).double().mean(), max(-low.min(), high.max())
            yield not (high - low).isfinite().all() and f"{name} has NaN or infinite pixels."
            yield grey > 0.01 and f"{grey:.0%} of the images of {name} are of one grey all over."
            sane = most > 0.1 and split.images.float().std() < 20
            yield not sane and f"{name} goes up to {most:g}, not to about 1 or 3."
        mean, other = (split.images.mean() for split in self.both.values())
        spread, width = (split.images.std() for split in self.both.values())
        far = abs(mean - other) > 0.4 * max(spread, width) or not 0.5 < spread / width < 2
        yield far and f"Pixels: {mean:.2f} ± {spread:.2f}; validation {other:.2f} ± {width:.2f}."

    def splits(self):
        """No exact copy of a validation image is in train."""
        known, asked = (
            [i.numpy().tobytes() for i in s.images.float().cpu()] for s in self.both.values()
        )
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
        some = self.mixed[:256]
        for network in (self.fresh, self.trained or self.fresh):
            out, bright = outputs(network, some), outputs(network, some, times=99)
            shape, (low, high) = tuple(out.shape), torch.cat([out, bright]).aminmax()
            rows = len(shape) == 2 and shape[0] == len(some)
            yield not rows and f"{len(some)} images give outputs {shape}."
            sums = {"softmax": out.sum(1) - 1, "softmax over the batch": out.sum(0) - 1}
            for end, off in (sums | {"log_softmax": out.logsumexp(1)}).items():
                yield off.abs().max() < 1e-3 and f"They look like those of {end}."
            yield 0 <= low < high and (low == 0 or high <= 1) and "None is below 0: sigmoid, ReLU?"

    def alone(self):
        """In evaluation, an image gets the same outputs alone, in a batch, and again."""
        network = self.trained or self.fresh
        first, again = (outputs(network, self.mixed[:32]) for _ in range(2))
        single = torch.cat([outputs(network, self.mixed[n : n + 1]) for n in range(8)])
        noise = 1e-3 * first.abs().max() + 1e-6
        yield (first - again).abs().max() > noise and "Asked again, it gets other outputs."
        yield (first[:8] - single).abs().max() > noise and "Alone, it gets other outputs."

    def start(self):
        """The loss of a fresh network is below twice that of knowing nothing."""
        out = self.new().train()(self.mixed[:256].images).detach()  # no averages yet: train()
        loss, even = F.cross_entropy(out, self.mixed.labels[:256]), math.log(out.shape[1])
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
        sizes = {name: 0 * weight.detach().sum() for name, weight in network.named_parameters()}
        for _ in learning(network, some, 5):  # a branch that starts at zero has one after a step
            for name, weight in network.named_parameters():
                sizes[name] += 0 if weight.grad is None else weight.grad.abs().sum()
        for name, size in sizes.items():
            yield not size.isfinite() and f"That of {name} is NaN or infinite."
            yield not size and f"{name} gets none in five steps: is it frozen, or never used?"

    def batch(self):
        """A fresh network learns nine in ten of a few images by heart."""
        few = self.mixed[:32]
        for rate in (1e-3, 1e-2):
            steps = learning(self.new(), few, 150, rate)
            if any(result.accuracy > 0.9 for result in steps):
                return
        yield f"A fresh one does not learn {len(few)} images in 150 steps of Adam at 0.001 and 0.01."

    def model(self):
        """The trained network reads more of its training images than by guessing."""
        out, labels = outputs(self.trained, self.mixed[:500]), self.mixed.labels[:500]
        yield not out.isfinite().all() and "Its outputs are NaN or infinite."
        answers = out.argmax(dim=1)
        given, wanted = (x.bincount(minlength=out.shape[1]) for x in (answers, labels))
        often = (given > wanted / 4).nonzero().flatten().tolist()
        yield len(often) <= len(labels.unique()) / 2 and f"It hardly answers anything but {often}."
        right = (answers == labels).double().mean()
        yield guessed(right, labels) and f"It reads {right:.0%} of its training images: guessing."


def outputs(network, split, times=1):
    """What a network gives for images in evaluation."""
    with evaluation_mode(network):
        return network(times * split.images)


def learning(network, split, steps, rate=1e-3):
    """Steps of Adam, all on one batch; a generator."""
    optimizer = torch.optim.Adam(network.parameters(), lr=rate)
    with suppress(Diverged):  # what is NaN is told by its gradients
        yield from training_steps(network, steps * [(split.images, split.labels)], optimizer)


def guessed(right, labels):
    """Whether a share of right answers is within three standard deviations of guessing, or below."""
    chance = (labels.bincount().max() / len(labels)).item()
    return right <= chance + 3 * math.sqrt(chance * (1 - chance) / len(labels)) < 1


def in_runs(labels):
    """Whether labels in a row are further from the shares of all than in the worst of twenty mixed orders."""
    ones, size = F.one_hot(labels.long()).double(), max(10, min(100, len(labels) // 10))

    def uneven(order):
        return sum((part.mean(0) - ones.mean(0)).abs().sum() for part in ones[order].split(size))

    mixed = max(uneven(torch.randperm(len(labels))) for _ in range(20))
    return uneven(torch.arange(len(labels))) > 1.4 * mixed
