"""How much is tried: what fits every day; or, with `--thorough`, all that there is, and thousands of new examples."""

import pytest
from hypothesis import settings

settings.register_profile("quick", max_examples=100, derandomize=True, deadline=None, database=None)
settings.register_profile(
    "thorough", max_examples=10_000, deadline=None, database=None, print_blob=True
)


def pytest_addoption(parser):
    parser.addoption("--thorough", action="store_true", help="run what takes too long for every day")


def pytest_configure(config):
    config.addinivalue_line("markers", "thorough: runs with --thorough only")
    settings.load_profile("thorough" if config.getoption("thorough") else "quick")


@pytest.fixture(scope="session")
def thorough(request):
    """Whether to try more: twenty kills, say, and not three."""
    return request.config.getoption("thorough")


def pytest_collection_modifyitems(config, items):
    if not config.getoption("thorough"):
        items[:] = [item for item in items if not item.get_closest_marker("thorough")]
