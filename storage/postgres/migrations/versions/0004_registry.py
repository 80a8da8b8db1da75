"""The registry grows up: every kind of security, names that change hands, details; accounts and portfolios are edited.

Why: a text such as META names one security at a time, but not for ever, so an identifier has dates and two securities
may bear it one after the other. An exclusion constraint says so; over ranges alone, since `btree_gist` is not
everywhere. It covers all types at once: a look-up without a type has one answer, and nobody takes over an ISIN by
registering it as a ticker. The registry is shared, so the database itself keeps a user from rewriting what is known;
only the owner of the tables can mend a mistake. `revision` counts edits: it is half of an ETag.

Revision ID: 0004
Revises: 0003
"""

from alembic import op

revision = "0004"
down_revision = "0003"

# Null is "nobody has said", as for securities registered before this; it reads as AS_TRADED.
SECURITIES = """
alter table security_registry drop constraint security_registry_asset_type_check;
alter table security_registry add constraint security_registry_asset_type_check
    check (asset_type in ('EQUITY', 'ETF', 'FUND', 'BOND', 'INDEX'));
alter table security_registry add column price_kind text
    check (price_kind in ('AS_TRADED', 'TOTAL_RETURN', 'PRICE_INDEX'));
"""

# A security is called by its ticker, else by its ISIN, else by its CUSIP: the order of the alphabet, backwards.
IDENTIFIERS = """
create type text_range as range (subtype = text, collation = "C");
alter table security_identifier drop constraint security_identifier_pkey;
alter table security_identifier add column valid_from date;
alter table security_identifier add column valid_to date;
alter table security_identifier add column identifier_id bigint generated always as identity primary key;
alter table security_identifier add constraint it_is_valid_for_a_while check (valid_from < valid_to);
alter table security_identifier add constraint one_meaning_at_a_time
    exclude using gist (text_range(id_value, id_value, '[]') with &&, daterange(valid_from, valid_to) with &&);
create index security_identifier_value on security_identifier (id_value);
create index security_identifier_security on security_identifier (security_id);
create view security_name as
select
    security_id,
    (
        select id_value
        from security_identifier
        where security_identifier.security_id = security_registry.security_id and is_primary
        order by id_type desc
        limit 1
    ) as name
from security_registry;
"""

DETAILS = """
create table fund_details (
    security_id bigint primary key references security_registry,
    fund_family text,
    category text,
    distribution text check (distribution in ('ACCUMULATING', 'DISTRIBUTING')),
    expense_ratio_bps numeric(18, 8) check (expense_ratio_bps >= 0),
    xid xid8 not null default pg_current_xact_id()
);
create table bond_details (
    security_id bigint primary key references security_registry,
    maturity_date date not null,
    coupon_rate_pct numeric(18, 8) not null check (coupon_rate_pct >= 0),
    coupon_frequency int check (coupon_frequency in (1, 2, 4, 12)),
    day_count text not null check (day_count in ('ACT/ACT ICMA', '30/360 US', '30E/360', 'ACT/360', 'ACT/365F')),
    issuer text,
    issuer_class text check (issuer_class in ('SOVEREIGN', 'AGENCY', 'MUNICIPAL', 'CORPORATE')),
    issue_date date,
    first_coupon_date date,
    denomination numeric(18, 8) check (denomination > 0),
    xid xid8 not null default pg_current_xact_id(),
    check ((coupon_rate_pct = 0) = (coupon_frequency is null)),
    check (issue_date < maturity_date),
    check (issue_date < first_coupon_date),
    check (first_coupon_date <= maturity_date)
);
"""

EDITS = """
alter table account add column revision bigint not null default 1;
alter table account add column archived_at timestamptz;
alter table portfolio add column revision bigint not null default 0;
"""

PICK_UP = """
create index fund_details_xid on fund_details (xid);
create index bond_details_xid on bond_details (xid);
create trigger stamp_xid before update on fund_details for each row execute function stamp_xid();
create trigger stamp_xid before update on bond_details for each row execute function stamp_xid();
"""

WHAT_IS_KNOWN_STAYS = """
create function refuse_rewrite() returns trigger language plpgsql as $$
declare
    owner oid := (select relowner from pg_class where oid = tg_relid);
begin
    if pg_has_role(current_user, owner, 'usage') then
        return new;
    end if;
    if exists (
        select from jsonb_each(to_jsonb(old)) as known
        where known.key <> 'xid' and known.value <> 'null' and to_jsonb(new) -> known.key <> known.value
    ) then
        raise insufficient_privilege using
            message = 'what ' || tg_table_name || ' knows is shared by all and is not rewritten',
            hint = 'only what is missing can be filled in';
    end if;
    return new;
end
$$;
create trigger refuse_rewrite before update on security_registry for each row execute function refuse_rewrite();
create trigger refuse_rewrite before update on equity_details for each row execute function refuse_rewrite();
create trigger refuse_rewrite before update on fund_details for each row execute function refuse_rewrite();
create trigger refuse_rewrite before update on bond_details for each row execute function refuse_rewrite();
"""

GRANTS = """
grant select on fund_details, bond_details, security_name to lakefolio_app, lakefolio_reader;
grant insert on fund_details, bond_details to lakefolio_app;
grant update on equity_details, fund_details, bond_details to lakefolio_app;
grant update (price_kind) on security_registry to lakefolio_app;
grant usage on all sequences in schema public to lakefolio_app;
"""


def upgrade() -> None:
    for script in (SECURITIES, IDENTIFIERS, DETAILS, EDITS, PICK_UP, WHAT_IS_KNOWN_STAYS, GRANTS):
        op.get_bind().exec_driver_sql(script)
