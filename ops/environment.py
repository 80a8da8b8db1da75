"""Environment that other programs need to join a running state: the lines of `make env`."""

import os
import shlex
import sys
from pathlib import Path

from storage.lake import s3
from storage.postgres import database as postgres
from storage.postgres import embedded
from storage.postgres.installation import claim_market
from storage.private import private_folder, private_state
from storage.settings import REPOSITORY, Settings


def environment(settings: Settings, database: postgres.Database) -> dict[str, str]:
    """The variables for psql, dagster, dbt, notebooks and our own processes."""
    artifacts = settings.home / "dagster"
    private_folder(artifacts)
    programs = [str(Path(sys.executable).parent), str(embedded.binaries())]
    inherited = [part for part in os.environ.get("PATH", "").split(os.pathsep) if part not in programs]
    return {
        "PATH": os.pathsep.join([*programs, *inherited]),
        "LAKEFOLIO_HOME": str(settings.home),
        "DATABASE_URL": database.app_url,
        **_of_others(database),
        "LAKE_URI": settings.lake,
        **s3.variables(settings),
        "MARKET_SOURCE": settings.market_source,
        "DAGSTER_HOME": str(REPOSITORY / "dagster_home"),
        "DAGSTER_ARTIFACTS": str(artifacts),
        "DAGSTER_EVENT_BATCH_SIZE": "20",  # a run's events are stored in batches, not one commit each
    }


def _of_others(database: postgres.Database) -> dict[str, str]:
    """Addresses of roles that see more than the API's, as far as this process is told them."""
    services = {"DATABASE_SERVICES_URL": database.services_url} if database.of_services else {}
    if database.of_owner is None:
        return services
    return {**services, "DATABASE_ADMIN_URL": database.admin_url, "DAGSTER_POSTGRES_URL": database.dagster_url}


def export_lines(variables: dict[str, str]) -> str:
    """`export` lines that a shell can eval."""
    return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in variables.items())


def prepared(settings: Settings) -> dict[str, str]:
    """The environment of `settings`, with the database running and migrated."""
    return environment(settings, prepared_database(settings))


def prepared_database(settings: Settings) -> postgres.Database:
    """The database of `settings`, running and migrated."""
    database = postgres.locate(settings)
    private_state(settings.home)
    postgres.prepare(database, settings.limits)
    claim_market(database, settings.market_source)
    return database
