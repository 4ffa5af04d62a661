"""`training.fit` with those who usually watch, in one call: shared by the tests of training and of checkpoints."""

from mnist_lib import training
from mnist_lib.machinery.checkpoints import Checkpoint
from mnist_lib.machinery.watchers import History


def fit(
    model,
    batches,
    optimizer,
    epochs,
    validation=None,
    validate_every=None,
    scheduler=None,
    record=None,
    checkpoint=None,
    checkpoint_every=None,
):
    """Train, and return the table of the history."""
    history = History(validation, validate_every)
    watchers = [training.ProgressBar(), history]
    if record is not None:
        watchers.append(record)
    if checkpoint is not None:
        watchers.append(Checkpoint(checkpoint, checkpoint_every))
    training.fit(model, batches, optimizer, epochs, scheduler, watchers)
    return history.table()
