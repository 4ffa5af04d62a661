"""The course from the command line: `python -m mnist_lib --help`."""

import argparse
import re
import shutil
import sys
from pathlib import Path

COURSE = Path(__file__).parents[2]  # unless the package was installed without it
REPOSITORY = r"https://github\.com/([A-Za-z0-9-]+/[\w.-]+?)(?:\.git)?/?(?:/tree/(\w[\w./-]*))?"
PLACES = (  # what stands before and after an address
    ('(Repository = ")[^"]*(")', "https://github.com/{name}/tree/{ref}"),
    (
        r'(//colab\.research\.google\.com/github/)[^)\s"]+(/notebooks/(?:solutions/)?\d\d_)',
        "{name}/blob/{ref}",
    ),
    (r'(git\+https://github\.com/)[^"\\]+(\\?")', "{name}@{ref}"),
)
EXAMPLES = """examples:
  python -m mnist_lib doctor                    what to paste into a report
  python -m mnist_lib download                  all of MNIST, for yourself
  python -m mnist_lib download /srv/mnist       for everybody who sets MNIST_LIB_DATA=/srv/mnist
  python -m mnist_lib address https://github.com/NAME/REPO             where Colab finds your copy
  python -m mnist_lib address https://github.com/NAME/REPO/tree/v2     a branch or a tag of it

The exit status is 0 if all went well, 1 if something is wrong (the last line says what), 2 if the
command cannot be understood."""


def doctor(arguments):
    """Print what this machine has: versions, device, digits. If something is wrong, say last what mends it."""
    from .machine import check_machine, check_settings

    problems = []
    for check in (check_machine, check_settings):
        try:
            check()
        except Exception as problem:  # a broken package may raise anything
            problems.append(problem)
    if problems:
        print(problems[0])  # to where the rest went: it belongs into a report
        sys.exit(1)


def download(arguments):
    """Fetch all of MNIST, 12 MB. What has come is kept: the next attempt goes on where one stopped."""
    from tqdm import tqdm

    from ..data import data_folder
    from .download import PACKED_BYTES, DataUnavailable, fetch

    try:
        folder = arguments.folder or data_folder()
        with tqdm(total=PACKED_BYTES, unit="B", unit_scale=True, desc="MNIST", leave=False) as bar:
            fetch(folder, 3600, lambda there: bar.update(there - bar.n))
    except DataUnavailable as error:
        sys.exit(f"MNIST is not available: {error}")
    except KeyboardInterrupt:
        sys.exit("Stopped. What has come is kept.")
    print(f"All of MNIST is in {folder}.")


def address(arguments):
    """Write the address of your copy on GitHub into pyproject.toml, badges and setup cells."""
    if not (COURSE / "pyproject.toml").is_file():
        sys.exit(f"The course is not in {COURSE}: run this in its folder.")
    name, ref = arguments.repository
    changed = []
    notebooks = [*COURSE.glob("notebooks/*.ipynb"), *COURSE.glob("notebooks/solutions/*.ipynb")]
    for path in [COURSE / "pyproject.toml", *sorted(notebooks)]:
        before = after = path.read_bytes().decode()
        for pattern, new in PLACES:
            new = new.format(name=name, ref=ref).removesuffix("/tree/main")
            after = re.sub(pattern, rf"\g<1>{new}\g<2>", after)
        if after != before:
            changed.append(path)
            print(path.relative_to(COURSE))
            unfinished = path.with_name(f".{path.name}.unfinished")
            unfinished.write_bytes(after.encode())
            shutil.copymode(path, unfinished)
            unfinished.replace(path)
    print(f"Files changed: {len(changed)}. The address is {name}, {ref}.")


def repository(text):
    """(OWNER/NAME, branch or tag) of an address on GitHub, two str."""
    found = re.fullmatch(REPOSITORY, text.rstrip("/"))
    if found is None or ".." in text:
        wanted = "https://github.com/NAME/REPO, with /tree/BRANCH where it is not main"
        raise argparse.ArgumentTypeError(f"must be {wanted}; got {text!r}")
    return found[1], found[2] or "main"


def main(arguments=None):
    """Parse the command line and run the command."""
    look = {"epilog": EXAMPLES, "formatter_class": argparse.RawDescriptionHelpFormatter}
    parser = argparse.ArgumentParser("python -m mnist_lib", description=__doc__, **look)
    commands = parser.add_subparsers(required=True, metavar="command")
    for run in (doctor, download, address):
        command = commands.add_parser(run.__name__, help=run.__doc__, description=run.__doc__)
        command.set_defaults(run=run)
        if run is download:
            command.add_argument("folder", type=Path, nargs="?", help="yours, if none is named")
        if run is address:
            command.add_argument("repository", type=repository, help="https://github.com/NAME/REPO")
    arguments = parser.parse_args(arguments)
    arguments.run(arguments)
