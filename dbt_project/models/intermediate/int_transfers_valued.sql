{#
Units that came from outside the portfolio or went there, by portfolio and day, in its currency: at that day's close and
rate, or at their cost where there is none. Units that change accounts stay inside.
#}
with transactions as (
    select * from {{ ref('int_transactions_converted') }}
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

moved as (
    select
        portfolio_id,
        account_id,
        security_id,
        business_date,
        max(close_fx_rate) as close_fx_rate,
        coalesce(sum(quantity) filter (where txn_type = 'TRANSFER_IN'), 0) as arrived,
        coalesce(sum({{ product('gross + fees', 'fx_rate') }}) filter (where txn_type = 'TRANSFER_IN'), 0)
            as arrived_cost,
        -coalesce(sum(quantity) filter (where txn_type = 'TRANSFER_OUT'), 0) as departed
    from transactions
    where
        txn_type in ('TRANSFER_IN', 'TRANSFER_OUT')
        and security_id is not null
        and transfer_id is null
    group by portfolio_id, account_id, security_id, business_date
),

departures as (
    select
        portfolio_id,
        account_id,
        security_id,
        valid_from as business_date,
        departed_base - coalesce(lag(departed_base) over (
            partition by portfolio_id, account_id, security_id
            order by valid_from
        ), 0) as departed_cost
    from intervals
),

priced as (
    select
        moved.*,
        departures.departed_cost,
        {{ worth('moved.arrived', 'prices.unit_value') }} as arrived_market,
        {{ worth('moved.departed', 'prices.unit_value') }} as departed_market
    from moved
    inner join departures using (portfolio_id, account_id, security_id, business_date)
    left join series
        on moved.portfolio_id = series.portfolio_id and moved.security_id = series.security_id
    asof left join prices
        on coalesce(series.series_id, moved.security_id) = prices.series_id and moved.business_date >= prices.price_date
),

valued as (
    select
        *,
        coalesce({{ product('arrived_market', 'close_fx_rate') }}, arrived_cost) as arrived_value,
        coalesce({{ product('departed_market', 'close_fx_rate') }}, departed_cost) as departed_value
    from priced
),

final as (
    select
        portfolio_id,
        business_date,
        sum(arrived_value) as arrived_value,
        sum(departed_value) as departed_value,
        sum(arrived_value - arrived_cost) - sum(departed_value - departed_cost) as transfer_gain
    from valued
    group by portfolio_id, business_date
)

select * from final
