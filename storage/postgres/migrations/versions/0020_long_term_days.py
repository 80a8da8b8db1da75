"""Days of a portfolio's own beyond which what was held is long term.

Why: 365 days are one country's year; others count more, or for one kind of security. Null is the default, which is
code.

Revision ID: 0020
Revises: 0019
"""

from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    op.get_bind().exec_driver_sql(
        "alter table portfolio add column long_term_days int check (long_term_days between 0 and 36500)"
    )
