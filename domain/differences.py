"""Likely causes of a difference between a statement and the ledger, by the rows of the ledger that would explain it.

A cause is a hint: it says which arithmetic fits exactly, and names the rows; it never decides.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from domain.errors import plain
from domain.ledger import Transaction, TxnType
from domain.money import ZERO
from domain.reconciliation import CashLine, Finding, Stated, UnitsLine

_CENT = Decimal("0.01")
_PLACES = Decimal("0.0001")
_DAYS_TO_SETTLE = timedelta(days=5)
_ANOTHER_DAYS = Decimal("0.05")
"""By which part the rate of another day may differ from a row's own."""
_SPLITS = frozenset({Fraction(new) for new in (2, 3, 4, 5, 6, 7, 8, 10, 20)} | {Fraction(3, 2)})
_SPLITTING = (TxnType.SPLIT, TxnType.BONUS)
_GIVEN_BACK = (TxnType.DIVIDEND, TxnType.RETURN_OF_CAPITAL)


class Cause(StrEnum):
    SPLIT_ADJUSTED = "SPLIT_ADJUSTED"
    DIVIDEND_ADJUSTED = "DIVIDEND_ADJUSTED"
    COST_PER_SHARE = "COST_PER_SHARE"
    OTHER_RATE = "OTHER_RATE"
    MISSING_ROW = "MISSING_ROW"
    DOUBLED_ROW = "DOUBLED_ROW"
    NOT_SETTLED = "NOT_SETTLED"


@dataclass(frozen=True, slots=True)
class LikelyCause:
    """A cause with a sentence, and the ledger rows that it is about."""

    cause: Cause
    detail: str
    seqs: tuple[int, ...] = ()


def cause_of_units(
    line: UnitsLine, theirs: Stated | None, rows: Sequence[Transaction], day: date
) -> LikelyCause | None:
    """Find why units or cost differ, by the effective `rows` of the security, of all days; None if nothing fits."""
    there = theirs or Stated(ZERO)
    recorded = [row for row in rows if row.business_date <= day]
    if line.finding is Finding.MATCHED:
        return _cause_of_cost(line, there, recorded)
    moved = [(row, row.quantity) for row in recorded if row.quantity and row.txn_type is not TxnType.SPLIT]
    return _recorded_split(line, rows, day) or _row_of(line.difference, moved, day) or _not_here(line)


def cause_of_cash(line: CashLine, rows: Sequence[Transaction], day: date) -> LikelyCause | None:
    """Find why cash of a currency differs, by its effective `rows`; None if nothing fits."""
    if line.finding is Finding.MATCHED:
        return None
    moved = [(row, row.cash_effect) for row in rows if row.business_date <= day and row.cash_effect]
    return _row_of(line.difference, moved, day)


def _recorded_split(line: UnitsLine, rows: Iterable[Transaction], day: date) -> LikelyCause | None:
    if not (line.ours and line.theirs):
        return None
    ratio = Fraction(line.theirs) / Fraction(line.ours)
    for row in rows:
        if row.txn_type not in _SPLITTING or not row.split_new or not row.split_old:
            continue
        split = Fraction(row.split_new) / Fraction(row.split_old)
        if ratio == split and row.business_date > day:
            why = f"theirs is adjusted for the split of {row.business_date}, which comes after the statement's day"
            return LikelyCause(Cause.SPLIT_ADJUSTED, why, (row.seq,))
        if 1 / ratio == split and row.business_date <= day:
            return LikelyCause(
                Cause.SPLIT_ADJUSTED, f"theirs is as before the split of {row.business_date}", (row.seq,)
            )
    return None


def _row_of(difference: Decimal, moved: Sequence[tuple[Transaction, Decimal]], day: date) -> LikelyCause | None:
    """A row, or one of a pair of twins, that moved exactly the difference."""
    fitting = [row for row, amount in moved if amount == difference]
    twins = Counter((row.business_date, row.txn_type, row.price, row.cash_effect) for row in fitting)
    doubled = [row for row in fitting if twins[row.business_date, row.txn_type, row.price, row.cash_effect] > 1]
    if doubled:
        first, second = doubled[:2]
        why = f"rows {first.seq} and {second.seq} of {first.business_date} are the same: one may be there twice"
        return LikelyCause(Cause.DOUBLED_ROW, why, (first.seq, second.seq))
    late = [row for row in fitting if row.business_date > day - _DAYS_TO_SETTLE]
    if late:
        why = f"row {late[-1].seq} of {late[-1].business_date} may not have settled there yet"
        return LikelyCause(Cause.NOT_SETTLED, why, (late[-1].seq,))
    if fitting:
        why = f"row {fitting[-1].seq} of {fitting[-1].business_date} moved just that: it may be missing there"
        return LikelyCause(Cause.MISSING_ROW, why, (fitting[-1].seq,))
    return None


def _not_here(line: UnitsLine) -> LikelyCause:
    """Suspect a split, or else a row, that the ledger lacks."""
    if line.ours and line.theirs:
        ratio = Fraction(line.theirs) / Fraction(line.ours)
        if ratio in _SPLITS or 1 / ratio in _SPLITS:
            why = f"theirs is {ratio.numerator} for {ratio.denominator} of ours: a split that the ledger may lack"
            return LikelyCause(Cause.SPLIT_ADJUSTED, why)
    verb = "brings" if line.difference < 0 else "takes"
    return LikelyCause(Cause.MISSING_ROW, f"a row that {verb} {plain(abs(line.difference))} units may be missing here")


def _cause_of_cost(line: UnitsLine, theirs: Stated, rows: Sequence[Transaction]) -> LikelyCause | None:
    if not line.cost_difference or abs(line.cost_difference) <= _CENT or theirs.cost is None:
        return None
    ours = line.cost_difference + theirs.cost
    if abs(theirs.cost * line.theirs - ours) <= abs(line.theirs) * _CENT:
        return LikelyCause(Cause.COST_PER_SHARE, "theirs is the cost of one unit, ours that of all")
    given = [row for row in rows if row.txn_type in _GIVEN_BACK]
    if given and abs(sum((row.cash_effect for row in given), ZERO) - line.cost_difference) <= _CENT:
        why = "theirs is less by all dividends: its cost is adjusted for them"
        return LikelyCause(Cause.DIVIDEND_ADJUSTED, why, tuple(row.seq for row in given))
    return _cause_of_rate(ours, theirs.cost, rows)


def _cause_of_rate(ours: Decimal, theirs: Decimal, rows: Sequence[Transaction]) -> LikelyCause | None:
    """Suspect a cost in base currency, if it is nearer to ours at the rate of a row than to ours."""
    rated = [row for row in rows if row.fx_rate and row.fx_rate != 1]
    if not rated or not ours:
        return None
    rate = theirs / ours
    nearest = min(rated, key=lambda row: abs(rate - (row.fx_rate or rate)))
    own = nearest.fx_rate or rate
    away = abs(rate - own)
    if away > own * _ANOTHER_DAYS or 2 * away > abs(rate - 1):
        return None
    why = f"theirs is in base currency, at about the rate of {nearest.business_date}, {plain(own)}"
    if away > own * _CENT:
        why = (
            f"theirs is in base currency at a rate of {plain(rate.quantize(_PLACES))}, that of another day than "
            f"{nearest.business_date}, whose is {plain(own)}"
        )
    return LikelyCause(Cause.OTHER_RATE, why, (nearest.seq,))
