"""Contents that a backup of ours may have: a manifest, files by name, settings of a server, which are never restored.

An archive is data of a stranger. All of this is looked at before anything is touched; what the restored database itself
would run is `storage/backup/cluster_code.py`.
"""

import re
import shutil
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from storage.errors import SetupError

PHYSICAL, LOGICAL = "physical", "logical"
INCLUDED = "included"
SETTINGS = ("postgresql.conf", "postgresql.auto.conf", "pg_hba.conf", "pg_ident.conf")
"""Never restored, for they say what the server runs and whom it lets in; backups have had them until 2026-11."""

_Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
_Hash = Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{2}|\\x)*$", max_length=200)]


class Manifest(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    format: int
    kind: Literal["physical", "logical"]
    made_at: str
    schema_version: Annotated[str, StringConstraints(pattern=r"^[0-9]{4}$")]
    postgres_major: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,3}$")]
    ledger_rows_at_least: int = Field(ge=0, lt=2**63)
    ledger_heads_at_least: dict[str, tuple[int, _Hash | None]]
    lake: Annotated[str, StringConstraints(pattern=r"^[\x20-\x7e]{1,1000}$")]
    release_id: int | None = Field(ge=0, lt=2**63)
    files: dict[str, _Sha256]


_TABLE = r"lake/(raw|marts|positions|simulation|meta|analysis)/[a-z][a-z0-9_]{0,62}"
_LAKE_FILES = (
    rf"{_TABLE}/_delta_log/([0-9]{{20}}\.(json|checkpoint(\.[0-9]+\.[0-9]+)?\.parquet)|_last_checkpoint)",
    rf"{_TABLE}/([a-z_]+=[A-Za-z0-9_.%-]{{1,100}}/)*[A-Za-z0-9_.-]{{1,200}}\.parquet",
)
_RELATION = r"[0-9]{1,10}(_(fsm|vm|init))?(\.[0-9]{1,6})?"
_CLUSTER_FILES = (
    r"PG_VERSION|backup_label(\.old)?",
    rf"global/({_RELATION}|pg_control|pg_filenode\.map)",
    rf"base/[0-9]{{1,10}}/({_RELATION}|PG_VERSION|pg_filenode\.map)",
    r"pg_wal/([0-9A-F]{24}|[0-9A-F]{8}\.history|archive_status/[0-9A-F]{24}\.done)",
    r"pg_(xact|commit_ts|multixact/offsets|multixact/members)/[0-9A-F]{4,15}",
    r"pg_twophase/[0-9A-F]{8,16}",
    r"pg_logical/replorigin_checkpoint",
    "|".join(map(re.escape, SETTINGS)),
)
_CLUSTER_FOLDERS = (
    r"global|base(/[0-9]{1,10})?|pg_wal(/(archive_status|summaries))?|pg_multixact(/(offsets|members))?",
    r"pg_logical(/(snapshots|mappings))?|pg_(tblspc|replslot)",
    r"pg_(xact|subtrans|commit_ts|serial|notify|twophase|stat|stat_tmp|snapshots|dynshmem)",
)
_NEEDED = {
    PHYSICAL: {f"database/pgdata/{name}" for name in ("PG_VERSION", "backup_label", "global/pg_control")},
    LOGICAL: {"database/dump"},
}


def _any_of(patterns: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns))


def _below_pgdata(patterns: Iterable[str]) -> list[str]:
    return [f"database/pgdata/(?:{pattern})" for pattern in patterns]


_FILES = {
    PHYSICAL: _any_of([*_LAKE_FILES, *_below_pgdata(_CLUSTER_FILES)]),
    LOGICAL: _any_of([*_LAKE_FILES, "database/dump"]),
}
_FOLDERS = {
    PHYSICAL: _any_of(["database(/pgdata)?", *_below_pgdata(_CLUSTER_FOLDERS)]),
    LOGICAL: _any_of(["database"]),
}


