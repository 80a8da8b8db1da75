"""Every rule in docs/rulebook.md has a test, and every test that it names exists and runs by default."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SECTIONS = {
    "Numbers",
    "Cost",
    "Oversell and shorts",
    "Income, fees, tax",
    "Splits",
    "Currencies",
    "Prices",
    "Bonds",
    "Back-dating and correction",
    "Holdings",
    "Snapshots",
    "Collateral",
    "Accounts and registry",
    "Orders and cash",
    "Lifetimes",
}


def rules(text: str) -> list[tuple[str, list[str]]]:
    """List each rule's sentence and the tests named after it."""
    lines = [line[2:] for line in text.splitlines() if line.startswith("* ")]
    return [(line.split(": `")[0], re.findall(r"`(test_\w+)`", line)) for line in lines]


def unproved(text: str, tests: set[str]) -> list[str]:
    """The sentences without a test, or with one that does not exist."""
    return [sentence for sentence, named in rules(text) if not named or not set(named) <= tests]


def run_by_default(text: str) -> set[str]:
    """The tests of a module, without those that are marked as long."""
    if re.search(r"^pytestmark = pytest\.mark\.long", text, flags=re.MULTILINE):
        return set()
    long = re.findall(r"^ *@pytest\.mark\.long\n(?: *[^\n]*\n)*? *def (test_\w+)", text, flags=re.MULTILINE)
    return set(re.findall(r"^ *def (test_\w+)", text, flags=re.MULTILINE)) - set(long)


def existing_tests() -> set[str]:
    return {name for path in (ROOT / "tests").rglob("test_*.py") for name in run_by_default(path.read_text())}


DOCUMENT = (ROOT / "docs" / "rulebook.md").read_text()


def test_each_rule_has_a_test_that_exists() -> None:
    assert unproved(DOCUMENT, existing_tests()) == []


def test_no_rule_stands_twice_and_every_section_has_some() -> None:
    sentences = [sentence for sentence, _ in rules(DOCUMENT)]
    assert len(sentences) == len(set(sentences)) > 60
    sections = re.split(r"^## ", DOCUMENT, flags=re.MULTILINE)[1:]
    assert {section.splitlines()[0] for section in sections} >= SECTIONS
    assert all(rules(section) for section in sections)


def test_control_a_rule_without_a_test_or_with_one_that_is_gone_is_found() -> None:
    text = "* Proved: `test_proved`\n* Bare\n* Gone: `test_proved`, `test_gone`\n"
    assert unproved(text, {"test_proved"}) == ["Bare", "Gone"]


def test_control_a_test_that_is_long_alone_proves_nothing_by_default() -> None:
    text = (
        "@pytest.mark.long\n@pytest.mark.parametrize('n', [1])\ndef test_long(n) -> None:\n    ...\n\n\n"
        "def test_short() -> None:\n    ...\n"
    )
    assert run_by_default(text) == {"test_short"}
    assert run_by_default(f"pytestmark = pytest.mark.long\n{text}") == set()
