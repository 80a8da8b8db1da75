"""SELECTs of an owner who means harm, or whose files do: each is refused or harmless, and the API answers meanwhile."""

import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import httpx
import pytest

from oltp_api.imports.apart import Limits, selected_apart
from oltp_api.imports.harmless import harmless_functions, refuse_reach
from oltp_api.imports.locked import SelectRefused, locked, parsed_select, rows_of, table_of
from oltp_api.imports.profiles import shipped
from oltp_api.imports.shapes import refuse_shape
from tests.effort import IS_LONG

NAMES = ["Day", "Kind", "User"]
TABLES = {"cells": table_of(NAMES, [(2, ["2016-01-04", "Buy", "me"]), (3, ["2016-01-05", "Sell", "you"])])}
FEW = Limits(seconds=1.5 if IS_LONG else 0.3, megabytes=64)

REACHING = [
    # files, by every way that DuckDB has to one
    "select * from read_csv('/etc/passwd')",
    "select * from read_csv_auto('/etc/passwd')",
    "select * from '/etc/passwd'",
    "select * from 'SECRET'",
    "select * from \"SECRET\"",
    "select content from read_text('SECRET')",
    "select content from read_blob('SECRET')",
    "select * from glob('/**')",
    "select * from read_parquet('SECRET')",
    "select * from read_json('SECRET')",
    "select * from read_ndjson_objects('SECRET')",
    "select * from sniff_csv('SECRET')",
    "select * from parquet_metadata('SECRET')",
    "select * from sqlite_scan('SECRET', 'x')",
    "select (select content from read_text('SECRET')) as note, line from cells",
    "with x as (select * from read_text('SECRET')) select * from x",
    "select line from cells where exists (from read_text('SECRET'))",
    "select * from \"read_text\"('SECRET')",
    "select * from main.read_text('SECRET')",
    "select * from system.main.read_text('SECRET')",
    "select * from query('select * from read_text(''SECRET'')')",
    "select * from query_table('SECRET')",
    "select * from cells, lateral (select * from read_text('SECRET'))",
    "select line from cells union all select size from read_blob('SECRET')",
    # the network
    "select * from read_csv('http://127.0.0.1:PORT/x.csv')",
    "select * from 'https://127.0.0.1:PORT/x.parquet'",
    "select * from read_parquet('s3://bucket/x.parquet')",
    # other statements, and several
    "copy (select 1) to 'WRITTEN'",
    "copy cells to 'WRITTEN'",
    "export database 'WRITTEN'",
    "attach 'WRITTEN' as x",
    "install httpfs",
    "load httpfs",
    "pragma database_list",
    "call duckdb_settings()",
    "set lock_configuration = false",
    "set enable_external_access = true",
    "reset lock_configuration",
    "prepare x as select 1",
    "execute x",
    "create macro line() as 1",
    "create or replace macro is_negative(cell) as true",
    "create table x as select * from cells",
    "delete from cells",
    "explain analyze select 1",
    "select 1 as line; select 2 as line",
    "select line from cells; copy cells to 'WRITTEN'",
    "select line from cells --\n; set memory_limit = '100GB'",
    "select /* ; */ line from cells /* */; attach 'WRITTEN' as x",
    # the engine, its settings, and the process around it
    "select * from duckdb_settings()",
    "select * from duckdb_secrets()",
    "select * from duckdb_functions()",
    "select * from information_schema.tables",
    "select * from pg_catalog.pg_settings",
    "select * from sqlite_master",
    "select * from pragma_version()",
    "select * from pragma_database_size()",
    "select * from duckdb_extensions()",
    "select * from duckdb_logs()",
    "select * from (show tables)",
    "select * from (describe cells)",
    "select * from (summarize cells)",
    "select getenv('DATABASE_URL') as note",
    "select current_setting('temp_directory') as note",
    "select getvariable('x') as note",
    "select write_log('x') as note",
    "select json_serialize_plan('select 1') as note",
    "select * from json_execute_serialized_sql('{}')",
    "select version() as note",
    "select \"current_setting\"('threads') as note",
    "select system.main.current_setting('threads') as note",
    "select $1 as line",
    "select ? as line",
    # variables of our Python
    "select * from TABLES",
    "select * from python_scan",
    "select * from arrow_scan(1, 2, 3)",
    "select * from pandas_scan(1)",
    # what says otherwise the next time
    "select random() as line",
    "select uuid() as note",
    "select gen_random_uuid() as note",
    "select now() as day",
    "select today() as day",
    "select current_date as day",
    "select \"current_timestamp\" as day",
    "select localtimestamp as day",
    "select current_localtimestamp() as day",
    "select age(timestamp '2016-01-01') as note",
    "select ago(interval 1 day) as day",
    "select txid_current() as line",
    "select nextval('x') as line",
    "select line from cells using sample 1",
    "select line from cells tablesample reservoir(50%)",
    "select line from cells order by random()",
    "select list_sort([1, 2], random()::varchar) as note",
    "select list_transform([1], lambda x: random()) as note",
    "select reservoir_quantile(line, 0.5) as line from cells",
    "select pg_sleep(1) as line",
    "select sleep_ms(1000) as line",
]  # fmt: skip

