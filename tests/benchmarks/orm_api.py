"""The named alternative to our trade endpoint: the same decision and the same rows, through SQLAlchemy's async ORM."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from fastapi import FastAPI, Header
from sqlalchemy import MetaData, create_engine, select
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.ext.automap import automap_base

from domain.entries import Terms
from domain.holdings import CostMethod, Holding, Lot
from domain.ledger import Transaction, row_hash
from domain.portfolio import Portfolio, PortfolioKind, When
from domain.positions import Positions
from oltp_api.business_dates import event_time
from oltp_api.context import LOCAL_USER
from oltp_api.ledger.schemas import TransactionRequest, TransactionView
from storage.clock import SampleMarketClock

_TABLES = [
    *("portfolio", "account", "security_registry", "security_identifier", "account_holding"),
    *("cash_balance", "transaction_ledger", "outbox", "idempotency_key"),
]


def create_app() -> FastAPI:
    url = os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+psycopg://")
    metadata = MetaData()
    metadata.reflect(create_engine(os.environ["DATABASE_ADMIN_URL"].replace("://", "+psycopg://")), only=_TABLES)
    base = automap_base(metadata=metadata)
    base.prepare()
    tables = base.classes
    sessions = async_sessionmaker(create_async_engine(url, pool_size=32), expire_on_commit=False)
    clock = SampleMarketClock()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield

    app = FastAPI(lifespan=lifespan)

    @app.post("/api/v1/portfolios/{portfolio_id}/transactions", status_code=201, response_model=TransactionView)
    async def record(portfolio_id: UUID, body: TransactionRequest, idempotency_key: str = Header()) -> Any:
        command = body.command(LOCAL_USER, portfolio_id)
        now = datetime.now(UTC)
        async with sessions.begin() as session:
            known = await session.get(tables.idempotency_key, (LOCAL_USER, idempotency_key))
            assert known is None
            root = await session.scalar(
                select(tables.portfolio)
                .where(tables.portfolio.portfolio_id == portfolio_id, tables.portfolio.user_id == LOCAL_USER)
                .with_for_update()
            )
            account = await session.scalar(select(tables.account).where(tables.account.identifier == "MAIN"))
            security = await session.scalar(
                select(tables.security_registry)
                .join(
                    tables.security_identifier,
                    tables.security_identifier.security_id == tables.security_registry.security_id,
                )
                .where(tables.security_identifier.id_value == command.ticker)
            )
            balance = await session.get(tables.cash_balance, (portfolio_id, "USD"))
            held = await session.get(tables.account_holding, (portfolio_id, security.security_id, account.account_id))
            portfolio = _portfolio(root, balance, held)
            when = event_time(None, None, root.time_zone, clock)
            row = portfolio.trade(
                command.txn_type,
                account.account_id,
                security.security_id,
                command.quantity,
                command.price,
                command.fees,
                when,
                Terms(),
            )
            root.ledger_hash = row_hash(root.ledger_hash, row, now)
            facts = {name: getattr(row, name) for name in Transaction.__slots__}
            session.add(tables.transaction_ledger(**facts, recorded_at=now, row_hash=root.ledger_hash))
            holding = portfolio.holdings[account.account_id, security.security_id]
            held.quantity, held.cost_basis = holding.quantity, holding.cost_basis
            held.cost_basis_base = holding.cost_basis_base
            balance.balance = portfolio.cash["USD"]
            root.version, root.last_business_date, root.last_event_ts = row.seq, row.business_date, row.event_ts
            for event in ("TransactionRecorded", "PositionUpdated"):
                payload = {"portfolio_id": str(portfolio_id), "seq": row.seq, "quantity": str(row.quantity)}
                session.add(
                    tables.outbox(aggregate_id=portfolio_id, version=row.seq, event_type=event, payload=payload)
                )
            view = TransactionView.of(row, "MAIN", command.ticker, now)
            session.add(
                tables.idempotency_key(
                    user_id=LOCAL_USER,
                    key=idempotency_key,
                    request_hash="bench",
                    status=201,
                    body=view.model_dump_json(),
                )
            )
        return view

    return app


def _portfolio(root: Any, balance: Any, held: Any) -> Portfolio:
    lot = Lot(held.quantity, held.cost_basis, held.cost_basis_base)
    holdings = {(held.account_id, held.security_id): Holding((lot,), held.realised)}
    return Portfolio(
        root.portfolio_id,
        root.user_id,
        root.name,
        root.base_currency,
        PortfolioKind(root.kind),
        root.time_zone,
        root.version,
        last=When(root.last_event_ts, root.last_business_date),
        positions=Positions(CostMethod(root.cost_method), holdings, {"USD": balance.balance}),
    )
