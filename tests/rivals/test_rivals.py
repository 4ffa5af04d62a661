"""Worlds in which what a notebook found is not so: the claims that say it fail there.

A world is a notebook with one thing changed. The commonest rival stands in the notebook itself, beside the claim; here
are those that no lesson has room for. `pytest --thorough` runs them, on the sample.
"""

from typing import NamedTuple

import notebook_rules as rules
import pytest
from run_notebooks import execute

LOADED = "mnist = load_mnist()"


class World(NamedTuple):
    """A notebook, {code: what stands there instead}, and how claims begin that must fail."""

    notebook: str
    changes: dict
    fail: list


TURNED = """from torch.nn import functional as F
as_it_is = vars(F).setdefault("as_it_is", F.conv1d)
F.conv1d = lambda x, weight, *a, **b: F.as_it_is(x, weight.flip(-1), *a, **b)"""
UNSHARED = """from torch.nn import functional as F
as_it_is = vars(F).setdefault("as_it_is", F.conv2d)
def unshared(*arguments, **options):
    maps = F.as_it_is(*arguments, **options)
    return maps * torch.linspace(1, 2, maps.shape[-1])
F.conv2d = unshared"""
SKILLED = """    known = torch.rand(guesses.shape) < 0.02
    return (torch.where(known, split.labels, guesses) == split.labels)"""
BY_BOX = """mnist = load_mnist().to(device)
for split in (mnist.train, mnist.test):
    for image in split.images:
        rows, columns = image[0].nonzero().T
        move = [14 - int(ink.min() + ink.max() + 1) // 2 for ink in (rows, columns)]
        image.copy_(image.roll(move, dims=(1, 2)))"""
