select
    ticker,
    price_date,
    close,
    currency,
    price_kind,
    adjusted_close,
    volume
from {{ source('market', 'price_daily') }}
