-- name: add
insert into portfolio (portfolio_id, user_id, name, base_currency, kind, time_zone)
values (%(portfolio_id)s, %(user_id)s, %(name)s, %(base_currency)s, %(kind)s, %(time_zone)s)

-- name: lock
select
    portfolio_id,
    user_id,
    name,
    base_currency,
    kind,
    time_zone,
    version,
    archived_at is not null as archived,
    last_business_date,
    last_event_ts
from portfolio
where portfolio_id = %(portfolio_id)s and user_id = %(user_id)s
for update

-- name: cash
select
    currency,
    balance
from cash_balance
where portfolio_id = %(portfolio_id)s

-- name: holdings
-- A closed holding has no row in position_current, but its realised gain goes on.
select
    realised_gain.account_id,
    realised_gain.security_id,
    coalesce(position_current.quantity, 0) as quantity,
    coalesce(position_current.cost_basis, 0) as cost_basis,
    realised_gain.realised
from realised_gain
left join position_current using (portfolio_id, security_id, account_id)
where realised_gain.portfolio_id = %(portfolio_id)s and realised_gain.security_id = %(security_id)s

-- name: history
select
    portfolio_id,
    seq,
    account_id,
    txn_type,
    currency,
    cash_effect,
    event_ts,
    business_date,
    security_id,
    quantity,
    price,
    fees,
    note
from transaction_ledger
where portfolio_id = %(portfolio_id)s
order by seq

-- name: append
insert into transaction_ledger (
    portfolio_id, seq, account_id, security_id, txn_type, quantity, price, fees, cash_effect, currency,
    business_date, event_ts, recorded_at, note
)
values (
    %(portfolio_id)s, %(seq)s, %(account_id)s, %(security_id)s, %(txn_type)s, %(quantity)s, %(price)s, %(fees)s,
    %(cash_effect)s, %(currency)s, %(business_date)s, %(event_ts)s, %(recorded_at)s, %(note)s
)

-- name: save_holding
with holding as (
    select
        %(portfolio_id)s::uuid as portfolio_id,
        %(account_id)s::bigint as account_id,
        %(security_id)s::bigint as security_id,
        %(quantity)s::numeric as quantity,
        %(cost_basis)s::numeric as cost_basis,
        %(realised)s::numeric as realised
),

closed as (
    delete from position_current
    using holding
    where
        position_current.portfolio_id = holding.portfolio_id
        and position_current.account_id = holding.account_id
        and position_current.security_id = holding.security_id
        and holding.quantity = 0
),

held as (
    insert into position_current (portfolio_id, account_id, security_id, quantity, cost_basis, realised)
    select portfolio_id, account_id, security_id, quantity, cost_basis, realised
    from holding
    where quantity <> 0
    on conflict (portfolio_id, security_id, account_id) do update set
        quantity = excluded.quantity,
        cost_basis = excluded.cost_basis,
        realised = excluded.realised
)

insert into realised_gain (portfolio_id, account_id, security_id, realised)
select portfolio_id, account_id, security_id, realised
from holding
on conflict (portfolio_id, security_id, account_id) do update set realised = excluded.realised

-- name: save_cash
insert into cash_balance (portfolio_id, currency, balance)
values (%(portfolio_id)s, %(currency)s, %(balance)s)
on conflict (portfolio_id, currency) do update set balance = excluded.balance

-- name: save_version
update portfolio
set
    version = %(version)s,
    last_business_date = %(last_business_date)s,
    last_event_ts = %(last_event_ts)s
where portfolio_id = %(portfolio_id)s
