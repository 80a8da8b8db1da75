"""Pictures of assets: small, never empty, equal for equal inputs, and none where there is nothing to draw."""

import base64
import io
import re
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from pipelines.tables import metadata_plots as plots
from pipelines.tables.table_plots import of_bonds, of_curve, of_prices, of_rankings

rng = np.random.default_rng(20170329)
DAYS = np.arange("1990-01-02", "2017-03-30", dtype="datetime64[D]")
INDEX = np.cumprod(1 + rng.normal(0.0003, 0.01, len(DAYS)))
BELOW = INDEX / np.maximum.accumulate(INDEX) - 1
NAMES = [f"T{number:02}" for number in range(60)]
MATRIX = np.corrcoef(rng.normal(size=(60, 200)))
TENORS = [1, 3, 6, 12, 24, 60, 120, 360]
NONE = np.full(3, np.nan)
THREE = DAYS[:3]
VALUES = pa.table(
    {
        "portfolio_id": ["11111111-1111"] * 100,
        "business_date": DAYS[:100],
        "total_value": pa.array(np.round(INDEX[:100] * 1e5)).cast(pa.decimal128(28, 8)),
    }
)
YEARS = [step / 12 for step in range(361)]
FAN = {
    name: [100 * (1 + rank * year) for year in YEARS] for rank, name in enumerate(("p5", "p25", "p50", "p75", "p95"))
}

DRAWN = {
    "value": lambda: plots.value_chart(VALUES),
    "lines": lambda: plots.lines_chart(
        {name: (DAYS, INDEX * (rank + 1)) for rank, name in enumerate(NAMES)}, "eight of 60"
    ),
    "growth": lambda: plots.growth_chart(DAYS, INDEX, "growth of 1", INDEX[::-1], "SP500"),
    "drawdown": lambda: plots.drawdown_chart(DAYS, BELOW, "below the last high", BELOW[::-1]),
    "allocation": lambda: plots.allocation_chart(NAMES, NAMES, np.abs(MATRIX), "allocation"),
    "shorts": lambda: plots.allocation_chart(["a book"], ["long", "short"], np.array([[1.3, -0.3]]), "allocation"),
    "contribution": lambda: plots.contribution_chart(NAMES, MATRIX[0], "contribution"),
    "correlation of few": lambda: plots.correlation_chart(NAMES[:5], MATRIX[:5, :5], "correlation"),
    "correlation of many": lambda: plots.correlation_chart(NAMES, MATRIX, "correlation"),
    "curve": lambda: plots.curve_chart(TENORS, {"now": np.linspace(1, 3, 8), "then": np.full(8, 2.0)}, "par yields"),
    "coverage": lambda: plots.coverage_chart(
        NAMES[:2], [date(1990, 1, 2)] * 2, [date(2000, 1, 3), date(2017, 3, 29)], "x"
    ),
    "fan": lambda: plots.fan_chart(YEARS, FAN, "simulation"),
}
NOTHING = {
    "value": lambda: plots.value_chart(VALUES.slice(0, 0)),
    "lines": lambda: plots.lines_chart({"unknown": (THREE, NONE)}, "x"),
    "growth": lambda: plots.growth_chart([], np.array([]), "x"),
    "drawdown": lambda: plots.drawdown_chart(THREE, NONE, "x"),
    "allocation": lambda: plots.allocation_chart([], [], np.zeros((0, 0)), "x"),
    "contribution": lambda: plots.contribution_chart([], np.array([]), "x"),
    "correlation": lambda: plots.correlation_chart(["a"], np.array([[np.nan]]), "x"),
    "curve": lambda: plots.curve_chart([12, 24, 36], {"now": NONE}, "x"),
    "coverage": lambda: plots.coverage_chart([], [], [], "x"),
}


@cache
def first_of(name: str) -> Any:
    """The picture of that name, drawn once for all tests that look at it."""
    return DRAWN[name]()


def image_of(picture: Any) -> tuple[Image.Image, int]:
    """The picture in the Markdown, and how many bytes it has."""
    found = re.fullmatch(r"!\[plot\]\(data:image/png;base64,([\w+/=]+)\)", picture.value)
    assert found
    data = base64.b64decode(found[1])
    return Image.open(io.BytesIO(data)).convert("RGB"), len(data)


