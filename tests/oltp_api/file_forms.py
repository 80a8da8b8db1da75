"""The forms of re-created brokers' files: which column is what, and what else each file tells twice."""

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal

from tests.oltp_api.file_contradictions import FileForm, Row
from tests.oltp_api.file_writings import Lines

_CENT = Decimal("0.01")


def _as_of(form: FileForm, rows: Sequence[Row]) -> Iterator[str]:
    """Schwab: a row that is entered later says as of which day, which is not after it."""
    for place, cells in rows:
        if " as of " in cells["Date"]:
            entered, meant = (form.moment(each) for each in cells["Date"].split(" as of "))
            if not 0 <= (entered - meant).days <= 45:
                yield f"line {place}: as of {meant.date()}"


def _accrued(form: FileForm, rows: Sequence[Row]) -> Iterator[str]:
    """Fidelity: interest that is bought with a bond stands in a column that others leave empty."""
    for place, cells in rows:
        if form.number(cells["Accrued Interest"]):
            yield f"line {place}: accrued interest that the amount has not"


def _hl_description(form: FileForm, rows: Sequence[Row]) -> Iterator[str]:
    for place, cells in rows:
        told = re.fullmatch(r".* (?P<quantity>[0-9.,]+) @ +(?P<price>[0-9.,]+)", cells["Description"])
        if form.kind(cells["Reference"]) in ("BUY", "SELL"):
            if told is None:
                yield f"line {place}: a trade without its text"
            elif (form.number(told["quantity"]), form.number(told["price"])) != (
                form.number(cells["Quantity"]),
                form.number(cells["Unit cost (p)"]),
            ):
                yield f"line {place}: {cells['Description']}"


def _hl_pence(form: FileForm, rows: Sequence[Row]) -> Iterator[str]:
    """Prices are in pence, and what is beside them is a charge: never below 0, and not a twentieth of the trade."""
    for place, cells in rows:
        kind = form.kind(cells["Reference"])
        if kind in ("BUY", "SELL"):
            quantity, price = form.number(cells["Quantity"]), form.number(cells["Unit cost (p)"])
            amount = form.number(cells["Value (£)"])
            if None in (quantity, price, amount):
                continue
            assert quantity is not None
            assert price is not None
            assert amount is not None
            worth = quantity * price / 100
            charge = -amount - worth if kind == "BUY" else worth - amount
            if not 0 <= charge <= 50 + worth / 100:
                yield f"line {place}: a charge of {charge}"


def _rates(form: FileForm, rows: Sequence[Row]) -> Iterator[str]:
    """Trading 212: the total is quantity x price over the rate, and the fee of the conversion."""
    for place, cells in rows:
        kind, rate = form.kind(cells["Action"]), cells["Exchange rate"]
        if kind not in ("BUY", "SELL"):
            continue
        quantity, price, total = (form.number(cells[name]) for name in ("No. of shares", "Price / share", "Total"))
        fee = form.number(cells["Currency conversion fee"]) or Decimal(0)
        at = form.number(rate) or Decimal(1)
        if quantity is None or price is None or total is None:
            continue
        worth = quantity * price / at
        if abs(total - (worth + fee if kind == "BUY" else worth - fee)) > _CENT:
            yield f"line {place}: {total} is not {worth} and {fee}"
        if cells["Currency (Price / share)"] == cells["Currency (Total)"] and at != 1:
            yield f"line {place}: a rate between one currency"


_MONEY_OF_212 = {
    "Price / share": "Currency (Price / share)", "Result": "Currency (Result)", "Total": "Currency (Total)",
    "Withholding tax": "Currency (Withholding tax)",
    "Currency conversion fee": "Currency (Currency conversion fee)",
}  # fmt: skip
_ISO = {"USD", "GBP", "EUR", "CHF", "CAD", ""}


