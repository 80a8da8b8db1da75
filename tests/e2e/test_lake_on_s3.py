"""The whole path with the lake in a bucket: over HTTP to an S3 server, and back over HTTP as the same numbers."""

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pyarrow as pa
import pytest

from storage.lake import Lake
from storage.releases import Release, Releases
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
    """A home whose lake is on S3, refreshed once; and the same refresh of the same ledger on a folder."""

    def __init__(self, home: Any, server: S3Server, folder: Path) -> None:
        self.home, self.server = home, server
        self.lake = Lake(home.settings.lake, nullcontext, server.options())
        self.local = Lake(str(folder), nullcontext)

    @property
    def head(self) -> Release:
        return _head(self.lake)

    def keys(self, prefix: str) -> list[str]:
        pages = self.server.boto.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
        return [found["Key"] for page in pages for found in page.get("Contents", [])]


def _head(lake: Lake) -> Release:
    head = Releases(lake).head()
    assert head is not None
    return head


@pytest.fixture(scope="module")
def bucket(new_home: Any, server: S3Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[InABucket]:
    with new_home(record, "as_traded", **server.settings()) as home:
        folder = tmp_path_factory.mktemp("the same on a folder")
        for lake in ({}, {"LAKE_URI": str(folder)}):
            with psycopg.connect(home.variables["DATABASE_ADMIN_URL"]) as connection:
                connection.execute("update simulation set status = 'REQUESTED'")  # for each of the two lakes
            refreshed = home.run("python", "-m", "pipelines.refresh", **lake)
            assert refreshed.returncode == 0, refreshed.stdout[-3000:] + refreshed.stderr[-3000:]
        yield InABucket(home, server, folder)


def rows(lake: Lake, table: str, version: int) -> pa.Table:
    with lake.connect() as connection:
        return connection.execute(f"select * from {lake.scan(table, version)} order by all").to_arrow_table()


def test_every_table_of_the_release_is_the_same_row_for_row(bucket: InABucket) -> None:
    on_s3, local = bucket.head, _head(bucket.local)

    assert on_s3.versions.keys() == local.versions.keys()
    assert {"simulation/simulation_fan", "marts/fact_position_daily"} <= on_s3.versions.keys()
    for table, version in on_s3.versions.items():
        assert rows(bucket.lake, table, version) == rows(bucket.local, table, local.versions[table]), table
