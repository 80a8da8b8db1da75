"""Bodies of answers about return, risk and concentration. Returns and ratios are fractions: 0.05 is 5 %."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from pydantic import Field

from oltp_api.analytics.schemas import (
    EXPLAIN,
    VALUE_STATUS,
    PortfolioReleaseView,
    PortfolioValueView,
    ReleasedCashView,
    ReleaseView,
)
from oltp_api.portfolios.schemas import PortfolioView
from oltp_api.risk_analyses.schemas import RiskAnalysisResultView
from oltp_api.simulations.schemas import SimulationView
from oltp_api.web.fields import Amount, Rounded
from oltp_api.web.schemas import View

_NO_RATIO = (
    "OK, NO_RISK_FREE (no risk-free return is known in the portfolio's currency), NO_VARIATION (the returns do not "
    "move), or INSUFFICIENT (fewer than 60 returns)."
)


class PeriodView(View):
    """From the close of `start` to the close of `as_of`. A portfolio that is TOO_YOUNG has no figures, one that was
    RUINED, worth less than nothing on some day, no time-weighted return."""

    period: str = Field(description="1D, 1W, MTD, 1M, 3M, YTD, 1Y, 3Y, 5Y or SINCE_INCEPTION.")
    status: str = Field(description="OK, RUINED or TOO_YOUNG.")
    start: date
    as_of: date
    begin_value: Rounded | None
    begin_status: str | None = Field(description=f"{VALUE_STATUS} Null since inception, when nothing was held.")
    end_value: Rounded | None
    end_status: str | None = Field(description=VALUE_STATUS)
    net_contributions: Rounded | None = Field(description="Paid in less taken out.")
    gain: Rounded | None = Field(description="end_value - begin_value - net_contributions.")
    twr: float | None = Field(description="Time-weighted, of the whole period, net of fees.")
    twr_annual: float | None = Field(
        description="Per year, from the first day with money to the last; null under 365 days."
    )
    twr_gross: float | None = Field(description="Before fees.")
    twr_gross_annual: float | None
    mwr: float | None = Field(description="Money-weighted, of the whole period, over which it is solved.")
    xirr: float | None = Field(description="The same per year, ACT/365, over the days of twr_annual.")
    xirr_status: str | None = Field(
        description="Of mwr and xirr. OK, MULTIPLE (the root nearest 10 % a year), NO_SIGN_CHANGE, or UNCOVERED: the "
        "value at either end, or a flow, is not known."
    )
    n_uncovered_days: int | None = Field(
        description="Days on which something had no price or no rate: they earn nothing."
    )
    benchmark_twr: float | None = Field(
        description="From the close of the first value in the period to the last day with money."
    )
    benchmark_twr_annual: float | None
    benchmark_value: Rounded | None = Field(
        description="What the same start and flows had become in the benchmark, the first money at the close of the "
        "first value."
    )
    active_return: float | None = Field(description="twr - benchmark_twr.")


class HoldingPeriodView(PeriodView):
    """An account's holdings or a position over a period: what they were bought with and what they paid out are flows.

    NOT_HELD in the period, or TOO_YOUNG for it, has no figures. RUINED, one that lost more than was in it, has no
    time-weighted return.
    """

    level: str = Field(description="ACCOUNT, or POSITION: one security in all accounts.")
    account_id: int | None
    ticker: str | None
    status: str = Field(description="OK, RUINED, TOO_YOUNG or NOT_HELD.")
    contribution: float | None = Field(description="Of a position to the portfolio's twr of the period; a fraction.")


class HoldingsPerformanceView(PortfolioReleaseView):
    """Accounts first, then the positions that added most."""

    currency: str
    holdings: Sequence[HoldingPeriodView]


class BenchmarkView(View):
    name: str
    description: str = Field(description="Name of what it is; how it was built, where it was.")
    kind: str = Field(description="TOTAL_RETURN, or PRICE_INDEX: without dividends, which flatters who is compared.")


class PerformanceNumbers(View):
    """Since the first transaction. Returns, volatility and drawdown are fractions."""

    as_of: date
    first_date: date
    total_value: Rounded
    value_status: str = Field(description=VALUE_STATUS)
    coverage_pct: float = Field(description="Share of positions, by cost, that is in the value; 0 to 100.")
    net_contributions: Rounded
    twr: float | None
    twr_annual: float | None
    xirr: float | None = Field(description="Per year; null under 365 days.")
    xirr_status: str | None
    volatility_annual: float | None
    sharpe: float | None
    sharpe_status: str = Field(description=_NO_RATIO)
    max_drawdown: float | None
    max_drawdown_peak: date | None
    max_drawdown_trough: date | None
    max_drawdown_recovery: date | None


class ContributionView(View):
    ticker: str
    contribution: float = Field(description="Of the return of the period; a fraction.")


class ContributionsView(View):
    """Contributions of holdings, sold ones too, to a period's time-weighted return; with `other` they sum to it.

    `other` is cash, exchange rates on it, standalone fees and tax.
    """

    period: str
    parts: Sequence[ContributionView]
    other: float
    twr: float


class PerformanceView(PortfolioReleaseView):
    """`performance` is None, and there are no periods, for a portfolio that the release does not know yet."""

    currency: str
    benchmark: BenchmarkView | None
    performance: PerformanceNumbers | None
    periods: Sequence[PeriodView]
    contributions: Sequence[ContributionsView]


class TailView(View):
    """Losses that may occur, as fractions of the value; a loss is positive."""

    method: str = Field(description="HISTORICAL, PARAMETRIC or CORNISH_FISHER.")
    confidence: float
    horizon_days: int
    var: float | None = Field(description="Value at risk: the loss that is not passed with this confidence.")
    es: float | None = Field(description="Expected shortfall: the mean loss beyond it.")
    n: int
    status: str = Field(description="OK, INSUFFICIENT (fewer than 60 observations) or NOT_MONOTONE.")


class RiskProfileView(View):
    """Deviations and ratios are per year. A ratio that is null has a status of its own that says why."""

    basis: str = Field(
        description="REALISED: what the owner went through. CURRENT_WEIGHTS: what today's weights would have, had they "
        "been held in these proportions all along."
    )
    status: str = Field(
        description="OK; INSUFFICIENT, fewer than 60 returns; UNCOVERED, coverage below 0.95; NO_EQUITY, worth nothing "
        "or less. Figures only if OK."
    )
    coverage: float | None = Field(
        None,
        description="Of CURRENT_WEIGHTS: share, by size, of holdings and cash in other currencies whose returns are in "
        "it. Null of REALISED, which is of all there was.",
    )
    first_day: date | None
    last_day: date | None
    n: int
    volatility: float | None
    downside_deviation: float | None
    sharpe: float | None
    sortino: float | None
    max_drawdown: float | None = Field(description="Negative or 0.")
    peak: date | None
    trough: date | None
    recovery: date | None
    beta: float | None
    alpha: float | None
    tracking_error: float | None
    information_ratio: float | None
    tails: Sequence[TailView]
    sharpe_status: str = Field(description=_NO_RATIO)
    sortino_status: str = Field(description=f"{_NO_RATIO} Or NO_DOWNSIDE: no day is below the risk-free return.")
    alpha_status: str = Field(description=f"Of alpha and beta. {_NO_RATIO} Or NO_BENCHMARK.")
    information_ratio_status: str = Field(description="OK, NO_BENCHMARK, INSUFFICIENT or NO_VARIATION.")


class ComponentView(View):
    ticker: str
    weight: float = Field(description="Of the portfolio with its cash.")
    var: float | None = Field(
        description="Of the one-day parametric VaR at 95 % of CURRENT_WEIGHTS; the parts sum to it."
    )
    es: float | None


class BacktestView(View):
    """Kupiec's test of the historical one-day VaR at 95 % that each of the last 252 days had from the 252 before it."""

    exceptions: int
    expected: float
    n: int
    likelihood_ratio: float | None
    p_value: float | None
    verdict: str = Field(description="CONSISTENT, TOO_MANY, TOO_FEW or INSUFFICIENT.")


