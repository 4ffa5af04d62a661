"""What the course needs, and students need not read.

An argument that is not as described raises a TypeError or a ValueError that names it; a name that is not there, a
KeyError.

- `checks`: arguments, looked at once, with an error that says what came and what was expected.
- `download`: full MNIST on disk, whole or not at all.
- `files`: image files as people have them, and bytes that must be on the disk.
- `machine`: what this machine has, and what mends it.
- `commands`: `python -m mnist_lib`.
- `watchers`: who watches a training: a history, a record of weights.
- `checkpoints`: trainings that go on where they were stopped.
- `grids`: many small trainings, many models in each step.
- `drawings`: drawings that people made, in a file.
- `doctor`: what can be seen of a network and its data.
- `tracing`: from images and photographs to pen strokes.
"""
