"""The measures of a portfolio as the bodies of answers, each computed when it is asked for first."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from functools import cached_property
from threading import Lock
from typing import Any, TypeVar, cast
from uuid import UUID

import numpy as np
from cachetools import LRUCache

from application.analytics.review import LakeAnalyticsRepository
from domain.analytics.allocation import concentration_of
from domain.analytics.returns.periods import Period, PeriodPerformance, performance, starts_since
from domain.analytics.returns.subjects import Level
from domain.analytics.review import (
    ReviewInputs,
    contributions_of,
    curve_days,
    curve_of,
    holdings_performance,
    realised_figures,
    risk_of,
    weights_in,
)
from domain.analytics.risk.limits import Limit
from domain.ports import PortfolioValue, ReleasedCash, ValuedPosition
from domain.references import Document, FigureReference
from oltp_api.analytics.schemas import PortfolioReleaseView, PortfolioValueView, ReleasedCashView
from oltp_api.portfolios.schemas import PortfolioView
from oltp_api.review.schemas import (
    BenchmarkView,
    ConcentrationBody,
    ContributionsView,
    CurveView,
    DimensionView,
    ExposureView,
    HoldingPeriodView,
    LimitView,
    PerformanceNumbers,
    PeriodView,
    ReviewedHoldingView,
    ReviewView,
    RiskBody,
)
from oltp_api.risk_analyses.handlers import result_of
from oltp_api.risk_analyses.repository import RiskAnalyses
from oltp_api.risk_analyses.schemas import RiskAnalysisResultView
from oltp_api.simulations.repository import Simulations
from oltp_api.simulations.schemas import SimulationView
from oltp_api.unit_of_work import UnitOfWork

_MOST_KEPT = 128
_NOT_KEPT = object()
_AGE = ("status", "price_date", "stale_days", "fx_status")
_PARTS = {"day", "total", "holdings", "cash", "benchmark", "periods", "contributions", "risk", "concentration", "curve"}
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Review:
    """All of it in one document, and the same as JSON; made once for a release, a portfolio as it is, and a day."""

    view: ReviewView
    document: str


@dataclass(frozen=True, slots=True)
class ValueAges:
    """Ages of what values are made of: the positions of the last day by their security, and the worst status of what
    was held on the days that are shown."""

    positions: Mapping[int, ValuedPosition]
    statuses: Mapping[tuple[Level, int | None, date], str]

    def on(self, day: date, level: Level = Level.PORTFOLIO, part: int | None = None) -> str:
        """Where nothing was held, nothing is old."""
        return self.statuses.get((level, part, day), "PRICED")

    def of_period(self, one: PeriodPerformance, level: Level, part: int | None) -> dict[str, str | None]:
        is_there, begins = one.end_value is not None, one.period is not Period.SINCE_INCEPTION
        return {
            "begin_status": self.on(one.start, level, part) if is_there and begins else None,
            "end_status": self.on(one.as_of, level, part) if is_there else None,
        }


class ReviewBodies:
    """Measures of one portfolio up to one day, by one release."""

    def __init__(
        self,
        of: ReviewInputs,
        total: PortfolioValue,
        cash: Sequence[ReleasedCash],
        ages: ValueAges,
        limits: Sequence[Limit],
    ) -> None:
        self._of = of
        self._ages = ages
        self._limits = limits
        self.day = of.series.as_of
        self.total = PortfolioValueView.model_validate(total)
        self.cash = [ReleasedCashView.model_validate(balance) for balance in cash]
        self.benchmark = BenchmarkView.model_validate(of.benchmark) if of.benchmark else None

    @cached_property
    def _performance(self) -> list[PeriodPerformance]:
        return performance(self._of.series, self._of.benchmark)

    @cached_property
    def periods(self) -> list[PeriodView]:
        return [
            PeriodView.model_validate({**asdict(one), **self._ages.of_period(one, Level.PORTFOLIO, None)})
            for one in self._performance
        ]

    @cached_property
    def contributions(self) -> list[ContributionsView]:
        return [
            ContributionsView.model_validate({**asdict(found), "period": period})
            for period, found in contributions_of(self._of).items()
        ]

    @cached_property
    def holdings_performance(self) -> list[HoldingPeriodView]:
        return [
            HoldingPeriodView.model_validate(
                {
                    **asdict(one.performance),
                    **self._ages.of_period(one.performance, one.level, one.account_id or one.security_id),
                    "level": one.level,
                    "account_id": one.account_id,
                    "ticker": one.ticker,
                    "contribution": one.contribution,
                }
            )
            for one in holdings_performance(self._of)
        ]

    @cached_property
    def performance(self) -> PerformanceNumbers:
        whole = next(one for one in self._performance if one.period is Period.SINCE_INCEPTION)
        return performance_numbers(self._of, whole, self.total)

    @cached_property
    def risk(self) -> RiskBody:
        return RiskBody.model_validate(risk_of(self._of))

    @cached_property
    def concentration(self) -> ConcentrationBody:
        return concentration_body(self._of, self._limits)

    @cached_property
    def holdings(self) -> list[ReviewedHoldingView]:
        return holding_views(self._of, self._ages)

    @cached_property
    def curve(self) -> CurveView:
        return curve_view(self._of, self._ages)


@dataclass(frozen=True, slots=True)
class ShownSimulations:
    """The simulations whose fans a review shows: the standing one, and one under a scenario beside it."""

    standing: SimulationView
    beside: SimulationView | None


@dataclass(frozen=True, slots=True)
class Beside:
    """Simulations beside the measures that were asked for, and the newest risk analysis."""

    simulations: ShownSimulations | None = None
    analysis: RiskAnalysisResultView | None = None


def shown_simulations(user_id: UUID, portfolio_id: UUID, work: UnitOfWork) -> ShownSimulations | None:
    """None while the standing one is not DONE."""
    simulations = Simulations(work)
    standing = simulations.standing(user_id, portfolio_id)
    if standing is None:
        return None
    beside = simulations.beside(user_id, standing)
    shown = [SimulationView.of(simulations.one(user_id, one)) for one in (standing, beside) if one]
    return ShownSimulations(shown[0], shown[1] if beside else None)


class ReviewCache:
    """Bodies and documents used last. They follow from a release, which never changes."""

    def __init__(self) -> None:
        self._cache: LRUCache[Hashable, Any] = LRUCache(_MOST_KEPT)
        self._lock = Lock()

    def bodies(
        self, analytics: LakeAnalyticsRepository, portfolio: PortfolioView, benchmark: str, as_of: date | None
    ) -> ReviewBodies | None:
        """Up to `as_of` or the release's last day; None if the release has no day of the portfolio."""
        asked = (portfolio.portfolio_id, portfolio.base_currency, benchmark, as_of, portfolio.binding_limits)
        return self._of((analytics.head().release_id, *asked), lambda: bodies_of(analytics, *asked))

    def review(
        self,
        analytics: LakeAnalyticsRepository,
        portfolio: PortfolioView,
        bodies: ReviewBodies,
        beside: Beside,
    ) -> Review:
        """The whole document, with what stands `beside` the measures."""
        shown = bodies.benchmark.name if bodies.benchmark else None
        asked = [one.model_dump_json() for one in _shown(beside.simulations)]
        analysed = beside.analysis.analysis_id if beside.analysis else None
        key = (analytics.head().release_id, portfolio.model_dump_json(), shown, bodies.day, *asked, analysed)
        return self._of(key, lambda: review_of(analytics, portfolio, bodies, beside))

    def beside(self, user_id: UUID, portfolio_id: UUID, release_id: int, work: UnitOfWork) -> Beside:
        """Simulations and the analysis beside a review of a release. An analysis of a later one is not known to it; of
        one that is kept only the id is asked for again, since what is written never changes."""
        newest = RiskAnalyses(work).newest(user_id, portfolio_id, release_id)
        analysis = self._of(("analysis", newest), lambda: result_of(user_id, newest, work)) if newest else None
        return Beside(shown_simulations(user_id, portfolio_id, work), analysis)

    def _of(self, key: Hashable, make: Callable[[], T]) -> T:
        """Only the caller waits: two may both `make` it."""
        with self._lock:
            found: T | object = self._cache.get(key, _NOT_KEPT)
        if found is _NOT_KEPT:
            found = make()
            with self._lock:
                self._cache[key] = found
        return cast(T, found)


