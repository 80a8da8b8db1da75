"""Changes of value between random days: pairs of days to ask for, and that their terms add up."""

import random
from datetime import date, timedelta
from decimal import Decimal

from domain.value_changes import ValueChange
from storage.lake.mounted import MountedRelease
from tests.effort import IS_LONG

D = Decimal
_PAIRS = 1000 if IS_LONG else 15


def days_of(release: MountedRelease, portfolio_id: str) -> list[date]:
    query = "select business_date from marts.fact_portfolio_value_daily where portfolio_id = $portfolio_id order by 1"
    return [row["business_date"] for row in release.rows(query, portfolio_id=portfolio_id)]


def pairs(days: list[date], seed: int, n: int = _PAIRS) -> list[tuple[date, date]]:
    """Two days each, among them the day before the first."""
    draw = random.Random(seed)
    known = [days[0] - timedelta(days=1), *days]
    drawn = [tuple(sorted(draw.sample(known, 2))) for _ in range(n - 2)]
    return [(known[0], known[-1]), (known[-2], known[-1]), *drawn]


def adds_up(change: ValueChange | None) -> ValueChange:
    """The change, if what is left of it is less than a cent."""
    assert change is not None
    assert abs(change.rounding) < D("0.01"), (change.begins, change.ends, change.rounding)
    return change
