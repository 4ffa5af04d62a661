"""The networks: their sizes and shapes, that they return logits, that they learn, what they refuse."""

import copy
import inspect
import io
import re

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from mnist_lib import data, models, training

MODELS = {
    "SoftmaxClassifier": (models.SoftmaxClassifier, 7_850),
    "TwoLinearLayers": (models.TwoLinearLayers, 7_960),
    "MLP 64-64-32-32": (lambda: models.MLP((64, 64, 32, 32)), 57_866),
    "MLP 64-64-64": (lambda: models.MLP((64, 64, 64)), 59_210),
    "MLP 10, ReLU on logits": (lambda: models.MLP((10,), relu_on_logits=True), 7_960),
    "ConvNet": (models.ConvNet, 207_258),
    "UnpaddedConvNet": (models.UnpaddedConvNet, 25_706),
    "TinyVGG": (models.TinyVGG, 7_740),
    "BatchNormCNN": (models.BatchNormCNN, 29_178),
}
SHAPES = {  # of one image, after every layer
    "SoftmaxClassifier": "784 10",
    "TwoLinearLayers": "784 10 10",
    "MLP 64-64-32-32": "784 64 64 64 64 32 32 32 32 10",
    "MLP 64-64-64": "784 64 64 64 64 64 64 10",
    "MLP 10, ReLU on logits": "784 10 10 10 10",
    "ConvNet": "4×28×28 4×14×14 4×14×14 8×14×14 8×7×7 8×7×7 392 512 512 512 10",
    "UnpaddedConvNet": "16×24×24 16×12×12 16×12×12 64×10×10 64×5×5 64×5×5 1600 1600 10",
    "TinyVGG": "10×28×28 10×28×28 10×28×28 10×14×14 10×14×14 10×14×14 10×14×14 10×14×14 10×7×7 10×7×7 490 10",
    "BatchNormCNN": "16×28×28 16×28×28 16×14×14 16×14×14 32×14×14 32×14×14 32×7×7 32×7×7 "
    "64×7×7 64×7×7 64×3×3 64×3×3 576 10",
}
every_model = pytest.mark.parametrize("name", MODELS)


def make(name, seed=0):
    training.seed_everything(seed)
    return MODELS[name][0]()


@pytest.fixture(scope="module")
def digits():
    """50 real digits and their labels."""
    return data.load_mnist("sample").train[:50]


def outputs_of_layers(model, images):
    """What every layer of `model` returns."""
    outputs = []
    hooks = [
        layer.register_forward_hook(lambda *call: outputs.append(call[-1]))
        for layer in model.layers
    ]
    model(images)
    for hook in hooks:
        hook.remove()
    return outputs


@every_model
def test_number_of_parameters(name):
    model = make(name)
    assert models.count_parameters(model) == MODELS[name][1]
    model.layers[-1 if name != "MLP 10, ReLU on logits" else -2].weight.requires_grad_(False)
    assert models.count_parameters(model) < MODELS[name][1], "a frozen parameter is not trained"


@every_model
def test_shapes_after_every_layer(name):
    shapes = [output.shape for output in outputs_of_layers(make(name), torch.rand(3, 1, 28, 28))]
    assert ["×".join(map(str, shape[1:])) for shape in shapes] == SHAPES[name].split()
    assert {shape[0] for shape in shapes} == {3}


@pytest.mark.parametrize("kind", [models.ConvNet, models.UnpaddedConvNet])
def test_shapes_are_those_that_the_comments_promise(kind):
    lines = [
        line for line in inspect.getsource(kind).splitlines() if line.strip().startswith("nn.")
    ]
    outputs = outputs_of_layers(kind(), torch.rand(3, 1, 28, 28))
    assert len(lines) == len(outputs)
    promised = [
        (re.search(r"# \(N, ([\d, ]+)\)$", line), tuple(out.shape[1:]))
        for line, out in zip(lines, outputs)
    ]
    stated = [(tuple(map(int, match[1].split(", "))), shape) for match, shape in promised if match]
    assert len(stated) >= 6 and all(comment == shape for comment, shape in stated)


