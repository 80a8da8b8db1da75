"""All kinds of cases that are computed, from the modules of this package, and the judging of a whole file by them."""

from typing import Any

from tests.yardsticks import bonds, day_counts, price_quality, returns, risk, simulations, spreadsheet, trackers
from tests.yardsticks.cases import UnknownForm, cases_of
from tests.yardsticks.judging import Judge, Judgement
from tests.yardsticks.out_of_scope import OUT_OF_SCOPE

MODULES = (bonds, day_counts, price_quality, returns, risk, simulations, spreadsheet, trackers)
JUDGE = Judge({kind: one for module in MODULES for kind, one in module.YARDSTICKS.items()}, OUT_OF_SCOPE)


def judged(document: Any) -> list[Judgement]:
    """The judgement of each case of a file; UnknownForm if it has none."""
    if isinstance(document, UnknownForm):
        raise document
    return [JUDGE.judge(case) for case in cases_of(document)]
