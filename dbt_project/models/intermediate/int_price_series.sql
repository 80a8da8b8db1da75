{#
Series of prices that value one owner's portfolios alone, numbered below 0: of the securities that nobody prices for
all. Whatever else there is of a security is one series, whose number is the security's.
#}
with prices as (
    select * from {{ ref('stg_own__price') }}
),

market as (
    select securities.security_id
    from {{ ref('stg_market__price') }}
    inner join {{ ref('stg_postgres__security') }} as securities using (ticker, currency)
),

own as (
    select distinct
        security_id,
        owner_id
    from prices
    where owner_id is not null
),

for_all as (
    select security_id
    from prices
    where owner_id is null
),

final as (
    select
        security_id,
        owner_id,
        -row_number() over (order by security_id, owner_id) as series_id
    from own
    anti join market using (security_id)
    anti join for_all using (security_id)
)

select * from final
