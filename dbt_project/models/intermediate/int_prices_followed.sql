{#
Prices with the splits that came after them, dividends, and the return since the trading day before; by owner, none where
they are for all, security and day.
#}
with prices as (
    select * from {{ ref('int_prices_quoted') }}
),

days as (
    select * from {{ ref('int_days_numbered') }}
),

splits as (
    select * from {{ ref('int_splits_multiplied') }}
),

dividends as (
    select
        ticker,
        action_date,
        sum(amount) as dividend
    from {{ ref('stg_market__corporate_action') }}
    where action_type = 'DIVIDEND'
    group by ticker, action_date
),

registered as (
    select
        prices.*,
        days.trading_day_number,
        coalesce(dividends.dividend, 0) as dividend
    from prices
    left join days on prices.price_date = days.date_day
    left join dividends on prices.ticker = dividends.ticker and prices.price_date = dividends.action_date
),

{# A split counts from its day on, so a price is divided by those after its day. #}
factored as (
    select
        registered.*,
        case when splits.ticker is null then 1 else splits.split_factor end as split_factor
    from registered
    asof left join splits
        on registered.ticker = splits.ticker and registered.price_date < splits.action_date
),

divided as (
    select
        *,
        try_cast(close / split_factor as decimal(18, 8)) as split_adjusted_close
    from factored
),

{# Of before so many splits that a unit, or its price, is beyond what is kept, there is no price. #}
adjusted as (
    select * from divided
    where split_factor > 0 and split_adjusted_close is not null
),

followed as (
    select
        *,
        trading_day_number - lag(trading_day_number) over by_day as trading_days_since,
        case
            when adjusted_close is not null and lag(adjusted_close) over by_day is not null
                then cast(adjusted_close as double) / cast(lag(adjusted_close) over by_day as double)
            else
                (cast(close as double) + cast(dividend as double)) / cast(split_factor as double)
                / (cast(lag(close) over by_day as double) / cast(lag(split_factor) over by_day as double))
        end as growth
    from adjusted
    window by_day as (partition by owner_id, security_id order by price_date)
),

final as (
    select
        owner_id,
        security_id,
        price_date,
        close,
        currency,
        price_kind,
        price_source,
        cast(split_factor as decimal(18, 8)) as split_factor,
        split_adjusted_close,
        adjusted_close,
        cast(dividend as decimal(18, 8)) as dividend,
        volume,
        cast(accrued as decimal(18, 8)) as accrued,
        case when trading_days_since = 1 and price_kind <> 'DERIVED' then growth - 1 end as simple_return,
        case when trading_days_since = 1 and price_kind <> 'DERIVED' then ln(growth) end as log_return
    from followed
)

select * from final
