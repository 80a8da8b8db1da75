"""Collateral: what of a book's snapshot can be lent against, and for how much.

Lendable value = max(0, quantity) x price x (1 - haircut) x (1 - FX haircut), per security, the accounts summed. The
most valuable ranks first; ties go to the lower haircut, then the lower security id. What may not count is listed
with its reason, never as a value of 0. All amounts are in one currency, the one the collateral is counted in. A book
whose numbers do not fit the agreed decimals is refused, so that no table that they go to can break.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from enum import StrEnum
from itertools import groupby

from domain.errors import InvalidNumber
from domain.haircuts import ONE, HaircutSchedule, SecurityTraits
from domain.money import SCALE, ZERO, parse_money, parse_quantity, product, share
from domain.snapshots import PositionSnapshot, SnapshotLine

_UNDELIVERABLE = "INDEX"
_UNCAPPED = "SOVEREIGN"


class ValuationBasis(StrEnum):
    """Value that the haircut is taken from."""

    MARKET = "market"
    COST = "cost"


class Ineligible(StrEnum):
    """Why a position is not collateral."""

    NOT_LONG = "NOT_LONG"
    EXCLUDED = "EXCLUDED"
    NOT_DELIVERABLE = "NOT_DELIVERABLE"
    MATURED = "MATURED"
    PRICE_MISSING = "PRICE_MISSING"
    PRICE_STALE = "PRICE_STALE"
    COST_UNKNOWN = "COST_UNKNOWN"
    FX_MISSING = "FX_MISSING"
    ISSUER_CAP = "ISSUER_CAP"


@dataclass(frozen=True, slots=True)
class CollateralItem:
    """One security of the book. `price` is per unit in its own currency; None is unknown, and then so is the value.

    `before_cap` is what it would lend without the issuer's cap. `rank` and `cumulative_value` are None for what does
    not rank; `reason` says why. An item that the cap reduced ranks, and carries the reason too.
    """

    security_id: int
    ticker: str
    issuer: str
    currency: str
    quantity: Decimal
    price: Decimal | None
    market_value: Decimal | None
    haircut: Decimal
    fx_haircut: Decimal
    before_cap: Decimal | None
    lendable_value: Decimal | None
    is_eligible: bool
    reason: Ineligible | None = None
    rank: int | None = None
    cumulative_value: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Delivered:
    """Units of one security given as collateral, and the amount they cover."""

    security_id: int
    ticker: str
    quantity: Decimal
    haircut: Decimal
    fx_haircut: Decimal
    covered_value: Decimal


@dataclass(frozen=True, slots=True)
class Delivery:
    """Collateral that covers `required`, in the order it is given; `shortfall` is what the book cannot cover."""

    required: Decimal
    covered: Decimal
    shortfall: Decimal
    items: tuple[Delivered, ...]


@dataclass(frozen=True, slots=True)
class CollateralRanking:
    """Ranked items first, then those that do not rank by security id."""

    items: tuple[CollateralItem, ...]

    @property
    def lendable_value(self) -> Decimal:
        return sum((item.lendable_value or ZERO for item in self.items if item.is_eligible), ZERO)

    @property
    def payload(self) -> str:
        """The items as canonical JSON, decimals as plain text."""
        return json.dumps([_as_json(item) for item in self.items], sort_keys=True, separators=(",", ":"))

    @property
    def payload_hash(self) -> str:
        return hashlib.sha256(self.payload.encode()).hexdigest()

    def cheapest_to_deliver(self, required: Decimal) -> Delivery:
        """The collateral that a desk misses least and that covers `required`, as few units of the last as do.

        Cheapest is the deepest haircut: what lends worst elsewhere is given first, and what lends best is kept. Of
        equal haircuts the item of higher rank goes first, so that fewer securities move.
        """
        if required <= ZERO:
            raise InvalidNumber("required_amount", required, "is not above 0")
        delivered = tuple(_delivered(self._cheapest_first(), required))
        covered = sum((item.covered_value for item in delivered), ZERO)
        return Delivery(required, covered, max(ZERO, required - covered), delivered)

    def _cheapest_first(self) -> list[CollateralItem]:
        ranked = [item for item in self.items if item.is_eligible and item.lendable_value]
        return sorted(ranked, key=_kept_share)  # stable: equal haircuts stay in rank order


def rank(
    snapshot: PositionSnapshot,
    traits: Mapping[int, SecurityTraits],
    schedule: HaircutSchedule,
    currency: str,
    basis: ValuationBasis = ValuationBasis.MARKET,
    rates: Mapping[str, Decimal] | None = None,
) -> CollateralRanking:
    """The ranking of a snapshot, counted in `currency`; `rates` are what one unit of another currency is worth in it.

    It depends on its arguments alone: the same snapshot gives an identical ranking.
    """
    rates = rates or {}
    if currency in rates and rates[currency] != ONE:
        raise InvalidNumber(f"fx_rates.{currency}", rates[currency], "is of the currency that is counted in")
    positions = groupby(sorted(snapshot.lines, key=lambda line: line.security_id), key=lambda line: line.security_id)
    valuation = _Valuation(snapshot, schedule, currency, basis, rates)
    items = [valuation.item(tuple(lines), traits[security_id]) for security_id, lines in positions]
    capped = _capped([item for item in items if item.is_eligible], schedule, traits)
    excluded = [item for item in (*items, *capped) if not item.is_eligible]
    ranked = _numbered(sorted((item for item in capped if item.is_eligible), key=_order))
    return CollateralRanking((*ranked, *sorted(excluded, key=lambda item: item.security_id)))


@dataclass(frozen=True, slots=True)
class _Valuation:
    """Inputs that are the same for every item of a ranking."""

    snapshot: PositionSnapshot
    schedule: HaircutSchedule
    currency: str
    basis: ValuationBasis
    rates: Mapping[str, Decimal]

    def item(self, lines: tuple[SnapshotLine, ...], traits: SecurityTraits) -> CollateralItem:
        """The accounts' lines of one security as one item, not yet ranked."""
        quantity = parse_quantity(sum((line.quantity for line in lines), ZERO), "quantity")
        haircut = self.schedule.haircut(traits, self.snapshot.business_date)
        fx_haircut = self.schedule.fx_haircut(traits.currency, self.currency)
        price, market_value = self._valued(lines, quantity, traits)
        reason = self._reason(lines, quantity, traits)
        lendable = None
        if reason is None and market_value is not None:
            lendable = product(product(market_value, ONE - haircut), ONE - fx_haircut)
        return CollateralItem(
            security_id=traits.security_id,
            ticker=lines[0].ticker,
            issuer=traits.issuer,
            currency=traits.currency,
            quantity=quantity,
            price=price,
            market_value=market_value,
            haircut=haircut,
            fx_haircut=fx_haircut,
            before_cap=lendable,
            lendable_value=lendable,
            is_eligible=reason is None,
            reason=reason,
        )

    def _valued(
        self, lines: tuple[SnapshotLine, ...], quantity: Decimal, traits: SecurityTraits
    ) -> tuple[Decimal | None, Decimal | None]:
        """Price in the security's own currency, and value in the ranking's; None where either is not known."""
        if self.basis is ValuationBasis.COST:
            value = _sum(line.cost_basis for line in lines)
            price = parse_quantity(share(value, ONE, quantity), "price") if value is not None and quantity else None
        else:
            price = lines[0].close
            value = _sum(line.market_value for line in lines)
        rate = self._rate(traits)
        return price, None if value is None or rate is None else parse_money(product(value, rate), "market_value")

    def _reason(self, lines: tuple[SnapshotLine, ...], quantity: Decimal, traits: SecurityTraits) -> Ineligible | None:
        today = self.snapshot.business_date
        if quantity <= ZERO:
            return Ineligible.NOT_LONG
        if traits.security_id in self.schedule.excluded:
            return Ineligible.EXCLUDED
        if traits.asset_type == _UNDELIVERABLE:
            return Ineligible.NOT_DELIVERABLE
        if traits.maturity_date is not None and traits.maturity_date <= today:
            return Ineligible.MATURED
        if self.basis is ValuationBasis.COST and any(line.cost_basis is None for line in lines):
            return Ineligible.COST_UNKNOWN
        if self.basis is ValuationBasis.MARKET:
            priced_on = lines[0].price_date
            if priced_on is None or any(line.market_value is None for line in lines):
                return Ineligible.PRICE_MISSING
            if (today - priced_on).days > self.schedule.max_price_age_days:
                return Ineligible.PRICE_STALE
        return Ineligible.FX_MISSING if self._rate(traits) is None else None

    def _rate(self, traits: SecurityTraits) -> Decimal | None:
        return ONE if traits.currency == self.currency else self.rates.get(traits.currency)


