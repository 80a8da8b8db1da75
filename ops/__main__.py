"""`lakefolio <command>`, or `python -m ops <command>`."""

import os
import sys

from ops import cli


def main() -> int:
    os.umask(0o077)  # what this and all that it starts write is its owner's alone
    return cli.main()


if __name__ == "__main__":
    sys.exit(main())
