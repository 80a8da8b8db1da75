"""Restatements by a release of the one before it, as a check reports them: of all portfolios, in Markdown.

Belongs here: whose causes are looked up, the verdict and its words. Does not: any comparison; those are in
application.release_diff.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dagster import AssetCheckResult, AssetCheckSeverity, MetadataValue

from application.release_diff import Changed, RestatedPortfolio, Restatement, restated_portfolios, restatement
from storage.errors import SchemaChanged
from storage.lake.delta import Lake
from storage.lake.mounted import mounted
from storage.lake.releases import Release

_MOST_LISTED = 20
_LOOKED_INTO = 5
_MOST_CAUSES = 10
_NAMES = "select portfolio_id, name, base_currency from raw.pg_portfolio"


def compared(lake: Lake, before: Release | None, after: Release, looked_into: int = _LOOKED_INTO) -> AssetCheckResult:
    """The verdict on `after`: it fails, as a warning, if a restated day has no cause that can be named.

    Causes are looked up of so many of the most changed portfolios, and of so many that no new ledger row explains.
    """
    if before is None:
        return AssetCheckResult(passed=True, description="nothing restated: it is the first release")
    try:
        restated = restated_portfolios(lake, before, after)
    except SchemaChanged as changed:
        return AssetCheckResult(
            passed=True, description=f"{_by_code(before, after)}: {changed}, so nothing is compared"
        )
    if not restated:
        return AssetCheckResult(passed=True, description="nothing restated", metadata=_releases(before, after))
    return _told(lake, before, after, restated, looked_into)


def _told(
    lake: Lake, before: Release, after: Release, restated: Sequence[RestatedPortfolio], most: int
) -> AssetCheckResult:
    is_by_code = before.code_version != after.code_version
    unexplained = [] if is_by_code else [portfolio for portfolio in restated if not portfolio.has_new_rows]
    looked_into = [] if is_by_code else list(dict.fromkeys([*restated[:most], *unexplained[:most]]))
    older, newer = mounted(lake, before), mounted(lake, after)
    names = {row["portfolio_id"]: (row["name"], row["base_currency"]) for row in newer.rows(_NAMES)}
    found = {_named(one, names): restatement(older, newer, one.portfolio_id) for one in looked_into}
    without = {name: one for name, one in found.items() if one.without_cause}
    n_days = sum(portfolio.n_days for portfolio in restated)
    metadata = {
        **_releases(before, after),
        "restated portfolios": len(restated),
        "restated days": n_days,
        "largest change": _change(restated[0], names),
        "most changed": MetadataValue.md(_table(restated[:_MOST_LISTED], names)),
        "causes": MetadataValue.md(f"- {_by_code(before, after)}" if is_by_code else _causes(found)),
        "causes not looked up": sum(portfolio not in looked_into for portfolio in unexplained),
    }
    counted = f"{_counted(n_days, 'day')} of {_counted(len(restated), 'portfolio')}"
    what = f"{counted} restated since release {before.release_id}"
    if without:
        metadata["without a cause"] = MetadataValue.md(
            "\n".join(f"- {name}: {_days(r)}" for name, r in without.items())
        )
        what += "; no cause is known of " + "; ".join(f"{name}: {_days(one)}" for name, one in without.items())
    return AssetCheckResult(passed=not without, severity=AssetCheckSeverity.WARN, description=what, metadata=metadata)


def _releases(before: Release, after: Release) -> dict[str, Any]:
    return {"release": after.release_id, "beside release": before.release_id}


def _by_code(before: Release, after: Release) -> str:
    return f"other code: {before.code_version} before, {after.code_version} now"


def _named(portfolio: RestatedPortfolio, names: Mapping[str, tuple[str, str]]) -> str:
    portfolio_id = str(portfolio.portfolio_id)
    return f"{_plain(names[portfolio_id][0])} ({portfolio_id})" if portfolio_id in names else portfolio_id


def _change(portfolio: RestatedPortfolio, names: Mapping[str, tuple[str, str]]) -> str:
    _, currency = names.get(str(portfolio.portfolio_id), ("", ""))
    return f"{portfolio.largest.change:+,.2f} {currency}".rstrip() + f" on {portfolio.largest.business_date}"


def _table(portfolios: Sequence[RestatedPortfolio], names: Mapping[str, tuple[str, str]]) -> str:
    rows = [
        f"| {_named(one, names)} | {one.n_days} | {one.first_day} | {one.last_day} | {_change(one, names)} |"
        for one in portfolios
    ]
    return "\n".join(["| portfolio | days | from | to | largest change |", "|---|---:|---|---|---|", *rows])


def _days(found: Restatement) -> str:
    """The days without a cause."""
    days = found.without_cause
    if found.caused_since is None:
        return f"{_counted(found.n_days, 'day')} from {found.first_day} to {found.last_day}"
    more = " and more" if len(days) == len(found.days) < found.n_days else ""
    return f"{_counted(len(days), 'day')}{more} from {days[0].business_date} on"


def _causes(found: Mapping[str, Restatement]) -> str:
    lines: list[str] = []
    for name, one in found.items():
        causes = list(_causes_of(one)) or ["no cause is known"]
        more = len(causes) - _MOST_CAUSES
        lines += [f"- {name}", *(f"  - {cause}" for cause in causes[:_MOST_CAUSES])]
        lines += [f"  - and {more} more"] if more > 0 else []
    return "\n".join(lines)


def _causes_of(one: Restatement) -> Iterator[str]:
    for setting in one.settings:
        yield f"its {_plain(setting.setting)}: {setting.before} before, {setting.after} now"
    for row in one.transactions:
        note = f": {_plain(row['note'])}" if row["note"] else ""
        back = f", takes back row {row['reverses_seq']}" if row["reverses_seq"] else ""
        what = f"{row['txn_type']} {row['ticker'] or row['currency']}"
        yield f"ledger row {row['seq']}, {_plain(what)} on {row['business_date']}{back}{note}"
    for kind, all_changed in (("price", one.prices), ("rate", one.rates)):
        yield from (_changed(kind, changed) for changed in all_changed)


def _changed(kind: str, changed: Changed) -> str:
    return (
        f"{_counted(changed.n_days, kind)} of {_plain(changed.what)} from {changed.first_day} on: "
        f"on {changed.largest_day} {_amount(changed.before)} before, {_amount(changed.after)} now"
    )


def _amount(value: Any) -> str:
    return "none" if value is None else f"{value.normalize():f}"


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' if number != 1 else ''}"


def _plain(text: str) -> str:
    """Return 80 characters of what people write, escaped so that they mean nothing in Markdown."""
    return re.sub(r"([\\`*_{}\[\]<>#|~])", r"\\\1", " ".join(text.split())[:80])
