"""The checks behind "Your turn": unanswered, not yet (and what was probably misunderstood), or right."""

import math
import re

import torch
from torch.nn import functional as F

from .arithmetic import short
from .data import Split

CHECKS = {}


class Unanswered(Exception):
    """There is no answer yet; the message says what is missing."""


class AnotherKind(Exception):
    """The answer is of another kind than the one asked for; the message says of which."""


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
    except AnotherKind as asked:
        problem = str(asked)
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


def _numbers(answer, count, what):
    """The numbers of an answer, a tuple of floats.

    Raises:
        AnotherKind: they are not `count` numbers, which `what` describes, such as "(row, column)".
    """
    try:
        numbers = tuple(math.nan if isinstance(x, bool | str) else float(x) for x in answer)
    except (TypeError, ValueError, RuntimeError):
        numbers = ()
    if len(numbers) != count or any(map(math.isnan, numbers)):
        asked = {2: "two", 3: "three"}[count]
        raise AnotherKind(f"{asked} numbers are asked for, {what}, and yours is {answer!r}.")
    return numbers


def _in_words(answer, choices):
    """What is wrong with an answer in words: {phrase: None if it is right, else what was misunderstood}.

    A sentence will do: "It can't learn." is "cannot learn". It has to name one choice, whatever its case, hyphens and
    spaces. What follows a "cannot …" belongs to it: "cannot tell whether they are different" is "cannot tell".
    """
    said = re.sub(r"\bcan(['’]?t| not)\b", "cannot", str(answer).lower())
    places = {}
    for choice in choices:
        if found := re.search(r"\b" + re.sub("[ -]", r"[\\s-]*", choice), said):
            places[choice] = found.start()
    first = min(places, key=places.get, default="")
    if len(places) == 1 or first.startswith("cannot"):
        return choices[first]
    *others, last = (f'"{choice}"' for choice in choices)
    wanted = "name just one of" if places else "the answer is"
    return f"{wanted} {', '.join(others)} or {last}, and yours is {answer!r}."


def _among(result, known, otherwise):
    """What is wrong with a tensor: that of the first of the known [(outcome, misunderstanding)], or `otherwise`."""
    for outcome, misunderstanding in known:
        if result.shape == outcome.shape and torch.allclose(result, outcome, atol=1e-4):
            return misunderstanding
    return otherwise


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


# ---- 01_conv1d


@exercise(
    "01-value",
    hint="The third window begins at the third number. Its middle one is multiplied by 0.",
)
def _value(answer):
    return _number(
        answer,
        -2,
        {
            2: "you turned the kernel around, as mathematics does; PyTorch takes it as it is.",
            -1: "that is the first window; the third begins at the third number.",
            0: "that is the second window; the third begins at the third number.",
            10: "you did not take the sign of −1 along.",
            11: "you added the whole window; its middle is multiplied by 0, its right by −1.",
        },
    )


@exercise(
    "01-size",
    hint="How many cells are there with the padding, and how far can the first window move?",
)
def _conv1d_size(answer):
    return _number(
        answer,
        8,
        {
            6: "you counted the padding once: it is added on both sides.",
            7: "the place where the window starts counts too: do not forget the + 1.",
            7.5: "round down, and do not forget the + 1: the place where the window starts counts too.",
            8.5: "there is no half window: round down.",
            4: "you left out the padding.",
            16: "you left out the stride: the window moves by 2 each time.",
        },
    )


@exercise("01-shape", hint="How many input channels does one output channel see?")
def _weight_shape(answer):
    if not isinstance(answer, tuple | list) or len(answer) != 3:
        return f"the answer is three numbers, (a, b, c), and yours is {answer!r}."
    mistakes = {
        (9, 6, 5): "with three groups an output channel does not see all six inputs.",
        (3, 2, 5): "each of the nine output channels has its own kernel, in whichever group it is.",
        (6, 3, 5): "the outputs come first; and each sees 6 / 3 inputs.",
        (2, 9, 5): "the outputs come first.",
        (6, 2, 5): "the outputs come first, and there are nine of them.",
        (9, 3, 5): "each output channel sees 6 / 3 inputs; you divided the outputs.",
        (9, 18, 5): "groups make the kernels smaller: divide by them.",
        (9, 5, 2): "the kernel size comes last.",
    }
    if tuple(answer) == (9, 2, 5):
        return None
    return mistakes.get(
        tuple(answer), "the shape is (outputs, inputs that one of them sees, kernel size)."
    )


