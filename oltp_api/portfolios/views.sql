-- name: portfolio
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
    portfolio.revision,
    coalesce(cash_balance.balance, 0) as cash,
    portfolio.last_business_date,
    portfolio.archived_at,
    portfolio.created_at
from portfolio
left join cash_balance
    on portfolio.portfolio_id = cash_balance.portfolio_id and portfolio.base_currency = cash_balance.currency
where
    portfolio.user_id = %(user_id)s
    and (%(name)s::text is null or strpos(lower(portfolio.name), lower(%(name)s)) > 0)
    and (%(kind)s::text is null or portfolio.kind = %(kind)s)
    and (%(archived)s::boolean is null or (portfolio.archived_at is not null) = %(archived)s)

-- name: transactions
select
    ledger.portfolio_id,
    ledger.seq,
    ledger.txn_type,
    account.identifier as account,
    ledger.security_id,
    security_name.name as ticker,
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
left join security_name using (security_id)
where
    ledger.portfolio_id = %(portfolio_id)s
    and (%(txn_type)s::text is null or ledger.txn_type = %(txn_type)s)
    and (%(ticker)s::text is null or security_name.name = %(ticker)s)
    and (%(account)s::text is null or account.identifier = %(account)s)
    and (%(start)s::date is null or ledger.business_date >= %(start)s)
    and (%(end)s::date is null or ledger.business_date <= %(end)s)

-- name: holdings
select
    account_holding.security_id,
    security_name.name as ticker,
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
inner join security_name using (security_id)
where account_holding.portfolio_id = %(portfolio_id)s and account_holding.quantity <> 0
order by security_name.name, account.identifier

-- name: cash
select
    currency,
    balance,
    reserved,
    balance - reserved as available
from cash_balance
where portfolio_id = %(portfolio_id)s
order by currency

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
    and (%(status)s::text is null or status = %(status)s)
