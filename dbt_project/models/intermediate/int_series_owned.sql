{#
Which portfolios an owner's own prices of a security value: the owner's. All others go by the security's series.
#}
select
    portfolios.portfolio_id,
    series.security_id,
    series.series_id
from {{ ref('int_price_series') }} as series
inner join {{ ref('stg_postgres__portfolio') }} as portfolios on series.owner_id = portfolios.user_id
