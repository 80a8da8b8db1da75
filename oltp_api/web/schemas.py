"""Bases of all bodies and views."""

from pydantic import AliasChoices, BaseModel, ConfigDict

TICKER = AliasChoices("ticker", "symbol")


class Request(BaseModel):
    """An unknown field is refused: a misspelt one must not be silently without effect."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class View(BaseModel):
    model_config = ConfigDict(frozen=True, from_attributes=True)
