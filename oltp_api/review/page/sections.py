"""Rows of each section of a review, in the order and the words of the page."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

from markupsafe import Markup

from oltp_api.review.page import wording
from oltp_api.review.page.charts import bars
from oltp_api.review.page.wording import SPACE, number, percent
from oltp_api.review.schemas import (
    BacktestView,
    ConcentrationBody,
    ContributionsView,
    DimensionView,
    LimitView,
    PeriodView,
    ReviewView,
    RiskBody,
    RiskProfileView,
)

MOST_ROWS = 12
_Part = tuple[str, float | None, float | None, float | None]
_MOST_GROUPS = 6
_MOST_CALM = 3


@dataclass(frozen=True, slots=True)
class Share:
    """A row with a bar: a holding, a group, a component. `place` is where its value stands in the answer."""

    name: str
    detail: str
    weight: float | None
    value: Decimal | None = None
    kind: Literal["", "cash", "others"] = ""
    bar: str = ""
    age: str = ""
    place: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ComponentLine:
    ticker: str
    weight: float | None
    var: float | None
    es: float | None
    bar: Markup


@dataclass(frozen=True, slots=True)
class TableRow:
    """`name` is the field of the measure in the answer, where it is one."""

    label: str
    cells: tuple[str, ...]
    name: str = ""


@dataclass(frozen=True, slots=True)
class DimensionLine:
    name: str
    numbers: DimensionView
    groups: Sequence[Share]


def since_inception(review: ReviewView) -> PeriodView | None:
    return next((period for period in review.periods if period.period == "SINCE_INCEPTION"), None)


def allocation(review: ReviewView) -> list[Share]:
    """Holdings and cash by size, the smallest as one row, and then those whose value is not known."""
    total = review.total.total_value if review.total is not None else None
    every = [
        Share(
            held.ticker,
            held.name,
            held.weight,
            held.value,
            age=wording.aged(held.status, held.stale_days, held.fx_status),
            place=("holdings", held.ticker, "value"),
        )
        for held in review.holdings
    ]
    every += [
        Share(
            f"Cash {cash.currency}",
            "",
            _weight(cash.balance_base, total),
            cash.balance_base,
            "cash",
            age=wording.aged("PRICED", 0, cash.fx_status),
            place=("cash", cash.currency, "balance_base"),
        )
        for cash in review.cash
        if cash.balance or len(review.cash) == 1
    ]
    known = sorted(
        (share for share in every if share.value is not None), key=lambda share: -abs(share.value or Decimal())
    )
    unknown = [share for share in every if share.value is None]
    if len(known) > MOST_ROWS + 1:
        rest = known[MOST_ROWS:]
        others = Share(
            f"{len(rest)} others",
            "",
            _sum([share.weight for share in rest]),
            sum((share.value for share in rest if share.value is not None), Decimal()),
            "others",
            age=wording.aged_of(sum(1 for share in rest if share.age)),
        )
        known = [*known[:MOST_ROWS], others]
    if len(unknown) > MOST_ROWS + 1:
        more = Share(f"{len(unknown) - MOST_ROWS} others", "without a value", None, None, "others")
        unknown = [*unknown[:MOST_ROWS], more]
    return _with_bars([*known, *unknown])


def components(risk: RiskBody) -> list[ComponentLine]:
    """By size; the smallest as one row. The parts of VaR sum to the whole, so those of the others are summed."""
    every = sorted(risk.components, key=lambda part: -abs(part.var or 0.0))
    rows: list[_Part] = [(part.ticker, part.weight, part.var, part.es) for part in every]
    if len(every) > MOST_ROWS + 1:
        rest = rows[MOST_ROWS:]
        weight, var, es = _sum([r[1] for r in rest]), _sum([r[2] for r in rest]), _sum([r[3] for r in rest])
        rows = [*rows[:MOST_ROWS], (f"{len(rest)} others", weight, var, es)]
    drawn = bars([row[2] for row in rows])
    return [ComponentLine(*row, bar) for row, bar in zip(rows, drawn, strict=True)]


def profile_rows(profiles: Sequence[RiskProfileView]) -> list[TableRow]:
    """One row a measure, one cell a basis."""
    measures: list[tuple[str, str, Callable[[RiskProfileView], str]]] = [
        ("Volatility per year", "volatility", lambda p: percent(p.volatility)),
        ("Downside deviation per year", "downside_deviation", lambda p: percent(p.downside_deviation)),
        ("Deepest fall", "max_drawdown", lambda p: percent(p.max_drawdown)),
        ("Its peak, trough, recovery", "", _fall_days),
        ("Sharpe ratio", "sharpe", lambda p: wording.ratio(p.sharpe, p.sharpe_status)),
        ("Sortino ratio", "sortino", lambda p: wording.ratio(p.sortino, p.sortino_status)),
        ("Beta to the benchmark", "beta", lambda p: wording.ratio(p.beta, p.alpha_status)),
        ("Alpha per year", "alpha", lambda p: wording.no_ratio(p.alpha_status) or percent(p.alpha, signed=True)),
        ("Tracking error per year", "tracking_error", lambda p: percent(p.tracking_error)),
        ("Information ratio", "information_ratio", _information),
    ]
    measured = [
        TableRow(label, tuple(said(p) if p.status == "OK" else wording.no_risk(p.status) for p in profiles), name)
        for label, name, said in measures
    ]
    return [*measured, TableRow("Measured on", tuple(_span(p) for p in profiles))]


def _information(profile: RiskProfileView) -> str:
    return wording.ratio(profile.information_ratio, profile.information_ratio_status)


def tail_rows(profile: RiskProfileView) -> tuple[list[str], list[TableRow]]:
    """The methods, and one row per horizon and confidence with VaR and ES of each method."""
    methods = list(dict.fromkeys(tail.method for tail in profile.tails))
    found = {(tail.horizon_days, tail.confidence, tail.method): tail for tail in profile.tails}
    rows = []
    for horizon, confidence in sorted({(tail.horizon_days, tail.confidence) for tail in profile.tails}):
        tails = [found.get((horizon, confidence, name)) for name in methods]
        cells = [
            wording.UNKNOWN if tail is None else wording.tail(figure, tail.status)
            for tail in tails
            for figure in ((None, None) if tail is None else (tail.var, tail.es))
        ]
        days = "1 day" if horizon == 1 else f"{horizon} days"
        rows.append(TableRow(f"{days}, {number(confidence * 100, 0)}{SPACE}%", tuple(cells)))
    return methods, rows


def loss_in_words(review: ReviewView) -> str | None:
    """The historical one-day VaR at 95 % of what is held now, in money too."""
    if review.risk is None:
        return None
    found = [
        tail.var
        for profile in review.risk.profiles
        if profile.basis == "CURRENT_WEIGHTS"
        for tail in profile.tails
        if (tail.method, tail.horizon_days, tail.confidence) == ("HISTORICAL", 1, 0.95) and tail.var is not None
    ]
    if not found or found[0] <= 0:
        return None
    money = ""
    if review.total is not None and review.total.total_value > 0:
        amount = float(review.total.total_value) * found[0]
        money = f", {number(amount, 0)} {review.total.currency} today"
    return f"On one day in twenty, today’s weights would have lost {percent(found[0])}{money}, or more."


def kupiec(backtest: BacktestView) -> str:
    days = "day" if backtest.exceptions == 1 else "days"
    counted = (
        f"On {backtest.exceptions} {days} of the {backtest.n} tested the loss was beyond the VaR of that day; "
        f"{number(backtest.expected, 1)} were to be expected"
    )
    p_value = "" if backtest.p_value is None else f" (p = {number(backtest.p_value, 3)})"
    meaning = {
        "CONSISTENT": "the VaR is consistent with what happened.",
        "TOO_MANY": "too many: the VaR was too low.",
        "TOO_FEW": "too few: the VaR was too high.",
        "INSUFFICIENT": "too few days to tell.",
    }
    return f"{counted}{p_value}: {meaning.get(backtest.verdict, backtest.verdict)}"


def limits(body: ConcentrationBody) -> tuple[list[LimitView], int]:
    """Return the limits that need attention and the nearest of the others; and how many are left, all of them OK."""
    urgent = [limit for limit in body.limits if limit.state != "OK"]
    calm = sorted((limit for limit in body.limits if limit.state == "OK"), key=_distance)
    return [*urgent, *calm[:_MOST_CALM]], len(calm[_MOST_CALM:])


def dimensions(body: ConcentrationBody) -> list[DimensionLine]:
    """Groups by gross weight, the smallest as one row."""
    found = []
    for dimension in body.dimensions:
        groups = [Share(group.label, "", group.gross) for group in dimension.groups]
        if len(groups) > _MOST_GROUPS + 1:
            rest = groups[_MOST_GROUPS:]
            gross = sum(group.weight or 0.0 for group in rest)
            groups = [*groups[:_MOST_GROUPS], Share(f"{len(rest)} others", "", gross, None, "others")]
        found.append(DimensionLine(wording.dimension(dimension.dimension), dimension, _with_bars(groups)))
    return found


def contribution(review: ReviewView) -> tuple[ContributionsView, Sequence[Share]] | None:
    """Return what each holding added to the return of the last year, or of all there is: those that added or took the
    most, the rest as one row, and what no holding did."""
    found = {one.period: one for one in review.contributions}
    whole = found.get("1Y") or found.get("SINCE_INCEPTION")
    if whole is None or not whole.parts:
        return None
    largest = sorted(whole.parts, key=lambda part: -abs(part.contribution))
    shown, rest = largest[:MOST_ROWS], largest[MOST_ROWS:]
    shares = [Share(part.ticker, "", part.contribution) for part in sorted(shown, key=lambda part: -part.contribution)]
    if rest:
        shares.append(Share(f"{len(rest)} others", "", sum(part.contribution for part in rest), kind="others"))
    return whole, _with_bars([*shares, Share("Cash, rates, fees and tax", "", whole.other, kind="others")])


def _with_bars(shares: Sequence[Share]) -> list[Share]:
    drawn = bars([share.weight for share in shares])
    return [replace(share, bar=bar) for share, bar in zip(shares, drawn, strict=True)]


def _weight(value: Decimal | None, total: Decimal | None) -> float | None:
    return float(value / total) if value is not None and total is not None and total > 0 else None


def _sum(values: Sequence[float | None]) -> float | None:
    """Sum `values`; None if one of them is."""
    return None if None in values else sum(value for value in values if value is not None)


def _distance(limit: LimitView) -> float:
    """How far it is from its warning, as a share of that."""
    return 1.0 if limit.value is None else 1 - abs(limit.value) / limit.warn_at


def _fall_days(profile: RiskProfileView) -> str:
    if profile.max_drawdown is None:
        return wording.UNKNOWN
    if profile.peak is None:
        return "no fall"
    recovery = "not yet" if profile.recovery is None else wording.day(profile.recovery)
    return f"{wording.day(profile.peak)}, {wording.day(profile.trough)}, {recovery}"


def _span(profile: RiskProfileView) -> str:
    days = f"{profile.n:,} trading days"
    if profile.first_day is None or profile.last_day is None:
        return days
    return f"{days}, {wording.month(profile.first_day)} to {wording.month(profile.last_day)}"
