"""The ledger, what is projected from it, and what people ask for.

Why: every number starts from `transaction_ledger`, so the database itself keeps it append-only: the application role
has no UPDATE, DELETE or TRUNCATE on it, and a trigger refuses them to everyone. Rows that the pipelines must notice
carry the id of the transaction that wrote them (`xid8`): a cursor on a sequence would miss those that commit late.

Revision ID: 0001
Revises:
"""

from alembic import op

revision = "0001"
down_revision = None

ROLES = """
do $$
begin
    if not exists (select from pg_roles where rolname = 'lakefolio_app') then
        create role lakefolio_app nologin;
    end if;
    if not exists (select from pg_roles where rolname = 'lakefolio_reader') then
        create role lakefolio_reader nologin;
    end if;
exception when duplicate_object or unique_violation then
    null;  -- another database of this server was migrated at the same time
end
$$
"""

REFERENCE = """
create table app_user (
    user_id uuid primary key,
    email text not null unique,
    created_at timestamptz not null default now(),
    xid xid8 not null default pg_current_xact_id()
);
create table account (
    account_id bigint generated always as identity primary key,
    user_id uuid not null references app_user,
    identifier text not null check (identifier <> ''),
    broker text not null check (broker <> ''),
    account_type text not null check (account_type in ('BROKERAGE', 'RETIREMENT', 'CUSTODY', 'BANK')),
    created_at timestamptz not null default now(),
    xid xid8 not null default pg_current_xact_id(),
    unique (user_id, identifier)
);
create table security_registry (
    security_id bigint generated always as identity primary key,
    asset_type text not null check (asset_type in ('EQUITY', 'ETF', 'BOND', 'INDEX')),
    currency char(3) not null,
    display_name text not null,
    created_at timestamptz not null default now(),
    xid xid8 not null default pg_current_xact_id()
);
create table security_identifier (
    security_id bigint not null references security_registry,
    id_type text not null check (id_type in ('TICKER', 'CUSIP', 'ISIN')),
    id_value text not null check (id_value <> ''),
    is_primary boolean not null,
    xid xid8 not null default pg_current_xact_id(),
    primary key (id_type, id_value)
);
create unique index one_primary_identifier_of_a_type on security_identifier (security_id, id_type) where is_primary;
create table equity_details (
    security_id bigint primary key references security_registry,
    exchange text,
    country text,
    sector text,
    industry text,
    xid xid8 not null default pg_current_xact_id()
);
create table portfolio (
    portfolio_id uuid primary key,
    user_id uuid not null references app_user,
    name text not null check (name <> ''),
    base_currency char(3) not null,
    kind text not null check (kind in ('INVESTMENT', 'TRADING_BOOK')),
    time_zone text not null,
    version bigint not null default 0,
    last_business_date date,
    last_event_ts timestamptz,
    archived_at timestamptz,
    created_at timestamptz not null default now(),
    xid xid8 not null default pg_current_xact_id()
);
create index portfolio_of_user on portfolio (user_id, created_at, portfolio_id);
"""

LEDGER = """
create table transaction_ledger (
    portfolio_id uuid not null references portfolio,
    seq bigint not null check (seq > 0),
    account_id bigint not null references account,
    security_id bigint references security_registry,
    txn_type text not null check (
        txn_type in ('BUY', 'SELL', 'DEPOSIT', 'WITHDRAW', 'FEE', 'DIVIDEND', 'COUPON',
                     'INTEREST', 'TAX', 'TRANSFER_IN', 'TRANSFER_OUT', 'SPLIT', 'REVERSAL')
    ),
    quantity numeric(18, 8),
    price numeric(18, 8),
    fees numeric(28, 8) not null default 0 check (fees >= 0),
    cash_effect numeric(28, 8) not null,
    currency char(3) not null,
    business_date date not null,
    event_ts timestamptz not null,
    recorded_at timestamptz not null,
    note text not null default '',
    xid xid8 not null default pg_current_xact_id(),
    primary key (portfolio_id, seq),
    check ((security_id is null) = (quantity is null) and (security_id is null) = (price is null))
);
create function refuse_change_of_ledger() returns trigger language plpgsql as $$
begin
    raise insufficient_privilege using
        message = 'the transaction ledger is append-only: ' || tg_op || ' is refused',
        hint = 'correct a mistake with a reversal';
end
$$;
create trigger append_only before update or delete or truncate on transaction_ledger
    for each statement execute function refuse_change_of_ledger();
"""