def checked_manifest(facts: Mapping[str, Any]) -> Mapping[str, Any]:
    """The manifest as it is, once every entry of it has the form of one; SetupError names the first that has not."""
    if facts.get("format") != 1:
        said = ascii(facts.get("format"))[:40]
        raise SetupError(f"the backup has format {said}, and this version of Lakefolio reads format 1")
    try:
        manifest = Manifest.model_validate({**facts, "ledger_heads_at_least": _tuples(facts)})
        datetime.fromisoformat(manifest.made_at)
        for portfolio_id in manifest.ledger_heads_at_least:
            UUID(portfolio_id)
    except (ValidationError, ValueError, TypeError) as error:
        where = error.errors()[0]["loc"][0] if isinstance(error, ValidationError) else "a day or an id"
        raise SetupError(f"the backup's manifest is not one of ours ({ascii(where)[:60]}); use another one") from error
    return facts


def refuse_unknown(kind: str, files: Collection[str], folders: Collection[str]) -> None:
    """SetupError if a backup of this kind has no such file or folder, or has one that is not there."""
    for names, known in ((files, _FILES[kind]), (folders, _FOLDERS[kind])):
        unknown = sorted(name for name in names if not known.fullmatch(name))
        if unknown:
            raise SetupError(f"a backup of ours has no {ascii(unknown[0])[:120]}; use another one")
    if missing := sorted(_NEEDED[kind] - {*files}):
        raise SetupError(f"the backup lacks {missing[0]}; use another one")


def prune(pgdata: Path) -> None:
    """Leave in the copy of a cluster what a backup contains: its state, and settings that only tune."""
    for path in sorted(pgdata.rglob("*"), reverse=True):
        known = _FOLDERS if path.is_dir() else _FILES
        if path.is_symlink() or not known[PHYSICAL].fullmatch(f"database/pgdata/{path.relative_to(pgdata)}"):
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    for name in SETTINGS:
        path = pgdata / name
        path.write_text("".join(f"{line}\n" for line in path.read_text().splitlines() if not _setting(name, line)))


def refuse_settings(files: Mapping[str, bytes]) -> None:
    """SetupError if a file of settings would have the server run, load or let in something.

    They are not restored in any case; but who wrote these wants something that a backup is not for.
    """
    for path, content in files.items():
        name = PurePosixPath(path).name
        for line in content.decode("utf-8", "replace").splitlines():
            if setting := _setting(name, line):
                raise SetupError(f"the backup's {name} has {setting}, which is no setting of ours; use another one")


_WORDS = "dynamic_shared_memory_type log_timezone datestyle timezone default_text_search_config log_min_messages"
_HARMLESS = {
    "pg_hba.conf": re.compile(r"(local|host)\s+(all|replication)\s+all(\s+(127\.0\.0\.1/32|::1/128))?\s+trust"),
    "pg_ident.conf": re.compile(r"(?!)"),
}
_SETTING = re.compile(
    r"[a-z_]+\s*=\s*'?(-?[0-9.]{1,20}\s*(B|kB|MB|GB|TB|us|ms|s|min|h|d)?|on|off|true|false)'?"
    rf"|({_WORDS.replace(' ', '|')}|lc_[a-z]+)\s*=\s*'?[A-Za-z0-9_.,/+ -]*'?"
    r"|listen_addresses\s*=\s*''",
    re.IGNORECASE,
)


def _setting(name: str, line: str) -> str | None:
    """Name what `line` sets; None if it sets nothing, is as initdb and we write it, or is a number or a switch."""
    text = re.sub(r"\s#.*", "", line).strip()
    if not text or text.startswith("#") or _HARMLESS.get(name, _SETTING).fullmatch(text):
        return None
    return ascii(text.partition("=")[0].strip()[:60])


def _tuples(facts: Mapping[str, Any]) -> object:
    """JSON has lists only, and a strict model takes no list for a tuple."""
    heads = facts.get("ledger_heads_at_least")
    if not isinstance(heads, dict):
        return heads
    return {name: tuple(head) if isinstance(head, list) else head for name, head in heads.items()}
