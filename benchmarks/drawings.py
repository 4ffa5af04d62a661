"""What the preparation of a drawing is worth: each stage added, and each left out, on drawings made from test digits.

    python benchmarks/drawings.py [--digits 1000] [--seeds 3]

Test digits are traced; their strokes are drawn again at a random place of the pad, 30 to 90 % of it in size, by a pen
of 2 to 8 % and a less steady hand. Two networks, which never saw a drawing, read them: squeezed to 28×28, as a
well-known tutorial does, and prepared as MNIST was. Prints accuracies, mean confidences and those of wrong answers
in per cent: the mean over the seeds of the drawings, and their range. The same digits as they are stand on top.

Takes all of MNIST if it is there, else the sample. Training takes most of the time: with all of MNIST about a minute
and a half on one thread of an idle machine, on the sample ten seconds; a seed takes about five seconds for each
thousand digits.
"""

import argparse

import numpy as np
import pandas as pd
import torch

from mnist_lib import training
from mnist_lib.data import load_mnist
from mnist_lib.machinery.tracing import trace, vary
from mnist_lib.models import BatchNormCNN, TinyVGG
from mnist_lib.strokes import (
    PEN,
    centre_by_mass,
    draw,
    fit_to_box,
    prepare,
    scaled_pen,
)

EPOCHS = {"full": 3, "sample": 10}


def train(make_model, mnist):
    """A network, trained on the digits themselves."""
    epochs = EPOCHS[mnist.source]
    return training.train(
        make_model, mnist.train, epochs, seed=0, learning_rate=0.01, batch_size=64
    )


def in_box(strokes, pen):
    """The whole picture scaled until its ink fits the box: the pen is scaled with it."""
    pen = scaled_pen(strokes, pen)
    return fit_to_box(strokes, pen), pen


def in_box_centred(strokes, pen):
    """The same, and its centre of mass moved."""
    strokes, pen = in_box(strokes, pen)
    return centre_by_mass(strokes, pen), pen


def centred_at_14(strokes):
    """The full preparation with the centre of mass in the middle of the image: half a pixel from MNIST's."""
    return draw(centre_by_mass(fit_to_box(strokes, PEN), PEN, middle=0.5), PEN)


STAGES = {  # what becomes of the strokes of a drawing, and the pen it was drawn with
    "squeezed, 0…255": lambda strokes, pen: draw(strokes, pen) * 255,
    "squeezed": draw,
    "+ box": lambda strokes, pen: draw(*in_box(strokes, pen)),
    "+ centre of mass": lambda strokes, pen: draw(*in_box_centred(strokes, pen)),
    "+ pen: the full preparation": lambda strokes, pen: prepare(strokes),
    "full, without 0…1": lambda strokes, pen: prepare(strokes) * 255,
    "full, without box": lambda strokes, pen: draw(centre_by_mass(strokes, PEN), PEN),
    "full, without centre of mass": lambda strokes, pen: draw(fit_to_box(strokes, PEN), PEN),
    "full, without pen": lambda strokes, pen: draw(*in_box_centred(strokes, pen)),
    "full, centre at 14, not 14.5": lambda strokes, pen: centred_at_14(strokes),
}


def judge(model, images, labels):
    """Accuracy, mean confidence, and that of the wrong answers, in per cent."""
    confidence, answers = training.probabilities(model, torch.stack(images)).max(dim=1)
    right = answers == labels
    numbers = (right.float().mean(), confidence.mean(), confidence[~right].mean())
    return [100 * number.item() for number in numbers]


def ink_of(strokes, pen):
    """The sum of all pixels."""
    return draw(strokes, pen).sum().item()


def measured_pen(image):
    """The pen, in pixels, that gives the traced strokes of a digit as much ink as it has: found by halving."""
    strokes, low, high = trace(image), 0.01, 0.5
    for _ in range(10):
        middle = (low + high) / 2
        low, high = (
            (middle, high) if ink_of(strokes, middle) < image.sum().item() else (low, middle)
        )
    return 28 * low


def print_pens(images):
    """Print how wide the pen of training digits is."""
    quartiles = np.percentile([measured_pen(image) for image in images], [25, 50, 75])
    low, middle, high = (f"{pen:.2f}" for pen in quartiles)
    print(f"pen of {len(images)} training digits: {middle} pixels in the middle, half of them")
    print(f"from {low} to {high}; PEN is {28 * PEN:.2f}")


def measure(models, digits, labels, seeds):
    """A DataFrame: a row for each model, stage, seed; accuracy, confidence and confidence when wrong."""
    traced = [trace(digit) for digit in digits]
    images = {
        ("the digits themselves", 0): list(digits),
        ("traced", 0): [draw(strokes, PEN) for strokes in traced],
        ("traced, prepared", 0): [prepare(strokes) for strokes in traced],
    }
    for seed in range(seeds):
        generator = torch.Generator().manual_seed(seed)
        drawings = [vary(strokes, generator) for strokes in traced]
        for name, stage in STAGES.items():
            images[name, seed] = [stage(*drawing) for drawing in drawings]
    rows = [
        (model_name, name, seed, *judge(model, pictures, labels))
        for model_name, model in models.items()
        for (name, seed), pictures in images.items()
    ]
    columns = ["model", "stage", "seed", "accuracy", "confidence", "when wrong"]
    return pd.DataFrame(rows, columns=columns)


def summary(values):
    """Mean and range of the seeds, as text."""
    spread = f" ({values.min():.1f} to {values.max():.1f})" if len(values) > 1 else ""
    return f"{values.mean():.1f}{spread}"


def main():
    """Train, measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--digits", type=int, default=1000, help="how many test digits")
    parser.add_argument("--seeds", type=int, default=3, help="how many drawings of each")
    arguments = parser.parse_args()
    mnist = load_mnist()
    print_pens(mnist.train.images[:500])
    models = {kind.__name__: train(kind, mnist) for kind in (BatchNormCNN, TinyVGG)}
    digits = mnist.test[: arguments.digits]
    results = measure(models, digits.images, digits.labels, arguments.seeds)
    for name, rows in results.groupby("model", sort=False):
        table = rows.drop(columns=["model", "seed"]).groupby("stage", sort=False)
        print(f"\n{name}, {len(digits)} digits, in per cent")
        print(table.agg(summary).rename_axis(None).to_string())


if __name__ == "__main__":
    main()
