"""The clinic of notebook 14: what is hidden is there, is seen by the look that tells it, and is named."""

import random
import re
from collections import Counter

import pytest
import torch

from mnist_lib.data import load_mnist
from mnist_lib.exercises.clinic import FAULTS, LOOKS, PAIRS, Patient, clinic


@pytest.fixture(scope="module")
def mnist():
    return load_mnist("sample")


@pytest.fixture(scope="module")
def patients(mnist):
    return clinic(mnist, seed=3)


def treated(mnist, *faults, seed=0):
    return Patient(1, faults, mnist, seed, random.Random(seed))


def said(patient, what, capsys):
    capsys.readouterr()
    patient.look(what)
    return capsys.readouterr().out


def test_eight_have_one_fault_one_has_two_and_three_have_none(mnist, patients):
    hidden = [patient._faults for patient in patients]
    assert [patient.number for patient in patients] == list(range(1, 13))
    assert hidden.count(("nothing",)) == 3
    assert [len(faults) for faults in hidden].count(2) == 1
    single = Counter(faults for faults in hidden if len(faults) == 1 and faults != ("nothing",))
    assert len(single) == 8 and set(single.values()) == {1}
    assert next(faults for faults in hidden if len(faults) == 2) in PAIRS


def test_another_seed_brings_other_patients_and_the_same_seed_the_same(mnist, patients):
    state = torch.get_rng_state()
    again, other = clinic(mnist, seed=3), clinic(mnist, seed=4)
    assert torch.equal(torch.get_rng_state(), state)
    assert [one._faults for one in again] == [one._faults for one in patients]
    assert [one._losses for one in again] == [one._losses for one in patients]
    assert [one._faults for one in other] != [one._faults for one in patients]


def test_looks_are_counted_and_names_are_judged(mnist, capsys):
    patient = treated(mnist, "softmax twice", "validation images in train")
    for what in LOOKS:
        if what not in ("curve", "batch"):
            patient.look(what)
    assert patient.looks == [what for what in LOOKS if what not in ("curve", "batch")]
    capsys.readouterr()
    patient.name("nothing")
    patient.name("softmax twice")
    patient.name("validation images in train", "softmax twice")
    no, half, yes = capsys.readouterr().out.splitlines()
    assert no == "✗ Patient 1: no. Look again; 7 looks so far."
    assert half == "✗ Patient 1: softmax twice is right, and it is not all, or too much."
    assert yes == '✓ Patient 1, after 7 looks. What tells it soonest: "outputs", "splits".'
    for wrong in (lambda: patient.look("x-ray"), lambda: patient.name("flu")):
        with pytest.raises(ValueError, match="must be"):
            wrong()
    assert len(patient.looks) == 7


TELLING = {  # what the telling look shows, and does not show of a healthy one
    "zero_grad before step": "step 300: 0, 0, 0",
    "weights all zero": "step 1: 0, ",
    "data sorted": "[50, 0, 0, 0, 0, 0, 0, 0, 0, 0]",
    "pixels unscaled in validation": "validation from 0 to 255",
    "validation images in train": "250 of 500 validation images",
}


@pytest.mark.parametrize("fault", TELLING)
def test_the_telling_look_shows_it_and_nothing_of_the_kind_in_a_healthy_one(mnist, fault, capsys):
    look, words = FAULTS[fault].look, TELLING[fault]
    assert words in said(treated(mnist, fault), look, capsys)
    assert words not in said(treated(mnist, "nothing"), look, capsys)


@pytest.mark.parametrize("fault", ["dropout in evaluation", "batch norm not in evaluation"])
def test_answers_differ_where_eval_was_forgotten(mnist, fault, capsys):
    words = said(treated(mnist, fault), "alone", capsys)
    again, in_pairs = map(int, re.findall(r": (\d+)", words.partition("asked")[2]))
    assert in_pairs < 100 and (again < 100) == (fault == "dropout in evaluation")
    healthy = said(treated(mnist, "nothing"), "alone", capsys)
    assert "again: 100; in pairs: 100" in healthy


def test_a_patient_can_be_shown(mnist):
    patient = treated(mnist, "labels shifted")
    patient.look("curve")
    patient.look("batch")
    assert patient.looks == ["curve", "batch"]
