"""The API's app, made once for all settings that differ in places alone: resolving its routes takes longer than its
start."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from storage.settings import Settings
from tests.documented import contract

_PLACES = ("lakefolio_home", "database_url", "database_admin_url", "database_services_url", "lake_uri")
_IDLE: defaultdict[str, list[tuple[Any, Settings]]] = defaultdict(list)


@contextmanager
def app_over(settings: Settings) -> Iterator[Any]:
    """An app over `settings`, which is over others afterwards; no route may be added to it."""
    idle = _IDLE[repr(settings.model_dump(exclude=set(_PLACES)))]
    made, own = idle.pop() if idle else _made(settings.model_copy())
    for place in _PLACES:
        setattr(own, place, getattr(settings, place))
    yield made
    idle.append((made, own))


def _made(settings: Settings) -> tuple[Any, Settings]:
    from oltp_api.app import create_app

    app = create_app(settings)
    if not settings.has_accounts:
        app.openapi = contract
    return app, settings
