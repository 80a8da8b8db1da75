select
    security_id,
    owner_id,
    price_date,
    close,
    currency,
    price_kind,
    price_source
from {{ source('own', 'own_price') }}
