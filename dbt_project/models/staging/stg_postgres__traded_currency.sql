{# The currencies in which a portfolio has ever had a transaction, one that was reversed included. #}
select distinct
    portfolio_id,
    currency
from {{ source('postgres', 'pg_transaction_ledger') }}
