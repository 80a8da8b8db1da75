{#
By ticker and split: how many units of the end one unit of before it has become, by this split and all later ones; null
where they are more than are kept.
#}
with splits as (
    select * from {{ ref('stg_market__corporate_action') }}
    where action_type = 'SPLIT'
),

as_of as (
    select max(date_day) as as_of from {{ ref('int_days_numbered') }}
),

final as (
    select
        splits.ticker,
        splits.action_date,
        try_cast(
            product(cast(splits.split_new as double) / splits.split_old) over (
                partition by splits.ticker
                order by splits.action_date desc
            ) as decimal(18, 8)
        ) as split_factor
    from splits
    cross join as_of
    where splits.action_date <= as_of.as_of
)

select * from final
