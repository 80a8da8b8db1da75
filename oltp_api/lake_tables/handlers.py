"""A table of a release as an Arrow stream, a few rows in memory at a time."""

from collections.abc import Generator
from contextlib import ExitStack
from io import BytesIO
from uuid import UUID

import pyarrow as pa

from application.analytics.review import LakeAnalyticsRepository
from domain.errors import NotFound
from oltp_api.context import AppContext
from oltp_api.lake_tables.served import SERVED
from oltp_api.portfolios.repository import PortfolioAttributes
from oltp_api.sight import also_seeing

_ROWS_AT_ONCE = 50_000
_OWNERS = ("user_id", "owner_id")
_COMPRESSED = pa.ipc.IpcWriteOptions(compression="lz4")


class LakeTableNotFound(NotFound):
    code = "lake_table_not_found"

    def __init__(self, table: str, release_id: int) -> None:
        super().__init__(f"release {release_id} has no table {table[:80]!r} that is served")


def tables_of(analytics: LakeAnalyticsRepository) -> dict[str, int]:
    """The tables of the release that are served, with their versions."""
    return {table: version for table, version in sorted(analytics.head().versions.items()) if table in SERVED}


def streamed(context: AppContext, analytics: LakeAnalyticsRepository, user_id: UUID, table: str) -> Generator[bytes]:
    """The table as an Arrow IPC stream, with the rows that the user may see, without a column of whose they are."""
    release = analytics.head()
    if table not in SERVED or table not in release.versions:
        raise LakeTableNotFound(table, release.release_id)
    schema, _, name = table.partition("/")
    own = context.transact(lambda work: PortfolioAttributes(work).ids(user_id))
    with ExitStack() as stack:
        with also_seeing(own):
            query = f'select columns(name -> name not in {_OWNERS}) from "{schema}"."{name}"'
            reader = stack.enter_context(analytics.mounted().reading(query, _ROWS_AT_ONCE))
        sink = BytesIO()
        with pa.ipc.new_stream(sink, reader.schema, options=_COMPRESSED) as writer:
            for batch in reader:
                writer.write_batch(batch)
                yield _taken(sink)
        yield _taken(sink)


def _taken(sink: BytesIO) -> bytes:
    piece = sink.getvalue()
    sink.seek(0)
    sink.truncate()
    return piece
