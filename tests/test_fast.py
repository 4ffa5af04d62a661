"""Several processes train as one, and end as one: the script of notebook 15."""

import ast

import pytest
import torch
from notebook_rules import NOTEBOOKS, built_in, code_cells, read, tree
from torch.nn import functional as F

from mnist_lib.models import MLP


@pytest.fixture
def notebook(tmp_path):
    """The notebook's `train_in`, with 2,000 random images; and its script, a Path."""
    names = built_in("15_fast", "train_in")
    names["folder"] = tmp_path
    statements = [
        part
        for _, cell in code_cells(read(NOTEBOOKS / "15_fast.ipynb"))
        for part in tree(cell).body
    ]
    script = [
        ast.literal_eval(part.value)
        for part in statements
        if isinstance(part, ast.Assign | ast.AugAssign) and "SCRIPT" in ast.unparse(part)[:6]
    ]
    assert len(script) == 2
    (tmp_path / "together.py").write_text("".join(script))
    generator = torch.Generator().manual_seed(3)
    digits = torch.rand(2560, 1, 28, 28, generator=generator), torch.arange(2560) % 10
    torch.save(digits, tmp_path / "digits.pt")
    return names["train_in"], tmp_path / "together.py", digits


def by_hand(images, labels):
    """The losses of 20 steps of one process, and the last gradient."""
    torch.manual_seed(0)
    model = MLP()
    optimizer, losses = torch.optim.SGD(model.parameters(), lr=0.1), []
    for chosen in torch.randperm(len(labels)).split(128):
        loss = F.cross_entropy(model(images[chosen]), labels[chosen])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
    return torch.stack(losses), torch.cat([weight.grad.flatten() for weight in model.parameters()])


def test_two_processes_train_as_one(notebook):
    train_in, _, digits = notebook
    losses, gradient = train_in(2)
    expected, last = by_hand(*digits)
    assert torch.allclose(losses, expected, rtol=1e-5)
    assert (gradient - last).norm() < 1e-4 * last.norm()


def test_when_one_process_is_killed_all_end_and_a_sentence_says_so(notebook):
    train_in, script, _ = notebook
    kill = "    if rank == 1 and len(losses) == 3: import os, signal; os.kill(os.getpid(), signal.SIGKILL)\n"
    text = script.read_text()
    assert text.count("    loss.backward()\n") == 1
    script.write_text(text.replace("    loss.backward()\n", f"{kill}    loss.backward()\n"))
    with pytest.raises(RuntimeError, match="One of 2 processes failed, so all ended"):
        train_in(2)
