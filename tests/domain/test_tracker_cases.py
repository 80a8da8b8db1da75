"""Cost, gain and currency figures of two portfolio trackers' own tests, through our portfolio.

Every case and every figure of it is either compared or excepted with its reason. Where a tracker's convention differs,
it is aligned here: Ghostfolio keeps fees out of cost, so they are recorded as FEE rows; Portfolio Performance has them
in cost, as the rulebook does.
"""

import json
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from domain.entries import Terms, When
from domain.history import History
from domain.holdings import CostMethod, Holding
from domain.ledger import TxnType
from domain.money import ZERO, money, product
from domain.portfolio import Portfolio, PortfolioKind
from domain.positions import Positions

FOLDER = Path(__file__).parents[1] / "cases"
PERFORMANCE = {c["id"]: c for c in json.loads((FOLDER / "portfolio_performance.json").read_text())["cases"]}
GHOSTFOLIO = {c["id"]: c for c in json.loads((FOLDER / "ghostfolio_roai.json").read_text())["cases"]}
MAIN, UNITS = 1, 10
AVERAGE, FIFO = CostMethod.AVCO, CostMethod.FIFO

TESTED_ELSEWHERE = "time-weighted return, XIRR and drawdown are tested in test_performance.py and test_risk.py"
ATTRIBUTION = "splits a period's change into buckets from daily values: an identity of the marts (rulebook 12, issue 5)"
EXCEPTED_CASES = {
    **{id_: TESTED_ELSEWHERE for id_, case in PERFORMANCE.items() if case["kind"] in ("xirr", "twr_daily")},
    **{id_: TESTED_ELSEWHERE for id_, case in PERFORMANCE.items() if case["kind"].startswith("drawdown")},
    **{id_: ATTRIBUTION for id_, case in PERFORMANCE.items() if case["kind"].startswith("period_attribution")},
    **{
        id_: "an all-time high is a statistic of a price series, not of a ledger"
        for id_, case in PERFORMANCE.items()
        if case["kind"] == "all_time_high"
    },
    "baln-buy-below-close-on-buy-date": "only a day's net performance by market close: valuation, not the ledger",
    "baln-buy-below-close-asof-buy-date": "only a day's net performance by market close: valuation, not the ledger",
    "liability-future": "a liability dated after the day asked for: we have no liabilities, and no row counts early",
}
ROAI = "ROAI is a return on average invested capital, not a time-weighted one (rulebook 7)"
BY_RANGE = "gains of a part of the time need the values at its start (issue 5)"
EXCEPTED_FIGURES = {
    "roai_gross": ROAI,
    "roai_net": ROAI,
    "roai_gross_with_fx": ROAI,
    "roai_net_with_fx": ROAI,
    "time_weighted_investment": ROAI,
    "net_performance_by_range": BY_RANGE,
    "gross_performance_at_current_fx": "values the cost at today's rate; the rulebook's cost is at the trade date's",
    "net_performance_at_current_fx": "values the cost at today's rate; the rulebook's cost is at the trade date's",
    "irr": "money-weighted return of one trade: XIRR is tested in test_performance.py",
    "return": "gain / entry follows from the two figures beside it",
    "trades": "a list, taken apart below",
    "fees_base": "a fee in another currency stays in it; the test multiplies, so that it would test itself",
}
EXCEPTED_FIGURE_OF_CASE = {
    ("valuable-no-price", "current_value"): "an asset without a price is MISSING here, never worth its cost",
    ("valuable-no-price", "gross_performance"): "without a price there is no unrealised gain here, not one of 0",
    ("valuable-no-price", "net_performance"): "without a price there is no unrealised gain here, not one of 0",
    (
        "split-multiple",
        "average_price",
    ): "6.66666667 units have 8 decimals, and so 149.99999993 for average",
    ("fee-only", "net_performance"): "Ghostfolio leaves an account's fee out of performance; it is a cost here",
}


def at(day: str, place: int = 0) -> When:
    """Rows of one day come in the case's order."""
    return When(datetime.fromisoformat(day).replace(hour=place, tzinfo=UTC), date.fromisoformat(day))


def number(value: float | int) -> Decimal:
    """At most 8 decimals, as everything that is recorded."""
    return Decimal(str(value)).quantize(Decimal("0.00000001"), ROUND_HALF_UP)


