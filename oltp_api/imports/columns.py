"""Columns of brokers' files: what they are called, which type a word means, and where in a file the header is."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence

from domain.currencies import CURRENCIES
from domain.errors import InvalidInput
from domain.ledger import TxnType

HEADERS = {
    "type": "type, action, transaction type, activity type, buy sell, side, activity, operation",
    "business_date": "business date, trade date, date of trade, transaction date, run date, activity date, date",
    "ticker": "ticker, symbol, instrument, security, isin, cusip",
    "quantity": "quantity, qty, shares, units, no of shares, num shares",
    "price": "price, unit price, price share, price per share, share price, trade price, t price",
    "fees": "fees, fee, commission, commissions, fees comm, comm fee, commission fees, transaction fee",
    "amount": "amount, net amount, total, total amount, net cash, value",
    "currency": "currency, ccy, currency code, price currency, currency price share, currency price, trade currency",
    "fee_currency": "fee currency, fees currency, commission currency, currency fee, currency fees",
    "amount_currency": "amount currency, total currency, currency total, currency amount, currency net amount",
    "account": "account, account number, account id, account name",
    "external_id": "external id, transaction id, trade id, activity id, reference, reference number, ref",
    "note": "note, notes, description, memo, comment, details",
    "fx_rate": "fx rate, exchange rate, fxratetobase",
    "accrued": "accrued, accrued interest",
    "withheld": "withheld, tax withheld, withholding tax",
    "ex_date": "ex date",
    "split_new": "split new",
    "split_old": "split old",
}
"""Names of columns, without regard to case and punctuation: our own, then what brokers call them. Of two columns that
mean the same, such as a symbol and an ISIN, the one that stands earlier here counts."""
STATEMENT_HEADERS = {
    "ticker": HEADERS["ticker"],
    "account": HEADERS["account"],
    "quantity": f"{HEADERS['quantity']}, position, balance",
    "cost": "cost, cost basis, cost basis total, total cost, book value",
    "price": "price, last price, market price, close, close price, mark price",
    "market_value": "market value, current value, value, position value, mkt val, amount",
    "currency": HEADERS["currency"],
}

_TYPES = {
    TxnType.BUY: "buy, bought, b, purchase, you bought, buy to open, reinvest shares, market buy, limit buy",
    TxnType.SELL: "sell, sold, s, sale, you sold, sell to close, market sell, limit sell",
    TxnType.DEPOSIT: "deposit, cash in, contribution, moneylink deposit, electronic funds transfer received",
    TxnType.WITHDRAW: "withdraw, withdrawal, cash out, electronic funds transfer paid",
    TxnType.FEE: "fee, fees, service fee, account fee, adr mgmt fee, other fees, custody fee",
    TxnType.TAX: "tax, withholding tax, nra tax adj, foreign tax paid",
    TxnType.INTEREST: "interest, credit interest, bank interest, broker interest received, interest earned",
    TxnType.DIVIDEND: "dividend, dividends, cash dividend, qualified dividend, dividend received, reinvest dividend",
    TxnType.COUPON: "coupon, bond interest, coupon payment",
    TxnType.TRANSFER_IN: "transfer in, journaled shares in, receive",
    TxnType.TRANSFER_OUT: "transfer out, journaled shares out, deliver",
    TxnType.SPLIT: "split, stock split",
}
TYPE_OF = {word: kind for kind, words in _TYPES.items() for word in words.split(", ")}

CURRENCY_OF = re.compile(r"(?P<name>.+) (?P<currency>[a-z]{3})")
"""A header that has the currency of its amounts in it, such as Total (EUR)."""
MEANS_MONEY = re.compile(r"\b(tax|duty|levy|charge|charges|commission|fee|fees)\b")
MEANS_CURRENCY = re.compile(r"\b(currency|ccy)\b")
"""Columns that change what a row's numbers mean, if they are not understood."""

LINES_ABOVE_HEADER = 20


def header_of(
    lines: Sequence[tuple[int, Sequence[str]]], headers: Mapping[str, str], needed: tuple[str, str]
) -> tuple[int, Mapping[str, tuple[int, str]], Sequence[str]]:
    """Where the rows start, and the columns; the header is the first line that names what is needed."""
    known = {name: (column, rank) for column, names in headers.items() for rank, name in enumerate(names.split(", "))}
    for place, (line, row) in enumerate(lines[:LINES_ABOVE_HEADER]):
        found: dict[str, list[tuple[int, int, str]]] = defaultdict(list)
        ignored = []
        for index, cell in enumerate(row):
            column, rank = known.get(_without_currency(word_of(cell), known), (None, 0))
            if column is not None:
                found[column].append((rank, index, cell.strip()))
            elif cell.strip():
                ignored.append(cell.strip()[:80])
        if found.keys() >= set(needed):
            columns = {}
            for column, candidates in found.items():
                (rank, index, header), *others = sorted(candidates)
                if others and others[0][0] == rank:
                    raise InvalidInput("csv", f"has two columns {header[:40]!r} on line {line}")
                columns[column] = (index, header)
                ignored.extend(other for _, _, other in others)
            return place + 1, columns, ignored
    names = " and ".join(f"{name} ({headers[name].split(', ')[1]} ...)" for name in needed)
    raise InvalidInput("csv", f"has no header with {names} in its first {LINES_ABOVE_HEADER} lines")


def _without_currency(word: str, known: Mapping[str, tuple[str, int]]) -> str:
    """The words of a header without the currency in which its amounts are."""
    found = CURRENCY_OF.fullmatch(word)
    is_amount = found is not None and known.get(found["name"], ("", 0))[0] == "amount"
    return found["name"] if found and is_amount and found["currency"].upper() in CURRENCIES else word


def ambiguous(header: Sequence[str], ignored: Sequence[str]) -> Sequence[tuple[int, str]]:
    """Columns that are not understood, and that may change what the numbers of a row mean, with their places."""
    return [
        (place, cell.strip())
        for place, cell in enumerate(header)
        if cell.strip()[:80] in ignored and (MEANS_CURRENCY.search(word_of(cell)) or MEANS_MONEY.search(word_of(cell)))
    ]


def word_of(text: str) -> str:
    return " ".join(re.findall(r"[^\W_]+", text.casefold()))
