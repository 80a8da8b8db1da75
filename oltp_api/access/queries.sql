-- name: asked
with asked as (
    select
        number,
        decode(hash_hex, 'hex') as hash,
        kind,
        target
    from jsonb_to_recordset(%(asked)s) as told(number int, hash_hex text, kind text, target uuid)
),

-- name: token
asker as (
    select
        asked.*,
        signed.*
    from asked
    cross join lateral (
        select
            null::uuid as session_id,
            api_token.token_id,
            api_token.last_used_at as seen_at,
            null::timestamptz as confirmed_at,
            true as has_second_factor,
            api_token.scopes,
            api_token.portfolio_ids,
            app_user.user_id,
            app_user.is_admin
        from api_token
        inner join app_user using (user_id)
        where
            api_token.token_hash = asked.hash
            and api_token.ended_at is null
            and (api_token.ends_at is null or api_token.ends_at > %(now)s)
            and app_user.disabled_at is null
        limit 1
    ) as signed
)

-- name: answered
select
    asker.number,
    asker.session_id,
    asker.token_id,
    asker.seen_at,
    asker.confirmed_at,
    asker.has_second_factor,
    asker.scopes,
    asker.portfolio_ids,
    asker.user_id,
    asker.is_admin,
    access.portfolio_id,
    access.owner_id,
    access.role
from asker
left join lateral access_to(asker.kind, asker.target, asker.user_id) as access on true

-- name: session_seen
-- Neither waits for the disk, for whoever asks meanwhile would wait too; after a crash one was seen a moment earlier.
update user_session
set seen_at = %(now)s
where session_id = %(session_id)s and seen_at < %(now)s
returning set_config('synchronous_commit', 'off', true)

-- name: token_used
update api_token
set last_used_at = %(now)s
where token_id = %(token_id)s
returning set_config('synchronous_commit', 'off', true)
