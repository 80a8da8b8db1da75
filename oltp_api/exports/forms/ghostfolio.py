"""A ledger as Ghostfolio's import takes it: JSON of activities, accounts and asset profiles.

Ghostfolio prices by adjusted closes, so that units are those of today. It has no activity for cash that comes or goes;
the balance of each account stands for it. A tax is a fee there, and no number may be below 0: what cannot be said so
is listed in `meta.notExported`.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid5

from domain.errors import plain
from domain.holdings import CostMethod
from domain.money import ZERO
from domain.securities import AssetType
from oltp_api.exports.actions import PlainAction, Word, actions, adjusted
from oltp_api.exports.moves import Fold
from oltp_api.exports.repository import ExportedAccount, ExportedPortfolio, ExportedSecurity, LedgerExports

_TYPES: Mapping[Word, str] = {
    Word.BUY: "BUY",
    Word.IN: "BUY",
    Word.SELL: "SELL",
    Word.OUT: "SELL",
    Word.DIVIDEND: "DIVIDEND",
    Word.INTEREST: "INTEREST",
    Word.FEE: "FEE",
    Word.TAX: "FEE",
}
_CLASSES = {
    AssetType.EQUITY: ("EQUITY", "STOCK"),
    AssetType.ETF: ("EQUITY", "ETF"),
    AssetType.FUND: ("EQUITY", "MUTUALFUND"),
    AssetType.BOND: ("FIXED_INCOME", "BOND"),
}
_MOMENT = "%Y-%m-%dT%H:%M:%S.000Z"
_MOST_COMMENT = 500
_MOST_LISTED = 100


def as_ghostfolio(reads: LedgerExports, portfolio_id: UUID) -> Iterator[bytes]:
    named = (reads.securities(portfolio_id), reads.accounts(portfolio_id))
    book = _Book(reads.portfolio(portfolio_id), *named, reads.now())
    fold = Fold(CostMethod(book.portfolio.cost_method))
    ratios = reads.ratios(portfolio_id)
    yield b'{"activities": ['
    between = "\n"
    for action in adjusted(actions(fold.moves(reads.effective(portfolio_id))), ratios):
        if activity := book.activity(action):
            yield f"{between}{activity}".encode()
            between = ",\n"
    reversed_rows = [seq for pair in reads.reversed(portfolio_id) for seq in pair]
    yield ("\n], " + json.dumps(book.rest(fold, reversed_rows), ensure_ascii=False)[1:] + "\n").encode()


class _Book:
    def __init__(
        self,
        portfolio: ExportedPortfolio,
        securities: Mapping[int, ExportedSecurity],
        accounts: Mapping[int, ExportedAccount],
        at: datetime,
    ) -> None:
        self._at = at
        self.portfolio, self._securities, self._accounts = portfolio, securities, accounts
        self._account_ids = {one: str(uuid5(portfolio.portfolio_id, f"account {one}")) for one in accounts}
        self._profiles: dict[str, dict[str, Any]] = {}
        self._unsaid: dict[str, list[int]] = defaultdict(list)

    def activity(self, action: PlainAction) -> str | None:
        """The activity's JSON; numbers have all of their digits. None where Ghostfolio has no word for it."""
        word, kind = action.word, _TYPES.get(action.word)
        value = -action.value if word in (Word.FEE, Word.TAX) else action.value
        if word is Word.INTEREST and value < 0:
            kind, value = "FEE", -value
        if kind is None or value < 0:
            self._unsaid[action.row.txn_type.value].append(action.row.seq)
            return None
        source, symbol = self._symbol(action, kind)
        comment = action.comment
        if len(comment) > _MOST_COMMENT:
            self._unsaid["the end of a long comment"].append(action.row.seq)
        fee, units, price = action.fees, action.units, action.price
        if not units:
            fee, units, price = (value, ZERO, ZERO) if kind == "FEE" else (ZERO, Decimal(1), value)
        told = json.dumps(comment[:_MOST_COMMENT], ensure_ascii=False) if comment else "null"
        return (  # all but the comment are of characters that JSON takes as they are
            f'{{"accountId": "{self._account_ids[action.account_id]}", "comment": {told}, '
            f'"currency": "{action.row.currency}", "dataSource": "{source}", '
            f'"date": "{action.row.event_ts.isoformat()[:19]}.000Z", "symbol": "{symbol}", "type": "{kind}", '
            f'"fee": {plain(fee)}, "quantity": {plain(units)}, "unitPrice": {plain(price)}}}'
        )

    def rest(self, fold: Fold, reversed_rows: list[int]) -> dict[str, Any]:
        """Everything but the activities: accounts with their cash, profiles, and what is not among them."""
        if reversed_rows:
            self._unsaid["rows that were taken back, and their reversals"] = reversed_rows
        told = [
            {"what": what, "rows": len(seqs), "seqs": seqs[:_MOST_LISTED]}
            for what, seqs in sorted(self._unsaid.items())
        ]
        base = self.portfolio.base_currency
        others = {currency for (_, currency), amount in fold.cash.items() if amount and currency != base}
        if others:
            told.append({"what": f"balances in {', '.join(sorted(others))}", "rows": 0, "seqs": []})
        return {
            "meta": {"date": self._at.strftime(_MOMENT), "version": "lakefolio", "notExported": told},
            "accounts": [self._account(account_id, fold) for account_id in self._accounts],
            "assetProfiles": list(self._profiles.values()),
            "platforms": [],
            "tags": [],
            "user": {"settings": {"currency": base}},
        }

    def _account(self, account_id: int, fold: Fold) -> dict[str, Any]:
        currency = self.portfolio.base_currency
        return {
            "balance": float(fold.cash.get((account_id, currency), ZERO)),
            "comment": None,
            "currency": currency,
            "id": self._account_ids[account_id],
            "name": self._accounts[account_id].identifier,
            "platformId": None,
        }

    def _symbol(self, action: PlainAction, kind: str) -> tuple[str, str]:
        """A ticker of Yahoo's, or a profile of our own: of a bond, and of what belongs to no security."""
        security = self._securities[action.security_id] if action.security_id is not None else None
        is_of_yahoo = security is not None and security.has_ticker and security.asset_type != AssetType.BOND
        if security is not None and is_of_yahoo and kind not in ("FEE", "INTEREST"):
            return "YAHOO", security.ticker
        name = security.name if security is not None else ("Fees" if kind == "FEE" else "Interest")
        symbol = str(uuid5(self.portfolio.portfolio_id, f"{kind if security is None else security.security_id} {name}"))
        if symbol not in self._profiles:
            self._profiles[symbol] = _profile(symbol, name, action.row.currency, security)
        return "MANUAL", symbol


def _profile(symbol: str, name: str, currency: str, security: ExportedSecurity | None) -> dict[str, Any]:
    kinds = _CLASSES.get(AssetType(security.asset_type), (None, None)) if security else (None, None)
    return {
        "assetClass": kinds[0],
        "assetSubClass": kinds[1],
        "comment": None,
        "countries": [],
        "currency": security.currency if security else currency,
        "dataSource": "MANUAL",
        "holdings": [],
        "isActive": True,
        "isin": security.isin if security else None,
        "marketData": [],
        "name": name,
        "sectors": [],
        "symbol": symbol,
        "url": None,
    }
