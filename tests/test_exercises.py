"""The checks behind "Your turn": right answers pass, wrong ones are told what was probably misunderstood."""

import ast
from fractions import Fraction

import numpy as np
import pytest
import torch
from notebook_rules import code_cells, main_notebooks, read
from torch import nn

from mnist_lib.exercises import CHECKS, check, hint
from mnist_lib.models import MLP, ConvNet, TinyVGG

RIGHT = {
    "00-pixels": [784, 784.0, np.int64(784), torch.tensor(784)],
    "00-chance": [0.1, Fraction(1, 10), np.float32(0.1)],
    "00-percent": [lambda right, seen: right / seen * 100],
    "05-batches": [860],
    "05-exchanged": [lambda split, index: (1 - split.images[index], split.labels[index])],
    "05-place": [399],
    "05-scale": [lambda pixels: pixels.float() / 255, lambda pixels: pixels / 255],
    "05-which-split": ["validation", "Validation"],
    "06-parameters": [79_510],
    "06-counting": [48 / 72, 0.667],
    "06-accuracy": [
        lambda logits, labels: (logits.argmax(dim=1) == labels).float().mean(),
        lambda logits, labels: (logits.argmax(1) == labels).sum().item() / len(labels),
    ],
    "06-softmax": [lambda logits: logits.softmax(dim=1), lambda logits: logits.double().softmax(1)],
    "06-diagnosis": ["cannot learn", "It cannot learn."],
    "07-size": [12],
    "07-parameters": [9280],
    "07-small": [
        lambda: nn.Sequential(
            nn.Conv2d(1, 2, 5, stride=4), nn.ReLU(), nn.Flatten(), nn.Linear(72, 10)
        )
    ],
}
WRONG = [
    ("00-pixels", 28, "one row"),
    ("00-pixels", 56, "added"),
    ("00-pixels", 256, "grey levels"),
    ("00-pixels", 785, "785 is not it"),
    ("00-pixels", "784", "is a number"),
    ("00-pixels", True, "is a number"),
    ("00-chance", 10, "not the percentage"),
    ("00-chance", 0.5, "two classes"),
    ("00-percent", lambda right, seen: right / seen, "that is the share"),
    ("00-percent", lambda right, seen: round(100 * right / seen), "do not round"),
    ("00-percent", lambda right, seen: 93.1, "3 of 4"),
    ("00-percent", lambda right: 1, "stopped with TypeError"),
    ("00-percent", 93.1, "the answer is a function"),
    ("05-batches", 859, "left out the last"),
    ("05-batches", 859.375, "round up"),
    (
        "05-exchanged",
        lambda split, index: 1 - split.images[index],
        "return the image and its label",
    ),
    ("05-exchanged", lambda split, index: (-split.images[index], split.labels[index]), "minus one"),
    (
        "05-exchanged",
        lambda split, index: (255 - split.images[index], split.labels[index]),
        "to 255",
    ),
    (
        "05-exchanged",
        lambda split, index: (1 - split.images[index], index),
        "the label of example 1",
    ),
    ("05-exchanged", lambda split, index: split[index], "should become"),
    (
        "05-exchanged",
        lambda split, index: (split.images[index].neg_().add_(1), split.labels[index]),
        "changed the split itself",
    ),
    ("05-place", 210, "swapped"),
    ("05-place", 370, "counted from 0"),
    ("05-scale", lambda pixels: pixels, "float32"),
    ("05-scale", lambda pixels: (pixels / 255).numpy(), "is a tensor"),
    ("05-scale", lambda pixels: pixels.float() / 256, "255, not 256"),
    ("05-scale", lambda pixels: pixels.float() / pixels.max(), "brightest"),
    ("05-scale", lambda pixels: pixels.float(), "beyond 1"),
    ("05-scale", lambda pixels: (pixels / 255).unsqueeze(0), "the shape stays"),
    ("05-which-split", "test", "no longer unseen"),
    ("05-which-split", "train", "memorises"),
    ("05-which-split", "all", 'is "train", "validation" or "test"'),
    ("06-parameters", 79_400, "biases"),
    ("06-counting", 0.5, "mean of the three batches"),
    ("06-counting", 48, "divide"),
    ("06-diagnosis", "over-fitting", "good on its training images"),
    ("06-diagnosis", "bad luck", 'the answer is "over-fitting" or'),
    (
        "06-accuracy",
        lambda logits, labels: (logits.argmax(1) != labels).float().mean(),
        "wrong answers",
    ),
    (
        "06-accuracy",
        lambda logits, labels: (logits.argmax(1) == labels).sum() / 4,
        "not of classes",
    ),
    ("06-accuracy", lambda logits, labels: logits.argmax(1) == labels, "one number"),
    ("06-accuracy", lambda logits, labels: "0.6", "is a number"),
    ("06-accuracy", lambda logits, labels: (logits.argmax(1) == labels).sum(), "divide"),
    (
        "06-accuracy",
        lambda logits, labels: (logits.argmax(0) == labels).float().mean(),
        "stopped with",
    ),
    (
        "06-accuracy",
        lambda logits, labels: 100 * (logits.argmax(1) == labels).float().mean(),
        "percent",
    ),
    ("06-softmax", lambda logits: logits.softmax(dim=0), "over the batch"),
    ("06-softmax", lambda logits: logits.exp() / logits.exp().sum(), "all entries together"),
    ("06-softmax", lambda logits: logits.exp() / logits.exp().sum(1, keepdim=True), "own maximum"),
    ("06-softmax", lambda logits: logits.log_softmax(dim=1), "not the exponentials"),
    (
        "06-softmax",
        lambda logits: (
            (logits - logits.max()).exp() / (logits - logits.max()).exp().sum(1, keepdim=True)
        ),
        "own maximum",
    ),
    ("06-softmax", lambda logits: logits.softmax(dim=1).sum(dim=1), "shape of the logits"),
    ("07-size", 14, "shrinks"),
    ("07-size", 24, "halves"),
    ("07-parameters", 9216, "biases"),
    ("07-parameters", 640, "16 input channels"),
    ("07-small", MLP, "no convolution"),
    ("07-small", TinyVGG, "7,740 parameters"),
    ("07-small", ConvNet, "207,258 parameters"),
    ("07-small", lambda: 5, "returns a model"),
    (
        "07-small",
        lambda: nn.Sequential(
            nn.Conv2d(1, 2, 5, stride=4), nn.Flatten(), nn.Linear(72, 10), nn.Softmax(1)
        ),
        "should be logits",
    ),
    (
        "07-small",
        lambda: nn.Sequential(nn.Conv2d(1, 2, 5, stride=4), nn.Flatten(), nn.Linear(72, 5)),
        "logits (3, 10)",
    ),
]


