"""Charts as inline SVG. Lines stretch with the width of the page and texts do not, so both are readable on a phone.

Colours, dashes and heights are the style sheet's, by class. A chart says its message to who cannot see it, and the
numbers of a stretch of it to who points there.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import isfinite

from markupsafe import Markup, escape

from oltp_api.review.page.axes import Mark, Ticks

_WIDE, _HIGH = 2000, 1000
_MOST_NOTES = 60
Column = Sequence[float | None]


@dataclass(frozen=True, slots=True)
class ChartLine:
    style: str
    values: Column


@dataclass(frozen=True, slots=True)
class Band:
    """Between two columns that are known at the same places; `low` may be one number, the floor of an area."""

    style: str
    low: Column | float
    high: Column


@dataclass(frozen=True, slots=True)
class Across:
    """Horizontal axis of charts above one another: a place between 0 and 1 for each value, and marks for two widths."""

    places: Sequence[float]
    wide: Sequence[Mark]
    narrow: Sequence[Mark]


def chart(
    across: Across,
    ticks: Ticks,
    shapes: Sequence[ChartLine | Band],
    *,
    message: str,
    style: str = "",
    tick_text: Callable[[float], str],
    strong: float | None = None,
    note: Callable[[int], str] | None = None,
    says_marks: bool = True,
) -> Markup:
    """`strong` is the level that is drawn as a line of its own; `note` says the numbers at a position."""
    inner = [_grid(ticks, across, strong), *(_drawn(shape, across.places, ticks) for shape in shapes)]
    if note is not None:
        inner.append(_notes(across.places, note))
    parts = [
        f'<svg class="chart {style}" role="img" aria-label="{escape(message)}">',
        f'<svg viewBox="0 0 {_WIDE} {_HIGH}" preserveAspectRatio="none" width="100%" height="100%">',
        *inner,
        "</svg>",
        *(
            f'<text class="y" x="-8" y="{100 - 100 * ticks.height_of(value):.2f}%">{escape(tick_text(value))}</text>'
            for value in ticks.values
        ),
    ]
    if says_marks:
        parts += [_mark_texts(across.wide, "wide"), _mark_texts(across.narrow, "narrow")]
    return Markup("".join([*parts, "</svg>"]))


def bars(values: Sequence[float | None], style: str = "") -> list[Markup]:
    """One per value, all on one scale that holds 0; nothing is drawn of what is not known."""
    known = [value for value in values if value is not None and isfinite(value)]
    low, high = min([0.0, *known]), max([0.0, *known])
    span = high - low or 1.0
    return [_bar(value, low, span, style) for value in values]


def _bar(value: float | None, low: float, span: float, style: str) -> Markup:
    rect = ""
    if value is not None and isfinite(value):
        left, width = (min(value, 0.0) - low) / span * 100, abs(value) / span * 100
        sign = "minus" if value < 0 else "plus"
        rect = f'<rect class="{sign}" x="{left:.2f}" width="{width:.2f}" height="8"/>'
    zero = f'<path class="zero" d="M{-low / span * 100:.2f},0V8"/>' if low < 0 else ""
    return Markup(
        f'<svg class="bar {style}" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">{rect}{zero}</svg>'
    )


def _drawn(shape: ChartLine | Band, places: Sequence[float], ticks: Ticks) -> str:
    if isinstance(shape, ChartLine):
        runs = list(_runs(shape.values, places, ticks))
        style = f"{shape.style} dot" if all(len(run) == 1 for run in runs) else shape.style
        return f'<path class="line {style}" d="{"".join(_path(run) for run in runs)}"/>'
    upper = _runs(shape.high, places, ticks)
    if isinstance(shape.low, (int, float)):
        floor = _level(shape.low, ticks)
        closed = "".join(f"{_path(run)}V{floor}H{run[0][0]}Z" for run in upper if len(run) > 1)
    else:
        lower = _runs(shape.low, places, ticks)
        both = zip(upper, lower, strict=False)
        closed = "".join(f"{_path(high)}L{_points(low[::-1])}Z" for high, low in both if len(high) == len(low) > 1)
    return f'<path class="band {shape.style}" d="{closed}"/>'


def _runs(values: Column, places: Sequence[float], ticks: Ticks) -> Iterator[list[tuple[int, int]]]:
    """Points of the drawing, parted where a value is not known."""
    top, scale = ticks.values[-1], _HIGH / (ticks.values[-1] - ticks.values[0])
    run: list[tuple[int, int]] = []
    for place, value in zip(places, values, strict=True):
        if value is None or not isfinite(value):
            if run:
                yield run
            run = []
        else:
            run.append((round(place * _WIDE), round((top - value) * scale)))
    if run:
        yield run


def _points(run: Sequence[tuple[int, int]]) -> str:
    return " ".join([f"{x},{y}" for x, y in run])


def _path(run: Sequence[tuple[int, int]]) -> str:
    return f"M{_points(run)}" + ("h0" if len(run) == 1 else "")


def _grid(ticks: Ticks, across: Across, strong: float | None) -> str:
    levels = "".join(f"M0,{_level(value, ticks)}H{_WIDE}" for value in ticks.values)
    lines = f'<path class="grid" d="{levels}"/>'
    for name, marks in (("wide", across.wide), ("narrow", across.narrow)):
        upright = "".join(f"M{round(mark.place * _WIDE)},0V{_HIGH}" for mark in marks)
        lines += f'<path class="grid {name}" d="{upright}"/>'
    if strong is not None and ticks.values[0] <= strong <= ticks.values[-1]:
        lines += f'<path class="strong" d="M0,{_level(strong, ticks)}H{_WIDE}"/>'
    return lines


def _level(value: float, ticks: Ticks) -> int:
    return round((1 - ticks.height_of(value)) * _HIGH)


def _mark_texts(marks: Sequence[Mark], name: str) -> str:
    texts = "".join(
        f'<text class="x{_side(mark.place)}" x="{mark.place * 100:.2f}%" y="100%">{escape(mark.text)}</text>'
        for mark in marks
    )
    return f'<g class="{name}">{texts}</g>'


def _side(place: float) -> str:
    """The words at the right end stand before it, or they would leave the page."""
    return " end" if place > 0.93 else ""


def _notes(places: Sequence[float], note: Callable[[int], str]) -> str:
    """Invisible strips, each of which says the numbers of its last position."""
    n = len(places)
    count = min(n, _MOST_NOTES)
    chosen = [(i + 1) * n // count - 1 for i in range(count)]
    strips, left = [], 0
    for position, following in zip(chosen, [*chosen[1:], None], strict=True):
        right = _WIDE if following is None else round((places[position] + places[following]) / 2 * _WIDE)
        said = escape(note(position))
        strips.append(f'<rect x="{left}" width="{right - left}" height="{_HIGH}"><title>{said}</title></rect>')
        left = right
    return f'<g class="notes">{"".join(strips)}</g>'
