"""References to figures: written and read again, and every number of a document found at its place."""

from contextlib import suppress
from datetime import date
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvalidInput
from domain.references import Document, FigureReference, figures, found_at

_ID = UUID(int=7)
_REVIEW = {
    "periods": [{"period": "1Y", "twr": 0.1}, {"period": "3Y", "twr": None}],
    "holdings": [{"ticker": "BRK/B", "value": "3", "quantity": 2}],
    "profiles": [{"basis": "REALISED", "tails": [{"method": "HISTORICAL", "confidence": 0.95, "horizon_days": 1}]}],
    "days": [1, 2],
    "is_there": True,
}


def test_a_reference_reads_as_it_is_written() -> None:
    reference = FigureReference(Document.REVIEW, _ID, 12, date(2017, 3, 29)).at("holdings", "BRK/B", "value")
    assert str(reference) == f"review/{_ID}@12,2017-03-29:/holdings/BRK~1B/value"
    assert FigureReference.parse(str(reference)) == reference


def test_every_number_is_found_at_its_place_and_named_by_what_tells_it_apart() -> None:
    found = dict(figures(_REVIEW))
    assert found["/periods/1Y/twr"] == 0.1
    assert "/profiles/REALISED/tails/HISTORICAL-0.95-1/confidence" in found
    assert "/is_there" not in found
    assert {place: found_at(_REVIEW, place) for place in found} == found


def test_items_that_nothing_tells_apart_are_called_by_their_place() -> None:
    twice = {"parts": [{"ticker": "A", "contribution": 1}, {"ticker": "A", "contribution": 2}]}
    assert dict(figures(twice)) == {"/parts/0/contribution": 1, "/parts/1/contribution": 2}


@pytest.mark.parametrize(
    "text",
    ["", "review", f"reviews/{_ID}@1:/x", f"review/{_ID}@:/x", f"review/{_ID}@1,2017-13-01:/x", f"review/{_ID}@1:x"],
)
def test_another_text_is_refused_with_the_form(text: str) -> None:
    with pytest.raises(InvalidInput, match="is written"):
        FigureReference.parse(text)


@given(st.text(max_size=80))
def test_any_text_is_a_reference_or_refused(text: str) -> None:
    with suppress(InvalidInput):
        assert str(FigureReference.parse(text))
