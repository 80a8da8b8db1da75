"""Bodies of answers about return, risk and concentration. Returns and ratios are fractions: 0.05 is 5 %."""

from collections.abc import Sequence
from datetime import date

from pydantic import Field

from oltp_api.fields import Rounded
from oltp_api.schemas.portfolios import ReleaseView, View


class PeriodView(View):
    """From the close of `start` to the close of `as_of`. A portfolio that is TOO_YOUNG has no figures."""

    period: str = Field(description="1D, 1W, MTD, 1M, 3M, YTD, 1Y, 3Y, 5Y or SINCE_INCEPTION.")
    status: str = Field(description="OK or TOO_YOUNG.")
    start: date
    as_of: date
    begin_value: Rounded | None
    end_value: Rounded | None
    net_contributions: Rounded | None = Field(description="Paid in less taken out.")
    gain: Rounded | None = Field(description="end_value - begin_value - net_contributions.")
    twr: float | None = Field(description="Time-weighted, of the whole period, net of fees.")
    twr_annual: float | None = Field(description="Per year; null under 365 days.")
    twr_gross: float | None = Field(description="Before fees.")
    twr_gross_annual: float | None
    mwr: float | None = Field(description="Money-weighted, of the whole period.")
    xirr: float | None = Field(description="Money-weighted per year, ACT/365; null under 365 days.")
    xirr_status: str | None = Field(description="OK, MULTIPLE (the root nearest 10 %), NO_SIGN_CHANGE or FX_MISSING.")
    n_uncovered_days: int | None = Field(
        description="Days on which something had no price or no rate: they earn nothing."
    )
    benchmark_twr: float | None
    benchmark_twr_annual: float | None
    benchmark_value: Rounded | None = Field(description="What the same start and flows had become in the benchmark.")
    active_return: float | None = Field(description="twr - benchmark_twr.")


class BenchmarkView(View):
    name: str
    kind: str = Field(description="TOTAL_RETURN, or PRICE_INDEX: without dividends, which flatters who is compared.")


class PerformanceNumbers(View):
    """Since the first transaction. Returns, volatility and drawdown are fractions."""

    as_of: date
    first_date: date
    total_value: Rounded
    net_contributions: Rounded
    twr: float | None
    twr_annual: float | None
    xirr: float | None = Field(description="Per year; null under 365 days.")
    xirr_status: str | None
    volatility_annual: float | None
    sharpe: float | None
    max_drawdown: float | None
    max_drawdown_peak: date | None
    max_drawdown_trough: date | None
    max_drawdown_recovery: date | None


class PerformanceView(ReleaseView):
    """`performance` is None, and there are no periods, for a portfolio that the release does not know yet."""

    currency: str
    benchmark: BenchmarkView | None
    performance: PerformanceNumbers | None
    periods: Sequence[PeriodView]