def bodies_of(
    analytics: LakeAnalyticsRepository,
    portfolio_id: UUID,
    currency: str,
    benchmark: str,
    as_of: date | None,
    limits: Sequence[Limit],
) -> ReviewBodies | None:
    of = analytics.get_reviewed(portfolio_id, currency, benchmark, as_of)
    if of is None:
        return None
    day = of.series.as_of
    (total,) = analytics.get_values(portfolio_id, day, day)
    ages = ages_of(analytics, portfolio_id, of)
    return ReviewBodies(of, total, analytics.get_cash(portfolio_id, day), ages, limits)


def ages_of(analytics: LakeAnalyticsRepository, portfolio_id: UUID, of: ReviewInputs) -> ValueAges:
    """Statuses of the values at the ends of the periods, of parts too, and of those in the curve."""
    starts = starts_since(of.series.first_day, of.series.as_of, of.sessions)
    return ValueAges(
        {position.security_id: position for position in analytics.get_positions(portfolio_id, of.series.as_of)},
        {
            **analytics.get_value_statuses(portfolio_id, curve_days(of)),
            **analytics.get_value_statuses(portfolio_id, [*starts, of.series.as_of], with_parts=True),
        },
    )


def review_of(
    analytics: LakeAnalyticsRepository,
    portfolio: PortfolioView,
    bodies: ReviewBodies | None,
    beside: Beside,
) -> Review:
    """With what there is to say, `bodies`, and what stands beside it."""
    release = PortfolioReleaseView.model_validate(analytics.release_of(portfolio.portfolio_id))
    of_release = dict(release)
    if bodies is None:
        view = ReviewView(**of_release, portfolio=portfolio)
    else:
        view = ReviewView.model_construct(
            **of_release,
            **{name: getattr(bodies, name) for name in _PARTS},
            portfolio=portfolio,
            explain=str(FigureReference(Document.REVIEW, portfolio.portfolio_id, release.release_id, bodies.day)),
            **(_simulated(analytics, beside.simulations) if beside.simulations else {}),
            risk_analysis=beside.analysis,
        )
    return Review(view, view.model_dump_json())


