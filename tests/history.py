"""Did everything that clients saw really happen, once? A model of the ledger in plain arithmetic, of its own.

Nothing of the product is used here: rows are what the API answered, as JSON. Each `Call` carries a note of its own, and
every row that it caused carries that note, whatever idempotency key it was sent with. All rows are of one day and
moment, so that the ledger's order is the order of event, and every prefix of it was once the whole truth.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

Row = Mapping[str, Any]
Place = tuple[str, str]  # (account, ticker)

_EXACT = Context(prec=60, rounding=ROUND_HALF_UP)
_STATED = {"type", "ticker", "price", "fees", "account"}
"""Fields that a row repeats as they were asked."""
_EFFECT = ("type", "account", "reverses_seq", "cash_effect", "quantity")
"""Fields that tell the rows of one call apart."""


@dataclass(slots=True)
class Call:
    """One request of one client, with all its retries; `status` None if it never got an answer.

    `attempts_cut` counts the attempts whose answer was lost after they were sent.
    """

    client: int
    portfolio_id: str
    body: Mapping[str, Any]
    note: str = ""
    status: int | None = None
    rows: Sequence[Row] = ()
    attempts_cut: int = 0
    was_replayed: bool = False
    version_read: int | None = None


@dataclass(slots=True)
class Ledger:
    """Final state of one portfolio: its rows, version, cash, and (quantity, cost, gain) of each place."""

    rows: Sequence[Row]
    version: int
    cash: Mapping[str, Decimal]
    holdings: Mapping[Place, tuple[Decimal, Decimal, Decimal]] = field(default_factory=dict)


def violations(calls: Iterable[Call], ledgers: Mapping[str, Ledger]) -> list[str]:
    """List what contradicts that each acknowledged call happened once, in ledger order, and no refused one."""
    listed = list(calls)
    found = [problem for portfolio_id, ledger in ledgers.items() for problem in _of_ledger(portfolio_id, ledger)]
    written: dict[str, list[Row]] = defaultdict(list)
    for ledger in ledgers.values():
        for row in ledger.rows:
            written[row["note"]].append(row)
    found += [problem for call in listed if call.note for problem in _of_write(call, written[call.note])]
    return found + list(_of_reads(listed))


def _of_ledger(portfolio_id: str, ledger: Ledger) -> Iterator[str]:
    if [row["seq"] for row in ledger.rows] != list(range(1, len(ledger.rows) + 1)):
        yield f"{portfolio_id}: the ledger is not dense"
    if ledger.version != len(ledger.rows):
        yield f"{portfolio_id}: version {ledger.version}, but {len(ledger.rows)} rows"
    cash: dict[str, Decimal] = defaultdict(Decimal)
    units: dict[Place, Decimal] = defaultdict(Decimal)
    moving: dict[str, Decimal] = {}
    for row in ledger.rows:
        cash[row["currency"]] += Decimal(row["cash_effect"])
        if cash[row["currency"]] < 0:
            yield f"{portfolio_id}: {row['currency']} is below 0 after row {row['seq']}"
        if row["quantity"] is not None:
            place = (row["account"], row["ticker"])
            units[place] += Decimal(row["quantity"])
            if units[place] < 0:
                yield f"{portfolio_id}: {place} is oversold by row {row['seq']}"
        if row["transfer_id"]:
            moving[row["transfer_id"]] = moving.get(row["transfer_id"], Decimal()) + Decimal(row["quantity"] or 0)
    yield from (f"{portfolio_id}: transfer {transfer} has one leg" for transfer, sum_ in moving.items() if sum_)
    if _something(cash) != _something(ledger.cash):
        yield f"{portfolio_id}: cash is {dict(ledger.cash)}, its rows say {dict(cash)}"
    if (expected := average_costs(ledger.rows)) != dict(ledger.holdings):
        yield f"{portfolio_id}: held is {dict(ledger.holdings)}, its rows say {expected}"


def _of_write(call: Call, written: Sequence[Row]) -> Iterator[str]:
    effects = [
        (row["type"], row["account"], row["reverses_seq"], row["cash_effect"], row["quantity"]) for row in written
    ]
    if len(effects) != len(set(effects)) or len({row["transfer_id"] for row in written}) > 1:
        yield f"{call.note}: happened {len(effects)} times over"
    if call.status is None:
        return
    if not 200 <= call.status < 300:
        if written:
            yield f"{call.note}: refused with {call.status}, but in the ledger"
        return
    if len(written) > (expected := len(call.rows) + ("withheld" in call.body)):  # its tax is a row of its own
        yield f"{call.note}: acknowledged with {expected} rows, but in the ledger with {len(written)}"
    by_seq = {row["seq"]: row for row in written if row["portfolio_id"] == call.portfolio_id}
    for row in call.rows:
        if row["seq"] not in by_seq:
            yield f"{call.note}: acknowledged as row {row['seq']}, but lost"
        elif by_seq[row["seq"]] != row:
            yield f"{call.note}: row {row['seq']} is not what was acknowledged"
    if call.rows and any(call.rows[0][name] != call.body[name] for name in _STATED & call.body.keys()):
        yield f"{call.note}: row {call.rows[0]['seq']} is not what was asked"


def _of_reads(calls: Iterable[Call]) -> Iterator[str]:
    """Each client's calls come in the order in which it made them."""
    seen: dict[tuple[int, str], int] = defaultdict(int)
    for call in calls:
        where = (call.client, call.portfolio_id)
        if call.version_read is not None and call.version_read < seen[where]:
            yield f"client {call.client}: read version {call.version_read} after it knew of {seen[where]}"
        newest = max((row["seq"] for row in call.rows), default=0)
        seen[where] = max(seen[where], call.version_read or 0, newest)


def average_costs(rows: Sequence[Row]) -> dict[Place, tuple[Decimal, Decimal, Decimal]]:
    """(quantity, cost, gain) of every place that holds something, by average cost, without what was taken back."""
    taken_back = {row["reverses_seq"] for row in rows}
    held: dict[Place, tuple[Decimal, Decimal, Decimal]] = {}
    moving: dict[str, Decimal] = {}
    for row in rows:
        if row["quantity"] is None or row["seq"] in taken_back or row["type"] == "REVERSAL":
            continue
        place, moved = (row["account"], row["ticker"]), Decimal(row["quantity"])
        quantity, cost, gain = held.get(place, (Decimal(), Decimal(), Decimal()))
        if moved > 0:
            paid = -Decimal(row["cash_effect"]) if row["type"] == "BUY" else moving.pop(row["transfer_id"])
            held[place] = (quantity + moved, cost + paid, gain)
            continue
        relieved = _rounded(_EXACT.divide(_EXACT.multiply(cost, -moved), quantity)) if quantity else Decimal()
        if row["type"] == "SELL":
            gain += Decimal(row["cash_effect"]) - relieved
        else:
            moving[row["transfer_id"]] = relieved
        held[place] = (quantity + moved, cost - relieved, gain)
    return {place: figures for place, figures in held.items() if figures[0]}


def _rounded(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.00000001"), context=_EXACT)


def _something(balances: Mapping[str, Decimal]) -> dict[str, Decimal]:
    return {currency: balance for currency, balance in balances.items() if balance}
