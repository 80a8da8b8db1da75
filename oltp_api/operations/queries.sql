-- name: schema_version
select version_num as schema_version
from alembic_version

-- name: state
-- Sessions of other roles show their age to the database's owner only, and its own to any role.
with open_transaction as (
    select max(extract(epoch from clock_timestamp() - xact_start)) as seconds
    from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'
)

select
    ledger_head_at() as ledger_head_at,
    (select system_identifier::text from pg_control_system()) as system_identifier,
    coalesce(greatest(open_transaction.seconds, oldest_transaction_seconds()), 0)::float8 as oldest_transaction_seconds
from open_transaction

-- name: ledger_rows
-- A portfolio's version is the number of its rows.
select ledger_size()::float8 as ledger_rows

-- name: release_lag
-- Seconds since the oldest row was recorded that the horizon does not see, which from its xmin on is found by index, or
-- that belongs to a held portfolio and is not shown.
select seconds_unreleased(%(xmin)s, %(snapshot)s, %(held)s::uuid[], %(shown)s::bigint[]) as seconds

-- name: overview
-- The newest row of the portfolio, and what else is known of it.
select
    portfolio.version,
    ledger.recorded_at,
    portfolio.last_business_date as newest_business_date,
    nullif(encode(portfolio.ledger_hash, 'hex'), '') as head_hash,
    (
        select count(*)
        from simulation
        where simulation.portfolio_id = portfolio.portfolio_id and simulation.status = 'REQUESTED'
    ) as open_simulations,
    (
        select max(idempotency_key.created_at)
        from idempotency_key
        where idempotency_key.user_id = portfolio.user_id
    ) as last_idempotency_key_at
from portfolio
left join transaction_ledger as ledger
    on portfolio.portfolio_id = ledger.portfolio_id and portfolio.version = ledger.seq
where portfolio.user_id = %(user_id)s and portfolio.portfolio_id = %(portfolio_id)s

-- name: last_snapshot
select
    snapshot_id,
    business_date,
    taken_at,
    portfolio_version,
    release_id
from position_snapshot
where portfolio_id = %(portfolio_id)s
order by taken_at desc
limit 1

-- name: pending
select
    (
        select count(*)
        from orders
        where orders.portfolio_id = portfolio.portfolio_id and orders.status in ('PENDING', 'PARTIALLY_FILLED')
    ) as open_orders,
    (
        select count(*)
        from dead_letter
        inner join outbox using (event_id)
        where outbox.aggregate_id = portfolio.portfolio_id and dead_letter.replayed_at is null
    ) as dead_letters,
    (
        select coalesce(sum(reserved), 0)
        from cash_balance
        where cash_balance.portfolio_id = portfolio.portfolio_id and currency = portfolio.base_currency
    ) as reserved_cash,
    (
        select count(*)
        from account_holding
        where account_holding.portfolio_id = portfolio.portfolio_id and reserved > 0
    ) as reserved_holdings
from portfolio
where portfolio.portfolio_id = %(portfolio_id)s

-- name: empty_probe
-- A new file with its first page. It waits for nobody: a dump reads the table for as long as it takes.
with no_wait as (select set_config('lock_timeout', '100ms', true))
select from no_wait;
truncate write_probe

-- name: probe
insert into write_probe (probed_at, filler)
values (now(), repeat('x', 7000))
