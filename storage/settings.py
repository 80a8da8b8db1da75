"""The environment, read in one place. What each name means is in `.env.example`."""

from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

REPOSITORY = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_file=REPOSITORY / ".env", extra="ignore", env_ignore_empty=True)

    lakefolio_home: Path = Field(default=REPOSITORY / ".lakefolio")
    database_url: str | None = None
    database_admin_url: str | None = None
    lake_uri: str | None = None
    market_source: Literal["sample", "live"] = "sample"
    fred_api_key: str | None = None
    broker: Literal["simulated", "none"] = "simulated"
    broker_delay_s: float = Field(default=30, ge=0)

    @property
    def home(self) -> Path:
        return self.lakefolio_home.expanduser().absolute()

    @property
    def lake(self) -> str:
        """The lake's root: a folder, or s3://bucket/prefix."""
        return self.lake_uri or str(self.home / "lake")

    @property
    def scratch(self) -> Path:
        return self.home / "scratch"


@lru_cache(maxsize=1)
def settings() -> Settings:
    return Settings()
