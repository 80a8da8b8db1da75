"""Every number of the demo again, from its ledger over HTTP and the market's files, without any code of ours.

Amounts are whole numbers of 1e-8, as the demo trades whole units: so the sums are exact, and only the cash of a
trade is rounded, to a cent.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd
import pytest
from deltalake import DeltaTable

SAMPLE_DATA = Path(__file__).parents[2] / "sample_data"
AS_OF = date(2017, 3, 29)
CENT, A_CENT = Decimal("0.01"), 1_000_000
"""The least that can be paid, in dollars and in whole numbers of 1e-8: a trade is rounded to it, half up, once."""
UNIT = Decimal("0.00000001")


def units(amounts: Any) -> np.ndarray:
    """Decimals (or their text) as whole numbers of 1e-8."""
    return np.array([int(Decimal(amount).scaleb(8)) for amount in amounts], dtype=np.int64)


@dataclass(frozen=True)
class Recomputed:
    """The demo as pandas has it: calendar days down, securities across."""

    transactions: pd.DataFrame
    closes: pd.DataFrame
    sessions: pd.DatetimeIndex
    quantities: pd.DataFrame
    cash: pd.Series
    inflow: pd.Series
    outflow: pd.Series

    @property
    def positions(self) -> pd.DataFrame:
        return self.quantities * self.closes.reindex(self.quantities.index).ffill()[self.quantities.columns]

    @property
    def value(self) -> pd.Series:
        return self.cash + self.positions.sum(axis=1)

    @property
    def twr_index(self) -> pd.Series:
        begin = self.value.shift(1, fill_value=0)
        return ((self.value + self.outflow) / (begin + self.inflow)).cumprod()

    @property
    def log_returns(self) -> pd.DataFrame:
        """Log returns of everything held at the end, in the ten years up to the last day."""
        held = self.quantities.columns[self.quantities.iloc[-1] != 0]
        returns = np.log(self.closes[held].astype(float)).diff()
        return returns[returns.index > pd.Timestamp(AS_OF) - pd.DateOffset(years=10)]


@pytest.fixture(scope="module")
def recomputed(platform_home) -> Recomputed:
    with platform_home.client() as client:
        answer = client.get(f"/portfolios/{platform_home.portfolio_id}/transactions", params={"limit": 1000}).json()
    assert answer["next_cursor"] is None
    transactions = pd.DataFrame(answer["items"]).sort_values(["event_ts", "seq"])
    transactions["day"] = pd.to_datetime(transactions.business_date)
    prices = pd.read_parquet(SAMPLE_DATA / "price_daily.parquet")
    prices = prices[prices.price_date <= AS_OF]
    closes = prices.assign(day=pd.to_datetime(prices.price_date), units=units(prices.close))
    closes = closes.pivot(index="day", columns="ticker", values="units")
    days = pd.date_range(transactions.day.min(), AS_OF)
    trades = transactions[transactions.ticker.notna()]
    traded = trades.assign(units=trades.quantity.astype(int)).pivot_table(
        index="day", columns="ticker", values="units", aggfunc="sum", fill_value=0
    )

    def by_day(rows: pd.DataFrame, amounts: np.ndarray) -> pd.Series:
        return pd.Series(amounts, rows.day).groupby(level=0).sum().reindex(days, fill_value=0)

    moved = transactions[transactions.ticker.isna()]
    exact = -(trades.quantity.astype(int) * units(trades.price)) - units(trades.fees)
    paid = np.sign(exact) * ((np.abs(exact) + A_CENT // 2) // A_CENT * A_CENT)
    given, taken = moved[moved.type == "DEPOSIT"], moved[moved.type == "WITHDRAW"]
    return Recomputed(
        transactions,
        closes,
        closes.index,
        traded.reindex(days, fill_value=0).cumsum(),
        (by_day(trades, paid.to_numpy()) + by_day(moved, units(moved.cash_effect))).cumsum(),
        by_day(given, units(given.cash_effect)),
        -by_day(taken, units(taken.cash_effect)),
    )


@pytest.fixture(scope="module")
def released(platform_home):
    """Reads a table of the newest release with deltalake alone; of a table by portfolio, the rows of this one."""

    def read(table: str) -> pd.DataFrame:
        version = platform_home.head.versions[table]
        rows = DeltaTable(f"{platform_home.settings.lake}/{table}", version=version).to_pyarrow_table().to_pandas()
        return rows[rows.portfolio_id == platform_home.portfolio_id] if "portfolio_id" in rows else rows

    return read


@pytest.fixture(scope="module")
def performance(released) -> dict[str, Any]:
    (row,) = (
        released("marts/fact_performance")
        .query("level == 'PORTFOLIO' and period == 'SINCE_INCEPTION'")
        .to_dict("records")
    )
    return row


@pytest.fixture(scope="module")
def realised(released) -> dict[str, Any]:
    (row,) = released("marts/fact_risk").query("basis == 'REALISED'").to_dict("records")
    return row


@pytest.fixture(scope="module")
def tickers(released) -> dict[int, str]:
    securities = released("marts/dim_security")
    return dict(zip(securities.security_id, securities.ticker, strict=True))


@pytest.fixture(scope="module")
def review(platform_home) -> dict[str, Any]:
    with platform_home.client() as client:
        found: dict[str, Any] = client.get(f"/portfolios/{platform_home.portfolio_id}/review").json()
    return found


@pytest.fixture(scope="module")
def index_of_500() -> pd.Series:
    prices = pd.read_parquet(SAMPLE_DATA / "price_daily.parquet").query("ticker == 'SP500DIV'")
    return pd.Series(prices.close.astype(float).to_numpy(), pd.to_datetime(prices.price_date)).loc[: str(AS_OF)]


@pytest.fixture(scope="module")
def sessions(recomputed, index_of_500) -> pd.DataFrame:
    """Returns from session to session: the portfolio's, the index's, and those without risk."""
    curve = pd.read_parquet(SAMPLE_DATA / "yield_curve.parquet").query("tenor_months == 3")
    yields = pd.Series(curve.par_yield_pct.astype(float).to_numpy(), pd.to_datetime(curve.curve_date))
    own = recomputed.twr_index.reindex(recomputed.sessions).pct_change()
    free = yields.reindex(own.index, method="ffill", tolerance=pd.Timedelta(days=7)) / 100 / 252
    return pd.DataFrame({"own": own, "market": index_of_500.pct_change(), "free": free}).iloc[1:]


def test_cash_and_value_of_every_day_are_exact(recomputed, released) -> None:
    days = released("marts/fact_portfolio_value_daily").sort_values("business_date")

    assert list(days.business_date) == [day.date() for day in recomputed.value.index]
    assert len(days) == 9_949
    assert (units(days.cash) == recomputed.cash).all()
    assert (units(days.total_value) == recomputed.value).all()
    assert (units(days.inflow) == recomputed.inflow).all()
    assert (units(days.outflow) == recomputed.outflow).all()
    assert days.n_missing.eq(0).all()


def test_quantity_and_value_of_every_position_and_day_are_exact(recomputed, released, tickers) -> None:
    rows = released("marts/fact_position_daily")
    shown = rows.assign(
        day=pd.to_datetime(rows.business_date),
        ticker=rows.security_id.map(tickers),
        quantity=units(rows.quantity) // 10**8,
        market_value=units(rows.market_value),
    ).set_index(["day", "ticker"])
    expected = recomputed.quantities.stack()
    expected = expected[expected != 0]

    assert set(shown.index) == set(expected.index)
    assert (shown.quantity == expected.reindex(shown.index)).all()
    assert (shown.market_value == recomputed.positions.stack().reindex(shown.index)).all()


def test_every_position_is_priced_by_a_session_not_after_the_day(recomputed, released) -> None:
    rows = released("marts/fact_position_daily")

    assert set(rows.status) == {"PRICED"}, "the bundled market has a close on every session"
    assert set(rows.price_date) <= {day.date() for day in recomputed.sessions}
    assert (rows.price_date <= rows.business_date).all()


def test_twr_links_daily_returns(recomputed, performance) -> None:
    twr = recomputed.twr_index.iloc[-1] - 1
    days = (AS_OF - recomputed.value.index[0].date()).days

    assert performance["twr"] == pytest.approx(twr, rel=1e-9)
    assert performance["twr_annual"] == pytest.approx((1 + twr) ** (365 / days) - 1, rel=1e-9)


def test_volatility_is_of_returns_between_sessions(recomputed, realised) -> None:
    returns = recomputed.twr_index.reindex(recomputed.sessions).pct_change()

    assert realised["volatility"] == pytest.approx(returns.std(ddof=1) * np.sqrt(252), abs=1e-9)


def test_sharpe_is_over_the_three_month_curve(recomputed, realised) -> None:
    returns = recomputed.twr_index.reindex(recomputed.sessions).pct_change()
    curve = pd.read_parquet(SAMPLE_DATA / "yield_curve.parquet").query("tenor_months == 3")
    yields = pd.Series(curve.par_yield_pct.astype(float).to_numpy(), pd.to_datetime(curve.curve_date))
    daily = yields.reindex(returns.index, method="ffill", tolerance=pd.Timedelta(days=7)) / 100 / 252
    excess = returns - daily

    assert realised["sharpe"] == pytest.approx(excess.mean() / excess.std(ddof=1) * np.sqrt(252), abs=1e-9)


def test_the_deepest_drawdown_has_its_peak_trough_and_recovery(recomputed, realised) -> None:
    index = recomputed.twr_index
    fall = index / index.cummax() - 1
    trough = fall.idxmin()
    peak = index[:trough].idxmax()
    recovery = index[trough:][index[trough:] >= index[peak]].index[0]

    assert realised["max_drawdown"] == pytest.approx(fall.min(), abs=1e-9)
    assert [realised[name] for name in ("peak", "trough", "recovery")] == [
        day.date() for day in (peak, trough, recovery)
    ]


def test_xirr_by_bisection(recomputed, performance) -> None:
    flows = (recomputed.outflow - recomputed.inflow).astype(float)
    flows.iloc[-1] += recomputed.value.iloc[-1]
    flows = flows[flows != 0]
    years = np.array([(day - flows.index[0]).days / 365 for day in flows.index])
    low, high = 0.0, 1.0
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if (flows / (1 + middle) ** years).sum() > 0 else (low, middle)

    assert performance["xirr"] == pytest.approx(low, abs=1e-8)
    assert performance["xirr_status"] == "OK"
    assert performance["net_contributions"] == Decimal(int((recomputed.inflow - recomputed.outflow).sum())) * UNIT


def test_average_cost_and_realised_gain_are_exact(recomputed, released, tickers) -> None:
    def rounded(amount: Decimal) -> Decimal:
        return amount.quantize(UNIT, rounding=ROUND_HALF_UP)

    held: dict[str, list[Decimal]] = defaultdict(lambda: [Decimal(0)] * 3)  # quantity, cost, realised
    for row in recomputed.transactions.dropna(subset="ticker").itertuples():
        quantity, cost, realised = held[row.ticker]
        units_traded, price, fees = Decimal(row.quantity), Decimal(row.price), Decimal(row.fees)
        cash = (-units_traded * price - fees).quantize(CENT, rounding=ROUND_HALF_UP)
        if units_traded > 0:
            cost -= cash
        else:
            relieved = cost if -units_traded == quantity else rounded(cost * -units_traded / quantity)
            realised += cash - relieved
            cost -= relieved
        held[row.ticker] = [quantity + units_traded, cost, realised]

    intervals = released("positions/position_interval")
    last = intervals[intervals.valid_to.isna()]
    assert {
        tickers[row.security_id]: (row.quantity, row.cost_basis, row.realised, row.avg_cost)
        for row in last.itertuples()
    } == {
        ticker: (quantity, cost, realised, rounded(cost / quantity) if quantity else Decimal(0))
        for ticker, (quantity, cost, realised) in held.items()
    }


def test_volatility_and_mu_of_what_is_held(recomputed, released, tickers) -> None:
    returns = recomputed.log_returns
    volatility = released("marts/security_volatility").set_index("security_id").rename(index=tickers)
    mu = released("marts/security_historical_mu").set_index("security_id").rename(index=tickers)

    assert len(returns.columns) == 15
    for ticker, own in returns.items():
        assert volatility.volatility_annual[ticker] == pytest.approx(own.std(ddof=1) * np.sqrt(252), abs=1e-12)
        assert mu.mu_annual[ticker] == pytest.approx(252 * own.mean() + 252 * own.var(ddof=1) / 2, abs=1e-12)
        assert volatility.n_observations[ticker] == mu.n_observations[ticker] == own.count()
        assert volatility.window_start[ticker] == own.index[0].date() > AS_OF - timedelta(days=3_653)


def test_correlation_of_what_is_held(recomputed, released, tickers) -> None:
    rows = released("marts/security_correlation")
    shown = rows.pivot(index="security_id_a", columns="security_id_b", values="correlation")
    shown = shown.rename(index=tickers, columns=tickers)
    rounded = (recomputed.log_returns * 2**24).round().corr()

    assert np.abs(shown.loc[rounded.index, rounded.columns] - rounded).to_numpy().max() < 1e-12
    assert np.abs(rounded - recomputed.log_returns.corr()).to_numpy().max() < 3e-7


@pytest.mark.parametrize(
    ("period", "start"),
    [
        ("1D", "2017-03-28"),
        ("1W", "2017-03-22"),
        ("MTD", "2017-02-28"),
        ("3M", "2016-12-29"),
        ("YTD", "2016-12-31"),
        ("1Y", "2016-03-29"),
        ("3Y", "2014-03-29"),
        ("5Y", "2012-03-29"),
    ],
)
def test_the_return_of_a_period_and_of_the_same_flows_in_the_index(
    recomputed, review, index_of_500, period: str, start: str
) -> None:
    (shown,) = [one for one in review["periods"] if one["period"] == period]
    index, end = recomputed.twr_index, pd.Timestamp(AS_OF)
    daily = index_of_500.reindex(index.index, method="ffill").pct_change()[start:].iloc[1:]
    would_be = float(recomputed.value[start]) / 1e8
    for day, earned in daily.items():
        would_be = (would_be + recomputed.inflow[day] / 1e8) * (1 + earned) - recomputed.outflow[day] / 1e8

    assert shown["start"] == start
    assert shown["twr"] == pytest.approx(index[end] / index[start] - 1, rel=1e-9)
    assert Decimal(shown["begin_value"]) == (Decimal(int(recomputed.value[start])) * UNIT).quantize(
        Decimal("0.01"), ROUND_HALF_UP
    )
    assert shown["benchmark_twr"] == pytest.approx((1 + daily).prod() - 1, rel=1e-9)
    assert float(shown["benchmark_value"]) == pytest.approx(would_be, abs=0.01)


def test_realised_risk(review, sessions) -> None:
    (shown,) = [profile for profile in review["risk"]["profiles"] if profile["basis"] == "REALISED"]
    excess, market = sessions.own - sessions.free, sessions.market - sessions.free
    slope = excess.cov(market) / market.var()
    active = sessions.own - sessions.market
    downside = np.sqrt((excess.clip(upper=0) ** 2).mean())

    assert shown["n"] == len(sessions)
    assert {name: shown[name] for name in ("sortino", "downside_deviation", "beta", "alpha")} == {
        "sortino": pytest.approx(excess.mean() / downside * np.sqrt(252), abs=1e-9),
        "downside_deviation": pytest.approx(downside * np.sqrt(252), abs=1e-9),
        "beta": pytest.approx(slope, abs=1e-9),
        "alpha": pytest.approx((excess.mean() - slope * market.mean()) * 252, abs=1e-9),
    }
    assert shown["tracking_error"] == pytest.approx(active.std() * np.sqrt(252), abs=1e-9)
    assert shown["information_ratio"] == pytest.approx(active.mean() / active.std() * np.sqrt(252), abs=1e-9)


@pytest.mark.parametrize("confidence", [0.95, 0.99])
@pytest.mark.parametrize("days", [1, 10])
def test_value_at_risk_and_expected_shortfall(review, sessions, confidence: float, days: int) -> None:
    (profile,) = [profile for profile in review["risk"]["profiles"] if profile["basis"] == "REALISED"]
    asked = [tail for tail in profile["tails"] if (tail["confidence"], tail["horizon_days"]) == (confidence, days)]
    shown = {tail["method"]: tail for tail in asked}
    losses = -((1 + sessions.own).rolling(days).apply(np.prod, raw=True).dropna() - 1)
    at = losses.quantile(confidence)
    z = NormalDist().inv_cdf(confidence)
    mean, deviation = sessions.own.mean() * days, sessions.own.std() * np.sqrt(days)

    assert shown["HISTORICAL"]["n"] == len(losses)
    assert shown["HISTORICAL"]["var"] == pytest.approx(at, abs=1e-9)
    assert shown["HISTORICAL"]["es"] == pytest.approx(losses[losses >= at].mean(), abs=1e-9)
    assert shown["PARAMETRIC"]["var"] == pytest.approx(z * deviation - mean, abs=1e-9)
    shortfall = NormalDist().pdf(z) / (1 - confidence)
    assert shown["PARAMETRIC"]["es"] == pytest.approx(shortfall * deviation - mean, abs=1e-9)


def test_risk_of_todays_weights_and_whose_it_is(recomputed, review) -> None:
    (shown,) = [profile for profile in review["risk"]["profiles"] if profile["basis"] == "CURRENT_WEIGHTS"]
    weights = (recomputed.positions.iloc[-1] / recomputed.value.iloc[-1]).loc[lambda held: held > 0]
    returns = recomputed.closes[weights.index].astype(float).pct_change().loc["2007-03-29":].iloc[1:]
    deviation = np.sqrt(weights @ returns.cov() @ weights)
    parts = weights * ((returns.cov() @ weights) / deviation * NormalDist().inv_cdf(0.95) - returns.mean())

    assert shown["volatility"] == pytest.approx((returns @ weights).std() * np.sqrt(252), abs=1e-9)
    assert {part["ticker"]: part["var"] for part in review["risk"]["components"]} == {
        ticker: pytest.approx(part, abs=1e-9) for ticker, part in parts.items()
    }
    (whole,) = [
        tail
        for tail in shown["tails"]
        if (tail["method"], tail["confidence"], tail["horizon_days"]) == ("PARAMETRIC", 0.95, 1)
    ]
    for name in ("var", "es"):
        assert sum(part[name] for part in review["risk"]["components"]) == pytest.approx(whole[name], abs=1e-12)


def test_concentration(recomputed, review) -> None:
    sectors = pd.read_csv(SAMPLE_DATA / "securities.csv").set_index("ticker").sector
    held = recomputed.positions.iloc[-1].loc[lambda values: values > 0].astype(float)
    shares = pd.concat([held, pd.Series({"Cash": float(recomputed.cash.iloc[-1])})]) / recomputed.value.iloc[-1]
    by_sector = shares.groupby(lambda ticker: sectors.get(ticker, "Cash")).sum()
    shown = {one["dimension"]: one for one in review["concentration"]["dimensions"]}

    assert shown["security"]["hhi"] == pytest.approx((shares**2).sum(), abs=1e-9)
    assert shown["security"]["top_5"] == pytest.approx(shares.nlargest(5).sum(), abs=1e-9)
    assert shown["sector"]["effective_number"] == pytest.approx(1 / (by_sector**2).sum(), abs=1e-9)
    assert {group["label"]: group["gross"] for group in shown["sector"]["groups"]} == {
        sector: pytest.approx(share, abs=1e-9) for sector, share in by_sector.items()
    }


@pytest.mark.parametrize(("period", "start"), [("1Y", "2016-03-30"), ("5Y", "2012-03-30"), ("SINCE_INCEPTION", None)])
def test_contributions(recomputed, review, period: str, start: str | None) -> None:
    """Each holding's gains over the day's capital, on what had grown by then; with the rest they are the return."""
    rows = recomputed.transactions.dropna(subset="ticker")
    exact = [-Decimal(row.quantity) * Decimal(row.price) - Decimal(row.fees) for row in rows.itertuples()]
    paid = pd.Series([float(one.quantize(CENT, rounding=ROUND_HALF_UP)) for one in exact], rows.index)
    cash = paid.groupby([rows.day, rows.ticker]).sum().unstack(fill_value=0.0)
    held = recomputed.positions.fillna(0) / 1e8
    gains = held.diff().fillna(held.iloc[:1]).add(cash.reindex(index=held.index, columns=held.columns), fill_value=0.0)
    capital = (recomputed.value.shift(1, fill_value=0) + recomputed.inflow) / 1e8
    begin = recomputed.twr_index.shift(1, fill_value=1.0)[start:]
    growth = begin / begin.iloc[0] / capital[start:]
    others = recomputed.transactions.query("ticker.isna() and type not in ['DEPOSIT', 'WITHDRAW']")
    unheld = others.cash_effect.astype(float).groupby(others.day).sum().reindex(growth.index, fill_value=0.0)
    (shown,) = [one for one in review["contributions"] if one["period"] == period]

    parts = gains[start:].mul(growth, axis=0).sum()
    assert {part["ticker"]: part["contribution"] for part in shown["parts"]} == {
        ticker: pytest.approx(part, abs=1e-9) for ticker, part in parts.items() if part
    }
    assert shown["other"] == pytest.approx((unheld * growth).sum(), abs=1e-9)
    assert shown["other"] + sum(part["contribution"] for part in shown["parts"]) == pytest.approx(
        shown["twr"], abs=1e-9
    )
