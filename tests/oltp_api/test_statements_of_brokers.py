"""Statements as brokers write them, re-created with invented figures: what of them is held, and what is none."""

from collections.abc import Mapping
from decimal import Decimal

import pytest

from oltp_api.imports.profiles import shipped_statements
from oltp_api.imports.recognition import fitting, heads_of
from oltp_api.imports.statement import statement_rows

STATEMENTS: dict[str, tuple[str, str, list[dict[str, str]]]] = {
    "Schwab, all accounts": (
        "schwab_positions",
        """"Positions for All-Accounts as of 10:00 AM ET, 12/30/2016"

"Individual ...123"
"Symbol","Description","Qty (Quantity)","Mkt Val (Market Value)","Cost Basis","Asset Type",
"AAPL","APPLE INC","1,500","$174,000.00 ","Incomplete","Equity",
"Cash & Cash Investments","--","--","$61.04","--","Cash and Money Market",
"Account Total","","","$174,061.04","--","",

"Roth IRA ...456"
"Symbol","Description","Qty (Quantity)","Mkt Val (Market Value)","Cost Basis","Asset Type",
"AAPL 01/20/2017 120.00 C","CALL APPLE INC","-1","-$120.00","-$75.00","Option",
"Positions Total","","","-$120.00","-$75.00","",
""",
        [
            {"ticker": "AAPL", "quantity": "1500", "market_value": "174000", "currency": "USD"},
            {"ticker": "CASH", "market_value": "61.04", "currency": "USD"},
            {
                "ticker": "AAPL 01/20/2017 120.00 C",
                "quantity": "-1",
                "market_value": "-120",
                "cost": "-75",
                "currency": "USD",
            },
        ],
    ),
    "Fidelity, with a plan": (
        "fidelity_positions",
        """Account Number,Account Name,Symbol,Description,Quantity,Last Price,Current Value,Type
X1,Individual,SPAXX**,HELD IN MONEY MARKET,,,$105.46,Cash,
X1,Individual,AAPL,APPLE INC,15,$116.00,$1740.00,Margin,
123,PLAN 401(K),,STABLE VALUE FUND,10,$1.00,$10.00,
123,PLAN 401(K),,BROKERAGELINK,1845.46,$1.00,$1845.46,
X1,Individual,Pending Activity,,,,$-12.00,

"The data and information in this spreadsheet is provided to you solely for your use."
""",
        [
            {"ticker": "CASH", "quantity": "105.46", "market_value": "105.46", "currency": "USD"},
            {"ticker": "AAPL", "quantity": "15", "price": "116", "market_value": "1740", "currency": "USD"},
            {
                "ticker": "STABLE VALUE FUND",
                "quantity": "10",
                "price": "1",
                "market_value": "10",
                "currency": "USD",
            },
        ],
    ),
    "Vanguard, holdings above transactions": (
        "vanguard_positions",
        """Account Number,Investment Name,Symbol,Shares,Share Price,Total Value,
11111111,APPLE INC,AAPL,15,116,1740,
11111111,VANGUARD FEDERAL MONEY MARKET INVESTOR CL,VMFXX,8400,1,8400,
11111111,U S TREASURY NOTE 1.875 01/15/36,null,5000,1,5000,



Account Number,Trade Date,Settlement Date,Transaction Type,Symbol,Shares,Share Price,Net Amount,Account Type,
11111111,2016-01-05,2016-01-08,Buy,AAPL,15,100,-1500,CASH,
""",
        [
            {"ticker": "AAPL", "quantity": "15", "price": "116", "market_value": "1740", "currency": "USD"},
            {"ticker": "CASH", "quantity": "8400", "price": "1", "market_value": "8400", "currency": "USD"},
            {
                "ticker": "U S TREASURY NOTE 1.875 01/15/36",
                "quantity": "5000",
                "price": "1",
                "market_value": "5000",
                "currency": "USD",
            },
        ],
    ),
    "Interactive Brokers, an activity statement": (
        "ibkr_positions",
        """Statement,Header,Field Name,Field Value
Statement,Data,Title,Activity Statement
Statement,Data,Period,"December 30, 2016"
Cash Report,Header,Currency Summary,Currency,Total,Securities,Futures,
Cash Report,Data,Starting Cash,USD,9000,9000,0,
Cash Report,Data,Ending Cash,Base Currency Summary,8420,8420,0,
Cash Report,Data,Ending Cash,CAD,27,27,0,
Cash Report,Data,Ending Cash,USD,8400,8400,0,
Cash Report,Data,Ending Settled Cash,USD,8400,8400,0,
Open Positions,Header,DataDiscriminator,Asset Category,Currency,Symbol,Quantity,Mult,Cost Basis,Close Price,Value
Open Positions,Data,Summary,Stocks,USD,AAPL,15,1,1500,116,1740
Open Positions,Data,Lot,Stocks,USD,AAPL,10,,1000,116,1160
Open Positions,Data,Lot,Stocks,USD,AAPL,5,,500,116,580
Open Positions,Total,,Stocks,USD,,,,1500,,1740
Trades,Header,DataDiscriminator,Asset Category,Currency,Symbol,Date/Time,Quantity,T. Price,Proceeds,Code
Trades,Data,Order,Stocks,USD,AAPL,"2016-12-01, 09:30:00",5,100,-500,O
Financial Instrument Information,Header,Asset Category,Symbol,Description,Security ID,Type
Financial Instrument Information,Data,Stocks,AAPL,APPLE INC,US0378331005,COMMON
""",
        [
            {
                "ticker": "AAPL",
                "isin": "US0378331005",
                "quantity": "15",
                "price": "116",
                "market_value": "1740",
                "cost": "1500",
                "currency": "USD",
            },
            {"ticker": "CASH", "quantity": "27", "currency": "CAD"},
            {"ticker": "CASH", "quantity": "8400", "currency": "USD"},
        ],
    ),
    "Hargreaves Lansdown, prices in pence": (
        "hargreaves_lansdown_holdings",
        """HL Stocks & Shares ISA, , , ,
Client Name:,A Person, , ,

Stock value:,"10,500.00", , ,
Total cash:,"1,100.00", , ,

Code,Stock,Units held,Price (pence),Value (£),Cost (£),Gain/loss (£),Gain/loss (%),
"VUAG","Vanguard S&P 500 *1","100","10,500.00","10,500.00","9,000.00","1,500.00","16.67"
"","Totals","","","10,500.00","9,000.00","1,500.00","16.67"
""",
        [
            {"ticker": "VUAG", "quantity": "100", "market_value": "10500", "cost": "9000", "currency": "GBP"},
            {"ticker": "CASH", "quantity": "1100", "currency": "GBP"},
        ],
    ),
    "DEGIRO, cash of two currencies": (
        "degiro_portfolio",
        """Produkt,Symbol/ISIN,Anzahl,Schlusskurs,Wert,,Wert in EUR
CASH & CASH FUND & FTX CASH (EUR),,,,EUR,"1000,50","1000,50"
CASH & CASH FUND & FTX CASH (USD),,,,USD,"2,24","1,97"
APPLE INC,US0378331005,15,"116,00",USD,"1740,00","1666,67"
""",
        [
            {"ticker": "CASH", "quantity": "1000.5", "currency": "EUR"},
            {"ticker": "CASH", "quantity": "2.24", "currency": "USD"},
            {"ticker": "US0378331005", "quantity": "15", "price": "116"},
        ],
    ),
    "DEGIRO of Switzerland, before 2021": (
        "degiro_portfolio",
        """Product,Symbol/ISIN,Amount,Closing,Local value,Value in CHF
CASH & CASH FUND & FTX CASH (CHF),,,,CHF 143.20,143.20
APPLE INC,US0378331005,15,116.00,USD 1740.00,1666.67
""",
        [
            {"ticker": "CASH", "quantity": "143.2", "currency": "CHF"},
            {"ticker": "US0378331005", "quantity": "15", "price": "116"},
        ],
    ),
    "Trading 212, a pie": (
        "trading212_pie",
        """"Slice","Name","Invested value","Value","Result","Owned quantity","Dividends gained"
"AAPL","Apple","1500","1740","240","15","N/A"
"Total","My pie","1500","1740","240","","0"
""",
        [{"ticker": "AAPL", "quantity": "15", "market_value": "1740", "cost": "1500"}],
    ),
    "E*Trade, portfolio": (
        "etrade_positions",
        """Account Summary
Account,Net Account Value,Total Gain $
"Individual -1234","10,140.00","240.00"

Symbol,Last Price $,Change $,Change %,Quantity,Price Paid $,Day's Gain $,Total Gain $,Total Gain %,Value $
AAPL,116.00,1.0,0.5,15,100.00,15.0,240.0,16.0,"1,740.00"
CASH,,,,,,,,,"8,400.00"
TOTAL,,,,,100.00,15.0,240.0,16.0,"10,140.00"

Generated at Dec 30 2016 10:00 AM ET
""",
        [
            {"ticker": "AAPL", "quantity": "15", "price": "116", "market_value": "1740", "currency": "USD"},
            {"ticker": "CASH", "market_value": "8400", "currency": "USD"},
        ],
    ),
}


@pytest.mark.parametrize("name", STATEMENTS)
def test_a_statement_goes_in_as_its_broker_writes_it(name: str) -> None:
    profile, text, expected = STATEMENTS[name]

    found = [_plain(fields) for _, fields in statement_rows(text, 100)]

    assert [each.profile.name for each in fitting(heads_of(text), shipped_statements().values())] == [profile]
    assert sorted(found, key=str) == sorted(map(_plain, expected), key=str)


def _plain(fields: Mapping[str, object]) -> dict[str, str]:
    numbers = ("quantity", "price", "market_value", "cost")
    return {
        name: f"{Decimal(str(fields[name])).normalize():f}" if name in numbers else str(fields[name])
        for name in sorted(fields)
    }


def test_every_statement_profile_is_tried() -> None:
    assert {profile for profile, *_ in STATEMENTS.values()} == shipped_statements().keys()
