-- name: find
select
    asked.number,
    security_registry.security_id,
    security_name.name as ticker,
    security_registry.asset_type,
    security_registry.currency,
    security_registry.display_name,
    coalesce(security_registry.price_kind, 'AS_TRADED') as price_kind
from unnest(%(values)s::text[], %(id_types)s::text[], %(days)s::date[])
    with ordinality as asked(id_value, id_type, on_day, number)
inner join security_identifier on security_identifier.id_value = asked.id_value
inner join security_registry using (security_id)
inner join security_name using (security_id)
where
    (asked.id_type is null or security_identifier.id_type = asked.id_type)
    and case
        when asked.on_day is null then security_identifier.valid_to is null
        else daterange(security_identifier.valid_from, security_identifier.valid_to) @> asked.on_day
    end
-- The last one counts: a ticker before another kind of identifier.
order by security_identifier.id_type = 'TICKER'

-- name: find_by_id
select
    asked.number,
    security_registry.security_id,
    security_name.name as ticker,
    security_registry.asset_type,
    security_registry.currency,
    security_registry.display_name,
    coalesce(security_registry.price_kind, 'AS_TRADED') as price_kind
from unnest(%(security_ids)s::bigint[]) with ordinality as asked(security_id, number)
inner join security_registry using (security_id)
inner join security_name using (security_id)

-- name: tickers
select
    security_id,
    name as ticker
from security_name
where security_id = any(%(security_ids)s)

-- name: lock
-- Keeps others from completing it meanwhile; trades of it, which only refer to it, go on.
select security_id
from security_registry
where security_id = %(security_id)s
for no key update

-- name: lock_for_withdrawal
-- Waits for those who are recording something of it, and lets nobody begin.
select security_id
from security_registry
where security_id = %(security_id)s
for update

-- name: lock_counterparts
-- By the CUSIP, so that one and the ISIN with it, added to two securities at once, see each other. It stands before the
-- question, which would not see what has been added while its own statement waits.
select pg_advisory_xact_lock(hashtextextended('cusip:' || %(cusip)s, 0))

-- name: another_counterpart
select id_value
from security_identifier
where id_value = any(%(values)s) and security_id <> %(security_id)s

-- name: withdrawal
select
    id_value as value,
    (
        select added_by from identifier_addition
        where identifier_addition.identifier_id = security_identifier.identifier_id
    ) as added_by,
    is_identifier_used(security_identifier) as is_used,
    not exists (
        select
        from security_identifier as other
        where
            other.security_id = security_identifier.security_id
            and other.identifier_id <> security_identifier.identifier_id
            and other.valid_to is null
    ) as is_last
from security_identifier
where security_id = %(security_id)s and id_type = %(id_type)s and id_value = %(id_value)s
order by identifier_id desc
limit 1

-- name: withdraw
delete from security_identifier
where
    identifier_id = (
        select max(identifier_id)
        from security_identifier
        where security_id = %(security_id)s and id_type = %(id_type)s and id_value = %(id_value)s
    )

-- name: add
insert into security_registry (asset_type, currency, display_name, price_kind)
values (%(asset_type)s, %(currency)s, %(display_name)s, %(price_kind)s)
returning security_id

-- name: add_identifier
-- A plain insert would deadlock with its parallel twin: each has its row in the index and waits for the other's.
with added as (
    insert into security_identifier (security_id, id_type, id_value, is_primary, valid_from, valid_to)
    values (%(security_id)s, %(id_type)s, %(id_value)s, %(is_primary)s, %(valid_from)s, %(valid_to)s)
    on conflict do nothing
    returning identifier_id
),

adder as (
    insert into identifier_addition (identifier_id, added_by)
    select identifier_id, %(added_by)s
    from added
    where %(added_by)s::uuid is not null
)

select identifier_id from added

-- name: identifiers
select
    id_type,
    id_value,
    is_primary,
    valid_from,
    valid_to
from security_identifier
where security_id = %(security_id)s

-- name: ever_meant
-- All identifiers, of all times, of the securities that one of the values has ever meant.
select
    known.security_id,
    known.id_value,
    known.id_type,
    known.is_primary,
    known.valid_from,
    known.valid_to,
    security_name.name as ticker,
    security_registry.asset_type,
    security_registry.currency,
    security_registry.display_name,
    coalesce(security_registry.price_kind, 'AS_TRADED') as price_kind
from security_identifier as known
inner join security_registry using (security_id)
inner join security_name using (security_id)
where known.security_id in (select security_id from security_identifier where id_value = any(%(values)s))

-- name: displayed_as
select
    security_registry.security_id,
    security_name.name as ticker,
    security_registry.asset_type,
    security_registry.currency,
    security_registry.display_name,
    coalesce(security_registry.price_kind, 'AS_TRADED') as price_kind
from security_registry
inner join security_name using (security_id)
where lower(trim(security_registry.display_name)) = any(%(names)s)

-- name: registered
select id_value as ticker
from security_identifier
where id_type = 'TICKER' and id_value = any(%(tickers)s)

-- name: state_price_kind
update security_registry
set price_kind = %(price_kind)s
from security_identifier
where
    security_registry.security_id = security_identifier.security_id
    and security_identifier.id_type = 'TICKER'
    and security_identifier.id_value = %(ticker)s
    and security_registry.price_kind is null

-- name: equity_details
select
    exchange,
    country,
    sector,
    industry
from equity_details
where security_id = %(security_id)s

-- name: fund_details
select
    fund_family,
    category,
    distribution,
    expense_ratio_bps
from fund_details
where security_id = %(security_id)s

