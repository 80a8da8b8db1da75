"""Kinds of rows that real exports have and that were refused, flagged or taken for something else, each re-created."""

from decimal import Decimal

import pytest

from domain.errors import Refusal
from domain.ledger import TxnType
from domain.securities import AssetType, Security
from oltp_api.imports.oddities import flag_inexact
from oltp_api.imports.profiles import shipped
from oltp_api.imports.rates import Rates
from oltp_api.imports.reading import Hints, Sheet, read
from oltp_api.imports.requests import Rules, SettledRequest

_REVOLUT = "Date,Ticker,Type,Quantity,Price per share,Total Amount,Currency,FX Rate\n"
_CRYPTO = "Symbol,Type,Quantity,Price,Value,Fees,Date\n"
_DEGIRO = "Datum,Tijd,Valutadatum,Product,ISIN,Omschrijving,FX,Mutatie,,Saldo,,Order Id\n"
_DEGIRO_OLDER = (
    "Datum,Uhrzeit,Produkt,ISIN,Referenzbörse,Anzahl,,Kurs,,Wert in Lokalwährun,,Wert,Wechselkurs,,Transaktionskost,,"
    "Gesamt,Order-ID\n"
)
_TRADING212 = (
    "Action,Time,ISIN,Ticker,Name,ID,No. of shares,Price / share,Currency (Price / share),Exchange rate,Result,"
    "Currency (Result),Total,Currency (Total)\n"
)
_TRANSACTION_HISTORY = (
    "Statement,Header,Field Name,Field Value\nSummary,Data,Base Currency,EUR\n"
    "Transaction History,Header,Date,Account,Description,Transaction Type,Symbol,Quantity,Price,Price Currency,"
    "Gross Amount ,Commission,Net Amount\n"
)
_ETRADE = "TransactionDate,TransactionType,SecurityType,Symbol,Quantity,Amount,Price,Commission,Description\n"
_ETORO = "Date,Type,Details,Amount,Units,Realized Equity Change,Realized Equity,Balance,Position ID,Asset type,NWA\n"
_SAXO = (
    "Client ID,Trade Date,Value Date,Trade ID,Transaction Type,Event,Booked Amount,Currency,Conversion Rate,"
    "Instrument,Instrument Symbol,Instrument ISIN,Instrument currency,Type\n"
)
_TRADE_REPUBLIC = (
    "datetime;date;account_type;category;type;asset_class;name;symbol;shares;price;amount;fee;tax;currency;original_amount;"
    "original_currency;fx_rate;description;transaction_id;value_date\n"
)
_SCHWAB = "Date,Action,Symbol,Description,Quantity,Price,Fees & Comm,Amount\n"
_SWISSQUOTE = (
    "Date;Order #;Transaction;Symbol;Name;ISIN;Quantity;Unit price;Costs;Accrued Interest;Net Amount;Balance;Currency\n"
)
_PARQET = (
    "datetime;date;time;price;shares;amount;tax;fee;type;broker;assettype;identifier;currency;fxrate;holdingname\n"
)
_OFX = (
    "<OFX><BANKMSGSRSV1><STMTTRNRS><STMTRS><CURDEF>EUR</CURDEF><BANKACCTFROM><ACCTID>7</ACCTID></BANKACCTFROM>"
    "<BANKTRANLIST><DTSTART>20150101<DTEND>20151231<STMTTRN><TRNTYPE>CREDIT<DTPOSTED>20150504<TRNAMT>1200,50<FITID>a1"
    "</STMTTRN></BANKTRANLIST>{more}</STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>"
)


def sheet_of(text: str) -> Sheet:
    return read(text.encode(), Hints(), shipped(), 100)


def requests(
    text: str, base: str = "USD", held_in: str | None = None, known: float | None = None
) -> list[SettledRequest]:
    """Every row of a file as it is asked of the ledger; each has to be one without a flag."""
    sheet = sheet_of(text)
    rules = Rules(sheet.reader, Rates(sheet.reader, base, lambda *_: known))
    made = []
    for draft in sheet.drafts:
        if draft.refusal is not None:
            raise draft.refusal
        if draft.skipped is None:
            security = Security(1, "Z", AssetType.EQUITY, held_in or base, "Z") if draft.names_security else None
            made.append(SettledRequest.model_construct(**rules.fields(draft, security)))
    assert [each.flags for each in sheet.drafts if each.flags] == []
    return made


def test_a_currency_that_is_written_at_a_number_is_its_currency() -> None:
    row = 'ZBT,Buy,0.001,"90,000.00 SEK",90.00 SEK,1.00 SEK,"May 5, 2015, 10:10:57 PM"\n'
    [bought] = requests(_CRYPTO + row, "EUR", "SEK")
    assert (bought.currency, bought.amount, bought.fees) == ("SEK", 91, 1)


