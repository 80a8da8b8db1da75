"""The database too decides which rows a transaction of the API may touch.

Why: behind the door every statement filters by owner, and one that forgets to would show a stranger's rows. So each
owned table has policies, forced: a transaction says for whom it acts (`oltp_api/sight.py`), and another's rows are not
there for it. Any role may set these words, so this guards against a forgotten filter, not against injected SQL.

`askers` are who asked, `owners` for whom it is done, `portfolios` what the door has let them to; what is named there is
compared first, so that most statements never look through an owner's portfolios. Nothing set, nothing seen. The words
end with the transaction; a connection on which they have not is ended before it answers anybody else.
`lakefolio_services` works for everybody where nobody asks: the worker, simulations, snapshots. The replicating role
reads all. Few questions go over everybody's rows or are asked before anybody is known; each is a function of the
owner's, with a fixed path. An owner never changes. The end of a chain of hashes moves only to a row that is there.

Revision ID: 0024
Revises: 0023
"""

from alembic import op

revision = "0024"
down_revision = "0023"

OF_PORTFOLIO = (
    "account_holding",
    "cash_balance",
    "collateral_ranking",
    "import_batch",
    "imported_row",
    "orders",
    "position_snapshot",
    "simulation",
    "transaction_ledger",
)
OF_USER = ("account", "haircut", "haircut_schedule", "import_profile", "simulation_scenario")
ROLES = """
do $$
begin
    if not exists (select from pg_roles where rolname = 'lakefolio_services') then
        create role lakefolio_services nologin;
    end if;
    if not exists (select from pg_roles where rolname = 'lakefolio_migrator') then
        create role lakefolio_migrator nologin;
    end if;
    grant lakefolio_app to lakefolio_services;
    grant lakefolio_migrator to current_user;
end
$$;
create function acting(what text) returns uuid[] language sql stable parallel safe as $$
    select coalesce(nullif(current_setting('lakefolio.' || what, true), '')::uuid[], '{}')
$$;
create function act_for(askers uuid[], owners uuid[], portfolios uuid[], is_first boolean) returns void
language plpgsql as $$
begin
    if is_first and coalesce(current_setting('lakefolio.askers', true), '') <> '' then
        raise warning 'a connection still acts for whom it acted last: it is ended';
        perform pg_terminate_backend(pg_backend_pid());
    end if;
    perform set_config('lakefolio.askers', askers::text, true);
    perform set_config('lakefolio.owners', owners::text, true);
    perform set_config('lakefolio.portfolios', portfolios::text, true);
end
$$;
"""
# Few nodes: a plan is made and begun with all of them for each statement, whichever are run.
SEES = """
create function sees(asked uuid) returns boolean
language plpgsql stable security definer set search_path = pg_catalog, public, pg_temp as $$
declare
    askers uuid[] := acting('askers');
begin
    return exists (select from portfolio where portfolio_id = asked and user_id = any(askers))
        or exists (
            select from portfolio_share where portfolio_id = asked and user_id = any(askers) and ended_at is null
        );
end
$$;
create function addresses_of_askers() returns text[] language sql stable as $$
    select array(select lower(email) from app_user where user_id = any(acting('askers')))
$$;
"""
ASKERS, OWNERS, PORTFOLIOS = (f"(select acting('{who}'))::uuid[]" for who in ("askers", "owners", "portfolios"))
"""In a query of its own each is worked out once for a statement, and an index can find by it."""
PORTFOLIO = f"""
user_id = any({ASKERS})
or portfolio_id = any({PORTFOLIOS}) and user_id = any({OWNERS})
or sees(portfolio_id)
"""
SHARE = f"""
offered_by = any({ASKERS}) or user_id = any({ASKERS}) or email = any((select addresses_of_askers())::text[])
"""


def seen(column: str) -> str:
    """The condition that a table's `column` is a portfolio that the transaction may touch."""
    return f"{column} = any({PORTFOLIOS}) or sees({column})"


