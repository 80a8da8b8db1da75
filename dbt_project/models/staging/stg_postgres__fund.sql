select
    security_id,
    fund_family,
    category,
    distribution,
    expense_ratio_bps
from {{ source('postgres', 'pg_fund_details') }}
