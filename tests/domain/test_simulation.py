"""The simulation against closed forms, within Monte Carlo standard errors, and its promises: bits, bounds, refusals."""

from math import exp, sqrt
from statistics import NormalDist

import numpy as np
import pytest

from domain.analytics.estimates.correlation import nearest_correlation
from domain.analytics.risk.ratios import max_drawdown
from domain.analytics.simulation.figures import PERCENTILES
from domain.analytics.simulation.inputs import SimulationInputs, SimulationSpec
from domain.analytics.simulation.kernel import paths_of
from domain.analytics.simulation.lanes import LANES, Lanes
from domain.analytics.simulation.models import Gaussian, StudentT
from domain.analytics.simulation.result import SimulationResult
from domain.analytics.simulation.result import simulate as simulate_model
from tests.yardsticks.simulations import final_values

STANDARD_NORMAL = NormalDist()
SIX = np.array([0.07, 0.03, 0.09, 0.0, -0.05, 0.12])


def inputs(values=(100.0,), mu=(0.07,), volatility=(0.15,), correlation=None, cash=0.0) -> SimulationInputs:
    matrix = np.eye(len(values)) if correlation is None else np.array(correlation, dtype=float)
    return SimulationInputs(np.array(values, float), np.array(mu, float), np.array(volatility, float), matrix, cash)


def six_securities() -> SimulationInputs:
    correlation = np.full((6, 6), 0.4) + 0.6 * np.eye(6)
    return inputs([5e3, 2e4, 1e3, 8e3, 4e3, 9e3], SIX, [0.2, 0.1, 0.5, 0.3, 0.25, 0.4], correlation, cash=2_500.0)


def spec(horizon_years=2, num_paths=3_000, seed=7, **other) -> SimulationSpec:
    return SimulationSpec(horizon_years, num_paths, seed, **other)


def simulate(given: SimulationInputs, asked: SimulationSpec, **other) -> SimulationResult:
    return simulate_model(given, Gaussian(), asked, **other)


def arrays_of(result: SimulationResult) -> list[np.ndarray]:
    return [result.fan, result.mean, result.probability_of_loss, result.sample_paths, result.sample_percentiles]


def test_ten_years_at_seven_per_cent_and_fifteen_volatility_as_in_the_rulebook():
    # RULEBOOK 11. One standard error of 100,000 paths: mean 0.32, median 0.34, P5 0.26, P95 1.26 (p(1-p) / density).
    result = simulate(inputs(), spec(10, 100_000, seed=1), workers=2)
    assert result.figures["mean"].value == pytest.approx(201.3753, abs=4 * 0.32)
    assert result.figures["median"].value == pytest.approx(179.9484, abs=4 * 0.34)
    assert result.figures["p5"].value == pytest.approx(82.4711, abs=4 * 0.26)
    assert result.figures["p95"].value == pytest.approx(392.6398, abs=4 * 1.26)


def test_ends_below_seventy_as_in_the_rulebook():
    # RULEBOOK 11: .0233. (Its "ever below 70", .1299, is watched continuously; these are yearly ends.)
    finals = final_values(inputs(), 10, 80, seed=2)
    assert np.mean(finals < 70) == pytest.approx(0.0233, abs=4 * sqrt(0.0233 * 0.9767 / len(finals)) + 5e-5)


def test_the_mean_of_a_correlated_portfolio_is_the_sum_of_its_means():
    given, paths = six_securities(), 40_000
    result = simulate(given, spec(5, paths), workers=2)
    grown = given.values * np.exp(5 * given.mu_annual)
    covariance = np.outer(given.volatility_annual, given.volatility_annual) * given.correlation
    deviation = sqrt(grown @ np.expm1(5 * covariance) @ grown)  # moments of a sum of lognormals
    assert abs(result.figures["mean"].value - (grown.sum() + given.cash)) < 4 * deviation / sqrt(paths)


def test_simulated_log_returns_have_the_correlation_and_volatility_that_went_in():
    given, paths = six_securities(), 1024 * 20
    ends = paths_of(given, Gaussian(), spec(1, paths, seed=5, steps_per_year=1)).ends
    returns = np.log(ends.astype(np.float64))
    error = 4 * 0.84 / sqrt(paths)  # se (1 - rho^2) / sqrt n
    assert np.corrcoef(returns) == pytest.approx(given.correlation, abs=error)
    assert returns.std(axis=1, ddof=1) == pytest.approx(given.volatility_annual, rel=4 / sqrt(2 * paths))


