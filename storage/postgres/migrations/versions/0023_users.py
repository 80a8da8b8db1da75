"""Users who sign in, what they sign in with, what they share, and who did what.

Why: there was one constant user, who was whoever reached the ports. Secrets are stored as hashes only, in tables of
their own, which the replicating role does not read: none of it is for the lake.

Revision ID: 0023
Revises: 0022
"""

from alembic import op

revision = "0023"
down_revision = "0022"

USERS = """
alter table app_user
    add column display_name text not null default '' check (length(display_name) <= 200),
    add column is_admin boolean not null default false,
    add column disabled_at timestamptz;
create unique index app_user_email on app_user (lower(email));
grant update (email, display_name, is_admin, disabled_at) on app_user to lakefolio_app;
"""

SECRETS = """
create table user_password (
    user_id uuid primary key references app_user,
    password_hash text not null,
    changed_at timestamptz not null
);
create table invitation (
    invitation_id uuid primary key,
    kind text not null check (kind in ('FIRST_ADMINISTRATOR', 'USER', 'PASSWORD')),
    code_hash bytea not null unique check (length(code_hash) = 32),
    email text check (length(email) <= 254),
    invited_by uuid references app_user,
    user_id uuid references app_user check ((kind = 'PASSWORD') <= (user_id is not null)),
    created_at timestamptz not null,
    ends_at timestamptz not null,
    ended_at timestamptz
);
create index invitation_of on invitation (invited_by);
create table user_session (
    session_id uuid primary key,
    user_id uuid not null references app_user,
    token_hash bytea not null unique check (length(token_hash) = 32),
    user_agent text not null,
    address text not null,
    created_at timestamptz not null,
    seen_at timestamptz not null,
    confirmed_at timestamptz not null,
    ends_at timestamptz not null,
    ended_at timestamptz
);
create index user_session_of on user_session (user_id) where ended_at is null;
create table api_token (
    token_id uuid primary key,
    user_id uuid not null references app_user,
    name text not null,
    prefix text not null,
    token_hash bytea not null unique check (length(token_hash) = 32),
    scopes text[] not null check (scopes <@ array['read', 'trade', 'import', 'simulate', 'admin']),
    portfolio_ids uuid[],
    created_at timestamptz not null,
    ends_at timestamptz,
    last_used_at timestamptz,
    ended_at timestamptz
);
create index api_token_of on api_token (user_id);
grant select, insert on user_password, invitation, user_session, api_token to lakefolio_app;
grant update (password_hash, changed_at) on user_password to lakefolio_app;
grant update (ended_at) on invitation to lakefolio_app;
grant update (seen_at, confirmed_at, ended_at) on user_session to lakefolio_app;
grant update (last_used_at, ended_at) on api_token to lakefolio_app;
"""

SHARES = """
create table portfolio_share (
    share_id uuid primary key,
    portfolio_id uuid not null references portfolio,
    email text not null check (email = lower(email) and length(email) <= 254),
    role text not null check (role in ('VIEWER', 'EDITOR')),
    offered_by uuid not null references app_user,
    offered_at timestamptz not null,
    user_id uuid references app_user,
    accepted_at timestamptz check ((accepted_at is null) = (user_id is null)),
    ended_at timestamptz,
    ended_by uuid references app_user
);
create unique index portfolio_share_standing on portfolio_share (portfolio_id, email) where ended_at is null;
create unique index portfolio_share_of on portfolio_share (user_id, portfolio_id) where ended_at is null;
create index portfolio_share_offered on portfolio_share (email) where ended_at is null;
grant select on portfolio_share to lakefolio_app, lakefolio_reader;
grant insert on portfolio_share to lakefolio_app;
grant update (user_id, accepted_at, ended_at, ended_by) on portfolio_share to lakefolio_app;
"""

AUDIT = """
create table audit_event (
    event_id bigint generated always as identity primary key,
    at timestamptz not null,
    user_id uuid references app_user,
    session_id uuid,
    token_id uuid,
    action text not null check (length(action) <= 200),
    portfolio_id uuid,
    subject text check (length(subject) <= 200),
    correlation_id text
);
create index audit_event_of_portfolio on audit_event (portfolio_id, event_id);
create function refuse_change_of_audit() returns trigger language plpgsql as $$
begin
    raise insufficient_privilege using message = 'the audit log is append-only: ' || tg_op || ' is refused';
end
$$;
create trigger audit_is_append_only before update or delete or truncate on audit_event
    for each statement execute function refuse_change_of_audit();
grant select on audit_event to lakefolio_app, lakefolio_reader;
grant insert on audit_event to lakefolio_app;
"""


def upgrade() -> None:
    for script in (USERS, SECRETS, SHARES, AUDIT):
        op.get_bind().exec_driver_sql(script)
