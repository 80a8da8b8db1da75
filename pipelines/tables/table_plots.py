"""Pictures of a table that was published: which of its rows are drawn, and how they are named.

Belongs here: reading the new version. Does not: how a picture looks; that is in pipelines.tables.metadata_plots.
"""

from collections.abc import Mapping
from itertools import groupby
from operator import itemgetter
from typing import Any

import numpy as np
import pyarrow as pa

from pipelines.tables.metadata_plots import (
    Picture,
    allocation_chart,
    correlation_chart,
    coverage_chart,
    curve_chart,
    lines_chart,
)
from storage.lake.delta import Lake

_CURVES = """
    with newest as (select max(curve_date) as day from {table}),

    drawn as (
        select day from newest
        union
        select max(curve_date) from {table} where curve_date <= (select day - interval 1 year from newest)
    )

    select
        curve_date,
        list(tenor_months order by tenor_months) as tenors,
        list(cast(par_yield_pct as double) order by tenor_months) as yields
    from {table}
    where curve_date in (select day from drawn)
    group by curve_date
    order by curve_date desc
"""
_COVERAGE = "select ticker, min(price_date), max(price_date) from {table} group by ticker order by ticker"
_YIELDS = """
    select security_id, price_date, yield_pct
    from {table}
    where yield_pct is not null and security_id in (
        select distinct security_id from {table} where yield_pct is not null order by security_id limit 8
    )
    order by security_id, price_date
"""
_MOST_CORRELATED = 40
_CORRELATIONS = """
    select security_id_a, security_id_b, correlation
    from {table}
    where security_id_a in ({ids}) and security_id_b in ({ids}) and correlation is not null
"""
# Of each book's newest ranking, what it counts for; a book is drawn if it holds anything of value.
_LENDABLE = """
    with newest as (
        select * from {table}
        where market_value > 0
        qualify created_at = max(created_at) over (partition by portfolio_id)
    )

    select
        portfolio_id,
        cast(sum(lendable_value) as double),
        cast(sum(market_value) filter (where is_eligible) as double),
        cast(sum(market_value) as double)
    from newest
    group by portfolio_id
    order by sum(market_value) desc, portfolio_id
    limit 12
"""


def of_curve(lake: Lake, version: int) -> Mapping[str, Picture]:
    """The newest curve and the one a year before."""
    rows = _rows(lake, "raw/yield_curve", version, _CURVES)
    tenors = sorted({tenor for _, named, _ in rows for tenor in named})
    curves = {}
    for day, named, yields in rows:
        known = dict(zip(named, yields, strict=True))
        curves[str(day)] = np.array([known.get(tenor, np.nan) for tenor in tenors], dtype=float)
    return {"curve": curve_chart(tenors, curves, "US Treasury par yields")}


def of_prices(lake: Lake, version: int) -> Mapping[str, Picture]:
    """From when to when each ticker has prices."""
    rows = _rows(lake, "raw/price_daily", version, _COVERAGE)
    tickers, first, last = ([row[place] for row in rows] for place in range(3))
    return {"coverage": coverage_chart(tickers, first, last, "first to last price; red: none on the newest day")}


def of_bonds(lake: Lake, version: int, bonds: pa.Table) -> Mapping[str, Picture]:
    """Yield to maturity of up to eight bonds, named by their coupon and maturity in `bonds`."""
    names = {
        bond["security_id"]: f"{float(bond['coupon_rate_pct'] or 0):g} % {bond['maturity_date']}"
        for bond in bonds.to_pylist()
    }
    rows = _rows(lake, "marts/fact_bond_valuation_daily", version, _YIELDS)
    series = {}
    for security_id, of_bond in groupby(rows, key=itemgetter(0)):
        _, days, yields = zip(*of_bond, strict=True)
        series[names[security_id]] = (days, np.array(yields, dtype=float))
    return {"yields": lines_chart(series, "yield to maturity, per cent a year")}


def of_rankings(lake: Lake, version: int) -> Mapping[str, Picture]:
    """Draw how much of each book's holdings counts as collateral, as fractions of their market value."""
    rows = _rows(lake, "positions/collateral_ranking", version, _LENDABLE)
    shares = [
        ((lendable or 0) / value, ((eligible or 0) - (lendable or 0)) / value, 1 - (eligible or 0) / value)
        for _, lendable, eligible, value in rows
    ]
    books = [str(row[0])[:8] for row in rows]
    groups = ("lendable", "haircut and cap", "not eligible")
    return {"lendable": allocation_chart(books, groups, np.array(shares), "what of each book can be lent against")}


def of_correlations(lake: Lake, version: int, names: Mapping[int, str]) -> Mapping[str, Picture]:
    """Draw the correlation of every pair of the first securities by name."""
    drawn = sorted(names, key=lambda security_id: names[security_id])[:_MOST_CORRELATED]
    listed = ", ".join(map(str, drawn)) or "null"
    rows = _rows(lake, "marts/security_correlation", version, _CORRELATIONS.replace("{ids}", listed))
    known = {(a, b): value for a, b, value in rows}
    shown = [security_id for security_id in drawn if (security_id, security_id) in known]
    matrix = np.array([[known.get((a, b), np.nan) for b in shown] for a in shown]).reshape(len(shown), len(shown))
    return {"correlation": correlation_chart([names[one] for one in shown], matrix, "correlation of daily returns")}


def _rows(lake: Lake, table: str, version: int, query: str) -> list[tuple[Any, ...]]:
    with lake.connect() as connection:
        return list(connection.execute(query.format(table=lake.scan(table, version))).fetchall())
