"""The whole ledger: every kind of row, chained; holdings with lots, currencies and reservations.

Why: a row must say what it needs to be folded again (rate, split, transfer, what it reverses), and each row's hash
covers the row and the one before, so that a changed byte is found. Holdings that are closed keep their realised gain,
so they are rows of one table, and `position_current` is a view of those that are open. Rows from before get their hash
here, by the rule of that day written out once more, so that a later change of the code cannot change the past.

Revision ID: 0005
Revises: 0004
"""

import hashlib
import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from alembic import op
from sqlalchemy import Connection, text

revision = "0005"
down_revision = "0004"

LEDGER = """
alter table transaction_ledger disable trigger append_only;
alter table transaction_ledger
    add column gross numeric(28, 8) check (gross >= 0),
    add column accrued numeric(28, 8) not null default 0 check (accrued >= 0),
    add column fx_rate numeric(18, 8) check (fx_rate > 0),
    add column ex_date date,
    add column split_new numeric(18, 8) check (split_new > 0),
    add column split_old numeric(18, 8) check (split_old > 0),
    add column transfer_id uuid,
    add column reverses_seq bigint check (reverses_seq > 0 and reverses_seq < seq),
    add column external_id text,
    add column row_hash bytea;
alter table transaction_ledger drop constraint transaction_ledger_check;
update transaction_ledger set fx_rate = 1, gross = round(abs(quantity) * price, 8);
"""

CHAINED = """
alter table transaction_ledger
    alter column row_hash set not null,
    add check (txn_type not in ('BUY', 'SELL') or (quantity is not null and price is not null and gross is not null)),
    add check (txn_type <> 'SPLIT' or (security_id is not null and split_new is not null and split_old is not null)),
    add check ((txn_type = 'REVERSAL') = (reverses_seq is not null)),
    add check (quantity is null or security_id is not null);
create unique index a_row_is_reversed_once on transaction_ledger (portfolio_id, reverses_seq)
    where reverses_seq is not null;
create unique index an_external_id_is_recorded_once on transaction_ledger (portfolio_id, external_id)
    where external_id is not null;
alter table transaction_ledger enable trigger append_only;
"""

PORTFOLIO = """
alter table portfolio
    add column cost_method text not null default 'AVCO' check (cost_method in ('AVCO', 'FIFO')),
    add column ledger_hash bytea not null default '';
"""

HOLDINGS = """
create table account_holding (
    portfolio_id uuid not null references portfolio,
    account_id bigint not null references account,
    security_id bigint not null references security_registry,
    quantity numeric(18, 8) not null,
    reserved numeric(18, 8) not null default 0 check (reserved >= 0),
    cost_basis numeric(28, 8) not null,
    cost_basis_base numeric(28, 8) not null,
    realised numeric(28, 8) not null,
    realised_base numeric(28, 8) not null,
    realised_fx_base numeric(28, 8) not null,
    is_basis_known boolean not null,
    is_realised_known boolean not null,
    lots jsonb,
    primary key (portfolio_id, security_id, account_id)
);
insert into account_holding (
    portfolio_id, account_id, security_id, quantity, cost_basis, cost_basis_base, realised, realised_base,
    realised_fx_base, is_basis_known, is_realised_known
)
select
    portfolio_id, account_id, security_id, coalesce(p.quantity, 0), coalesce(p.cost_basis, 0),
    coalesce(p.cost_basis, 0), g.realised, g.realised, 0, true, true
from realised_gain as g left join position_current as p using (portfolio_id, account_id, security_id);
drop table position_current;
drop table realised_gain;
create view position_current as
select
    portfolio_id, account_id, security_id, quantity, cost_basis, realised, cost_basis_base, realised_base,
    realised_fx_base, is_basis_known, is_realised_known
from account_holding
where quantity <> 0;
alter table cash_balance add column reserved numeric(28, 8) not null default 0 check (reserved >= 0);
grant select on account_holding, position_current to lakefolio_app, lakefolio_reader;
grant insert, update on account_holding to lakefolio_app;
"""

_COLUMNS = (
    "portfolio_id, seq, account_id, txn_type, currency, cash_effect, event_ts, business_date, security_id, quantity,"
    " price, fees, note, gross, accrued, fx_rate, ex_date, split_new, split_old, transfer_id, reverses_seq,"
    " external_id, recorded_at"
)


def upgrade() -> None:
    connection = op.get_bind()
    connection.exec_driver_sql(PORTFOLIO)
    connection.exec_driver_sql(LEDGER)
    _chain(connection)
    connection.exec_driver_sql(CHAINED)
    connection.exec_driver_sql(HOLDINGS)


def _chain(connection: Connection) -> None:
    for (portfolio_id,) in connection.execute(text("select portfolio_id from portfolio")).fetchall():
        first = head = hashlib.sha256(portfolio_id.bytes).digest()
        asked = {"portfolio_id": portfolio_id}
        query = text(f"select {_COLUMNS} from transaction_ledger where portfolio_id = :portfolio_id order by seq")
        for row in connection.execute(query, asked).fetchall():
            recorded = json.dumps([_canonical(value) for value in row], separators=(",", ":"))
            head = hashlib.sha256(head + recorded.encode()).digest()
            update = "update transaction_ledger set row_hash = :h where portfolio_id = :portfolio_id and seq = :seq"
            connection.execute(text(update), {**asked, "h": head, "seq": row.seq})
        if head == first:
            continue
        connection.execute(
            text("update portfolio set ledger_hash = :h where portfolio_id = :portfolio_id"), {**asked, "h": head}
        )


def _canonical(value: Any) -> Any:
    if value is None or isinstance(value, (int, str)):
        return value
    if isinstance(value, Decimal):
        plain = f"{value:f}"
        return (plain.rstrip("0").rstrip(".") if "." in plain else plain) if value else "0"
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else str(value)
