"""The small package behind the notebooks of this course. In reading order, with the notebook that builds each:

- `claims`: a sentence and its condition, ✓ or ✗ (00).
- `arithmetic`: convolution and pooling by hand, window by window (01, 02, 03).
- `data`: the digits, their splits, batches and folders (05).
- `training`: a step, an epoch, an evaluation; `fit`, the loop; `train`, the recipe; predictions (06 to 08).
- `models`: from one linear layer to a CNN with batch normalisation (06, 07).
- `metrics`: the confusion matrix and the report (09).
- `features`: the outputs of the layers inside, and the pixels that they see (10).
- `shifts`: moved digits, training with them, blur pooling (11).
- `strokes`: from pen strokes to an image such as MNIST's (13).

That is the core. To use, not to read: `machinery` (`watchers` and `checkpoints` of a training, the download …), `plots`
(every still figure), `widgets` (everything that moves), `exercises` (the checks behind "Your turn").
In a terminal: `python -m mnist_lib --help`.

`import mnist_lib` imports nothing heavy. A module loads when it is first used:

>>> import mnist_lib
>>> mnist_lib.claims.claim("Two and two make four.", 2 + 2 == 4)
✓ Two and two make four.
"""

import importlib
import pkgutil

__all__ = [module.name for module in pkgutil.iter_modules(__path__) if module.name != "__main__"]
__version__ = "0.1.0"


def __getattr__(name):
    if name in __all__:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(
        f"module {__name__!r} has no attribute {name!r}; its modules are {', '.join(__all__)}"
    )


def __dir__():
    return sorted([*globals(), *__all__])
