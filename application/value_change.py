"""The change of a portfolio's value between two closes of one release, or between two releases of one close, read as
sums and put together as its terms."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from domain.errors import InvalidInput
from domain.money import ZERO, product, share
from domain.value_changes import ChangeCause, ChangeTerm, ValueChange, by_size
from storage.lake.mounted import MountedRelease
from storage.queries import statements

_SQL = statements("application/value_change.sql")
_CENT = Decimal("0.01")
_MOST_ROWS = 100
_TRADE = "TRADE"
"""Cash that a security's own term has: paid for it, or received."""
Row = Mapping[str, Any]


def value_change(mounted: MountedRelease, portfolio_id: UUID, begins: date, ends: date | None) -> ValueChange | None:
    """The change up to `ends` or the last day that there is; before the first day a portfolio is worth nothing.

    None if the release has no day of the portfolio; InvalidInput if `begins` is not before the end.
    """
    (days,) = mounted.rows(_SQL["days"], portfolio_id=str(portfolio_id)) or [{"last_day": None}]
    if days["last_day"] is None:
        return None
    asked = {
        "portfolio_id": str(portfolio_id),
        "begins": begins,
        "ends": min(ends or days["last_day"], days["last_day"]),
    }
    if begins >= asked["ends"]:
        raise InvalidInput("from", f"must be a day before {asked['ends']}, with which the change ends")
    values = {row["business_date"]: row for row in mounted.rows(_SQL["values"], **asked)}
    (currency,) = {row["currency"] for row in values.values()} or {""}
    return ValueChange(
        begins=begins,
        ends=asked["ends"],
        currency=currency,
        begin_value=values[begins]["total_value"] if begins in values else ZERO,
        end_value=values[asked["ends"]]["total_value"] if asked["ends"] in values else ZERO,
        terms=by_size(list(_terms(mounted, asked))),
    )


def value_restated(before: MountedRelease, after: MountedRelease, portfolio_id: UUID, on: date) -> ValueChange | None:
    """The difference of `after` from `before` about the close of `on`; None if neither has the day.

    Rows that `before` had not are corrections: what they moved as cash, and the units by which a holding differs at its
    newer price. What is left of a holding is price and exchange rate, of cash exchange rate.
    """
    asked = {"portfolio_id": str(portfolio_id), "begins": on, "ends": on}
    old, new = (one.rows(_SQL["values"], **asked) for one in (before, after))
    if not old and not new:
        return None
    return ValueChange(
        begins=on,
        ends=on,
        currency=(new or old)[0]["currency"],
        begin_value=old[0]["total_value"] if old else ZERO,
        end_value=new[0]["total_value"] if new else ZERO,
        terms=by_size(list(_corrections(before, after, {"portfolio_id": str(portfolio_id), "ends": on}))),
    )


def _corrections(before: MountedRelease, after: MountedRelease, asked: Mapping[str, Any]) -> Iterator[ChangeTerm]:
    known = {row["seq"] for row in before.rows(_SQL["ledger_on"], **asked)}
    added = [row for row in after.rows(_SQL["ledger_on"], **asked) if row["seq"] not in known]
    balances = _by("currency", before, after, "cash_on", asked)
    moved: dict[str | None, Decimal] = defaultdict(Decimal)
    for currency, (old, new) in balances.items():
        change = (new["balance_base"] if new else ZERO) - (old["balance_base"] if old else ZERO)
        rate = (new or {}).get("fx_rate") or ZERO
        for row in added:
            if row["currency"] == currency:
                effect = product(row["cash_effect"], rate)
                moved[row["ticker"]] += effect
                change -= effect
        yield ChangeTerm(ChangeCause.CASH_RATE, change, currency=currency)
    for ticker, (old, new) in _by("ticker", before, after, "holdings_on", asked).items():
        units, rate = _restated(old, new)
        moved[ticker] += units
        held = new or old or {}
        price = (new or {"value_base": ZERO})["value_base"] - (old or {"value_base": ZERO})["value_base"] - units - rate
        yield ChangeTerm(ChangeCause.PRICE, price, ticker)
        yield ChangeTerm(ChangeCause.RATE, rate, ticker, held["currency"])
    for name in sorted(moved, key=str):
        seqs = [row["seq"] for row in added if row["ticker"] == name]
        yield ChangeTerm(ChangeCause.CORRECTION, moved[name], name, n_rows=len(seqs), seqs=sorted(seqs)[:_MOST_ROWS])


