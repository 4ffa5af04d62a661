"""Looking inside networks: the maps are what the layers gave, the networks stay as they were, the fields are right."""

import copy

import pytest
import torch
import torchvision
from torch import nn

from mnist_lib import features, models, training
from mnist_lib.shifts import BlurPool2d


class Stack(nn.Module):
    """Any layers, as a network of the series has them."""

    def __init__(self, *layers):
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, images):
        return self.layers(images)


def blurred():
    def pooling():
        return nn.Sequential(nn.MaxPool2d(2, stride=1), BlurPool2d())

    return Stack(
        *(nn.Conv2d(1, 3, 5, padding=2), nn.ReLU(), pooling()),
        *(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), pooling(), nn.AdaptiveAvgPool2d(1)),
        *(nn.Flatten(), nn.Linear(4, 10)),
    )


def unusual():
    """Layers with settings that the networks of the series do not have."""
    return Stack(
        nn.Conv2d(1, 2, (3, 5), stride=(2, 1), padding=(0, 3), dilation=(2, 1)),
        nn.BatchNorm2d(2),
        *(nn.LeakyReLU(), nn.Tanh(), nn.Sigmoid(), nn.SiLU(), nn.ELU(), nn.GELU()),
        nn.MaxPool2d(3, stride=2, padding=1, ceil_mode=True),
        nn.Conv2d(2, 2, 4, padding="same"),
        nn.Dropout2d(),
        nn.AvgPool2d((2, 3), stride=(1, 2), padding=(1, 0)),
        BlurPool2d(4, stride=3),
        nn.AdaptiveMaxPool2d((2, 3)),
    )


class Branches(nn.Module):
    """A wide look beside a narrow one, as in a residual block."""

    def __init__(self):
        super().__init__()
        self.wide, self.narrow = nn.Conv2d(2, 2, 5, padding=2), nn.Conv2d(2, 2, 1)

    def forward(self, maps):
        return self.wide(maps) + self.narrow(maps)


def branched():
    """Networks that are no chain of windows: branches, larger maps, padding that is not zero."""
    return Stack(
        nn.Conv2d(1, 2, 3, padding=1, padding_mode="reflect"),
        *(Branches(), nn.MaxPool2d(2), nn.Conv2d(2, 2, 3, padding=1, padding_mode="replicate")),
        *(nn.ConvTranspose2d(2, 2, 3, stride=2), nn.Upsample(scale_factor=2), nn.MaxPool2d(3)),
        nn.Conv2d(2, 2, 3, padding=1, padding_mode="circular"),
        nn.GroupNorm(1, 2),
    )


SERIES = {
    "SoftmaxClassifier": models.SoftmaxClassifier,
    "TwoLinearLayers": models.TwoLinearLayers,
    "MLP": models.MLP,
    "ConvNet": models.ConvNet,
    "UnpaddedConvNet": models.UnpaddedConvNet,
    "TinyVGG": models.TinyVGG,
    "BatchNormCNN": models.BatchNormCNN,
}
WITH_MAPS = {  # with few channels: they see the same
    "ConvNet": models.ConvNet,
    "UnpaddedConvNet": models.UnpaddedConvNet,
    "TinyVGG": lambda: models.TinyVGG(2),
    "BatchNormCNN": lambda: models.BatchNormCNN((2, 3, 4)),
    "blurred": blurred,
    "unusual": unusual,
    "branched": branched,
}


