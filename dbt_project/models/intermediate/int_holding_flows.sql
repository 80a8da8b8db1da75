{#
What was paid into each holding and what it paid out, by account, security and day, in the portfolio's currency at the
rates of the day's close. A purchase is paid in; proceeds, income, and what is charged on a holding come out, the latter
negative. Units that were transferred are worth what a unit was at the last close up to their day, or else what they
cost; those that an event brought or took are paid in and out (int_events_valued). `n_unknown` counts what has no rate, or no worth. `opened_gross` is what trades and units from outside opened or
added, long or short.
#}
with transactions as (
    select
        *,
        {{ product('cash_effect', 'close_fx_rate') }} as cash_effect_base,
        {{ product('fees', 'close_fx_rate') }} as fees_base
    from {{ ref('int_transactions_converted') }}
    where security_id is not null
),

prices as (
    select * from {{ ref('int_prices_quoted') }}
),

series as (
    select * from {{ ref('int_series_owned') }}
),

priced as (
    select
        transactions.*,
        coalesce(
            {{ worth('transactions.quantity', 'prices.unit_value') }},
            case when transactions.txn_type = 'TRANSFER_IN' then transactions.gross + transactions.fees end
        ) as worth
    from transactions
    left join series
        on transactions.portfolio_id = series.portfolio_id and transactions.security_id = series.security_id
    asof left join prices
        on coalesce(series.series_id, transactions.security_id) = prices.series_id and transactions.business_date >= prices.price_date
    where transactions.txn_type in ('TRANSFER_IN', 'TRANSFER_OUT')
),

moved as (
    select
        *,
        {{ product('worth', 'close_fx_rate') }} as worth_base
    from priced
),

cash as (
    select
        portfolio_id,
        account_id,
        security_id,
        business_date,
        -coalesce(sum(cash_effect_base) filter (where txn_type in ('BUY', 'COST_ADJUSTMENT')), 0) as paid_in,
        coalesce(sum(cash_effect_base) filter (where txn_type not in ('BUY', 'COST_ADJUSTMENT')), 0) as paid_out,
        coalesce(sum(fees_base) filter (where txn_type in ('BUY', 'SELL')), 0)
        - coalesce(sum(cash_effect_base) filter (where txn_type = 'FEE'), 0) as fees,
        0 as arrived_from_accounts,
        0 as departed_to_accounts,
        -coalesce(sum(cash_effect_base) filter (where txn_type = 'COST_ADJUSTMENT' and cash_effect < 0), 0)
            as opened_gross,
        0 as n_opened_short,
        count(*) filter (where close_fx_rate is null and cash_effect <> 0) as n_unknown
    from transactions
    where txn_type not in ('TRANSFER_IN', 'TRANSFER_OUT')
    group by portfolio_id, account_id, security_id, business_date
),

units as (
    select
        portfolio_id,
        account_id,
        security_id,
        business_date,
        coalesce(sum(worth_base) filter (where transfer_id is null and worth_base > 0), 0) as paid_in,
        -coalesce(sum(worth_base) filter (where transfer_id is null and worth_base < 0), 0) as paid_out,
        0 as fees,
        coalesce(sum(worth_base) filter (where transfer_id is not null and worth_base > 0), 0)
            as arrived_from_accounts,
        -coalesce(sum(worth_base) filter (where transfer_id is not null and worth_base < 0), 0)
            as departed_to_accounts,
        coalesce(sum(worth_base) filter (where transfer_id is null and worth_base > 0), 0) as opened_gross,
        0 as n_opened_short,
        count(*) filter (where worth_base is null) as n_unknown
    from moved
    group by portfolio_id, account_id, security_id, business_date
),

opened as (
    select
        portfolio_id,
        account_id,
        security_id,
        business_date,
        0 as paid_in,
        0 as paid_out,
        0 as fees,
        0 as arrived_from_accounts,
        0 as departed_to_accounts,
        opened_gross,
        n_opened_short,
        0 as n_unknown
    from {{ ref('int_trades_opened') }}
),

events as (
    select
        portfolio_id,
        account_id,
        security_id,
        business_date,
        paid_in,
        paid_out,
        0 as fees,
        0 as arrived_from_accounts,
        0 as departed_to_accounts,
        paid_in as opened_gross,
        0 as n_opened_short,
        cast(paid_in + paid_out is null as integer) as n_unknown
    from {{ ref('int_events_valued') }}
),

together as (
    select * from events
    union all by name
    select * from cash
    union all by name
    select * from units
    union all by name
    select * from opened
),

final as (
    select
        portfolio_id,
        account_id,
        security_id,
        business_date,
        {{ money('sum(paid_in)') }} as paid_in,
        {{ money('sum(paid_out)') }} as paid_out,
        {{ money('sum(fees)') }} as fees,
        {{ money('sum(arrived_from_accounts)') }} as arrived_from_accounts,
        {{ money('sum(departed_to_accounts)') }} as departed_to_accounts,
        {{ money('sum(opened_gross)') }} as opened_gross,
        sum(n_opened_short) as n_opened_short,
        sum(n_unknown) as n_unknown
    from together
    group by portfolio_id, account_id, security_id, business_date
)

select * from final
