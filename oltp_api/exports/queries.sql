-- name: instant
-- All that follows in this transaction is of one instant; a slow reader is cut off by the longer limits of an export.
set transaction isolation level repeatable read, read only

-- name: limits
select
    set_config('statement_timeout', %(seconds)s, true),
    set_config('idle_in_transaction_session_timeout', %(seconds)s, true),
    set_config('datestyle', 'ISO', true),
    set_config('timezone', 'UTC', true)

-- name: now
select now() as now

-- name: portfolio
select
    portfolio_id,
    name,
    base_currency,
    kind,
    cost_method,
    time_zone,
    version
from portfolio
where portfolio_id = %(portfolio_id)s

-- name: portfolios
select
    portfolio_id,
    name,
    base_currency,
    kind,
    cost_method,
    time_zone,
    version,
    last_business_date,
    archived_at,
    created_at,
    benchmark,
    limits::text as limits
from portfolio
where user_id = %(user_id)s
order by created_at, portfolio_id

-- name: accounts
select
    identifier as account,
    broker,
    account_type,
    created_at,
    archived_at
from account
where user_id = %(user_id)s
order by account_id

-- name: securities
-- Of whatever the user's ledgers name.
select
    security_name.name as ticker,
    security_registry.display_name as security_name,
    security_registry.asset_type,
    security_registry.currency as security_currency,
    coalesce(security_registry.price_kind, 'AS_TRADED') as price_kind,
    (
        select json_agg(
            json_build_object(
                'id_type', id_type, 'value', id_value, 'is_primary', is_primary, 'valid_from', valid_from,
                'valid_to', valid_to
            )
            order by id_type, valid_from, id_value
        )::text
        from security_identifier
        where security_identifier.security_id = security_registry.security_id
    ) as identifiers
from security_registry
inner join security_name using (security_id)
where
    security_registry.security_id in (
        select transaction_ledger.security_id
        from transaction_ledger
        inner join portfolio using (portfolio_id)
        where portfolio.user_id = %(user_id)s
    )
order by security_name.name

-- name: ratios
-- Splits that stand.
select
    security_id,
    split_new,
    split_old
from transaction_ledger as split
where
    portfolio_id = %(portfolio_id)s
    and txn_type = 'SPLIT'
    and not exists (
        select from transaction_ledger as reversal
        where reversal.portfolio_id = split.portfolio_id and reversal.reverses_seq = split.seq
    )

-- name: own
-- Columns of `columns.py`, typed; what is registered of a security stands in its first row. What is the same for many
-- rows is made once, also as the texts that are joined there.
with first_rows as (
    select
        security_id,
        min(seq) as seq
    from transaction_ledger
    where portfolio_id = %(portfolio_id)s and security_id is not null
    group by security_id
),

registered as (
    select
        security_registry.security_id,
        first_rows.seq as first_seq,
        security_name.name as ticker,
        security_registry.display_name,
        security_registry.asset_type,
        security_registry.currency,
        coalesce(security_registry.price_kind, 'AS_TRADED') as price_kind,
        (
            select max(id_value) from security_identifier
            where
                security_identifier.security_id = security_registry.security_id
                and id_type = 'ISIN' and is_primary
        ) as isin,
        (
            select max(id_value) from security_identifier
            where
                security_identifier.security_id = security_registry.security_id
                and id_type = 'CUSIP' and is_primary
        ) as cusip,
        json_strip_nulls(json_build_object(
            'exchange', equity_details.exchange,
            'country', equity_details.country,
            'sector', equity_details.sector,
            'industry', equity_details.industry,
            'fund', case when fund_details.security_id is not null then json_build_object(
                'fund_family', fund_details.fund_family,
                'category', fund_details.category,
                'distribution', fund_details.distribution,
                'expense_ratio_bps', trim_scale(fund_details.expense_ratio_bps)::text
            ) end,
            'bond', case when bond_details.security_id is not null then json_build_object(
                'maturity_date', bond_details.maturity_date,
                'coupon_rate_pct', trim_scale(bond_details.coupon_rate_pct)::text,
                'day_count', bond_details.day_count,
                'coupon_frequency', bond_details.coupon_frequency,
                'issuer', bond_details.issuer,
                'issuer_class', bond_details.issuer_class,
                'issue_date', bond_details.issue_date,
                'first_coupon_date', bond_details.first_coupon_date,
                'denomination', trim_scale(bond_details.denomination)::text,
                'spread_bps', trim_scale(bond_details.spread_bps)::text,
                'dated_date', bond_details.dated_date,
                'penultimate_coupon_date', bond_details.penultimate_coupon_date,
                'ex_coupon_days', bond_details.ex_coupon_days,
                'ex_coupon_business_days', bond_details.ex_coupon_business_days,
                'payment_convention', bond_details.payment_convention,
                'payment_calendar', bond_details.payment_calendar,
                'coupon_steps', bond_details.coupon_steps,
                'amortisation', bond_details.amortisation,
                'call_schedule', bond_details.call_schedule
            ) end
        ))::text as details
    from first_rows
    inner join security_registry using (security_id)
    inner join security_name using (security_id)
    left join equity_details using (security_id)
    left join fund_details using (security_id)
    left join bond_details using (security_id)
),

