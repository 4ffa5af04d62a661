"""The exercises of notebook 14_common_mistakes."""

import copy

import torch
from torch import nn
from torch.nn import functional as F

from .base import Unanswered, call_answer, exercise


def _net(*between):
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(36, 24), *between, nn.ReLU(), nn.Linear(24, 3))


def _epoch(model, images, labels, softmax, clear):
    """The weights after an epoch, with mistakes or without."""
    model = copy.deepcopy(model).train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2)
    for x, y in zip(images.split(50), labels.split(50)):
        logits = model(x)
        if clear == "before":
            optimizer.zero_grad()
        F.cross_entropy(logits.softmax(dim=1) if softmax else logits, y).backward()
        if clear == "too late":
            optimizer.zero_grad()
        optimizer.step()
    return model[1].weight


@exercise("14-mend")
def _mend(answer):
    """What is missing before backward()? What does cross_entropy take? Which mode, and when? How many images?"""
    images = torch.rand(120, 1, 6, 6)
    labels = (21 * images.mean(dim=(1, 2, 3))).long() % 3
    plain, model, dropped = _net(), _net(), _net(nn.Dropout(0.9)).eval()
    call_answer(answer, model, images, labels, torch.optim.SGD(model.parameters(), lr=0.2))
    mistakes = [
        (softmax, clear)
        for softmax in (False, True)
        for clear in ("before", "never", "too late")
        if torch.allclose(model[1].weight, _epoch(plain, images, labels, softmax, clear))
    ]
    modes = []
    dropped.register_forward_pre_hook(lambda net, _: modes.append(net.training))
    optimizer = torch.optim.SGD(dropped.parameters(), lr=0.2)
    share = float(call_answer(answer, dropped, images, labels, optimizer))
    in_training = modes[:1] == [True]
    right = (dropped.eval()(images).argmax(dim=1) == labels).float()
    of_batches = torch.stack([part.mean() for part in right.split(50)]).mean().item()
    same = abs(share - right.mean().item()) < 1e-6
    if mistakes == [(True, "never")] and not in_training and not same:
        raise Unanswered("mend the function above")
    if not mistakes:
        yield "its weights are not those after one epoch: each batch once, in the order given."
    softmax, clear = mistakes[0]
    yield softmax and "cross_entropy takes a softmax already: give it the logits."
    yield clear == "never" and "the gradients of all batches are added up."
    yield clear == "too late" and "the gradients are cleared before the step uses them."
    yield (
        not in_training and "the model may come in evaluation mode, from your last epoch: train()."
    )
    if not same:
        yield abs(share - of_batches) < 1e-6 and "the last batch is smaller: count, divide once."
        yield "it is not the share that is read in evaluation mode: is dropout still on?"


@exercise("14-tell")
def _tell(answer):
    """Ask twice. Then ask for the first two images without the others. (One alone?)"""
    images = torch.rand(40, 1, 6, 6)
    layers = {"dropout": nn.Dropout(0.5), "batch norm": nn.BatchNorm1d(24), "nothing": None}
    for right, between in layers.items():
        inside = _net(*([between] if between else [])).train()
        model, before = _Hidden(inside), copy.deepcopy(inside.state_dict())
        said = call_answer(answer, model, images)
        if str(said).strip().lower() != right:
            yield f"of a network with {right if between else 'neither'} it says {said!r}, not {right!r}."
        if model.told:
            yield "you called eval() or train(): the outputs alone should tell."
        if any(not torch.equal(value, before[name]) for name, value in inside.state_dict().items()):
            yield "it has changed the averages of batch norm: ask a copy."


class _Hidden(nn.Module):
    """A network whose layers have no telling names, and which notes whether its mode is changed."""

    def __init__(self, inside):
        super().__init__()
        self._ask, self.told = [inside], False

    def forward(self, images):
        return self._ask[0](images)

    def train(self, mode=True):
        """Note it; eval() comes here, too."""
        self.told = True
        return super().train(mode)
