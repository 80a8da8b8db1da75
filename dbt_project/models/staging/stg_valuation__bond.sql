select
    security_id,
    price_date,
    clean_price,
    accrued
from {{ source('valuation', 'fact_bond_valuation_daily') }}
