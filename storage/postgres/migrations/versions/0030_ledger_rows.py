"""Rows of the ledger come as values of a type; events, identities of many rows and the door's question cost less.

Why: of what PostgreSQL does for a row of a long import a seventh was to read it as JSON, a name for each column, and a
third more the JSON of an event that says nothing but the row. Ids of events that are made in their order go to the end
of their index. The identity of a file's row pointed at its import and at its portfolio, of which nobody compared the
one with the other; one key does both. And of the door's question whose a portfolio is, two thirds went into finding
out that it is one: an expression with queries in it is run as a query, whichever of its branches is taken.

Revision ID: 0030
Revises: 0029
"""

from alembic import op

revision = "0030"
down_revision = "0029"

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
DOOR = """
create or replace function access_to(kind text, target uuid, asker uuid)
returns table (portfolio_id uuid, owner_id uuid, role text)
language plpgsql stable security definer set search_path = pg_catalog, public, pg_temp as $$
declare
    named uuid := target;
begin
    if kind <> 'portfolio_id' then
        named := case kind
            when 'order_id' then (select o.portfolio_id from orders as o where o.order_id = target)
            when 'simulation_id' then (select s.portfolio_id from simulation as s where s.simulation_id = target)
            when 'import_id' then (select i.portfolio_id from import_batch as i where i.import_id = target)
            when 'analysis_id' then (select a.portfolio_id from risk_analysis as a where a.analysis_id = target)
        end;
    end if;
    return query
    select p.portfolio_id, p.user_id, case when p.user_id = asker then 'OWNER' else share.role end
    from portfolio as p
    left join portfolio_share as share
        on share.portfolio_id = p.portfolio_id and share.user_id = asker and share.ended_at is null
    where p.portfolio_id = named;
end
$$;
"""


def upgrade() -> None:
    for script in (ROWS, IDENTITIES, DOOR):
        op.get_bind().exec_driver_sql(script)
