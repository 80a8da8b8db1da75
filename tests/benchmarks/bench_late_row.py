"""Deciding a back-dated purchase on a long ledger: ours against folding the whole ledger anew, as the oracle does."""

import time
from collections.abc import Callable
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from statistics import median
from uuid import UUID

from domain.entries import When
from domain.history import History
from domain.portfolio import Portfolio
from domain.timeline import cash_step
from tests.oracles.folding import FoldingPortfolio

ROWS, SECURITIES, TRIES = 100_000, 10, 3
BEGIN = datetime(2000, 1, 3, 21, tzinfo=UTC)
LATE = When(BEGIN + timedelta(days=365), (BEGIN + timedelta(days=365)).date())


def main() -> None:
    long = _ledger()
    ours, by_part = _decided(lambda: _loaded(Portfolio, long, _in_part(long)))
    folding, by_all = _decided(lambda: _loaded(FoldingPortfolio, long, History(long.rows.copy())))
    assert (by_part.holdings, by_part.cash) == (by_all.holdings, by_all.cash)
    print(
        f"a purchase a year into 16 years of {ROWS:,} rows of {SECURITIES} securities: {ours:.2f} s,"
        f" folding them all {folding:.1f} s, {folding / ours:.0f} times as long"
    )


def _ledger() -> Portfolio:
    mine = Portfolio(UUID(int=1), UUID(int=2), "long", "USD")
    mine.deposit(1, Decimal(10**9), When(BEGIN, BEGIN.date()))
    for number in range(ROWS):
        at = BEGIN + timedelta(days=1 + number * 6000 // ROWS)
        mine.buy(1, number % SECURITIES, Decimal(1), Decimal(10), Decimal(0), When(at, at.date()))
    return mine


def _in_part(of: Portfolio) -> History:
    """The rows of the security, and the cash that follows, as the repository loads them."""
    since = (LATE.business_date, LATE.event_ts)
    cash = [cash_step(row) for row in of.rows if (row.business_date, row.event_ts) >= since]
    return History([row for row in of.rows if row.security_id == 0], cash)


def _loaded(kind: type[Portfolio], of: Portfolio, history: History) -> Portfolio:
    known = {each.name: getattr(of, each.name) for each in fields(Portfolio)}
    return kind(**{**known, "positions": of.positions.copy(), "history": history, "rows": [], "changed": set()})


def _decided(load: Callable[[], Portfolio]) -> tuple[float, Portfolio]:
    """Median seconds of the decision, and the portfolio after it."""
    took = []
    for _ in range(TRIES):
        mine = load()
        started = time.process_time()
        mine.buy(1, 0, Decimal(1), Decimal(10), Decimal(0), LATE)
        took.append(time.process_time() - started)
    return median(took), mine


if __name__ == "__main__":
    main()
