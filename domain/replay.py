"""Rows of a ledger that were decided and recorded elsewhere, taken over as they are by an empty portfolio.

Nothing is decided again: cash that a broker's confirmation left short, and rows that came late, stay what they were. It
is only checked that the rows are rows: each can be one by its type, what belongs together is together, and they add up.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from domain.entries import When, not_negative, positive
from domain.errors import InvalidNumber, PortfolioIsArchived, Refusal
from domain.holdings import Holding
from domain.ledger import BETWEEN_SECURITIES, TRADES, WITHOUT_PAYMENT, Transaction, TxnType, effective, reversal
from domain.limits import MONEY_BELOW, UNITS_BELOW, OutOfRange
from domain.money import money, parse_amount, parse_price, parse_quantity, parse_rate
from domain.portfolio import Portfolio
from domain.positions import Positions


class NotEmpty(Refusal):
    code = "portfolio_not_empty"

    def __init__(self, rows: int) -> None:
        super().__init__(
            f"the portfolio has {rows} rows already; a whole ledger is taken over by an empty one, made without cash",
            rows=rows,
        )


class NotTheSame(Refusal):
    """A portfolio that would make something else of the same rows."""

    code = "portfolio_differs"

    def __init__(self, name: str, here: str, there: str) -> None:
        super().__init__(
            f"the portfolio's {name} is {here}, that of the ledger {there}; make one with {there}",
            field=name,
            here=here,
            there=there,
        )


class NoLedger(Refusal):
    """Rows that no portfolio recorded."""

    code = "no_ledger"

    def __init__(self, seq: int, why: str) -> None:
        super().__init__(f"row {seq} {why}; export the ledger again", seq=seq)


def take_over(portfolio: Portfolio, rows: Sequence[Transaction]) -> None:
    """Record `rows`, which are all of a ledger in its order, as they are; a refusal leaves the portfolio as it was."""
    if portfolio.archived:
        raise PortfolioIsArchived(portfolio.portfolio_id)
    if portfolio.version:
        raise NotEmpty(portfolio.version)
    for place, row in enumerate(rows, start=1):
        _refuse_impossible(row, place)
    _refuse_false_reversals(rows)
    _refuse_repeated_ids(rows)
    portfolio.positions = _folded(rows, portfolio)
    portfolio.rows.extend(rows)
    portfolio.changed |= portfolio.holdings.keys()
    if rows:
        portfolio.version = rows[-1].seq
        portfolio.last = max((When(row.event_ts, row.business_date) for row in rows), key=_moment)


def _moment(when: When) -> tuple[object, object]:
    return (when.business_date, when.event_ts)


def _refuse_impossible(row: Transaction, place: int) -> None:
    if row.seq != place:
        raise NoLedger(row.seq, f"stands where row {place} should be")
    try:
        _refuse_numbers(row)
    except Refusal as refusal:
        raise NoLedger(row.seq, refusal.message) from refusal
    if row.txn_type is TxnType.REVERSAL:
        return
    missing = [name for name in _NEEDED.get(row.txn_type, ()) if getattr(row, name) is None]
    if missing:
        raise NoLedger(row.seq, f"is a {row.txn_type} without {' and '.join(missing)}")
    if (row.quantity is not None or row.split_new is not None) and row.security_id is None:
        raise NoLedger(row.seq, "moves units of no security")
    if not _IS_RIGHT.get(row.txn_type, _any)(row):
        raise NoLedger(row.seq, f"is no {row.txn_type}: its numbers contradict each other")


def _refuse_numbers(row: Transaction) -> None:
    for name in ("cash_effect", "fees", "gross", "accrued", "cost_effect"):
        if (value := getattr(row, name)) is not None:
            parse_amount(value, name)
    for name in ("quantity", "split_new", "split_old"):
        if (value := getattr(row, name)) is not None:
            parse_quantity(value, name)
    if row.price is not None:
        parse_price(row.price)
    if row.fx_rate is not None:
        parse_rate(row.fx_rate)
        positive("fx_rate", row.fx_rate)
    if row.basis_share is not None and not 0 <= row.basis_share <= 1:
        raise InvalidNumber("basis_share", row.basis_share, "must be from 0 to 1")
    for name in ("split_new", "split_old"):
        if (value := getattr(row, name)) is not None:
            positive(name, value)
    for name in ("fees", "gross", "price"):
        if (value := getattr(row, name)) is not None:
            not_negative(name, value)


def _any(row: Transaction) -> bool:
    del row
    return True


def _is_trade(row: Transaction) -> bool:
    """Gross, fees and interest are what moved; fees in another currency move in a row beside it."""
    assert row.quantity is not None
    assert row.gross is not None
    sign = 1 if row.quantity > 0 else -1
    clean = money(-sign * (row.gross + row.accrued))
    moved = {clean} if row.transfer_id is not None and row.txn_type is not TxnType.CASH_IN_LIEU else set()
    moved.add(money(clean - row.fees))
    of_side = {TxnType.BUY: 1, TxnType.SELL: -1}.get(row.txn_type, sign)
    return bool(row.quantity) and sign == of_side and row.cash_effect in moved


def _moves_units_or_cash(row: Transaction) -> bool:
    moved = row.quantity if row.quantity is not None else row.cash_effect
    is_right_way = moved < 0 if row.txn_type is TxnType.TRANSFER_OUT else moved > 0
    return is_right_way and (row.quantity is None or row.cash_effect == 0)


def _is_ratio(row: Transaction) -> bool:
    return bool(row.split_new and row.split_old and row.split_new > 0 and row.split_old > 0)


def _is_leg(row: Transaction) -> bool:
    if row.basis_share is None:
        return row.transfer_id is not None and row.quantity is not None and row.quantity > 0
    return 0 <= row.basis_share <= 1 and (row.quantity is None or row.quantity < 0)


_NEEDED: Mapping[TxnType, Sequence[str]] = {
    **dict.fromkeys(TRADES, ("security_id", "quantity", "price", "gross")),
    **dict.fromkeys((TxnType.DIVIDEND, TxnType.COUPON, TxnType.RETURN_OF_CAPITAL), ("security_id",)),
    **dict.fromkeys(BETWEEN_SECURITIES, ("security_id",)),
    TxnType.SPLIT: ("security_id", "split_new", "split_old"),
    TxnType.BONUS: ("security_id", "quantity"),
    TxnType.COST_ADJUSTMENT: ("security_id", "cost_effect"),
}
_IS_RIGHT: Mapping[TxnType, Callable[[Transaction], bool]] = {
    **dict.fromkeys(TRADES, _is_trade),
    **dict.fromkeys(WITHOUT_PAYMENT - BETWEEN_SECURITIES, _moves_units_or_cash),
    **dict.fromkeys(BETWEEN_SECURITIES, _is_leg),
    TxnType.SPLIT: _is_ratio,
    TxnType.DEPOSIT: lambda row: row.cash_effect > 0,
    TxnType.WITHDRAW: lambda row: row.cash_effect < 0,
}


def _refuse_false_reversals(rows: Sequence[Transaction]) -> None:
    """A reversal is the row that it takes back, negated, after it and once; the rows of a transfer go together."""
    taken_back: set[int] = set()
    for row in rows:
        if row.txn_type is not TxnType.REVERSAL and row.reverses_seq is None:
            continue
        seq = row.reverses_seq or 0
        original = rows[seq - 1] if 0 < seq < row.seq else None
        if original is None or original.reverses_seq is not None or seq in taken_back:
            raise NoLedger(row.seq, "takes back no row that stands")
        if row != replace(reversal(original, row.note, row.external_id), seq=row.seq):
            raise NoLedger(row.seq, f"is not row {seq} taken back")
        taken_back.add(seq)


def _refuse_repeated_ids(rows: Sequence[Transaction]) -> None:
    seen: set[str] = set()
    for row in rows:
        if row.external_id is not None and row.external_id in seen:
            raise NoLedger(row.seq, f"has the external_id {row.external_id[:40]!r} of an earlier row")
        seen |= {row.external_id} if row.external_id is not None else set()


def _folded(rows: Iterable[Transaction], portfolio: Portfolio) -> Positions:
    state = Positions(portfolio.cost_method)
    for row in effective(rows):
        try:
            state.apply(row)
        except (KeyError, AssertionError, ArithmeticError) as error:
            raise NoLedger(row.seq, "takes units, or cost, that are not there") from error
    if state.in_transit:
        raise NoLedger(portfolio.version, "is not followed by what its units or cost became")
    for holding in state.holdings.values():
        _refuse_outsized(holding)
    for currency, balance in state.cash.items():
        _within(f"cash in {currency}", balance, MONEY_BELOW)
    return state


def _refuse_outsized(held: Holding) -> None:
    _within("quantity held", held.quantity, UNITS_BELOW)
    for name in ("cost_basis", "cost_basis_base", "realised", "realised_base", "realised_fx"):
        _within(name, getattr(held, name), MONEY_BELOW)


def _within(name: str, value: Decimal, below: Decimal) -> None:
    if abs(value) >= below:
        raise OutOfRange(name, value, below)
