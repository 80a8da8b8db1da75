{{ config(materialized='windowed', date_column='business_date', owner_column='portfolio_id') }}

with steps as (
    select * from {{ ref('int_cash_stepped') }}
),

as_of as (
    select max(date_day) as as_of from {{ ref('int_days_numbered') }}
),

rates as (
    select * from {{ ref('int_fx_crossed') }}
),

bounded as (
    select
        steps.*,
        {{ window_start('steps.valid_from', days_before=1) }} as first_day,
        {{ window_end('least(coalesce(steps.valid_to - 1, as_of.as_of), as_of.as_of)') }} as last_day
    from steps
    cross join as_of
),

expanded as (
    select
        *,
        first_day + cast(unnest(range(last_day - first_day + 1)) as integer) as business_date
    from bounded
),

converted as (
    select
        expanded.*,
        case when expanded.currency = expanded.base_currency then 1 else rates.fx_rate end as fx_rate,
        case
            when expanded.currency = expanded.base_currency then 'PRICED'
            else coalesce(rates.fx_status, 'FX_MISSING')
        end as fx_status
    from expanded
    left join rates using (base_currency, currency, business_date)
),

followed as (
    select
        *,
        lag(balance, 1, 0) over by_day as begin_balance,
        lag(fx_rate) over by_day as begin_fx_rate
    from converted
    window by_day as (partition by portfolio_id, currency order by business_date)
),

final as (
    select
        portfolio_id,
        currency,
        business_date,
        base_currency,
        {{ money('balance') }} as balance,
        cast(fx_rate as decimal(18, 8)) as fx_rate,
        fx_status,
        {{ product('balance', 'fx_rate') }} as balance_base,
        coalesce(
            {{ money(product('begin_balance', 'fx_rate') ~ ' - ' ~ product('begin_balance', 'begin_fx_rate')) }}, 0
        ) as fx_gain
    from followed
)

select * from final
