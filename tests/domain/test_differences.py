"""Likely causes of differences between a statement and the ledger: each is the arithmetic that fits."""

from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from domain.differences import Cause, cause_of_cash, cause_of_units
from domain.ledger import Transaction, TxnType
from domain.reconciliation import Ours, Stated, Tolerance, reconcile_cash, reconcile_units

D = Decimal
DAY = date(2016, 12, 30)
PORTFOLIO = UUID(int=1)
PLACE = (None, 7)


def row(seq: int, kind: TxnType, day: str, quantity: str | None = None, cash: str = "0", **more: object) -> Transaction:
    moment = datetime.fromisoformat(f"{day}T16:00").replace(tzinfo=UTC)
    facts = {"price": None, "gross": None, "fees": D(0), "fx_rate": None, **more}
    return Transaction(
        portfolio_id=PORTFOLIO,
        seq=seq,
        account_id=1,
        txn_type=kind,
        event_ts=moment,
        business_date=date.fromisoformat(day),
        security_id=7,
        quantity=D(quantity) if quantity else None,
        currency="USD",
        cash_effect=D(cash),
        **facts,
    )


BOUGHT = row(1, TxnType.BUY, "2016-01-05", "100", "-1000")


def units(ours: Ours, theirs: Stated, *rows: Transaction) -> Cause | None:
    (line,) = reconcile_units({PLACE: ours}, {PLACE: theirs}, Tolerance())
    found = cause_of_units(line, theirs, list(rows), DAY)
    return found.cause if found else None


@pytest.mark.parametrize(
    ("ours", "theirs", "rows", "cause"),
    [
        (Ours(D(100), D(1000)), Stated(D(100), D(1000)), [BOUGHT], None),
        (Ours(D(100), D(1000)), Stated(D(700)), [BOUGHT], Cause.SPLIT_ADJUSTED),
        (Ours(D(100), D(1000)), Stated(D(13)), [BOUGHT], Cause.MISSING_ROW),
        (Ours(D(100), D(1000)), Stated(D(60)), [BOUGHT, row(2, TxnType.BUY, "2016-03-01", "40")], Cause.MISSING_ROW),
        (Ours(D(100), D(1000)), Stated(D(60)), [BOUGHT, row(2, TxnType.BUY, "2016-12-28", "40")], Cause.NOT_SETTLED),
        (Ours(D(200), D(2000)), Stated(D(100)), [BOUGHT, row(2, TxnType.BUY, "2016-01-05", "100", "-1000")],
         Cause.DOUBLED_ROW),
        (Ours(D(0), D(0)), Stated(D(37)), [], Cause.MISSING_ROW),
        (Ours(D(100), D(1000)), Stated(D(100), D(10)), [BOUGHT], Cause.COST_PER_SHARE),
        (Ours(D(100), D(1000)), Stated(D(100), D(965)), [BOUGHT, row(2, TxnType.DIVIDEND, "2016-05-02", None, "35")],
         Cause.DIVIDEND_ADJUSTED),
        (Ours(D(100), D(1000)), Stated(D(100), D("902.5")), [row(1, TxnType.BUY, "2016-01-05", "100", "-1000",
                                                                 fx_rate=D("0.9"))], Cause.OTHER_RATE),
        (Ours(D(100), D(1000)), Stated(D(100), D(880)), [row(1, TxnType.BUY, "2016-01-05", "100", "-1000",
                                                               fx_rate=D("0.9"))], Cause.OTHER_RATE),
        (Ours(D(100), D(1000)), Stated(D(100), D(960)), [row(1, TxnType.BUY, "2016-01-05", "100", "-1000",
                                                               fx_rate=D("0.9"))], None),
        (Ours(D(100), D(1000)), Stated(D(100), D(1013)), [BOUGHT], None),
    ],
)  # fmt: skip
def test_a_difference_has_the_cause_that_explains_it_exactly(ours, theirs, rows, cause) -> None:
    assert units(ours, theirs, *rows) is cause


@pytest.mark.parametrize("kind", [TxnType.SPLIT, TxnType.BONUS])
@pytest.mark.parametrize(("ours", "theirs", "day"), [("700", "100", "2016-06-01"), ("100", "700", "2017-06-01")])
def test_a_split_that_is_recorded_is_named(ours, theirs, day, kind) -> None:
    split = row(2, kind, day, split_new=D(7), split_old=D(1))
    (line,) = reconcile_units({PLACE: Ours(D(ours), D(1000))}, {PLACE: Stated(D(theirs))}, Tolerance())

    found = cause_of_units(line, Stated(D(theirs)), [BOUGHT, split], DAY)
    assert found is not None
    assert (found.cause, found.seqs) == (Cause.SPLIT_ADJUSTED, (2,))


def test_the_rate_of_another_day_is_said_with_both() -> None:
    bought = row(1, TxnType.BUY, "2016-01-05", "100", "-1000", fx_rate=D("1.08"))
    (line,) = reconcile_units({PLACE: Ours(D(100), D(1000))}, {PLACE: Stated(D(100), D(1060))}, Tolerance())

    found = cause_of_units(line, Stated(D(100), D(1060)), [bought], DAY)

    assert found is not None
    assert found.detail.startswith("theirs is in base currency at a rate of 1.06, that of another day than 2016-01-05")


@pytest.mark.parametrize(("ours", "theirs", "verb"), [("100", "107", "brings"), ("100", "93", "takes")])
def test_a_row_that_is_missing_here_is_told_by_what_it_moves(ours, theirs, verb) -> None:
    (line,) = reconcile_units({PLACE: Ours(D(ours), None)}, {PLACE: Stated(D(theirs))}, Tolerance())

    found = cause_of_units(line, Stated(D(theirs)), [BOUGHT], DAY)

    assert found is not None
    assert found.detail == f"a row that {verb} 7 units may be missing here"


def test_cash_differs_by_a_row_that_is_there_twice() -> None:
    paid = [row(seq, TxnType.DEPOSIT, "2016-02-01", None, "500") for seq in (3, 4)]
    (line,) = reconcile_cash({"USD": D(1000)}, {"USD": D(500)}, Tolerance())

    found = cause_of_cash(line, paid, DAY)
    assert found is not None
    assert (found.cause, found.seqs) == (Cause.DOUBLED_ROW, (3, 4))
    assert cause_of_cash(line, paid[:1], DAY).cause is Cause.MISSING_ROW
    assert cause_of_cash(line, [], DAY) is None
