"""Spread of a bond over the Treasury curve.

Why: a corporate bond that nobody quotes is valued from the curve plus its spread. Without a stated spread there is no
value; an invented one would be a silent number.

Revision ID: 0010
Revises: 0009
"""

from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.get_bind().exec_driver_sql("alter table bond_details add column spread_bps numeric(18, 8)")
