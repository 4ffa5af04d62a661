"""The course from the command line: `python -m mnist_lib --help`."""

import argparse
import re
import sys
from pathlib import Path

COURSE = Path(__file__).parents[
    1
]  # the folder of the course, unless the package was installed without it
REPOSITORY = r"https://github\.com/([A-Za-z0-9-]+/[\w.-]+?)(?:\.git)?/?(?:/tree/(\w[\w./-]*))?"
PLACES = (  # what stands before and after an address
    ('(Repository = ")[^"]*(")', "https://github.com/{name}/tree/{ref}"),
    (r"(//colab\.research\.google\.com/github/).+?(/notebooks/)", "{name}/blob/{ref}"),
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
    """Print what this machine has: versions, device, digits. If something is wrong, say what mends it."""
    from .machinery.machine import MachineProblem, check_machine, print_system_and_digits

    try:
        check_machine()
        print_system_and_digits()
    except MachineProblem as problem:
        sys.exit(str(problem))


def download(arguments):
    """Fetch all of MNIST, 12 MB. What has come is kept: the next attempt goes on where one stopped."""
    from tqdm import tqdm

    from .data import data_folder
    from .machinery.download import PACKED_BYTES, DataUnavailable, fetch

    try:
        folder = arguments.folder or data_folder()
        with tqdm(total=PACKED_BYTES, unit="B", unit_scale=True, desc="MNIST", leave=False) as bar:
            fetch(folder, 3600, lambda there: bar.update(there - bar.n))
    except DataUnavailable as error:
        sys.exit(f"MNIST could not be had: {error}")
    except KeyboardInterrupt:
        sys.exit("Stopped. What has come is kept.")
    print(f"All of MNIST is in {folder}.")


def address(arguments):
    """Write the address of your copy on GitHub into pyproject.toml, badges and setup cells."""
    if not (COURSE / "pyproject.toml").is_file():
        sys.exit(f"The course is not in {COURSE}: run this in its folder.")
    name, ref = arguments.repository
    changed = 0
    for path in [COURSE / "pyproject.toml", *sorted(COURSE.glob("notebooks/**/[0-9]*.ipynb"))]:
        before = after = path.read_bytes().decode()
        for pattern, new in PLACES:
            new = new.format(name=name, ref=ref).removesuffix("/tree/main")
            after = re.sub(pattern, rf"\g<1>{new}\g<2>", after)
        if after != before:
            changed += 1
            print(path.relative_to(COURSE))
            unfinished = path.with_name(f".{path.name}.unfinished")
            unfinished.write_bytes(after.encode())
            unfinished.replace(path)
    print(f"{changed} files: {name}, {ref}." if changed else f"Nothing to change: {name}, {ref}.")


def repository(text):
    """(OWNER/NAME, branch or tag) of an address on GitHub, two str."""
    found = re.fullmatch(REPOSITORY, text.rstrip("/"))
    if found is None:
        wanted = "https://github.com/NAME/REPO, with /tree/BRANCH where it is not main"
        raise argparse.ArgumentTypeError(f"must be {wanted}; got {text!r}")
    return found[1], found[2] or "main"


def main(arguments=None):
    """Understand the command and run it."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        "python -m mnist_lib", description=__doc__, epilog=EXAMPLES, formatter_class=raw
    )
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


if __name__ == "__main__":
    main()
