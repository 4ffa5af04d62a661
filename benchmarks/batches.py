"""How much faster slices of a tensor are than a DataLoader: the ratios behind notebook 05.

    python benchmarks/batches.py

Goes through the validation split in batches of 64, three ways, in turns, and prints each median in
multiples of the fastest way's. Other programs on the machine disturb it; run it when little else runs.
"""

from statistics import median
from time import perf_counter

from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import ToTensor
from torchvision.transforms.functional import to_pil_image

from mnist_lib.data import Batches, load_mnist

ROUNDS = 15


class Pictures(Dataset):
    """A split as pictures that `ToTensor` scales each time they are asked for."""

    def __init__(self, split):
        self.pictures = [to_pil_image(image) for image in split.images]
        self.labels = split.labels

    def __len__(self):
        return len(self.pictures)

    def __getitem__(self, index):
        return ToTensor()(self.pictures[index]), self.labels[index]


def main():
    """Measure and print."""
    split = load_mnist().validation
    ways = {
        "Batches": Batches(split, 64, shuffle=True),
        "DataLoader over tensors": DataLoader(split, 64, shuffle=True),
        "DataLoader with ToTensor": DataLoader(Pictures(split), 64, shuffle=True),
    }
    seconds = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, batches in ways.items():
            start = perf_counter()
            for _ in batches:
                pass
            seconds[name].append(perf_counter() - start)
    fastest = median(seconds["Batches"])
    for name, times in seconds.items():
        ratios = [time / fastest for time in sorted(times)]
        print(f"{name:<26}{median(ratios):6.1f}  (from {ratios[0]:.1f} to {ratios[-1]:.1f})")


if __name__ == "__main__":
    main()
