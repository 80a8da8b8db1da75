{{ config(materialized='windowed', date_column='business_date') }}

with positions as (
    select * from {{ ref('fact_position_daily') }}
),

intervals as (
    select * from {{ ref('stg_positions__interval') }}
),

flows as (
    select * from {{ ref('int_flows_summed') }}
),

days as (
    select * from {{ ref('int_days_numbered') }}
),

first_days as (
    select
        portfolio_id,
        min(business_date) as first_date
    from flows
    group by portfolio_id
),

grid as (
    select
        first_days.portfolio_id,
        days.date_day as business_date,
        days.is_trading_day
    from first_days
    inner join days on days.date_day >= first_days.first_date
),

held as (
    select
        portfolio_id,
        business_date,
        sum(market_value) as positions_value,
        sum(cost_basis) as cost_basis,
        count(*) as n_positions,
        count(*) filter (where status = 'PRICED') as n_priced,
        count(*) filter (where status = 'STALE') as n_stale,
        count(*) filter (where status = 'MISSING') as n_missing,
        sum(abs(cost_basis)) filter (where status <> 'MISSING') as cost_covered,
        sum(abs(cost_basis)) as cost_all
    from positions
    group by portfolio_id, business_date
),

realised_steps as (
    select
        portfolio_id,
        valid_from as business_date,
        sum(realised_step) as realised_step
    from (
        select
            portfolio_id,
            valid_from,
            realised - coalesce(lag(realised) over (
                partition by portfolio_id, account_id, security_id
                order by valid_from
            ), 0) as realised_step
        from intervals
    )
    group by portfolio_id, valid_from
),

valued as (
    select
        grid.portfolio_id,
        grid.business_date,
        grid.is_trading_day,
        coalesce(held.positions_value, 0) as positions_value,
        sum(coalesce(flows.cash_change, 0)) over so_far as cash,
        coalesce(held.cost_basis, 0) as cost_basis,
        sum(coalesce(realised_steps.realised_step, 0)) over so_far as realised,
        coalesce(flows.inflow, 0) as inflow,
        coalesce(flows.outflow, 0) as outflow,
        coalesce(flows.standalone_fees, 0) as fees,
        coalesce(flows.trade_fees, 0) as trade_fees,
        coalesce(flows.transfer_gain, 0) as transfer_gain,
        coalesce(held.n_positions, 0) as n_positions,
        coalesce(held.n_priced, 0) as n_priced,
        coalesce(held.n_stale, 0) as n_stale,
        coalesce(held.n_missing, 0) as n_missing,
        case
            when coalesce(held.n_missing, 0) = 0 then 100.0
            else 100 * coalesce({{ fraction('held.cost_covered', 'held.cost_all') }}, 0)
        end as coverage_pct
    from grid
    left join flows using (portfolio_id, business_date)
    left join held using (portfolio_id, business_date)
    left join realised_steps using (portfolio_id, business_date)
    window so_far as (partition by grid.portfolio_id order by grid.business_date)
),

totalled as (
    select
        *,
        positions_value + cash as total_value,
        lag(positions_value + cash, 1, 0) over by_day as begin_value,
        lag(n_missing, 1, 0) over by_day as begin_missing
    from valued
    window by_day as (partition by portfolio_id order by business_date)
),

returned as (
    select
        *,
        case
            when n_missing = 0 and begin_missing = 0
                then {{ fraction('total_value + outflow', 'begin_value + inflow') }} - 1
        end as daily_return
    from totalled
),

final as (
    select
        portfolio_id,
        business_date,
        is_trading_day,
        {{ money('positions_value') }} as positions_value,
        {{ money('cash') }} as cash,
        {{ money('total_value') }} as total_value,
        {{ money('cost_basis') }} as cost_basis,
        {{ money('realised') }} as realised,
        {{ money('inflow') }} as inflow,
        {{ money('outflow') }} as outflow,
        {{ money('fees') }} as fees,
        {{ money('trade_fees') }} as trade_fees,
        {{ money('transfer_gain') }} as transfer_gain,
        cast(n_positions as integer) as n_positions,
        cast(n_priced as integer) as n_priced,
        cast(n_stale as integer) as n_stale,
        cast(n_missing as integer) as n_missing,
        cast(coverage_pct as double) as coverage_pct,
        daily_return,
        product(1 + coalesce(daily_return, 0)) over (
            partition by portfolio_id
            order by business_date
        ) as twr_index
    from returned
)

select * from final
