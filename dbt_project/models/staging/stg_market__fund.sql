select
    ticker,
    as_of,
    fund_family,
    category,
    legal_type,
    inception_date,
    expense_ratio_pct,
    net_assets,
    currency,
    is_illustrative
from {{ source('market', 'fund_metadata') }}
