"""Many series in one sweep: each has what it has alone, and contributions are those of the dense form."""

from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.analytics.returns.panel import Panel
from domain.analytics.returns.periods import Period, performance_of
from domain.analytics.returns.series import Benchmark, PortfolioSeries
from domain.analytics.returns.subjects import Level, ReturnSeries, ReturnSeriesKey, subject_performance
from tests.effort import examples

AS_OF, N = date(2017, 3, 29), 60
DAYS = np.datetime64(AS_OF) - np.arange(N)[::-1]
SESSIONS = DAYS[np.is_busday(DAYS)]
INDEX = Benchmark("INDEX", "TOTAL_RETURN", DAYS - 1, np.linspace(100, 130, N))


def panel(parts: list[dict[str, np.ndarray]]) -> Panel:
    """Series laid one after another; a part has days, end, inflow and outflow, and fees of a tenth of a unit a day."""
    columns = {name: np.concatenate([part[name] for part in parts]) for name in ("days", "end", "inflow", "outflow")}
    begin = np.concatenate([begun(part) for part in parts])
    base = begin + columns["inflow"]
    returns = np.full(len(base), np.nan)
    np.divide(columns["end"] + columns["outflow"], base, out=returns, where=base > 0)
    returns -= 1
    true = np.ones(len(base), dtype=bool)
    gross = returns + np.divide(0.1, base, out=np.zeros_like(base), where=base > 0)
    offsets = np.cumsum([0, *(len(part["days"]) for part in parts)])
    return Panel(
        offsets,
        begin=begin,
        returns=returns,
        gross_returns=gross,
        is_covered=true,
        is_begin_known=true,
        is_end_known=true,
        are_flows_known=true,
        is_ruin=~true,
        **columns,
    )


def begun(part: dict[str, np.ndarray]) -> np.ndarray:
    """The close of the day before, 0 where that day has no row."""
    is_next = np.concatenate([[False], np.diff(part["days"]).astype(int) == 1])
    return np.where(is_next, np.concatenate([[0.0], part["end"][:-1]]), 0.0)


def held(first: int, gains: list[float], bought: float, sold_at: int | None = None) -> dict[str, np.ndarray]:
    """A holding bought on day `first` that gains so much each day, and is sold at the close of a day or never."""
    last = N if sold_at is None else sold_at + 1
    n = last - first
    steps = np.resize(np.array(gains), n)
    value = bought + np.cumsum(steps)
    inflow, outflow = np.zeros(n), np.zeros(n)
    inflow[0] = bought
    if sold_at is not None:
        outflow[-1], value[-1] = value[-1], 0.0
    return {"days": DAYS[first:last], "end": value, "inflow": inflow, "outflow": outflow}


holdings = st.builds(
    held,
    st.integers(0, 30),
    st.lists(st.floats(-1, 1.2), min_size=1, max_size=9),
    st.floats(50, 500),
    st.one_of(st.none(), st.integers(40, N - 1)),
)


@settings(deadline=None, max_examples=examples(40))
@given(st.lists(holdings, min_size=2, max_size=6), st.randoms(use_true_random=False))
def test_together_each_has_what_it_has_alone_to_the_bit(parts: list, random) -> None:
    random.shuffle(parts)
    together = performance_of(panel(parts), AS_OF, SESSIONS, INDEX)

    for i, part in enumerate(parts):
        alone = performance_of(panel([part]), AS_OF, SESSIONS, INDEX)
        for period in Period:
            for name, column in alone[period].items():
                same = together[period][name][i]
                assert same == column[0] or (same != same and column[0] != column[0]), (period, name)


def portfolio_of(parts: list[dict[str, np.ndarray]]) -> tuple[ReturnSeries, PortfolioSeries, np.ndarray]:
    """A portfolio of holdings and no cash: what is bought is paid in, what is sold is paid out."""
    end, inflow, outflow, gains = (np.zeros(N), np.zeros(N), np.zeros(N), np.zeros((N, len(parts))))
    for k, part in enumerate(parts):
        at = (part["days"] - DAYS[0]).astype(int)
        end[at], inflow[at], outflow[at] = (
            end[at] + part["end"],
            inflow[at] + part["inflow"],
            outflow[at] + part["outflow"],
        )
        gains[at, k] = part["end"] - begun(part) - part["inflow"] + part["outflow"]
    first = int(np.flatnonzero(inflow)[0])
    whole = {"days": DAYS[first:], "end": end[first:], "inflow": inflow[first:], "outflow": outflow[first:]}
    of = panel([whole, *parts])
    subjects = [
        ReturnSeriesKey("p", Level.PORTFOLIO),
        *(ReturnSeriesKey("p", Level.POSITION, security_id=k) for k in range(len(parts))),
    ]
    rows = slice(0, of.offsets[1])
    true = np.ones(of.offsets[1], dtype=bool)
    series = PortfolioSeries(
        DAYS[first:],
        whole["end"],
        whole["inflow"],
        whole["outflow"],
        np.zeros(len(true)),
        of.returns[rows],
        np.isin(DAYS[first:], SESSIONS),
        true,
        true,
        true,
    )
    return ReturnSeries(subjects, of), series, gains[first:]


def contributed(series: PortfolioSeries, gains: np.ndarray, first: int) -> np.ndarray:
    """Day by day: what each holding gained over the day's capital, times what 1 had grown to since the period began."""
    parts, growth = np.zeros(gains.shape[1]), 1.0
    capital = series.begin + series.inflow
    for day in range(first, len(series)):
        if not np.isnan(series.returns[day]):
            parts += growth * gains[day] / capital[day]
            growth *= 1 + series.returns[day]
    return parts


