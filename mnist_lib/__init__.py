"""The small package behind the notebooks of this course.

`import mnist_lib` imports nothing heavy. A module loads when it is first used:

>>> import mnist_lib
>>> mnist_lib.claims.claim("Two and two make four.", 2 + 2 == 4)
✓ Two and two make four.
"""

import importlib

__all__ = [
    "arithmetic",
    "checkpoints",
    "checks",
    "claims",
    "data",
    "download",
    "exercises",
    "features",
    "grids",
    "machine",
    "metrics",
    "models",
    "plots",
    "shifts",
    "strokes",
    "tracing",
    "training",
    "widgets",
]
__version__ = "0.1.0"


def __getattr__(name):
    if name in __all__:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(
        f"module {__name__!r} has no attribute {name!r}; its modules are {', '.join(__all__)}"
    )


def __dir__():
    return sorted([*globals(), *__all__])
