"""Small pictures for the metadata of assets: an inline PNG of a few kilobytes in Markdown.

Inputs are plain: labels, days, NumPy arrays with NaN for what is not known. Equal inputs give equal bytes. Of nothing
there is no picture, but None. Colours are those of the review page.
"""

import base64
import io
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from dagster import MetadataValue

from domain.analytics.arrays import Float64

Picture = MetadataValue[Any] | None

_VALUE, _LOSS, _BENCHMARK, _QUIET, _RULE = "#0a63a5", "#a3324a", "#6b7680", "#59636c", "#d8dde1"
_SERIES = ("#0a63a5", "#e08a2e", "#2f8f6b", "#a3324a", "#7a5cb0", "#62b0ec", "#8c6d1f", "#6b7680")
_MOST_SERIES = len(_SERIES)
_MOST_BARS = 12
_MOST_CELLS = 40
_MOST_WRITTEN = 10
_MOST_LETTERS = 22
_MOST_POINTS = 250
_FEW_COLOURS = 32
"""A palette makes a picture a quarter as large, and it stays in Dagster's event log for ever."""
_MARGIN = 4
_INCHES, _ROW_INCHES = (5.2, 2.6), 0.2
"""The width and height of a picture, and by how much every row of names makes it higher."""


def value_chart(rows: pa.Table) -> Picture:
    """Value of each portfolio over time, from rows of fact_portfolio_value_daily."""
    series = {}
    for portfolio_id in pc.unique(rows["portfolio_id"]).to_pylist()[:_MOST_SERIES]:
        own = rows.filter(pc.equal(rows["portfolio_id"], portfolio_id)).sort_by("business_date")
        series[portfolio_id[:8]] = (
            own["business_date"].to_numpy(),
            pc.cast(own["total_value"], pa.float64()).to_numpy(),
        )
    return lines_chart(series, "portfolio value")


def lines_chart(series: Mapping[str, tuple[Sequence[date] | npt.NDArray[Any], Float64]], title: str) -> Picture:
    """Up to eight named lines over time, each with days and values of its own."""
    shown = {name: line for name, line in list(series.items())[:_MOST_SERIES] if np.isfinite(line[1]).any()}
    if not shown:
        return None

    def draw(axes: Any) -> None:
        for (name, (days, values)), colour in zip(shown.items(), _SERIES, strict=False):
            axes.plot(*_thinned(days, values), linewidth=1.1, color=colour, label=_short(name))
        _over_days(axes)
        _legend(axes, beside=len(shown) > 3)

    return _picture(draw, title, n_colours=64)


def growth_chart(
    days: Sequence[date] | npt.NDArray[Any],
    index: Float64,
    title: str,
    benchmark: Float64 | None = None,
    benchmark_name: str = "benchmark",
) -> Picture:
    """Growth of 1 by day, and of the benchmark beside it, dashed; both of shape (days,)."""
    if not np.isfinite(index).any():
        return None

    def draw(axes: Any) -> None:
        axes.axhline(1, color=_QUIET, linewidth=0.8)
        if benchmark is not None and np.isfinite(benchmark).any():
            axes.plot(
                *_thinned(days, benchmark), color=_BENCHMARK, linewidth=1, linestyle="--", label=_short(benchmark_name)
            )
        axes.plot(*_thinned(days, index), color=_VALUE, linewidth=1.3, label="portfolio")
        _over_days(axes)
        _legend(axes)

    return _picture(draw, title)


def drawdown_chart(
    days: Sequence[date] | npt.NDArray[Any],
    drawdown: Float64,
    title: str,
    benchmark: Float64 | None = None,
    benchmark_name: str = "benchmark",
) -> Picture:
    """How far below the last high by day, as a fraction of 0 or less; the benchmark's too, dashed."""
    if not np.isfinite(drawdown).any():
        return None

    def draw(axes: Any) -> None:
        at, values = _thinned(days, drawdown, also=int(np.nanargmin(drawdown)))
        axes.fill_between(at, values, 0, color=_LOSS, alpha=0.25, linewidth=0)
        axes.plot(at, values, color=_LOSS, linewidth=1, label="portfolio")
        if benchmark is not None and np.isfinite(benchmark).any():
            axes.plot(
                *_thinned(days, benchmark), color=_BENCHMARK, linewidth=1, linestyle="--", label=_short(benchmark_name)
            )
            _legend(axes)
        axes.set_ylim(top=0)
        axes.yaxis.set_major_formatter(_percents(at_most=-float(np.nanmin(drawdown))))
        _over_days(axes)

    return _picture(draw, title, n_colours=24)


