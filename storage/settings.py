"""The environment, read in one place. What each name means is in `.env.example`."""

import re
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

REPOSITORY = Path(__file__).resolve().parent.parent
MarketSource = Literal["sample", "as_traded", "live"]
Duration = Annotated[str, Field(pattern=r"^[0-9]{1,9}(ms|s|min|h)$")]
"""A time as PostgreSQL writes it, with its unit; 0s is no limit."""
_ORIGIN = re.compile(r"https?://(?P<name>[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?)(?::[0-9]{1,5})?")
_ISSUER = re.compile(r"(https://[^\s/?#@]+|http://(127\.0\.0\.1|\[::1\]|localhost)(:[0-9]{1,5})?)(/[^\s?#]*)?")
_HOST_NAME = re.compile(r"(?!-)[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})*")


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_file=REPOSITORY / ".env", extra="ignore", env_ignore_empty=True)

    lakefolio_home: Path = Field(default=REPOSITORY / ".lakefolio")
    database_url: str | None = None
    database_admin_url: str | None = None
    database_services_url: str | None = None
    lake_uri: str | None = None
    aws_access_key_id: str | None = None
    aws_secret_access_key: str | None = Field(default=None, repr=False)
    aws_session_token: str | None = Field(default=None, repr=False)
    aws_region: str = "us-east-1"
    aws_endpoint_url: str | None = None
    prices_folder: Path | None = None
    market_source: MarketSource = "sample"
    benchmark_ticker: str = "SP500DIV,SP500"
    fred_api_key: str | None = None
    yahoo_url: str | None = None
    fred_url: str | None = None
    ecb_url: str | None = None
    market_patience_s: float = Field(default=120, gt=0)
    kafka_bootstrap: str | None = None
    kafka_topic: str = "lakefolio.events"
    log_format: Literal["json", "text"] | None = None
    statement_timeout: Duration = "30s"
    lock_timeout: Duration = "10s"
    idle_in_transaction_timeout: Duration = "60s"
    snapshot_payload_days: int = Field(default=7, ge=0)
    broker: Literal["simulated", "none"] = "simulated"
    broker_delay_s: float = Field(default=30, ge=0)
    auth: Literal["local", "accounts"] = "local"
    second_factor: Literal["optional", "required"] = "optional"
    public_url: str | None = None
    oidc_issuer: str | None = None
    oidc_client_id: str | None = None
    oidc_client_secret: str | None = Field(default=None, repr=False)
    risk_model: str | None = None
    risk_model_url: str | None = None
    openai_api_key: str | None = Field(default=None, repr=False)
    anthropic_api_key: str | None = Field(default=None, repr=False)
    web_hosts: str = ""
    web_published_on: Literal["127.0.0.1"] | None = None

    @field_validator("web_hosts")
    @classmethod
    def _whole_names(cls, value: str) -> str:
        names = [name.strip() for name in value.lower().split(",") if name.strip()]
        for name in names:
            if not _HOST_NAME.fullmatch(name):
                raise ValueError(
                    f"{name[:60]!r} is not a host name; write whole names, without ports, with commas between"
                )
        return ",".join(names)

    @field_validator("public_url")
    @classmethod
    def _only_an_origin(cls, value: str | None) -> str | None:
        if value is None or _ORIGIN.fullmatch(value.lower()):
            return None if value is None else value.lower()
        raise ValueError("must be where people reach the server and nothing more, as https://folio.example.org")

    @field_validator("oidc_issuer")
    @classmethod
    def _only_by_tls(cls, value: str | None) -> str | None:
        if value is None or _ISSUER.fullmatch(value):
            return value
        raise ValueError("must be the issuer as its discovery document says it, by https unless it is on this machine")

    @model_validator(mode="after")
    def _all_of_the_provider(self) -> Self:
        told = {bool(each) for each in (self.oidc_issuer, self.oidc_client_id, self.oidc_client_secret)}
        if len(told) > 1:
            raise ValueError("OIDC_ISSUER, OIDC_CLIENT_ID and OIDC_CLIENT_SECRET are set together, or none of them")
        return self

    @property
    def declared_hosts(self) -> frozenset[str]:
        """Names that the web applications answer under, beside localhost."""
        public = _ORIGIN.fullmatch(self.public_url or "")
        return frozenset(name for name in (*self.web_hosts.split(","), public["name"] if public else "") if name)

    @property
    def has_accounts(self) -> bool:
        """True if everybody signs in; else there is one owner, and nobody does."""
        return self.auth == "accounts"

    @property
    def needs_second_factor(self) -> bool:
        """True if a session that was begun without a second factor is let to nothing but setting one up."""
        return self.second_factor == "required"

    @property
    def is_encrypted(self) -> bool:
        """True if people reach the server by TLS, which a proxy in front of it ends."""
        return (self.public_url or "").startswith("https://")

    @property
    def home(self) -> Path:
        return self.lakefolio_home.expanduser().absolute()

    @property
    def limits(self) -> dict[str, str]:
        """How long PostgreSQL lets the application wait or work, by the names of its settings."""
        return {
            "statement_timeout": self.statement_timeout,
            "lock_timeout": self.lock_timeout,
            "idle_in_transaction_session_timeout": self.idle_in_transaction_timeout,
        }

    @property
    def lake(self) -> str:
        """The lake's root: a folder, or s3://bucket/prefix."""
        return self.lake_uri or str(self.home / "lake")

    @property
    def prices(self) -> Path:
        """Where people put files of prices."""
        return (self.prices_folder or self.home / "prices").expanduser().absolute()

    @property
    def scratch(self) -> Path:
        return self.home / "scratch"


@lru_cache(maxsize=1)
def settings() -> Settings:
    return Settings()