@pytest.mark.parametrize("name", ["ConvNet", "UnpaddedConvNet", "TinyVGG", "BatchNormCNN"])
def test_a_relu_after_the_pooling_trains_as_one_before_it(name, digits):
    """To the bit, also where pixels of a window are equal, as on the black ground."""
    now, usual = make(name), make(name)
    layers = list(usual.layers)
    for index, layer in enumerate(layers[:-1]):
        if isinstance(layer, nn.MaxPool2d):
            assert isinstance(layers[index + 1], nn.ReLU)
            layers[index : index + 2] = layers[index + 1], layer
    usual.layers = nn.Sequential(*layers)
    for model in (now, usual):
        training.seed_everything(1)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        training.train_one_epoch(model, data.Batches(digits, 10), optimizer)
    assert all(map(torch.equal, now.parameters(), usual.parameters()))
    assert not torch.equal(next(now.parameters()), next(make(name).parameters()))


@every_model
def test_outputs_are_logits(name):
    """Neither probabilities nor their logarithms: those would not move with the biases of the last layer."""
    model, images = make(name).eval(), torch.rand(5, 1, 28, 28)
    last = [layer for layer in model.layers if isinstance(layer, nn.Linear)][-1]
    with torch.no_grad():
        last.bias += 10  # so that a ReLU on the logits lets all of them pass
        before = model(images)
        last.bias += 3
        after = model(images)
    assert before.shape == (5, 10) and before.dtype == torch.float32
    torch.testing.assert_close(after, before + 3)
    assert (before.logsumexp(dim=1) > 1).all() and (before.sum(dim=1) > 2).all()