@exercise("01-move", hint="Each output should be the input to the left of its window's middle.")
def _moving_kernel(answer):
    kernel = torch.as_tensor(answer, dtype=torch.float32).flatten()
    if kernel.numel() != 3:
        return f"the kernel has three numbers, and yours has {kernel.numel()}."
    signal = torch.tensor([5.0, 2.0, 7.0, 1.0])
    moved = F.conv1d(signal.reshape(1, 1, 4), kernel.reshape(1, 1, 3), padding=1).flatten()
    if torch.allclose(moved, torch.tensor([0.0, 5.0, 2.0, 7.0])):
        return None
    if torch.allclose(moved, torch.tensor([2.0, 7.0, 1.0, 0.0])):
        return "that moves it to the left: the output takes its right neighbour's number."
    if torch.allclose(moved, signal):
        return "that leaves it where it is."
    return f"5, 2, 7, 1 becomes {', '.join(short(value) for value in moved.tolist())}."


@exercise("01-average", hint="A convolution with `width` equal numbers. What must they add to?")
def _moving_average(answer):
    signal = torch.tensor([1.0, 5.0, 3.0, 4.0, 8.0, 0.0])
    for width in (2, 3):
        result = torch.as_tensor(_call(answer, signal.clone(), width)).float().flatten()
        expected = signal.unfold(0, width, 1).mean(dim=1)
        if result.shape != expected.shape:
            return (
                f"for 6 numbers and width {width} there are {len(expected)} windows, "
                f"and your result has {len(result)} numbers."
            )
        if torch.allclose(result, expected * width):
            return "these are sums: the weights of a mean add to 1."
        if not torch.allclose(result, expected):
            return f"for 1, 5, 3, 4, 8, 0 and width {width} the means begin with {expected[0]:g}, {expected[1]:g}."
    return None


# ---- 02_conv2d


@exercise("02-value", hint="The window at the top right holds 2 0 and 1 3.")
def _value_2d(answer):
    return _number(
        answer,
        -1,
        {
            1: "you turned the kernel around, as mathematics does; PyTorch takes it as it is.",
            3: "that is the window at the top left.",
            -5: "that is the window at the bottom left: rows come before columns.",
            0: "that is the window at the bottom right.",
            5: "you did not take the sign of −1 along.",
            6: "you added the whole window; two of its numbers are multiplied by 0, and one by −1.",
        },
    )


@exercise("02-field", hint="Behind a stride of 2, neighbouring cells are two pixels apart.")
def _field(answer):
    return _number(
        answer,
        9,
        {
            7: "behind the stride neighbours are two pixels apart: the third layer adds 2·2, not 2.",
            11: "the stride counts for the layers behind it, not for its own.",
            5: "that is after two layers.",
            27: "the widths do not multiply: each layer adds to what is there.",
            13: "the stride counts once, for the third layer alone.",
        },
    )


@exercise("02-cost", hint="How many output cells are there, and what does each cost?")
def _cost(answer):
    return _number(
        answer,
        225_792,
        {
            1_152: "that is the number of weights: each is used at every place.",
            28_224: "each output cell looks at all 8 input channels.",
            14_112: "there are 16 output channels.",
            165_888: "with padding 1 the map stays 14×14.",
            451_584: "count the multiplications alone, not the additions.",
            25_088: "a kernel has 3·3 weights for each input channel.",
            75_264: "a kernel has 3·3 weights for each input channel, not 3.",
            1_764: "each output cell looks at all 8 input channels, and there are 16 output channels.",
        },
    )


@exercise("02-edges", hint="What is above counts plus, what is below counts minus.")
def _edges(answer):
    kernel = torch.as_tensor(answer, dtype=torch.float32)
    if kernel.shape != (3, 3):
        return f"the kernel has 3 rows of 3 numbers, and yours has the shape {tuple(kernel.shape)}."
    top, middle, bottom = kernel.sum(dim=1).tolist()
    if abs(top + middle + bottom) > 1e-5:
        return f"on a flat area of ones it gives {short(top + middle + bottom)}: its numbers must add to 0."
    if kernel.sum(dim=0).abs().max() > 1e-5:
        return "it answers to vertical edges: each column must add to 0."
    if max(abs(top), abs(bottom)) < 1e-5:
        return "an edge between its rows gives 0: what is above should count plus, what is below minus."
    if top >= 0 >= bottom:  # the edge may lie below the top row, or above the bottom row
        return None
    if top <= 0 <= bottom:
        return "the sign is the wrong way round: it is negative where it is brighter above."
    return "it is not positive at every edge that is brighter above."