def test_a_sign_of_several_currencies_is_the_securitys_or_the_portfolios_and_else_refused() -> None:
    row = 'ZBT,Buy,0.001,"$90,000.00",$90.00,$0.00,"May 5, 2015, 10:10:57 PM"\n'
    assert [each.currency for each in requests(_CRYPTO + row, "CAD")] == ["CAD"]
    assert [each.currency for each in requests(_CRYPTO + row, "EUR", "USD")] == ["USD"]
    with pytest.raises(Refusal) as refused:
        requests(_CRYPTO + row, "EUR", "EUR")
    assert refused.value.code == "currency_unclear"


def test_coins_that_are_a_reward_come_in_at_no_known_cost() -> None:
    [reward] = requests(_CRYPTO + 'ZBT,Staking reward,0.00002,,,,"Jan 15, 2015, 12:23:31 AM"\n')
    assert (reward.type, reward.quantity, reward.price) == (TxnType.TRANSFER_IN, Decimal("0.00002"), None)


def test_small_fees_in_a_total_are_fees_and_one_beside_many_totals_without_is_odd() -> None:
    bought = "2015-01-05T13:30:10.514Z,ZAA,BUY - MARKET,1.5,$52.00,$78.99,USD,1.1\n"
    [found] = requests(_REVOLUT + bought)
    assert (found.fees, found.amount) == (Decimal("0.99"), Decimal("-78.99"))

    others = "".join(f"2015-01-{day}T13:30:10Z,ZAA,BUY - MARKET,1.5,$52.00,$78.00,USD,1.1\n" for day in range(10, 22))
    sheet = sheet_of(_REVOLUT + bought + others)
    rules = Rules(sheet.reader, Rates(sheet.reader, "USD", lambda *_: None))
    for draft in sheet.drafts:
        rules.fields(draft, Security(1, "ZAA", AssetType.EQUITY, "USD", "Z"))
    flag_inexact(sheet.drafts)
    assert [each.line for each in sheet.drafts if each.flags] == [2]


@pytest.mark.parametrize(("units", "price"), [("6", "49,785"), ("1.500", "0,039"), ("1,500", "0.039")])
def test_commas_in_a_text_beside_columns_with_points_are_read_as_what_was_moved(units: str, price: str) -> None:
    worth = {"49,785": "298.71"}.get(price, "58.50")
    text = f'15-05-2015,09:05,15-05-2015,ZWORLD,IE00ZZZZZZ16,"Koop {units} @ {price} EUR",,EUR,-{worth},EUR,1.00,o1\n'
    more = "14-05-2015,09:05,14-05-2015,,,iDEAL Deposit,,EUR,{0},EUR,{0},\n".format(Decimal(worth) + 1)
    bought = requests(_DEGIRO + text + more, "EUR")[-1]
    assert bought.quantity * bought.price == pytest.approx(Decimal(worth), abs=Decimal("0.005"))


def test_a_file_with_its_currencies_before_their_numbers_is_read_as_a_newer_one() -> None:
    row = "26-10-2015,15:30,ZETT,DE000ZZZZ102,XET,30,EUR,97.39,EUR,-2921.70,EUR,-2921.70,,EUR,-2.53,EUR,-2924.23,o1\n"
    [bought] = requests(_DEGIRO_OLDER + row, "EUR")
    assert (bought.quantity, bought.price, bought.fees, bought.amount) == (
        30, Decimal("97.39"), Decimal("2.53"), Decimal("-2924.23"),
    )  # fmt: skip


def test_a_rate_of_pence_is_one_and_a_currency_of_no_result_is_not_odd() -> None:
    row = "Market sell,2015-05-05 14:30:05.104,GB00B03MLX29,ZAA,Zett,b1,10,2600.00,GBX,86.0,,EUR,302.33,EUR\n"
    [sold] = requests(_TRADING212 + row, "EUR", "GBP")
    assert (sold.price, sold.currency, sold.settled, sold.settled_currency) == (26, "GBP", Decimal("302.33"), "EUR")


def test_a_rate_that_an_amount_implies_is_taken_if_it_is_near_to_the_days_and_else_refused() -> None:
    row = "Transaction History,Data,2015-05-04,U1,ZAA INC,Buy,ZAA,5.0,170.00,USD,-680.0,-1.00,-681.0\n"
    [bought] = requests(_TRANSACTION_HISTORY + row, "EUR", "USD", known=0.81)
    assert (bought.fx_rate, bought.settled, bought.fees) == (Decimal("0.8"), 680, 1)
    for known in (None, 0.9):
        with pytest.raises(Refusal):
            requests(_TRANSACTION_HISTORY + row, "EUR", "USD", known=known)


