select
    security_id,
    price_date,
    close,
    currency,
    price_kind,
    price_source
from {{ source('own', 'own_price') }}