def _money_of_212(form: FileForm, rows: Sequence[Row]) -> Iterator[str]:
    """Trading 212: each number has its currency beside it; totals are never below 0, and no income is without one."""
    for place, cells in rows:
        for name, currency in _MONEY_OF_212.items():
            number = form.number(cells[name])
            if (
                cells[currency] not in _ISO
                or cells[name] == "Not available"
                or (number is not None) != bool(cells[currency])
            ):
                yield f"line {place}: {name} {cells[name]} {cells[currency]}"
            if number is not None and number < 0 and name != "Result":
                yield f"line {place}: {name} {number}"
        if (form.number(cells["No. of shares"]) or 0) < 0:
            yield f"line {place}: {cells['No. of shares']} shares"
        if not form.number(cells["Total"]):
            yield f"line {place}: no total"
        is_trade = form.kind(cells["Action"]) in ("BUY", "SELL")
        if cells["Currency (Total)"] != "GBP" and (is_trade or cells["Ticker"]):
            yield f"line {place}: a total in {cells['Currency (Total)']}"
        if is_trade and cells["Currency (Currency conversion fee)"] not in ("GBP", ""):
            yield f"line {place}: a fee in another currency than the total"
        if cells["Ticker"] and cells["Currency (Price / share)"] != "USD":
            yield f"line {place}: another currency of the price"


def _swissquote_ones(form: FileForm, rows: Sequence[Row]) -> Iterator[str]:
    """Swissquote: beside what is no trade stands one unit, and no accrued interest; here nothing is a bond."""
    for place, cells in rows:
        if form.kind(cells["Transaction"]) not in ("BUY", "SELL") and form.number(cells["Quantity"]) not in (1, None):
            yield f"line {place}: {cells['Quantity']} units"
        if form.number(cells["Accrued Interest"]):
            yield f"line {place}: accrued interest"
        price, amount = form.number(cells["Unit price"]), form.number(cells["Net Amount"])
        costs = form.number(cells["Costs"]) or Decimal(0)
        if cells["Transaction"] == "Payment" and price and amount and abs(price) - costs != abs(amount):
            yield f"line {place}: {price} less {costs} is not {amount}"


def _swissquote_first(form: FileForm, rows: Sequence[Row]) -> Iterator[str]:
    """Nothing can be less after what came first than that."""
    place, cells = rows[0] if form.moment(rows[0][1]["Date"]) < form.moment(rows[-1][1]["Date"]) else rows[-1]
    balance, amount = form.number(cells["Balance"]), form.number(cells["Net Amount"])
    if balance is not None and amount is not None and balance < amount:
        yield f"line {place}: {balance} after {amount}"


def _xtb_comment(form: FileForm, rows: Sequence[Row]) -> Iterator[str]:
    for place, cells in rows:
        told = re.fullmatch(r"OPEN BUY ([0-9.]+)(?:/[0-9.]+)? @ ([0-9.]+)", cells["Comment"])
        amount = form.number(cells["Amount"])
        if form.kind(cells["Type"]) == "BUY":
            if told is None:
                yield f"line {place}: no purchase in {cells['Comment']}"
            elif amount is not None and abs(Decimal(told[1]) * Decimal(told[2]) + amount) > _CENT / 2:
                yield f"line {place}: {told[1]} x {told[2]} is not {amount}"
        elif told is not None:
            yield f"line {place}: a purchase in {cells['Comment']}"
        named = re.match(r"([A-Z]+\.[A-Z]{2}) ", cells["Comment"])
        if named and named[1] != cells["Symbol"]:
            yield f"line {place}: {named[1]} is not {cells['Symbol']}"


def _pp_gross(form: FileForm, rows: Sequence[Row]) -> Iterator[str]:
    """Portfolio Performance: what is before taxes and charges is what is after them, and they."""
    for place, cells in rows:
        gross, value = form.number(cells["Bruttobetrag"]), form.number(cells["Wert"])
        taken = sum(abs(form.number(cells[name]) or Decimal(0)) for name in ("Steuern", "Gebühren"))
        if gross is not None and value is not None and abs(gross - taken - value) > _CENT / 2:
            yield f"line {place}: {gross} less {taken} is not {value}"
        if any((form.number(cells[name]) or 0) < 0 for name in ("Steuern", "Gebühren")):
            yield f"line {place}: charges below 0"
        if bool(gross) != bool(cells["Währung Bruttobetrag"]):
            yield f"line {place}: {gross} {cells['Währung Bruttobetrag']}"


def _net_income(gross: str, tax: str, net: str, kinds: tuple[str, ...]) -> object:
    def relation(form: FileForm, rows: Sequence[Row]) -> Iterator[str]:
        for place, cells in rows:
            if cells[form.type] not in kinds:
                continue
            quantity = form.number(cells[form.quantity]) if form.quantity and gross == form.price else Decimal(1)
            before, withheld, after = (form.number(cells[name]) for name in (gross, tax, net))
            if before is not None and after is not None:
                whole = before * (quantity or Decimal(1))
                if abs(abs(whole) - abs(withheld or Decimal(0)) - after) > _CENT / 2 and kinds != ("Custody Fees",):
                    yield f"line {place}: {whole} less {withheld} is not {after}"
                if kinds == ("Custody Fees",) and abs(-whole - (withheld or Decimal(0)) - after) > _CENT / 2:
                    yield f"line {place}: {whole} and {withheld} are not {after}"
        return

    return relation


