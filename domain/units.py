"""Units of the figures that documents show.

A unit is a currency's code (`USD`), a rate of two (`USD per EUR`), or one of `PLAIN_UNITS`. A figure's name says what
it is; the currency stands beside it, or around it, in the document.
"""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from domain.references import around, found_at

FRACTION, RATIO, PERCENT = "fraction", "ratio", "percent"
POINTS, BPS = "points", "bps"
YEARS, DAYS, SESSIONS, COUNT = "years", "days", "sessions", "count"
UNITS, INDEX, MONEY, IDENTIFIER = "units", "index", "money", "id"
PLAIN_UNITS: Mapping[str, str] = {
    FRACTION: "of 1: 0.05 is 5 %; a return, weight or probability",
    RATIO: "of two numbers of one unit, or a plain number",
    PERCENT: "of 100",
    POINTS: "difference of two fractions",
    BPS: "hundredths of a percent",
    YEARS: "years",
    DAYS: "calendar days",
    SESSIONS: "sessions of the exchange",
    COUNT: "how many",
    UNITS: "units of a security: shares, or face of a bond",
    INDEX: "growth of 1",
    MONEY: "of the portfolio's currency, which the document does not say: a simulation's before it is done",
    IDENTIFIER: "a number that names something: a row, a version, a year, a seed",
}
_OWN, _BASE, _RATE = "own money", "base money", "rate"
_MEASURED, _FIGURE, _FACT = "by the limit's measure", "by its name", "by the fact's own unit"
_NAMES: Mapping[str, str] = {
    IDENTIFIER: """
        account_id before_release failed_version ledger_version lot_seq part path portfolio_version release_id revision
        sale_seq security_id seed seq shown_version step version year""",
    COUNT: """
        exceptions expected n n_fx_missing n_fx_stale n_missing n_stale n_unconfirmed n_uncovered_days
        n_rows n_unknown n_voided num_paths paths sample_paths separate_paths""",
    DAYS: "days_held horizon_days long_term_days",
    SESSIONS: "stale_days",
    YEARS: "horizon_years years",
    PERCENT: "coverage_pct",
    UNITS: "quantity units",
    INDEX: "benchmark index twr_index",
    RATIO: """
        beta deflator df effective_number hhi information_ratio leverage likelihood_ratio psd_distance sharpe sortino
        drift_scale volatility_scale""",
    FRACTION: """
        active_return alpha benchmark_twr benchmark_twr_annual cash_rate confidence contribution correlation_cap
        correlation_points coverage downside_deviation drawdown drift_floor drift_points es gross inflation_annual
        loss_error max_drawdown mu_annual mwr net other p_value probability_of_loss risk risk_error risk_free
        simple_return top_10 top_5 tracking_error twr twr_annual twr_gross twr_gross_annual var volatility
        volatility_annual wealth_share weight weighted_mean xirr""",
    _OWN: "amount balance cost gain proceeds proceeds_unknown realised",
    _BASE: """
        begin_value benchmark_value cash change contributed cost_basis end_value equity fees floor fx_gain goal income
        inflow initial_value mean mean_error net_contributions outflow positions_value rounding tax total_value
        transfer_gain value wealth wealth_error withdrawal_per_year""",
    _RATE: "fx_rate",
    _MEASURED: "breach_at warn_at",
}
_PLACES: tuple[tuple[str, str], ...] = (
    (r"/years/\d+", IDENTIFIER),
    (r".*/seqs/\d+", IDENTIFIER),
    (r".*/terms/[^/]+/amount", _BASE),
    (r".*/facts/[^/]+/value", _FACT),
    (r".*/limits/[^/]+/value", _MEASURED),
    (r".*/exposure/(gross|net)", _BASE),
    (r".*/figures/[^/]+/(value|standard_error)", _FIGURE),
    (r".*/inflation/value", FRACTION),
    (r".*/p\d+(_error|_real)?", _BASE),
    (r".*/mean_real", _BASE),
    (r".*/summary/model/.*", RATIO),
    (r".*_base", _BASE),
)
"""Places whose unit their last name does not say; the first that fits counts."""
_RATIOS = ("LEVERAGE", "HHI")
_FACTS = {
    "FRACTION": FRACTION,
    "POINTS": POINTS,
    "PERCENT": PERCENT,
    "RATIO": RATIO,
    "YEARS": YEARS,
    "DAYS": DAYS,
    "COUNT": COUNT,
    "BASIS_POINTS": BPS,
}
"""Units of a risk analysis's facts that are no money; a rate is in the currency that it is counted in."""
_MONEY_FIGURES = {"median", "real_median", "median_without_drift", "mean", "var_95", "es_95"}
_YEAR_FIGURES = {"median_recovery_years"}


def unit_of(document: Mapping[str, Any], place: str) -> str:
    """The unit of the figure at `place` of a document; KeyError with a place of which none is known."""
    kind = _kind_at(place)
    if kind is _FIGURE:
        name = place.split("/")[-2]
        is_money = name in _MONEY_FIGURES or re.fullmatch(r"p\d+", name) is not None
        kind = _BASE if is_money else YEARS if name in _YEAR_FIGURES else FRACTION
    if kind is _MEASURED:
        limit = found_at(document, place.rpartition("/")[0])
        return RATIO if limit["measure"] in _RATIOS else FRACTION
    if kind is _FACT:
        fact = found_at(document, place.rpartition("/")[0])
        return _FACTS.get(fact["unit"]) or str(fact["currency"])
    if kind is _OWN:
        return currency_at(document, place)
    if kind is _BASE:
        return base_currency_at(document, place)
    if kind is _RATE:
        return f"{base_currency_at(document, place)} per {currency_at(document, place)}"
    return kind


def currency_at(document: Mapping[str, Any], place: str) -> str:
    """The currency that stands nearest around a place, or else the document's own."""
    named = [held["currency"] for held in around(document, place) if held.get("currency")]
    return str(named[-1]) if named else base_currency_at(document, place)


def base_currency_at(document: Mapping[str, Any], place: str) -> str:
    """The currency of the portfolio that the document is about; MONEY if it does not say."""
    holding = around(document, place)
    stated = [one["base_currency"] for one in holding if one.get("base_currency")]
    stated += [one["portfolio"]["base_currency"] for one in holding if one.get("portfolio")]
    stated += [one["currency"] for one in holding if one.get("currency")]
    stated += [one["summary"]["currency"] for one in holding if (one.get("summary") or {}).get("currency")]
    return str(stated[0]) if stated else MONEY


@cache
def _units_by_name() -> Mapping[str, str]:
    return {name: unit for unit, names in _NAMES.items() for name in names.split()}


def _kind_at(place: str) -> str:
    for pattern, unit in _PLACES:
        if re.fullmatch(pattern, place):
            return unit
    named = [name for name in place.split("/") if not name.isdecimal()]
    if named[-1] not in _units_by_name():
        raise KeyError(place)
    return _units_by_name()[named[-1]]
