"""The exercises of notebook 00_start_here."""

from .base import call_answer, exercise, wrong_number


@exercise("00-pixels", hint="Rows times columns.")
def _pixels(answer):
    return wrong_number(
        answer,
        784,
        {
            28: "28 is the number of pixels in one row; there are as many rows.",
            56: "you added rows and columns; each row has 28 columns of its own.",
            256: "256 is the number of grey levels of a pixel, not of pixels.",
        },
    )


@exercise("00-chance", hint="Ten digits, about equally frequent, and you know nothing.")
def _chance(answer):
    return wrong_number(
        answer,
        0.1,
        {
            10: "write the share, from 0 to 1, not the percentage.",
            0.5: "half right is chance for two classes; here there are ten.",
            0.0: "a guess is right now and then.",
        },
        tolerance=1e-6,
    )


@exercise("00-percent", hint="A share of 0.931 is 93.1 percent.")
def _percent(answer):
    problem = wrong_number(
        call_answer(answer, 931, 1000),
        93.1,
        {
            0.931: "that is the share; a percentage is a hundred times as large.",
            93: "do not round: 931 of 1000 is more than 93 percent.",
            1000 / 931 * 100: "you divided the wrong way round.",
        },
        tolerance=1e-4,
    )
    return problem or wrong_number(
        call_answer(answer, 3, 4), 75, {93.1: "for 3 of 4 it still says 93.1."}
    )