@exercise("02-stride", hint="The window begins at row · stride and column · stride.")
def _strided(answer):
    generator = torch.Generator().manual_seed(0)
    for shape, size, stride in (((6, 7), (2, 3), 1), ((6, 7), (2, 3), 2), ((9, 8), (3, 3), 3)):
        image = torch.rand(shape, generator=generator)
        kernel = torch.rand(size, generator=generator)
        result = torch.as_tensor(_call(answer, image.clone(), kernel.clone(), stride)).float()
        expected = F.conv2d(image[None, None], kernel[None, None], stride=stride)[0, 0]
        if result.shape != expected.shape:
            return (
                f"for an image {shape}, a kernel {size} and stride {stride} the result has the shape "
                f"{tuple(expected.shape)}, and yours has {tuple(result.shape)}."
            )
        turned = F.conv2d(image[None, None], kernel.flip(0, 1)[None, None], stride=stride)[0, 0]
        if torch.allclose(result, turned, atol=1e-4):
            return "you turned the kernel around; PyTorch takes it as it is."
        if not torch.allclose(result, expected, atol=1e-4):
            return f"with stride {stride} the numbers are others than PyTorch's."
    return None


# ---- 03_pooling


@exercise(
    "03-max", hint="With stride 1 the windows overlap; the one at the bottom left begins in row 1."
)
def _max(answer):
    return _number(
        answer,
        6,
        {
            5: "that is the window at the top left: 3 1 and 1 5.",
            9: "that is a window at the right.",
            3.5: "that is the average; the largest was asked for.",
            2: "a window of 2 at the bottom left holds 1 5 and 2 6.",
        },
    )


@exercise(
    "03-ceil", hint="Where does each window begin? The last may stick out, but has to begin inside."
)
def _ceil(answer):
    if not isinstance(answer, tuple | list) or len(answer) != 2:
        return f"the answer is two numbers, (a, b), and yours is {answer!r}."
    first = _number(
        answer[0],
        14,
        {
            13: "the first: with ceil_mode a last window may stick out: it holds the 27th cell.",
            13.5: "the first: there is no half window: with ceil_mode, round up.",
            26: "the first: the stride is 2.",
        },
    )
    return first or _number(
        answer[1],
        3,
        {
            4: "the second: the fourth window would begin at 9, and the last cell is number 8.",
            3.5: "the second: there is no half window.",
            2: "the second: the place where the first window starts counts too.",
        },
    )


@exercise(
    "03-border",
    hint="Which part of the window lies in the padding, and by what is the sum divided?",
)
def _border(answer):
    return _number(
        answer,
        8,
        {
            12: "padding counted: the zeros take part, and the sum is divided by 9.",
            16 / 3: "that is a corner, where five of nine cells are padding.",
            4: "three of nine cells are padding, not six.",
            0: "padding counts as 0 in an average, but six cells of the window are 12.",
        },
        tolerance=0.01,
    )


@exercise(
    "03-reshape",
    hint="Make the shape (N, C, H // k, k, W // k, k), and take amax over two of the six.",
)
def _reshape(answer):
    images = torch.rand(2, 3, 7, 10, generator=torch.Generator().manual_seed(0))
    for k in (2, 3):
        result = torch.as_tensor(_call(answer, images.clone(), k))
        expected = F.max_pool2d(images, k)
        if result.shape != expected.shape:
            return (
                f"for images {tuple(images.shape)} and k = {k} the result has the shape {tuple(expected.shape)}, "
                f"and yours has {tuple(result.shape)}."
            )
        if torch.allclose(result, F.avg_pool2d(images, k)):
            return "these are averages; the largest was asked for."
        if not torch.equal(result, expected):
            return "the shape is right and the numbers are not: which two of the six dimensions lie in a window?"
    return None


# ---- 04_linear_regression


@exercise(
    "04-shape", hint="Write one below the other, ending at the right. A size of one is repeated."
)
def _broadcast_shape(answer):
    if not isinstance(answer, tuple | list | torch.Size):
        return f"a shape is a pair of numbers in brackets, and yours is {answer!r}."
    return {
        (5, 3): None,
        (3, 5): "rows and columns are exchanged: the three numbers lie along the last direction.",
        (5, 1): "the 1 is repeated too, until it fits the 3.",
        (5,): "there are two directions: the missing one counts as a 1.",
        (3,): "there are two directions, as in the larger of the two shapes.",
        (8,): "nothing is put in a row: each number meets each.",
        (5, 1, 3): "no direction is added: shapes are compared from the right.",
    }.get(tuple(answer), f"{tuple(answer)} is not it.")