def allocation_chart(rows: Sequence[str], groups: Sequence[str], shares: Float64, title: str) -> Picture:
    """A bar per row, stacked by group: `shares` are fractions of shape (rows, groups), below 0 to the left.

    Of more than eight groups the largest have a colour each, the rest is `other`; of more than twelve rows, the first
    are drawn.
    """
    shares = np.nan_to_num(np.asarray(shares, dtype=float))[:_MOST_BARS]
    if not shares.any():
        return None
    named, parts = _largest_groups(groups, shares)

    def draw(axes: Any) -> None:
        places = np.arange(len(parts))
        above, below = np.zeros(len(parts)), np.zeros(len(parts))
        for name, widths, colour in zip(named, parts.T, _SERIES, strict=False):
            starts = np.where(widths < 0, below, above)
            axes.barh(places, widths, left=starts, height=0.62, color=colour, label=_short(name))
            above, below = above + np.maximum(widths, 0), below + np.minimum(widths, 0)
        if below.any():
            axes.axvline(0, color=_QUIET, linewidth=0.8)
        axes.set_xlim(min(0.0, float(below.min()) * 1.02), float(above.max()) * 1.02 or None)
        _named_rows(axes, rows[: len(parts)])
        axes.xaxis.set_major_formatter(_percents(float((above - below).max())))
        _legend(axes, beside=True)

    return _picture(draw, title, n_rows=max(len(parts) * 1.4, len(named) * 0.8), grid="x")


def contribution_chart(labels: Sequence[str], contributions: Float64, title: str) -> Picture:
    """A bar per label, the largest first, coloured by sign: fractions that add up to a return.

    Of more than twelve, those that matter most and the sum of the others.
    """
    values = np.nan_to_num(np.asarray(contributions, dtype=float))
    if not values.any():
        return None
    order = np.argsort(-np.abs(values), kind="stable")
    kept, rest = (order, order[:0]) if len(values) <= _MOST_BARS else np.split(order, [_MOST_BARS - 1])
    kept = kept[np.argsort(-values[kept], kind="stable")]
    others = [(f"{len(rest)} others", float(values[rest].sum()))] if len(rest) else []
    bars = [*((labels[place], float(values[place])) for place in kept), *others]

    def draw(axes: Any) -> None:
        widths = [width for _, width in bars]
        axes.barh(range(len(bars)), widths, height=0.62, color=[_LOSS if width < 0 else _VALUE for width in widths])
        axes.axvline(0, color=_QUIET, linewidth=0.8)
        _named_rows(axes, [label for label, _ in bars])
        axes.xaxis.set_major_formatter(_percents(max(abs(width) for width in widths)))

    return _picture(draw, title, n_rows=len(bars), grid="x")


def correlation_chart(labels: Sequence[str], matrix: Float64, title: str) -> Picture:
    """A heat map from -1 (red) to 1 (blue), of shape (labels, labels); what is not known is grey, of more than forty
    the first."""
    cells = np.asarray(matrix, dtype=float)[:_MOST_CELLS, :_MOST_CELLS]
    count = len(cells)
    if not np.isfinite(cells).any():
        return None

    def draw(axes: Any) -> None:
        from matplotlib.colors import LinearSegmentedColormap

        scale = LinearSegmentedColormap.from_list("loss to value", [_LOSS, "#ffffff", _VALUE], N=81)
        aspect = "auto" if count <= _MOST_WRITTEN else "equal"
        image = axes.imshow(
            np.ma.masked_invalid(cells), cmap=scale.with_extremes(bad=_RULE), vmin=-1, vmax=1, aspect=aspect
        )
        size = 7 if count <= 24 else 5
        names = [_short(label) for label in labels[:count]]
        axes.set_xticks(range(count), names, rotation=90, fontsize=size)
        axes.set_yticks(range(count), names, fontsize=size)
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        bar = axes.figure.colorbar(image, cax=axes.inset_axes((1.03, 0, 0.04, 1)), ticks=[-1, 0, 1])
        bar.ax.tick_params(labelsize=7, length=0, labelcolor=_QUIET)
        bar.outline.set_visible(False)
        for (row, column), value in np.ndenumerate(cells if count <= _MOST_WRITTEN else cells[:0]):
            if np.isfinite(value):
                ink = "white" if abs(value) > 0.55 else "black"
                axes.text(column, row, f"{value:.2f}", ha="center", va="center", fontsize=6.5, color=ink)

    return _picture(draw, title, n_rows=min(20, max(8, count)), grid=None, n_colours=256)


