"""Gradient descent with one learning rate and another."""

import math

import ipywidgets
import torch

from .. import plots, training
from .explorer import Explorer, View, check_choice, make_control


def learning_rate_explorer(x, y, steps=30):
    """Return an `Explorer` of gradient descent: a line w·x + b, fitted with a learning rate from 0.01 to 2.

    Args:
        x, y: the points, lists or tensors of one shape; finite numbers, and not all in one place x.
        steps: how many steps there are, 1 to 1,000.

    Raises:
        TypeError, ValueError: `x` and `y` are no such numbers, or `steps` is out of range.

    >>> explorer = learning_rate_explorer([0.0, 1.0, 2.0], [1.0, 3.0, 5.0])
    >>> print(explorer.notes.value)
    Gradient descent with learning rate 0.1 converges: 0.1 &lt; 2 / largest curvature of the loss = 0.419
    """
    x, y = _points("x", x), _points("y", y)
    if x.shape != y.shape:
        raise ValueError(f"y must have the shape of x, {tuple(x.shape)}, got {tuple(y.shape)}")
    if len(x.unique()) < 2:
        raise ValueError(f"x must hold at least two different numbers, got {x.unique().tolist()}")
    check_choice("steps", steps, range(1, 1001))
    controls = {
        "learning_rate": ipywidgets.FloatLogSlider(
            value=0.1,
            min=-2,  # 10 to the power of −2
            max=math.log10(2),
            step=0.05,
            description="learning rate",
            readout_format=".3f",
        )
    }

    def view(learning_rate):
        learning_rate = float(f"{learning_rate:.3g}")  # no other than is written below
        path = training.descend(x, y, learning_rate, steps)

        def draw(step, figure):
            figure.set_layout_engine("constrained")
            return plots.plot_descent(x, y, path, step=step, ax=figure.add_subplot())

        def text(step):
            return _descent_text(x, y, step, *path[step])

        notes, code = (_convergence(x, learning_rate),), _descent_code(learning_rate, steps)
        return View(steps, (8, 3.6), draw, text, notes, code)

    return Explorer(controls, make_control("step", range(steps + 1), 0), view)


def _descent_text(x, y, step, w, b):
    """Where gradient descent stands at a step, in words."""
    errors = w * x + b - y
    numbers = w, b, (errors**2).mean(), 2 * (errors * x).mean(), 2 * errors.mean()
    w, b, loss, slope_w, slope_b = (f"{number:.4g}".replace("-", "−") for number in numbers)
    return (
        f"Step {step}: w = {w}, b = {b}, loss = {loss}, "
        f"gradient (∂loss/∂w, ∂loss/∂b) = ({slope_w}, {slope_b})"
    )


def _convergence(x, learning_rate):
    """Whether gradient descent on the mean squared error of w·x + b goes to the minimum, in words."""
    x = x.double()
    hessian = 2 * torch.tensor([[(x**2).mean(), x.mean()], [x.mean(), 1.0]])
    limit = 2 / torch.linalg.eigvalsh(hessian)[-1].item()  # the last is the largest
    word, sign = ("converges", "<") if learning_rate < limit else ("does not converge", "≥")
    return (
        f"Gradient descent with learning rate {learning_rate:g} {word}: "
        f"{learning_rate:g} {sign} 2 / largest curvature of the loss = {limit:.3g}"
    )


def _descent_code(learning_rate, steps):
    return f"""import torch

# x and y: the points, two tensors
w = torch.tensor(0.0, requires_grad=True)
b = torch.tensor(0.0, requires_grad=True)
optimizer = torch.optim.SGD([w, b], lr={learning_rate})
for step in range({steps}):
    loss = ((w * x + b - y) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(w.item(), b.item())"""


def _points(name, values):
    """The values as a float32 tensor on the CPU."""
    try:
        points = torch.as_tensor(values, dtype=torch.float32, device="cpu").detach()
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(f"{name} must be a tensor or a list of numbers: {error}") from None
    if not points.isfinite().all():
        raise ValueError(f"{name} must hold finite numbers, got {values!r:.60}")
    return points