def opened(base: str, method: CostMethod, kind: PortfolioKind = PortfolioKind.INVESTMENT, *funds: str) -> Portfolio:
    mine = Portfolio(UUID(int=1), UUID(int=2), "case", base, kind, positions=Positions(method), history=History())
    for currency in funds or (base,):
        mine.move_cash(TxnType.DEPOSIT, MAIN, Decimal(10**9), at("1999-01-01"), Terms(currency))
    return mine


def close(found: Decimal, expected: float, tolerance: float) -> bool:
    return abs(found - Decimal(str(expected))) <= Decimal(str(tolerance)) + Decimal("0.00000001")


def recorded(case: dict[str, Any], method: CostMethod) -> Holding:
    """The holding after the case's transactions, whatever their way of saying what was paid."""
    asked = case["inputs"]
    base = asked.get("base", asked.get("currency", "EUR"))
    foreign = asked.get("security_currency", base)
    kind = PortfolioKind.TRADING_BOOK if case["id"].endswith("short-multi-lot") else PortfolioKind.INVESTMENT
    mine = opened(base, method, kind, base, foreign)
    for place, row in enumerate(asked["transactions"]):
        units, when = number(row["shares"]), at(row["date"], place)
        if "amount_usd" in row:
            # A delivery is units for a payment outside the account; only a trade says what was received for them.
            rate = number(row["rate"]) if foreign != base else None
            trade_as = TxnType.BUY if row["type"] == "DELIVERY_IN" else TxnType.SELL
            price = money(number(row["amount_usd"]) / units)
            mine.trade(trade_as, MAIN, UNITS, units, price, ZERO, when, Terms(foreign, rate))
        elif "price" in row:
            mine.trade(TxnType[row["type"]], MAIN, UNITS, units, number(row["price"]), ZERO, when)
        else:
            gross_at_a_cent = number("0.00000001") * units  # the amount is what was paid in all: most of it as fee
            amount = number(row["amount"])
            if row["type"] == "BUY":
                mine.buy(MAIN, UNITS, units, number("0.00000001"), amount - gross_at_a_cent, when)
            else:
                price = money(amount / units)
                mine.sell(MAIN, UNITS, units, price, money(product(price, units) - amount).max(ZERO), when)
    return mine.holdings[MAIN, UNITS]


@pytest.mark.parametrize("name", [i for i, case in PERFORMANCE.items() if case["kind"] == "cost_basis"])
def test_cost_is_portfolio_performances_by_both_methods(name: str) -> None:
    case = PERFORMANCE[name]
    expected, tolerance = case["expected"], case["tolerance"]
    for method, figure in ((FIFO, "fifo_cost"), (AVERAGE, "moving_average_cost")):
        held = recorded(case, method)
        assert held.quantity == expected["shares"]
        assert close(held.cost_basis, expected[figure], tolerance)
        assert close(held.avg_cost, expected.get("cost_per_share", held.avg_cost), tolerance)
    assert expected.keys() <= {"fifo_cost", "moving_average_cost", "shares", "cost_per_share"}


def test_gains_are_portfolio_performances_by_both_methods() -> None:
    case = PERFORMANCE["gain-2"]
    for method, name in ((FIFO, "fifo"), (AVERAGE, "moving_average")):
        held = recorded(case, method)
        unrealised = held.quantity * case["inputs"]["price"] - held.cost_basis
        assert close(held.realised, case["expected"][f"realized_{name}"], case["tolerance"])
        assert close(unrealised, case["expected"][f"unrealized_{name}"], case["tolerance"])


def test_gains_in_another_currency_and_the_rates_part_are_portfolio_performances() -> None:
    case = PERFORMANCE["gain-3-forex"]
    expected, tolerance = case["expected"], case["tolerance"]
    by_fifo, by_average = recorded(case, FIFO), recorded(case, AVERAGE)
    rate = 1 / Decimal(str(case["inputs"]["fx_eurusd_at_valuation"]))
    worth = by_average.quantity * case["inputs"]["price_usd"]

    assert close(by_fifo.realised_base, expected["realized_fifo"], tolerance)
    assert close(by_average.realised_base, expected["realized_moving_average"], tolerance)
    assert close(by_average.realised_fx, expected["realized_forex_part_moving_average"], tolerance)
    unrealised = worth * rate - by_average.cost_basis_base
    assert close(unrealised, expected["unrealized_moving_average"], tolerance)
    owed_to_the_rate = unrealised - (worth - by_average.cost_basis) * rate
    assert close(owed_to_the_rate, expected["unrealized_forex_part_moving_average"], tolerance)


