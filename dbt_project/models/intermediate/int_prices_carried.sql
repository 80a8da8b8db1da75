{#
What one unit of a security that was ever held is worth on every calendar day since: by its last price, with the number
of sessions that is old; null before the first one. Once per series of prices and day, however many hold it.
#}
with intervals as (
    select
        intervals.*,
        coalesce(owned.series_id, intervals.security_id) as series_id
    from {{ ref('stg_positions__interval') }} as intervals
    left join {{ ref('int_series_owned') }} as owned using (portfolio_id, security_id)
    where intervals.quantity <> 0 and {{ in_scope('portfolio_id') }}
),

days as (
    select * from {{ ref('int_days_numbered') }}
),

prices as (
    select * from {{ ref('int_prices_quoted') }}
),

{# The newest price of a security, if it jumps and nothing after it confirms it; a corrected one is another. #}
unconfirmed as (
    select * from {{ ref('stg_quality__unconfirmed_price') }}
),

held as (
    select
        series_id,
        min(valid_from) as first_day,
        max(coalesce(valid_to, date '9999-12-31')) as end_day
    from intervals
    group by series_id
),

wanted as (
    select
        held.series_id,
        days.date_day as business_date,
        days.trading_day_number
    from held
    inner join days on days.date_day >= held.first_day and days.date_day < held.end_day
    where {{ in_window('days.date_day') }}
),

carried as (
    select
        wanted.series_id,
        wanted.business_date,
        wanted.trading_day_number,
        prices.security_id,
        prices.owner_id,
        prices.close,
        prices.accrued,
        prices.unit_value,
        prices.price_kind,
        prices.price_date
    from wanted
    asof left join prices
        on wanted.series_id = prices.series_id and wanted.business_date >= prices.price_date
),

final as (
    select
        carried.series_id,
        carried.business_date,
        carried.close,
        carried.accrued,
        carried.unit_value,
        carried.price_kind,
        carried.price_date,
        carried.trading_day_number - price_days.trading_day_number as stale_days,
        unconfirmed.security_id is not null as is_unconfirmed
    from carried
    left join days as price_days on carried.price_date = price_days.date_day
    left join unconfirmed
        on
            carried.security_id = unconfirmed.security_id
            and carried.owner_id is not distinct from unconfirmed.owner_id
            and carried.price_date = unconfirmed.price_date
            and carried.close = unconfirmed.close
)

select * from final