ONE_OF_EACH_KIND = [
    # time; the engine's memory; the process's own; rows; depth for the parser, and for our own reading of its tree
    "with recursive t as (select 1 as line union all select line + 1 from t) select count(*) as line from t",
    "select string_agg(repeat('x', 1000000), '') as note from range(100000)",
    "select regexp_replace(repeat('a', 50000000), '(a*)*b', 'x') as note",
    "select * from generate_series(1, 1000000000) r(line)",
    "select " + "(" * 20_000 + "1" + ")" * 20_000 + " as line",
    "select " + "list_value(" * 900 + "1" + ")" * 900 + " as line",
]
BOMBS = [
    *ONE_OF_EACH_KIND,
    "select count(*) as line from range(1000000000) a, range(1000000000) b",
    "select repeat('x', 4000000000) as note",
    "select range(1000000000) as note",
    "select " + "+".join(["1"] * 50_000) + " as line",
    "select lpad('x', 2000000000, 'y') as note",
    "select format('{:>2000000000}', 'x') as note",
    "select bit_count(repeat('1', 900000000)::bit) as line",
    "select line, sum(line) over (order by a rows unbounded preceding) from cells, range(100000000) r(a)",
]  # fmt: skip
"""Each starts a process, which takes 0.7 s of CPU; `make chaos` starts them all."""


