select
    portfolio_id,
    user_id,
    name as portfolio_name,
    base_currency,
    kind,
    version
from {{ source('postgres', 'pg_portfolio') }}