class RiskBody(View):
    profiles: Sequence[RiskProfileView]
    components: Sequence[ComponentView]
    backtest: BacktestView | None
    left_out: Sequence[str] = Field(
        description="Holdings and cash that CURRENT_WEIGHTS leaves out: without a value, or without returns."
    )


class RiskView(PortfolioReleaseView):
    """No profile for a portfolio that the release does not know yet."""

    risk: RiskBody | None


class ExposureView(View):
    """Size of positions beside the worth of the portfolio, in its currency. Cash is no exposure: a short's proceeds are
    owed."""

    status: str = Field(description="OK, or NO_EQUITY: worth nothing or less, so there are no weights and no leverage.")
    equity: Rounded = Field(description="Value of positions and cash.")
    gross: Rounded = Field(description="Sum of the sizes of positions.")
    net: Rounded = Field(description="Sum of the values of positions, shorts negative.")
    leverage: float | None = Field(description="gross / equity.")


class GroupView(View):
    label: str
    gross: float | None = Field(
        description="Size over equity; of cash what equity has beyond the longs. With shorts they sum to over 1."
    )
    net: float | None = Field(description="Value over equity; they sum to 1.")


class LimitView(View):
    dimension: str
    measure: str
    label: str | None
    value: float | None
    warn_at: float
    breach_at: float
    state: str = Field(
        description="OK, WARN, BREACH; TOO_FEW: as many holdings of equal size would not pass, so it says nothing; or "
        "UNDEFINED where there is no equity."
    )


