"""The exercises of notebook 00_start_here."""

from .base import CHECKS, RIGHT, call_answer, exercise, wrong

CHECKS |= {
    "00-pixels": {
        "hint": "Rows times columns.",
        784: RIGHT,
        28: "28 is the number of pixels in one row; there are as many rows.",
        56: "you added rows and columns; each row has 28 columns of its own.",
        256: "256 is the number of grey levels of a pixel, not of pixels.",
    },
    "00-chance": {
        "hint": "Ten digits, about equally frequent, and you know nothing.",
        0.1: RIGHT,
        10: "write the share, from 0 to 1, not the percentage.",
        0.5: "half right is chance for two classes; here there are ten.",
        0.0: "a guess is right now and then.",
    },
}


@exercise("00-percent", "A share of 0.931 is 93.1 percent.")
def _percent(answer):
    table = {
        93.1: RIGHT,
        0.931: "that is the share; a percentage is a hundred times as large.",
        93: "do not round: 931 of 1000 is more than 93 percent.",
        1000 / 931 * 100: "you divided the wrong way round.",
    }
    yield wrong(call_answer(answer, 931, 1000), table)
    yield wrong(call_answer(answer, 3, 4), {75: RIGHT, 93.1: "for 3 of 4 it still says 93.1."})
