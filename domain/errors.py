"""Refusals, each with a stable code and the facts that explain it. Those of one matter alone stand beside it.

A refusal is what a person can mend. A bug is an AssertionError.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID


def plain(value: Decimal) -> str:
    """The shortest plain text of a number: 10.50000000 is 10.5, and there is no exponent and no minus zero."""
    if not value:
        return "0"
    text = str(value)
    if "E" in text:
        text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


class Refusal(Exception):
    """A command or question that the rules turn down; `code` never changes, `facts` are for the caller.

    `status` is its kind as HTTP numbers them: 422 if the rules forbid it, 404 if there is no such thing, 409 if there
    is one already or it is in use, 503 if it may succeed later.
    """

    code = "refused"
    status = 422

    def __init__(self, message: str, **facts: object) -> None:
        super().__init__(message)
        self.message = message
        self.facts = {name: fact for name, fact in facts.items() if fact is not None}


class NotFound(Refusal):
    code = "not_found"
    status = 404


class Conflict(Refusal):
    status = 409


class TryLater(Refusal):
    status = 503


class InvalidNumber(Refusal):
    code = "invalid_number"

    def __init__(self, name: str, value: Decimal, why: str) -> None:
        super().__init__(f"{name} {why}", field=name, given=str(value))


class InvalidInput(Refusal):
    code = "invalid_input"

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"{name} {why}", field=name)


class DayToCome(Refusal):
    """A day that has not come, or one after the end of a bundled market, which never comes."""

    def __init__(self, message: str, last_day: date | None, **facts: object) -> None:
        ends = None if last_day is None else last_day.isoformat()
        super().__init__(f"{message}; {own_state(ends)}" if ends else message, market_ends=ends, **facts)


def own_state(ends: str) -> str:
    """The way past the last day of a bundled market."""
    return (
        f"the bundled market ends on {ends}, and no later day comes in this state: for days up to today start a state "
        "of your own, by make down and make up HOME_DIR=<an empty folder> MARKET_SOURCE=live (docs/prices.md)"
    )


class NoSuchId(NotFound):
    """There is no `thing` with this id, or it is another user's."""

    thing: str

    def __init__(self, identifier: UUID) -> None:
        super().__init__(f"there is no {self.thing} {identifier}", **{f"{self.thing}_id": str(identifier)})


class PortfolioNotFound(NoSuchId):
    code = "portfolio_not_found"
    thing = "portfolio"


class SecurityNotFound(NotFound):
    code = "unknown_security"

    def __init__(self, identifier: str) -> None:
        super().__init__(
            f"no security is registered under {identifier!r}; register it with POST /api/v1/securities",
            identifier=identifier,
        )


class UnknownSecurity(Refusal):
    """A command names a security that nobody registered; the same code, but the request is wrong, not its address."""

    code = SecurityNotFound.code

    def __init__(self, identifier: str) -> None:
        refused = SecurityNotFound(identifier)
        super().__init__(refused.message, **refused.facts)


class SimulationNotFound(NoSuchId):
    code = "simulation_not_found"
    thing = "simulation"


class OfSecurity(Refusal):
    """Turned down for something about one security, which the domain knows by its number and a person by its ticker."""

    def __init__(self, said: str, security_id: int, **facts: object) -> None:
        self._said, self.security_id = said, security_id
        super().__init__(said.format(security=f"security {security_id}"), security_id=security_id, **facts)

    def named(self, ticker: str) -> None:
        """Say `ticker` instead of the number."""
        self.message = self._said.format(security=ticker)
        self.args = (self.message,)
        self.facts["ticker"] = ticker


class InsufficientPosition(OfSecurity):
    code = "insufficient_position"

    def __init__(self, security_id: int, held: Decimal, asked: Decimal, on: date | None = None) -> None:
        when = f" on {on}" if on else ""
        super().__init__(
            f"{plain(asked)} asked of {{security}}, {plain(held)} held{when}",
            security_id,
            held=plain(held),
            asked=plain(asked),
            first_violating_date=on.isoformat() if on else None,
        )


class InsufficientCash(Refusal):
    code = "insufficient_cash"

    def __init__(self, currency: str, available: Decimal, asked: Decimal, on: date | None = None) -> None:
        when = f" on {on}" if on else ""
        super().__init__(
            f"{plain(asked)} {currency} asked, {plain(available)} available{when}",
            currency=currency,
            available=plain(available),
            asked=plain(asked),
            first_violating_date=on.isoformat() if on else None,
        )


class CurrencyMismatch(Refusal):
    code = "currency_mismatch"

    def __init__(self, expected: str, given: str) -> None:
        super().__init__(f"this needs {expected}, not {given}", expected=expected, given=given)


class IdempotencyConflict(Refusal):
    code = "idempotency_conflict"

    def __init__(self, key: str) -> None:
        super().__init__("this Idempotency-Key was used with another request", idempotency_key=key)


class PortfolioIsArchived(Refusal):
    code = "portfolio_archived"

    def __init__(self, portfolio_id: UUID) -> None:
        super().__init__(f"portfolio {portfolio_id} is archived", portfolio_id=str(portfolio_id))


class AlreadyExists(Conflict):
    code = "already_exists"

    def __init__(self, what: str, key: str) -> None:
        super().__init__(f"{what} {key!r} exists already", key=key)


class NoRelease(TryLater):
    code = "no_release"

    def __init__(self) -> None:
        super().__init__("nothing has been released yet; run `make refresh` or wait for the sensor")


class NoReleaseThen(NotFound):
    def __init__(self, moment: datetime) -> None:
        super().__init__(f"nothing had been released by {moment.isoformat()}")


