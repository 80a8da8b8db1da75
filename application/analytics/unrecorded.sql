-- name: unrecorded
-- Splits and dividends that the market tells of what was held at the close before, and that the ledger lacks. A row
-- within a week is the same split; a dividend is known by its ex-date, or else by a payment in the sixty days after it.
with told as (
    select
        actions.*,
        securities.security_id
    from raw.corporate_action as actions
    inner join marts.dim_security as securities using (ticker)
    inner join raw.pg_security_registry as registry
        on securities.security_id = registry.security_id and registry.price_kind = 'AS_TRADED'
),

held as (
    select
        security_id,
        business_date,
        sum(quantity) as units
    from marts.fact_position_daily
    where portfolio_id = $portfolio_id
    group by security_id, business_date
),

ledger as (
    select *
    from raw.pg_transaction_ledger as recorded
    where
        portfolio_id = $portfolio_id
        and security_id is not null
        and reverses_seq is null
        and not exists (
            select 1 from raw.pg_transaction_ledger as reversal
            where reversal.portfolio_id = recorded.portfolio_id and reversal.reverses_seq = recorded.seq
        )
)

select
    told.ticker,
    told.security_id,
    told.action_type,
    told.action_date,
    told.split_new,
    told.split_old,
    told.amount,
    told.currency,
    held.units
from told
inner join held on told.security_id = held.security_id and told.action_date - 1 = held.business_date
where
    held.units <> 0
    and not exists (
        select 1 from ledger
        where
            ledger.security_id = told.security_id
            and case told.action_type
                when 'SPLIT'
                    then
                        ledger.txn_type in ('SPLIT', 'BONUS')
                        and ledger.business_date between told.action_date - 7 and told.action_date + 7
                else
                    ledger.txn_type = 'DIVIDEND'
                    and coalesce(
                        ledger.ex_date = told.action_date,
                        ledger.business_date between told.action_date and told.action_date + 60
                    )
            end
    )
order by told.action_date, told.action_type desc, told.ticker

-- name: are_there_any
select count(*) > 0 as are_there
from raw.corporate_action
