select
    security_id,
    price_date,
    close
from {{ source('quality', 'unconfirmed_price') }}
