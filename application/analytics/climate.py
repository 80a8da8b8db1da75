"""Questions about bonds held, standing simulations and the climate of a day. SQL in `climate.sql`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from application.analytics.released import ReleasedAnalytics
from storage.queries import statements

_SQL = statements("application/analytics/climate.sql")


@dataclass(frozen=True, slots=True)
class BondHeld:
    """A bond of a portfolio on a day: `value` and `dv01`, what a basis point of yield costs, in the portfolio's
    currency; modified `duration` in years."""

    security_id: int
    value: float
    duration: float
    dv01: float


@dataclass(frozen=True, slots=True)
class ConsumerPrices:
    """The newest index of consumer prices that a day knows, beside the one of the same month a year before."""

    series: str
    index_month: date
    index_level: float
    level_before: float


class ClimateAnalytics(ReleasedAnalytics):
    def get_bonds_held(self, portfolio_id: UUID, on: date) -> Sequence[BondHeld]:
        """The bonds that have a value on the day."""
        rows = self._mounted().rows(_SQL["bonds"], portfolio_id=str(portfolio_id), on=on)
        return [BondHeld(**row) for row in rows]

    def get_standing_run(self, portfolio_id: UUID) -> Mapping[str, Any] | None:
        """The newest run of the portfolio's standing simulation, with all its figures; None without one."""
        rows = self._mounted().rows(_SQL["standing_run"], portfolio_id=str(portfolio_id))
        return rows[0] if rows else None

    def get_risk_scores(self, portfolio_id: UUID) -> Sequence[Mapping[str, Any]]:
        """How the risk analyses of a portfolio came out, by writer and horizon; none of a release without scores."""
        return self._mounted().rows(_SQL["risk_scores"], portfolio_id=str(portfolio_id))

    def get_curve(self, on: date) -> tuple[date, Mapping[int, float]] | None:
        """The newest par curve up to a day: its day, and per cent a year by months; None without any."""
        rows = self._mounted().rows(_SQL["curve"], on=on)
        return (rows[0]["curve_date"], {row["tenor_months"]: row["par_yield_pct"] for row in rows}) if rows else None

    def get_consumer_prices(self, on: date, since: date) -> ConsumerPrices | None:
        """The newest of the months before that of `on`, from `since` on."""
        rows = self._mounted().rows(_SQL["consumer_prices"], on=on, since=since)
        return ConsumerPrices(**rows[0]) if rows else None

    def get_rate_before(self, currency: str, base_currency: str, on: date) -> tuple[date, float] | None:
        """The last day up to `on` that has both rates, and the price of one unit of `currency` on it."""
        rows = self._mounted().rows(_SQL["rate"], currency=currency, base=base_currency, on=on)
        return (rows[0]["day"], rows[0]["rate"]) if rows else None
