{{ config(materialized='windowed', date_column='business_date', owner_column='portfolio_id') }}

with portfolios as (
    select * from {{ ref('stg_postgres__portfolio') }}
),

positions as (
    select
        *,
        market_value_base is not null as is_covered
    from {{ ref('fact_position_daily') }}
    where {{ in_scope('portfolio_id') }}
),

cash as (
    select
        portfolio_id,
        business_date,
        sum(balance_base) as cash,
        sum(fx_gain) as fx_gain,
        count(*) filter (where balance <> 0 and balance_base is null) as n_fx_missing,
        count(*) filter (where balance <> 0 and fx_status = 'STALE') as n_fx_stale
    from {{ ref('fact_cash_daily') }}
    where {{ in_scope('portfolio_id') }}
    group by portfolio_id, business_date
),

intervals as (
    select * from {{ ref('stg_positions__interval') }}
    where {{ in_scope('portfolio_id') }}
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
        sum(market_value_base) as positions_value,
        sum(cost_basis_base) as cost_basis,
        count(*) as n_positions,
        count(*) filter (where status = 'PRICED') as n_priced,
        count(*) filter (where status = 'STALE') as n_stale,
        count(*) filter (where status = 'UNCONFIRMED') as n_unconfirmed,
        count(*) filter (where status = 'MISSING') as n_missing,
        count(*) filter (where fx_status = 'FX_MISSING') as n_fx_missing,
        count(*) filter (where fx_status = 'STALE') as n_fx_stale,
        count(*) filter (where basis = 'UNKNOWN') as n_basis_unknown,
        count(*) filter (where is_covered) as n_covered,
        sum(abs(cost_basis_base)) filter (where is_covered) as cost_covered,
        sum(abs(cost_basis_base)) as cost_all
    from positions
    group by portfolio_id, business_date
),

realised_steps as (
    select
        portfolio_id,
        valid_from as business_date,
        sum(realised_step) as realised_step,
        sum(unknown_step) as unknown_step
    from (
        select
            portfolio_id,
            valid_from,
            realised_base - lag(realised_base, 1, 0) over by_day as realised_step,
            cast(not is_realised_known as integer)
            - lag(cast(not is_realised_known as integer), 1, 0) over by_day as unknown_step
        from intervals
        window by_day as (partition by portfolio_id, account_id, security_id order by valid_from)
    )
    group by portfolio_id, valid_from
),

valued as (
    select
        grid.portfolio_id,
        grid.business_date,
        grid.is_trading_day,
        coalesce(held.positions_value, 0) as positions_value,
        coalesce(cash.cash, 0) as cash,
        coalesce(held.cost_basis, 0) as cost_basis,
        sum(coalesce(realised_steps.realised_step, 0)) over so_far as realised,
        coalesce(flows.inflow, 0) as inflow,
        coalesce(flows.outflow, 0) as outflow,
        coalesce(flows.income, 0) as income,
        coalesce(flows.tax, 0) as tax,
        coalesce(flows.standalone_fees, 0) as fees,
        coalesce(flows.trade_fees, 0) as trade_fees,
        coalesce(flows.transfer_gain, 0) as transfer_gain,
        coalesce(cash.fx_gain, 0) + coalesce(flows.fx_difference, 0) as fx_gain,
        coalesce(held.n_positions, 0) as n_positions,
        coalesce(held.n_priced, 0) as n_priced,
        coalesce(held.n_stale, 0) as n_stale,
        coalesce(held.n_unconfirmed, 0) as n_unconfirmed,
        coalesce(held.n_missing, 0) as n_missing,
        coalesce(cash.n_fx_missing, 0) as n_cash_missing,
        coalesce(held.n_fx_missing, 0) + coalesce(cash.n_fx_missing, 0) as n_fx_missing,
        coalesce(held.n_fx_stale, 0) + coalesce(cash.n_fx_stale, 0) as n_fx_stale,
        coalesce(flows.n_fx_transactions, 0) as n_fx_transactions,
        coalesce(flows.n_unknown_arrivals, 0) as n_unknown_arrivals,
        coalesce(held.n_basis_unknown, 0) as n_basis_unknown,
        sum(coalesce(realised_steps.unknown_step, 0)) over so_far as n_realised_unknown,
        coalesce(held.n_covered, 0) as n_covered,
        coalesce(held.cost_covered, 0) as cost_covered,
        coalesce(held.cost_all, 0) as cost_all
    from grid
    left join flows using (portfolio_id, business_date)
    left join held using (portfolio_id, business_date)
    left join cash using (portfolio_id, business_date)
    left join realised_steps using (portfolio_id, business_date)
    window so_far as (partition by grid.portfolio_id order by grid.business_date)
),

final as (
    select
        portfolio_id,
        business_date,
        is_trading_day,
        portfolios.base_currency as currency,
        {{ money('positions_value') }} as positions_value,
        {{ money('cash') }} as cash,
        {{ money('positions_value + cash') }} as total_value,
        {{ money('cost_basis') }} as cost_basis,
        {{ money('realised') }} as realised,
        {{ money('inflow') }} as inflow,
        {{ money('outflow') }} as outflow,
        {{ money('income') }} as income,
        {{ money('tax') }} as tax,
        {{ money('fees') }} as fees,
        {{ money('trade_fees') }} as trade_fees,
        {{ money('transfer_gain') }} as transfer_gain,
        {{ money('fx_gain') }} as fx_gain,
        cast(n_positions as integer) as n_positions,
        cast(n_priced as integer) as n_priced,
        cast(n_stale as integer) as n_stale,
        cast(n_unconfirmed as integer) as n_unconfirmed,
        cast(n_missing as integer) as n_missing,
        cast(n_fx_missing as integer) as n_fx_missing,
        cast(n_fx_stale as integer) as n_fx_stale,
        cast(n_fx_transactions as integer) as n_fx_transactions,
        cast(n_unknown_arrivals as integer) as n_unknown_arrivals,
        cast(n_basis_unknown as integer) as n_basis_unknown,
        cast(n_realised_unknown as integer) as n_realised_unknown,
        cast(case
            when n_missing + n_fx_missing = 0 then 100.0
            {# What is left out may be too little for a double to tell. #}
            when cost_covered < cost_all then least(100 * {{ fraction('cost_covered', 'cost_all') }}, 99.9999)
            else least(100 * {{ fraction('n_covered + 1', 'n_positions + n_cash_missing + 1') }}, 99.9999)
        end as double) as coverage_pct
    from valued
    inner join portfolios using (portfolio_id)
)

select * from final
