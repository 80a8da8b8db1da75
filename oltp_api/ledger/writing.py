"""The one way to write to a ledger: load, decide, save.

`load` asks all that decisions are made against in one round trip; `save` sends all that was decided with the commit.
A command by itself (`decided`), a group of strangers (`ledger.group`) and a batch (`ledger.batch`) differ in how
they lock, and in what a refusal does.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple, TypeVar
from uuid import UUID

from domain.entries import When
from domain.errors import (
    AlreadyExists,
    IdempotencyConflict,
    InvalidInput,
    OfSecurity,
    PortfolioNotFound,
    Refusal,
    UnknownSecurity,
)
from domain.history import History
from domain.portfolio import Portfolio
from domain.ports import Clock
from domain.securities import AssetType, Reference, Security
from domain.stated_amounts import refuse_inverse
from oltp_api.accounts.repository import Account, Accounts, usable
from oltp_api.business_dates import event_time
from oltp_api.connections import Deferred, RowLock
from oltp_api.ledger.repository import Decided, Portfolios, RecordedEvent, RecordedRow
from oltp_api.registry.repository import Named, Securities
from oltp_api.unit_of_work import ReleasedRate, UnitOfWork
from oltp_api.web.idempotency import Answer, IdempotencyKey, IdempotencyKeys
from storage.correlation import correlation_id

T = TypeVar("T")
N = TypeVar("N", bound=Hashable)
ReadHistory = Callable[[Portfolio, Sequence[int], When], bool]
"""Load what decisions about securities are made against from a moment on; say whether events tie others to them."""
Parse = Callable[[str], Reference]
"""How a text points at a security."""


class NeedsHistory(Exception):
    """A decision needs rows that were not loaded: nothing was decided, and it has to be made by itself."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """All that a command names: one portfolio of a user, with what it holds of the securities or `holds_all`.

    `also` asks for something else that is decided together with it. `as_decided` is the portfolio, with all that it
    holds, as this unit of work has decided it before: it is not loaded again.
    """

    user_id: UUID
    portfolio_id: UUID
    accounts: tuple[str, ...] = ()
    securities: tuple[Named, ...] = ()
    external_ids: tuple[str, ...] = ()
    holds_all: bool = False
    also: Callable[[UnitOfWork], Deferred[object]] | None = None
    key: IdempotencyKey | None = None
    as_decided: Portfolio | None = None


@dataclass(slots=True)
class Loaded:
    """State that one command is decided against, by the names that it uses. `recorded` is the row of each external id
    that was recorded before, `answer` the one that was given to the command's key before."""

    portfolio: Portfolio
    also: object
    accounts: Mapping[str, Account]
    securities: Mapping[Named, Security]
    recorded: Mapping[str, RecordedRow]
    answer: Answer | IdempotencyConflict | None
    clock: Clock = field(compare=False)
    released_rate: ReleasedRate = field(compare=False)
    _read_history: ReadHistory | None = field(compare=False, repr=False)
    is_tied: bool = field(default=False, compare=False)
    _moments: dict[tuple[date | None, datetime | None], When] = field(default_factory=dict, compare=False, repr=False)

    def account_id(self, identifier: str) -> int:
        return usable(self.accounts.get(identifier), identifier)

    def security(self, identifier: str, on: date | None = None, parse: Parse = Reference.parse) -> Security:
        """The security that goes by it on a day, or else, if that was asked for as well, now."""
        reference = parse(identifier)
        return tradable(self.securities.get((reference, on)) or self.securities.get((reference, None)), identifier)

    def refuse_recorded(self, external_id: str | None) -> None:
        if external_id is not None and external_id in self.recorded:
            raise AlreadyExists("transaction with external_id", external_id)

    def refuse_inverse(self, name: str, given: Decimal | None, currency: str | None, on: date) -> None:
        """Refuse a rate of `currency` in base currency that is the other way round, by the last release."""
        base = self.portfolio.base_currency
        if given is not None and given > 0 and currency not in (None, base):
            refuse_inverse(name, given, self.released_rate(str(currency), base, on), str(currency), base)

    def moment(self, day: date | None, event_ts: datetime | None = None) -> When:
        """When something happens that says a day, a moment or neither; one for all rows that say the same."""
        found = self._moments.get((day, event_ts))
        if found is None:
            found = event_time(day, event_ts, self.portfolio.time_zone, self.clock)
            self._moments[day, event_ts] = found
        return found

    def reached(self, day: date | None, security: Security | None = None) -> When:
        """The moment of something on `day`, with the history where it has to be decided against it."""
        when = self.moment(day)
        self.reach(when, [security.security_id] if security else [])
        return when

    def reach(self, when: When, security_ids: Sequence[int], needs_history: bool = False) -> None:
        """Load what decisions about these securities, from `when` on, are made against, if they need it."""
        if not needs_history and not self.portfolio.is_back_dated(when):
            return
        if self._read_history is None:
            raise NeedsHistory
        self.is_tied = self._read_history(self.portfolio, security_ids, when)

    def copied(self) -> "Loaded":
        """A copy to be decided on; this stays what was loaded."""
        return replace(self, portfolio=deepcopy(self.portfolio), also=deepcopy(self.also))


