/*
title: beancount, the postings of a brokerage account as the CSV of a query
# The query, in which Assets:Broker is the account of the securities and their cash; it is in beancount.bql too:
#     bean-query -f csv ledger.beancount "$(cat beancount.bql)" > ledger.beancount.csv
#         SELECT id, date, payee, narration, account, number, currency, cost_number, cost_currency, price,
#             account ~ '^Assets:Broker' AS inside
#         FROM has_account('Assets:Broker')
#         ORDER BY date, lineno
# A posting inside it that has a cost is units of a trade, one without is its cash; accounts outside say what for.
recognised: [id, date, account, number, currency, cost_number, cost_currency, price, inside]
optional: [payee, narration]
dates: iso
decimal: "."
amounts: signed
income: gross
*/
with
postings as (
    select
        *,
        upper("inside") = 'TRUE' as is_inside,
        upper("inside") = 'TRUE' and "cost_number" is not null as is_units,
        "account" like 'Income:%' as is_income,
        is_negative("number") as leaves,
        coalesce(
            try_cast("date" as date) is not null
            and "account" similar to '(Assets|Liabilities|Income|Expenses|Equity)(:.*)?'
            and upper("inside") in ('TRUE', 'FALSE')
            and "currency" similar to '[A-Z][A-Z0-9''._-]*'
            and ("cost_number" is null) = ("cost_currency" is null)
            and ("price" is null or "price" similar to '[0-9.,]+ +[A-Z][A-Z0-9''._-]*'),
            false
        ) as is_whole,
        try_cast("number" as decimal(30, 12)) * case
            when "cost_number" is not null then try_cast("cost_number" as decimal(30, 12))
            when "price" is not null then try_cast(part("price", '^([0-9.]+) ') as decimal(30, 12))
            else 1
        end as weight,
        coalesce("cost_currency", part("price", '([A-Z][A-Z0-9''._-]*)$'), "currency") as weighed_in
    from cells
),
-- as beancount does: what has a cost weighs that, else its price
balances as (
    select
        "id",
        bool_and(coalesce(gap < 0.01 + case when currencies > 1 then 0.005 * most else 0 end, false)) as is_balanced
    from (
        select
            "id",
            case when count(*) = count(weight) then abs(sum(weight)) end as gap,
            max(abs(weight)) as most,
            count(*) over (partition by "id") as currencies
        from postings
        group by "id", weighed_in
    )
    group by "id"
),
entries as (
    select
        "id",
        bool_or(is_units) as is_trade,
        count(distinct ("currency", leaves)) filter (is_units) as trades,
        any_value("currency") filter (is_units) as commodity,
        bool_or(leaves) filter (is_units) as is_sale,
        count(*) filter (is_inside and not is_units) as cash_postings,
        list("line" order by line) as all_lines,
        list("number" order by line) filter (is_inside and not is_units) as cash,
        count(*) filter (not is_inside) as outside_postings,
        count(distinct "date") > 1 or count(distinct "price") filter (is_units) > 1
            or bool_or(is_inside and "account" not similar to '(Assets|Liabilities):.*') or not bool_and(is_whole) as is_unclear,
        any_value(is_balanced) as is_balanced
    from postings
    inner join balances using ("id")
    group by "id"
),
trades as (
    select
        min(p.line) as line,
        list_filter(any_value(all_lines), x -> x <> min(p.line)) as merged,
        case
            when any_value(cash_postings) + count(*) filter (is_income) = 0 then 'UNITS'
            when bool_or(is_sale) then 'SELL'
            else 'BUY'
        end as type,
        any_value("date") as day,
        any_value(commodity) as ticker,
        any_value(coalesce("narration", "payee")) as note,
        list("number") filter (is_units) as quantity,
        coalesce(
            any_value(part("price", '^\s*([0-9.,]+)')) filter (is_units),
            case when not bool_or(is_sale) and count(distinct "cost_number") = 1 then any_value("cost_number") end
        ) as price,
        any_value(coalesce(part("price", '([A-Z][A-Z0-9._-]*)\s*$'), "cost_currency")) filter (is_units) as price_currency,
        list("number") filter (not is_inside and "account" like 'Expenses:%') as fees,
        list("number") filter (is_inside and not is_units or is_income and not is_sale) as amount,
        any_value("currency") filter (is_inside and not is_units) as currency,
        case
            when bool_or(is_unclear) then 'belongs to a transaction with two days or prices, an account that cannot be inside, or a posting that is not whole'
            when any_value(trades) > 1
                then 'belongs to a transaction of two trades (or a split), of which the cash cannot be told apart; record it by hand'
            when not bool_and(is_balanced) then 'belongs to a transaction whose postings do not balance'
        end as refuse
    from postings as p
    inner join entries as e on p."id" = e."id"
    where is_trade
    group by p."id"
),
-- income that is reinvested at once
reinvested as (
    select p.*, commodity
    from postings as p
    inner join entries as e on p."id" = e."id"
    where is_trade and not is_sale and is_income
),
flows as (
    select
        p.*, cash, cash_postings, is_balanced, is_unclear, all_lines,
        case
            when "account" ilike 'Income:%div%' or "account" ilike 'Income:%distr%' then 'DIVIDEND'
            when "account" ilike 'Income:%int%' then 'INTEREST'
            when "account" ilike 'Expenses:%tax%' or "account" ilike 'Expenses:%withh%' then 'TAX'
            when "account" like 'Expenses:%' then 'FEE'
            when "account" similar to '(Assets|Equity|Liabilities):.*' then 'CASH'
            else "account"
        end as kind,
        coalesce(
            (select max(s.ticker) from trades as s where p."account" like '%:' || s.ticker || ':%' or p."account" like '%:' || s.ticker),
            part("account", ':([A-Z][A-Z0-9.]+)(?::[^:]*)?$')
        ) as named,
        outside_postings
    from postings as p
    inner join entries as e on p."id" = e."id"
    where not is_trade and not is_inside
)
select
    line, merged, type, day, ticker, note, quantity, price, fees, amount, null as also_amount, currency, price_currency,
    refuse, null as skip
from trades
union all
select
    line, null, 'DIVIDEND', "date", commodity, coalesce("narration", "payee"), null, null, null, [negated("number")], null,
    "currency", null, null, null
from reinvested
union all
select
    line, all_lines, kind, "date", case when kind in ('DIVIDEND', 'TAX') then named end, coalesce("narration", "payee"), null,
    null, null, [negated("number")], case when outside_postings = 1 then cash end, "currency", null,
    case
        when is_unclear then 'belongs to a transaction with two days, an account that cannot be inside, or a posting that is not whole'
        when not is_balanced then 'belongs to a transaction whose postings do not balance'
    end, null
from flows
union all
select
    p.line, null, null, "date", null, null, null, null, null, null, null, null, null,
    case when is_unclear or not is_balanced then 'belongs to a transaction whose accounts cannot all be inside' end,
    case when not is_unclear and is_balanced then 'a move inside the account' end
from postings as p
inner join entries as e on p."id" = e."id"
where not is_trade and outside_postings = 0
order by line
