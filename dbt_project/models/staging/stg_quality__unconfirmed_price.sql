select
    security_id,
    owner_id,
    price_date,
    close
from {{ source('quality', 'unconfirmed_price') }}
