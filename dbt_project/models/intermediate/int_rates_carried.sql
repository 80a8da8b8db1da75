{#
The last rate of every currency in use, by calendar day, in units per euro: carried 7 days, then STALE up to
`fx_stale_days`; an older one is none, so that what needs it is FX_MISSING. So is one beyond what is kept.
#}
with days as (
    select * from {{ ref('int_days_numbered') }}
),

pairs as (
    select * from {{ ref('int_currency_pairs') }}
),

currencies as (
    select base_currency as currency from pairs
    union
    select currency from pairs
    union
    select 'USD'
),

{# Rows from before only whole currencies were taken may be in pence: a hundred of them are one of the other. #}
minor_units as (
    select *
    from (values ('GBX', 'GBP'), ('GBp', 'GBP'), ('ZAc', 'ZAR'), ('ILA', 'ILS')) as minor(currency, major)
),

rates as (
    select
        currency,
        rate_date,
        rate_per_eur
    from {{ ref('stg_market__fx_rate') }}
    semi join currencies using (currency)
    union all
    select
        minor_units.currency,
        major.rate_date,
        100 * cast(major.rate_per_eur as decimal(28, 8)) as rate_per_eur
    from {{ ref('stg_market__fx_rate') }} as major
    inner join minor_units on major.currency = minor_units.major
    semi join currencies on minor_units.currency = currencies.currency
    union all
    select
        'EUR' as currency,
        min(rate_date) as rate_date,
        1 as rate_per_eur
    from {{ ref('stg_market__fx_rate') }}
    having count(*) > 0
),

{# A column of its own: DuckDB 1.5 takes `try_cast(x as ...) > 0` in a filter for `x > 0`, and lets a null through. #}
typed as (
    select
        currency,
        rate_date,
        try_cast(rate_per_eur as decimal(18, 8)) as rate_per_eur
    from rates
),

kept as (
    select * from typed where rate_per_eur is not null and rate_per_eur > 0
),

wanted as (
    select
        currencies.currency,
        days.date_day as business_date
    from currencies
    cross join days
),

final as (
    select
        wanted.currency,
        wanted.business_date,
        kept.rate_per_eur,
        kept.rate_date,
        {{ carried_status(
            'kept.rate_per_eur', "wanted.currency <> 'EUR' and wanted.business_date - kept.rate_date > 7"
        ) }} as status
    from wanted
    asof inner join kept
        on wanted.currency = kept.currency and wanted.business_date >= kept.rate_date
    where wanted.currency = 'EUR' or wanted.business_date - kept.rate_date <= {{ var("fx_stale_days") }}
)

select * from final
