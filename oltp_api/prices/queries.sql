-- name: poster
-- Who posted prices of the security first; nobody else posts more.
select user_id
from posted_price
where security_id = %(security_id)s
order by posted_price_id
limit 1

-- name: post
insert into posted_price (security_id, price_date, close, currency, user_id, posted_at)
select
    %(security_id)s,
    price_date,
    close,
    %(currency)s,
    %(user_id)s,
    %(posted_at)s
from unnest(%(days)s::date[], %(closes)s::numeric[]) with ordinality as posted (price_date, close, number)
order by number

-- name: posted
with numbered as (
    select
        posted_price_id,
        price_date,
        close,
        currency,
        posted_at,
        posted_price_id = max(posted_price_id) over (partition by price_date) as is_current
    from posted_price
    where
        security_id = %(security_id)s
        and user_id = %(user_id)s
        and price_date >= coalesce(%(start)s::date, '-infinity')
        and price_date <= coalesce(%(end)s::date, 'infinity')
)

select *
from numbered
where is_current or %(superseded)s
