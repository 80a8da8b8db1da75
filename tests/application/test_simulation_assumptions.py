"""Assumptions of a simulation from a release: the default drift, its rates, its models, and a row for every number."""

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import replace
from datetime import date
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from application.portfolio_calibration import portfolio_records
from application.simulation_assumptions import Assumptions, assumptions
from application.simulation_parameters import LakeSimulationParamsRepository
from domain.analytics.estimates.split_returns import StatedSplit
from domain.analytics.fixed_income.curves import Curve
from domain.analytics.simulation.fitted import MODELS, SHARES
from domain.analytics.simulation.inputs import SimulationInputs, SimulationSpec
from domain.analytics.simulation.result import simulate
from domain.errors import InvalidInput, MissingParameters, Refusal
from pipelines.simulations.parameter_tables import HISTORICAL_MU, VOLATILITY, Returns, correlations, own_moments
from storage.bundled import long_series, market_index
from storage.lake.delta import Lake
from storage.lake.mounted import mounted
from tests.small_release import AS_OF, TABLES, release, rows_of

IDS, TICKERS = (7, 8, 9), ("DULL", "WILD", "YOUNG")
YIELDS = {3: 0.78, 12: 1.04, 60: 1.93, 120: 2.39}
DEFAULT = {"model": "gaussian", "drift": "posterior", "horizon_years": 10}


@cache
def market() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Fourteen years of days (d,), log returns (d, 3), of which the third's are of 2017 only, and the index's."""
    days, closes = market_index()
    index = np.append(np.nan, np.diff(np.log(closes)))
    known = (days > np.datetime64("2003-03-29")) & (days <= np.datetime64(AS_OF))
    days, index = days[known], index[known]
    noise = np.random.default_rng(17).normal(0, 1, (len(days), 3))
    moves = np.column_stack([0.5 * index, 1.8 * index, index]) + noise * [0.006, 0.02, 0.01] + [0.0002, 0.0008, 0]
    moves[days < np.datetime64("2017-01-01"), 2] = np.nan
    return days, moves, index


def tables(**changed: pa.Table) -> dict[str, pa.Table]:
    """The release's tables, `changed` by their last names; None leaves one out."""
    days, moves, _ = market()
    row, column = np.nonzero(~np.isnan(moves))
    prices = pa.table(
        {
            "security_id": pa.array(np.array(IDS)[column], pa.int64()),
            "price_date": days[row],
            "log_return": moves[row, column],
        }
    )
    window = days > np.datetime64(AS_OF) - np.timedelta64(0, "D") - 3652
    returns = Returns(np.array(IDS), days[window], moves[window])
    moments = returns.moments()
    months = np.datetime64("2007-01", "M") + np.arange(123)
    found = {
        "marts/dim_security": pa.table({"security_id": pa.array(IDS, pa.int64()), "ticker": list(TICKERS)}),
        "marts/dim_date": pa.table({"date_day": days, "is_trading_day": [True] * len(days)}),
        "marts/fact_price_daily": prices,
        "marts/security_historical_mu": own_moments(HISTORICAL_MU, returns, moments),
        "marts/security_volatility": own_moments(VOLATILITY, returns, moments),
        "marts/security_correlation": correlations(returns),
        "marts/security_forward_mu": targets({"DULL": 0.05}),
        "raw/yield_curve": curve(AS_OF),
        "raw/consumer_price": pa.table(
            {
                "series": ["CPILFESL"] * len(months),
                "index_month": months.astype("datetime64[D]"),
                "index_level": 200 * 1.002 ** np.arange(len(months)),
            }
        ),
    }
    return {name: changed.get(name.split("/")[1], table) for name, table in found.items()}


def targets(drifts: Mapping[str, float]) -> pa.Table:
    n = len(drifts)
    return pa.table(
        {
            "security_id": pa.array([IDS[TICKERS.index(ticker)] for ticker in drifts], pa.int64()),
            "mu_annual": pa.array(list(drifts.values()), pa.float64()),
            "method": ["ANALYST_MEAN"] * n,
            "target_as_of": pa.array([AS_OF] * n, pa.date32()),
            "reason": pa.nulls(n, pa.string()),
        }
    )


def curve(day: date) -> pa.Table:
    return pa.table(
        {
            "curve_date": pa.array([day] * len(YIELDS), pa.date32()),
            "tenor_months": list(YIELDS),
            "par_yield_pct": list(YIELDS.values()),
        }
    )


