"""Prices, splits, dividends, funds and analysts' targets from Yahoo, through `yfinance`.

What belongs here: asking, one ticker at a time, and telling a refusal from an answer. What a history means is in
`yahoo_history`. yfinance keeps one session, crumb and cache for the whole process, so use one of these at a time.

A source asks once for a ticker's history and once for what is said of it, whatever is wanted of them, unless the answer
was of no use. To ask again, make a new one.
"""

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import pyarrow as pa

from pipelines.sources import market_tables
from pipelines.sources.http import (
    BadResponse,
    RateLimited,
    RetryPolicy,
    Row,
    Transient,
    Unknown,
    fetch_all,
    on_days,
    refuse,
)
from pipelines.sources.yahoo_history import TickerHistory, exact, whole_currency

# A living security trades in ten days, so an answer without rows is a fault, not a quiet window.
_RUN_UP = timedelta(days=10)
_EARLIEST = date(1927, 12, 30)  # the first day of ^GSPC, Yahoo's oldest
_FUNDS = ("ETF", "MUTUALFUND")
T = TypeVar("T")


class YahooPriceSource:
    """The securities of `PriceSource`, for `tickers` as Yahoo spells them. `IncompleteMarket.missing` names tickers.

    `cache_folder` is where yfinance remembers cookies and exchanges' time zones: the first that a process names is the
    one for its whole life. `base_url` stands in for all of Yahoo's hosts. `today` is the day to which histories are
    read, and which funds and targets are from.
    """

    name = "yahoo"

    def __init__(
        self,
        tickers: Sequence[str],
        cache_folder: Path,
        today: Callable[[], date],
        base_url: str | None = None,
        patience: RetryPolicy | None = None,
        timeout_seconds: float = 15,
    ) -> None:
        self._tickers = list(tickers)
        self._cache_folder = cache_folder
        self._today = today
        self._base_url = base_url
        self._patience = patience or RetryPolicy()
        self._timeout_seconds = timeout_seconds
        self._histories: dict[str, tuple[date, TickerHistory | Unknown]] = {}
        self._infos: dict[str, dict[str, Any] | Unknown] = {}

    def prices(self, start: date, end: date) -> pa.Table:
        def rows_of(history: TickerHistory) -> Iterable[Row]:
            return on_days(history.prices(), "price_date", start, end)

        return self._from_histories(start, end, rows_of, market_tables.PRICES, "ticker", "price_date")

    def corporate_actions(self, start: date, end: date) -> pa.Table:
        def rows_of(history: TickerHistory) -> Iterable[Row]:
            return on_days(history.corporate_actions(), "action_date", start, end)

        return self._from_histories(
            start, end, rows_of, market_tables.CORPORATE_ACTIONS, "ticker", "action_date", "action_type"
        )

    def fund_metadata(self, start: date, end: date) -> pa.Table:
        return self._from_infos(start, end, _fund, market_tables.FUND_METADATA)

    def analyst_targets(self, start: date, end: date) -> pa.Table:
        return self._from_infos(start, end, _target, market_tables.ANALYST_TARGETS)

    def _from_histories(
        self, start: date, end: date, rows_of: Callable[[TickerHistory], Iterable[Row]], schema: pa.Schema, *by: str
    ) -> pa.Table:
        today = self._today()
        if start > min(end, today):
            return schema.empty_table()
        line = _line(self._base_url, self._timeout_seconds, self._cache_folder)
        first = max(start, _EARLIEST) - _RUN_UP

        def ask(ticker: str) -> Iterable[Row]:
            return rows_of(self._history(line, ticker, first, today))

        return fetch_all(self.name, self._tickers, ask, self._patience, schema, *by)

    def _history(self, line: Any, ticker: str, first: date, today: date) -> TickerHistory:
        """Return Yahoo's history of a ticker from `first` or before to today."""
        since, told = self._histories.get(ticker, (date.max, None))
        if told is None or since > first:

            def ask(asked: Any) -> TickerHistory:
                frame = asked.history(
                    start=first,
                    end=today + timedelta(days=1),  # not included
                    auto_adjust=False,
                    keepna=True,
                    timeout=self._timeout_seconds,
                )
                history = TickerHistory(ticker, frame, asked.get_history_metadata())
                list(history.prices())  # what cannot be understood is refused at once
                return history

            told = _kept(lambda: _answered(line, ticker, ask))
            self._histories[ticker] = first, told
        return _given(told)

    def _from_infos(
        self, start: date, end: date, row_of: Callable[[str, dict[str, Any]], Row | None], schema: pa.Schema
    ) -> pa.Table:
        today = self._today()
        if not start <= today <= end:
            return schema.empty_table()
        line = _line(self._base_url, self._timeout_seconds, self._cache_folder)

        def ask(ticker: str) -> Iterator[Row]:
            row = row_of(ticker, self._info(line, ticker))
            if row:
                yield {"as_of": today, "is_illustrative": False, **row}

        return fetch_all(self.name, self._tickers, ask, self._patience, schema, "ticker", "as_of")

    def _info(self, line: Any, ticker: str) -> dict[str, Any]:
        if ticker not in self._infos:
            self._infos[ticker] = _kept(lambda: _answered(line, ticker, lambda asked: dict(asked.get_info())))
        return _given(self._infos[ticker])


