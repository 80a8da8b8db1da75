-- name: fan
-- All columns that the table has in this release; an older one has no errors and no deflator.
select * exclude (simulation_id, release_id)
from simulation.simulation_fan
where
    simulation_id = $simulation_id
    and release_id = (select max(release_id) from simulation.simulation_fan where simulation_id = $simulation_id)
order by step

-- name: paths
select
    path,
    any_value(percentile) as percentile,
    list(value order by step) as values
from simulation.simulation_path
where
    simulation_id = $simulation_id
    and release_id = (select max(release_id) from simulation.simulation_path where simulation_id = $simulation_id)
group by path
order by path

-- name: inputs
select * exclude (simulation_id)
from simulation.simulation_input
where
    simulation_id = $simulation_id
    and release_id = (select max(release_id) from simulation.simulation_input where simulation_id = $simulation_id)
order by place

-- name: contributions
select
    ticker,
    wealth,
    wealth_error,
    wealth / sum(wealth) over () as wealth_share,
    risk,
    risk_error
from simulation.simulation_contribution
where
    simulation_id = $simulation_id
    and release_id = (
        select max(release_id) from simulation.simulation_contribution where simulation_id = $simulation_id
    )
order by wealth desc, ticker

-- name: outcomes
select * exclude (simulation_id, release_id, num_paths)
from simulation.simulation_outcome
where
    simulation_id = $simulation_id
    and release_id = (select max(release_id) from simulation.simulation_outcome where simulation_id = $simulation_id)
