{#
What one unit of a security is worth, by security and day: its price, or for a bond, whose units are face amount, a
hundredth of clean price and accrued interest. A bond that nobody quotes is priced from the curve (DERIVED); one that the
curve cannot price still has accrued interest on top of a quote. A security
that the market prices on any day has no prices of people's own: the two are never mixed.
#}
with securities as (
    select * from {{ ref('stg_postgres__security') }}
),

market as (
    select
        securities.security_id,
        prices.*,
        'MARKET' as price_source
    from {{ ref('stg_market__price') }} as prices
    inner join securities using (ticker, currency)
),

own as (
    select
        prices.*,
        securities.ticker
    from {{ ref('stg_own__price') }} as prices
    inner join securities using (security_id, currency)
    anti join market using (security_id)
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

together as (
    select
        coalesce(quoted.security_id, bonds.security_id) as security_id,
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
    full outer join bonds using (security_id, price_date)
    where coalesce(quoted.close, bonds.clean_price) is not null
),

final as (
    select
        together.*,
        cast(
            (together.close + together.accrued)
            * case when securities.asset_type = 'BOND' then cast(0.01 as decimal(3, 2)) else 1 end
            as decimal(22, 10)
        ) as unit_value
    from together
    inner join securities using (security_id)
)

select * from final
