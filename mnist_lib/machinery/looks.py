"""The looks of the doctor (notebook 14). Each yields what is wrong, or something false; its docstring is the rest."""

import math
from collections import Counter

import torch
from torch.nn import functional as F


def share(labels):
    """The share of the most frequent class: what naming nothing else gets right."""
    return max(Counter(labels.tolist()).values()) / len(labels)


def guessed(right, labels):
    """Whether a share of right answers is within three standard deviations of guessing, or below."""
    chance = share(labels)
    return right <= chance + 3 * math.sqrt(chance * (1 - chance) / len(labels))


def classes(patient):
    """Labels are whole numbers, each output has its class in both splits, and train is not sorted."""
    wanted = set(range(patient.outputs(patient.some.images[:4], patient.fresh).shape[-1]))
    for name, split in patient.both.items():
        found = set(split.labels.tolist())
        yield split.labels.is_floating_point() and f"Labels of {name} are {split.labels.dtype}."
        yield found - wanted and f"{name} has labels without an output: {found - wanted}."
        yield wanted - found and f"{name} has no labels for the outputs {wanted - found}."
    labels = patient.train.labels
    same = (labels[1:] == labels[:-1]).double().mean().item()
    yield (
        same > (1 + share(labels)) / 2
        and f"Sorted: {same:.1%} repeat the label before. Does your loop shuffle?"
    )
    first, last = (Counter(half.tolist()) for half in labels.tensor_split(2))
    gone = {
        label
        for label in wanted
        if min(first[label], last[label]) == 0 < max(first[label], last[label]) - 20
    }
    yield gone and f"Sorted: these are in one half of train alone: {gone}."


def pixels(patient):
    """All pixels are numbers in a sane range; means and spreads of the splits are alike."""
    for name, split in patient.both.items():
        images = split.images.flatten(1)
        yield not images.isfinite().all() and f"{name} has pixels that are NaN or infinite."
        grey = (images.amax(dim=1) == images.amin(dim=1)).double().mean().item()
        yield grey > 0.01 and f"{grey:.0%} of the images of {name} are of one grey all over."
        yield (most := images.abs().max()) > 30 and f"{name} goes up to {most:g}, not about 3."
    (mean, spread), (other, width) = (
        (s.images.mean(), s.images.std()) for s in patient.both.values()
    )
    far = abs(mean - other) > 0.4 * max(spread, width) or not 0.5 < spread / width < 2
    yield far and f"The mean is {mean:.2f} in train, {other:.2f} in validation."


def splits(patient):
    """No exact copy of a validation image is in train."""
    known, asked = ([i.tobytes() for i in s.images.cpu().numpy()] for s in patient.both.values())
    both = sum(map(set(known).__contains__, asked))
    yield both and f"{both} of {len(asked)} validation images are in train, too."
    yield (len(set(known)) < 0.9 * len(known) and "Many training images are there more than once.")


def labels(patient):
    """Images that look alike have the same label more often than by chance."""
    known, asked = patient.some, patient.both["validation"][:300]
    apart = torch.cdist(asked.images.flatten(1).float(), known.images.flatten(1).float())
    right = (known.labels[apart.argmin(dim=1)] == asked.labels).double().mean().item()
    yield (guessed(right, asked.labels) and f"The nearest image has the same in {right:.0%} only.")


def logits(patient):
    """The outputs are (N, classes); no softmax, sigmoid or ReLU is seen."""
    for network in (patient.fresh, patient.model or patient.fresh):
        outputs = patient.outputs(patient.some.images[:256], network)
        low, high, shape = outputs.min(), outputs.max(), tuple(outputs.shape)
        yield (len(shape) != 2 or shape[0] == 1) and f"256 images give outputs {shape}."
        for dim, what in ((1, "an image: softmax"), (0, "a class: softmax over the batch")):
            near = (outputs.sum(dim) - 1).abs().max() < 1e-3
            yield low >= 0 and near and f"They are positive and add to 1 for {what}."
        yield (
            outputs.logsumexp(dim=1).abs().max() < 1e-3
            and "They are log-probabilities, as for nll_loss."
        )
        yield (0 <= low < high and (low == 0 or high < 1) and "None is negative: sigmoid or ReLU?")


def alone(patient):
    """In evaluation, an image gets the same outputs alone, in a batch, and again."""
    images = patient.some.images[:32]
    first, again = patient.outputs(images), patient.outputs(images)
    single = torch.cat([patient.outputs(images[n : n + 1]) for n in range(8)])
    noise = 1e-3 * first.abs().max() + 1e-6
    yield (first - again).abs().max() > noise and "The same images get others the second time."
    yield (first[:8] - single).abs().max() > noise and "Alone, an image gets other outputs."


def start(patient):
    """The loss of a fresh network is below twice that of knowing nothing."""
    outputs = patient.outputs(patient.some.images[:256], patient.fresh)
    loss = F.cross_entropy(outputs, patient.some.labels[:256]).item()
    even = math.log(outputs.shape[1])
    yield (not loss < 2 * even and f"The loss begins at {loss:.2f}; knowing nothing is {even:.2f}.")


def gradients(patient):
    """Each parameter gets a gradient, finite and not zero."""
    network, some = patient.new().train(), patient.some[:64]
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    for _ in range(3):  # a branch that starts at zero has one after a step
        optimizer.zero_grad()
        loss = F.cross_entropy(network(some.images), some.labels)
        yield loss.grad_fn is None and "The loss has none: no_grad() or detach() on the way?"
        loss.backward()
        optimizer.step()
    for name, parameter in network.named_parameters():
        yield not parameter.requires_grad and f"{name} is frozen."
        yield parameter.grad is None and f"{name} gets none."
        yield not parameter.grad.isfinite().all() and f"That of {name} is NaN or infinite."
        yield not parameter.grad.any() and f"That of {name} is zero everywhere in the third step."
    nodes, known = {loss.grad_fn}, {id(parameter) for parameter in network.parameters()}
    while new := {to for node in nodes for to, _ in node.next_functions if to} - nodes:
        nodes |= new  # back through all that took part
    outside = any(id(n.variable) not in known for n in nodes if hasattr(n, "variable"))
    yield outside and "Some weights are not among parameters(): no optimizer gets them."


def batch(patient):
    """A fresh network learns at least 29 of 32 images by heart."""
    images, labels, right = patient.some.images[:32], patient.some.labels[:32], 0
    for rate in (1e-3, 1e-2):
        network = patient.new()
        optimizer = torch.optim.Adam(network.parameters(), lr=rate)
        for step in range(150):
            optimizer.zero_grad()
            F.cross_entropy(network.train()(images), labels).backward()
            optimizer.step()
            if step % 10 == 9:
                right = (patient.outputs(images, network).argmax(dim=1) == labels).double().mean()
            if right > 0.9:
                return
    yield f"In 150 steps of Adam it learns only {right:.0%} of 32 images."


def model(patient):
    """The trained network reads more of its training images than by guessing."""
    outputs, labels = patient.outputs(patient.some.images[:500]), patient.some.labels[:500]
    yield not outputs.isfinite().all() and "Its outputs are NaN or infinite."
    answers = outputs.argmax(dim=1)
    often = {answer for answer, n in Counter(answers.tolist()).items() if n > 5}
    yield len(often) <= len(set(labels.tolist())) / 2 and f"It hardly answers anything but {often}."
    right = (answers == labels).double().mean().item()
    yield guessed(right, labels) and f"It reads {right:.0%} of its training images: guessing."


LOOKS = [classes, pixels, splits, labels, logits, alone, start, gradients, batch, model]
