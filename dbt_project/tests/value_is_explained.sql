{# The change of value of every portfolio and day is flows + realised + change of unrealised - fees, to a cent. #}
{{ config(meta={'dagster': {'ref': {'name': 'fact_portfolio_value_daily'}}}) }}
with days as (
    select
        *,
        positions_value - cost_basis as unrealised,
        lag(n_missing, 1, 0) over by_day as begin_missing,
        lag(total_value, 1, 0) over by_day as begin_value,
        lag(realised, 1, 0) over by_day as begin_realised,
        lag(positions_value - cost_basis, 1, 0) over by_day as begin_unrealised
    from {{ ref('fact_portfolio_value_daily') }}
    window by_day as (partition by portfolio_id order by business_date)
)

select *
from days
where
    n_missing = 0
    and begin_missing = 0
    and abs(
        (total_value - begin_value)
        - (inflow - outflow)
        - (realised - begin_realised)
        - (unrealised - begin_unrealised - transfer_gain)
        + fees
    ) > 0.01