@pytest.fixture(scope="module")
def images():
    return torch.rand(3, 1, 28, 28, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def resnet():
    torch.manual_seed(0)
    return torchvision.models.resnet18(weights=None)


def state(model):
    """What a look inside must not change: weights, statistics, modes, hooks, gradients."""
    return (
        {name: value.clone() for name, value in model.state_dict().items()},
        [module.training for module in model.modules()],
        [len(module._forward_hooks) for module in model.modules()],
        [parameter.requires_grad for parameter in model.parameters()],
        [parameter.grad for parameter in model.parameters()],
    )


def unchanged(model, before):
    weights, *rest = state(model)
    return rest == list(before[1:]) and all(torch.equal(weights[k], before[0][k]) for k in weights)


# ---- layer_names


@pytest.mark.parametrize("name", SERIES)
def test_all_layers_are_named(name):
    model = SERIES[name]()
    expected = ["layers", *(f"layers.{number}" for number in range(len(model.layers)))]
    assert features.layer_names(model) == expected


def test_nested_layers_are_named_and_mere_lists_are_not(resnet):
    names = features.layer_names(resnet)
    assert names[:7] == [*("conv1", "bn1", "relu", "maxpool"), *("layer1", "layer1.0"), names[6]]
    assert names[6] == "layer1.0.conv1" and names[-2:] == ["avgpool", "fc"]
    model = nn.ModuleDict({"a": nn.ModuleList([nn.ReLU()])})
    assert features.layer_names(model) == ["a.0"]


# ---- feature_maps


@pytest.mark.parametrize("name", SERIES)
def test_maps_are_what_the_layers_give(name, images):
    torch.manual_seed(0)
    model = SERIES[name]()
    before = state(model)
    names = [f"layers.{number}" for number in range(len(model.layers))]
    maps = features.feature_maps(model, images, names)
    assert unchanged(model, before)
    assert list(maps) == names
    model.eval()
    with torch.no_grad():
        for number, layer_name in enumerate(names):
            expected = model.layers[: number + 1](images)
            assert torch.equal(maps[layer_name], expected), layer_name
    assert not any(map.requires_grad for map in maps.values())


def test_maps_of_a_resnet_are_right(resnet, images):
    """Its ReLUs work in place, and each block calls its own twice."""
    colour = images.expand(-1, 3, -1, -1)
    before = state(resnet)
    names = ["fc", "conv1", "bn1", "layer1", "layer1.0.bn1", "layer1.0.relu", "layer1.0.bn2"]
    maps = features.feature_maps(resnet, colour, names)
    assert unchanged(resnet, before) and list(maps) == names
    frozen = copy.deepcopy(resnet).eval()
    with torch.no_grad():
        conv1 = frozen.conv1(colour)
        bn1 = frozen.bn1(conv1)
        pooled = frozen.maxpool(bn1.relu())
        block = frozen.layer1[0]
        inner = block.bn1(block.conv1(pooled))
        outer = block.bn2(block.conv2(inner.relu()))
        assert torch.equal(maps["conv1"], conv1)
        assert torch.equal(maps["bn1"], bn1) and maps["bn1"].min() < 0
        assert torch.equal(maps["layer1.0.bn1"], inner)
        assert torch.equal(maps["layer1.0.bn2"], outer)
        assert torch.equal(maps["layer1.0.relu"], (outer + pooled).relu())  # its last output
        assert torch.equal(maps["layer1"], frozen.layer1(pooled))
        assert torch.equal(maps["fc"], frozen(colour))


def test_maps_are_copies(images):
    model = Stack(nn.Identity(), nn.ReLU(inplace=True))
    model.register_parameter("weight", nn.Parameter(torch.zeros(1)))
    maps = features.feature_maps(model, images - 0.5, ["layers.0"])
    assert torch.equal(maps["layers.0"], images - 0.5)
    maps["layers.0"].zero_()
    assert features.feature_maps(model, images, ["layers.0"])["layers.0"].any()


def test_frozen_parts_stay_frozen_and_training_goes_on(images):
    model = models.BatchNormCNN()
    model.layers[1].eval()
    model.layers[0].weight.requires_grad_(False)
    before = state(model)
    features.feature_maps(model, images, ["layers.2"])
    assert unchanged(model, before)
    model(images).sum().backward()
    assert model.layers[4].weight.grad is not None and model.layers[0].weight.grad is None


def test_a_name_given_twice_comes_once(images):
    model = models.ConvNet()
    maps = features.feature_maps(model, images, ["layers.3", "layers.0", "layers.3"])
    assert list(maps) == ["layers.3", "layers.0"]


def test_no_names_give_no_maps(images):
    assert features.feature_maps(models.MLP(), images, []) == {}


def test_a_hook_of_ones_own_stays(images):
    model = models.ConvNet()
    model.layers[0].register_forward_hook(lambda layer, inputs, output: output * 0)
    assert not features.feature_maps(model, images, ["layers.0"])["layers.0"].any()
    assert len(model.layers[0]._forward_hooks) == 1


@pytest.mark.parametrize("unknown", ["layers.11", "layer.0", "", 3])
def test_an_unknown_layer_is_named_with_those_there_are(unknown, images):
    model = models.ConvNet()
    before = state(model)
    with pytest.raises(ValueError) as error:
        features.feature_maps(model, images, ["layers.0", unknown])
    assert str(error.value).startswith("layers must be among layers, layers.0, layers.1, ")
    assert str(error.value).endswith(f"layers.10; got {unknown!r}")
    assert unchanged(model, before)


def test_one_name_is_no_list_of_names(images):
    with pytest.raises(
        TypeError, match=r"layers must be a list .* such as \['layers.0'\], got 'la"
    ):
        features.feature_maps(models.ConvNet(), images, "layers.0")
    for wrong in (None, 3):
        with pytest.raises(TypeError, match=f"layers must be a list of names, got {wrong}"):
            features.feature_maps(models.ConvNet(), images, wrong)


def test_the_model_is_as_before_when_it_raises(images):
    model = models.ConvNet()
    before = state(model)
    with pytest.raises(ValueError, match="images must have the shape"):
        features.feature_maps(model, images[0], ["layers.0"])
    assert unchanged(model, before) and torch.is_grad_enabled()


class Odd(nn.Module):
    """A layer that gives two tensors, and one that is never called."""

    def __init__(self):
        super().__init__()
        self.memory, self.unused = nn.LSTM(28, 5, batch_first=True), nn.Linear(2, 2)

    def forward(self, images):
        return self.memory(images[:, 0])[0]


def test_a_layer_without_a_tensor_is_refused(images):
    model = Odd()
    before = state(model)
    with pytest.raises(TypeError, match=r"layers must give tensors, got .*tuple.* from 'memory'"):
        features.feature_maps(model, images, ["memory"])
    assert unchanged(model, before)


def test_a_layer_that_is_not_called_is_refused(images):
    model = Odd()
    before = state(model)
    with pytest.raises(ValueError, match="layers must be called by the model, got 'unused'"):
        features.feature_maps(model, images, ["unused"])
    assert unchanged(model, before)


# ---- seen_pixels


def noticed(model, layers):
    """Which cells of each layer's maps answer to each row of pixels, and to each column, by experiment: bool.

    Yields (layer, (28, rows, columns), (28, rows, columns)). With positive weights, more light is nowhere lost: not in
    a ReLU, and not in a maximum over black.
    """
    for parameter in model.parameters():
        parameter.data.abs_().add_(0.01)
    model.double()
    lit = 1e6 * torch.eye(28, dtype=torch.float64)[:, None, :, None].expand(-1, -1, -1, 28)
    images = torch.cat([torch.zeros_like(lit[:1]), lit, lit.mT])
    for layer, maps in features.feature_maps(model, images, layers).items():
        maps = maps.sum(dim=1)  # over channels
        yield layer, *(~torch.isclose(maps[1:], maps[:1], rtol=1e-12, atol=0)).split(28)


def ends(marks):
    """From the first to the last True of each column (28, N): a list of ranges."""
    places = [column.nonzero().flatten().tolist() for column in marks.T]
    return [range(places[0], places[-1] + 1) for places in places]


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@pytest.mark.parametrize("name", WITH_MAPS)
def test_every_cell_sees_what_it_notices(name):
    torch.manual_seed(0)
    model = WITH_MAPS[name]()
    count = len(model.layers)
    count = next((k for k, m in enumerate(model.layers) if isinstance(m, nn.Flatten)), count)
    for layer, by_row, by_column in noticed(model, [f"layers.{number}" for number in range(count)]):
        height, width = by_row.shape[1:]
        size = max(height, width)
        for step in {0, 1, size // 2, size - 2, size - 1}:  # the borders, and between
            row, column = step % height, step % width
            rows, columns = features.seen_pixels(model, layer, row, column)
            assert [rows] * width == ends(by_row[:, row]), (layer, row)
            assert [columns] * height == ends(by_column[:, :, column]), (layer, column)


class SideBySide(nn.Module):
    """A channel that looks at one pixel, and one that looks at nine."""

    def __init__(self):
        super().__init__()
        self.narrow, self.wide = nn.Conv2d(1, 1, 1), nn.Conv2d(1, 1, 3, padding=1)

    def forward(self, images):
        return torch.cat([self.narrow(images), self.wide(images)], dim=1)


def test_a_cell_sees_what_any_of_its_channels_sees():
    seen = features.seen_pixels(Stack(SideBySide()), "layers.0", 5, 8)
    assert seen == (range(4, 7), range(7, 10))


def test_a_part_of_a_nested_layer_sees_less_than_the_whole():
    model = blurred()
    assert features.seen_pixels(model, "layers.2.0", 5, 5)[0] == range(3, 9)
    assert features.seen_pixels(model, "layers.2.1", 5, 5)[0] == range(7, 15)
    assert features.seen_pixels(model, "layers.2", 5, 5)[0] == range(7, 15)


def test_fields_of_tinyvgg_are_those_of_notebook_02():
    widths = {
        number: len(features.seen_pixels(models.TinyVGG(), f"layers.{number}", 3, 3)[0])
        for number in (4, 5, 7, 9)
    }
    assert widths[9] == 16
    assert len(features.seen_pixels(models.TinyVGG(), "layers.2", 14, 14)[1]) == 5


def test_looking_leaves_the_model_as_it_was():
    model = models.BatchNormCNN()
    before = state(model)
    features.seen_pixels(model, "layers.3", 0, 0)
    assert unchanged(model, before)


@pytest.mark.parametrize(
    ("layer", "row", "column", "words"),
    [
        ("layers.3", 14, 0, "row of 'layers.3' must be an integer from 0 to 13, got 14"),
        ("layers.3", 0, 14, "column of 'layers.3' must be an integer from 0 to 13, got 14"),
        ("layers.0", -1, 0, "row of 'layers.0' must be an integer from 0 to 27, got -1"),
        ("layers.7", 0, 0, r"layer must give maps \(N, C, H, W\), got 'layers.7' with 2 axes"),
        ("layers.1x", 0, 0, "layers must be among layers, layers.0, .*; got 'layers.1x'"),
    ],
)
def test_cells_that_are_not_there_are_refused(layer, row, column, words):
    with pytest.raises(ValueError, match=words):
        features.seen_pixels(models.ConvNet(), layer, row, column)


@pytest.mark.parametrize("value", ["3", 3.5, 3.0, True, None])
def test_a_place_is_an_integer(value):
    wanted = f"must be an integer from 0 to 13, got {value!r}"
    with pytest.raises(TypeError, match=f"row of 'layers.3' {wanted}"):
        features.seen_pixels(models.ConvNet(), "layers.3", value, 0)
    with pytest.raises(TypeError, match=f"column of 'layers.3' {wanted}"):
        features.seen_pixels(models.ConvNet(), "layers.3", 0, value)


def test_any_network_will_do():
    resnet = torchvision.models.resnet18(weights=None)
    resnet.conv1 = nn.Conv2d(1, 64, 7, stride=2, padding=3)
    assert features.seen_pixels(resnet, "maxpool", 2, 0) == (range(3, 14), range(0, 6))
    assert features.seen_pixels(nn.Sequential(nn.Conv2d(1, 1, 5)), "0", 3, 4)[0] == range(3, 8)


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf"), 1e30])
def test_what_a_cell_sees_is_not_a_question_of_the_weights(value):
    """Whether they are dead or have diverged."""
    model = models.BatchNormCNN()
    expected = features.seen_pixels(model, "layers.7", 3, 0)
    for name, values in model.state_dict().items():
        if "tracked" not in name:
            values.fill_(value)
    assert features.seen_pixels(model, "layers.7", 3, 0) == expected


def test_a_cell_of_padding_sees_nothing():
    model = Stack(nn.Conv2d(1, 1, 1, padding=1))
    assert features.seen_pixels(model, "layers.0", 0, 5) == (range(0), range(0))
    assert features.seen_pixels(model, "layers.0", 1, 5) == (range(1), range(4, 5))


@pytest.mark.parametrize("compiled", ["whole", "in place", "a layer"])
def test_a_compiled_model_that_has_run_gives_the_maps_of_the_plain_one(compiled):
    """What runs compiled calls no hooks that come later."""
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(2 * 26 * 26, 10))
    images = torch.rand(2, 1, 28, 28)
    expected = model[0](images)
    name = "0"
    if compiled == "whole":
        model, name = torch.compile(model, backend="eager"), "_orig_mod.0"
    elif compiled == "in place":
        model.compile(backend="eager")
    else:
        model[0].compile(backend="eager")
    for _ in range(2):
        with training.evaluation_mode(model):
            model(images)
    maps = features.feature_maps(model, images, [name])
    assert torch.allclose(maps[name], expected, atol=1e-6)
