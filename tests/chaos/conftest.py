"""Tests too long for `make test`, with a short form elsewhere, are collected by `make chaos` only."""

import os

_LONG_ONLY = ["test_bad_prices_to_marts.py", "test_full_disk.py", "test_kills.py"]
collect_ignore = [] if os.environ.get("LAKEFOLIO_CHAOS") == "long" else _LONG_ONLY