@exercise("04-slope", hint="A chain: the slope of the square, times the slope of w · x in w.")
def _slope(answer):
    return _number(
        answer,
        6,
        {
            2: "that is the slope of the square, 2 · error; multiply it by the slope of w · x.",
            3: "you forgot the 2 that comes from the square, or the error is not right.",
            1: "that is the error, or the loss; the question is how steeply the loss rises.",
            4: "the slope of w · x in w is x, not w.",
            -6: "the error is w · x − y, and that is above 0 here: the loss rises with w.",
            12: "the error is 2 · 3 − 5 = 1.",
        },
        tolerance=1e-4,
    )


@exercise(
    "04-step", hint="Two slopes, the mean of 2 · error · x and the mean of 2 · error. Down, not up."
)
def _one_step(answer):
    x, y = torch.tensor([0.0, 1.0, 2.0, 5.0]), torch.tensor([1.0, 3.0, 2.0, 4.0])
    w, b, rate = 2.0, -1.0, 0.125
    result = _call(answer, x, y, w, b, rate)
    result = result.flatten() if isinstance(result, torch.Tensor) else result
    if not isinstance(result, tuple | list | torch.Tensor) or len(result) != 2:
        return "the function returns two numbers: the new w and the new b."
    new = [torch.as_tensor(value).detach() for value in result]
    if any(value.numel() != 1 for value in new):
        return "w and b are one number each: take the mean over the points."
    new = [value.item() for value in new]
    errors = w * x + b - y
    in_w, in_b = 2 * (errors * x).mean().item(), 2 * errors.mean().item()
    w_after = w - rate * in_w
    known = {  # what comes out: what was misunderstood
        (w_after, b - rate * in_b): None,
        (b - rate * in_b, w_after): "return w first, then b.",
        (w + rate * in_w, b + rate * in_b): "that is a step uphill: subtract.",
        (w - rate * in_w / 2, b - rate * in_b / 2): "the slope of a square has a 2 in it.",
        (
            w - rate * in_w * 4,
            b - rate * in_b * 4,
        ): "you took the sum over the points, not the mean.",
        (w - in_w, b - in_b): "the slope is not yet multiplied by the learning rate.",
        (in_w, in_b): "these are the slopes; the step is still missing.",
        (w_after, b - rate * 2 * (w_after * x + b - y).mean().item()): (
            "both slopes belong to the old line: you moved w before you worked out the slope in b."
        ),
        (w - rate * in_b, b - rate * in_b): "in the slope in w, each error is multiplied by its x.",
    }
    for outcome, misunderstanding in known.items():
        if all(math.isclose(one, two, abs_tol=1e-4) for one, two in zip(new, outcome)):
            return misunderstanding
    return "these are not the w and b one step further down."


@exercise("04-edge", hint="What is the mean of x²? The curvatures are twice that, and two.")
def _edge(answer):
    return _number(
        answer,
        0.2,
        {
            1: "that is the edge in b; the larger curvature decides, and that is the one in w.",
            0.1: "that is 1 divided by the curvature: with it w lands in one step. The edge is twice as far.",
            0.4: "the curvature is *twice* the mean of x².",
            10: "that is the curvature in w; the edge is 2 divided by it.",
            5: "that is the mean of x².",
            0.05: "take the mean of x², not the sum.",
        },
        tolerance=1e-4,
    )


@exercise(
    "04-median", hint="Move c up by a little: how many numbers come nearer, and how many go away?"
)
def _median(answer):
    return _number(
        answer,
        3,
        {
            22: "that is the mean: it is best for the squares, and one wild number pulls it along.",
            2.5: "the wild number counts too, as one of five.",
            100: "only one of five numbers is there.",
            50.5: "that is the middle between the smallest and the largest.",
        },
        tolerance=1e-4,
    )


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
    return _in_words(
        answer,
        {
            "train": "on the images it learned from, the model that memorises best wins.",
            "validation": None,
            "test": "a test image that was used to choose is no longer unseen: the last look is gone.",
        },
    )


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
    return _in_words(
        answer,
        {
            "over-fitting": "a network that over-fits is good on its training images; this one is not.",
            "cannot learn": None,
        },
    )


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


