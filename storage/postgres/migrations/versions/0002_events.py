"""Deliveries of the outbox's events to consumers, and dead letters, which nobody could take.

Why: an event in the outbox is only useful once its consumers have acted on it, exactly once where their effect is in
this database. So what was handled is recorded in the transaction of its effect. The position of a consumer is the
`pg_current_snapshot()` up to which it has taken notice of events: it makes looking cheap, and it loses no transaction
that commits late. `delivery` has no foreign key to `outbox`: it would lock and rewrite every event once per consumer.

Revision ID: 0002
Revises: 0001
"""

from alembic import op

revision = "0002"
down_revision = "0001"

OUTBOX = """
alter table outbox add column correlation_id text not null default '';
create index outbox_xid on outbox (xid);
"""

DELIVERIES = """
create table consumer_position (
    consumer text primary key check (consumer <> ''),
    event_types text[],
    seen text not null,
    system_identifier text not null,
    registered_at timestamptz not null default now()
);
create table delivery (
    consumer text not null references consumer_position,
    event_id uuid not null,
    aggregate_id uuid not null,
    seq bigint not null,
    status text not null check (status in ('PENDING', 'HANDLED', 'PARKED', 'SKIPPED')),
    attempts int not null default 0,
    next_attempt_at timestamptz,
    last_error text,
    handled_at timestamptz,
    primary key (consumer, event_id)
);
create index pending_delivery on delivery (consumer, seq) where status = 'PENDING';
create index retried_delivery on delivery (consumer, next_attempt_at)
    where status = 'PENDING' and next_attempt_at is not null;
create table dead_letter (
    consumer text not null references consumer_position,
    event_id uuid not null,
    reason text not null,
    attempts int not null,
    parked_at timestamptz not null,
    replayed_at timestamptz,
    primary key (consumer, event_id)
);
create index parked_dead_letter on dead_letter (consumer, parked_at) where replayed_at is null;
"""

GRANTS = """
grant select on consumer_position, delivery, dead_letter to lakefolio_app, lakefolio_reader;
grant insert, update on consumer_position, delivery, dead_letter to lakefolio_app;
"""


def upgrade() -> None:
    for script in (OUTBOX, DELIVERIES, GRANTS):
        op.get_bind().exec_driver_sql(script)
