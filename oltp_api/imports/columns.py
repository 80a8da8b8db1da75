"""Columns of brokers' files: what they are called, and which type a word means."""

import re

from domain.ledger import TxnType

HEADERS = {
    "type": "type, action, transaction type, activity type, buy sell, side, activity, operation",
    "day": "business date, trade date, date of trade, transaction date, run date, activity date, date",
    "ticker": "ticker, symbol, instrument, security",
    "isin": "isin",
    "cusip": "cusip",
    "name": "name, security name, product, product name, company",
    "quantity": "quantity, qty, shares, units, no of shares, num shares",
    "price": "price, unit price, price share, price per share, share price, trade price, t price",
    "fees": "fees, fee, commission, commissions, fees comm, comm fee, commission fees, transaction fee",
    "amount": "amount, net amount, total, total amount, net cash, value",
    "currency": "currency, ccy, currency code, price currency, currency price share, currency price, trade currency",
    "fee_currency": "fee currency, fees currency, commission currency, currency fee, currency fees",
    "amount_currency": "amount currency, total currency, currency total, currency amount, currency net amount",
    "account": "account, account number, account id, account name",
    "reference": "external id, transaction id, trade id, activity id, reference, reference number, ref",
    "note": "note, notes, description, memo, comment, details",
    "fx_rate": "fx rate, exchange rate, fxratetobase",
    "accrued": "accrued, accrued interest",
    "withheld": "withheld, tax withheld, withholding tax, tax",
    "ex_date": "ex date",
    "split_new": "split new",
    "split_old": "split old",
}
"""Names of columns, without regard to case and punctuation: our own, then what brokers call them. Of two columns that
mean the same, such as a symbol and an ISIN, the one that stands earlier here counts."""
STATEMENT_HEADERS = {
    "ticker": HEADERS["ticker"] + ", isin, cusip",
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


def word_of(text: str) -> str:
    words: list[str] = re.findall(r"[^\W_]+", text.casefold())
    return " ".join(words)
