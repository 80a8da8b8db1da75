"""The history checker finds each kind of lie, and none in a true story."""

from copy import deepcopy
from decimal import Decimal
from typing import Any

import pytest

from tests.history import Call, Ledger, violations

D = Decimal
BLANK = {
    "portfolio_id": "p",
    "account": "MAIN",
    "ticker": None,
    "quantity": None,
    "price": None,
    "fees": "0",
    "currency": "USD",
    "transfer_id": None,
    "reverses_seq": None,
}


def row(seq: int, type_: str, cash: str, note: str, quantity: str | None = None, **more: Any) -> dict[str, Any]:
    ticker = "HOT" if quantity else None
    return {**BLANK, "seq": seq, "type": type_, "cash_effect": cash, "note": note, "quantity": quantity, **more} | (
        {"ticker": ticker} if ticker else {}
    )


def story() -> tuple[list[Call], dict[str, Ledger]]:
    """Two clients: cash, a purchase, half of it sold, some moved, a deposit taken back, a refusal, an unknown end."""
    rows = [
        row(1, "DEPOSIT", "1000", "a1"),
        row(2, "BUY", "-400", "a2", "4", price="100"),
        row(3, "SELL", "240", "b1", "-2", price="120"),
        row(4, "TRANSFER_OUT", "0", "b2", "-1", transfer_id="t"),
        row(5, "TRANSFER_IN", "0", "b2", "1", transfer_id="t", account="SECOND"),
        row(6, "DEPOSIT", "5", "a3"),
        row(7, "REVERSAL", "-5", "a4", reverses_seq=6),
        row(8, "DEPOSIT", "7", "b3"),
    ]
    calls = [
        Call(1, "p", {"type": "DEPOSIT"}, "a1", 201, [rows[0]]),
        Call(1, "p", {"type": "BUY", "ticker": "HOT", "price": "100"}, "a2", 201, [rows[1]], 1, True),
        Call(1, "p", {}, version_read=2),
        Call(2, "p", {"type": "SELL", "ticker": "HOT"}, "b1", 201, [rows[2]]),
        Call(2, "p", {"ticker": "HOT"}, "b2", 201, rows[3:5]),
        Call(1, "p", {"type": "DEPOSIT"}, "a3", 201, [rows[5]]),
        Call(1, "p", {}, "a4", 201, [rows[6]]),
        Call(1, "p", {"type": "WITHDRAW"}, "a5", 422),
        Call(2, "p", {"type": "DEPOSIT"}, "b3", None, (), 1),
        Call(2, "p", {"type": "DEPOSIT"}, "b4", None, (), 1),
        Call(2, "p", {}, version_read=8),
    ]
    held = {("MAIN", "HOT"): (D(1), D(100), D(40)), ("SECOND", "HOT"): (D(1), D(100), D(0))}
    ledgers = {"p": Ledger(rows, 8, {"USD": D(847)}, held)}
    return deepcopy(calls), deepcopy(ledgers)


def found(change: Any) -> str:
    calls, ledgers = story()
    change(calls, ledgers["p"])
    return "; ".join(violations(calls, ledgers))


def again(calls: list[Call], ledger: Ledger, at: int) -> None:
    ledger.rows = [*ledger.rows, {**ledger.rows[at], "seq": len(ledger.rows) + 1}]
    ledger.version += 1
    ledger.cash = {"USD": ledger.cash["USD"] + D(ledger.rows[at]["cash_effect"])}


def lose_last(calls: list[Call], ledger: Ledger) -> None:
    calls[8].status, calls[8].rows = 201, [ledger.rows[-1]]
    ledger.rows = ledger.rows[:-1]
    ledger.version, ledger.cash = 7, {"USD": D(840)}


def change_row(number: int, **more: Any) -> Any:
    return lambda _, ledger: ledger.rows[number - 1].update(more)


def test_a_true_story_has_no_violation() -> None:
    calls, ledgers = story()
    assert violations(calls, ledgers) == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda calls, ledger: again(calls, ledger, 0), "a1: happened 2 times over"),
        (lambda calls, ledger: again(calls, ledger, 7), "b3: happened 2 times over"),
        (lose_last, "b3: acknowledged as row 8, but lost"),
        (change_row(1, cash_effect="1001"), "a1: row 1 is not what was acknowledged"),
        (lambda calls, _: setattr(calls[0], "status", 422), "a1: refused with 422, but in the ledger"),
        (change_row(8, seq=9), "p: the ledger is not dense"),
        (lambda _, ledger: setattr(ledger, "version", 9), "p: version 9, but 8 rows"),
        (change_row(2, cash_effect="-1400"), "p: USD is below 0 after row 2"),
        (change_row(3, quantity="-5"), "p: ('MAIN', 'HOT') is oversold by row 3"),
        (change_row(5, quantity="2"), "p: transfer t has one leg"),
        (lambda _, ledger: ledger.cash.update(USD=D(0)), "p: cash is"),
        (lambda _, ledger: ledger.holdings.pop(("SECOND", "HOT")), "p: held is"),
        (lambda calls, _ledger: setattr(calls[2], "version_read", 1), "client 1: read version 1 after it knew of 2"),
        (
            lambda calls, _ledger: calls.append(Call(2, "p", {}, version_read=7)),
            "client 2: read version 7 after it knew",
        ),
        (lambda calls, _ledger: calls[1].body.update(price="99"), "a2: row 2 is not what was asked"),
    ],
)
def test_each_kind_of_lie_is_found(change: Any, problem: str) -> None:
    assert problem in found(change)


def test_control_a_checker_that_only_counts_rows_would_believe_a_row_that_was_swapped() -> None:
    calls, ledgers = story()
    ledgers["p"].rows[7].update(note="a1")

    assert len(ledgers["p"].rows) == ledgers["p"].version
    assert violations(calls, ledgers) != []