class MissingParameters(Refusal):
    code = "missing_parameters"

    def __init__(self, missing: Sequence[str]) -> None:
        super().__init__(
            f"no simulation parameters for {', '.join(missing)}: fewer than 60 observations or no price",
            securities=list(missing),
        )


class FxMissing(Refusal):
    code = "fx_missing"

    def __init__(self, currency: str, base_currency: str) -> None:
        super().__init__(
            f"fx_rate is needed: what one {currency} was in {base_currency} at this moment; no rate is not a rate of 1",
            currency=currency,
            base_currency=base_currency,
        )


class TooManyHoldings(OfSecurity):
    code = "too_many_holdings"

    def __init__(self, security_id: int, most: int) -> None:
        super().__init__(
            f"{{security}} is held in {most} accounts, which is the most, and this would be one more",
            security_id,
            most=most,
        )


class TotalReturnSecurity(Refusal):
    code = "total_return_security"

    def __init__(self, ticker: str, txn_type: str) -> None:
        super().__init__(
            f"the prices of {ticker} are total returns: a {txn_type} is in them and would count twice",
            ticker=ticker,
            type=txn_type,
        )


class CannotReverse(Refusal):
    code = "cannot_reverse"

    def __init__(self, seq: int, why: str) -> None:
        super().__init__(f"transaction {seq} cannot be reversed: {why}", seq=seq)


class AlreadySplit(OfSecurity):
    code = "already_split"

    def __init__(self, security_id: int, on: date) -> None:
        super().__init__(
            f"a split of {{security}} on {on} is recorded already",
            security_id,
            on=on.isoformat(),
        )


class AccountNotFound(NotFound):
    code = "account_not_found"

    def __init__(self, identifier: str) -> None:
        super().__init__(f"you have no account {identifier[:64]!r}", identifier=identifier[:64])


class InvalidIdentifier(Refusal):
    code = "invalid_identifier"

    def __init__(self, id_type: str, value: str, why: str) -> None:
        super().__init__(f"{value[:40]!r} as {id_type} {why}", field=id_type.lower(), given=value[:40])


class AlreadyKnown(Conflict):
    """A shared fact is not rewritten by a user."""

    code = "already_known"

    def __init__(self, name: str, known: object) -> None:
        super().__init__(f"{name} is known as {known}, which is shared by all and stays", field=name, known=str(known))


class AccountArchived(Refusal):
    code = "account_archived"

    def __init__(self, identifier: str) -> None:
        super().__init__(f"account {identifier!r} is archived and takes no transactions", identifier=identifier)


class AccountInUse(Conflict):
    code = "account_in_use"

    def __init__(self, identifier: str, held: Sequence[Mapping[str, str]]) -> None:
        super().__init__(f"account {identifier!r} still holds units; sell or transfer them first", held=list(held))


class DefaultAccount(Refusal):
    code = "default_account"

    def __init__(self, identifier: str) -> None:
        super().__init__(f"account {identifier!r} takes what names no account, so it keeps its name and stays open")


class StaleVersion(Refusal):
    code = "stale_version"
    status = 412

    def __init__(self, current: str) -> None:
        super().__init__(f"this was changed since you read it; it is at {current} now", current=current)
        self.current = current


class SnapshotNotFound(NotFound):
    code = "snapshot_not_found"

    def __init__(self, portfolio_id: UUID, on: date | None = None) -> None:
        when = f"of {on}" if on else "yet"
        super().__init__(
            f"book {portfolio_id} has no snapshot {when}; take one with POST /api/v1/books/{portfolio_id}/snapshots",
            portfolio_id=str(portfolio_id),
            business_date=on.isoformat() if on else None,
        )


class RankingNotFound(NotFound):
    code = "ranking_not_found"

    def __init__(self, portfolio_id: UUID, on: date | None = None) -> None:
        when = f"of {on}" if on else "yet"
        super().__init__(
            f"book {portfolio_id} has no such ranking {when}; make one with POST /api/v1/books/{portfolio_id}/rankings",
            portfolio_id=str(portfolio_id),
            business_date=on.isoformat() if on else None,
        )


class ScheduleNotFound(NotFound):
    code = "schedule_not_found"

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no haircut schedule {name!r}", name=name)


class SnapshotPruned(Refusal):
    """A superseded snapshot keeps its time, hash and reason, but not what it held."""

    code = "snapshot_pruned"

    def __init__(self, snapshot_id: UUID) -> None:
        super().__init__(f"snapshot {snapshot_id} was superseded and its payload pruned", snapshot_id=str(snapshot_id))


class NothingStored(TryLater):
    """The database failed before the commit. That is not an answer about what is stored, such as "none yet"."""

    code = "nothing_stored"

    def __init__(self, what: str) -> None:
        super().__init__(f"the database failed while {what}; nothing was stored, try again")


class BatchRefused(Refusal):
    """Rows that were to be recorded all or not at all, and some of them cannot be; the first twenty are named."""

    code = "batch_refused"
    MOST_NAMED = 20

    def __init__(self, total: int, rows: Sequence[Mapping[str, object]]) -> None:
        super().__init__(
            f"{len(rows)} of {total} rows are refused, so none is recorded; the first is row {rows[0]['row']}:"
            f" {rows[0]['detail']}",
            total=total,
            refused=len(rows),
            rows=list(rows[: self.MOST_NAMED]),
        )


class ImportNotFound(NoSuchId):
    code = "import_not_found"
    thing = "import"


class OrderNotFound(NoSuchId):
    code = "order_not_found"
    thing = "order"


class OrdersOpen(Refusal):
    code = "orders_open"

    def __init__(self, portfolio_id: UUID, count: int) -> None:
        super().__init__(
            f"portfolio {portfolio_id} has {count} open orders; cancel them first", portfolio_id=str(portfolio_id)
        )
