"""Everything that moves: sliders above a picture, to try out what the still figures show.

An explorer draws with the functions of `plots` and computes with the rest of the package. It adds the sliders, a play
button, and the PyTorch code for what is on the screen. An argument that is not as described raises a TypeError or a
ValueError that names it, or the TraitError of its control.

- `explorer`: what all explorers are made of, and the arrow keys as two more hands on two sliders.
- `windows`: convolution and pooling, window by window.
- `descent`: a line fitted with one learning rate and another.
- `confusion`: the digits in a cell of a confusion matrix.
- `inside`: kernels while a network trains; cells of feature maps and the pixels that they see.
- `shifts`: a digit that is moved, and what models make of it. `bars`: how sure the models are.
- `pad`: a pad to draw digits on, and what models make of them. `book`: drawings in a file. `canvas`: what one draws on.
"""

from .book import DrawingBook
from .confusion import confusion_explorer
from .descent import learning_rate_explorer
from .explorer import Explorer, View
from .inside import feature_explorer, kernel_explorer
from .pad import DrawingPad
from .shifts import shift_explorer
from .windows import CONVOLUTION, POOLING, convolution_explorer, pooling_explorer

drawing_book, drawing_pad = DrawingBook, DrawingPad
