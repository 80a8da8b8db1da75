{{ config(materialized='windowed', date_column='business_date', owner_column='portfolio_id') }}

with intervals as (
    select * from {{ ref('stg_positions__interval') }}
    where quantity <> 0 and {{ in_scope('portfolio_id') }}
),

as_of as (
    select max(date_day) as as_of from {{ ref('int_days_numbered') }}
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
    select * from {{ ref('int_prices_carried') }}
),

bounded as (
    select
        intervals.*,
        {{ window_start('intervals.valid_from') }} as first_day,
        {{ window_end('least(coalesce(intervals.valid_to - 1, as_of.as_of), as_of.as_of)') }} as last_day
    from intervals
    cross join as_of
),

expanded as (
    select
        *,
        first_day + cast(unnest(range(last_day - first_day + 1)) as integer) as business_date
    from bounded
),

valued as (
    select
        expanded.*,
        prices.close,
        prices.accrued,
        prices.price_date,
        prices.stale_days,
        securities.currency,
        portfolios.base_currency,
        case when securities.currency = portfolios.base_currency then 1 else rates.fx_rate end as fx_rate,
        case
            when securities.currency = portfolios.base_currency then 'PRICED'
            else coalesce(rates.fx_status, 'FX_MISSING')
        end as fx_status,
        case
            when securities.asset_type = 'BOND' then {{ wide_product('expanded.quantity', 'prices.unit_value') }}
            else {{ product('expanded.quantity', 'prices.close') }}
        end as market_value
    from expanded
    inner join prices
        on expanded.security_id = prices.security_id and expanded.business_date = prices.business_date
    inner join securities on expanded.security_id = securities.security_id
    inner join portfolios on expanded.portfolio_id = portfolios.portfolio_id
    left join rates
        on
            portfolios.base_currency = rates.base_currency
            and securities.currency = rates.currency
            and expanded.business_date = rates.business_date
),

converted as (
    select
        *,
        case when currency = base_currency then market_value else {{ product('market_value', 'fx_rate') }} end
            as market_value_base
    from valued
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
        market_value_base,
        {{ money('market_value_base - cost_basis_base') }} as gain_loss_base
    from converted
)

select * from final
