"""Questions to a release of the lake, answered by DuckDB in memory over the exact files of its versions.

The release is mounted once and shared; every question has its own cursor, because a DuckDB connection is not for two
threads. What a release does not have yet is an empty answer; that there is no release at all is a refusal.
"""

import re
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from datetime import date
from threading import Lock
from typing import Any
from uuid import UUID

import duckdb
from deltalake import DeltaTable

from domain.errors import MissingParameters, NoRelease
from domain.holdings import Holding
from domain.ports import (
    HistoricalReturns,
    PortfolioPerformance,
    PortfolioValue,
    ReleaseInfo,
    SecuritySimParams,
    TickerDetails,
    TickerPerformance,
    TickerPriceAtDate,
    ValuedPosition,
)
from storage.lake import Lake, local_folder
from storage.releases import TABLE, Release, Releases

_POSITIONS = """
select
    positions.security_id,
    securities.ticker,
    sum(positions.quantity) as quantity,
    sum(positions.cost_basis) as cost_basis,
    max(positions.close) as close,
    max(positions.price_date) as price_date,
    max(positions.status) as status,
    max(positions.stale_days) as stale_days,
    sum(positions.market_value) as market_value,
    sum(positions.gain_loss) as gain_loss,
    sum(positions.realised) as realised,
    max(positions.currency) as currency,
    positions.business_date
from marts.fact_position_daily as positions
inner join marts.dim_security as securities using (security_id)
where positions.portfolio_id = $portfolio_id and positions.business_date = $on and positions.quantity <> 0
group by positions.security_id, securities.ticker, positions.business_date
order by securities.ticker
"""

_VALUES = """
select
    business_date,
    total_value,
    positions_value,
    cash,
    cost_basis,
    coverage_pct,
    twr_index
from marts.fact_portfolio_value_daily
where
    portfolio_id = $portfolio_id
    and business_date >= coalesce($start, date '0001-01-01')
    and business_date <= coalesce($end, date '9999-12-31')
order by business_date
"""

_PERFORMANCE = """
select
    as_of,
    first_date,
    total_value,
    net_contributions,
    twr,
    twr_annual,
    xirr,
    xirr_status,
    volatility_annual,
    sharpe,
    max_drawdown,
    max_drawdown_peak,
    max_drawdown_trough,
    max_drawdown_recovery
from marts.fact_performance
where portfolio_id = $portfolio_id and period = 'SINCE_INCEPTION'
"""

_TICKER_PERFORMANCE = """
with closes as (
    select
        security_id,
        max(price_date) as as_of,
        cast(arg_max(close, price_date) as double) / arg_min(close, price_date) - 1 as total_return
    from marts.fact_price_daily
    where security_id in (select security_id from marts.dim_security where list_contains($tickers, ticker))
    group by security_id
)

select
    securities.ticker,
    closes.as_of,
    closes.total_return,
    volatility.volatility_annual
from closes
inner join marts.dim_security as securities using (security_id)
left join marts.security_volatility as volatility using (security_id)
"""

_TICKER_DETAILS = """
select
    ticker,
    display_name,
    asset_type,
    currency,
    exchange,
    country,
    sector,
    industry,
    price_kind,
    first_price_date,
    last_price_date
from marts.dim_security
where list_contains($tickers, ticker)
"""

_PRICE = """
select
    prices.price_date,
    prices.close,
    prices.currency
from marts.fact_price_daily as prices
inner join marts.dim_security as securities using (security_id)
where securities.ticker = $ticker and prices.price_date <= $on
order by prices.price_date desc
limit 1
"""

_CORRELATIONS_OF_TICKERS = """
select
    least(a.ticker, b.ticker) as ticker_a,
    greatest(a.ticker, b.ticker) as ticker_b,
    pairs.correlation
from marts.security_correlation as pairs
inner join marts.dim_security as a on pairs.security_id_a = a.security_id
inner join marts.dim_security as b on pairs.security_id_b = b.security_id
where
    list_contains($tickers, a.ticker)
    and list_contains($tickers, b.ticker)
    and pairs.security_id_a < pairs.security_id_b
    and pairs.correlation is not null
order by pairs.correlation, ticker_a, ticker_b
"""

_FAN = """
select
    step,
    years,
    p5,
    p10,
    p25,
    p50,
    p75,
    p90,
    p95,
    mean,
    probability_of_loss
from simulation.simulation_fan
where
    simulation_id = $simulation_id
    and release_id = (select max(release_id) from simulation.simulation_fan where simulation_id = $simulation_id)
order by step
"""

_NAMES = """
select
    security_id,
    ticker
from marts.dim_security
where list_contains($security_ids, security_id)
"""

