"""The profile of a file that no profile fits: its header's words are all that is known of it.

Names of columns that mean the same are in `columns.py`. Charges add up, taxes too; of others that mean the same, the
one that is listed earlier counts, and the other is named in the report.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from domain.currencies import CURRENCIES
from domain.errors import InvalidInput
from oltp_api.imports.columns import CURRENCY_OF, HEADERS, MEANS_CURRENCY, MEANS_MONEY, word_of
from oltp_api.imports.profiles import Profile, names_of
from oltp_api.imports.sheets import LINES_ABOVE_HEADER, Line

NAME = "plain"
_ADDED = ("fees", "withheld")
_NEEDED = ("type", "day")


@dataclass(frozen=True, slots=True)
class PlainHeader:
    """Where the header is, the profile that it makes, and the columns that nothing is made of."""

    place: int
    profile: Profile
    ignored: Sequence[str]


def plain_header(lines: Sequence[Line]) -> PlainHeader:
    """The first line that names a type and a date; InvalidInput if none does, or names one thing twice."""
    for place, (line, row) in enumerate(lines[:LINES_ABOVE_HEADER]):
        found = known_columns(row, HEADERS)
        if found.keys() >= set(_NEEDED):
            return _read_by(place, line, row, found)
    named = " and ".join(f"{name} ({HEADERS[name].split(', ')[1]} ...)" for name in _NEEDED)
    raise InvalidInput("csv", f"has no header with {named} in its first {LINES_ABOVE_HEADER} lines")


def known_columns(header: Sequence[str], headers: Mapping[str, str]) -> dict[str, list[tuple[int, int]]]:
    """Our columns that a header names, each with the ranks and places of the cells that mean it."""
    known = {name: (column, rank) for column, names in headers.items() for rank, name in enumerate(names.split(", "))}
    found: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for index, cell in enumerate(header):
        column, rank = known.get(_without_currency(word_of(cell), known), (None, 0))
        if column is not None:
            found[column].append((rank, index))
    return found


def _read_by(place: int, line: int, row: Sequence[str], found: Mapping[str, Sequence[tuple[int, int]]]) -> PlainHeader:
    names, meant = names_of(row), {index for each in found.values() for _, index in each}
    ignored = [index for index, cell in enumerate(row) if cell.strip() and index not in meant]
    made, over = {}, list(ignored)
    income: Literal["net", "gross"] | None = None
    for column, candidates in found.items():
        (rank, index), *others = sorted(candidates)
        if column in _ADDED:
            made[column] = "[" + ", ".join(quoted(names[each]) for _, each in sorted(candidates)) + "]"
        else:
            if others and others[0][0] == rank:
                raise InvalidInput("csv", f"has two columns {row[index].strip()[:40]!r} on line {line}")
            made[column] = quoted(names[index])
            over += [each for _, each in others]
        if column == "withheld" and word_of(row[index]) == "withheld":
            income = "gross"  # our own word, which says so
    if "amount" in found:
        _in_currencies(made, row, min(found["amount"])[1])
    uncounted = [
        each for each in ignored if MEANS_CURRENCY.search(word_of(row[each])) or MEANS_MONEY.search(word_of(row[each]))
    ]
    if uncounted:
        cells = ", ".join(f"'{names[each].replace(chr(39), chr(39) * 2)}': {quoted(names[each])}" for each in uncounted)
        made["uncounted"] = "{" + cells + "}"
    columns = ", ".join(f"{expression} as {column}" for column, expression in made.items())
    profile = Profile(
        NAME,
        "a file with plain columns",
        f"select line, {columns} from cells order by line",
        amounts="shown",
        income=income,
    )
    return PlainHeader(place, profile, [row[each].strip()[:80] for each in sorted(over)])


def _in_currencies(made: dict[str, str], row: Sequence[str], amount: int) -> None:
    """Name the currency of the amount, and that of the price where it is another column's."""
    of_amount = made.pop("amount_currency", None)
    in_header = CURRENCY_OF.fullmatch(word_of(row[amount]))
    if of_amount is None and in_header and in_header["currency"].upper() in CURRENCIES:
        of_amount = f"'{in_header['currency'].upper()}'"
    if of_amount is not None:
        own = made.get("currency")
        made["currency"] = f"coalesce({of_amount}, {own})" if own else of_amount
        if own:
            made["price_currency"] = own


def _without_currency(word: str, known: Mapping[str, tuple[str, int]]) -> str:
    """The words of a header without the currency in which its amounts are."""
    found = CURRENCY_OF.fullmatch(word)
    is_amount = found is not None and known.get(found["name"], ("", 0))[0] == "amount"
    return found["name"] if found and is_amount and found["currency"].upper() in CURRENCIES else word


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