@settings(deadline=None, max_examples=examples(40))
@given(st.lists(holdings, min_size=1, max_size=4))
def test_contributions_of_a_sweep_are_those_of_the_dense_form_and_sum_to_the_return(parts: list) -> None:
    of, series, gains = portfolio_of(parts)
    found = subject_performance(of, AS_OF, SESSIONS)

    for period in Period:
        if found[period]["status"][0] != "OK":
            continue
        first = int(np.searchsorted(series.days, found[period]["start"][0], side="right"))
        first = 0 if period is Period.SINCE_INCEPTION else first
        swept = found[period]["contribution"][1:]
        assert np.nan_to_num(swept) == pytest.approx(contributed(series, gains, first), abs=1e-9)
        assert np.nansum(swept) == pytest.approx(np.nan_to_num(found[period]["twr"][0]), abs=1e-9)


def test_contributions_of_two_days_by_hand() -> None:
    """100 grow to 110 by one's 10; then another gains 22 of 110: 20 % on what the first had made."""
    days = DAYS[-2:]
    whole = {"days": days, "end": np.array([110.0, 132.0]), "inflow": np.array([100.0, 0.0]), "outflow": np.zeros(2)}
    first = {"days": days, "end": np.array([60.0, 60.0]), "inflow": np.array([50.0, 0.0]), "outflow": np.zeros(2)}
    second = {"days": days, "end": np.array([50.0, 72.0]), "inflow": np.array([50.0, 0.0]), "outflow": np.zeros(2)}
    subjects = [
        ReturnSeriesKey("p", Level.PORTFOLIO),
        *(ReturnSeriesKey("p", Level.POSITION, security_id=k) for k in (1, 2)),
    ]

    found = subject_performance(ReturnSeries(subjects, panel([whole, first, second])), AS_OF, SESSIONS)

    assert found[Period.SINCE_INCEPTION]["contribution"] == pytest.approx([np.nan, 0.1, 0.22], nan_ok=True)
    assert found[Period.SINCE_INCEPTION]["twr"][0] == pytest.approx(0.32)


def test_a_holding_sold_before_a_period_is_not_held_in_it() -> None:
    sold, kept = held(0, [1.0], 100, sold_at=40), held(0, [1.0], 100)

    found = performance_of(panel([sold, kept]), AS_OF, SESSIONS)

    assert found[Period.WEEK]["status"].tolist() == ["NOT_HELD", "OK"]
    assert np.isnan(found[Period.WEEK]["twr"][0])
    assert found[Period.MONTH]["status"].tolist() == ["OK", "OK"]
    assert found[Period.MONTH]["end_value"].tolist() == [0.0, 160.0]
    assert found[Period.YEAR]["status"].tolist() == ["TOO_YOUNG", "TOO_YOUNG"]
    assert found[Period.SINCE_INCEPTION]["gain"].tolist() == [pytest.approx(41), 60.0]


def test_a_value_that_is_not_known_has_no_money_weighted_return() -> None:
    of = panel([held(0, [1.0], 100)])
    of.is_end_known[-1] = False

    found = performance_of(of, AS_OF, SESSIONS)[Period.SINCE_INCEPTION]

    assert (found["xirr_status"][0], np.isnan(found["mwr"][0]), found["twr"][0]) == (
        "UNCOVERED",
        True,
        pytest.approx(0.6),
    )


def test_money_of_one_day_has_earned_what_is_there_at_its_end() -> None:
    found = performance_of(panel([held(N - 1, [5.0], 100)]), AS_OF, SESSIONS)[Period.SINCE_INCEPTION]

    assert (found["xirr_status"][0], found["mwr"][0]) == ("OK", pytest.approx(0.05))
    assert found["twr"][0] == pytest.approx(0.05)


def test_a_holding_counts_the_days_it_was_held_in_both_annual_returns() -> None:
    """Bought for 100, sold for 121 two years later, three years ago: 10 % a year by time and by money."""
    days = np.datetime64(AS_OF) - np.arange(2000)[::-1]
    value = np.where(np.arange(2000) < 730, 100.0, 0.0)
    inflow, outflow = np.zeros(2000), np.zeros(2000)
    inflow[0], outflow[730] = 100.0, 121.0
    sold = {"days": days[:731], "end": value[:731], "inflow": inflow[:731], "outflow": outflow[:731]}
    whole = {"days": days, "end": value, "inflow": inflow, "outflow": outflow}

    found = performance_of(panel([whole, sold]), AS_OF, SESSIONS)

    assert found[Period.SINCE_INCEPTION]["twr_annual"] == pytest.approx([0.1, 0.1])
    assert found[Period.SINCE_INCEPTION]["xirr"] == pytest.approx([0.1, 0.1])
    assert found[Period.SINCE_INCEPTION]["mwr"] == pytest.approx([0.21, 0.21])
    five = found[Period.FIVE_YEARS]  # 100 days of it were before
    n_days = 730 - int((five["start"][0] - days[0]).astype(int))
    assert five["twr_annual"] == pytest.approx([1.21 ** (365 / n_days) - 1] * 2)
    assert five["xirr"] == pytest.approx([1.21 ** (365 / n_days) - 1] * 2)
