-- name: base_currency
select base_currency from portfolio
where user_id = %(user_id)s and portfolio_id = %(portfolio_id)s

-- name: has_old_ids
select 1 as found from transaction_ledger
where portfolio_id = %(portfolio_id)s and external_id >= 'csv' and external_id < 'csw'
limit 1

-- name: add
insert into import_batch (
    import_id, portfolio_id, file_name, file_sha256, status, total, recorded, duplicates, refused, skipped, profile, source,
    report, created_at
)
values (
    %(import_id)s, %(portfolio_id)s, %(file_name)s, %(file_sha256)s, %(status)s, %(total)s, %(recorded)s,
    %(duplicates)s, %(refused)s, %(skipped)s, %(profile)s, %(source)s,
    (left(%(report)s, -1) || ', "rows": ' || convert_from(%(rows)b, 'UTF8') || '}')::jsonb, %(created_at)s
)

-- name: imports
-- Followed by how to go through them.
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
    import_batch.skipped,
    import_batch.profile,
    import_batch.source,
    import_batch.created_at,
    import_batch.undone_at
from import_batch
inner join portfolio using (portfolio_id)
where portfolio.user_id = %(user_id)s and import_batch.portfolio_id = %(portfolio_id)s

-- name: oldest_first
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

-- name: newest_first
order by import_batch.created_at desc, import_batch.import_id desc
limit %(limit)s

-- name: import
select import_batch.*
from import_batch
inner join portfolio using (portfolio_id)
where portfolio.user_id = %(user_id)s and import_batch.import_id = %(import_id)s

-- name: known_rows
-- One by one: a table of which everything was rolled back is empty for the planner, and a join of its rows with all that
-- are asked for took more than 30 seconds in the fifth part of a file of 100,000 (2026-11-29).
select
    asked.source,
    asked.row_key,
    found.seq,
    found.content
from unnest(%(sources)s::text[], %(keys)s::text[]) as asked(source, row_key)
cross join lateral (
    select
        imported_row.seq,
        imported_row.content
    from imported_row
    where
        imported_row.portfolio_id = %(portfolio_id)s
        and imported_row.source = asked.source
        and imported_row.row_key = asked.row_key
        and imported_row.freed_at is null
    limit 1
) as found

-- name: known_by_external_id
-- Rows that were recorded while ids stood in the ledger itself, but those of an import that was undone.
select
    transaction_ledger.external_id,
    transaction_ledger.seq,
    transaction_ledger.business_date as day,
    transaction_ledger.cash_effect,
    transaction_ledger.currency,
    transaction_ledger.quantity
from transaction_ledger
where
    transaction_ledger.portfolio_id = %(portfolio_id)s
    and transaction_ledger.external_id = any(%(external_ids)s::text[])
    and not exists (
        select from imported_row
        where
            imported_row.portfolio_id = %(portfolio_id)s
            and imported_row.seq = transaction_ledger.seq
            and imported_row.freed_at is not null
    )

-- name: refused_before
select exists (
    select from import_batch
    where portfolio_id = %(portfolio_id)s and source = %(source)s and refused > 0 and undone_at is null
) as is_so

-- name: keep_rows
insert into imported_row (import_id, portfolio_id, source, row_key, seq, content)
select
    %(import_id)s,
    %(portfolio_id)s,
    kept.source,
    kept.row_key,
    kept.seq,
    kept.content
from rows from (
    unnest(%(sources)s::text[]),
    unnest(%(keys)s::text[]),
    unnest(%(seqs)s::bigint[]),
    jsonb_array_elements(%(contents)s::jsonb)
) as kept(source, row_key, seq, content)

-- name: rows_of_import
select seq from imported_row
where import_id = %(import_id)s and freed_at is null
order by seq

-- name: free_rows
update imported_row
set freed_at = %(undone_at)s
where import_id = %(import_id)s and freed_at is null

-- name: free_old_rows
-- Of an import whose ids stand in the ledger itself.
insert into imported_row (import_id, portfolio_id, source, row_key, seq, content, freed_at)
select
    %(import_id)s,
    %(portfolio_id)s,
    'ledger',
    external_id,
    seq,
    '{}',
    %(undone_at)s
from transaction_ledger
where portfolio_id = %(portfolio_id)s and seq = any(%(seqs)s) and external_id is not null

-- name: mark_undone
update import_batch
set undone_at = %(undone_at)s
where import_id = %(import_id)s

-- name: profiles
select
    name,
    body,
    stored_at
from import_profile
where user_id = %(user_id)s
order by name

-- name: profile
select
    name,
    body,
    stored_at
from import_profile
where user_id = %(user_id)s and name = %(name)s

-- name: put_profile
insert into import_profile (user_id, name, body, stored_at)
values (%(user_id)s, %(name)s, %(body)s, %(stored_at)s)
on conflict (user_id, name) do update set
    body = excluded.body,
    stored_at = excluded.stored_at

-- name: delete_profile
delete from import_profile
where user_id = %(user_id)s and name = %(name)s
