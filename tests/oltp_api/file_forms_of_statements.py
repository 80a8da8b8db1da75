"""The forms of statements that tell one transaction on several lines or in elements: DEGIRO and OFX."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import timedelta
from decimal import Decimal

from tests.oltp_api.file_contradictions import Cells, FileForm, Relation, Row
from tests.oltp_api.file_writings import Elements

_CENT = Decimal("0.01")
_SHORTLY = timedelta(days=45)
_MOVES = (
    "date", "time", "value date", "product", "isin", "said", "rate", "unit", "moved", "balance unit", "balance",
    "order",
)  # fmt: skip
_TRADES = (
    "date", "time", "product", "isin", "exchange", "venue", "quantity", "price", "price unit", "local", "local unit",
    "value", "value unit", "rate", "fees", "fee unit", "total", "unit", "order",
)  # fmt: skip


def _degiro(form: FileForm, rows: Sequence[Row]) -> Iterator[str]:
    """Balances of each currency go on, a trade is what its text says, and its charges share its order."""
    orders: dict[str, set[str]] = defaultdict(set)
    named: dict[str, set[str]] = defaultdict(set)
    for place, cells in rows:
        kind = form.kind(cells["said"])
        if cells["unit"] != cells["balance unit"]:
            yield f"line {place}: {cells['unit']} beside a balance of {cells['balance unit']}"
        if not re.fullmatch(r"(?:[01]?[0-9]|2[0-3]):[0-5][0-9]", cells["time"]):
            yield f"line {place}: no time {cells['time']}"
        gap = form.moment(cells["value date"]) - form.moment(cells["date"])
        if not (timedelta(0) if kind in ("BUY", "SELL") else -_SHORTLY) <= gap <= _SHORTLY:
            yield f"line {place}: a value date of {cells['value date']}"
        if not form.number(cells["moved"]) or form.number(cells["balance"]) is None:
            yield f"line {place}: moves {cells['moved']}, {cells['balance']} after it"
        if kind in ("BUY", "SELL", "SPLIT"):
            yield from _degiro_trade(form, place, cells)
        if cells["isin"] and cells["unit"] != form.own_currency and "ZWORLD" in cells["product"]:
            yield f"line {place}: {cells['unit']} for {cells['product']}"
        if cells["order"]:
            orders[cells["order"]].add(kind)
            named[cells["order"]].add(cells["isin"])
    for order, kinds in orders.items():
        if "OUT" in kinds and not kinds & {"BUY", "SELL"}:
            yield f"order {order} has {kinds} and no trade"
        if len(named[order]) > 1:
            yield f"order {order} is of {named[order]}"
    yield from _degiro_balances(form, rows)
    yield from _degiro_pairs(form, rows)


def _degiro_trade(form: FileForm, place: int, cells: Cells) -> Iterator[str]:
    told = re.search(r"(?:Koop|Buy|Sell|Verkoop) ([0-9.,]+) .*@ ?([0-9.,]+) ([A-Z]{3})", cells["said"])
    amount = form.number(cells["moved"])
    if told is None:
        yield f"line {place}: no trade in {cells['said']}"
    elif amount is not None:
        quantity, price = form.number(told[1]), form.number(told[2])
        if not quantity or price is None or abs(quantity * price - abs(amount)) > _CENT / 2:
            yield f"line {place}: {cells['said']} is not {amount}"
        if told[3] != cells["unit"]:
            yield f"line {place}: {cells['said']} in {cells['unit']}"
        named = re.search(r"\(([A-Z0-9]{12})\)", cells["said"])
        if named and named[1] != cells["isin"]:
            yield f"line {place}: {cells['said']} of {cells['isin']}"


def _degiro_balances(form: FileForm, rows: Sequence[Row]) -> Iterator[str]:
    balances: dict[str, Decimal] = {}
    for place, cells in reversed(rows):
        moved, now = form.number(cells["moved"]) or Decimal(0), form.number(cells["balance"])
        before = balances.get(cells["unit"])
        if now is None:
            continue
        if (before is None and 0 <= now < moved) or (before is not None and before + moved != now):
            yield f"line {place}: {before} and {moved} are not {now}"
        balances[cells["unit"]] = now


def _degiro_pairs(form: FileForm, rows: Sequence[Row]) -> Iterator[str]:
    """One line takes and the other brings: an exchange at its rate, a split at no cost."""
    groups: dict[tuple[str, ...], list[Row]] = defaultdict(list)
    for row in rows:
        kind = form.kind(row[1]["said"])
        if kind in ("FX", "SPLIT"):
            time = row[1]["time"] if kind == "FX" else ""
            groups[kind, row[1]["date"], time, row[1]["order"], row[1]["isin"]].append(row)
    for (kind, *_), pair in groups.items():
        amounts = [form.number(cells["moved"]) or Decimal(0) for _, cells in pair]
        if len(pair) != 2 or (amounts[0] < 0) == (amounts[1] < 0):
            yield f"line {pair[0][0]}: half of a {kind}"
        elif kind == "SPLIT":
            if amounts[0] + amounts[1]:
                yield f"line {pair[0][0]}: {amounts} in a split"
        else:
            rates = [form.number(cells["rate"]) for _, cells in pair if cells["rate"]]
            quotients = (abs(amounts[0] / amounts[1]), abs(amounts[1] / amounts[0]))
            if len(rates) != 1 or not rates[0] or min(abs(each / rates[0] - 1) for each in quotients) > _CENT:
                yield f"line {pair[0][0]}: {amounts} at {rates}"


def _degiro_trades(form: FileForm, rows: Sequence[Row]) -> Iterator[str]:
    """Each currency is told beside its number, and the sums are told from left to right."""
    for place, cells in rows:
        if {cells[name] for name in ("price unit", "local unit", "value unit", "fee unit", "unit")} != {"EUR"}:
            yield f"line {place}: other currencies"
        quantity, price, local, value, fees, total = (
            form.number(cells[name]) for name in ("quantity", "price", "local", "value", "fees", "total")
        )
        if not re.fullmatch(r"(?:[01]?[0-9]|2[0-3]):[0-5][0-9]", cells["time"]):
            yield f"line {place}: no time {cells['time']}"
        if None in (quantity, price, local, value, total):
            yield f"line {place}: a number is not there"
            continue
        assert quantity is not None and price is not None and local is not None  # noqa: PT018
        assert value is not None and total is not None  # noqa: PT018
        if local != -quantity * price or local != value or value + (fees or 0) != total or (fees or 0) > 0:
            yield f"line {place}: {quantity} x {price} is not {local}, {value}, {fees}, {total}"
        if form.number(cells["rate"]):
            yield f"line {place}: a rate between one currency"


def _ofx(year: int) -> Relation:
    """All is of one year; totals are units x price with the charges, splits are told twice, and types say a sign."""

    def relation(form: FileForm, rows: Sequence[Row]) -> Iterator[str]:
        for place, cells in rows:
            days = [form.moment(cells[name]) for name in ("DTTRADE", "DTPOSTED", "DTSETTLE") if cells.get(name)]
            if any(day.year != year for day in days):
                yield f"line {place}: {days} out of the statement's period"
            if not timedelta(0) <= days[-1] - days[0] <= _SHORTLY:
                yield f"line {place}: settles on {days[-1]}"
            yield from _ofx_numbers(form, place, cells)
            if cells.get("UNIQUEID") == "CUSIP":
                yield f"line {place}: no security is CUSIP"

    return relation


def _ofx_numbers(form: FileForm, place: int, cells: Cells) -> Iterator[str]:
    kind = form.kind(cells["record"])
    units, price, total, moved = (
        form.number(cells.get(name, "")) for name in ("UNITS", "UNITPRICE", "TOTAL", "TRNAMT")
    )
    charges = [form.number(cells.get(name, "")) or Decimal(0) for name in ("COMMISSION", "FEES")]
    if any(each < 0 for each in charges):
        yield f"line {place}: charges of {charges}"
    if cells.get("TRNTYPE") and (moved or 0) * _SIGNS.get(cells["TRNTYPE"], 0) <= 0:
        yield f"line {place}: {cells['TRNTYPE']} of {moved}"
    if kind in ("BUY", "SELL"):
        if not units or price is None or total is None or (units > 0) != (kind == "BUY"):
            yield f"line {place}: {kind} of {units} at {price} for {total}"
        elif abs(-units * price - sum(charges) - total) > _CENT / 2:
            yield f"line {place}: {units} x {price} with {charges} is not {total}"
        if cells.get("BUYTYPE", "") not in ("", kind) or cells.get("SELLTYPE", "") not in ("", kind):
            yield f"line {place}: {kind} that is {cells.get('BUYTYPE')}{cells.get('SELLTYPE')}"
    elif kind in ("IN", "OUT") and total is not None and (not total or (total > 0) != (kind == "IN")):
        yield f"line {place}: {total} in {cells['record']}"
    elif kind == "IN" and total is None and moved is None:
        yield f"line {place}: nothing comes"
    if cells.get("INCOMETYPE", "") not in ("", "DIV"):
        yield f"line {place}: income of {cells['INCOMETYPE']}"
    if kind == "SPLIT":
        old, new, above, below = (form.number(cells[name]) for name in _OF_SPLITS)
        if not (old and new and above and below) or old * above != new * below or min(old, new, above, below) < 0:
            yield f"line {place}: from {old} to {new} by {above} for {below}"


_SIGNS = {"CREDIT": 1, "DEP": 1}
_NUMBERS_OF_OFX = ("UNITS", "UNITPRICE", "TOTAL", "TRNAMT")
_OF_SPLITS = ("OLDUNITS", "NEWUNITS", "NUMERATOR", "DENOMINATOR")

STATEMENTS = (
    *(
        FileForm(
            name,
            header=0,
            names=_MOVES,
            day_form="%d-%m-%Y",
            decimal=decimal,
            day="date",
            type="said",
            amount="moved",
            rate="rate",
            currency=("unit", "balance unit"),
            own_currency="EUR",
            types={
                "Koop *": "BUY", "Buy *": "BUY", "Sell *": "SELL", "Dividendbelasting": "OUT", "Dividend Tax": "OUT",
                "Dividend": "IN", "DEGIRO *": "OUT", "iDEAL Deposit": "IN", "FX *": "FX", "STOCK SPLIT: *": "SPLIT",
                "Reservation *": "HELD",
            },
            relations=(_degiro,),
        )
        for name, decimal in (("degiro_account.csv", ","), ("degiro_account_en.csv", "."))
    ),
    FileForm(
        "degiro_transactions.csv",
        header=0,
        names=_TRADES,
        day_form="%d-%m-%Y",
        decimal=",",
        day="date",
        type="exchange",
        quantity="quantity",
        price="price",
        currency=("price unit", "local unit", "value unit", "fee unit", "unit"),
        own_currency="EUR",
        types={"EAM": "TRADE", "XAMS": "TRADE"},
        relations=(_degiro_trades,),
    ),
    *(
        FileForm(
            name,
            header=0,
            writing=Elements(),
            day_form="%Y%m%d",
            type="record",
            types={
                "INVBANKTRAN": "IN", "BUYSTOCK": "BUY", "BUYMF": "BUY", "SELLSTOCK": "SELL", "SELLMF": "SELL",
                "REINVEST": "BUY", "INCOME": "IN", "RETOFCAP": "IN", "INVEXPENSE": "OUT", "MARGININTEREST": "OUT",
                "SPLIT": "SPLIT", "JRNLFUND": "MOVE",
            },
            relations=(_ofx(year),),
        )
        for name, year in (("investment.qfx", 2015), ("investment_more.ofx", 2016))
    ),
)  # fmt: skip
