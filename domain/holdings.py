"""Cost of what is held: the rule, once, for average cost and first-in-first-out.

A `Holding` is one security in one account: its open lots, and the gain realised so far. Both methods relieve lots from
the front; they differ only in that average cost keeps everything in one lot. Everything that needs cost (the
projection, the position intervals, the back-dating check) goes through here.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import reduce
from typing import NamedTuple

from domain.money import ZERO, money, product, share
from domain.values import quickly_made

_ONE = Decimal(1)


class CostMethod(StrEnum):
    AVCO = "AVCO"
    FIFO = "FIFO"


@quickly_made
@dataclass(frozen=True, slots=True)
class Lot:
    """Units opened together. `quantity` is negative for a short, and `cost` then the (negative) proceeds.

    `cost` is in the security's currency, `cost_base` in the portfolio's at the rate of the day it was opened. An
    unknown basis counts as 0 in both and says so: what is computed from it is not a figure.
    """

    quantity: Decimal
    cost: Decimal
    cost_base: Decimal
    opened_on: date | None = None
    seq: int = field(default=0, compare=False)
    is_known: bool = True

    def of(self, quantity: Decimal, cost: Decimal, cost_base: Decimal) -> "Lot":
        """A lot of the same opening with other units and cost."""
        return Lot(quantity, cost, cost_base, self.opened_on, self.seq, self.is_known)


@quickly_made
@dataclass(frozen=True, slots=True)
class Trade:
    """Units that change hands. `quantity` is signed; `gross` and `fees` are not negative, in the trade's currency."""

    quantity: Decimal
    gross: Decimal
    fees: Decimal = ZERO
    fx_rate: Decimal = _ONE
    on: date | None = None
    seq: int = 0


class Relief(NamedTuple):
    """The part of one lot that left by a row, with its cost, and what came for it.

    Signs are those of the lot: of a short, `proceeds` are what was paid to buy it back, and negative. `gain_at_rate` is
    the gain in base currency at the row's rate, without that of the rate itself. A lot of 0 units is what changed its
    cost beyond 0.
    """

    lot: Lot
    proceeds: Decimal
    proceeds_base: Decimal
    gain_at_rate: Decimal
    is_short: bool


class LotTotals(NamedTuple):
    """Sums over lots; of a holding with thousands they go on from row to row, and are not added up for each anew."""

    quantity: Decimal = ZERO
    cost: Decimal = ZERO
    cost_base: Decimal = ZERO

    def plus(self, lot: Lot) -> "LotTotals":
        return LotTotals(self.quantity + lot.quantity, self.cost + lot.cost, self.cost_base + lot.cost_base)

    def minus(self, other: "LotTotals") -> "LotTotals":
        return LotTotals(*map(Decimal.__sub__, self, other))


Reliefs = list[Relief] | None
"""Where to note what is realised, in order of lots; None where nobody asks."""