def published(folder: Path, changed: Mapping[str, Any], splits: Any = ()) -> LakeSimulationParamsRepository:
    """The parameters of a release of `tables(**changed)`."""
    lake = Lake(str(folder / "lake"), lock=nullcontext)
    small = {name: rows_of(TABLES[name]) for name in ("raw/pg_portfolio", "raw/pg_transaction_ledger")}
    made = {**small, **tables(**changed)}
    versions = {name: lake.publish(name, table).version for name, table in made.items() if table is not None}
    return LakeSimulationParamsRepository(mounted(lake, release(lake, versions)), splits)


@pytest.fixture(scope="module")
def plain(tmp_path_factory) -> LakeSimulationParamsRepository:
    return published(tmp_path_factory.mktemp("plain"), {})


@pytest.fixture
def parameters(tmp_path: Path, plain) -> Callable[..., LakeSimulationParamsRepository]:
    """The parameters of a release of the tables, or of `changed` ones."""

    def of(changed: Mapping[str, Any] | None = None, splits: Any = ()) -> LakeSimulationParamsRepository:
        return published(tmp_path, changed, splits) if changed else plain

    return of


@pytest.fixture
def assumed(parameters) -> Callable[..., Assumptions]:
    """The assumptions of a release of `tables(**changed)`."""

    def of(changed: Mapping[str, Any] | None = None, splits: Any = (), ids: Any = IDS[:2], **asked: Any) -> Assumptions:
        return assumptions(parameters(changed, splits), ids, **{**DEFAULT, **asked})

    return of


def row_of(found: Assumptions, name: str, ticker: str | None = None) -> Any:
    (row,) = [row for row in found.rows if (row.name, row.ticker) == (name, ticker)]
    return row


def test_the_default_drift_is_the_posterior_of_what_the_release_knows(assumed) -> None:
    found = assumed()

    days, moves, index = market()
    window = days > np.datetime64(AS_OF) - 3652
    zero = -np.log(Curve.of(AS_OF, YIELDS).discount(date(2027, 3, 29))) / 10
    for place, ticker in enumerate(TICKERS[:2]):
        mine = moves[window, place]
        s, of_all = mine.std(ddof=1) * np.sqrt(252), moves[:, place].std(ddof=1) * np.sqrt(252)
        beta = np.polyfit(index[window], mine, 1)[0]
        weight = 0.03**2 / (0.03**2 + s**2 / 10)
        mean = 252 * mine.mean() + s**2 / 2
        assert found.mu_annual[place] == pytest.approx((1 - weight) * (zero + 0.045 * beta) + weight * mean, rel=1e-3)
        assert found.mu_deviation[place] == pytest.approx(0.03 * np.sqrt(1 - weight), rel=1e-3)
        assert found.volatility_annual[place] == pytest.approx(np.sqrt((s**2 + of_all**2) / 2), rel=1e-3)
        assert row_of(found, "beta", ticker).value == pytest.approx(beta, rel=1e-3)
    assert (found.tickers, found.risk_free) == (TICKERS[:2], pytest.approx(zero))
    assert found.cash_rate == pytest.approx(4 * np.log(1 + 0.0078 / 4), rel=1e-2)


def test_every_number_is_a_row_with_its_window_and_table_and_a_matrix_is_its_hash(assumed) -> None:
    found = assumed()

    for place, ticker in enumerate(TICKERS[:2]):
        for name in ("mu_annual", "mu_deviation", "volatility_annual"):
            row = row_of(found, name, ticker)
            assert row.value == getattr(found, name)[place]
            assert (row.unit, row.window_end) == ("per year", AS_OF)
        assert row_of(found, "historical_mu", ticker).source == "marts/security_historical_mu"
        assert row_of(found, "volatility_all", ticker).window_start.year == 2003
        assert row_of(found, "volatility_window", ticker).window_start.year == 2007
    assert (row_of(found, "premium").value, row_of(found, "tau").value) == (0.045, 0.03)
    assert (row_of(found, "risk_free").source, row_of(found, "risk_free").window_end) == ("raw/yield_curve", AS_OF)
    matrix = row_of(found, "correlation")
    assert (matrix.value, matrix.shape) == (None, (2, 2))
    assert matrix.content_hash == sha256(found.correlation.tobytes()).hexdigest()
    assert len([row for row in found.rows if row.name == "correlation"]) == 1
    assert all(row.how for row in found.rows)


