"""Units of figures: of money the currency that stands beside it or around it, of anything else what its name says."""

from typing import Any

import pytest

from domain.units import PLAIN_UNITS, unit_of

_REVIEW: dict[str, Any] = {
    "portfolio": {"base_currency": "CHF"},
    "total": {"currency": "CHF", "cash": "5", "coverage_pct": 99.5},
    "cash": [{"currency": "EUR", "base_currency": "CHF", "balance": "7", "fx_rate": "1.1", "balance_base": "7.7"}],
    "holdings": [{"ticker": "A", "value": "5", "quantity": "1", "stale_days": 2}],
    "curve": {"value": [1.0], "index": [1.0]},
    "concentration": {
        "limits": [
            {"dimension": "portfolio", "measure": "LEVERAGE", "label": None, "value": 1.1, "warn_at": 1.2},
            {"dimension": "issuer", "measure": "GROSS_WEIGHT", "label": "A", "value": 0.1, "warn_at": 0.2},
        ]
    },
    "simulation": {"summary": {"currency": "CHF", "figures": {"median": {"value": 1.0}, "p_loss": {"value": 0.1}}}},
}
_GAINS: dict[str, Any] = {
    "currency": "USD",
    "years": [2016],
    "disposals": [{"seq": 4, "part": 1, "currency": "JPY", "gain": "100", "gain_base": "1"}],
}


@pytest.mark.parametrize(
    ("place", "unit"),
    [
        ("/total/cash", "CHF"),
        ("/total/coverage_pct", "percent"),
        ("/cash/EUR/balance", "EUR"),
        ("/cash/EUR/balance_base", "CHF"),
        ("/cash/EUR/fx_rate", "CHF per EUR"),
        ("/holdings/A/value", "CHF"),
        ("/holdings/A/quantity", "units"),
        ("/holdings/A/stale_days", "sessions"),
        ("/curve/value/0", "CHF"),
        ("/curve/index/0", "index"),
        ("/concentration/limits/portfolio-LEVERAGE/value", "ratio"),
        ("/concentration/limits/issuer-GROSS_WEIGHT-A/warn_at", "fraction"),
        ("/simulation/summary/figures/median/value", "CHF"),
        ("/simulation/summary/figures/p_loss/value", "fraction"),
    ],
)
def test_a_figure_of_a_review_has_the_unit_that_its_name_and_its_place_say(place: str, unit: str) -> None:
    assert unit_of(_REVIEW, place) == unit


def test_what_a_disposal_gained_is_in_its_own_currency_and_in_the_portfolios() -> None:
    units = {name: unit_of(_GAINS, f"/disposals/4-1/{name}") for name in ("gain", "gain_base", "seq")}
    assert units == {"gain": "JPY", "gain_base": "USD", "seq": "id"}
    assert unit_of(_GAINS, "/years/0") == "id"


def test_money_whose_currency_nobody_says_is_money() -> None:
    assert unit_of({"floor": "5", "summary": None}, "/floor") == "money" in PLAIN_UNITS


def test_control_a_name_that_is_not_known_has_no_unit() -> None:
    with pytest.raises(KeyError, match="/total/unheard_of"):
        unit_of({**_REVIEW, "total": {"unheard_of": 1}}, "/total/unheard_of")
