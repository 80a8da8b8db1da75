"""The whole path with the lake in a bucket: from a trade over HTTP, by an S3 server, to its numbers over HTTP.

With LAKEFOLIO_CHAOS=long the same edit is picked up in a folder too, and every table and answer compared.
"""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import dagster as dg
import httpx
import psycopg
import pyarrow as pa
import pytest

from ops import backup as backups
from ops import cli
from pipelines.automation import RANGE_END, RANGE_START
from pipelines.definitions import build_defs
from pipelines.quality.verdicts import TABLE as QUARANTINE
from pipelines.refresh import simulate_due
from pipelines.runtime import progress
from pipelines.runtime.resources import Platform
from storage.backup import archive
from storage.errors import SetupError
from storage.lake.delta import Lake
from storage.lake.releases import Release, Releases
from storage.postgres import embedded
from tests.conftest import served
from tests.e2e.as_traded_books import opened, post
from tests.e2e.conftest import home_settings
from tests.effort import IS_LONG
from tests.s3_server import BUCKET, S3Server, s3_server

OPENED = "2012-03-01"
YEARS = {RANGE_START: "2012", RANGE_END: "2013"}
LOGS = "a-lake/compute_logs/"
pytestmark = pytest.mark.long  # tables and releases on S3 themselves: tests/storage/test_s3.py


@pytest.fixture(scope="module")
def server() -> Iterator[S3Server]:
    with s3_server() as running:
        yield running


def record(client: httpx.Client) -> str:
    """A portfolio with trades, and so with its standing simulation."""
    portfolio_id = opened(client, "in a bucket", OPENED)
    for ticker, price in (("AAPL", "544.47"), ("IBM", "197.82")):
        post(client, portfolio_id, "BUY", OPENED, ticker=ticker, quantity="10", price=price)
    return portfolio_id


class InABucket:
    """A home whose lake is on S3, where an edit was picked up; in the long form the same edit was picked up in a folder
    with the same tables."""

    def __init__(self, home: Any, server: S3Server, folder: Path, before: Release) -> None:
        self.home, self.server, self.before = home, server, before
        self.lake = self.lake_at("a-lake")
        self.local = Lake(str(folder), nullcontext)

    def lake_at(self, prefix: str) -> Lake:
        return Lake(f"s3://{BUCKET}/{prefix}", nullcontext, self.server.options())

    def objects(self, prefix: str) -> dict[str, str]:
        """The names below `prefix`, and the checksum of each."""
        pages = self.server.boto.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
        found = [one for page in pages for one in page.get("Contents", [])]
        return {one["Key"].removeprefix(prefix): one["ETag"].strip('"') for one in found}


