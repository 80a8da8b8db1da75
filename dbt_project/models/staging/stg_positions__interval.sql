select
    portfolio_id,
    account_id,
    security_id,
    valid_from,
    valid_to,
    quantity,
    cost_basis,
    avg_cost,
    realised
from {{ source('positions', 'position_interval') }}
