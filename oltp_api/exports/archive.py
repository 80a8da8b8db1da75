"""All that an owner has, as one zip file that is made while it is sent: every ledger as our csv, what the ledgers name,
and a manifest by which each file is known to be whole."""

import csv
import hashlib
import io
import json
import zipfile
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from oltp_api.exports.columns import FORM
from oltp_api.exports.forms.own import as_csv
from oltp_api.exports.repository import LedgerExports, one_instant
from oltp_api.unit_of_work import Pool
from oltp_api.web.csv_cells import escaped

_LISTS = ("portfolios", "accounts", "securities")
_PIECE_BYTES = 65_536
_LEVEL = 3
"""Compression: twice as fast as the default, and a tenth larger."""


def archived(pool: Pool, user_id: UUID, version: str) -> Generator[bytes]:
    """The archive of a user, in pieces; everything in it is of one instant."""
    with one_instant(pool) as reads:
        yield from _Archive(reads, user_id, version).pieces()


class _Archive:
    def __init__(self, reads: LedgerExports, user_id: UUID, version: str) -> None:
        self._reads, self._user_id, self._version = reads, user_id, version
        self._sent = _Unseekable()
        self._zip = zipfile.ZipFile(self._sent, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL)
        self._files: list[Mapping[str, Any]] = []

    def pieces(self) -> Iterator[bytes]:
        exported_at = self._reads.now()
        self._reads.name_portfolios(self._user_id)
        for name in _LISTS:
            rows = self._reads.listed(name, self._user_id)
            yield from self._file(f"{name}.csv", _lines(rows), {"rows": len(rows)})
        for row in self._reads.listed("portfolios", self._user_id):
            portfolio_id, seq = row["portfolio_id"], row["version"]
            facts = {"rows": seq, "portfolio_id": str(portfolio_id), "ledger_seq": seq}
            yield from self._file(f"ledgers/{portfolio_id}.csv", as_csv(self._reads, portfolio_id), facts)
        manifest = {
            "form": FORM,
            "lakefolio": self._version,
            "exported_at": exported_at.isoformat(),
            "files": self._files,
        }
        with self._zip.open("manifest.json", "w") as file:
            file.write(json.dumps(manifest, indent=1).encode())
        self._zip.close()
        yield self._sent.drained()

    def _file(self, name: str, parts: Iterable[bytes], facts: Mapping[str, Any]) -> Iterator[bytes]:
        digest, size = hashlib.sha256(), 0
        with self._zip.open(name, "w", force_zip64=True) as file:
            for part in parts:
                digest.update(part)
                size += len(part)
                file.write(part)
                if self._sent.waiting >= _PIECE_BYTES:
                    yield self._sent.drained()
        self._files.append({"path": name, **facts, "bytes": size, "sha256": digest.hexdigest()})


def _lines(rows: Sequence[Mapping[str, Any]]) -> Iterator[bytes]:
    """Rows as csv, of which text that a spreadsheet would run is escaped; nothing without rows."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for place, row in enumerate(rows):
        if place == 0:
            writer.writerow(row)
        writer.writerow(escaped(value) if isinstance(value, str) else value for value in row.values())
    yield text.getvalue().encode()


class _Unseekable(io.RawIOBase):
    """A stream that a zip file is written to, of which only what is not yet sent is kept."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[bytes] = []
        self.waiting = 0

    def writable(self) -> bool:
        return True

    def write(self, part: Any) -> int:
        written = bytes(part)
        self._parts.append(written)
        self.waiting += len(written)
        return len(written)

    def drained(self) -> bytes:
        parts, self._parts, self.waiting = self._parts, [], 0
        return b"".join(parts)
