"""Prices that people post, for securities that no market source prices.

Why: a private company or a fund nobody lists has a value too, and somebody must say it. What was said is a fact of
record: a correction is a newer row for the same security and day, and the older one stays. The newest is the one with
the highest number; a poster locks the security, so numbers grow in the order of commits.

Revision ID: 0011
Revises: 0010
"""

from alembic import op

revision = "0011"
down_revision = "0010"

POSTED_PRICES = """
create table posted_price (
    posted_price_id bigint generated always as identity primary key,
    security_id bigint not null references security_registry,
    price_date date not null,
    close numeric(18, 8) not null check (close > 0),
    currency char(3) not null,
    user_id uuid not null references app_user,
    posted_at timestamptz not null,
    xid xid8 not null default pg_current_xact_id()
);
create index posted_price_of_security on posted_price (security_id, price_date, posted_price_id);
create index posted_price_xid on posted_price (xid);
create function refuse_change_of_posted_prices() returns trigger language plpgsql as $$
begin
    raise insufficient_privilege using
        message = 'posted prices are append-only: ' || tg_op || ' is refused',
        hint = 'correct a price by posting the right one';
end
$$;
create trigger append_only before update or delete or truncate on posted_price
    for each statement execute function refuse_change_of_posted_prices();
grant select on posted_price to lakefolio_app, lakefolio_reader;
grant insert on posted_price to lakefolio_app;
grant usage on all sequences in schema public to lakefolio_app;
"""


def upgrade() -> None:
    op.get_bind().exec_driver_sql(POSTED_PRICES)
