"""Tables of other trackers: Portfolio Performance's list of all transactions, and Wealthfolio's activities."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from uuid import UUID
from zoneinfo import ZoneInfo

from domain.errors import plain
from domain.holdings import CostMethod
from domain.money import ZERO
from oltp_api.exports.actions import PlainAction, Word, actions, adjusted
from oltp_api.exports.moves import Fold
from oltp_api.exports.repository import ExportedAccount, ExportedSecurity, LedgerExports
from oltp_api.web.csv_cells import escaped

_PERFORMANCE = (
    *("Date", "Time", "Type", "Value", "Transaction Currency", "Gross Amount", "Currency Gross Amount"),
    *("Exchange Rate", "Fees", "Taxes", "Shares", "ISIN", "WKN", "Ticker Symbol", "Security Name", "Note"),
    *("Cash Account", "Securities Account"),
)
_PERFORMANCE_TYPES: Mapping[Word, tuple[str, str]] = {
    Word.BUY: ("Buy", "Buy"),
    Word.SELL: ("Sell", "Sell"),
    Word.IN: ("Delivery (Inbound)", "Delivery (Inbound)"),
    Word.OUT: ("Delivery (Outbound)", "Delivery (Outbound)"),
    Word.DEPOSIT: ("Deposit", "Removal"),
    Word.WITHDRAW: ("Deposit", "Removal"),
    Word.DIVIDEND: ("Dividend", "Interest Charge"),
    Word.INTEREST: ("Interest", "Interest Charge"),
    Word.FEE: ("Fees Refund", "Fees"),
    Word.TAX: ("Tax Refund", "Taxes"),
}
"""Types of what brings cash, and of what takes it."""
_PIECE = 60_000
_WEALTHFOLIO = (
    *("date", "type", "symbol", "instrumentType", "quantity", "unit_price", "currency", "fee", "amount", "comment"),
    *("fxRate", "subtype", "account"),
)
_WEALTHFOLIO_TYPES: Mapping[Word, tuple[str, str]] = {
    Word.BUY: ("BUY", "BUY"),
    Word.SELL: ("SELL", "SELL"),
    Word.IN: ("TRANSFER_IN", "TRANSFER_IN"),
    Word.OUT: ("TRANSFER_OUT", "TRANSFER_OUT"),
    Word.DEPOSIT: ("DEPOSIT", "WITHDRAWAL"),
    Word.WITHDRAW: ("DEPOSIT", "WITHDRAWAL"),
    Word.DIVIDEND: ("DIVIDEND", "FEE"),
    Word.INTEREST: ("INTEREST", "FEE"),
    Word.FEE: ("CREDIT", "FEE"),
    Word.TAX: ("CREDIT", "TAX"),
    Word.SPLIT: ("SPLIT", "SPLIT"),
}


def as_portfolio_performance(reads: LedgerExports, portfolio_id: UUID) -> Iterator[bytes]:
    """Semicolons and English words, in units of today: its prices are adjusted for splits. A cash account is of one
    currency there, and is named after both."""
    portfolio = reads.portfolio(portfolio_id)
    securities, accounts = reads.securities(portfolio_id), reads.accounts(portfolio_id)
    zone, fold = ZoneInfo(portfolio.time_zone), Fold(CostMethod(portfolio.cost_method))
    ratios = reads.ratios(portfolio_id)
    table = _Table(_PERFORMANCE, ";")
    listed = adjusted(actions(fold.moves(reads.effective(portfolio_id))), ratios)
    yield from table.lines(_performance(action, securities, accounts, zone) for action in listed)


def as_wealthfolio(reads: LedgerExports, portfolio_id: UUID) -> Iterator[bytes]:
    """Its own sample's columns, with the account that a row is of."""
    portfolio = reads.portfolio(portfolio_id)
    securities, accounts = reads.securities(portfolio_id), reads.accounts(portfolio_id)
    fold = Fold(CostMethod(portfolio.cost_method))
    table = _Table(_WEALTHFOLIO, ",")
    listed = actions(fold.moves(reads.effective(portfolio_id)))
    yield from table.lines(_wealthfolio(action, securities, accounts, portfolio.base_currency) for action in listed)


def _performance(
    action: PlainAction,
    securities: Mapping[int, ExportedSecurity],
    accounts: Mapping[int, ExportedAccount],
    zone: ZoneInfo,
) -> Sequence[str]:
    row, security = action.row, securities.get(action.security_id or 0)
    account = accounts[action.account_id].identifier
    if action.units:
        sign = -1 if action.word in (Word.BUY, Word.IN) else 1
        value = sign * action.value - (action.fees if action.word in (Word.BUY, Word.SELL) else ZERO)
    else:
        value = action.value
    of_side = 0 if value >= 0 or action.units else 1
    return (
        row.business_date.isoformat(),
        row.event_ts.astimezone(zone).isoformat()[11:16],
        _PERFORMANCE_TYPES[action.word][of_side],
        plain(value),
        row.currency,
        plain(action.value) if action.units else "",
        row.currency if action.units else "",
        "",
        plain(action.fees) if action.fees else "",
        "",
        plain(action.units) if action.units else "",
        (security.isin or "") if security else "",
        "",
        security.ticker if security and security.has_ticker else "",
        escaped(security.name) if security else "",
        escaped(action.comment),
        escaped(f"{account} ({row.currency})"),
        escaped(account) if action.units else "",
    )


def _wealthfolio(
    action: PlainAction,
    securities: Mapping[int, ExportedSecurity],
    accounts: Mapping[int, ExportedAccount],
    base_currency: str,
) -> Sequence[str]:
    row, security = action.row, securities.get(action.security_id or 0)
    taking = 0 if action.value >= 0 or action.units else 1
    is_split, is_coupon = action.word is Word.SPLIT, row.txn_type == "COUPON"
    kind = "INTEREST" if is_coupon and not taking else _WEALTHFOLIO_TYPES[action.word][taking]
    rate = row.fx_rate if row.currency != base_currency else None
    return (
        row.business_date.isoformat(),
        kind,
        escaped(security.ticker) if security else "",
        security.asset_type if security else "",
        plain(action.value) if is_split else plain(action.units) if action.units else "",
        plain(action.price) if action.units else "",
        row.currency,
        plain(action.fees) if action.fees else "",
        plain(abs(action.value)),
        escaped(action.comment),
        plain(rate) if rate is not None else "",
        "COUPON" if is_coupon else "",
        escaped(accounts[action.account_id].identifier),
    )


class _Table:
    """Lines of csv, some thousand at a time."""

    def __init__(self, columns: Sequence[str], delimiter: str) -> None:
        self._columns = columns
        self._text = io.StringIO()
        self._writer = csv.writer(self._text, delimiter=delimiter, lineterminator="\n")

    def lines(self, rows: Iterable[Sequence[str]]) -> Iterator[bytes]:
        self._writer.writerow(self._columns)
        for row in rows:
            self._writer.writerow(row)
            if self._text.tell() >= _PIECE:
                yield self._drained()
        yield self._drained()

    def _drained(self) -> bytes:
        written = self._text.getvalue().encode()
        self._text.seek(0)
        self._text.truncate()
        return written
