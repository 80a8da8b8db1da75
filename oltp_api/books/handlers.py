"""Books: their snapshots, haircut schedules, and what of them is collateral."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from typing import TypeVar
from uuid import UUID

import psycopg

from application.rankings import PostgresCollateralRankings, StoredRanking, rank_snapshot
from application.schedules import PostgresHaircutSchedules
from application.snapshots import PostgresPositionSnapshotRepository, take_snapshot
from domain.collateral import ValuationBasis
from domain.errors import (
    InvalidInput,
    InvalidNumber,
    NothingStored,
    PortfolioIsArchived,
    PortfolioNotFound,
    RankingNotFound,
    SnapshotNotFound,
)
from domain.haircuts import HaircutClass, HaircutSchedule
from domain.money import ZERO, parse_money, parse_quantity
from domain.snapshots import PositionSnapshot, ReleasedQuotes, Skipped
from oltp_api.books.schemas import (
    ClassHaircutView,
    CollateralItemView,
    DeliveryView,
    EndOfDayPage,
    EndOfDayView,
    RankedView,
    RankingRequest,
    RankingView,
    ScheduleRequest,
    SchedulesPage,
    ScheduleView,
    SnapshotLineView,
    SnapshotView,
    TakenView,
)
from oltp_api.unit_of_work import UnitOfWork

_BOOK = "select time_zone, archived_at from portfolio where user_id = %s and portfolio_id = %s"

T = TypeVar("T")


class Books:
    """The books of a user, within one unit of work."""

    def __init__(self, work: UnitOfWork) -> None:
        self._connection = work.connection
        self._clock = work.clock
        self._snapshots = PostgresPositionSnapshotRepository(work.connection)
        self._schedules = PostgresHaircutSchedules(work.connection)
        self._rankings = PostgresCollateralRankings(work.connection)

    def take(self, user_id: UUID, portfolio_id: UUID, quotes: ReleasedQuotes) -> TakenView:
        """The book's snapshot, stored if it is newer than the current one of its business date."""
        with nothing_stored("taking the snapshot"):
            self._open_book(user_id, portfolio_id)
            taken = take_snapshot(self._connection, portfolio_id, quotes.by_security, quotes.release_id, self._clock)
            if isinstance(taken, Skipped):
                current = self._on(portfolio_id, taken.business_date)
                return TakenView(stored=False, reason=taken.reason, snapshot=_snapshot(current))
            return TakenView(stored=True, reason=None, snapshot=_snapshot(taken))

    def latest_today(self, user_id: UUID, portfolio_id: UUID) -> SnapshotView:
        zone, _ = self._book(user_id, portfolio_id)
        return _snapshot(self._on(portfolio_id, self._clock.today(zone)))

    def end_of_day(self, user_id: UUID, portfolio_id: UUID, day: date) -> SnapshotView:
        self._book(user_id, portfolio_id)
        return _snapshot(self._on(portfolio_id, day))

    def ends_of_day(
        self, user_id: UUID, portfolio_id: UUID, start: date | None, end: date | None, limit: int, after: date | None
    ) -> EndOfDayPage:
        """The current snapshot of every business date from `start` to `end` and after `after`, oldest first."""
        self._book(user_id, portfolio_id)
        found = self._snapshots.ends_of_day(portfolio_id, start, end, limit + 1, after)
        items = [EndOfDayView.model_validate(snapshot) for snapshot in found[:limit]]
        return EndOfDayPage(items=items, next_cursor=items[-1].business_date if len(found) > limit else None)

    def rank(self, user_id: UUID, portfolio_id: UUID, asked: RankingRequest) -> RankedView:
        """The ranking by the terms asked for. What is required is a question to it and not stored."""
        with nothing_stored("ranking the snapshot"):
            self._open_book(user_id, portfolio_id)
            snapshot = self._snapshot_of(portfolio_id, asked.business_date)
            rates = {currency: _positive_rate(currency, rate) for currency, rate in asked.fx_rates.items()}
            schedule = self._terms(user_id, asked)
            stored, is_new = rank_snapshot(
                self._connection, snapshot.snapshot_id, schedule, asked.valuation_basis, rates
            )
            return RankedView(**dict(_ranking(stored, asked.required_amount)), stored=is_new)

    def ranking(
        self,
        user_id: UUID,
        portfolio_id: UUID,
        day: date | None = None,
        schedule: str | None = None,
        basis: str | None = None,
        required: Decimal | None = None,
    ) -> RankingView:
        """The newest ranking of the book, or of its snapshot of `day`."""
        self._book(user_id, portfolio_id)
        stored = self._rankings.newest(portfolio_id, day, schedule, basis)
        if stored is None:
            raise RankingNotFound(portfolio_id, day)
        return _ranking(stored, required)

    def schedule(self, user_id: UUID, name: str) -> ScheduleView:
        return self._schedule_view(self._schedules.get(user_id, name))

    def schedules(self, user_id: UUID, limit: int, cursor: str | None) -> SchedulesPage:
        names = self._schedules.names(user_id, limit + 1, cursor or "")
        return SchedulesPage(items=names[:limit], next_cursor=names[limit - 1] if len(names) > limit else None)

    def put_schedule(self, user_id: UUID, name: str, asked: ScheduleRequest) -> ScheduleView:
        known = self._schedules.securities([*asked.securities, *asked.main_index, *asked.excluded])
        schedule = HaircutSchedule(
            name=name,
            default=_haircut(asked.default_haircut),
            fx=_haircut(asked.fx_haircut),
            by_security=_each_once("securities", ((known[name], cut) for name, cut in asked.securities.items())),
            by_class=_each_once(
                "classes",
                ((HaircutClass(of.asset_type, of.issuer_class, of.maturity), of.haircut) for of in asked.classes),
            ),
            main_index=frozenset(known[ticker] for ticker in asked.main_index),
            holding_days=asked.holding_days,
            excluded=frozenset(known[ticker] for ticker in asked.excluded),
            max_price_age_days=asked.max_price_age_days,
            issuer_cap=parse_quantity(asked.issuer_cap, "issuer_cap") if asked.issuer_cap is not None else None,
        )
        self._schedules.put(user_id, schedule)
        return self._schedule_view(schedule)

    def _terms(self, user_id: UUID, asked: RankingRequest) -> HaircutSchedule:
        schedule = self._schedules.get(user_id, asked.schedule)
        known = self._schedules.securities(list(asked.haircuts))
        own = _each_once("haircuts", ((known[name], cut) for name, cut in asked.haircuts.items()))
        return schedule.with_haircuts(own)

    def _snapshot_of(self, portfolio_id: UUID, day: date | None) -> PositionSnapshot:
        if day is not None:
            return self._on(portfolio_id, day)
        latest = self._snapshots.latest(portfolio_id)
        if latest is None:
            raise SnapshotNotFound(portfolio_id)
        return latest

    def _on(self, portfolio_id: UUID, day: date) -> PositionSnapshot:
        current = self._snapshots.current(portfolio_id, day)
        if current is None:
            raise SnapshotNotFound(portfolio_id, day)
        return current

    def _book(self, user_id: UUID, portfolio_id: UUID) -> tuple[str, bool]:
        """Its time zone, and whether it is archived; another user's does not exist."""
        row = self._connection.execute(_BOOK, (user_id, portfolio_id)).fetchone()
        if row is None:
            raise PortfolioNotFound(portfolio_id)
        return row["time_zone"], row["archived_at"] is not None

    def _open_book(self, user_id: UUID, portfolio_id: UUID) -> None:
        _, is_archived = self._book(user_id, portfolio_id)
        if is_archived:
            raise PortfolioIsArchived(portfolio_id)

    def _schedule_view(self, schedule: HaircutSchedule) -> ScheduleView:
        numbers = sorted({*schedule.by_security, *schedule.main_index, *schedule.excluded})
        called = self._schedules.identifiers(numbers)
        return ScheduleView(
            name=schedule.name,
            default_haircut=schedule.default,
            fx_haircut=schedule.fx,
            holding_days=schedule.holding_days,
            securities={called[number]: haircut for number, haircut in sorted(schedule.by_security.items())},
            classes=[
                ClassHaircutView(
                    asset_type=kind.asset_type, issuer_class=kind.issuer_class, maturity=kind.maturity, haircut=haircut
                )
                for kind, haircut in schedule.by_class.items()
            ],
            main_index=[called[number] for number in sorted(schedule.main_index)],
            excluded=[called[number] for number in sorted(schedule.excluded)],
            max_price_age_days=schedule.max_price_age_days,
            issuer_cap=schedule.issuer_cap,
        )