def _capped(
    items: list[CollateralItem], schedule: HaircutSchedule, traits: Mapping[int, SecurityTraits]
) -> list[CollateralItem]:
    """The items with each issuer's sum cut at the cap; its best items count first, the rest lose value or all of it."""
    if schedule.issuer_cap is None:
        return items
    limit = product(sum((item.lendable_value or ZERO for item in items), ZERO), schedule.issuer_cap)
    room: dict[str, Decimal] = {}
    capped = []
    for item in sorted(items, key=_order):
        value = item.lendable_value or ZERO
        left = room.get(item.issuer, limit)
        if traits[item.security_id].issuer_class == _UNCAPPED or value <= left:
            capped.append(item)
        else:
            counted = left or None
            capped.append(
                replace(item, lendable_value=counted, is_eligible=counted is not None, reason=Ineligible.ISSUER_CAP)
            )
        room[item.issuer] = max(ZERO, left - value)
    return capped


def _numbered(items: Iterable[CollateralItem]) -> Iterator[CollateralItem]:
    cumulative = ZERO
    for number, item in enumerate(items, start=1):
        cumulative = parse_money(cumulative + (item.lendable_value or ZERO), "lendable_value")
        yield replace(item, rank=number, cumulative_value=cumulative)


def _delivered(items: Iterable[CollateralItem], required: Decimal) -> Iterator[Delivered]:
    missing = required
    for item in items:
        if missing <= ZERO:
            return
        value = min(missing, item.lendable_value or ZERO)
        quantity = _quantity_for(value, item)
        covered = min(item.lendable_value or ZERO, share(item.before_cap or ZERO, quantity, item.quantity))
        yield Delivered(item.security_id, item.ticker, quantity, item.haircut, item.fx_haircut, covered)
        missing -= covered


def _quantity_for(value: Decimal, item: CollateralItem) -> Decimal:
    """The fewest units, to 8 decimals, that cover `value`."""
    whole = item.before_cap or ZERO
    quantity = share(item.quantity, value, whole)
    if share(whole, quantity, item.quantity) < value:
        quantity += SCALE
    return min(quantity, item.quantity)


def _order(item: CollateralItem) -> tuple[Decimal, Decimal, int]:
    return (-(item.lendable_value or ZERO), -_kept_share(item), item.security_id)


def _kept_share(item: CollateralItem) -> Decimal:
    """Return the share of the value that both haircuts leave."""
    return product(ONE - item.haircut, ONE - item.fx_haircut)


def _sum(values: Iterable[Decimal | None]) -> Decimal | None:
    known = list(values)
    return None if None in known else sum((value for value in known if value is not None), ZERO)


def _as_json(item: CollateralItem) -> dict[str, object]:
    plain = ((field.name, getattr(item, field.name)) for field in fields(item))
    return {name: f"{value:f}" if isinstance(value, Decimal) else value for name, value in plain}
