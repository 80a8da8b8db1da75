-- name: session
-- Whoever has a session that stands, by the hash of its secret in `asked`. Each is one indexed read, however many the
-- planner expects to be asked for.
asker as (
    select
        asked.*,
        signed.*
    from asked
    cross join lateral (
        select
            user_session.session_id,
            null::uuid as token_id,
            user_session.seen_at,
            user_session.confirmed_at,
            user_session.has_second_factor,
            null::text[] as scopes,
            null::uuid[] as portfolio_ids,
            app_user.user_id,
            app_user.is_admin,
            app_user.is_operator_viewer
        from user_session
        inner join app_user using (user_id)
        where
            user_session.token_hash = asked.hash
            and user_session.ended_at is null
            and user_session.ends_at > %(now)s
            and user_session.seen_at > %(idle_since)s
            and app_user.disabled_at is null
        limit 1
    ) as signed
)

-- name: asked_of_one
with asked as (
    select %(hash)s::bytea as hash
),

-- name: operator
select
    is_admin,
    has_second_factor
from asker
where is_admin or is_operator_viewer
