{# Every portfolio has a row for every day from its first transaction to the last day with prices. #}
{{ config(meta={'dagster': {'ref': {'name': 'fact_portfolio_value_daily'}}}) }}
select portfolio_id
from {{ ref('fact_portfolio_value_daily') }}
where {{ in_scope('portfolio_id') }}
group by portfolio_id
having
    count(*) <> max(business_date) - min(business_date) + 1
    or max(business_date) <> (select max(date_day) from {{ ref('dim_date') }})
