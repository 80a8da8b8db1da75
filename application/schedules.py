"""Haircut schedules in PostgreSQL, per user. The supervisory one is built in: everyone has it, nobody changes it."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import dict_row

from domain.errors import InvalidInput, ScheduleNotFound, UnknownSecurity
from domain.haircuts import SUPERVISORY, HaircutClass, HaircutSchedule, Maturity, supervisory_schedule

# Locked, so that its haircuts, read next, are of the same edit.
_SCHEDULE = "select * from haircut_schedule where user_id = %(user_id)s and name = %(name)s for share"
_HAIRCUTS = "select * from haircut where user_id = %(user_id)s and name = %(name)s"
_NAMES = """
    select name from (
        select 'SUPERVISORY' as name union all select name from haircut_schedule where user_id = %(user_id)s
    ) as everyones_and_own
    where name > %(after)s order by name limit %(limit)s
"""
_SAVE = """
    insert into haircut_schedule (user_id, name, default_haircut, fx_haircut, holding_days, max_price_age_days,
                                  issuer_cap, main_index, excluded)
    values (%(user_id)s, %(name)s, %(default)s, %(fx)s, %(holding_days)s, %(max_price_age_days)s, %(issuer_cap)s,
            %(main_index)s, %(excluded)s)
    on conflict (user_id, name) do update set
        default_haircut = excluded.default_haircut,
        fx_haircut = excluded.fx_haircut,
        holding_days = excluded.holding_days,
        max_price_age_days = excluded.max_price_age_days,
        issuer_cap = excluded.issuer_cap,
        main_index = excluded.main_index,
        excluded = excluded.excluded,
        updated_at = now()
"""
_CLEAR = "delete from haircut where user_id = %(user_id)s and name = %(name)s"
_ADD = """
    insert into haircut (user_id, name, level, security_id, asset_type, issuer_class, maturity, haircut)
    values (%s, %s, %s, %s, %s, %s, %s, %s)
"""
_SECURITIES = """
    select id_value, security_id from security_identifier where id_value = any(%s) and valid_to is null
"""
_IDENTIFIERS = """
    select security_id, coalesce(name, security_id::text) as name from security_name where security_id = any(%s)
"""


class PostgresHaircutSchedules:
    """A user's schedules, within the connection's transaction."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._cursor = connection.cursor(row_factory=dict_row)

    def get(self, user_id: UUID, name: str) -> HaircutSchedule:
        if name == SUPERVISORY:
            return supervisory_schedule()
        asked = {"user_id": user_id, "name": name}
        row = self._cursor.execute(_SCHEDULE, asked).fetchone()
        if row is None:
            raise ScheduleNotFound(name)
        haircuts = self._cursor.execute(_HAIRCUTS, asked).fetchall()
        return HaircutSchedule(
            name=name,
            default=row["default_haircut"],
            fx=row["fx_haircut"],
            by_security={found["security_id"]: found["haircut"] for found in haircuts if found["level"] == "SECURITY"},
            by_class={_class(found): found["haircut"] for found in haircuts if found["level"] == "CLASS"},
            main_index=frozenset(row["main_index"]),
            holding_days=row["holding_days"],
            excluded=frozenset(row["excluded"]),
            max_price_age_days=row["max_price_age_days"],
            issuer_cap=row["issuer_cap"],
        )

    def names(self, user_id: UUID, limit: int, after: str = "") -> list[str]:
        """By name, the supervisory one among the user's own."""
        rows = self._cursor.execute(_NAMES, {"user_id": user_id, "limit": limit, "after": after}).fetchall()
        return [row["name"] for row in rows]

    def put(self, user_id: UUID, schedule: HaircutSchedule) -> None:
        """Store the whole schedule; rankings made by what it said before keep that."""
        if schedule.name == SUPERVISORY:
            raise InvalidInput("name", f"{SUPERVISORY} is the published schedule and cannot be changed")
        values = {
            "user_id": user_id,
            "name": schedule.name,
            "default": schedule.default,
            "fx": schedule.fx,
            "holding_days": schedule.holding_days,
            "max_price_age_days": schedule.max_price_age_days,
            "issuer_cap": schedule.issuer_cap,
            "main_index": sorted(schedule.main_index),
            "excluded": sorted(schedule.excluded),
        }
        self._cursor.execute(_SAVE, values)  # first: its lock keeps a parallel editor out
        self._cursor.execute(_CLEAR, values)
        key = (user_id, schedule.name)
        self._cursor.executemany(
            _ADD,
            [
                *((*key, "SECURITY", number, None, None, None, cut) for number, cut in schedule.by_security.items()),
                *(
                    (*key, "CLASS", None, kind.asset_type, kind.issuer_class, kind.maturity, haircut)
                    for kind, haircut in schedule.by_class.items()
                ),
            ],
        )

    def securities(self, identifiers: Sequence[str]) -> dict[str, int]:
        """The security behind each identifier of any type; UnknownSecurity names the first that has none."""
        names = {identifier: identifier.strip().upper() for identifier in identifiers}
        rows = self._cursor.execute(_SECURITIES, (list(names.values()),)).fetchall()
        known = {row["id_value"]: int(row["security_id"]) for row in rows}
        for identifier, name in names.items():
            if name not in known:
                raise UnknownSecurity(identifier)
        return {identifier: known[name] for identifier, name in names.items()}

    def identifiers(self, security_ids: Sequence[int]) -> dict[int, str]:
        """Name each security as people do: by its ticker, else ISIN, else CUSIP, else id."""
        rows = self._cursor.execute(_IDENTIFIERS, (list(security_ids),)).fetchall()
        return {row["security_id"]: row["name"] for row in rows}


def _class(row: dict[str, Any]) -> HaircutClass:
    return HaircutClass(row["asset_type"], row["issuer_class"], Maturity(row["maturity"]) if row["maturity"] else None)
