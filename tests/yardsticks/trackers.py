"""Cost, gain and currency figures of two portfolio trackers' own tests, through our portfolio.

Their conventions of recording are aligned here: Ghostfolio keeps fees out of cost, so they are FEE rows; Portfolio
Performance has them in cost, as the rulebook does.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from itertools import accumulate
from typing import Any
from uuid import UUID

from domain.analytics.returns.money_weighted import xirr
from domain.corporate_events import split
from domain.entries import Terms, When
from domain.history import History
from domain.holdings import CostMethod, Holding
from domain.ledger import TxnType
from domain.money import ZERO, money, product
from domain.portfolio import Portfolio, PortfolioKind
from domain.positions import Positions
from tests.yardsticks.cases import Case
from tests.yardsticks.judging import Convention, Yardstick

MAIN, UNITS = 1, 10
AVERAGE, FIFO = CostMethod.AVCO, CostMethod.FIFO
PURCHASES, SALES = ("BUY", "DELIVERY_IN"), ("SELL", "DELIVERY_OUT")
LEAST = Decimal("0.00000001")


def _at(day: str, place: int = 0) -> When:
    """Rows of one day come in the case's order."""
    return When(datetime.fromisoformat(day).replace(hour=place, tzinfo=UTC), date.fromisoformat(day))


def _number(value: float | int) -> Decimal:
    """At most 8 decimals, as everything that is recorded."""
    return Decimal(str(value)).quantize(LEAST, ROUND_HALF_UP)


def _opened(base: str, method: CostMethod, may_be_short: bool, *currencies: str) -> Portfolio:
    kind = PortfolioKind.TRADING_BOOK if may_be_short else PortfolioKind.INVESTMENT
    mine = Portfolio(UUID(int=1), UUID(int=2), "case", base, kind, positions=Positions(method), history=History())
    for currency in dict.fromkeys((base, *currencies)):
        mine.move_cash(TxnType.DEPOSIT, MAIN, Decimal(10**9), _at("1990-01-01"), Terms(currency))
    return mine


@dataclass
class Recorded:
    """Portfolio Performance's transactions in our portfolio, whatever their way of saying what was paid."""

    case: Case
    method: CostMethod
    has_charges: bool = True
    closed: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        asked = self.case.inputs
        self.base = asked.get("report_currency", asked.get("base", asked.get("currency", "EUR")))
        self.currency = asked.get("security_currency", self.base)
        rows = [row for row in asked["transactions"] if row["type"] in PURCHASES + SALES]  # others move no cost
        signed = (row["shares"] * (1 if _is_purchase(row) else -1) for row in rows)
        may_be_short = min(accumulate(signed), default=0) < -1e-9
        self.mine = _opened(self.base, self.method, may_be_short, self.currency)
        for place, row in enumerate(rows):
            before = self.held
            self._record(row, _at(row["date"], place))
            if before.quantity and (before.quantity > 0) != _is_purchase(row):
                self.closed.append(self._closed(before, row))

    @property
    def held(self) -> Holding:
        return self.mine.positions.holding((MAIN, UNITS))

    def _record(self, row: dict[str, Any], when: When) -> None:
        units, kind = _number(row["shares"]), TxnType.BUY if _is_purchase(row) else TxnType.SELL
        if "amount" in row and "amount_usd" not in row and kind is TxnType.BUY:
            fee = _number(row["amount"]) - LEAST * units  # the amount is what was paid in all: most of it as fee
            self.mine.trade(kind, MAIN, UNITS, units, LEAST, fee, when)
            return
        rate = _number(row["rate"]) if self.currency != self.base else None
        gross = row.get("amount_usd", row.get("gross_usd", row.get("amount")))
        price = _number(row["price"]) if "price" in row else money(_number(gross) / units)
        fees = self._charges(row)
        if "amount" in row and "amount_usd" not in row:  # what was received in all: the rounding of the price is a fee
            fees = money(product(price, units) - _number(row["amount"])).max(ZERO)
        self.mine.trade(kind, MAIN, UNITS, units, price, fees, when, Terms(self.currency, rate))

    def _charges(self, row: dict[str, Any]) -> Decimal:
        if not self.has_charges or "fees_eur" not in row:
            return ZERO
        return money((_number(row["fees_eur"]) + _number(row["taxes_eur"])) / _number(row["rate_eur_per_usd"]))

    def _closed(self, before: Holding, row: dict[str, Any]) -> dict[str, Any]:
        """The trade that a row closed, first in, first out: what was put at stake for it and what it brought."""
        units = min(_number(row["shares"]), abs(before.quantity))
        _, lots = before.relieved(units if before.quantity > 0 else -units)
        stake = sum((abs(lot.cost) for lot in lots), ZERO)
        gain = self.held.realised - before.realised
        # What was put at stake comes back with the gain, of a short too.
        flows = [(lot.opened_on or date.min, -float(abs(lot.cost))) for lot in lots]
        flows.append((date.fromisoformat(row["date"]), float(stake + gain)))
        rate = xirr([day for day, _ in flows], [amount for _, amount in flows]).rate
        return {
            "closed": True,
            "long": before.quantity > 0,
            "shares": units,
            "entry": stake,
            "exit": stake + gain if before.quantity > 0 else stake - gain,
            "pnl": gain,
            "return": gain / stake,
            "irr": rate,
        }