@pytest.fixture(scope="module")
def bucket(new_home: Any, server: S3Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[InABucket]:
    """In the environment that `make env` prints. The tables of before the edit, of two years, are copied into the
    bucket; only what the edit changes is made there, read from the bucket and joined by the new rows."""
    folder = tmp_path_factory.mktemp("the same on a folder")
    with new_home(record, "as_traded", **server.settings()) as home, pytest.MonkeyPatch.context() as patch:
        for name, value in home.variables.items():
            patch.setenv(name, value)
        patch.setenv("LAKE_URI", str(folder))
        with dg.DagsterInstance.ephemeral() as instance:
            released(instance, "refresh", YEARS)
        before = head(Lake(str(folder), nullcontext))
        for file in filter(Path.is_file, folder.rglob("*")):
            server.boto.put_object(Bucket=BUCKET, Key=f"a-lake/{file.relative_to(folder)}", Body=file.read_bytes())
        patch.setenv("LAKE_URI", home.variables["LAKE_URI"])
        with home.client() as client:
            post(client, home.portfolio_id, "BUY", "2013-02-01", ticker="IBM", quantity="5", price="200")
        with dg.DagsterInstance.from_config(home.variables["DAGSTER_HOME"]) as instance:
            made(instance, "pick_up")
        if IS_LONG:
            with psycopg.connect(home.variables["DATABASE_ADMIN_URL"]) as connection:
                connection.execute("update simulation set status = 'REQUESTED'")  # on the other lake too
            patch.setenv("LAKE_URI", str(folder))
            with dg.DagsterInstance.ephemeral() as instance:
                made(instance, "pick_up")
            patch.setenv("LAKE_URI", home.variables["LAKE_URI"])
        yield InABucket(home, server, folder, before)


def made(instance: dg.DagsterInstance, job: str) -> None:
    """Run `job` and the simulations that are due after it, on the lake of the environment."""
    defs = released(instance, job)
    assert simulate_due(defs, Platform(), instance)


def released(instance: dg.DagsterInstance, job: str, tags: Mapping[str, str] | None = None) -> dg.Definitions:
    """Run `job` on the lake of the environment."""
    defs = build_defs(Platform())
    run = defs.resolve_job_def(job).execute_in_process(instance=instance, tags=tags, run_config=progress.SHOWN)
    assert run.success
    return defs


def head(lake: Lake) -> Release:
    found = Releases(lake).head()
    assert found is not None
    return found


def rows(lake: Lake, table: str, version: int | None) -> pa.Table:
    with lake.connect() as connection:
        return connection.execute(f"select * from {lake.scan(table, version)} order by all").to_arrow_table()


def tables_of(objects: dict[str, str]) -> dict[str, str]:
    return {name: checksum for name, checksum in objects.items() if "/" in name and not name.startswith("compute_logs")}


def assert_same(one: Lake, other: Lake) -> None:
    """Every table of the newest release has the same rows in both, and so has the quarantine."""
    versions, others = head(one).versions, head(other).versions
    assert versions.keys() == others.keys()
    for table, version in {**versions, QUARANTINE: None}.items():
        assert rows(one, table, version) == rows(other, table, others.get(table)), table


def test_every_table_of_the_release_is_in_the_bucket_and_the_same_as_on_a_folder_row_for_row(bucket: InABucket) -> None:
    now = head(bucket.lake)
    assert {"simulation/simulation_fan", "marts/fact_position_daily"} <= now.versions.keys()
    assert now.release_id > bucket.before.release_id
    assert rows(bucket.lake, "marts/fact_position_daily", None).num_rows > 500
    assert all(bucket.lake.version(table) is not None for table in now.versions)
    if IS_LONG:
        assert_same(bucket.lake, bucket.local)


def test_the_api_answers_from_the_bucket_and_the_same_as_from_a_folder(bucket: InABucket) -> None:
    from oltp_api.app import create_app

    home, portfolio = bucket.home, f"/portfolios/{bucket.home.portfolio_id}"
    urls = {f"database_{of}url": home.variables[f"DATABASE_{of.upper()}URL"] for of in ("", "admin_", "services_")}
    on_a_folder = home.settings.model_copy(update={"lake_uri": bucket.local.root, **urls})
    with home.client() as client, served(create_app(on_a_folder)) as url:
        found = client.get(f"{portfolio}/positions").raise_for_status().json()
        (apple,) = [held["security_id"] for held in found["positions"] if held["ticker"] == "AAPL"]
        (simulation,) = client.get(f"{portfolio}/simulations").raise_for_status().json()["items"]
        for address in (
            f"{portfolio}/positions",
            f"/lineage{portfolio}/securities/{apple}",
            f"/simulations/{simulation['simulation_id']}",
            f"/books/{home.portfolio_id}/snapshots/latest",
        ):
            answer = client.get(address).raise_for_status().json()
            if not IS_LONG:
                continue
            local = client.get(f"{url}/api/v1{address}").raise_for_status().json()
            assert {**answer, "released_at": None} == {**local, "released_at": None}, address

    assert {held["ticker"]: held["quantity"] for held in found["positions"]} == {"AAPL": "10", "IBM": "15"}
    assert {held["status"] for held in found["positions"]} == {"PRICED"}
    assert simulation["status"] == "DONE"


def test_a_number_is_explained(bucket: InABucket, capsys: pytest.CaptureFixture[str]) -> None:
    api = bucket.home.base_url.removesuffix("/api/v1")

    assert cli.main(["explain", "--portfolio", bucket.home.portfolio_id, "--ticker", "AAPL", "--api", api]) == 0
    assert "1 ledger rows up to the day leave 10 units" in capsys.readouterr().out


def test_what_a_run_printed_is_kept_in_the_bucket(bucket: InABucket) -> None:
    names = [f"{LOGS}{name}" for name in bucket.objects(LOGS)]
    said = [bucket.server.boto.get_object(Bucket=BUCKET, Key=name)["Body"].read().decode() for name in names]

    assert any("meta__release" in text for text in said)


def test_a_backup_has_the_lake_and_brings_it_into_another_place(bucket: InABucket, tmp_path: Path) -> None:
    place = bucket.server.settings("restored-here")
    elsewhere = home_settings(tmp_path / "state", "as_traded").model_copy(update=place)

    file = backups.write(bucket.home.settings, tmp_path / "backup.tar")
    try:
        backups.restore(elsewhere, file, False, lambda _: None)
        with pytest.raises(SetupError, match="restored-here is not empty, and nothing in a bucket is moved"):
            backups.restore(elsewhere, file, True, lambda _: None)
    finally:
        embedded.stop(elsewhere.home)
    archive.extract(file, "lake", tmp_path / "lake")
    files = {
        str(path.relative_to(tmp_path / "lake")): hashlib.md5(path.read_bytes()).hexdigest()
        for path in (tmp_path / "lake").rglob("*")
        if path.is_file()
    }

    assert files == tables_of(bucket.objects("a-lake/")) == tables_of(bucket.objects("restored-here/"))
    assert head(bucket.lake_at("restored-here")) == head(bucket.lake)


def test_assets_find_out_at_once_that_the_bucket_is_not_there(bucket: InABucket) -> None:
    assert Platform().lake.version("meta/release") is not None
    with pytest.raises(SetupError, match="there is no bucket nowhere at"):
        _ = Platform(lake_uri="s3://nowhere/lake").lake
