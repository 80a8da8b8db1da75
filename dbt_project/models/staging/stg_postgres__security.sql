with registry as (
    select * from {{ source('postgres', 'pg_security_registry') }}
),

names as (
    select * from {{ source('postgres', 'pg_security_identifier') }}
    where is_primary
),

{# What a security is called: its primary ticker, or its ISIN or CUSIP if it has none. #}
named as (
    select
        security_id,
        coalesce(
            max(id_value) filter (where id_type = 'TICKER'),
            max(id_value) filter (where id_type = 'ISIN'),
            max(id_value) filter (where id_type = 'CUSIP')
        ) as ticker
    from names
    group by security_id
),

equities as (
    select * from {{ source('postgres', 'pg_equity_details') }}
)

select
    registry.security_id,
    named.ticker,
    registry.asset_type,
    registry.currency,
    registry.display_name,
    equities.exchange,
    equities.country,
    equities.sector,
    equities.industry
from registry
inner join named using (security_id)
left join equities using (security_id)
