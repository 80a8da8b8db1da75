"""Facts of the climate: the Treasury curve, consumer prices, and exchange rates of what is held."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from application.analytics.review import LakeAnalyticsRepository
from domain.analytics.returns.periods import months_before
from domain.analytics.review import ReviewInputs
from domain.risk_analyses.facts import Sense, SheetMaker, Unit, signed

_SHORT, _MIDDLE, _LONG = 3, 24, 120
_TENORS = {_SHORT: "3 months", _MIDDLE: "2 years", _LONG: "10 years"}
_OLDEST_CURVE_DAYS = 31
_MOST_RATES = 3


def tell_curve(maker: SheetMaker, on: date, analytics: LakeAnalyticsRepository) -> None:
    """Levels, slope and the year's change; a gap where no curve of the last month is here."""
    now = _curve(analytics, on)
    if not now:
        maker.gap("no curve of the last month is here")
        return
    day, yields = now
    source: dict[str, Any] = {"table": "raw/yield_curve", "as_of": day}
    for tenor, name in ((_SHORT, "short"), (_MIDDLE, "middle"), (_LONG, "long")):
        if tenor in yields:
            label = f"the Treasury's yield for {maker.plain('TENOR', _TENORS[tenor])}"
            key = {"curve_date": day.isoformat(), "tenor_months": str(tenor)}
            maker.add(f"curve/{name}", label, yields[tenor], Unit.PERCENT, key=key, **source)
    both = {"curve_date": day.isoformat(), "tenor_months": f"{_MIDDLE}, {_LONG}"}
    if _MIDDLE in yields and _LONG in yields:
        slope = round(yields[_LONG] - yields[_MIDDLE], 4)
        label = (
            f"yield for {maker.plain('TENOR', _TENORS[_LONG])} less that for {maker.plain('TENOR', _TENORS[_MIDDLE])}"
        )
        sense = signed(slope, Sense.UPWARD, Sense.INVERTED)
        maker.add("curve/slope", label, slope, Unit.POINTS, sense=sense, key=both, **source)
    before = _curve(analytics, months_before(on, 12))
    for tenor, name in ((_LONG, "change"), (_SHORT, "change_short")):
        if before and tenor in yields and tenor in before[1]:
            change = round(yields[tenor] - before[1][tenor], 4)
            label = f"change of the yield for {maker.plain('TENOR', _TENORS[tenor])} over a year"
            key = {"curve_date": f"{before[0].isoformat()}, {day.isoformat()}", "tenor_months": str(tenor)}
            sense = signed(change, Sense.ROSE, Sense.FELL)
            maker.add(f"curve/{name}", label, change, Unit.POINTS, sense=sense, key=key, **source)


def _curve(analytics: LakeAnalyticsRepository, on: date) -> tuple[date, Mapping[int, float]] | None:
    found = analytics.get_curve(on)
    return None if found is None or (on - found[0]).days > _OLDEST_CURVE_DAYS else found


def tell_inflation(maker: SheetMaker, on: date, analytics: LakeAnalyticsRepository) -> None:
    """The rise of consumer prices over a year; a gap where none of the last year are here."""
    found = analytics.get_consumer_prices(on, since=months_before(on, 12))
    if found is None:
        maker.gap("no consumer prices of the last year are here")
        return
    rise = found.index_level / found.level_before - 1
    maker.add(
        "inflation/year",
        "rise of consumer prices over a year",
        rise,
        Unit.FRACTION,
        sense=signed(rise, Sense.ROSE, Sense.FELL),
        as_of=found.index_month,
        table="raw/consumer_price",
        key={"series": found.series, "index_month": found.index_month.isoformat()},
    )


def tell_rates(maker: SheetMaker, of: ReviewInputs, analytics: LakeAnalyticsRepository) -> None:
    """The currencies that most is held in; of a portfolio all in its own the euro, or the dollar."""
    on, before = of.series.as_of, months_before(of.series.as_of, 12)
    held: dict[str, float] = {}
    for currency, value in [
        *((one.currency, one.value) for one in of.valued),
        *((c.currency, c.value) for c in of.cash),
    ]:
        if currency != of.currency:
            held[currency] = held.get(currency, 0.0) + abs(float(value or 0))
    wanted = sorted(held, key=lambda one: (-held[one], one))[:_MOST_RATES] or ["EUR" if of.currency != "EUR" else "USD"]
    for currency in wanted:
        now = analytics.get_rate_before(currency, of.currency, on)
        earlier = analytics.get_rate_before(currency, of.currency, before)
        if now is None:
            continue
        token, own = maker.plain("CURRENCY", currency), maker.plain("CURRENCY", of.currency)
        source: dict[str, Any] = {
            "table": "marts/fx_rate_daily",
            "key": {"currency": f"{currency}, {of.currency}", "business_date": now[0].isoformat()},
        }
        maker.add(f"fx/{currency}", f"what {token} costs", now[1], Unit.RATE, currency=of.currency, **source)
        if earlier:
            moved = now[1] / earlier[1] - 1
            label = f"the change of {token} against {own} over a year"
            sense = signed(moved, Sense.ROSE, Sense.FELL)
            maker.add(f"exchange_rate/{currency}", label, moved, Unit.FRACTION, sense=sense, **source)
