"""Identity of a file's row: its source, and the broker's reference or else what it moved; never its text.

A row that was recorded is known again by it, however the file writes it, in whatever order, and in a longer file. Its
form is versioned, since keys that were given once are looked for for good: those of the first reader (`csv:`) and of
the second (`csv2:`) stand in ledgers, as do references that brokers gave.
"""

import hashlib
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from domain.errors import InvalidInput, plain
from domain.ledger import TxnType, text_of
from domain.money import payable
from domain.values import quickly_made
from oltp_api.connections import Deferred, text_array
from oltp_api.imports.drafts import BOUGHT_OR_SOLD, LEAVES, Draft
from oltp_api.ledger.batch import Duplicate
from oltp_api.unit_of_work import UnitOfWork
from storage.queries import statements

_SQL = statements("oltp_api/imports/queries.sql")

_VERSION = 3
_DIGITS = 24
_PAYS = (TxnType.BUY, *LEAVES)
_MOVED = ("quantity", "price", "amount")
_NOTHING_IF_ZERO = ("fees", "accrued", "withheld")
_HAS_DIGIT = re.compile(r"[0-9]")
_MOST_OF_A_REFERENCE = 200
"""Characters; a longer one is a text, for which an index has no room."""


@quickly_made
@dataclass(frozen=True, slots=True)
class Identity:
    """The key of a row within its source, what it moves, and the keys that older readers would have given it.

    `reference` is the broker's, whether or not it can be an id.
    """

    source: str
    key: str
    content: Mapping[str, str]
    moved: tuple[Decimal | None, Decimal | None, str]
    older: tuple[str, ...] = ()
    reference: str | None = None
    is_reference: bool = False

    @property
    def in_ledger(self) -> tuple[str, ...]:
        """The ids by which older code would have recorded it in the ledger itself."""
        return (*((self.reference,) if self.reference else ()), *self.older)

    def differs_from(self, old: "OldRow") -> str | None:
        """Tell how it moves otherwise than a row in the ledger, as far as the file says what it moves."""
        cash, units, currency = self.moved
        told = []
        if self.content["day"] != str(old.day):
            told.append(f"day {old.day} is now {self.content['day']}")
        if cash is not None and (payable(cash, currency), currency) != (
            payable(old.cash_effect, old.currency),
            old.currency,
        ):
            told.append(f"{plain(old.cash_effect)} {old.currency} is now {plain(cash)} {currency}")
        if units is not None and units != (old.quantity or 0):
            told.append(f"{plain(old.quantity or Decimal(0))} units are now {plain(units)}")
        return "; ".join(told) or None


def content_of(draft: Draft, fields: Mapping[str, Any], security: str | None) -> dict[str, str]:
    """Content of the row, all that it moves: day, type, security, units, price, money and its currency."""
    said = {"day": text_of(draft.day), "type": fields["type"].value}
    if security is not None:
        said["security"] = security
    for name in _MOVED:
        if name in fields:
            said[name] = plain(fields[name])
    said["currency"] = draft.currency
    if fields.get("split_new") and fields.get("split_old"):
        said["split"] = f"{plain(fields['split_new'])}:{plain(fields['split_old'])}"
    if "received" in fields:
        said["received"] = f"{plain(fields['received'])} {fields['received_currency']}"
    if "units_new" in fields:
        said["units_new"] = plain(fields["units_new"])
    return said


