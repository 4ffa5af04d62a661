"""The exercises of notebook 10_kernels_and_feature_maps."""

from itertools import combinations

import torch

from .base import CHECKS, RIGHT, call_answer, exercise, wrong

CHECKS |= {
    "10-seen": {
        "hint": "Go back layer by layer: first · stride, and last · stride + kernel − 1.",
        "asked": "two numbers are asked for, (first, last)",
        (8, 17): RIGHT,
        (17, 8): "the first row comes before the last.",
        (8, 13): "those are rows after the first convolution, and each sees five rows of pixels.",
        (4, 6): "those are rows after the pooling; go on, back to the pixels.",
        (8, 12): "after the pooling these are rows 4 to 6: the pooling looks at two rows for each.",
        (8, 16): "the last row after the pooling, 6, comes from rows 12 and 13.",
        **dict.fromkeys([(6, 15), (4, 13)], "there is no padding to be taken off at the front."),
        (8, 18): "the last row is included: a kernel of 5 from row 13 on ends at row 17.",
        **dict.fromkeys([(4, 12), (4, 10)], "the pooling halves: rows behind it are two apart."),
    },
}


@exercise("10-factor")
def _factor(answer):
    """What a hook returns replaces the output. Change a copy of it."""
    layers = (torch.nn.Conv2d(1, 3, 3), torch.nn.ReLU(), torch.nn.Flatten())
    model = torch.nn.Sequential(*layers, torch.nn.Linear(12, 10))
    images = torch.rand(5, 1, 4, 4)
    model[1].eval()  # modes that differ: to set them all is noticed
    model.requires_grad_(False)
    model[0].weight.abs_(), model[0].bias.abs_()  # every channel has something to say
    usual, inner = model(images), model[0](images)
    of_channel, of_image = inner.clone(), inner.clone()
    of_channel[:, 2] *= 3
    of_image[2] *= 3
    table = {
        model[1:](of_channel): RIGHT,
        usual: "nothing has changed: the hook has to return the new output.",
        model[1:](of_image): "you changed an image, not a channel: channels are dim 1.",
        model[1:](3 * inner): "you changed all channels of the layer.",
        "asked": "the result has the shape of the logits (5, 10)",
        "otherwise": "these are not the logits with that channel of that layer times the factor.",
    }
    given = []  # (what the layer gave, a copy of it): so a change in place is noticed
    watch = model[0].register_forward_hook(lambda *run: given.append((run[2], run[2].clone())))
    logits = call_answer(answer, model, images, "0", 2, 3.0)
    watch.remove()
    if model[0]._forward_hooks or not torch.equal(model(images), usual):
        yield "the model is another one afterwards: remove the hook, and leave the weights."
    if [part.training for part in model] != [True, False, True, True]:
        yield "the model is in another mode afterwards: put back the mode of each part."
    if any(not torch.equal(output, copy) for output, copy in given):
        yield "you changed what the layer gave, in place: clone it first, and change the copy."
    yield wrong(logits, table)


@exercise("10-control")
def _control(answer):
    """There are 28 pairs of eight channels. Leave the chosen one out, and ask cost of the rest."""
    pair, pairs = (2, 5), list(combinations(range(8), 2))
    costs = {frozenset(two): number % 7 / 2 for number, two in enumerate(pairs)}  # 0 to 3 points
    costs[frozenset(pair)] = 2.5

    def cost(two):
        return costs[frozenset(map(int, two))]

    others = torch.tensor([cost(two) for two in pairs if two != pair])
    apart = torch.tensor([cost(two) for two in pairs if not set(two) & set(pair)])
    as_bad = (others >= 2.5).double()
    table = {
        as_bad.mean(): RIGHT,
        (as_bad.sum() + 1) / 28: "the pair itself is no rival: leave it out.",
        (others > 2.5).double().mean(): "a pair that costs the same counts: at least as much.",
        (others < 2.5).double().mean(): "that is the share of pairs that cost less.",
        (others <= 2.5).double().mean(): "that is the share that costs at most as much.",
        as_bad.sum(): "that is a count; divide by the number of other pairs.",
        (apart >= 2.5).double().mean(): "a pair that shares one channel is another pair, too.",
        "asked": "one share is asked for, from 0 to 1",
        "otherwise": "it is not the share of the 27 other pairs that cost at least as much.",
    }
    yield wrong(call_answer(answer, cost, pair), table)
    turned = {as_bad.mean(): RIGHT, "otherwise": "the pair (5, 2) is (2, 5): leave it out."}
    yield wrong(call_answer(answer, cost, pair[::-1]), turned)
