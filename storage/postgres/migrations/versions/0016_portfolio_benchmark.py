"""Benchmark of a portfolio's own.

Why: one benchmark for everybody is none for who holds bonds, or counts in another currency. Null is the installation's.

Revision ID: 0016
Revises: 0015
"""

from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.get_bind().exec_driver_sql("alter table portfolio add column benchmark text check (benchmark <> '')")
