"""Risk of today's weights of shares, of bonds, and of both in other currencies; and what it leaves out."""

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pyarrow as pa
import pytest

from application.analytics.review import LakeAnalyticsRepository
from domain.analytics.review import PortfolioRisk, risk_of
from domain.analytics.risk.profile import RiskProfile
from storage.lake.delta import Lake
from tests.risk_release import AS_OF, SESSIONS, Held, publish_risk_release

OWNER = "11111111-1111-4111-8111-111111111111"
LOGS = np.random.default_rng(4).normal(0, 0.01, (142, 3))
PRICES = np.round(100 * np.exp(np.cumsum(LOGS, axis=0)), 8)
HOME, ABROAD = Held(1, "HOME", PRICES[:, 0]), Held(2, "ABROAD", PRICES[:, 1], "EUR")
QUIET = Held(3, "QUIET", np.full(1, 10.0))
USD_PER_EUR = np.round(1.1 * np.exp(np.cumsum(LOGS[:, 2] / 2)), 8)
RATES = {"USD": USD_PER_EUR, "EUR": np.ones(142)}
YIELDS = np.round(2 + np.cumsum(LOGS[:, 2]) * 10, 6)
MATURITY = date(2022, 3, 1)
CURVE = pa.table(
    {
        "curve_date": pa.array(SESSIONS.tolist(), pa.date32()),
        "tenor_months": pa.array([6] * 142, pa.int64()),
        "par_yield_pct": pa.array([Decimal(str(one)) for one in YIELDS.tolist()], pa.decimal128(18, 8)),
    }
)


def terms(security_id: int, **changed: Any) -> pa.Table:
    """A zero-coupon bond that matures on `MATURITY`."""
    known = {
        **{"security_id": security_id, "maturity_date": MATURITY, "coupon_rate_pct": Decimal(0)},
        **{"day_count": "ACT/365F", "coupon_frequency": None, "issuer": "A", "issuer_class": "SOVEREIGN"},
        **{"issue_date": date(2016, 3, 1), "first_coupon_date": None, "denomination": None, "spread_bps": None},
    }
    return pa.Table.from_pylist([{**known, **changed}])


def bond(security_id: int = 9, currency: str = "USD", source: str = "CURVE") -> Held:
    closes = np.full(142, 80.0) if source != "CURVE" else np.full(1, 80.0)
    return Held(security_id, f"B{security_id}", closes, currency, "BOND", source)


@pytest.fixture
def risk(tmp_path: Path) -> Callable[..., PortfolioRisk]:
    lake = Lake(str(tmp_path / "lake"), lock=nullcontext)

    def of(values: Mapping[Held, float], cash: Mapping[str, float] | None = None, **published: Any) -> PortfolioRisk:
        held = {one.security_id: value for one, value in values.items()}
        publish_risk_release(lake, list(values), {OWNER: held}, cash={OWNER: cash or {}}, rates=RATES, **published)
        found = LakeAnalyticsRepository.newest(lake).get_reviewed(UUID(OWNER), "USD", "SP500")
        assert found is not None
        return risk_of(found)

    return of


def weights(found: PortfolioRisk) -> RiskProfile:
    return found.profiles[1]


def volatility(returns: np.ndarray) -> float:
    return float(np.std(returns, ddof=1) * np.sqrt(252))


def bond_returns() -> np.ndarray:
    """By definition: one payment, discounted by half a year's yield carried on, so many days ahead as it is on the last
    day, and at the start of a step as many more as the step takes."""
    halves = np.array([(np.datetime64(one, "M") + 6).astype("datetime64[D]") for one in SESSIONS])
    halves += (SESSIONS - SESSIONS.astype("datetime64[M]").astype("datetime64[D]")).astype(int)
    last = (SESSIONS.astype("datetime64[M]") + 7).astype("datetime64[D]") - np.timedelta64(1, "D")
    ends = (np.minimum(halves, last) - SESSIONS).astype(int)
    daily = np.log(1 + YIELDS / 200) / ends
    ahead, steps = (MATURITY - AS_OF).days, np.diff(SESSIONS).astype(int)
    return np.exp(daily[:-1] * (ahead + steps) - daily[1:] * ahead) - 1


