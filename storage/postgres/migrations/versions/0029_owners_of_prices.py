"""Posted prices that belong to somebody, and those that are published for all.

Why: whatever price one user posted valued everybody's holdings of the security. A price is now its owner's and values
the owner's portfolios; without an owner it is published, which an administrator does, or whoever is alone with the
state. What was posted before has valued everybody's holdings, so it stays published.

Revision ID: 0029
Revises: 0028
"""

from importlib import import_module

from alembic import op

revision = "0029"
down_revision = "0028"

_POLICIES = import_module("storage.postgres.migrations.versions.0024_row_security")
CONDITIONS = {"posted_price": f"owner_id is null or owner_id = any({_POLICIES.OWNERS})"}
OWNERS = f"""
alter table posted_price add column owner_id uuid references app_user;
alter table posted_price enable row level security, force row level security;
create policy everything on posted_price to lakefolio_services, lakefolio_migrator using (true) with check (true);
create policy everything_read on posted_price for select to lakefolio_reader using (true);
create policy seen on posted_price for select to lakefolio_app using ({CONDITIONS["posted_price"]});
create policy added on posted_price for insert to lakefolio_app with check (
    owner_id = any({_POLICIES.OWNERS})
    or owner_id is null and ({_POLICIES.IS_ADMINISTRATOR} or not exists (select from app_user where is_admin))
);
"""


def upgrade() -> None:
    op.get_bind().exec_driver_sql(OWNERS)
