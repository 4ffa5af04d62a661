"""Forty networks with their data and a planted fault each, and twenty without any.

A diagnosis is judged by them. A fault is spelled as students spell it. Every case is made anew,
with fixed seeds, when it is asked for.
"""

import contextlib
import io
import threading
from collections.abc import Callable
from functools import cache, partial
from itertools import pairwise
from typing import NamedTuple

import torch
import torchvision
from torch import nn
from torch.nn import functional as F

from mnist_lib import models, training
from mnist_lib.data import Split, load_mnist


class Case(NamedTuple):
    """One network with its data, and which looks may find fault with them."""

    kind: str  # the look that should show a cross, "" if none should
    also: frozenset  # other looks that may show one, as a consequence or for the same reason
    make: Callable  # () → dict of make_model, train, validation, model


FAULTS, HEALTHY = {}, {}


def fault(kind, *also):
    """Enter a function into FAULTS, under its name with spaces."""

    def enter(make):
        FAULTS[make.__name__.replace("_", " ")] = Case(kind, frozenset(also), make)
        return make

    return enter


def healthy(make):
    """Enter a function into HEALTHY, under its name with spaces."""
    HEALTHY[make.__name__.replace("_", " ")] = Case("", frozenset(), make)
    return make


@cache
def digits(source="sample"):
    """Splits of 3,000 digits to train and 500 to validate. All cases share them."""
    with contextlib.redirect_stdout(io.StringIO()):
        mnist = load_mnist(source)
    return mnist.train[:3000], mnist.validation[:500]


def trial(make_model, splits=None, model=None, source="sample"):
    """What `make` returns; the splits are those of `digits` unless given."""
    train, validation = splits or digits(source)
    return {"make_model": make_model, "train": train, "validation": validation, "model": model}


def learned(make_model, split, epochs=1, **how):
    """A model after a short training, in evaluation mode."""
    with contextlib.redirect_stderr(io.StringIO()), torch.random.fork_rng(devices=()):
        return training.train(make_model, split, epochs, seed=0, bf16=False, **how).eval()


def mixed(count, seed=0):
    """A random order of `count` things, from a generator of its own."""
    return torch.randperm(count, generator=torch.Generator().manual_seed(seed))


def mlp(*hidden, activation=nn.ReLU, outputs=10):
    """A plain multilayer perceptron, without the checks of mnist_lib.models."""
    layers, inputs = [nn.Flatten()], 784
    for width in hidden:
        layers += [nn.Linear(inputs, width), activation()]
        inputs = width
    return nn.Sequential(*layers, nn.Linear(inputs, outputs))


