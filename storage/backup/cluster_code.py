"""Code that a restored database would run by itself, compared with what our own migrations and initdb write.

A copied cluster brings its functions, triggers, event triggers and roles along, and ours connects to it as its owner:
a trigger on login would be a stranger's program. So it is looked at before a server of it runs, by PostgreSQL's
single-user mode, which fires no event trigger and applies no setting of a role or a database. The measure is a cluster
that is made for it, of the backup's own schema version.
"""

import re
import tempfile
from functools import lru_cache
from pathlib import Path

import psycopg

from storage.backup.contents import SETTINGS
from storage.errors import SetupError
from storage.postgres import database as postgres
from storage.postgres import embedded
from storage.postgres.database import DATABASE

_DATABASES = (DATABASE, "postgres", "template0", "template1")
# Names and not ids, which differ between two clusters. Every operand has the exact type of a function or operator of
# PostgreSQL's own, so that none that a stranger has added is a better match for it.
_THINGS = {
    "function": """
        select p.oid::regprocedure::text || ' '::text || l.lanname::text || p.prosecdef::text
            || coalesce(p.proconfig::text, ''::text)
            || coalesce(p.probin, ''::text) || coalesce(pg_get_function_sqlbody(p.oid), ''::text) || p.prosrc
        from pg_proc p join pg_language l on l.oid = p.prolang
    """,
    "language": "select lanname::text || ' '::text || lanplcallfoid::regproc::text from pg_language",
    "event trigger": "select evtname::text from pg_event_trigger",
    "trigger": "select pg_get_triggerdef(oid) || ' '::text || tgenabled::text from pg_trigger where not tgisinternal",
    "rule": "select pg_get_ruledef(oid) || ' '::text || ev_enabled::text from pg_rewrite",
    "default": """
        select adrelid::regclass::text || ' '::text || adnum::text || ' '::text || pg_get_expr(adbin, adrelid)
        from pg_attrdef
    """,
    "constraint": """
        select conrelid::regclass::text || contypid::regtype::text || ' '::text || quote_ident(conname::text)
            || ' '::text || pg_get_constraintdef(oid)
        from pg_constraint
    """,
    "index": "select pg_get_indexdef(indexrelid) from pg_index where indexrelid::regclass::text !~ '^pg_toast'::text",
    "policy": """
        select polrelid::regclass::text || ' '::text || polname::text || polcmd::text || polpermissive::text
            || array(select rolname::text from pg_roles where oid = any(polroles) order by 1)::text
            || coalesce(pg_get_expr(polqual, polrelid), ''::text)
            || coalesce(pg_get_expr(polwithcheck, polrelid), ''::text)
        from pg_policy
    """,
    "row security": """
        select oid::regclass::text || ' '::text || relrowsecurity::text || relforcerowsecurity::text
        from pg_class where relkind = 'r'::"char"
    """,
    "extension": "select extname::text from pg_extension",
    "foreign server": "select srvname::text from pg_foreign_server",
    "publication": "select pubname::text from pg_publication",
    "subscription": "select subname::text from pg_subscription",
    "statistics object": "select stxname::text from pg_statistic_ext",
    "cast": """
        select castsource::regtype::text || ' to '::text || casttarget::regtype::text || ' '::text
            || castfunc::regprocedure::text
        from pg_cast
    """,
    "operator": "select oid::regoperator::text || ' '::text || oprcode::regproc::text from pg_operator",
    "access method": "select amname::text || ' '::text || amhandler::regproc::text from pg_am",
    "dictionary": "select dictname::text || ' '::text || coalesce(dictinitoption, ''::text) from pg_ts_dict",
    "type": """
        select oid::regtype::text || ' '::text || typinput::regproc::text || ' '::text || typoutput::regproc::text
        from pg_type
        where typtype <> 'c'::"char"
    """,
    "tablespace": "select spcname::text from pg_tablespace",
    "role": """
        select quote_ident(rolname::text) || ' '::text || rolsuper::text || rolcreaterole::text || rolreplication::text
            || rolbypassrls::text
        from pg_authid
    """,
    "member": "select member::regrole::text || ' of '::text || roleid::regrole::text from pg_auth_members",
    "setting": "select setconfig::text from pg_db_role_setting",
    "database": "select datname::text from pg_database",
}
_ADDED_BY_ANYONE = _THINGS.keys() - {"role", "member", "setting", "tablespace", "database", "subscription"}
_CALLS_NOTHING = r"[^()]*(\([^()]*\)[^()]*)?"
_HARMLESS = re.compile(
    r"default \S+ [0-9]+ (nextval\('[a-z_.]+'::regclass\)|'[^'\\]*'::[a-z ]+|[0-9]+|true|false|CURRENT_TIMESTAMP)"
    rf"|constraint \S+ \S+ (PRIMARY KEY|UNIQUE|NOT NULL){_CALLS_NOTHING}"
    r"|constraint \S+ \S+ FOREIGN KEY \([^()]*\) REFERENCES [^()]*\([^()]*\)[^()]*"
    r"|index CREATE (UNIQUE )?INDEX \S+ ON \S+ USING btree \([^()]*\)"
    r"( WHERE (?!.*[A-Za-z0-9_\"]\().*)?"  # an operator calls nothing of a stranger's, a function may
    r"|type \S+\[\] array_in array_out"
    r"|row security \S+ falsefalse"
    r"|role \S+ (false){4}|member \S+ of lakefolio_(app|reader)"
    r"|setting \{((statement|lock|idle_in_transaction_session)_timeout=[0-9a-z]+,?)*\}"
)
"""Harmless things of a cluster beyond ours: tables without code, as Dagster's own, and roles that may do nothing."""