# ---- 08_optimizers


@exercise(
    "08-momentum", hint="First the velocity, then the step: v = 0.9 · v + slope, w = w - 0.1 · v."
)
def _momentum(answer):
    return _number(
        answer,
        -0.58,
        {
            -0.4: "those are two plain steps; the second velocity still holds 0.9 of the first slope.",
            -0.38: "that is the second step; the first one counts as well.",
            0.38: "that is the length of the second step; where does it end, from 0?",
            -0.76: "the first velocity is only 2: it grows from step to step.",
            0.58: "a step goes down: against the slope.",
            -5.8: "those are the velocities; a step is the learning rate times the velocity.",
            -0.6: "the old velocity fades: 0.9 of it is left when the second slope is added.",
            -0.058: "here the slope is not multiplied by 1 - 0.9: v = 0.9 · v + slope.",
        },
        tolerance=1e-4,
    )


@exercise(
    "08-first-step",
    hint="At the first step m / (1 - β₁) is the slope itself. What is √(v / (1 - β₂))?",
)
def _first_step(answer):
    return _number(
        answer,
        0.01,
        {
            -0.01: "the size is right; the slope is negative, so down is towards larger weights.",
            0.5: "that is SGD's step; Adam divides by the size of the slope.",
            -0.5: "that is the learning rate times the slope; Adam divides by the size of the slope.",
            0.0316: "m and v start from 0 and are too small at first: both are divided by what is missing.",
            -0.0316: "m and v start from 0 and are too small at first: both are divided by what is missing.",
            0.001: "m starts from 0 and is too small at first: it is divided by 1 - β₁.",
            0.316: "v starts from 0 as well: it is divided by 1 - β₂ before the root.",
            1: "that is the number that the learning rate is multiplied by.",
        },
        tolerance=1e-4,
    )


@exercise(
    "08-signum", hint="Keep the velocity in state, as momentum does, and step along its sign."
)
def _signum(answer):
    slopes = torch.tensor([[2.0, 5, 0], [1, -1, 1], [-1, -1, 1]])  # three steps, three weights
    weight, state = torch.zeros(3), {}
    for slope in slopes:
        weight = torch.as_tensor(_call(answer, weight.clone(), slope.clone(), state, 0.5))
        if weight.shape != slope.shape:
            return f"it returns the new weight, of shape (3,), and yours has {tuple(weight.shape)}."
    velocities, of_signs = _velocities(slopes), _velocities(slopes.sign())
    known = [  # the steps, and what was misunderstood
        (velocities.sign(), None),
        (-velocities.sign(), "it goes up: subtract the step."),
        (
            slopes.sign(),
            "that is the sign of the slope; take the sign of the velocity, kept in state.",
        ),
        (velocities, "those are the steps of momentum: take the sign of the velocity."),
        (of_signs.sign(), "the velocity adds up the slopes themselves; take the sign afterwards."),
        (of_signs, "the velocity adds up the slopes themselves; take the sign afterwards."),
    ]
    for steps, misunderstanding in known:
        if torch.allclose(weight, -0.5 * steps.sum(dim=0), atol=1e-4):
            return misunderstanding
    return "after the slopes 2, 1 and -1 with lr=0.5 the weight should be -1.5."


def _velocities(slopes):
    """The velocities of momentum after each of the slopes, with β = 0.9."""
    velocities = [slopes[0]]
    for slope in slopes[1:]:
        velocities.append(0.9 * velocities[-1] + slope)
    return torch.stack(velocities)


@exercise(
    "08-choice", hint="Which columns may be used to choose? And what is done with the two seeds?"
)
def _choice(answer):
    return _number(
        answer,
        0.1,
        {
            0.01: "its test results are the best, or its luckiest seed; choose by the mean on validation.",
            0.001: "its seeds agree well, but their mean on validation is not the highest.",
        },
        tolerance=1e-6,
    )


@exercise("08-noise", hint="Could the gap be noise alone? And if it could, is it?")
def _noise(answer):
    return _in_words(
        answer,
        {
            "different": "noise alone makes such a gap more often than once in twenty times.",
            "equal": "a small difference may well be there; ten runs are too few to see it.",
            "cannot tell": None,
        },
    )


# ---- 09_confusion_matrix


