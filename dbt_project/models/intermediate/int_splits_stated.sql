{#
The splits that each portfolio's ledger has of each security, as a list: a close as traded of before one is what so many
units of after it cost. A bonus is one too, with a row for each account.
#}
with stated as (
    select distinct
        portfolio_id,
        security_id,
        business_date,
        split_new,
        split_old,
        transfer_id
    from {{ ref('stg_postgres__transaction') }}
    where txn_type in ('SPLIT', 'BONUS') and {{ in_scope('portfolio_id') }}
)

select
    portfolio_id,
    security_id,
    list(
        {
            'split_date': business_date,
            'price_factor': cast(split_old as double) / cast(split_new as double)
        }
        order by business_date
    ) as splits
from stated
group by portfolio_id, security_id
