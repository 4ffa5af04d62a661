"""A doctor to take along: what can be seen from outside of a network and its data (notebook 14)."""

import torch

from ..training import evaluation_mode
from . import looks
from .checkpoints import random_states, set_random_states


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
    classes   ✓ Labels are whole numbers, each output has its class in both splits, and train is not sorted.
    ...
    ('✗', '64 of 64 validation images are in train, too.')
    """
    states, seen = random_states(), {}
    try:
        patient = Patient(make_model, train, validation, model)
        for look in looks.LOOKS if model else looks.LOOKS[:-1]:
            name = look.__name__
            try:
                problem = next(filter(None, look(patient)), "")
                seen[name] = ("✗", problem) if problem else ("✓", look.__doc__)
            except Exception as error:  # the reader's code may raise anything
                seen[name] = ("–", f"Not possible: {type(error).__name__}: {error}".split("\n")[0])
            print(f"{name:<9} {seen[name][0]} {seen[name][1]}")
    finally:
        set_random_states(states)
    print(
        "Not seen from here: zero_grad(), the learning rate, eval() before judging, the pixels in use, what was"
    )
    print(
        "chosen on which split; wrong labels, unless nearly all are; copies that differ by a bit."
    )
    return seen


class Patient:
    """What is looked at: a network and its data.

    Attributes:
        both: the Splits, {"train": …, "validation": …}.
        train: that of them. `some`: at most 3,000 of it, in a mixed order.
        fresh: a network that nobody has trained. `model`: the trained one, or None.
    """

    def __init__(self, make_model, train, validation, model):
        self.make_model, self.both = make_model, {"train": train, "validation": validation}
        mixed = torch.randperm(len(train), generator=torch.Generator().manual_seed(0))[:3000]
        self.train, self.some = train, train[mixed.to(train.labels.device)]
        self.fresh, self.model = None, model
        self.fresh = self.new()

    def new(self):
        """One more network that nobody has trained."""
        torch.manual_seed(0)
        network = self.make_model()
        if network is self.fresh or network is self.model:
            raise ValueError("make_model must return a new network each time, got the same again")
        return network.to(self.train.images.device)

    def outputs(self, images, network=None):
        """What a network gives in evaluation, the trained one if none is named, else the fresh one."""
        network = network or self.model or self.fresh
        with evaluation_mode(network):
            return network(images)
