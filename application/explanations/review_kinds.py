"""Figures of the review that are computed from daily series: periods, contributions and risk."""

from application.explanations.kinds import kind
from application.explanations.market import (
    benchmark,
    prices,
    risk_free,
    setting,
)
from application.explanations.sources import (
    FLOWS,
    holdings,
    ledger,
    reference_of,
    returns,
    value,
    values,
)

_PERIOD = "/periods/(?P<period>[^/]+)"
_PERIODS = "domain.analytics.returns.periods:performance"
_PROFILE = "/risk/profiles/(?P<basis>[^/]+)"
_TAIL = f"{_PROFILE}/tails/(?P<tail>[^/]+)"
_RISK = "Risk and concentration"
_SERIES = (returns(), ledger())
_HELD = (holdings(), prices(), returns(), ledger())
_VALUED = (value("total_value", "start"), value("total_value", "as_of"))
_FLOWS = ledger(types=FLOWS, since="start")

PERIODS = (
    kind(
        f"{_PERIOD}/begin_value",
        "value at the start of {period}, the close of {start}",
        "Returns",
        _PERIODS,
        "value of the portfolio on that day, to a cent",
        value("total_value", "start"),
        ledger(),
    ),
    kind(
        f"{_PERIOD}/end_value",
        "value at the end of {period}, the close of {as_of}",
        "Returns",
        _PERIODS,
        "value of the portfolio on that day, to a cent",
        value("total_value", "as_of"),
        ledger(),
    ),
    kind(
        f"{_PERIOD}/net_contributions",
        "paid in less taken out over {period}",
        "Returns",
        _PERIODS,
        "sum of what crossed the portfolio's border",
        values("start"),
        _FLOWS,
    ),
    kind(
        f"{_PERIOD}/gain",
        "gain of {period}",
        "Returns",
        _PERIODS,
        "end value - begin value - net contributions",
        reference_of("/periods/{period}/end_value"),
        reference_of("/periods/{period}/begin_value"),
        reference_of("/periods/{period}/net_contributions"),
        ledger(),
    ),
    kind(
        f"{_PERIOD}/(?P<name>mwr|xirr)",
        "money-weighted return of {period}, {name}",
        "Returns",
        "domain.analytics.returns.money_weighted:xirr_many",
        "rate at which the values at both ends and the flows between them balance",
        *_VALUED,
        _FLOWS,
    ),
    kind(
        f"{_PERIOD}/n_uncovered_days",
        "days of {period} on which something had no price or no rate",
        "Returns",
        _PERIODS,
        "counted over the daily returns",
        returns(since="start"),
        ledger(),
    ),
    kind(
        f"{_PERIOD}/(?P<name>benchmark_twr|benchmark_twr_annual|benchmark_value)",
        "{name} of {period}",
        "Returns",
        _PERIODS,
        "growth of the benchmark over the same days, or of the portfolio's own money in it",
        benchmark("start"),
        setting("benchmark", default="the installation's"),
        _FLOWS,
    ),
    kind(
        f"{_PERIOD}/active_return",
        "return of {period} beyond the benchmark's",
        "Returns",
        _PERIODS,
        "twr - benchmark_twr",
        reference_of("/periods/{period}/twr"),
        reference_of("/periods/{period}/benchmark_twr"),
        ledger(),
    ),
    kind(
        f"{_PERIOD}/(?P<name>twr|twr_annual|twr_gross|twr_gross_annual)",
        "time-weighted return of {period}, {name}",
        "Returns",
        _PERIODS,
        "daily returns of the period, linked; per year from the first day with money",
        *_VALUED,
        returns(since="start"),
        _FLOWS,
        ledger(),
    ),
    kind(
        "/contributions/(?P<period>[^/]+)/parts/(?P<ticker>[^/]+)/contribution",
        "what {ticker} added to the return of {period}",
        "Returns",
        "domain.analytics.review:contributions_of",
        "its daily gains over the portfolio's value, each grown by the returns before it",
        returns("POSITION", ticker="{ticker}"),
        returns(),
        ledger(ticker="{ticker}"),
    ),
    kind(
        "/contributions/(?P<period>[^/]+)/(?P<name>other|twr)",
        "{name} of the contributions to {period}",
        "Returns",
        "domain.analytics.review:contributions_of",
        "the period's return; other is what holdings leave of it: cash, rates on it, fees and tax",
        reference_of("/periods/{period}/twr"),
        returns(),
        ledger(),
    ),
)

RISK = (
    kind(
        f"{_TAIL}/(?P<name>var|es|n|confidence|horizon_days)",
        "{name} of {basis}: {method}, confidence {confidence}, {horizon_days} days",
        _RISK,
        "domain.analytics.risk.value_at_risk:value_at_risk",
        "loss of the value that is not passed with this confidence (var), and the mean loss beyond it (es)",
        *_HELD,
    ),
    kind(
        f"{_PROFILE}/(?P<name>sharpe|sortino)",
        "{name} of {basis}",
        _RISK,
        "domain.analytics.risk.ratios:{name}",
        "mean return beyond the risk-free one, over its deviation, a year",
        risk_free("first_day"),
        *_HELD,
    ),
    kind(
        f"{_PROFILE}/(?P<name>beta|alpha|tracking_error|information_ratio)",
        "{name} of {basis} against the benchmark",
        _RISK,
        "domain.analytics.risk.profile:risk_profile",
        "daily returns beside the benchmark's over the sessions that both have",
        benchmark("first_day"),
        risk_free("first_day"),
        *_HELD,
    ),
    kind(
        f"{_PROFILE}/max_drawdown",
        "deepest fall of {basis}, from {peak} to {trough}",
        _RISK,
        "domain.analytics.risk.profile:deepest_fall",
        "lowest value of growth over its highest before, less 1",
        *_HELD,
    ),
    kind(
        f"{_PROFILE}/(?P<name>volatility|downside_deviation|n|coverage)",
        "{name} of {basis}",
        _RISK,
        "domain.analytics.risk.profile:risk_profile",
        "daily returns of the sessions from {first_day} to {last_day}, {n} of them",
        *_HELD,
    ),
    kind(
        "/risk/components/(?P<ticker>[^/]+)/(?P<name>weight|var|es)",
        "{name} of {ticker} in the risk of today's weights",
        _RISK,
        "domain.analytics.risk.component_risk:parametric_components",
        "its part of the one-day parametric loss at 95 %; the parts sum to it",
        reference_of("/holdings/{ticker}/value"),
        reference_of("/holdings/{ticker}/weight"),
        prices(),
        ledger(ticker="{ticker}"),
    ),
    kind(
        "/risk/backtest/(?P<name>[a-z_]+)",
        "{name} of the test of value at risk",
        _RISK,
        "domain.analytics.risk.backtests:kupiec_of",
        "days of the last 252 whose loss passed the value at risk of the 252 days before each",
        *_SERIES,
    ),
)

KINDS = (*PERIODS, *RISK)
