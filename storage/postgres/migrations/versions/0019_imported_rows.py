"""Identities of rows that files brought, beside the ledger.

Why: the ids of a file's rows stood in the ledger's own unique index. So a reference that names a kind of row, and not
the row, made next month's rows duplicates; the same row in the files of two accounts was dropped; and an import could
not be taken back and sent again, since a ledger row keeps its id for good. Identity is per source, and can be freed.

Revision ID: 0019
Revises: 0018
"""

from alembic import op

revision = "0019"
down_revision = "0018"

IDENTITIES = """
alter table import_batch
    add column source text,
    add column profile text,
    add column skipped int not null default 0 check (skipped >= 0),
    add column undone_at timestamptz,
    drop constraint import_batch_check,
    add constraint import_batch_total check (total = recorded + duplicates + refused + skipped);

create table imported_row (
    import_id uuid not null references import_batch deferrable initially deferred,
    portfolio_id uuid not null references portfolio,
    source text not null,
    row_key text not null,
    seq bigint not null,
    content jsonb not null,
    freed_at timestamptz
);
create unique index imported_row_of_source on imported_row (portfolio_id, source, row_key) where freed_at is null;
create index imported_row_of_import on imported_row (import_id);
create index imported_row_of_seq on imported_row (portfolio_id, seq) where freed_at is not null;
grant select on imported_row to lakefolio_app, lakefolio_reader;
grant insert on imported_row to lakefolio_app;
grant update (freed_at) on imported_row to lakefolio_app;
grant update (undone_at) on import_batch to lakefolio_app;
"""


def upgrade() -> None:
    op.get_bind().exec_driver_sql(IDENTITIES)
