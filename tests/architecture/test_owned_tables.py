"""Where owned tables are named in SQL: in the repositories that act for somebody, and in few places with a reason.

A repository of the API is handed a unit of work, which has told the database for whom it acts. What is not in its list,
or opens a connection of the pool by itself, would read for nobody, or for everybody.
"""

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

from storage.settings import REPOSITORY

_POLICIES = importlib.import_module("storage.postgres.migrations.versions.0024_row_security")
_ANALYSES = importlib.import_module("storage.postgres.migrations.versions.0027_risk_analyses")
_PRICES = importlib.import_module("storage.postgres.migrations.versions.0029_owners_of_prices")
OWNED = sorted({*_POLICIES.CONDITIONS, *_ANALYSES.CONDITIONS, *_PRICES.CONDITIONS, *_POLICIES.ANYBODY_ADDS})
_NAMED = re.compile(
    rf"\b(?:from|join|into|update|truncate|table)\s+(?:only\s+)?(?:{'|'.join(OWNED)})\b(?!\.)", re.IGNORECASE
)
_BETWEEN_PARTS = re.compile(r"""["']\s*\n\s*[bfr]*["']""")
"""Between the parts of one text; only a module that names a table in its text is parsed."""
_SQL = re.compile(r"\b(?:select|insert into|update|delete from|truncate)\b", re.IGNORECASE)
FOR_WHOM_ASKS = {
    *(f"oltp_api/{noun}/queries.sql" for noun in ("accounts", "bond_income", "exports", "imports", "ledger", "orders")),
    *(
        f"oltp_api/{noun}/queries.sql"
        for noun in ("portfolios", "prices", "risk_analyses", "sharing", "simulations", "users")
    ),
    *("oltp_api/ledger/reads.sql", "oltp_api/web/idempotency.sql", "oltp_api/operations/queries.sql"),
    *("oltp_api/acting.py", "oltp_api/books/handlers.py", "oltp_api/ownership.py"),
    *("application/rankings.py", "application/schedules.py", "application/snapshots.py", "storage/events/outbox.py"),
}
FOR_EVERYBODY = {
    "application/ledger.py": "verifying and rebuilding, by the owner of the tables",
    "application/risk_analyses.py": "the queue of risk analyses, by the services",
    "application/simulations.py": "the queue of simulations, by the services",
    "application/snapshot_pruning.py": "old payloads, by the services",
    "pipelines/automation.py": "the newest edit, which wakes a sensor",
    "pipelines/books/collateral.py": "publishing rankings, by the services",
    "pipelines/books/snapshots.py": "publishing snapshots, by the services",
    "pipelines/rebuild.py": "the portfolios that a person names, by the owner of the tables",
    "pipelines/replication/point.py": "replication, by its own role",
    "pipelines/sources/tracking.py": "what is priced for all already, by the owner of the tables",
    "storage/backup/state.py": "what a backup holds, by the owner of the tables",
    "storage/events/consumers.sql": "the outbox, by the services",
}
OPEN_A_CONNECTION = {
    "oltp_api/unit_of_work.py": "tells for whom, in `connection` and `reading`",
    "oltp_api/exports/repository.py": "tells for whom, after it has begun its instant",
    "oltp_api/access/questions.py": "the door's own question, before anybody is known",
    "oltp_api/operations/state.py": "counts, by functions of the owner's",
    "oltp_api/opening.py": "the schema's version",
}


def names_one(text: str) -> bool:
    """True for SQL, or a part of it, that names an owned table."""
    return bool(_NAMED.search(text)) and bool(_SQL.search(text))


def named() -> Iterator[str]:
    """Files of ours with SQL that names an owned table."""
    for package in ("oltp_api", "application", "pipelines", "storage", "ops", "lakefolio", "domain"):
        for path in sorted((REPOSITORY / package).rglob("*")):
            place = path.relative_to(REPOSITORY).as_posix()
            if "/migrations/" not in place and any(map(names_one, _texts(path))):
                yield place


def _texts(path: Path) -> Iterator[str]:
    if path.suffix == ".sql":
        yield "\n".join(line.partition("--")[0] for line in path.read_text().splitlines())
    if path.suffix == ".py" and _NAMED.search(_BETWEEN_PARTS.sub("", source := path.read_text())):
        tree = ast.parse(source)
        prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
                yield node.value


def test_owned_tables_are_named_where_the_list_says() -> None:
    assert set(named()) == FOR_WHOM_ASKS | set(FOR_EVERYBODY)


def test_the_pool_is_opened_where_the_list_says() -> None:
    opening = [path for path in (REPOSITORY / "oltp_api").rglob("*.py") if "pool.connection()" in path.read_text()]

    assert {path.relative_to(REPOSITORY).as_posix() for path in opening} == set(OPEN_A_CONNECTION)


def test_control_a_statement_elsewhere_is_found() -> None:
    assert names_one("select 1 from  portfolio where true")
    assert names_one("UPDATE only transaction_ledger set x = 1")
    assert not names_one("select 1 from simulation.simulation_fan")
    assert not names_one("select 1 from portfolios")
    assert not names_one("Move units from account to account")
