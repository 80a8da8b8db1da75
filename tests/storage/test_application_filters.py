"""Filters by owner in the application's own statements: each is removed, one at a time, and the policies below hold.

A stranger asks with the ids of somebody else's rows. As it is written a statement finds nothing then. The control is
the same statement without its filters where no policy is: there it finds the rows, so that each filter is one.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest

from oltp_api.books.handlers import _BOOK
from oltp_api.ownership import _OWN
from oltp_api.sight import sight_of
from storage.postgres.database import Database
from storage.queries import statements
from storage.web.sessions import IDLE, STANDING, hash_of
from tests.storage.test_row_security import ALSO_OF_ANN, ANN, BEN, EVE, OF_ANN, VIC, as_the_api, fill

ROOT = Path(__file__).resolve().parents[2]
_OF_USER = re.compile(
    r"email = \(select lower\(email\) from app_user where user_id = %\(user_id\)s\)"
    r"|\([^()]*\buser_id\b[^()]*\) in \(select \* from unnest\(.*?\)\)"
    r"|(?<!set )\b(?:\w+\.)?(?:user|owner)_id = (?:any\(%\(user_ids\)s\)|%\(user_id\)s|asked\.user_id)"
)
_OF_PORTFOLIO = re.compile(r"\b(?:\w+\.)?portfolio_id = (?:any\(%\(portfolio_ids\)s\)|%\(portfolio_id\)s)")
_DOOR = statements("oltp_api/access/queries.sql")
_NAME = re.compile(r"%\((\w+)\)")
_OF_WHOM_NO_POLICY_IS = ("oltp_api/users/", "oltp_api/access/")
"""Tables of users, sessions, tokens and links: the filters on them are asked over HTTP (`test_user_filters.py`)."""
WITHOUT_POLICY = {
    "simulations/waiting_simulations": "counts what the policies show; the limit beside it is no secret",
}
DOUBLED = {
    "imports/oldest_first": "so is the statement that it ends",
    **{f"orders/{each}": "so is the statement that it ends" for each in ("oldest_first", "newest_first")},
    "ledger/holdings": "joined with what is asked for",
    "ledger/save": "joined with the rows that it is given",
}
"""Filters that another one in the statement repeats, so that without them it finds no more."""
FOLLOWS = {
    **{f"portfolios/{each}": "portfolios" for each in ("of_id", "matching")},
    **{f"orders/{each}": "views" for each in ("oldest_first", "newest_first")},
    "imports/oldest_first": "imports",
}
"""Ends of statements, and the beginning that each is added to."""


VALUES: Mapping[str, Any] = {
    "user_id": EVE,
    "user_ids": [EVE],
    **dict.fromkeys(("order_id", "simulation_id", "import_id", "analysis_id", "cursor"), OF_ANN),
    "share_id": ALSO_OF_ANN,
    **dict.fromkeys(("identifier", "name", "source"), "s"),
    **{name: ["s"] for name in ("identifiers", "keys", "sources")},
    "external_ids": ["csv"],
    **{name: [1] for name in ("seqs", "security_ids")},
    **dict.fromkeys(("account_id", "security_id", "seq"), 1),
    **dict.fromkeys(("now", "undone_at", "hidden_at", "event_ts"), datetime(2016, 1, 4, tzinfo=UTC)),
    "business_date": date(2015, 1, 4),
    "limit": 10,
    "release_id": 1,
}
"""A stranger's own id, and those of what is Ann's; whatever else a statement asks for is null."""


@dataclass(frozen=True)
class Statement:
    name: str
    text: str
    begun: str = ""

    @cached_property
    def filters(self) -> Sequence[slice]:
        """Conditions that keep strangers out: by user; or by portfolio, where the door alone says whose that is."""
        found = [[slice(*each.span()) for each in kind.finditer(self.text)] for kind in (_OF_USER, _OF_PORTFOLIO)]
        return found[0] or found[1]

    def without(self, *filters: slice) -> str:
        text = self.text
        for each in reversed(filters):
            text = f"{text[: each.start]}true{text[each.stop :]}"
        return f"{self.begun} {text}"

    @property
    def values(self) -> Mapping[str, Any]:
        """Ann's portfolio, unless that it is hers is all that is looked at: then one that is not there."""
        target = OF_ANN if _OF_USER.search(self.without()) else UUID(int=44)
        given = {**VALUES, "portfolio_id": target, "portfolio_ids": [target]}
        return {name: given.get(name) for name in _NAME.findall(self.without())}

    def __str__(self) -> str:
        return self.name


