-- name: usable
-- Whoever archives the account waits for the transaction that uses it, and is seen by the next.
select
    user_id,
    identifier,
    account_id,
    archived_at
from account
where
    user_id = any(%(user_ids)s)
    and (user_id, identifier) in (select * from unnest(%(user_ids)s::uuid[], %(identifiers)s::text[]))

-- name: open
select
    identifier,
    account_id
from account
where user_id = %(user_id)s and archived_at is null

-- name: lock
select *
from account
where user_id = %(user_id)s and identifier = %(identifier)s
for update

-- name: add
insert into account (user_id, identifier, broker, account_type)
values (%(user_id)s, %(identifier)s, %(broker)s, %(account_type)s)

-- name: save
update account
set
    identifier = %(identifier)s,
    broker = %(broker)s,
    account_type = %(account_type)s,
    archived_at = %(archived_at)s,
    revision = revision + 1
where account_id = %(account_id)s

-- name: held
select
    position_current.portfolio_id,
    security_name.name as ticker,
    position_current.quantity
from position_current
inner join security_name using (security_id)
where position_current.account_id = %(account_id)s
order by position_current.portfolio_id, security_name.name
limit 100

-- name: accounts
select
    account_id,
    identifier,
    broker,
    account_type,
    revision,
    archived_at,
    created_at
from account
where
    user_id = %(user_id)s
    and (%(identifier)s::text is null or identifier = %(identifier)s)
    and (%(broker)s::text is null or strpos(lower(broker), lower(%(broker)s)) > 0)
    and (%(account_type)s::text is null or account_type = %(account_type)s)
    and (%(archived)s::boolean is null or (archived_at is not null) = %(archived)s)
