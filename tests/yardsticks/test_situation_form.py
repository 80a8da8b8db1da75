"""The form of a situation that runs: paths to fields, comparing, and prices, as the folder's README defines them."""

import pytest

from tests.yardsticks.situations import NOTHING, field_of, holds, prices

BODY = {"a": {"b": [{"ticker": "KO", "n": "1.50"}, {"ticker": "PG", "n": None}]}, "flag": True}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("a.b[0].n", "1.50"),
        ("a.b[-1].ticker", "PG"),
        ("a.b[ticker=PG].n", None),
        ("a.b[ticker=XX].n", NOTHING),
        ("a.b[2]", NOTHING),
        ("a.c", NOTHING),
        ("flag.b", NOTHING),
        ("", BODY),
    ],
)
def test_a_path_leads_to_a_field_or_nowhere(path, found):
    assert field_of(BODY, path) == found


def test_what_is_no_path_is_refused():
    with pytest.raises(ValueError, match="is no path"):
        field_of(BODY, "a.b[")


@pytest.mark.parametrize(
    ("expected", "found", "is_so"),
    [
        ({"value": "1425.00"}, 1425, True),
        ({"value": "1"}, "1.1", False),
        ({"value": "1", "tolerance": "0.1"}, "1.1", True),
        ({"value": True}, 1, False),
        ({"value": None}, None, True),
        ({"value": None}, NOTHING, False),
        ({"value": "2016-01-04"}, "2016-01-04", True),
        ({"count": 2}, [1, 2], True),
        ({"count": 0}, None, False),
        ({"not": "PRICED"}, "STALE", True),
        ({"not": "PRICED"}, NOTHING, False),
        ({"any": [{"value": None}, {"value": "98.5", "tolerance": "2"}]}, "97", True),
        ({"any": [{"value": None}, {"value": "98.5", "tolerance": "2"}]}, "96", False),
        ({"contains": ["split", "AAPL"]}, {"warnings": ["A SPLIT of aapl"]}, True),
        ({"contains": ["split", "AAPL"]}, {"warnings": ["a split"]}, False),
    ],
)
def test_what_is_expected_of_a_field_holds_or_does_not(expected, found, is_so):
    assert holds(expected, found) is is_so


def test_prices_are_of_weekdays_from_the_first_step_and_several_take_turns():
    closes = {
        "currency": "USD",
        "steps": {"2016-01-08": "9", "2016-01-11": ["1", "2"]},
        "until": "2016-01-14",
        "but": {"2016-01-12": "50"},
    }
    posted = [(row["date"], row["close"], row["currency"]) for row in prices(closes)]

    assert posted == [
        ("2016-01-08", "9", "USD"),
        ("2016-01-11", "1", "USD"),
        ("2016-01-12", "50", "USD"),
        ("2016-01-13", "1", "USD"),
        ("2016-01-14", "2", "USD"),
    ]
