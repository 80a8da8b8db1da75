"""A lake in a bucket: what is refused in one sentence, and that no commit and no release is lost."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from datetime import date
from itertools import count
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from ops import cli
from storage.errors import SetupError
from storage.lake import s3
from storage.lake.delta import Lake, Window
from storage.lake.mounted import MountedReleases
from storage.lake.releases import Releases
from storage.settings import Settings
from tests.s3_server import BUCKET, S3Server, in_front_of, s3_server
from tests.small_release import publish_small_release, release

TABLE = "raw/table"
PRICE = "select close from marts.fact_price_daily where security_id = 1 order by price_date"
_NUMBERS = count()


@pytest.fixture(scope="module")
def server() -> Iterator[S3Server]:
    with s3_server() as running:
        yield running


@pytest.fixture
def lake(server: S3Server) -> Lake:
    """An empty one; nothing keeps its publishers apart."""
    return Lake(f"s3://{BUCKET}/lake-{next(_NUMBERS)}", nullcontext, server.options())


def refused(**given: Any) -> str:
    """The sentence; no secret is in it."""
    settings = Settings(**given)
    with pytest.raises(SetupError) as error:
        s3.refuse_unusable(settings.lake, s3.client(s3.options_of(settings)))
    assert "secret's" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("missing", ["aws_access_key_id", "aws_secret_access_key"])
def test_a_credential_that_is_not_set_is_one_sentence(server: S3Server, missing: str) -> None:
    said = refused(**{**server.settings(), missing: None})

    assert said.startswith(f"LAKE_URI=s3://{BUCKET}/a-lake is in a bucket and {missing.upper()} is not set")


@pytest.mark.parametrize("uri", ["s3://lakes/a lake", "s3://", "s3://lakes/a%20lake", "s3://Lakes"])
def test_a_place_that_cannot_be_is_one_sentence(server: S3Server, uri: str) -> None:
    said = refused(**{**server.settings(), "lake_uri": uri})

    assert said == f"LAKE_URI={uri} must be s3://bucket/prefix of letters, digits and . _ - /"


def test_a_bucket_that_is_not_there_is_one_sentence(server: S3Server) -> None:
    said = refused(**{**server.settings(), "lake_uri": "s3://nowhere/lake"})

    assert said == f"there is no bucket nowhere at {server.url}; make it, or let LAKE_URI name another"


def test_a_server_that_does_not_answer_is_one_sentence(server: S3Server) -> None:
    said = refused(**{**server.settings(), "aws_endpoint_url": "http://127.0.0.1:1"})

    assert said.startswith("no S3 server answers at http://127.0.0.1:1 ")


def test_refused_credentials_are_one_sentence(server: S3Server) -> None:
    with server.asking_for_credentials():
        said = refused(**server.settings())

    assert f"refused the credentials for the bucket {BUCKET} (InvalidAccessKeyId)" in said


def test_a_server_that_would_lose_commits_is_one_sentence(server: S3Server) -> None:
    uri = server.settings()["lake_uri"]
    s3.refuse_unusable(uri, server.boto)
    s3.refuse_unusable(uri, server.boto)  # also when its own object is there

    with in_front_of(server, is_forgetful=True) as url:
        assert f"{url} ignores If-None-Match" in refused(**{**server.settings(), "aws_endpoint_url": url})


@pytest.mark.parametrize("words", ["up --api-port 0 --ui-port 0", "refresh"])
def test_commands_say_it_before_they_start_anything(
    words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given = {"lake_uri": "s3://lakes/x", "aws_access_key_id": "k", "aws_secret_access_key": "s"}
    current = Settings(lakefolio_home=tmp_path / "home", aws_endpoint_url="http://127.0.0.1:1", **given)
    monkeypatch.setattr(cli, "settings", lambda: current)

    assert cli.main(words.split()) == 2
    assert capsys.readouterr().err.startswith("error: no S3 server answers at http://127.0.0.1:1 ")
    assert not (tmp_path / "home").exists()


def test_a_window_is_published_and_every_version_stays_readable(lake: Lake) -> None:
    days = [date(2015, 1, 2), date(2016, 1, 4)]
    first = pa.table({"day": days, "value": [1, 2]})
    lake.publish(TABLE, first, date_column="day")
    window = Window(date(2016, 1, 1), date(2016, 12, 31))

    again = lake.publish(TABLE, first.slice(1), date_column="day", window=window)
    changed = lake.publish(TABLE, pa.table({"day": days[1:], "value": [3]}), date_column="day", window=window)

    assert (again.is_new, changed.changed_years) == (False, (2016,))
    assert sorted(lake.read(TABLE)["value"].to_pylist()) == [1, 3]
    assert sorted(lake.read(TABLE, 0)["value"].to_pylist()) == [1, 2]


def test_a_new_release_is_mounted_and_one_without_a_change_is_not(lake: Lake) -> None:
    newest = MountedReleases(lake, Releases(lake))
    first = publish_small_release(lake)
    mounted = newest()
    prices = mounted.rows(PRICE)

    assert newest() is mounted
    second = release(lake, first.versions)
    assert newest().release.release_id == second.release_id > mounted.release.release_id
    assert len(prices) == 3
    assert newest().rows(PRICE) == prices


def add_at_once(lake: Lake, server: S3Server, is_forgetful: bool) -> list[int]:
    """Two publishers, of whom each has seen version 0 when it commits; the rows that are there afterwards."""
    lake.append(TABLE, pa.table({"value": [0]}))
    with in_front_of(server, is_forgetful) as url:
        meeting = Lake(lake.root, nullcontext, {**lake.storage_options, "aws_endpoint_url": url})
        with ThreadPoolExecutor(2) as pool:
            for added in [pool.submit(meeting.append, TABLE, pa.table({"value": [value]})) for value in (1, 2)]:
                added.result()
    return sorted(lake.read(TABLE)["value"].to_pylist())


def test_of_two_commits_of_one_version_none_is_lost(server: S3Server, lake: Lake) -> None:
    assert add_at_once(lake, server, is_forgetful=False) == [0, 1, 2]


def test_control_on_a_server_that_ignores_the_condition_one_is_lost(server: S3Server, lake: Lake) -> None:
    assert add_at_once(lake, server, is_forgetful=True) in ([0, 1], [0, 2])
