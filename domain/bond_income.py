"""Bond payments: coupons to whoever held at the close before their ex-date, and par at maturity. The ledger posts cash.

Here: what each account is due, and the rows that bring the ledger there from whatever it says already. A row that we
have posted is known by its external id, such as `coupon:<security>:<date>:<account>`, so that deciding again drafts
nothing. If what was due has changed since, it is taken back and posted anew under an id with a number after it.

What people record has precedence:

* A COUPON recorded by hand is that of the coupon date nearest to it (of its ex-date where it states one). Its account
  is left alone for that date; with an ex-date it is of all that was held on it, so every account is.
* Units that left on the day of maturity or later were redeemed by hand, or wherever they went: they are not redeemed.
  Of a part that is repaid before, those that are traded at par on its very day are it.
* Our row that a person has taken back stays so, until something else is due.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from domain.analytics.fixed_income.bonds import REDEMPTION, Bond, CashFlow
from domain.entries import LedgerEntry, Terms
from domain.errors import FxMissing
from domain.ledger import TRADES, Transaction, TxnType, effective, reversal
from domain.money import ZERO, money, payable, product, share

_PER_CENT = Decimal("0.01")
_A_PERIOD_AND_MORE = timedelta(days=400)
Units = dict[int, Decimal]
"""Units by account."""


@dataclass(frozen=True, slots=True)
class BondTerms:
    """A registered bond and the currency it pays in."""

    security_id: int
    currency: str
    bond: Bond


@dataclass(frozen=True, slots=True)
class Payment:
    """Payment due to an account: the cash of a coupon, or units to be redeemed. Negative where a short owes it.

    `ex_date` is the first day on which a buyer no longer gets it.
    """

    security_id: int
    account_id: int
    day: date
    amount: Decimal
    units: Decimal
    ex_date: date
    is_redemption: bool = False

    @property
    def key(self) -> str:
        return _key("redemption" if self.is_redemption else "coupon", self.security_id, self.day, self.account_id)


def payments(terms: BondTerms, standing: Iterable[Transaction], until: date) -> list[Payment]:
    """All that was due up to and with `until`, to every account, by the rows that stand (in order of event)."""
    rows = [row for row in standing if row.security_id == terms.security_id and posted_key(row) is None]
    moves = [row for row in rows if row.quantity or row.txn_type is TxnType.SPLIT]
    if not moves:
        return []
    by_hand = _recorded_by_hand(terms.bond, rows)
    found: list[Payment] = []
    held: Units = {}
    place = 0
    for flow in terms.bond.cash_flows(moves[0].business_date, until):
        while place < len(moves) and moves[place].business_date < flow.ex_date:
            _move(held, moves[place])
            place += 1
        for account_id, units in sorted(held.items()):
            facts = (terms.security_id, account_id, flow.day)
            if flow.kind == "REDEMPTION":
                repaid = _repaid(account_id, units, flow, moves[place:])
                held[account_id] = money(units - repaid)
                found.append(Payment(*facts, repaid, repaid, flow.ex_date, is_redemption=True))
            elif not by_hand & {(flow.day, account_id), (flow.day, None)}:
                coupon = payable(product(units, flow.amount * _PER_CENT), terms.currency)
                found.append(Payment(*facts, coupon, units, flow.ex_date))
    return [payment for payment in found if payment.amount]


@dataclass(frozen=True, slots=True)
class Drafts:
    """Rows to record; and redemptions in another currency, for which there is no rate."""

    rows: list[Transaction]
    without_rate: list[Payment]


def drafted(
    history: Sequence[Transaction],
    bonds: Iterable[BondTerms],
    until: date,
    entry_of: Callable[[int, date, Terms], LedgerEntry],
) -> Drafts:
    """Draft what is missing from `history` for everything due up to `until` to stand in it, and nothing else.

    `entry_of` drafts for an account and a day.
    """
    standing = effective(history)
    posted = {key: row for row in standing if (key := posted_key(row))}
    refused = _taken_back_by_people(history)
    taken = {row.external_id for row in history}
    drafts = Drafts([], [])
    for terms in bonds:
        due = {payment.key: payment for payment in payments(terms, standing, until)}
        ours = {key for key, row in posted.items() if row.security_id == terms.security_id}
        for key in sorted(due.keys() | ours):
            payment, row = due.get(key), posted.get(key)
            if row is not None and payment is not None and _amount(row) == payment.amount:
                continue
            if row is not None:
                drafts.rows.append(reversal(row, "what was due has changed", f"{row.external_id}:reversed"))
            if payment is None or (row is None and refused.get(key) == payment.amount):
                continue
            try:
                drafts.rows.append(_row(payment, terms.currency, _free(key, taken), entry_of))
            except FxMissing:
                drafts.without_rate.append(payment)
    return drafts


def posted_key(row: Transaction) -> str | None:
    """Return the key of the payment, if `row` is one that we post: its external id, without a correction's number."""
    if row.external_id is None or row.security_id is None or row.txn_type is TxnType.REVERSAL:
        return None
    kind = "redemption" if row.txn_type in TRADES else "coupon"
    key = _key(kind, row.security_id, row.business_date, row.account_id)
    return key if row.external_id == key or row.external_id.startswith(f"{key}:") else None


