"""Fresh states of the product, one a market, in which situations are run over HTTP."""

import io
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

import httpx

from storage.settings import MarketSource
from tests.e2e.conftest import Home, home_settings, running
from tests.states import discarded
from tests.yardsticks.situations import Outcome, Stated, run


@contextmanager
def fresh_state(market: MarketSource) -> Iterator[Home]:
    """An empty state of a market, in a folder of its own that is gone afterwards; its API answers on loopback."""
    with tempfile.TemporaryDirectory(prefix="lakefolio-situations-") as folder:
        home = Path(folder) / "state"
        home.mkdir(mode=0o700)
        with discarded(home), running(home_settings(home, market), lambda _: "") as state:
            yield state


def run_in(state: Home, stated: Sequence[Stated], refresh: Callable[[], None]) -> list[Outcome]:
    """Run situations in a state, with a release by `refresh` wherever they wait for one."""

    def release() -> str | None:
        said = io.StringIO()
        try:
            with redirect_stdout(said):
                refresh()
        except Exception as error:
            return f"{type(error).__name__} {error} {said.getvalue()[-500:]}".strip()
        return None

    with httpx.Client(base_url=state.base_url, timeout=120, trust_env=False) as api:
        return run(stated, api, release)


def run_situations(document: Sequence[Stated]) -> list[tuple[Stated, Outcome]]:
    """Run each situation of a file against a fresh state of its market; in the file's order."""
    outcomes: dict[int, Outcome] = {}
    markets = [one.get("market", "sample") for one in document]
    for market in dict.fromkeys(markets):
        places = [place for place, of in enumerate(markets) if of == market]
        try:
            with fresh_state(market) as state:
                found = run_in(state, [document[place] for place in places], state.refresh)
        except Exception as error:  # a market that is not there, a database that does not start
            found = [Outcome("wrong", (f"no state of {market}: {type(error).__name__} {error}",))] * len(places)
        outcomes |= dict(zip(places, found, strict=True))
    return [(one, outcomes[place]) for place, one in enumerate(document)]