_PARAMS = """
select
    securities.security_id,
    securities.ticker,
    mu.mu_annual,
    volatility.volatility_annual,
    least(mu.n_observations, volatility.n_observations) as n_observations
from marts.dim_security as securities
inner join marts.security_historical_mu as mu using (security_id)
inner join marts.security_volatility as volatility using (security_id)
where list_contains($security_ids, securities.security_id) and mu.status = 'OK' and volatility.status = 'OK'
"""

_CORRELATIONS = """
select
    security_id_a,
    security_id_b,
    correlation
from marts.security_correlation
where
    list_contains($security_ids, security_id_a)
    and list_contains($security_ids, security_id_b)
    and correlation is not null
"""

_LOG_RETURNS = """
select
    prices.price_date,
    map(list(securities.ticker), list(prices.log_return)) as log_returns
from marts.fact_price_daily as prices
inner join marts.dim_security as securities using (security_id)
where list_contains($tickers, securities.ticker) and prices.log_return is not null
group by prices.price_date
having count(distinct securities.ticker) = len($tickers)
order by prices.price_date
"""

_MENTIONED = re.compile(r"\b(marts|simulation)\.(\w+)")


@dataclass(frozen=True, slots=True)
class MountedRelease:
    """One release as views in a DuckDB of its own."""

    release: Release
    connection: duckdb.DuckDBPyConnection
    lock: Lock = field(default_factory=Lock)

    def rows(self, query: str, **parameters: object) -> list[dict[str, Any]]:
        """The answer, a dict per row; none if the release has not got a table that the query reads."""
        if any(f"{schema}/{name}" not in self.release.versions for schema, name in _MENTIONED.findall(query)):
            return []
        with self.lock:
            cursor = self.connection.cursor()
        try:
            answer = cursor.execute(query, parameters)
            names = [column[0] for column in answer.description]
            return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]
        finally:
            cursor.close()


def mounted(lake: Lake, release: Release) -> MountedRelease:
    connection = duckdb.connect(config={"memory_limit": "1GB", "temp_directory": ""})
    connection.execute("set global TimeZone = 'UTC'")
    lake.mount(connection, release.versions)
    return MountedRelease(release, connection)


class _Newest:
    """The newest release, mounted; per call it costs one look whether the log of `meta/release` has grown."""

    def __init__(self, lake: Lake, releases: Releases) -> None:
        self._lake = lake
        self._releases = releases
        self._lock = Lock()
        self._log: DeltaTable | None = None
        self._log_version: int | None = None
        self._mounted: MountedRelease | None = None

    def __call__(self) -> MountedRelease:
        with self._lock:
            version = self._newest_log_version()
            if version is not None and version != self._log_version:
                head = self._releases.head()
                if head and (self._mounted is None or head.release_id != self._mounted.release.release_id):
                    self._mounted = mounted(self._lake, head)
                self._log_version = version
            if self._mounted is None:
                raise NoRelease()
            return self._mounted

    def _newest_log_version(self) -> int | None:
        if self._log is None:
            if not self._lake.exists(TABLE):
                return None
            self._log = self._lake.open(TABLE)
        version = int(self._log.version())
        folder = local_folder(self._lake.uri(TABLE))
        if folder and not (folder / "_delta_log" / f"{version + 1:020}.json").exists():
            return version  # on this machine: 20 us, where asking Delta takes 3 ms
        self._log.update_incremental()
        return int(self._log.version())


