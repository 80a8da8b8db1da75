with securities as (
    select * from {{ ref('stg_postgres__security') }}
),

prices as (
    select * from {{ ref('int_prices_quoted') }}
    where owner_id is null
),

identifiers as (
    select
        security_id,
        max(id_value) filter (where id_type = 'ISIN') as isin,
        max(id_value) filter (where id_type = 'CUSIP') as cusip,
        list(id_type || ':' || id_value order by id_type, id_value) as identifiers
    from {{ ref('stg_postgres__identifier') }}
    where is_current
    group by security_id
),

funds as (
    select * from {{ ref('stg_postgres__fund') }}
),

bonds as (
    select * from {{ ref('stg_postgres__bond') }}
),

priced as (
    select
        security_id,
        max(price_kind) as price_kind,
        min(price_date) as first_price_date,
        max(price_date) as last_price_date
    from prices
    group by security_id
),

final as (
    select
        securities.security_id,
        securities.ticker,
        securities.asset_type,
        securities.currency,
        securities.display_name,
        securities.exchange,
        securities.country,
        securities.sector,
        securities.industry,
        identifiers.isin,
        identifiers.cusip,
        array_to_string(identifiers.identifiers, ' ') as identifiers,
        funds.fund_family,
        funds.category as fund_category,
        funds.expense_ratio_bps,
        bonds.issuer,
        bonds.issuer_class,
        bonds.issue_date,
        bonds.maturity_date,
        bonds.coupon_rate_pct,
        bonds.coupon_frequency,
        bonds.day_count,
        priced.price_kind,
        priced.first_price_date,
        priced.last_price_date
    from securities
    left join identifiers using (security_id)
    left join funds using (security_id)
    left join bonds using (security_id)
    left join priced using (security_id)
)

select * from final
