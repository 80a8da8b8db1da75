"""Terms of bonds of more kinds.

Why: an odd last coupon, an ex-coupon period, payments that move off holidays, a coupon that steps up, a face that is
repaid in parts and a call could not be said, so that such a bond was registered, paid and valued as one without. What
is not stated stays null, as it was.

Revision ID: 0018
Revises: 0017
"""

from alembic import op

revision = "0018"
down_revision = "0017"

TERMS = """
alter table bond_details
    add column dated_date date,
    add column penultimate_coupon_date date,
    add column ex_coupon_days int,
    add column ex_coupon_business_days int,
    add column payment_convention text,
    add column payment_calendar text,
    add column coupon_steps jsonb,
    add column amortisation jsonb,
    add column call_schedule jsonb,
    add check (dated_date <= issue_date),
    add check (penultimate_coupon_date < maturity_date),
    add check (ex_coupon_days > 0),
    add check (ex_coupon_business_days > 0),
    add check (payment_convention in ('FOLLOWING', 'MODIFIED_FOLLOWING', 'PRECEDING')),
    add check (payment_calendar in ('WEEKENDS', 'TARGET', 'US_FEDERAL', 'UK')),
    add check (jsonb_typeof(coupon_steps) = 'array'),
    add check (jsonb_typeof(amortisation) = 'array'),
    add check (jsonb_typeof(call_schedule) = 'array');
"""


def upgrade() -> None:
    op.get_bind().exec_driver_sql(TERMS)
