"""Yahoo through yfinance over HTTP, from a server on loopback: a real answer over Apple's split of 2020-08-31."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest

from domain.ports import IncompleteMarket
from pipelines.sources.yahoo import YahooPriceSource
from tests.recorded_server import RECORDED, Answer, FakeTime, Provider, recorded, served

ROOT = Path(__file__).parents[2]
FIRST, LAST = date(2020, 8, 3), date(2020, 9, 8)
NEW_YORK = ZoneInfo("America/New_York")
TODAY = date(2020, 10, 5)
TIMESERIES = "/ws/fundamentals-timeseries/v1/finance/timeseries"
AAPL, MSFT = "/v8/finance/chart/AAPL", "/v8/finance/chart/MSFT"
BUSY = recorded("yahoo_429.txt", 429)


@pytest.fixture
def provider() -> Iterator[Provider]:
    chart = [recorded("yahoo_chart_aapl.json")]
    with served(Provider({AAPL: chart, MSFT: chart, "/v1/test/getcrumb": [Answer(b"kwx9xrAWW/o")]})) as provider:
        yield provider


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "yfinance"


def source(
    provider: Provider, cache: Path, time: FakeTime, *tickers: str, today: date = TODAY, **settings: float
) -> YahooPriceSource:
    return YahooPriceSource(tickers or ["AAPL"], cache, lambda: today, provider.address, time.patience(**settings))


def chart(**changes: Any) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads((RECORDED / "yahoo_chart_aapl.json").read_text())
    answer["chart"]["result"][0]["meta"] |= changes
    return answer


def sent(answer: dict[str, Any]) -> list[Answer]:
    return [Answer(json.dumps(answer).encode(), content_type="application/json")]


def by_day(table: pa.Table, column: str) -> dict[date, Any]:
    return dict(zip(table["price_date"].to_pylist(), table[column].to_pylist(), strict=True))


def test_closes_are_as_traded_on_both_sides_of_a_split(provider: Provider, cache: Path, time: FakeTime) -> None:
    """Apple closed at 499.23 on 2020-08-28, the Friday before its 4-for-1 split, and at 129.04 on the Monday."""
    prices = source(provider, cache, time).prices(FIRST, LAST)

    closes = by_day(prices, "close")
    assert closes[date(2020, 8, 28)] == Decimal("499.23")
    assert closes[date(2020, 8, 31)] == Decimal("129.04")
    assert set(prices["price_kind"].to_pylist()) == {"AS_TRADED"}
    assert by_day(prices, "adjusted_close")[date(2020, 8, 28)] == Decimal("121.05996")
    assert by_day(prices, "volume")[date(2020, 8, 28)] == 187_630_000 // 4


def test_a_split_after_the_window_still_counts(provider: Provider, cache: Path, time: FakeTime) -> None:
    prices = source(provider, cache, time).prices(date(2020, 8, 3), date(2020, 8, 3))

    assert prices["close"].to_pylist() == [Decimal("435.75")]  # Nasdaq's close of 2020-08-03


def test_a_history_is_asked_from_before_the_window_until_today(provider: Provider, cache: Path, time: FakeTime) -> None:
    """Until today for the splits after the window; from before it, as no rows at all must mean a fault."""
    weekend = date(2020, 8, 29), date(2020, 8, 30)
    assert source(provider, cache, time).prices(*weekend).num_rows == 0

    asked = parse_qs(urlsplit(provider.targets[-1]).query)
    first, last = (datetime.fromtimestamp(int(asked[end][0]), NEW_YORK).date() for end in ("period1", "period2"))
    assert (first, last) == (date(2020, 8, 19), date(2020, 10, 6))


def test_dividends_are_what_a_unit_of_the_day_was_paid(provider: Provider, cache: Path, time: FakeTime) -> None:
    """Apple paid 0.82 on the ex-date of 2020-08-07; Yahoo now says 0.205."""
    dividend, split = source(provider, cache, time).corporate_actions(FIRST, LAST).to_pylist()

    assert (dividend["action_date"], dividend["action_type"]) == (date(2020, 8, 7), "DIVIDEND")
    assert (dividend["amount"], dividend["currency"], dividend["split_new"]) == (Decimal("0.82"), "USD", None)
    assert (split["action_date"], split["action_type"]) == (date(2020, 8, 31), "SPLIT")
    assert (split["split_new"], split["split_old"], split["amount"]) == (4, 1, None)


def test_a_day_without_a_close_has_no_row(provider: Provider, cache: Path, time: FakeTime) -> None:
    """Yahoo sent Labor Day 2020-09-07 with nulls."""
    days = by_day(source(provider, cache, time).prices(FIRST, LAST), "close")

    assert len(days) == 22
    assert date(2020, 9, 7) not in days


def test_a_missing_volume_or_adjusted_close_is_null(provider: Provider, cache: Path, time: FakeTime) -> None:
    answer = chart()
    indicators = answer["chart"]["result"][0]["indicators"]
    indicators["quote"][0]["volume"][0] = indicators["adjclose"][0]["adjclose"][0] = None
    provider.answers[AAPL] = sent(answer)

    (row,) = source(provider, cache, time).prices(FIRST, FIRST).to_pylist()

    assert (row["close"], row["volume"], row["adjusted_close"]) == (Decimal("435.75"), None, None)


def test_a_zero_that_yahoo_sends_is_passed_on(provider: Provider, cache: Path, time: FakeTime) -> None:
    """It is for quarantine to say that it is none."""
    answer = chart()
    answer["chart"]["result"][0]["indicators"]["quote"][0]["close"][0] = 0.0
    provider.answers[AAPL] = sent(answer)

    assert source(provider, cache, time).prices(FIRST, FIRST)["close"].to_pylist() == [Decimal(0)]


def test_the_last_price_of_an_open_session_is_no_close(provider: Provider, cache: Path, time: FakeTime) -> None:
    session = {"timezone": "EDT", "start": 1598967000, "end": 1598990400, "gmtoffset": -14400}  # 2020-09-01
    periods = {"currentTradingPeriod": {"pre": session, "regular": session, "post": session}}
    provider.answers[AAPL] = sent(chart(regularMarketTime=1598980000, **periods))
    assert by_day(source(provider, cache, time).prices(FIRST, LAST), "close").keys() == {*DAYS} - {date(2020, 9, 1)}

    provider.answers[AAPL] = sent(chart(regularMarketTime=1598990401, **periods))
    assert by_day(source(provider, cache, time).prices(FIRST, LAST), "close").keys() == {*DAYS}


DAYS = [date(2020, 8, day) for day in range(3, 32) if date(2020, 8, day).weekday() < 5] + [date(2020, 9, 1)]


def test_pence_come_in_pounds(provider: Provider, cache: Path, time: FakeTime) -> None:
    provider.answers[AAPL] = sent(chart(currency="GBp"))
    yahoo = source(provider, cache, time)

    (row,) = yahoo.prices(date(2020, 8, 31), date(2020, 8, 31)).to_pylist()
    assert (row["close"], row["currency"]) == (Decimal("1.2904"), "GBP")
    assert yahoo.corporate_actions(FIRST, LAST).to_pylist()[0]["amount"] == Decimal("0.0082")


def test_an_index_is_a_price_index(provider: Provider, cache: Path, time: FakeTime) -> None:
    provider.answers[AAPL] = sent(chart(instrumentType="INDEX"))

    assert set(source(provider, cache, time).prices(FIRST, LAST)["price_kind"].to_pylist()) == {"PRICE_INDEX"}


def test_a_429_for_ever_gives_up_within_the_budget(provider: Provider, cache: Path, time: FakeTime) -> None:
    provider.answers[MSFT] = [BUSY]

    with pytest.raises(
        IncompleteMarket, match=r"yahoo did not answer for 2: GOOG: not asked any more; MSFT: .*429"
    ) as no:
        source(provider, cache, time, "AAPL", "MSFT", "GOOG", budget_seconds=100).prices(FIRST, LAST)

    assert 50 < time.now() <= 100
    assert list(no.value.missing) == ["MSFT", "GOOG"]
    assert set(no.value.rows["ticker"].to_pylist()) == {"AAPL"}
    assert no.value.rows.num_rows == 22


def test_a_429_that_ends_is_waited_for(provider: Provider, cache: Path, time: FakeTime) -> None:
    provider.answers[MSFT] = [BUSY, BUSY, BUSY, BUSY, recorded("yahoo_chart_aapl.json")]

    prices = source(provider, cache, time, "AAPL", "MSFT").prices(FIRST, LAST)

    assert prices.num_rows == 2 * 22
    assert provider.asked.count(AAPL) <= 2  # once for its time zone, if that was not known
    assert time.slept


def test_a_later_run_asks_for_what_was_missing(provider: Provider, cache: Path, time: FakeTime) -> None:
    provider.answers[MSFT] = [BUSY] * 6 + [recorded("yahoo_chart_aapl.json")]
    with pytest.raises(IncompleteMarket) as no:
        source(provider, cache, time, "AAPL", "MSFT", budget_seconds=7).prices(FIRST, LAST)

    later = source(provider, cache, time, *no.value.missing).prices(FIRST, LAST)

    assert set(later["ticker"].to_pylist()) == {"MSFT"}
    assert later.num_rows == 22


@pytest.mark.parametrize(
    "answer",
    [
        recorded("yahoo_chart_empty.json"),
        recorded("yahoo_chart_not_found.json", 404),
        recorded("yahoo_chart_not_found.json"),
        recorded("yahoo_consent.html"),
        Answer(b"", content_type="application/json"),
        Answer(b'{"chart":{"result":[{}],"error":null}}', content_type="application/json"),
        Answer(b'{"finance":{"result":null,"error":{"code":"Internal"}}}', content_type="application/json"),
    ],
)
def test_one_bad_symbol_does_not_hold_up_the_others(
    provider: Provider, cache: Path, time: FakeTime, answer: Answer
) -> None:
    provider.answers[MSFT] = [answer]

    with pytest.raises(IncompleteMarket) as no:
        source(provider, cache, time, "MSFT", "AAPL").prices(FIRST, LAST)

    assert list(no.value.missing) == ["MSFT"]
    assert no.value.rows.num_rows == 22
    assert time.slept == []


@pytest.mark.parametrize("figure", [1e300, "text"])
def test_one_absurd_figure_does_not_hold_up_the_other_symbols(
    provider: Provider, cache: Path, time: FakeTime, figure: object
) -> None:
    answer = chart()
    answer["chart"]["result"][0]["indicators"]["quote"][0]["close"][0] = figure
    provider.answers[MSFT] = sent(answer)

    with pytest.raises(IncompleteMarket) as no:
        source(provider, cache, time, "MSFT", "AAPL").prices(FIRST, LAST)

    assert list(no.value.missing) == ["MSFT"]
    assert no.value.rows.num_rows == 22


def test_a_quote_without_a_currency_is_refused(provider: Provider, cache: Path, time: FakeTime) -> None:
    provider.answers[AAPL] = sent(chart(currency=None))

    with pytest.raises(IncompleteMarket, match="no currency"):
        source(provider, cache, time).prices(FIRST, LAST)


@pytest.mark.parametrize("window", [(LAST, FIRST), (date(2020, 10, 6), date(2020, 10, 9))])
def test_a_window_of_no_day_or_of_the_future_asks_nobody(
    provider: Provider, cache: Path, time: FakeTime, window: tuple[date, date]
) -> None:
    yahoo = source(provider, cache, time)

    assert yahoo.prices(*window).num_rows == yahoo.corporate_actions(*window).num_rows == 0
    assert provider.asked == []


def test_the_whole_of_history_can_be_asked_for(provider: Provider, cache: Path, time: FakeTime) -> None:
    assert source(provider, cache, time).prices(date.min, date.max).num_rows == 22


def test_one_source_asks_once_for_a_history_and_once_for_what_is_said_of_a_ticker(
    provider: Provider, cache: Path, time: FakeTime
) -> None:
    """Twice the requests came with prices, actions, funds and targets each asking for themselves."""
    provider.answers["/v10/finance/quoteSummary/AAPL"] = [recorded("yahoo_summary_aapl.json")]
    provider.answers["/v7/finance/quote?symbols=AAPL"] = [recorded("yahoo_quote_aapl.json")]
    provider.answers[f"{TIMESERIES}/AAPL"] = [recorded("yahoo_timeseries_empty.json")]
    yahoo = source(provider, cache, time)
    assert yahoo.corporate_actions(FIRST, LAST).num_rows == 2
    assert yahoo.fund_metadata(FIRST, TODAY).num_rows == 0
    asked = list(provider.asked)

    assert yahoo.prices(FIRST, LAST).num_rows == 22
    assert yahoo.corporate_actions(LAST, TODAY).num_rows == 0
    assert yahoo.analyst_targets(FIRST, TODAY).num_rows == 1
    assert provider.asked == asked

    yahoo.prices(date(2019, 1, 1), LAST)
    assert len(provider.asked) > len(asked), "an earlier day was not in the answer"


def test_a_ticker_that_yahoo_has_never_heard_of_is_told_from_one_that_failed(
    provider: Provider, cache: Path, time: FakeTime
) -> None:
    provider.answers["/v8/finance/chart/NOSUCH"] = [recorded("yahoo_chart_not_found.json", 404)]
    provider.answers[MSFT] = [recorded("yahoo_consent.html")]

    with pytest.raises(IncompleteMarket) as no:
        source(provider, cache, time, "NOSUCH", "MSFT", "AAPL").prices(FIRST, LAST)

    assert (no.value.missing.keys(), no.value.unknown) == ({"NOSUCH", "MSFT"}, {"NOSUCH"})


def test_a_bad_answer_is_not_remembered(provider: Provider, cache: Path, time: FakeTime) -> None:
    """yfinance caches answers for as long as the process lives, good or bad."""
    provider.answers[AAPL] = [recorded("yahoo_consent.html"), recorded("yahoo_chart_aapl.json")]
    yahoo = source(provider, cache, time)
    with pytest.raises(IncompleteMarket):
        yahoo.prices(FIRST, LAST)

    assert yahoo.prices(FIRST, LAST).num_rows == 22


def test_a_broken_server_is_tried_three_times(provider: Provider, cache: Path, time: FakeTime) -> None:
    provider.answers[AAPL] = [recorded("yahoo_consent.html", 503)]

    with pytest.raises(IncompleteMarket, match="AAPL: Yahoo says 503, 3 times"):
        source(provider, cache, time).prices(FIRST, LAST)
    assert len(time.slept) == 2


def test_a_server_that_never_answers_is_not_waited_for(provider: Provider, cache: Path, time: FakeTime) -> None:
    provider.answers[AAPL] = [Answer(b"", delay_seconds=60)]
    yahoo = YahooPriceSource(["AAPL"], cache, lambda: TODAY, provider.address, time.patience(), timeout_seconds=0.1)

    with pytest.raises(IncompleteMarket, match=r"AAPL: Yahoo does not answer \(.*\), 3 times"):
        yahoo.prices(FIRST, LAST)


def test_tickers_are_asked_in_batches_with_pauses(provider: Provider, cache: Path, time: FakeTime) -> None:
    source(provider, cache, time, *["AAPL", "MSFT"] * 5, batch_size=4, pause_seconds=3).prices(FIRST, LAST)

    assert time.slept == [3, 3]


def test_funds_and_targets_are_those_of_today(provider: Provider, cache: Path, time: FakeTime) -> None:
    for ticker, name in {"JEPQ": "jepq", "LSPD.TO": "lspd"}.items():
        provider.answers[f"/v10/finance/quoteSummary/{ticker}"] = [recorded(f"yahoo_summary_{name}.json")]
        provider.answers[f"/v7/finance/quote?symbols={ticker}"] = [recorded(f"yahoo_quote_{name}.json")]
        provider.answers[f"{TIMESERIES}/{ticker}"] = [recorded("yahoo_timeseries_empty.json")]
    yahoo = source(provider, cache, time, "JEPQ", "LSPD.TO")

    (fund,) = yahoo.fund_metadata(FIRST, TODAY).to_pylist()
    (target,) = yahoo.analyst_targets(FIRST, TODAY).to_pylist()

    assert fund == {
        "ticker": "JEPQ",
        "as_of": TODAY,
        "fund_family": "JPMorgan",
        "category": "Derivative Income",
        "legal_type": "Exchange Traded Fund",
        "inception_date": date(2022, 5, 3),
        "expense_ratio_pct": Decimal("0.35"),
        "net_assets": Decimal(33_512_595_456),
        "currency": "USD",
        "is_illustrative": False,
    }
    assert target == {
        "ticker": "LSPD.TO",
        "as_of": TODAY,
        "target_mean": Decimal("31.52"),
        "target_median": Decimal("28.56"),
        "target_low": Decimal("21.43"),
        "target_high": Decimal("55.01"),
        "n_analysts": 16,
        "currency": "CAD",  # of the quote; its accounts are in USD
        "is_illustrative": False,
    }


def test_yesterday_has_no_funds_and_no_targets_and_nobody_is_asked(
    provider: Provider, cache: Path, time: FakeTime
) -> None:
    yahoo = source(provider, cache, time)

    assert yahoo.fund_metadata(FIRST, LAST).num_rows == yahoo.analyst_targets(FIRST, LAST).num_rows == 0
    assert provider.asked == []


def test_nothing_is_written_outside_the_cache_folder(provider: Provider, tmp_path: Path) -> None:
    """In a process of its own, since yfinance keeps its first folder."""
    home, cache = tmp_path / "home", tmp_path / "cache"
    home.mkdir()
    code = f"""
from datetime import date
from pathlib import Path
from pipelines.sources.yahoo import YahooPriceSource
source = YahooPriceSource(["AAPL"], Path({str(cache)!r}), lambda: date(2020, 10, 5), {provider.address!r})
print(source.prices(date(2020, 8, 3), date(2020, 9, 8)).num_rows)
"""
    environment = os.environ | {"HOME": str(home), "XDG_CACHE_HOME": str(home), "PYTHONPATH": str(ROOT)}

    ran = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)

    assert ran.stdout == "22\n"
    assert list(home.iterdir()) == []
    assert list(cache.glob("*.db"))


def test_importing_the_adapters_imports_nothing_slow() -> None:
    code = """
import sys
import pipelines.sources.live
print(sorted({"yfinance", "fredapi", "pandas", "curl_cffi", "httpx"} & set(sys.modules)))
"""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    ran = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)

    assert ran.stdout == "[]\n"
