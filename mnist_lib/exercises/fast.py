"""The exercises of notebook 15_fast."""

import torch
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode

from .base import CHECKS, RIGHT, call_answer, exercise, wrong

CHECKS |= {
    "15-swap": {
        "hint": "Try it: some numbers of both signs through both orders, then torch.equal.",
        "max pooling": RIGHT,
        "batch normalisation": "it subtracts the mean, and the mean of what ReLU lets through is another one.",
        "convolution": "a sum of positive and negative numbers is not the sum of the positive ones alone.",
    },
    "15-multiplications": {
        "hint": "How many output numbers are there, and how many weights does each of them need?",
        921_600: RIGHT,
        1_327_104: "without padding the maps shrink: there are 10×10 places.",
        57_600: "each output number sees all 16 input channels.",
        14_400: "there are 64 output channels, with a kernel each.",
        9_216: "those are the weights; each of them is used at every place of the output.",
        1_843_200: "those are multiplications and additions; only multiplications are asked for.",
        102_400: "a kernel has 3·3 weights for each input channel.",
    },
    "15-benchmark": {
        "hint": "What happens only in the first run? And would the times be the same tomorrow?",
        "both": RIGHT,
        "warm-up": "the first run warmed up for both; but two single runs may differ by luck alone, too.",
        "luck": "two single runs may differ by luck; but the first one also warmed up for the second.",
    },
}


class _Reads(TorchDispatchMode):
    """Counts how often numbers were read one by one."""

    count = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.count += function is torch.ops.aten._local_scalar_dense.default
        return function(*args, **(kwargs or {}))


@exercise("15-reads", "Add up tensors, without .item(), and divide; turn the result into a float.")
def _reads(answer):
    generator = torch.Generator().manual_seed(0)
    model = torch.nn.Linear(4, 3)
    batches = [
        (torch.randn(size, 4, generator=generator), torch.arange(size) % 3) for size in (8, 8, 4)
    ]
    losses = torch.stack([F.cross_entropy(model(x), y) for x, y in batches]).detach()
    before = [parameter.clone() for parameter in model.parameters()]
    with _Reads() as reads:
        result = call_answer(answer, model, batches)
    if isinstance(result, torch.Tensor):
        yield "it returns a tensor; a Python float is asked for: float(…) of it."
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
    if reads.count > 1:
        yield f"with 3 batches it read {reads.count} numbers; let it read one, at the end."
