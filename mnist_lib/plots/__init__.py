"""Every still figure of the series. Each carries a description in words, computed from what it shows.

A plot function draws into `ax`, or into a new figure where that is None, and returns the axes; `show` puts the
figure on the page. In descriptions, numbers that depend on the data or the seed stand behind an ≈. What cannot be
drawn, such as another number of captions than of pictures, is refused with a TypeError or a ValueError that names the
argument.

- `base`: the look of the series, `new_axes`, `describe`, `show`.
- `images`: digits, their pixels, how many there are, what a model says of one.
- `maps`: numbers of either sign: weights, kernels, feature maps.
- `curves`: how training goes, and how models and optimizers compare.
- `descents`: points and lines, losses, paths on a surface.
- `windows`: convolution and pooling, window by window; signals. (`scenes` draws the cells.)
- `drawings`: strokes on a pad.
- `judging`: confusions and confidence.
- `networks`: the layers of a network, drawn from their shapes.
- `robustness`: what becomes of answers when digits move, or are prepared in other ways.
"""

from .base import COLOURS, SIGNED, describe, label_ends, new_axes, show, style
from .curves import plot_history, plot_scores, plot_table
from .descents import plot_descent, plot_lines, plot_losses, plot_paths
from .drawings import plot_drawings, plot_strokes
from .images import plot_digits, plot_pixels, plot_prediction
from .judging import plot_confusion, plot_reliability
from .maps import plot_map_grid, plot_maps, plot_seen
from .networks import plot_network
from .robustness import plot_bands, plot_shift_grids, plot_ways
from .windows import plot_convolution, plot_pooling, plot_signals
