with securities as (
    select * from {{ ref('stg_postgres__security') }}
),

prices as (
    select * from {{ ref('stg_market__price') }}
),

priced as (
    select
        ticker,
        max(price_kind) as price_kind,
        min(price_date) as first_price_date,
        max(price_date) as last_price_date
    from prices
    group by ticker
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
        priced.price_kind,
        priced.first_price_date,
        priced.last_price_date
    from securities
    left join priced using (ticker)
)

select * from final
