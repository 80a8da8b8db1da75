"""Risk and concentration of every portfolio on its last day, as it was and of what it holds now.

Belongs here: whose days go in, and the shape of what comes out. Does not: any formula; those are in domain/analytics.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from decimal import Decimal
from functools import partial
from typing import Any

import dagster as dg
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from domain.analytics.allocation import PortfolioConcentration, concentration_of
from domain.analytics.returns.series import MIN_OBSERVATIONS
from domain.analytics.review import PortfolioRisk, ReviewInputs, risk_of
from domain.analytics.risk.concentration import Exposure
from domain.analytics.risk.limits import DEFAULT_LIMITS, Limit
from domain.analytics.risk.profile import CONFIDENCES, HORIZONS, RiskProfile
from domain.analytics.risk.value_at_risk import Method
from pipelines.marts.by_portfolio import Measuring, made, specs_of
from pipelines.marts.definition import MONEY, Mart
from pipelines.runtime.resources import Platform
from pipelines.tables.metadata_plots import Picture, allocation_chart, drawdown_chart

_TAILS = [
    (f"{name}_{method.lower()}_{confidence:.0%}_{horizon}d".replace("%", ""), name, method, confidence, horizon)
    for method in Method
    for confidence in CONFIDENCES
    for horizon in HORIZONS
    for name in ("var", "es")
]
_WHOSE = {"portfolio_id": "Portfolio.", "as_of": "The day of the portfolio that this is of."}
_NO_RATIO = (
    "OK, NO_RISK_FREE: no risk-free return in the portfolio's currency, NO_VARIATION: returns that do not move, or "
    "INSUFFICIENT: fewer than 60"
)
_LEFT_OUT = "What is not in these figures for want of a price, a rate, or returns."


def _summed(column: str, holds: Callable[[Any], Any], rows: pa.Table) -> Any:
    """Say whether the sum of each portfolio's dimension `holds`, where there are weights."""
    sums = rows.group_by(["portfolio_id", "dimension"]).aggregate([(column, "sum")])[f"{column}_sum"]
    return pc.fill_null(holds(sums), True)


def _is_one(sums: Any) -> Any:
    return pc.less(pc.abs(pc.subtract(sums, 1)), 1e-9)


def _is_no_less(sums: Any) -> Any:
    return pc.greater(sums, 1 - 1e-9)


