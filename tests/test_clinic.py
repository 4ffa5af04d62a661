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


def test_most_have_one_fault_one_has_two_and_some_have_none(patients):
    hidden = [patient._faults for patient in patients]
    assert [patient.number for patient in patients] == list(range(1, 13))
    assert 2 <= hidden.count(("nothing",)) <= 4
    assert next(faults for faults in hidden if len(faults) == 2) in PAIRS
    single = Counter(faults for faults in hidden if len(faults) == 1 and faults != ("nothing",))
    assert set(single.values()) == {1} and sum(single.values()) + hidden.count(("nothing",)) == 11


def test_another_seed_brings_other_patients_and_the_same_seed_the_same(mnist, patients):
    state = torch.get_rng_state()
    again, other = clinic(mnist, seed=3), clinic(mnist, seed=4)
    assert torch.equal(torch.get_rng_state(), state)
    assert [one._faults for one in again] == [one._faults for one in patients]
    assert [one._losses for one in again] == [one._losses for one in patients]
    assert [one._faults for one in other] != [one._faults for one in patients]


def test_looks_are_counted_and_names_are_judged(mnist, capsys):
    patient = treated(mnist, "softmax twice", "a leak")
    for what in LOOKS:
        if what not in ("curve", "batch"):
            patient.look(what)
    assert patient.looks == [what for what in LOOKS if what not in ("curve", "batch")]
    capsys.readouterr()
    patient.name("nothing")
    patient.name("softmax twice")
    patient.name("softmax twice", "sorted")
    patient.name("a leak", "softmax twice")
    assert capsys.readouterr().out.splitlines() == [
        "Patient 1: ✗ No.",
        "Patient 1: ✗ That is one of two.",
        "Patient 1: ✗ No: one is right, the other is not.",
        "Patient 1: ✓ Yes. Looks: 17. What tells it: outputs; splits.",
    ]
    for wrong in (
        lambda: patient.look("x-ray"),
        lambda: patient.name("flu"),
        lambda: patient.name(),
        lambda: patient.name("sorted", "sorted"),
        lambda: patient.name("nothing", "sorted"),
    ):
        with pytest.raises(ValueError, match="must be"):
            wrong()
    assert len(patient.looks) == 17
    patient.give_up()
    assert "softmax twice (look at: outputs); a leak (look at: splits)" in capsys.readouterr().out
    assert repr(patient).startswith("Patient 1, with a ") and repr(patient).endswith(". Looks: 27")


TELLING = {  # what the telling look shows, and does not show of a healthy one
    "cleared before the step": "step 300: 0, 0, 0",
    "all weights zero": "step 300: 0, 0.",
    "sorted": "[50, 0, 0, 0, 0, 0, 0, 0, 0, 0]",
    "unscaled at test time": "validation from 0 to 255",
    "a leak": "250 of 500 validation images",
}


@pytest.mark.parametrize("fault", TELLING)
def test_the_telling_look_shows_it_and_nothing_of_the_kind_in_a_healthy_one(mnist, fault, capsys):
    look, words = FAULTS[fault].look, TELLING[fault]
    assert words in said(treated(mnist, fault), look, capsys)
    assert words not in said(treated(mnist, "nothing"), look, capsys)


def sizes(patient, step, capsys):
    """The numbers of the look at gradients: the first layer's, all, the step's."""
    line = re.search(rf"step {step}: (.*)", said(patient, "gradients", capsys))[1]
    return [float(number) for number in line.split(", ")]


@pytest.mark.parametrize(
    ("fault", "rate"), [("rate too large", 1), ("rate too small", 0.001), ("nothing", 0.1)]
)
def test_the_first_step_divided_by_the_gradients_is_the_rate(mnist, fault, rate, capsys):
    _, all_of_them, step = sizes(treated(mnist, fault), 1, capsys)
    assert step / all_of_them == pytest.approx(rate, rel=0.01)


def test_gradients_that_are_never_cleared_grow(mnist, capsys):
    grown = {
        fault: sizes(treated(mnist, fault), 300, capsys)[1]
        for fault in ("zero_grad forgotten", "nothing")
    }
    assert grown["zero_grad forgotten"] > 10 > 3 > grown["nothing"]


@pytest.mark.parametrize("fault", ["softmax twice", "ReLU on the logits"])
def test_outputs_below_zero_are_missing(mnist, fault, capsys):
    assert "-" not in said(treated(mnist, fault), "outputs", capsys)
    assert "-" in said(treated(mnist, "nothing"), "outputs", capsys)


def test_shifted_labels_are_those_of_the_image_before(mnist):
    ours, healthy = (treated(mnist, name)._train.labels for name in ("labels shifted", "nothing"))
    assert torch.equal(ours, healthy.roll(1))


def test_labels_are_those_of_the_batch_that_came_first(mnist, capsys):
    patient = treated(mnist, "nothing")
    counts = re.search(r"\[(.*)\]", said(patient, "labels", capsys))[1]
    in_file = patient._train.labels[:50].bincount(minlength=10).tolist()
    assert sum(map(int, counts.split(", "))) == 50 and f"[{counts}]" != str(in_file)


def test_a_look_leaves_random_numbers_alone(mnist):
    patient, state = treated(mnist, "eval() forgotten, dropout"), torch.get_rng_state()
    patient.look("alone")
    assert torch.equal(torch.get_rng_state(), state)


def test_silent_units_are_counted(mnist, capsys):
    assert "100 of 100 hidden units" in said(treated(mnist, "all weights zero"), "units", capsys)
    healthy = said(treated(mnist, "nothing"), "units", capsys)
    assert int(re.search(r": (\d+) of 100", healthy)[1]) < 50


@pytest.mark.parametrize("fault", ["eval() forgotten, dropout", "eval() forgotten, batch norm"])
def test_answers_differ_where_eval_was_forgotten(mnist, fault, capsys):
    words = said(treated(mnist, fault), "alone", capsys)
    again, in_pairs = (int(found) for found in re.findall(r", (\d+)", words))
    assert in_pairs < 100 and (again < 100) == (fault == "eval() forgotten, dropout")
    healthy = said(treated(mnist, "nothing"), "alone", capsys)
    assert "again, 100 of 100 answers stay; asked in pairs, 100" in healthy


def test_a_patient_can_be_shown(mnist):
    patient = treated(mnist, "labels shifted")
    patient.look("curve")
    patient.look("batch")
    assert patient.looks == ["curve", "batch"]