@quickly_made
@dataclass(frozen=True, slots=True)
class Holding:
    """Open lots, oldest first, and the gains realised so far.

    `realised` is in the security's currency; `realised_base` in the portfolio's: proceeds at the sale's rate less cost
    at the lots' rates. Of that, `realised_fx` is owed to the rate's change alone, the rest to the price.
    """

    lots: tuple[Lot, ...] = ()
    realised: Decimal = ZERO
    realised_base: Decimal = ZERO
    realised_fx: Decimal = ZERO
    is_realised_known: bool = True
    _totals: LotTotals | None = field(default=None, repr=False, compare=False)

    @property
    def quantity(self) -> Decimal:
        return self.lots[0].quantity if len(self.lots) == 1 else self.totals.quantity

    @property
    def cost_basis(self) -> Decimal:
        return self.lots[0].cost if len(self.lots) == 1 else self.totals.cost

    @property
    def cost_basis_base(self) -> Decimal:
        return self.lots[0].cost_base if len(self.lots) == 1 else self.totals.cost_base

    @property
    def totals(self) -> LotTotals:
        """Units and cost of all lots, added up once."""
        if self._totals is None:
            object.__setattr__(self, "_totals", _totals(self.lots))
        assert self._totals is not None
        return self._totals

    @property
    def avg_cost(self) -> Decimal:
        return average_cost(self.cost_basis, self.quantity)

    @property
    def is_basis_known(self) -> bool:
        return all(lot.is_known for lot in self.lots)

    def after(self, trade: Trade, method: CostMethod = CostMethod.AVCO, reliefs: Reliefs = None) -> "Holding":
        """The holding after `trade`.

        A trade that opens or adds raises cost by gross + fees. A trade that reduces relieves lots from the front,
        round(cost x traded / held) of the last one, and under AVCO never moves the average; the last sale takes the
        remainder. A trade through zero is two legs, closing and opening, its fee with the closing leg.
        """
        if not trade.quantity:
            return self
        held = self.quantity
        if not held or (held > 0) == (trade.quantity > 0):
            return self.opened(_lot(trade), method)
        if abs(trade.quantity) <= abs(held):
            return self._closed(trade, reliefs)
        gross = share(trade.gross, held, -trade.quantity)
        closed = self._closed(replace(trade, quantity=-held, gross=gross), reliefs)
        rest = replace(trade, quantity=money(trade.quantity + held), gross=money(trade.gross - gross), fees=ZERO)
        return closed.opened(_lot(rest), method)

    def opened(self, lot: Lot, method: CostMethod = CostMethod.AVCO) -> "Holding":
        """The holding with one more lot; under AVCO it joins the others."""
        if method is CostMethod.FIFO or not self.lots:
            lots = (*self.lots, lot)
            if len(lots) < 2:
                return self._with(lots)
            in_order = lots if _day(lots[-2]) <= _day(lot) else tuple(sorted(lots, key=_day))
            return self._with(in_order, self.totals.plus(lot))
        first = self.lots[0]
        known = first.is_known and lot.is_known
        merged = Lot(
            money(first.quantity + lot.quantity),
            money(first.cost + lot.cost) if known else ZERO,
            money(first.cost_base + lot.cost_base) if known else ZERO,
            first.opened_on,
            first.seq,
            known,
        )
        return self._with((merged,))

    def relieved(self, quantity: Decimal) -> tuple["Holding", tuple[Lot, ...]]:
        """The holding without `quantity` of its units (same sign, not more than held), and the lots that left."""
        kept, left, missing = list[Lot](), list[Lot](), quantity
        for place, lot in enumerate(self.lots):
            if not missing:
                kept += self.lots[place:]
                break
            if abs(lot.quantity) <= abs(missing):
                left.append(lot)
                missing = money(missing - lot.quantity)
            else:
                cost, base = share(lot.cost, missing, lot.quantity), share(lot.cost_base, missing, lot.quantity)
                left.append(lot.of(missing, cost, base))
                kept.append(lot.of(money(lot.quantity - missing), money(lot.cost - cost), money(lot.cost_base - base)))
                missing = ZERO
        if not any(lot.quantity for lot in kept):
            left, kept = [*left, *kept], []  # lots that a split has left without a unit go with the last one
        assert not missing, "no more units leave than are held"
        totals = self.totals.minus(_totals(left)) if len(kept) > 1 else None
        return self._with(tuple(kept), totals), tuple(left)

    def split(self, new: Decimal, old: Decimal) -> "Holding":
        """Every `old` units become `new`; cost and gain stay. The lots' rounding adds up to that of their sum."""
        lots, before, after = [], ZERO, ZERO
        for lot in self.lots:
            before += lot.quantity
            upto = share(before, new, old)
            lots.append(replace(lot, quantity=money(upto - after)))
            after = upto
        return self._with(tuple(lots))

    def grown(self, units: Decimal, on: date, seq: int) -> "Holding":
        """The holding with `units` more of the same for nothing: every lot grows, cost and gain stay. Where nothing is
        there to grow, because what was is taken back, they are a lot without a cost, of the day `on`."""
        if not self.quantity:
            return self._with((*self.lots, Lot(units, ZERO, ZERO, on, seq)))
        return self.split(money(self.quantity + units), self.quantity)

    def recosted(self, change: Decimal, fx_rate: Decimal, reliefs: Reliefs = None) -> "Holding":
        """The holding with `change` added to its cost, by lot in proportion to units; `fx_rate` is its rate.

        Cost does not cross 0: what is beyond it is a gain, or a loss of a short, in local and in base currency apart.
        Without units all of it is. A lot of unknown basis stays unknown.
        """
        in_base = product(change, fx_rate)
        held, before, lots = self.quantity, ZERO, []
        if not held:
            if reliefs is not None:
                spent = Lot(ZERO, max(change, ZERO), max(in_base, ZERO))
                reliefs.append(Relief(spent, max(-change, ZERO), max(-in_base, ZERO), -in_base, is_short=False))
            return self._gained(-change, -in_base, fx_rate)
        gain = gain_base = done = done_base = ZERO
        for lot in self.lots:
            before += lot.quantity
            upto, upto_base = share(change, before, held), share(in_base, before, held)
            cost, beyond = _bounded(lot, money(lot.cost + upto - done))
            cost_base, beyond_base = _bounded(lot, money(lot.cost_base + upto_base - done_base))
            done, done_base = upto, upto_base
            if lot.is_known:
                if reliefs is not None and (beyond or beyond_base):
                    at_rate = product(gain - beyond, fx_rate) - product(gain, fx_rate)
                    emptied = replace(lot, quantity=ZERO, cost=ZERO, cost_base=ZERO)
                    reliefs.append(Relief(emptied, -beyond, -beyond_base, at_rate, held < 0))
                gain, gain_base = gain - beyond, gain_base - beyond_base
                lot = replace(lot, cost=cost, cost_base=cost_base)
            lots.append(lot)
        return self._with(tuple(lots))._gained(money(gain), money(gain_base), fx_rate)

    def parted(self, fraction: Decimal) -> tuple["Holding", tuple[Lot, ...]]:
        """The holding without `fraction` of its cost, all its units kept; and lots that carry what has left."""
        left = tuple(
            replace(lot, cost=product(lot.cost, fraction), cost_base=product(lot.cost_base, fraction))
            for lot in self.lots
        )
        kept = tuple(
            replace(lot, cost=money(lot.cost - out.cost), cost_base=money(lot.cost_base - out.cost_base))
            for lot, out in zip(self.lots, left, strict=True)
        )
        return self._with(kept), left

    def ceded(
        self, quantity: Decimal, cash: Decimal, fraction: Decimal, fx_rate: Decimal, reliefs: Reliefs = None
    ) -> tuple["Holding", tuple[Lot, ...]]:
        """The holding without `quantity` units, and lots that carry `fraction` of their cost. The rest of the cost was
        given for `cash`, and the difference is realised."""
        kept, gone = self.relieved(quantity)
        left = Holding(gone).parted(fraction)[1]
        if fraction == 1 and not cash:
            return kept, left
        if reliefs is not None:
            given = tuple(_without(lot, carried, fraction) for lot, carried in zip(gone, left, strict=True))
            reliefs += _reliefs(given, gone, cash, fx_rate)
        if not all(lot.is_known for lot in gone):
            return replace(kept, is_realised_known=False), left
        cost = sum((lot.cost for lot in gone), ZERO) - sum((lot.cost for lot in left), ZERO)
        base = sum((lot.cost_base for lot in gone), ZERO) - sum((lot.cost_base for lot in left), ZERO)
        return kept._gained(money(cash - cost), money(product(cash, fx_rate) - base), fx_rate), left

    def _gained(self, gain: Decimal, gain_base: Decimal, fx_rate: Decimal) -> "Holding":
        return Holding(
            self.lots,
            money(self.realised + gain),
            money(self.realised_base + gain_base),
            money(self.realised_fx + gain_base - product(gain, fx_rate)),
            self.is_realised_known,
            self._totals,
        )

    def _closed(self, trade: Trade, reliefs: Reliefs) -> "Holding":
        kept, left = self.relieved(-trade.quantity)
        proceeds = money((trade.gross if trade.quantity < 0 else -trade.gross) - trade.fees)
        if reliefs is not None:
            reliefs += _reliefs(left, left, proceeds, trade.fx_rate)
        if not all(lot.is_known for lot in left):
            return replace(kept, is_realised_known=False)
        gain = money(proceeds - sum((lot.cost for lot in left), ZERO))
        gain_base = money(product(proceeds, trade.fx_rate) - sum((lot.cost_base for lot in left), ZERO))
        return kept._gained(gain, gain_base, trade.fx_rate)

    def _with(self, lots: tuple[Lot, ...], totals: LotTotals | None = None) -> "Holding":
        return Holding(lots, self.realised, self.realised_base, self.realised_fx, self.is_realised_known, totals)


