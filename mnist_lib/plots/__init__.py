"""Every still figure of the series. Each carries a description in words, computed from what it shows.

A plot function draws into `ax`, or into a new figure where that is None, and returns the axes; `show` puts the
figure on the page. In descriptions, numbers that depend on the data or the seed stand behind an ≈. What cannot be
drawn, such as another number of captions than of pictures, is refused with a TypeError or a ValueError that names the
argument.

- `base`: the look of the series, `new_axes`, `describe`, `show`.
- `images`: digits, their pixels, what a model says of one, drawings on a pad.
- `maps`: numbers as shades: weights, kernels and feature maps, which have either sign; tables.
- `curves`: how training goes, how models compare; points and lines, losses, paths on a surface.
- `windows`: convolution and pooling, window by window; signals; the layers of a network.
- `judging`: confusions, confidence, and what becomes of answers when digits move or are prepared in other ways.
"""

from .base import COLOURS, SIGNED, describe, label_ends, new_axes, show, style
from .curves import plot_descent, plot_history, plot_lines, plot_losses, plot_paths, plot_scores
from .images import plot_digits, plot_drawings, plot_pixels, plot_prediction, plot_strokes
from .judging import plot_bands, plot_confusion, plot_reliability, plot_shift_grids, plot_ways
from .maps import plot_map_grid, plot_maps, plot_seen, plot_table
from .windows import plot_convolution, plot_network, plot_pooling, plot_signals