class Identifying:
    """Identities of a file's rows, one after the other. A reference that repeats in the file, or has no digit in it,
    names a kind of row and is no id, nor is one that is written as part of another line's; rows that say the same are
    numbered."""

    def __init__(self, source: str, drafts: Iterable[Draft], first_ids: Mapping[int, str] | None) -> None:
        """`first_ids` are the ids of lines by the first reader; None where the ledger has none by older readers."""
        self._source = source
        self._first_ids = first_ids
        self._seen: dict[str, dict[str, int]] = defaultdict(dict)
        self._older_seen: Counter[str] = Counter()
        self._lines_with: dict[str, set[int]] = {}
        self._of_parts: set[str] = set()
        self.has_accounts = False
        for each in drafts:
            self.has_accounts = self.has_accounts or "account" in each.texts
            if reference := each.texts.get("reference"):
                self._lines_with.setdefault(reference, set()).add(each.line)
                if each.part:
                    self._of_parts.add(f"{reference}:{each.part}")

    def of(self, draft: Draft, fields: Mapping[str, Any], security: str | None) -> Identity:
        """The identity of a row, by the fields of the request that it makes."""
        content = content_of(draft, fields, security)
        place = draft.texts.get("account") or self._source
        reference = draft.texts.get("reference")
        is_id = reference is not None and self._is_id(reference)
        if is_id:
            key = f"ref:{reference}" + (f":{draft.part}" if draft.part else "")
        else:
            key = f"{_VERSION}:{_hash(content)}:1"
            seen = self._seen[place]
            seen[key] = twin = seen.get(key, 0) + 1  # by the first twin's, which is in the report too: no text more
            if twin > 1:
                key = f"{key.removesuffix('1')}{twin}"
        if "settled" in fields:  # of no fingerprint, for there were rows before it was said
            content["settled"] = f"{plain(fields['settled'])} {fields['settled_currency']}"
        moved = _moved(fields, draft.currency)
        older = tuple(self._older(draft, fields, self._first_ids)) if self._first_ids is not None else ()
        return Identity(place, key, content, moved, older, reference, is_id)

    def _is_id(self, reference: str) -> bool:
        is_once = len(self._lines_with[reference]) == 1 and reference not in self._of_parts
        return is_once and len(reference) <= _MOST_OF_A_REFERENCE and bool(_HAS_DIGIT.search(reference))

    def _older(self, draft: Draft, fields: Mapping[str, Any], first_ids: Mapping[int, str]) -> Iterator[str]:
        """The ids that older readers would have given to the row."""
        if (first := first_ids.get(draft.line)) is not None and not draft.part:
            yield first
        second = _second({**fields, "ticker": draft.naming.ticker or draft.naming.isin})
        self._older_seen[second] += 1
        yield f"csv2:{second}:{self._older_seen[second]}"


@dataclass(frozen=True, slots=True)
class KnownRows:
    """Rows of the file that are recorded, by source and key, and by ids that stand in the ledger itself."""

    by_key: Mapping[tuple[str, str], tuple[int, Mapping[str, str]]]
    by_external_id: Mapping[str, "OldRow"]
    was_refused: bool


@dataclass(frozen=True, slots=True)
class OldRow:
    """A row that was recorded while its id stood in the ledger."""

    seq: int
    day: date
    cash_effect: Decimal
    currency: str
    quantity: Decimal | None


class SourceUnclear(InvalidInput):
    """A file that names no account, of which some rows are known, and older ones not: it may be another account's."""

    code = "source_unclear"


@dataclass(slots=True)
class Familiar:
    """Days of a file's rows that are recorded, and of others; `is_stated` says that somebody, or the file, has named
    the account or source that it is of."""

    source: str
    is_stated: bool
    latest_known: str = ""
    oldest_new: str = ""

    def note(self, identities: Mapping[int, Identity], known: Mapping[int, Duplicate], was_refused: bool) -> None:
        """Note part of a file; a source of which rows were refused before may well have older rows that are new."""
        self.is_stated |= was_refused
        days = {place: each.content["day"] for place, each in identities.items()}
        self.latest_known = max([self.latest_known, *(days[place] for place in known)])
        new = [day for place, day in days.items() if place not in known]
        self.oldest_new = min([*filter(None, (self.oldest_new,)), *new], default="")

    def refuse_unclear(self) -> None:
        if self.is_stated or not self.latest_known or not self.oldest_new or self.oldest_new >= self.latest_known:
            return
        why = (
            f"is asked for: rows of this file are recorded, and older ones, such as of {self.oldest_new}, are not. If "
            f"it is of the same account, say source={self.source}, else account= or another source="
        )
        raise SourceUnclear("source", why)


