"""Imports of brokers' files: what was sent, and what became of every row.

Why: a person who sends a file must be able to look up later what was recorded, what was there already and what was
refused, and why. The rows themselves are in the ledger, each under the external id that the report names.

Revision ID: 0008
Revises: 0007
"""

from alembic import op

revision = "0008"
down_revision = "0007"

IMPORTS = """
create table import_batch (
    import_id uuid primary key,
    portfolio_id uuid not null references portfolio,
    file_name text not null,
    file_sha256 text not null check (file_sha256 ~ '^[0-9a-f]{64}$'),
    status text not null check (status in ('COMPLETE', 'PARTIAL', 'NOTHING')),
    total int not null check (total = recorded + duplicates + refused),
    recorded int not null check (recorded >= 0),
    duplicates int not null check (duplicates >= 0),
    refused int not null check (refused >= 0),
    report jsonb not null,
    created_at timestamptz not null
);
create index import_of_portfolio on import_batch (portfolio_id, created_at, import_id);
grant select on import_batch to lakefolio_app, lakefolio_reader;
grant insert on import_batch to lakefolio_app;
"""


def upgrade() -> None:
    op.get_bind().exec_driver_sql(IMPORTS)
