with registry as (
    select * from {{ source('postgres', 'pg_security_registry') }}
),

tickers as (
    select
        security_id,
        id_value as ticker
    from {{ source('postgres', 'pg_security_identifier') }}
    where id_type = 'TICKER' and is_primary
),

equities as (
    select * from {{ source('postgres', 'pg_equity_details') }}
)

select
    registry.security_id,
    tickers.ticker,
    registry.asset_type,
    registry.currency,
    registry.display_name,
    equities.exchange,
    equities.country,
    equities.sector,
    equities.industry
from registry
inner join tickers using (security_id)
left join equities using (security_id)
