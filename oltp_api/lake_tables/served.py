"""Tables that are served, by whose rows they have. A new one is served once it stands here.

Rows of a portfolio are shown to those who see it, by the filter of the mounted release (`storage/lake/mounted.py`); an
owner's own prices to the owner, also in `marts/fact_price_daily`, in the place of those that do not count.
What belongs to nobody is everybody's. The rest stays with whoever owns the machine: who stated a price, which files
prices were read from, and what anybody holds.
"""

_OF_PORTFOLIOS = """
    marts/fact_allocation marts/fact_cash_daily marts/fact_cashflow_daily marts/fact_concentration marts/fact_exposure
    marts/fact_limit marts/fact_own_price_daily marts/fact_performance marts/fact_portfolio_value_daily
    marts/fact_position_daily marts/fact_return_daily marts/fact_risk marts/fact_risk_component meta/held
    positions/collateral_ranking
    positions/disposal positions/position_interval positions/position_snapshot raw/pg_account raw/pg_cash_balance
    raw/pg_order raw/pg_order_fill raw/pg_portfolio raw/pg_position_current raw/pg_simulation raw/pg_transaction_ledger
    risk/risk_analysis risk/risk_analysis_score risk/risk_fact
    simulation/simulation_contribution simulation/simulation_fan simulation/simulation_input
    simulation/simulation_outcome simulation/simulation_path simulation/simulation_run
"""
_OF_ALL = """
    marts/dim_asset_classes marts/dim_date marts/dim_funds marts/dim_security marts/fact_bond_valuation_daily
    marts/fact_price_daily marts/fx_rate_daily marts/security_correlation marts/security_forward_mu
    marts/security_historical_mu marts/security_volatility raw/analyst_target raw/consumer_price raw/corporate_action
    raw/fund_metadata raw/fx_rate_daily raw/pg_bond_details raw/pg_equity_details raw/pg_fund_details
    raw/pg_security_identifier raw/pg_security_registry raw/price_daily raw/trading_calendar raw/yield_curve
    simulation/simulation_calibration
"""
_WITHHELD = "marts/dim_ticker_tracker raw/own_price raw/pg_posted_price raw/unconfirmed_price"
OF_PORTFOLIOS = frozenset(_OF_PORTFOLIOS.split())
OF_ALL = frozenset(_OF_ALL.split())
WITHHELD = frozenset(_WITHHELD.split())
SERVED = OF_PORTFOLIOS | OF_ALL
