"""Reviews made of numbers: one of a portfolio with everything, and the parts to take away from it."""

import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from domain.holdings import CostMethod
from domain.portfolio import PortfolioKind
from oltp_api.analytics.schemas import PortfolioValueView, ReleasedCashView
from oltp_api.portfolios.schemas import PortfolioView
from oltp_api.review.schemas import (
    BacktestView,
    BenchmarkView,
    ComponentView,
    ConcentrationBody,
    CurveView,
    DimensionView,
    ExposureView,
    GroupView,
    LimitView,
    PeriodView,
    ReviewedHoldingView,
    ReviewView,
    RiskBody,
    RiskProfileView,
    TailView,
)

LAST = date(2026, 11, 20)
FIRST = LAST - timedelta(days=4 * 599)
PERIODS = ("1D", "1W", "MTD", "1M", "3M", "YTD", "1Y", "3Y", "5Y", "SINCE_INCEPTION")
NAMES = {
    "AAPL": "Apple Inc.",
    "MSFT": "Microsoft Corporation",
    "NESN": "Nestlé S.A.",
    "BRK.B": "Berkshire Hathaway Inc. Class B",
    "US91282CJL54": "United States Treasury Note 4.625 % 15 November 2033",
    "VWCE": "Vanguard FTSE All-World UCITS ETF USD Accumulating",
    **{f"T{i:02}": f"Company number {i}" for i in range(13)},
}


