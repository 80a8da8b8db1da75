-- name: lock
select
    portfolio_id,
    name,
    version,
    revision,
    archived_at
from portfolio
where user_id = %(user_id)s and portfolio_id = %(portfolio_id)s
for update

-- name: save
update portfolio
set
    name = %(name)s,
    archived_at = %(archived_at)s,
    revision = %(revision)s
where portfolio_id = %(portfolio_id)s

-- name: open_orders
select count(*) as open_orders
from orders
where portfolio_id = %(portfolio_id)s and status in ('PENDING', 'PARTIALLY_FILLED')
