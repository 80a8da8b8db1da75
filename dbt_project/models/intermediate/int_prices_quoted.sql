{#
What one unit of a security is worth, by series of prices and day: its price, or for a bond, whose units are face amount, a
hundredth of clean price and accrued interest. A bond that nobody quotes is priced from the curve (DERIVED); one that the
curve cannot price still has accrued interest on top of a quote. A security
that the market prices on any day has no prices of people's own: the two are never mixed. An owner's own are a series of
their own (int_price_series), of a bond with the curve's days in it.
#}
with securities as (
    select * from {{ ref('stg_postgres__security') }}
),

series as (
    select * from {{ ref('int_price_series') }}
),

market as (
    select
        securities.security_id,
        securities.security_id as series_id,
        prices.*,
        'MARKET' as price_source
    from {{ ref('stg_market__price') }} as prices
    inner join securities using (ticker, currency)
),

own as (
    select
        prices.*,
        coalesce(series.series_id, prices.security_id) as series_id,
        securities.ticker
    from {{ ref('stg_own__price') }} as prices
    inner join securities using (security_id, currency)
    left join series on prices.security_id = series.security_id and prices.owner_id = series.owner_id
    anti join market on prices.security_id = market.security_id
    where prices.owner_id is null or series.series_id is not null
),

quoted as (
    select * from market
    union all by name
    select * from own
),

bonds as (
    select
        bonds.*,
        securities.ticker,
        securities.currency
    from {{ ref('stg_valuation__bond') }} as bonds
    inner join securities using (security_id)
),

derived as (
    select
        *,
        security_id as series_id,
        null as owner_id
    from bonds
    union all by name
    select
        bonds.*,
        series.series_id,
        series.owner_id
    from bonds
    inner join series using (security_id)
),

together as (
    select
        coalesce(quoted.series_id, bonds.series_id) as series_id,
        coalesce(quoted.security_id, bonds.security_id) as security_id,
        coalesce(quoted.owner_id, bonds.owner_id) as owner_id,
        coalesce(quoted.ticker, bonds.ticker) as ticker,
        coalesce(quoted.price_date, bonds.price_date) as price_date,
        coalesce(quoted.close, bonds.clean_price) as close,
        coalesce(bonds.accrued, 0) as accrued,
        coalesce(quoted.currency, bonds.currency) as currency,
        coalesce(quoted.price_kind, 'DERIVED') as price_kind,
        coalesce(quoted.price_source, 'CURVE') as price_source,
        quoted.adjusted_close,
        quoted.volume
    from quoted
    full outer join derived as bonds using (series_id, price_date)
    where coalesce(quoted.close, bonds.clean_price) is not null
),

final as (
    select
        together.*,
        cast(
            cast(together.close + together.accrued as decimal(22, 8))
            * case when securities.asset_type = 'BOND' then cast(0.01 as decimal(3, 2)) else 1 end
            as decimal(22, 10)
        ) as unit_value
    from together
    inner join securities using (security_id)
)

select * from final
