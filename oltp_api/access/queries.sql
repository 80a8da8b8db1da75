-- name: session
-- One indexed read, with what the request is about beside it.
with asker as (
    select
        user_session.session_id,
        null::uuid as token_id,
        user_session.seen_at,
        user_session.confirmed_at,
        null::text[] as scopes,
        null::uuid[] as portfolio_ids,
        app_user.user_id,
        app_user.is_admin
    from user_session
    inner join app_user using (user_id)
    where
        user_session.token_hash = %(hash)s
        and user_session.ended_at is null
        and user_session.ends_at > %(now)s
        and user_session.seen_at > %(idle_since)s
        and app_user.disabled_at is null
)

-- name: token
with asker as (
    select
        null::uuid as session_id,
        api_token.token_id,
        api_token.last_used_at as seen_at,
        null::timestamptz as confirmed_at,
        api_token.scopes,
        api_token.portfolio_ids,
        app_user.user_id,
        app_user.is_admin
    from api_token
    inner join app_user using (user_id)
    where
        api_token.token_hash = %(hash)s
        and api_token.ended_at is null
        and (api_token.ends_at is null or api_token.ends_at > %(now)s)
        and app_user.disabled_at is null
)

-- name: alone
select
    asker.*,
    null::uuid as portfolio_id,
    null::uuid as owner_id,
    null::text as role
from asker

-- name: of_portfolio_id
, named as (select %(target)s::uuid as portfolio_id)

-- name: of_order_id
, named as (select portfolio_id from orders where order_id = %(target)s)

-- name: of_simulation_id
, named as (select portfolio_id from simulation where simulation_id = %(target)s)

-- name: of_import_id
, named as (select portfolio_id from import_batch where import_id = %(target)s)

-- name: with_role
select
    asker.*,
    portfolio.portfolio_id,
    portfolio.user_id as owner_id,
    case when portfolio.user_id = asker.user_id then 'OWNER' else portfolio_share.role end as role
from asker
left join named on true
left join portfolio on portfolio.portfolio_id = named.portfolio_id
left join portfolio_share
    on
        portfolio_share.portfolio_id = portfolio.portfolio_id
        and portfolio_share.user_id = asker.user_id
        and portfolio_share.ended_at is null

-- name: session_seen
update user_session
set seen_at = %(now)s
where session_id = %(session_id)s and seen_at < %(now)s

-- name: token_used
update api_token
set last_used_at = %(now)s
where token_id = %(token_id)s
