"""The exercises of notebook 14_common_mistakes."""

import copy

import torch
from torch import nn
from torch.nn import functional as F

from ..machinery.checkpoints import random_states, set_random_states
from .base import Unanswered, call_answer, exercise


def _net(*between):
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(36, 24), *between, nn.ReLU(), nn.Linear(24, 3))


def _epoch(model, images, labels, softmax=False, clear=True):
    """The weights after an epoch, with mistakes or without."""
    model = copy.deepcopy(model).train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2)
    for x, y in zip(images.split(50), labels.split(50)):
        logits = model(x)
        if clear:
            optimizer.zero_grad()
        F.cross_entropy(logits.softmax(dim=1) if softmax else logits, y).backward()
        optimizer.step()
    return model[1].weight


@exercise(
    "14-mend",
    "What is missing before backward()? What does cross_entropy take? Which mode, and how many images?",
)
def _mend(answer):
    states = random_states()
    try:
        images = torch.rand(120, 1, 6, 6, generator=torch.Generator().manual_seed(0))
        labels = (3 * images.mean(dim=(1, 2, 3)) * 7).long() % 3
        plain, model = _net(), _net()
        call_answer(answer, model, images, labels, torch.optim.SGD(model.parameters(), lr=0.2))
        found = [
            (softmax, clear)
            for softmax in (False, True)
            for clear in (True, False)
            if torch.allclose(
                model[1].weight, _epoch(plain, images, labels, softmax, clear), atol=1e-6
            )
        ]
        dropped = _net(nn.Dropout(0.9))
        optimizer = torch.optim.SGD(dropped.parameters(), lr=0.2)
        share = float(call_answer(answer, dropped, images, labels, optimizer))
        answers = dropped.eval()(images).argmax(dim=1) == labels
    finally:
        set_random_states(states)
    of_all = answers.float().mean().item()
    of_batches = sum(part.float().mean().item() for part in answers.split(50)) / 3
    if found == [(True, False)]:
        raise Unanswered("mend the function above")
    if not found:
        yield "its weights are not those after one epoch: each batch once, in the order given."
    yield found[0][0] and "cross_entropy takes a softmax already: give it the logits."
    yield not found[0][1] and "the gradients of all batches are added up."
    if abs(share - of_all) > 1e-6:
        near = abs(share - of_batches) < 1e-6
        yield "the last batch is smaller: count right images, divide once." if near else None
        yield "it is not the share that is read in evaluation mode: is dropout still on?"


@exercise("14-tell", "Ask twice. Then ask for one image alone, and among others.")
def _tell(answer):
    images = torch.rand(40, 1, 6, 6, generator=torch.Generator().manual_seed(0))
    states = random_states()
    try:
        for right, between in (
            ("dropout", nn.Dropout(0.5)),
            ("batch norm", nn.BatchNorm1d(24)),
            ("nothing", None),
        ):
            model = _Hidden(_net(*([between] if between else []))).train()
            said = call_answer(answer, model, images)
            if str(said).strip().lower() != right:
                yield f"of a network with {right if between else 'neither'} it says {said!r}, not {right!r}."
            if not model.training:
                yield "the model is in another mode afterwards."
    finally:
        set_random_states(states)


class _Hidden(nn.Module):
    """A network whose layers have no telling names."""

    def __init__(self, inside):
        super().__init__()
        self._ask = [inside.train()]

    def forward(self, images):
        return self._ask[0](images)
