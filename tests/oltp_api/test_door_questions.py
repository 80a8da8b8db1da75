"""The door's questions that arrive together: one statement, in which each asker has their own answer."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from uuid import UUID

import psycopg
import pytest
from psycopg.rows import DictRow

from oltp_api.access.credentials import new_token
from oltp_api.access.questions import Question, Questions, SignedBy
from oltp_api.context import LOCAL_USER, AppContext
from oltp_api.opening import opened
from storage.postgres.database import Database
from storage.settings import Settings
from storage.web.sessions import hash_of
from tests.oltp_api.conftest import Client

SECONDS = 20


@pytest.fixture(scope="module")
def context(settings: Settings) -> Iterator[AppContext]:
    with opened(settings) as context:
        yield context


def token_of(connection: psycopg.Connection, user_id: UUID) -> str:
    token = new_token()
    connection.execute(
        "insert into api_token (token_id, user_id, name, prefix, token_hash, scopes, created_at)"
        " values (gen_random_uuid(), %s, 'x', 'lkf_', %s, '{read}', now())",
        (user_id, hash_of(token)),
    )
    return token


def test_each_has_their_own_answer_and_whoever_is_shut_out_is_out_with_the_next_question(
    context: AppContext, new_portfolio: Callable[..., Client], foreign_portfolio: UUID, database: Database
) -> None:
    mine = UUID(new_portfolio().portfolio_id)
    with psycopg.connect(database.admin_url, autocommit=True) as connection:
        stranger = connection.execute(
            "select user_id from portfolio where portfolio_id = %s", (foreign_portfolio,)
        ).fetchone()
        assert stranger is not None
        owners, others = token_of(connection, LOCAL_USER), token_of(connection, stranger[0])

        async def asked(questions: Questions) -> Sequence[DictRow | None]:
            """The same of two portfolios by each of four secrets, asked in one turn of the event loop."""
            secrets = [(SignedBy.TOKEN, owners), (SignedBy.TOKEN, others), (SignedBy.TOKEN, new_token())]
            rows = [
                questions.ask(Question(kind, hash_of(secret), context.clock.now(), "portfolio_id", portfolio_id))
                for portfolio_id in (mine, foreign_portfolio)
                for kind, secret in [*secrets, (SignedBy.SESSION, owners)]
            ]
            return await asyncio.wait_for(asyncio.gather(*rows), SECONDS)

        async def before_and_after() -> tuple[Sequence[DictRow | None], Sequence[DictRow | None]]:
            with Questions(context.pool) as questions:
                before = await asked(questions)
                connection.execute("update api_token set ended_at = now() where token_hash = %s", (hash_of(owners),))
                return before, await asked(questions)

        before, after = asyncio.run(before_and_after())

    assert [row and (row["user_id"], row["role"]) for row in before] == [
        *((LOCAL_USER, "OWNER"), (stranger[0], None), None, None),
        *((LOCAL_USER, None), (stranger[0], "OWNER"), None, None),
    ]
    assert [row and row["role"] for row in after] == [None, None, None, None, None, "OWNER", None, None]


def test_who_asks_the_moment_an_answer_comes_is_answered(context: AppContext) -> None:
    async def one_after_another() -> None:
        with Questions(context.pool) as questions:
            for _ in range(20):
                question = Question(SignedBy.TOKEN, hash_of(new_token()), context.clock.now(), None, None)
                assert await questions.ask(question) is None

    asyncio.run(asyncio.wait_for(one_after_another(), SECONDS))
