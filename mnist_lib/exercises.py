"""The checks behind "Your turn": unanswered, not yet (and what was probably misunderstood), or right."""

import math

import torch

from .data import Split

CHECKS = {}


class Unanswered(Exception):
    """There is no answer yet; the message says what is missing."""


def exercise(name, hint):
    """Register the decorated function as the check of exercise `name`.

    It takes the answer and returns what is wrong with it in words, or None if it is right.
    """

    def register(function):
        CHECKS[name] = (function, hint)
        return function

    return register


def check(name, answer):
    """Say whether `answer` to the exercise `name` is right.

    Prints one line: ○ not answered yet, ✗ not yet and what was probably misunderstood, ✓ right.

    Args:
        name: the exercise, such as "05-last-batch".
        answer: what you worked out; `...` stands for no answer yet.

    Raises:
        KeyError: there is no exercise of that name.

    >>> check("00-pixels", ...)
    ○ Not answered yet: put your answer in place of the ... above. For a hint: hint("00-pixels")
    >>> check("00-pixels", 28)
    ✗ Not yet: 28 is the number of pixels in one row; there are as many rows.
    >>> check("00-pixels", 784)
    ✓ Right.
    """
    function, _ = _find(name)
    try:
        if answer is ... or answer is None:
            raise Unanswered("put your answer in place of the ... above")
        problem = function(answer)
    except Unanswered as missing:
        print(f'○ Not answered yet: {missing}. For a hint: hint("{name}")')
        return
    except Exception as error:
        problem = f"your code stopped with {type(error).__name__}: {error}"
    print("✓ Right." if problem is None else f"✗ Not yet: {problem}")


def hint(name):
    """Print a hint for the exercise `name`.

    >>> hint("00-pixels")
    Rows times columns.
    """
    print(_find(name)[1])


def _find(name):
    if name not in CHECKS:
        raise KeyError(f"name must be one of {', '.join(CHECKS)}; got {name!r}")
    return CHECKS[name]


def _number(answer, expected, mistakes, tolerance=0.0):
    """What is wrong with a number: one of the known mistakes {value: what was misunderstood}, or just wrong."""
    try:
        value = math.nan if isinstance(answer, bool | str) else float(answer)
    except (TypeError, ValueError):
        value = math.nan
    if math.isnan(value):
        return f"the answer is a number, and yours is {answer!r}."
    if math.isclose(value, expected, abs_tol=tolerance):
        return None
    for mistake, misunderstanding in mistakes.items():
        if math.isclose(value, mistake, abs_tol=tolerance):
            return misunderstanding
    return f"{value:g} is not it."


def _call(function, *arguments):
    """The result of the student's function; a function that returns nothing is not answered yet."""
    if not callable(function):
        raise TypeError(f"the answer is a function, and yours is {function!r}")
    result = function(*arguments)
    if result is None or result is ...:
        raise Unanswered("the function returns nothing (print is not enough, it has to return)")
    return result


# ---- 00_start_here


