"""Judge every case file of a folder and run every file of situations: `python -m tests.yardsticks DIR`.

Prints per file how many cases are equal, by another convention, out of scope or unexplained, and each unexplained one
with what was expected and what came; of situations which are right, refused or wrong; then the reasons with their
counts. Exits with 1 if any case is unexplained or any situation wrong.
"""

import logging
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.yardsticks.cases import UnknownForm, documents, is_of_situations
from tests.yardsticks.fresh_states import run_situations
from tests.yardsticks.judging import Judgement, Verdict
from tests.yardsticks.kinds import judged
from tests.yardsticks.situations import Stated


def main(folder: Path) -> int:
    if not folder.is_dir() or not any(folder.glob("*.json")):
        print(
            f"error: {folder} has no case files (*.json); name a folder of them: make cases DIR=<folder>",
            file=sys.stderr,
        )
        return 2
    found: list[Judgement] = []
    situations: list[tuple[str, Sequence[Stated]]] = []
    for path, document in documents(folder):
        if is_of_situations(document):
            situations.append((path.name, document))
            continue
        try:
            of_file = judged(document)
        except UnknownForm as error:
            print(f"{path.name}: unknown form: {error}")
            continue
        _print_cases(path.name, of_file)
        found += of_file
    for inside in sorted(path for path in folder.iterdir() if path.is_dir()):
        print(f"{inside.name}/: a folder, which is not looked into")
    _print_reasons(found)
    are_right = [_print_situations(name, stated) for name, stated in situations]
    return 1 if any(one.verdict is Verdict.UNEXPLAINED for one in found) or not all(are_right) else 0


def _print_cases(name: str, judgements: Sequence[Judgement]) -> None:
    print(f"{name}: {_counted(judgements)}")
    for one in judgements:
        if one.differences:
            print(f"  {one.verdict}: {one.case.id} ({one.case.kind}): {'; '.join(one.differences)}")


def _counted(judgements: Sequence[Judgement]) -> str:
    counts = Counter(one.verdict for one in judgements)
    left_out = sum(len(one.left_out) for one in judgements)
    shown = [verdict for verdict in Verdict if verdict is not Verdict.UNKNOWN or counts[verdict]]
    said = ", ".join(f"{counts[verdict]} {verdict}" for verdict in shown)
    return said + (f"; {left_out} figures of these left out" if left_out else "")


def _print_reasons(found: Sequence[Judgement]) -> None:
    print(f"in all: {_counted(found)}")
    for verdict in (Verdict.OTHER_CONVENTION, Verdict.OUT_OF_SCOPE):
        _print_counts(verdict, Counter(reason for one in found if one.verdict is verdict for reason in one.reasons))
    _print_counts("figures left out", Counter(reason for one in found for reason in one.left_out))


def _print_counts(title: str, reasons: Counter[str]) -> None:
    if reasons:
        print(f"{title}:", *(f"{count:5}  {reason}" for reason, count in reasons.most_common()), sep="\n")


def _print_situations(name: str, stated: Sequence[Stated]) -> bool:
    """Run the situations of a file and print each; say whether none is wrong."""
    print(f"{name}: running {len(stated)} situations over HTTP, against fresh states (a minute or two) ...", flush=True)
    logging.disable(logging.ERROR)
    outcomes = run_situations(stated)
    for one, outcome in outcomes:
        print(f"  {outcome.verdict}: {one['id']} ({one.get('kind', '')})", *outcome.why, sep="\n      ")
    counts = Counter(outcome.verdict for _, outcome in outcomes)
    print(f"{name}: " + ", ".join(f"{counts[verdict]} {verdict}" for verdict in ("right", "refused", "wrong")))
    return not counts["wrong"]


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "tests/cases")))
