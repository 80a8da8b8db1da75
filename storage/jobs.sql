-- name: failed
insert into job_failure (job, failures, failing_since, failed_at, next_attempt_at, reason)
values (%(job)s, %(failures)s, %(now)s, %(now)s, %(next_attempt_at)s, %(reason)s)
on conflict (job) do update
set failures = excluded.failures,
    failed_at = excluded.failed_at,
    next_attempt_at = excluded.next_attempt_at,
    reason = excluded.reason

-- name: recovered
delete from job_failure
where job = %(job)s

-- name: failing
select job, failures, failing_since, next_attempt_at, reason
from job_failure
order by job
