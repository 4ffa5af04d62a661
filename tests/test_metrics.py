"""The confusion matrix and the report agree with scikit-learn's, whatever the answers are."""

import warnings
from functools import partial

import numpy as np
import pandas as pd
import pytest
import sklearn.metrics
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mnist_lib import metrics

COLUMNS = ["precision", "recall", "f1", "support"]


@st.composite
def predictions(draw):
    """Answers, labels, and how many classes there are; of these some occur in neither."""
    classes = draw(st.integers(2, 12))
    occurring = draw(st.lists(st.integers(0, classes - 1), min_size=1, unique=True))
    size = draw(st.integers(1, 40))
    numbers = st.lists(st.sampled_from(occurring), min_size=size, max_size=size)
    labels = draw(numbers)
    answers = draw(st.one_of(numbers, st.just(labels)))
    return answers, labels, classes


@settings(max_examples=settings.default.max_examples // 4)
@example(([0, 0, 1], [0, 1, 2], 3))  # a class that is never the answer
@example(([0, 1, 2], [0, 1, 1], 3))  # a class that is never the label
@example(([0, 2, 2], [0, 0, 2], 4))  # classes that are neither
@example(([3], [3], 10))  # one example, right
@example(([3], [4], 10))  # one example, wrong
@example(([1, 2, 0], [0, 1, 2], 3))  # all wrong
@example(([4] * 7, [4] * 7, 10))  # all right
@given(predictions())
def test_the_confusion_matrix_and_the_report_are_those_of_scikit_learn(case):
    answers, labels, classes = case
    matrix = metrics.confusion_matrix(torch.tensor(answers), torch.tensor(labels), classes)
    expected = sklearn.metrics.confusion_matrix(labels, answers, labels=range(classes))
    assert matrix.dtype == torch.int64 and matrix.tolist() == expected.tolist()
    report = metrics.report(torch.tensor(answers), torch.tensor(labels), classes)
    assert list(report.columns) == COLUMNS and list(report.index) == [*range(classes), "macro"]
    scores = partial(
        sklearn.metrics.precision_recall_fscore_support, labels, answers, zero_division=0
    )
    expected = np.array(scores(labels=range(classes)))
    assert report[:-1].to_numpy().T == pytest.approx(expected, abs=1e-6)
    macro = scores(average="macro")[:3]  # of the classes that occur
    assert report.loc["macro", COLUMNS[:3]].tolist() == pytest.approx(macro, abs=1e-6)
    assert report.loc["macro", "support"] == len(labels)


def test_rows_are_labels_and_columns_are_answers():
    matrix = metrics.confusion_matrix([9, 9, 4], [4, 4, 4])
    assert matrix.shape == (10, 10) and matrix.sum() == 3
    assert matrix[4, 9] == 2 and matrix[4, 4] == 1 and matrix[9, 4] == 0


def test_a_class_that_never_occurs_does_not_count_in_the_macro_average():
    report = metrics.report([0, 1, 1], [0, 1, 1], classes=10)
    assert report.loc["macro"].tolist() == [1, 1, 1, 3]
    assert report.loc[5].tolist() == [0, 0, 0, 0]
    report = metrics.report([0, 1, 2], [0, 1, 1], classes=10)  # 2 occurs, as an answer
    assert report.loc["macro", "recall"] == pytest.approx((1 + 1 / 2 + 0) / 3)


def test_division_by_zero_is_silent():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        report = metrics.report([0, 0], [1, 1], classes=3)
    assert not report.isna().any(axis=None) and (report[COLUMNS[:3]] == 0).all(axis=None)


def test_support_is_a_whole_number():
    support = metrics.report([0, 1], [0, 0], classes=2)["support"]
    assert support.tolist() == [2, 0, 2] and pd.api.types.is_integer_dtype(support)


DEVICES = [
    "cpu",
    pytest.param(
        "cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
    ),
]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", [torch.uint8, torch.int32, torch.int64])
def test_any_whole_numbers_will_do(dtype, device):
    answers = torch.tensor([0, 1, 1], dtype=dtype, device=device)
    labels = torch.tensor([0, 1, 0])
    matrix = metrics.confusion_matrix(answers, labels, classes=2)
    assert matrix.device.type == "cpu" and matrix.tolist() == [[1, 1], [0, 1]]
    assert metrics.report(answers, labels, classes=2).equals(
        metrics.report([0, 1, 1], [0, 1, 0], classes=2)
    )


@pytest.mark.parametrize(
    "make",
    [
        lambda numbers: np.array(numbers, dtype=np.uint8),
        lambda numbers: np.array(numbers, dtype=np.uint16),
        lambda numbers: torch.tensor(numbers, dtype=torch.uint16),
        lambda numbers: pd.Series(numbers, index=[7, 5, 3]),
        lambda numbers: [torch.tensor(number) for number in numbers],
        tuple,
    ],
    ids=["uint8", "uint16", "uint16 tensor", "Series", "list of tensors", "tuple"],
)
def test_they_may_be_in_an_array_a_series_or_a_tuple(make):
    matrix = metrics.confusion_matrix(make([0, 1, 1]), make([0, 1, 0]), classes=2)
    assert matrix.tolist() == [[1, 1], [0, 1]]


def test_the_number_of_classes_may_be_that_of_numpy():
    for function in (metrics.confusion_matrix, metrics.report):
        found = function([0, 1, 1], [0, 1, 0], np.int64(2))
        assert found.tolist() == [[1, 1], [0, 1]] if torch.is_tensor(found) else len(found) == 3


@pytest.mark.parametrize(
    ("answers", "labels", "classes", "error", "message"),
    [
        ([1], [1, 2], 3, ValueError, r"should have the same shape,.* got .*\[1\].*\[2\]"),
        ([], [], 3, ValueError, r"answers must be \(N,\), N at least 1, got the shape \(0,\)"),
        ([0.5], [1], 3, TypeError, "answers must be integers, .* got torch.float64"),
        ([0], [1.0], 3, TypeError, "labels must be integers, .* got torch.float64"),
        ([True], [1], 3, TypeError, "answers must be integers, .* got torch.bool"),
        ([[0.2, 0.8]], [1], 2, ValueError, r"answers must be \(N,\), .* got the shape \(1, 2\)"),
        ([[0, 1]], [[0, 1]], 3, ValueError, r"answers must be \(N,\), .* got the shape \(1, 2\)"),
        ([0, 3], [0, 0], 3, ValueError, "answers must be from 0 to 2, got 3"),
        ([0], [-1], 3, ValueError, "labels must be from 0 to 2, got -1"),
        ([0], [10], 10, ValueError, "labels must be from 0 to 9, got 10"),
        ([0], [0], 1, ValueError, "classes must be an integer of at least 2, got 1"),
        ([0], [0], 2.0, TypeError, "classes must be an integer of at least 2, got 2.0"),
        ([0], [0], True, TypeError, "classes must be an integer of at least 2, got True"),
    ],
)
def test_what_does_not_fit_is_refused(answers, labels, classes, error, message):
    for function in (metrics.confusion_matrix, metrics.report):
        with pytest.raises(error, match=message):
            function(answers, labels, classes)
