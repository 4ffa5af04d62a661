"""The networks of the series. All take images (N, 1, 28, 28) and return logits (N, 10): no softmax at the end."""

from itertools import pairwise

import torch
from torch import nn


class DigitModel(nn.Module):
    """What the models share: they check their input, then run `layers`.

    Raises:
        TypeError: in a call, the images are not a tensor of the dtype of the weights.
        ValueError: in a call, they are not of the shape (N, 1, 28, 28).
    """

    def __init__(self, *layers):
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, images):
        """Logits (N, 10) of images (N, 1, 28, 28)."""
        dtype, promise = next(self.parameters()).dtype, "the model returns logits (N, 10)"
        got = images.dtype if isinstance(images, torch.Tensor) else type(images).__name__
        if got != dtype:
            expected = f"a {dtype} tensor, like the model's weights, with 0 black and 1 white"
            raise TypeError(f"images must be {expected}, got {got}; {promise}")
        if images.ndim != 4 or images.shape[1:] != (1, 28, 28):
            got = tuple(images.shape)
            raise ValueError(f"images must have the shape (N, 1, 28, 28), got {got}; {promise}")
        return self.layers(images)


class SoftmaxClassifier(DigitModel):
    """One linear layer, 784 → 10: a softmax of its logits is multinomial logistic regression (notebook 06).

    >>> count_parameters(SoftmaxClassifier())
    7850
    """

    def __init__(self):
        super().__init__(nn.Flatten(), nn.Linear(784, 10))


class TwoLinearLayers(DigitModel):
    """Two linear layers, 784 → hidden → 10, with nothing in between: still a linear model (notebook 06).

    Args:
        hidden: the outputs of the first layer.

    >>> count_parameters(TwoLinearLayers())
    7960
    """

    def __init__(self, hidden=10):
        super().__init__(nn.Flatten(), nn.Linear(784, hidden), nn.Linear(hidden, 10))


class MLP(DigitModel):
    """A multilayer perceptron: linear layers with a ReLU after each hidden one (notebook 06).

    Args:
        hidden: the widths of the hidden layers.
        relu_on_logits: put a ReLU after the last layer too. This is a mistake, kept to be studied.

    Raises:
        TypeError: `hidden` is one number; `(64)` is one, `(64,)` is a tuple.

    >>> count_parameters(MLP((64, 64, 32, 32))), count_parameters(MLP((64, 64, 64)))
    (57866, 59210)
    >>> count_parameters(MLP((10,), relu_on_logits=True))
    7960
    """

    def __init__(self, hidden=(128,), relu_on_logits=False):
        if isinstance(hidden, int):
            raise TypeError(f"hidden must be a tuple of widths, such as ({hidden},), got {hidden}")
        layers = [nn.Flatten()]
        for inputs, outputs in pairwise((784, *hidden, 10)):
            layers += [nn.Linear(inputs, outputs), nn.ReLU()]
        if not relu_on_logits:
            layers.pop()  # the ReLU after the last layer
        super().__init__(*layers)


class ConvNet(DigitModel):
    """Two 5×5 convolutions, each with max pooling, then a hidden layer with dropout (notebook 07).

    >>> count_parameters(ConvNet())
    207258
    """

    def __init__(self):
        super().__init__(
            nn.Conv2d(1, 4, kernel_size=5, padding=2),  # (N, 4, 28, 28)
            nn.MaxPool2d(2),  # (N, 4, 14, 14)
            nn.ReLU(),  # more often before the pooling: the same numbers, for four times the work
            nn.Conv2d(4, 8, kernel_size=5, padding=2),  # (N, 8, 14, 14)
            nn.MaxPool2d(2),  # (N, 8, 7, 7)
            nn.ReLU(),
            nn.Flatten(),  # (N, 392)
            nn.Linear(8 * 7 * 7, 512),  # (N, 512)
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Linear(512, 10),  # (N, 10)
        )


class UnpaddedConvNet(DigitModel):
    """Two convolutions without padding, so that the maps shrink: 28 → 24 → 12 → 10 → 5 (notebook 07).

    >>> count_parameters(UnpaddedConvNet())
    25706
    """

    def __init__(self):
        super().__init__(
            nn.Conv2d(1, 16, kernel_size=5),  # (N, 16, 24, 24)
            nn.MaxPool2d(2),  # (N, 16, 12, 12)
            nn.ReLU(),
            nn.Conv2d(16, 64, kernel_size=3),  # (N, 64, 10, 10)
            nn.MaxPool2d(2),  # (N, 64, 5, 5)
            nn.ReLU(),
            nn.Flatten(),  # (N, 1600)
            nn.Dropout(0.5),
            nn.Linear(64 * 5 * 5, 10),  # (N, 10)
        )


class TinyVGG(DigitModel):
    """Two blocks of two 3×3 convolutions (notebook 07), after the VGG networks (Simonyan and Zisserman 2014).

    Args:
        channels: feature maps of every convolution.

    >>> count_parameters(TinyVGG())
    7740
    """

    def __init__(self, channels=10):
        def block(inputs):
            return (
                nn.Conv2d(inputs, channels, kernel_size=3, padding=1),
                nn.ReLU(),
                nn.Conv2d(channels, channels, kernel_size=3, padding=1),
                nn.MaxPool2d(2),  # half the height and width
                nn.ReLU(),
            )

        super().__init__(
            *block(1),  # (N, channels, 14, 14)
            *block(channels),  # (N, channels, 7, 7)
            nn.Flatten(),
            nn.Linear(channels * 7 * 7, 10),  # (N, 10)
        )


class BatchNormCNN(DigitModel):
    """Three 3×3 convolutions with batch normalisation (Ioffe and Szegedy 2015), then a linear layer (notebook 07).

    Args:
        channels: feature maps of the three convolutions.

    >>> count_parameters(BatchNormCNN())
    29178
    """

    def __init__(self, channels=(16, 32, 64)):
        layers = []
        for inputs, outputs in pairwise((1, *channels)):
            layers += [
                nn.Conv2d(inputs, outputs, kernel_size=3, padding=1, bias=False),
                nn.BatchNorm2d(outputs),
                nn.MaxPool2d(2),  # 28 → 14 → 7 → 3: the last row and column of 7 are dropped
                nn.ReLU(),
            ]
        super().__init__(*layers, nn.Flatten(), nn.Linear(channels[-1] * 3 * 3, 10))


def count_parameters(model):
    """The number of values in `model` that training changes, an int (built in notebook 06).

    >>> count_parameters(nn.Linear(784, 10))
    7850
    """
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
