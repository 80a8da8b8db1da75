-- name: keep_key
-- Waits for a parallel request with this key to commit or roll back.
insert into idempotency_key (user_id, key, request_hash, status, body)
values (%(user_id)s, %(key)s, %(request_hash)s, %(status)s, %(body)s)

-- name: find_key
select
    request_hash,
    status,
    body
from idempotency_key
where user_id = %(user_id)s and key = %(key)s

-- name: add_simulation
insert into simulation (
    simulation_id, portfolio_id, user_id, name, horizon_years, num_paths, sample_paths, seed, is_standing,
    requested_at
)
values (
    %(simulation_id)s, %(portfolio_id)s, %(user_id)s, %(name)s, %(horizon_years)s, %(num_paths)s, %(sample_paths)s,
    %(seed)s, %(is_standing)s, %(requested_at)s
)
