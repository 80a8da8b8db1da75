-- name: user_of_identity
select
    app_user.user_id,
    app_user.disabled_at,
    second_factor.confirmed_at is not null as has_second_factor
from user_identity
inner join app_user using (user_id)
left join second_factor using (user_id)
where user_identity.issuer = %(issuer)s and user_identity.subject = %(subject)s

-- name: identity
select
    issuer,
    subject,
    linked_at
from user_identity
where user_id = %(user_id)s

-- name: add_identity
insert into user_identity (user_id, issuer, subject, linked_at)
values (%(user_id)s, %(issuer)s, %(subject)s, %(now)s)

-- name: remove_identity
delete from user_identity
where user_id = %(user_id)s

-- name: remove_ended_steps
-- And the oldest of too many, since anybody can begin one.
delete from sign_in_step
where
    ends_at <= %(now)s
    or step_hash in (
        select oldest.step_hash from sign_in_step as oldest
        where oldest.kind = 'PROVIDER'
        order by oldest.ends_at desc
        offset %(most)s
    )

-- name: add_step
insert into sign_in_step (
    step_hash, kind, user_id, state_hash, nonce, code_verifier, invitation_hash, confirmed_at, next_page, ends_at
)
values (
    %(step_hash)s,
    %(kind)s,
    %(user_id)s,
    %(state_hash)s,
    %(nonce)s,
    %(code_verifier)s,
    %(invitation_hash)s,
    %(confirmed_at)s,
    %(next_page)s,
    %(ends_at)s
)

-- name: step_of_code
select
    app_user.user_id,
    true as has_second_factor
from sign_in_step
inner join app_user using (user_id)
where
    sign_in_step.step_hash = %(step_hash)s
    and sign_in_step.kind = 'CODE'
    and sign_in_step.ends_at > %(now)s
    and app_user.disabled_at is null

-- name: end_steps
delete from sign_in_step
where user_id = %(user_id)s

-- name: take_step
-- Once, by the browser that it belongs to and with the state that it was begun with.
delete from sign_in_step
where
    step_hash = %(step_hash)s
    and state_hash is not distinct from %(state_hash)s
    and ends_at > %(now)s
returning kind, user_id, nonce, code_verifier, invitation_hash, confirmed_at, next_page
