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