@exercise("09-precision", hint="How many images were called 1, rightly or wrongly?")
def _precision(answer):
    return _number(
        answer,
        0.75,
        {
            0.6: "that is the recall: of the images that are 1. Precision looks down the column.",
            12 / 18: "that is F1; the precision alone was asked for.",
            23 / 30: "that is the accuracy, over all classes.",
            6 / 30: "divide by the images that were called 1, not by all images.",
            0.25: "that is the share of wrong ones among the images called 1.",
            75: "precision is a share, from 0 to 1.",
        },
        tolerance=0.005,
    )


@exercise(
    "09-macro", hint="Divide each class's right answers by the sum of its row; then the mean."
)
def _macro_recall(answer):
    matrix = torch.tensor([[90, 10, 0], [2, 3, 0], [1, 1, 8]])
    value = _call(answer, matrix.clone())
    if isinstance(value, torch.Tensor) and value.numel() > 1:
        return f"one number is asked for, and yours are {value.numel()}: take their mean."
    right, of_label, of_answer = matrix.diag(), matrix.sum(dim=1), matrix.sum(dim=0)
    return _number(
        value,
        (right / of_label).mean().item(),
        {
            (right / of_answer).mean().item(): "that is macro precision: the labels are the rows.",
            (right.sum() / matrix.sum()).item(): (
                "that is the accuracy: a frequent class counts more there. Divide row by row first."
            ),
            (right / of_label).sum().item(): "that is the sum over the classes; take the mean.",
        },
        tolerance=1e-4,
    )


@exercise("09-images", hint="1.96 · √(p(1 − p)/n) = 0.001, solved for n.")
def _images(answer):
    expected = 1.96**2 * 0.99 * 0.01 / 0.001**2
    return _number(
        answer,
        expected,
        {
            expected / 1.96**2: "that is for one standard error; the interval goes 1.96 of them.",
            expected / 1.96: "the 1.96 is squared too, when the root is undone.",
            1.96**2 * 0.25 / 0.001**2: "p is 0.99 here, not 0.5.",
            expected * 4: "0.001 is to either side, not from end to end.",
            expected / 4: "± 0.001 is to either side; you used ± 0.002.",
        },
        tolerance=60,
    )


@exercise("09-temperature", hint="Divide before the softmax, and each image's row adds to 1.")
def _temperature(answer):
    logits = torch.tensor([[2.0, 1.0, 0.0], [0.0, 0.0, 5.0]])
    result = torch.as_tensor(_call(answer, logits.clone(), 2.0)).float()
    if result.shape != logits.shape:
        return f"the result has the shape of the logits, and yours has {tuple(result.shape)}."
    softmax = logits.softmax(dim=1)
    known = [  # what comes out, and what was misunderstood
        ((logits / 2).softmax(dim=1), None),
        ((logits * 2).softmax(dim=1), "you multiplied: a temperature above 1 makes less sure."),
        ((logits / 2).softmax(dim=0), "you normalised over the batch (dim=0), not the classes."),
        (softmax / 2, "divide the logits, before the softmax: these rows do not add to 1."),
        (softmax, "the temperature changes nothing in yours."),
        (logits / 2, "these are logits; the softmax is missing."),
        ((logits / 2).log_softmax(dim=1), "these are logarithms of probabilities."),
        ((softmax / 2).softmax(dim=1), "you took the softmax twice; divide the logits instead."),
        ((logits / 2).sigmoid(), "a sigmoid looks at each logit alone; take the softmax of a row."),
    ]
    return _among(
        result, known, "these are not the softmax of the logits divided by the temperature."
    )


# ---- 10_kernels_and_feature_maps


@exercise("10-seen", hint="Go back layer by layer: first · stride, and last · stride + kernel − 1.")
def _seen(answer):
    first, last = _numbers(answer, 2, "(first, last)")
    if first > last:
        return "the first row comes before the last."
    mistakes = {
        (8, 17): None,
        (8, 13): "those are rows after the first convolution, and each sees five rows of pixels.",
        (4, 6): "those are rows after the pooling; go on, back to the pixels.",
        (8, 12): "after the pooling these are rows 4 to 6: the pooling looks at two rows for each.",
        (8, 16): "the last row after the pooling, 6, comes from rows 12 and 13.",
        (6, 15): "there is no padding here, so nothing is taken off at the front.",
        (4, 13): "there is no padding here, so nothing is taken off at the front.",
        (8, 18): "the last row is included: a kernel of 5 from row 13 on ends at row 17.",
        (4, 12): "the pooling halves: behind it neighbours are two rows apart.",
        (4, 10): "the pooling halves: behind it neighbours are two rows apart.",
    }
    return mistakes.get((first, last), f"{first:g} to {last:g} is not it.")


