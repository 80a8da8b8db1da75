"""A wrong identifier can be taken back by who added it, while nothing uses it.

Why: an identifier means one security, for everybody, so a mistyped one kept the right security from ever having it.
What was used is not rewritten: the database itself refuses to let go of an identifier that is bundled, that was there
before this revision, or since whose adding anything was recorded of its security (by `xid`: clocks differ). Who added
one is beside the registry, whose rows still belong to nobody. What is taken back stays known. The oldest of a type that
remains is then the primary one.

Revision ID: 0012
Revises: 0011
"""

from alembic import op

revision = "0012"
down_revision = "0011"

WITHDRAWN = """
create table identifier_addition (
    identifier_id bigint primary key references security_identifier,
    added_by uuid not null references app_user
);
create table withdrawn_identifier (
    identifier_id bigint primary key,
    security_id bigint not null references security_registry,
    id_type text not null,
    id_value text not null,
    valid_from date,
    valid_to date,
    added_by uuid not null references app_user,
    withdrawn_at timestamptz not null default now()
);
create function is_identifier_used(asked security_identifier) returns boolean language sql stable as $$
    select
        exists (select from transaction_ledger where security_id = asked.security_id and xid >= asked.xid)
        or exists (select from orders where security_id = asked.security_id and xid >= asked.xid)
        or exists (select from posted_price where security_id = asked.security_id and xid >= asked.xid)
$$;
create function withdraw_identifier() returns trigger language plpgsql security definer
set search_path = pg_catalog, public, pg_temp as $$
declare
    adder uuid := (select added_by from identifier_addition where identifier_id = old.identifier_id);
begin
    if tg_when = 'AFTER' then
        update security_identifier set is_primary = true
        where identifier_id = (
            select min(identifier_id) from security_identifier
            where security_id = old.security_id and id_type = old.id_type and valid_to is null
        ) and old.is_primary;
        return null;
    end if;
    if pg_has_role(session_user, (select relowner from pg_class where oid = tg_relid), 'usage') then
        delete from identifier_addition where identifier_id = old.identifier_id;
        return old;  -- the owner of the tables mends any mistake, as in 0004
    end if;
    if adder is null or is_identifier_used(old) or not exists (
        select from security_identifier
        where security_id = old.security_id and identifier_id <> old.identifier_id and valid_to is null
    ) then
        raise insufficient_privilege using
            message = 'identifier ' || old.id_value || ' is shared by all and stays',
            hint = 'one can be taken back that a user has added, that nothing uses, and beside which there is another';
    end if;
    insert into withdrawn_identifier (identifier_id, security_id, id_type, id_value, valid_from, valid_to, added_by)
    values (
        old.identifier_id, old.security_id, old.id_type, old.id_value, old.valid_from, old.valid_to, adder
    );
    delete from identifier_addition where identifier_id = old.identifier_id;
    return old;
end
$$;
create trigger withdraw_identifier before delete on security_identifier
    for each row execute function withdraw_identifier();
create trigger promote_identifier after delete on security_identifier
    for each row execute function withdraw_identifier();
grant delete on security_identifier to lakefolio_app;
grant insert on identifier_addition to lakefolio_app;
grant select on identifier_addition, withdrawn_identifier to lakefolio_app, lakefolio_reader;
"""


def upgrade() -> None:
    op.get_bind().exec_driver_sql(WITHDRAWN)
