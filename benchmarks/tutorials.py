"""What the benchmarks take from the tutorials: their networks, and digits as pictures that `ToTensor` scales."""

from functools import partial

from torch.utils.data import Dataset
from torchvision.transforms import ToTensor
from torchvision.transforms.functional import to_pil_image

from mnist_lib.models import MLP, BatchNormCNN, ConvNet, TinyVGG, UnpaddedConvNet

NETWORKS = {  # the letters are those of the tutorials; the last one is the course's own
    "E V1 without its ReLU": partial(MLP, (10,)),
    "C MLP 64-64-32-32": partial(MLP, (64, 64, 32, 32)),
    "A ConvNet": ConvNet,
    "D conv 16-64": UnpaddedConvNet,
    "E TinyVGG": TinyVGG,
    "BatchNormCNN": BatchNormCNN,
}


class Pictures(Dataset):
    """A split as the tutorials read it."""

    def __init__(self, split):
        self.pictures = [to_pil_image(image) for image in split.images]
        self.labels = split.labels.tolist()
        self.transform = ToTensor()

    def __len__(self):
        return len(self.pictures)

    def __getitem__(self, index):
        return self.transform(self.pictures[index]), self.labels[index]
