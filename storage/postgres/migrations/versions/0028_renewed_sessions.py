"""Sessions that get a new secret when they are confirmed, and that know whether a second factor was given.

Why: a secret from before a password was given again is worth nothing after it (ASVS 7.2.4). And where everybody must
have a second factor, a session that was begun without one is let to nothing but setting it up.

Revision ID: 0028
Revises: 0027
"""

from alembic import op

revision = "0028"
down_revision = "0027"

SESSIONS = """
alter table user_session add column has_second_factor boolean not null default false;
update user_session set has_second_factor = true
where user_id in (select user_id from second_factor where confirmed_at is not null);
grant update (token_hash, has_second_factor) on user_session to lakefolio_app;
"""
"""Confirming a second factor has always ended the sessions that were begun without it."""


def upgrade() -> None:
    op.get_bind().exec_driver_sql(SESSIONS)