def refuse_foreign(pgdata: Path, schema_version: str) -> None:
    """SetupError if the cluster in `pgdata`, which no server has used here, has other code than ours.

    It recovers the copy, as its first start would do.
    """
    expected = _reference(schema_version)[0]
    for database in sorted(_DATABASES, key=lambda name: name != "template1"):  # which cannot be missing
        for thing in sorted(
            differing := expected[database] ^ _things(pgdata, database), key=lambda one: (len(one), one)
        ):
            if thing in expected[database] or not _HARMLESS.fullmatch(thing):
                how = "lacks a" if thing in expected[database] else "has another"
                what = f"{how} {ascii(thing)[1:80]} than ours ({len(differing)} differ)"
                raise SetupError(f"the backup's database {database} {what}; use another one")


def things_in(connection: psycopg.Connection) -> frozenset[str]:
    """List what a database whose server runs would run by itself, as far as no superuser is needed to add to it."""
    found: set[str] = set()
    connection.execute("set local search_path = pg_catalog")
    for kind in _ADDED_BY_ANYONE:
        found.update(f"{kind} {line}" for (line,) in connection.execute(_THINGS[kind].encode()).fetchall())
    connection.execute("set local search_path to default")
    return frozenset(found)


def refuse_added(before: frozenset[str], after: frozenset[str]) -> None:
    """SetupError if `after` has code that `before` had not, or lacks some."""
    differing = [thing for thing in before ^ after if thing in before or not _HARMLESS.fullmatch(thing)]
    if differing:
        raise SetupError(f"the backup's database brings its own {ascii(min(differing))[1:80]}; use another one")


def settings_of_ours(schema_version: str) -> dict[str, bytes]:
    """The server's settings as a new cluster has them."""
    return dict(_reference(schema_version)[1])


@lru_cache(maxsize=4)
def _reference(schema_version: str) -> tuple[dict[str, frozenset[str]], dict[str, bytes]]:
    with tempfile.TemporaryDirectory(prefix="lakefolio-reference-") as temporary:
        home = Path(temporary)
        database = postgres.embedded_database(embedded.start(home, is_durable=False))
        try:
            postgres.prepare(database, schema_version=schema_version)
        finally:
            embedded.stop(home)
        pgdata = home / "pgdata"
        ours, untouched = _things(pgdata, DATABASE), _things(pgdata, "template0")
        things = {name: ours if name == DATABASE else untouched for name in _DATABASES}
        return things, {name: (pgdata / name).read_bytes() for name in SETTINGS}


def _things(pgdata: Path, database: str) -> frozenset[str]:
    found: set[str] = set()
    for kind, lines in zip(_THINGS, embedded.single_user(pgdata, database, list(_THINGS.values())), strict=True):
        found.update(f"{kind} {line}" for line in lines)
    return frozenset(found)
