{{ config(materialized='windowed', date_column='price_date') }}

select * exclude (owner_id)
from {{ ref('int_prices_followed') }}
where owner_id is null
