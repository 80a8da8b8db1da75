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

series as (
    select * from {{ ref('int_series_owned') }}
),

splits as (
    select * from {{ ref('int_splits_stated') }}
),

bounded as (
    select
        intervals.*,
        securities.asset_type,
        securities.currency,
        portfolios.base_currency,
        splits.splits,
        coalesce(series.series_id, intervals.security_id) as series_id,
        {{ window_start('intervals.valid_from') }} as first_day,
        {{ window_end('least(coalesce(intervals.valid_to - 1, as_of.as_of), as_of.as_of)') }} as last_day
    from intervals
    inner join securities on intervals.security_id = securities.security_id
    inner join portfolios on intervals.portfolio_id = portfolios.portfolio_id
    left join splits
        on intervals.portfolio_id = splits.portfolio_id and intervals.security_id = splits.security_id
    left join series
        on intervals.portfolio_id = series.portfolio_id and intervals.security_id = series.security_id
    cross join as_of
),

expanded as not materialized (
    select
        *,
        first_day + cast(unnest(range(last_day - first_day + 1)) as integer) as business_date
    from bounded
),

priced as not materialized (
    select
        expanded.* exclude (splits),
        prices.close as quoted_close,
        case when prices.price_kind = 'AS_TRADED' then list_filter(
            expanded.splits,
            lambda one: one.split_date > prices.price_date and one.split_date <= expanded.business_date
        ) end as splits_since,
        prices.unit_value,
        prices.accrued,
        prices.price_date,
        prices.stale_days,
        prices.is_unconfirmed
    from expanded
    inner join prices
        on expanded.series_id = prices.series_id and expanded.business_date = prices.business_date
),

{#
A close as traded that is carried over a split is of units of before it; quantity and close are of the same day. One that
becomes larger than what is kept is no price.
#}
restated as not materialized (
    select
        * exclude (quoted_close, splits_since),
        case
            when len(splits_since) > 0 then try_cast(
                quoted_close * list_product(list_transform(splits_since, lambda one: one.price_factor))
                as decimal(18, 8)
            )
            else quoted_close
        end as close
    from priced
),

{# At a close at which a holding is worth more than is kept, it has none. #}
kept as not materialized (
    select * replace (
        case when {{ is_kept('quantity', "case asset_type when 'BOND' then unit_value else close end") }} then close end as close
    )
    from restated
),

valued as not materialized (
    select
        * exclude (unit_value),
        case
            when close is null then null
            when asset_type = 'BOND' then {{ wide_product('quantity', 'unit_value') }}
            else {{ product('quantity', 'close') }}
        end as market_value
    from kept
),

domestic as (
    select
        *,
        cast(1 as decimal(18, 8)) as fx_rate,
        'PRICED' as fx_status,
        market_value as market_value_base
    from valued
    where currency = base_currency
),

abroad as (
    select
        valued.*,
        rates.fx_rate,
        coalesce(rates.fx_status, 'FX_MISSING') as fx_status,
        {{ product('valued.market_value', 'rates.fx_rate') }} as market_value_base
    from valued
    left join rates
        on
            valued.base_currency = rates.base_currency
            and valued.currency = rates.currency
            and valued.business_date = rates.business_date
    where valued.currency <> valued.base_currency
),

converted as (
    select * from domestic
    union all by name
    select * from abroad
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
        {{ carried_status('close', 'stale_days > 0', 'is_unconfirmed') }} as status,
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
