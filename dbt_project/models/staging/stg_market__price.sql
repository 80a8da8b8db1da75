select
    ticker,
    price_date,
    close,
    currency,
    price_kind
from {{ source('market', 'price_daily') }}
