"""Rows of the ledger come as values of a type, and events and identities of many rows cost less.

Why: of what PostgreSQL does for a row of a long import a seventh was to read it as JSON, a name for each column, and a
third more the JSON of an event that says nothing but the row. Ids of events that are made in their order go to the end
of their index. The identity of a file's row pointed at its import and at its portfolio, of which nobody compared the
one with the other; one key does both.

Revision ID: 0030
Revises: 0028
"""

from alembic import op

revision = "0030"
down_revision = "0028"

ROWS = """
create type ledger_row as (
    portfolio_id uuid,
    seq bigint,
    account_id bigint,
    txn_type text,
    currency text,
    cash_effect numeric,
    event_ts timestamptz,
    business_date date,
    security_id bigint,
    quantity numeric,
    price numeric,
    fees numeric,
    note text,
    gross numeric,
    accrued numeric,
    fx_rate numeric,
    ex_date date,
    split_new numeric,
    split_old numeric,
    transfer_id uuid,
    reverses_seq bigint,
    external_id text,
    cost_effect numeric,
    basis_share numeric,
    row_hash bytea
);
alter table outbox alter column event_id set default uuidv7();
"""
IDENTITIES = """
alter table import_batch add constraint import_of_its_portfolio unique (import_id, portfolio_id);
alter table imported_row
    drop constraint imported_row_import_id_fkey,
    drop constraint imported_row_portfolio_id_fkey,
    add constraint row_of_an_import_of_its_portfolio foreign key (import_id, portfolio_id)
        references import_batch (import_id, portfolio_id) deferrable initially deferred;
"""


def upgrade() -> None:
    for script in (ROWS, IDENTITIES):
        op.get_bind().exec_driver_sql(script)
