"""A release of the lake to be asked: the newest, one that was kept for several questions, or an older one."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Self
from uuid import UUID

from domain.errors import NoRelease
from domain.ports import (
    PortfolioHeld,
    PortfolioReleaseInfo,
    ReleaseInfo,
)
from storage.lake.delta import Lake
from storage.lake.held import HeldPortfolio
from storage.lake.mounted import MountedRelease, MountedReleases, Owner, Seen, mounted
from storage.lake.releases import Release, Releases


class ReleasedAnalytics:
    """Answers from the newest release; `pinned` keeps several questions on one, `known_on` asks an older one."""

    def __init__(self, source: Callable[[], MountedRelease]) -> None:
        self._mounted = source

    @classmethod
    def newest(cls, lake: Lake, seen: Seen | None = None, owner: Owner = lambda: None) -> Self:
        """Always the release that is the newest at the moment of the question."""
        return cls(MountedReleases(lake, Releases(lake), seen, owner))

    @classmethod
    def at(cls, lake: Lake, release: Release) -> Self:
        """Always `release`, whatever is the newest."""
        fixed = mounted(lake, release)
        return cls(lambda: fixed)

    def of_portfolio(self, portfolio_id: UUID) -> Self:
        """The release that is there now, with the prices that value the portfolio."""
        return self._always(self._mounted().of_portfolio(portfolio_id))

    def by_owner(self, portfolio_ids: Sequence[str]) -> Iterator[tuple[Self, Sequence[str]]]:
        """The portfolios with the prices that value them: of each owner who has own ones, and of all others."""
        newest = self._mounted()
        owners, grouped = newest.priced_apart(portfolio_ids), dict[str | None, list[str]]()
        for portfolio_id in portfolio_ids:
            grouped.setdefault(owners.get(portfolio_id), []).append(portfolio_id)
        for owner_id, own in grouped.items():
            yield self._always(newest.of_owner(owner_id) if newest.owners else newest), own

    def _always(self, found: MountedRelease) -> Self:
        return type(self)(lambda: found)

    def pinned(self) -> Self:
        """Always the release that is the newest now, so that several answers agree."""
        return self._always(self._mounted())

    def known_on(self, moment: datetime) -> Self:
        """Always the release that was the newest at `moment`: what was known then."""
        assert isinstance(self._mounted, MountedReleases), "of one release there is no older one"
        return self._always(self._mounted.known_on(moment))

    def numbered(self, release_id: int) -> Self:
        """Always the release with this number."""
        assert isinstance(self._mounted, MountedReleases), "of one release there is no other one"
        return self._always(self._mounted.numbered(release_id))

    def mounted(self) -> MountedRelease:
        """The release itself, for whoever puts an answer together from several of its tables."""
        return self._mounted()

    def release(self) -> ReleaseInfo:
        release = self._mounted().release
        return ReleaseInfo(release.release_id, release.released_at, release.as_of)

    def release_of(self, portfolio_id: UUID) -> PortfolioReleaseInfo:
        """The release as it shows a portfolio; PortfolioHeld if it is held and shows nothing."""
        newest = self._mounted()
        release, held = newest.release, newest.held.get(str(portfolio_id))
        named = (release.release_id, release.released_at)
        if held is None:
            return PortfolioReleaseInfo(*named, release.as_of, "RELEASED", None)
        if held.shown_as_of is None:
            raise PortfolioHeld(portfolio_id, held.reason, held.held_since)
        return PortfolioReleaseInfo(*named, held.shown_as_of, "HELD", held.why)

    def held(self) -> Mapping[str, HeldPortfolio]:
        """The portfolios that the release holds, by their id."""
        return self._mounted().held

    def head(self) -> Release:
        """The whole release that answers come from."""
        return self._mounted().release

    def probe(self) -> None:
        """Read of every table; LakeUnavailable if one cannot be. Before the first release there is nothing to read."""
        with suppress(NoRelease):
            self._mounted().probe()
