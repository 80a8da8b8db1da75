"""The whole path with the lake in a bucket: from a trade over HTTP, by an S3 server, to the same numbers over HTTP."""

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
from pipelines.quality.quarantine import TABLE as QUARANTINE
from pipelines.refresh import refresh
from storage import embedded
from storage.errors import SetupError
from storage.lake import Lake
from storage.releases import Release, Releases
from storage.settings import Settings
from tests.conftest import served
from tests.s3_server import BUCKET, S3Server, s3_server

OPENED = "2012-03-01"


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
        self.lake = self.lake_at("a lake")
        self.local = Lake(str(folder), nullcontext)

    def lake_at(self, prefix: str) -> Lake:
        return Lake(f"s3://{BUCKET}/{prefix}", nullcontext, self.server.options())

    def keys(self, prefix: str) -> list[str]:
        pages = self.server.boto.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
        return [found["Key"] for page in pages for found in page.get("Contents", [])]


@pytest.fixture(scope="module")
def bucket(new_home: Any, server: S3Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[InABucket]:
    with new_home(record, "as_traded", **server.settings()) as home:
        done = home.run("python", "-m", "pipelines.refresh")
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        with psycopg.connect(home.variables["DATABASE_ADMIN_URL"]) as connection:
            connection.execute("update simulation set status = 'REQUESTED'")  # on the other lake too
        folder = tmp_path_factory.mktemp("the same on a folder")
        with dg.DagsterInstance.ephemeral() as instance:
            assert refresh(home.platform_on(str(folder)), instance)
        yield InABucket(home, server, folder)


def head(lake: Lake) -> Release:
    found = Releases(lake).head()
    assert found is not None
    return found


def rows(lake: Lake, table: str, version: int | None) -> pa.Table:
    with lake.connect() as connection:
        return connection.execute(f"select * from {lake.scan(table, version)} order by all").to_arrow_table()


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

    home = bucket.home
    portfolio = f"/portfolios/{home.portfolio_id}"
    with home.client() as client:
        found = client.get(f"{portfolio}/positions").raise_for_status().json()
        (apple,) = [held["security_id"] for held in found["positions"] if held["ticker"] == "AAPL"]
        (simulation,) = client.get(f"{portfolio}/simulations").raise_for_status().json()["items"]
    addresses = [
        f"{portfolio}/positions",
        f"/lineage{portfolio}/securities/{apple}",
        f"/simulations/{simulation['simulation_id']}",
        f"/books/{home.portfolio_id}/snapshots/latest",
    ]
    on_a_folder = home.settings.model_copy(update={"lake_uri": bucket.local.root})
    on_a_folder.database_url, on_a_folder.database_admin_url = (
        home.variables[name] for name in ("DATABASE_URL", "DATABASE_ADMIN_URL")
    )
    with served(create_app(on_a_folder)) as url, httpx.Client(base_url=f"{url}/api/v1", timeout=30) as local:
        with home.client() as client:
            for address in addresses:
                answer = client.get(address).raise_for_status().json()
                assert answer == local.get(address).raise_for_status().json(), address

    assert {held["status"] for held in found["positions"]} == {"PRICED"}


def test_a_number_is_explained_and_the_quarantine_listed(bucket: InABucket) -> None:
    home = bucket.home
    api = home.base_url.removesuffix("/api/v1")
    words = ("--portfolio", home.portfolio_id, "--ticker", "AAPL", "--api", api)

    explained = home.run("python", "-m", "ops", "explain", *words)
    listed = home.run("python", "-m", "pipelines.auditing")

    assert (explained.returncode, listed.returncode) == (0, 0), explained.stderr + listed.stderr
    assert "10 AAPL" in explained.stdout or "AAPL" in explained.stdout


def test_what_a_run_printed_is_kept_in_the_bucket(bucket: InABucket) -> None:
    logs = [key for key in bucket.keys("a lake/compute_logs/") if key.endswith(".err") or key.endswith(".out")]

    assert logs
    said = [bucket.server.boto.get_object(Bucket=BUCKET, Key=key)["Body"].read().decode() for key in logs]
    assert any("marts__fact_position_daily" in text or "meta__release" in text for text in said)


def test_a_backup_brings_the_lake_into_another_place_of_the_bucket_and_into_a_folder(
    bucket: InABucket, tmp_path: Path
) -> None:
    home, place = bucket.home.settings, "restored here"
    file = backups.write(home, tmp_path / "backup.tar")
    elsewhere = Settings(lakefolio_home=tmp_path / "state", market_source="as_traded", **bucket.server.settings(place))
    in_a_folder = elsewhere.model_copy(update={"lakefolio_home": tmp_path / "second", "lake_uri": None})

    try:
        for current in (elsewhere, in_a_folder):
            backups.restore(current, file, False, lambda _: None)
        with pytest.raises(SetupError, match=f"s3://{BUCKET}/{place} is not empty, and nothing in a bucket is moved"):
            backups.restore(elsewhere, file, True, lambda _: None)
    finally:
        for current in (elsewhere, in_a_folder):
            embedded.stop(current.home)

    assert_same(bucket.lake, bucket.lake_at(place))
    assert_same(bucket.lake, Lake(in_a_folder.lake, nullcontext))


def test_a_refresh_without_the_bucket_is_one_sentence(bucket: InABucket) -> None:
    refused = bucket.home.run("python", "-m", "ops", "refresh", LAKE_URI="s3://nowhere/lake")

    assert refused.returncode == 2
    (said,) = [line for line in refused.stderr.splitlines() if line.startswith("error: ")]
    assert said.startswith(f"error: there is no bucket nowhere at {bucket.server.url}")
    assert "Traceback" not in refused.stderr
