"""The whole path with the lake in a bucket: from a trade over HTTP, by an S3 server, to the same numbers over HTTP."""

import hashlib
from collections.abc import Iterator
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
from pipelines import progress
from pipelines.automation import RANGE_END, RANGE_START
from pipelines.definitions import build_defs
from pipelines.quality.quarantine import TABLE as QUARANTINE
from pipelines.refresh import simulate_due
from pipelines.resources import Platform
from storage import archive, embedded
from storage.errors import SetupError
from storage.lake import Lake
from storage.releases import Release, Releases
from tests.conftest import served
from tests.e2e.conftest import home_settings
from tests.s3_server import BUCKET, S3Server, s3_server

OPENED = "2012-03-01"
YEARS = {RANGE_START: "2012", RANGE_END: "2013"}
LOGS = "a-lake/compute_logs/"


@pytest.fixture(scope="module")
def server() -> Iterator[S3Server]:
    with s3_server() as running:
        yield running


def record(client: httpx.Client) -> str:
    """A portfolio with trades, and so with its standing simulation."""
    asked = {"name": "in a bucket", "initial_cash": "100000", "business_date": OPENED}
    portfolio_id = str(client.post("/portfolios", json=asked).raise_for_status().json()["portfolio_id"])
    for ticker, price in (("AAPL", "544.47"), ("IBM", "197.82")):
        body = {"type": "BUY", "ticker": ticker, "quantity": "10", "price": price, "business_date": OPENED}
        client.post(f"/portfolios/{portfolio_id}/transactions", json=body).raise_for_status()
    return portfolio_id


class InABucket:
    """A home whose lake is on S3, refreshed once; and beside it the same refresh of the same ledger on a folder."""

    def __init__(self, home: Any, server: S3Server, folder: Path) -> None:
        self.home, self.server = home, server
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
    """In the environment that `make env` prints; two years, which are most of the work of all of them."""
    folder = tmp_path_factory.mktemp("the same on a folder")
    with new_home(record, "as_traded", **server.settings()) as home, pytest.MonkeyPatch.context() as patch:
        for name, value in home.variables.items():
            patch.setenv(name, value)
        with dg.DagsterInstance.from_config(home.variables["DAGSTER_HOME"]) as instance:
            refresh(instance)
        with psycopg.connect(home.variables["DATABASE_ADMIN_URL"]) as connection:
            connection.execute("update simulation set status = 'REQUESTED'")  # on the other lake too
        patch.setenv("LAKE_URI", str(folder))
        with dg.DagsterInstance.ephemeral() as instance:
            refresh(instance)
        patch.setenv("LAKE_URI", home.variables["LAKE_URI"])
        yield InABucket(home, server, folder)


def refresh(instance: dg.DagsterInstance) -> None:
    platform = Platform()
    defs = build_defs(platform)
    job = defs.resolve_job_def("refresh")
    run = job.execute_in_process(instance=instance, tags=YEARS, run_config=progress.SHOWN)
    assert run.success
    assert simulate_due(defs, platform, instance)


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


def test_every_table_of_the_release_is_the_same_as_on_a_folder_row_for_row(bucket: InABucket) -> None:
    assert {"simulation/simulation_fan", "marts/fact_position_daily"} <= head(bucket.lake).versions.keys()
    assert rows(bucket.lake, "marts/fact_position_daily", None).num_rows > 500
    assert_same(bucket.lake, bucket.local)


def test_what_the_api_answers_is_the_same_as_on_a_folder(bucket: InABucket) -> None:
    from oltp_api.app import create_app

    home, portfolio = bucket.home, f"/portfolios/{bucket.home.portfolio_id}"
    urls = {"database_url": home.variables["DATABASE_URL"], "database_admin_url": home.variables["DATABASE_ADMIN_URL"]}
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
            local = client.get(f"{url}/api/v1{address}").raise_for_status().json()
            assert {**answer, "released_at": None} == {**local, "released_at": None}, address

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


def test_an_edit_is_in_the_next_release(bucket: InABucket) -> None:
    """Only its portfolio is made again: the rows of before are read from the bucket, and joined by the new ones."""
    portfolio, before = f"/portfolios/{bucket.home.portfolio_id}", head(bucket.lake).release_id
    body = {"type": "BUY", "ticker": "IBM", "quantity": "5", "price": "200", "business_date": "2013-02-01"}
    with bucket.home.client() as client, dg.DagsterInstance.ephemeral() as instance:
        client.post(f"{portfolio}/transactions", json=body).raise_for_status()
        job = build_defs(Platform()).resolve_job_def("pick_up")
        assert job.execute_in_process(instance=instance, run_config=progress.SHOWN).success
        answer = client.get(f"{portfolio}/positions").raise_for_status().json()

    assert answer["release_id"] > before
    assert {held["ticker"]: held["quantity"] for held in answer["positions"]} == {"AAPL": "10", "IBM": "15"}
    assert all(held["status"] == "PRICED" for held in answer["positions"])
