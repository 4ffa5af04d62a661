"""The checks behind "Your turn": a module for each notebook, all made of what is in `base`."""

from importlib import import_module

from .base import CHECKS, check, hint

__all__ = ["CHECKS", "check", "hint"]
NOTEBOOKS = (
    "start_here",
    "conv1d",
    "conv2d",
    "pooling",
    "linear_regression",
    "mnist_data",
    "linear_and_nonlinear",
    "cnn",
    "optimizers",
    "confusion_matrix",
    "kernels_and_feature_maps",
    "shift_robustness",
    "save_load_resume",
    "draw_a_digit",
)
for notebook in NOTEBOOKS:
    import_module(f"{__name__}.{notebook}")  # its checks register themselves
