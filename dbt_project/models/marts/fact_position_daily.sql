{{ config(materialized='windowed', date_column='business_date') }}

with intervals as (
    select * from {{ ref('stg_positions__interval') }}
    where quantity <> 0
),

days as (
    select * from {{ ref('int_days_numbered') }}
),

as_of as (
    select max(date_day) as as_of from days
),

securities as (
    select * from {{ ref('stg_postgres__security') }}
),

prices as (
    select
        securities.security_id,
        prices.price_date,
        prices.close
    from {{ ref('stg_market__price') }} as prices
    inner join securities using (ticker)
),

expanded as (
    select
        intervals.*,
        cast(unnest(generate_series(
            intervals.valid_from,
            least(coalesce(intervals.valid_to - 1, as_of.as_of), as_of.as_of),
            interval 1 day
        )) as date) as business_date
    from intervals
    cross join as_of
),

priced as (
    select
        expanded.*,
        prices.close,
        prices.price_date
    from expanded
    asof left join prices
        on expanded.security_id = prices.security_id and expanded.business_date >= prices.price_date
),

aged as (
    select
        priced.*,
        days.trading_day_number - price_days.trading_day_number as stale_days
    from priced
    inner join days on priced.business_date = days.date_day
    left join days as price_days on priced.price_date = price_days.date_day
),

final as (
    select
        aged.portfolio_id,
        aged.account_id,
        aged.security_id,
        aged.business_date,
        aged.quantity,
        aged.cost_basis,
        aged.avg_cost,
        aged.cost_basis_base,
        aged.realised,
        case when aged.cost_basis is null then 'UNKNOWN' else 'KNOWN' end as basis,
        aged.close,
        aged.price_date,
        case
            when aged.close is null then 'MISSING'
            when aged.stale_days > 0 then 'STALE'
            else 'PRICED'
        end as status,
        cast(coalesce(aged.stale_days, 0) as integer) as stale_days,
        {{ product('aged.quantity', 'aged.close') }} as market_value,
        {{ money(product('aged.quantity', 'aged.close') ~ ' - aged.cost_basis') }} as gain_loss,
        securities.currency
    from aged
    inner join securities using (security_id)
)

select * from final
