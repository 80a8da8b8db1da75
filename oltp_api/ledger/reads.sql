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
    ledger.cost_effect,
    ledger.basis_share,
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