def test_drifts_are_as_chosen(assumed) -> None:
    historical, equilibrium = assumed(drift="historical"), assumed(drift="equilibrium")
    forward = assumed({"security_forward_mu": targets({"DULL": 0.05, "WILD": 0.11})}, drift="forward")
    given = assumed(drift="given", given={"WILD": 0.2, "DULL": 0.01})

    means = [row_of(historical, "historical_mu", ticker).value for ticker in TICKERS[:2]]
    assert (historical.mu_annual.tolist(), historical.mu_deviation.tolist()) == (means, [0, 0])
    betas = np.array([row_of(equilibrium, "beta", ticker).value for ticker in TICKERS[:2]])
    assert equilibrium.mu_annual == pytest.approx(equilibrium.risk_free + 0.045 * betas)
    assert equilibrium.mu_deviation.tolist() == [0.03, 0.03]
    assert (forward.mu_annual.tolist(), forward.mu_deviation.tolist()) == ([0.05, 0.11], [0, 0])
    assert (given.mu_annual.tolist(), given.mu_deviation.tolist()) == ([0.01, 0.2], [0, 0])
    assert row_of(given, "mu_annual", "WILD").how == "given: given by the owner"
    assert {tuple(one.volatility_annual) for one in (historical, equilibrium, forward, given)} == {
        tuple(assumed().volatility_annual)
    }


@pytest.mark.parametrize(
    ("asked", "refusal", "named"),
    [
        ({"drift": "forward"}, MissingParameters, "WILD"),
        ({"drift": "given", "given": {"WILD": 0.2}}, MissingParameters, "DULL"),
        ({"drift": "hope"}, InvalidInput, "posterior"),
        ({"model": "merton"}, InvalidInput, "student_t"),
        ({"ids": (7, 99)}, MissingParameters, "security 99"),
        ({"ids": (7, 9), "model": "block_bootstrap"}, InvalidInput, "block_bootstrap"),
    ],
    ids=["no target", "not given", "unknown drift", "unknown model", "unknown security", "too short"],
)
def test_what_is_not_known_is_refused_by_name(assumed, asked: Any, refusal: type[Refusal], named: str) -> None:
    with pytest.raises(refusal, match=named):
        assumed(**asked)


def test_without_a_curve_of_the_last_days_the_ten_year_yield_is_the_rate(assumed) -> None:
    series = long_series()
    before = float(series.long_rate[np.searchsorted(series.months, np.datetime64("2017-03", "M")) - 1])

    for changed in ({"yield_curve": None}, {"yield_curve": curve(date(2017, 3, 21))}):
        found = assumed(changed)
        assert found.risk_free == before
        assert row_of(found, "risk_free").source == "sample_data/sp500_monthly.parquet"
        assert row_of(found, "risk_free").window_end == date(2017, 2, 1)
        assert found.cash_rate == 0
    assert assumed({"yield_curve": curve(date(2017, 3, 22))}).risk_free != before


def test_without_any_rate_what_needs_one_is_refused_and_the_rest_is_not(assumed, monkeypatch) -> None:
    series = long_series()
    old = replace(series, **{name: getattr(series, name)[:1000] for name in series.__slots__})
    monkeypatch.setattr("application.simulation_assumptions.long_series", lambda: old)

    for drift in ("posterior", "equilibrium"):
        with pytest.raises(InvalidInput, match="risk-free"):
            assumed({"yield_curve": None}, drift=drift)
    found = assumed({"yield_curve": None}, drift="historical")
    assert (found.risk_free, row_of(found, "risk_free").value) == (None, None)


def test_inflation_is_ten_years_mean_of_dollars_or_none_with_the_reason(assumed) -> None:
    found = assumed()
    other, without = assumed(currency="EUR"), assumed({"consumer_price": None})

    assert (found.inflation_annual, found.inflation_reason) == (pytest.approx(12 * np.log(1.002)), None)
    assert row_of(found, "inflation_annual").window_end == date(2017, 2, 1), "a month that is over"
    for one, why in ((other, "EUR"), (without, "last year")):
        assert one.inflation_annual is None
        assert why in (one.inflation_reason or "")
        assert row_of(one, "inflation_annual").value is None
    assert (other.cash_rate, other.risk_free) == (0, found.risk_free)
    assert "no rate of EUR" in row_of(other, "risk_free").how


@pytest.mark.parametrize("model", MODELS)
def test_every_model_is_made_for_the_securities_and_simulates(assumed, model: str) -> None:
    found = assumed(model=model)

    inputs = SimulationInputs(
        np.array([60.0, 40.0]),
        found.mu_annual,
        found.volatility_annual,
        found.correlation,
        mu_deviation=found.mu_deviation,
        cash=10,
        cash_rate=found.cash_rate,
    )
    result = simulate(inputs, found.model, SimulationSpec(2, 1024, 5, inflation_annual=found.inflation_annual))
    assert found.model.name == model
    assert 60 < result.fan[-1, 0] < result.fan[-1, 3] < result.fan[-1, -1] < 400
    shown = {row.name for row in found.rows}
    expected = {
        "gaussian": set(),
        "student_t": {"df"},
        "block_bootstrap": {"mean_block", "returns"},
        "regime_switching": {"calm_stay", "crisis_stay", "calm_mean", "crisis_deviation", "loading"},
        "historical_sequences": {"returns"},
    }
    assert expected[model] <= shown
    if model == "student_t":
        assert row_of(found, "df").value == SHARES.df