@exercise("10-occlusion", hint="The logit of the image, less the logit with that pixel at 0.")
def _occlusion(answer):
    falls = torch.tensor(_numbers(answer, 3, "one for each pixel"))
    known = [  # what comes out, and what was misunderstood
        ([0.0, -1, 0.3], None),
        ([2.0, -1, 0.5], "those are the slopes; a pixel that is black already cannot fall."),
        ([0.0, -1, 0.5], "c is 0.6, not 1: only so much of it can be taken away."),
        ([0.0, 1, -0.3], "how far does it *fall*? Without b the logit rises: minus one."),
        (
            [0.0, 1, 0.3],
            "b has a negative weight: without it the logit rises, a fall of minus one.",
        ),
        ([-0.7, 0.3, -1.0], "those are the logits that are left; the fall was asked for."),
        ([2.0, 1, 0.5], "those are sizes of slopes; multiply by the pixel, and mind the sign."),
    ]
    return _among(
        falls,
        [(torch.tensor(values), misunderstanding) for values, misunderstanding in known],
        "with the image (0, 1, 0.6) the logit is −0.7; take one pixel away at a time.",
    )


@exercise("10-awake", hint="Largest cell first, then the comparison, then the mean over images.")
def _awake(answer):
    maps = torch.zeros(4, 3, 2, 2)
    maps[0, 0, 1, 1], maps[1, 0, 0, 0], maps[2, 0] = 0.5, 3.0, 1.0
    maps[3, 1, 0, 1] = 0.25
    share = torch.as_tensor(_call(answer, maps.clone())).float()
    above = (maps > 0).flatten(2)  # (images, channels, cells)
    awake, all_cells = above.any(dim=2).float(), above.all(dim=2).float()
    known = [  # what comes out, and what was misunderstood
        (awake.mean(dim=0), None),
        (above.float().mean(dim=(0, 2)), "that is the share of cells; one awake cell is enough."),
        (awake.sum(dim=0), "that is a count; divide by the number of images."),
        (awake.mean(dim=1), "that is for each image; average over dim 0."),
        (all_cells.mean(dim=0), "one cell above zero is enough, not all."),
        (maps.amax(dim=(2, 3)).mean(dim=0), "compare with zero before you average."),
        (1 - awake.mean(dim=0), "that is the share asleep."),
    ]
    otherwise = "where 3 of 4 images have a cell above zero in a channel, its share is 0.75."
    if share.dim() != 1:
        otherwise = (
            f"the result has the shape (3,), one for each channel, yours {tuple(share.shape)}."
        )
    return _among(share, known, otherwise)


@exercise("10-factor", hint="What a hook returns replaces the output. Change a copy of it.")
def _factor(answer):
    with torch.random.fork_rng(devices=[]):  # the student's random numbers stay as they were
        torch.manual_seed(0)
        layers = (torch.nn.Conv2d(1, 3, 3), torch.nn.ReLU(), torch.nn.Flatten())
        model = torch.nn.Sequential(*layers, torch.nn.Linear(12, 10))
        images = torch.rand(5, 1, 4, 4)
    model[1].eval()  # modes that differ: to set them all is noticed
    given = []  # (what the layer gave, a copy of it): so a change in place is noticed
    watch = model[0].register_forward_hook(lambda *run: given.append((run[2], run[2].clone())))
    with torch.no_grad():
        model[0].weight.abs_(), model[0].bias.abs_()  # every channel has something to say
        usual, inner = model(images), model[0](images)
        of_channel, of_image = inner.clone(), inner.clone()
        of_channel[:, 2] *= 3
        of_image[2] *= 3
        logits = torch.as_tensor(_call(answer, model, images.clone(), "0", 2, 3.0))
        watch.remove()
        after = model(images)
        known = [  # what comes out, and what was misunderstood
            (model[1:](of_channel), None),
            (usual, "nothing has changed: the hook has to return the new output."),
            (model[1:](of_image), "you changed an image, not a channel: channels are dim 1."),
            (model[1:](3 * inner), "you changed all channels of the layer."),
        ]
    if model[0]._forward_hooks or not torch.equal(after, usual):
        return "the model is another one afterwards: remove the hook, and leave the weights."
    if [part.training for part in model] != [True, False, True, True]:
        return "the model is in another mode afterwards: put back the mode of each part."
    if any(not torch.equal(output, copy) for output, copy in given):
        return "you changed what the layer gave, in place: clone it first, and change the copy."
    if logits.shape != usual.shape:
        return f"logits {tuple(usual.shape)} are asked for, and yours are {tuple(logits.shape)}."
    otherwise = "these are not the logits with that channel of that layer times the factor."
    return _among(logits, known, otherwise)


