select
    calendar_date,
    is_trading_day,
    is_business_day
from {{ source('market', 'trading_calendar') }}
where exchange = 'XNYS'
