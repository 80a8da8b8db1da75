"""Reconciliation with a statement: read it, fold the ledger as of its date, compare. Nothing is written."""

from collections import Counter
from collections.abc import Mapping, Sequence, Set
from datetime import date
from decimal import Decimal
from uuid import UUID

from pydantic import ValidationError

from domain.currencies import parse_currency
from domain.differences import LikelyCause, cause_of_cash, cause_of_units
from domain.errors import InvalidInput
from domain.holdings import CostMethod
from domain.ledger import Transaction, effective
from domain.money import money, parse_money, parse_quantity, share
from domain.reconciliation import (
    CashLine,
    Finding,
    Place,
    Stated,
    cash_on,
    reconcile_cash,
    reconcile_units,
    units_on,
)
from domain.securities import Reference, Security
from oltp_api.accounts.repository import Accounts
from oltp_api.imports.statement import statement_rows
from oltp_api.ledger.repository import Portfolios
from oltp_api.portfolios.repository import PortfolioAttributes
from oltp_api.registry.repository import Securities
from oltp_api.statements.schemas import (
    MOST_LINES,
    CashFinding,
    LikelyCauseView,
    PositionFinding,
    ReconciliationView,
    StatementLine,
    StatementRequest,
)
from oltp_api.unit_of_work import UnitOfWork

_FIGURES = ("finding", "ours", "theirs", "difference", "value_of_difference", "cost_difference")


def reconcile(asked: StatementRequest, user_id: UUID, portfolio_id: UUID, work: UnitOfWork) -> ReconciliationView:
    """Line by line what the portfolio and the statement agree on."""
    cost_method = CostMethod(PortfolioAttributes(work).one(user_id, portfolio_id)["cost_method"])
    lines, cash = _read(asked, work)
    accounts = Accounts(work).open_ones(user_id)
    stated = _placed(lines, accounts, work)
    covered = _covered(asked, lines, accounts)
    day, tolerance = asked.statement_date, asked.tolerance.tolerance()
    rows = Portfolios(work).history(portfolio_id)
    standing = effective(rows)

    theirs = {place: statement for place, (_, statement) in stated.items()}
    found = reconcile_units(units_on(rows, day, cost_method, theirs, covered), theirs, tolerance)
    balances = None if cash is None else reconcile_cash(cash_on(rows, day, covered), cash, tolerance)
    totals = Counter([line.finding for line in found] + [balance.finding for balance in balances or ()])
    tickers = Securities(work).tickers([key for _, key in (line.place for line in found) if isinstance(key, int)])
    names = {account_id: identifier for identifier, account_id in accounts.items()}
    return ReconciliationView(
        portfolio_id=portfolio_id,
        statement_date=day,
        version=rows[-1].seq if rows else 0,
        is_reconciled=totals.keys() <= {Finding.MATCHED},
        totals=dict(totals),
        positions=[
            PositionFinding(
                ticker=stated[line.place][0] if line.place in stated else tickers[int(line.place[1])],
                account=names[line.place[0]] if line.place[0] is not None else None,
                likely_cause=_cause(cause_of_units(line, theirs.get(line.place), _of(line.place, standing), day)),
                **{name: getattr(line, name) for name in _FIGURES},
            )
            for line in found
        ],
        cash=None if balances is None else [_cash_finding(balance, standing, day) for balance in balances],
    )


def _of(place: Place, rows: Sequence[Transaction]) -> list[Transaction]:
    account_id, security_id = place
    return [row for row in rows if row.security_id == security_id and account_id in (None, row.account_id)]


def _cash_finding(balance: CashLine, rows: Sequence[Transaction], day: date) -> CashFinding:
    cause = cause_of_cash(balance, [row for row in rows if row.currency == balance.currency], day)
    told = {name: getattr(balance, name) for name in ("finding", "currency", "ours", "theirs", "difference")}
    return CashFinding(**told, likely_cause=_cause(cause))


def _cause(found: LikelyCause | None) -> LikelyCauseView | None:
    return None if found is None else LikelyCauseView(cause=found.cause, detail=found.detail, seqs=found.seqs)


