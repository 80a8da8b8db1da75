"""Gains of a portfolio and a year, put together from one release."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from typing import Any

from application.analytics.review import LakeAnalyticsRepository
from domain.disposals import LONG_TERM_DAYS, Term
from domain.gains import (
    IncomeLine,
    IncomeType,
    ReleasedDisposal,
    gain_total,
    gain_total_base,
    grouped,
    income_total,
)
from domain.references import Document, FigureReference
from oltp_api.analytics.schemas import ClosedPositionView
from oltp_api.gains.schemas import (
    CurrencyGainView,
    DisposalView,
    GainsView,
    GainTotalView,
    IncomeSumView,
    IncomeTotalView,
    IncomeView,
    TermGainView,
)
from oltp_api.portfolios.schemas import PortfolioView

_TERMS = (Term.LONG, Term.SHORT, None)


def gains_of(
    analytics: LakeAnalyticsRepository, portfolio: PortfolioView, asked: int | str | None, today: date
) -> GainsView:
    """Gains of the year that is `asked`, of "all", or of the newest with something; without one, of this year."""
    portfolio_id, release = portfolio.portfolio_id, analytics.release_of(portfolio.portfolio_id)
    terms, years = analytics.get_gain_terms(portfolio_id), analytics.get_gain_years(portfolio_id)
    year = None if asked == "all" else int(asked or next(iter(years), today.year))
    own_days = terms.get("long_term_days")
    income = analytics.get_income(portfolio_id, year)
    closed = analytics.get_closed(portfolio_id, date.max)
    return GainsView(
        **asdict(release),
        year=year,
        years=years,
        currency=portfolio.base_currency,
        cost_method=terms.get("cost_method", portfolio.cost_method),
        long_term_days=LONG_TERM_DAYS if own_days is None else own_days,
        ledger_version=terms.get("version"),
        **_disposed(analytics.get_disposals(portfolio_id, year)),
        income=[IncomeView.model_validate(line) for line in income],
        income_by_type=_by_type(income),
        income_by_currency=_by_currency(income),
        closed=[ClosedPositionView.model_validate(one) for one in closed if year in (None, one.closed_on.year)],
        explain=str(FigureReference(Document.GAINS, portfolio_id, release.release_id, _last_day(year))),
    )


def _last_day(year: int | None) -> date | None:
    return None if year is None else date(year, 12, 31)


def _disposed(found: Sequence[ReleasedDisposal] | None) -> dict[str, Any]:
    """Disposals and their sums; None all of them where they are not kept."""
    if found is None:
        return dict.fromkeys(("disposals", "total", "by_term", "by_currency"))
    by_term = grouped(found, lambda one: one.term)
    by_currency = grouped(found, lambda one: (one.term, one.currency))
    order = sorted(by_currency, key=lambda key: (_TERMS.index(key[0]), key[1]))
    return {
        "disposals": [DisposalView.model_validate(one) for one in found],
        "total": GainTotalView.model_validate(gain_total_base(found)),
        "by_term": [
            TermGainView(term=term, **asdict(gain_total_base(by_term[term]))) for term in _TERMS if term in by_term
        ],
        "by_currency": [
            CurrencyGainView(term=term, currency=currency, **_without_fx(by_currency[term, currency]))
            for term, currency in order
        ],
    }


def _without_fx(disposed: Sequence[ReleasedDisposal]) -> dict[str, Any]:
    return {name: value for name, value in asdict(gain_total(disposed)).items() if name != "fx_gain"}


def _by_type(lines: Sequence[IncomeLine]) -> list[IncomeTotalView]:
    found = grouped(lines, lambda line: line.income_type)
    return [_of_type(kind, found[kind]) for kind in IncomeType if kind in found]


def _of_type(kind: IncomeType, lines: Sequence[IncomeLine]) -> IncomeTotalView:
    total = income_total(lines)
    return IncomeTotalView(income_type=kind, n=total.n, amount_base=total.amount_base, n_fx_missing=total.n_fx_missing)


def _by_currency(lines: Sequence[IncomeLine]) -> list[IncomeSumView]:
    found = grouped(lines, lambda line: (line.income_type, line.currency))
    order = list(IncomeType)
    return [
        IncomeSumView(income_type=kind, currency=currency, **asdict(income_total(found[kind, currency])))
        for kind, currency in sorted(found, key=lambda key: (order.index(key[0]), key[1]))
    ]
