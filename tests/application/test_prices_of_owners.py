"""An owner's own prices in everything that is measured of the owner's portfolios, and in nothing of anybody else's."""

from contextlib import nullcontext
from uuid import UUID

import numpy as np
import pyarrow as pa
import pytest

from application.analytics.review import LakeAnalyticsRepository
from application.simulation_assumptions import assumptions
from application.simulation_parameters import LakeSimulationParamsRepository
from domain.analytics.estimates.moments import historical_moments
from domain.analytics.review import risk_of
from domain.errors import MissingParameters
from storage.lake.delta import Lake
from storage.lake.mounted import OWN_PRICES, mounted
from storage.lake.releases import Release
from tests.risk_release import AS_OF, Held, prices_of, publish_risk_release

OWNER, OTHER = "11111111-1111-4111-8111-111111111111", "33333333-3333-4333-8333-333333333333"
ANN, BEN = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa", "bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb"
LOGS = np.random.default_rng(3).normal(0, 0.01, (142, 3))
MOVES = 50 * np.exp(np.cumsum(LOGS, axis=0))
LISTED = Held(3, "LISTED", MOVES[:, 0], price_source="MARKET")
ANNS, BENS = Held(8, "UNLISTED", MOVES[:, 1]), Held(8, "UNLISTED", 2 * MOVES[:, 2])
QUOTED = Held(8, "UNLISTED", np.empty(0))


@pytest.fixture(scope="module")
def new_lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return Lake(str(tmp_path_factory.mktemp("lake")), lock=nullcontext)


@pytest.fixture(scope="module")
def release(new_lake: Lake) -> Release:
    """Both hold what nobody prices for all, and each says what it is worth."""
    own = [
        table.append_column("owner_id", pa.array([user] * table.num_rows))
        for user, held in ((ANN, ANNS), (BEN, BENS))
        for table in [prices_of(held)]
    ]
    portfolios = pa.table(
        {"portfolio_id": [OWNER, OTHER], "user_id": [ANN, BEN], "base_currency": ["USD", "USD"], "version": [1, 1]}
    )
    tables = {OWN_PRICES: pa.concat_tables(own), "raw/pg_portfolio": portfolios}
    held = {OWNER: {8: 100.0}, OTHER: {8: 100.0}}
    return publish_risk_release(new_lake, [LISTED, QUOTED], held, tables=tables)


@pytest.mark.parametrize(("portfolio", "column"), [(OWNER, 1), (OTHER, 2)])
def test_risk_quotes_and_parameters_are_of_the_owners_prices(
    new_lake: Lake, release: Release, portfolio: str, column: int
) -> None:
    together = LakeAnalyticsRepository.at(new_lake, release)
    reviewed = dict(together.get_reviewed_of([OWNER, OTHER], "USD", "SP500"))
    expected = historical_moments(LOGS[1:, column])
    simple = np.expm1(LOGS[1:, column])
    assert risk_of(reviewed[portfolio]).profiles[1].volatility == pytest.approx(simple.std(ddof=1) * 252**0.5, rel=1e-6)

    priced = together.of_portfolio(UUID(portfolio))
    last = (ANNS, BENS)[column - 1].closes[-1]
    quote = priced.get_price_for_date("UNLISTED", AS_OF)
    assert quote
    assert float(quote.close) == pytest.approx(last)
    assert float(priced.get_quotes().by_security[8].close) == pytest.approx(last)

    parameters = LakeSimulationParamsRepository(priced.mounted())
    (found,) = parameters.get_security_params([8])
    assert found.mu_annual == pytest.approx(expected.mu_annual, rel=1e-5)
    (estimate,) = parameters.estimates([8])
    assert (estimate["ticker"], estimate["n_observations"], estimate["forward_mu"]) == ("UNLISTED", 141, None)
    rows = assumptions(parameters, [8], model="gaussian", drift="historical", horizon_years=1).rows
    assert {row.source for row in rows if row.ticker == "UNLISTED" and row.source} == {OWN_PRICES}
    both = parameters.get_correlation([3, 8])
    assert both[0][1] == pytest.approx(np.corrcoef(LOGS[1:, [0, column]].T)[0, 1], abs=1e-6)


def test_for_nobody_in_particular_there_is_no_price_of_anybodys(new_lake: Lake, release: Release) -> None:
    for_all = mounted(new_lake, release)

    assert LakeAnalyticsRepository(lambda: for_all).get_price_for_date("UNLISTED", AS_OF) is None
    assert LakeAnalyticsRepository(lambda: for_all.of_owner("nobody")).get_price_source(8) is None
    with pytest.raises(MissingParameters):
        LakeSimulationParamsRepository(for_all).get_security_params([8])
    with pytest.raises(AssertionError, match="another's"):
        for_all.kept_columns("select close from marts.fact_price_daily")
