"""Limits of concentration of a portfolio's own.

Why: one set of limits for everybody called a portfolio of five lines a breach, and nobody could say otherwise. Null is
the defaults, which are code and may get better; an empty list is a portfolio without limits.

Revision ID: 0017
Revises: 0016
"""

from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.get_bind().exec_driver_sql(
        "alter table portfolio add column limits jsonb check (jsonb_typeof(limits) = 'array')"
    )
