-- name: whose
-- Without a lock: which portfolio to lock, and of which security to load what it holds.
select
    orders.portfolio_id,
    orders.security_id
from orders
inner join portfolio using (portfolio_id)
where orders.order_id = %(order_id)s and portfolio.user_id = %(user_id)s

-- name: orders
-- For deciding; every caller adds its own condition.
select
    orders.order_id,
    orders.portfolio_id,
    orders.account_id,
    orders.security_id,
    security_name.name as ticker,
    security_registry.asset_type,
    security_registry.display_name,
    orders.side,
    orders.order_type,
    orders.quantity,
    orders.limit_price,
    orders.fees,
    orders.status,
    orders.filled_quantity,
    orders.reserved_cash,
    orders.reserved_quantity,
    orders.currency,
    orders.reason,
    orders.is_overdrawn,
    orders.version,
    orders.placed_at,
    portfolio.user_id,
    portfolio.time_zone
from orders
inner join portfolio using (portfolio_id)
inner join security_registry using (security_id)
inner join security_name using (security_id)

-- name: of_id
where orders.order_id = %(order_id)s

-- name: open_after
where
    orders.status in ('PENDING', 'PARTIALLY_FILLED')
    and (%(order_id)s::uuid is null or orders.order_id = %(order_id)s)
    and (
        %(cursor)s::uuid is null
        or (orders.placed_at, orders.order_id) > (select placed_at, order_id from orders where order_id = %(cursor)s)
    )
order by orders.placed_at, orders.order_id
limit %(limit)s

-- name: fills
select
    fill_id,
    quantity,
    price,
    fees,
    accrued,
    fx_rate,
    business_date,
    source,
    seq,
    filled_at
from order_fill
where order_id = %(order_id)s
order by seq

-- name: save
insert into orders (
    order_id, portfolio_id, account_id, security_id, side, order_type, quantity, limit_price, fees, status,
    filled_quantity, reserved_cash, reserved_quantity, currency, reason, is_overdrawn, version, placed_at, updated_at
)
values (
    %(order_id)s, %(portfolio_id)s, %(account_id)s, %(security_id)s, %(side)s, %(order_type)s, %(quantity)s,
    %(limit_price)s, %(fees)s, %(status)s, %(filled_quantity)s, %(reserved_cash)s, %(reserved_quantity)s, %(currency)s,
    %(reason)s, %(is_overdrawn)s, %(version)s, %(placed_at)s, %(updated_at)s
)
on conflict (order_id) do update set
    status = excluded.status,
    filled_quantity = excluded.filled_quantity,
    reserved_cash = excluded.reserved_cash,
    reserved_quantity = excluded.reserved_quantity,
    reason = excluded.reason,
    is_overdrawn = excluded.is_overdrawn,
    version = excluded.version,
    updated_at = excluded.updated_at

-- name: add_fill
insert into order_fill (
    order_id, fill_id, quantity, price, fees, accrued, fx_rate, business_date, source, seq, filled_at
)
values (
    %(order_id)s, %(fill_id)s, %(quantity)s, %(price)s, %(fees)s, %(accrued)s, %(fx_rate)s, %(business_date)s,
    %(source)s, %(seq)s, %(filled_at)s
)

-- name: views
-- As people see them; every caller adds its own order.
select
    orders.order_id,
    orders.portfolio_id,
    account.identifier as account,
    orders.security_id,
    security_name.name as ticker,
    orders.side,
    orders.order_type,
    orders.quantity,
    orders.limit_price,
    orders.fees,
    orders.status,
    orders.filled_quantity,
    orders.quantity - orders.filled_quantity as left_quantity,
    orders.reserved_cash,
    orders.reserved_quantity,
    orders.currency,
    orders.reason,
    orders.is_overdrawn,
    orders.version,
    orders.placed_at,
    orders.updated_at
from orders
inner join portfolio using (portfolio_id)
inner join account using (account_id)
inner join security_name using (security_id)
where
    portfolio.user_id = %(user_id)s
    and (%(order_id)s::uuid is null or orders.order_id = %(order_id)s)
    and (%(portfolio_id)s::uuid is null or orders.portfolio_id = %(portfolio_id)s)
    and (%(status)s::text is null or orders.status = %(status)s)
    and (%(side)s::text is null or orders.side = %(side)s)
    and (%(ticker)s::text is null or security_name.name = %(ticker)s)

-- name: oldest_first
    and (
        %(cursor)s::uuid is null
        or (orders.placed_at, orders.order_id) > (
            select seen.placed_at, seen.order_id
            from orders as seen
            inner join portfolio as own using (portfolio_id)
            where seen.order_id = %(cursor)s and own.user_id = %(user_id)s
        )
    )
order by orders.placed_at, orders.order_id
limit %(limit)s

-- name: newest_first
    and (
        %(cursor)s::uuid is null
        or (orders.placed_at, orders.order_id) < (
            select seen.placed_at, seen.order_id
            from orders as seen
            inner join portfolio as own using (portfolio_id)
            where seen.order_id = %(cursor)s and own.user_id = %(user_id)s
        )
    )
order by orders.placed_at desc, orders.order_id desc
limit %(limit)s
