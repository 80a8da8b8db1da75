"""A random byte of a random ledger row is changed behind the trigger's back: `verify` names the row, every time."""

import os
import random
from collections.abc import Iterator
from typing import Any

import httpx
import psycopg
import pytest

from application.ledger import Difference, rebuild, verify
from domain.ledger import Transaction
from storage.postgres.database import Database

TIMES = 1_000 if os.environ.get("LAKEFOLIO_CHAOS") == "long" else 100
SEED = 20170329
COLUMNS = [*Transaction.__slots__, "recorded_at", "row_hash"]
TRADES: list[dict[str, Any]] = [
    {"type": "BUY", "ticker": "AAPL", "quantity": "10", "price": "100.25", "fees": "1.5", "note": "first"},
    {"type": "BUY", "ticker": "SAPEUR", "quantity": "3", "price": "90", "fx_rate": "1.1", "external_id": "b-77"},
    {"type": "SELL", "ticker": "AAPL", "quantity": "4.5", "price": "120", "business_date": "2016-05-03"},
    {"type": "DIVIDEND", "ticker": "SAPEUR", "amount": "35", "withheld": "5.25", "ex_date": "2017-03-01"},
    {"type": "SPLIT", "ticker": "SAPEUR", "split_new": "2", "split_old": "1"},
    {"type": "INTEREST", "amount": "-3.21"},
]


@pytest.fixture(scope="module")
def ledger(api: httpx.Client) -> str:
    """A portfolio with rows of many types, some of them reversed or transferred."""
    api.post("/securities", json={"ticker": "SAPEUR", "currency": "EUR"})
    asked = {"name": "tampered", "initial_cash": "10000", "business_date": "2015-01-02"}
    here = f"/portfolios/{api.post('/portfolios', json=asked).json()['portfolio_id']}"
    conversion = {"from_currency": "USD", "amount": "1100", "to_currency": "EUR", "received": "1000"}
    assert api.post(f"{here}/conversions", json={**conversion, "business_date": "2015-01-05"}).is_success
    for trade in TRADES:
        answer = api.post(f"{here}/transactions", json={"business_date": "2016-05-02", **trade})
        assert answer.is_success, answer.text
    assert api.post(f"{here}/transactions/7/reversal", json={"note": "wrong"}).is_success
    return here.rpartition("/")[2]


@pytest.fixture
def owner(database: Database) -> Iterator[psycopg.Connection[Any]]:
    """The owner, past the trigger that keeps the ledger as it is."""
    with psycopg.connect(database.admin_url, autocommit=True) as connection:
        connection.execute("set session_replication_role = replica")
        yield connection


def differences(connection: psycopg.Connection[Any]) -> list[Difference]:
    return [difference for checked in verify(connection) for difference in checked.differences]


def changed_byte(value: object, luck: random.Random) -> bytes:
    """The value's text, or bytes, with one byte replaced."""
    raw = bytearray(value if isinstance(value, bytes) else str(value).encode())
    place = luck.randrange(len(raw))
    raw[place] = luck.choice(b"0123456789" if raw[place] in b"0123456789" else b"ABCDEFabcdef-. ")
    return bytes(raw)


def tamper(connection: psycopg.Connection[Any], luck: random.Random) -> tuple[int, str, object]:
    """Change one byte of one value; which row and column it was, and the value before."""
    while True:
        column = luck.choice([name for name in COLUMNS if name not in ("portfolio_id", "seq")])
        query = f"select seq, {column} from transaction_ledger where {column} is not null order by seq"
        rows = [row for row in connection.execute(query).fetchall() if row[1] not in ("", b"")]
        if not rows:
            continue
        seq, value = luck.choice(rows)
        new: object = changed_byte(value, luck)
        assert isinstance(new, bytes)
        new = new if isinstance(value, bytes) else new.decode()
        update = f"update transaction_ledger set {column} = %s where seq = %s and {column} <> %s"
        try:
            if connection.execute(update, (new, seq, new)).rowcount:
                return seq, column, value
        except psycopg.Error:
            continue  # such a byte the database itself refuses


def test_a_random_byte_changed_in_any_ledger_row_is_found(ledger: str, owner: psycopg.Connection[Any]) -> None:
    luck = random.Random(SEED)
    assert differences(owner) == []
    columns = set()
    for _ in range(TIMES):
        seq, column, value = tamper(owner, luck)
        found = differences(owner)
        owner.execute(f"update transaction_ledger set {column} = %s where seq = %s", (value, seq))
        columns.add(column)
        assert [difference.seq for difference in found] == [seq], (column, value, found)
    print(f"\nseed {SEED}: {TIMES} of {TIMES} changed bytes found, in {len(columns)} columns")
    assert differences(owner) == []


def test_control_without_the_hashes_most_changes_would_go_unnoticed(
    ledger: str, owner: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    owner.execute("update transaction_ledger set note = 'another' where seq = 4")
    found = differences(owner)
    monkeypatch.setattr("application.ledger.row_hash", lambda *_: Anything())
    unnoticed = [difference for difference in differences(owner) if difference.seq is not None]
    owner.execute("update transaction_ledger set note = 'first' where seq = 4")

    assert [difference.seq for difference in found] == [4]
    assert unnoticed == []


class Anything:
    """Equal to every hash."""

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 0


@pytest.mark.parametrize(
    ("damage", "what"),
    [
        ("update account_holding set quantity = quantity + 1", "quantity of"),
        ("update account_holding set cost_basis_base = cost_basis_base + 0.00000001", "cost_basis_base of"),
        ("update account_holding set realised = realised - 5", "realised of"),
        ("update cash_balance set balance = balance - 0.01 where currency = 'USD'", "cash is"),
        ("update portfolio set version = version + 1", "is not its last row"),
        ("update portfolio set ledger_hash = 'x'", "is not its last row"),
        ("delete from transaction_ledger where seq = (select max(seq) from transaction_ledger)", "is not its last row"),
        ("delete from transaction_ledger where seq = 3", "the ledger has a gap"),
    ],
)
def test_a_projection_that_is_not_what_the_ledger_says_is_found_and_rebuilt(
    ledger: str, owner: psycopg.Connection[Any], damage: str, what: str
) -> None:
    with owner.transaction(force_rollback=False):
        kept = owner.execute("select * from transaction_ledger").fetchall()
        head = owner.execute("select version, ledger_hash from portfolio").fetchone()
        owner.execute(damage)
    found = differences(owner)
    owner.execute("delete from transaction_ledger")
    placeholders = ", ".join(["%s"] * len(kept[0]))
    for row in kept:
        owner.execute(f"insert into transaction_ledger values ({placeholders})", row)
    owner.execute("update portfolio set version = %s, ledger_hash = %s", head)
    rebuild(owner, owner.execute("select portfolio_id from portfolio").fetchone()[0])

    assert found
    assert what in str(found[0])
    assert differences(owner) == []
