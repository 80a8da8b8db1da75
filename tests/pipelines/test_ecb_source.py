"""The ECB's exchange rates over HTTP, from a server on loopback with days of its real file."""

import io
import zipfile
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from domain.ports import IncompleteMarket
from pipelines.sources.ecb import EcbRateSource
from pipelines.sources.sample import SamplePriceSource
from tests.recorded_server import RECORDED, Answer, FakeTime, Provider, recorded, served

LAST = date(2020, 8, 31)
PATH = "/eurofxref-hist.zip"
BUSY = recorded("yahoo_429.txt", 429)


def zipped(text: str | None = None) -> Answer:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr("eurofxref-hist.csv", text or (RECORDED / "ecb_eurofxref-hist.csv").read_text())
    return Answer(archive.getvalue(), content_type="application/zip")


@pytest.fixture
def provider() -> Iterator[Provider]:
    with served(Provider({PATH: [zipped()]})) as provider:
        yield provider


def test_the_rates_of_the_wire_are_those_that_are_bundled(provider: Provider) -> None:
    window = date(2020, 8, 27), date(2020, 9, 1)
    rates = EcbRateSource(provider.address).fx_rates(*window)

    bundled = SamplePriceSource(Path(__file__).parents[2] / "sample_data").fx_rates(*window)
    days = set(rates["rate_date"].to_pylist())
    assert days == {date(2020, 8, 27), date(2020, 8, 28), date(2020, 8, 31), date(2020, 9, 1)}
    assert rates.equals(bundled)


def test_a_currency_that_is_no_longer_has_no_row(provider: Provider) -> None:
    rates = EcbRateSource(provider.address).fx_rates(date(1999, 1, 4), date(2026, 10, 30)).to_pylist()

    assert [row["rate_date"] for row in rates if row["currency"] == "CYP"] == [date(1999, 1, 4), date(1999, 1, 5)]
    assert {row["currency"] for row in rates if row["rate_date"] == date(2026, 10, 30)} >= {"USD", "PLN", "INR"}
    assert min(row["rate_per_eur"] for row in rates) > 0


def test_a_server_that_is_busy_is_asked_again(provider: Provider) -> None:
    provider.answers[PATH] = [BUSY, recorded("yahoo_429.txt", 503), zipped()]
    time = FakeTime()

    rates = EcbRateSource(provider.address, time.patience()).fx_rates(LAST, LAST)

    assert {row["currency"]: row["rate_per_eur"] for row in rates.to_pylist()}["USD"] == Decimal("1.194")
    assert time.slept == [2, 4]


def test_a_server_that_stays_busy_is_given_up_within_the_budget(provider: Provider) -> None:
    provider.answers[PATH] = [BUSY]
    time = FakeTime()

    with pytest.raises(IncompleteMarket, match=r"ecb did not answer for 1: eurofxref-hist: .* says 429") as refused:
        EcbRateSource(provider.address, time.patience(budget_seconds=100)).fx_rates(LAST, LAST)

    assert time.slept == [2, 4, 8, 16, 32]
    assert refused.value.rows.num_rows == 0
    assert "currency" in refused.value.rows.column_names


def test_retry_after_is_kept(provider: Provider) -> None:
    provider.answers[PATH] = [recorded("yahoo_429.txt", 429, Retry_After="45"), zipped()]
    time = FakeTime()

    EcbRateSource(provider.address, time.patience()).fx_rates(LAST, LAST)

    assert time.slept == [45]


@pytest.mark.parametrize(
    "answer",
    [
        recorded("yahoo_consent.html"),
        Answer(zipped().body[:200]),
        zipped("Date,USD,\n2020-08-31,much,\n"),
        recorded("yahoo_429.txt", 403),
    ],
)
def test_an_answer_that_is_no_table_of_rates_is_refused_at_once(provider: Provider, answer: Answer) -> None:
    provider.answers[PATH] = [answer]
    time = FakeTime()

    with pytest.raises(IncompleteMarket, match="eurofxref-hist"):
        EcbRateSource(provider.address, time.patience()).fx_rates(LAST, LAST)

    assert (len(provider.asked), time.slept) == (1, [])


def test_nobody_there_is_tried_three_times() -> None:
    with served(Provider()) as gone:
        pass
    time = FakeTime()

    with pytest.raises(IncompleteMarket, match=r"does not answer \(ConnectError\), 3 times"):
        EcbRateSource(gone.address, time.patience()).fx_rates(LAST, LAST)
    assert len(time.slept) == 2


def test_a_server_that_never_answers_is_not_waited_for(provider: Provider) -> None:
    provider.answers[PATH] = [Answer(b"", delay_seconds=60)]
    time = FakeTime()

    with pytest.raises(IncompleteMarket, match=r"does not answer \(ReadTimeout\), 3 times"):
        EcbRateSource(provider.address, time.patience(), timeout_seconds=0.1).fx_rates(LAST, LAST)