_TEXT, _DATE, _NUMBER, _COUNT = pa.string(), pa.date32(), pa.float64(), pa.int32()
_KEYS = {"portfolio_id": (_TEXT, _WHOSE["portfolio_id"]), "as_of": (_DATE, _WHOSE["as_of"])}
MARTS = {
    "marts/fact_risk": Mart(
        "Grain: one row per portfolio and basis: risk as it was realised, and of today's weights.",
        {
            **_KEYS,
            "basis": (
                _TEXT,
                "REALISED, the portfolio's own returns; CURRENT_WEIGHTS, those of today's weights all along.",
            ),
            "status": (
                _TEXT,
                "OK; INSUFFICIENT, fewer than 60 returns; UNCOVERED, coverage below 0.95; NO_EQUITY, worth nothing or "
                "less. Figures only if OK.",
            ),
            "coverage": (
                _NUMBER,
                "Of CURRENT_WEIGHTS: share, by size, of holdings and cash in other currencies whose returns are in it.",
            ),
            "first_day": (_DATE, "Session of the first return."),
            "last_day": (_DATE, "Session of the last return."),
            "n": (_COUNT, "Returns."),
            "volatility": (_NUMBER, "Sample deviation x sqrt(252), a fraction per year."),
            "downside_deviation": (_NUMBER, "Below the risk-free return, over all returns, x sqrt(252)."),
            "sharpe": (_NUMBER, "Mean over deviation of returns in excess of the three-month Treasury, x sqrt(252)."),
            "sharpe_status": (_TEXT, f"{_NO_RATIO}."),
            "sortino": (_NUMBER, "Mean excess return x 252 over downside_deviation."),
            "sortino_status": (_TEXT, f"{_NO_RATIO}, or NO_DOWNSIDE: no day is below the risk-free return."),
            "max_drawdown": (_NUMBER, "Deepest fall of the compounded returns from their peak, negative or 0."),
            "peak": (_DATE, "Day of that peak; null if they never fell."),
            "trough": (_DATE, "Day of the deepest point; null if they never fell."),
            "recovery": (_DATE, "First day back at the peak; null if not recovered, or they never fell."),
            "beta": (_NUMBER, "Against the benchmark, of excess returns."),
            "alpha": (_NUMBER, "Jensen's, a fraction per year."),
            "alpha_status": (_TEXT, f"Of alpha and beta: {_NO_RATIO}, or NO_BENCHMARK."),
            "tracking_error": (_NUMBER, "Sample deviation of active returns x sqrt(252); null without a benchmark."),
            "information_ratio": (_NUMBER, "Active return per year over tracking_error."),
            "information_ratio_status": (_TEXT, "OK, NO_BENCHMARK, INSUFFICIENT or NO_VARIATION."),
            **{
                column: (
                    _NUMBER,
                    f"{'Value at risk' if name == 'var' else 'Expected shortfall'}, {method}, at {confidence:.0%} over "
                    f"{horizon} trading days: a positive fraction lost. Null with too few returns"
                    + (", or where the expansion is not monotone." if method is Method.CORNISH_FISHER else "."),
                )
                for column, name, method, confidence, horizon in _TAILS
            },
            "backtest_n": (
                _COUNT,
                "Days of the last year on which the historical 95 % VaR of the year before was tried.",
            ),
            "backtest_exceptions": (_COUNT, "Of them, those that lost more."),
            "backtest_p": (_NUMBER, "Kupiec's: the probability of so many if the VaR was right."),
            "backtest_verdict": (_TEXT, "CONSISTENT, TOO_MANY, TOO_FEW or INSUFFICIENT; null unless REALISED."),
            "left_out": (_TEXT, _LEFT_OUT),
        },
        key=("portfolio_id", "basis"),
        rules={
            "there are 60 returns if the status is OK, and fewer if INSUFFICIENT": lambda rows: pc.and_(
                pc.or_(pc.not_equal(rows["status"], "OK"), pc.greater_equal(rows["n"], MIN_OBSERVATIONS)),
                pc.or_(pc.not_equal(rows["status"], "INSUFFICIENT"), pc.less(rows["n"], MIN_OBSERVATIONS)),
            ),
            "there are figures if and only if the status is OK": lambda rows: pc.equal(
                pc.equal(rows["status"], "OK"), pc.is_valid(rows["max_drawdown"])
            ),
            "a ratio is there if and only if its status is OK": lambda rows: all(
                pc.all(pc.equal(pc.equal(rows[f"{name}_status"], "OK"), pc.is_valid(rows[name])), min_count=0).as_py()
                for name in ("sharpe", "sortino", "alpha", "information_ratio")
            ),
            "no shortfall is less than its value at risk": lambda rows: all(
                pc.all(pc.fill_null(pc.greater_equal(rows[f"es{tail}"], rows[f"var{tail}"]), True), min_count=0).as_py()
                for tail in {column.removeprefix(name) for column, name, *_ in _TAILS}
            ),
        },
    ),
    "marts/fact_risk_component": Mart(
        "Grain: one row per portfolio and holding: its part of the parametric VaR of today's weights.",
        {
            **_KEYS,
            "ticker": (_TEXT, "Holding."),
            "weight": (_NUMBER, "Of the portfolio with its cash, a fraction; negative for a short."),
            "var": (
                _NUMBER,
                "Its part of the one-day parametric VaR at 95 %, a fraction of the portfolio; they sum to it.",
            ),
            "es": (_NUMBER, "Its part of the expected shortfall, likewise."),
        },
        key=("portfolio_id", "ticker"),
    ),
    "marts/fact_exposure": Mart(
        "Grain: one row per portfolio: what its positions stand for beside what it is worth, in its currency.",
        {
            **_KEYS,
            "status": (_TEXT, "OK, or NO_EQUITY: worth nothing or less, and then no leverage."),
            "equity": (MONEY, "Value of positions and cash."),
            "gross": (MONEY, "Sum of |values| of positions; cash is no exposure."),
            "net": (MONEY, "Sum of values of positions, shorts negative."),
            "leverage": (_NUMBER, "gross / equity."),
        },
        key=("portfolio_id",),
        rules={
            "there is leverage if and only if there is equity": lambda rows: pc.equal(
                pc.greater(rows["equity"], 0), pc.is_valid(rows["leverage"])
            ),
            "net is no more than gross": lambda rows: pc.less_equal(pc.abs(rows["net"]), rows["gross"]),
        },
    ),
    "marts/fact_concentration": Mart(
        "Grain: one row per portfolio and dimension: how much of it is in few hands.",
        {
            **_KEYS,
            "dimension": (_TEXT, "security, issuer, sector, country, currency or asset_class; cash is one of each."),
            "n_groups": (_COUNT, "Groups with a weight."),
            "hhi": (_NUMBER, "Sum of squared shares of all gross weights, from 1 / n_groups to 1."),
            "effective_number": (_NUMBER, "1 / hhi: so many equal groups would have it."),
            "top_5": (_NUMBER, "Share of the five largest."),
            "top_10": (_NUMBER, "Share of the ten largest."),
            "largest": (_TEXT, "The group with the largest gross weight."),
            "largest_weight": (_NUMBER, "Its gross weight."),
            "state": (_TEXT, "The worst of its limits: BREACH, WARN, UNDEFINED, TOO_FEW or OK; null without."),
            "left_out": (_TEXT, _LEFT_OUT),
        },
        key=("portfolio_id", "dimension"),
        rules={
            "hhi is above 0 and at most 1": lambda rows: pc.fill_null(
                pc.and_(pc.greater(rows["hhi"], 0), pc.less_equal(rows["hhi"], 1 + 1e-12)), True
            )
        },
    ),
    "marts/fact_allocation": Mart(
        "Grain: one row per portfolio, dimension and group: its weight.",
        {
            **_KEYS,
            "dimension": (_TEXT, "security, issuer, sector, country, currency or asset_class."),
            "label": (_TEXT, "The group; Unclassified holds what is not known, Cash the balances."),
            "gross_weight": (
                _NUMBER,
                "|value| over equity: longs and shorts add up; of Cash what equity has beyond the longs. Null if the "
                "portfolio is worth nothing or less.",
            ),
            "net_weight": (_NUMBER, "Value over equity, shorts negative; null likewise."),
        },
        key=("portfolio_id", "dimension", "label"),
        rules={
            f"the {side} weights of a dimension sum to {word} 1": partial(_summed, f"{side}_weight", holds)
            for side, word, holds in (("net", "exactly", _is_one), ("gross", "no less than", _is_no_less))
        },
    ),
    "marts/fact_limit": Mart(
        "Grain: one row per portfolio and limit that was checked.",
        {
            **_KEYS,
            "dimension": (_TEXT, "What the limit is on."),
            "measure": (
                _TEXT,
                "GROSS_WEIGHT or NET_WEIGHT of a group, HHI, TOP_5 or TOP_10 of the dimension, LEVERAGE of all.",
            ),
            "label": (_TEXT, "The group; null for a measure of the whole dimension."),
            "measured": (_NUMBER, "What the measure is."),
            "warn_at": (_NUMBER, "From here on WARN."),
            "breach_at": (_NUMBER, "From here on BREACH."),
            "state": (
                _TEXT,
                "OK, WARN, BREACH; TOO_FEW where holdings of equal size would not pass; UNDEFINED without equity.",
            ),
        },
        key=("portfolio_id", "dimension", "measure", "label"),
    ),
}