def curve_chart(tenors_months: Sequence[int], curves: Mapping[str, Float64], title: str) -> Picture:
    """Yields in per cent by time to maturity, a line per curve, the first one strong; NaN where there is no tenor."""
    shown = {name: yields for name, yields in list(curves.items())[:_MOST_SERIES] if np.isfinite(yields).any()}
    if not shown:
        return None

    def draw(axes: Any) -> None:
        months = np.asarray(tenors_months, dtype=float)
        for place, (name, yields) in enumerate(shown.items()):
            known = np.isfinite(yields)
            colour, width, dashes = (_VALUE, 1.5, "-") if place == 0 else (_SERIES[-place], 1, "--")
            axes.plot(
                months[known], yields[known], dashes, color=colour, linewidth=width, label=_short(name), marker="."
            )
        axes.set_xscale("log")
        axes.minorticks_off()
        axes.set_xticks(months, [f"{n}M" if n < 12 else f"{n / 12:g}Y" for n in tenors_months])
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g} %")
        _legend(axes)

    return _picture(draw, title)


def coverage_chart(labels: Sequence[str], first: Sequence[date], last: Sequence[date], title: str) -> Picture:
    """A bar per label from its first to its last day; those that end before the newest day are red and come first."""
    if not labels:
        return None
    newest = max(last)
    order = sorted(range(len(labels)), key=lambda place: (last[place], -first[place].toordinal(), labels[place]))
    order = order[:_MOST_CELLS]

    def draw(axes: Any) -> None:
        starts, ends = (np.array([days[place] for place in order], dtype="datetime64[D]") for days in (first, last))
        colours = [_LOSS if last[place] < newest else _VALUE for place in order]
        axes.barh(range(len(order)), ends - starts + 1, left=starts, height=0.62, color=colours)
        _named_rows(axes, [labels[place] for place in order])
        _over_days(axes)

    return _picture(draw, title, n_rows=len(order) * 0.62, grid="x")


def fan_chart(years: list[float], fan: dict[str, list[float]], title: str) -> Picture:
    """Simulated value: the median with its 25-75 and 5-95 % bands."""
    from matplotlib.ticker import LogLocator

    def draw(axes: Any) -> None:
        axes.fill_between(years, fan["p5"], fan["p95"], color=_VALUE, alpha=0.2, linewidth=0, label="5-95 %")
        axes.fill_between(years, fan["p25"], fan["p75"], color=_VALUE, alpha=0.35, linewidth=0, label="25-75 %")
        axes.plot(years, fan["p50"], color=_VALUE, linewidth=1.5, label="median")
        axes.set_yscale("log")
        axes.minorticks_off()  # whose labels would be formulas, which take longer than all the rest
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter(_numbers())
        axes.set_xlabel("years", fontsize=8, color=_QUIET)
        _legend(axes)

    return _picture(draw, title)


def _draw_benchmark(axes: Any, days: Any, benchmark: Float64 | None, name: str) -> None:
    if benchmark is not None and np.isfinite(benchmark).any():
        at, values = _thinned(days, benchmark)
        axes.plot(at, values, color=_BENCHMARK, linewidth=1, linestyle="--", label=_short(name))


