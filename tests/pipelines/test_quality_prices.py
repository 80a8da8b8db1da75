import math
import random
from collections import Counter
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.quality.prices import audited
from pipelines.quality.verdicts import Audited, Reason
from pipelines.sources.calendar import trading_days
from tests.price_rows import NO_ACTIONS, NO_PRICES, PRICES, dividend, series, session, split, table, weekdays

SAMPLE = Path(__file__).parents[2] / "sample_data" / "price_daily.parquet"
CALENDAR = weekdays()
WALK = [100.0]
for luck in [random.Random(3)]:
    WALK += [WALK[0] * math.exp(0.01 * luck.gauss(0, 1)) for _ in range(119)]


def audit(new: pa.Table, known: pa.Table = NO_PRICES, actions: pa.Table = NO_ACTIONS, **more: Any) -> Audited:
    options = {"currencies": {"T": "USD"}, "calendar": CALENDAR, "today": date(2029, 1, 1)}
    return audited(new, known, actions, **{**options, **more})


def reasons(audit: Audited) -> dict[date, str]:
    return {row["price_date"]: row["reason"] for row in audit.quarantined.to_pylist()}


def contents(rows: pa.Table) -> Counter[str]:
    return Counter(repr([row[name] for name in PRICES.names]) for row in rows.to_pylist())


def spoilt(seed: int) -> pa.Table:
    """Three tickers with bad rows of many kinds, some side by side, in a random order."""
    luck = random.Random(seed)
    rows = [row for ticker in "TUV" for row in series(WALK, ticker).to_pylist()]
    for _ in range(25):
        row = luck.choice(rows)
        if (row["close"] or 0) > 0:
            row["close"] *= luck.choice([0, -1, math.nan, 100, 0.01, 2, 0.5, 7, 1.6, 1, 1])
        if luck.random() < 0.3:
            rows.append({**row, "close": (row["close"] or 0) * luck.choice([1, 1.01])})
        if luck.random() < 0.2:
            row["price_date"] += timedelta(days=luck.choice([1, 5, 4000]))
    luck.shuffle(rows)
    return pa.Table.from_pylist(rows, schema=PRICES)


def test_the_bundled_market_raises_no_false_alarm() -> None:
    prices = pq.read_table(SAMPLE)
    currencies = dict.fromkeys(prices["ticker"].unique().to_pylist(), "USD")
    calendar = trading_days("XNYS", date(1990, 1, 1), date(2022, 12, 31))

    done = audited(prices, NO_PRICES, NO_ACTIONS, currencies=currencies, calendar=calendar, today=date(2022, 12, 28))

    # Falls of 67 % (RRC 1990) and 52 % (AAPL 2000), BAC's -29 % and back in 2009, RRC's 69 equal closes: all real.
    assert done.quarantined.num_rows == 0
    assert done.accepted.equals(prices)


@pytest.mark.parametrize("seed", range(6))
def test_every_row_is_accepted_or_quarantined_once_as_it_came(seed: int) -> None:
    rows = spoilt(seed)

    done = audit(rows)

    assert contents(done.accepted) + contents(done.quarantined) == contents(rows)
    assert done.accepted.schema == rows.schema
    assert done.quarantined.num_rows > 5


@pytest.mark.parametrize("seed", range(6))
def test_auditing_what_was_accepted_finds_nothing(seed: int) -> None:
    once = audit(spoilt(seed))

    assert audit(once.accepted).quarantined.num_rows == 0
    assert audit(once.accepted, known=once.accepted).quarantined.num_rows == 0


@pytest.mark.parametrize("seed", range(6))
def test_the_order_of_delivery_changes_nothing(seed: int) -> None:
    rows = spoilt(seed)
    order = list(range(rows.num_rows))
    random.Random(seed).shuffle(order)

    one, other = audit(rows), audit(rows.take(order))

    assert contents(one.accepted) == contents(other.accepted)
    assert sorted(map(repr, one.quarantined.to_pylist())) == sorted(map(repr, other.quarantined.to_pylist()))


@pytest.mark.parametrize("seed", range(6))
def test_a_bad_row_of_one_ticker_does_not_touch_another(seed: int) -> None:
    rows = spoilt(seed)
    alone = {ticker: rows.filter(pa.compute.equal(rows["ticker"], ticker)) for ticker in "TUV"}

    together = contents(audit(rows).quarantined)

    assert together == sum((contents(audit(own).quarantined) for own in alone.values()), Counter())


def test_days_that_come_one_by_one_get_the_verdict_of_the_whole_for_all_that_needs_no_later_day() -> None:
    bad = {30: 0.0, 41: WALK[41] * 100, 42: WALK[42] * 100, 60: -1.0, 70: math.nan, 100: WALK[100] / 100}
    closes = [bad.get(n, close) for n, close in enumerate(WALK)]

    known, found = series(closes[:20]), {}
    for n in range(20, len(closes)):
        today = audit(series([closes[n]], first=n), known)
        found |= reasons(today)
        known = pa.concat_tables([known, today.accepted])

    assert found == reasons(audit(series(closes)))
    assert set(found) == {session(n) for n in bad}


def test_a_spike_is_seen_on_the_day_it_comes_back_if_it_is_delivered_again() -> None:
    closes = [*WALK[:50], WALK[50] * 7, WALK[51]]

    assert audit(series(closes[50:51], first=50), series(closes[:50])).quarantined.num_rows == 0
    assert reasons(audit(series(closes[50:], first=50), series(closes[:50]))) == {session(50): "OUTLIER"}


