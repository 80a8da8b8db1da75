"""Resources of assets: where things are, the market, a refresh's lock. The environment is read here and nowhere else.

Every field may be given (tests do); what is not comes from the settings.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dagster import ConfigurableResource, InitResourceContext
from pydantic import PrivateAttr

from domain.ports import PriceSource
from pipelines.sources.http import RetryPolicy
from pipelines.sources.price_files.folder import rate_files
from pipelines.sources.rate_files import NoFred, WithRateFiles, has_yields
from pipelines.sources.sample import SamplePriceSource
from pipelines.sources.tracking import tracked
from storage.clock import SystemClock, clock_of
from storage.errors import SetupError
from storage.lake.delta import Lake, lake_at
from storage.lake.releases import Releases
from storage.lake.s3 import is_bucket, options_of, refuse_unusable
from storage.postgres import database as postgres
from storage.postgres.installation import claim_market
from storage.private import private_folder
from storage.settings import REPOSITORY, Settings

if TYPE_CHECKING:
    from dagster_aws.s3 import S3Resource  # it imports boto3, which a local lake does not need

EXCHANGE = "XNYS"
REFRESH_LOCK = "refresh"
SIMULATION_LOCK = "simulations"
RISK_ANALYSIS_LOCK = "risk analyses"


class Platform(ConfigurableResource[Any]):
    """Where the database, the lake and the scratch folder are, and which day it is."""

    lakefolio_home: str | None = None
    database_url: str | None = None
    database_admin_url: str | None = None
    database_services_url: str | None = None
    lake_uri: str | None = None
    market_source: str | None = None

    @property
    def settings(self) -> Settings:
        given = frozenset((name, value) for name, value in self._given().items() if value is not None)
        return _settings(given, frozenset(os.environ.items()))

    def _given(self) -> dict[str, str | None]:
        return {
            "lakefolio_home": self.lakefolio_home,
            "database_url": self.database_url,
            "database_admin_url": self.database_admin_url,
            "database_services_url": self.database_services_url,
            "lake_uri": self.lake_uri,
            "market_source": self.market_source,
        }

    @property
    def database(self) -> postgres.Database:
        return postgres.locate(self.settings)

    @property
    def lake(self) -> Lake:
        """The lake; SetupError in one sentence if it is in a bucket that cannot be used."""
        settings = self.settings
        if is_bucket(settings.lake):
            _refuse_unusable(settings.lake, self.s3)
        return lake_at(settings.lake, self.database.admin_url, options_of(settings))

    @property
    def s3(self) -> "S3Resource":
        """Dagster's own resource for the lake's bucket, with the lake's credentials."""
        from dagster_aws.s3 import S3Resource

        options = options_of(self.settings)
        return S3Resource(
            region_name=options["aws_region"],
            endpoint_url=options.get("aws_endpoint_url"),
            aws_access_key_id=options["aws_access_key_id"],
            aws_secret_access_key=options["aws_secret_access_key"],
            aws_session_token=options.get("aws_session_token"),
        )

    @property
    def releases(self) -> Releases:
        return Releases(self.lake)

    @property
    def clock(self) -> SystemClock:
        return clock_of(self.settings.market_source)

    @property
    def market_today(self) -> date:
        """The business date at the exchange."""
        return self.clock.today("America/New_York")

    @contextmanager
    def scratch(self, run_id: str) -> Iterator[Path]:
        """A folder of this run's own, removed at the end."""
        import shutil
        import tempfile

        root = self.settings.scratch
        private_folder(root)
        folder = Path(tempfile.mkdtemp(prefix=f"{run_id[:8]}-", dir=root))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


@lru_cache(maxsize=8)
def _settings(given: frozenset[tuple[str, str]], environment: frozenset[tuple[str, str]]) -> Settings:
    """Read once for one environment: a run asks for them some 250 times, at 8 ms each."""
    del environment
    stated: dict[str, Any] = dict(given)
    return Settings(**stated)


@lru_cache(maxsize=8)
def _refuse_unusable(lake_uri: str, s3: "S3Resource") -> None:
    """Once in a process is enough; what becomes wrong later is an error of the one who meets it."""
    refuse_unusable(lake_uri, s3.get_client())


def bundled_market(name: str) -> SamplePriceSource:
    return SamplePriceSource(REPOSITORY / "sample_data", name)


class Market(ConfigurableResource[Any]):
    """The configured source of prices and rates, one for a whole run: what it has been told it need not ask again."""

    platform: Platform
    _source: WithRateFiles | None = PrivateAttr(default=None)
    _tickers: list[str] = PrivateAttr(default_factory=list)

    def setup_for_execution(self, context: InitResourceContext) -> None:
        del context
        self._source = None

    @property
    def source(self) -> WithRateFiles:
        if self._source is None:
            self._source = self._chosen()
        return self._source

    @property
    def tickers(self) -> list[str]:
        """Tickers that a live source is asked for; none of a bundled one."""
        return self._tickers

    def _chosen(self) -> WithRateFiles:
        name = self.platform.settings.market_source
        claim_market(self.platform.database, name)
        market = self._live() if name == "live" else bundled_market(name)
        return WithRateFiles(market, self.platform.settings.prices)

    def _live(self) -> PriceSource:
        """Whatever is registered under a ticker is asked for; a bond is valued from the curve."""
        from pipelines.sources.ecb import ROOT_URL as ECB_URL
        from pipelines.sources.ecb import EcbRateSource
        from pipelines.sources.fred import ROOT_URL as FRED_URL
        from pipelines.sources.fred import FredRateSource
        from pipelines.sources.live import LiveMarket
        from pipelines.sources.yahoo import YahooPriceSource

        settings, patience = (
            self.platform.settings,
            RetryPolicy(budget_seconds=self.platform.settings.market_patience_s),
        )
        if not settings.fred_api_key and not has_yields(rate_files(settings.prices)):
            raise SetupError(
                "MARKET_SOURCE=live needs FRED_API_KEY, free at https://fred.stlouisfed.org, or FRED's files of the "
                f"series DGS3MO, DGS10 and so on in {settings.prices}"
            )
        with postgres.connect(self.platform.database.admin_url) as connection:
            self._tickers = tracked(connection, self.platform.lake, self.platform.market_today)
        return LiveMarket(
            YahooPriceSource(
                self._tickers,
                settings.home / "yfinance",
                lambda: self.platform.market_today,
                settings.yahoo_url,
                patience,
            ),
            FredRateSource(settings.fred_api_key, settings.fred_url or FRED_URL, patience)
            if settings.fred_api_key
            else NoFred(),
            EcbRateSource(settings.ecb_url or ECB_URL, patience),
        )


class RefreshLock(ConfigurableResource[Any]):
    """Held while a refresh lives: an advisory lock that ends with the process, however that ends.

    It is what "in flight" means; a run's status does not (a killed run stays STARTED for ever).
    """

    platform: Platform

    @contextmanager
    def yield_for_execution(self, context: InitResourceContext) -> Iterator["RefreshLock"]:
        del context
        with postgres.advisory_lock(self.platform.database.admin_url, REFRESH_LOCK):
            yield self
