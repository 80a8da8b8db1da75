"""Reconciliation: what a statement says is held against what the ledger says. Nothing is changed by it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from domain.holdings import CostMethod, total
from domain.ledger import Transaction, effective
from domain.money import ZERO, money, product
from domain.positions import Positions

Place = tuple[int | None, int | str]
"""(account_id, security_id): no account where all are meant, the statement's identifier where nobody registered it."""


class Finding(StrEnum):
    MATCHED = "MATCHED"
    QUANTITY_DIFFERS = "QUANTITY_DIFFERS"
    MISSING_HERE = "MISSING_HERE"
    MISSING_THERE = "MISSING_THERE"
    CASH_DIFFERS = "CASH_DIFFERS"


@dataclass(frozen=True, slots=True)
class Tolerance:
    """The largest absolute difference that still matches."""

    units: Decimal = ZERO
    cash: Decimal = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Stated:
    """Units that a statement lists, with what it says of their cost and price."""

    quantity: Decimal
    cost: Decimal | None = None
    price: Decimal | None = None

    def __add__(self, other: "Stated") -> "Stated":
        """Lots of one security are one line; costs add up where each has one."""
        cost = None if self.cost is None or other.cost is None else money(self.cost + other.cost)
        return Stated(money(self.quantity + other.quantity), cost, other.price if self.price is None else self.price)


@dataclass(frozen=True, slots=True)
class Ours:
    """`cost` is None where a basis is not known."""

    quantity: Decimal
    cost: Decimal | None


@dataclass(frozen=True, slots=True)
class UnitsLine:
    """Ours less theirs, in units; what that is worth at the statement's price, and in cost, where both are there.

    Cost is told but does not decide: brokers count it by other methods.
    """

    place: Place
    finding: Finding
    ours: Decimal
    theirs: Decimal
    difference: Decimal
    value_of_difference: Decimal | None
    cost_difference: Decimal | None


@dataclass(frozen=True, slots=True)
class CashLine:
    currency: str
    finding: Finding
    ours: Decimal
    theirs: Decimal
    difference: Decimal


def units_on(
    rows: Iterable[Transaction], day: date, method: CostMethod, places: Iterable[Place], accounts: set[int] | None
) -> dict[Place, Ours]:
    """Return holdings at the end of `day`: at each of `places`, and wherever else in `accounts` (None: everywhere)."""
    state = Positions.of((row for row in rows if row.business_date <= day), method)
    asked = set(places)
    whole = {security_id for account_id, security_id in asked if account_id is None}
    held: dict[Place, list[tuple[int, int]]] = {place: [] for place in asked}
    for account_id, security_id in state.holdings:
        if security_id in whole:
            held[None, security_id].append((account_id, security_id))
        elif accounts is None or account_id in accounts:
            held.setdefault((account_id, security_id), []).append((account_id, security_id))
    found = {place: total(state.holding(key) for key in keys) for place, keys in held.items()}
    return {
        place: Ours(sum_.quantity, sum_.cost_basis if sum_.is_basis_known else None) for place, sum_ in found.items()
    }


def cash_on(rows: Iterable[Transaction], day: date, accounts: set[int] | None) -> dict[str, Decimal]:
    """Cash per currency at the end of `day`, of `accounts` or of all."""
    cash: dict[str, Decimal] = {}
    for row in effective(rows):
        if row.business_date <= day and (accounts is None or row.account_id in accounts):
            cash[row.currency] = money(cash.get(row.currency, ZERO) + row.cash_effect)
    return cash


def reconcile_units(
    ours: Mapping[Place, Ours], theirs: Mapping[Place, Stated], tolerance: Tolerance
) -> Sequence[UnitsLine]:
    """One line for each place where either side has units or was asked."""
    nothing, none_stated = Ours(ZERO, ZERO), Stated(ZERO)
    places = [*theirs, *(place for place in ours if place not in theirs and ours[place].quantity)]
    return [_units_line(place, ours.get(place, nothing), theirs.get(place, none_stated), tolerance) for place in places]


def reconcile_cash(
    ours: Mapping[str, Decimal], theirs: Mapping[str, Decimal], tolerance: Tolerance
) -> Sequence[CashLine]:
    """One line for each currency of either side."""
    lines = []
    for currency in sorted(theirs.keys() | {currency for currency, balance in ours.items() if balance}):
        here, there = ours.get(currency, ZERO), theirs.get(currency, ZERO)
        difference = money(here - there)
        finding = Finding.MATCHED if abs(difference) <= tolerance.cash else Finding.CASH_DIFFERS
        lines.append(CashLine(currency, finding, here, there, difference))
    return lines


def _units_line(place: Place, ours: Ours, theirs: Stated, tolerance: Tolerance) -> UnitsLine:
    difference = money(ours.quantity - theirs.quantity)
    if abs(difference) <= tolerance.units:
        finding = Finding.MATCHED
    elif not ours.quantity:
        finding = Finding.MISSING_HERE
    elif not theirs.quantity:
        finding = Finding.MISSING_THERE
    else:
        finding = Finding.QUANTITY_DIFFERS
    return UnitsLine(
        place,
        finding,
        ours.quantity,
        theirs.quantity,
        difference,
        product(difference, theirs.price) if theirs.price is not None else None,
        money(ours.cost - theirs.cost) if ours.cost is not None and theirs.cost is not None else None,
    )
