-- name: keep_keys
-- Waits for a parallel request with this key to commit or roll back.
insert into idempotency_key (user_id, key, request_hash, status, body)
select
    user_id, key, request_hash, status, body
from jsonb_to_recordset(%(keys)s) as kept(user_id uuid, key text, request_hash text, status int, body text)

-- name: find_keys
-- One by one: a plan that was made while the table was small would else read all of it for years.
select
    taken.user_id,
    taken.key,
    taken.request_hash,
    taken.status,
    taken.body
from unnest(%(user_ids)s::uuid[], %(keys)s::text[]) as asked(user_id, key)
cross join lateral (
    select idempotency_key.*
    from idempotency_key
    where idempotency_key.user_id = asked.user_id and idempotency_key.key = asked.key
    limit 1
) as taken

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
