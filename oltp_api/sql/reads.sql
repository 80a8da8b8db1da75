-- name: portfolio
select
    portfolio.portfolio_id,
    portfolio.name,
    portfolio.base_currency,
    portfolio.kind,
    portfolio.time_zone,
    portfolio.cost_method,
    portfolio.version,
    coalesce(cash_balance.balance, 0) as cash,
    portfolio.last_business_date,
    portfolio.archived_at,
    portfolio.created_at
from portfolio
left join cash_balance
    on portfolio.portfolio_id = cash_balance.portfolio_id and portfolio.base_currency = cash_balance.currency
where portfolio.user_id = %(user_id)s and portfolio.portfolio_id = %(portfolio_id)s

-- name: portfolios
select
    portfolio.portfolio_id,
    portfolio.name,
    portfolio.base_currency,
    portfolio.kind,
    portfolio.time_zone,
    portfolio.cost_method,
    portfolio.version,
    coalesce(cash_balance.balance, 0) as cash,
    portfolio.last_business_date,
    portfolio.archived_at,
    portfolio.created_at
from portfolio
left join cash_balance
    on portfolio.portfolio_id = cash_balance.portfolio_id and portfolio.base_currency = cash_balance.currency
where
    portfolio.user_id = %(user_id)s
    and (
        %(cursor)s::uuid is null
        or (portfolio.created_at, portfolio.portfolio_id) > (
            select seen.created_at, seen.portfolio_id
            from portfolio as seen
            where seen.user_id = %(user_id)s and seen.portfolio_id = %(cursor)s::uuid
        )
    )
order by portfolio.created_at, portfolio.portfolio_id
limit %(limit)s

-- name: transactions
select
    ledger.portfolio_id,
    ledger.seq,
    ledger.txn_type,
    account.identifier as account,
    ledger.security_id,
    security_identifier.id_value as ticker,
    ledger.quantity,
    ledger.price,
    ledger.gross,
    ledger.fees,
    ledger.accrued,
    ledger.cash_effect,
    ledger.currency,
    ledger.fx_rate,
    ledger.business_date,
    ledger.event_ts,
    ledger.recorded_at,
    ledger.ex_date,
    ledger.split_new,
    ledger.split_old,
    ledger.transfer_id,
    ledger.reverses_seq,
    ledger.external_id,
    ledger.note
from transaction_ledger as ledger
inner join account using (account_id)
left join security_identifier
    on
        ledger.security_id = security_identifier.security_id
        and security_identifier.id_type = 'TICKER'
        and security_identifier.is_primary
where
    ledger.portfolio_id = %(portfolio_id)s
    and ledger.seq > %(after_seq)s
    and (%(txn_type)s::text is null or ledger.txn_type = %(txn_type)s)
    and (%(ticker)s::text is null or security_identifier.id_value = %(ticker)s)
    and (%(start)s::date is null or ledger.business_date >= %(start)s)
    and (%(end)s::date is null or ledger.business_date <= %(end)s)
order by ledger.seq
limit %(limit)s

-- name: holdings
select
    account_holding.security_id,
    security_identifier.id_value as ticker,
    security_registry.currency,
    account.identifier as account,
    account_holding.quantity,
    account_holding.reserved,
    account_holding.cost_basis,
    account_holding.cost_basis_base,
    account_holding.realised,
    account_holding.realised_base,
    account_holding.realised_fx_base,
    account_holding.is_basis_known,
    account_holding.is_realised_known,
    account_holding.lots
from account_holding
inner join account using (account_id)
inner join security_registry using (security_id)
inner join security_identifier
    on
        account_holding.security_id = security_identifier.security_id
        and security_identifier.id_type = 'TICKER'
        and security_identifier.is_primary
where account_holding.portfolio_id = %(portfolio_id)s and account_holding.quantity <> 0
order by security_identifier.id_value, account.identifier

-- name: cash
select
    currency,
    balance,
    reserved,
    balance - reserved as available
from cash_balance
where portfolio_id = %(portfolio_id)s
order by currency

-- name: securities
select
    security_registry.security_id,
    security_identifier.id_value as ticker,
    security_registry.asset_type,
    security_registry.currency,
    security_registry.display_name,
    equity_details.exchange,
    equity_details.country,
    equity_details.sector,
    equity_details.industry
from security_identifier
inner join security_registry using (security_id)
left join equity_details using (security_id)
where
    security_identifier.id_type = 'TICKER'
    and security_identifier.is_primary
    and (%(ticker)s::text is null or security_identifier.id_value = %(ticker)s)
    and (%(cursor)s::text is null or security_identifier.id_value > %(cursor)s)
    and (
        %(q)s::text is null
        or strpos(lower(security_identifier.id_value), lower(%(q)s)) > 0
        or strpos(lower(security_registry.display_name), lower(%(q)s)) > 0
    )
order by security_identifier.id_value
limit %(limit)s

-- name: simulations
select
    simulation_id,
    portfolio_id,
    name,
    horizon_years,
    num_paths,
    sample_paths,
    seed,
    is_standing,
    status,
    reason,
    release_id,
    portfolio_version,
    summary,
    requested_at,
    finished_at
from simulation
where
    user_id = %(user_id)s
    and (%(portfolio_id)s::uuid is null or portfolio_id = %(portfolio_id)s)
    and (%(simulation_id)s::uuid is null or simulation_id = %(simulation_id)s)
order by requested_at, simulation_id
limit %(limit)s

-- name: state
select
    (select version_num from alembic_version) as schema_version,
    (select recorded_at from transaction_ledger order by xid desc limit 1) as ledger_head_at
