"""A ledger as beancount's text, which its own checker accepts: every row that stands is a transaction that balances.

Lots carry our cost and days. Booking is NONE, for beancount knows no average cost: what leaves a lot is written with
the cost that it takes, so that units and cost of an account add up to ours by either method. Each balance at the end is
asserted. What beancount has no words for is metadata of its transaction; rows that were taken back are named at the
end.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from domain.currencies import CURRENCIES
from domain.errors import plain
from domain.holdings import CostMethod
from domain.ledger import BETWEEN_SECURITIES, TRADES, Transaction, TxnType
from domain.money import ZERO, money
from oltp_api.exports.moves import Change, Fold, Move
from oltp_api.exports.repository import ExportedAccount, ExportedPortfolio, ExportedSecurity, LedgerExports

_SINCE = "1970-01-01"
_COUNTERS: Mapping[TxnType, str] = {
    TxnType.DEPOSIT: "Equity:Deposits",
    TxnType.WITHDRAW: "Equity:Withdrawals",
    TxnType.FEE: "Expenses:Fees",
    TxnType.TAX: "Expenses:Taxes",
    TxnType.INTEREST: "Income:Interest",
    TxnType.DIVIDEND: "Income:Dividends",
    TxnType.COUPON: "Income:Coupons",
    **dict.fromkeys((TxnType.TRANSFER_IN, TxnType.TRANSFER_OUT), "Equity:Transfers"),
    **dict.fromkeys(BETWEEN_SECURITIES, "Equity:Carried"),
    **dict.fromkeys(TRADES, "Income:Gains"),
    **dict.fromkeys(
        (TxnType.SPLIT, TxnType.BONUS, TxnType.RETURN_OF_CAPITAL, TxnType.COST_ADJUSTMENT), "Equity:Adjustments"
    ),
}
_CONVERSIONS, _GAINS, _ACCRUED = "Equity:Conversions", "Income:Gains", "Income:Accrued"
_COMMODITY = re.compile(r"[A-Z][A-Z0-9'._-]{0,22}[A-Z0-9]")
_NOT_IN_ACCOUNTS = re.compile(r"[^A-Za-z0-9-]+")


def as_beancount(reads: LedgerExports, portfolio_id: UUID) -> Iterator[bytes]:
    portfolio = reads.portfolio(portfolio_id)
    book = _Book(portfolio, reads.securities(portfolio_id), reads.accounts(portfolio_id))
    yield book.head().encode()
    fold, last = Fold(CostMethod(portfolio.cost_method)), None
    for move in fold.moves(reads.effective(portfolio_id)):
        last = move.row
        yield book.transaction(move).encode()
    if last is not None:
        yield book.balances(fold, str(last.business_date + timedelta(days=1))).encode()
    for seq, by_seq in reads.reversed(portfolio_id):
        yield f"; not exported: row {seq}, which row {by_seq} took back\n".encode()


class _Book:
    """Names of accounts and commodities, and the text of what happens in them."""

    def __init__(
        self,
        portfolio: ExportedPortfolio,
        securities: Mapping[int, ExportedSecurity],
        accounts: Mapping[int, ExportedAccount],
    ) -> None:
        self._portfolio, self._securities = portfolio, securities
        self._commodities = {each.security_id: _commodity(each) for each in securities.values()}
        self._accounts = _account_names(accounts)

    def head(self) -> str:
        named = {*_COUNTERS.values(), _CONVERSIONS, _GAINS, _ACCRUED}
        lines = [
            ";; -*- mode: beancount -*-",
            f"; A Lakefolio ledger of {self._portfolio.version} rows, cost by {self._portfolio.cost_method}.",
            f'option "title" {_quoted(self._portfolio.name)}',
            f'option "operating_currency" "{self._portfolio.base_currency}"',
            'option "inferred_tolerance_default" "*:0.000001"',
            *(f"{_SINCE} open {name}" for name in sorted(named)),
        ]
        for name in self._accounts.values():
            lines += [f"{_SINCE} open {name}:Cash", f'{_SINCE} open {name}:Securities "NONE"']
        for security_id, commodity in self._commodities.items():
            security = self._securities[security_id]
            lines += [f"{_SINCE} commodity {commodity}", f"  name: {_quoted(security.name)}"]
            lines += [f'  ticker: "{security.ticker}"', f'  asset-type: "{security.asset_type}"']
            lines += [f'  isin: "{security.isin}"'] if security.isin else []
        return "\n".join(lines) + "\n\n"

    def transaction(self, move: Move) -> str:
        row = move.row
        lines = [
            f'{row.business_date.isoformat()} * "{row.txn_type.value}" {_quoted(row.note)}\n  seq: {row.seq}\n'
            f'  event-ts: "{row.event_ts.isoformat()}"',
            *self._facts(move),
        ]
        for change in move.changes:
            lines += self._postings(change, row)
        if row.cash_effect:
            lines.append(f"  {self._accounts[row.account_id]}:Cash  {plain(row.cash_effect)} {row.currency}")
        lines += [f"  {name}  {plain(amount)} {currency}" for name, amount, currency in self._counters(move) if amount]
        return "\n".join(lines) + "\n\n"

    def balances(self, fold: Fold, day: str) -> str:
        lines = [
            f"{day} balance {self._accounts[account_id]}:Cash  {plain(amount)} {currency}"
            for (account_id, currency), amount in sorted(fold.cash.items())
        ]
        for (account_id, security_id), held in sorted(fold.positions.holdings.items()):
            units, commodity = plain(held.quantity), self._commodities[security_id]
            lines.append(f"{day} balance {self._accounts[account_id]}:Securities  {units} {commodity}")
        return "\n".join(lines) + "\n"

    def _facts(self, move: Move) -> Iterator[str]:
        row = move.row
        if row.fx_rate is not None and row.fx_rate != 1:
            yield f"  fx-rate: {plain(row.fx_rate)}"
        if row.fees:
            yield f"  fees: {plain(row.fees)}"
        if row.basis_share is not None:
            yield f"  basis-share: {plain(row.basis_share)}"
        if row.ex_date is not None:
            yield f"  ex-date: {row.ex_date}"
        if row.split_new is not None and row.split_old is not None:
            yield f'  ratio: "{plain(row.split_new)} for {plain(row.split_old)}"'
        if row.external_id is not None:
            yield f"  external-id: {_quoted(row.external_id)}"
        if row.transfer_id is not None:
            yield f'  transfer-id: "{row.transfer_id}"'
        for change in move.changes:
            if not change.is_known:
                yield '  basis: "UNKNOWN"'
                return

    def _postings(self, change: Change, row: Transaction) -> Iterator[str]:
        """One posting where units come or go with a cost of their side, else all out and in again."""
        units, cost = change.units, change.cost
        if not units and not cost:
            return
        if units and units * cost >= 0:
            yield self._posting(change, units, cost, row if row.txn_type in TRADES else None)
            return
        if change.units_before:
            yield self._posting(change, -change.units_before, -change.cost_before, None)
        if change.units_after:
            yield self._posting(change, change.units_after, change.cost_after, None)

    def _posting(self, change: Change, units: Decimal, cost: Decimal, trade: Transaction | None) -> str:
        account_id, security_id = change.key
        security = self._securities[security_id]
        day = f", {change.opened_on.isoformat()}" if change.opened_on is not None else ""
        price = ""
        if trade is not None and trade.price:
            unit = trade.price if not security.is_bond else money(trade.price * security.price_factor)
            price = f" @ {plain(unit)} {security.currency}"
        held = f"{plain(units)} {self._commodities[security_id]} {{{{{plain(abs(cost))} {security.currency}{day}}}}}"
        return f"  {self._accounts[account_id]}:Securities  {held}{price}"

    def _counters(self, move: Move) -> Iterator[tuple[str, Decimal, str]]:
        """Amounts that make the transaction balance, and where they belong."""
        row, cost = move.row, move.cost
        if row.txn_type in TRADES:
            gain = -(row.cash_effect + cost)
            if row.accrued:
                accrued = row.accrued if (row.quantity or ZERO) > 0 else -row.accrued
                gain -= accrued
                yield _ACCRUED, accrued, row.currency
            if row.transfer_id is not None and row.txn_type is not TxnType.CASH_IN_LIEU:  # its fees move beside it
                gain += row.fees
                yield _CONVERSIONS, -row.fees, row.currency
            yield _GAINS, gain, row.currency
            return
        counter = _COUNTERS[row.txn_type]
        if row.transfer_id is not None and not move.changes:  # a conversion, or a fee beside its trade
            counter = _CONVERSIONS
        if not move.changes:
            yield counter, -row.cash_effect, row.currency
            return
        currency = self._securities[move.changes[0].key[1]].currency
        yield _GAINS, -move.gain, currency
        if currency == row.currency:
            yield counter, -(row.cash_effect + cost) + move.gain, currency
        else:
            yield counter, -row.cash_effect, row.currency
            yield counter, -cost + move.gain, currency


def _commodity(security: ExportedSecurity) -> str:
    """The ticker if beancount takes it and it is no currency, else one with our number."""
    if _COMMODITY.fullmatch(security.ticker) and security.ticker not in CURRENCIES:
        return security.ticker
    return f"{re.sub(r'[^A-Z0-9]', '', security.ticker)[:10].lstrip('0123456789') or 'S'}-{security.security_id}"


def _account_names(accounts: Mapping[int, ExportedAccount]) -> Mapping[int, str]:
    """A name of beancount's for each account, none twice."""
    found: dict[int, str] = {}
    for account_id, account in sorted(accounts.items()):
        name = _NOT_IN_ACCOUNTS.sub("-", account.identifier).strip("-")
        name = name[:1].upper() + name[1:] if name else "Account"
        full = f"Assets:{name}"
        found[account_id] = full if full not in found.values() else f"{full}-{account_id}"
    return found


def _quoted(text: str) -> str:
    if not text:
        return '""'
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", " ")
    return f'"{escaped}"'
