"""Identities of a provider that users sign in with, their second factors, and sign-ins that are under way.

Why: a password was the only way in. A step of a sign-in belongs to one browser, by the hash of its cookie, and is gone
when it is taken. A session that a provider began need not be confirmed.

Revision ID: 0025
Revises: 0024
"""

from alembic import op

revision = "0025"
down_revision = "0024"

IDENTITIES = """
create table user_identity (
    user_id uuid primary key references app_user,
    issuer text not null check (length(issuer) <= 500),
    subject text not null check (length(subject) <= 255),
    linked_at timestamptz not null,
    unique (issuer, subject)
);
create table sign_in_step (
    step_hash bytea primary key check (length(step_hash) = 32),
    kind text not null check (kind in ('PROVIDER', 'LINK', 'CODE')),
    user_id uuid references app_user check ((kind = 'PROVIDER') = (user_id is null)),
    state_hash bytea check ((kind = 'CODE') = (state_hash is null)),
    nonce text check ((kind = 'CODE') = (nonce is null)),
    code_verifier text check ((kind = 'CODE') = (code_verifier is null)),
    invitation_hash bytea,
    confirmed_at timestamptz,
    next_page text not null,
    ends_at timestamptz not null
);
create index sign_in_step_end on sign_in_step (ends_at);
grant select, insert, delete on user_identity, sign_in_step to lakefolio_app;
alter table user_session alter column confirmed_at drop not null;
"""

SECOND_FACTORS = """
create table second_factor (
    user_id uuid primary key references app_user,
    secret text not null,
    added_at timestamptz not null,
    confirmed_at timestamptz,
    last_step bigint not null default 0
);
create table recovery_code (
    user_id uuid not null references second_factor on delete cascade,
    code_hash bytea not null check (length(code_hash) = 32),
    used_at timestamptz,
    primary key (user_id, code_hash)
);
alter table invitation add column removes_second_factor boolean not null default false;
grant select, insert, delete on second_factor to lakefolio_app;
grant update (confirmed_at, last_step) on second_factor to lakefolio_app;
grant select, insert on recovery_code to lakefolio_app;
grant update (used_at) on recovery_code to lakefolio_app;
"""


def upgrade() -> None:
    for script in (IDENTITIES, SECOND_FACTORS):
        op.get_bind().exec_driver_sql(script)