known as materialized (
    select
        registered.*,
        concat_ws(E'\x1f', coalesce(ticker, ''), coalesce(isin, ''), display_name) as named,
        concat_ws(E'\x1f', coalesce(cusip, ''), asset_type, currency, price_kind) as classed
    from registered
),

custody as materialized (
    select
        account_id,
        identifier,
        broker,
        account_type,
        concat_ws(E'\x1f', broker, account_type) as held_at
    from account
),

owned as materialized (
    select
        name,
        base_currency,
        kind,
        cost_method,
        time_zone,
        version,
        concat_ws(E'\x1f', name, base_currency, kind, cost_method, time_zone, version) as owned_by
    from portfolio
    where portfolio_id = %(portfolio_id)s
)

select
    'ledger 1' as lakefolio,
    ledger.seq,
    ledger.txn_type as type,
    ledger.business_date,
    ledger.event_ts,
    ledger.recorded_at,
    custody.identifier as account,
    known.ticker,
    known.isin,
    known.display_name as security_name,
    ledger.quantity,
    ledger.price,
    ledger.gross,
    ledger.fees,
    ledger.accrued,
    ledger.cash_effect,
    ledger.currency::text as currency,
    ledger.fx_rate,
    ledger.ex_date,
    ledger.split_new,
    ledger.split_old,
    ledger.cost_effect,
    ledger.basis_share,
    ledger.transfer_id::text as transfer_id,
    ledger.reverses_seq,
    ledger.external_id,
    ledger.note,
    known.cusip,
    known.asset_type,
    known.currency::text as security_currency,
    known.price_kind,
    case when known.first_seq = ledger.seq then nullif(known.details, '{}') end as security_details,
    custody.broker as account_broker,
    custody.account_type,
    owned.name as portfolio,
    owned.base_currency::text as base_currency,
    owned.kind,
    owned.cost_method,
    owned.time_zone,
    owned.version as rows,
    coalesce(known.named, E'\x1f\x1f') as named,
    coalesce(known.classed, E'\x1f\x1f\x1f') as classed,
    custody.held_at,
    owned.owned_by
from transaction_ledger as ledger
cross join owned
inner join custody using (account_id)
left join known using (security_id)
where ledger.portfolio_id = %(portfolio_id)s

-- name: effective
-- Rows that stand, in order of event, as a fold takes them.
select
    ledger.portfolio_id,
    ledger.seq,
    ledger.account_id,
    ledger.txn_type,
    ledger.currency,
    ledger.cash_effect,
    ledger.event_ts,
    ledger.business_date,
    ledger.security_id,
    ledger.quantity,
    ledger.price,
    ledger.fees,
    ledger.note,
    ledger.gross,
    ledger.accrued,
    ledger.fx_rate,
    ledger.ex_date,
    ledger.split_new,
    ledger.split_old,
    ledger.transfer_id,
    ledger.reverses_seq,
    ledger.external_id,
    ledger.cost_effect,
    ledger.basis_share
from transaction_ledger as ledger
where
    ledger.portfolio_id = %(portfolio_id)s
    and ledger.reverses_seq is null
    and not exists (
        select from transaction_ledger as reversal
        where reversal.portfolio_id = ledger.portfolio_id and reversal.reverses_seq = ledger.seq
    )
order by ledger.business_date, ledger.event_ts, ledger.seq

-- name: reversed
select
    reverses_seq as seq,
    seq as by_seq
from transaction_ledger
where portfolio_id = %(portfolio_id)s and reverses_seq is not null
order by reverses_seq

-- name: named_securities
select
    security_registry.security_id,
    security_name.name as ticker,
    security_registry.display_name as name,
    security_registry.asset_type,
    security_registry.currency,
    (
        select max(id_value) from security_identifier
        where security_identifier.security_id = security_registry.security_id and id_type = 'ISIN' and is_primary
    ) as isin,
    exists (
        select from security_identifier
        where security_identifier.security_id = security_registry.security_id and id_type = 'TICKER' and is_primary
    ) as has_ticker
from security_registry
inner join security_name using (security_id)
where
    security_registry.security_id in (
        select distinct security_id from transaction_ledger
        where portfolio_id = %(portfolio_id)s and security_id is not null
    )

-- name: named_accounts
select
    account_id,
    identifier,
    broker
from account
where account_id in (select distinct account_id from transaction_ledger where portfolio_id = %(portfolio_id)s)