def _key(kind: str, security_id: int, day: date, account_id: int) -> str:
    return f"{kind}:{security_id}:{day}:{account_id}"


def _amount(row: Transaction) -> Decimal:
    """Units of a redemption, or a coupon as it could be paid: rows from before cash had digits are not posted anew."""
    return -row.quantity if row.quantity is not None else payable(row.cash_effect, row.currency)


def _free(key: str, taken: set[str | None]) -> str:
    number, external_id = 1, key
    while external_id in taken:
        number += 1
        external_id = f"{key}:{number}"
    return external_id


def _row(
    payment: Payment, currency: str, external_id: str, entry_of: Callable[[int, date, Terms], LedgerEntry]
) -> Transaction:
    said = f"{payment.units.normalize():f}"
    if not payment.is_redemption:
        terms = Terms(currency, note=f"coupon on {said}", external_id=external_id)
        entry = entry_of(payment.account_id, payment.day, terms)
        return entry.income(TxnType.COUPON, payment.security_id, payment.amount, ZERO, payment.ex_date)[0]
    terms = Terms(currency, None, _PER_CENT, note=f"redemption of {said} at par", external_id=external_id)
    kind = TxnType.SELL if payment.units > 0 else TxnType.BUY
    entry = entry_of(payment.account_id, payment.day, terms)
    return entry.trade(kind, payment.security_id, abs(payment.units), Decimal(REDEMPTION))


def _move(held: Units, row: Transaction) -> None:
    if row.txn_type is TxnType.SPLIT:
        assert row.split_new is not None
        assert row.split_old is not None
        held.update({account_id: share(units, row.split_new, row.split_old) for account_id, units in held.items()})
    elif row.quantity:
        held[row.account_id] = money(held.get(row.account_id, ZERO) + row.quantity)


def _repaid(account_id: int, units: Decimal, flow: CashFlow, later: Sequence[Transaction]) -> Decimal:
    """Return the part of `units` that `flow` repays and no later row took out, nor a trade at par on its very day."""
    left = _never_left(account_id, units, later)
    if flow.amount == REDEMPTION:
        return left
    due = share(units, flow.amount, Decimal(REDEMPTION))
    on_the_day = (row for row in later if row.account_id == account_id and row.business_date == flow.day)
    due += sum((row.quantity or ZERO for row in on_the_day if row.price == REDEMPTION), ZERO)
    return ZERO if due * units <= 0 else min(due, left, key=abs)


def _never_left(account_id: int, units: Decimal, later: Iterable[Transaction]) -> Decimal:
    """Return the part of `units` that no later row took out; what came later is not of them."""
    balance = least = abs(units)
    for row in later:
        if row.account_id == account_id and row.quantity:
            balance += row.quantity if units > 0 else -row.quantity
            least = max(min(least, balance), ZERO)
    return least if units > 0 else -least


def _recorded_by_hand(bond: Bond, rows: Iterable[Transaction]) -> set[tuple[date, int | None]]:
    """Coupon dates that a person has seen to, each with the account; None is every account."""
    coupons = [row for row in rows if row.txn_type is TxnType.COUPON]
    found: set[tuple[date, int | None]] = set()
    for row in coupons:
        said = row.ex_date or row.business_date
        near = bond.cash_flows(said - _A_PERIOD_AND_MORE, said + _A_PERIOD_AND_MORE)
        days = {flow.ex_date if row.ex_date else flow.day: flow.day for flow in near if flow.kind == "COUPON"}
        if days:
            nearest = min(days, key=lambda day: (abs(day - said), day))
            found.add((days[nearest], None if row.ex_date else row.account_id))
    return found


def _taken_back_by_people(history: Sequence[Transaction]) -> Mapping[str, Decimal]:
    """The amounts of the last rows of ours that somebody else has reversed."""
    rows = {row.seq: row for row in history}
    found: dict[str, Decimal] = {}
    for row in history:
        original = rows.get(row.reverses_seq) if row.reverses_seq is not None else None
        key = posted_key(original) if original is not None else None
        if original is not None and key is not None and row.external_id is None:
            found[key] = _amount(original)
    return found
