-- name: add_simulation
insert into simulation (
    simulation_id, portfolio_id, user_id, name, horizon_years, num_paths, sample_paths, seed, is_standing,
    requested_at
)
values (
    %(simulation_id)s, %(portfolio_id)s, %(user_id)s, %(name)s, %(horizon_years)s, %(num_paths)s, %(sample_paths)s,
    %(seed)s, %(is_standing)s, %(requested_at)s
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
        where simulation.user_id = app_user.user_id and status = 'REQUESTED' and not is_standing
    ) as waiting
from app_user
where app_user.user_id = %(user_id)s

-- name: simulations
select
    simulation_id,
    portfolio_id,
    name,
    horizon_years,
    num_paths,
    sample_paths,
    seed,
    is_standing,
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

-- name: standing
select simulation_id
from simulation
where user_id = %(user_id)s and portfolio_id = %(portfolio_id)s and is_standing and status = 'DONE'
order by requested_at desc
limit 1
