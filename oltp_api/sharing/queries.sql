-- name: offer
insert into portfolio_share (share_id, portfolio_id, email, role, offered_by, offered_at)
values (%(share_id)s, %(portfolio_id)s, %(email)s, %(role)s, %(user_id)s, %(now)s)

-- name: of_portfolio
select
    share_id,
    portfolio_id,
    email,
    role,
    offered_at,
    accepted_at
from portfolio_share
where portfolio_id = %(portfolio_id)s and ended_at is null
order by offered_at, share_id

-- name: of_user
-- What was offered to the user's address, and what the user has accepted, under whatever address.
select
    portfolio_share.share_id,
    portfolio_share.portfolio_id,
    offer.portfolio_name,
    offer.owner_name,
    offer.owner_email,
    portfolio_share.role,
    portfolio_share.offered_at,
    portfolio_share.accepted_at
from portfolio_share
inner join offers_to(%(user_id)s) as offer using (share_id)
order by portfolio_share.offered_at, portfolio_share.share_id

-- name: accept
update portfolio_share
set user_id = %(user_id)s, accepted_at = %(now)s
where
    share_id = %(share_id)s
    and ended_at is null
    and user_id is null
    and email = (select lower(email) from app_user where user_id = %(user_id)s)
returning portfolio_id

-- name: end_by_owner
update portfolio_share
set ended_at = %(now)s, ended_by = %(user_id)s
where share_id = %(share_id)s and portfolio_id = %(portfolio_id)s and ended_at is null

-- name: end_by_grantee
update portfolio_share
set ended_at = %(now)s, ended_by = %(user_id)s
where
    share_id = %(share_id)s
    and ended_at is null
    and (
        user_id = %(user_id)s
        or (user_id is null and email = (select lower(email) from app_user where user_id = %(user_id)s))
    )
returning portfolio_id
