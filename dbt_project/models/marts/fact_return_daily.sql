{{ config(materialized='windowed', date_column='business_date', owner_column='portfolio_id') }}

with portfolios as (
    select
        portfolio_id,
        'PORTFOLIO' as level,
        cast(null as bigint) as account_id,
        cast(null as bigint) as security_id,
        business_date,
        total_value as end_value,
        n_missing + n_fx_missing = 0 as is_end_covered,
        inflow,
        outflow,
        fees + trade_fees as fees,
        n_fx_transactions = 0 as are_flows_known
    from {{ ref('fact_portfolio_value_daily') }}
    where {{ in_scope('portfolio_id') }}
),

positions as (
    select * from {{ ref('fact_position_daily') }}
    where {{ in_scope('portfolio_id') }}
),

flows as (
    select * from {{ ref('int_holding_flows') }}
),

held as (
    select
        portfolio_id,
        account_id,
        security_id,
        business_date,
        market_value_base as value,
        cast(market_value_base is null as integer) as n_uncovered,
        0 as paid_in,
        0 as paid_out,
        0 as fees,
        0 as arrived_from_accounts,
        0 as departed_to_accounts,
        0 as n_unknown
    from positions
    union all by name
    select
        *,
        0 as value,
        0 as n_uncovered
    from flows
),

by_account as (
    select
        portfolio_id,
        'ACCOUNT' as level,
        account_id,
        cast(null as bigint) as security_id,
        business_date,
        coalesce(sum(value), 0) as end_value,
        sum(n_uncovered) = 0 as is_end_covered,
        sum(paid_in - paid_out + arrived_from_accounts - departed_to_accounts) as net_inflow,
        sum(fees) as fees,
        sum(n_unknown) = 0 as are_flows_known
    from held
    group by portfolio_id, account_id, business_date
),

accounts as (
    select
        * exclude (net_inflow),
        greatest(net_inflow, 0) as inflow,
        greatest(-net_inflow, 0) as outflow
    from by_account
),

holdings as (
    select
        portfolio_id,
        'POSITION' as level,
        cast(null as bigint) as account_id,
        security_id,
        business_date,
        coalesce(sum(value), 0) as end_value,
        sum(n_uncovered) = 0 as is_end_covered,
        sum(paid_in) as inflow,
        sum(paid_out) as outflow,
        sum(fees) as fees,
        sum(n_unknown) = 0 as are_flows_known
    from held
    group by portfolio_id, security_id, business_date
),

together as (
    select * from portfolios
    union all by name
    select * from accounts
    union all by name
    select * from holdings
),

yesterday as (
    select
        *,
        coalesce(lag(business_date) over by_day = business_date - 1, false) as is_next_day,
        lag(end_value) over by_day as end_before,
        lag(is_end_covered) over by_day as was_end_covered
    from together
    window by_day as (partition by portfolio_id, level, account_id, security_id order by business_date)
),

begun as (
    select
        * exclude (is_next_day, end_before, was_end_covered),
        case when is_next_day then end_before else 0 end as begin_value,
        not is_next_day or was_end_covered as is_begin_covered
    from yesterday
),

returned as (
    select
        *,
        case
            when is_begin_covered and is_end_covered and are_flows_known and begin_value + inflow > 0
                then {{ fraction('end_value + outflow', 'begin_value + inflow') }} - 1
        end as daily_return
    from begun
),

gross as (
    select
        *,
        daily_return + {{ fraction('fees', 'begin_value + inflow') }} as daily_return_gross
    from returned
),

chained as (
    select
        portfolio_id,
        level,
        account_id,
        security_id,
        unnest(list(business_date order by business_date)) as business_date,
        unnest(running_product(list(1 + coalesce(daily_return, 0) order by business_date))) as twr_index,
        unnest(running_product(list(1 + coalesce(daily_return_gross, 0) order by business_date))) as twr_index_gross
    from gross
    group by portfolio_id, level, account_id, security_id
),

final as (
    select
        gross.portfolio_id,
        gross.level,
        gross.account_id,
        gross.security_id,
        coalesce(gross.account_id, gross.security_id, 0) as subject_id,
        gross.business_date,
        {{ money('gross.begin_value') }} as begin_value,
        {{ money('gross.inflow') }} as inflow,
        {{ money('gross.outflow') }} as outflow,
        {{ money('gross.fees') }} as fees,
        {{ money('gross.end_value') }} as end_value,
        gross.is_begin_covered,
        gross.is_end_covered,
        gross.are_flows_known,
        gross.daily_return,
        gross.daily_return_gross,
        chained.twr_index,
        chained.twr_index_gross
    from gross
    inner join chained
        on
            gross.portfolio_id = chained.portfolio_id
            and gross.level = chained.level
            and gross.account_id is not distinct from chained.account_id
            and gross.security_id is not distinct from chained.security_id
            and gross.business_date = chained.business_date
)

select * from final
