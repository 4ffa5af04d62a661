"""How everything is run: what begins first, how much is tried, and kernels that neither get lost nor die unheard.

`pytest --thorough` also runs what takes too long for every day, and draws thousands of new examples.
"""

import math
import tempfile
import time
from pathlib import Path
from queue import Empty

import nbval.kernel
import nbval.plugin
import pytest
import zmq
from hypothesis import settings
from jupyter_client.manager import KernelManager
from nbval.kernel import NbvalKernelspecManager

settings.register_profile("quick", max_examples=100, derandomize=True, deadline=None, database=None)
settings.register_profile(
    "thorough", max_examples=10_000, deadline=None, database=None, print_blob=True
)
LONGEST = (
    "08_optimizers.ipynb",
    "11_shift_robustness.ipynb",
    "07_cnn.ipynb",
    "test_browser_pad.py",
    "test_browser.py",
    "06_linear_and_nonlinear.ipynb",
    "12_save_load_resume.ipynb",
    "16_do_explanations_hold.ipynb",
    "10_kernels_and_feature_maps.ipynb",
    "13_draw_a_digit.ipynb",
    "09_confusion_matrix.ipynb",
    "test_checkpoints.py",
    "test_widgets.py",
    "test_plots.py",
)


def pytest_addoption(parser):
    parser.addoption("--thorough", action="store_true", help="run what is too long for every day")


def pytest_configure(config):
    config.addinivalue_line("markers", "thorough: runs with --thorough only")
    settings.load_profile("thorough" if config.getoption("thorough") else "quick")


@pytest.fixture(scope="session")
def thorough(request):
    """Whether to try more: twenty kills, say, and not three."""
    return request.config.getoption("thorough")


def pytest_collection_modifyitems(config, items):
    """The files that take longest begin first, so that both cores are busy to the end."""
    if not config.getoption("thorough"):
        items[:] = [item for item in items if not item.get_closest_marker("thorough")]
    ranks = dict(zip(LONGEST, range(len(LONGEST))))
    items.sort(key=lambda item: ranks.get(item.path.name, len(LONGEST)))
    for item in items:
        if isinstance(item, nbval.plugin.IPyNbCell):
            item.output_timeout = 60  # seconds; nbval's 5 are few on a busy machine


# Kernels


class KernelDied(RuntimeError):
    """A kernel is no more, or there never was one."""


class Kernel(nbval.kernel.RunningKernel):
    """A kernel that talks over sockets in a folder of its own, which no other process can take.

    Where the platform has none, another process may take a port that was chosen for the kernel. It dies before it is
    ready then, and another is started.
    """

    def __init__(self, kernel_name, cwd=None, startup_timeout=60):
        self.folder = tempfile.TemporaryDirectory(prefix="kernel", ignore_cleanup_errors=True)
        self.stderr = Path(self.folder.name, "stderr")
        names = {"kernel_name": kernel_name, "kernel_spec_manager": NbvalKernelspecManager()}
        if zmq.has("ipc"):
            names |= {"transport": "ipc", "ip": str(Path(self.folder.name, "socket"))}
        for left in (2, 1, 0):
            self.km = KernelManager(**names)
            with open(self.stderr, "w") as file:
                self.km.start_kernel(stderr=file, cwd=cwd)
            self.kc = self.km.client()
            self.kc.start_channels()
            try:
                self.kc.wait_for_ready(startup_timeout)
                self._ensure_iopub_up()
                return
            except RuntimeError as error:
                self.kc.stop_channels()
                self.km.shutdown_kernel(now=True)
                if left == 0:
                    raise KernelDied(f"no kernel: {error}\n{self.said()}") from error

    def said(self):
        """The end of what it wrote to stderr."""
        return self.stderr.read_text("utf-8", "replace")[-3000:]

    def get_message(self, stream, timeout=None):
        """Wait for a message, but no longer than the kernel lives."""
        end = math.inf if timeout is None else time.monotonic() + timeout
        while True:
            try:
                return super().get_message(stream, max(0, min(1, end - time.monotonic())))
            except Empty:
                if not self.is_alive():
                    raise KernelDied("the kernel died") from None
                if time.monotonic() >= end:
                    raise

    def stop(self):
        """Stop it, and take its folder away."""
        super().stop()
        self.folder.cleanup()


nbval.plugin.RunningKernel = Kernel
without_kernel = set()  # notebooks whose kernel died: that is said once, not for every cell


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    if item.path in without_kernel:
        pytest.skip(f"the kernel of {item.path.name} died before")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.failed and isinstance(item, nbval.plugin.IPyNbCell):
        kernel = item.parent.kernel
        if kernel is None or not kernel.is_alive():
            without_kernel.add(item.path)
            said = kernel.said() if kernel is not None else ""
            report.sections.append((f"stderr of the kernel of {item.path.name}", said))
    return report
