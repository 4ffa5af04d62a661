"""The exercises of notebook 13_draw_a_digit."""

import functools

import numpy as np

from ..models import BatchNormCNN
from ..strokes import check_strokes, prepare
from ..training import predict, train
from .base import exercise, quiet_mnist

SEVEN = [(0.2, 0.2), (0.48, 0.22), (0.78, 0.18), (0.62, 0.5), (0.5, 0.85)]
ITS_BAR = [(0.4, 0.53), (0.72, 0.5)]


@exercise("13-stage")
def _stage(answer):
    """Draw each after one stage alone, and ask the networks. Which of them turns a drawing?"""
    words = [str(word).strip().lower() for word in answer]
    if len(words) != 4 or not set(words) <= {"size", "place", "pen", "none"}:
        yield f'four of the words "size", "place", "pen", "none" are asked for, and yours is {answer!r}.'
    told = {
        "a": ("place", "its size and its pen are MNIST's. What is left?"),
        "b": ("size", "it is in the middle already, and small."),
        "c": ("pen", "it is large, and in the middle. How bright is it?"),
        "d": ("none", "size, place and pen are MNIST's already. What would you do with the paper?"),
    }
    for word, (name, (right, said)) in zip(words, told.items()):
        yield word != right and f"look at {name} again: {said}"


@exercise("13-fool")
def _fool(answer):
    """The box is 20 pixels for all that is drawn: what becomes of the 7 if there is ink far from it?"""
    (stroke,) = check_strokes([answer])
    length = np.linalg.norm(np.diff(stroke, axis=0), axis=1).sum()
    if stroke.min() < 0 or stroke.max() > 1:
        yield "your stroke leaves the pad, which reaches from 0 to 1 both ways."
    yield length > 0.500001 and f"your stroke is {length:.2f} of the pad long, and 0.5 is the most."
    if predict(_reader(), prepare([SEVEN, ITS_BAR, stroke])[None]).item() == 7:
        yield "the network still reads a 7."


@functools.cache
def _reader():
    """A CNN that has learned the sample."""
    return train(BatchNormCNN, quiet_mnist("sample").train, epochs=2, seed=0, batch_size=64)
