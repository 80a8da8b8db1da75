"""Shares on PostgreSQL. SQL in `queries.sql`. One that has ended stays as a fact."""

from typing import Any
from uuid import UUID, uuid4

from psycopg.errors import UniqueViolation
from psycopg.rows import DictRow

from domain.errors import AlreadyExists, NoSuchId
from oltp_api.connections import savepoint
from oltp_api.unit_of_work import UnitOfWork
from storage.queries import statements

_SQL = statements("oltp_api/sharing/queries.sql")


class ShareNotFound(NoSuchId):
    code = "share_not_found"
    thing = "share"


class Shares:
    def __init__(self, work: UnitOfWork) -> None:
        self._connection = work.connection
        self._now = work.recorded_at

    def offer(self, portfolio_id: UUID, user_id: UUID, email: str, role: str) -> DictRow:
        """Offer a role to whoever has the address, or will have it; nothing says whether somebody does."""
        share_id = uuid4()
        try:
            with savepoint(self._connection):
                self._do("offer", share_id=share_id, portfolio_id=portfolio_id, user_id=user_id, email=email, role=role)
        except UniqueViolation as error:
            raise AlreadyExists("share", email) from error
        return next(row for row in self.of_portfolio(portfolio_id) if row["share_id"] == share_id)

    def of_portfolio(self, portfolio_id: UUID) -> list[DictRow]:
        return self._connection.execute(_SQL["of_portfolio"], {"portfolio_id": portfolio_id}).fetchall()

    def of_user(self, user_id: UUID) -> list[DictRow]:
        return self._connection.execute(_SQL["of_user"], {"user_id": user_id}).fetchall()

    def accept(self, share_id: UUID, user_id: UUID) -> DictRow:
        try:
            with savepoint(self._connection):
                accepted = self._do("accept", share_id=share_id, user_id=user_id)
        except UniqueViolation as error:
            raise AlreadyExists("share", "this portfolio") from error
        if not accepted:
            raise ShareNotFound(share_id)
        return next(row for row in self.of_user(user_id) if row["share_id"] == share_id)

    def end_by_owner(self, portfolio_id: UUID, share_id: UUID, user_id: UUID) -> None:
        if not self._do("end_by_owner", portfolio_id=portfolio_id, share_id=share_id, user_id=user_id):
            raise ShareNotFound(share_id)

    def end_by_grantee(self, share_id: UUID, user_id: UUID) -> None:
        if not self._do("end_by_grantee", share_id=share_id, user_id=user_id):
            raise ShareNotFound(share_id)

    def _do(self, name: str, **values: Any) -> int:
        return self._connection.execute(_SQL[name], {"now": self._now, **values}).rowcount
