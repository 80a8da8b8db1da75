{#
A reversed transaction never happened: it and its reversal leave together, so that no filter by type has to net them.
Cash in lieu of a fraction is a sale of it; a fee that belongs to a trade, in a currency of its own, is a TRADE_FEE.
#}
with ledger as not materialized (
    select * from {{ source('postgres', 'pg_transaction_ledger') }}
),

portfolios as (
    select * from {{ source('postgres', 'pg_portfolio') }}
),

taken_back as (
    select
        portfolio_id,
        reverses_seq as seq
    from ledger
    where reverses_seq is not null
)

select
    ledger.portfolio_id,
    ledger.seq,
    ledger.account_id,
    ledger.security_id,
    case
        when ledger.txn_type = 'CASH_IN_LIEU' then 'SELL'
        when ledger.txn_type = 'FEE' and ledger.transfer_id is not null then 'TRADE_FEE'
        else ledger.txn_type
    end as txn_type,
    ledger.quantity,
    ledger.price,
    ledger.gross,
    ledger.fees,
    ledger.accrued,
    ledger.cash_effect,
    ledger.currency,
    portfolios.base_currency,
    ledger.currency = portfolios.base_currency as is_base_currency,
    ledger.fx_rate,
    ledger.cost_effect,
    ledger.basis_share,
    ledger.transfer_id,
    ledger.split_new,
    ledger.split_old,
    ledger.event_ts,
    ledger.business_date
from ledger
inner join portfolios on ledger.portfolio_id = portfolios.portfolio_id
anti join taken_back on ledger.portfolio_id = taken_back.portfolio_id and ledger.seq = taken_back.seq
where ledger.reverses_seq is null