def _largest_groups(groups: Sequence[str], shares: Float64) -> tuple[list[str], Float64]:
    """Return the groups to colour, and their columns: all as they stand, or the largest first and the others' sum."""
    sizes = np.abs(shares).sum(axis=0)
    if len(groups) <= _MOST_SERIES:
        return list(groups), shares
    order = np.argsort(-sizes, kind="stable")
    kept, rest = order[: _MOST_SERIES - 1], order[_MOST_SERIES - 1 :]
    return [*(groups[place] for place in kept), "other"], np.column_stack(
        [shares[:, kept], shares[:, rest].sum(axis=1)]
    )


def _thinned(days: Any, values: Float64, also: int = 0) -> tuple[Any, Float64]:
    """Every so many points, the last and one more: a small picture has no more places."""
    every = -(-len(values) // _MOST_POINTS)
    kept = sorted({*range(0, len(values), every or 1), also, len(values) - 1})
    return np.asarray(days, dtype="datetime64[D]")[kept], values[kept]


def _short(name: str) -> str:
    return _words(name if len(name) <= _MOST_LETTERS else f"{name[: _MOST_LETTERS - 1]}…")


def _words(text: str) -> str:
    """Never a formula: matplotlib would read what is between two dollars as one, and fail if it is none."""
    return text.replace("$", r"\$")


def _named_rows(axes: Any, labels: Sequence[str]) -> None:
    axes.set_yticks(range(len(labels)), [_short(label) for label in labels])
    axes.tick_params(axis="y", length=0)
    space = max(0.5, (3 - len(labels)) / 2)
    axes.set_ylim(len(labels) - 1 + space, -space)


def _over_days(axes: Any) -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator(minticks=3, maxticks=8)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, show_offset=False))


def _percents(at_most: float) -> Any:
    from matplotlib.ticker import PercentFormatter

    return PercentFormatter(1, decimals=0 if at_most >= 0.05 else 1 if at_most >= 0.005 else 2)


def _numbers() -> Callable[[float, object], str]:
    from matplotlib.ticker import EngFormatter

    thousands = EngFormatter(sep="")
    return lambda value, _: thousands(value) if abs(value) >= 1000 else f"{value:g}"


def _legend(axes: Any, beside: bool = False) -> None:
    options = {"loc": "center left", "bbox_to_anchor": (1.0, 0.5)} if beside else {}
    axes.legend(fontsize=7, frameon=False, labelcolor=_QUIET, handlelength=1.4, **options)


def _spread(axes: Any, renderer: Any) -> None:
    """Place the axes so that they and all around them fill the figure, but for a small margin.

    All is measured once; matplotlib's own layouts do so twice or more, at most of what the whole picture takes.
    """
    outer, inner, figure = axes.get_tightbbox(renderer), axes.get_window_extent(renderer), axes.figure.bbox
    left, low = inner.x0 - outer.x0 + _MARGIN, inner.y0 - outer.y0 + _MARGIN
    right, high = outer.x1 - inner.x1 + _MARGIN, outer.y1 - inner.y1 + _MARGIN
    axes.set_position(
        (
            left / figure.width,
            low / figure.height,
            1 - (left + right) / figure.width,
            1 - (low + high) / figure.height,
        )
    )


def _picture(
    draw: Callable[[Any], None], title: str, n_rows: float = 0, grid: str | None = "y", n_colours: int = _FEW_COLOURS
) -> Picture:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from PIL import Image

    width, height = _INCHES
    figure = Figure(figsize=(width, max(1.2, 0.7 + n_rows * _ROW_INCHES) if n_rows else height), dpi=90)
    canvas: Any = FigureCanvasAgg(figure)
    axes: Any = figure.add_subplot()
    axes.tick_params(labelsize=7, colors=_RULE, labelcolor=_QUIET)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(_RULE)
    axes.yaxis.set_major_formatter(_numbers())
    if grid:
        axes.grid(axis=grid, color=_RULE, linewidth=0.6)
        axes.set_axisbelow(True)
    draw(axes)
    axes.set_title(_words(title), fontsize=9, loc="left")
    _spread(axes, canvas.get_renderer())
    canvas.draw()
    pixels = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
    buffer = io.BytesIO()
    pixels.quantize(n_colours, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(
        buffer, format="png", optimize=True
    )
    return MetadataValue.md(f"![plot](data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()})")
