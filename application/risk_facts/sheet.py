"""The sheet of a portfolio: what its review says, what it holds, what was simulated, and the climate it is in.

Everything is read from one release, up to one day, so that the same release gives the same sheet.
"""

from datetime import date
from functools import cached_property
from uuid import UUID

from application.analytics.review import LakeAnalyticsRepository
from application.risk_facts.holdings import tell_bonds, tell_holdings, tell_liquidity
from application.risk_facts.macro import tell_curve, tell_inflation, tell_rates
from application.risk_facts.measured import tell_concentration, tell_return, tell_risk
from application.risk_facts.simulated import tell_simulation
from application.simulation_parameters import LakeSimulationParamsRepository
from domain.analytics.review import ReviewInputs
from domain.analytics.risk.limits import DEFAULT_LIMITS, Limit
from domain.errors import InvalidInput
from domain.risk_analyses.facts import FactSheet, SheetMaker
from storage.lake.delta import Lake
from storage.lake.releases import Release


class FactCollector:
    """Collects the sheets of portfolios out of one release."""

    def __init__(self, lake: Lake, release: Release, benchmark_ticker: str) -> None:
        self._release = release
        self._benchmark = benchmark_ticker
        self._analytics = LakeAnalyticsRepository.at(lake, release)

    @cached_property
    def _parameters(self) -> LakeSimulationParamsRepository:
        return LakeSimulationParamsRepository(self._analytics.mounted())

    def _priced(self, portfolio_id: UUID) -> tuple[LakeAnalyticsRepository, LakeSimulationParamsRepository]:
        """The release and its parameters, with the prices that value the portfolio."""
        analytics = self._analytics.of_portfolio(portfolio_id)
        if analytics.mounted().priced_for is None:
            return analytics, self._parameters
        return analytics, LakeSimulationParamsRepository(analytics.mounted())

    def sheet(self, portfolio_id: UUID, on: date | None = None) -> FactSheet:
        """All there is to tell of the portfolio at the close of `on`, or of its last day.

        InvalidInput where the release has no day of it. Of a day in the past, limits and registry are those of now, and
        what is known of securities only as of the release (drifts, details, a standing simulation) is left out.
        """
        of = self._reviewed(portfolio_id, on)
        maker = SheetMaker(self._release.release_id, of.series.as_of, of.currency)
        tell_return(maker, portfolio_id, of)
        self._tell_judged(maker, portfolio_id, of)
        if on is None or on >= (self._release.as_of or on):
            tell_holdings(maker, of, *self._priced(portfolio_id))
            tell_simulation(maker, portfolio_id, self._analytics)
        tell_rates(maker, of, self._analytics)
        return maker.sheet()

    def judged(self, portfolio_id: UUID, on: date) -> FactSheet:
        """The part of the sheet that `rules/1` judges by, for many days in the past."""
        of = self._reviewed(portfolio_id, on)
        maker = SheetMaker(self._release.release_id, of.series.as_of, of.currency)
        self._tell_judged(maker, portfolio_id, of)
        return maker.sheet()

    def _tell_judged(self, maker: SheetMaker, portfolio_id: UUID, of: ReviewInputs) -> None:
        tell_risk(maker, portfolio_id, of)
        tell_concentration(maker, portfolio_id, of, self._limits(portfolio_id))
        tell_liquidity(maker, portfolio_id, of, self._analytics.get_positions(portfolio_id, of.series.as_of))
        tell_bonds(maker, portfolio_id, of, self._analytics)
        tell_curve(maker, of.series.as_of, self._analytics)
        tell_inflation(maker, of.series.as_of, self._analytics)

    def days(self, portfolio_id: UUID) -> tuple[date, date] | None:
        """The first and the last day of the portfolio; None if the release has none."""
        series = self._analytics.get_series([str(portfolio_id)]).get(str(portfolio_id))
        return (series.first_day, series.as_of) if series else None

    def _reviewed(self, portfolio_id: UUID, on: date | None) -> ReviewInputs:
        asked = [str(portfolio_id)]
        chosen = self._analytics.get_benchmarks(asked)
        for currency in self._analytics.get_portfolios(asked):
            for _, of in self._analytics.get_reviewed_of(asked, currency, self._benchmark, on, chosen):
                return of
        raise InvalidInput("portfolio", "has no day in the release")

    def _limits(self, portfolio_id: UUID) -> tuple[Limit, ...]:
        return tuple(self._analytics.get_limits([str(portfolio_id)]).get(str(portfolio_id), DEFAULT_LIMITS))