def _is_purchase(row: dict[str, Any]) -> bool:
    return row["type"] in PURCHASES


def _cost(case: Case) -> dict[str, Any]:
    by_fifo, by_average = Recorded(case, FIFO).held, Recorded(case, AVERAGE).held
    return {
        "fifo_cost": by_fifo.cost_basis,
        "moving_average_cost": by_average.cost_basis,
        "shares": by_fifo.quantity,
        "cost_per_share": by_fifo.avg_cost,
    }


def _gains(case: Case) -> dict[str, Any]:
    """Realised and unrealised by both methods, and what of them is owed to the rate; without a method, of FIFO."""
    figures: dict[str, Any] = {}
    asked = case.inputs
    for method, ending in ((AVERAGE, "_moving_average"), (FIFO, "_fifo")):
        recorded = Recorded(case, method)
        held, price = recorded.held, Decimal(str(asked.get("price", asked.get("price_usd"))))
        quoted = asked.get("fx_eurusd_at_valuation") if recorded.currency != recorded.base else None
        rate = 1 / Decimal(str(quoted)) if quoted else Decimal(1)
        worth = held.quantity * price
        unrealised = worth * rate - held.cost_basis_base
        found = {
            "realized": held.realised_base,
            "realized_forex_part": held.realised_fx,
            "unrealized": unrealised,
            "unrealized_forex_part": unrealised - (worth - held.cost_basis) * rate,
        }
        figures |= found | {name + ending: figure for name, figure in found.items()}
    return figures


def _trades(case: Case) -> dict[str, Any]:
    recorded = Recorded(case, FIFO)
    trades, held = list(recorded.closed), recorded.held
    if held.quantity and "last_price" in case.inputs:
        gain = held.quantity * Decimal(str(case.inputs["last_price"])) - held.cost_basis
        stake = abs(held.cost_basis)
        is_long, units = held.quantity > 0, abs(held.quantity)
        trades.append({"closed": False, "long": is_long, "shares": units, "pnl": gain, "return": gain / stake})
    return {"trades": trades}


def _trade_with_charges(case: Case) -> dict[str, Any]:
    (net,), (gross,) = Recorded(case, FIFO).closed, Recorded(case, FIFO, has_charges=False).closed
    return net | {"pnl_net": net["pnl"], "pnl_gross": gross["pnl"]}


