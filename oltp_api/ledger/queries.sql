-- name: add
insert into portfolio (
    portfolio_id, user_id, name, base_currency, kind, time_zone, cost_method
)
values (
    %(portfolio_id)s, %(user_id)s, %(name)s, %(base_currency)s, %(kind)s, %(time_zone)s, %(cost_method)s
)

-- name: roots
-- In one order for all, so that two who lock several never wait for each other.
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
where
    portfolio_id = any(%(portfolio_ids)s)
    and (portfolio_id, user_id) in (select * from unnest(%(portfolio_ids)s::uuid[], %(user_ids)s::uuid[]))
order by portfolio_id

-- name: cash
select
    portfolio_id,
    currency,
    balance,
    reserved
from cash_balance
where portfolio_id = any(%(portfolio_ids)s)

-- name: holdings
-- Of whatever goes by an identifier, or of all.
select
    portfolio_id,
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
inner join
    unnest(%(portfolio_ids)s::uuid[], %(identifiers)s::text[], %(security_ids)s::bigint[])
    as asked(portfolio_id, identifier, of_security)
    using (portfolio_id)
where
    portfolio_id = any(%(portfolio_ids)s)
    and (
        asked.identifier is null and asked.of_security is null
        or security_id = asked.of_security
        or security_id = any(
            array(select named.security_id from security_identifier as named where named.id_value = asked.identifier)
        )
    )

-- name: history
-- All rows; or those of some securities and of all that events have tied to them, and a row with its reversal and the
-- other rows of its transfer.
with recursive tied as (
    select unnest(%(security_ids)s::bigint[]) as security_id
    union
    select other.security_id
    from tied
    inner join transaction_ledger as leg
        on
            leg.portfolio_id = %(portfolio_id)s
            and leg.security_id = tied.security_id
            and leg.txn_type in ('SPIN_OFF', 'RIGHTS', 'MERGER', 'EXCHANGE')
    inner join transaction_ledger as other
        on
            other.portfolio_id = leg.portfolio_id
            and other.transfer_id = leg.transfer_id
            and other.txn_type in ('SPIN_OFF', 'RIGHTS', 'MERGER', 'EXCHANGE')
)

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
    external_id,
    cost_effect,
    basis_share
from transaction_ledger
where
    portfolio_id = %(portfolio_id)s
    and (
        %(security_ids)s::bigint[] is null
        or security_id = any(array(select tied.security_id from tied))
        or %(seq)s::bigint in (seq, reverses_seq)
        or transfer_id = (
            select named.transfer_id from transaction_ledger as named
            where named.portfolio_id = %(portfolio_id)s and named.seq = %(seq)s
        )
    )
order by seq

-- name: recorded
-- One by one: a plan that was made while the ledger was small would else read all of it for years.
select
    found.portfolio_id,
    found.external_id,
    found.seq,
    found.cash_effect,
    found.currency,
    found.quantity
from unnest(%(portfolio_ids)s::uuid[], %(external_ids)s::text[]) as asked(portfolio_id, external_id)
cross join lateral (
    select
        transaction_ledger.portfolio_id,
        transaction_ledger.external_id,
        transaction_ledger.seq,
        transaction_ledger.cash_effect,
        transaction_ledger.currency,
        transaction_ledger.quantity
    from transaction_ledger
    where
        transaction_ledger.portfolio_id = asked.portfolio_id
        and transaction_ledger.external_id = asked.external_id
    limit 1
) as found

-- name: later_cash
select
    recorded.business_date,
    recorded.event_ts,
    recorded.seq,
    recorded.currency,
    recorded.cash_effect as amount
from transaction_ledger as recorded
where
    recorded.portfolio_id = %(portfolio_id)s
    and (recorded.business_date, recorded.event_ts) >= (%(business_date)s::date, %(event_ts)s::timestamptz)
    and recorded.cash_effect <> 0
    and recorded.reverses_seq is null
    and not exists (
        select from transaction_ledger as reversal
        where reversal.portfolio_id = recorded.portfolio_id and reversal.reverses_seq = recorded.seq
    )
order by recorded.business_date, recorded.event_ts, recorded.seq

-- name: save
-- Everything that decisions change, in one statement and one round trip. That a row was recorded is said by the row.
with decided as (
    select * from unnest(%(rows)s::ledger_row[])
),

ledger as (
    insert into transaction_ledger (
        portfolio_id, seq, account_id, security_id, txn_type, quantity, price, fees, cash_effect, currency,
        business_date, event_ts, recorded_at, note, gross, accrued, fx_rate, ex_date, split_new, split_old,
        transfer_id, reverses_seq, external_id, cost_effect, basis_share, row_hash
    )
    select
        portfolio_id, seq, account_id, security_id, txn_type, quantity, price, fees, cash_effect, currency,
        business_date, event_ts, %(recorded_at)s, note, gross, accrued, fx_rate, ex_date, split_new, split_old,
        transfer_id, reverses_seq, external_id, cost_effect, basis_share, row_hash
    from decided
),

held as (
    insert into account_holding (
        portfolio_id, account_id, security_id, quantity, reserved, cost_basis, cost_basis_base, realised,
        realised_base, realised_fx_base, is_basis_known, is_realised_known, lots
    )
    select
        portfolio_id, account_id, security_id, quantity, reserved, cost_basis, cost_basis_base, realised,
        realised_base, realised_fx_base, is_basis_known, is_realised_known, lots
    from json_to_recordset(%(holdings)s) as holding(
        portfolio_id uuid, account_id bigint, security_id bigint, quantity numeric, reserved numeric,
        cost_basis numeric, cost_basis_base numeric, realised numeric, realised_base numeric,
        realised_fx_base numeric, is_basis_known boolean, is_realised_known boolean, lots jsonb
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
        portfolio_id, currency, balance, reserved
    from json_to_recordset(%(cash)s) as balances(portfolio_id uuid, currency text, balance numeric, reserved numeric)
    on conflict (portfolio_id, currency) do update set
        balance = excluded.balance,
        reserved = excluded.reserved
),

events as (
    insert into outbox (aggregate_id, version, event_type, payload, correlation_id)
    select
        aggregate_id, version, event_type, payload, correlation_id
    from json_to_recordset(%(others)s) as happened(
        aggregate_id uuid, version bigint, event_type text, payload jsonb, correlation_id text
    )
    union all
    select
        portfolio_id,
        seq,
        'TransactionRecorded',
        jsonb_build_object(
            'portfolio_id', portfolio_id,
            'seq', seq,
            'txn_type', txn_type,
            'business_date', business_date,
            'security_id', security_id,
            'quantity', quantity::text,
            'price', price::text,
            'cash_effect', cash_effect::text,
            'currency', currency
        ),
        (%(causes)s::text[])[array_position(%(portfolio_ids)s::uuid[], portfolio_id)]
    from decided
    union all
    select
        aggregate_id, version, event_type, payload, correlation_id
    from json_to_recordset(%(updates)s) as happened(
        aggregate_id uuid, version bigint, event_type text, payload jsonb, correlation_id text
    )
)

update portfolio
set
    version = root.version,
    last_business_date = root.last_business_date,
    last_event_ts = root.last_event_ts,
    cost_method = root.cost_method,
    ledger_hash = decode(root.ledger_hash, 'hex')
from
    json_to_recordset(%(portfolios)s) as root(
        portfolio_id uuid, version bigint, last_business_date date, last_event_ts timestamptz, cost_method text,
        ledger_hash text
    )
where portfolio.portfolio_id = root.portfolio_id and portfolio.portfolio_id = any(%(portfolio_ids)s)