@dataclass(frozen=True, slots=True)
class Recognition:
    """Rows of a file that were recorded before; to be asked together with the portfolio, under its lock.

    `identities` have their places among the rows that are to be recorded.
    """

    portfolio_id: UUID
    identities: Mapping[int, Identity]
    familiar: Familiar

    def fetch_later(self, work: UnitOfWork) -> Deferred[object]:
        asked = {
            "portfolio_id": self.portfolio_id,
            "sources": text_array([each.source for each in self.identities.values()]),
            "keys": text_array([each.key for each in self.identities.values()]),
            "external_ids": text_array([one for each in self.identities.values() for one in each.in_ledger]),
            "source": self.familiar.source,
        }
        known = work.connection.execute(_SQL["known_rows"], asked)
        old = work.connection.execute(_SQL["known_by_external_id"], asked)
        refused = work.connection.execute(_SQL["refused_before"], asked)

        def rows() -> KnownRows:
            by_key = {(row["source"], row["row_key"]): (row["seq"], row["content"]) for row in known.fetchall()}
            by_id = {row.pop("external_id"): OldRow(**row) for row in old.fetchall()}
            return KnownRows(by_key, by_id, refused.fetchall()[0]["is_so"])

        return rows

    def duplicates(self, found: object) -> Mapping[int, Duplicate]:
        assert isinstance(found, KnownRows)
        known: dict[int, Duplicate] = {}
        for place, each in self.identities.items():
            if (row := found.by_key.get((each.source, each.key))) is not None:
                known[place] = Duplicate(row[0], _change(row[0], changed(row[1], each.content)))
            elif (older := self._in_ledger(each, found)) is not None:
                known[place] = older
        self.familiar.note(self.identities, known, found.was_refused)
        return known

    def _in_ledger(self, each: Identity, found: KnownRows) -> Duplicate | None:
        for name in each.in_ledger:
            if (old := found.by_external_id.get(name)) is None:
                continue
            differs = each.differs_from(old)
            if name == each.reference and not each.is_reference and differs:
                continue  # a reference that names a kind of row: that one was another
            return Duplicate(old.seq, _change(old.seq, differs))
        return None


def _change(seq: int, differs: str | None) -> str | None:
    return differs and f"is recorded as row {seq}: {differs}; reverse that row, and send it again"


def changed(was: Mapping[str, str], now: Mapping[str, str]) -> str | None:
    """Tell what a row with a known id says otherwise than it did; None if nothing."""
    unsaid = {"settled"} - was.keys()
    told = [
        f"{name} {was.get(name, 'nothing')} is now {now.get(name, 'nothing')}"
        for name in sorted({*now, *was} - unsaid)
        if was.get(name) != now.get(name)
    ]
    return "; ".join(told) or None


def _moved(fields: Mapping[str, Any], currency: str) -> tuple[Decimal | None, Decimal | None, str]:
    """The cash and units that a row moves, as far as it says so itself."""
    kind, amount, units, price = fields["type"], fields.get("amount"), fields.get("quantity"), fields.get("price")
    leaves, traded = kind in _PAYS, kind in BOUGHT_OR_SOLD
    if traded and amount is None and price and units and not fields.get("fee_currency"):
        fees = fields.get("fees") or Decimal(0)
        amount = units * price + (fees if leaves else -fees)
    elif traded and amount is not None:
        amount = abs(amount)
    cash = None if amount is None else -amount if leaves else amount
    return (cash, (units if kind is TxnType.BUY else -units) if traded and units else None, currency)


def _hash(content: Mapping[str, str]) -> str:
    said = "\x1f".join(map("=".join, content.items()))
    return hashlib.sha256(said.encode()).hexdigest()[:_DIGITS]


def _second(fields: Mapping[str, Any]) -> str:
    """The fingerprint of the second reader, frozen: a hash of what the row says, not how: 10.50 is 10.5."""
    said = {
        name: plain(value) if isinstance(value, Decimal) else str(value)
        for name, value in fields.items()
        if (value or name not in _NOTHING_IF_ZERO) and value not in (None, "")
    }
    canonical = json.dumps(said, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:_DIGITS]
