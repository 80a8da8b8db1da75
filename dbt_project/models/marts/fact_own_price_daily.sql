{{ config(materialized='windowed', date_column='price_date') }}

select *
from {{ ref('int_prices_followed') }}
where owner_id is not null
