"""Jobs that fail, and a page to try whether anything can be stored.

Why: a thread of the worker that ended on an error was seen by nobody, for health is told by another process. And a
database that answers can still be full or read-only; only a write tells. The probe is a table of its own, so that a
page of it can be made anew as a trade's would be, and no record is touched.

Revision ID: 0014
Revises: 0013
"""

from alembic import op

revision = "0014"
down_revision = "0013"

HEALTH = """
create table job_failure (
    job text primary key check (job <> ''),
    failures int not null check (failures > 0),
    failing_since timestamptz not null,
    failed_at timestamptz not null,
    next_attempt_at timestamptz not null,
    reason text not null
);
grant select, insert, update, delete on job_failure to lakefolio_app;

create table write_probe (
    probed_at timestamptz not null,
    filler text not null
);
alter table write_probe alter column filler set storage plain;
grant select, insert, delete, truncate on write_probe to lakefolio_app;
grant select on job_failure, write_probe to lakefolio_reader;
"""


def upgrade() -> None:
    op.get_bind().exec_driver_sql(HEALTH)
