"""Inputs of simulations: drifts, volatilities and correlations of one release. SQL in `sql/parameters.sql`."""

from collections.abc import Sequence

from domain.errors import MissingParameters
from domain.ports import HistoricalReturns, SecuritySimParams
from storage.lake.delta import Lake
from storage.lake.mounted import mounted
from storage.lake.releases import Release
from storage.queries import statements

_SQL = statements("application/simulation_parameters.sql")


class LakeSimulationParamsRepository:
    """Inputs of a simulation, in one given release."""

    def __init__(self, lake: Lake, release: Release) -> None:
        self._mounted = mounted(lake, release)

    def get_security_params(self, security_ids: Sequence[int]) -> Sequence[SecuritySimParams]:
        """Parameters in the order asked; MissingParameters names every security that has none."""
        rows = self._mounted.rows(_SQL["params"], security_ids=list(security_ids)) if security_ids else []
        found = {row["security_id"]: SecuritySimParams(**row) for row in rows}
        self._refuse_missing([security_id for security_id in security_ids if security_id not in found])
        return [found[security_id] for security_id in security_ids]

    def get_correlation(self, security_ids: Sequence[int]) -> Sequence[Sequence[float]]:
        """The matrix in the order asked, 1 on its diagonal; MissingParameters names those of a pair without one."""
        rows = self._mounted.rows(_SQL["correlations"], security_ids=list(security_ids)) if security_ids else []
        found = {(row["security_id_a"], row["security_id_b"]): float(row["correlation"]) for row in rows}
        missing = {a for a in security_ids for b in security_ids if (a, b) not in found}
        self._refuse_missing([security_id for security_id in security_ids if security_id in missing])
        return [[found[a, b] for b in security_ids] for a in security_ids]

    def get_historical_returns(self, tickers: Sequence[str]) -> HistoricalReturns:
        """Daily log returns on common dates; MissingParameters names them if there is no common date."""
        asked = list(dict.fromkeys(tickers))
        rows = self._mounted.rows(_SQL["log_returns"], tickers=asked) if asked else []
        if asked and not rows:
            raise MissingParameters(asked)
        return HistoricalReturns(
            tickers=tuple(asked),
            dates=tuple(row["price_date"] for row in rows),
            returns=tuple(tuple(row["log_returns"][ticker] for row in rows) for ticker in asked),
        )

    def _refuse_missing(self, security_ids: Sequence[int]) -> None:
        if security_ids:
            rows = self._mounted.rows(_SQL["names"], security_ids=list(security_ids))
            names = {row["security_id"]: row["ticker"] for row in rows}
            raise MissingParameters([names.get(security_id, f"security {security_id}") for security_id in security_ids])
