"""Events between securities and of one: what a portfolio's rows are when its holdings are spun off, merged or grown.

Cost and lots go along, nothing flows in or out, and whatever is received is worth what was given. An event applies in
every account to the units at the start of its day, like a split; a short takes no part in it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

from domain.entries import PLAIN, LedgerEntry, Terms, When, not_negative, positive
from domain.errors import AlreadySplit, InvalidInput, InvalidNumber
from domain.ledger import Transaction, TxnType
from domain.money import ZERO, money, parse_price, parse_quantity, payable, product, share
from domain.portfolio import Portfolio

_ONE = Decimal(1)
_MOST_OLD, _MOST_EXACT = 20, 100
"""A split of so many old units at most is a simple ratio, from which what a broker says that it adds is rounded; one
that is exact may be of more."""
LEAVING = frozenset({TxnType.MERGER, TxnType.EXCHANGE})
"""Events after which nothing of the old security is left."""


@dataclass(frozen=True, slots=True)
class Reorganisation:
    """A SPIN_OFF, RIGHTS issue, MERGER or EXCHANGE: for every `units_old` held, `units_new` of another security.

    `basis_share` is the fraction of the cost that goes to the new security. `into` is None for a merger for cash alone.
    `cash_per_unit` is paid for each old unit, `cash` in all; a fraction of a new unit is paid `in_lieu_price`.
    """

    kind: TxnType
    security_id: int
    into: int | None = None
    units_new: Decimal = ZERO
    units_old: Decimal = _ONE
    basis_share: Decimal = _ONE
    cash: Decimal | None = None
    cash_per_unit: Decimal | None = None
    in_lieu_price: Decimal | None = None
    into_terms: Terms = PLAIN

    def refuse_unclear(self) -> None:
        """Refuse what cannot be a fact: shares beyond the whole, a merger for nothing, cash said twice."""
        if not 0 <= self.basis_share <= 1:
            raise InvalidNumber("basis_share", self.basis_share, "must be a fraction of the cost, from 0 to 1")
        if self.into == self.security_id:
            raise InvalidInput("into", "is the security itself")
        if self.into is not None:
            positive("units_new", parse_quantity(self.units_new, "units_new"))
            positive("units_old", parse_quantity(self.units_old, "units_old"))
        if self.cash is not None and self.cash_per_unit is not None:
            raise InvalidInput("amount", "and per_unit say the same; give one of them")
        if self.cash is not None:
            not_negative("amount", self.cash)
        if self.cash_per_unit is not None:
            not_negative("per_unit", parse_price(self.cash_per_unit, "per_unit"))


def held_long(held: Mapping[int, Decimal]) -> list[tuple[int, Decimal]]:
    """Units by account, those of nothing left out; InvalidInput where there are none, or short ones."""
    if any(units < 0 for units in held.values()):
        raise InvalidInput(
            "ticker", "is held short on that day, and a short takes no part in the event; cover it before"
        )
    found = [(account_id, units) for account_id, units in sorted(held.items()) if units]
    if not found:
        raise InvalidInput("ticker", "is not held at the start of that day")
    return found


def reorganised(
    event: Reorganisation, held: Iterable[tuple[int, Decimal]], entry: LedgerEntry, transfer_id: UUID
) -> Iterator[Transaction]:
    """Drafts of the rows, by account: what gives, what receives, and a fraction that is paid out."""
    listed = list(held)
    event.refuse_unclear()
    if event.cash is not None and len(listed) > 1:
        raise InvalidInput("amount", "is of several accounts; say per_unit what is paid for each unit")
    for place, (account_id, units) in enumerate(listed):
        own = replace(entry.beside if place else entry, account_id=account_id)
        received = share(units, event.units_new, event.units_old) if event.into is not None else ZERO
        transfer = transfer_id if received else None
        cash = _cash(event, units, entry.currency)
        basis_share = event.basis_share if received else ZERO
        gives = own.giving(event.kind, event.security_id, units if event.kind in LEAVING else None, cash, basis_share)
        yield replace(gives, transfer_id=transfer)
        if transfer is None:
            continue
        arriving = replace(own, terms=replace(event.into_terms, note=entry.terms.note))
        assert event.into is not None
        yield replace(arriving.receiving(event.kind, event.into, received), transfer_id=transfer_id)
        if event.in_lieu_price is not None and (fraction := received % 1):
            paid = arriving.trade(TxnType.CASH_IN_LIEU, event.into, fraction, event.in_lieu_price)
            yield replace(paid, transfer_id=transfer_id)


def _cash(event: Reorganisation, units: Decimal, currency: str) -> Decimal:
    if event.cash_per_unit is not None:
        return payable(product(units, event.cash_per_unit), currency)
    return event.cash or ZERO


def reorganise(
    portfolio: Portfolio, event: Reorganisation, when: When, terms: Terms, transfer_id: UUID
) -> list[Transaction]:
    """Record an event between securities; it needs the history."""
    held = held_long(portfolio.units_by_account(event.security_id, when))
    entry = portfolio.entry(held[0][0], when, terms)
    return portfolio.decide(list(reorganised(event, held, entry, transfer_id)))


def grow(
    portfolio: Portfolio,
    security_id: int,
    ratio: tuple[Decimal, Decimal],
    when: When,
    terms: Terms,
    transfer_id: UUID,
    in_lieu_price: Decimal | None = None,
) -> list[Transaction]:
    """Record a BONUS of `ratio[0]` new units for every `ratio[1]` held; it needs the history."""
    new, old = ratio
    positive("units_new", parse_quantity(new, "units_new"))
    positive("units_old", parse_quantity(old, "units_old"))
    rows = []
    for place, (owner, units) in enumerate(held_long(portfolio.units_by_account(security_id, when))):
        entry, more = portfolio.entry(owner, when, terms), share(units, new, old)
        grown = (entry.beside if place else entry).bonus(security_id, more, (new, old))
        rows.append(replace(grown, transfer_id=transfer_id))
        if in_lieu_price is not None and (fraction := money(units + more) % 1):
            sold = entry.beside.trade(TxnType.CASH_IN_LIEU, security_id, fraction, in_lieu_price)
            rows.append(replace(sold, transfer_id=transfer_id))
    return portfolio.decide(rows)


def split(
    portfolio: Portfolio,
    account_id: int,
    security_id: int,
    new: Decimal,
    old: Decimal,
    when: When,
    in_lieu_price: Decimal | None = None,
    terms: Terms = PLAIN,
) -> list[Transaction]:
    """Record that every `old` units open at the ex-date become `new`, in every account; needs the history.

    With `in_lieu_price` (per unit after the split) the fraction of a unit left in an account is sold at it, and a short
    one bought.
    """
    assert portfolio.history is not None, "a split is decided against the history"
    asked = (TxnType.SPLIT, when.business_date)
    if any((row.txn_type, row.business_date) == asked for row in portfolio.history.of(security_id)):
        raise AlreadySplit(security_id, when.business_date)
    rows = [portfolio.entry(account_id, when, terms).split(security_id, new, old)]
    if in_lieu_price is not None:
        for held_in, units in portfolio.units_by_account(security_id, when).items():
            if fraction := share(units, new, old) % 1:
                kind = TxnType.SELL if fraction > 0 else TxnType.BUY
                entry = portfolio.entry(held_in, when, terms).beside
                rows.append(entry.trade(kind, security_id, abs(fraction), in_lieu_price))
    return portfolio.decide(rows)


def ratio_of_units(held: Decimal, came: Decimal) -> tuple[Decimal, Decimal]:
    """The ratio of a split that adds `came` units to those held in an account; the simple one that they were rounded
    from, if there is one."""
    if held <= 0 or held + came <= 0:
        raise InvalidInput("units_new", "says what a split adds, but nothing is held long at the start of its day")
    exact = (Fraction(held) + Fraction(came)) / Fraction(held)
    simple = exact if exact.denominator <= _MOST_EXACT else exact.limit_denominator(_MOST_OLD)
    off = abs(simple * Fraction(held) - Fraction(held + came))
    is_rounded = off <= Fraction(Decimal(1).scaleb(int(came.as_tuple().exponent))) / 2
    return (Decimal(simple.numerator), Decimal(simple.denominator)) if is_rounded else (held + came, held)


def return_capital(
    portfolio: Portfolio, account_id: int, security_id: int, amount: Decimal, when: When, terms: Terms
) -> list[Transaction]:
    """Record cash that lowers cost; what is beyond it is a gain. A short pays it: then `amount` is negative."""
    return portfolio.decide([portfolio.entry(account_id, when, terms).returned(security_id, amount)])


def adjust_cost(
    portfolio: Portfolio,
    account_id: int,
    security_id: int,
    amount: Decimal,
    when: When,
    terms: Terms,
    is_paid: bool = False,
) -> list[Transaction]:
    """Record `amount` more cost of the same units, or less; with `is_paid` it is cash that was paid, an instalment."""
    held = portfolio.positions.holding((account_id, security_id)).quantity
    if not held and not portfolio.is_back_dated(when):
        raise InvalidInput("ticker", "is not held in this account, so that it has no cost to adjust")
    return portfolio.decide([portfolio.entry(account_id, when, terms).adjusted(security_id, amount, is_paid)])