def test_normals_are_normal():
    lanes = Lanes(np.random.SeedSequence(9))
    z = np.concatenate([lanes.normals(np.empty((240, LANES), np.float32)).ravel() for _ in range(8)]).astype(np.float64)
    n = len(z)
    assert abs(z.mean()) < 4 / sqrt(n)
    assert abs((z**2).mean() - 1) < 4 * sqrt(2 / n)
    assert abs((z**3).mean()) < 4 * sqrt(15 / n)
    assert abs((z**4).mean() - 3) < 4 * sqrt(96 / n)
    for level in (-4.0, -3.0, -1.0, 0.5, 2.0, 3.5):
        p = STANDARD_NORMAL.cdf(level)
        assert abs(np.mean(z < level) - p) < 4 * sqrt(p * (1 - p) / n)


def test_neither_lanes_nor_the_rows_of_one_have_to_do_with_one_another():
    rows = Lanes(np.random.SeedSequence(9)).normals(np.empty((4_001, LANES), np.float32)).astype(np.float64)
    between_lanes = np.corrcoef(rows[:, ::16].T)[np.triu_indices(LANES // 16, 1)] * sqrt(len(rows))
    assert np.abs(between_lanes).max() < 5  # of 2,016 normals
    assert abs(between_lanes.std() - 1) < 4 / sqrt(2 * len(between_lanes))
    for lag in (1, 2, 3):
        assert abs((rows[lag:] * rows[:-lag]).mean()) < 4 / sqrt(rows[lag:].size)


def test_uniforms_are_uniform():
    uniform = Lanes(np.random.SeedSequence(3)).uniforms(np.empty((500, LANES), np.float32)).astype(np.float64).ravel()
    assert 0 < uniform.min() < uniform.max() < 1
    error = 4 * 0.3 / sqrt(len(uniform))
    assert [uniform.mean(), (uniform**2).mean()] == pytest.approx([1 / 2, 1 / 3], abs=error)


@pytest.mark.parametrize("workers", [2, 3])
def test_any_number_of_workers_gives_the_same_bits(workers):
    alone = simulate(six_securities(), spec(), workers=1)
    together = simulate(six_securities(), spec(), workers=workers)
    assert alone.figures == together.figures
    assert all(np.array_equal(one, other) for one, other in zip(arrays_of(alone), arrays_of(together), strict=True))


def test_another_seed_gives_other_arrays():
    one, other = simulate(six_securities(), spec(seed=7)), simulate(six_securities(), spec(seed=8))
    assert not np.array_equal(one.fan[1:], other.fan[1:])
    assert not np.array_equal(one.sample_paths[:, 1:], other.sample_paths[:, 1:])


def test_blocks_do_not_repeat_one_another():
    finals = final_values(inputs(), 1, 2, seed=4)
    assert len(np.intersect1d(finals[:1024], finals[1024:])) < 10


@pytest.mark.parametrize("horizon_years", [1, 5])
def test_the_fan_rises_with_the_percentile_and_starts_at_todays_value(horizon_years):
    result = simulate(six_securities(), spec(horizon_years))
    assert (np.diff(result.fan, axis=1) >= 0).all()
    assert result.fan.shape == (12 * horizon_years + 1, 7)
    assert (result.fan[0] == 49_500.0).all()
    assert result.mean[0] == 49_500.0
    assert result.probability_of_loss[0] == 0.0
    assert (result.sample_paths[:, 0] == 49_500.0).all()
    assert result.times_years[[0, 1, -1]] == pytest.approx([0, 1 / 12, horizon_years])


def test_with_fifty_paths_shown_whole_every_statistic_can_be_recomputed_from_them():
    # Ten years of six securities are three chunks of steps: nothing may be lost between them.
    result = simulate(six_securities(), spec(10, num_paths=50, sample_paths=50))
    paths, initial = result.sample_paths, 49_500.0
    assert len(np.unique(paths[:, -1])) == 50
    assert result.fan == pytest.approx(np.percentile(paths, PERCENTILES, axis=0).T, rel=1e-6)
    assert result.mean == pytest.approx(paths.mean(axis=0), rel=1e-6)
    assert result.probability_of_loss == pytest.approx((paths < initial).mean(axis=0))
    p5 = np.percentile(paths[:, -1], 5)
    assert result.figures["var_95"].value == pytest.approx(initial - p5, rel=1e-5)
    assert result.figures["es_95"].value == pytest.approx(initial - paths[:, -1][paths[:, -1] <= p5].mean(), rel=1e-5)


def test_falls_that_are_seen_at_the_steps_are_those_of_the_paths_shown():
    result = simulate_model(six_securities(), StudentT(5), spec(10, num_paths=50, sample_paths=50))
    depths = [max_drawdown(path).depth for path in result.sample_paths]
    assert not result.is_bridged
    assert result.figures["expected_max_drawdown"].value == pytest.approx(np.mean(depths), abs=1e-6)


@pytest.mark.parametrize("num_paths", [1, 2, 19, 20, 21, 1024, 1025])
def test_expected_shortfall_is_never_below_value_at_risk(num_paths):
    figures = simulate(inputs(mu=[-0.3]), spec(num_paths=num_paths)).figures
    assert figures["es_95"].value >= figures["var_95"].value > 0


def test_without_a_loss_there_is_no_value_at_risk_and_the_reason_is_said():
    for name in ("var_95", "es_95"):
        figure = simulate(inputs(volatility=[0.0]), spec()).figures[name]
        assert figure.value is None
        assert figure.reason


def test_sample_paths_end_at_evenly_spaced_percentiles():
    result = simulate(six_securities(), spec(num_paths=10_000))
    assert result.sample_percentiles == pytest.approx(np.arange(5, 100, 10))
    ends = dict(zip(result.sample_percentiles, result.sample_paths[:, -1], strict=True))
    for percentile in (5, 25, 75, 95):
        assert ends[percentile] == pytest.approx(result.fan[-1, PERCENTILES.index(percentile)], rel=0.01)


def test_there_are_no_more_sample_paths_than_paths_or_than_asked():
    assert simulate(inputs(), spec(num_paths=3)).sample_paths.shape == (3, 25)
    assert simulate(inputs(), spec(sample_paths=0)).sample_paths.shape == (0, 25)


def test_without_volatility_growth_compounds_exactly():
    given = inputs([60.0, 40.0], [0.07, -0.02], [0.0, 0.0], cash=10.0)
    result = simulate(given, spec(30, 100))
    exact = 60 * np.exp(0.07 * result.times_years) + 40 * np.exp(-0.02 * result.times_years) + 10
    assert result.fan == pytest.approx(np.repeat(exact[:, None], 7, axis=1), rel=1e-14)
    assert result.figures["expected_max_drawdown"].value == 0.0
    assert not result.probability_of_loss.any()


def test_a_certain_loss_is_a_loss_on_every_path():
    result = simulate(inputs([100.0], [-0.1], [0.0]), spec(1, 100))
    assert (result.probability_of_loss[1:] == 1).all()
    assert result.figures["var_95"].value == pytest.approx(100 * (1 - exp(-0.1)), rel=1e-12)
    assert result.figures["es_95"].value == pytest.approx(result.figures["var_95"].value, rel=1e-12)
    assert result.figures["expected_max_drawdown"].value == pytest.approx(1 - exp(-0.1), abs=1e-6)


@pytest.mark.parametrize("cash", [0.0, 100.1, 1e9 / 3])
def test_cash_alone_stays_flat(cash):
    result = simulate(inputs([], [], [], cash=cash), spec(num_paths=1_500))
    assert (result.fan == cash).all()
    assert (result.mean == cash).all()
    assert (result.sample_paths == cash).all()
    assert not result.probability_of_loss.any()
    assert result.figures["var_95"].value is None
    assert result.figures["expected_max_drawdown"].value == 0


def test_securities_without_value_are_left_out_whatever_their_numbers():
    with_it = inputs(
        [100.0, 0.0, 50.0],
        [0.07, np.nan, 0.02],
        [0.15, np.nan, 0.3],
        [[1, np.nan, 0.5], [np.nan, 1, np.nan], [0.5, np.nan, 1]],
    )
    without = inputs([100.0, 50.0], [0.07, 0.02], [0.15, 0.3], [[1, 0.5], [0.5, 1]])
    one, other = simulate(with_it, spec()), simulate(without, spec())
    assert all(np.array_equal(a, b) for a, b in zip(arrays_of(one), arrays_of(other), strict=True))


def test_a_security_without_volatility_needs_no_correlation():
    given = inputs([100.0, 50.0], [0.07, 0.02], [0.15, 0.0], [[1, np.nan], [np.nan, np.nan]])
    assert np.isfinite(simulate(given, spec()).fan).all()


def test_perfectly_correlated_securities_move_as_one():
    pair = inputs([60.0, 40.0], [0.07, 0.07], [0.15, 0.15], [[1, 1], [1, 1]])
    result = simulate(pair, spec(10, 40_000), workers=2)
    assert result.psd_distance == 0.0
    assert result.figures["median"].value == pytest.approx(179.9484, abs=4 * 0.54)  # RULEBOOK 11, as one security


def test_a_repaired_correlation_is_reported_with_its_distance():
    bad = [[1, 0.9, 0.7], [0.9, 1, 0.3], [0.7, 0.3, 1]]
    result = simulate(inputs([1.0, 1.0, 1.0], [0.0] * 3, [0.2] * 3, bad), spec())
    assert result.psd_distance == pytest.approx(0.0100196, abs=1e-7)  # from the matrices of the next test


def test_the_repair_is_the_spectral_one_of_the_literature():
    # Rebonato and Jaeckel (1999); digits as in QuantLib's test-suite/covariance.cpp, testRankReduction.
    bad = np.array([[1, 0.9, 0.7], [0.9, 1, 0.3], [0.7, 0.3, 1]])
    repaired, distance = nearest_correlation(bad)
    off_diagonal = repaired[[0, 0, 1], [1, 2, 2]]
    assert off_diagonal == pytest.approx([0.894024408508599, 0.696319066114392, 0.300969036104592], abs=1e-13)
    assert (np.diagonal(repaired) == 1).all()
    assert distance == pytest.approx(np.linalg.norm(repaired - bad))


def test_the_repair_is_hardly_farther_than_the_nearest_matrix_there_is():
    # Higham (2002), "Computing the nearest correlation matrix", section 4: distance 0.5278 for this matrix.
    bad = np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 1.0], [0.0, 1.0, 1.0]])
    repaired, distance = nearest_correlation(bad)
    assert 0.5278 <= distance < 0.54
    assert np.linalg.eigvalsh(repaired).min() > -1e-12


