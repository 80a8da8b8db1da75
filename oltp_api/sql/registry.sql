-- name: find
select
    security_registry.security_id,
    security_identifier.id_value as ticker,
    security_registry.asset_type,
    security_registry.currency,
    security_registry.display_name
from security_identifier
inner join security_registry using (security_id)
where security_identifier.id_type = 'TICKER' and security_identifier.id_value = %(ticker)s

-- name: add
insert into security_registry (asset_type, currency, display_name)
values (%(asset_type)s, %(currency)s, %(display_name)s)
returning security_id

-- name: add_identifier
insert into security_identifier (security_id, id_type, id_value, is_primary)
values (%(security_id)s, 'TICKER', %(ticker)s, true)

-- name: add_equity_details
insert into equity_details (security_id, exchange, country, sector, industry)
values (%(security_id)s, %(exchange)s, %(country)s, %(sector)s, %(industry)s)

-- name: registered
select id_value as ticker
from security_identifier
where id_type = 'TICKER' and id_value = any(%(tickers)s)

-- name: account
select account_id
from account
where user_id = %(user_id)s and identifier = %(identifier)s
