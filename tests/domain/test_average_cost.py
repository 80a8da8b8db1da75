"""The compiled fold of average cost against the rule, and against exact arithmetic."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.analytics.average_cost import LIMIT, OPEN, UNIT, _share, average_cost_intervals
from domain.intervals import position_intervals
from domain.ledger import Transaction, TxnType
from domain.money import product
from tests.effort import examples

EPOCH = date(1970, 1, 1)
few = settings(max_examples=examples(150), deadline=None)  # the machine is shared
units = st.integers(10**6, 10**14) | st.sampled_from([UNIT, 3 * UNIT, 10 * UNIT])
amounts = st.integers(0, 10**15) | st.sampled_from([UNIT, 100 * UNIT, 1000 * UNIT])
Traded = tuple[int, int, int, int, int, int]  # holding, day, signed units, gross, fees, rate
trades = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.integers(0, 4),
        st.tuples(units, st.booleans()).map(lambda one: one[0] if one[1] else -one[0]),
        amounts,
        st.sampled_from([0, 1, 5 * UNIT]),
        st.sampled_from([UNIT, 110_000_000, 90_909_091, 1]),
    ),
    min_size=1,
    max_size=14,
)


def decimal(integer: int) -> Decimal:
    return Decimal(int(integer)).scaleb(-8)


def folded(rows: list[Traded]) -> list[tuple[object, ...]]:
    ordered = sorted(rows, key=lambda row: row[:2])
    holdings = [row[0] for row in ordered]
    first = np.array([i for i, one in enumerate(holdings) if i == 0 or one != holdings[i - 1]], np.int64)
    day = np.array([row[1] for row in ordered], np.int32)
    columns = [np.array([row[n] for row in ordered], np.int64) for n in (2, 3, 4, 5)]
    found = average_cost_intervals(first, day, *columns)
    assert not len(found.overflowed)
    return [
        (
            holdings[found.trade[i]],
            EPOCH + timedelta(days=int(found.valid_from[i])),
            None if found.valid_to[i] == OPEN else EPOCH + timedelta(days=int(found.valid_to[i])),
            *(
                decimal(column[i])
                for column in (
                    found.quantity,
                    found.cost_basis,
                    found.avg_cost,
                    found.realised,
                    found.cost_basis_base,
                    found.realised_base,
                    found.realised_fx_base,
                )
            ),
        )
        for i in range(len(found.trade))
    ]


def ruled(rows: list[Traded]) -> list[tuple[object, ...]]:
    ledger = [
        Transaction(
            UUID(int=1),
            seq,
            1,
            TxnType.BUY if quantity > 0 else TxnType.SELL,
            "USD",
            Decimal(0),
            datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day),
            EPOCH + timedelta(days=day),
            security_id=holding,
            quantity=decimal(quantity),
            gross=decimal(gross),
            fees=decimal(fees),
            fx_rate=decimal(rate),
        )
        for seq, (holding, day, quantity, gross, fees, rate) in enumerate(sorted(rows, key=lambda row: row[:2]), 1)
    ]
    return [
        (
            one.security_id,
            one.valid_from,
            one.valid_to,
            one.quantity,
            one.cost_basis,
            one.avg_cost,
            one.realised,
            one.cost_basis_base,
            one.realised_base,
            one.realised_fx_base,
        )
        for one in position_intervals(ledger)
    ]


@few
@given(trades)
def test_the_compiled_fold_is_the_rule(rows: list[Traded]) -> None:
    assert folded(rows) == ruled(rows)


@few
@given(st.integers(-LIMIT + 1, LIMIT - 1), st.integers(0, LIMIT - 1), st.integers(1, LIMIT - 1))
def test_a_share_is_rounded_once_half_away_from_zero(total: int, part: int, whole: int) -> None:
    exact = (2 * abs(total) * part + whole) // (2 * whole)
    share, fits = _share(total, part, whole, True)

    assert fits == (exact < LIMIT)
    if fits:
        assert share == (exact if total >= 0 else -exact)
        assert part != UNIT or whole != UNIT or decimal(share) == product(decimal(total), Decimal(1))


def test_what_does_not_fit_is_named_and_the_others_are_folded() -> None:
    first = np.array([0, 2, 3], np.int64)
    day = np.array([0, 1, 0, 0], np.int32)
    quantity = np.array([UNIT, UNIT, 1, UNIT], np.int64)
    gross = np.array([UNIT, UNIT, LIMIT - 1, 2 * UNIT], np.int64)
    ones = np.full(4, UNIT, np.int64)
    found = average_cost_intervals(first, day, quantity, gross, np.zeros(4, np.int64), ones)

    assert found.overflowed.tolist() == [2]
    assert found.trade.tolist() == [0, 1, 3]
    assert found.cost_basis.tolist() == [UNIT, 2 * UNIT, 2 * UNIT]
    assert found.valid_to.tolist() == [1, OPEN, OPEN]
