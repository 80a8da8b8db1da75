-- name: add
insert into risk_analysis (analysis_id, portfolio_id, user_id, writer, wanted_version, requested_at)
values (%(analysis_id)s, %(portfolio_id)s, %(user_id)s, %(writer)s, %(wanted_version)s, %(requested_at)s)

-- name: count_one_by_one
select pg_advisory_xact_lock(hashtextextended('risk analyses of ' || %(user_id)s::text, 0))

-- name: waiting
select count(*) as waiting from risk_analysis where user_id = %(user_id)s and status = 'REQUESTED'

-- name: analyses
-- Without the document: a list of a hundred would be megabytes.
select
    analysis_id,
    portfolio_id,
    writer,
    status,
    reason,
    requested_at,
    finished_at,
    release_id,
    as_of,
    model_used,
    prompt_hash,
    facts_hash,
    n_voided
from risk_analysis
where
    user_id = %(user_id)s
    and (%(portfolio_id)s::uuid is null or portfolio_id = %(portfolio_id)s)
    and (%(analysis_id)s::uuid is null or analysis_id = %(analysis_id)s)

-- name: whole
select * from risk_analysis where user_id = %(user_id)s and analysis_id = %(analysis_id)s

-- name: newest
-- Its id alone: every review asks.
select analysis_id
from risk_analysis
where
    user_id = %(user_id)s
    and portfolio_id = %(portfolio_id)s
    and release_id <= %(release_id)s
    and document is not null
order by finished_at desc, analysis_id
limit 1

-- name: before
select earlier.*
from risk_analysis as earlier
inner join risk_analysis as this on this.analysis_id = %(analysis_id)s
where
    earlier.user_id = %(user_id)s
    and earlier.portfolio_id = this.portfolio_id
    and earlier.document is not null
    and earlier.finished_at < this.finished_at
order by earlier.finished_at desc, earlier.analysis_id
limit 1
