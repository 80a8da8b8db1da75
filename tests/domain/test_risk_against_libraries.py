"""Risk and moments of the bundled market, against quantstats, SciPy and scikit-learn, conventions aligned.

Where a library means something else, the test says what is done to compare: quantstats' VaR is the parametric one, with
the sign of a return; scikit-learn's covariance divides by n.
"""

from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

from domain.analytics.estimates import moments
from domain.analytics.risk.benchmark import beta, information_ratio
from domain.analytics.risk.ratios import max_drawdown, sharpe, sortino, volatility_annual
from domain.analytics.risk.value_at_risk import Method, skew_and_excess_kurtosis, value_at_risk

PRICES = Path(__file__).parents[2] / "sample_data" / "price_daily.parquet"
MIXES = ("AAPL", "XOM", "equal weights")


@pytest.fixture(scope="module")
def closes() -> pd.DataFrame:
    prices = pd.read_parquet(PRICES)
    days = prices.assign(day=pd.to_datetime(prices.price_date), close=prices.close.astype(float))
    return days.pivot(index="day", columns="ticker", values="close")


@pytest.fixture(scope="module")
def returns(closes) -> pd.DataFrame:
    daily = closes.pct_change().iloc[1:]
    return daily.assign(**{"equal weights": daily.drop(columns="SP500").mean(axis=1)})


@pytest.fixture(scope="module")
def qs() -> ModuleType:
    """quantstats; imported where it is needed, for that takes two seconds, as SciPy and scikit-learn do."""
    import quantstats.stats

    return quantstats.stats


@pytest.fixture(scope="module")
def stats() -> ModuleType:
    import scipy.stats

    return scipy.stats


@pytest.mark.parametrize("mix", MIXES)
def test_volatility_sharpe_and_sortino_are_those_of_quantstats(qs, returns, mix: str) -> None:
    own = returns[mix]

    assert len(own) == 8_312
    assert volatility_annual(own.to_numpy()) == pytest.approx(qs.volatility(own), rel=1e-12)
    assert sharpe(own.to_numpy()) == pytest.approx(qs.sharpe(own), rel=1e-12)
    assert sortino(own.to_numpy()) == pytest.approx(qs.sortino(own), rel=1e-12)


@pytest.mark.parametrize("mix", MIXES)
def test_the_deepest_fall_is_that_of_quantstats(qs, returns, mix: str) -> None:
    index = np.concatenate([[1.0], (1 + returns[mix]).cumprod()])

    assert -max_drawdown(index).depth == pytest.approx(qs.max_drawdown(returns[mix]), rel=1e-12)


@pytest.mark.parametrize("mix", MIXES)
@pytest.mark.parametrize("confidence", [0.95, 0.99])
def test_parametric_value_at_risk_is_that_of_quantstats_and_its_shortfall_that_of_scipy(
    qs, stats, returns, mix: str, confidence: float
) -> None:
    found = value_at_risk(returns[mix].to_numpy(), confidence, 1, Method.PARAMETRIC)
    normal = stats.norm(returns[mix].mean(), returns[mix].std())
    beyond = normal.expect(ub=normal.ppf(1 - confidence), conditional=True)

    assert found.var == pytest.approx(-qs.value_at_risk(returns[mix], confidence=confidence), rel=1e-12)
    assert found.es == pytest.approx(-beyond, rel=1e-6)


@pytest.mark.parametrize("mix", MIXES)
@pytest.mark.parametrize("confidence", [0.95, 0.99])
def test_historical_value_at_risk_is_the_quantile_of_scipy(stats, returns, mix: str, confidence: float) -> None:
    losses = -returns[mix].to_numpy()
    at = stats.mstats.mquantiles(losses, confidence, alphap=1, betap=1)[0]  # type 7

    found = value_at_risk(returns[mix].to_numpy(), confidence)

    assert found.var == pytest.approx(at, rel=1e-12)
    assert found.es == pytest.approx(stats.tmean(losses, (at * (1 - 1e-12), None)), rel=1e-12)


@pytest.mark.parametrize("mix", MIXES)
def test_skewness_and_excess_kurtosis_are_those_of_scipy(stats, returns, mix: str) -> None:
    expected = (stats.skew(returns[mix]), stats.kurtosis(returns[mix]))

    assert skew_and_excess_kurtosis(returns[mix].to_numpy()) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("mix", MIXES)
def test_beta_is_scipys_slope_and_the_information_ratio_that_of_quantstats(qs, stats, returns, mix: str) -> None:
    market = returns["SP500"]

    assert beta(returns[mix].to_numpy(), market.to_numpy()) == pytest.approx(
        stats.linregress(market, returns[mix]).slope, rel=1e-12
    )
    assert information_ratio(returns[mix].to_numpy(), market.to_numpy()) == pytest.approx(
        qs.information_ratio(returns[mix], market) * np.sqrt(252),
        rel=1e-12,  # theirs is of a day
    )


def test_mu_is_the_drift_of_a_lognormal_that_scipy_fits(stats, closes) -> None:
    log_returns = np.log(closes).diff().iloc[1:]
    found = moments.drift_annual(log_returns.to_numpy())

    for place, ticker in enumerate(log_returns.columns):
        mean, deviation = stats.norm.fit(log_returns[ticker])  # the latter of ddof 0
        variance = deviation**2 * len(log_returns) / (len(log_returns) - 1)
        assert found[place] == pytest.approx(252 * (mean + variance / 2), rel=1e-9), ticker


def test_covariance_and_its_shrinkage_are_those_of_scikit_learn(closes) -> None:
    from sklearn.covariance import empirical_covariance, ledoit_wolf

    log_returns = np.log(closes).diff().iloc[1:].to_numpy()
    n = len(log_returns)
    matrix, shrinkage = moments.ledoit_wolf(log_returns)
    theirs, their_shrinkage = ledoit_wolf(log_returns)

    assert np.abs(moments.covariance(log_returns) * (n - 1) / n - empirical_covariance(log_returns)).max() < 1e-15
    assert np.abs(moments.covariance(log_returns) - np.cov(log_returns, rowvar=False)).max() < 1e-15
    assert shrinkage == pytest.approx(their_shrinkage, rel=1e-9)
    assert np.abs(matrix * (n - 1) / n - theirs).max() < 1e-12
