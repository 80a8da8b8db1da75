"""The forms of files that trackers and ledgers write: Ghostfolio, Wealthfolio and beancount."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from decimal import Decimal

from tests.oltp_api.file_contradictions import Cells, FileForm, Row
from tests.oltp_api.file_writings import Lines, Records

_CENT = Decimal("0.01")


def _worth(form: FileForm, cells: Cells) -> Decimal:
    """Quantity x price, 0 where one is not there."""
    assert form.quantity is not None
    assert form.price is not None
    return (form.number(cells[form.quantity]) or Decimal(0)) * (form.number(cells[form.price]) or Decimal(0))


def _ghostfolio(form: FileForm, rows: Sequence[Row]) -> Iterator[str]:
    """Nothing is below 0; a dividend is quantity x price, and a charge is in its own column alone."""
    for place, cells in rows:
        numbers = [form.number(cells[name]) for name in form.numbers]
        if any(number is not None and number < 0 for number in numbers):
            yield f"line {place}: {numbers} have a sign in a file of none"
        kind, fee = form.kind(cells[form.type]), form.number(cells[form.fees[0]])
        if kind == "PAID" and not _worth(form, cells):
            yield f"line {place}: a dividend of nothing"
        symbol, currency = cells.get("Code", cells.get("symbol")), cells[form.currency[0]]
        if kind != "OUT" and (not symbol or currency not in (form.own_currency, "")):
            yield f"line {place}: {cells[form.type]} of {symbol} in {currency}"
        if kind == "OUT" and (not fee or form.number(cells[form.price or ""])):
            yield f"line {place}: a charge of {fee} with a price"


def _wealthfolio(form: FileForm, rows: Sequence[Row]) -> Iterator[str]:
    """Nothing is below 0; income is quantity x price, or its amount, or both; only some kinds have a fee."""
    for place, cells in rows:
        numbers = [form.number(cells[name]) for name in (*form.numbers, "amount")]
        if any(number is not None and number < 0 for number in numbers):
            yield f"line {place}: {numbers} have a sign in a file of none"
        kind, amount = form.kind(cells[form.type]), form.number(cells["amount"])
        if kind in ("PAID", "EARNED", "IN", "CASH") and not amount and (kind != "PAID" or not _worth(form, cells)):
            yield f"line {place}: {cells[form.type]} of nothing"
        near = _CENT if kind == "PAID" else _CENT / 2  # units of a dividend are rounded too
        if kind in ("PAID", "BUY", "SELL") and amount is not None and abs(amount - _worth(form, cells)) > near:
            yield f"line {place}: {amount} is not {_worth(form, cells)}"
        if kind in ("IN", "CASH", "UNITS", "SPLIT") and form.number(cells["fee"]):
            yield f"line {place}: a fee of {cells['fee']} in {cells[form.type]}"
        if kind in ("UNITS", "SPLIT", "PAID", "BUY", "SELL") and not cells["symbol"].strip():
            yield f"line {place}: {cells[form.type]} of no security"
        if kind in ("UNITS", "SPLIT") and not form.number(cells["quantity"]):
            yield f"line {place}: {cells[form.type]} of nothing"
        if form.quantity and (form.number(cells["fxRate"]) or 1) < 0:
            yield f"line {place}: a rate below 0"


def _beancount(form: FileForm, rows: Sequence[Row]) -> Iterator[str]:
    """A transaction's postings have one day, balance at cost, and its cash is what its price and charges come to."""
    entries: dict[str, list[tuple[int, Cells]]] = defaultdict(list)
    for place, cells in rows:
        entries[cells["id"]].append((place, cells))
        account = cells["account"].split(":")[0]
        if account not in ("Assets", "Liabilities", "Income", "Expenses", "Equity"):
            yield f"line {place}: no account {cells['account']}"
        if cells["inside"] not in ("TRUE", "FALSE") or (cells["inside"] == "TRUE") != _is_inside(cells["account"]):
            yield f"line {place}: {cells['account']} is inside: {cells['inside']}"
        if cells["cost_number"] and (not cells["cost_currency"] or cells["inside"] != "TRUE"):
            yield f"line {place}: a cost of {cells['cost_number']} {cells['cost_currency']}"
        if cells["cost_currency"] and (not cells["cost_number"] or cells["cost_currency"] == cells["currency"]):
            yield f"line {place}: {cells['cost_currency']} without a cost"
        if cells["cost_currency"] and cells["cost_currency"] != form.own_currency:
            yield f"line {place}: a cost in {cells['cost_currency']}"
        if cells["price"].strip() and not re.fullmatch(rf"[0-9.]+ {form.own_currency}", cells["price"].strip()):
            yield f"line {place}: a price of {cells['price']}"
        if not re.fullmatch(r"[A-Z]+", cells["currency"]):
            yield f"line {place}: no commodity {cells['currency']}"
        if not cells["cost_number"] and cells["currency"] != form.own_currency:
            yield f"line {place}: cash in {cells['currency']}"
    for postings in entries.values():
        yield from _balanced(form, postings)


