-- name: add
insert into portfolio (
    portfolio_id, user_id, name, base_currency, kind, time_zone, cost_method
)
values (
    %(portfolio_id)s, %(user_id)s, %(name)s, %(base_currency)s, %(kind)s, %(time_zone)s, %(cost_method)s
)

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
    last_event_ts,
    cost_method,
    ledger_hash
from portfolio
where portfolio_id = %(portfolio_id)s and user_id = %(user_id)s
for update

-- name: cash
select
    currency,
    balance,
    reserved
from cash_balance
where portfolio_id = %(portfolio_id)s

-- name: holdings
-- Of whatever goes by an identifier, or of all.
select
    account_id,
    security_id,
    quantity,
    reserved,
    cost_basis,
    cost_basis_base,
    realised,
    realised_base,
    realised_fx_base,
    is_basis_known,
    is_realised_known,
    lots
from account_holding
where
    portfolio_id = %(portfolio_id)s
    and (
        coalesce(%(identifier)s::text, '') = '' and %(security_id)s::bigint is null
        or security_id = %(security_id)s
        or security_id = any(
            array(select security_id from security_identifier where id_value = %(identifier)s)
        )
    )

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
    note,
    gross,
    accrued,
    fx_rate,
    ex_date,
    split_new,
    split_old,
    transfer_id,
    reverses_seq,
    external_id
from transaction_ledger
where portfolio_id = %(portfolio_id)s
order by seq

-- name: save
-- Everything that a decision changes, in one statement and one round trip.
with ledger as (
    insert into transaction_ledger (
        portfolio_id, seq, account_id, security_id, txn_type, quantity, price, fees, cash_effect, currency,
        business_date, event_ts, recorded_at, note, gross, accrued, fx_rate, ex_date, split_new, split_old,
        transfer_id, reverses_seq, external_id, row_hash
    )
    select
        %(portfolio_id)s, seq, account_id, security_id, txn_type, quantity, price, fees, cash_effect, currency,
        business_date, event_ts, %(recorded_at)s, note, gross, accrued, fx_rate, ex_date, split_new, split_old,
        transfer_id, reverses_seq, external_id, decode(row_hash, 'hex')
    from jsonb_to_recordset(%(rows)s) as decided(
        seq bigint, account_id bigint, security_id bigint, txn_type text, quantity numeric, price numeric,
        fees numeric, cash_effect numeric, currency text, business_date date, event_ts timestamptz, note text,
        gross numeric, accrued numeric, fx_rate numeric, ex_date date, split_new numeric, split_old numeric,
        transfer_id uuid, reverses_seq bigint, external_id text, row_hash text
    )
),

held as (
    insert into account_holding (
        portfolio_id, account_id, security_id, quantity, reserved, cost_basis, cost_basis_base, realised,
        realised_base, realised_fx_base, is_basis_known, is_realised_known, lots
    )
    select
        %(portfolio_id)s, account_id, security_id, quantity, reserved, cost_basis, cost_basis_base, realised,
        realised_base, realised_fx_base, is_basis_known, is_realised_known, lots
    from jsonb_to_recordset(%(holdings)s) as holding(
        account_id bigint, security_id bigint, quantity numeric, reserved numeric, cost_basis numeric,
        cost_basis_base numeric, realised numeric, realised_base numeric, realised_fx_base numeric,
        is_basis_known boolean, is_realised_known boolean, lots jsonb
    )
    on conflict (portfolio_id, security_id, account_id) do update set
        quantity = excluded.quantity,
        reserved = excluded.reserved,
        cost_basis = excluded.cost_basis,
        cost_basis_base = excluded.cost_basis_base,
        realised = excluded.realised,
        realised_base = excluded.realised_base,
        realised_fx_base = excluded.realised_fx_base,
        is_basis_known = excluded.is_basis_known,
        is_realised_known = excluded.is_realised_known,
        lots = excluded.lots
),

cash as (
    insert into cash_balance (portfolio_id, currency, balance, reserved)
    select
        %(portfolio_id)s, currency, balance, reserved
    from jsonb_to_recordset(%(cash)s) as balances(currency text, balance numeric, reserved numeric)
    on conflict (portfolio_id, currency) do update set
        balance = excluded.balance,
        reserved = excluded.reserved
),

events as (
    insert into outbox (aggregate_id, version, event_type, payload, correlation_id)
    select
        aggregate_id, version, event_type, payload, %(correlation_id)s
    from jsonb_to_recordset(%(events)s) as happened(
        aggregate_id uuid, version bigint, event_type text, payload jsonb
    )
)

update portfolio
set
    version = %(version)s,
    last_business_date = %(last_business_date)s,
    last_event_ts = %(last_event_ts)s,
    cost_method = %(cost_method)s,
    ledger_hash = %(ledger_hash)s
where portfolio_id = %(portfolio_id)s