def _traderepublic(form: FileForm, rows: Sequence[Row]) -> Iterator[str]:
    for place, cells in rows:
        if cells["type"] in ("BUY", "SELL") and cells["category"] != "TRADING":
            yield f"line {place}: a trade in {cells['category']}"
        if cells["description"] in ("BUY", "SELL") and cells["description"] != cells["type"]:
            yield f"line {place}: {cells['description']} is another type"
        for name in ("original_amount", "fx_rate", "fee", "tax"):
            number = form.number(cells[name])
            if number is not None and number > 0 and name in ("fee", "tax"):
                yield f"line {place}: {name} is above 0"
            if number is None and cells[name].strip():
                yield f"line {place}: {name} is no number"


FORMS = (
    FileForm(
        "schwab_brokerage.csv",
        header=0,
        day_form="%m/%d/%Y",
        day="Date",
        type="Action",
        quantity="Quantity",
        price="Price",
        fees=("Fees & Comm",),
        amount="Amount",
        ticker=("Symbol",),
        totals="Transactions Total",
        types={
            "Buy": "BUY", "Reinvest Shares": "BUY", "Sell": "SELL", "Reinvest Dividend": "IN",
            "Qualified Dividend": "IN",
            "Credit Interest": "IN", "NRA Tax Adj": "OUT", "MoneyLink Transfer": "CASH",
        },
        relations=(_as_of,),
    ),
    FileForm(
        "fidelity_history.csv",
        header=3,
        day_form="%m/%d/%Y",
        day="Run Date",
        type="Action",
        settles="Settlement Date",
        quantity="Quantity",
        price="Price",
        fees=("Commission", "Fees"),
        amount="Amount",
        currency=("Currency", "Exchange Currency"),
        ticker=("Symbol",),
        sales_are_negative=True,
        constants={"Account": "Brokerage"},
        relations=(_accrued,),
        types={
            "DIVIDEND RECEIVED ZAA FUND (ZAA) (Cash)": "IN", "REINVESTMENT ZAA FUND (ZAA) (Cash)": "BUY",
            "YOU SOLD ZBB INC (ZBB) (Cash)": "SELL", "YOU BOUGHT ZBB INC (ZBB) (Cash)": "BUY",
            "YOU BOUGHT ZAA FUND (ZAA) (Cash)": "BUY", "Electronic Funds Transfer Received (Cash)": "IN",
        },
    ),
    FileForm(
        "ibkr_flex_trades.csv",
        header=0,
        day_form="%Y%m%d",
        day="TradeDate",
        type="Buy/Sell",
        quantity="Quantity",
        price="TradePrice",
        gross="TradeMoney",
        gross_is_signed=False,
        units_sign_gross=True,
        rate="FXRateToBase",
        fees_are_negative=True,
        fees=("IBCommission",),
        amount="NetCash",
        currency=("CurrencyPrimary", "IBCommissionCurrency"),
        ticker=("Symbol", "ISIN"),
        sales_are_negative=True,
        types={"BUY": "BUY", "SELL": "SELL"},
    ),
    FileForm(
        "ibkr_transaction_history.csv",
        header=4,
        day_form="%Y-%m-%d",
        day="Date",
        type="Transaction Type",
        quantity="Quantity",
        price="Price",
        gross="Gross Amount ",
        fees=("Commission",),
        fees_are_negative=True,
        amount="Net Amount",
        ticker=("Symbol",),
        constants={"Account": "U***00001", "Transaction History": "Transaction History", "Header": "Data"},
        sales_are_negative=True,
        types={
            "Dividend": "IN", "Foreign Tax Withholding": "OUT", "Sell": "SELL", "Buy": "BUY", "Credit Interest": "IN",
            "Deposit": "IN", "Electronic Fund Transfer": "CASH",
        },
    ),
    FileForm(
        "questrade.csv",
        header=0,
        day_form="%Y-%m-%d",
        day="Transaction Date",
        type="Action",
        settles="Settlement Date",
        quantity="Quantity",
        price="Price",
        gross="Gross Amount",
        fees=("Commission",),
        amount="Net Amount",
        currency=("Currency",),
        ticker=("Symbol",),
        own_currency="CAD",
        fees_are_negative=True,
        constants={"Account #": "55500001"},
        sales_are_negative=True,
        types={"CON": "IN", "Buy": "BUY", "Sell": "SELL", "DIV": "IN"},
    ),
    FileForm(
        "hargreaves_lansdown.csv",
        header=4,
        day_form="%d/%m/%Y",
        day="Trade date",
        type="Reference",
        settles="Settle date",
        quantity="Quantity",
        price="Unit cost (p)",
        amount="Value (£)",
        own_currency="GBP",
        encoding="latin-1",
        types={"MANAGE FEE": "OUT", "INTEREST": "IN", "S#": "SELL", "B#": "BUY", "FPC": "IN"},
        relations=(_hl_description, _hl_pence),
    ),
    FileForm(
        "swissquote.csv",
        header=0,
        writing=Lines(";"),
        day_form="%d-%m-%Y",
        day="Date",
        type="Transaction",
        quantity="Quantity",
        price="Unit price",
        fees=("Costs",),
        has_fees_on_all=True,
        amount="Net Amount",
        balance="Balance",
        currency=("Currency",),
        ticker=("Symbol", "ISIN"),
        own_currency="CHF",
        encoding="latin-1",
        types={"Custody Fees": "OUT", "Dividend": "IN", "Buy": "BUY", "Payment": "CASH"},
        relations=(
            _net_income("Unit price", "Costs", "Net Amount", ("Dividend",)),
            _net_income("Unit price", "Costs", "Net Amount", ("Custody Fees",)),
            _swissquote_ones,
            _swissquote_first,
        ),
    ),
    FileForm(
        "trading212.csv",
        header=0,
        day_form="%Y-%m-%d",
        day="Time",
        type="Action",
        quantity="No. of shares",
        price="Price / share",
        ticker=("Ticker", "ISIN"),
        own_currency="GBP",
        types={
            "Deposit": "IN", "Market buy": "BUY", "Market sell": "SELL", "Dividend (Dividend)": "IN",
            "Interest on cash": "IN",
        },
        relations=(_money_of_212, _rates),
    ),
    FileForm(
        "portfolio_performance_de.csv",
        header=0,
        writing=Lines(";"),
        decimal=",",
        day_form="%Y-%m-%d",
        day="Datum",
        type="Typ",
        quantity="Stück",
        amount="Wert",
        currency=("Buchungswährung", "Währung Bruttobetrag"),
        ticker=("ISIN", "Ticker-Symbol"),
        own_currency="EUR",
        types={"Einlage": "IN", "Kauf": "BUY", "Dividende": "IN", "Verkauf": "SELL"},
        relations=(_pp_gross,),
    ),
    FileForm(
        "traderepublic.csv",
        header=0,
        writing=Lines(";"),
        day_form="%Y-%m-%d",
        day="datetime",
        also_day="date",
        settles="value_date",
        type="type",
        quantity="shares",
        price="price",
        gross="amount",
        currency=("currency",),
        ticker=("symbol",),
        own_currency="EUR",
        sales_are_negative=True,
        types={"CUSTOMER_INPAYMENT": "IN", "BUY": "BUY", "SELL": "SELL", "INTEREST_PAYMENT": "IN"},
        relations=(_traderepublic,),
    ),
    FileForm(
        "revolut_invest.csv",
        header=0,
        day_form="%Y-%m-%d",
        day="Date",
        type="Type",
        quantity="Quantity",
        price="Price per share",
        gross="Total Amount",
        gross_is_signed=False,
        currency=("Currency",),
        ticker=("Ticker",),
        types={
            "CASH TOP-UP": "IN", "BUY - MARKET": "BUY", "SELL - MARKET": "SELL", "DIVIDEND": "IN",
            "CUSTODY FEE": "OUT",
        },
    ),
    FileForm(
        "xtb.csv",
        header=0,
        writing=Lines(";"),
        day_form="%d.%m.%Y",
        day="Time",
        type="Type",
        amount="Amount",
        ticker=("Symbol",),
        own_currency="EUR",
        types={"Stocks/ETF purchase": "BUY", "Deposit": "IN", "Dividend": "IN", "Withholding tax": "OUT"},
        relations=(_xtb_comment,),
    ),
)  # fmt: skip
