"""Releases for notebooks: `lakefolio.connect()`, and frames that say the units of their columns."""

from lakefolio.connection import connect
from lakefolio.frames import units_of

__all__ = ["connect", "units_of"]
