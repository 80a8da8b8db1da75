-- name: is_published
select exists (
    select from posted_price
    where security_id = %(security_id)s and owner_id is null
) as is_published

-- name: post
insert into posted_price (security_id, price_date, close, currency, user_id, owner_id, posted_at)
select
    %(security_id)s,
    price_date,
    close,
    %(currency)s,
    %(user_id)s,
    %(owner_id)s,
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
        owner_id is null as is_published,
        posted_price_id = max(posted_price_id) over (partition by owner_id, price_date) as is_current
    from posted_price
    where
        security_id = %(security_id)s
        and (owner_id is null or owner_id = %(user_id)s)
        and price_date >= coalesce(%(start)s::date, '-infinity')
        and price_date <= coalesce(%(end)s::date, 'infinity')
)

select *
from numbered
where is_current or %(superseded)s
