-- name: register
-- In another cluster than last time (a restored dump) a snapshot means nothing: look at everything, deliver the rest.
insert into consumer_position as known (consumer, event_types, seen, system_identifier)
values (%(consumer)s, %(event_types)s, '1:1:', (select system_identifier::text from pg_control_system()))
on conflict (consumer) do update
set event_types = excluded.event_types,
    seen = case when known.system_identifier = excluded.system_identifier then known.seen else excluded.seen end,
    system_identifier = excluded.system_identifier
where known.event_types is distinct from excluded.event_types
    or known.system_identifier <> excluded.system_identifier
returning xmax = 0 as is_new

-- name: position
select seen, pg_snapshot_xmin(seen::pg_snapshot)::text as xmin,
    pg_snapshot_xmin(pg_current_snapshot())::text::bigint
        > pg_snapshot_xmin(seen::pg_snapshot)::text::bigint + %(stale_after)s as is_stale
from consumer_position
where consumer = %(consumer)s

-- name: lock
-- Whoever holds this row is the consumer; everyone else passes.
select seen, pg_snapshot_xmin(seen::pg_snapshot)::text as xmin
from consumer_position
where consumer = %(consumer)s
for update skip locked

-- name: has_news
-- Ordered, so that it is found by the index even before the table was ever analysed.
select event_id
from outbox
where xid >= %(xmin)s::xid8
    and not pg_visible_in_snapshot(xid, %(seen)s::pg_snapshot)
    and (%(event_types)s::text[] is null or event_type = any(%(event_types)s::text[]))
order by xid
limit 1

-- name: take_notice
-- One statement, one snapshot: what it sees in the outbox is what the new position says it has seen.
with taken as (
    insert into delivery (consumer, event_id, aggregate_id, seq, status)
    select %(consumer)s, event_id, aggregate_id, seq, %(status)s
    from outbox
    where xid >= %(xmin)s::xid8
        and not pg_visible_in_snapshot(xid, %(seen)s::pg_snapshot)
        and (%(event_types)s::text[] is null or event_type = any(%(event_types)s::text[]))
    on conflict (consumer, event_id) do nothing
)
update consumer_position
set seen = pg_current_snapshot()::text
where consumer = %(consumer)s

-- name: due
-- By seq, which is the order within an aggregate (its writers lock it); nothing overtakes what waits for a retry.
-- A retry later than the longest pause from now was put off before the clock was set back, and is due.
select d.attempts, o.event_id, o.event_type, o.aggregate_id, o.version, o.created_at as occurred_at,
    o.correlation_id, o.payload
from delivery as d
join outbox as o on o.event_id = d.event_id
where d.consumer = %(consumer)s
    and d.status = 'PENDING'
    and (
        d.next_attempt_at is null
        or d.next_attempt_at <= %(now)s
        or d.next_attempt_at > %(now)s + make_interval(secs => %(longest_pause_s)s)
    )
    and d.aggregate_id not in (
        select aggregate_id
        from delivery
        where consumer = %(consumer)s
            and status = 'PENDING'
            and next_attempt_at > %(now)s
            and next_attempt_at <= %(now)s + make_interval(secs => %(longest_pause_s)s)
    )
order by d.seq
limit %(limit)s

-- name: handled
update delivery
set status = 'HANDLED', attempts = attempts + 1, next_attempt_at = null, handled_at = %(now)s
where consumer = %(consumer)s
    and event_id = any(%(event_ids)s)

-- name: retry
update delivery
set attempts = %(attempts)s, next_attempt_at = %(next_attempt_at)s, last_error = %(reason)s
where consumer = %(consumer)s
    and event_id = %(event_id)s

-- name: park
with parked as (
    update delivery
    set status = 'PARKED', attempts = %(attempts)s, next_attempt_at = null, last_error = %(reason)s
    where consumer = %(consumer)s
        and event_id = %(event_id)s
)
insert into dead_letter (consumer, event_id, reason, attempts, parked_at)
values (%(consumer)s, %(event_id)s, %(reason)s, %(attempts)s, %(now)s)
on conflict (consumer, event_id) do update
set reason = excluded.reason, attempts = excluded.attempts, parked_at = excluded.parked_at, replayed_at = null

-- name: replay
with replayed as (
    update dead_letter
    set replayed_at = %(now)s
    where replayed_at is null
        and (%(consumer)s::text is null or consumer = %(consumer)s)
        and (%(event_id)s::uuid is null or event_id = %(event_id)s)
    returning consumer, event_id
), returned as (
    update delivery as d
    set status = 'PENDING', attempts = 0, next_attempt_at = null
    from replayed as r
    where d.consumer = r.consumer
        and d.event_id = r.event_id
)
select consumer, count(*) as events
from replayed
group by consumer
order by consumer

-- name: positions
select consumer, event_types, seen, pg_snapshot_xmin(seen::pg_snapshot)::text as xmin
from consumer_position
order by consumer

-- name: lag
-- The oldest by seq stands for the oldest by time: they differ by one transaction's length.
with pending as (
    select count(*) as events, min(seq) as oldest
    from delivery
    where consumer = %(consumer)s
        and status = 'PENDING'
), unnoticed as (
    select count(*) as events, min(seq) as oldest
    from outbox
    where xid >= %(xmin)s::xid8
        and not pg_visible_in_snapshot(xid, %(seen)s::pg_snapshot)
        and (%(event_types)s::text[] is null or event_type = any(%(event_types)s::text[]))
)
select %(consumer)s::text as consumer, pending.events + unnoticed.events as unhandled,
    coalesce(extract(epoch from clock_timestamp() - oldest.created_at), 0)::float8 as oldest_age_s,
    (select count(*) from dead_letter where consumer = %(consumer)s and replayed_at is null) as dead_letters
from pending
cross join unnoticed
left join outbox as oldest on oldest.seq = least(pending.oldest, unnoticed.oldest)