@exercise("00-pixels", hint="Rows times columns.")
def _pixels(answer):
    return _number(
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
    return _number(
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
    problem = _number(
        _call(answer, 931, 1000),
        93.1,
        {
            0.931: "that is the share; a percentage is a hundred times as large.",
            93: "do not round: 931 of 1000 is more than 93 percent.",
            1000 / 931 * 100: "you divided the wrong way round.",
        },
        tolerance=1e-4,
    )
    return problem or _number(_call(answer, 3, 4), 75, {93.1: "for 3 of 4 it still says 93.1."})


# ---- 05_mnist_data


@exercise("05-batches", hint="How often does 64 go into 55,000, and what happens to the rest?")
def _batches(answer):
    return _number(
        answer,
        860,
        {
            859: "you left out the last batch, which is smaller than the others.",
            55_000 / 64: "the rest is a batch too, a smaller one: round up.",
            3_520_000: "you multiplied; the images are shared out to the batches.",
        },
        tolerance=1e-3,
    )


@exercise("05-exchanged", hint="What becomes of 0, what of 1, and what of 0.25? Return two things.")
def _exchanged(answer):
    split = Split(torch.rand(4, 1, 28, 28), torch.tensor([7, 2, 1, 0]))
    before = split.images.clone()
    result = _call(answer, split, 1)
    if not isinstance(result, tuple | list) or len(result) != 2:
        return "a dataset's item is a pair: return the image and its label."
    image, label = result
    if not torch.equal(split.images, before):
        return "you changed the split itself; go through it twice, and all is as it was: make a new image."
    if label != 2:
        return f"the label of example 1 is 2 here, and yours is {label}."
    if image.shape != (1, 28, 28):
        return f"the image has the shape (1, 28, 28), and yours has {tuple(image.shape)}."
    if torch.allclose(image, 1 - before[1]):
        return None
    if torch.allclose(image, -before[1]):
        return "minus one is not black: pixels go from 0 to 1, so white (1) becomes 0."
    if torch.allclose(image, 255 - before[1]):
        return "these pixels go from 0 to 1, not to 255."
    return "black (0) should become 1, and white (1) should become 0."


@exercise("05-place", hint="How many whole rows lie before row 14?")
def _place(answer):
    return _number(
        answer,
        14 * 28 + 7,
        {
            7 * 28 + 14: "you swapped row and column: images are flattened row by row.",
            13 * 28 + 6: "rows and columns are counted from 0.",
            13 * 28 + 7: "rows are counted from 0: fourteen whole rows lie before row 14.",
            14 * 28 + 8: "columns are counted from 0.",
            14 * 7: "you multiplied row and column; each row before it has 28 pixels.",
        },
    )


@exercise("05-scale", hint="Which dtype comes in, and what is the largest value that it can hold?")
def _scale(answer):
    pixels = torch.tensor([[10, 51], [102, 204]], dtype=torch.uint8)
    result = _call(answer, pixels)
    if not isinstance(result, torch.Tensor):
        return f"the result is a tensor, and yours is a {type(result).__name__}."
    if result.dtype != torch.float32:
        return f"the result is float32, and yours is {result.dtype}."
    if result.shape != pixels.shape:
        return f"the shape stays {tuple(pixels.shape)}, and yours is {tuple(result.shape)}."
    if torch.allclose(result, pixels.float() / 255):
        return None
    if torch.allclose(result, pixels.float() / 256):
        return "white is 255, not 256: 256 is the number of grey levels."
    if torch.allclose(result, pixels.float() / 204):
        return "you divided by the brightest pixel of this image; then a pale image would no longer be pale."
    if result.max() > 1:
        return "the values still go beyond 1."
    return "the values are not the pixels divided by 255."


@exercise(
    "05-which-split", hint="One split is for learning, one for choosing, one for the last look."
)
def _which_split(answer):
    answer = answer.lower() if isinstance(answer, str) else answer
    if answer not in ("train", "validation", "test"):
        return f'the answer is "train", "validation" or "test", and yours is {answer!r}.'
    return {
        "validation": None,
        "train": "on the images it learned from, the model that memorises best wins.",
        "test": "a test image that was used to choose is no longer unseen: the last look is gone.",
    }[answer]


# ---- 06_linear_and_nonlinear


@exercise("06-parameters", hint="Each output has one weight per input, and one bias.")
def _parameters(answer):
    return _number(
        answer,
        79_510,
        {
            79_400: "you forgot the biases: one for each output of each layer.",
            78_500: "that is the first layer alone.",
            1_010: "that is the second layer alone.",
            79_500: "you forgot the ten biases of the last layer.",
            79_410: "you forgot the hundred biases of the first layer.",
        },
    )


@exercise("06-counting", hint="How many images are there, and how many of them are right?")
def _counting(answer):
    return _number(
        answer,
        48 / 72,
        {
            0.5: "that is the mean of the three batches; the small one counts as much as the large ones there.",
            48: "that is how many are right; divide by how many there are.",
            100 * 48 / 72: "accuracy is a share, from 0 to 1.",
        },
        tolerance=0.005,
    )


@exercise("06-accuracy", hint="The class of an image is the place of the largest logit in its row.")
def _accuracy(answer):
    logits = torch.tensor([[9.0, 1, 0, 0], [0, 0, 3, 1], [5, 8, 4, 0], [0, 1, 9, 7], [0, 8, 1, 0]])
    labels = torch.tensor([0, 2, 2, 0, 1])
    value = _call(answer, logits, labels)
    if isinstance(value, torch.Tensor) and value.numel() > 1:
        return f"one number is asked for, and yours are {value.numel()}: take their mean."
    return _number(
        value,
        0.6,
        {
            0.4: "that is the share of wrong answers.",
            3: "that is the number of right answers; divide by how many there are.",
            0.75: "divide by the number of images, not of classes.",
            60: "that is the percentage; accuracy is a share, from 0 to 1.",
        },
        tolerance=1e-4,
    )


@exercise("06-softmax", hint="Subtract each row's largest logit first: the softmax stays the same.")
def _softmax(answer):
    logits = torch.tensor([[2.0, 1.0, 0.0], [0.0, 0.0, 5.0]])
    result = torch.as_tensor(_call(answer, logits.clone())).float()
    if result.shape != logits.shape:
        return (
            f"the result has the shape of the logits, (2, 3), and yours has {tuple(result.shape)}."
        )
    if torch.allclose(result, logits.softmax(dim=0), atol=1e-5):
        return "you normalised over the batch (dim=0): each image's own row adds to 1 (dim=1)."
    if torch.allclose(result, logits.exp() / logits.exp().sum(), atol=1e-5):
        return "all entries together add to 1; each row should. Sum with dim=1, keepdim=True."
    if not torch.allclose(result, logits.softmax(dim=1), atol=1e-5):
        return "the rows are not the exponentials divided by their sum."
    large = torch.tensor([[0.0, 0.0, 5.0], [1000.0, 0.0, 0.0], [-1000.0, -1001.0, -1002.0]])
    result = torch.as_tensor(_call(answer, large.clone())).float()
    if not torch.allclose(result, large.softmax(dim=1), atol=1e-5):
        return "it fails for logits such as 1000 or -1000: subtract each row's own maximum first."
    return None


@exercise("06-diagnosis", hint="How well does a network that over-fits do on its training images?")
def _diagnosis(answer):
    words = str(answer).lower()
    if "learn" in words:
        return None
    if "fit" in words:
        return "a network that over-fits is good on its training images; this one is not."
    return f'the answer is "over-fitting" or "cannot learn", and yours is {answer!r}.'


# ---- 07_cnn


@exercise("07-size", hint="First the convolution: how many places does a window of 5 have in 28?")
def _size(answer):
    return _number(
        answer,
        12,
        {
            14: "without padding the convolution shrinks the image first: 28 - 5 + 1.",
            24: "that is after the convolution; the pooling halves it.",
            13: "a window of 5 has 28 - 5 + 1 places, not 28 - 2.",
            11.5: "a window of 5 has 28 - 5 + 1 places: do not forget the + 1.",
            11: "a window of 5 has 28 - 5 + 1 places: do not forget the + 1.",
        },
    )


@exercise(
    "07-parameters",
    hint="One kernel spans all input channels; each output channel has one, and a bias.",
)
def _conv_parameters(answer):
    return _number(
        answer,
        9_280,
        {
            9_216: "you forgot the biases: one for each output channel.",
            640: "each kernel spans all 16 input channels.",
            576: "each kernel spans all 16 input channels, and there is a bias for each output channel.",
            9_232: "there is a bias for each output channel (64), not for each input channel.",
        },
    )


@exercise(
    "07-small",
    hint="Strides, pooling and few channels make the last map small, and the linear layer with it.",
)
def _small(answer):
    model = _call(answer)
    if not isinstance(model, torch.nn.Module):
        return f"the function returns a model, and yours returned {type(model).__name__}."
    if not any(isinstance(module, torch.nn.Conv2d) for module in model.modules()):
        return "there is no convolution in it."
    logits = model(torch.rand(3, 1, 28, 28))
    if logits.shape != (3, 10):
        return f"for 3 images it returns the shape {tuple(logits.shape)}; it should return logits (3, 10)."
    if torch.allclose(logits.exp().sum(dim=1), torch.ones(3), atol=1e-4) or (logits >= 0).all():
        return "the result should be logits: nothing comes after the last linear layer."
    size = sum(parameter.numel() for parameter in model.parameters())
    return None if size < 5000 else f"it has {size:,} parameters; fewer than 5,000 were asked for."