-- name: bond_details
select
    maturity_date,
    coupon_rate_pct,
    day_count,
    coupon_frequency,
    issuer,
    issuer_class,
    issue_date,
    first_coupon_date,
    denomination,
    spread_bps,
    dated_date,
    penultimate_coupon_date,
    ex_coupon_days,
    ex_coupon_business_days,
    payment_convention,
    payment_calendar,
    coupon_steps,
    amortisation,
    call_schedule
from bond_details
where security_id = %(security_id)s

-- name: save_equity_details
insert into equity_details (security_id, exchange, country, sector, industry)
values (%(security_id)s, %(exchange)s, %(country)s, %(sector)s, %(industry)s)
on conflict (security_id) do update set
    exchange = excluded.exchange,
    country = excluded.country,
    sector = excluded.sector,
    industry = excluded.industry

-- name: save_fund_details
insert into fund_details (security_id, fund_family, category, distribution, expense_ratio_bps)
values (%(security_id)s, %(fund_family)s, %(category)s, %(distribution)s, %(expense_ratio_bps)s)
on conflict (security_id) do update set
    fund_family = excluded.fund_family,
    category = excluded.category,
    distribution = excluded.distribution,
    expense_ratio_bps = excluded.expense_ratio_bps

-- name: save_bond_details
insert into bond_details (
    security_id, maturity_date, coupon_rate_pct, day_count, coupon_frequency, issuer, issuer_class, issue_date,
    first_coupon_date, denomination, spread_bps, dated_date, penultimate_coupon_date, ex_coupon_days,
    ex_coupon_business_days, payment_convention, payment_calendar, coupon_steps, amortisation, call_schedule
)
values (
    %(security_id)s, %(maturity_date)s, %(coupon_rate_pct)s, %(day_count)s, %(coupon_frequency)s, %(issuer)s,
    %(issuer_class)s, %(issue_date)s, %(first_coupon_date)s, %(denomination)s, %(spread_bps)s, %(dated_date)s,
    %(penultimate_coupon_date)s, %(ex_coupon_days)s, %(ex_coupon_business_days)s, %(payment_convention)s,
    %(payment_calendar)s, %(coupon_steps)s, %(amortisation)s, %(call_schedule)s
)
on conflict (security_id) do update set
    issuer = excluded.issuer,
    issuer_class = excluded.issuer_class,
    issue_date = excluded.issue_date,
    first_coupon_date = excluded.first_coupon_date,
    denomination = excluded.denomination,
    spread_bps = excluded.spread_bps,
    dated_date = excluded.dated_date,
    penultimate_coupon_date = excluded.penultimate_coupon_date,
    ex_coupon_days = excluded.ex_coupon_days,
    ex_coupon_business_days = excluded.ex_coupon_business_days,
    payment_convention = excluded.payment_convention,
    payment_calendar = excluded.payment_calendar,
    coupon_steps = excluded.coupon_steps,
    amortisation = excluded.amortisation,
    call_schedule = excluded.call_schedule

-- name: securities
select
    security_registry.security_id,
    security_name.name as ticker,
    security_registry.asset_type,
    security_registry.currency,
    security_registry.display_name,
    coalesce(security_registry.price_kind, 'AS_TRADED') as price_kind,
    security_registry.created_at,
    equity_details.exchange,
    equity_details.country,
    equity_details.sector,
    equity_details.industry,
    (
        select
            json_agg(
                json_build_object(
                    'id_type', id_type,
                    'value', id_value,
                    'is_primary', is_primary,
                    'valid_from', valid_from,
                    'valid_to', valid_to
                )
                order by id_type, valid_from, id_value
            )
        from security_identifier
        where security_identifier.security_id = security_registry.security_id
    ) as identifiers,
    case when fund_details.security_id is not null then
        json_build_object(
            'fund_family', fund_details.fund_family,
            'category', fund_details.category,
            'distribution', fund_details.distribution,
            'expense_ratio_bps', fund_details.expense_ratio_bps::text
        )
    end as fund,
    case when bond_details.security_id is not null then
        json_build_object(
            'maturity_date', bond_details.maturity_date,
            'coupon_rate_pct', bond_details.coupon_rate_pct::text,
            'day_count', bond_details.day_count,
            'coupon_frequency', bond_details.coupon_frequency,
            'issuer', bond_details.issuer,
            'issuer_class', bond_details.issuer_class,
            'issue_date', bond_details.issue_date,
            'first_coupon_date', bond_details.first_coupon_date,
            'denomination', bond_details.denomination::text,
            'spread_bps', bond_details.spread_bps::text,
            'dated_date', bond_details.dated_date,
            'penultimate_coupon_date', bond_details.penultimate_coupon_date,
            'ex_coupon_days', bond_details.ex_coupon_days,
            'ex_coupon_business_days', bond_details.ex_coupon_business_days,
            'payment_convention', bond_details.payment_convention,
            'payment_calendar', bond_details.payment_calendar,
            'coupon_steps', bond_details.coupon_steps,
            'amortisation', bond_details.amortisation,
            'call_schedule', bond_details.call_schedule
        )
    end as bond
from security_registry
inner join security_name using (security_id)
left join equity_details using (security_id)
left join fund_details using (security_id)
left join bond_details using (security_id)
where
    (%(security_id)s::bigint is null or security_registry.security_id = %(security_id)s)
    and (%(asset_type)s::text is null or security_registry.asset_type = %(asset_type)s)
    and (%(currency)s::text is null or security_registry.currency = %(currency)s)
    and (
        %(q)s::text is null
        or strpos(lower(security_registry.display_name), lower(%(q)s)) > 0
        or exists (
            select
            from security_identifier
            where
                security_identifier.security_id = security_registry.security_id
                and strpos(lower(security_identifier.id_value), lower(%(q)s)) > 0
        )
    )
