"""One new trade on a large ledger: the run that brings the lake up to date, against the run that makes all of it.

Real runs of the job `pick_up` in this process, from PostgreSQL to a release: 1,000 trades each of 10,000 portfolios
(LAKEFOLIO_BENCH_PORTFOLIOS changes that), 99 daily positions per trade. The whole is made because every portfolio has
new rows; then one trade goes in over HTTP. The first simulation is not part of either.
"""

import os
import sys
import time

import dagster as dg
import psycopg

from pipelines.definitions import build_defs
from pipelines.runtime.resources import Platform
from tests.benchmarks.state import State, demo_state

PORTFOLIOS = int(os.environ.get("LAKEFOLIO_BENCH_PORTFOLIOS", "10000"))
SECURITIES, TRADES = 20, 50
_AT_ONCE = 500
FIRST = "2015-11-18"
_OPEN = """
    insert into portfolio (portfolio_id, user_id, name, base_currency, kind, time_zone)
    select gen_random_uuid(), '00000000-0000-4000-8000-000000000001', 'bench ' || n, 'USD', 'TRADING_BOOK', 'UTC'
    from generate_series(1, %(portfolios)s) as n
"""
_TRADE = """
    with held as (
        select security_id, row_number() over (order by security_id) - 1 as place
        from security_registry where asset_type in ('EQUITY', 'ETF') and currency = 'USD'
        order by security_id limit %(securities)s
    ),
    trades as (
        select
            portfolio_id, security_id,
            row_number() over (partition by portfolio_id order by nth, place) as seq,
            cast(%(first)s as date) + cast(
                nth * 498 / %(trades)s::int + (place * 7 + ascii(right(portfolio_id::text, 1))) %% 9 as int
            ) as day,
            1 + (place * 13 + nth * 7) %% 100 as quantity
        from portfolio cross join held cross join generate_series(0, %(trades)s::int - 1) as nth
        where version = 0 and portfolio_id in (
            select portfolio_id from portfolio where name like 'bench %%' and version = 0 limit %(at_once)s
        )
    ),
    added as (
        insert into transaction_ledger (
            portfolio_id, seq, account_id, security_id, txn_type, quantity, price, gross, fees, cash_effect, currency,
            fx_rate, business_date, event_ts, recorded_at, row_hash
        )
        select portfolio_id, seq, 1, security_id, 'BUY', quantity, 10, quantity * 10, 0, -quantity * 10, 'USD', 1, day,
            day::timestamptz, now(), sha256((portfolio_id::text || seq)::bytea)
        from trades
        returning portfolio_id, seq
    ),
    heads as (select portfolio_id, max(seq) as version from added group by portfolio_id)
    update portfolio
    set version = heads.version, ledger_hash = sha256((heads.portfolio_id::text || heads.version)::bytea)
    from heads where portfolio.portfolio_id = heads.portfolio_id
"""


def main() -> None:
    with demo_state() as state:
        state.refresh()
        _fill(state)
        os.environ.update(state.variables)
        with dg.DagsterInstance.from_config(state.variables["DAGSTER_HOME"]) as instance:
            job = build_defs(Platform()).resolve_job_def("pick_up")
            times = []
            for _ in range(3):
                started = time.perf_counter()
                assert job.execute_in_process(instance=instance).success
                times.append(time.perf_counter() - started)
                trade = {
                    "type": "BUY",
                    "ticker": "KO",
                    "quantity": "1",
                    "price": "42.44",
                    "business_date": "2017-03-29",
                }
                address = f"/portfolios/{state.portfolio_id}/transactions"
                state.client.post(address, json=trade).raise_for_status()
    whole, *ones = times
    print(
        f"{PORTFOLIOS * SECURITIES * TRADES:,} trades: one more is in the release {whole / min(ones):.0f} times faster "
        f"than all of them ({min(ones):.1f} s against {whole:.1f})"
    )


def _fill(state: State) -> None:
    print(f"recording {PORTFOLIOS * SECURITIES * TRADES:,} trades ...", file=sys.stderr, flush=True)
    with psycopg.connect(state.variables["DATABASE_ADMIN_URL"], autocommit=True) as owner:
        owner.execute(_OPEN, {"portfolios": PORTFOLIOS})
        for _ in range(0, PORTFOLIOS, _AT_ONCE):
            owner.execute(_TRADE, {"securities": SECURITIES, "trades": TRADES, "at_once": _AT_ONCE, "first": FIRST})
        owner.execute("vacuum analyze")
    state.seconds([sys.executable, "-m", "ops", "rebuild"])


if __name__ == "__main__":
    main()