@dataclass
class Traded:
    """Ghostfolio's activities until a day in their order, fees as FEE rows; splits before what happens on their day."""

    case: Case
    until: str
    is_account_fee_counted: bool = True

    def __post_init__(self) -> None:
        asked, self.base = self.case.inputs, self.case.row["base_currency"]
        self.rates = next((rates for name, rates in asked.items() if name.startswith("fx_")), {})
        self.rows = [row for row in asked["transactions"] if row["date"] <= self.until]
        self.symbols = list(dict.fromkeys(row["symbol"] for row in asked["transactions"]))
        units: list[float] = [{"BUY": 1, "SELL": -1}.get(row["type"], 0) * row["quantity"] for row in self.rows]
        splits = [one for one in asked.get("splits", []) if one["date"] <= self.until]
        may_be_short = not splits and min(accumulate(units), default=0) < -1e-7
        self.mine = _opened(self.base, AVERAGE, may_be_short, *(row["currency"] for row in self.rows))
        for done in splits:
            for symbol in self.symbols:
                new, old = _number(done["numerator"]), _number(done["denominator"])
                split(self.mine, MAIN, self._security(symbol), new, old, _at(done["date"]))
        for place, row in enumerate(self.rows, start=1):
            self._record(row, _at(row["date"], place))

    def _security(self, symbol: str) -> int:
        return UNITS + self.symbols.index(symbol)

    def rate(self, day: str, currency: str | None = None) -> Decimal:
        """Base per unit of the other currency on a day: the last one known."""
        if currency == self.base or not self.rates:
            return Decimal(1)
        return _number([rate for known, rate in sorted(self.rates.items()) if known <= day][-1])

    def _record(self, row: dict[str, Any], when: When) -> None:
        security, units, price = self._security(row["symbol"]), _number(row["quantity"]), _number(row["unit_price"])
        is_foreign = row["currency"] != self.base
        terms = Terms(row["currency"], self.rate(row["date"], row["currency"]) if is_foreign else None)
        if row["type"] == "DIVIDEND":
            gross = product(units, price)
            self.mine.receive_income(TxnType.DIVIDEND, MAIN, security, gross, when, when.business_date)
        elif row["type"] in ("BUY", "SELL"):
            held = self.mine.positions.holding((MAIN, security)).quantity
            is_all = row["type"] == "SELL" and 0 < abs(held - units) <= LEAST
            traded = held if is_all else units
            self.mine.trade(TxnType[row["type"]], MAIN, security, traded, price, ZERO, when, terms)
        if row["fee"] and (row["quantity"] or self.is_account_fee_counted):
            self.mine.move_cash(TxnType.FEE, MAIN, _number(row["fee"]), when, terms)

    def holdings(self) -> Iterator[tuple[str, Holding]]:
        for symbol in self.symbols:
            yield symbol, self.mine.positions.holding((MAIN, self._security(symbol)))

    def price(self, symbol: str) -> Decimal | None:
        """The last price up to the day, in the price's currency."""
        prices = self.case.inputs["prices"].get(symbol, {})
        known = [_number(price) for day, price in sorted(prices.items()) if day <= self.until]
        return known[-1] if known else None

    def worth(self, is_in_base: bool = True) -> Decimal | None:
        """Value of what is held; None if something held has no price."""
        rate, total = self.rate(self.until) if is_in_base else Decimal(1), ZERO
        for symbol, held in self.holdings():
            price = self.price(symbol)
            if held.quantity and price is None:
                return None
            total += product(product(held.quantity, price or ZERO), rate)
        return total

    def total(self, name: str) -> Decimal:
        return sum((getattr(held, name) for _, held in self.holdings()), ZERO)

    def gross(self) -> Decimal | None:
        worth = self.worth()
        return None if worth is None else self.total("realised_base") + worth - self.total("cost_basis_base")

    def fees(self) -> Decimal:
        """In base currency, at each row's rate."""
        rows = [row for row in self.mine.rows if row.txn_type is TxnType.FEE]
        return sum((product(-row.cash_effect, row.fx_rate or Decimal(1)) for row in rows), ZERO)

    def net(self) -> Decimal | None:
        gross = self.gross()
        return None if gross is None else gross - self.fees()

    def cash_of(self, kind: TxnType) -> Decimal:
        return abs(sum((row.cash_effect for row in self.mine.rows if row.txn_type is kind), ZERO))

    def first(self) -> Holding:
        return next((held for _, held in self.holdings()), Holding())