PROJECTIONS = """
create table position_current (
    portfolio_id uuid not null references portfolio,
    account_id bigint not null references account,
    security_id bigint not null references security_registry,
    quantity numeric(18, 8) not null check (quantity <> 0),
    cost_basis numeric(28, 8) not null,
    realised numeric(28, 8) not null,
    primary key (portfolio_id, security_id, account_id)
);
create table realised_gain (
    portfolio_id uuid not null references portfolio,
    account_id bigint not null references account,
    security_id bigint not null references security_registry,
    realised numeric(28, 8) not null,
    primary key (portfolio_id, security_id, account_id)
);
create table cash_balance (
    portfolio_id uuid not null references portfolio,
    currency char(3) not null,
    balance numeric(28, 8) not null,
    primary key (portfolio_id, currency)
);
"""

MESSAGES = """
create table outbox (
    event_id uuid primary key default gen_random_uuid(),
    seq bigint generated always as identity unique,
    aggregate_id uuid not null,
    version bigint not null,
    event_type text not null,
    payload jsonb not null,
    created_at timestamptz not null default now(),
    xid xid8 not null default pg_current_xact_id()
);
create table idempotency_key (
    user_id uuid not null references app_user,
    key text not null,
    request_hash text not null,
    status int,
    body text,
    created_at timestamptz not null default now(),
    primary key (user_id, key)
);
"""

REQUESTS = """
create table simulation (
    simulation_id uuid primary key,
    portfolio_id uuid not null references portfolio,
    user_id uuid not null references app_user,
    name text not null,
    horizon_years int not null check (horizon_years between 1 and 30),
    num_paths int not null check (num_paths between 1 and 100000),
    sample_paths int not null check (sample_paths between 0 and 50),
    seed bigint not null check (seed >= 0),
    is_standing boolean not null default false,
    status text not null default 'REQUESTED' check (status in ('REQUESTED', 'DONE', 'REFUSED')),
    release_id bigint,
    portfolio_version bigint,
    summary jsonb,
    reason text,
    requested_at timestamptz not null,
    finished_at timestamptz,
    xid xid8 not null default pg_current_xact_id()
);
create unique index one_standing_simulation_of_a_portfolio on simulation (portfolio_id) where is_standing;
create index simulation_of_portfolio on simulation (portfolio_id, requested_at);
create table position_snapshot (
    snapshot_id uuid primary key,
    portfolio_id uuid not null references portfolio,
    business_date date not null,
    taken_at timestamptz not null,
    portfolio_version bigint not null,
    release_id bigint not null,
    payload jsonb not null,
    payload_hash text not null,
    is_current boolean not null,
    xid xid8 not null default pg_current_xact_id()
);
create unique index one_current_snapshot_of_a_day on position_snapshot (portfolio_id, business_date) where is_current;
"""

# What the pipelines must notice, found from a horizon's xmin on.
PICK_UP = """
create index transaction_ledger_xid on transaction_ledger (xid);
create index simulation_xid on simulation (xid);
create index portfolio_xid on portfolio (xid);
create index account_xid on account (xid);
create index security_registry_xid on security_registry (xid);
create index security_identifier_xid on security_identifier (xid);
create index equity_details_xid on equity_details (xid);
create function stamp_xid() returns trigger language plpgsql as $$
begin
    new.xid := pg_current_xact_id();
    return new;
end
$$;
create trigger stamp_xid before update on portfolio for each row execute function stamp_xid();
create trigger stamp_xid before update on account for each row execute function stamp_xid();
create trigger stamp_xid before update on security_registry for each row execute function stamp_xid();
create trigger stamp_xid before update on security_identifier for each row execute function stamp_xid();
create trigger stamp_xid before update on equity_details for each row execute function stamp_xid();
"""

GRANTS = """
grant usage on schema public to lakefolio_app, lakefolio_reader;
grant select on all tables in schema public to lakefolio_app, lakefolio_reader;
grant insert on app_user, account, security_registry, security_identifier, equity_details, portfolio,
    transaction_ledger, position_current, realised_gain, cash_balance, outbox, idempotency_key, simulation,
    position_snapshot to lakefolio_app;
grant update on account, portfolio, position_current, realised_gain, cash_balance, idempotency_key,
    simulation, position_snapshot to lakefolio_app;
grant delete on position_current to lakefolio_app;
grant usage on all sequences in schema public to lakefolio_app;
"""

# One local user until users arrive; every table and query is scoped by user already.
LOCAL_USER = """
insert into app_user (user_id, email)
values ('00000000-0000-4000-8000-000000000001', 'local@lakefolio.invalid');
insert into account (user_id, identifier, broker, account_type)
values ('00000000-0000-4000-8000-000000000001', 'MAIN', 'Lakefolio', 'BROKERAGE');
"""


def upgrade() -> None:
    for script in (ROLES, REFERENCE, LEDGER, PROJECTIONS, MESSAGES, REQUESTS, PICK_UP, GRANTS, LOCAL_USER):
        op.get_bind().exec_driver_sql(script)
