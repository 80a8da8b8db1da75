-- name: add
insert into import_batch (
    import_id, portfolio_id, file_name, file_sha256, status, total, recorded, duplicates, refused, report, created_at
)
values (
    %(import_id)s, %(portfolio_id)s, %(file_name)s, %(file_sha256)s, %(status)s, %(total)s, %(recorded)s,
    %(duplicates)s, %(refused)s, %(report)s, %(created_at)s
)

-- name: imports
select
    import_batch.import_id,
    import_batch.portfolio_id,
    import_batch.file_name,
    import_batch.file_sha256,
    import_batch.status,
    import_batch.total,
    import_batch.recorded,
    import_batch.duplicates,
    import_batch.refused,
    import_batch.created_at
from import_batch
inner join portfolio using (portfolio_id)
where
    portfolio.user_id = %(user_id)s
    and import_batch.portfolio_id = %(portfolio_id)s
    and (
        %(cursor)s::uuid is null
        or (import_batch.created_at, import_batch.import_id) > (
            select seen.created_at, seen.import_id
            from import_batch as seen
            where seen.portfolio_id = %(portfolio_id)s and seen.import_id = %(cursor)s::uuid
        )
    )
order by import_batch.created_at, import_batch.import_id
limit %(limit)s

-- name: import
select import_batch.*
from import_batch
inner join portfolio using (portfolio_id)
where portfolio.user_id = %(user_id)s and import_batch.import_id = %(import_id)s