def average_cost(cost_basis: Decimal, quantity: Decimal) -> Decimal:
    """Cost per unit, rounded once; 0 for nothing. The same for shorts, whose cost and quantity are both negative."""
    return share(cost_basis, _ONE, quantity) if quantity else ZERO


def carried(lots: tuple[Lot, ...], units: Decimal, on: date, seq: int) -> tuple[Lot, ...]:
    """Lots of another security as those of `units` of this one: each with its cost and day, units in proportion.

    Of nothing that was given come units without a cost, of the day `on`.
    """
    if not any(lot.quantity for lot in lots):
        return (Lot(units, ZERO, ZERO, on, seq),)
    return Holding(lots).split(units, sum((lot.quantity for lot in lots), ZERO)).lots


def total(holdings: Iterable[Holding]) -> Holding:
    """The position: the accounts' holdings of one security as one."""
    listed = list(holdings)
    return Holding(
        tuple(lot for holding in listed for lot in holding.lots),
        sum((holding.realised for holding in listed), ZERO),
        sum((holding.realised_base for holding in listed), ZERO),
        sum((holding.realised_fx for holding in listed), ZERO),
        all(holding.is_realised_known for holding in listed),
    )


def _totals(lots: Iterable[Lot]) -> LotTotals:
    return reduce(LotTotals.plus, lots, LotTotals())


