"""Coupons and redemptions as a job of the worker: whatever is due in any portfolio is posted within a second.

What is due is seen from the ledger itself, so that a crash loses nothing and any number of workers may look at once:
each posts under the portfolio's lock, and the second finds nothing missing. A portfolio is looked at when the worker
starts, when it or one of its bonds was written to, and when its day is over; else a look asks one question by index.
"""

import logging
from datetime import date
from uuid import UUID

from domain.commands import PostBondIncome
from domain.errors import Refusal
from oltp_api.bond_income.handlers import look, post_bond_income
from oltp_api.bond_income.repository import Candidate, HeldBonds
from oltp_api.context import AppContext
from oltp_api.unit_of_work import UnitOfWork
from storage.jobs import for_each

_LOG = logging.getLogger("lakefolio.bonds")
_EVER = "0"


class BondIncomeJob:
    """Job that posts bond income. Its memory between two looks only lets it look and warn less often."""

    def __init__(self, context: AppContext) -> None:
        self._context = context
        self._since = _EVER
        self._known: dict[UUID, Candidate] = {}
        self._looked_on: dict[UUID, date] = {}
        self._told: set[tuple[UUID, str]] = set()

    def __call__(self) -> int:
        """How many rows were posted."""
        self._notice()
        return for_each(self._known.values(), self._posted)

    def _notice(self) -> None:
        def changed(work: UnitOfWork) -> tuple[str, list[Candidate]]:
            return HeldBonds(work).horizon(), list(HeldBonds(work).changed_since(self._since))

        since, candidates = self._context.transact(changed)
        for candidate in candidates:
            self._known[candidate.portfolio_id] = candidate
            self._looked_on.pop(candidate.portfolio_id, None)
        self._since = since

    def _posted(self, candidate: Candidate) -> int:
        today = self._context.clock.today(candidate.time_zone)
        if self._looked_on.get(candidate.portfolio_id) == today:
            return 0
        is_due, not_posted = self._context.transact(lambda work: look(candidate, work, self._context.analytics))
        for bond in not_posted:
            self._tell(candidate, f"not all of bond {bond.ticker} is posted: {bond.reason}")
        posted = self._post(candidate) if is_due else 0
        self._looked_on[candidate.portfolio_id] = today
        return posted

    def _post(self, candidate: Candidate) -> int:
        command = PostBondIncome(candidate.user_id, candidate.portfolio_id)
        try:
            rows = self._context.transact(lambda work: post_bond_income(command, work, self._context.analytics)).rows
        except Refusal as refusal:
            self._tell(candidate, refusal.message)
            return 0
        if rows:
            _LOG.info("portfolio %s: %d rows of bond income", candidate.portfolio_id, len(rows))
        return len(rows)

    def _tell(self, candidate: Candidate, what: str) -> None:
        """Say it once."""
        if (candidate.portfolio_id, what) not in self._told:
            self._told.add((candidate.portfolio_id, what))
            _LOG.warning("portfolio %s: %s", candidate.portfolio_id, what)
