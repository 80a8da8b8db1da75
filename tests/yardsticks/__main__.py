"""Judge every case file of a folder, and run every file of situations: `python -m tests.yardsticks DIR`.

Prints per file how many cases are equal, by another convention, out of scope or unexplained, then the reasons with
their counts, and each unexplained case with what was expected and what came. Exits with 1 if there is any.
"""

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.yardsticks import bonds, day_counts, price_quality, returns, risk, simulations, spreadsheet, trackers
from tests.yardsticks.cases import UnknownForm, cases_of, documents
from tests.yardsticks.judging import Judge, Judgement, Verdict
from tests.yardsticks.out_of_scope import OUT_OF_SCOPE

MODULES = (bonds, day_counts, price_quality, returns, risk, simulations, spreadsheet, trackers)


def judge() -> Judge:
    return Judge({kind: one for module in MODULES for kind, one in module.YARDSTICKS.items()}, OUT_OF_SCOPE)


def judged(document: Any) -> list[Judgement]:
    """The judgement of each case of a file; UnknownForm if it has none."""
    if isinstance(document, UnknownForm):
        raise document
    ours = judge()
    return [ours.judge(case) for case in cases_of(document)]


def _counted(judgements: Sequence[Judgement]) -> str:
    counts = Counter(one.verdict for one in judgements)
    left_out = sum(len(one.left_out) for one in judgements)
    said = ", ".join(
        f"{counts[verdict]} {verdict}" for verdict in Verdict if verdict is not Verdict.UNKNOWN or counts[verdict]
    )
    return said + (f"; {left_out} figures of these left out" if left_out else "")


def _list(title: str, reasons: Counter[str]) -> None:
    if reasons:
        print(f"{title}:", *(f"{count:5}  {reason}" for reason, count in reasons.most_common()), sep="\n")


def main(folder: Path) -> int:
    if not folder.is_dir():
        print(f"error: {folder} is no folder; give one that has case files: make cases DIR=<folder>", file=sys.stderr)
        return 2
    found: list[Judgement] = []
    for path, document in documents(folder):
        try:
            of_file = judged(document)
        except UnknownForm as error:
            print(f"{path.name}: unknown form: {error}")
            continue
        found += of_file
        print(f"{path.name}: {_counted(of_file)}")
        for one in of_file:
            if one.differences:
                print(f"  {one.verdict}: {one.case.id} ({one.case.kind}): {'; '.join(one.differences)}")
    print(f"in all: {_counted(found)}")
    for verdict in (Verdict.OTHER_CONVENTION, Verdict.OUT_OF_SCOPE):
        _list(verdict, Counter(reason for one in found if one.verdict is verdict for reason in one.reasons))
    _list("figures left out", Counter(reason for one in found for reason in one.left_out))
    return 1 if any(one.verdict is Verdict.UNEXPLAINED for one in found) else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "")))
