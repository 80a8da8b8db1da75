"""Bad prices of two dozen kinds in real series: each is quarantined with its reason, and no good row with it.

50 injections by default, 1,000 with LAKEFOLIO_CHAOS=long. Each prints its seed and LAKEFOLIO_SEED repeats a run.
"""

import os
import random
from collections import Counter
from datetime import date
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from pipelines.quality.verdicts import Reason
from pipelines.sources.calendar import trading_days
from tests.bad_prices import KINDS, SECOND, Market

TIMES = 1_000 if os.environ.get("LAKEFOLIO_CHAOS") == "long" else 50
SEED = int(os.environ.get("LAKEFOLIO_SEED") or 20170329)
FIRST = date(1993, 7, 1)  # RRC hardly traded before, so that a repeat says nothing
SAMPLE = Path(__file__).parents[2] / "sample_data" / "price_daily.parquet"


@pytest.fixture(scope="module")
def market() -> Market:
    prices = pq.read_table(SAMPLE)
    prices = prices.filter(pc.greater_equal(prices["price_date"], FIRST))
    return Market(prices, trading_days("XNYS", FIRST, date(2023, 12, 31)), random.Random(SEED))


def test_every_bad_price_is_quarantined_with_its_reason_and_no_good_row_is_lost(market: Market) -> None:
    print(f"seed {SEED}, {TIMES} injections")
    tally: Counter[str] = Counter()
    wrong = []
    for n in range(TIMES):
        name = list(KINDS)[n % len(KINDS)]
        good, *others = market.deliveries(3)
        heard = market.heard(KINDS[name](good), others)
        tally[name] += 1
        if not heard.is_right:
            wrong.append((name, good.new[0]["ticker"], str(good.new[0]["price_date"]), heard.expected, heard.said))
    print("; ".join(f"{name}: {count}" for name, count in tally.items()))
    assert wrong == []
    assert len(tally) >= 20


@pytest.mark.parametrize("name", KINDS)
def test_control_without_its_rule_a_bad_price_gets_through(market: Market, name: str) -> None:
    bad = KINDS[name](market.deliveries(1)[0])
    reasons = {row["why"] for row in [*bad.new, *bad.actions]} - {None}
    assert len(reasons) == 1
    reason = Reason(reasons.pop())

    heard = market.heard(bad, without=frozenset({reason} | SECOND.get(reason, set())))

    assert set(heard.expected) == {key for key in heard.expected if key[-1] == reason}
    assert sum(heard.expected.values()) == sum(row["why"] is not None for row in [*bad.new, *bad.actions])
    assert {key[-1] for key in heard.said} == {""}
