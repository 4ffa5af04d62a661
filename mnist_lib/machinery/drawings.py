"""Drawings that people made, with what they meant to draw: kept in a file, and read again (notebook 13)."""

import json
from pathlib import Path

from ..strokes import check_strokes
from .checks import integer, number
from .files import write_whole

KEYS = ("writer", "digit", "pen", "strokes")


def save_drawings(path, drawings):
    """Write drawings to a file, as JSON and in one step: a whole file is there at every moment, the old or the new one.

    Args:
        path: the file to write; its folder exists.
        drawings: a list of dicts with four keys. "writer", a text: who drew it. "digit", 0 to 9: what it is meant to
            be. "pen", the width it was drawn with. "strokes", at least one: see `strokes.check_strokes`.

    >>> from tempfile import TemporaryDirectory
    >>> seven = [[(0.2, 0.2), (0.8, 0.2), (0.5, 0.9)]]
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder, "mine.json")
    ...     save_drawings(file, [{"writer": "Ann", "digit": 7, "pen": 0.05, "strokes": seven}])
    ...     load_drawings(file)
    [{'writer': 'Ann', 'digit': 7, 'pen': 0.05, 'strokes': [[[0.2, 0.2], [0.8, 0.2], [0.5, 0.9]]]}]
    """
    content = json.dumps(_checked("drawings", drawings))
    write_whole(Path(path).expanduser().resolve(), content.encode())


def load_drawings(path):
    """The drawings in a file of `save_drawings`, a list of dicts."""
    path = Path(path).expanduser()
    try:
        drawings = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} must be a file of drawings, as JSON ({error})") from error
    return _checked(str(path), drawings)


def _checked(name, drawings):
    """The drawings, with strokes as lists of [x, y]; an error says which of `name` is not as it should be."""
    if not isinstance(drawings, list):
        raise TypeError(f"{name} must be a list of drawings, got a {type(drawings).__name__}")
    checked = []
    for place, drawing in enumerate(drawings):
        here = f"{name}[{place}]"
        if not isinstance(drawing, dict) or set(drawing) != set(KEYS):
            raise ValueError(
                f"{here} must be a dict with the keys {', '.join(KEYS)}, got {drawing!r:.60}"
            )
        writer, digit, pen, strokes = (drawing[key] for key in KEYS)
        if not isinstance(writer, str):
            raise TypeError(f"{here}['writer'] must be a text, got {writer!r}")
        try:
            strokes = check_strokes(strokes)
        except (TypeError, ValueError) as error:
            raise type(error)(f"{here}: {error}") from error
        if not strokes:
            raise ValueError(f"{here}['strokes'] must hold at least one stroke, got none")
        digit = integer(f"{here}['digit']", digit, least=0, most=9)
        pen = number(f"{here}['pen']", pen, 0.001, 1)
        strokes = [stroke.tolist() for stroke in strokes]
        checked.append(dict(zip(KEYS, (writer, digit, pen, strokes))))
    return checked
