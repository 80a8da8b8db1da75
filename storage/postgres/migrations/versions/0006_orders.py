"""Orders and their fills.

Why: what an open order may still cost is set aside in its portfolio's `reserved` columns, and each row here says how
much of that is its own; the checks hold the two together as far as one row can. An order is changed only under its
portfolio's row lock, so `orders` needs none of its own. A fill's id is the broker's and belongs to one order: told
twice, it is one row.

Revision ID: 0006
Revises: 0005
"""

from alembic import op

revision = "0006"
down_revision = "0005"

ORDERS = """
create table orders (
    order_id uuid primary key,
    portfolio_id uuid not null references portfolio,
    account_id bigint not null references account,
    security_id bigint not null references security_registry,
    side text not null check (side in ('BUY', 'SELL')),
    order_type text not null check (order_type in ('MARKET', 'LIMIT')),
    quantity numeric(18, 8) not null check (quantity > 0),
    limit_price numeric(18, 8) check (limit_price > 0),
    fees numeric(28, 8) not null check (fees >= 0),
    status text not null check (status in ('PENDING', 'PARTIALLY_FILLED', 'FILLED', 'CANCELLED')),
    filled_quantity numeric(18, 8) not null check (filled_quantity between 0 and quantity),
    reserved_cash numeric(28, 8) not null check (reserved_cash >= 0),
    reserved_quantity numeric(18, 8) not null check (reserved_quantity >= 0),
    currency char(3) not null,
    reason text not null,
    is_overdrawn boolean not null,
    version bigint not null check (version > 0),
    placed_at timestamptz not null,
    updated_at timestamptz not null,
    xid xid8 not null default pg_current_xact_id(),
    check ((order_type = 'LIMIT') = (limit_price is not null)),
    check ((status = 'FILLED') = (filled_quantity = quantity)),
    check (status <> 'PENDING' or filled_quantity = 0),
    check (status <> 'PARTIALLY_FILLED' or filled_quantity > 0),
    constraint only_open_orders_hold_reservations check (
        status in ('PENDING', 'PARTIALLY_FILLED') or (reserved_cash = 0 and reserved_quantity = 0)
    ),
    constraint a_buy_reserves_cash_and_a_sale_units check (
        case side when 'BUY' then reserved_quantity = 0 else reserved_cash = 0 end
    )
);
create index orders_of_portfolio on orders (portfolio_id, placed_at, order_id);
create index open_orders_of_portfolio on orders (portfolio_id) where status in ('PENDING', 'PARTIALLY_FILLED');
create index open_orders on orders (placed_at, order_id) where status in ('PENDING', 'PARTIALLY_FILLED');
create index orders_xid on orders (xid);
create trigger stamp_xid before update on orders for each row execute function stamp_xid();
create table order_fill (
    order_id uuid not null references orders,
    fill_id text not null check (fill_id <> ''),
    quantity numeric(18, 8) not null check (quantity > 0),
    price numeric(18, 8) not null check (price > 0),
    fees numeric(28, 8) not null check (fees >= 0),
    accrued numeric(28, 8) not null check (accrued >= 0),
    fx_rate numeric(18, 8) not null check (fx_rate > 0),
    business_date date not null,
    source text not null check (source in ('MANUAL', 'BROKER')),
    seq bigint not null,
    filled_at timestamptz not null,
    xid xid8 not null default pg_current_xact_id(),
    primary key (order_id, fill_id)
);
create index order_fill_xid on order_fill (xid);
grant select on orders, order_fill to lakefolio_app, lakefolio_reader;
grant insert, update on orders to lakefolio_app;
grant insert on order_fill to lakefolio_app;
"""


def upgrade() -> None:
    op.get_bind().exec_driver_sql(ORDERS)
