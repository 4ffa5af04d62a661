"""A stand-in for a graphics card: "cuda" is the CPU, but a tensor knows which of the two it was moved to.

Within `Card()` most of what a card would refuse is refused: operations on tensors of both devices, and NumPy.
`reads` counts how often a number was copied from the card, for which the CPU has to wait.
"""

import torch
from torch._C._functorch import is_batchedtensor
from torch.overrides import TorchFunctionMode, resolve_name
from torch.utils import _pytree as pytree

Tensor = torch.Tensor
READS = {
    getattr(Tensor, name)
    for name in (
        "item tolist __bool__ __int__ __float__ __index__ __contains__ __repr__ __format__ nonzero "
        "equal allclose unique unique_consecutive masked_select argwhere bincount is_nonzero"
    ).split()
}
READS |= {torch.nonzero, torch.equal, torch.allclose, torch.unique, torch.unique_consecutive}
READS |= {torch.masked_select, torch.argwhere, torch.bincount, torch.is_nonzero, torch.tensor}
ACROSS = {Tensor.copy_, Tensor.__getitem__, Tensor.__setitem__, Tensor.__deepcopy__}
ACROSS |= {Tensor.data.__set__, Tensor.grad.__set__, torch._has_compatible_shallow_copy_type}
TOGETHER = {torch.stack, torch.cat}  # here not even a number may come from elsewhere


def on_card(tensor):
    return getattr(tensor, "_on_card", False)


def place(tensor):
    """The device that a tensor seems to be on."""
    return torch.device("cuda", 0) if on_card(tensor) else tensor.device


class Card(TorchFunctionMode):
    """Marks the tensors that are moved to "cuda", and refuses what mixes them with others."""

    reads = 0

    def __enter__(self):
        copied = self.copied = torch.nn.Parameter.__deepcopy__

        def marked_copy(parameter, memo):
            """The mode does not see this one."""
            result = copied(parameter, memo)
            result._on_card = on_card(parameter)
            return result

        torch.nn.Parameter.__deepcopy__ = marked_copy
        return super().__enter__()

    def __exit__(self, *error):
        torch.nn.Parameter.__deepcopy__ = self.copied
        return super().__exit__(*error)

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        if function == Tensor.device.__get__:
            return place(args[0])
        if function == Tensor.is_cuda.__get__:
            return on_card(args[0])
        if function == Tensor.is_cpu.__get__:
            return not on_card(args[0])
        if function in (Tensor.to, Tensor.cpu, Tensor.cuda):
            return self.move(function, *args, **kwargs)
        tensors = tensors_in((args, kwargs))
        marked = any(map(on_card, tensors))
        if marked:
            self.refuse(function, tensors)
            if function in READS or self.picks_by_mask(function, args):
                self.reads += 1
        if "device" in kwargs and kwargs["device"] is not None:
            marked = torch.device(kwargs["device"]).type == "cuda"
            kwargs["device"] = "cpu"
        if function in (Tensor.copy_, Tensor.__setitem__, Tensor.__deepcopy__):
            self.reads += marked and not on_card(args[0])
            marked = on_card(args[0])
        result = function(*args, **kwargs)
        if function == Tensor.data.__set__:
            args[0]._on_card = on_card(args[1])
        for leaf in tensors_in(result):
            leaf._on_card = marked
        return result

    def move(self, function, tensor, *args, **kwargs):
        """`tensor.to(…)`, and its short forms."""
        before = after = place(tensor)
        if function is not Tensor.to:
            after, args, kwargs = torch.device(function.__name__), [], {}
        elif args and isinstance(args[0], Tensor):
            after, args = place(args[0]), [args[0].dtype, *args[1:]]
        elif args and not isinstance(args[0], torch.dtype):
            after, *args = args
        elif kwargs.get("device") is not None:
            after = kwargs.pop("device")
        after = before if after is None else torch.device(after)
        moves = before.type != after.type
        self.reads += moves and after.type == "cpu"
        dtype = next((arg for arg in args if isinstance(arg, torch.dtype)), kwargs.get("dtype"))
        how = {"dtype": dtype, "copy": moves or kwargs.get("copy", False)}
        how |= {"memory_format": kwargs["memory_format"]} if "memory_format" in kwargs else {}
        result = tensor.to("cpu" if after.type == "cuda" else after, **how)
        if result is not tensor:
            result._on_card = after.type == "cuda"
        return result

    def refuse(self, function, tensors):
        """Refuse what a card refuses."""
        if function in (Tensor.numpy, Tensor.__array__):
            raise TypeError("can't convert cuda:0 device type tensor to numpy. Use Tensor.cpu()")
        if function in ACROSS or any(map(is_batchedtensor, tensors)):
            if function is not Tensor.__getitem__ or on_card(tensors[0]):
                return
        numbers_too = function not in TOGETHER
        if not all(on_card(tensor) or (numbers_too and tensor.ndim == 0) for tensor in tensors):
            name = resolve_name(function) or function
            raise RuntimeError(
                f"{name}: expected all tensors to be on the same device, found cuda:0 and cpu"
            )

    def picks_by_mask(self, function, args):
        """Whether this is `tensor[mask]`: how many are picked has to be known."""
        if function not in (Tensor.__getitem__, Tensor.__setitem__):
            return False
        masks = tensors_in(args[1])
        return any(mask.dtype == torch.bool for mask in masks)


def marking(vmap):
    """The same `vmap`, whose results are on the card if an argument is: the mode cannot look into it."""

    def marked_vmap(function, **how):
        def run(*args):
            result = vmap(function, **how)(*args)
            result._on_card = any(map(on_card, tensors_in(args)))
            return result

        return run

    return marked_vmap


def tensors_in(values):
    return [leaf for leaf in pytree.tree_leaves(values) if isinstance(leaf, Tensor)]