@dg.multi_asset(name="risk", **specs_of(MARTS))
def risk(
    context: dg.AssetExecutionContext, platform: Platform
) -> Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]:
    ticker = platform.settings.benchmark_ticker
    pictures = {"marts/fact_risk": _falls, "marts/fact_allocation": _allocations}
    yield from made(context, platform, MARTS, lambda found: _tables(found, ticker), pictures)


def _tables(found: Measuring, benchmark_ticker: str) -> dict[str, pa.Table]:
    rows: dict[str, list[dict[str, Any]]] = {table: [] for table in MARTS}
    for currency, portfolio_ids in found.groups():
        chosen = found.analytics.get_benchmarks(portfolio_ids)
        limits = found.analytics.get_limits(portfolio_ids)
        reviewed = found.analytics.get_reviewed_of(portfolio_ids, currency, benchmark_ticker, chosen=chosen)
        for portfolio_id, of in reviewed:
            for table, measured in _measured(of, limits.get(portfolio_id, DEFAULT_LIMITS)).items():
                rows[table] += [{**row, "portfolio_id": portfolio_id, "as_of": of.series.as_of} for row in measured]
    return {table: mart.of_rows(rows[table]) for table, mart in MARTS.items()}


def _measured(of: ReviewInputs, limits: Sequence[Limit]) -> dict[str, list[dict[str, Any]]]:
    found, held = risk_of(of), concentration_of(of, limits)
    return {
        "marts/fact_risk": [_profiled(found, profile, of) for profile in found.profiles],
        "marts/fact_risk_component": [asdict(component) for component in found.components],
        "marts/fact_exposure": [_exposed(held.exposure)],
        "marts/fact_concentration": _concentrations(held),
        "marts/fact_allocation": [
            {"dimension": one.dimension, "label": group.label, "gross_weight": group.gross, "net_weight": group.net}
            for one in held.dimensions
            for group in one.groups
        ],
        "marts/fact_limit": [
            {**asdict(check.limit), "label": check.label, "measured": check.value, "state": check.state}
            for check in held.limits
        ],
    }


