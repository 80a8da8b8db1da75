{# What one unit of a currency is in a base currency, on every day for which both have a rate, if it is kept. #}
with pairs as (
    select * from {{ ref('int_currency_pairs') }}
),

rates as (
    select * from {{ ref('int_rates_carried') }}
),

crossed as (
    select
        pairs.base_currency,
        pairs.currency,
        own.business_date,
        try_cast(base.rate_per_eur / own.rate_per_eur as decimal(18, 8)) as fx_rate,
        {{ carried_status('own.rate_per_eur', "own.status = 'STALE' or base.status = 'STALE'") }} as fx_status
    from pairs
    inner join rates as own on pairs.currency = own.currency
    inner join rates as base
        on pairs.base_currency = base.currency and own.business_date = base.business_date
),

final as (
    select * from crossed where fx_rate is not null and fx_rate > 0
)

select * from final
