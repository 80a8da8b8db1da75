"""What happens on a reconciliation: read the statement, fold the ledger as of its date, compare. Nothing is written."""

from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from uuid import UUID

from pydantic import ValidationError

from domain.errors import InvalidInput
from domain.money import money, share
from domain.reconciliation import (
    Finding,
    Place,
    Stated,
    cash_on,
    reconcile_cash,
    reconcile_units,
    units_on,
)
from oltp_api.broker_csv import statement_rows
from oltp_api.schemas_statements import (
    MOST_LINES,
    CashFinding,
    PositionFinding,
    ReconciliationView,
    StatementLine,
    StatementRequest,
)
from oltp_api.unit_of_work import UnitOfWork


def reconcile(asked: StatementRequest, user_id: UUID, portfolio_id: UUID, work: UnitOfWork) -> ReconciliationView:
    """Line by line what the portfolio and the statement agree on."""
    portfolio = work.reads.portfolio(user_id, portfolio_id)
    lines, cash = _read(asked)
    accounts = work.imports.ask_accounts(user_id, None)()
    securities = work.imports.ask_securities({_identifier(line.ticker) for line in lines})()
    ids = {identifier: security.security_id for identifier, security in securities.items()}
    covered = _covered(asked, lines, accounts)
    theirs: dict[Place, Stated] = {}
    named: dict[Place, tuple[str, str | None]] = {}
    for line in lines:
        account_id = _account(line.account, accounts) if line.account else None
        place = (account_id, ids.get(_identifier(line.ticker), line.ticker))
        theirs[place] = theirs[place] + _stated(line) if place in theirs else _stated(line)
        named.setdefault(place, (line.ticker, line.account))
    _refuse_mixed(theirs, named)

    rows = work.portfolios.history(portfolio_id)
    ours = units_on(rows, asked.statement_date, portfolio.cost_method, theirs, covered)
    found = reconcile_units(ours, theirs, asked.tolerance.tolerance())
    tickers = work.imports.tickers([key for _, key in ours if isinstance(key, int)])
    account_of = {account_id: identifier for identifier, account_id in accounts.items()}
    positions = []
    for each in found:
        account_id, key = each.place
        ours_by = (tickers.get(key, "") if isinstance(key, int) else key, account_of.get(account_id or 0))
        ticker, account = named.get(each.place, ours_by)
        positions.append(
            PositionFinding(
                finding=each.finding,
                ticker=ticker,
                account=account,
                ours=each.ours,
                theirs=each.theirs,
                difference=each.difference,
                value_of_difference=each.value_of_difference,
                cost_difference=each.cost_difference,
            )
        )
    balances = None
    if cash is not None:
        here = cash_on(rows, asked.statement_date, covered)
        balances = [
            CashFinding.model_validate(each) for each in reconcile_cash(here, cash, asked.tolerance.tolerance())
        ]
    totals = Counter(line.finding for line in [*positions, *(balances or ())])
    return ReconciliationView(
        portfolio_id=portfolio_id,
        statement_date=asked.statement_date,
        version=rows[-1].seq if rows else 0,
        is_reconciled=totals.keys() <= {Finding.MATCHED},
        totals=dict(totals),
        positions=positions,
        cash=balances,
    )


def _read(asked: StatementRequest) -> tuple[list[StatementLine], Mapping[str, Decimal] | None]:
    """The lines and the cash of the request or of its file."""
    if asked.csv is None:
        return list(asked.positions), asked.cash
    if asked.positions or asked.cash is not None:
        raise InvalidInput("csv", "is the whole statement; send positions and cash in it, or no csv")
    lines: list[StatementLine] = []
    cash: dict[str, Decimal] = {}
    for line, fields in statement_rows(asked.csv, MOST_LINES):
        try:
            if _identifier(str(fields.get("ticker", "CASH"))) == "CASH":
                currency, balance = _balance(line, fields)
                cash[currency] = money(cash.get(currency, Decimal(0)) + balance)
            else:
                lines.append(StatementLine.model_validate({k: v for k, v in fields.items() if k != "currency"}))
        except ValidationError as error:
            first = error.errors()[0]
            raise InvalidInput("csv", f"line {line}, column {first['loc'][0]}: {first['msg']}") from error
    return lines, cash or None


def _balance(line: int, fields: Mapping[str, object]) -> tuple[str, Decimal]:
    amount = next((fields[name] for name in ("quantity", "market_value") if name in fields), None)
    if "currency" not in fields or not isinstance(amount, Decimal):
        raise InvalidInput("csv", f"line {line}: cash needs a currency, and its amount as quantity or market value")
    return str(fields["currency"]), amount


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
    price = line.price
    if price is None and line.market_value is not None and line.quantity:
        price = share(line.market_value, Decimal(1), line.quantity)
    return Stated(line.quantity, line.cost, price)


def _refuse_mixed(theirs: Mapping[Place, Stated], named: Mapping[Place, tuple[str, str | None]]) -> None:
    """One security is stated per account or in one sum; both would count it twice."""
    whole = {key for account_id, key in theirs if account_id is None}
    for place in theirs:
        if place[0] is not None and place[1] in whole:
            raise InvalidInput("positions", f"have {named[place][0][:40]!r} both with an account and without")


def _identifier(text: str) -> str:
    return text.strip().upper()
