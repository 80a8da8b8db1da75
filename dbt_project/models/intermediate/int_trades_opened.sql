{#
What trades opened or added, by account, security and day, long or short: their gross with accrued interest, in the
portfolio's currency at the rate of the day's close. A trade that crosses zero opens what lies beyond it. Splits are at
the start of their day, so what was held before a trade is what the day ended with less what moved since.
#}
with transactions as (
    select * from {{ ref('int_transactions_converted') }}
    where security_id is not null and txn_type in ('BUY', 'SELL', 'TRANSFER_IN', 'TRANSFER_OUT')
),

intervals as (
    select * from {{ ref('stg_positions__interval') }}
    where {{ in_scope('portfolio_id') }}
),

moved as (
    select
        transactions.*,
        intervals.quantity - sum(transactions.quantity) over of_day + sum(transactions.quantity) over so_far
            as held_after
    from transactions
    inner join intervals
        on
            transactions.portfolio_id = intervals.portfolio_id
            and transactions.account_id = intervals.account_id
            and transactions.security_id = intervals.security_id
            and transactions.business_date = intervals.valid_from
    window
        of_day as (
            partition by
                transactions.portfolio_id,
                transactions.account_id,
                transactions.security_id,
                transactions.business_date
        ),
        so_far as (
            partition by
                transactions.portfolio_id,
                transactions.account_id,
                transactions.security_id,
                transactions.business_date
            order by transactions.event_ts, transactions.seq
        )
),

opened as (
    select
        *,
        case
            when quantity > 0 then greatest(least(quantity, held_after), 0)
            else greatest(least(-quantity, -held_after), 0)
        end as opened_quantity
    from moved
    where txn_type in ('BUY', 'SELL')
),

{# A part of a trade is a part of its gross, in doubles: what a return is measured on, nothing that moved. #}
paid as (
    select
        *,
        case
            when opened_quantity = abs(quantity) then gross + accrued
            else {{ money(fraction('opened_quantity', 'abs(quantity)') ~ ' * cast(gross + accrued as double)') }}
        end as opened_gross
    from opened
    where opened_quantity > 0
),

final as (
    select
        portfolio_id,
        account_id,
        security_id,
        business_date,
        sum({{ product('opened_gross', 'close_fx_rate') }}) as opened_gross,
        count(*) filter (where txn_type = 'SELL') as n_opened_short
    from paid
    group by portfolio_id, account_id, security_id, business_date
)

select * from final
