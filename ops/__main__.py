"""`python -m ops <command>`."""

import os
import sys

from ops.cli import main

os.umask(0o077)  # what this and all that it starts write is its owner's alone
sys.exit(main())