# ---- 11_shift_robustness


@exercise("11-where", hint="Rows count down, columns count right; dx belongs to the columns.")
def _where(answer):
    row, column = _numbers(answer, 2, "(row, column)")
    mistakes = {
        (12, 7): None,
        (7, 12): "row and column are exchanged: dy changes the row, dx the column.",
        (8, 13): "both signs are turned round: positive dy moves down, to larger rows.",
        (8, 7): "positive dy moves down, and rows are counted downwards.",
        (12, 13): "negative dx moves left, to smaller columns.",
        (13, 8): "dx changes the column, dy the row; and mind the signs.",
    }
    return mistakes.get((row, column), f"({row:g}, {column:g}) is not it.")


@exercise("11-cells", hint="Two poolings by 2: how wide is a cell? And back is the other way.")
def _cells(answer):
    right, down = _numbers(answer, 2, "(dx, dy)")
    mistakes = {
        (-2, 1): None,
        (2, -1): "that is where the maps have gone; to put them back is the other way.",
        (-8, 4): "those are pixels; a cell is several pixels wide.",
        (8, -4): "those are pixels, and that is not the way back.",
        (-4, 2): "there are two poolings before these maps, not one.",
        (1, -2): "dx and dy are exchanged.",
        (-2, -1): "dy = −4 moved the digit up, so its maps have to go down.",
        (2, 1): "dx = 8 moved the digit right, so its maps have to go left.",
    }
    return mistakes.get((right, down), f"({right:g}, {down:g}) is not it.")


@exercise("11-always", hint="Compare each row with the first, then ask for all rows, then average.")
def _always(answer):
    answers = torch.tensor([[3, 5, 1, 7, 0, 9]] * 4)
    answers[2, 1], answers[1, 2] = 6, 2  # two of six images change once
    share = torch.as_tensor(_call(answer, answers.clone())).float()
    same = answers == answers[0]
    return _among(
        share,
        [
            (same.all(dim=0).float().mean(), None),
            (same.float().mean(), "that is the mean over all shifts; one change is enough here."),
            (same[1:].float().mean(), "that is the mean over the shifts; one change is enough."),
            (same.all(dim=1).float().mean(), "that is a share of shifts; it is asked for images."),
            (same.all(dim=0).float(), "that says it of each image; now the share."),
            (same.all(dim=0).float().sum(), "that is a count; divide by the number of images."),
            (1 - same.all(dim=0).float().mean(), "that is the share that changes."),
        ],
        "of four images, two that never change their class make a share of 0.5.",
    )


@exercise(
    "11-templates", hint="F.conv2d slides the template; turn rows and columns round at the end."
)
def _templates(answer):
    generator = torch.Generator().manual_seed(0)
    weight, bias = (torch.randn(shape, generator=generator) for shape in ((10, 784), (10,)))
    images = torch.rand(3, 1, 28, 28, generator=generator)
    logits = torch.as_tensor(_call(answer, weight.clone(), bias.clone(), images.clone())).float()
    slid = F.conv2d(F.pad(images, (6, 6, 6, 6)), weight.reshape(10, 1, 28, 28))
    right = slid.flip(2, 3) + bias.reshape(10, 1, 1)
    if logits.shape != right.shape:
        return f"the result has the shape {tuple(right.shape)}, and yours {tuple(logits.shape)}."
    return _among(
        logits,
        [
            (right, None),
            (slid + bias.reshape(10, 1, 1), _MIRRORED),
            (slid.flip(2, 3), "the bias is missing."),
            (slid, f"the bias is missing, and {_MIRRORED}"),
            (right.mT, "rows and columns are exchanged: rows are for dy."),
            (right.flip(3), "the rows are in order, the columns are the other way round."),
            (right.flip(2), "the columns are in order, the rows are the other way round."),
        ],
        "at dx = dy = 0 these are not the logits of the linear model, or elsewhere not those of the moved images.",
    )


_MIRRORED = "the order is the other way round: a template further left sees an image further right."
