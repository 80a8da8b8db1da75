{#
The splits that each portfolio's ledger has of each security, as a list: a close as traded of before one is what so many
units of after it cost.
#}
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
from {{ ref('stg_postgres__transaction') }}
where txn_type = 'SPLIT' and {{ in_scope('portfolio_id') }}
group by portfolio_id, security_id