def written() -> Iterator[Statement]:
    """All statements of the application on owned tables that have a filter by owner."""
    for file in sorted((ROOT / "oltp_api").rglob("*.sql")):
        path = str(file.relative_to(ROOT))
        if path.startswith(_OF_WHOM_NO_POLICY_IS) or "/profiles/" in path:
            continue
        found, folder = statements(path), file.parent.name
        for name, text in found.items():
            begun = FOLLOWS.get(f"{folder}/{name}")
            yield Statement(f"{folder}/{name}", text, found[begun] if begun else "")
    for name, text in (("ownership", _OWN), ("books", _BOOK)):
        yield Statement(name, re.sub(r"(\w+) = %s", r"\1 = %(\1)s", text))


FILTERED = [each for each in written() if each.filters and each.name not in WITHOUT_POLICY]


@pytest.fixture(scope="module")
def filled(new_database: Callable[[], Database]) -> Iterator[psycopg.Connection]:
    created = new_database()
    fill(created)
    with psycopg.connect(created.admin_url) as connection:
        connection.execute("set session_replication_role = replica")
        for statement in _FOUND_BY_MORE:
            connection.execute(statement)
        connection.execute("set session_replication_role = origin")
        connection.commit()
        yield connection


_FOUND_BY_MORE = (
    """
    do $$
    declare each record;
    begin
        for each in
            select conrelid::regclass as named, conname from pg_constraint where contype = 'c' and conrelid > 0
        loop
            execute format('alter table %s drop constraint %I', each.named, each.conname);
        end loop;
    end $$
    """,
    "insert into security_registry (security_id, asset_type, display_name, currency)"
    " overriding system value values (1, 'BOND', 's', 'USD')",
    "insert into bond_details (security_id, maturity_date, coupon_rate_pct, day_count)"
    " values (1, '2020-01-01', 0, 'ACT/360')",
    "update orders set account_id = (select min(account_id) from account), security_id = 1, status = 'PENDING'",
    "update simulation set is_standing = true, status = 'DONE', scenario = 's'",
    "insert into risk_analysis select (json_populate_record(each, json_build_object("
    "'analysis_id', gen_random_uuid(), 'document', '{}', 'release_id', 1, 'finished_at', '2016-01-03'))).*"
    " from risk_analysis as each",
    "update risk_analysis set document = '{}', release_id = 1, finished_at = coalesce(finished_at, '2016-01-04')",
    "update import_profile set name = 's'",
    "update import_batch set refused = 1, source = 's'",
    "update account_holding set security_id = 1",
    "update transaction_ledger set external_id = 'csv', security_id = 1, txn_type = 'SPLIT'",
    "update transaction_ledger set reverses_seq = 99 where right(portfolio_id::text, 1) = 'c'",
)
"""More that the statements look at, so that Ann's rows are among what they would find; no row needs to make sense."""


def answer(connection: psycopg.Connection, statement: str, values: Mapping[str, Any], has_policies: bool) -> object:
    """Return the rows that a stranger gets, or the number that it changes; nothing stays."""
    found: object = None
    with as_the_api(connection, sight_of(EVE, EVE)):
        if not has_policies:
            connection.execute("set local role lakefolio_services")
        try:
            cursor = connection.execute(statement.encode(), values)
            found = cursor.rowcount, cursor.fetchall() if cursor.description else ()
        except psycopg.IntegrityError as error:  # a row that it has reached
            found = type(error)
    return found


@pytest.mark.parametrize("statement", FILTERED, ids=str)
def test_a_filter_that_is_removed_lets_nobody_through_the_policies(
    filled: psycopg.Connection, statement: Statement
) -> None:
    """The control: without its filters, and without policies, the statement finds what is a stranger's."""
    values, nothing = statement.values, answer(filled, statement.without(), statement.values, has_policies=False)
    for each in statement.filters:
        assert answer(filled, statement.without(each), values, has_policies=True) == nothing, each
    unfiltered = statement.without(*statement.filters)
    assert answer(filled, unfiltered, values, has_policies=True) == nothing
    if statement.name not in DOUBLED:
        assert answer(filled, unfiltered, values, has_policies=False) != nothing


