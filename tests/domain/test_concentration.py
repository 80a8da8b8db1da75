"""Weights, Herfindahl index, groups and limits."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from domain.analytics.risk.concentration import (
    UNCLASSIFIED,
    Limit,
    LimitState,
    Measure,
    check_limit,
    concentration,
    concentration_by,
    groups_of,
    weights_of,
)
from tests.effort import examples

VALUES = arrays(np.float64, st.integers(1, 30), elements=st.floats(1, 1e9))
BOOK = np.array([500.0, 300.0, -200.0, 200.0])  # the last is cash
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
    assert concentration_by(values, labels).hhi >= concentration(values).hhi - 1e-12


def test_gross_weights_add_the_sizes_and_net_weights_the_values():
    found = weights_of(BOOK)
    assert found.gross == pytest.approx(np.array([500, 300, 200, 200]) / 1200)
    assert found.net == pytest.approx(BOOK / 800)
    assert (found.gross_value, found.net_value) == (1200.0, 800.0)


def test_a_book_that_nets_to_nothing_has_gross_weights_only():
    found = weights_of(np.array([100.0, -100.0]))
    assert found.net is None
    assert list(found.gross) == [0.5, 0.5]
    assert concentration(np.array([100.0, -100.0])).hhi == 0.5


def test_an_empty_portfolio_has_no_concentration():
    for values in (np.array([]), np.zeros(3)):
        assert weights_of(values).gross is None
        assert concentration(values).hhi is None


def test_a_missing_value_is_refused():
    with pytest.raises(ValueError, match="price"):
        concentration(np.array([1.0, np.nan]))


def test_groups_have_gross_and_net_and_the_unknown_is_one_of_them():
    found = {group.label: (group.gross, group.net) for group in groups_of(BOOK, ISSUERS)}
    assert found == {
        "Acme": pytest.approx((700 / 1200, 300 / 800)),
        UNCLASSIFIED: pytest.approx((300 / 1200, 300 / 800)),
        "Cash": pytest.approx((200 / 1200, 200 / 800)),
    }
    assert concentration_by(BOOK, ISSUERS).hhi == pytest.approx((700**2 + 300**2 + 200**2) / 1200**2)


def test_groups_come_by_size_and_then_by_label():
    assert [group.label for group in groups_of(np.array([1.0, 2.0, 1.0]), ["b", None, "a"])] == [UNCLASSIFIED, "a", "b"]


def test_groups_of_a_book_that_nets_to_nothing_have_no_net_weight():
    assert groups_of(np.array([100.0, -100.0]), ["a", "b"])[0].net is None
    assert groups_of(np.zeros(1), ["a"])[0].gross is None


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


def test_a_limit_on_weights_is_checked_for_every_group():
    found = check_limit(Limit("issuer", Measure.GROSS_WEIGHT, 0.20, 0.50), BOOK, ISSUERS)
    assert [(check.label, check.state) for check in found] == [
        ("Acme", LimitState.BREACH),
        (UNCLASSIFIED, LimitState.WARN),
        ("Cash", LimitState.OK),
    ]


def test_a_short_breaches_a_limit_on_net_weights_by_its_size():
    found = check_limit(Limit("issuer", Measure.NET_WEIGHT, 0.30, 0.40), np.array([150.0, -50.0]), ["long", "short"])
    assert [(check.label, check.value, check.state) for check in found] == [
        ("long", 1.5, LimitState.BREACH),
        ("short", -0.5, LimitState.BREACH),
    ]


@pytest.mark.parametrize(("measure", "value"), [(Measure.HHI, 0.38), (Measure.TOP_5, 1.0), (Measure.TOP_10, 1.0)])
def test_a_limit_on_the_whole_is_one_check(measure, value):
    (found,) = check_limit(Limit("sector", measure, 0.3, 0.35), np.array([5.0, 3.0, 2.0]), ["a", "b", "c"])
    assert (found.label, found.value, found.state) == (None, pytest.approx(value), LimitState.BREACH)


def test_what_cannot_be_measured_is_not_within_its_limit():
    (found,) = check_limit(Limit("sector", Measure.HHI, 0.3, 0.35), np.zeros(1), ["a"])
    assert found.state is LimitState.UNDEFINED


@pytest.mark.parametrize(("warn_at", "breach_at"), [(0.2, 0.1), (0.0, 0.1), (-0.1, 0.1), (0.1, float("inf"))])
def test_a_limit_that_makes_no_sense_is_refused(warn_at, breach_at):
    with pytest.raises(ValueError, match="issuer"):
        Limit("issuer", Measure.HHI, warn_at, breach_at)


def test_labels_must_fit():
    with pytest.raises(ValueError, match="labels"):
        groups_of(BOOK, ISSUERS[:2])
