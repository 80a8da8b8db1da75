"""Posting of a portfolio's coupons and redemptions: see what is missing, and record it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from uuid import UUID

from application.analytics.review import LakeAnalyticsRepository
from domain.bond_income import Drafts, drafted
from domain.commands import PostBondIncome
from domain.entries import LedgerEntry, Terms, When
from domain.errors import NoRelease
from domain.history import History
from domain.ledger import Transaction
from domain.portfolio import Portfolio
from oltp_api.bond_income.repository import Candidate, HeldBond, HeldBonds
from oltp_api.bond_income.schemas import NotPostedView
from oltp_api.business_dates import opening_of
from oltp_api.ledger.repository import Portfolios
from oltp_api.ledger.writing import Loaded, Wanted, decided, save
from oltp_api.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class BondIncome:
    rows: list[Transaction]
    not_posted: list[NotPostedView]


def post_bond_income(command: PostBondIncome, work: UnitOfWork, rates: LakeAnalyticsRepository) -> BondIncome:
    """Record what was due and missing; return it, and the bonds of which nothing or not all could be posted."""

    def act(loaded: Loaded) -> BondIncome:
        return _posted(loaded.portfolio, work, rates)

    loaded, income = decided(Wanted(command.user_id, command.portfolio_id, holds_all=True), act, work)
    if income.rows:
        save(loaded.portfolio, work)
    return income


def _posted(portfolio: Portfolio, work: UnitOfWork, rates: LakeAnalyticsRepository) -> BondIncome:
    portfolio_id = portfolio.portfolio_id
    bonds = HeldBonds(work).of_portfolio(portfolio_id)
    if not bonds:
        return BondIncome([], [])
    history = Portfolios(work).history(portfolio_id, [bond.security_id for bond in bonds])
    drafts = _drafts(portfolio_id, portfolio.base_currency, portfolio.time_zone, bonds, history, work, rates)
    if not drafts.rows:
        return BondIncome([], _unposted(bonds, drafts))
    first = min(drafts.rows, key=lambda row: (row.business_date, row.event_ts))
    since = When(first.event_ts, first.business_date)
    portfolio.history = History(history, Portfolios(work).later_cash(portfolio_id, since))
    return BondIncome(portfolio.record(drafts.rows), _unposted(bonds, drafts))


def look(candidate: Candidate, work: UnitOfWork, rates: LakeAnalyticsRepository) -> tuple[bool, list[NotPostedView]]:
    """Say whether there is something to post, and what cannot be. Nothing is locked, and only bonds' rows are read."""
    portfolio_id = candidate.portfolio_id
    bonds = HeldBonds(work).of_portfolio(portfolio_id)
    history = Portfolios(work).history(portfolio_id, [bond.security_id for bond in bonds])
    drafts = _drafts(portfolio_id, candidate.base_currency, candidate.time_zone, bonds, history, work, rates)
    return bool(drafts.rows), _unposted(bonds, drafts)


def _drafts(
    portfolio_id: UUID,
    base_currency: str,
    time_zone: str,
    bonds: Sequence[HeldBond],
    history: Sequence[Transaction],
    work: UnitOfWork,
    rates: LakeAnalyticsRepository,
) -> Drafts:
    """Each row is at the start of its day, so that whatever else happens on it comes after."""

    def entry_of(account_id: int, day: date, terms: Terms) -> LedgerEntry:
        when = opening_of(day, time_zone, work.clock)
        if terms.currency != base_currency:
            terms = replace(terms, fx_rate=_rate(str(terms.currency), base_currency, day, rates))
        return LedgerEntry(portfolio_id, base_currency, account_id, when, terms)

    known = [bond.terms for bond in bonds if bond.terms is not None]
    return drafted(history, known, work.clock.today(time_zone), entry_of)


def _rate(currency: str, base_currency: str, on: date, rates: LakeAnalyticsRepository) -> Decimal | None:
    """The released rate of the day; None if there is none yet."""
    try:
        return rates.get_fx_rate(currency, base_currency, on)
    except NoRelease:
        return None


def _unposted(bonds: Sequence[HeldBond], drafts: Drafts) -> list[NotPostedView]:
    tickers = {bond.security_id: bond.ticker for bond in bonds}
    unknown = [_not_posted(bond.security_id, bond.ticker, bond.reason) for bond in bonds if bond.terms is None]
    return unknown + [
        _not_posted(
            payment.security_id,
            tickers[payment.security_id],
            f"no release has a rate for its redemption on {payment.day}; it can be recorded as a SELL at 100 with one",
        )
        for payment in drafts.without_rate
    ]


def _not_posted(security_id: int, ticker: str, reason: str) -> NotPostedView:
    return NotPostedView(security_id=security_id, ticker=ticker, reason=reason)
