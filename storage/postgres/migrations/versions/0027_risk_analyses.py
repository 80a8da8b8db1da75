"""Risk analyses: requests, and what was written, which never changes once it is there.

Why: a text about a portfolio's risk is of one release and one writer; what it said then has to be read as it was when
it is scored. So a finished one is closed, by the table itself. A request waits until the release has the portfolio as
it was when it was asked: `wanted_version`.

Revision ID: 0027
Revises: 0026
"""

import importlib

from alembic import op

revision = "0027"
down_revision = "0026"

_POLICIES = importlib.import_module("storage.postgres.migrations.versions.0024_row_security")
OF_PORTFOLIO = ("risk_analysis",)
CONDITIONS = {table: _POLICIES.seen(f"{table}.portfolio_id") for table in OF_PORTFOLIO}

ANALYSES = """
create table risk_analysis (
    analysis_id uuid primary key,
    portfolio_id uuid not null references portfolio,
    user_id uuid not null references app_user,
    writer text not null check (writer in ('configured', 'rules/1')),
    wanted_version bigint not null,
    status text not null default 'REQUESTED' check (status in ('REQUESTED', 'DONE', 'DEGRADED', 'REFUSED')),
    reason text,
    attempts int not null default 0 check (attempts >= 0),
    requested_at timestamptz not null,
    finished_at timestamptz,
    release_id bigint,
    as_of date,
    model_used text,
    prompt_hash text,
    facts_hash text,
    n_voided int,
    document jsonb,
    constraint written_whole check (
        (status in ('DONE', 'DEGRADED')) = (document is not null)
        and (document is null) = (num_nulls(release_id, as_of, model_used, prompt_hash, facts_hash, n_voided) > 0)
        and (status = 'REQUESTED') = (finished_at is null)
    )
);
create index risk_analysis_of_portfolio on risk_analysis (portfolio_id, requested_at);
create index risk_analysis_waiting on risk_analysis (requested_at) where status = 'REQUESTED';
create function refuse_change_of_analysis() returns trigger language plpgsql as $$
begin
    raise check_violation using message = 'risk analysis ' || old.analysis_id || ' is finished: it never changes';
end
$$;
create trigger analysis_is_closed before update or delete on risk_analysis
    for each row when (old.status <> 'REQUESTED') execute function refuse_change_of_analysis();
grant select, insert on risk_analysis to lakefolio_app;
grant update on risk_analysis to lakefolio_services;
grant select on risk_analysis to lakefolio_reader;
alter table risk_analysis enable row level security, force row level security;
create policy everything on risk_analysis to lakefolio_services, lakefolio_migrator using (true) with check (true);
create policy everything_read on risk_analysis for select to lakefolio_reader using (true);
"""
ACCESS = """
create or replace function access_to(kind text, target uuid, asker uuid)
returns table (portfolio_id uuid, owner_id uuid, role text)
language plpgsql stable security definer set search_path = pg_catalog, public, pg_temp as $$
declare
    named uuid := case kind
        when 'portfolio_id' then target
        when 'order_id' then (select o.portfolio_id from orders as o where o.order_id = target)
        when 'simulation_id' then (select s.portfolio_id from simulation as s where s.simulation_id = target)
        when 'import_id' then (select i.portfolio_id from import_batch as i where i.import_id = target)
        when 'analysis_id' then (select a.portfolio_id from risk_analysis as a where a.analysis_id = target)
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
"""


def upgrade() -> None:
    run = op.get_bind().exec_driver_sql
    run(ANALYSES)
    for table, condition in CONDITIONS.items():
        run(f"create policy seen on {table} to lakefolio_app using ({condition}) with check ({condition})")
    run(ACCESS)
