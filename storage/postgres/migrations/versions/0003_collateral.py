"""Collateral: haircut schedules and rankings; and snapshots that lose their payload when nobody needs it any more.

Why: every superseded snapshot of a day kept its payload for ever, at one per ten minutes and book. Now a superseded one
may lose it, but never its time, hash and reason, and nothing else of a snapshot may change: the application role can
update no other column, and a trigger refuses a payload that is not removed whole. A ranking is a fact of record too,
with all that it was made from; `inputs_hash` makes ranking the same snapshot by the same terms idempotent.

Revision ID: 0003
Revises: 0002
"""

from alembic import op

revision = "0003"
down_revision = "0002"

SNAPSHOTS = """
alter table position_snapshot
    alter column payload drop not null,
    add column superseded_at timestamptz,
    add column superseded_reason text,
    add column pruned_at timestamptz;
update position_snapshot set superseded_at = taken_at, superseded_reason = 'superseded before reasons were kept'
where not is_current;
alter table position_snapshot
    add constraint what_is_superseded_says_why check (
        is_current = (superseded_at is null) and is_current = (superseded_reason is null)
    ),
    add constraint only_superseded_payloads_are_pruned check (
        (payload is null) = (pruned_at is not null) and (pruned_at is null or not is_current)
    );
create index prunable_snapshot on position_snapshot (superseded_at) where payload is not null and not is_current;
create function refuse_change_of_payload() returns trigger language plpgsql as $$
begin
    if new.payload is distinct from old.payload and new.payload is not null then
        raise insufficient_privilege using message = 'the payload of a position snapshot is immutable';
    end if;
    return new;
end
$$;
create trigger immutable_payload before update of payload on position_snapshot
    for each row execute function refuse_change_of_payload();
"""

SCHEDULES = """
create table haircut_schedule (
    user_id uuid not null references app_user,
    name text not null check (name <> '' and name <> 'SUPERVISORY'),
    default_haircut numeric(18, 8) not null check (default_haircut between 0 and 1),
    fx_haircut numeric(18, 8) not null check (fx_haircut between 0 and 1),
    holding_days int not null check (holding_days between 1 and 250),
    max_price_age_days int not null check (max_price_age_days >= 0),
    issuer_cap numeric(18, 8) check (issuer_cap > 0 and issuer_cap <= 1),
    main_index bigint[] not null default '{}',
    excluded bigint[] not null default '{}',
    updated_at timestamptz not null default now(),
    primary key (user_id, name)
);
create table haircut (
    user_id uuid not null,
    name text not null,
    level text not null check (level in ('SECURITY', 'CLASS')),
    security_id bigint references security_registry,
    asset_type text,
    issuer_class text,
    maturity text check (maturity in ('UP_TO_1_YEAR', 'UP_TO_5_YEARS', 'ABOVE_5_YEARS')),
    haircut numeric(18, 8) not null check (haircut between 0 and 1),
    foreign key (user_id, name) references haircut_schedule,
    check ((level = 'SECURITY') = (security_id is not null)),
    check ((level = 'CLASS') = (asset_type is not null)),
    check (asset_type is not null or (issuer_class is null and maturity is null)),
    unique nulls not distinct (user_id, name, level, security_id, asset_type, issuer_class, maturity)
);
"""

RANKINGS = """
create table collateral_ranking (
    ranking_id uuid primary key,
    snapshot_id uuid not null references position_snapshot,
    portfolio_id uuid not null references portfolio,
    business_date date not null,
    schedule text not null,
    valuation_basis text not null check (valuation_basis in ('market', 'cost')),
    currency char(3) not null,
    lendable_value numeric(28, 8) not null,
    inputs jsonb not null,
    inputs_hash text not null,
    payload jsonb not null,
    payload_hash text not null,
    created_at timestamptz not null default now(),
    seq bigint generated always as identity,
    xid xid8 not null default pg_current_xact_id(),
    unique (snapshot_id, inputs_hash)
);
create index ranking_of_book on collateral_ranking (portfolio_id, business_date, seq);
"""

GRANTS = """
revoke update on position_snapshot from lakefolio_app;
grant update (is_current, superseded_at, superseded_reason, payload, pruned_at) on position_snapshot to lakefolio_app;
grant select on haircut_schedule, haircut, collateral_ranking to lakefolio_app, lakefolio_reader;
grant insert on haircut_schedule, haircut, collateral_ranking to lakefolio_app;
grant update on haircut_schedule to lakefolio_app;
grant delete on haircut to lakefolio_app;
grant usage on all sequences in schema public to lakefolio_app;
"""


def upgrade() -> None:
    for script in (SNAPSHOTS, SCHEDULES, RANKINGS, GRANTS):
        op.get_bind().exec_driver_sql(script)
