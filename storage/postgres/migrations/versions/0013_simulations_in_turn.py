"""Simulations in turn: whose was run last, how often one was tried, and how many may wait.

Why: 48 requests were 48 runs at once, which took all memory there was. They are one run now, which takes owners in turn
by when each was served last. One whose run ends every time it is tried would stop those behind it, so tries are
counted. A limit per owner keeps one from queueing without end.

Revision ID: 0013
Revises: 0012
"""

from alembic import op

revision = "0013"
down_revision = "0012"

IN_TURN = """
alter table simulation add column attempts int not null default 0 check (attempts >= 0);
create index simulation_served on simulation (user_id, finished_at desc nulls last);
create index simulation_waiting on simulation (user_id) where status = 'REQUESTED' and not is_standing;
alter table app_user add column max_waiting_simulations int not null default 200 check (max_waiting_simulations >= 0);
"""


def upgrade() -> None:
    op.get_bind().exec_driver_sql(IN_TURN)
