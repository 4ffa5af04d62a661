"""The checks behind "Your turn": a module for each notebook, all made of what is in `base`."""

from importlib import import_module
from pathlib import Path

from .base import CHECKS, check, hint

__all__ = ["CHECKS", "check", "hint"]
for module in sorted(Path(__file__).parent.glob("[a-z]*.py")):
    import_module(f"{__name__}.{module.stem}")  # its checks register themselves