def _is_inside(account: str) -> bool:
    return account.startswith("Assets:Broker")


def _balanced(form: FileForm, postings: Sequence[Row]) -> Iterator[str]:
    place = postings[0][0]
    if len({cells["date"] for _, cells in postings}) > 1:
        yield f"line {place}: a transaction of two days"
    total = traded = others = Decimal(0)
    for _, cells in postings:
        number, cost = form.number(cells["number"]), form.number(cells["cost_number"])
        if number is None or not number:
            yield f"line {place}: a posting of nothing"
            continue
        total += number * (1 if cost is None else cost)
        if cells["price"].strip():
            traded += number * (form.number(cells["price"].split()[0]) or Decimal(0))
        elif cost is not None:
            traded += number * cost
        elif "Gains" not in cells["account"]:
            others += number
    if abs(total) >= _CENT:
        yield f"line {place}: its postings add up to {total}"
    if abs(traded + others) > _CENT / 2:
        yield f"line {place}: at its price, its postings add up to {traded + others}"
    prices = {cells["price"] for _, cells in postings if cells["cost_number"]}
    if len(prices) > 1:
        yield f"line {place}: two prices {prices}"


_OF_GHOSTFOLIO = {"buy": "BUY", "sell": "SELL", "dividend": "PAID", "fee": "OUT"}
_OF_WEALTHFOLIO = {
    "DEPOSIT": "IN", "CREDIT": "IN", "WITHDRAWAL": "CASH", "INTEREST": "EARNED", "FEE": "TAKEN", "TAX": "TAKEN",
    "BUY": "BUY", "SELL": "SELL", "DIVIDEND": "PAID", "TRANSFER_IN": "UNITS", "TRANSFER_OUT": "UNITS", "SPLIT": "SPLIT",
}  # fmt: skip

TRACKERS = (
    FileForm(
        "ghostfolio.csv",
        header=0,
        day_form=("%d-%m-%Y", "%d/%m/%Y"),
        day="Date",
        type="Action",
        quantity="Quantity",
        price="Price",
        fees=("Fee",),
        has_fees_on_all=True,
        currency=("Currency",),
        types=_OF_GHOSTFOLIO,
        relations=(_ghostfolio,),
    ),
    FileForm(
        "ghostfolio.json",
        header=0,
        writing=Records("activities"),
        day_form="%Y-%m-%d",
        day="date",
        type="type",
        quantity="quantity",
        price="unitPrice",
        fees=("fee",),
        has_fees_on_all=True,
        currency=("currency",),
        types={word.upper(): kind for word, kind in _OF_GHOSTFOLIO.items()},
        relations=(_ghostfolio,),
    ),
    *(
        FileForm(
            name,
            header=0,
            writing=Lines(separator),
            day_form="%Y-%m-%d",
            day="date",
            type=kind,
            quantity="quantity",
            price=price,
            fees=("fee",),
            has_fees_on_all=True,
            currency=("currency",),
            ticker=("symbol",),
            types=_OF_WEALTHFOLIO,
            relations=(_wealthfolio,),
        )
        for name, separator, kind, price in (
            ("wealthfolio.csv", ",", "type", "unit_price"),
            ("wealthfolio_camel.csv", ";", "activityType", "unitPrice"),
        )
    ),
    *(
        FileForm(
            name,
            header=0,
            day_form="%Y-%m-%d",
            day="date",
            type="inside",
            quantity="number",
            price="cost_number",
            types={"TRUE": "POSTING", "FALSE": "POSTING"},
            relations=(_beancount,),
        )
        for name in ("ledger.beancount", "income.beancount")
    ),
)
