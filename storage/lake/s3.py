"""A lake in a bucket: with which credentials Delta, DuckDB and boto3 reach it, and whether it can be used at all.

The settings have the names of AWS's own tools. All three clients get them from here, so that they cannot differ.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlparse

from storage.errors import SetupError
from storage.lake.extensions import extension
from storage.settings import Settings

if TYPE_CHECKING:
    import duckdb

PROBE = "_lakefolio"
AT_ONCE = 16
"""How many objects are copied at the same time."""
_PLAIN = re.compile(r"s3://[a-z0-9][a-z0-9.-]+(/[\w.-]+)*/?", re.ASCII)
"""With a space in the prefix, Delta looks for a table's newest checkpoint elsewhere (deltalake 1.6, 2026-11-21)."""
_REFUSED = {"AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "ExpiredToken", "401", "403"}
_ELSEWHERE = {"PermanentRedirect", "AuthorizationHeaderMalformed", "301"}


def is_bucket(uri: str) -> bool:
    return uri.startswith("s3://")


def bucket_of(uri: str) -> tuple[str, str]:
    """The bucket's name and the prefix in it, without slashes at its ends."""
    parsed = urlparse(uri)
    return parsed.netloc, parsed.path.strip("/")


def options_of(settings: Settings) -> dict[str, str]:
    """Return Delta's options to reach the lake of `settings`; none for a folder. SetupError without the keys."""
    if not is_bucket(settings.lake):
        return {}
    if not _PLAIN.fullmatch(settings.lake):
        raise SetupError(f"LAKE_URI={settings.lake} must be s3://bucket/prefix of letters, digits and . _ - /")
    if not (settings.aws_access_key_id and settings.aws_secret_access_key):
        missing = "AWS_SECRET_ACCESS_KEY" if settings.aws_access_key_id else "AWS_ACCESS_KEY_ID"
        raise SetupError(f"LAKE_URI={settings.lake} is in a bucket and {missing} is not set; set both keys of its user")
    options = {
        "aws_access_key_id": settings.aws_access_key_id,
        "aws_secret_access_key": settings.aws_secret_access_key,
        "aws_session_token": settings.aws_session_token or "",
        "aws_region": settings.aws_region,
        "aws_endpoint_url": settings.aws_endpoint_url or "",
        "aws_allow_http": "true" if (settings.aws_endpoint_url or "").startswith("http://") else "",
        "aws_conditional_put": "etag",  # two commits of one version: the second is refused, not written over the first
    }
    return {name: value for name, value in options.items() if value}


def variables(settings: Settings) -> dict[str, str]:
    """The same for other programs, by the names that AWS's own tools read; nothing for a folder."""
    options = options_of(settings)
    named = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token", "aws_region", "aws_endpoint_url")
    told = {name.upper(): options[name] for name in named if name in options}
    return {**told, "AWS_DEFAULT_REGION": options["aws_region"]} if told else {}


def client(options: Mapping[str, str]) -> Any:
    """boto3's client of the same server, for what is not a table."""
    import boto3
    from botocore.config import Config

    return boto3.client(
        "s3",
        region_name=options["aws_region"],
        endpoint_url=options.get("aws_endpoint_url"),
        aws_access_key_id=options["aws_access_key_id"],
        aws_secret_access_key=options["aws_secret_access_key"],
        aws_session_token=options.get("aws_session_token"),
        config=Config(connect_timeout=5, retries={"max_attempts": 3, "mode": "standard"}, max_pool_connections=AT_ONCE),
    )


def refuse_unusable(uri: str, boto: Any) -> None:
    """SetupError in one sentence unless the bucket of `uri` is there, takes our credentials and keeps commits apart.

    A server that ignores `If-None-Match` would let two publishers overwrite each other's commit; it is asked, with one
    small object of ours.
    """
    bucket, prefix = bucket_of(uri)
    with sentences(boto, bucket):
        boto.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1)
        if all(_is_written(boto, bucket, f"{prefix}/{PROBE}".lstrip("/")) for _ in range(2)):
            place = boto.meta.endpoint_url
            raise SetupError(f"{place} ignores If-None-Match, so that commits could be lost; use another S3 server")


@contextmanager
def sentences(boto: Any, bucket: str) -> Iterator[None]:
    """Raise SetupError for what the server says against us, or if it does not answer."""
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError

    place = str(boto.meta.endpoint_url)
    try:
        yield
    except ClientError as error:
        raise SetupError(_sentence(error, bucket, place)) from error
    except (BotoCoreError, Boto3Error) as error:
        raise SetupError(f"no S3 server answers at {place} ({type(error).__name__}); see AWS_ENDPOINT_URL") from error


def _is_written(boto: Any, bucket: str, key: str) -> bool:
    """Write an object that must not be there yet; say whether the server did."""
    from botocore.exceptions import ClientError

    try:
        boto.put_object(Bucket=bucket, Key=key, Body=b"", IfNoneMatch="*")
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") in {"PreconditionFailed", "412"}:
            return False
        raise
    return True


def _sentence(error: Any, bucket: str, place: str) -> str:
    code = str(error.response.get("Error", {}).get("Code", ""))
    if code in ("NoSuchBucket", "404"):
        return f"there is no bucket {bucket} at {place}; make it, or let LAKE_URI name another"
    if code in _REFUSED:
        return f"{place} refused the credentials for the bucket {bucket} ({code}); see AWS_ACCESS_KEY_ID and its secret"
    if code in _ELSEWHERE:
        return f"the bucket {bucket} is not in AWS_REGION as set ({code}); set the region that it is in"
    return f"{place} does not let us use the bucket {bucket} ({code or error})"


def enable_s3(connection: "duckdb.DuckDBPyConnection", options: Mapping[str, str]) -> None:
    """Let a DuckDB read the files behind `options`; nothing to do for a folder's.

    Delta's files never change, so what was read of one stays in memory unasked: 2 ms instead of 100 for a small table.
    """
    if not options:
        return
    connection.load_extension(str(extension("httpfs")))
    url = urlparse(options.get("aws_endpoint_url", ""))
    secret = {
        "type": "s3",
        "key_id": options["aws_access_key_id"],
        "secret": options["aws_secret_access_key"],
        "session_token": options.get("aws_session_token", ""),
        "region": options["aws_region"],
        "endpoint": url.netloc,
        "url_style": "path" if url.netloc else "",
        "use_ssl": "false" if url.scheme == "http" else "",
    }
    told = ", ".join(f"{name} '{_quoted(value)}'" for name, value in secret.items() if value)
    connection.execute(f"create or replace temporary secret lake ({told})")
    connection.execute("set global validate_external_file_cache = 'NO_VALIDATION'")


def _quoted(value: str) -> str:
    return value.replace("'", "''")
