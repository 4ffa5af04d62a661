"""Drawings in a file: what was kept comes back, nothing is lost, and what is no drawing is refused in words."""

import json
import os

import pytest

from mnist_lib.machinery.drawings import load_drawings, save_drawings

ONE = {"writer": "Zoë", "digit": 1, "pen": 0.05, "strokes": [[[0.5, 0.2], [0.5, 0.8]]]}
DOT = {"writer": "me", "digit": 0, "pen": 0.08, "strokes": [[[0.25, 0.75]], [[0.1, 0.1]]]}


def test_drawings_come_back_as_they_were_and_a_file_is_replaced(tmp_path):
    path = tmp_path / "mine.json"
    for drawings in ([ONE, DOT], [DOT], []):
        save_drawings(path, drawings)
        assert load_drawings(path) == load_drawings(str(path)) == drawings
    assert os.listdir(tmp_path) == ["mine.json"]


def test_points_may_be_tuples_and_the_file_is_plain_json(tmp_path):
    save_drawings(tmp_path / "a", [ONE | {"strokes": [[(0.5, 0.2), (0.5, 0.8)]]}])
    assert json.loads((tmp_path / "a").read_text("utf-8")) == [ONE] == load_drawings(tmp_path / "a")


@pytest.mark.parametrize(
    ("drawings", "error", "message"),
    [
        (ONE, TypeError, r"must be a list of drawings, got a dict"),
        ([ONE, 7], ValueError, r"\[1\] must be a dict with the keys writer, digit, pen, strokes"),
        ([{"writer": "me", "digit": 1}], ValueError, r"\[0\] must be a dict with the keys"),
        ([ONE | {"date": 1}], ValueError, r"\[0\] must be a dict with the keys"),
        ([ONE | {"writer": 3}], TypeError, r"\[0\]\['writer'\] must be a text, got 3"),
        ([ONE | {"digit": 10}], ValueError, r"\[0\]\['digit'\] must be an integer from 0 to 9"),
        ([ONE | {"digit": "7"}], TypeError, r"\['digit'\] must be an integer from 0 to 9, got '7'"),
        ([ONE | {"pen": 5}], ValueError, r"\[0\]\['pen'\] must be a number from 0.001 to 1, got 5"),
        ([ONE | {"strokes": []}], ValueError, r"\['strokes'\] must hold at least one stroke"),
        ([ONE | {"strokes": [[0.5, 0.5]]}], ValueError, r"\[0\]: strokes\[0\] must be points"),
    ],
)
def test_what_is_no_drawing_is_refused_when_written_and_when_read(
    tmp_path, drawings, error, message
):
    path = tmp_path / "mine.json"
    save_drawings(path, [DOT])
    with pytest.raises(error, match=message):
        save_drawings(path, drawings)
    assert load_drawings(path) == [DOT]
    path.write_text(json.dumps(drawings))
    with pytest.raises(error, match=message):
        load_drawings(path)


def test_a_file_of_another_kind_is_named(tmp_path):
    path = tmp_path / "diary.txt"
    for content in (b"Dear diary", b"", b'[{"writer": "me"', b"\xff\xfe"):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"diary\.txt must be a file of drawings, as JSON"):
            load_drawings(path)
    with pytest.raises(FileNotFoundError):
        load_drawings(tmp_path / "none.json")


def test_if_it_cannot_be_written_the_old_file_is_there_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "mine.json"
    save_drawings(path, [DOT])

    def full(*paths):
        raise OSError("No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(os, "replace", full)
        with pytest.raises(OSError, match="No space"):
            save_drawings(path, [ONE])
    assert load_drawings(path) == [DOT] and os.listdir(tmp_path) == ["mine.json"]
