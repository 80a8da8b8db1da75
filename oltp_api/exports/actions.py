"""A ledger in the few words that other trackers have: purchases, sales, units in and out, income, charges and cash.

A row that has no word of its own is said in those: units that come without a payment carry their cost, and cost that
changes under the same units is a sale at the old and a purchase at the new one, with whatever cash moved. So units,
cash and cost are ours in the end; the comment has our own type.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

from domain.ledger import TRADES, Transaction, TxnType
from domain.money import ZERO, money, share
from domain.values import quickly_made
from oltp_api.exports.moves import Move
from oltp_api.exports.repository import SplitRatio

_ONE = Decimal(1)


class Word(StrEnum):
    """BUY and SELL move cash, IN and OUT do not."""

    BUY = "BUY"
    SELL = "SELL"
    IN = "IN"
    OUT = "OUT"
    DEPOSIT = "DEPOSIT"
    WITHDRAW = "WITHDRAW"
    DIVIDEND = "DIVIDEND"
    INTEREST = "INTEREST"
    FEE = "FEE"
    TAX = "TAX"
    SPLIT = "SPLIT"


_WORDS: Mapping[TxnType, Word] = {
    TxnType.DEPOSIT: Word.DEPOSIT,
    TxnType.WITHDRAW: Word.WITHDRAW,
    TxnType.DIVIDEND: Word.DIVIDEND,
    TxnType.COUPON: Word.DIVIDEND,
    TxnType.INTEREST: Word.INTEREST,
    TxnType.FEE: Word.FEE,
    TxnType.TAX: Word.TAX,
}
_PLAIN = frozenset({"BUY", "SELL", "DEPOSIT", "WITHDRAW", "DIVIDEND", "INTEREST", "FEE", "TAX", "SPLIT"})


@quickly_made
@dataclass(frozen=True, slots=True)
class PlainAction:
    """`units` are above 0. `value` is what they are worth or cost, without `fees`, above 0, or the signed change of
    cash where no units move; of a SPLIT the new units of one old one."""

    row: Transaction
    word: Word
    account_id: int
    value: Decimal
    security_id: int | None = None
    units: Decimal = ZERO
    fees: Decimal = ZERO

    @property
    def comment(self) -> str:
        """The note, after our type where the word is another."""
        kind = self.row.txn_type.value
        return self.row.note if kind in _PLAIN and kind == self.word else f"[{kind}] {self.row.note}".strip()

    @property
    def price(self) -> Decimal:
        """Value of one unit."""
        return share(self.value, _ONE, self.units) if self.units else ZERO


def actions(moves: Iterable[Move]) -> Iterator[PlainAction]:
    for move in moves:
        kind = move.row.txn_type
        if kind in TRADES:
            yield from _trade(move)
        elif kind is TxnType.SPLIT:
            yield from _split(move.row)
        elif move.row.security_id is not None and kind not in _WORDS:
            yield from _event(move)
        elif move.row.cash_effect:
            word = _WORDS.get(kind) or (Word.DEPOSIT if move.row.cash_effect > 0 else Word.WITHDRAW)
            row = move.row
            yield PlainAction(row, word, row.account_id, row.cash_effect, row.security_id)


def adjusted(listed: Iterable[PlainAction], ratios: Iterable[SplitRatio]) -> Iterator[PlainAction]:
    """Actions in units of today, as programs want them whose prices are adjusted for splits; no splits are among them.
    `ratios` are the splits of all securities that stand."""
    factors: dict[int, tuple[Decimal, Decimal]] = {}
    for ratio in ratios:
        new, old = factors.get(ratio.security_id, (_ONE, _ONE))
        factors[ratio.security_id] = (new * ratio.split_new, old * ratio.split_old)
    for action in listed:
        security_id, row = action.security_id, action.row
        if action.word is Word.SPLIT:
            assert security_id is not None
            new, old = factors[security_id]
            factors[security_id] = (new / (row.split_new or _ONE), old / (row.split_old or _ONE))
        elif action.units and security_id in factors:
            yield replace(action, units=share(action.units, *factors[security_id]))
        else:
            yield action


def _trade(move: Move) -> Iterator[PlainAction]:
    row = move.row
    assert row.quantity is not None
    is_purchase = row.quantity > 0
    has_fee_beside = row.transfer_id is not None and row.txn_type is not TxnType.CASH_IN_LIEU
    word, fees = Word.BUY if is_purchase else Word.SELL, ZERO if has_fee_beside else row.fees
    yield PlainAction(row, word, row.account_id, row.gross or ZERO, row.security_id, abs(row.quantity), fees)
    if row.accrued:
        signed = -row.accrued if is_purchase else row.accrued
        yield PlainAction(row, Word.INTEREST, row.account_id, signed, row.security_id)


def _split(row: Transaction) -> Iterator[PlainAction]:
    assert row.split_new is not None
    assert row.split_old is not None
    yield PlainAction(row, Word.SPLIT, row.account_id, share(row.split_new, _ONE, row.split_old), row.security_id)


def _event(move: Move) -> Iterator[PlainAction]:
    """Units that come or go without a payment, and cost that changes."""
    row = move.row
    before = sum((change.units_before for change in move.changes), ZERO)
    if not move.units:
        yield from _recosted(move, before)
        return
    units, cost = move.units, move.cost
    if row.cash_effect:  # a merger for shares and cash: what was given for cash is sold
        sold = money(abs(units) * (_ONE - (row.basis_share or ZERO)))
        if sold:
            yield PlainAction(row, Word.SELL, row.account_id, row.cash_effect, row.security_id, sold)
        else:
            yield PlainAction(row, Word.DIVIDEND, row.account_id, row.cash_effect, row.security_id)
        units, cost = units + sold, cost + row.cash_effect - move.gain
    if units:
        word = Word.IN if units > 0 else Word.OUT
        yield PlainAction(row, word, row.account_id, abs(money(cost)), row.security_id, abs(units))


def _recosted(move: Move, units: Decimal) -> Iterator[PlainAction]:
    row = move.row
    after = sum((change.cost_after for change in move.changes), ZERO)
    if not units:
        if row.cash_effect:
            yield PlainAction(row, Word.DIVIDEND, row.account_id, row.cash_effect, row.security_id)
        return
    is_long, is_traded = units > 0, bool(row.cash_effect)
    if is_traded and (after + row.cash_effect) * units < 0:  # more is paid than the units cost, where that is not known
        yield PlainAction(row, Word.DIVIDEND, row.account_id, row.cash_effect, row.security_id)
        is_traded = False
    given, taken = money(after + row.cash_effect if is_traded else after - move.cost), money(after)
    if given == taken:
        return
    words = (Word.SELL, Word.BUY) if is_traded else (Word.OUT, Word.IN)
    for word, value in zip(words if is_long else words[::-1], (given, taken), strict=True):
        yield PlainAction(row, word, row.account_id, abs(value), row.security_id, abs(units))