def _lot(trade: Trade) -> Lot:
    cost = money((trade.gross if trade.quantity > 0 else -trade.gross) + trade.fees)
    return Lot(trade.quantity, cost, product(cost, trade.fx_rate), trade.on, trade.seq)


def _reliefs(given: tuple[Lot, ...], of: tuple[Lot, ...], proceeds: Decimal, fx_rate: Decimal) -> Iterator[Relief]:
    """The relief of each lot that was `given`: `proceeds` by the units that left `of` each, in each currency so that
    rounding adds up to that of the sum."""
    in_base, units = product(proceeds, fx_rate), sum((lot.quantity for lot in of), ZERO)
    before = done = done_base = gain = done_at_rate = ZERO
    for lot, whole in zip(given, of, strict=True):
        before += whole.quantity
        is_last = before == units
        upto = proceeds if is_last else share(proceeds, before, units)
        upto_base = in_base if is_last else share(in_base, before, units)
        if lot.is_known:
            gain += upto - done - lot.cost
        at_rate = product(gain, fx_rate)
        yield Relief(lot, upto - done, upto_base - done_base, at_rate - done_at_rate, units < 0)
        done, done_base, done_at_rate = upto, upto_base, at_rate


def _without(lot: Lot, carried: Lot, fraction: Decimal) -> Lot:
    """The part of a lot that was given for money, where another security carries `fraction` of it on."""
    return replace(
        lot,
        quantity=money(lot.quantity - product(lot.quantity, fraction)),
        cost=money(lot.cost - carried.cost),
        cost_base=money(lot.cost_base - carried.cost_base),
    )


def _bounded(lot: Lot, cost: Decimal) -> tuple[Decimal, Decimal]:
    """`cost` if it is on the side of the lot's units, else 0; and what of it is beyond."""
    is_beyond = cost * lot.quantity < 0
    return (ZERO, cost) if is_beyond else (cost, ZERO)


def _day(lot: Lot) -> date:
    """By which lots that come from another account are put in their place; those of one day stay as they came."""
    return lot.opened_on or date.min
