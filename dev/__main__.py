"""The development runner: `python -m dev run`, `exec` and `test`."""

import sys

from dev.borrowing import execute, run_tests
from dev.runner import run

USAGE = """\
usage: python -m dev run [--with-parent]   run the product (`make run`)
       python -m dev exec COMMAND …        run a command with the services of `make run` up
       python -m dev test [ARGUMENT …]     run pytest with services of its own (`make test`)
"""


def main(arguments: list[str]) -> int:
    """Run one of the three; returns the exit status, 2 for a wrong usage."""
    match arguments:
        case ["run"]:
            return run()
        case ["run", "--with-parent"]:
            return run(with_parent=True)
        case ["exec", _, *_]:
            return execute(arguments[1:])
        case ["test", *rest]:
            return run_tests(rest)
        case _:
            sys.stderr.write(USAGE)
            return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
