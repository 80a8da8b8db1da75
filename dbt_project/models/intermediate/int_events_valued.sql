{#
What events between securities gave and received, by account and day, in the portfolio's currency: units that are
received are worth what they are at the day's close, or else the cost that came with them. What is received is a payment
into the one position, and out of the other; nothing crosses the portfolio's border.
#}
with legs as (
    select * from {{ ref('int_transactions_converted') }}
    where txn_type in ('SPIN_OFF', 'RIGHTS', 'MERGER', 'EXCHANGE') and transfer_id is not null
),

intervals as (
    select * from {{ ref('stg_positions__interval') }}
    where {{ in_scope('portfolio_id') }}
),

prices as (
    select * from {{ ref('int_prices_quoted') }}
),

series as (
    select * from {{ ref('int_series_owned') }}
),

costs as (
    select
        portfolio_id,
        account_id,
        security_id,
        valid_from as business_date,
        carried_base - lag(carried_base, 1, 0) over (
            partition by portfolio_id, account_id, security_id
            order by valid_from
        ) as carried_cost
    from intervals
),

received as (
    select
        legs.*,
        costs.carried_cost,
        {{ worth('legs.quantity', 'prices.unit_value') }} as worth
    from legs
    inner join costs using (portfolio_id, account_id, security_id, business_date)
    left join series
        on legs.portfolio_id = series.portfolio_id and legs.security_id = series.security_id
    asof left join prices
        on coalesce(series.series_id, legs.security_id) = prices.series_id and legs.business_date >= prices.price_date
    where legs.basis_share is null
),

valued as (
    select
        portfolio_id,
        account_id,
        security_id,
        business_date,
        transfer_id,
        coalesce({{ product('worth', 'close_fx_rate') }}, carried_cost) as worth_base
    from received
),

given as (
    select
        legs.portfolio_id,
        legs.account_id,
        legs.security_id,
        legs.business_date,
        valued.worth_base
    from legs
    inner join valued using (portfolio_id, account_id, transfer_id)
    where legs.basis_share is not null
),

final as (
    select
        portfolio_id,
        account_id,
        security_id,
        business_date,
        sum(worth_base) as paid_in,
        0 as paid_out
    from valued
    group by portfolio_id, account_id, security_id, business_date
    union all by name
    select
        portfolio_id,
        account_id,
        security_id,
        business_date,
        0 as paid_in,
        sum(worth_base) as paid_out
    from given
    group by portfolio_id, account_id, security_id, business_date
)

select * from final
