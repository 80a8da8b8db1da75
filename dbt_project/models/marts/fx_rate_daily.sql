{{ config(materialized='windowed', date_column='business_date') }}

select
    currency,
    business_date,
    rate_per_eur,
    rate_date,
    status
from {{ ref('int_rates_carried') }}