def test_in_its_own_currency_a_security_has_no_currency_gain() -> None:
    case = PERFORMANCE["gain-4-forex-in-security-currency"]
    held, expected = recorded(case, FIFO), case["expected"]
    unrealised = held.quantity * case["inputs"]["price_usd"] - held.cost_basis

    assert (held.realised_base, held.realised_fx) == (expected["realized_fifo"], expected["realized_forex_part"])
    assert unrealised == expected["unrealized_fifo"]
    assert held.cost_basis == held.cost_basis_base


def test_the_gain_of_a_round_trip_is_portfolio_performances() -> None:
    case = PERFORMANCE["trade-long"]
    (trade,) = case["expected"]["trades"]

    assert recorded(case, FIFO).realised == trade["pnl"] == trade["exit"] - trade["entry"]


def test_a_short_of_several_lots_is_covered_first_in_first_out_as_in_portfolio_performance() -> None:
    case = PERFORMANCE["trade-short-multi-lot"]
    closed, still_open = case["expected"]["trades"]
    held = recorded(case, FIFO)

    assert held.realised == closed["pnl"]
    assert held.quantity == -still_open["shares"]
    assert case["inputs"]["last_price"] * held.quantity - held.cost_basis == still_open["pnl"]


def test_a_trades_fees_and_taxes_are_in_its_gain_as_in_portfolio_performance() -> None:
    case = PERFORMANCE["trade-forex-fees-taxes"]
    bought, sold = case["inputs"]["transactions"]

    def charged(row: dict[str, Any]) -> Decimal:
        return money((number(row["fees_eur"]) + number(row["taxes_eur"])) / number(row["rate_eur_per_usd"]))

    def gain(has_charges: bool) -> tuple[Decimal, Decimal]:
        mine = opened("USD", FIFO)
        for kind, row in ((TxnType.BUY, bought), (TxnType.SELL, sold)):
            price = money(number(row["gross_usd"]) / number(row["shares"]))
            fees = charged(row) if has_charges else ZERO
            mine.trade(kind, MAIN, UNITS, number(row["shares"]), price, fees, at(row["date"]))
        return mine.holdings[MAIN, UNITS].realised, -mine.rows[1].cash_effect

    assert gain(True) == (case["expected"]["pnl_net"], case["expected"]["entry"])
    assert gain(False)[0] == case["expected"]["pnl_gross"]


def traded(case: dict[str, Any]) -> Portfolio:
    """Ghostfolio's activities in their order, their fees as FEE rows; splits in front of what happens on their day."""
    asked = case["inputs"]
    base = case["base_currency"]
    is_short = case["id"].endswith("-short")
    kind = PortfolioKind.TRADING_BOOK if is_short else PortfolioKind.INVESTMENT
    mine = opened(base, AVERAGE, kind, base, "USD")
    for split in asked.get("splits", []):
        mine.split(MAIN, UNITS, number(split["numerator"]), number(split["denominator"]), at(split["date"]))
    rate = {day: number(value) for day, value in asked.get("fx_usd_chf", {}).items()}
    for place, row in enumerate(asked["transactions"], start=1):
        when = at(row["date"], place)
        terms = Terms(row["currency"], rate[row["date"]] if row["currency"] != base else None)
        units, price = number(row["quantity"]), number(row["unit_price"])
        if row["type"] == "DIVIDEND":
            mine.receive_income(TxnType.DIVIDEND, MAIN, UNITS, product(units, price), when, when.business_date)
        elif row["type"] != "FEE":
            held = mine.quantity_of(UNITS)
            is_all = row["type"] == "SELL" and 0 < abs(held - units) <= Decimal("0.00000001")
            mine.trade(TxnType[row["type"]], MAIN, UNITS, held if is_all else units, price, ZERO, when, terms)
        if row["fee"]:
            mine.move_cash(TxnType.FEE, MAIN, number(row["fee"]), when, terms)
    return mine


