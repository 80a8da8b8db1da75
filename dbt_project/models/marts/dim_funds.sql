with said as (
    select * from {{ ref('stg_market__fund') }}
),

newest as (
    select *
    from said
    qualify row_number() over (partition by ticker order by as_of desc) = 1
),

securities as (
    select * from {{ ref('stg_postgres__security') }}
    where asset_type in ('ETF', 'FUND')
),

recorded as (
    select * from {{ ref('stg_postgres__fund') }}
),

{# What the registry says of a fund comes before what the market's source says. #}
final as (
    select
        coalesce(securities.ticker, newest.ticker) as ticker,
        securities.security_id,
        coalesce(recorded.fund_family, newest.fund_family) as fund_family,
        coalesce(recorded.category, newest.category) as category,
        newest.legal_type,
        newest.inception_date,
        recorded.distribution,
        coalesce(recorded.expense_ratio_bps, cast(newest.expense_ratio_pct * 100 as decimal(18, 8)))
            as expense_ratio_bps,
        newest.net_assets,
        coalesce(securities.currency, newest.currency) as currency,
        newest.as_of,
        coalesce(newest.is_illustrative, false) as is_illustrative
    from securities
    full outer join newest using (ticker)
    left join recorded using (security_id)
)

select * from final
