select
    security_id,
    maturity_date,
    coupon_rate_pct,
    coupon_frequency,
    day_count,
    issuer,
    issuer_class,
    issue_date,
    first_coupon_date,
    denomination,
    spread_bps
from {{ source('postgres', 'pg_bond_details') }}
