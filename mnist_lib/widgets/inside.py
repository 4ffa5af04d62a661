"""Inside a network: its kernels while it trains, and what a cell of a feature map sees."""

from contextlib import suppress
from functools import partial

import ipywidgets

from .. import features, plots
from .explorer import Explorer, View, add_arrow_keys, choose_digit, make_control


def kernel_explorer(record, name):
    """Return an `Explorer` of the kernels of a convolution as training goes on, all in the same colours.

    Args:
        record: the `machinery.watchers.WeightRecord` of a training.
        name: of the weight of a 2-D convolution, such as "layers.0.weight".

    >>> import torch
    >>> from mnist_lib import data, models, training
    >>> from mnist_lib.machinery.watchers import WeightRecord
    >>> split, record = data.Split(torch.rand(5, 1, 28, 28), torch.arange(5)), WeightRecord(["layers.0.weight"])
    >>> model = training.train(models.ConvNet, split, epochs=3, seed=0, watchers=[record])
    >>> kernel_explorer(record, "layers.0.weight").step.max
    4
    """
    kernels = record[name]
    if kernels.dim() != 5:
        got = f"{name!r}, {tuple(kernels.shape[1:])}"
        raise ValueError(f"name must be that of the weight of a 2-D convolution, got {got}")
    view = partial(_view_of_kernels, kernels, list(record.steps), name)
    return Explorer({}, view, "moment", first=1)


def _view_of_kernels(kernels, steps, name):
    """The `View` of kernels (moments, out, in, height, width) after some steps of training."""
    count, out_channels, in_channels, height, width = kernels.shape
    when = [f"After step {step:,}" if step else "Before training" for step in steps]
    limit = kernels.abs().max().item() or 1.0
    a_kernel = min(1.4, 7 / out_channels, 8 * width / (height * in_channels))  # inches wide

    def draw(moment, figure):
        figure.set_layout_engine("constrained")
        sides = range(in_channels), range(out_channels), "input channel", "output channel"
        maps = kernels[moment - 1].transpose(0, 1)
        ax = plots.plot_map_grid(maps, *sides, ax=figure.add_subplot())
        for picture in ax.images:
            picture.set_clim(-limit, limit)
        figure.axes[-1].set_ylim(-limit, limit)  # the bar
        return plots.describe(ax, f"{when[moment - 1]}: {ax.description}")

    def text(moment):
        now = kernels[moment - 1]
        low, high, by = map(_number, (now.min(), now.max(), (now - kernels[0]).abs().mean()))
        words = f"{when[moment - 1]}: weights from {low} to {high}; since the first moment"
        return f"{words} they have changed by {by} on average"

    size = (a_kernel * out_channels + 1.6, a_kernel * height / width * in_channels + 0.8)
    notes = (f"{count} moments, from step {steps[0]} to step {steps[-1]}; all in the same colours",)
    code = f"""# record: a WeightRecord among the watchers of fit or train
kernels = record[{name!r}]  # {tuple(kernels.shape)}: moments, out, in, height, width
change = (kernels - kernels[0]).abs().mean(dim=(1, 2, 3, 4))
for step, value in zip(record.steps, change.tolist()):
    print(step, value)"""
    return View(count, size, draw, text, notes, code)


def _number(value):
    return f"{value.item():.3g}".replace("-", "−")


def feature_explorer(model, split):
    """Return an `Explorer` of feature maps: choose a cell, and see its number and the pixels that it sees.

    Args:
        model: a network for images (N, 1, 28, 28), with layers that have feature maps.
        split: the `data.Split` whose images it looks at.

    >>> import torch
    >>> from mnist_lib import data, models
    >>> split = data.Split(torch.zeros(3, 1, 28, 28), torch.tensor([7, 2, 1]))
    >>> feature_explorer(models.TinyVGG(), split).controls["row"].max
    27
    """
    layers = []
    for name in features.layer_names(model):
        with suppress(TypeError, ValueError, RuntimeError):  # it has no maps
            features.seen_pixels(model, name, row=0, column=0)
            layers.append(name)
    if not layers:
        raise ValueError(f"model must have feature maps, {type(model).__name__} has none")
    size = features.feature_maps(model, split.images[:1], layers[:1])[layers[0]].shape[2:]
    controls = {"digit": choose_digit(split)}
    controls["layer"] = ipywidgets.Dropdown(options=layers, description="layer")
    for name, cells in zip(("row", "column"), size):
        controls[name] = make_control(name, range(cells), cells // 2)
    explorer = Explorer(controls, partial(_view_of_cell, model, split), "channel")
    add_arrow_keys(explorer, "column", "row", "Arrow keys move the cell")
    return explorer


def _view_of_cell(model, split, digit, layer, row, column):
    """The `View` of a cell in the maps of a layer; the steps are the channels."""
    image, label = split.images[digit], split.labels[digit].item()
    maps = features.feature_maps(model, split.images[digit : digit + 1], [layer])[layer][0].cpu()
    channels, height, width = maps.shape
    row, column = min(row, height - 1), min(column, width - 1)
    rows, columns = features.seen_pixels(model, layer, row, column)

    def draw(channel, figure):
        seen, caption = (rows, columns), f"{layer}, channel {channel}"
        ax = figure.add_subplot()
        plots.plot_seen(image, maps[channel], row, column, seen, caption=caption, ax=ax)
        # Placed by hand: a layout takes twice as long.
        places = ((0.08, 0.35), (0.53, 0.35), (0.895, 0.025))
        for part, (left, width) in zip(figure.axes[1:], places):
            part.set_position((left, 0.15, width, 0.77))
        return ax

    def text(channel):
        place = f"channel {channel}, row {row}, column {column}"
        start = f"Digit {digit} (label {label}); {layer}, {place}: the number is "
        seen = (
            f"rows {rows[0]} to {rows[-1]} and columns {columns[0]} to {columns[-1]} of the digit"
        )
        return f"{start}{_number(maps[channel, row, column])}. This cell sees {seen}"

    of = model.get_submodule(layer)
    notes = (f"{layer} is {of}: {channels} maps of {height}×{width} numbers",)
    code = f"""from mnist_lib.features import feature_maps, seen_pixels

# model: the network. split: images and labels
image = split.images[{digit}:{digit + 1}]
maps = feature_maps(model, image, [{layer!r}])[{layer!r}]  # {(1, *maps.shape)}
rows, columns = seen_pixels(model, {layer!r}, row={row}, column={column})
pixels = image[..., rows.start : rows.stop, columns.start : columns.stop]
print(maps[0, :, {row}, {column}])  # a number for each channel
print(pixels)  # what they see"""
    limits = {"row": height - 1, "column": width - 1}
    return View(channels - 1, (8.2, 3.7), draw, text, notes, code, limits=limits)