def test_a_share_in_another_currency_moves_with_its_price_and_its_rate(risk) -> None:
    found = risk({HOME: 60, ABROAD: 40})
    home, abroad = (
        PRICES[1:, 0] / PRICES[:-1, 0] - 1,
        np.diff(PRICES[:, 1] * USD_PER_EUR) / (PRICES[:-1, 1] * USD_PER_EUR[:-1]),
    )

    assert (weights(found).status, weights(found).coverage, weights(found).n) == ("OK", 1, 141)
    assert weights(found).volatility == pytest.approx(volatility(0.6 * home + 0.4 * abroad), rel=1e-6)
    assert found.left_out == ()


def test_cash_in_another_currency_moves_with_its_rate_and_in_ones_own_not_at_all(risk) -> None:
    found = risk({HOME: 50}, {"EUR": 25, "USD": 25})
    home, rate = PRICES[1:, 0] / PRICES[:-1, 0] - 1, USD_PER_EUR[1:] / USD_PER_EUR[:-1] - 1

    assert weights(found).volatility == pytest.approx(volatility(0.5 * home + 0.25 * rate), rel=1e-6)
    assert [one.ticker for one in found.components] == ["HOME", "EUR cash"]


def test_a_bond_is_repriced_along_past_curves(risk) -> None:
    found = risk({bond(): 100}, tables={"raw/pg_bond_details": terms(9), "raw/yield_curve": CURVE})

    assert (weights(found).status, weights(found).coverage, weights(found).n) == ("OK", 1, 141)
    assert weights(found).volatility == pytest.approx(volatility(bond_returns()), rel=1e-6)


def test_a_companys_bond_with_a_price_and_no_spread_is_repriced_at_that_of_its_price(risk) -> None:
    """A spread that stays moves nothing, so that returns are those of the curve."""
    corporate = terms(9, issuer_class="CORPORATE")
    found = risk({bond(source="POSTED"): 100}, tables={"raw/pg_bond_details": corporate, "raw/yield_curve": CURVE})

    assert (weights(found).status, weights(found).coverage) == ("OK", 1)
    assert weights(found).volatility == pytest.approx(volatility(bond_returns()), rel=1e-2)


@pytest.mark.parametrize(
    ("held", "facts"),
    [
        (bond(currency="EUR"), {}),  # there is no curve of euros
        (bond(), {"issuer_class": "CORPORATE"}),  # neither a spread nor a price
        (bond(), {"maturity_date": AS_OF}),
        (QUIET, {}),
    ],
    ids=["a bond in euros", "a bond without a spread", "a bond that is paid off", "a share without returns"],
)
def test_what_is_left_out_is_in_the_coverage_and_the_status(risk, held, facts) -> None:
    tables = {"raw/pg_bond_details": terms(9, **facts), "raw/yield_curve": CURVE}
    much, little = risk({HOME: 80, held: 20}, tables=tables), risk({HOME: 96, held: 4}, tables=tables)

    assert (weights(much).status, weights(much).coverage) == ("UNCOVERED", pytest.approx(0.8))
    assert (weights(much).volatility, weights(much).tails, much.components) == (None, (), ())
    assert (weights(little).status, weights(little).coverage) == ("OK", pytest.approx(0.96))
    assert much.left_out == little.left_out == (held.ticker,)


def test_without_a_rate_what_is_abroad_is_left_out(risk) -> None:
    found = risk({HOME: 80, Held(2, "ABROAD", PRICES[:, 1], "GBP"): 20})

    assert (weights(found).status, weights(found).coverage, found.left_out) == ("UNCOVERED", 0.8, ("ABROAD",))


def test_without_equity_there_is_no_risk_of_weights(risk) -> None:
    found = risk({HOME: -100}, {"USD": 90})

    assert (weights(found).status, weights(found).volatility, found.components) == ("NO_EQUITY", None, ())


def test_cash_alone_has_no_risk_of_weights(risk) -> None:
    found = risk({}, {"USD": 90})

    assert (weights(found).status, weights(found).n, weights(found).coverage) == ("INSUFFICIENT", 0, 1)
