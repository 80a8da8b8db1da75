"""Taking back of many rows at once, such as all of an import: what remains is as if they had never been."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from domain.errors import InsufficientCash, InsufficientPosition
from domain.ledger import WITHOUT_PAYMENT, Transaction, effective, reversal
from domain.money import ZERO, money
from domain.portfolio import Portfolio
from domain.positions import Positions


def take_rows_back(portfolio: Portfolio, seqs: Iterable[int], note: str) -> list[Transaction]:
    """Reverse those of the rows `seqs` that still stand, with the other legs of theirs; needs the whole history.

    It is done or refused as one: the first row that stays and would be left without units or cash that it had is named,
    and so are units and cash that orders have reserved.
    """
    assert portfolio.history is not None, "rows are taken back against the history"
    standing = effective(portfolio.history.rows)
    wanted = set(seqs)
    transfers = {row.transfer_id for row in standing if row.seq in wanted and row.transfer_id is not None}
    gone = [row for row in standing if row.seq in wanted or row.transfer_id in transfers]
    if not gone:
        return []
    _refuse_left_short(portfolio, standing, {row.seq for row in gone})
    drafts = [reversal(row, note) for row in sorted(gone, key=lambda row: -row.seq)]
    return portfolio.restate(portfolio.cost_method, drafts)


def _refuse_left_short(portfolio: Portfolio, standing: Sequence[Transaction], gone: set[int]) -> None:
    """Fold the rows with and without those that go, and compare after each that stays."""
    was, left = Positions(portfolio.cost_method), Positions(portfolio.cost_method)
    for row in standing:
        was.apply_units(row)
        was.add_cash(row.currency, row.cash_effect)
        if row.seq in gone:
            continue
        left.apply_units(row)
        left.add_cash(row.currency, row.cash_effect)
        is_checked = not portfolio.allows_shorts
        if row.security_id is not None and row.quantity and (is_checked or row.txn_type in WITHOUT_PAYMENT):
            key = (row.account_id, row.security_id)
            units = left.holding(key).quantity
            if row.quantity < 0 and units < 0 and units < was.holding(key).quantity:
                held = money(units - row.quantity)
                raise InsufficientPosition(row.security_id, held=held, asked=-row.quantity, on=row.business_date)
        cash = left.cash.get(row.currency, ZERO)
        if is_checked and row.cash_effect < 0 and cash < 0 and cash < was.cash.get(row.currency, ZERO):
            available = money(cash - row.cash_effect)
            raise InsufficientCash(row.currency, available=available, asked=-row.cash_effect, on=row.business_date)
    _refuse_reserved(portfolio, left)


def _refuse_reserved(portfolio: Portfolio, left: Positions) -> None:
    for currency, reserved in portfolio.reserved_cash.items():
        if reserved > 0 and left.cash.get(currency, ZERO) < reserved:
            raise InsufficientCash(currency, available=left.cash.get(currency, ZERO), asked=Decimal(reserved))
    for key, reserved in portfolio.reserved_units.items():
        if reserved > 0 and left.holding(key).quantity < reserved:
            raise InsufficientPosition(key[1], held=left.holding(key).quantity, asked=Decimal(reserved))
