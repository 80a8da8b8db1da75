"""Bases of all bodies and views."""

from typing import Any

from pydantic import AliasChoices, BaseModel, ConfigDict, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from domain.analytics.arrays import figure

TICKER = AliasChoices("ticker", "symbol")


class Request(BaseModel):
    """An unknown field is refused: a misspelt one must not be silently without effect."""

    model_config = ConfigDict(extra="forbid", frozen=True)


_FIGURE = core_schema.plain_serializer_function_ser_schema(figure, return_schema=core_schema.float_schema())


def _write_figures(schema: Any) -> None:
    """Have every float in `schema`, however deep, written by `figure`."""
    if isinstance(schema, list):
        for part in schema:
            _write_figures(part)
    elif isinstance(schema, dict):
        if schema.get("type") == "float":
            schema.setdefault("serialization", _FIGURE)
        for name, part in schema.items():
            if name != "serialization":
                _write_figures(part)


class View(BaseModel):
    """An answer. Every float of it is written as a `figure`: no negative zero, no 1e-17 for nothing."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: type[BaseModel], handler: GetCoreSchemaHandler) -> CoreSchema:
        found = handler(source)
        _write_figures(found)
        return found
