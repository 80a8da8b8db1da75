select
    ticker,
    action_date,
    action_type,
    split_new,
    split_old,
    amount,
    currency
from {{ source('market', 'corporate_action') }}
