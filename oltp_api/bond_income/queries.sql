-- name: held
-- Every bond that the portfolio holds or has held, with the terms that are registered.
select
    security_registry.security_id,
    security_name.name as ticker,
    security_registry.currency,
    coalesce(security_registry.price_kind, 'AS_TRADED') as price_kind,
    bond_details.maturity_date,
    bond_details.coupon_rate_pct,
    bond_details.day_count,
    bond_details.coupon_frequency,
    bond_details.issue_date,
    bond_details.first_coupon_date,
    bond_details.dated_date,
    bond_details.penultimate_coupon_date,
    bond_details.ex_coupon_days,
    bond_details.ex_coupon_business_days,
    bond_details.payment_convention,
    bond_details.payment_calendar,
    bond_details.coupon_steps,
    bond_details.amortisation,
    bond_details.call_schedule
from security_registry
inner join security_name using (security_id)
left join bond_details using (security_id)
where
    security_registry.asset_type = 'BOND'
    and security_registry.security_id in (
        select security_id from account_holding where portfolio_id = %(portfolio_id)s
    )
order by security_registry.security_id

-- name: changed
-- Portfolios with a bond that were written to since, or of which a bond was; found by index from `since` on.
with bonds as (
    select security_id
    from security_registry
    where asset_type = 'BOND'
),

described as (
    select security_id
    from bond_details
    where xid >= %(since)s::xid8
),

portfolios as (
    select portfolio_id
    from portfolio
    where
        xid >= %(since)s::xid8
        and exists (
            select
            from account_holding
            inner join bonds using (security_id)
            where account_holding.portfolio_id = portfolio.portfolio_id
        )
    union
    select portfolio_id
    from account_holding
    inner join described using (security_id)
)

select
    portfolio_id,
    user_id,
    base_currency,
    time_zone
from portfolio
inner join portfolios using (portfolio_id)
where archived_at is null
order by portfolio_id

-- name: horizon
-- Whatever commits after this question has an id that is not below it.
select pg_snapshot_xmin(pg_current_snapshot())::text as xmin