def total_of(kind: TxnType) -> Callable[[Portfolio], Decimal]:
    return lambda mine: abs(sum((row.cash_effect for row in mine.rows if row.txn_type is kind), ZERO))


def holding(mine: Portfolio) -> Holding:
    return mine.positions.holding((MAIN, UNITS))


def worth(mine: Portfolio, case: dict[str, Any]) -> Decimal:
    """At the last price up to the day, at that day's rate, in base currency."""
    prices = next(iter(case["inputs"]["prices"].values()), {})
    known = [number(price) for day, price in sorted(prices.items()) if day <= case["as_of"]]
    rate = number(case["inputs"].get("fx_usd_chf", {}).get(case["as_of"], 1))
    return product(product(holding(mine).quantity, known[-1] if known else ZERO), rate)


def gross(mine: Portfolio, case: dict[str, Any]) -> Decimal:
    return holding(mine).realised_base + worth(mine, case) - holding(mine).cost_basis_base


def fees_base(mine: Portfolio) -> Decimal:
    rows = [row for row in mine.rows if row.txn_type is TxnType.FEE]
    return sum((product(-row.cash_effect, row.fx_rate or ZERO) for row in rows), ZERO)


FIGURES: dict[str, Callable[[Portfolio, dict[str, Any]], Decimal]] = {
    "quantity": lambda mine, _: holding(mine).quantity,
    "average_price": lambda mine, _: holding(mine).avg_cost,
    "investment": lambda mine, _: holding(mine).cost_basis,
    "investment_with_fx": lambda mine, _: holding(mine).cost_basis_base,
    "fees": lambda mine, _: total_of(TxnType.FEE)(mine),
    "dividend": lambda mine, _: total_of(TxnType.DIVIDEND)(mine),
    "current_value": worth,
    "gross_performance": gross,
    "gross_performance_with_fx": gross,
    "net_performance": lambda mine, case: gross(mine, case) - fees_base(mine),
    "net_performance_with_fx": lambda mine, case: gross(mine, case) - fees_base(mine),
}
RUN_GHOSTFOLIO = [
    (name, figure)
    for name, case in GHOSTFOLIO.items()
    if name not in EXCEPTED_CASES
    for figure in case["expected"]
    if figure not in EXCEPTED_FIGURES and (name, figure) not in EXCEPTED_FIGURE_OF_CASE
]


@pytest.mark.parametrize(("name", "figure"), RUN_GHOSTFOLIO)
def test_quantities_cost_and_gain_are_ghostfolios(name: str, figure: str) -> None:
    case = GHOSTFOLIO[name]
    expected = case["expected"][figure]
    mine = traded(case)
    if figure == "investments":
        for day, cost in expected.items():
            until = Positions.of([row for row in mine.rows if row.business_date <= date.fromisoformat(day)])
            assert close(until.holding((MAIN, UNITS)).cost_basis, cost, case["tolerance"])
        return
    assert close(FIGURES[figure](mine, case), expected, case["tolerance"])


def test_every_case_is_compared_or_excepted_with_a_reason(capsys: pytest.CaptureFixture[str]) -> None:
    compared = {name for name, _ in RUN_GHOSTFOLIO} | {
        name
        for name, case in PERFORMANCE.items()
        if case["kind"] in ("cost_basis", "capital_gains", "capital_gains_fx", "trade", "trade_fx")
    }
    with capsys.disabled():
        print(f"\ncases: {len(compared)} compared, {len(EXCEPTED_CASES)} excepted", file=sys.__stderr__)

    assert compared | EXCEPTED_CASES.keys() == PERFORMANCE.keys() | GHOSTFOLIO.keys()
    assert not compared & EXCEPTED_CASES.keys()
    assert all(EXCEPTED_CASES.values())
    assert all(EXCEPTED_FIGURES.values())
    assert {figure for _, figure in RUN_GHOSTFOLIO} <= {*FIGURES, "investments"}
    assert all(figure in GHOSTFOLIO[name]["expected"] for name, figure in EXCEPTED_FIGURE_OF_CASE)