def load(wanted: Sequence[Wanted], work: UnitOfWork, lock: RowLock) -> Sequence[Loaded | None]:
    """The state for each command, in one round trip.

    None for a portfolio that does not exist; with RowLock.SKIP also where it or an account is somebody's at the moment:
    nobody is waited for then, nor is a history read.
    """
    accounts_named = _distinct((each.user_id, name) for each in wanted for name in each.accounts)
    securities_named = _distinct(named for each in wanted for named in each.securities)
    external_ids = [(each.portfolio_id, external_id) for each in wanted for external_id in each.external_ids]
    to_load = [_with_holdings(each) for each in wanted if each.as_decided is None]
    if to_load:
        work.catch_up()
    with work.pipelined():
        portfolios = Portfolios(work).fetch_later(to_load, lock)
        accounts = Accounts(work).fetch_later(accounts_named, lock)
        securities = Securities(work).fetch_later(securities_named)
        recorded = Portfolios(work).fetch_recorded_later(external_ids)
        others = [each.also(work) if each.also else None for each in wanted]
        answers = IdempotencyKeys(work).fetch_later([each.key for each in wanted if each.key])
    found = _Found(portfolios(), accounts(), securities(), recorded(), answers())
    return [found.of(each, other and other(), lock, work) for each, other in zip(wanted, others, strict=True)]


def load_one(wanted: Wanted, work: UnitOfWork, lock: RowLock = RowLock.WAIT) -> Loaded:
    (loaded,) = load([wanted], work, lock)
    if loaded is None:
        raise PortfolioNotFound(wanted.portfolio_id)
    return loaded


def decided(wanted: Wanted, decide: Callable[[Loaded], T], work: UnitOfWork, is_dated: bool = True) -> tuple[Loaded, T]:
    """Return the locked state after `decide`, and its result.

    What may need the history, because it `is_dated`, is decided before the lock is taken, on what is there then; under
    the lock it is only compared with what is there now, and decided again if that is something else. A second decision
    in one unit of work has the lock already.
    """

    def named(loaded: Loaded) -> T:
        try:
            return decide(loaded)
        except OfSecurity as refusal:
            if "ticker" not in refusal.facts:
                known = Securities(work).tickers([refusal.security_id])
                refusal.named(known[refusal.security_id])
            raise

    ahead: tuple[Loaded, Loaded, T | Refusal] | None = None
    if is_dated and wanted.portfolio_id not in work.locked:
        seen = load_one(wanted, work, RowLock.NONE)
        acted = seen.copied()
        try:
            ahead = (seen, acted, named(acted))
        except Refusal as refusal:
            ahead = (seen, acted, refusal)
    loaded = load_one(wanted, work)
    work.locked.add(wanted.portfolio_id)
    if ahead is None or ahead[0] != loaded or ahead[1].is_tied:
        return loaded, named(loaded)
    if isinstance(ahead[2], Refusal):
        raise ahead[2]
    return ahead[1], ahead[2]


def save(portfolio: Portfolio, work: UnitOfWork, others: Sequence[RecordedEvent] = ()) -> None:
    """Write what was decided and its events, after `others` that happened with it, with the commit."""
    Portfolios(work).save(Decided(portfolio, correlation_id(), others))


def saving(portfolio: Portfolio, work: UnitOfWork) -> Iterator[None]:
    """`save`, a piece of a long ledger with each step."""
    return Portfolios(work).saving(Decided(portfolio, correlation_id()))


def tradable(security: Security | None, identifier: str) -> Security:
    """The security, unless there is none or it cannot be held."""
    if security is None:
        raise UnknownSecurity(identifier)
    if security.asset_type is AssetType.INDEX:
        raise InvalidInput("ticker", f"{security.ticker} is an index, which cannot be held")
    return security


class _Found(NamedTuple):
    """Answers to what several commands ask for."""

    portfolios: Mapping[UUID, Portfolio]
    accounts: Mapping[tuple[UUID, str], Account]
    securities: Mapping[Named, Security]
    recorded: Mapping[tuple[UUID, str], RecordedRow]
    answers: Mapping[IdempotencyKey, Answer | IdempotencyConflict]

    def of(self, wanted: Wanted, also: object, lock: RowLock, work: UnitOfWork) -> Loaded | None:
        """The part of one command; None as `load` says."""
        user_id, portfolio_id = wanted.user_id, wanted.portfolio_id
        accounts = {name: self.accounts[user_id, name] for name in wanted.accounts if (user_id, name) in self.accounts}
        is_whole = lock is not RowLock.SKIP or len(accounts) == len(set(wanted.accounts))
        portfolio = wanted.as_decided or self.portfolios.get(portfolio_id)
        if portfolio is None or not is_whole:
            return None
        return Loaded(
            portfolio=portfolio,
            also=also,
            accounts=accounts,
            securities=self.securities,
            recorded={one: row for (owner, one), row in self.recorded.items() if owner == portfolio_id},
            answer=self.answers.get(wanted.key) if wanted.key else None,
            clock=work.clock,
            released_rate=work.released_rate,
            _read_history=None if lock is RowLock.SKIP else _history_reader(portfolio_id, work),
        )


def _with_holdings(wanted: Wanted) -> tuple[UUID, UUID, Sequence[Reference]]:
    held = [Reference()] if wanted.holds_all else _distinct(reference for reference, _ in wanted.securities)
    return (wanted.user_id, wanted.portfolio_id, held)


def _history_reader(portfolio_id: UUID, work: UnitOfWork) -> ReadHistory:
    def read(portfolio: Portfolio, security_ids: Sequence[int], since: When) -> bool:
        work.catch_up()
        rows = Portfolios(work).history(portfolio_id, security_ids)
        portfolio.history = History(rows, Portfolios(work).later_cash(portfolio_id, since))
        is_tied = bool({row.security_id for row in rows} - {None, *security_ids})
        if is_tied:
            Portfolios(work).load_holdings(portfolio)
        return is_tied

    return read


def _distinct(named: Iterable[N]) -> list[N]:
    return list(dict.fromkeys(named))
