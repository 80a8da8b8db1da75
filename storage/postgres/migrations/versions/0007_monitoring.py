"""The age of the oldest open transaction, for the application role.

Why: a transaction that stays open holds back what every release can see, and PostgreSQL shows the age of other roles'
transactions only to roles that may also read their statements. A function of the owner's tells the one number.

Revision ID: 0007
Revises: 0006
"""

from alembic import op

revision = "0007"
down_revision = "0006"

OLDEST_TRANSACTION = """
create function oldest_transaction_seconds() returns double precision
language sql stable security definer set search_path = pg_catalog as $$
    select max(extract(epoch from clock_timestamp() - xact_start))::double precision
    from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'
$$;
revoke execute on function oldest_transaction_seconds() from public;
grant execute on function oldest_transaction_seconds() to lakefolio_app;
"""


def upgrade() -> None:
    op.get_bind().exec_driver_sql(OLDEST_TRANSACTION)