def test_charges_that_are_missing_in_a_sale_beside_a_commission_are_fees_too() -> None:
    [sold] = requests(_ETRADE + "04/05/15,Sold,EQ,ZAA,-4,222.65,56.905,4.95,ZETT INC\n")
    assert (sold.fees, sold.amount) == (Decimal("4.97"), Decimal("222.65"))


def test_amounts_with_commas_beside_units_with_points_are_both_read() -> None:
    row = (
        '18/05/2015 04:09:41,Open Position,Z/USD," 1 200,50 ",65.359477," 0,00 "," 1 757,95 ",0,6249,Stocks," 0,00 "\n'
    )
    [bought] = requests(_ETORO + row)
    assert (bought.quantity, bought.amount) == (Decimal("65.359477"), Decimal("-1200.50"))


def test_fees_that_nobody_states_of_a_trade_in_two_currencies_are_between_its_amount_and_its_worth() -> None:
    row = (
        ',01-Jan-2015,05-Jan-2015,5000,Trade,Buy 70 @ 44.00 USD,"-2959,10",EUR,0.96012345,ZAA,ZAA:xnas,US9,USD,Stock\n'
    )
    [bought] = requests(_SAXO + row, "EUR", "USD")
    assert (bought.fees, bought.settled, bought.price) == (Decimal("1.92"), Decimal("2957.18"), 44)


def test_a_bonds_price_that_is_written_as_a_part_of_par_is_per_cent_of_it() -> None:
    row = "2015-03-15T10:00:00Z;2015-03-15;A;TRADING;BUY;BOND;Z;DE000ZZZZ102;20.00;0.989500;-19.79;-1.00;;EUR;;;;;b1;\n"
    sheet = sheet_of(_TRADE_REPUBLIC + row)
    rules = Rules(sheet.reader, Rates(sheet.reader, "EUR", lambda *_: None))
    fields = rules.fields(sheet.drafts[0], Security(1, "Z", AssetType.BOND, "EUR", "Z"))
    assert (fields["price"], fields["amount"], fields["fees"]) == (Decimal("98.95"), Decimal("20.79"), 1)


def test_units_that_are_journaled_out_have_a_minus() -> None:
    [moved] = requests(_SCHWAB + "05/22/2015,Journaled Shares,ZAA,ZAA FUND,-877,$22.91,,\n")
    assert (moved.type, moved.quantity) == (TxnType.TRANSFER_OUT, 877)


def test_interest_that_the_balance_says_was_paid_is_not_odd() -> None:
    rows = (
        "02-01-2015 11:37:15;00000000;Interests;;;;1.0;0.01;0.00;0.00;-0.01;99.99;CHF\n"
        "01-01-2015 11:37:15;00000000;Payment;;;;1.0;100.00;0.00;0.00;100.00;100.00;CHF\n"
    )
    assert requests(_SWISSQUOTE + rows, "CHF")[-1].amount == Decimal("-0.01")


def test_income_is_held_to_all_that_the_digits_of_its_share_per_unit_leave_open() -> None:
    row = "2015-06-17T07:00:00Z;17.06.2015;09:00:00;0,24;40;9,76;2,50;0;Dividend;b;Security;US99990001A9;EUR;;Zett\n"
    [paid] = requests(_PARQET + row, "EUR")
    assert (paid.amount, paid.withheld) == (Decimal("9.76"), Decimal("2.50"))


def test_ofx_may_write_decimal_commas_and_one_that_is_not_closed_right_says_so() -> None:
    assert [each.amount for each in requests(_OFX.format(more=""), "EUR")] == [Decimal("1200.50")]
    with pytest.raises(Refusal, match="cannot be read"):
        sheet_of(_OFX.format(more="") + "</OFX></OFX>")


@pytest.mark.parametrize("profile", ["finpension", "pytr"])
def test_cash_of_six_decimals_is_rounded_to_what_can_be_paid(profile: str) -> None:
    text = {
        "finpension": "Date;Category;Asset Name;ISIN;Number of Shares;Asset Currency;Currency Rate;Asset Price in CHF;"
        "Cash Flow;Balance\n2015-05-11;Interests;;;0.000000;CHF;1.0;0.000000;0.229673;0.229673\n",
        "pytr": "Date;Type;Value;Note;ISIN;Shares;Fees;Taxes\n2015-05-11;Interest;0.229673;Interest;;;;\n",
    }[profile]
    assert [each.amount for each in requests(text, "CHF")] == [Decimal("0.23")]
