"""Exports as streams: a piece at a time, of one instant, with no more in memory than a few thousand rows."""

from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from oltp_api.exports.forms import own
from oltp_api.exports.forms.beancount import as_beancount
from oltp_api.exports.forms.ghostfolio import as_ghostfolio
from oltp_api.exports.forms.tables import as_portfolio_performance, as_wealthfolio
from oltp_api.exports.repository import LedgerExports, one_instant
from oltp_api.unit_of_work import Pool

FormatName = Literal["csv", "json", "parquet", "beancount", "ghostfolio", "portfolio-performance", "wealthfolio"]
NOT_EXPORTED = "Lakefolio-Not-Exported"
_PIECE_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Format:
    media_type: str
    extension: str
    example: str
    pieces: Callable[[LedgerExports, UUID], Iterator[bytes]]
    is_complete: bool = True


FORMATS: Mapping[str, Format] = {
    "csv": Format("text/csv", "csv", "lakefolio,seq,type,business_date,...", own.as_csv),
    "json": Format("application/json", "json", '{"lakefolio": "ledger 1", ...}', own.as_json),
    "parquet": Format("application/vnd.apache.parquet", "parquet", "PAR1...", own.as_parquet),
    "beancount": Format("text/plain", "beancount", '2016-01-05 * "BUY" ""', as_beancount, False),
    "ghostfolio": Format("application/json", "json", '{"activities": [...], ...}', as_ghostfolio, False),
    "portfolio-performance": Format("text/csv", "csv", "Date;Time;Type;Value;...", as_portfolio_performance, False),
    "wealthfolio": Format("text/csv", "csv", "date,type,symbol,...", as_wealthfolio, False),
}


def exported(pool: Pool, portfolio_id: UUID, form: Format, headers: dict[str, str]) -> Generator[bytes]:
    """The portfolio in a form, in pieces of some 64 KB. What is not in it is in `headers` before the first."""
    with one_instant(pool) as reads:
        if not form.is_complete and (pairs := reads.reversed(portfolio_id)):
            headers[NOT_EXPORTED] = f"{2 * len(pairs)} rows: taken back, and their reversals"
        yield from in_pieces(form.pieces(reads, portfolio_id))


def in_pieces(parts: Iterator[bytes]) -> Iterator[bytes]:
    """`parts` put together until they are worth sending."""
    waiting: list[bytes] = []
    size = 0
    for part in parts:
        waiting.append(part)
        size += len(part)
        if size >= _PIECE_BYTES:
            yield b"".join(waiting)
            waiting, size = [], 0
    if waiting:
        yield b"".join(waiting)