@pytest.fixture
def listener() -> Iterator[tuple[socket.socket, int]]:
    """A server that nobody should call."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.05)
        yield server, server.getsockname()[1]


@pytest.fixture
def written(tmp_path: Path, listener: tuple[socket.socket, int]) -> Iterator[dict[str, str]]:
    """Words of the SELECTs for a file that is there, one that is not, and a port."""
    secret = tmp_path / "secret.csv"
    secret.write_text("password\n1234\n")
    yield {"SECRET": str(secret), "WRITTEN": str(tmp_path / "written"), "PORT": str(listener[1])}
    assert sorted(each.name for each in tmp_path.iterdir()) == ["secret.csv"]
    with pytest.raises(TimeoutError):
        listener[0].accept()


def filled(select: str, written: dict[str, str]) -> str:
    for name, value in written.items():
        select = select.replace(name, value)
    return select


@pytest.fixture(scope="module")
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    with locked(TABLES) as connection:
        yield connection


@pytest.fixture(scope="module")
def judge(engine: duckdb.DuckDBPyConnection) -> Callable[[str], None]:
    """Refuses a SELECT as a process does before it runs it."""
    functions = harmless_functions(engine)
    return lambda select: refuse_reach(parsed_select(engine, select), TABLES, NAMES, functions)


@pytest.mark.parametrize("select", REACHING)
def test_what_reaches_for_more_than_the_cells_is_refused_before_it_runs(select, written, judge) -> None:
    with pytest.raises(SelectRefused):
        judge(filled(select, written))


@pytest.mark.parametrize(
    "select", [each for each in REACHING if any(word in each for word in ("SECRET", "WRITTEN", "PORT"))]
)
def test_the_locked_engine_refuses_it_too_if_nobody_has_judged_it(select, written, engine) -> None:
    """The second wall alone: no file is read or written and nobody is called."""
    with pytest.raises(SelectRefused):
        rows_of(engine, filled(select, written), 2.0)


def test_control_an_engine_that_is_not_locked_reads_the_file(written) -> None:
    with duckdb.connect() as connection:
        select = filled("select content from read_text('SECRET')", written)
        assert connection.execute(select).fetchone() == ("password\n1234\n",)


def test_bombs_end_in_time_and_memory_in_processes_that_leave_nothing() -> None:
    def refused(select: str) -> str | None:
        try:
            rows = selected_apart(select, TABLES, NAMES, FEW).rows
        except SelectRefused as refusal:
            return refusal.code
        return f"{rows.num_rows} rows of {rows.nbytes} bytes: {select[:80]}" if rows.nbytes > 1_000_000 else "harmless"

    bombs = BOMBS if IS_LONG else ONE_OF_EACH_KIND
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(refused, bombs))
    assert set(found) <= {"select_refused", "harmless"}, found
    assert found.count("select_refused") >= len(bombs) - 1, found


def test_a_process_has_nothing_of_our_environment_and_an_empty_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    import subprocess

    seen: dict[str, object] = {}
    popen = subprocess.Popen

    def watched(command, **options):
        seen.update(options)
        return popen(command, **options)

    monkeypatch.setattr(subprocess, "Popen", watched)
    made = selected_apart('select line, "Kind" as type from cells', TABLES, NAMES)
    assert made.rows.to_pylist() == [{"line": 2, "type": "Buy"}, {"line": 3, "type": "Sell"}]
    assert (made.meaning, made.tables) == ({"type": ["Kind"]}, {"cells"})
    assert seen["env"] == {"OPENBLAS_NUM_THREADS": "1"}
    assert not Path(str(seen["cwd"])).exists()


@pytest.mark.parametrize(
    "select",
    [
        'select line, "User" as note from cells',
        "with a as (select * from cells), b as (select * from a) select line from b order by line",
        "select line, row_number() over (order by line) as note from cells",
        "select c.line from cells c left join cells d on c.line = d.line where d.\"Kind\" in ('Buy')",
        "select line from cells union all select line from cells",
        "select line, u.x as note from cells, unnest(string_split(\"Kind\", 'u')) u(x)",
        "select line, list_sum(list_transform([1, 2], lambda x: x + 1)) as note from cells",
        "select line, strptime(\"Day\", '%Y-%m-%d')::date as day from cells",
        "select line, is_negative(\"Day\") as note, split_part(\"Day\", '-', 1) as a from cells",
        "select line, case when \"Kind\" ilike '%b%' then 1 else -2 end as note from cells limit 5",
        "select * exclude (\"User\") from cells",
        "select line, string_agg(\"Kind\", ',' order by line) filter (where line > 0) as note from cells group by line",
    ],
)  # fmt: skip
def test_what_profiles_are_written_with_is_let_through(select, judge, engine) -> None:
    judge(select)
    assert rows_of(engine, select, 2.0).num_rows >= 1


@pytest.mark.parametrize("name", shipped())
def test_what_we_ship_would_be_let_through_as_an_owners(name, engine) -> None:
    """So that an owner can begin with one of ours, and so that a dry run of ours tells what is recorded."""
    tree, functions = parsed_select(engine, shipped()[name].select), harmless_functions(engine)
    refuse_reach(tree, ("cells", "lines"), [], functions)


def test_the_api_answers_while_hostile_selects_run(api: httpx.Client) -> None:
    body = {"title": "x", "recognised": ["a"], "sample": "a,b\n1,2\n"}
    answers: list[httpx.Response] = []

    def hostile(select: str) -> None:
        answers.append(api.put("/import-profiles/hostile", json={**body, "select": select}, timeout=60))

    api.get("/import-profiles/schwab")  # our client reads the contract once, and not in two threads
    bombs = ["select range(1000000000) as note", "select repeat('x', 4000000000) as note"]
    threads = [threading.Thread(target=hostile, args=[each]) for each in (bombs if IS_LONG else bombs[:1])]
    for each in threads:
        each.start()
    others = [api.get("/import-profiles/schwab").status_code for _ in range(20)]
    for each in threads:
        each.join()

    assert set(others) == {200}
    assert [each.status_code for each in answers] == [422] * len(threads)
    assert api.get("/import-profiles/hostile").status_code == 404


@pytest.mark.parametrize(
    ("select", "is_fit"),
    [
        ("select line, 'BUY' as type, date '2016-01-04' as day, 5.5 as price, [1, 2] as amount from cells", True),
        ("select line, [line] as merged, {'x': 'EUR'} as uncounted, null as note from cells", True),
        ("select line, timestamp '2016-01-04 10:00:00' as day from cells", True),
        ("select line, date '99999-01-01' as day from cells", False),
        ("select line, date 'infinity' as day from cells", False),
        ("select line, timestamp '-infinity' as day from cells", False),
        ("select line, blob 'x' as note from cells", False),
        ("select line, interval 1 month as note from cells", False),
        ("select line, time '10:00:00' as time from cells", False),
        ("select line, chr(0) as note from cells", False),
        ("select line, ['a' || chr(0)] as amount from cells", False),
        ("select line, [[1]] as amount from cells", False),
        ("select line, {'a': 1} as amount from cells", False),
        ("select line, map {'a': 'b'} as uncounted from cells", False),
        ("select line, 3 as merged from cells", False),
        ("select line, [null, 3] as merged from cells", False),
        ("select line, [3] as steps from cells", False),
        ("select line, [{'moved': '1'}] as steps from cells", False),
        ("select line + 50 as line from cells", False),
        ("select null as line from cells", False),
        ("select line::double as line from cells", False),
        ("select 'BUY' as type from cells", False),
        ("select line, 1 as price, 2 as \"Price\" from cells", False),
    ],
)  # fmt: skip
def test_rows_of_another_shape_than_a_reader_can_mean_are_refused(select, is_fit, judge, engine) -> None:
    judge(select)
    rows = rows_of(engine, select, 2.0)
    if is_fit:
        refuse_shape(rows, {2, 3})
    else:
        with pytest.raises(SelectRefused):
            refuse_shape(rows, {2, 3})
