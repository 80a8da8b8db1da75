select
    security_id,
    id_type,
    id_value,
    is_primary,
    valid_to is null as is_current
from {{ source('postgres', 'pg_security_identifier') }}
