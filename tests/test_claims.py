"""claim(): ✓ or ✗ for one truth value, a clear refusal for anything else."""

import numpy as np
import pandas as pd
import pytest
import torch

from mnist_lib.claims import claim

PLAIN = [0, 1, 3, 0.0, 1.5, "yes", "", None, [], [True, False], (True,), {"a": 1}, len]
NUMBERS = [np.int64(1), np.float32(0), torch.tensor(1), torch.tensor(0.5)]
EMPTY = [np.array([], bool), torch.tensor([], dtype=torch.bool), pd.DataFrame({"a": [True]})]
ARRAYS = [
    kind(values)
    for kind in (np.array, torch.tensor, pd.Series)
    for values in ([True, False], [1], [0.5], [1.0, 2.0])
]


@pytest.mark.parametrize("held", [True, False])
@pytest.mark.parametrize(
    "kind",
    [bool, np.bool_, torch.tensor, np.array]
    + [lambda value, kind=kind: kind([value]) for kind in (np.array, torch.tensor, pd.Series)]
    + [lambda value: torch.tensor([[value]]), lambda value: pd.Series([value, value]).all()],
)
def test_one_truth_value_is_printed_with_its_mark(kind, held, capsys):
    assert claim("The sum is 10 %, or {more}.", kind(held)) is None
    printed = capsys.readouterr()
    assert printed.out == f"{'✓' if held else '✗'} The sum is 10 %, or {{more}}.\n"
    assert printed.err == ""


@pytest.mark.parametrize("condition", PLAIN + NUMBERS + EMPTY + ARRAYS)
def test_anything_else_is_refused(condition, capsys):
    with pytest.raises(TypeError, match="condition must be one truth value, such as ") as caught:
        claim("It holds.", condition)
    assert f"got {type(condition).__name__}" in str(caught.value)
    assert capsys.readouterr().out == ""


def test_the_message_stays_short_for_large_arrays():
    with pytest.raises(TypeError) as caught:
        claim("It holds.", np.zeros(1_000_000))
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("sentence", [True, 3, None, b"It holds."])
def test_the_sentence_is_text(sentence):
    with pytest.raises(TypeError, match=f"sentence must be a str, got {type(sentence).__name__}"):
        claim(sentence, True)
