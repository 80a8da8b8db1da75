-- name: add_simulation
insert into simulation (
    simulation_id, portfolio_id, user_id, name, horizon_years, num_paths, sample_paths, seed, is_standing, model, drift,
    given_drifts, scenario, scenario_parts, rebalancing, sampling, inflation_annual, floor, goal, withdrawal_per_year,
    replay_of, calibration_of, requested_at
)
values (
    %(simulation_id)s, %(portfolio_id)s, %(user_id)s, %(name)s, %(horizon_years)s, %(num_paths)s, %(sample_paths)s,
    %(seed)s, %(is_standing)s, %(model)s, %(drift)s, %(given_drifts)s, %(scenario)s, %(scenario_parts)s,
    %(rebalancing)s, %(sampling)s, %(inflation_annual)s, %(floor)s, %(goal)s, %(withdrawal_per_year)s, %(replay_of)s,
    %(calibration_of)s, %(requested_at)s
)

-- name: count_one_by_one
select pg_advisory_xact_lock(hashtextextended('simulations of ' || %(user_id)s::text, 0))

-- name: waiting_simulations
-- Of what the user has asked for; standing ones were not.
select
    app_user.max_waiting_simulations as max_waiting,
    (
        select count(*)
        from simulation
        where
            simulation.user_id = app_user.user_id
            and status = 'REQUESTED'
            and not is_standing
            and hidden_at is null
    ) as waiting
from app_user
where app_user.user_id = %(user_id)s

-- name: simulations
-- What was deleted is hidden and can still be read by its id, and so can replays and calibrations, which are in no list.
select
    simulation_id,
    portfolio_id,
    name,
    horizon_years,
    num_paths,
    sample_paths,
    seed,
    is_standing,
    model,
    drift,
    given_drifts,
    scenario,
    scenario_parts,
    rebalancing,
    sampling,
    inflation_annual,
    floor,
    goal,
    withdrawal_per_year,
    replay_of,
    calibration_of,
    hidden_at,
    status,
    reason,
    release_id,
    portfolio_version,
    summary,
    requested_at,
    finished_at
from simulation
where
    user_id = %(user_id)s
    and (%(portfolio_id)s::uuid is null or portfolio_id = %(portfolio_id)s)
    and (%(simulation_id)s::uuid is null or simulation_id = %(simulation_id)s)
    and (%(status)s::text is null or status = %(status)s)
    and (
        %(simulation_id)s::uuid is not null
        or (hidden_at is null and replay_of is null and calibration_of is null)
    )

-- name: rename
update simulation set name = %(name)s where user_id = %(user_id)s and simulation_id = %(simulation_id)s

-- name: hide
update simulation
set hidden_at = coalesce(hidden_at, %(hidden_at)s)
where user_id = %(user_id)s and simulation_id = %(simulation_id)s

-- name: held_tickers
select distinct coalesce(name.name, 'security ' || position_current.security_id) as ticker
from position_current
left join security_name as name using (security_id)
where position_current.portfolio_id = %(portfolio_id)s

-- name: scenarios
select name, description, parts, stored_at from simulation_scenario where user_id = %(user_id)s order by name

-- name: scenario
select name, description, parts, stored_at
from simulation_scenario
where user_id = %(user_id)s and name = %(name)s

-- name: store_scenario
insert into simulation_scenario (user_id, name, description, parts, stored_at)
values (%(user_id)s, %(name)s, %(description)s, %(parts)s, %(stored_at)s)
on conflict (user_id, name) do update
set description = excluded.description, parts = excluded.parts, stored_at = excluded.stored_at

-- name: delete_scenario
delete from simulation_scenario where user_id = %(user_id)s and name = %(name)s

-- name: standing
select simulation_id
from simulation
where user_id = %(user_id)s and portfolio_id = %(portfolio_id)s and is_standing and status = 'DONE'
order by requested_at desc
limit 1

-- name: beside
-- What the review shows beside the standing simulation: the newest one of the same numbers under a scenario.
select other.simulation_id, other.scenario
from simulation as standing
inner join simulation as other
    on
        other.portfolio_id = standing.portfolio_id
        and other.seed = standing.seed
        and other.horizon_years = standing.horizon_years
        and other.num_paths = standing.num_paths
        and other.model = standing.model
        and other.drift is not distinct from standing.drift
where
    standing.user_id = %(user_id)s
    and standing.simulation_id = %(simulation_id)s
    and other.scenario is not null
    and other.status = 'DONE'
    and other.hidden_at is null
    and other.replay_of is null
    and other.calibration_of is null
order by other.requested_at desc
limit 1
