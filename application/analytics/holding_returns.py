"""Returns of what is held, in the currency of who holds it: of shares by their closes, of bonds by past curves, of
anything in another currency times its rate. SQL in `returns.sql`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from application.analytics.prices import PriceAnalytics
from application.analytics.returns import ReturnAnalytics
from domain.analytics.arrays import Days, Float64
from domain.analytics.fixed_income.bond_facts import bond_of
from domain.analytics.fixed_income.bond_prices import spread_from_price
from domain.analytics.fixed_income.bonds import Bond
from domain.analytics.fixed_income.curves import MAX_CARRIED_DAYS, Curve, Curves
from domain.analytics.fixed_income.repricing import repriced_returns
from domain.analytics.returns.series import Daily
from domain.analytics.review import ValuedHolding
from storage.queries import statements

_SQL = statements("application/analytics/returns.sql")
_CURVE_CURRENCY = "USD"
"""The Treasury's curve is the only one that there is."""


@dataclass(frozen=True, slots=True)
class HeldGrowth:
    """1 + simple return in one currency, (n, ...) of n steps between sessions; NaN where there is none: `securities`
    (n, k) of the `security_ids` (k,), and of a unit of each currency."""

    security_ids: Sequence[int]
    securities: Float64
    currencies: Mapping[str, Float64]

    def of(self, security_ids: Sequence[int]) -> Float64:
        columns = {security_id: place for place, security_id in enumerate(self.security_ids)}
        return self.securities[:, [columns[security_id] for security_id in security_ids]]

    def of_currencies(self, currencies: Sequence[str]) -> Float64:
        found = np.empty((len(self.securities), len(currencies)))
        for place, currency in enumerate(currencies):
            found[:, place] = self.currencies[currency]
        return found


class HoldingReturnAnalytics(PriceAnalytics, ReturnAnalytics):
    def get_growth(
        self, holdings: Sequence[ValuedHolding], cash: Sequence[str], base_currency: str, days: Days
    ) -> HeldGrowth:
        """HeldGrowth in the base currency of what is held, and of the currencies of `cash`, from each of the sessions
        `days` to the next.

        A bond is repriced as it stands on the last of the days, along the curves of all of them: what it did itself was
        a longer bond's, and is not known before its issue.
        """
        held = list({holding.security_id: holding for holding in holdings}.values())
        ids = [holding.security_id for holding in held]
        rates = self._rate_growth([*cash, *(holding.currency for holding in held)], base_currency, days)
        growth = np.full((max(len(days) - 1, 0), len(held)), np.nan)
        if len(days) > 1:
            on, returns = self.get_returns(ids, days[0].item(), days[-1].item())
            growth[np.searchsorted(days, on) - 1] = 1 + returns
            for security_id, column in self._repriced(held, days).items():
                growth[:, ids.index(security_id)] = 1 + column
        for place, holding in enumerate(held):
            growth[:, place] *= rates[holding.currency]
        return HeldGrowth(ids, growth, rates)

    def _rate_growth(self, currencies: Sequence[str], base_currency: str, days: Days) -> dict[str, Float64]:
        """Growth in the base currency of a unit of each currency; NaN without a rate of the last week on both days."""
        asked = sorted({*currencies, base_currency})
        growth = {one: np.full(max(len(days) - 1, 0), 1.0 if one == base_currency else np.nan) for one in asked}
        if len(asked) == 1 or len(days) < 2:
            return growth
        span = {"start": days[0].item(), "until": days[-1].item()}
        rows = self._mounted().columns(_SQL["rates"], currencies=asked, **span)
        if not rows:
            return growth
        on = rows["days"].astype("datetime64[D]")
        own = {one: rows["currency"] == one for one in asked}
        per_eur = {one: Daily(on[own[one]], rows["rate"][own[one]]).on(days) for one in asked}
        for one in asked:
            if one != base_currency:
                units = per_eur[base_currency] / per_eur[one]
                growth[one] = units[1:] / units[:-1]
        return growth

    def _repriced(self, held: Sequence[ValuedHolding], days: Days) -> Mapping[int, Float64]:
        """The returns (n - 1,) of the bonds that the curve can price. Those of the days that were asked about last are
        kept, since many portfolios hold the same bonds."""
        ids = sorted({one.security_id for one in held if one.asset_type == "BOND" and one.currency == _CURVE_CURRENCY})
        window = (days[0].item(), days[-1].item())
        mounted = self._mounted()
        place = ("repriced", mounted.priced_for)
        kept = mounted.kept.get(place, {})
        known: dict[int, Float64 | None] = dict(kept["returns"]) if kept.get("window") == window else {}
        if new := [security_id for security_id in ids if security_id not in known]:
            known |= {**dict.fromkeys(new), **self._repriced_anew(new, days)}
            mounted.kept[place] = {"window": window, "returns": known}
        return {security_id: found for security_id in ids if (found := known[security_id]) is not None}

    def _repriced_anew(self, security_ids: Sequence[int], days: Days) -> Mapping[int, Float64]:
        terms = self._mounted().rows(_SQL["bond_terms"], security_ids=list(security_ids))
        yields = self._mounted().kept_columns(_SQL["par_yields"]) if terms else {}
        if not yields or not len(yields["days"]):
            return {}
        as_of = days[-1].item()
        quotes = self._mounted().rows(_SQL["last_quotes"], security_ids=list(security_ids), until=as_of)
        quoted = {row["security_id"]: row for row in quotes}
        curves, found = _curves(yields, days), {}
        for one in terms:
            try:
                bond = bond_of(one)
                spread = _spread_bps(one, bond, quoted.get(one["security_id"]), yields)
                found[int(one["security_id"])] = repriced_returns(bond, as_of, days, curves, spread)
            except ValueError:  # terms that cannot be priced, a bond that is paid off, or no spread: it is left out
                continue
        return found


def _curves(yields: Mapping[str, Any], days: Days) -> Curves:
    """The curves that the days may have."""
    on = yields["days"].astype("datetime64[D]")
    is_near = (on >= days[0] - np.timedelta64(MAX_CARRIED_DAYS, "D")) & (on <= days[-1])
    known, row = np.unique(on[is_near], return_inverse=True)
    tenors, column = np.unique(yields["tenor_months"][is_near], return_inverse=True)
    par = np.full((len(known), len(tenors)), np.nan)
    par[row, column] = yields["par_yield_pct"][is_near]
    return Curves.bootstrap(known, tenors.tolist(), par)


def _spread_bps(
    terms: Mapping[str, Any], bond: Bond, quote: Mapping[str, Any] | None, yields: Mapping[str, Any]
) -> float:
    """As registered, 0 of a sovereign; else that at which the curve gives its last price. ValueError without either."""
    if terms["spread_bps"] is not None or terms["issuer_class"] == "SOVEREIGN":
        return float(terms["spread_bps"] or 0)
    if quote is None:
        raise ValueError("it is no sovereign, and has neither a spread_bps nor a price")
    day: date = quote["price_date"]
    on = yields["days"].astype("datetime64[D]")
    known = on[on <= np.datetime64(day, "D")]
    if not len(known) or known[-1] < np.datetime64(day, "D") - MAX_CARRIED_DAYS:
        raise ValueError(f"there is no curve of {day}, the day of its last price")
    of_day = on == known[-1]
    curve = Curve.of(
        known[-1].item(),
        dict(zip(yields["tenor_months"][of_day].tolist(), yields["par_yield_pct"][of_day].tolist(), strict=True)),
    )
    return spread_from_price(bond, day, float(quote["close"]), curve)
