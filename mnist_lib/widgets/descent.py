"""Gradient descent with one learning rate and another."""

import math
from functools import partial

import ipywidgets
import torch

from .. import plots
from ..machinery.checks import integer
from .explorer import Explorer, View


def learning_rate_explorer(x, y, steps=30):
    """Return an `Explorer` of gradient descent: a line w·x + b, fitted with a learning rate from 0.01 to 2.

    Args:
        x, y: the points, lists or tensors of one shape; finite numbers, and not all in one place x.
        steps: how many steps there are, 1 to 1,000.

    >>> explorer = learning_rate_explorer([0.0, 1.0, 2.0], [1.0, 3.0, 5.0])
    >>> print(explorer.notes.value)
    Gradient descent with learning rate 0.1 converges: 0.1 &lt; 2 / largest curvature of the loss = 0.419
    """
    x, y = (torch.as_tensor(one, dtype=torch.float32, device="cpu").detach() for one in (x, y))
    integer("steps", steps, 1, 1000)
    low, high = math.log10(0.01), math.log10(2)
    rate = ipywidgets.FloatLogSlider(0.1, min=low, max=high, step=0.05, readout_format=".3f")
    rate.description = "learning rate"
    view = partial(_view_of_descent, x, y, steps)
    return Explorer({"learning_rate": rate}, view, "step")


def descend(x, y, learning_rate, steps, start=(0.0, 0.0)):
    """The path of gradient descent on the mean squared error, (steps + 1, 2), rows (w, b) (built in notebook 04).

    >>> descend(torch.tensor([2.0]), torch.tensor([4.0]), 0.125, steps=1, start=(3.0, 0.0)).tolist()
    [[3.0, 0.0], [2.0, -0.5]]
    """
    if x.shape != y.shape:  # every x would be compared with every y
        raise ValueError(f"y must have the shape of x, {tuple(x.shape)}, got {tuple(y.shape)}")
    path = [torch.tensor(start, dtype=x.dtype, device=x.device)]
    for _ in range(steps):
        w, b = path[-1]
        errors = w * x + b - y
        slopes = torch.stack([2 * (errors * x).mean(), 2 * errors.mean()])
        path.append(path[-1] - learning_rate * slopes)
    return torch.stack(path)


def _view_of_descent(x, y, steps, learning_rate):
    """The `View` of gradient descent with one learning rate."""
    learning_rate = float(f"{learning_rate:.3g}")  # no other than is written below
    path = descend(x, y, learning_rate, steps)

    def draw(step, figure):
        figure.set_layout_engine("constrained")
        return plots.plot_descent(x, y, path, step=step, ax=figure.add_subplot())

    def text(step):
        w, b = path[step]
        errors = w * x + b - y
        numbers = w, b, (errors**2).mean(), 2 * (errors * x).mean(), 2 * errors.mean()
        w, b, loss, *slopes = (f"{number:.4g}".replace("-", "−") for number in numbers)
        words = f"Step {step}: w = {w}, b = {b}, loss = {loss}, "
        return f"{words}gradient (∂loss/∂w, ∂loss/∂b) = ({', '.join(slopes)})"

    mean, square = x.double().mean(), (x.double() ** 2).mean()
    hessian = 2 * torch.tensor([[square, mean], [mean, 1.0]])
    limit = 2 / torch.linalg.eigvalsh(hessian)[-1].item()  # the last is the largest
    word, sign = ("converges", "<") if learning_rate < limit else ("does not converge", "≥")
    note = f"Gradient descent with learning rate {learning_rate:g} {word}: "
    note += f"{learning_rate:g} {sign} 2 / largest curvature of the loss = {limit:.3g}"
    code = f"""import torch

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
    return View(steps, (8, 3.6), draw, text, (note,), code)