def _restated(old: Row | None, new: Row | None) -> tuple[Decimal, Decimal]:
    """Worth of the units that only one has, and what another rate did to the units that both have."""
    if old is None or new is None or not new["quantity"]:
        return (new["value_base"] if new else ZERO) - (old["value_base"] if old else ZERO), ZERO
    units = new["value_base"] - share(new["value_base"], old["quantity"], new["quantity"])
    is_rated = None not in (old["value"], old["fx_rate"], new["fx_rate"])
    return units, product(old["value"], new["fx_rate"]) - old["value_base"] if is_rated else ZERO


def _by(
    key: str, before: MountedRelease, after: MountedRelease, question: str, asked: Mapping[str, Any]
) -> dict[str, tuple[Row | None, Row | None]]:
    older, newer = ({row[key]: row for row in one.rows(_SQL[question], **asked)} for one in (before, after))
    return {name: (older.get(name), newer.get(name)) for name in sorted({*older, *newer})}


def _terms(mounted: MountedRelease, asked: Mapping[str, Any]) -> Iterator[ChangeTerm]:
    rows, securities = mounted.rows(_SQL["rows"], **asked), mounted.rows(_SQL["securities"], **asked)
    yield from _of_rows(rows)
    came = ZERO
    for one in securities:
        own = [row for row in rows if row["security_id"] == one["security_id"]]
        came += one["paid_in"] + _summed(row for row in own if row["is_whole"])
        beside = _summed(row for row in own if row["cause"] != _TRADE)
        price = one["change"] - one["paid_in"] - beside - one["rate_gain"]
        yield ChangeTerm(ChangeCause.PRICE, price, one["ticker"])
        yield ChangeTerm(ChangeCause.RATE, one["rate_gain"], one["ticker"], one["currency"])
    yield from _of_units(mounted, asked, rows, came)
    for balance in mounted.rows(_SQL["cash"], **asked):
        moved = _summed(row for row in rows if row["is_whole"] and row["currency"] == balance["currency"])
        yield ChangeTerm(ChangeCause.CASH_RATE, balance["change"] - moved, currency=balance["currency"])


def _of_rows(rows: Sequence[Row]) -> Iterator[ChangeTerm]:
    by_cause: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_cause[row["cause"]].append(row)
    for cause, own in by_cause.items():
        if cause != _TRADE:
            yield ChangeTerm(ChangeCause(cause), _summed(own), n_rows=sum(row["n_rows"] for row in own))


def _of_units(
    mounted: MountedRelease, asked: Mapping[str, Any], rows: Sequence[Row], came: Decimal
) -> Iterator[ChangeTerm]:
    """Units that crossed the portfolio's border, of all that `came` less what went without cash: what an event gives to
    one security it takes from another, so nothing is left of events but what no price says."""
    (flows,) = mounted.rows(_SQL["flows"], **asked)
    moved = _summed(row for row in rows if row["cause"] in (ChangeCause.PAID_IN, ChangeCause.TAKEN_OUT))
    transferred = flows["net"] - moved
    yield ChangeTerm(ChangeCause.TRANSFERRED, transferred)
    if abs(came - transferred) >= _CENT:
        yield ChangeTerm(ChangeCause.EVENT, came - transferred)


def _summed(rows: Iterator[Row] | Sequence[Row]) -> Decimal:
    return sum((row["amount"] for row in rows), ZERO)
