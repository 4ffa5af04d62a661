"""The rules that notebook 08 writes by hand take the steps of torch.optim."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from notebook_rules import built_in

# The optimizer of a rule, with what it needs to be told, and its names for the rule's constants.
THEIRS = {
    "sgd": (torch.optim.SGD, {}, {}),
    "momentum": (torch.optim.SGD, {"momentum": 0.9}, {"beta": "momentum"}),
    "nesterov": (torch.optim.SGD, {"momentum": 0.9, "nesterov": True}, {"beta": "momentum"}),
    "adagrad": (torch.optim.Adagrad, {}, {"eps": "eps"}),
    "rmsprop": (torch.optim.RMSprop, {}, {"alpha": "alpha", "eps": "eps"}),
    "adam": (torch.optim.Adam, {}, {"eps": "eps"}),
    "adamw": (torch.optim.AdamW, {}, {"eps": "eps", "weight_decay": "weight_decay"}),
}
RULES = built_in("08_optimizers", *THEIRS, "muon")
TOLERANCE = {torch.float64: 1e-9, torch.float32: 1e-4}
BFLOAT16 = 0.05  # torch.optim.Muon counts in 16-bit numbers: 0.03 was seen, after 50 steps of 0.1
STEPS = 50
every_rule = pytest.mark.parametrize("name", THEIRS)
needs_muon = pytest.mark.skipif(not hasattr(torch.optim, "Muon"), reason="PyTorch has no Muon")


def make_slopes(dtype, seed=0, shape=(4, 3)):
    """Slopes of sizes from 1e-6 to 1e3, (STEPS, *shape): some are 0, and so is every slope of each seventh step."""
    random = torch.Generator().manual_seed(seed)
    slopes = torch.randn(STEPS, *shape, generator=random, dtype=torch.float64)
    sizes = 10 ** (9 * torch.rand(STEPS, *shape, generator=random, dtype=torch.float64) - 6)
    slopes *= sizes * (torch.rand(STEPS, *shape, generator=random) < 0.8)
    slopes[::7] = 0
    return slopes.to(dtype)


def follow_rule(rule, start, slopes, lr, **constants):
    """The weights after each step of the rule, (STEPS, *shape)."""
    weight, state, path = start.clone(), {}, []
    for slope in slopes:
        before = weight.clone(), slope.clone()
        new_weight = rule(weight, slope, state, lr=lr, **constants)
        assert torch.equal(weight, before[0]) and torch.equal(slope, before[1])
        weight = new_weight
        path.append(weight)
    return torch.stack(path)


def follow_torch(optimizer, start, slopes, **options):
    """The weights after each step of torch.optim's optimizer, (STEPS, *shape)."""
    weight, path = start.clone(), []
    optimizer = optimizer([weight], **options)
    for slope in slopes:
        weight.grad = slope.clone()
        optimizer.step()
        path.append(weight.clone())
    return torch.stack(path)


def options_of(name, constants):
    """The options of the torch.optim optimizer for the constants of a rule."""
    _, options, names = THEIRS[name]
    options = options | {names[key]: constants[key] for key in names if key in constants}
    if "beta1" in constants:
        options["betas"] = (constants["beta1"], constants["beta2"])
    return options


def assert_same_steps(name, dtype, foreach, seed=0, lr=0.1, **constants):
    """The paths agree in every weight, within a share of the largest value that this weight takes."""
    slopes, start = make_slopes(dtype, seed), make_slopes(dtype, seed + 1)[1]
    ours = follow_rule(RULES[name], start, slopes, lr, **constants)
    options = options_of(name, constants)
    theirs = follow_torch(THEIRS[name][0], start, slopes, lr=lr, foreach=foreach, **options)
    assert ours.dtype == dtype and ours.isfinite().all()
    largest = theirs.abs().amax(dim=0)
    worst = ((ours - theirs).abs() / largest.clamp(min=1e-30)).max().item()
    assert worst < TOLERANCE[dtype], f"{name} comes apart by {worst} of the weight"
    assert not torch.equal(ours[-1], start)


@every_rule
@pytest.mark.parametrize(
    ("dtype", "foreach", "lr"), [(torch.float64, False, 0.1), (torch.float32, True, 0.001)], ids=str
)
def test_a_rule_takes_the_steps_of_its_optimizer(name, dtype, foreach, lr):
    assert_same_steps(name, dtype, foreach, lr=lr)


SHARE = st.floats(0, 0.99)
MORE = st.floats(
    0.5, 0.9999
)  # else a slope of 0 makes a division by next to nothing, and rounding a step
SMALL = st.floats(-10, -3).map(lambda power: 10**power)
CONSTANTS = {
    "sgd": {},
    "momentum": {"beta": SHARE},
    "nesterov": {"beta": st.floats(0.01, 0.99)},  # PyTorch refuses 0
    "adagrad": {"eps": SMALL},
    "rmsprop": {"alpha": MORE, "eps": SMALL},
    "adam": {"beta1": SHARE, "beta2": MORE, "eps": SMALL},
    "adamw": {"beta1": SHARE, "beta2": MORE, "eps": SMALL, "weight_decay": st.floats(0, 0.5)},
}


@every_rule
@given(data=st.data())
@settings(max_examples=settings.default.max_examples // 10)
def test_a_rule_takes_the_steps_of_its_optimizer_with_any_constants(name, data):
    constants = data.draw(st.fixed_dictionaries(CONSTANTS[name]))
    how = {
        "dtype": data.draw(st.sampled_from([*TOLERANCE])),
        "foreach": data.draw(st.booleans()),
        "seed": data.draw(st.integers(0, 10_000)),
        "lr": data.draw(st.floats(-4, 0).map(lambda power: 10**power)),
    }
    assert_same_steps(name, **how, **constants)


@needs_muon
@pytest.mark.parametrize(
    ("shape", "dtype"),
    [((4, 3), torch.float32), ((3, 4), torch.float64), ((32, 784), torch.float32)],
    ids=str,
)
@pytest.mark.parametrize("constants", [{}, {"beta": 0.5, "weight_decay": 0.3}], ids=str)
def test_muon_takes_the_steps_of_its_optimizer(shape, constants, dtype):
    """As well as 16-bit numbers can."""
    names = {"beta": "momentum", "weight_decay": "weight_decay"}
    options = {names[key]: value for key, value in constants.items()}
    slopes, start = make_slopes(dtype, shape=shape), torch.ones(shape, dtype=dtype)
    ours = follow_rule(RULES["muon"], start, slopes, 0.1, **constants)
    theirs = follow_torch(torch.optim.Muon, start, slopes, lr=0.1, **options)
    assert (ours - theirs).abs().max() < BFLOAT16
