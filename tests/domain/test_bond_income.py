"""Payments of bonds, and the rows that bring a ledger there from whatever it says already."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID, uuid4

import pytest

from domain.analytics.fixed_income.bonds import Bond
from domain.bond_income import BondTerms, Drafts, drafted
from domain.entries import PLAIN, LedgerEntry, Terms, When
from domain.history import History
from domain.ledger import Transaction, TxnType
from domain.portfolio import Portfolio, PortfolioKind

D = Decimal
BOND, EURO_BOND, MAIN, OTHER = 10, 11, 1, 2
TEN_YEARS = BondTerms(BOND, "USD", Bond.of(date(2025, 11, 15), D("2.25"), "ACT/ACT ICMA", 2, date(2015, 11, 15)))
SHORT_LIVED = BondTerms(BOND, "USD", Bond.of(date(2016, 10, 31), D(6), "30/360 US", 2, date(2014, 10, 31)))
ODD = BondTerms(BOND, "USD", Bond.of(date(2017, 1, 15), D("6.4"), "30/360 US", 2, date(2007, 3, 20), date(2007, 7, 15)))
EX_COUPON = replace(TEN_YEARS, bond=replace(TEN_YEARS.bond, ex_coupon_days=7))
IN_PARTS = BondTerms(
    BOND,
    "USD",
    Bond.of(
        *(date(2017, 11, 15), D(4), "ACT/ACT ICMA", 2, date(2015, 11, 15)),
        amortisation=((date(2016, 5, 15), D(25)), (date(2016, 11, 15), D(50))),
    ),
)
PERCENT = Terms("USD", price_factor=D("0.01"))


def on(day: date, hour: int = 16) -> When:
    return When(datetime(day.year, day.month, day.day, hour, tzinfo=UTC), day)


class Mine:
    """A portfolio with a million dollars, its history at hand."""

    def __init__(self, kind: PortfolioKind = PortfolioKind.INVESTMENT, since: date = date(2007, 1, 2)) -> None:
        self.root = Portfolio(UUID(int=1), UUID(int=2), "mine", "USD", kind, history=History())
        self.root.deposit(MAIN, D(1_000_000), on(since, 0))

    def trade(self, kind: TxnType, units: str, day: date, account: int = MAIN) -> Transaction:
        return self.root.trade(kind, account, BOND, D(units), D(100), D(0), on(day), PERCENT)

    def buy(self, units: str, day: date, account: int = MAIN) -> "Mine":
        self.trade(TxnType.BUY, units, day, account)
        return self

    def sell(self, units: str, day: date, account: int = MAIN) -> "Mine":
        self.trade(TxnType.SELL, units, day, account)
        return self

    def coupon(self, amount: str, day: date, ex_date: date | None = None, account: int = MAIN) -> "Mine":
        self.root.receive_income(TxnType.COUPON, account, BOND, D(amount), on(day), ex_date, terms=Terms("USD"))
        return self

    def drafted(self, today: date, terms: BondTerms = TEN_YEARS) -> Drafts:
        def entry_of(account_id: int, day: date, terms: Terms) -> LedgerEntry:
            return LedgerEntry(self.root.portfolio_id, "USD", account_id, on(day, 0), terms)

        assert self.root.history is not None
        return drafted(self.root.history.rows, [terms], today, entry_of)

    def post(self, today: date, terms: BondTerms = TEN_YEARS) -> list[Transaction]:
        rows = self.drafted(today, terms).rows
        return self.root.record(rows) if rows else []


def paid(rows: Sequence[Transaction]) -> list[tuple[str, str, Decimal]]:
    return [(row.txn_type.value, str(row.business_date), row.cash_effect) for row in rows]


def test_who_held_at_the_close_before_gets_the_coupon() -> None:
    mine = Mine().buy("10000", date(2015, 12, 1)).buy("5000", date(2016, 5, 15)).sell("3000", date(2016, 11, 14))
    mine.sell("2000", date(2016, 11, 15))

    rows = mine.post(date(2017, 3, 29))

    assert paid(rows) == [("COUPON", "2016-05-15", D("112.5")), ("COUPON", "2016-11-15", D(135))]
    assert [row.note for row in rows] == ["coupon on 10000", "coupon on 12000"]


def test_nothing_is_due_before_its_day_and_on_it_everything() -> None:
    mine = Mine().buy("10000", date(2015, 12, 1))

    assert mine.post(date(2016, 5, 14)) == []
    assert paid(mine.post(date(2016, 5, 15))) == [("COUPON", "2016-05-15", D("112.5"))]


def test_posting_again_posts_nothing() -> None:
    mine = Mine().buy("10000", date(2015, 12, 1))

    assert len(mine.post(date(2017, 3, 29))) == 2
    assert mine.post(date(2017, 3, 29)) == []
    assert mine.root.version == 4


def test_who_buys_in_the_ex_coupon_period_gets_no_coupon_and_who_sells_in_it_keeps_it() -> None:
    mine = Mine().buy("10000", date(2015, 12, 1)).buy("5000", date(2016, 5, 8)).sell("4000", date(2016, 11, 8))
    mine.buy("500", date(2016, 5, 7))

    rows = mine.post(date(2017, 3, 29), EX_COUPON)

    assert [(str(row.business_date), str(row.ex_date), row.cash_effect) for row in rows] == [
        ("2016-05-15", "2016-05-08", D("118.13")),
        ("2016-11-15", "2016-11-08", D("174.38")),
    ]


@pytest.mark.parametrize("ex_date", [date(2016, 5, 8), date(2016, 5, 9), None])
def test_a_coupon_recorded_by_hand_with_the_ex_coupon_date_is_the_one_paid_after_it(ex_date: date | None) -> None:
    mine = Mine().buy("10000", date(2015, 12, 1)).coupon("112.5", date(2016, 5, 15), ex_date)

    assert paid(mine.post(date(2017, 3, 29), EX_COUPON)) == [("COUPON", "2016-11-15", D("112.5"))]


def test_a_bond_that_is_repaid_in_parts_loses_the_units_of_each_and_pays_coupons_on_the_rest() -> None:
    mine = Mine().buy("10000", date(2015, 12, 1))

    rows = mine.post(date(2017, 11, 15), IN_PARTS)

    assert [(row.txn_type.value, str(row.business_date), row.quantity, row.cash_effect) for row in rows] == [
        ("COUPON", "2016-05-15", None, D(200)),
        ("SELL", "2016-05-15", D(-2500), D(2500)),
        ("COUPON", "2016-11-15", None, D(150)),
        ("SELL", "2016-11-15", D(-5000), D(5000)),
        ("COUPON", "2017-05-15", None, D(50)),
        ("COUPON", "2017-11-15", None, D(50)),
        ("SELL", "2017-11-15", D(-2500), D(2500)),
    ]
    assert mine.post(date(2017, 12, 31), IN_PARTS) == []


def test_a_part_that_was_repaid_by_hand_on_its_day_is_not_repaid_again_nor_what_left_later() -> None:
    mine = Mine().buy("10000", date(2015, 12, 1)).sell("2500", date(2016, 5, 15)).sell("4000", date(2017, 1, 10))

    rows = mine.post(date(2017, 11, 15), IN_PARTS)

    assert [(str(row.business_date), row.quantity) for row in rows if row.quantity] == [("2016-11-15", D(-3500))]


def test_an_odd_first_coupon_pays_for_its_days() -> None:
    (row,) = Mine().buy("10000", date(2007, 3, 21)).post(date(2007, 12, 31), ODD)

    assert (row.business_date, row.cash_effect) == (date(2007, 7, 15), D("204.44")), "115 of 360 days at 6.4 %"


def test_each_account_is_paid_for_what_it_held() -> None:
    mine = Mine().buy("10000", date(2015, 12, 1)).buy("2000", date(2015, 12, 1), OTHER)
    mine.root.move_units(MAIN, OTHER, BOND, D(4000), on(date(2016, 5, 16)), uuid4())

    rows = mine.post(date(2017, 3, 29))

    assert {(row.account_id, row.business_date.month): row.cash_effect for row in rows} == {
        (MAIN, 5): D("112.5"),
        (OTHER, 5): D("22.5"),
        (MAIN, 11): D("67.5"),
        (OTHER, 11): D("67.5"),
    }


def test_at_maturity_the_last_coupon_and_par_post_and_the_position_closes() -> None:
    mine = Mine().buy("10000", date(2016, 8, 1))
    before = mine.root.cash["USD"]

    rows = mine.post(date(2017, 3, 29), SHORT_LIVED)

    assert paid(rows) == [("COUPON", "2016-10-31", D(300)), ("SELL", "2016-10-31", D(10_000))]
    assert (rows[1].price, rows[1].accrued, rows[1].note) == (100, 0, "redemption of 10000 at par")
    assert (mine.root.holdings[MAIN, BOND].lots, mine.root.cash["USD"]) == ((), before + 10_300)
    assert mine.post(date(2017, 3, 29), SHORT_LIVED) == []


def test_a_zero_coupon_bond_pays_par_alone() -> None:
    zero = BondTerms(BOND, "USD", Bond.of(date(2016, 10, 31), D(0), "ACT/ACT ICMA", None))

    assert paid(Mine().buy("10000", date(2016, 8, 1)).post(date(2017, 3, 29), zero)) == [
        ("SELL", "2016-10-31", D(10_000))
    ]


def test_a_short_pays_the_coupon_and_par() -> None:
    book = Mine(PortfolioKind.TRADING_BOOK).sell("10000", date(2016, 2, 1))

    assert paid(book.post(date(2017, 3, 29), SHORT_LIVED)) == [
        ("COUPON", "2016-04-30", D(-300)),
        ("COUPON", "2016-10-31", D(-300)),
        ("BUY", "2016-10-31", D(-10_000)),
    ]
    assert not book.root.holdings[MAIN, BOND].lots


@pytest.mark.parametrize("kind", [TxnType.BUY, TxnType.SELL])
def test_a_back_dated_row_corrects_by_a_reversal_and_a_new_row(kind: TxnType) -> None:
    mine = Mine().buy("10000", date(2015, 12, 1))
    first, second = mine.post(date(2017, 3, 29))
    mine.trade(kind, "4000", date(2016, 6, 1))
    units = D(14_000) if kind is TxnType.BUY else D(6_000)

    back, anew = mine.post(date(2017, 3, 29))

    assert (back.txn_type, back.reverses_seq) == (TxnType.REVERSAL, second.seq)
    assert anew.cash_effect == units * D("0.01125")
    assert first.external_id == f"coupon:{BOND}:2016-05-15:{MAIN}", "what is right already stays"
    assert anew.external_id == f"coupon:{BOND}:2016-11-15:{MAIN}:2"
    assert mine.post(date(2017, 3, 29)) == []


def test_what_changes_back_is_corrected_back() -> None:
    mine = Mine().buy("10000", date(2015, 12, 1))
    sold = mine.trade(TxnType.SELL, "10000", date(2016, 6, 1))
    assert len(mine.post(date(2017, 3, 29))) == 1
    mine.root.reverse(sold.seq)
    assert paid(mine.post(date(2017, 3, 29))) == [("COUPON", "2016-11-15", D("112.5"))]
    mine.trade(TxnType.SELL, "10000", date(2016, 6, 1))
    (back,) = mine.post(date(2017, 3, 29))
    assert back.txn_type is TxnType.REVERSAL
    mine.root.reverse(mine.root.version - 1)
    assert [row.external_id for row in mine.post(date(2017, 3, 29))] == [f"coupon:{BOND}:2016-11-15:{MAIN}:2"]


def test_a_correction_is_recorded_even_if_the_cash_is_spent() -> None:
    mine = Mine(since=date(2015, 1, 2)).buy("10000", date(2015, 12, 1))
    mine.post(date(2017, 3, 29))
    mine.root.withdraw(MAIN, mine.root.cash["USD"], on(date(2016, 12, 1)))
    moved = mine.root.transfer_out(MAIN, BOND, D(10_000), on(date(2016, 6, 1)))

    (back,) = mine.post(date(2017, 3, 29))

    assert (moved.cash_effect, back.cash_effect, mine.root.cash["USD"]) == (0, D("-112.5"), D("-112.5"))


@pytest.mark.parametrize("day", [date(2016, 11, 14), date(2016, 11, 15), date(2016, 11, 21), date(2017, 2, 10)])
def test_a_coupon_recorded_by_hand_is_left_alone_and_not_posted_twice(day: date) -> None:
    mine = Mine().buy("10000", date(2015, 12, 1)).coupon("112", day)

    assert paid(mine.post(date(2017, 3, 29))) == [("COUPON", "2016-05-15", D("112.5"))]


def test_a_coupon_recorded_by_hand_later_replaces_ours() -> None:
    mine = Mine().buy("10000", date(2015, 12, 1))
    _, second = mine.post(date(2017, 3, 29))
    mine.coupon("112", date(2016, 11, 16))

    (back,) = mine.post(date(2017, 3, 29))

    assert (back.txn_type, back.reverses_seq) == (TxnType.REVERSAL, second.seq)


def test_a_coupon_by_hand_is_of_its_account_and_with_an_ex_date_of_all() -> None:
    mine = Mine().buy("10000", date(2015, 12, 1)).buy("2000", date(2015, 12, 1), OTHER)
    mine.coupon("112.5", date(2016, 5, 16)).coupon("135", date(2016, 11, 16), ex_date=date(2016, 11, 15))

    (row,) = mine.post(date(2017, 3, 29))

    assert (row.account_id, row.business_date, row.cash_effect) == (OTHER, date(2016, 5, 15), D("22.5"))


def test_what_left_at_maturity_or_later_by_hand_is_not_redeemed_again() -> None:
    mine = Mine().buy("10000", date(2016, 8, 1)).sell("7000", date(2016, 11, 2)).buy("500", date(2016, 11, 3))

    assert paid(mine.post(date(2017, 3, 29), SHORT_LIVED)) == [
        ("COUPON", "2016-10-31", D(300)),
        ("SELL", "2016-10-31", D(3_000)),
    ]


def test_a_row_of_ours_that_a_person_takes_back_stays_so_until_something_else_is_due() -> None:
    mine = Mine().buy("10000", date(2015, 12, 1))
    _, second = mine.post(date(2017, 3, 29))
    mine.root.reverse(second.seq, "the issuer did not pay")

    assert mine.post(date(2017, 3, 29)) == []
    mine.buy("1000", date(2016, 7, 1))
    assert paid(mine.post(date(2017, 3, 29))) == [("COUPON", "2016-11-15", D("123.75"))]


def test_a_redemption_in_another_currency_waits_for_a_rate_and_the_coupon_does_not() -> None:
    mine = Mine()
    euros = Terms("EUR", D("1.1"), D("0.01"))
    mine.root.convert(MAIN, D(12_000), D(10_900), "EUR", on(date(2016, 7, 1)), uuid4(), PLAIN)
    mine.root.trade(TxnType.BUY, MAIN, EURO_BOND, D(10_000), D(100), D(0), on(date(2016, 8, 1)), euros)
    bond = BondTerms(EURO_BOND, "EUR", SHORT_LIVED.bond)

    drafts = mine.drafted(date(2017, 3, 29), bond)

    assert [(row.currency, row.cash_effect, row.fx_rate) for row in drafts.rows] == [("EUR", D(300), None)]
    assert [payment.units for payment in drafts.without_rate] == [D(10_000)]


def test_another_rows_external_id_is_not_taken_for_ours() -> None:
    mine = Mine().buy("10000", date(2015, 12, 1))
    theirs = Terms("USD", external_id=f"coupon:{BOND}:2016-05-15:{MAIN}")
    mine.root.move_cash(TxnType.FEE, MAIN, D(1), on(date(2016, 5, 15)), theirs)

    assert [row.external_id for row in mine.post(date(2016, 6, 1))] == [f"coupon:{BOND}:2016-05-15:{MAIN}:2"]
