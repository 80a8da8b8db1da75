-- name: monthly_log_returns
select
    security_id,
    price_date as days,
    log_return
from marts.fact_price_daily
where
    list_contains($security_ids, security_id)
    and log_return is not null
    and price_date between $first and $last

-- name: sessions
select date_day as days
from marts.dim_date
where is_trading_day and date_day between $first and $last
order by date_day
