-- name: position
-- Every account's holding of the security on the day.
select
    account_id,
    quantity,
    cost_basis,
    close,
    accrued,
    price_date,
    status,
    stale_days,
    currency,
    base_currency,
    fx_rate,
    fx_status,
    market_value,
    market_value_base
from marts.fact_position_daily
where portfolio_id = $portfolio_id and security_id = $security_id and business_date = $on
order by account_id

-- name: price
select
    price_date,
    close,
    accrued,
    currency,
    price_kind,
    price_source,
    split_factor
from marts.fact_price_daily
where security_id = $security_id and price_date = $price_date

-- name: valuation
-- All columns: an older release has no redemption_date.
select *
from marts.fact_bond_valuation_daily
where security_id = $security_id and price_date = $price_date

-- name: rates
select
    currency,
    rate_per_eur,
    rate_date,
    status
from marts.fx_rate_daily
where business_date = $on and list_contains($currencies, currency)
order by currency

-- name: splits
select
    actions.action_date,
    actions.split_new,
    actions.split_old
from raw.corporate_action as actions
inner join marts.dim_security as securities using (ticker)
where securities.security_id = $security_id and actions.action_type = 'SPLIT' and actions.action_date <= $on
order by actions.action_date

-- name: transactions
-- In ledger order; what was taken back names the row that did it.
select
    ledger.seq,
    ledger.account_id,
    ledger.txn_type,
    ledger.business_date,
    ledger.quantity,
    ledger.price,
    ledger.gross,
    ledger.fees,
    ledger.cash_effect,
    ledger.currency,
    ledger.fx_rate,
    ledger.split_new,
    ledger.split_old,
    ledger.reverses_seq,
    reversals.seq as reversed_by_seq
from raw.pg_transaction_ledger as ledger
left join raw.pg_transaction_ledger as reversals
    on ledger.portfolio_id = reversals.portfolio_id and ledger.seq = reversals.reverses_seq
where ledger.portfolio_id = $portfolio_id and ledger.security_id = $security_id and ledger.business_date <= $on
order by ledger.seq

-- name: security
select ticker
from marts.dim_security
where security_id = $security_id
