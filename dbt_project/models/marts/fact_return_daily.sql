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
        0 as opened_gross,
        cast(null as decimal(28, 8)) as capital,
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
        0 as opened_gross,
        0 as n_opened_short,
        0 as n_unknown
    from positions
    union all by name
    select
        *,
        0 as value,
        0 as n_uncovered
    from flows
),

{# Of accounts that ever were short: what each holding began the day with, and what was opened. #}
shorts as (
    select distinct
        portfolio_id,
        account_id
    from held
    where value < 0 or n_opened_short > 0
),

beside_shorts as (
    select
        portfolio_id,
        account_id,
        security_id,
        business_date,
        coalesce(sum(value), 0) as end_value,
        sum(opened_gross + arrived_from_accounts) as opened,
        sum(n_opened_short) > 0 as has_opened_short
    from held
    semi join shorts using (portfolio_id, account_id)
    group by portfolio_id, account_id, security_id, business_date
),

beside_shorts_begun as (
    select
        *,
        case when lag(business_date) over by_day = business_date - 1 then lag(end_value) over by_day else 0 end
            as begin_value
    from beside_shorts
    window by_day as (partition by portfolio_id, account_id, security_id order by business_date)
),

short_days as (
    select
        portfolio_id,
        account_id,
        business_date,
        sum(abs(begin_value) + opened) as capital
    from beside_shorts_begun
    group by portfolio_id, account_id, business_date
    having bool_or(least(begin_value, end_value) < 0 or has_opened_short)
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
        by_account.* exclude (net_inflow),
        greatest(net_inflow, 0) as inflow,
        greatest(-net_inflow, 0) as outflow,
        0 as opened_gross,
        short_days.capital
    from by_account
    left join short_days using (portfolio_id, account_id, business_date)
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
        sum(opened_gross) as opened_gross,
        cast(null as decimal(28, 8)) as capital,
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

{# What the day's gain is earned on, and what of that is left at its end. #}
based as (
    select
        *,
        case level
            when 'POSITION' then abs(begin_value) + opened_gross
            else coalesce(capital, begin_value + inflow)
        end as return_base,
        return_base + end_value + outflow - begin_value - inflow as remainder,
        is_begin_covered and is_end_covered and are_flows_known as is_covered
    from begun
),

{# A holding that nothing was put into earns nothing, whatever is charged on it; a portfolio then has debts. #}
returned as (
    select
        *,
        is_covered and (return_base < 0 or remainder < 0 and (return_base > 0 or level = 'PORTFOLIO')) as is_ruin,
        case
            when is_covered and return_base > 0 and remainder >= 0
                then {{ fraction('remainder', 'return_base') }} - 1
        end as daily_return
    from based
),

{# Where fees were all that was lost, doubles leave 1e-17 of nothing. #}
gross as (
    select
        *,
        daily_return + {{ fraction('fees', 'return_base') }} as with_fees,
        case when abs(with_fees) < 1e-12 then 0 else with_fees end as daily_return_gross
    from returned
),

chained as (
    select
        portfolio_id,
        level,
        account_id,
        security_id,
        unnest(list(business_date order by business_date)) as business_date,
        unnest({{ linked_index('daily_return', 'is_ruin', 'return_base', 'business_date') }}) as twr_index,
        unnest({{ linked_index('daily_return_gross', 'is_ruin', 'return_base', 'business_date') }}) as twr_index_gross
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
        {{ money('gross.return_base') }} as return_base,
        gross.is_ruin,
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
