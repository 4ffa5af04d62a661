"""The book of drawings, driven from Python: it asks, keeps at once, goes on, and loses nothing."""

import html
import os
import re
from collections import Counter

import pytest

from mnist_lib.machinery.drawings import load_drawings, save_drawings
from mnist_lib.widgets import drawing_book

LINE = [[[0.5, 0.2], [0.5, 0.8]]]


def words(book):
    return html.unescape(re.sub(r"<[^>]*>", "", book.text.value))


def draw_and_keep(book, drawing=LINE):
    book.canvas.set_state({"strokes": drawing})  # as the page does
    book.keep_button.click()


def test_it_asks_for_each_digit_as_often_as_it_says_and_keeps_each_drawing_at_once(tmp_path):
    path = tmp_path / "mine.json"
    book, asked = drawing_book(path, "Ann"), []
    for number in range(20):
        asked.append(book.asked)
        assert words(book).startswith(f"Draw this digit the way you always write it: {asked[-1]}.")
        assert f"({number + 1} of 20)" in words(book)
        draw_and_keep(book, [[[number / 20, 0.5]]])
        assert book.canvas.strokes == []
        expected = {"writer": "Ann", "digit": asked[-1], "pen": 0.05}
        assert load_drawings(path)[number:] == [expected | {"strokes": [[[number / 20, 0.5]]]}]
    assert set(Counter(asked).values()) == {2} and asked != sorted(asked)
    assert words(book) == "All 20 are kept in mine.json. Thank you! Now run the next cells."
    assert book.asked is None and book.keep_button.disabled
    book.canvas.strokes = LINE
    book.keep()
    assert len(load_drawings(path)) == 20 and book.canvas.strokes == LINE


def test_it_goes_on_where_it_was_and_a_second_writer_begins_anew(tmp_path):
    path = tmp_path / "ours.json"
    first = drawing_book(path, "Ann", each=1)
    order = []
    for _ in range(3):
        order.append(first.asked)
        draw_and_keep(first)
    again, other = drawing_book(str(path), " Ann ", each=1), drawing_book(path, "Bob", each=1)
    assert again.asked == first.asked and "(4 of 10)" in words(again)
    assert other.asked == order[0] and "(1 of 10)" in words(other)
    draw_and_keep(other)
    draw_and_keep(again)  # it was opened before the other wrote
    writers = [drawing["writer"] for drawing in again.drawings]
    assert writers == ["Ann", "Ann", "Ann", "Bob", "Ann"]


def test_drawings_from_elsewhere_count(tmp_path):
    path = tmp_path / "mine.json"
    first = drawing_book(path).asked
    one = {"writer": "me", "digit": first, "pen": 0.05, "strokes": LINE}
    save_drawings(path, [one, one])
    kept = drawing_book(path)
    asked = []
    while kept.asked is not None:
        asked.append(kept.asked)
        draw_and_keep(kept)
    assert len(asked) == 18 and first not in asked


def test_the_last_drawing_can_be_taken_back_to_the_pad(tmp_path):
    path = tmp_path / "mine.json"
    book = drawing_book(path, "Ann")
    assert book.back_button.disabled
    first = book.asked
    draw_and_keep(book)
    draw_and_keep(drawing_book(path, "Bob"), [[[0.1, 0.1]]])
    book.back_button.click()
    assert book.canvas.strokes == LINE and book.asked == first and book.back_button.disabled
    assert [drawing["writer"] for drawing in load_drawings(path)] == ["Bob"]
    book.take_back()
    assert words(book).startswith("First keep or clear what is on the pad.")
    assert book.canvas.strokes == LINE


def test_an_empty_pad_is_not_kept(tmp_path):
    book = drawing_book(tmp_path / "mine.json")
    book.keep_button.click()
    assert words(book).startswith("Nothing is drawn yet. Draw this digit")
    assert not (tmp_path / "mine.json").exists()


def test_what_cannot_be_written_stays_on_the_pad_and_is_said(tmp_path, monkeypatch):
    path = tmp_path / "mine.json"
    book = drawing_book(path)
    asked = book.asked

    def full(*paths):
        raise OSError("No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(os, "replace", full)
        draw_and_keep(book)
    assert "could not be saved, and the pad is as it was" in words(book)
    assert "(No space left on device)" in words(book)
    assert (book.canvas.strokes, book.asked, book.drawings) == (LINE, asked, [])
    path.write_text("Dear diary")
    book.keep()
    assert "mine.json must be a file of drawings" in words(book)
    assert book.canvas.strokes == LINE and path.read_text() == "Dear diary"
    path.unlink()
    book.keep()
    assert book.canvas.strokes == [] and len(book.drawings) == 1


def test_a_problem_of_the_page_is_said_and_goes(tmp_path):
    book = drawing_book(tmp_path / "mine.json")
    request = words(book)
    book.canvas._handle_custom_msg({"name": "diary.txt"}, [b"Dear diary"])
    assert words(book).startswith("diary.txt is not a picture") and words(book).endswith(request)
    draw_and_keep(book)
    assert words(book).startswith("Draw this digit")


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"writer": " "}, ValueError, "writer must be a name, got ' '"),
        ({"writer": 7}, ValueError, "writer must be a name, got 7"),
        ({"each": 0}, ValueError, "each must be an integer from 1 to 100, got 0"),
    ],
)
def test_arguments_are_checked(tmp_path, options, error, message):
    with pytest.raises(error, match=message):
        drawing_book(tmp_path / "mine.json", **options)
    (tmp_path / "mine.json").write_text("{}")
    with pytest.raises(TypeError, match=r"mine\.json must be a list of drawings"):
        drawing_book(tmp_path / "mine.json")


def test_a_stored_notebook_says_that_there_is_a_book(tmp_path):
    sentence = "A book of drawings: run this notebook to draw digits and keep them in a file."
    assert repr(drawing_book(tmp_path / "mine.json")) == sentence
