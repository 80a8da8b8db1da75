"""`docs/glossary.md` has each word once, and the nouns that people meet: in paths of the API and tables of the lake."""

import re
from pathlib import Path

from oltp_api.app import create_app
from oltp_api.lake_tables.served import SERVED
from storage.settings import Settings

GLOSSARY = Path(__file__).resolve().parents[2] / "docs/glossary.md"
_OF_A_TABLE = r"^(fact|dim|pg)_|(_(daily|details|current|run|valuation))+$"
"""Parts of a table's name that say of which kind it is, beside its noun."""


def words() -> list[str]:
    """The first column, a word at a time, in small letters and one word each: `row key` is `rowkey`."""
    rows = re.findall(r"^\| ((?:\\\||[^|])+) \|", GLOSSARY.read_text(), re.MULTILINE)
    return [_plain(word) for row in rows[1:] for word in row.split(",")]


def _plain(word: str) -> str:
    return re.sub(r"[^a-z0-9]", "", word.lower())


def singular(noun: str) -> str:
    for ending, one in (("ies", "y"), ("yses", "ysis"), ("sses", "ss"), ("sis", "sis"), ("s", "")):
        if noun.endswith(ending):
            return noun.removesuffix(ending) + one
    return noun


def is_told(noun: str, told: set[str]) -> bool:
    """True if the noun is a word of the glossary, or its last two are, or its last: what it is a kind of."""
    parts = re.split(r"[-_]", noun)
    return any(_plain("".join(parts[from_:])) in told for from_ in (0, -2, -1))


def test_each_word_stands_once() -> None:
    found = [singular(word) for word in words()]

    assert sorted({word for word in found if found.count(word) > 1}) == []
    assert len(found) > 250


def test_the_nouns_of_the_api_and_of_the_lake_are_told() -> None:
    told = set(words())
    addresses = dict.fromkeys(("database_url", "database_admin_url", "database_services_url"), "postgresql://nowhere")
    paths = create_app(Settings(**addresses)).openapi()["paths"]
    nouns = {singular(noun) for path in paths for noun in re.findall(r"/([a-z-]+)/\{", path)}
    nouns |= {singular(re.sub(_OF_A_TABLE, "", table.split("/")[1])) for table in SERVED}

    assert len(nouns) > 50
    assert sorted(noun for noun in nouns if not is_told(noun, told)) == []
