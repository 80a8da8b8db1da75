"""The statement says what moved: amounts beside quantity and price, smallest units, and rates the right way."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from domain.currencies import CURRENCIES, parse_quoted, smallest_unit
from domain.entries import LedgerEntry, Terms, When
from domain.errors import FxMissing, InvalidNumber
from domain.ledger import Transaction, TxnType, first_hash, row_hash
from domain.money import ZERO, payable
from domain.portfolio import Portfolio
from domain.stated_amounts import AmountDiffers, InverseRate, refuse_inverse, rounding_of

D = Decimal
WHEN = When(datetime(2016, 1, 5, 21, tzinfo=UTC), date(2016, 1, 5))
USD, BOND, YEN = Terms("USD"), Terms("USD", price_factor=D("0.01")), Terms("JPY", D("0.0085"))
BUY, SELL = TxnType.BUY, TxnType.SELL


def entry(terms: Terms = USD) -> LedgerEntry:
    return LedgerEntry(UUID(int=1), "USD", 1, WHEN, terms)


def traded(
    kind: TxnType, units: str, price: str | None, amount: str | None = None, fees: str = "0", terms: Terms = USD
) -> Transaction:
    given = (D(price) if price else None, D(fees), D(amount) if amount else None)
    return entry(terms).trade(kind, 7, D(units), *given)


@pytest.mark.parametrize(
    ("kind", "units", "price", "amount", "fees", "cash", "gross"),
    [
        (BUY, "18.572", "30.96", "-575.00", "0", "-575.00", "575.00"),
        (BUY, "0.6242", "48.05", "29.99", "0", "-29.99", "29.99"),
        (SELL, "3", "33.33", "99.00", "1", "99.00", "100.00"),
        (SELL, "10", "0.01", "-5.90", "6", "-5.90", "0.10"),
        (BUY, "3", None, "-100.00", "1", "-100.00", "99.00"),
    ],
)
def test_the_amount_is_the_record(kind, units, price, amount, fees, cash, gross) -> None:
    row = traded(kind, units, price, amount, fees)

    assert (row.cash_effect, row.gross) == (D(cash), D(gross))
    assert row.price == (D(price) if price else D("33")), "what is not given is implied"


@pytest.mark.parametrize("kind", [BUY, SELL])
@pytest.mark.parametrize("accrued", ["0.33333333", "0.33666667", "0.00000001"])
def test_a_bond_of_less_than_a_coin_has_fees_or_none_and_never_less(kind, accrued) -> None:
    row = traded(kind, "0.00000001", "0.00000001", terms=replace(BOND, accrued=D(accrued)))

    sign = 1 if kind is BUY else -1
    assert row.fees >= 0
    assert row.cash_effect == -sign * (row.gross + row.accrued) - row.fees


def test_rounding_explains_half_of_the_last_decimals_and_half_a_coin() -> None:
    """0.0005 x 30.96 + 0.005 x 18.572 + 0.005 (RULEBOOK 3); none of it where a number has no decimals."""
    assert rounding_of(D("18.572"), D("30.96"), "USD", D(575)) == D("0.11334")
    assert rounding_of(D(10), D(4082), "GBP", D("409.20")) == D("0.005")
    assert rounding_of(D("0.1"), D("100.5"), "USD", D(10)) == D("0.1"), "never more than 1 % of the amount"
    by_rate = rounding_of(D(1), D(27), "EUR", D("25.37"), rate=D("0.94"))
    assert by_rate == D("0.005") * 27 + D("0.005")


@pytest.mark.parametrize(
    ("units", "price", "amount", "terms"),
    [
        ("10", "4082", "-409.20", USD),
        ("18.572", "30.96", "-575.12", USD),
        ("1000", "99", "-990", USD),
        ("1000", "99", "-99000", BOND),
        ("100", "10", "-1011", replace(USD, accrued=D("10"))),
    ],
)
def test_an_amount_that_rounding_does_not_explain_is_refused_with_the_figures(units, price, amount, terms) -> None:
    if amount == "-990":
        assert traded(BUY, units, price, amount, terms=BOND).gross == 990, "per cent of par is of bonds alone"
    with pytest.raises(AmountDiffers) as refusal:
        traded(BUY, units, price, amount, terms=terms)

    assert refusal.value.facts.keys() >= {"given", "expected", "tolerance"}


def test_cash_has_its_currencys_digits() -> None:
    assert {smallest_unit(code) for code in CURRENCIES} == {D(1), D("0.01"), D("0.001")}
    assert (smallest_unit("USD"), smallest_unit("JPY"), smallest_unit("KWD")) == (D("0.01"), 1, D("0.001"))
    assert traded(BUY, "3", "33.333").cash_effect == -100, "99.999, half up"
    assert traded(BUY, "3", "33.335").gross == D("100.01"), "gross is what the cash says"
    assert traded(SELL, "1", "1000.5", terms=YEN).cash_effect == 1001
    with pytest.raises(InvalidNumber, match="more decimals than JPY"):
        entry(YEN).cash(TxnType.DEPOSIT, D("10.5"))
    with pytest.raises(InvalidNumber, match="more decimals than USD"):
        entry().income(TxnType.DIVIDEND, 7, D("0.005"), ZERO, None)
    with pytest.raises(InvalidNumber, match="more decimals than USD"):
        traded(BUY, "1", "10", "-10.001")


def test_a_residue_of_old_rows_is_withdrawn_exactly() -> None:
    mine = Portfolio(UUID(int=1), UUID(int=2), "mine", "USD")
    mine.deposit(1, D(100), WHEN)
    mine.cash["USD"] = D("100.00345678")

    with pytest.raises(InvalidNumber):
        mine.withdraw(1, D("0.001"), WHEN)
    mine.withdraw(1, D("1.00345678"), WHEN)
    assert mine.cash["USD"] == 99


def test_a_refund_is_a_negative_fee_and_a_correction_negative_income() -> None:
    assert entry().cash(TxnType.FEE, D(-5), 7).cash_effect == 5
    assert entry().income(TxnType.DIVIDEND, 7, D(-3), ZERO, None)[0].cash_effect == -3
    for kind in (TxnType.DEPOSIT, TxnType.WITHDRAW):
        with pytest.raises(InvalidNumber):
            entry().cash(kind, D(-5))


def test_a_fee_in_another_currency_is_in_the_cost_at_its_own_rate() -> None:
    """40 at 28 dollars, in euros at 0.909, and 4.40 euros: 1,120 x 0.909 + 4.40."""
    abroad = LedgerEntry(UUID(int=1), "EUR", 1, WHEN, Terms("USD", D("0.909"), fee_currency="EUR"))
    row, fee = abroad.traded(BUY, 7, D(40), D(28), D("4.40"), None, UUID(int=3))

    assert (row.currency, row.cash_effect, fee.currency, fee.cash_effect) == ("USD", -1120, "EUR", D("-4.40"))
    assert payable((row.gross + row.fees) * row.fx_rate, "EUR") == D("1022.48")
    assert (fee.security_id, fee.transfer_id) == (7, row.transfer_id)
    with pytest.raises(FxMissing):
        replace(abroad, terms=replace(abroad.terms, fee_currency="CHF")).traded(
            BUY, 7, D(40), D(28), D(1), None, UUID(int=3)
        )


def test_a_minor_unit_is_a_hundredth_of_its_major() -> None:
    assert [parse_quoted(code) for code in ("GBp", "GBX", "ZAc", "ILA", "GBP")] == [
        ("GBP", D("0.01")),
        ("GBP", D("0.01")),
        ("ZAR", D("0.01")),
        ("ILS", D("0.01")),
        ("GBP", D(1)),
    ]


@pytest.mark.parametrize(("given", "is_refused"), [("1.0638", False), ("0.94", True), ("1.09", False), ("0.97", True)])
def test_a_rate_near_the_inverse_of_the_days_is_refused_with_both(given, is_refused) -> None:
    if not is_refused:
        return refuse_inverse("fx_rate", D(given), 1.0638, "EUR", "USD")
    with pytest.raises(InverseRate) as refusal:
        refuse_inverse("fx_rate", D(given), 1.0638, "EUR", "USD")
    assert refusal.value.facts["known"] == "1.0638"
    return refuse_inverse("fx_rate", D(given), None, "EUR", "USD")


def test_a_new_field_enters_a_rows_hash_only_where_it_is_set() -> None:
    """The hash of a row from before, as it was computed then, written down."""
    row, at = traded(BUY, "10", "25.5", fees="1"), datetime(2016, 1, 6, tzinfo=UTC)
    old = row_hash(first_hash(row.portfolio_id), row, at)

    assert old.hex() == "f8ad354da5b127d58a738487bbeee509afcfd61956094e86824fff4681a24105"
    assert row_hash(first_hash(row.portfolio_id), replace(row, cost_effect=D(0)), at) != old
    assert row_hash(first_hash(row.portfolio_id), replace(row, basis_share=D(1)), at) != old
