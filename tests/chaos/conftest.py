"""Tests too long for `make test`, with a short form elsewhere, are collected by `make chaos` only."""

import os

collect_ignore = [] if os.environ.get("LAKEFOLIO_CHAOS") == "long" else ["test_kills.py", "test_full_disk.py"]
