"""Small pictures for the metadata of assets: an inline PNG of a few kilobytes in Markdown."""

import base64
import io
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from dagster import MetadataValue

_BAND, _LINE = "#9db8d9", "#1f4e8c"


def value_chart(rows: pa.Table) -> MetadataValue[Any]:
    """Value of each portfolio over time, from rows of fact_portfolio_value_daily."""

    def draw(axes: Any) -> None:
        for portfolio_id in pc.unique(rows["portfolio_id"]).to_pylist()[:8]:
            own = rows.filter(pc.equal(rows["portfolio_id"], portfolio_id)).sort_by("business_date")
            days = own["business_date"].to_pylist()
            axes.plot(
                days, [float(value) for value in own["total_value"].to_pylist()], linewidth=1, label=portfolio_id[:8]
            )
        axes.legend(fontsize=7, frameon=False)
        axes.set_title("portfolio value", fontsize=9)

    return _picture(draw)


def fan_chart(years: list[float], fan: dict[str, list[float]], title: str) -> MetadataValue[Any]:
    """Simulated value: the median with its 25-75 and 5-95 % bands."""

    def draw(axes: Any) -> None:
        axes.fill_between(years, fan["p5"], fan["p95"], color=_BAND, alpha=0.5, linewidth=0, label="5-95 %")
        axes.fill_between(years, fan["p25"], fan["p75"], color=_BAND, linewidth=0, label="25-75 %")
        axes.plot(years, fan["p50"], color=_LINE, linewidth=1.5, label="median")
        axes.set_yscale("log")
        axes.set_xlabel("years", fontsize=8)
        axes.legend(fontsize=7, frameon=False)
        axes.set_title(title, fontsize=9)

    return _picture(draw)


def _picture(draw: Callable[[Any], None]) -> MetadataValue[Any]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import EngFormatter

    figure = Figure(figsize=(5.2, 2.6), dpi=90, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.tick_params(labelsize=7)
    axes.spines[["top", "right"]].set_visible(False)
    draw(axes)
    axes.yaxis.set_major_formatter(EngFormatter(sep=""))
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return MetadataValue.md(f"![plot](data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()})")
