with securities as (
    select * from {{ ref('stg_postgres__security') }}
),

classes as (
    select *
    from (
        values
        ('EQUITY', 'Equity', 'Shares of one company', true, 'PRICE_PER_UNIT'),
        ('ETF', 'Fund', 'Funds that trade on an exchange', true, 'PRICE_PER_UNIT'),
        ('FUND', 'Fund', 'Funds that are bought from and sold to their manager', true, 'PRICE_PER_UNIT'),
        ('BOND', 'Fixed income', 'Debt with coupons or a discount', true, 'PER_CENT_OF_FACE'),
        ('INDEX', 'Index', 'Levels to compare with; they cannot be held', false, 'PRICE_PER_UNIT')
    ) as known (asset_type, asset_class, meaning, is_holdable, quotation)
),

counted as (
    select
        asset_type,
        count(*) as n_securities
    from securities
    group by asset_type
),

final as (
    select
        classes.asset_type,
        classes.asset_class,
        classes.meaning,
        classes.is_holdable,
        classes.quotation,
        cast(coalesce(counted.n_securities, 0) as integer) as n_securities
    from classes
    left join counted using (asset_type)
)

select * from final