@pytest.mark.parametrize("name", DRAWN)
def test_a_picture_is_small_and_shows_something(name) -> None:
    image, size = image_of(first_of(name))

    assert image.width == 468
    assert 90 <= image.height <= 450
    assert size < 20_000
    pixels = np.asarray(image).reshape(-1, 3).astype(int)
    coloured = (np.ptp(pixels, axis=1) > 40).mean()
    assert coloured > 0.002, "lines and bars are coloured; axes and words are grey"
    assert (pixels.min(axis=1) > 250).mean() > 0.05, "on white"


@pytest.mark.parametrize("name", DRAWN)
def test_equal_inputs_give_equal_bytes(name) -> None:
    assert DRAWN[name]().value == first_of(name).value


@pytest.mark.parametrize("name", NOTHING)
def test_of_nothing_there_is_no_picture(name) -> None:
    assert NOTHING[name]() is None


def test_names_are_words_and_no_formulas() -> None:
    odd = ["$x_{", "a very long name of a portfolio, with a comma", "\\frac $$"]

    image_of(plots.contribution_chart(odd, np.array([0.1, -0.2, 0.3]), "$ of \\ $"))


def test_what_is_unknown_is_left_out_and_the_rest_is_drawn() -> None:
    with_gap = INDEX.copy()
    with_gap[100:4000] = np.nan
    unknown = MATRIX[:5, :5].copy()
    unknown[1, 2] = unknown[2, 1] = np.nan

    for picture in (
        plots.growth_chart(DAYS, with_gap, "x", NONE),
        plots.correlation_chart(NAMES, unknown, "x"),
        plots.contribution_chart(["a", "b"], np.array([np.nan, 0.1]), "x"),
        plots.curve_chart([1, 2, 3], {"one tenor": np.array([np.nan, 2, np.nan])}, "x"),
        plots.lines_chart({"one day": (DAYS[:1], INDEX[:1])}, "x"),
    ):
        image_of(picture)


def published(lake: Any, table: str, **columns: Any) -> int:
    return int(lake.publish(table, pa.table(columns)).version)


def test_tables_are_drawn_from_their_own_version(lake) -> None:
    days = [date(2016, 3, 28), date(2016, 3, 30), date(2017, 3, 29)]
    curve = published(
        lake,
        "raw/yield_curve",
        curve_date=[day for day in days for _ in range(2)],
        tenor_months=pa.array([12, 120] * 3, pa.int16()),
        par_yield_pct=pa.array([1, 2, 1, 2, 1, 3]).cast(pa.decimal128(28, 4)),
    )
    prices = published(lake, "raw/price_daily", ticker=["A", "A", "B"], price_date=days)
    bonds = published(
        lake,
        "marts/fact_bond_valuation_daily",
        security_id=[7, 7, 9],
        price_date=days,
        yield_pct=[1.0, 2.0, None],
    )
    terms = pa.table(
        {"security_id": [7, 9], "coupon_rate_pct": [Decimal("4.25"), None], "maturity_date": [date(2040, 5, 15)] * 2}
    )
    rankings = published(
        lake,
        "positions/collateral_ranking",
        portfolio_id=["book", "book", "short"],
        created_at=days,
        market_value=pa.array([5, 10, -5]).cast(pa.decimal128(28, 8)),
        lendable_value=pa.array([5, 8, None]).cast(pa.decimal128(28, 8)),
        is_eligible=[True, True, False],
    )

    pictures = {
        **of_curve(lake, curve),
        **of_prices(lake, prices),
        **of_bonds(lake, bonds, terms),
        **of_rankings(lake, rankings),
    }

    assert {name: picture is not None for name, picture in pictures.items()} == dict.fromkeys(
        ("curve", "coverage", "yields", "lendable"), True
    )


def test_an_empty_table_has_no_picture(lake) -> None:
    empty = pa.table({"ticker": pa.array([], pa.string()), "price_date": pa.array([], pa.date32())})
    version = lake.publish("raw/price_daily", empty).version

    assert of_prices(lake, version) == {"coverage": None}
