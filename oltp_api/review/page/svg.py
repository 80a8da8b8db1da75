"""The charts of a review: which columns, on which axes, and what each says to who cannot see it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import floor, isfinite, log10

from markupsafe import Markup

from oltp_api.review.page import wording
from oltp_api.review.page.axes import Ticks, day_marks, place_of, powers, ticks, year_marks
from oltp_api.review.page.charts import Across, Band, ChartLine, Column, chart
from oltp_api.review.page.wording import number, percent
from oltp_api.review.schemas import CurveView

_MOST_STEPS = 160
_MANY_TIMES = 20.0
"""From the lowest to the highest amount: beyond it a fan is drawn by logarithms, or its lower half is a line."""
_LEAST_FALL = -0.01  # so much is on the axis even if there was none
_PERCENTILES = ("p5", "p10", "p25", "p50", "p75", "p90", "p95")


def value_chart(curve: CurveView, currency: str) -> Markup:
    scale = _ticks_of([*curve.value, *curve.contributed, 0.0])
    last = len(curve.days) - 1

    def note(i: int) -> str:
        worth, paid = number(curve.value[i]), number(curve.contributed[i])
        return f"{wording.day(curve.days[i])}: worth {worth} {currency}, put in {paid}"

    return chart(
        _across(curve.days),
        scale,
        [
            Band("value", 0.0, curve.value),
            ChartLine("value", curve.value),
            ChartLine("put-in", curve.contributed),
        ],
        message=f"Value over time. At the end, {note(last)}.",
        style="tall",
        tick_text=_money(scale),
        strong=0.0,
        note=note,
        says_marks=False,
    )


def drawdown_chart(curve: CurveView) -> Markup:
    scale = _ticks_of([*curve.drawdown, _LEAST_FALL, 0.0], most=3)
    deepest = min(range(len(curve.days)), key=lambda i: curve.drawdown[i])
    return chart(
        _across(curve.days),
        scale,
        [Band("loss", 0.0, curve.drawdown), ChartLine("loss", curve.drawdown)],
        message=f"Below the last high. The deepest was {percent(curve.drawdown[deepest])} on "
        f"{wording.day(curve.days[deepest])}; at the end {percent(curve.drawdown[-1])}.",
        style="low",
        tick_text=_percents(scale),
        strong=0.0,
        note=lambda i: f"{wording.day(curve.days[i])}: {percent(curve.drawdown[i])}",
    )


def growth_chart(curve: CurveView, benchmark: str | None) -> Markup:
    compared: Column = curve.benchmark if benchmark is not None else ()
    scale = _ticks_of([1.0, *curve.index, *compared])

    def note(i: int) -> str:
        said = f"{wording.day(curve.days[i])}: portfolio {number(curve.index[i], 3)}"
        return said if benchmark is None else f"{said}, {benchmark} {number(curve.benchmark[i], 3)}"

    lines = [ChartLine("value", curve.index)]
    if benchmark is not None:
        lines.insert(0, ChartLine("benchmark", curve.benchmark))
    return chart(
        _across(curve.days),
        scale,
        lines,
        message=f"Growth of 1 since {wording.day(curve.days[0])}. At the end, {note(len(curve.days) - 1)}.",
        style="middle",
        tick_text=lambda value: number(value, max(1, scale.digits)),
        strong=1.0,
        note=note,
    )


Fan = Sequence[Mapping[str, float | None]]


@dataclass(frozen=True, slots=True)
class MoneyScale:
    """A vertical axis of amounts: in proportion, or by their logarithms where they grow many times."""

    ticks: Ticks
    is_log: bool

    def of(self, values: Column) -> Column:
        return [None if value is None else log10(value) for value in values] if self.is_log else values

    def text(self, value: float) -> str:
        if not self.is_log:
            return wording.short(value, self.ticks.step, self.ticks.digits)
        amount = 10**value
        return wording.short(amount, amount, max(0, -floor(value + 1e-9)))


def fan_scale(fans: Sequence[Fan], kind: str = "") -> MoneyScale:
    """One scale for several fans, of money of the day or, of the `kind` _real, of today's."""
    names = [f"{name}{kind}" for name in (*_PERCENTILES, "mean")]
    values = [row.get(name) for fan in fans for row in fan for name in names]
    known = [value for value in values if value is not None and isfinite(value)]
    if known and min(known) > 0 and max(known) > _MANY_TIMES * min(known):
        return MoneyScale(powers(min(known), max(known)), is_log=True)
    return MoneyScale(_ticks_of([0.0, *values]), is_log=False)


def fan_chart(fan: Fan, currency: str, kind: str = "", scale: MoneyScale | None = None) -> Markup:
    """The fan, in money of the day or, of the `kind` _real, in today's."""
    rows = thinned(fan)
    columns: dict[str, Column] = {name: [row.get(name + kind) for row in rows] for name in (*_PERCENTILES, "mean")}
    years = [row["years"] or 0.0 for row in rows]
    scale = scale or fan_scale([fan], kind)
    worth = f"{currency} of today" if kind else currency
    horizon = years[-1]
    across = Across(
        [year / horizon if horizon else 0.5 for year in years], year_marks(horizon, 10), year_marks(horizon, 5)
    )
    pairs = (("p5", "p95", "outer"), ("p10", "p90", "inner"), ("p25", "p75", "core"))

    def note(i: int) -> str:
        low, middle, high = (number(columns[name][i], 0) for name in ("p5", "p50", "p95"))
        return f"After {number(years[i], 1)} years: half of the paths above {middle} {worth}, 90 % in {low} to {high}"

    return chart(
        across,
        scale.ticks,
        [
            *(Band(style, scale.of(columns[low]), scale.of(columns[high])) for low, high, style in pairs),
            ChartLine("mean", scale.of(columns["mean"])),
            ChartLine("value", scale.of(columns["p50"])),
        ],
        message=f"Simulated futures. {note(len(rows) - 1)}.",
        style="tall",
        tick_text=scale.text,
        note=note,
    )


def fan_rows(fan: Fan) -> list[Mapping[str, float | None]]:
    """Return the rows nearest to 1, 2, 5, 10, 20 and 30 years, as far as it goes, and the last."""
    horizon = fan[-1]["years"] or 0.0
    wanted = [year for year in (1, 2, 5, 10, 20, 30) if year < horizon]
    return [*(_nearest(fan, year) for year in wanted), fan[-1]]


def thinned(rows: Fan) -> list[Mapping[str, float | None]]:
    """Every so many of them, and the last: a line of a chart has no more places."""
    every = -(-len(rows) // _MOST_STEPS)
    kept = list(rows[::every])
    return kept if (len(rows) - 1) % every == 0 else [*kept, rows[-1]]


def _nearest(fan: Fan, year: int) -> Mapping[str, float | None]:
    return min(fan, key=lambda row: abs((row["years"] or 0.0) - year))


def _across(days: Sequence[date]) -> Across:
    first, last = days[0], days[-1]
    return Across([place_of(day, first, last) for day in days], day_marks(first, last, 9), day_marks(first, last, 4))


def _ticks_of(values: Column, most: int = 6) -> Ticks:
    known = [value for value in values if value is not None and isfinite(value)]
    return ticks(min(known), max(known), most)


def _money(scale: Ticks) -> Callable[[float], str]:
    return lambda value: wording.short(value, scale.step, scale.digits)


def _percents(scale: Ticks) -> Callable[[float], str]:
    return lambda value: percent(value, max(0, scale.digits - 2))
