"""Terms of a simulation, scenarios of owners, replays, and simulations that are hidden.

Why: a simulation was correlated GBM with the drift of the last ten years and nothing else could be asked. What was
asked before is read as that: gaussian, historical. Standing ones are kept up to date, so they take the new default
drift and are run again. A scenario is stored with its parts, since an owner may change or delete it afterwards. A
replay is a request like others, in the same queue, whose outcome is a comparison; so is a portfolio's own calibration.
A deleted simulation is hidden and kept, for others may have been compared with it.

Revision ID: 0022
Revises: 0021
"""

from alembic import op

revision = "0022"
down_revision = "0021"

TERMS = """
alter table simulation
    add column model text not null default 'gaussian' check (
        model in ('gaussian', 'student_t', 'block_bootstrap', 'regime_switching', 'historical_sequences')
    ),
    add column drift text default 'historical' check (
        drift in ('posterior', 'historical', 'forward', 'equilibrium', 'given')
    ),
    add column given_drifts jsonb,
    add column scenario text,
    add column scenario_parts jsonb,
    add column rebalancing text not null default 'NONE' check (rebalancing in ('NONE', 'EVERY_STEP')),
    add column sampling text not null default 'PLAIN' check (sampling in ('PLAIN', 'SOBOL')),
    add column inflation_annual double precision,
    add column floor numeric(28, 8) check (floor >= 0),
    add column goal numeric(28, 8) check (goal >= 0),
    add column withdrawal_per_year numeric(28, 8) not null default 0 check (withdrawal_per_year >= 0),
    add column replay_of uuid references simulation,
    add column calibration_of uuid references simulation,
    add column hidden_at timestamptz,
    add constraint drift_is_given check ((given_drifts is not null) = (drift is not distinct from 'given')),
    add constraint scenario_has_parts check ((scenario is null) = (scenario_parts is null)),
    add constraint one_thing_again check (replay_of is null or calibration_of is null),
    add constraint standing_is_shown check (not (is_standing and hidden_at is not null));
update simulation
set
    drift = 'posterior', status = 'REQUESTED', summary = null, release_id = null, portfolio_version = null,
    reason = null
where is_standing;
"""
SCENARIOS = """
create table simulation_scenario (
    user_id uuid not null references app_user,
    name text not null check (name ~ '^[a-z0-9][a-z0-9_-]{0,39}$'),
    description text not null,
    parts jsonb not null,
    stored_at timestamptz not null,
    primary key (user_id, name)
);
grant select on simulation_scenario to lakefolio_app, lakefolio_reader;
grant insert, delete on simulation_scenario to lakefolio_app;
grant update (description, parts, stored_at) on simulation_scenario to lakefolio_app;
"""


def upgrade() -> None:
    op.get_bind().exec_driver_sql(TERMS)
    op.get_bind().exec_driver_sql(SCENARIOS)
