{# What is not known is null; the fold counts it as 0, and goes on adding what is known to `realised_base`. #}
select
    portfolio_id,
    account_id,
    security_id,
    valid_from,
    valid_to,
    quantity,
    case when is_basis_known then cost_basis end as cost_basis,
    case when is_basis_known then avg_cost end as avg_cost,
    case when is_basis_known then cost_basis_base end as cost_basis_base,
    case when is_realised_known then realised end as realised,
    realised_base,
    departed_base,
    carried_base,
    is_realised_known
from {{ source('positions', 'position_interval') }}