@every_model
def test_each_image_is_answered_on_its_own(name):
    model, images = make(name).eval(), torch.rand(4, 1, 28, 28)
    alone = torch.cat([model(images[number : number + 1]) for number in range(4)])
    torch.testing.assert_close(model(images), alone, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(alone[0], alone[1]), "and different images get different answers"


@every_model
@pytest.mark.parametrize("size", [0, 1])
@pytest.mark.parametrize("train", [True, False])
def test_a_batch_of_one_image_and_of_none(name, size, train):
    model = make(name).train(train)
    assert model(torch.rand(size, 1, 28, 28)).shape == (size, 10)
    assert all(value.isfinite().all() for value in model.state_dict().values())


@pytest.mark.parametrize("name", ["MLP 64-64-64", "TinyVGG"])
@pytest.mark.parametrize(
    ("images", "error", "got"),
    [
        (torch.zeros(2, 1, 28, 28, dtype=torch.uint8), TypeError, "uint8"),
        (torch.zeros(2, 1, 28, 28, dtype=torch.float64), TypeError, "float64"),
        (np.zeros((2, 1, 28, 28), np.float32), TypeError, "ndarray"),
        ([0.0], TypeError, "list"),
        (torch.zeros(28, 28), ValueError, "(28, 28)"),
        (torch.zeros(1, 28, 28), ValueError, "(1, 28, 28)"),
        (torch.zeros(2, 784), ValueError, "(2, 784)"),
        (torch.zeros(2, 3, 28, 28), ValueError, "(2, 3, 28, 28)"),
        (torch.zeros(2, 28, 28, 1), ValueError, "(2, 28, 28, 1)"),
        (torch.zeros(2, 1, 32, 32), ValueError, "(2, 1, 32, 32)"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_other_images_are_refused_in_one_sentence(name, images, error, got):
    with pytest.raises(error) as caught:
        make(name)(images)
    message = str(caught.value)
    assert message.startswith("images must ") and "got" in message and "\n" not in message
    assert got in message and "the model returns logits (N, 10)" in message


@every_model
def test_images_have_the_dtype_of_the_weights(name):
    model = make(name).double()
    assert model(torch.zeros(2, 1, 28, 28, dtype=torch.float64)).dtype == torch.float64
    with pytest.raises(TypeError, match=r"torch\.float64.*got torch\.float32"):
        model(torch.zeros(2, 1, 28, 28))


@every_model
def test_learns(name, digits):
    """Every parameter gets a gradient, and some steps lower the loss on real digits."""
    images, labels = digits.images, digits.labels
    model = make(name)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.003)
    losses = []
    for _ in range(16):
        loss = F.cross_entropy(model(images), labels)
        optimizer.zero_grad()
        loss.backward()
        losses.append(loss.item())
        if name != "MLP 10, ReLU on logits":  # there dead outputs are the point
            assert all(parameter.grad.count_nonzero() > 0 for parameter in model.parameters())
        optimizer.step()
    assert losses[0] == pytest.approx(np.log(10), abs=0.3), "at first all digits are equally likely"
    assert losses[-1] < 0.9 * losses[0]


def test_a_relu_on_the_logits_never_goes_below_zero_and_can_die(digits):
    images, labels = digits.images, digits.labels
    outputs, gradients = {}, {}
    for relu in (True, False):
        training.seed_everything(0)
        model = models.MLP((10,), relu_on_logits=relu)
        with torch.no_grad():
            model.layers[3].bias[7] = -100
        outputs[relu] = model(images)
        F.cross_entropy(outputs[relu], labels).backward()
        gradients[relu] = model.layers[3].weight.grad[7].abs().sum()
    assert (outputs[True] >= 0).all() and (outputs[False] < 0).any()
    torch.testing.assert_close(outputs[True], outputs[False].relu())
    assert gradients[True] == 0 and gradients[False] > 0, "behind a ReLU the output for 7 is dead"


@pytest.mark.parametrize("name", ["ConvNet", "UnpaddedConvNet"])
def test_dropout_thins_what_the_last_layer_sees(name):
    model, images = make(name), torch.rand(20, 1, 28, 28)
    seen = []
    model.layers[-1].register_forward_hook(lambda layer, inputs, output: seen.append(inputs[0]))
    model.eval()(images)
    model.train()(images)
    whole, thinned = seen
    kept = thinned != 0
    torch.testing.assert_close(thinned[kept], 2 * whole[kept], rtol=1e-4, atol=1e-5)
    assert kept[whole != 0].float().mean() == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("name", [name for name in MODELS if "ConvNet" not in name])
def test_no_other_model_is_random(name):
    model, images = make(name).train(), torch.rand(6, 1, 28, 28)
    assert torch.equal(model(images), model(images))


@pytest.mark.parametrize(
    ("name", "straight"),
    [("SoftmaxClassifier", True), ("TwoLinearLayers", True), ("MLP 64-64-64", False)],
)
def test_linear_layers_alone_stay_linear(name, straight):
    model, (a, b) = make(name).double(), torch.rand(2, 30, 1, 28, 28, dtype=torch.float64)
    assert torch.allclose(model((a + b) / 2), (model(a) + model(b)) / 2) is straight


@every_model
def test_weights_can_be_saved_and_loaded(name):
    model, other, images = make(name, 0), make(name, 1), torch.rand(5, 1, 28, 28)
    model(images)  # batch normalisation has something to save, too
    file = io.BytesIO()
    torch.save(model.state_dict(), file)
    file.seek(0)
    assert not torch.equal(model.eval()(images), other.eval()(images))
    other.load_state_dict(torch.load(file, weights_only=True))
    assert torch.equal(model(images), other(images))
    assert torch.equal(copy.deepcopy(model)(images), other(images))


def test_widths_can_be_chosen():
    assert models.count_parameters(models.MLP(())) == 7_850
    assert models.MLP((20, 30))(torch.zeros(2, 1, 28, 28)).shape == (2, 10)
    assert models.TinyVGG(channels=4)(torch.zeros(2, 1, 28, 28)).shape == (2, 10)
    assert models.BatchNormCNN((2, 3, 4))(torch.zeros(2, 1, 28, 28)).shape == (2, 10)
    with pytest.raises(TypeError, match=r"hidden must be a tuple of widths, such as \(64,\)"):
        models.MLP(64)


def test_a_model_of_ones_own_is_checked_as_well():
    model = models.DigitModel(nn.Flatten(), nn.Linear(784, 10))
    assert model(torch.zeros(2, 1, 28, 28)).shape == (2, 10)
    with pytest.raises(ValueError, match="images must have the shape"):
        model(torch.zeros(2, 784))
