"""What the layers inside a network put out, and which pixels they look at."""

import torch
from torch import nn

from .machinery.checks import integer, list_of_names
from .shifts import BlurPool2d
from .training import device_of, evaluation_mode

POINTWISE = (
    *(nn.ELU, nn.GELU, nn.LeakyReLU, nn.ReLU, nn.Sigmoid, nn.SiLU, nn.Tanh),
    *(nn.BatchNorm2d, nn.Dropout, nn.Dropout2d, nn.Identity),
)
WINDOWED = (BlurPool2d, nn.AvgPool2d, nn.Conv2d, nn.MaxPool2d)
ADAPTIVE = (nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d)


def layer_names(model):
    """The names of all layers that compute something, as in `model.named_modules()`; a list of str.

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
    """What the named layers of a model put out for some images, caught by forward hooks.

    The model runs once, in evaluation mode and without gradients; then all is as before. The maps are copies:
    what the model does with a layer's output afterwards does not change them.

    Args:
        model: any nn.Module that takes `images`.
        images: a batch, on any device.
        layers: names of layers, a list of `layer_names(model)`.

    Returns:
        {name: tensor} in the order of `layers`, on the model's device. Of a layer that the model calls
        several times, such as a ReLU used twice, it is the last output.

    Raises:
        TypeError: `layers` is no list, but one str or None, or a layer does not give a tensor.
        ValueError: a name is unknown, or the model does not call the layer.

    >>> model = nn.Sequential(nn.Conv2d(1, 4, 5), nn.ReLU(inplace=True))
    >>> maps = feature_maps(model, torch.rand(2, 1, 28, 28), ["0", "1"])
    >>> maps["0"].shape, torch.equal(maps["1"], maps["0"].relu())
    (torch.Size([2, 4, 24, 24]), True)
    """
    known = layer_names(model)
    layers = list(dict.fromkeys(list_of_names("layers", layers)))
    for name in layers:
        if name not in known:
            raise ValueError(f"layers must be among {', '.join(known)}; got {name!r}")

    maps, hooks = {}, []
    try:
        for name in layers:
            hooks.append(model.get_submodule(name).register_forward_hook(_keep_in(maps, name)))
        with evaluation_mode(model):
            model(images.to(device_of(model)))
    finally:
        for hook in hooks:
            hook.remove()
    if silent := [name for name in layers if name not in maps]:
        raise ValueError(f"layers must be called by the model, got {silent[0]!r}, which is not")
    return {name: maps[name] for name in layers}


def _keep_in(maps, name):
    """A forward hook that keeps a copy of the output as `maps[name]`."""

    def keep(layer, inputs, output):
        if not isinstance(output, torch.Tensor):
            got = f"{name!r}, which gives a {type(output).__name__}"
            raise TypeError(f"layers must give tensors, got {got}")
        maps[name] = output.detach().clone()

    return keep


def seen_pixels(model, layer, row, column):
    """The pixels of an image that one cell of a layer's maps sees: its receptive field, cut off at the border.

    From the cell back to the image: a layer's output cell at place i looks at the cells i · stride − padding
    and on of its input, as many as its kernel is wide (Dumoulin and Visin 2016). With a dilation, or a stride
    larger than the kernel, some pixels between are passed over, and at the border the ranges may be a few too wide.

    Args:
        model: a network whose `layers` are an nn.Sequential, for images (N, 1, 28, 28).
        layer: the name of a convolution or a pooling, or of a layer after one that leaves places alone.
        row, column: the cell, from 0.

    Returns:
        (rows, columns), two ranges of pixels, each of 0 to 27.

    Raises:
        TypeError: `row` or `column` is no integer.
        ValueError: there is no such layer, it has no maps, or they have no such cell, or it is not known what the
            layer, or one before it, looks at.

    >>> from .models import TinyVGG
    >>> seen_pixels(TinyVGG(), "layers.9", row=3, column=0)
    (range(6, 22), range(0, 10))
    """
    path = _path(model, layer)
    names = [name for name, _ in path]
    blank = torch.zeros(1, 1, 28, 28, dtype=next(model.parameters()).dtype)
    maps = feature_maps(model, blank, names)
    sizes = [(28, 28), *(tuple(maps[name].shape[2:]) for name in names)]  # from the image on
    for name, value, size in zip(("row", "column"), (row, column), sizes[-1]):
        integer(f"{name} of {layer!r}", value, least=0, most=size - 1)
    return tuple(_seen_along(axis, cell, path, sizes) for axis, cell in enumerate((row, column)))


def _path(model, layer):
    """All layers from the image to the one named `layer`, a list of (name, module)."""
    if not isinstance(getattr(model, "layers", None), nn.Sequential):
        raise ValueError(
            f"model must have an nn.Sequential as `layers`, got {type(model).__name__}"
        )
    path = list(_unfold("layers", model.layers))
    ends = [k for k, (name, _) in enumerate(path) if f"{name}.".startswith(f"{layer}.")]
    if not ends:
        names = ", ".join(name for name, _ in path)
        raise ValueError(f"layer must be one of {names}; got {layer!r}")
    path = path[: ends[-1] + 1]
    for name, module in path:
        if unknown := _unknown(module):
            wanted = f"layer must come before {name!r}: seen_pixels does not know {unknown}"
            raise ValueError(f"{wanted}; got {layer!r}")
    return path


def _unknown(module):
    """What keeps us from knowing which cells of its input a layer looks at, in words, or None."""
    if not isinstance(module, POINTWISE + WINDOWED + ADAPTIVE):
        return f"what a cell of a {type(module).__name__} looks at"
    mode = getattr(module, "padding_mode", "zeros")
    return None if mode == "zeros" else f"padding_mode={mode!r}"


def _unfold(name, module):
    """The parts of nested nn.Sequentials, one after the other, as (name, module)."""
    if not isinstance(module, nn.Sequential):
        yield name, module
        return
    for child, part in module.named_children():
        yield from _unfold(f"{name}.{child}", part)


def _seen_along(axis, cell, path, sizes):
    """The pixels seen by a cell along one axis (0: rows, 1: columns), a range: from the last layer to the first."""
    first = last = cell
    for (_, module), before, after in reversed(list(zip(path, sizes, sizes[1:]))):
        if isinstance(module, ADAPTIVE):
            first = first * before[axis] // after[axis]
            last = -(-(last + 1) * before[axis] // after[axis]) - 1  # rounded up
        elif isinstance(module, WINDOWED):
            size, stride, padding = _window(module, axis)
            first, last = first * stride - padding, last * stride - padding + size - 1
            border = before[axis] - 1
            if isinstance(module, BlurPool2d):  # beyond the border it sees the mirrored map
                first, last = min(first, 2 * border - last), max(last, -first)
            first, last = max(first, 0), min(last, border)
    return range(first, last + 1)


def _window(module, axis):
    """(cells from the first to the last, stride, padding before the first) of a windowed layer, along one axis."""

    def along(value):
        return value[axis] if isinstance(value, tuple) else value

    dilation = along(getattr(module, "dilation", 1))
    size = dilation * (along(module.kernel_size) - 1) + 1
    padding = getattr(module, "padding", "same")  # BlurPool2d keeps the size, and has no choice
    padding = {"valid": 0, "same": (size - 1) // 2}.get(padding, padding)
    return size, along(module.stride), along(padding)
