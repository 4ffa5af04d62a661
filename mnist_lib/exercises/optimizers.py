"""The exercises of notebook 08_optimizers."""

import torch

from .base import CHECKS, RIGHT, call_answer, exercise, wrong

CHECKS |= {
    "08-momentum": {
        "hint": "First the velocity, then the step: v = 0.9 · v + slope, w = w - 0.1 · v.",
        -0.58: RIGHT,
        -0.4: "those are two plain steps; the second velocity still holds 0.9 of the first slope.",
        -0.38: "that is the second step; the first one counts as well.",
        0.38: "that is the length of the second step; where does it end, from 0?",
        -0.76: "the first velocity is only 2: it grows from step to step.",
        0.58: "a step goes down: against the slope.",
        -5.8: "those are the velocities; a step is the learning rate times the velocity.",
        -0.6: "the old velocity fades: 0.9 of it is left when the second slope is added.",
        -0.058: "here the slope is not multiplied by 1 - 0.9: v = 0.9 · v + slope.",
    },
    "08-choice": {
        "hint": "Which columns may be used to choose? And what is done with the two seeds?",
        0.1: RIGHT,
        0.01: "its test results are the best, or its luckiest seed; choose by the mean on validation.",
        0.001: "its seeds agree well, but their mean on validation is not the highest.",
    },
    "08-noise": {
        "hint": "How many pairs can be made of ten? And how many chances does luck have, then?",
        "different": "this pair was picked from 45, and among so many some pair wins nine by luck.",
        "equal": "a difference may well be there; these ten seeds do not show it.",
        "cannot tell": RIGHT,
    },
}


@exercise("08-signum")
def _signum(answer):
    """Keep the velocity in state, as momentum does, and step along its sign."""
    # Three steps, four weights; in the last the sum turns round only because old slopes fade.
    slopes = torch.tensor([[2.0, 4, 0, 2], [1, -3, 1, -1.9], [-1, 0, 1, 0]])
    weight, state = torch.zeros(4), {}
    for slope in slopes:
        weight = call_answer(answer, weight, slope, state, 0.5)
    fading = torch.tensor([[1, 0, 0], [0.9, 1, 0], [0.81, 0.9, 1]])  # with β = 0.9
    velocities, of_signs = fading @ slopes, fading @ slopes.sign()
    sums, ahead = slopes.cumsum(dim=0), slopes + 0.9 * velocities
    early = "the velocity adds up the slopes themselves; take the sign afterwards."
    known = {  # the steps, and what was misunderstood
        velocities.sign(): RIGHT,
        -velocities.sign(): "it goes up: subtract the step.",
        slopes.sign(): "that is the sign of the slope; take the sign of the velocity, kept in state.",
        velocities: "those are the steps of momentum: take the sign of the velocity.",
        **dict.fromkeys((of_signs.sign(), of_signs), early),
        sums.sign(): "old slopes have to fade: multiply the velocity by beta first.",
        ahead.sign(): "that is Nesterov's step; take the sign of the velocity.",
    }
    table = {-0.5 * steps.sum(dim=0): said for steps, said in known.items()}
    table["asked"] = "it returns the new weight, of shape (4,)"
    table["otherwise"] = "after the slopes 2, 1 and -1 with lr=0.5 the weight should be -1.5."
    yield wrong(weight, table)
