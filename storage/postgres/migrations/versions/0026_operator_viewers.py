"""Users who see how the platform runs, without administering it.

Why: the Dagster UI stands behind the session of the API. Administrators use it; who only looks after it sees it.

Revision ID: 0026
Revises: 0025
"""

from alembic import op

revision = "0026"
down_revision = "0025"

VIEWERS = """
alter table app_user add column is_operator_viewer boolean not null default false;
grant update (is_operator_viewer) on app_user to lakefolio_app;
"""


def upgrade() -> None:
    op.get_bind().exec_driver_sql(VIEWERS)