def _shown(simulations: ShownSimulations | None) -> list[SimulationView]:
    if simulations is None:
        return []
    return [simulations.standing, *([simulations.beside] if simulations.beside else [])]


def _simulated(analytics: LakeAnalyticsRepository, simulations: ShownSimulations) -> dict[str, Any]:
    """The part of the document that is about simulations; of a release from before the simulation there is none."""
    fan = analytics.get_simulation_fan(simulations.standing.simulation_id)
    if not fan:
        return {}
    beside = simulations.beside
    beside_fan = analytics.get_simulation_fan(beside.simulation_id) if beside else ()
    return {
        "simulation": simulations.standing,
        "fan": fan,
        "beside": beside if beside_fan else None,
        "beside_fan": beside_fan or None,
    }


def performance_numbers(of: ReviewInputs, whole: PeriodPerformance, total: PortfolioValueView) -> PerformanceNumbers:
    """Since the first transaction, `whole` being the performance since then."""
    realised = realised_figures(of)
    measured = {
        **{name: getattr(whole, name) for name in ("net_contributions", "twr", "twr_annual", "xirr", "xirr_status")},
        "as_of": whole.as_of,
        "first_date": whole.start,
        "total_value": whole.end_value,
        "value_status": total.status,
        "coverage_pct": total.coverage_pct,
        "volatility_annual": realised.volatility,
        "sharpe": realised.sharpe.value,
        "sharpe_status": realised.sharpe.status,
        "max_drawdown": realised.fall.depth,
        "max_drawdown_peak": realised.fall.peak,
        "max_drawdown_trough": realised.fall.trough,
        "max_drawdown_recovery": realised.fall.recovery,
    }
    return PerformanceNumbers.model_validate(measured)


def concentration_body(of: ReviewInputs, limits: Sequence[Limit]) -> ConcentrationBody:
    found = concentration_of(of, limits)
    dimensions = [{**asdict(one.whole), "dimension": one.dimension, "groups": one.groups} for one in found.dimensions]
    checks = [
        {**asdict(check.limit), "label": check.label, "value": check.value, "state": check.state}
        for check in found.limits
    ]
    return ConcentrationBody(
        exposure=ExposureView.model_validate(found.exposure),
        dimensions=[DimensionView.model_validate(dimension) for dimension in dimensions],
        limits=[LimitView.model_validate(check) for check in checks],
        left_out=found.left_out,
    )


def holding_views(of: ReviewInputs, ages: ValueAges) -> list[ReviewedHoldingView]:
    """The largest first."""
    weights = weights_in(of)
    return [
        ReviewedHoldingView.model_validate(
            {
                **asdict(holding),
                **{name: getattr(ages.positions[holding.security_id], name) for name in _AGE},
                "weight": weights.get(holding.security_id),
            }
        )
        for holding in of.holdings
    ]


def curve_view(of: ReviewInputs, ages: ValueAges) -> CurveView:
    found = curve_of(of)
    columns = {name: getattr(found, name).tolist() for name in ("value", "contributed", "drawdown")}
    known = {
        name: [None if np.isnan(level) else float(level) for level in levels]
        for name, levels in (("index", found.index), ("benchmark", found.benchmark))
    }
    return CurveView(
        **columns,
        index=known["index"],
        benchmark=known["benchmark"],
        days=found.days,
        status=[ages.on(day) for day in found.days],
    )