def test_a_valid_correlation_is_left_alone():
    valid = np.corrcoef(np.random.default_rng(1).standard_normal((8, 100)))
    repaired, distance = nearest_correlation(valid)
    assert repaired is valid
    assert distance == 0.0


@pytest.mark.parametrize(
    ("matrix", "named"),
    [
        ([[1, np.nan], [np.nan, 1]], "NaN"),
        ([[1, np.inf], [np.inf, 1]], "infinity"),
        ([[1, 0.5], [0.4, 1]], "not symmetric"),
        ([[1, 0.5], [0.5, 0.99]], "diagonal"),
        ([[1, 1.1], [1.1, 1]], "outside"),
        ([[1, 0.5, 0.2], [0.5, 1, 0.1]], "square"),
    ],
)
def test_what_is_no_correlation_matrix_is_refused_by_name(matrix, named):
    with pytest.raises(ValueError, match=named):
        nearest_correlation(np.array(matrix, dtype=float))


def test_a_simulation_refuses_what_is_no_correlation_matrix():
    with pytest.raises(ValueError, match="outside"):
        simulate(inputs([1.0, 1.0], [0.0, 0.0], [0.1, 0.1], [[1, 2], [2, 1]]), spec())


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"values": [-1.0]}, "values"),
        ({"values": [np.nan]}, "values"),
        ({"values": [np.inf]}, "values"),
        ({"mu": [np.nan]}, "mu_annual"),
        ({"mu": [0.1, 0.2]}, "mu_annual"),
        ({"volatility": [-0.1]}, "volatility_annual"),
        ({"volatility": [np.nan]}, "volatility_annual"),
        ({"correlation": [[1, 0], [0, 1]]}, "correlation"),
        ({"cash": np.nan}, "cash"),
        ({"cash": -100.0}, "cash"),
    ],
)
def test_inputs_that_cannot_be_are_refused_by_name(changed, named):
    with pytest.raises(ValueError, match=named):
        inputs(**changed)


