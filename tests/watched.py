"""A model that notes how it is asked: shared by the tests of the widgets."""

import torch

from mnist_lib import models


class Watched(models.ConvNet):
    """A ConvNet in training mode; `asked` has (training, gradients recorded) of every call."""

    def __init__(self):
        super().__init__()
        self.asked = []
        self.train()

    def forward(self, images):
        self.asked.append((self.training, torch.is_grad_enabled()))
        return super().forward(images)
