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

portfolios as (
    select * from {{ ref('stg_postgres__portfolio') }}
),

rates as (
    select * from {{ ref('int_fx_crossed') }}
),

prices as (
    select * from {{ ref('int_prices_quoted') }}
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
        prices.accrued,
        prices.unit_value,
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

valued as (
    select
        aged.*,
        securities.currency,
        portfolios.base_currency,
        case when securities.currency = portfolios.base_currency then 1 else rates.fx_rate end as fx_rate,
        case
            when securities.currency = portfolios.base_currency then 'PRICED'
            else coalesce(rates.fx_status, 'FX_MISSING')
        end as fx_status,
        {{ product('aged.quantity', 'aged.unit_value') }} as market_value
    from aged
    inner join securities using (security_id)
    inner join portfolios using (portfolio_id)
    left join rates
        on
            portfolios.base_currency = rates.base_currency
            and securities.currency = rates.currency
            and aged.business_date = rates.business_date
),

final as (
    select
        portfolio_id,
        account_id,
        security_id,
        business_date,
        quantity,
        cost_basis,
        avg_cost,
        cost_basis_base,
        realised,
        case when cost_basis is null then 'UNKNOWN' else 'KNOWN' end as basis,
        close,
        cast(accrued as decimal(18, 8)) as accrued,
        price_date,
        case
            when close is null then 'MISSING'
            when stale_days > 0 then 'STALE'
            else 'PRICED'
        end as status,
        cast(coalesce(stale_days, 0) as integer) as stale_days,
        market_value,
        {{ money('market_value - cost_basis') }} as gain_loss,
        currency,
        base_currency,
        cast(fx_rate as decimal(18, 8)) as fx_rate,
        fx_status,
        {{ product('market_value', 'fx_rate') }} as market_value_base,
        {{ money(product('market_value', 'fx_rate') ~ ' - cost_basis_base') }} as gain_loss_base
    from valued
)

select * from final