def said(capsys, name, answer):
    check(name, answer)
    return capsys.readouterr().out


@pytest.mark.parametrize("name", CHECKS)
def test_right_answers_are_right(name, capsys):
    for answer in RIGHT[name]:
        assert said(capsys, name, answer) == "✓ Right.\n"


@pytest.mark.parametrize(("name", "answer", "words"), WRONG)
def test_wrong_answers_are_told_what_was_misunderstood(name, answer, words, capsys):
    line = said(capsys, name, answer)
    assert line.startswith("✗ Not yet: ") and words in line and line.count("\n") == 1


@pytest.mark.parametrize("name", CHECKS)
def test_no_answer_is_no_wrong_answer(name, capsys):
    for answer in (..., None):
        assert said(capsys, name, answer).startswith("○ Not answered yet: put your answer")
    if callable(RIGHT[name][0]):
        line = said(capsys, name, lambda *arguments: print("931 of 1000"))
        assert "○ Not answered yet: the function returns nothing" in line


@pytest.mark.parametrize("name", CHECKS)
def test_each_has_a_hint_that_does_not_tell_the_answer(name, capsys):
    hint(name)
    line = capsys.readouterr().out
    assert line.strip()
    assert f"{RIGHT[name][0]}" not in line or name == "05-which-split"


def test_an_unknown_name_is_named():
    for function in (hint, lambda name: check(name, 1)):
        with pytest.raises(KeyError, match="'00-pixel'"):
            function("00-pixel")


def test_every_check_is_used_in_its_notebook():
    used = {}
    for path in main_notebooks():
        for _, cell in code_cells(read(path), "check"):
            for node in ast.walk(ast.parse(cell.source)):
                if isinstance(node, ast.Call) and node.func.id == "check":
                    used[node.args[0].value] = path.stem
    assert set(used) == set(CHECKS)
    assert all(name[:2] == stem[:2] for name, stem in used.items())
