"""The exercises of notebook 10_kernels_and_feature_maps."""

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
        (6, 15): "there is no padding here, so nothing is taken off at the front.",
        (4, 13): "there is no padding here, so nothing is taken off at the front.",
        (8, 18): "the last row is included: a kernel of 5 from row 13 on ends at row 17.",
        (4, 12): "the pooling halves: behind it neighbours are two rows apart.",
        (4, 10): "the pooling halves: behind it neighbours are two rows apart.",
    },
    "10-occlusion": {
        "hint": "The logit of the image, less the logit with that pixel at 0.",
        "asked": "three numbers are asked for, one for each pixel",
        "otherwise": "with the image (0, 1, 0.6) the logit is −0.7; take one pixel away at a time.",
        (0, -1, 0.3): RIGHT,
        (2, -1, 0.5): "those are the slopes; a pixel that is black already cannot fall.",
        (0, -1, 0.5): "c is 0.6, not 1: only so much of it can be taken away.",
        (0, 1, -0.3): "how far does it *fall*? Without b the logit rises: minus one.",
        (0, 1, 0.3): "b has a negative weight: without it the logit rises, a fall of minus one.",
        (-0.7, 0.3, -1): "those are the logits that are left; the fall was asked for.",
        (2, 1, 0.5): "those are sizes of slopes; multiply by the pixel, and mind the sign.",
    },
}


@exercise("10-awake", "Largest cell first, then the comparison, then the mean over images.")
def _awake(answer):
    maps = torch.zeros(4, 3, 2, 2)
    maps[0, 0, 1, 1], maps[1, 0, 0, 0], maps[2, 0], maps[3, 1, 0, 1] = 0.5, 3.0, 1.0, 0.25
    above = (maps > 0).flatten(2).float()  # (images, channels, cells)
    awake = above.amax(dim=2)
    table = {
        awake.mean(dim=0): RIGHT,
        above.mean(dim=(0, 2)): "that is the share of cells; one awake cell is enough.",
        awake.sum(dim=0): "that is a count; divide by the number of images.",
        awake.mean(dim=1): "that is for each image; average over dim 0.",
        above.amin(dim=2).mean(dim=0): "one cell above zero is enough, not all.",
        maps.amax(dim=(2, 3)).mean(dim=0): "compare with zero before you average.",
        1 - awake.mean(dim=0): "that is the share asleep.",
        "asked": "the result has the shape (3,), one for each channel",
        "otherwise": "where 3 of 4 images have a cell above zero in a channel, its share is 0.75.",
    }
    yield wrong(call_answer(answer, maps), table)


@exercise("10-factor", "What a hook returns replaces the output. Change a copy of it.")
def _factor(answer):
    with torch.random.fork_rng(devices=[]):  # the student's random numbers stay as they were
        torch.manual_seed(0)
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
