-- name: second_factor
select
    second_factor.secret,
    second_factor.confirmed_at,
    (
        select count(*) from recovery_code
        where recovery_code.user_id = second_factor.user_id and recovery_code.used_at is null
    ) as recovery_codes
from second_factor
where user_id = %(user_id)s

-- name: add
insert into second_factor (user_id, secret, added_at)
values (%(user_id)s, %(secret)s, %(now)s)

-- name: remove_unconfirmed
delete from second_factor
where user_id = %(user_id)s and confirmed_at is null

-- name: remove
delete from second_factor
where user_id = %(user_id)s

-- name: confirm
update second_factor
set confirmed_at = %(now)s
where user_id = %(user_id)s and confirmed_at is null

-- name: use_step
-- Once: a step that was used, and those before it, are over.
update second_factor
set last_step = %(step)s
where user_id = %(user_id)s and last_step < %(step)s

-- name: add_recovery_codes
insert into recovery_code (user_id, code_hash)
select
    %(user_id)s,
    unnest(%(hashes)s::bytea[])

-- name: use_recovery_code
update recovery_code
set used_at = %(now)s
where user_id = %(user_id)s and code_hash = %(code_hash)s and used_at is null
