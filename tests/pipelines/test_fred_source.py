"""Yields and consumer prices from FRED over HTTP, from a server on loopback. Presidents' Day 2017-02-20 is a '.'."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from domain.ports import IncompleteMarket
from pipelines.sources.fred import TENOR_MONTHS, FredRateSource
from pipelines.sources.sample import SamplePriceSource
from tests.recorded_server import Answer, FakeTime, Provider, recorded, served

KEY = "0123456789abcdef0123456789abcdef"
FIRST, HOLIDAY, LAST = date(2017, 2, 16), date(2017, 2, 20), date(2017, 2, 28)
BUSY = recorded("yahoo_429.txt", 429)


def path_of(series: str) -> str:
    return f"/fred/series/observations?series_id={series}"


@pytest.fixture
def provider() -> Iterator[Provider]:
    series = [*TENOR_MONTHS, "CPIAUCSL"]
    with served(Provider({path_of(name): [recorded(f"fred_{name}.xml")] for name in series})) as provider:
        yield provider


def source(provider: Provider, time: FakeTime, **settings: float) -> FredRateSource:
    return FredRateSource(KEY, f"{provider.address}/fred", time.patience(**settings))


def test_the_yields_of_the_wire_are_those_that_are_bundled(provider: Provider) -> None:
    """FRED's DGS series are the Treasury's par yields; the bundled curve comes from the Treasury."""
    yields = source(provider, FakeTime()).yields(FIRST, LAST)

    bundled = SamplePriceSource(Path(__file__).parents[2] / "sample_data").yields(FIRST, LAST)
    assert yields.num_rows == 8 * 11
    assert yields.equals(bundled)


def test_a_dot_is_a_missing_row_and_never_a_zero(provider: Provider) -> None:
    assert source(provider, FakeTime()).yields(HOLIDAY, HOLIDAY).num_rows == 0


def test_consumer_prices_are_by_month(provider: Provider) -> None:
    levels = source(provider, FakeTime()).consumer_prices(date(2017, 2, 1), date(2017, 3, 31)).to_pylist()

    assert [(row["index_month"], row["index_level"]) for row in levels] == [
        (date(2017, 2, 1), Decimal("244.006")),
        (date(2017, 3, 1), Decimal("243.892")),
    ]


def test_a_window_that_ends_before_it_starts_asks_nobody(provider: Provider) -> None:
    assert source(provider, FakeTime()).yields(LAST, FIRST).num_rows == 0
    assert provider.asked == []


def test_a_429_in_the_middle_is_waited_for_and_nothing_is_asked_twice(provider: Provider) -> None:
    provider.answers[path_of("DGS2")] = [BUSY, BUSY, recorded("fred_DGS2.xml")]
    time = FakeTime()

    assert source(provider, time).yields(FIRST, LAST).num_rows == 8 * 11
    assert time.slept == [2, 4]
    assert len(provider.asked) == 11 + 2


def test_a_429_for_ever_gives_what_came_before_and_names_the_rest(provider: Provider) -> None:
    provider.answers[path_of("DGS20")] = [BUSY]
    time = FakeTime()

    with pytest.raises(IncompleteMarket, match=r"fred did not answer for 2: DGS20: .* 429") as refused:
        source(provider, time, budget_seconds=60).yields(FIRST, LAST)

    assert time.now() <= 60
    assert refused.value.missing["DGS30"] == "not asked any more"
    assert set(refused.value.rows["tenor_months"].to_pylist()) == set(TENOR_MONTHS.values()) - {240, 360}


def test_a_later_run_gets_what_was_missing(provider: Provider) -> None:
    provider.answers[path_of("DGS20")] = [BUSY, BUSY, recorded("fred_DGS20.xml")]
    with pytest.raises(IncompleteMarket):
        source(provider, FakeTime(), budget_seconds=4).yields(FIRST, LAST)

    assert source(provider, FakeTime()).yields(FIRST, LAST).num_rows == 8 * 11


@pytest.mark.parametrize(
    "answer",
    [
        recorded("fred_bad_request.xml", 400),
        recorded("yahoo_consent.html"),
        Answer(b'{"observations": []}', content_type="application/json"),
        Answer(b"<html/>", content_type="text/html"),
        Answer(b'<observations><observation date="2017-02-16" value="n/a"/></observations>', content_type="text/xml"),
        Answer(b"", content_type="text/xml"),
    ],
)
def test_one_series_with_another_answer_does_not_hold_up_the_others(provider: Provider, answer: Answer) -> None:
    provider.answers[path_of("DGS1MO")] = [answer]
    time = FakeTime()

    with pytest.raises(IncompleteMarket) as refused:
        source(provider, time).yields(FIRST, LAST)

    assert list(refused.value.missing) == ["DGS1MO"]
    assert refused.value.rows.num_rows == 8 * 10
    assert time.slept == []


def test_the_key_is_sent_and_never_shown(provider: Provider) -> None:
    provider.answers = {f"/fred/series/observations?api_key={KEY}": [recorded("fred_bad_request.xml", 400)]}

    with pytest.raises(IncompleteMarket, match="The series does not exist") as refused:
        source(provider, FakeTime()).consumer_prices(FIRST, LAST)

    assert len(provider.asked) == 1
    assert KEY not in str(refused.value)
