"""Helpers of the tests of the rulebook's sections: a portfolio with cash, and a short way to trade in it."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from uuid import UUID

from domain.entries import PLAIN, Terms, When
from domain.history import History
from domain.holdings import CostMethod, Holding
from domain.ledger import TxnType
from domain.portfolio import Portfolio, PortfolioKind
from domain.positions import Positions

D = Decimal
MAIN, OTHER = 1, 2
UNITS, OTHERS = 10, 11


def at(day: int, hour: int = 16) -> When:
    """A moment of March 2017."""
    return When(datetime.combine(date(2017, 3, day), time(hour), UTC), date(2017, 3, day))


def on(day: int) -> When:
    return at(day)


@dataclass
class Opened:
    """A portfolio whose history is at hand; its trades of one security answer itself, to be continued."""

    root: Portfolio

    def buy(
        self, quantity: str, price: str, day: int = 2, account: int = MAIN, fees: str = "0", terms: Terms = PLAIN
    ) -> "Opened":
        return self._trade(TxnType.BUY, quantity, price, day, account, fees, terms)

    def sell(
        self, quantity: str, price: str, day: int = 2, account: int = MAIN, fees: str = "0", terms: Terms = PLAIN
    ) -> "Opened":
        return self._trade(TxnType.SELL, quantity, price, day, account, fees, terms)

    @property
    def held(self) -> Holding:
        return self.root.holdings[MAIN, UNITS]

    def _trade(
        self, kind: TxnType, quantity: str, price: str, day: int, account: int, fees: str, terms: Terms
    ) -> "Opened":
        self.root.trade(kind, account, UNITS, D(quantity), D(price), D(fees), at(day), terms)
        return self


def opened(
    cash: str = "1000000",
    kind: PortfolioKind = PortfolioKind.INVESTMENT,
    method: CostMethod = CostMethod.AVCO,
) -> Opened:
    """Opened on 1 March 2017 in dollars."""
    root = Portfolio(UUID(int=1), UUID(int=2), "mine", "USD", kind, positions=Positions(method), history=History())
    if D(cash):
        root.deposit(MAIN, D(cash), at(1, 0))
    return Opened(root)


def book() -> Opened:
    return opened(kind=PortfolioKind.TRADING_BOOK)
