"""Units of the columns of a release's tables, by their names; where tables differ, by the table's too.

Units are those of figures (`domain/units.py`). Money says where its currency stands: in a column of the row, or with
the portfolio, whose own currency it then is. A frame in which that is one currency says it instead.
"""

from collections.abc import Mapping

from domain.units import BPS, COUNT, DAYS, FRACTION, IDENTIFIER, INDEX, PERCENT, RATIO, SESSIONS, UNITS, YEARS

OWN = "money in `currency`"
BASE = "money in `base_currency`"
RANKED = "money in `ranking_currency`"
OF_PORTFOLIO = "money in the portfolio's currency"
OF_SECURITY = "money in the security's currency"
PRICE = "money in `currency` per unit, of a bond per 100 of face"
OF_FACE = "per 100 of face"
PER_EURO = "`currency` per EUR"
PER_OWN = "`base_currency` per `currency`"
BY_ROW = "in the column `unit`"

_LEVEL = "points of the series"
CURRENCY_IN: Mapping[str, str] = {OWN: "currency", BASE: "base_currency", RANKED: "ranking_currency"}
"""By a unit of money, the column that has its currency."""

_OF_MARKET = {
    IDENTIFIER: """
        account_id calendar_month calendar_quarter calendar_year failed_version iso_weekday lot_seq part path place
        portfolio_version posted_price_id rank release_id reverses_seq sale_seq security_id security_id_a security_id_b
        seed seq shown_version step subject_id trading_day_number version""",
    COUNT: """
        backtest_exceptions backtest_n coupon_frequency n n_analyses n_analysts n_basis_unknown
        n_breached n_fx_missing n_fx_stale n_fx_transactions n_groups n_missing n_named n_observations n_others
        n_others_true n_positions n_priced n_prices n_realised_unknown n_securities n_separate n_stale n_starts
        n_transactions n_true n_unconfirmed n_uncovered_days n_unknown_arrivals n_worsened num_paths sample_paths""",
    DAYS: "days_held ex_coupon_days long_term_days",
    SESSIONS: "ex_coupon_business_days sessions_behind stale_days",
    YEARS: "horizon_years median_recovery_years median_recovery_years_error modified_duration_years years",
    "months": "horizon_months tenor_months",
    PERCENT: "coupon_rate_pct coverage_pct discount_pct expense_ratio_pct par_yield_pct yield_pct",
    BPS: "expense_ratio_bps spread_bps",
    UNITS: "filled_quantity quantity reserved_quantity units volume",
    INDEX: "twr_index twr_index_gross",
    RATIO: """
        beta correlation correlation_shrunk deflator effective_number hhi information_ratio leverage psd_distance sharpe
        shrinkage sortino split_factor split_new split_old""",
    FRACTION: """
        active_return alpha backtest_p basis_share benchmark_twr benchmark_twr_annual contribution coverage coverage_50
        coverage_80 coverage_90 coverage_90_high coverage_90_low daily_return daily_return_gross downside_deviation
        drift_share es expected_max_drawdown expected_max_drawdown_error fx_haircut gross_weight haircut largest_weight
        loss_error max_drawdown median_share_of_drift median_share_of_drift_error mu_annual mwr net_weight percentile
        probability_above_goal probability_above_goal_error probability_ever_below probability_ever_below_error
        probability_of_loss probability_of_loss_error probability_of_real_loss probability_of_real_loss_error
        probability_of_ruin probability_of_ruin_error risk risk_error risk_free_return share_below_p5
        share_not_recovered share_not_recovered_error simple_return top_10 top_5 tracking_error twr twr_annual twr_gross
        twr_gross_annual var volatility volatility_annual weight xirr""",
    "log return": "crps_log crps_log_baseline log_return pinball_log pinball_log_baseline",
    PRICE: """
        adjusted_close close dividend limit_price price split_adjusted_close target target_high target_low target_mean
        target_median""",
    OF_FACE: "accrued clean_price dirty_price dv01",
    PER_EURO: "rate_per_eur",
    PER_OWN: "fx_rate",
    _LEVEL: "index_level",
    OWN: """
        amount avg_cost balance before_cap cash_effect cost cost_basis cost_effect denomination fees gain gain_loss
        gross lendable_value market_value net_assets proceeds realised reserved reserved_cash cumulative_value""",
    BASE: "amount_base balance_base cost_basis_base gain_loss_base market_value_base",
    OF_PORTFOLIO: """
        begin_value benchmark_value carried_base cost_base departed_base end_value equity es_95 es_95_error
        fx_gain_base gain_base inflow mean mean_error median median_error median_without_drift
        median_without_drift_error net net_contributions outflow proceeds_base real_median real_median_error
        realised_base realised_fx_base return_base value var_95 var_95_error wealth wealth_error""",
}
"""Columns by their names, whatever their table."""
_PERCENTILES = [f"p{n}" for n in (5, 10, 25, 50, 75, 90, 95)]
_TAILS = [
    f"{measure}_{method}_{confidence}_{days}d"
    for measure in ("var", "es")
    for method in ("historical", "parametric", "cornish_fisher")
    for confidence in (95, 99)
    for days in (1, 10)
]
_BY_NAME: Mapping[str, str] = {
    **{name: unit for unit, names in _OF_MARKET.items() for name in names.split()},
    **{name: OF_PORTFOLIO for at in _PERCENTILES for name in (at, f"{at}_error")},
    **dict.fromkeys(_TAILS, FRACTION),
    **{f"pit_{n}": FRACTION for n in range(1, 11)},
}
_OF_A_DAY = """
    cash cost_basis fees fx_gain income inflow outflow positions_value realised tax total_value trade_fees transfer_gain
"""
_OF_TABLE: Mapping[str, Mapping[str, str]] = {
    "marts/fact_cash_daily": {"fx_gain": BASE},
    "marts/fact_exposure": {"gross": OF_PORTFOLIO},
    "marts/fact_limit": dict.fromkeys(("measured", "warn_at", "breach_at"), "fraction, or a ratio by `measure`"),
    "marts/fact_performance": {"gain": OF_PORTFOLIO},
    "marts/fact_portfolio_value_daily": dict.fromkeys(_OF_A_DAY.split(), OWN),
    "marts/fact_return_daily": {"fees": OF_PORTFOLIO},
    "positions/collateral_ranking": {
        **dict.fromkeys(("market_value", "before_cap", "lendable_value", "cumulative_value"), RANKED),
    },
    "positions/position_interval": {
        **dict.fromkeys(("cost_basis", "avg_cost", "realised"), OF_SECURITY),
        "cost_basis_base": OF_PORTFOLIO,
    },
    "raw/pg_bond_details": {"denomination": OF_SECURITY},
    "raw/pg_order_fill": dict.fromkeys(("price", "fees", "accrued"), OF_SECURITY),
    "raw/pg_position_current": {
        **dict.fromkeys(("cost_basis", "realised"), OF_SECURITY),
        "cost_basis_base": OF_PORTFOLIO,
    },
    "raw/pg_transaction_ledger": {"accrued": OWN},
    "risk/risk_fact": {"value": BY_ROW},
    "simulation/simulation_input": {"value": BY_ROW},
    "simulation/simulation_path": {"percentile": PERCENT},
}


def unit_of_column(table: str, column: str) -> str | None:
    """The unit of a column of `schema/table`; None where none is known, as of text and days."""
    return _OF_TABLE.get(table, {}).get(column) or _BY_NAME.get(column)