def test_a_released_row_is_accepted_and_later_rows_are_held_against_it() -> None:
    known, closes = series(WALK[:50]), [close * 100 for close in WALK[50:60]]
    held = audit(series(closes, first=50), known).quarantined

    first_only = audit(series(closes, first=50), known, waived=held["id"].to_pylist()[:1])

    assert held["reason"].to_pylist() == ["TIMES_100"] * 10
    assert first_only.accepted.num_rows == 10


def test_nobody_can_release_no_number_or_a_second_price_of_a_day() -> None:
    rows = pa.concat_tables([series([*WALK[:5], None]), series(WALK[:1])])
    held = audit(rows).quarantined

    again = audit(rows, waived=held.select(["id"])).quarantined

    assert sorted(again["reason"].to_pylist()) == sorted(held["reason"].to_pylist()) == ["DUPLICATE", "NOT_A_NUMBER"]


def test_of_two_prices_of_a_day_the_released_one_stays() -> None:
    rows = pa.concat_tables([series(WALK[:5]), series([101.0])])
    held = {row["close"]: row["id"] for row in audit(rows).quarantined.to_pylist()}
    assert set(held) == {100.0, 101.0}

    after = audit(rows, waived={held[101.0]})

    assert after.quarantined["close"].to_pylist() == [100.0]
    assert 101.0 in after.accepted["close"].to_pylist()


def test_a_quarantined_row_says_both_numbers_and_what_it_was_compared_with() -> None:
    (row,) = audit(series([*WALK[:5], 10_000.0])).quarantined.to_pylist()

    assert (row["close"], row["reason"]) == (10_000.0, "TIMES_100")
    assert row["detail"].startswith("the close 10000 is 100 times too large beside ")
    assert row["detail"].endswith(row["compared_with"])
    assert "67 to 150 times" in row["rule"]


def test_a_row_has_the_same_id_whenever_and_in_whatever_type_it_comes() -> None:
    rows = series([*WALK[:5], 0.0])
    decimals = rows.set_column(
        2, "close", pa.array([Decimal(str(close)) for close in [*WALK[:5], 0]], pa.decimal128(28, 18))
    )

    (one,), (other,) = (audit(new).quarantined["id"].to_pylist() for new in (rows, decimals))

    assert one == other
    assert len(one) == 64


def test_a_real_split_and_a_real_special_dividend_are_no_defects() -> None:
    closes = [close / (4 if n >= 60 else 1) - (10 if n >= 90 else 0) for n, close in enumerate(WALK)]
    actions = pa.concat_tables([split(60, 4), dividend(90, 10.0)])

    assert audit(series(closes), actions=actions).quarantined.num_rows == 0


def test_a_hundredth_that_a_split_explains_is_no_unit_mixed_up() -> None:
    closes = [close * (100 if n >= 60 else 1) for n, close in enumerate(WALK)]

    assert audit(series(closes), actions=split(60, 1, 100)).quarantined.num_rows == 0
    assert set(reasons(audit(series(closes))).values()) == {"TIMES_100"}


def test_a_new_basis_beside_older_rows_is_no_defect() -> None:
    known = series(WALK[:60], kind="TOTAL_RETURN")
    new = series([close / 2 for close in WALK[60:]], kind="TOTAL_RETURN", first=60)

    assert audit(new, known, split(60, 2)).quarantined.num_rows == 0


def test_a_fall_that_stays_is_the_market_and_one_that_comes_back_in_a_day_is_not() -> None:
    crash = [close / (3 if n >= 60 else 1) for n, close in enumerate(WALK)]
    spike = [close / (3 if n == 60 else 1) for n, close in enumerate(WALK)]

    assert audit(series(crash)).quarantined.num_rows == 0
    assert reasons(audit(series(spike))) == {session(60): "INVENTED_SPLIT"}


def test_a_repeat_with_a_volume_is_a_price_and_one_without_is_stale_from_the_tenth_on() -> None:
    closes = [*WALK[:60], *[WALK[59]] * 14]
    rows = series(closes)
    traded = rows.set_column(6, "volume", pa.array([1_000.0] * len(closes)))

    assert audit(traded).quarantined.num_rows == 0
    assert list(reasons(audit(rows))) == [session(n) for n in range(68, 74)]


def test_a_series_that_repeats_by_nature_is_not_stale() -> None:
    closes = [close for close in WALK[:12] for _ in range(11)]

    assert audit(series(closes)).quarantined.num_rows == 0


def test_a_known_row_that_is_delivered_again_is_superseded() -> None:
    done = audit(series([WALK[10] * 1.02], first=10), series(WALK[:11]))

    assert done.accepted.num_rows == 1


def test_a_day_outside_the_calendar_is_only_asked_for_a_weekend() -> None:
    rows = table(
        [
            ("T", date(2040, 1, 6), 1.0, "USD", "AS_TRADED", None, None),
            ("T", date(2040, 1, 7), 1.0, "USD", "AS_TRADED", None, None),
        ],
        PRICES,
    )

    assert reasons(audit(rows, today=date(2050, 1, 1))) == {date(2040, 1, 7): "WEEKEND"}


def test_nothing_delivered_is_nothing_said() -> None:
    done = audit(NO_PRICES)

    assert (done.accepted.num_rows, done.quarantined.num_rows) == (0, 0)


@pytest.mark.parametrize("reason", [Reason.ZERO, Reason.NEGATIVE])
def test_a_released_zero_or_negative_price_stands_aside_from_the_series(reason: Reason) -> None:
    closes = [*WALK[:5], 0.0 if reason is Reason.ZERO else -40.0, *WALK[6:9]]
    held = audit(series(closes)).quarantined

    assert held["reason"].to_pylist() == [reason]
    assert audit(series(closes), waived=held).quarantined.num_rows == 0
