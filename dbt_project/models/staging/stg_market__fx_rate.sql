select
    currency,
    rate_date,
    rate_per_eur
from {{ source('market', 'fx_rate_daily') }}
