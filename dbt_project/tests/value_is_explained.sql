{#
The change of value of every portfolio and day is flows + income + realised + change of unrealised + FX - fees - tax, to
a cent. Where something has or had no price, no rate or no known basis, its part is not a figure: nothing to explain.
#}
{{ config(meta={'dagster': {'ref': {'name': 'fact_portfolio_value_daily'}}}) }}
with days as (
    select
        *,
        n_missing + n_fx_missing + n_fx_transactions + n_unknown_arrivals + n_basis_unknown as n_unknown,
        positions_value - cost_basis as unrealised,
        lag(n_missing + n_fx_missing + n_basis_unknown, 1, 0) over by_day as begin_unknown,
        lag(total_value, 1, 0) over by_day as begin_value,
        lag(realised, 1, 0) over by_day as begin_realised,
        lag(positions_value - cost_basis, 1, 0) over by_day as begin_unrealised
    from {{ ref('fact_portfolio_value_daily') }}
    where {{ in_scope('portfolio_id') }}
    window by_day as (partition by portfolio_id order by business_date)
),

explained as (
    select
        portfolio_id,
        business_date,
        total_value - begin_value as change,
        (inflow - outflow)
        + income
        + (realised - begin_realised)
        + (unrealised - begin_unrealised - transfer_gain)
        + fx_gain
        - fees
        - tax as explained
    from days
    where n_unknown + begin_unknown = 0
)

select *
from explained
where abs(change - explained) > 0.01
