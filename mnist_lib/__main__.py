"""The course from the command line: `python -m mnist_lib --help`."""

from .machinery.commands import main

if __name__ == "__main__":
    main()
