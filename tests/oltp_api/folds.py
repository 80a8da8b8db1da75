"""The projection beside a ledger against what its rows add up to, and against the hash of the last one."""

from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import dict_row

from domain.holdings import CostMethod, Holding
from domain.ledger import first_hash, row_hash
from domain.positions import Positions
from oltp_api.context import LOCAL_USER
from oltp_api.ledger.repository import Portfolios
from oltp_api.ledger.writing import Wanted, load_one
from oltp_api.unit_of_work import UnitOfWork
from storage.clock import SampleMarketClock
from storage.postgres.database import Database


def refuse_other_fold(database: Database, portfolio_id: UUID) -> None:
    """AssertionError unless what is stored of a portfolio is the fold of its rows, to the last hash."""
    with psycopg.connect(database.services_url, row_factory=dict_row) as connection:
        work = UnitOfWork(connection, SampleMarketClock())
        stored = load_one(Wanted(LOCAL_USER, portfolio_id, holds_all=True), work).portfolio
        history = Portfolios(work).history(stored.portfolio_id)
        recorded = connection.execute(
            "select recorded_at from transaction_ledger where portfolio_id = %s order by seq", (stored.portfolio_id,)
        ).fetchall()
    is_average = stored.cost_method is CostMethod.AVCO
    folded = Positions.of(history, stored.cost_method)
    assert _something(stored.holdings, is_average) == _something(folded.holdings, is_average)
    assert {c: b for c, b in stored.cash.items() if b} == {c: b for c, b in folded.cash.items() if b}
    head = first_hash(stored.portfolio_id)
    for row, kept in zip(history, recorded, strict=True):
        head = row_hash(head, row, kept["recorded_at"])
    assert stored.ledger_hash == head
    assert stored.version == len(history)


def _something(holdings: dict[Any, Holding], is_average: bool) -> dict[Any, Any]:
    """Average cost does not store when its one lot was opened; holdings of nothing may be stored or not."""
    told = {key: held for key, held in holdings.items() if held != Holding()}
    if not is_average:
        return told
    return {
        key: (held.quantity, held.cost_basis, held.cost_basis_base, held.realised, held.realised_base, held.realised_fx)
        for key, held in told.items()
    }
