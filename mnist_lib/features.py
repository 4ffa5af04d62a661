"""What the layers inside a network put out, and which pixels they look at."""

import copy
import math

import torch
from torch import nn

from .machinery.checks import integer, list_of_names
from .training import device_of, evaluation_mode


def layer_names(model):
    """The names of all layers that compute something, as in `model.named_modules()` (built in notebook 10).

    Containers that the model only looks things up in (nn.ModuleList, nn.ModuleDict) are left out.

    >>> layer_names(nn.Sequential(nn.Conv2d(1, 4, 5), nn.Sequential(nn.ReLU(), nn.Flatten())))
    ['0', '1', '1.0', '1.1']
    """
    return [
        name
        for name, layer in model.named_modules()
        if name and type(layer).forward is not nn.Module.forward
    ]


def feature_maps(model, images, layers):
    """What the named layers of a model put out for some images, caught by forward hooks (built in notebook 10).

    The model runs once, in evaluation mode, without gradients, not compiled; then all is as before. Maps are copies.

    Args:
        model: any nn.Module that takes `images`.
        images: a batch, on any device.
        layers: names of layers, a list of `layer_names(model)`.

    Returns:
        {name: tensor} in the order of `layers`, on the model's device. Of a layer that is called twice, it is the last.

    Raises:
        TypeError, ValueError: a name is unknown, or the model does not call the layer, or that does not give a tensor.

    >>> model = nn.Sequential(nn.Conv2d(1, 4, 5), nn.ReLU(inplace=True))
    >>> maps = feature_maps(model, torch.rand(2, 1, 28, 28), ["0", "1"])
    >>> maps["0"].shape, torch.equal(maps["1"], maps["0"].relu())
    (torch.Size([2, 4, 24, 24]), True)
    """
    layers, known = list_of_names("layers", layers), layer_names(model)
    if unknown := [name for name in layers if name not in known]:
        raise ValueError(f"layers must be among {', '.join(known)}; got {unknown[0]!r}")
    maps, hooks = {}, []
    try:
        for name in layers:

            def keep(layer, inputs, output, name=name):
                if not isinstance(output, torch.Tensor):
                    raise TypeError(f"layers must give tensors, got {type(output)} from {name!r}")
                maps[name] = output.detach().clone()

            hooks.append(model.get_submodule(name).register_forward_hook(keep))
        with evaluation_mode(model), torch.compiler.set_stance("force_eager"):  # compiled: no hooks
            model(images.to(device_of(model)))
    finally:
        for hook in hooks:
            hook.remove()
    if silent := [name for name in layers if name not in maps]:
        raise ValueError(f"layers must be called by the model, got {silent[0]!r}, which is not")
    return {name: maps[name] for name in layers}


def seen_pixels(model, layer, row, column):
    """The pixels of an image that one cell of a layer's maps sees: its receptive field (built in notebook 10).

    Found by poking. In each image one row of pixels is NaN, "not a number": all that is computed from it is NaN, too.
    So the cell sees those rows with which it is NaN. The same with columns.

    Args:
        model: any network for images (N, 1, 28, 28).
        layer: the name of a layer that gives maps (N, C, H, W).
        row, column: the cell, from 0.

    Returns:
        (rows, columns), two ranges within 0 to 27, from the first to the last that it sees; empty if it sees none.

    Raises:
        TypeError, ValueError: there is no such layer, it has no maps, or they have no such cell.

    >>> from .models import TinyVGG
    >>> seen_pixels(TinyVGG(), "layers.9", row=3, column=0)
    (range(6, 22), range(0, 10))
    """
    model = copy.deepcopy(model).cpu().double()  # there a convolution is a plain sum
    for numbers in (*model.parameters(), *model.buffers()):
        numbers.data.fill_(1)  # so that nothing else makes NaN
    rows = torch.zeros(28, 28).fill_diagonal_(math.nan)[:, None, :, None].expand(-1, 1, -1, 28)
    images = torch.cat([rows, rows.mT]).double()  # (56, 1, 28, 28)
    maps = feature_maps(model, images, [layer])[layer]
    if maps.dim() != 4:
        raise ValueError(f"layer must give maps (N, C, H, W), got {layer!r} with {maps.dim()} axes")
    for name, value, size in zip(("row", "column"), (row, column), maps.shape[2:]):
        integer(f"{name} of {layer!r}", value, least=0, most=size - 1)
    is_nan = maps[:, :, row, column].isnan().any(dim=1)  # (56,)
    seen = [part.nonzero().flatten().tolist() for part in is_nan.split(28)]
    return tuple(range(min(part, default=0), max(part, default=-1) + 1) for part in seen)
