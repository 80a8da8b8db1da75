-- name: user_by_email
select
    app_user.user_id,
    app_user.email,
    app_user.display_name,
    app_user.is_admin,
    app_user.disabled_at,
    user_password.password_hash,
    second_factor.confirmed_at is not null as has_second_factor
from app_user
left join user_password using (user_id)
left join second_factor using (user_id)
where lower(app_user.email) = lower(%(email)s)

-- name: user
select
    app_user.user_id,
    app_user.email,
    app_user.display_name,
    app_user.is_admin,
    app_user.is_operator_viewer,
    app_user.disabled_at,
    app_user.created_at,
    user_password.password_hash,
    user_password.changed_at as password_changed_at
from app_user
left join user_password using (user_id)
where app_user.user_id = %(user_id)s

-- name: users
-- How much they have, and nothing of what it is.
select
    app_user.user_id,
    app_user.email,
    app_user.display_name,
    app_user.is_admin,
    app_user.is_operator_viewer,
    app_user.disabled_at,
    app_user.created_at,
    coalesce(counted.portfolios, 0) as portfolios
from app_user
left join portfolios_of_users() as counted using (user_id)
order by app_user.created_at, app_user.user_id

-- name: has_administrator
select exists (
    select from app_user inner join user_password using (user_id)
    where app_user.is_admin and app_user.disabled_at is null
) as is_so

-- name: other_administrators
select count(*) as others
from app_user
inner join user_password using (user_id)
where is_admin and disabled_at is null and user_id <> %(user_id)s

-- name: lock_users
select pg_advisory_xact_lock(hashtextextended('lakefolio:users', 0))

-- name: add_user
insert into app_user (user_id, email, display_name) values (%(user_id)s, %(email)s, %(display_name)s)

-- name: add_main_account
insert into account (user_id, identifier, broker, account_type)
values (%(user_id)s, 'MAIN', 'Lakefolio', 'BROKERAGE')

-- name: make_administrator
update app_user
set email = %(email)s, display_name = %(display_name)s, is_admin = true
where user_id = %(user_id)s

-- name: edit_user
update app_user
set email = %(email)s, display_name = %(display_name)s
where user_id = %(user_id)s

-- name: set_roles
update app_user
set
    is_admin = coalesce(%(is_admin)s, is_admin),
    is_operator_viewer = coalesce(%(is_operator_viewer)s, is_operator_viewer)
where user_id = %(user_id)s

-- name: set_disabled
update app_user
set disabled_at = %(disabled_at)s
where user_id = %(user_id)s

-- name: put_password
insert into user_password (user_id, password_hash, changed_at)
values (%(user_id)s, %(password_hash)s, %(now)s)
on conflict (user_id) do update set password_hash = excluded.password_hash, changed_at = excluded.changed_at

-- name: add_session
-- Whoever has a second factor has given it before.
insert into user_session (
    session_id, user_id, token_hash, user_agent, address, created_at, seen_at, confirmed_at, ends_at, has_second_factor
)
select
    %(session_id)s,
    %(user_id)s,
    %(token_hash)s,
    %(user_agent)s,
    %(address)s,
    %(now)s,
    %(now)s,
    %(confirmed_at)s,
    %(ends_at)s,
    exists (select from second_factor where user_id = %(user_id)s and second_factor.confirmed_at is not null)

-- name: sessions
select
    session_id,
    user_agent,
    address,
    created_at,
    seen_at,
    ends_at
from user_session
where user_id = %(user_id)s and ended_at is null and ends_at > %(now)s and seen_at > %(idle_since)s
order by seen_at desc, session_id

-- name: renew_session
-- Once for each secret: of two who renew with the same, the second finds it gone.
update user_session
set
    confirmed_at = %(now)s,
    token_hash = %(new_hash)s,
    has_second_factor = exists (
        select from second_factor
        where second_factor.user_id = user_session.user_id and second_factor.confirmed_at is not null
    )
where session_id = %(session_id)s and token_hash = %(token_hash)s and ended_at is null

-- name: end_session
update user_session
set ended_at = %(now)s
where session_id = %(session_id)s and user_id = %(user_id)s and ended_at is null

-- name: end_session_of_secret
update user_session
set ended_at = %(now)s
where token_hash = %(token_hash)s and ended_at is null

-- name: end_sessions
update user_session
set ended_at = %(now)s
where user_id = %(user_id)s and ended_at is null and session_id is distinct from %(but)s

-- name: end_second_factor
update user_session
set has_second_factor = false
where user_id = %(user_id)s and ended_at is null

-- name: add_token
insert into api_token (token_id, user_id, name, prefix, token_hash, scopes, portfolio_ids, created_at, ends_at)
values (
    %(token_id)s, %(user_id)s, %(name)s, %(prefix)s, %(token_hash)s, %(scopes)s, %(portfolio_ids)s, %(now)s, %(ends_at)s
)

-- name: tokens
select
    token_id,
    name,
    prefix,
    scopes,
    portfolio_ids,
    created_at,
    ends_at,
    last_used_at
from api_token
where user_id = %(user_id)s and ended_at is null
order by created_at, token_id

-- name: end_token
update api_token
set ended_at = %(now)s
where token_id = %(token_id)s and user_id = %(user_id)s and ended_at is null

-- name: end_tokens
update api_token
set ended_at = %(now)s
where user_id = %(user_id)s and ended_at is null

-- name: add_invitation
insert into invitation (
    invitation_id, kind, code_hash, email, invited_by, user_id, removes_second_factor, created_at, ends_at
)
values (
    %(invitation_id)s,
    %(kind)s,
    %(code_hash)s,
    %(email)s,
    %(invited_by)s,
    %(user_id)s,
    %(removes_second_factor)s,
    %(now)s,
    %(ends_at)s
)

-- name: take_invitation
-- Once: a second taker waits for the first one's commit, and then finds it ended.
update invitation
set ended_at = %(now)s
where code_hash = %(code_hash)s and ended_at is null and ends_at > %(now)s
returning kind, email, user_id, invited_by, removes_second_factor

-- name: invitation
select kind, email, user_id
from invitation
where code_hash = %(code_hash)s and ended_at is null and ends_at > %(now)s

-- name: invitations
select
    invitation_id,
    email,
    created_at,
    ends_at
from invitation
where invited_by = %(user_id)s and kind = 'USER' and ended_at is null and ends_at > %(now)s
order by created_at, invitation_id

-- name: end_invitation
update invitation
set ended_at = %(now)s
where invitation_id = %(invitation_id)s and invited_by = %(user_id)s and ended_at is null

-- name: end_invitations_of_kind
update invitation
set ended_at = %(now)s
where kind = %(kind)s and user_id is not distinct from %(user_id)s and ended_at is null

-- name: events
select
    event_id,
    at,
    user_id,
    session_id,
    token_id,
    action,
    portfolio_id,
    subject,
    correlation_id
from audit_event
where
    (%(portfolio_id)s::uuid is null or portfolio_id = %(portfolio_id)s)
    and (%(before)s::bigint is null or event_id < %(before)s)
order by event_id desc
limit %(limit)s