class LakeAnalyticsRepository:
    """Answers from the newest release; `pinned` keeps several questions on one."""

    def __init__(self, lake: Lake, releases: Releases) -> None:
        self._mounted = _Newest(lake, releases)

    @classmethod
    def at(cls, lake: Lake, release: Release) -> "LakeAnalyticsRepository":
        """The same questions to `release`, whatever is the newest."""
        repository = cls(lake, Releases(lake))
        fixed = mounted(lake, release)
        repository._mounted = lambda: fixed  # type: ignore[assignment]
        return repository

    def pinned(self) -> "LakeAnalyticsRepository":
        """The same questions to the release that is the newest now, whatever is released later."""
        newest = self._mounted()
        repository = copy(self)
        repository._mounted = lambda: newest  # type: ignore[assignment]
        return repository

    def release(self) -> ReleaseInfo:
        release = self._mounted().release
        return ReleaseInfo(release.release_id, release.released_at, release.as_of)

    def get_positions(self, portfolio_id: UUID, on: date | None = None) -> Sequence[ValuedPosition]:
        """Positions at the close of `on`, or of the release's `as_of` where that is earlier; accounts are summed."""
        newest = self._mounted()
        as_of = newest.release.as_of
        if as_of is None:
            return []
        rows = newest.rows(_POSITIONS, portfolio_id=str(portfolio_id), on=min(on or as_of, as_of))
        return [ValuedPosition(**row, avg_cost=Holding(row["quantity"], row["cost_basis"]).avg_cost) for row in rows]

    def get_values(self, portfolio_id: UUID, start: date | None, end: date | None) -> Sequence[PortfolioValue]:
        rows = self._mounted().rows(_VALUES, portfolio_id=str(portfolio_id), start=start, end=end)
        return [PortfolioValue(**row) for row in rows]

    def get_portfolio_performance(self, portfolio_id: UUID) -> PortfolioPerformance | None:
        rows = self._mounted().rows(_PERFORMANCE, portfolio_id=str(portfolio_id))
        return PortfolioPerformance(**rows[0]) if rows else None

    def get_performance_for_tickers(self, tickers: Sequence[str]) -> Mapping[str, TickerPerformance]:
        rows = self._mounted().rows(_TICKER_PERFORMANCE, tickers=list(tickers)) if tickers else []
        return {row["ticker"]: TickerPerformance(**row) for row in rows}

    def get_ticker_details(self, tickers: Sequence[str]) -> Mapping[str, TickerDetails]:
        rows = self._mounted().rows(_TICKER_DETAILS, tickers=list(tickers)) if tickers else []
        return {row["ticker"]: TickerDetails(**row) for row in rows}

    def get_price_for_date(self, ticker: str, on: date) -> TickerPriceAtDate | None:
        rows = self._mounted().rows(_PRICE, ticker=ticker, on=on)
        return TickerPriceAtDate(ticker=ticker, asked=on, **rows[0]) if rows else None

    def get_correlation_extremes(self, tickers: Sequence[str]) -> tuple[tuple[str, str, float], ...]:
        """The least and the most correlated pair, in this order; one if there is only one, else none."""
        rows = self._mounted().rows(_CORRELATIONS_OF_TICKERS, tickers=list(tickers)) if tickers else []
        pairs = [(row["ticker_a"], row["ticker_b"], float(row["correlation"])) for row in rows]
        return tuple(pairs if len(pairs) < 2 else (pairs[0], pairs[-1]))

    def get_simulation_fan(self, simulation_id: UUID) -> Sequence[Mapping[str, float]]:
        """The percentiles of wealth, one row per step; of the newest release it was run against."""
        return self._mounted().rows(_FAN, simulation_id=str(simulation_id))


class LakeSimulationParamsRepository:
    """What a simulation starts from, in one given release."""

    def __init__(self, lake: Lake, release: Release) -> None:
        self._mounted = mounted(lake, release)

    def get_security_params(self, security_ids: Sequence[int]) -> Sequence[SecuritySimParams]:
        """Parameters in the order asked; MissingParameters names every security that has none."""
        rows = self._mounted.rows(_PARAMS, security_ids=list(security_ids)) if security_ids else []
        found = {row["security_id"]: SecuritySimParams(**row) for row in rows}
        self._refuse_missing([security_id for security_id in security_ids if security_id not in found])
        return [found[security_id] for security_id in security_ids]

    def get_correlation(self, security_ids: Sequence[int]) -> Sequence[Sequence[float]]:
        """The matrix in the order asked, 1 on its diagonal; MissingParameters names those of a pair without one."""
        rows = self._mounted.rows(_CORRELATIONS, security_ids=list(security_ids)) if security_ids else []
        found = {(row["security_id_a"], row["security_id_b"]): float(row["correlation"]) for row in rows}
        missing = {a for a in security_ids for b in security_ids if (a, b) not in found}
        self._refuse_missing([security_id for security_id in security_ids if security_id in missing])
        return [[found[a, b] for b in security_ids] for a in security_ids]

    def get_historical_returns(self, tickers: Sequence[str]) -> HistoricalReturns:
        """Daily log returns on common dates; MissingParameters names them if there is no common date."""
        asked = list(dict.fromkeys(tickers))
        rows = self._mounted.rows(_LOG_RETURNS, tickers=asked) if asked else []
        if asked and not rows:
            raise MissingParameters(asked)
        return HistoricalReturns(
            tickers=tuple(asked),
            dates=tuple(row["price_date"] for row in rows),
            returns=tuple(tuple(row["log_returns"][ticker] for row in rows) for ticker in asked),
        )

    def _refuse_missing(self, security_ids: Sequence[int]) -> None:
        if security_ids:
            rows = self._mounted.rows(_NAMES, security_ids=list(security_ids))
            names = {row["security_id"]: row["ticker"] for row in rows}
            raise MissingParameters([names.get(security_id, f"security {security_id}") for security_id in security_ids])
