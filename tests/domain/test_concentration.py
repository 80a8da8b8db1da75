"""Weights, Herfindahl index, groups and limits."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from domain.analytics.risk.concentration import (
    UNCLASSIFIED,
    Exposure,
    concentration,
    concentration_by,
    groups_of,
    weights_of,
)
from domain.analytics.risk.limits import DEFAULT_LIMITS, Limit, LimitState, Measure, check_limit
from tests.effort import examples

VALUES = arrays(np.float64, st.integers(1, 30), elements=st.floats(1, 1e9))
BOOK, CASH = np.array([500.0, 300.0, -200.0]), np.array([200.0])
ISSUERS = ["Acme", None, "Acme", "Cash"]


def test_the_rulebooks_portfolio_has_an_index_of_038():
    # RULEBOOK 9
    found = concentration(np.array([0.5, 0.3, 0.2]))
    assert found.hhi == pytest.approx(0.38)
    assert found.effective_number == pytest.approx(1 / 0.38)
    assert (found.top_5, found.top_10) == pytest.approx((1.0, 1.0))


def test_the_largest_five_and_ten_are_summed():
    found = concentration(np.arange(1.0, 21.0))  # of 210
    assert found.top_5 == pytest.approx((20 + 19 + 18 + 17 + 16) / 210)
    assert found.top_10 == pytest.approx(155 / 210)


@given(VALUES, st.floats(0.001, 1000))
@settings(max_examples=examples(100), deadline=None)
def test_scale_and_order_are_no_matter(values, times):
    one, more = concentration(values), concentration(values[::-1] * times)
    assert more.hhi == pytest.approx(one.hhi, rel=1e-9)
    assert more.top_5 == pytest.approx(one.top_5, rel=1e-9)


@given(VALUES)
@settings(max_examples=examples(100), deadline=None)
def test_the_index_is_between_equal_holdings_and_one(values):
    found = concentration(values)
    assert 1 / len(values) - 1e-9 <= found.hhi <= 1 + 1e-9
    assert found.top_5 <= found.top_10 + 1e-12 <= 1 + 1e-9


@given(VALUES, st.integers(1, 6))
@settings(max_examples=examples(100), deadline=None)
def test_fewer_and_larger_groups_are_never_less_concentrated(values, groups):
    labels = [str(i % groups) for i in range(len(values))]
    assert concentration_by(weights_of(values), labels).hhi >= concentration(values).hhi - 1e-12


def test_weights_are_over_equity_and_what_a_short_was_sold_for_is_no_exposure():
    """1,000 paid in, 100 sold short at 22.70: the cash is 3,270, of which 2,270 are owed (c)."""
    found = weights_of(np.array([-2270.0]), np.array([3270.0]))
    assert found.exposure == Exposure("OK", 1000.0, 2270.0, -2270.0, 2.27)
    assert found.gross == pytest.approx([2.27, 1.0])
    assert found.net == pytest.approx([-2.27, 3.27])


def test_long_and_short_add_up_in_gross_and_offset_in_net():
    found = weights_of(BOOK, CASH)
    assert found.exposure == Exposure("OK", 800.0, 1000.0, 600.0, 1.25)
    assert found.gross == pytest.approx([500 / 800, 300 / 800, 200 / 800, 0])
    assert found.net == pytest.approx(np.array([500, 300, -200, 200]) / 800)


def test_what_was_bought_with_debt_is_leverage_and_the_debt_is_no_exposure():
    found = weights_of(np.array([1500.0]), np.array([-700.0, 200.0]))
    assert found.exposure == Exposure("OK", 1000.0, 1500.0, 1500.0, 1.5)
    assert found.gross == pytest.approx([1.5, 0, 0])


@given(VALUES, st.floats(0, 1e9))
@settings(max_examples=examples(100), deadline=None)
def test_without_shorts_and_debt_gross_is_net_and_both_sum_to_one(values, cash):
    found = weights_of(values, np.array([cash]))
    assert found.gross == pytest.approx(found.net, abs=1e-9)
    assert found.gross.sum() == pytest.approx(1)


@given(
    arrays(np.float64, st.integers(1, 30), elements=st.floats(-1e9, 1e9)),
    arrays(np.float64, st.integers(0, 4), elements=st.floats(-1e9, 1e9)),
)
@settings(max_examples=examples(100), deadline=None)
def test_net_weights_sum_to_one_and_gross_ones_to_no_less(values, cash):
    found = weights_of(values, cash)
    if found.exposure.equity > 1:
        assert found.net.sum() == pytest.approx(1, abs=1e-4)
        assert found.gross.sum() >= 1 - 1e-4
        assert found.exposure.leverage == pytest.approx(np.abs(values).sum() / (values.sum() + cash.sum()))


@pytest.mark.parametrize("cash", [100.0, 50.0])
def test_worth_nothing_or_less_there_are_no_weights_and_no_leverage(cash):
    found = weights_of(np.array([-100.0]), np.array([cash]))
    assert (found.gross, found.net, found.exposure.leverage, found.exposure.status) == (None, None, None, "NO_EQUITY")
    assert found.exposure.gross == 100
    assert check_limit(Limit("portfolio", Measure.LEVERAGE, 1.5, 2), found, ["A", "Cash"])[0].state == "UNDEFINED"


def test_an_empty_portfolio_has_no_concentration():
    for values in (np.array([]), np.zeros(3)):
        assert weights_of(values).gross is None
        assert concentration(values).hhi is None


def test_a_missing_value_is_refused():
    with pytest.raises(ValueError, match="price"):
        concentration(np.array([1.0, np.nan]))


def test_groups_have_gross_and_net_and_the_unknown_is_one_of_them():
    found = {group.label: (group.gross, group.net) for group in groups_of(weights_of(BOOK, CASH), ISSUERS)}
    assert found == {
        "Acme": pytest.approx((700 / 800, 300 / 800)),
        UNCLASSIFIED: pytest.approx((300 / 800, 300 / 800)),
        "Cash": pytest.approx((0, 200 / 800)),
    }
    assert concentration_by(weights_of(BOOK, CASH), ISSUERS).hhi == pytest.approx((700**2 + 300**2) / 1000**2)


def test_groups_come_by_size_and_then_by_label():
    found = groups_of(weights_of(np.array([1.0, 2.0, 1.0])), ["b", None, "a"])
    assert [group.label for group in found] == [UNCLASSIFIED, "a", "b"]


def test_groups_of_a_book_that_is_worth_nothing_have_no_weights():
    (found, _) = groups_of(weights_of(np.array([100.0, -100.0])), ["a", "b"])
    assert (found.gross, found.net) == (None, None)


@pytest.mark.parametrize(
    ("value", "state"),
    [
        (0.0999, LimitState.OK),
        (0.10, LimitState.WARN),
        (0.1999, LimitState.WARN),
        (0.20, LimitState.BREACH),
        (-0.25, LimitState.BREACH),
        (None, LimitState.UNDEFINED),
    ],
)
def test_a_limit_warns_and_is_breached_from_its_numbers_on(value, state):
    assert Limit("issuer", Measure.NET_WEIGHT, 0.10, 0.20).state_of(value) is state


def test_a_limit_on_weights_is_checked_for_every_group_that_it_binds():
    bound = np.array([True, True, True, False])
    found = check_limit(Limit("issuer", Measure.GROSS_WEIGHT, 0.20, 0.50), weights_of(BOOK, CASH), ISSUERS, bound)
    assert [(check.label, check.state) for check in found] == [
        ("Acme", LimitState.BREACH),
        (UNCLASSIFIED, LimitState.WARN),
    ]


def test_a_short_of_227_percent_of_equity_is_a_breach():
    weights = weights_of(np.array([-2270.0]), np.array([3270.0]))
    (found,) = check_limit(DEFAULT_LIMITS[0], weights, ["Acme", "Cash"], np.array([True, False]))
    (leverage,) = check_limit(DEFAULT_LIMITS[-1], weights, ["Acme", "Cash"])
    assert (found.label, found.value, found.state) == ("Acme", pytest.approx(2.27), LimitState.BREACH)
    assert (leverage.value, leverage.state) == (pytest.approx(2.27), LimitState.BREACH)


def test_a_short_breaches_a_limit_on_net_weights_by_its_size():
    weights = weights_of(np.array([150.0, -50.0]))
    found = check_limit(Limit("issuer", Measure.NET_WEIGHT, 0.30, 0.40), weights, ["long", "short"])
    assert [(check.label, check.value, check.state) for check in found] == [
        ("long", 1.5, LimitState.BREACH),
        ("short", -0.5, LimitState.BREACH),
    ]


@pytest.mark.parametrize(("measure", "value"), [(Measure.HHI, 0.38), (Measure.TOP_5, 1.0), (Measure.TOP_10, 1.0)])
def test_a_limit_on_the_whole_is_one_check(measure, value):
    weights = weights_of(np.array([5.0, 3.0, 2.0]))
    (found,) = check_limit(Limit("sector", measure, 0.3, 0.35), weights, ["a", "b", "c"])
    assert (found.label, found.value) == (None, pytest.approx(value))
    assert found.state is (LimitState.BREACH if measure is Measure.HHI else LimitState.TOO_FEW)


@pytest.mark.parametrize(
    ("lines", "state"), [(5, "TOO_FEW"), (6, "TOO_FEW"), (7, "OK"), (20, "OK")], ids=lambda one: str(one)
)
def test_the_five_largest_of_a_few_equal_holdings_say_nothing(lines, state):
    """5 of 6 are 83 %, 5 of 7 are 71 %: a limit of 75 % cannot be met by six and is met by seven (c)."""
    top_5 = next(limit for limit in DEFAULT_LIMITS if limit.measure is Measure.TOP_5)
    (found,) = check_limit(top_5, weights_of(np.ones(lines)), [str(i) for i in range(lines)])
    assert (found.value, found.state) == (pytest.approx(min(1, 5 / lines)), state)


def test_five_largest_of_many_that_are_most_of_it_are_a_breach():
    top_5 = next(limit for limit in DEFAULT_LIMITS if limit.measure is Measure.TOP_5)
    (found,) = check_limit(top_5, weights_of(np.array([100.0] * 5 + [1.0] * 20)), [str(i) for i in range(25)])
    assert (found.value, found.state) == (pytest.approx(500 / 520), "BREACH")


def test_five_small_holdings_beside_much_cash_are_within_the_limit():
    top_5 = next(limit for limit in DEFAULT_LIMITS if limit.measure is Measure.TOP_5)
    bound = np.array([True] * 5 + [False])
    (found,) = check_limit(top_5, weights_of(np.ones(5), np.array([5.0])), [*"abcde", "Cash"], bound)
    assert (found.value, found.state) == (pytest.approx(0.5), "OK")


def test_what_cannot_be_measured_is_not_within_its_limit():
    (found,) = check_limit(Limit("sector", Measure.HHI, 0.3, 0.35), weights_of(np.zeros(1)), ["a"])
    assert found.state is LimitState.UNDEFINED


def test_leverage_is_of_the_whole_and_nothing_else_is():
    for dimension, measure in (("issuer", Measure.LEVERAGE), ("portfolio", Measure.HHI)):
        with pytest.raises(ValueError, match="LEVERAGE"):
            Limit(dimension, measure, 1, 2)


@pytest.mark.parametrize(("warn_at", "breach_at"), [(0.2, 0.1), (0.0, 0.1), (-0.1, 0.1), (0.1, float("inf"))])
def test_a_limit_that_makes_no_sense_is_refused(warn_at, breach_at):
    with pytest.raises(ValueError, match="issuer"):
        Limit("issuer", Measure.HHI, warn_at, breach_at)


def test_labels_must_fit():
    with pytest.raises(ValueError, match="labels"):
        groups_of(weights_of(BOOK, CASH), ISSUERS[:2])
