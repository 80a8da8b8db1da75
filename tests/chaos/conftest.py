"""What is too long for `make test` and has its short form elsewhere is collected by `make chaos` only."""

import os

collect_ignore = [] if os.environ.get("LAKEFOLIO_CHAOS") == "long" else ["test_kills.py", "test_full_disk.py"]
