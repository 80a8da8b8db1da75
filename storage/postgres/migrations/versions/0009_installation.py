"""The market of this installation.

Why: ledger, lake and calendar of one installation belong to one market. Prices of two would be mixed without a trace,
so whoever starts with another one is refused (DESIGN, decision 20).

Revision ID: 0009
Revises: 0008
"""

from alembic import op

revision = "0009"
down_revision = "0008"

INSTALLATION = """
create table installation (
    is_only boolean primary key default true check (is_only),
    market_source text not null check (market_source <> ''),
    created_at timestamptz not null default now()
);
grant select on installation to lakefolio_app, lakefolio_reader;
"""


def upgrade() -> None:
    op.get_bind().exec_driver_sql(INSTALLATION)
