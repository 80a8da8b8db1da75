"""Profiles that an owner stores: of the form of those that ship, judged before they are kept, and used beside them."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields, replace
from importlib.resources import files
from typing import Any
from uuid import UUID

import yaml
from pydantic import TypeAdapter, ValidationError

from domain.errors import InvalidInput, NotFound
from oltp_api.imports.drafts import Draft
from oltp_api.imports.plain import NAME as PLAIN
from oltp_api.imports.profiles import Profile, shipped
from oltp_api.imports.reading import Hints, Sheet, read
from oltp_api.imports.repository import Profiles
from oltp_api.imports.schemas import ProfileChecked, ProfileRow, ProfileView
from oltp_api.imports.told import cells_told, draft_told, reading_told
from oltp_api.unit_of_work import UnitOfWork

MOST_SAMPLE_ROWS = 1_000
MOST_CHARACTERS = 100_000
MOST_PROFILES = 200
_MOST_WORDS = 20_000
_MOST_TOLD = 20
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_FILE = re.compile(r"\s*/\*(?P<words>.*?)\*/(?P<select>.*)", re.DOTALL)
_ADAPTER = TypeAdapter(Profile)
_OURS = frozenset({"name", "select", "owner"})
_WORDS = frozenset(each.name for each in fields(Profile)) - _OURS
_NEEDED = frozenset(
    each.name for each in fields(Profile) if each.default is MISSING and each.default_factory is MISSING
) - _OURS | {"recognised"}  # fmt: skip


class ProfileNotFound(NotFound):
    code = "import_profile_not_found"

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no import profile {name[:40]!r} that can be asked for here", name=name[:40])


class SampleNotRead(InvalidInput):
    """A profile that does not read its own sample, with the first of the rows that it does not."""

    code = "sample_not_read"

    def __init__(self, rows: Sequence[ProfileRow]) -> None:
        super().__init__("sample", f"has {len(rows)} rows that the profile does not read; {rows[0].detail}")
        self.facts |= {"refused": [row.model_dump(mode="json") for row in rows[:_MOST_TOLD]]}


def known_profiles(user_id: UUID, work: UnitOfWork) -> Mapping[str, Profile]:
    """Profiles that ship and the owner's own, by name; an own one stands for a shipped one of its name."""
    rows = Profiles(work).all(user_id)
    return {**shipped(), **{row["name"]: own_profile(row["name"], row["body"], user_id) for row in rows}}


def own_profile(name: str, text: str, user_id: UUID) -> Profile:
    """The profile that `text` is: a comment with its words, in YAML, and a SELECT."""
    if not _NAME.fullmatch(name) or name == PLAIN:
        raise InvalidInput("name", f"must be of a-z, 0-9, - and _, at most 40 characters, and not {PLAIN}")
    found = _FILE.fullmatch(text)
    if found is None or len(text) > MOST_CHARACTERS:
        raise InvalidInput(
            "profile", "must be a comment /* ... */ with its words, and then one SELECT, at most 100,000 characters"
        )
    words = _words_of(found["words"])
    try:
        profile = _ADAPTER.validate_python({**words, "name": name, "select": found["select"].strip()})
    except ValidationError as error:
        first = error.errors()[0]
        raise InvalidInput("profile", f"has a wrong word {first['loc'][0]}: {first['msg']}") from error
    _refuse_unstorable(text, json.dumps(words, ensure_ascii=False, default=str))
    if not any(each.strip() for each in profile.recognised):
        raise InvalidInput("recognised", "must have cells of the header by which a file is recognised")
    if profile.kind != "transactions":
        raise InvalidInput("kind", "must be transactions; a statement is read by what ships, or by its header's words")
    if profile.format == "csv" and profile.records:
        raise InvalidInput("records", "are of files of records; a CSV has lines")
    return replace(profile, owner=str(user_id))


def _refuse_unstorable(*texts: str) -> None:
    for each in texts:
        if "\0" in each or "\\u0000" in each or any("\ud800" <= letter <= "\udfff" for letter in each):
            raise InvalidInput("profile", "must not contain a NUL character or half of a surrogate pair")


