"""The exercises of notebook 14_common_mistakes."""

import copy

import torch
from torch import nn

from .base import RIGHT, Unanswered, call_answer, epoch, exercise, wrong


def _net(*between):
    """A network, always the same, and its optimizer."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Flatten(), nn.Linear(36, 24), *between, nn.ReLU(), nn.Linear(24, 3))
    return net, torch.optim.SGD(net.parameters(), lr=0.2)


@exercise("14-mend")
def _mend(answer):
    """What is missing before backward()? What does cross_entropy take? Which mode, and when? How many images?"""
    images = torch.rand(120, 1, 6, 6)
    labels = (21 * images.mean(dim=(1, 2, 3))).long() % 3
    plain, optimizer = _net()
    call_answer(answer, plain, images, labels, optimizer)
    (dropped, optimizer), modes = _net(nn.Dropout(0.9)), []
    dropped.register_forward_pre_hook(lambda net, _: modes.append(net.training))
    share = call_answer(answer, dropped.eval(), images, labels, optimizer)

    def weights_after(**how):
        net, optimizer = _net()
        return epoch(net, zip(images.split(50), labels.split(50)), optimizer, **how)[1].weight

    as_given, unmoved = weights_after(softmax=1, order="backward step"), _net()[0][1].weight
    softmax = "cross_entropy takes a softmax already: give it the logits."
    weights = {
        weights_after(): RIGHT,
        weights_after(softmax=1): softmax,
        as_given: softmax,
        weights_after(order="backward step"): "the gradients of all batches are added up.",
        unmoved: "the gradients are cleared before the step uses them.",
        "otherwise": "its weights are not those after one epoch: each batch once, in the order given.",
        "tolerance": 1e-6,
    }
    in_training = modes[:1] == [True]
    right = (dropped.eval()(images).argmax(dim=1) == labels).float()
    of_batches = sum(part.mean() for part in right.split(50)) / 3
    shares = {
        right.mean(): RIGHT,
        of_batches: "the last batch is smaller: count, divide once.",
        "otherwise": "it is not the share that is read in evaluation mode: is dropout still on?",
        "tolerance": 1e-6,
    }
    if torch.allclose(plain[1].weight, as_given) and not in_training and wrong(share, shares):
        raise Unanswered("mend the function above")
    yield wrong(plain[1].weight, weights)
    yield not in_training and "the model may come in eval mode, from your last epoch: train()."
    yield wrong(share, shares)


@exercise("14-tell")
def _tell(answer):
    """Ask twice. Then ask for the first two images without the others. (One alone?)"""
    images = torch.rand(40, 1, 6, 6)
    layers = {"dropout": nn.Dropout(), "batch norm": nn.BatchNorm1d(24), "nothing": nn.Identity()}
    for right, between in layers.items():
        inside, _ = _net(between)
        model, before = _Hidden(inside), copy.deepcopy(inside.state_dict())
        said = call_answer(answer, model, images)
        if str(said).strip().lower() != right:
            name = right.replace("nothing", "neither")
            yield f"of a network with {name} it says {said!r}, not {right!r}."
        yield model.told and "you called eval() or train(): the outputs alone should tell."
        if not all(map(torch.equal, before.values(), inside.state_dict().values())):
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