class SmallCNN(nn.Module):
    """Two convolutions and two linear layers, in a usual spelling."""

    def __init__(self, outputs=10):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, 3, padding=1)
        self.conv2 = nn.Conv2d(8, 16, 3, padding=1)
        self.fc1 = nn.Linear(16 * 7 * 7, 64)
        self.fc2 = nn.Linear(64, outputs)

    def features(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return x.flatten(1)

    def forward(self, x):
        return self.fc2(F.relu(self.fc1(self.features(x))))


# ---- classes


@fault("classes", "start", "gradients", "one batch")
def zero_is_ten():
    """The labels go from 1 to 10, as in SVHN: a zero is called 10."""
    splits = [Split(s.images, torch.where(s.labels == 0, 10, s.labels)) for s in digits()]
    return trial(models.MLP, splits)


@fault("classes")
def no_nine_in_train():
    """range(9) where range(10) was meant: no nine to learn from."""
    train, validation = digits("full")
    rows = torch.cat([(train.labels == digit).nonzero().flatten() for digit in range(9)])
    return trial(SmallCNN, (train[rows[mixed(len(rows))]], validation))


@fault("classes")
def no_zero_in_validation():
    """A filter for missing labels, `if label`, lost the zeros of the validation split."""
    train, validation = digits()
    return trial(models.TinyVGG, (train, validation[validation.labels.bool()]))


@fault("classes", "logits")
def outputs_for_letters():
    """26 outputs, left over from a network for letters."""
    return trial(partial(SmallCNN, outputs=26))


# ---- pixels


@fault("pixels", "labels")
def validation_in_bytes():
    """The validation images were not divided by 255."""
    train, validation = digits()
    return trial(SmallCNN, (train, Split(validation.images * 255, validation.labels)))


@fault("pixels", "start", "gradients", "one batch")
def all_in_bytes():
    """Nobody divided by 255, in either split."""
    splits = [Split(s.images * 255, s.labels) for s in digits("full")]
    return trial(partial(mlp, 256, 128), splits)


@fault("pixels", "labels")
def two_recipes_of_normalising():
    """Train is normalised by the mean and deviation of MNIST, validation by (0.5, 0.5)."""
    train, validation = digits()
    train = Split((train.images - 0.1307) / 0.3081, train.labels)
    validation = Split((validation.images - 0.5) / 0.5, validation.labels)
    return trial(models.BatchNormCNN, (train, validation))


@fault("pixels", "labels")
def black_on_white_validation():
    """Validation is ink on paper, 1 is white: inverted against train, in the same range."""
    train, validation = digits("full")
    return trial(models.ConvNet, (train, Split(1 - validation.images, validation.labels)))


@fault("pixels", "labels", "splits", "alone", "start", "gradients", "one batch")
def one_nan_pixel():
    """A single pixel of a single training image is NaN."""
    train, validation = digits()
    images = train.images.clone()
    images[1717, 0, 13, 9] = float("nan")
    return trial(partial(mlp, 64), (Split(images, train.labels), validation))


@fault("pixels", "batch", "labels", "splits")
def buffer_half_filled():
    """Of 3,000 images 1,800 were copied into their array: the others are black all over."""
    train, validation = digits()
    images = torch.zeros_like(train.images)
    images[:1800] = train.images[:1800]
    return trial(models.UnpaddedConvNet, (Split(images, train.labels), validation))


# ---- splits


@fault("splits")
def validation_is_train():
    """The validation images are the first 500 training images."""
    train, _ = digits()
    return trial(models.MLP, (train, train[:500]))


@fault("splits")
def five_in_both():
    """Five training images, from anywhere, are among the 500 of validation."""
    train, validation = digits("full")
    both = train[mixed(len(train), seed=1)[:5]]
    images = torch.cat([validation.images[:495], both.images])
    labels = torch.cat([validation.labels[:495], both.labels])
    return trial(SmallCNN, (train, Split(images, labels)[mixed(500, seed=2)]))


# ---- labels


@fault("labels")
def labels_of_the_neighbours():
    """A header line was read as a label: each training image has the label of the one before it."""
    train, validation = digits()
    return trial(models.TinyVGG, (Split(train.images, train.labels.roll(1)), validation))


@fault("labels")
def images_shuffled_alone():
    """The validation images were shuffled, their labels were not."""
    train, validation = digits("full")
    images = validation.images[mixed(len(validation))]
    return trial(partial(mlp, 128, 64), (train, Split(images, validation.labels)))


# ---- order


@fault("order")
def sorted_by_label():
    """The training images come in the order of their labels: all zeros first."""
    train, validation = digits()
    return trial(models.ConvNet, (train[train.labels.argsort(stable=True)], validation))


@fault("order")
def folder_after_folder():
    """Both splits were read folder by folder, one a digit, in the order the disk gave."""

    def read(split):
        rows = [
            (split.labels == digit).nonzero().flatten() for digit in (3, 8, 0, 5, 1, 9, 2, 7, 4, 6)
        ]
        return split[torch.cat(rows)]

    return trial(models.MLP, [read(split) for split in digits("full")])


# ---- logits


@fault("logits", "one batch")
def softmax_layer():
    """nn.Softmax is the last layer of an MLP."""
    return trial(lambda: nn.Sequential(*mlp(128), nn.Softmax(dim=1)))


@fault("logits", "one batch")
def softmax_by_hand():
    """exp divided by its sum, over the classes, at the end of a CNN."""

    class Net(SmallCNN):
        def forward(self, x):
            scores = super().forward(x)
            scores = torch.exp(scores - scores.max(dim=1, keepdim=True).values)
            return scores / scores.sum(dim=1, keepdim=True)

    return trial(Net, source="full")


@fault("logits")
def log_softmax_for_cross_entropy():
    """The network returns log-probabilities, as for NLLLoss."""

    class Net(SmallCNN):
        def forward(self, x):
            return F.log_softmax(super().forward(x), dim=1)

    return trial(Net)


@fault("logits", "one batch")
def sigmoid_at_the_end():
    """A sigmoid makes each output a number between 0 and 1."""

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.hidden = nn.Linear(784, 100)
            self.out = nn.Linear(100, 10)

        def forward(self, x):
            x = torch.relu(self.hidden(x.flatten(1)))
            return torch.sigmoid(self.out(x))

    return trial(Net)


@fault("logits", "gradients", "one batch")
def relu_after_every_layer():
    """A ReLU after every layer, the last one included."""

    class Net(SmallCNN):
        def forward(self, x):
            x = F.relu(self.fc1(self.features(x)))
            x = F.relu(self.fc2(x))
            return x

    return trial(Net, source="full")


@fault("logits", "classes", "start", "gradients", "one batch")
def answers_for_logits():
    """The network returns the predicted digits (N,), not logits."""

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = mlp(64)

        def forward(self, x):
            return self.layers(x).argmax(dim=1)

    return trial(Net)


# ---- alone


@fault("alone", "logits", "one batch")
def softmax_over_the_batch():
    """A softmax over dim 0: the probabilities of a class add to 1 over the images."""

    class Net(SmallCNN):
        def forward(self, x):
            return F.softmax(super().forward(x), dim=0)

    return trial(Net)


@fault("alone", "one batch")
def dropout_that_never_stops():
    """F.dropout without training=self.training drops in evaluation too."""

    class Net(SmallCNN):
        def forward(self, x):
            x = F.relu(self.fc1(self.features(x)))
            x = F.dropout(x, 0.5)
            return self.fc2(x)

    return trial(Net, source="full")


@fault("alone")
def normalised_by_its_batch():
    """forward normalises the images by the mean and the deviation of the batch they came in."""

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = mlp(128)

        def forward(self, x):
            x = (x - x.mean()) / x.std()
            return self.layers(x)

    return trial(Net)


@fault("alone", "gradients", "one batch")
def recurrent_over_the_batch():
    """An LSTM without batch_first=True takes the images for the steps of one sequence."""

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm = nn.LSTM(28, 64)
            self.out = nn.Linear(64, 10)

        def forward(self, x):
            steps, _ = self.lstm(x.squeeze(1))  # (N, 28, 28): rows are the steps
            return self.out(steps[:, -1])

    return trial(Net)


# ---- start


@fault("start", "gradients", "one batch")
def weights_of_deviation_one():
    """nn.init.normal_ with its default deviation of 1 in every layer of a CNN."""

    def make_model():
        model = SmallCNN()
        for parameter in model.parameters():
            nn.init.normal_(parameter)
        return model

    return trial(make_model, source="full")


@fault("start", "gradients", "one batch")
def layers_from_randn():
    """Layers by hand, of torch.randn as it comes: the tanh is saturated, the logits are large."""

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.w1 = nn.Parameter(torch.randn(784, 128))
            self.b1 = nn.Parameter(torch.randn(128))
            self.w2 = nn.Parameter(torch.randn(128, 10))
            self.b2 = nn.Parameter(torch.randn(10))

        def forward(self, x):
            return torch.tanh(x.flatten(1) @ self.w1 + self.b1) @ self.w2 + self.b2

    return trial(Net)


# ---- gradients


@fault("gradients", "one batch")
def detached_in_the_middle():
    """A detach between the convolutions and the linear layers, once there to look at the maps."""

    class Net(SmallCNN):
        def forward(self, x):
            maps = self.features(x).detach()
            return self.fc2(F.relu(self.fc1(maps)))

    return trial(Net)


@fault("gradients", "one batch")
def no_grad_over_forward():
    """@torch.no_grad() was copied from the evaluation to forward."""

    class Net(SmallCNN):
        @torch.no_grad()
        def forward(self, x):
            return super().forward(x)

    return trial(Net)


@fault("gradients")
def first_layer_left_frozen():
    """requires_grad_(False) on the first convolution, left from an experiment."""

    def make_model():
        model = models.BatchNormCNN()
        model.layers[0].requires_grad_(False)
        return model

    return trial(make_model, source="full")


@fault("gradients", "one batch")
def layers_in_a_plain_list():
    """The hidden layers are in a list, not in nn.ModuleList: no optimizer gets to know them."""

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.hidden = [nn.Linear(784, 128), nn.Linear(128, 64)]
            self.out = nn.Linear(64, 10)

        def forward(self, x):
            x = x.flatten(1)
            for layer in self.hidden:
                x = F.relu(layer(x))
            return self.out(x)

    return trial(Net)


@fault("gradients")
def layer_never_called():
    """A third convolution is made, but forward calls the second one twice."""

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1 = nn.Conv2d(1, 12, 3, padding=1)
            self.conv2 = nn.Conv2d(12, 12, 3, padding=1)
            self.conv3 = nn.Conv2d(12, 12, 3, padding=1)
            self.fc = nn.Linear(12 * 7 * 7, 10)

        def forward(self, x):
            x = F.max_pool2d(F.relu(self.conv1(x)), 2)
            x = F.max_pool2d(F.relu(self.conv2(x)), 2)
            x = F.relu(self.conv2(x))
            return self.fc(x.flatten(1))

    return trial(Net)


@fault("gradients", "one batch")
def all_weights_zero():
    """Every weight and bias of an MLP starts at zero."""

    def make_model():
        model = mlp(128)
        for parameter in model.parameters():
            nn.init.zeros_(parameter)
        return model

    return trial(make_model, source="full")


@fault("gradients", "one batch")
def hidden_layer_dead():
    """The biases of the hidden layer start at -10: its ReLU lets nothing through."""

    def make_model():
        model = SmallCNN()
        nn.init.constant_(model.fc1.bias, -10)
        return model

    return trial(make_model)


# ---- one batch


@fault("one batch", "gradients")
def weights_too_small():
    """Six layers without biases, of deviation 0.0001: signals shrink to almost nothing."""

    def make_model():
        layers = [nn.Flatten()]
        for inputs, outputs in pairwise((784, 128, 128, 64, 64, 32, 10)):
            linear = nn.Linear(inputs, outputs, bias=False)
            nn.init.normal_(linear.weight, std=1e-4)
            layers += [linear, nn.ReLU()]
        return nn.Sequential(*layers[:-1])

    return trial(make_model)


@fault("one batch", "gradients")
def sigmoid_after_sigmoid():
    """Twelve hidden layers with a sigmoid each: what comes out is the same for all images."""
    return trial(partial(mlp, *12 * [64], activation=nn.Sigmoid))


# ---- model


@fault("model", "alone", "logits")
def trained_to_nan():
    """The last step of the training met a NaN, and now all weights are NaN."""
    train, _ = digits()
    model = learned(models.MLP, train)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    F.cross_entropy(model(train.images[:32] / 0), train.labels[:32]).backward()
    optimizer.step()
    return trial(models.MLP, model=model)


@fault("model")
def trained_to_one_answer():
    """A learning rate far too high: the trained network calls every image the same."""
    train, _ = digits()
    model = learned(SmallCNN, train, learning_rate=3.0, make_schedule=None)
    return trial(SmallCNN, model=model)


@fault("model")
def trained_on_shuffled_labels():
    """The network was trained on labels in a wrong order; the data here are right."""
    train, _ = splits = digits("full")
    wrong = Split(train.images, train.labels[mixed(len(train))])
    return trial(models.BatchNormCNN, splits, learned(models.BatchNormCNN, wrong))


# ---- nothing wrong


@healthy
def softmax_classifier():
    """One linear layer, fresh."""
    return trial(models.SoftmaxClassifier, source="full")


@healthy
def two_linear_layers():
    """Two linear layers with nothing in between, fresh and trained."""
    train, _ = digits()
    return trial(models.TwoLinearLayers, model=learned(models.TwoLinearLayers, train))


@healthy
def multilayer_perceptron():
    """An MLP, fresh and trained."""
    train, _ = splits = digits("full")
    return trial(models.MLP, splits, learned(models.MLP, train))


@healthy
def convnet():
    """ConvNet, with dropout, fresh and trained."""
    train, _ = digits()
    return trial(models.ConvNet, model=learned(models.ConvNet, train, learning_rate=0.005))


@healthy
def unpadded_convnet():
    """UnpaddedConvNet, with dropout before its last layer, fresh."""
    return trial(models.UnpaddedConvNet)


@healthy
def tiny_vgg():
    """TinyVGG, fresh and trained."""
    train, _ = splits = digits("full")
    return trial(models.TinyVGG, splits, learned(models.TinyVGG, train, learning_rate=0.01))


@healthy
def batch_norm_cnn():
    """BatchNormCNN, fresh and trained; the model is in training mode, as `train` returns it."""
    train, _ = digits()
    return trial(models.BatchNormCNN, model=learned(models.BatchNormCNN, train).train())


@healthy
def resnet():
    """A ResNet-18 of torchvision whose first convolution takes one channel, fresh."""

    def make_model():
        model = torchvision.models.resnet18(num_classes=10)
        model.conv1 = nn.Conv2d(1, 64, 7, stride=2, padding=3, bias=False)
        return model

    return trial(make_model, source="full")


@healthy
def dropout_and_batch_norm():
    """An MLP with batch normalisation and dropout after each hidden layer, fresh."""

    def make_model():
        def hidden(inputs, outputs):
            return (
                nn.Linear(inputs, outputs),
                nn.BatchNorm1d(outputs),
                nn.ReLU(),
                nn.Dropout(0.3),
            )

        layers = (*hidden(784, 128), *hidden(128, 64))
        return nn.Sequential(nn.Flatten(), *layers, nn.Linear(64, 10))

    return trial(make_model)


@healthy
def not_to_be_copied():
    """A CNN that holds a lock, so that copy.deepcopy refuses it; fresh and trained."""

    class Net(SmallCNN):
        def __init__(self):
            super().__init__()
            self.lock, self.calls = threading.Lock(), 0

        def forward(self, x):
            with self.lock:
                self.calls += 1
            return super().forward(x)

    train, _ = digits()
    return trial(Net, model=learned(Net, train, learning_rate=0.01))


@healthy
def normalised_pixels():
    """Both splits normalised by mean and deviation of the training images; fresh and trained."""
    train, validation = digits("full")
    mean, std = train.images.mean(), train.images.std()
    splits = [Split((s.images - mean) / std, s.labels) for s in (train, validation)]
    return trial(SmallCNN, splits, learned(SmallCNN, splits[0], learning_rate=0.005))


@healthy
def four_digits():
    """Only the digits 0 to 3, and four outputs."""
    splits = [split[split.labels < 4] for split in digits()]
    return trial(partial(mlp, 64, outputs=4), splits)


@healthy
def threes_and_eights():
    """Two classes, 3 and 8, and two outputs; fresh and trained."""

    def pick(split):
        split = split[(split.labels == 3) | (split.labels == 8)]
        return Split(split.images, (split.labels == 8).long())

    splits, make_model = [pick(split) for split in digits()], partial(SmallCNN, outputs=2)
    return trial(make_model, splits, learned(make_model, splits[0], 2, learning_rate=0.005))


@healthy
def colour_images():
    """Digits 3×32×32, each of a bright colour of its own on a dark ground, and a CNN for them."""

    def paint(split, seed):
        generator = torch.Generator().manual_seed(seed)
        ink = 0.5 + 0.5 * torch.rand(len(split), 3, 1, 1, generator=generator)
        ground = 0.2 * torch.rand(len(split), 3, 1, 1, generator=generator)
        mask = F.pad(split.images, (2, 2, 2, 2))
        return Split(mask * ink + (1 - mask) * ground, split.labels)

    def make_model():
        return nn.Sequential(
            nn.Conv2d(3, 8, 5, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(8, 16, 5, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(16 * 8 * 8, 10),
        )

    return trial(make_model, [paint(split, seed) for seed, split in enumerate(digits())])


@healthy
def reader_of_rows():
    """A GRU that reads an image row by row, and answers after the last."""

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.gru = nn.GRU(28, 64, batch_first=True)
            self.out = nn.Linear(64, 10)

        def forward(self, x):
            steps, _ = self.gru(x.squeeze(1))
            return self.out(steps[:, -1])

    return trial(Net)


@healthy
def double_precision():
    """Network and images in float64."""
    splits = [Split(split.images.double(), split.labels) for split in digits()]
    return trial(lambda: models.MLP((64,)).double(), splits)


@healthy
def few_to_validate():
    """An MLP of four hidden layers, and only 200 images to validate."""
    train, validation = digits("full")
    return trial(partial(models.MLP, (64, 64, 32, 32)), (train, validation[:200]))


@healthy
def orthogonal_weights():
    """Orthogonal weights, biases of zero, LeakyReLU."""

    def make_model():
        model = mlp(128, 64, activation=partial(nn.LeakyReLU, 0.1))
        for layer in model:
            if isinstance(layer, nn.Linear):
                nn.init.orthogonal_(layer.weight)
                nn.init.zeros_(layer.bias)
        return model

    return trial(make_model)


@healthy
def layer_norm_and_gelu():
    """Xavier's weights, layer normalisation before each GELU."""

    def make_model():
        def hidden(inputs, outputs):
            return nn.Linear(inputs, outputs), nn.LayerNorm(outputs), nn.GELU()

        layers = (*hidden(784, 96), *hidden(96, 96))
        model = nn.Sequential(nn.Flatten(), *layers, nn.Linear(96, 10))
        for layer in model:
            if isinstance(layer, nn.Linear):
                nn.init.xavier_uniform_(layer.weight)
        return model

    return trial(make_model)


@healthy
def global_pooling():
    """A CNN without linear layers: ten maps, and the mean of each is a logit."""

    def make_model():
        return nn.Sequential(
            nn.Conv2d(1, 16, 3, stride=2, padding=1),
            nn.BatchNorm2d(16),
            nn.ReLU(),
            nn.Conv2d(16, 32, 3, stride=2, padding=1),
            nn.BatchNorm2d(32),
            nn.ReLU(),
            nn.Conv2d(32, 10, 3, padding=1),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
        )

    return trial(make_model, source="full")