_CONDITION = re.compile(r"(?<=and )(?:\(.*?\)(?=\n)|[^\n]+)")
_SIGNED_UP = """
with made as (
    insert into app_user (user_id, email, display_name, disabled_at)
    values (gen_random_uuid(), %(name)s || '@example.org', 's', %(disabled_at)s)
    returning user_id
)
"""
_SESSION = """
insert into user_session (
    session_id, user_id, token_hash, user_agent, address, created_at, seen_at, confirmed_at, ends_at, ended_at
)
select gen_random_uuid(), user_id, %(hash)s, '', '', %(now)s, %(seen_at)s, %(now)s, %(ends_at)s, %(ended_at)s from made
"""
_TOKEN = """
insert into api_token (token_id, user_id, name, prefix, token_hash, scopes, created_at, ends_at, ended_at)
select gen_random_uuid(), user_id, 's', 'lkf_', %(hash)s, '{read}', %(now)s, %(ends_at)s, %(ended_at)s from made
"""
NOW = datetime(2026, 11, 29, tzinfo=UTC)
WORTH_NOTHING = {
    "session": {
        "ended": {"ended_at": NOW},
        "over": {"ends_at": NOW - timedelta(seconds=1)},
        "away": {"seen_at": NOW - timedelta(days=8)},
        "disabled": {"disabled_at": NOW},
    },
    "token": {
        "ended": {"ended_at": NOW},
        "over": {"ends_at": NOW - timedelta(seconds=1)},
        "disabled": {"disabled_at": NOW},
    },
}


@pytest.mark.parametrize("kind", WORTH_NOTHING)
def test_each_condition_of_the_doors_question_shuts_somebody_out(filled: psycopg.Connection, kind: str) -> None:
    """Each is removed, and exactly those whom it shut out are let in; the control is the question as it is written."""
    question, added = {"session": (STANDING, _SESSION), "token": (_DOOR["token"], _TOKEN)}[kind]
    stands = {"disabled_at": None, "ended_at": None, "ends_at": NOW + timedelta(days=1), "seen_at": NOW}
    with filled.transaction(force_rollback=True):
        for name, more in {"stands": {}, **WORTH_NOTHING[kind]}.items():
            told = {**stands, **more, "name": f"{kind} {name}", "hash": hash_of(name), "now": NOW}
            filled.execute((_SIGNED_UP + added).encode(), told)

        def let_in(asked: str) -> set[str]:
            values = {"now": NOW, "idle_since": NOW - IDLE}
            statement = f"{_DOOR['asked']} {asked} {_DOOR['answered']}".encode()
            names = ["stands", *WORTH_NOTHING[kind]]
            told = [{"number": number, "hash_hex": hash_of(each).hex()} for number, each in enumerate(names)]
            rows = filled.execute(statement, {**values, "asked": json.dumps(told)}).fetchall()
            return {names[number] for number, *_ in rows}

        assert let_in(question) == {"stands"}
        conditions = [slice(*each.span()) for each in _CONDITION.finditer(question)]
        mutants = [let_in(f"{question[: each.start]}true{question[each.stop :]}") for each in conditions]
        assert sorted(map(sorted, mutants)) == sorted(sorted(["stands", each]) for each in WORTH_NOTHING[kind])


_OF_ACCESS = {
    "case when p.user_id = asker then 'OWNER' else share.role end": "'OWNER'",
    "and share.user_id = asker": "",
    "and share.ended_at is null": "",
}


@pytest.mark.parametrize("condition", ["", *_OF_ACCESS])
def test_each_condition_of_a_role_keeps_somebody_from_having_it(filled: psycopg.Connection, condition: str) -> None:
    """Ann shares her portfolio with Vic, and had shared it with Ben; the first case is the control."""
    with filled.transaction(force_rollback=True):
        (written,) = filled.execute("select pg_get_functiondef('access_to'::regproc)").fetchone() or ("",)
        assert condition in written
        filled.execute((written.replace(condition, _OF_ACCESS[condition]) if condition else written).encode())
        filled.execute(
            "insert into portfolio_share (share_id, portfolio_id, email, role, offered_by, offered_at, user_id,"
            " accepted_at, ended_at) values (gen_random_uuid(), %s, 'b@e.org', 'EDITOR', %s, now(), %s, now(), now())",
            (OF_ANN, ANN, BEN),
        )
        asked = "select role from access_to('portfolio_id', %s, %s)"
        roles = {who: {role for (role,) in filled.execute(asked, (OF_ANN, who))} for who in (ANN, BEN, VIC, EVE)}
    is_right = roles == {ANN: {"OWNER"}, VIC: {"VIEWER"}, BEN: {None}, EVE: {None}}
    assert is_right == (condition == "")