class DimensionView(View):
    """Shares of all gross weights, free cash among them. `effective_number` is 1 / hhi."""

    dimension: str = Field(description="security, issuer, sector, country, currency or asset_class.")
    hhi: float | None
    effective_number: float | None
    top_5: float | None
    top_10: float | None
    groups: Sequence[GroupView]


class ConcentrationBody(View):
    exposure: ExposureView
    dimensions: Sequence[DimensionView]
    limits: Sequence[LimitView] = Field(
        description="Those in BREACH or WARN first. Cash is bound by none; by those on issuers and securities neither "
        "sovereigns nor funds, by those on sectors what is in none."
    )
    left_out: Sequence[str] = Field(description="Holdings without a value: they have no weight.")


class ConcentrationView(PortfolioReleaseView):
    """None for a portfolio that the release does not know yet."""

    concentration: ConcentrationBody | None


class ReviewedHoldingView(View):
    security_id: int
    ticker: str
    name: str
    asset_type: str
    quantity: Amount
    value: Amount | None
    status: str = Field(description="Of its price: PRICED, STALE or MISSING.")
    price_date: date | None
    stale_days: int = Field(description="Sessions since the price.")
    fx_status: str = Field(description="PRICED, STALE or FX_MISSING.")
    weight: float | None


class CurveView(View):
    """At most 600 days of all there are, the last among them, as columns. `drawdown` is the deepest since the day
    before; `benchmark` is growth of 1 since the close of the first value, null before and where it is not known."""

    days: Sequence[date]
    value: Sequence[float]
    status: Sequence[str] = Field(description="Of each value: PRICED, STALE or MISSING.")
    contributed: Sequence[float] = Field(description="Paid in less taken out, up to the day.")
    index: Sequence[float | None] = Field(description="Growth of 1, time-weighted; null after a ruin.")
    drawdown: Sequence[float] = Field(description="Below the last high, negative or 0.")
    benchmark: Sequence[float | None]


class ReviewView(PortfolioReleaseView):
    """All of it, from one release. Without the release knowing the portfolio, only the portfolio itself."""

    portfolio: PortfolioView
    day: date | None = Field(None, description="The last day of it all.")
    total: PortfolioValueView | None = None
    holdings: Sequence[ReviewedHoldingView] = ()
    cash: Sequence[ReleasedCashView] = ()
    benchmark: BenchmarkView | None = None
    periods: Sequence[PeriodView] = ()
    contributions: Sequence[ContributionsView] = ()
    risk: RiskBody | None = None
    concentration: ConcentrationBody | None = None
    curve: CurveView | None = None
    simulation: SimulationView | None = Field(None, description="The standing one, once it is DONE.")
    fan: Sequence[Mapping[str, float | None]] | None = Field(None, description="Of the standing simulation.")
    beside: SimulationView | None = Field(
        None, description="The newest one of the same random numbers under a scenario, once it is DONE."
    )
    beside_fan: Sequence[Mapping[str, float | None]] | None = Field(None, description="Of the one beside it.")
    risk_analysis: RiskAnalysisResultView | None = Field(None, description="The newest one that is written.")
    explain: str | None = EXPLAIN


class RestatedDayView(View):
    business_date: date
    before_value: Amount | None = Field(description="None where the older release has not the day.")
    after_value: Amount | None
    change: Amount
    before_index: float | None = Field(description="Growth of 1 since the first transaction, time-weighted.")
    after_index: float | None


class CauseView(View):
    """A ledger row that the older release had not, of a day that it had."""

    seq: int
    txn_type: str
    business_date: date
    recorded_at: datetime
    ticker: str | None
    quantity: Amount | None
    price: Amount | None
    cash_effect: Amount
    currency: str
    reverses_seq: int | None
    note: str | None


class ChangedView(View):
    """A price or a rate that is another one now; `before` and `after` are of the day on which it moved most."""

    what: str
    n_days: int
    first_day: date
    last_day: date
    largest_day: date
    before: Amount | None
    after: Amount | None


class ChangedSettingView(View):
    setting: str
    before: str
    after: str


class RestatementView(View):
    before: ReleaseView
    after: ReleaseView
    until: date | None = Field(description="The last day of `before`; what came later is new, not restated.")
    n_days: int = Field(description="Days that are told otherwise now.")
    first_day: date | None
    last_day: date | None
    last: RestatedDayView | None = Field(description="The day `until`, restated or not.")
    largest: RestatedDayView | None = Field(description="The restated day whose value moved most.")
    days: Sequence[RestatedDayView] = Field(description="The first hundred of them.")
    transactions: Sequence[CauseView]
    prices: Sequence[ChangedView] = Field(description="Of what was held by then.")
    rates: Sequence[ChangedView] = Field(description="Units of a currency per euro.")
    settings: Sequence[ChangedSettingView] = Field(description="Of the portfolio: currency, time zone, cost method.")