def _placed(
    lines: Sequence[StatementLine], accounts: Mapping[str, int], work: UnitOfWork
) -> dict[Place, tuple[str, Stated]]:
    """Return what is stated of each place, with the statement's name of its security."""
    securities = _registered({line.ticker for line in lines}, work)
    stated: dict[Place, tuple[str, Stated]] = {}
    for line in lines:
        security = securities.get(_identifier(line.ticker))
        account_id = _account(line.account, accounts) if line.account else None
        place = (account_id, security.security_id if security else _identifier(line.ticker))
        name, before = stated.get(place, (line.ticker, None))
        stated[place] = (name, before + _stated(line) if before else _stated(line))
    whole = {key for account_id, key in stated if account_id is None}
    for (account_id, key), (name, _) in stated.items():
        if account_id is not None and key in whole:  # both would count it twice
            raise InvalidInput("positions", f"have {name[:40]!r} both with an account and without")
    return stated


def _registered(identifiers: Set[str], work: UnitOfWork) -> dict[str | None, Security]:
    named = [(Reference(name), None) for name in sorted({_identifier(each) for each in identifiers})]
    return {reference.value: each for (reference, _), each in Securities(work).fetch_later(named)().items()}


def _read(asked: StatementRequest, work: UnitOfWork) -> tuple[list[StatementLine], Mapping[str, Decimal] | None]:
    """The lines and the cash of the request or of its file."""
    if asked.csv is None:
        stated = asked.cash
        return list(asked.positions), stated and {
            name: parse_money(balance, "cash") for name, balance in stated.items()
        }
    if asked.positions or asked.cash is not None:
        raise InvalidInput("csv", "is the whole statement; send positions and cash in it, or no csv")
    lines: list[StatementLine] = []
    cash: dict[str, Decimal] = {}
    rows = statement_rows(asked.csv, MOST_LINES)
    registered = _registered({str(fields["isin"]) for _, fields in rows if "isin" in fields}, work)
    for line, fields in rows:
        stated = {name: cell for name, cell in fields.items() if name not in ("currency", "isin")}
        if (isin := _identifier(str(fields.get("isin")))) in registered:
            stated["ticker"] = isin
        try:
            if _identifier(str(fields.get("ticker", "CASH"))) == "CASH":
                currency, balance = _balance(line, fields)
                cash[currency] = money(cash.get(currency, Decimal(0)) + parse_money(balance, "cash"))
            else:
                lines.append(StatementLine.model_validate(stated))
        except ValidationError as error:
            first = error.errors()[0]
            raise InvalidInput("csv", f"line {line}, column {first['loc'][0]}: {first['msg']}") from error
    return lines, cash or None


def _balance(line: int, fields: Mapping[str, object]) -> tuple[str, Decimal]:
    amount = next((fields[name] for name in ("quantity", "market_value") if name in fields), None)
    if "currency" not in fields or not isinstance(amount, Decimal):
        raise InvalidInput("csv", f"line {line}: cash needs a currency, and its amount as quantity or market value")
    return parse_currency(str(fields["currency"])), amount


def _covered(asked: StatementRequest, lines: list[StatementLine], accounts: Mapping[str, int]) -> set[int] | None:
    """Ids of the accounts that the statement speaks of; None for all."""
    if asked.accounts is not None:
        return {_account(name, accounts) for name in asked.accounts}
    if lines and all(line.account for line in lines):
        return {_account(str(line.account), accounts) for line in lines}
    return None


def _account(identifier: str, accounts: Mapping[str, int]) -> int:
    if identifier not in accounts:
        raise InvalidInput("account", f"{identifier[:40]!r} is not one of your accounts")
    return accounts[identifier]


def _stated(line: StatementLine) -> Stated:
    price = None if line.price is None else parse_quantity(line.price, "price")
    if price is None and line.market_value is not None and line.quantity:
        parse_money(line.market_value, "market_value")
        price = share(line.market_value, Decimal(1), line.quantity)
    cost = None if line.cost is None else parse_money(line.cost, "cost")
    return Stated(parse_quantity(line.quantity, "quantity"), cost, price)


def _identifier(text: str) -> str:
    return text.strip().upper()
