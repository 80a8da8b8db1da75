select
    portfolio_id,
    seq,
    account_id,
    security_id,
    txn_type,
    quantity,
    price,
    fees,
    cash_effect,
    currency,
    business_date
from {{ source('postgres', 'pg_transaction_ledger') }}
