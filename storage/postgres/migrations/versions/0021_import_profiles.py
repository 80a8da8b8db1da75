"""Profiles of files that owners store themselves.

Why: how a broker's file is read was code, so that an owner whose broker is unknown had no means to get further. A
profile is text, words and a SELECT; nothing refers to it but by its name, so it is replaced and deleted.

Revision ID: 0021
Revises: 0020
"""

from alembic import op

revision = "0021"
down_revision = "0020"

PROFILES = """
create table import_profile (
    user_id uuid not null references app_user,
    name text not null check (name ~ '^[a-z0-9][a-z0-9_-]{0,39}$'),
    body text not null check (length(body) <= 100000),
    stored_at timestamptz not null,
    primary key (user_id, name)
);
grant select on import_profile to lakefolio_app, lakefolio_reader;
grant insert, delete on import_profile to lakefolio_app;
grant update (body, stored_at) on import_profile to lakefolio_app;
"""


def upgrade() -> None:
    op.get_bind().exec_driver_sql(PROFILES)