@contextmanager
def nothing_stored(what: str) -> Iterator[None]:
    """A database error inside is before the commit: it is told as such, and never taken for an answer."""
    try:
        yield
    except psycopg.DataError:
        raise
    except psycopg.Error as error:
        raise NothingStored(what) from error


def _snapshot(snapshot: PositionSnapshot) -> SnapshotView:
    lines = [
        SnapshotLineView(
            **{name: getattr(line, name) for name in type(line).__slots__},
            status="MISSING" if line.market_value is None else "PRICED",
        )
        for line in snapshot.lines
    ]
    return SnapshotView(
        snapshot_id=snapshot.snapshot_id,
        portfolio_id=snapshot.portfolio_id,
        business_date=snapshot.business_date,
        taken_at=snapshot.taken_at,
        portfolio_version=snapshot.portfolio_version,
        release_id=snapshot.release_id,
        payload_hash=snapshot.payload_hash,
        lines=lines,
    )


def _ranking(stored: StoredRanking, required: Decimal | None) -> RankingView:
    ranking = stored.ranking
    delivery = None
    if required is not None:
        delivery = ranking.cheapest_to_deliver(parse_money(required, "required_amount"))
    return RankingView(
        ranking_id=stored.ranking_id,
        snapshot_id=stored.snapshot_id,
        portfolio_id=stored.portfolio_id,
        business_date=stored.business_date,
        schedule=stored.schedule,
        valuation_basis=ValuationBasis(stored.valuation_basis),
        currency=stored.currency,
        lendable_value=stored.lendable_value,
        payload_hash=stored.payload_hash,
        created_at=stored.created_at,
        items=[CollateralItemView.model_validate(item) for item in ranking.items],
        delivery=DeliveryView.model_validate(delivery) if delivery else None,
    )


def _each_once(field: str, haircuts: Iterable[tuple[T, Decimal]]) -> dict[T, Decimal]:
    """Two haircuts for one thing, by whatever names, are refused: neither would be the one that was meant."""
    found: dict[T, Decimal] = {}
    for what, haircut in haircuts:
        if what in found:
            raise InvalidInput(field, "has two haircuts for one and the same")
        found[what] = _haircut(haircut)
    return found


def _haircut(value: Decimal) -> Decimal:
    return parse_quantity(value, "haircut")


def _positive_rate(currency: str, rate: Decimal) -> Decimal:
    if rate <= ZERO:
        raise InvalidNumber(f"fx_rates.{currency}", rate, "is not above 0")
    return parse_quantity(rate, f"fx_rates.{currency}")