def _activities(case: Case, **options: bool) -> dict[str, Any]:
    until = case.row["as_of"]
    mine = Traded(case, until, **options)
    return {
        "quantity": mine.first().quantity,
        "average_price": mine.first().avg_cost,
        "investment": mine.total("cost_basis"),
        "investment_with_fx": mine.total("cost_basis_base"),
        "fees": mine.cash_of(TxnType.FEE),
        "fees_base": mine.fees(),
        "dividend": mine.cash_of(TxnType.DIVIDEND),
        "current_value": mine.worth(),
        "gross_performance": mine.gross(),
        "gross_performance_with_fx": mine.gross(),
        "net_performance": mine.net(),
        "net_performance_with_fx": mine.net(),
        "investments": _over_days(case, "investments", lambda day: Traded(case, day).total("cost_basis")),
        "net_performance_on": _over_days(case, "net_performance_on", lambda day: Traded(case, day).net()),
        "net_performance_by_range": _over_days(
            case, "net_performance_by_range", lambda name: _since(case, _begins(name, date.fromisoformat(until)))
        ),
    }


def _over_days(case: Case, figure: str, of: Any) -> dict[str, Any]:
    return {name: of(name) for name in case.expected.get(figure, {})}


def _begins(name: str, until: date) -> date:
    """The day at whose close a range begins."""
    years = int(name[:-1]) if name.endswith("y") and name[:-1].isdigit() else 0
    begins = {
        "1d": until - timedelta(1),
        "wtd": until - timedelta(until.isoweekday()),
        "mtd": until.replace(day=1) - timedelta(1),
        "ytd": until.replace(month=1, day=1) - timedelta(1),
        "max": date(1900, 1, 1),
    }
    return until.replace(year=until.year - years) if years else begins[name]


def _since(case: Case, begins: date) -> Decimal | None:
    end, start = Traded(case, case.row["as_of"]).net(), Traded(case, str(begins)).net()
    return None if end is None or start is None else end - start


def _at_the_last_rate(case: Case) -> dict[str, Any]:
    mine = Traded(case, case.row["as_of"])
    rate, worth = mine.rate(mine.until), mine.worth(is_in_base=False)
    assert worth is not None
    gross = product(mine.total("realised") + worth - mine.total("cost_basis"), rate)
    net = gross - product(mine.cash_of(TxnType.FEE), rate)
    return {
        "investment_at_current_fx": product(mine.total("cost_basis"), rate),
        "gross_performance_at_current_fx": gross,
        "net_performance_at_current_fx": net,
    }


def _at_cost(case: Case) -> dict[str, Any]:
    mine = Traded(case, case.row["as_of"])
    realised, fees = mine.total("realised_base"), mine.fees()
    worth = mine.total("cost_basis_base")
    return {"current_value": worth, "gross_performance": realised, "net_performance": realised - fees}


def _with_all_digits(case: Case) -> dict[str, Any]:
    """Units as fractions, through purchases, sales and splits; cost is ours."""
    units, splits = Fraction(0), sorted(case.inputs.get("splits", []), key=lambda split: split["date"])
    for row in case.inputs["transactions"]:
        after = Fraction(row["quantity"]) * {"BUY": 1, "SELL": -1}.get(row["type"], 0)
        for done in (one for one in splits if one["date"] > row["date"]):
            after *= Fraction(done["numerator"]) / Fraction(done["denominator"])
        units += after
    cost = Fraction(Traded(case, case.row["as_of"]).total("cost_basis"))
    return {"quantity": float(units), "average_price": float(cost / units) if units else 0.0}


ACTIVITIES = Yardstick(
    _activities,
    (
        Convention(
            "an asset without a price is worth its cost there; here it is MISSING, and so is a gain",
            _at_cost,
            lambda case: Traded(case, case.row["as_of"]).worth() is None,
        ),
        Convention("cost at today's rate; the rulebook's cost is at the trade's", _at_the_last_rate),
        Convention(
            "an account's own fee is left out of performance there; it is a cost here",
            lambda case: _activities(case, is_account_fee_counted=False),
        ),
        Convention(
            "units of any number of decimals; here they have 8 (RULEBOOK 0)",
            _with_all_digits,
            lambda case: bool(case.inputs.get("splits")),
        ),
    ),
)
YARDSTICKS = {
    "cost_basis": Yardstick(_cost),
    "capital_gains": Yardstick(_gains),
    "capital_gains_fx": Yardstick(_gains),
    "trade": Yardstick(_trades),
    "trade_fx": Yardstick(_trade_with_charges),
    "activities": ACTIVITIES,
}
