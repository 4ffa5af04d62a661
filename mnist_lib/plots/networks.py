"""What a network is made of, drawn from the shapes that its layers give."""

import matplotlib.pyplot as plt

from .base import COLOURS, describe, new_axes, plot

FILLS = {"Conv2d": COLOURS[4], "MaxPool2d": COLOURS[1], "Linear": COLOURS[2]}  # others: grey


@plot
def plot_network(rows, ax=None):
    """Draw layers as boxes, from left to right: as high as the maps that they give, and as wide as there are many.

    Args:
        rows: [(name, shape)], the input and then each layer; a shape is (N, channels, H, W) or (N, numbers).
    """
    ax = ax or new_axes(10, 3.2)
    largest = max(shape[2] for _, shape in rows if len(shape) == 4)
    x, words = 0.0, []
    for name, (_, channels, *size) in rows:
        height, width = (size[0] / largest, 0.1 + channels / 60) if size else (0.3, 0.12)
        look = {"fc": FILLS.get(name, "0.9"), "ec": "black", "lw": 0.8}
        look["hatch"] = "//" if "Pool" in name else None
        ax.add_patch(plt.Rectangle((x, -height / 2), width, height, **look))
        text = "×".join(map(str, (channels, *size)))
        ax.text(x + width / 2, -0.56, text, va="top", ha="center", fontsize=9, rotation=90)
        ax.text(x + width / 2, 0.56, name, va="bottom", ha="center", fontsize=10, rotation=90)
        words.append(f"{name} {text}")
        x += width + 0.22
    ax.set(xlim=(-0.2, x), ylim=(-1.0, 1.1))
    ax.axis("off")
    return describe(ax, f"Layers from left to right, and what each gives: {', '.join(words)}.")