def a_curve(n: int = 600, *, every: int = 4, seed: int = 7) -> CurveView:
    """A random walk of `n` days with money paid in along the way; the benchmark is not known for the first tenth."""
    draw = random.Random(seed)
    days = [LAST - timedelta(days=every * (n - 1 - i)) for i in range(n)]
    index, value, contributed, drawdown, benchmark = [1.0], [100_000.0], [100_000.0], [0.0], [1.0]
    for i in range(1, n):
        shock = draw.gauss(0, 1)
        growth = 1.0008 + 0.017 * shock
        paid = 10_000.0 if i % 90 == 0 else -25_000.0 if i == 410 else 0.0
        index.append(index[-1] * growth)
        value.append(value[-1] * growth + paid)
        contributed.append(contributed[-1] + paid)
        drawdown.append(index[-1] / max(index) - 1)
        benchmark.append(benchmark[-1] * (1.0007 + 0.013 * (0.7 * shock + 0.7 * draw.gauss(0, 1))))
    known = [None if i < n // 10 else level for i, level in enumerate(benchmark)]
    return CurveView(
        days=days,
        value=value,
        status=["PRICED"] * n,
        contributed=contributed,
        index=index,
        drawdown=drawdown,
        benchmark=known,
    )


TOTAL = round(a_curve().value[-1], 2)


def a_period(name: str, **changed: Any) -> PeriodView:
    length = {"1D": 1, "1W": 7, "MTD": 20, "1M": 31, "3M": 92, "YTD": 324, "1Y": 365, "3Y": 1096, "5Y": 1826}
    n_days = length.get(name, (LAST - FIRST).days)
    twr = 0.11 * n_days / 365 - (0.021 if n_days < 40 else 0)
    per_year = None if n_days < 365 else (1 + twr) ** (365 / n_days) - 1
    return PeriodView(
        **{
            "period": name,
            "status": "OK",
            "start": LAST - timedelta(days=n_days),
            "as_of": LAST,
            "begin_value": 120_000.0,
            "begin_status": None if name == "SINCE_INCEPTION" else "PRICED",
            "end_status": "MISSING",
            "end_value": TOTAL,
            "net_contributions": 135_000.0,
            "gain": round(TOTAL - 135_000, 2) if name == "SINCE_INCEPTION" else 120_000.0 * twr,
            "twr": twr,
            "twr_annual": per_year,
            "twr_gross": twr + 0.002 * n_days / 365,
            "twr_gross_annual": per_year,
            "mwr": twr * 0.93,
            "xirr": None if per_year is None else per_year * 0.93,
            "xirr_status": "MULTIPLE" if name == "3Y" else "OK",
            "n_uncovered_days": 3 if n_days > 1000 else 0,
            "benchmark_twr": None if n_days > 2000 else twr * 0.8,
            "benchmark_twr_annual": None,
            "benchmark_value": None,
            "active_return": None if n_days > 2000 else twr * 0.2,
            **changed,
        }
    )


def too_young(name: str) -> PeriodView:
    numbers = [field for field in PeriodView.model_fields if field not in {"period", "status", "start", "as_of"}]
    return PeriodView(
        period=name, status="TOO_YOUNG", start=LAST - timedelta(days=1826), as_of=LAST, **dict.fromkeys(numbers)
    )


def a_profile(basis: str, scale: float = 1.0) -> RiskProfileView:
    tails = [
        TailView(
            method=method,
            confidence=confidence,
            horizon_days=horizon,
            var=None if (odd := method == "CORNISH_FISHER" and horizon == 10 and confidence == 0.99) else var,
            es=None if odd else var * 1.27,
            n=600,
            status="NOT_MONOTONE" if odd else "OK",
        )
        for method, heavy in (("HISTORICAL", 1.05), ("PARAMETRIC", 1.0), ("CORNISH_FISHER", 1.12))
        for confidence, z in ((0.95, 1.645), (0.99, 2.326))
        for horizon, root in ((1, 1.0), (10, 3.16))
        for var in [0.0113 * z * root * heavy * scale]
    ]
    return RiskProfileView(
        basis=basis,
        status="OK",
        first_day=FIRST,
        last_day=LAST,
        n=1643,
        volatility=0.181 * scale,
        downside_deviation=0.127 * scale,
        sharpe=0.56 / scale,
        sortino=0.81 / scale,
        max_drawdown=-0.334 * scale,
        peak=date(2022, 1, 3),
        trough=date(2022, 10, 14),
        recovery=None if scale > 1 else date(2024, 2, 9),
        beta=0.93,
        alpha=-0.0104,
        tracking_error=0.062,
        information_ratio=-0.21,
        sharpe_status="OK",
        sortino_status="OK",
        alpha_status="OK",
        information_ratio_status="OK",
        tails=tails,
    )


def too_few(basis: str, n: int = 41) -> RiskProfileView:
    shown = {"basis": basis, "status": "INSUFFICIENT", "first_day": FIRST, "last_day": LAST, "n": n, "tails": ()}
    shown |= {name: "INSUFFICIENT" for name in RiskProfileView.model_fields if name.endswith("_status")}
    return RiskProfileView(**shown, **dict.fromkeys(set(RiskProfileView.model_fields) - set(shown)))


def some_holdings() -> list[ReviewedHoldingView]:
    total, left = TOTAL, 0.94
    holdings = []
    for i, (ticker, name) in enumerate(NAMES.items()):
        weight = left * 0.21
        left -= weight
        is_known = ticker != "T11"
        holdings.append(
            ReviewedHoldingView(
                security_id=i + 1,
                ticker=ticker,
                name=name,
                asset_type="EQUITY",
                quantity=Decimal(10 + i),
                value=Decimal(f"{total * weight:.2f}") if is_known else None,
                status="MISSING" if not is_known else "STALE" if ticker in ("NESN", "T10") else "PRICED",
                price_date=None if not is_known else LAST,
                stale_days=3 if ticker in ("NESN", "T10") else 0,
                fx_status="PRICED",
                weight=weight if is_known else None,
            )
        )
    return holdings


def a_risk() -> RiskBody:
    parts = [
        ComponentView(ticker=held.ticker, weight=held.weight, var=held.weight * 0.021, es=held.weight * 0.026)
        for held in some_holdings()
        if held.weight is not None
    ]
    hedge = parts[4].model_copy(update={"var": -0.0012, "es": -0.0015})
    return RiskBody(
        profiles=[a_profile("REALISED"), a_profile("CURRENT_WEIGHTS", 1.1)],
        components=[*parts[:4], hedge, *parts[5:]],
        backtest=BacktestView(
            exceptions=17, expected=12.6, n=252, likelihood_ratio=1.46, p_value=0.227, verdict="CONSISTENT"
        ),
        left_out=["T11"],
    )


def a_concentration() -> ConcentrationBody:
    labels = {
        "security": [held.ticker for held in some_holdings()][:9],
        "issuer": ["Apple Inc.", "Microsoft Corporation", "United States of America", "Nestlé S.A.", "Unclassified"],
        "sector": ["Information Technology", "Consumer Staples", "Financials", "Unclassified"],
        "country": ["United States", "Switzerland", "Germany", "Japan"],
        "currency": ["USD", "CHF", "EUR"],
        "asset_class": ["EQUITY", "BOND", "CASH"],
    }
    dimensions = []
    for name, found in labels.items():
        sizes = [0.55**i for i in range(len(found))]
        shares = [size / sum(sizes) for size in sizes]
        hhi = sum(share * share for share in shares)
        dimensions.append(
            DimensionView(
                dimension=name,
                hhi=hhi,
                effective_number=1 / hhi,
                top_5=sum(shares[:5]),
                top_10=sum(shares[:10]),
                groups=[GroupView(label=a, gross=b, net=b) for a, b in zip(found, shares, strict=True)],
            )
        )
    made = [
        ("security", "GROSS_WEIGHT", "AAPL", 0.452, 0.1, 0.2, "BREACH"),
        ("sector", "GROSS_WEIGHT", "Information Technology", 0.48, 0.4, 0.5, "WARN"),
        ("issuer", "NET_WEIGHT", None, None, 0.1, 0.2, "UNDEFINED"),
        ("security", "HHI", None, 0.081, 0.15, 0.25, "OK"),
        ("security", "TOP_10", None, 0.79, 0.8, 0.9, "OK"),
        *[("country", "GROSS_WEIGHT", f"Country {i}", 0.01 * i, 0.5, 0.7, "OK") for i in range(12)],
    ]
    names = ("dimension", "measure", "label", "value", "warn_at", "breach_at", "state")
    limits = [LimitView(**dict(zip(names, row, strict=True))) for row in made]
    return ConcentrationBody(
        exposure=ExposureView(status="OK", equity=TOTAL, gross=TOTAL, net=TOTAL, leverage=1.0),
        dimensions=dimensions,
        limits=limits,
        left_out=["T11"],
    )


def a_fan(years: int = 20) -> list[dict[str, float]]:
    z = {"p5": -1.645, "p10": -1.282, "p25": -0.674, "p50": 0.0, "p75": 0.674, "p90": 1.282, "p95": 1.645}
    return [
        {
            "step": float(step),
            "years": step / 12,
            **{name: TOTAL * 1.05 ** (step / 12) * 2.718 ** (0.13 * (step / 12) ** 0.5 * at) for name, at in z.items()},
            "mean": TOTAL * 1.058 ** (step / 12),
        }
        for step in range(years * 12 + 1)
    ]


def a_portfolio(name: str = "Retirement at 60") -> PortfolioView:
    return PortfolioView(
        portfolio_id=UUID(int=1),
        name=name,
        base_currency="USD",
        kind=PortfolioKind.INVESTMENT,
        time_zone="America/New_York",
        cost_method=CostMethod.AVCO,
        version=12,
        revision=1,
        cash=Decimal("11259.26"),
        last_business_date=LAST,
        archived_at=None,
        created_at=datetime(2020, 5, 1, tzinfo=UTC),
    )


def a_total(**changed: Any) -> PortfolioValueView:
    zeros = ("cost_basis", "realised", "inflow", "outflow", "income", "tax", "fees", "transfer_gain", "fx_gain")
    return PortfolioValueView(
        **{
            "business_date": LAST,
            "currency": "USD",
            "total_value": Decimal(f"{TOTAL:.2f}"),
            "positions_value": Decimal(f"{TOTAL - 11_259.26:.2f}"),
            "cash": Decimal("11259.26"),
            **dict.fromkeys(zeros, Decimal(0)),
            "status": "MISSING",
            "n_stale": 1,
            "n_missing": 1,
            "n_fx_stale": 0,
            "n_fx_missing": 0,
            "stale_days": 3,
            "coverage_pct": 98.9999,
            "twr_index": 1.8,
            **changed,
        }
    )


def a_review(**changed: Any) -> ReviewView:
    cash = [
        ReleasedCashView(
            currency=currency,
            balance=Decimal(balance),
            base_currency="USD",
            fx_rate=None,
            fx_status="PRICED",
            balance_base=Decimal(in_base),
        )
        for currency, balance, in_base in (("USD", "12000", "12000"), ("CHF", "-600", "-740.74"))
    ]
    return ReviewView(
        **{
            "release_id": 4711,
            "released_at": datetime(2026, 11, 21, 1, 30, tzinfo=UTC),
            "as_of": LAST,
            "portfolio": a_portfolio(),
            "day": LAST,
            "total": a_total(),
            "holdings": some_holdings(),
            "cash": cash,
            "benchmark": BenchmarkView(name="SP500", kind="PRICE_INDEX", description="S&P 500 Index"),
            "periods": [too_young(name) if name == "5Y" else a_period(name) for name in PERIODS],
            "risk": a_risk(),
            "concentration": a_concentration(),
            "curve": a_curve(),
            "fan": a_fan(),
            **changed,
        }
    )


def an_unknown_review(name: str = "New") -> ReviewView:
    """Return the review of a portfolio that the release does not know."""
    return a_review(
        portfolio=a_portfolio(name),
        day=None,
        total=None,
        holdings=(),
        cash=(),
        benchmark=None,
        periods=(),
        risk=None,
        concentration=None,
        curve=None,
        fan=None,
    )