ANY_BRIGHTNESS = "lambda images: images * 2 ** (6 * torch.rand(len(images), 1, 1, 1) - 5)"
WORLDS = {
    "00, labels without a meaning": World(
        "00_start_here",
        {LOADED: f"import torch; {LOADED}; mnist.train.labels[:] = torch.randint(10, (3500,))"},
        ["Trained, it reads"],
    ),
    "00, a model that looks at neighbours": World(
        "00_start_here",
        {
            "torch.nn.Sequential(flatten, torch.nn.Linear(784, 10))": (
                "torch.nn.Sequential(torch.nn.Conv2d(1, 8, 5, stride=2), torch.nn.ReLU(),"
                " torch.nn.MaxPool2d(2), flatten, torch.nn.Linear(288, 10))"
            ),
            "learning_rate=0.1": "learning_rate=0.3",
            "[1].weight[0].detach()": "[-1].weight[0].detach().repeat(3)[:784]",
        },
        ["Shuffled in one order"],
    ),
    "01, a wall without a door": World(
        "01_conv1d",
        {"9, 8, 9, 10, 8, 9, 10, 9": "3, 2, 3, 2, 4, 3, 2, 3"},
        ["Stride 2 steps over", "Moved by one place", "Four windows respond"],
    ),
    "01, a convolution that turns its kernel": World(
        "01_conv1d",
        {"from torch.nn import functional as F": TURNED},
        ["PyTorch gives the 14 numbers", "With the kernel turned around", "np.correlate"],
    ),
    "01, the ends repeated instead of zeros": World(
        "01_conv1d",
        {
            "padded = F.conv1d(row, mean, padding=1)[0, 0]": (
                "padded = F.conv1d(F.pad(row, (1, 1), mode='replicate'), mean, padding=0)[0, 0]"
            )
        },
        ["Zeros end darker"],
    ),
    "01, a kernel whose sum is not zero": World(
        "01_conv1d", {"torch.tensor([[[-1.0, 1]]])": "torch.tensor([[[-1.0, 1.5]]])"}, ["20 more"]
    ),
    "02, another kernel at every place": World(
        "02_conv2d",
        {"from torch.nn import functional as F": UNSHARED},
        ["With stride 1, the map moves", "Three quarters of the weights"],
    ),
    "02, layers that see two pixels more": World(
        "02_conv2d",
        {"nn.Conv2d(1, 1, kernel_size=3, padding=1": "nn.Conv2d(1, 1, kernel_size=5, padding=2"},
        ["By rule and by experiment"],
    ),
    "03, images in which neighbours are strangers": World(
        "03_pooling",
        {
            "digits, labels = mnist.train.images[:500]": "digits, labels = torch.rand(500, 1, 28, 28)"
        },
        ["On the whole, the maximum", "After the maximum", "As a share"],
    ),
    "03, a padding of zeros": World(
        "03_pooling",
        {
            "F.max_pool2d(lowest, kernel_size=3, stride=1, padding=1)": (
                "F.max_pool2d(F.pad(lowest, (1, 1, 1, 1)), kernel_size=3, stride=1)"
            )
        },
        ["Padding never wins"],
    ),
    "03, one signal instead of two channels": World(
        "03_pooling",
        {
            "F.max_pool1d(x.reshape(1, 2, 8), kernel_size=3)": (
                "F.max_pool1d(x.reshape(1, 1, 16), kernel_size=3)"
            )
        },
        ["Each channel is pooled"],
    ),
    "04, inputs off centre": World(
        "04_linear_regression",
        {"torch.linspace(-1, 1, 200)": "torch.linspace(0, 2, 200)"},
        ["With the learning rate 0.5"],
    ),
    "04, half of what is taken for the edge": World(
        "04_linear_regression",
        {"edge = 2 / largest": "edge = 1 / largest"},
        ["One percent above", "At the edge"],
    ),
    "04, no wrong point": World(
        "04_linear_regression",
        {"typed[-1] = 5.0": "typed[-1] = 0.5"},
        ["Without the wrong point", "Huber"],
    ),
    "05, guessers with some skill": World(
        "05_mnist_data",
        {"    return (guesses == split.labels)": SKILLED},
        ["On other images"],
    ),
    "05, an image in two splits": World(
        "05_mnist_data",
        {LOADED: f"{LOADED}; mnist.validation.images[0] = mnist.train.images[0]"},
        ["No image stands"],
    ),
    "05, averages that have seen negatives": World(
        "05_mnist_data",
        {
            "nearest_mean(mnist.train, 1 - ": (
                "nearest_mean(Split(1 - mnist.train.images, mnist.train.labels), 1 - "
            )
        },
        ["It names most"],
    ),
    "05, as many test images": World(
        "05_mnist_data",
        {"right = torch.rand(2000, size) < 0.95": "right = torch.rand(2000, 10_000) < 0.95"},
        ["Half the test images"],
    ),
    "06, digits that are not sorted": World(
        "06_linear_and_nonlinear",
        {"mnist.train.labels.argsort(stable=True)": "torch.randperm(len(mnist.train))"},
        ["After sorted digits"],
    ),
    "06, no ReLU between": World(
        "06_linear_and_nonlinear",
        {"from torch import nn": "from torch import nn; nn.ReLU = nn.Identity"},
        ["The ReLU between", "An output is 0"],
    ),
    "06, a second log-softmax over the batch": World(
        "06_linear_and_nonlinear",
        {"batch_logits.log_softmax(dim=1), labels": "batch_logits.log_softmax(dim=0), labels"},
        ["A second log-softmax"],
    ),
    "07, images in which neighbours are strangers": World(
        "07_cnn",
        {
            "mnist = load_mnist().to(device)": (
                "mnist = load_mnist().to(device); mixed = torch.randperm(784, device=device)\n"
                "for part in (mnist.train, mnist.validation, mnist.test):\n"
                "    part.images[:] = part.images.flatten(1)[:, mixed].reshape(-1, 1, 28, 28)"
            ),
            "mnist = load_mnist().to(pick_device())": "",
        },
        ["With equal epochs"],
    ),
    "07, a network that has not learned": World(
        "07_cnn",
        {'tiny_vgg = kept["TinyVGG"]': "tiny_vgg = models.TinyVGG().to(device)"},
        ["Of its wrong answers"],
    ),
    "07, rates that do not fall": World(
        "07_cnn",
        {"LinearLR(optimizer, 1, 0, steps)": "LinearLR(optimizer, 1, 1, steps)"},
        ["With the same highest rate"],
    ),
    "08, a round bowl": World(
        "08_optimizers",
        {"100 * across**2": "across**2"},
        ["The best pair"],
    ),
    "08, a ravine along the other axis": World(
        "08_optimizers",
        {"angle = math.radians(degrees)": "angle = math.radians(2 * degrees)"},
        ["Adagrad needs"],
    ),
    "08, a velocity that forgets": World(
        "08_optimizers",
        {'beta * state.get("velocity", 0) + slope': '0 * state.get("velocity", 0) + slope'},
        ["The best pair", "Our momentum"],
    ),
    "08, a contest of two": World(
        "08_optimizers",
        {".reshape(8, -1)": ".reshape(8, -1)[:2]"},
        ["In over a tenth"],
    ),
    "08, a schedule that stays, and a velocity that is not evened out": World(
        "08_optimizers",
        {
            "OneCycleLR(optimizer, highest, total_steps=steps, cycle_momentum=False)": (
                "ConstantLR(optimizer, 1)"
            ),
            "update = evened_out(": "update = (",
        },
        ["Over ten seeds", "Muon on the first layer", "Our muon follows"],
    ),
    "09, a twin that is the same network": World(
        "09_confusion_matrix",
        {'answers["twin"] != labels\n': 'answers["CNN"] != labels\n'},
        ["Of the images that either"],
    ),
    "09, a twin whose errors have nothing to do with it": World(
        "09_confusion_matrix",
        {'answers["twin"] != labels\n': "torch.rand(len(labels)) < 0.02\n"},
        ["Both are wrong together"],
    ),
    "09, nines as frequent as the others": World(
        "09_confusion_matrix",
        {"nines[len(nines) // 10 :]": "nines[:0]"},
        ["Missing every rare nine"],
    ),
    "09, a network that is no surer than right": World(
        "09_confusion_matrix",
        {"by_heart[60], mnist": "by_heart[4], mnist", "of_test[60]": "of_test[4]"},
        ["It takes more than a quarter"],
    ),
    "09, judges that have not learned": World(
        "09_confusion_matrix",
        {"return train(UnpaddedConvNet, split": "return UnpaddedConvNet().to(device)\n    (split"},
        ["More than half of the labels"],
    ),
    "10, kernels that are edges": World(
        "10_kernels_and_feature_maps",
        {
            "first = {seed: trained[seed].layers[0].weight.detach()[:, 0].cpu() for seed in seeds}": (
                "import math\nfirst = {seed: torch.tanh(torch.arange(-2.0, 3)).expand(4, 5, 5)"
                " for seed in seeds}"
            )
        },
        ["Each trained layer"],
    ),
    "10, noise that is not smoothed": World(
        "10_kernels_and_feature_maps",
        {"if neighbours(noise) >= smoothness:": "if True:"},
        ["But noise as smooth"],
    ),
    "10, networks that learn nothing": World(
        "10_kernels_and_feature_maps",
        {
            "trained = {seed: train_convnet(mnist.train, epochs, seed) for seed in seeds}": (
                "trained = {seed: (seed_everything(seed + 50), ConvNet().to(device).eval())[1]"
                " for seed in seeds}"
            )
        },
        ["Each trained layer", "On average, trained kernels", "In both layers, two trained"],
    ),
    "10, notes that are copies, and a straight way": World(
        "10_kernels_and_feature_maps",
        {
            "notes.append(watched.layers[0].weight.detach())": (
                "notes.append(watched.layers[0].weight.detach().clone())"
            ),
            "(moments - moments[0]).flatten(1).norm(dim=1)": "torch.linspace(0, 1, len(moments))",
        },
        ["Without copies", "After a fifth"],
    ),
    "10, other digits that are the same": World(
        "10_kernels_and_feature_maps",
        {"digits.roll(int(other_digits), dims=0)": "digits"},
        ["Two untrained networks agree"],
    ),
    "10, favourites by lot": World(
        "10_kernels_and_feature_maps",
        {
            "return maps.amax(dim=(2, 3)).topk(count": (
                "return torch.rand(len(maps), 8, device=device).topk(count"
            )
        },
        ["An untrained network's favourites"],
    ),
    "10, a lie that is silence, and layers that are the same": World(
        "10_kernels_and_feature_maps",
        {
            "lambda maps: maps.roll(1, dims=0)": "torch.zeros_like",
            '("layers.1", ones[:4], zeros)': '("layers.4", ones[:4], zeros)',
        },
        ["One channel of four", "In each network another", "The half of the channels"],
    ),
    "10, a cost that is the purity": World(
        "10_kernels_and_feature_maps",
        {"same_order(pure.values(), of_zeros)": "same_order(of_zeros, of_zeros)"},
        ["Purity goes along"],
    ),
    "11, convolutions that differ from place to place": World(
        "11_shift_robustness",
        {
            "from torch.nn import functional as F\n\nfrom mnist_lib.plots": (
                f"{UNSHARED.replace('maps.shape[-1])', 'maps.shape[-1], device=maps.device)')}\n"
                "from mnist_lib.plots"
            )
        },
        ["Away from the edge"],
    ),
    "11, maps that are not put back": World(
        "11_shift_robustness",
        {"net.layers[8:](move_back(maps, cells))": "net.layers[8:](maps)"},
        ["With their maps put back", "For two pixels", "Digits that never moved"],
    ),
    "11, a maximum that knows the place": World(
        "11_shift_robustness",
        {"return maps.amax(dim=(2, 3))": "return maps[..., 3, 3]"},
        ["At radius 4, a global", "Augmented, each with a global"],
    ),
    "11, augmentation that moves nothing": World(
        "11_shift_robustness",
        {"partial(random_shift, largest=4)": "partial(random_shift, largest=0)"},
        ["Augmented, networks with flatten"],
    ),
    "11, networks that met the border everywhere": World(
        "11_shift_robustness",
        {'wide_nets = lab["global max, 65 maps"]': 'wide_nets = lab["global max, augmented"]'},
        ["On the canvas, networks"],
    ),
    "12, a rate that stays": World(
        "12_save_load_resume",
        {
            "OneCycleLR(optimizer, max_lr=0.02, total_steps=steps, cycle_momentum=False)": (
                "torch.optim.lr_scheduler.ConstantLR(optimizer, factor=1)"
            )
        },
        ["All weights were kept"],
    ),
    "12, luck that is left out": World(
        "12_save_load_resume",
        {'["model", "optimizer", "schedule", "random"]': '["model", "optimizer", "schedule"]'},
        ["With all four"],
    ),
    "12, a checkpoint before that is not kept": World(
        "12_save_load_resume",
        {'os.replace(old, path.with_name(path.name + ".previous"))': "pass"},
        ["If the disk reports"],
    ),
    "12, an epoch whose order is not drawn again": World(
        "12_save_load_resume",
        {'set_random_states(middle["then"])': "pass"},
        ["With both, the weights"],
    ),
    "13, people who all draw large": World(
        "13_draw_a_digit",
        {"((0.2, 0.4), 0.1)": "((0.6, 0.9), 1)", "((0.2, 0.4), 1)": "((0.6, 0.9), 1)"},
        ["Small, near the middle", "Small, anywhere"],
    ),
    "13, people who all draw in the middle": World(
        "13_draw_a_digit", {"((0.6, 0.9), 1)": "((0.6, 0.9), 0.1)"}, ["Large and anywhere"]
    ),
    "13, digits centred by their box": World(
        "13_draw_a_digit",
        {"mnist = load_mnist().to(device)": BY_BOX},
        [
            "In 1,000 images, centres",
            "The box's middle costs linear",
        ],
    ),
    "13, networks that know every brightness": World(
        "13_draw_a_digit",
        {"epochs, seed, batch_size=64)": f"epochs, seed, batch_size=64, augment={ANY_BRIGHTNESS})"},
        ["With the thinnest pen", "At a sixth of the brightness", "At 1/16 of the brightness"],
    ),
    "13, too bright means cut off": World(
        "13_draw_a_digit",
        {"256 * prepared": "(256 * prepared).clamp(max=1)"},
        ["For CNNs, lost offsets explain"],
    ),
    "13, hands that are all alike": World(
        "13_draw_a_digit",
        {"[n / 4 for n in range(-4, 5)]": "[0.0] * 9"},
        ["100 drawings by one hand"],
    ),
    "13, photographs that nobody turns": World(
        "13_draw_a_digit",
        {
            "ImageOps.exif_transpose(Image.open(io.BytesIO(content)))": (
                "Image.open(io.BytesIO(content))"
            )
        },
        ["Prepared, CNNs read 85"],
    ),
    "13, a threshold that is the same for all": World(
        "13_draw_a_digit",
        {"ink / (2 * threshold_otsu(ink))": "ink", "darker / light.clip(0.05)": "1 - grey"},
        ["Prepared, CNNs read 85"],
    ),
    "14, a softmax over the classes": World(
        "14_common_mistakes",
        {
            "log_softmax(dim=0)": "log_softmax(dim=1)",
            "softmax(dim=0).argmax": "softmax(dim=1).argmax",
        },
        ["Softmax over the batch"],
    ),
    "14, sorted digits that are shuffled": World(
        "14_common_mistakes",
        {"split=by_label, order=torch.arange": "split=by_label"},
        [
            "After sorted digits, each",
            "With a mistake of hall 2",
            "With zero weights and in hall 2",
        ],
    ),
    "14, batches of a thousand, in evaluation": World(
        "14_common_mistakes",
        {"read(model, evaluation=False) for model in copies": "read(model) for model in copies"},
        ["With batch norm, in batches of 1,000"],
    ),
    "14, labels that are not shifted": World(
        "14_common_mistakes",
        {"shifted = train.labels.roll(1)": "shifted = train.labels"},
        ["With these three mistakes"],
    ),
    "14, a leak of digits that nobody saw": World(
        "14_common_mistakes",
        {
            "train.images[:250], held": "mnist.train.images[-250:], held",
            "train.labels[:250], held": "mnist.train.labels[-250:], held",
        },
        ["Unseen, the halves"],
    ),
    "16, pictures that ask no network": World(
        "16_do_explanations_hold",
        {"return slopes(*given) * given[1][:, 0]": "return given[1][:, 0]"},
        ["With the sign, the mean", "In slope × pixel, two trained", "On average, the other"],
    ),
    "16, nonsense that is true": World(
        "16_do_explanations_hold",
        {"few.labels[torch.randperm(300).to(device)]": "few.labels"},
        ["With the sign, the mean"],
    ),
    "16, true labels that are nonsense": World(
        "16_do_explanations_hold",
        {"few_true.append(train_convnet(few, 40, seed))": "few_true.append(nonsense[-1])"},
        ["True labels of the same"],
    ),
    "16, untrained networks that are trained": World(
        "16_do_explanations_hold",
        {
            "untrained.append(ConvNet().to(device).eval())": "untrained.append(trained[seed - seeds[0] - 1])"
        },
        ["With the sign, the mean", "Twenty by an untrained", "Helped in the same way"],
    ),
    "16, a sign that does not count": World(
        "16_do_explanations_hold",
        {"(predict(model, without) != before)": "(torch.rand(len(images)) < 0.1).to(device)"},
        ["Twenty pixels by slope"],
    ),
    "16, an ascent that goes down, and no help": World(
        "16_do_explanations_hold",
        {
            "+ rate * slope)": "- rate * slope)",
            '"helped": (trained, True)': '"helped": (trained, False)',
        },
        ["Another trained network reads", "It reads more of them"],
    ),
}


@pytest.mark.thorough
@pytest.mark.parametrize("name", WORLDS)
def test_what_was_found_is_not_so_in_another_world(name):
    stem, changes, fail = WORLDS[name]
    notebook = rules.read(rules.NOTEBOOKS / f"{stem}.ipynb")
    for old, new in changes.items():
        changed = [cell for _, cell in rules.code_cells(notebook) if old in cell.source]
        assert changed, f"no cell has {old!r}"
        for cell in changed:
            cell.source = cell.source.replace(old, new)
    execute(notebook, rules.NOTEBOOKS, "sample")
    lines = [line for _, cell in rules.code_cells(notebook) for line in rules.output_lines(cell)]
    failed = [line[2:] for line in lines if line.startswith(rules.MARKS["fails"])]
    for start in fail:
        assert any(sentence.startswith(start) for sentence in failed), (start, failed)