@pytest.mark.parametrize(
    "changed",
    [
        {"horizon_years": 0},
        {"horizon_years": 31},
        {"num_paths": 0},
        {"num_paths": 100_001},
        {"sample_paths": -1},
        {"sample_paths": 51},
        {"steps_per_year": 0},
        {"seed": -1},
    ],
)
def test_specifications_out_of_range_are_refused_by_name(changed):
    with pytest.raises(ValueError, match=next(iter(changed))):
        spec(**changed)


def test_growth_that_single_precision_cannot_hold_is_refused():
    with pytest.raises(ValueError, match="mu_annual"):
        simulate(inputs(mu=[3.0]), spec(30))


def test_a_violent_but_possible_volatility_stays_finite():
    assert np.isfinite(simulate(inputs(volatility=[3.0]), spec(30)).fan).all()


def test_no_workers_is_refused():
    with pytest.raises(ValueError, match="workers"):
        simulate(inputs(), spec(), workers=0)


def test_overdrawn_cash_is_a_constant_debt():
    owing = simulate(inputs(cash=-40.0), spec())
    alone = simulate(inputs(), spec())
    assert owing.fan == pytest.approx(alone.fan - 40, rel=1e-5)


def test_each_block_is_reported_once_it_is_done():
    seen = []
    simulate(inputs(), spec(num_paths=3_000), workers=2, on_block=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_what_the_listener_raises_ends_the_simulation():
    seen = []

    def stop(done: int, total: int) -> None:
        seen.append(done)
        raise InterruptedError

    with pytest.raises(InterruptedError):
        simulate(inputs(), spec(num_paths=100_000), on_block=stop)
    assert seen == [1]