def _exposed(exposure: Exposure) -> dict[str, Any]:
    amounts = {name: Decimal(f"{getattr(exposure, name):.8f}") for name in ("equity", "gross", "net")}
    return {**asdict(exposure), **amounts}


def _profiled(found: PortfolioRisk, profile: RiskProfile, of: ReviewInputs) -> dict[str, Any]:
    tails = {(tail.method, tail.confidence, tail.horizon_days): tail for tail in profile.tails}
    row: dict[str, Any] = {
        **{name: getattr(profile, name) for name in MARTS["marts/fact_risk"].columns if hasattr(profile, name)},
        **{
            column: getattr(tails[method, confidence, horizon], name)
            for column, name, method, confidence, horizon in _TAILS
            if tails
        },
    }
    if profile.basis == "REALISED":
        if found.backtest:
            row |= {f"backtest_{name}": getattr(found.backtest, name) for name in ("n", "exceptions", "verdict")}
            row["backtest_p"] = found.backtest.p_value
        return row | {"left_out": _named(of.left_out)}
    return row | {"left_out": _named(found.left_out)}


def _concentrations(held: PortfolioConcentration) -> list[dict[str, Any]]:
    """The checks come the worst first."""
    worst = {check.limit.dimension: str(check.state) for check in reversed(held.limits)}
    return [
        {
            **asdict(one.whole),
            "dimension": one.dimension,
            "n_groups": len(one.groups),
            "largest": one.groups[0].label if one.groups else None,
            "largest_weight": one.groups[0].gross if one.groups else None,
            "state": worst.get(one.dimension),
            "left_out": _named(held.left_out),
        }
        for one in held.dimensions
    ]


def _falls(found: Measuring, rows: pa.Table) -> Mapping[str, Picture]:
    """Draw the drawdown of the portfolio that fell deepest."""
    fallen = rows.filter(pc.is_valid(rows["max_drawdown"])).sort_by(
        [("max_drawdown", "ascending"), ("portfolio_id", "ascending")]
    )
    if not fallen.num_rows:
        return {}
    (series,) = found.analytics.get_series([fallen["portfolio_id"][0].as_py()]).values()
    growth = series.growth
    return {"drawdown": drawdown_chart(growth.days, growth.falls, "below the last high, the deepest of all portfolios")}


def _allocations(found: Measuring, rows: pa.Table) -> Mapping[str, Picture]:
    """Gross weights by sector of the first portfolios."""
    del found
    sectors = rows.filter(pc.equal(rows["dimension"], "sector")).to_pylist()
    books, groups = (sorted({row[name] for row in sectors}) for name in ("portfolio_id", "label"))
    shares = np.zeros((len(books), len(groups)))
    for row in sectors:
        shares[books.index(row["portfolio_id"]), groups.index(row["label"])] = row["gross_weight"] or 0.0
    names = [book[:8] for book in books]
    return {"allocation": allocation_chart(names, groups, shares, "gross weight by sector") if sectors else None}


def _named(left_out: Sequence[str]) -> str | None:
    return ", ".join(left_out) or None


ASSETS = [risk]
