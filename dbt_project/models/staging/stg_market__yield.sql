select
    curve_date,
    tenor_months,
    par_yield_pct
from {{ source('market', 'yield_curve') }}
