-- name: lock
select
    portfolio_id,
    name,
    version,
    revision,
    archived_at,
    base_currency,
    benchmark,
    limits,
    long_term_days
from portfolio
where user_id = %(user_id)s and portfolio_id = %(portfolio_id)s
for update

-- name: save
update portfolio
set
    name = %(name)s,
    archived_at = %(archived_at)s,
    benchmark = %(benchmark)s,
    limits = %(limits)s::jsonb,
    long_term_days = %(long_term_days)s,
    revision = %(revision)s
where portfolio_id = %(portfolio_id)s

-- name: open_orders
select count(*) as open_orders
from orders
where portfolio_id = %(portfolio_id)s and status in ('PENDING', 'PARTIALLY_FILLED')

-- name: portfolios
select
    portfolio.portfolio_id,
    portfolio.name,
    portfolio.base_currency,
    portfolio.kind,
    portfolio.time_zone,
    portfolio.cost_method,
    portfolio.version,
    portfolio.revision,
    coalesce(cash_balance.balance, 0) as cash,
    portfolio.last_business_date,
    portfolio.archived_at,
    portfolio.created_at,
    portfolio.benchmark,
    portfolio.limits,
    portfolio.long_term_days
from portfolio
left join cash_balance
    on portfolio.portfolio_id = cash_balance.portfolio_id and portfolio.base_currency = cash_balance.currency

-- name: of_id
where portfolio.user_id = %(user_id)s and portfolio.portfolio_id = %(portfolio_id)s

-- name: matching
-- One's own and those that are shared with one; by their ids, so that strangers' are not even looked through.
where portfolio.portfolio_id = any(array(
    select own.portfolio_id
    from portfolio as own
    where own.user_id = %(user_id)s
    union all
    select portfolio_share.portfolio_id
    from portfolio_share
    where portfolio_share.user_id = %(user_id)s and portfolio_share.ended_at is null
))
and (%(name)s::text is null or strpos(lower(portfolio.name), lower(%(name)s)) > 0)
and (%(kind)s::text is null or portfolio.kind = %(kind)s)
and (%(archived)s::boolean is null or (portfolio.archived_at is not null) = %(archived)s)