def _words_of(text: str) -> Mapping[str, Any]:
    try:
        words = yaml.safe_load(text) if len(text) <= _MOST_WORDS else None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise InvalidInput("profile", f"has words that are no YAML: {' '.join(str(error).split())[:200]}") from error
    if not isinstance(words, dict):
        raise InvalidInput("profile", "needs its words in the comment, one a line, such as `title: My broker`")
    if unknown := [str(each)[:40] for each in words if each not in _WORDS]:
        raise InvalidInput(
            "profile", f"has words that are none: {', '.join(unknown)}; there are {', '.join(sorted(_WORDS))}"
        )
    if lacking := _NEEDED - words.keys():
        raise InvalidInput("profile", f"lacks {', '.join(sorted(lacking))}")
    return words


def text_of(words: Mapping[str, Any], select: str) -> str:
    """The same as a file's text."""
    try:
        written = yaml.safe_dump(dict(words), sort_keys=False, allow_unicode=True, width=1_000_000)
    except yaml.YAMLError as error:
        raise InvalidInput("profile", "has words that are neither text nor lists of text") from error
    if "*/" in written:
        raise InvalidInput("profile", "must not have */ in a word: it would end the comment with the words")
    return f"/*\n{written}*/\n{select.strip()}\n"


def checked(profile: Profile, sample: bytes, others: Mapping[str, Profile]) -> ProfileChecked:
    """The rows of its sample as the profile reads them; SampleNotRead, or why it cannot be used at all."""
    sheet = read(sample, Hints(), {profile.name: profile}, MOST_SAMPLE_ROWS)
    if sheet.profile is not profile:
        raise InvalidInput("recognised", f"must be in the sample: no line of it has {', '.join(profile.recognised)}")
    rows = [_row_told(draft, sheet) for draft in sorted(sheet.drafts, key=lambda each: (each.line, each.part))]
    if refused := [row for row in rows if row.status == "REFUSED"]:
        raise SampleNotRead(refused)
    if not any(row.status == "READ" for row in rows):
        raise InvalidInput("sample", "must have a row that is a transaction, on which the profile is checked")
    header = [(1, list(sheet.header))]
    return ProfileChecked(
        name=profile.name,
        reading=reading_told(sheet, profile.name),
        ignored_columns=sheet.ignored,
        also_fit=[
            each.name
            for each in others.values()
            if each.name != profile.name and each.recognised and each.header_in(header) is not None
        ],
        rows=rows,
    )


def _row_told(draft: Draft, sheet: Sheet) -> ProfileRow:
    refusal = draft.refusal
    return ProfileRow(
        line=draft.line,
        status="REFUSED" if refusal else "SKIPPED" if draft.skipped is not None else "READ",
        code=refusal.code if refusal else None,
        detail=refusal.message if refusal else draft.skipped,
        notes=draft.notes,
        flags=draft.flags,
        cells=dict(cells_told(draft, sheet)),
        read=None if refusal or draft.skipped is not None else draft_told(draft),
    )


def store(profile: Profile, text: str, user_id: UUID, work: UnitOfWork) -> None:
    """Keep it, in the place of one of its name."""
    if Profiles(work).put(user_id, profile.name, text, work.recorded_at) > MOST_PROFILES:
        raise InvalidInput("profiles", f"are at most {MOST_PROFILES}; delete one that is not used")


def delete(name: str, user_id: UUID, work: UnitOfWork) -> None:
    if not Profiles(work).delete(user_id, name):
        raise ProfileNotFound(name)


def listed(user_id: UUID, work: UnitOfWork) -> list[ProfileView]:
    """The owner's, and then those that ship; one of the same name stands for it."""
    own = {row["name"]: _own_view(row, user_id) for row in Profiles(work).all(user_id)}
    return [*own.values(), *(_shipped_view(each) for name, each in shipped().items() if name not in own)]


def one(name: str, user_id: UUID, work: UnitOfWork) -> ProfileView:
    row = Profiles(work).one(user_id, name)
    if row is not None:
        return _own_view(row, user_id)
    if name not in shipped():
        raise ProfileNotFound(name)
    return _shipped_view(shipped()[name])


def _own_view(row: Mapping[str, Any], user_id: UUID) -> ProfileView:
    return _view(own_profile(row["name"], row["body"], user_id), row["body"], row["stored_at"])


def _shipped_view(profile: Profile) -> ProfileView:
    text = (files("oltp_api.imports") / "profiles" / f"{profile.name}.sql").read_text(encoding="utf-8")
    return _view(profile, text, None)


def _view(profile: Profile, text: str, stored_at: Any) -> ProfileView:
    return ProfileView(
        name=profile.name,
        title=profile.title,
        is_own=stored_at is not None,
        recognised=profile.recognised,
        stored_at=stored_at,
        profile=text,
    )
