"""The exercises of notebook 15_fast."""

import torch
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves

from .base import CHECKS, RIGHT, call_answer, exercise, wrong

NAMES = "item tolist numpy __float__ __int__".split()
READS = {getattr(torch.Tensor, name) for name in NAMES}
CHECKS |= {
    "15-swap": {
        "hint": "Which of them may swap the order of two numbers? Try −3 and 2.",
        "absolute value": RIGHT,
        "sigmoid": "it never swaps the order of two numbers, so the largest stays the largest.",
        "tanh": "it never swaps the order of two numbers, so the largest stays the largest.",
    },
    "15-multiplications": {
        "hint": "How many output numbers are there, and how many weights does each of them need?",
        921_600: RIGHT,
        1_327_104: "without padding the maps shrink: there are 10×10 places.",
        57_600: "each output number sees all 16 input channels.",
        14_400: "there are 64 output channels, with a kernel each.",
        9_216: "those are the weights; each of them is used at every place of the output.",
        1_843_200: "those are multiplications and additions; only multiplications are asked for.",
        2_764_800: "that is forward and backward; only the forward pass is asked for.",
        5_529_600: "those are multiplications and additions, forward and backward; take the forward multiplications.",
        102_400: "a kernel has 3·3 weights for each input channel.",
    },
    "15-benchmark": {
        "hint": "What happens only in the first run? And would the times be the same tomorrow?",
        "both": RIGHT,
        "warm-up": "the first run warmed up for both; but two single runs may differ by luck alone, too.",
        "luck": "two single runs may differ by luck; but the first one also warmed up for the second.",
    },
}


class _Reads(TorchFunctionMode):
    """Counts how often tensors were turned into Python's or NumPy's numbers, however many at once."""

    count = 0

    def __torch_function__(self, function, types, args=(), kwargs=None):
        self.count += function in READS
        if function in (torch.tensor, torch.as_tensor):  # of a list of tensors
            self.count += sum(isinstance(leaf, torch.Tensor) for leaf in tree_leaves(args))
        return function(*args, **(kwargs or {}))


@exercise("15-reads")
def _reads(answer):
    """Add up tensors, without .item(), and divide; turn the result into a float."""
    model = torch.nn.Linear(4, 3)
    batches = [(torch.randn(size, 4), torch.arange(size) % 3) for size in (8, 8, 4)]
    losses = torch.stack([F.cross_entropy(model(x), y) for x, y in batches]).detach()
    before = [parameter.clone() for parameter in model.parameters()]
    with _Reads() as reads:
        result = call_answer(answer, model, batches)
    if not isinstance(result, float):
        yield f"a Python float is asked for, and yours is a {type(result).__name__}: float(…) of it."
    table = {
        losses.mean(): RIGHT,
        losses.sum(): "those are sums of the losses; divide by the number of batches.",
        losses[-1]: "that is the loss of the last batch alone.",
        (losses * torch.tensor([8, 8, 4])).sum() / 20: "that is the mean over examples; the plain "
        "mean of the batches' losses is asked for.",
    }
    yield wrong(result, table)
    if not all(map(torch.equal, before, model.parameters())):
        yield "it changed the model; nothing is trained here."
    yield reads.count > 1 and f"with 3 batches it read {reads.count} times; read once, at the end."