@pytest.mark.parametrize("model", MODELS)
def test_cash_alone_earns_its_rate_under_every_model(assumed, model: str) -> None:
    found = assumed(model=model, ids=())

    inputs = SimulationInputs(*np.zeros((3, 0)), found.correlation, cash=100, cash_rate=found.cash_rate)
    end = simulate(inputs, found.model, SimulationSpec(2, 16, 5)).fan[-1]
    assert end == pytest.approx(100 * np.exp(2 * found.cash_rate))
    assert 0 < found.cash_rate < 0.01


def test_a_security_with_few_common_days_has_the_markets_beta(assumed) -> None:
    """Sixty returns are enough for a drift, but one of them is of a Saturday, on which there is no index."""
    few, enough = prices_of_young(58, [date(2017, 3, 25)]), prices_of_young(59, [date(2017, 3, 25)])

    beta = row_of(assumed(few, ids=IDS[2:]), "beta", "YOUNG")

    assert (beta.value, "1 below 60" in beta.how) == (1.0, True)
    assert row_of(assumed(enough, ids=IDS[2:]), "beta", "YOUNG").value not in (1.0, pytest.approx(1.0, abs=1e-6))


def prices_of_young(sessions: int, others: list[date]) -> dict[str, pa.Table]:
    """Its returns of the last sessions and of other days alone, and the estimates of a security with sixty."""
    days, moves, _ = market()
    of_days = sorted([*days[-sessions - 1 :].tolist(), *others])
    prices = pa.table(
        {
            "security_id": pa.array([9] * len(of_days), pa.int64()),
            "price_date": pa.array(of_days, pa.date32()),
            "log_return": np.resize(moves[-60:, 1], len(of_days)),
        }
    )
    returns = Returns(np.array(IDS), days[-61:], np.where(np.isnan(moves[-61:]), 0.01, moves[-61:]))
    estimates = [own_moments(mart, returns, returns.moments()) for mart in (HISTORICAL_MU, VOLATILITY)]
    return {
        "fact_price_daily": prices,
        "security_historical_mu": estimates[0],
        "security_volatility": estimates[1],
        "security_correlation": correlations(returns),
    }


def test_a_portfolios_own_split_is_in_all_that_its_security_moves(assumed) -> None:
    days = market()[0]
    halved = tables()["marts/fact_price_daily"].to_pylist()
    day = days[len(days) // 3].item()
    for row in halved:
        if row["security_id"] == 7 and row["price_date"] == day:
            row["log_return"] -= np.log(2)
    changed = {"fact_price_daily": pa.Table.from_pylist(halved, tables()["marts/fact_price_daily"].schema)}

    crashed = assumed(changed)
    healed = assumed(changed, splits=[StatedSplit(7, day, 2.0)])

    assert healed.volatility_annual[0] == pytest.approx(assumed().volatility_annual[0], rel=1e-3)
    assert crashed.volatility_annual[0] > 1.2 * healed.volatility_annual[0], "the control"


def test_a_portfolio_has_a_track_record_of_its_own_weights(parameters) -> None:
    of, values = parameters(), np.array([30.0, 10.0])

    rows = portfolio_records(of, IDS[:2], values, model="gaussian", drift="posterior", series="mine")

    assert [(row["series"], row["drift"], row["horizon_years"], row["span"]) for row in rows] == [
        ("mine", "posterior", 1, span) for span in ("ALL", "JUDGED")
    ]
    assert (rows[0]["n_starts"], rows[0]["n_separate"]) == (36, 3), (
        "of 167 whole months ten years are known, one to come"
    )
    assert str(rows[0]["first_start"]) == "2013-04-01"
    assert rows[0]["coverage_90"] > 0.8, "a market that moves as it did before"
    only_dull = portfolio_records(of, IDS[:1], values[:1], model="gaussian", drift="posterior", series="mine")
    assert only_dull[0]["crps_log"] < rows[0]["crps_log"], "what moves less is easier to foretell"


def test_a_portfolio_without_a_past_has_no_track_record(parameters) -> None:
    of, ones = parameters(), np.ones(2)

    with pytest.raises(InvalidInput, match="common years"):
        portfolio_records(of, (7, 9), ones, model="gaussian", drift="posterior", series="mine")
    with pytest.raises(InvalidInput, match="has no past"):
        portfolio_records(of, IDS[:2], ones, model="gaussian", drift="given", series="mine")
