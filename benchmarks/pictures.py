"""The digits as torchvision's MNIST gives them: a picture that `ToTensor` scales each time it is asked for."""

from torch.utils.data import Dataset
from torchvision.transforms import ToTensor
from torchvision.transforms.functional import to_pil_image


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