def _kept(ask: Callable[[], T]) -> T | Unknown:
    """Return what is worth remembering: an answer, or the Unknown that says there is none."""
    try:
        return ask()
    except Unknown as unknown:
        return unknown


def _given(told: T | Unknown) -> T:
    if isinstance(told, Unknown):
        raise Unknown(str(told))
    return told


def _fund(ticker: str, info: dict[str, Any]) -> Row | None:
    if info.get("quoteType") not in _FUNDS:
        return None
    seconds = info.get("fundInceptionDate")
    return {
        "ticker": ticker,
        "fund_family": info.get("fundFamily"),
        "category": info.get("category"),
        "legal_type": info.get("legalType"),
        "inception_date": datetime.fromtimestamp(seconds, UTC).date() if seconds else None,
        "expense_ratio_pct": exact(info.get("netExpenseRatio")),  # Yahoo's is in per cent: 0.35 is 35 basis points
        "net_assets": exact(info.get("totalAssets")),
        "currency": whole_currency(info.get("currency"))[0],  # a fund's assets are never counted in pence
    }


def _target(ticker: str, info: dict[str, Any]) -> Row | None:
    """None where no analyst says anything. The targets are in the currency of the quote, not of the accounts."""
    if not info.get("targetMeanPrice"):
        return None
    currency, minor_units = whole_currency(info.get("currency"))
    targets = {name: exact(info.get(f"target{name.title()}Price")) for name in ("mean", "median", "low", "high")}
    return {
        "ticker": ticker,
        **{f"target_{name}": target and target / minor_units for name, target in targets.items()},
        "n_analysts": info.get("numberOfAnalystOpinions"),
        "currency": currency,
    }


def _line(base_url: str | None, timeout_seconds: float, cache_folder: Path) -> Any:
    """A session of yfinance's that never waits for ever, goes to `base_url`, and knows how the last answer came."""
    import yfinance as yf
    from curl_cffi.requests import Response, Session
    from curl_cffi.requests.session import HttpMethod

    class Line(Session[Response]):
        last_status = 0
        last_url = ""

        def request(self, method: HttpMethod, url: str, *more: Any, **options: Any) -> Response:
            if base_url:
                url = base_url + urlsplit(url)._replace(scheme="", netloc="").geturl()
            answer = super().request(method, url, *more, **options | {"timeout": timeout_seconds})
            self.last_status, self.last_url = answer.status_code, url
            return answer

    cache_folder.mkdir(parents=True, exist_ok=True)
    yf.set_tz_cache_location(str(cache_folder))
    yf.config.debug.hide_exceptions = False
    return Line(impersonate="chrome")


def _answered(line: Any, ticker: str, ask: Callable[[Any], T]) -> T:
    """Ask Yahoo about a ticker; raise Busy, RateLimited, Unusable or Unknown for its refusals."""
    import yfinance as yf
    from curl_cffi.requests.exceptions import HTTPError, RequestException
    from yfinance.data import YfData
    from yfinance.exceptions import YFException, YFRateLimitError

    cached: Any = YfData.cache_get
    cached.cache_clear()  # it remembers bad answers as well as good ones, for as long as the process lives
    try:
        with warnings.catch_warnings():
            # yfinance 1.7.0 sorts in place, deprecated in pandas 3.1.
            warnings.filterwarnings("ignore", message="The inplace keyword", category=DeprecationWarning)
            return ask(yf.Ticker(ticker, session=line))
    except YFRateLimitError as error:
        raise RateLimited("Yahoo says 429, too many requests") from error
    except HTTPError as error:
        refuse(line.last_status, line.last_url)
        raise BadResponse(str(error)) from error
    except RequestException as error:
        raise Transient(f"Yahoo does not answer ({type(error).__name__})") from error
    except (YFException, ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        if line.last_status >= 500:
            raise Transient(f"Yahoo says {line.last_status}") from error
        fault = Unknown if line.last_status == 404 else BadResponse
        raise fault(f"Yahoo's answer ({line.last_status}) is of no use: {type(error).__name__} {error}") from error
