"""Run every index of files in a folder: `python -m tests.yardsticks.run_files DIR`.

Prints per file right, wrong or refused, with the reasons and with what its owner had to state; then the totals. Exits
with 1 if any file is wrong.
"""

import logging
import sys
from collections import Counter
from pathlib import Path

from tests.yardsticks.file_states import fresh_file_states
from tests.yardsticks.files import indexes, judged

_MOST_REASONS = 8


def main(folder: Path) -> int:
    found = [(path, entry) for path, entries in indexes(folder) for entry in entries] if folder.is_dir() else []
    if not found:
        print(f"error: {folder} has no index*.json with files; name a folder that has: DIR=<folder>", file=sys.stderr)
        return 2
    logging.disable(logging.ERROR)
    counts: Counter[str] = Counter()
    with fresh_file_states() as states:
        for path, entry in found:
            outcome = judged(path.parent, entry, states.opened, states.release)
            counts[outcome.verdict] += 1
            stated = " ".join(f"{name}={value}" for name, value in outcome.stated.items())
            print(f"{outcome.verdict:8}{entry['file']}" + (f" ({stated})" if stated else ""))
            for why in outcome.why[:_MOST_REASONS]:
                print(f"        {why}")
            if len(outcome.why) > _MOST_REASONS:
                print(f"        ... and {len(outcome.why) - _MOST_REASONS} more")
            sys.stdout.flush()
    print(", ".join(f"{counts[verdict]} {verdict}" for verdict in ("right", "wrong", "refused")))
    return 1 if counts["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "tests/cases/files")))
