"""Text in CSV cells: what a spreadsheet would run is kept from it, and all of it comes back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oltp_api.web.csv_cells import escaped, unescaped

risky = st.text(alphabet="'=+-@\t\r\n＝ a1")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])
def test_text_that_a_spreadsheet_would_run_begins_with_an_apostrophe(start: str) -> None:
    assert escaped(f"{start}1+1") == f"'{start}1+1"


def test_other_text_stays_as_it_is() -> None:
    for text in ("", "Apple", "a=b", "'s Heeren Loo", "1-2", " =1", "Ünïcode"):
        assert escaped(text) == text
        assert unescaped(text) == text


@given(st.text() | risky)
def test_what_was_escaped_is_read_back_exactly(text: str) -> None:
    cell = escaped(text)
    assert unescaped(cell) == text
    assert cell[:1] not in "=+-@\t\r\n＝＋－＠" or not cell