IS_ADMINISTRATOR = f"""
exists (
    select from app_user
    where app_user.user_id = any({ASKERS}) and app_user.is_admin and app_user.disabled_at is null
)
"""
CONDITIONS = {
    "portfolio": PORTFOLIO,
    "portfolio_share": SHARE,
    "order_fill": "exists (select from orders where orders.order_id = order_fill.order_id)",
    "idempotency_key": f"user_id = any({ASKERS})",
    **{table: seen(f"{table}.portfolio_id") for table in OF_PORTFOLIO},
    **dict.fromkeys(OF_USER, f"user_id = any({OWNERS})"),
}
ANYBODY_ADDS = {
    "outbox": seen("outbox.aggregate_id"),
    "audit_event": f"{IS_ADMINISTRATOR} or {seen('audit_event.portfolio_id')}",
}
"""Whoever did something adds that it happened."""
# A question of each kind goes over everybody's rows, or is asked before anybody is known.
QUESTIONS = """
create function access_to(kind text, target uuid, asker uuid)
returns table (portfolio_id uuid, owner_id uuid, role text)
language plpgsql stable security definer set search_path = pg_catalog, public, pg_temp as $$
declare
    named uuid := case kind
        when 'portfolio_id' then target
        when 'order_id' then (select o.portfolio_id from orders as o where o.order_id = target)
        when 'simulation_id' then (select s.portfolio_id from simulation as s where s.simulation_id = target)
        when 'import_id' then (select i.portfolio_id from import_batch as i where i.import_id = target)
    end;
begin
    return query
    select p.portfolio_id, p.user_id, case when p.user_id = asker then 'OWNER' else share.role end
    from portfolio as p
    left join portfolio_share as share
        on share.portfolio_id = p.portfolio_id and share.user_id = asker and share.ended_at is null
    where p.portfolio_id = named;
end
$$;
create function offers_to(asker uuid)
returns table (share_id uuid, portfolio_name text, owner_name text, owner_email text)
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
    select share.share_id, portfolio.name, owner.display_name, owner.email
    from portfolio_share as share
    inner join portfolio using (portfolio_id)
    inner join app_user as owner on owner.user_id = portfolio.user_id
    where share.ended_at is null and (
        share.user_id = asker
        or share.user_id is null and share.email = (select lower(email) from app_user where user_id = asker)
    )
$$;
create function portfolios_of_users() returns table (user_id uuid, portfolios bigint)
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
    select portfolio.user_id, count(*) from portfolio group by portfolio.user_id
$$;
create function ledger_size() returns bigint
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
    select coalesce(sum(version), 0)::bigint from portfolio
$$;
create function ledger_head_at() returns timestamptz
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
    select recorded_at from transaction_ledger order by xid desc, recorded_at desc limit 1
$$;
create function seconds_unreleased(since xid8, seen pg_snapshot, held uuid[], shown bigint[]) returns float8
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
    select coalesce(greatest(
        (
            select max(extract(epoch from clock_timestamp() - recorded_at))
            from transaction_ledger
            where xid >= since and not pg_visible_in_snapshot(xid, seen)
        ),
        (
            select max(extract(epoch from clock_timestamp() - ledger.recorded_at))
            from unnest(held, shown) as hidden (portfolio_id, shown)
            inner join transaction_ledger as ledger
                on ledger.portfolio_id = hidden.portfolio_id and ledger.seq > hidden.shown
        )
    ), 0)::float8
$$;
alter function is_identifier_used(security_identifier) security definer;
alter function is_identifier_used(security_identifier) set search_path = pg_catalog, public, pg_temp;
revoke execute on function sees, access_to, offers_to, portfolios_of_users, ledger_size, ledger_head_at,
    seconds_unreleased, is_identifier_used from public;
grant execute on function sees, access_to, offers_to, portfolios_of_users, ledger_size, ledger_head_at,
    seconds_unreleased, is_identifier_used to lakefolio_app;
grant execute on function is_identifier_used to lakefolio_reader;
alter view position_current set (security_invoker = true);
alter view security_name set (security_invoker = true);
"""
OWNERS_STAY = """
do $$
declare
    owned record;
begin
    for owned in
        select table_name, string_agg(quote_ident(column_name), ', ') as others
        from information_schema.columns
        where table_schema = 'public' and table_name in ('portfolio', 'account', 'simulation', 'orders')
            and column_name not in ('user_id', 'portfolio_id', 'account_id', 'simulation_id', 'order_id', 'xid')
        group by table_name
    loop
        execute 'revoke update on ' || owned.table_name || ' from lakefolio_app';
        execute 'grant update (' || owned.others || ') on ' || owned.table_name || ' to lakefolio_app';
    end loop;
end
$$;
"""
CHAIN = """
create function refuse_end_without_row() returns trigger language plpgsql as $$
begin
    if pg_has_role('lakefolio_migrator', 'usage') then
        return null;  -- the owner of the tables mends any mistake, as in 0012; `make verify` finds a new one
    end if;
    if not exists (
        select from transaction_ledger
        where portfolio_id = new.portfolio_id and seq = new.version and row_hash = new.ledger_hash
    ) then
        raise check_violation using
            message = 'portfolio ' || new.portfolio_id || ': its chain of hashes ends with no row of its ledger';
    end if;
    return null;
end
$$;
create trigger chain_ends_with_a_row after update of ledger_hash on portfolio
    for each row when (old.ledger_hash is distinct from new.ledger_hash) execute function refuse_end_without_row();
"""


def upgrade() -> None:
    run = op.get_bind().exec_driver_sql
    run(ROLES)
    run(SEES)
    for table in (*CONDITIONS, *ANYBODY_ADDS):
        run(f"""
            alter table {table} enable row level security, force row level security;
            create policy everything on {table} to lakefolio_services, lakefolio_migrator
                using (true) with check (true);
            create policy everything_read on {table} for select to lakefolio_reader using (true);
        """)
    for table, condition in CONDITIONS.items():
        run(f"create policy seen on {table} to lakefolio_app using ({condition}) with check ({condition})")
    for table, condition in ANYBODY_ADDS.items():
        run(f"create policy seen on {table} for select to lakefolio_app using ({condition})")
        run(f"create policy added on {table} for insert to lakefolio_app with check (true)")
    for script in (QUESTIONS, OWNERS_STAY, CHAIN):
        run(script)
