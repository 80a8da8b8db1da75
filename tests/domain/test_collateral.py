"""RULEBOOK 10: what of a snapshot is collateral, in which order, and what is given away first."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.collateral import CollateralItem, CollateralRanking, Ineligible, ValuationBasis, rank
from domain.errors import InvalidNumber
from domain.haircuts import HaircutSchedule, SecurityTraits
from domain.money import SCALE, product, share
from domain.snapshots import PositionSnapshot, SnapshotLine

D = Decimal
TODAY = date(2017, 3, 29)
NOON = datetime(2017, 3, 29, 12, tzinfo=UTC)
TICKERS = {1: "AAPL", 2: "MSFT", 3: "TSLA", 4: "XYZ"}
# The source design's book (seed 004) and its haircuts.
SOURCE_BOOK = {1: ("100", "180"), 2: ("200", "310"), 3: ("50", "250"), 4: ("10", "100")}
SOURCE_HAIRCUTS = HaircutSchedule("source", default=D("0.10"), by_security={1: D("0.05"), 2: D("0.04"), 3: D("0.20")})
FLAT = HaircutSchedule("flat", default=D("0.10"))


def line(security_id: int, quantity: str, close: str | None, cost: str = "0", account_id: int = 1) -> SnapshotLine:
    value = product(D(quantity), D(close)) if close is not None else None
    ticker = TICKERS.get(security_id, f"S{security_id}")
    price = D(close) if close is not None else None
    priced_on = TODAY if close is not None else None
    return SnapshotLine(account_id, security_id, ticker, D(quantity), D(cost), price, priced_on, value)


def snapshot(*lines: SnapshotLine) -> PositionSnapshot:
    return PositionSnapshot(UUID(int=1), UUID(int=2), TODAY, NOON, 4, 7, lines)


def ranked(
    *lines: SnapshotLine,
    schedule: HaircutSchedule = FLAT,
    basis: ValuationBasis = ValuationBasis.MARKET,
    rates: dict[str, Decimal] | None = None,
    traits: dict[int, SecurityTraits] | None = None,
) -> CollateralRanking:
    known = {found.security_id: SecurityTraits(found.security_id, "EQUITY", "USD", found.ticker) for found in lines}
    return rank(snapshot(*lines), {**known, **(traits or {})}, schedule, "USD", basis, rates)


def only(ranking: CollateralRanking) -> CollateralItem:
    (item,) = ranking.items
    return item


def order(ranking: CollateralRanking) -> list[tuple[int | None, str]]:
    return [(item.rank, item.ticker) for item in ranking.items]


def test_the_source_example_ranks_msft_aapl_tsla_xyz_at_cost() -> None:
    lines = [line(number, held, None, str(D(held) * D(paid))) for number, (held, paid) in SOURCE_BOOK.items()]

    ranking = ranked(*lines, schedule=SOURCE_HAIRCUTS, basis=ValuationBasis.COST)

    assert [(item.ticker, item.lendable_value, item.price) for item in ranking.items] == [
        ("MSFT", 59_520, 310),
        ("AAPL", 17_100, 180),
        ("TSLA", 10_000, 250),
        ("XYZ", 900, 100),
    ]
    assert ranking.lendable_value == 87_520


def test_by_default_the_haircut_is_taken_from_market_value() -> None:
    item = only(ranked(line(1, "100", "180", cost="5")))

    assert (item.market_value, item.lendable_value) == (18_000, 16_200)


def test_every_rank_carries_the_value_up_to_it() -> None:
    ranking = ranked(line(1, "10", "10"), line(2, "10", "20"), line(3, "10", "30"))

    assert [(item.rank, item.cumulative_value) for item in ranking.items] == [(1, 270), (2, 450), (3, 540)]


def test_of_equal_lendable_values_the_lower_haircut_ranks_first() -> None:
    schedule = HaircutSchedule("desk", default=D("0.5"), by_security={2: D("0.2")})

    assert order(ranked(line(1, "16", "10"), line(2, "10", "10"), schedule=schedule)) == [(1, "MSFT"), (2, "AAPL")]


def test_of_equal_lendable_values_and_haircuts_the_lower_id_ranks_first() -> None:
    assert order(ranked(line(2, "1", "10"), line(1, "10", "1"))) == [(1, "AAPL"), (2, "MSFT")]


def test_accounts_of_one_security_are_one_item() -> None:
    item = only(ranked(line(1, "60", "10", account_id=1), line(1, "40", "10", account_id=2)))

    assert (item.quantity, item.lendable_value) == (100, 900)


def test_a_short_position_does_not_rank_and_says_so() -> None:
    item = only(ranked(line(1, "-100", "180")))

    assert (item.is_eligible, item.reason, item.rank, item.lendable_value) == (False, Ineligible.NOT_LONG, None, None)


def test_a_long_account_counts_only_above_the_short_one() -> None:
    assert only(ranked(line(1, "100", "10", account_id=1), line(1, "-40", "10", account_id=2))).lendable_value == 540


def test_a_position_without_a_price_does_not_rank_and_has_no_value_rather_than_0() -> None:
    ranking = ranked(line(1, "10", None), line(2, "1", "10"))

    assert order(ranking) == [(1, "MSFT"), (None, "AAPL")]
    unpriced = ranking.items[1]
    assert (unpriced.market_value, unpriced.lendable_value, unpriced.reason) == (None, None, Ineligible.PRICE_MISSING)


def test_a_price_of_more_than_seven_days_ago_does_not_count() -> None:
    old = replace(line(1, "10", "10"), price_date=date(2017, 3, 21))
    week = replace(line(2, "10", "10"), price_date=date(2017, 3, 22))

    ranking = ranked(old, week)

    assert [(item.ticker, item.reason) for item in ranking.items] == [("MSFT", None), ("AAPL", Ineligible.PRICE_STALE)]


def test_at_cost_no_price_is_needed() -> None:
    assert only(ranked(line(1, "10", None, "1000"), basis=ValuationBasis.COST)).lendable_value == 900


def test_at_cost_units_of_unknown_cost_do_not_count_and_have_no_value_rather_than_0() -> None:
    unknown = replace(line(1, "10", "10"), cost_basis=None)

    item = only(ranked(unknown, line(1, "10", "10", "1000", account_id=2), basis=ValuationBasis.COST))

    assert (item.reason, item.market_value, item.lendable_value) == (Ineligible.COST_UNKNOWN, None, None)
    assert only(ranked(unknown)).lendable_value == 90


def test_an_index_an_excluded_security_and_a_matured_bond_are_not_collateral() -> None:
    traits = {
        1: SecurityTraits(1, "INDEX", "USD", "Index"),
        3: SecurityTraits(3, "BOND", "USD", "Treasury", "SOVEREIGN", TODAY),
    }
    schedule = replace(FLAT, excluded=frozenset({2}))

    ranking = ranked(*(line(number, "1", "10") for number in (1, 2, 3)), schedule=schedule, traits=traits)

    reasons = [item.reason for item in ranking.items]
    assert reasons == [Ineligible.NOT_DELIVERABLE, Ineligible.EXCLUDED, Ineligible.MATURED]


def test_lendable_value_is_value_less_the_haircut_and_less_the_fx_haircut() -> None:
    euros = {1: SecurityTraits(1, "EQUITY", "EUR", "SAP")}

    item = only(ranked(line(1, "100", "10"), rates={"EUR": D("1.25")}, traits=euros))

    assert (item.price, item.market_value, item.fx_haircut) == (10, 1_250, D("0.08"))
    assert item.lendable_value == D("1035")  # 1250 x 0.90 x 0.92


def test_another_currency_without_a_rate_is_fx_missing_and_not_1() -> None:
    euros = {1: SecurityTraits(1, "EQUITY", "EUR", "SAP")}

    item = only(ranked(line(1, "100", "10"), traits=euros))

    assert (item.reason, item.market_value, item.lendable_value) == (Ineligible.FX_MISSING, None, None)


def test_a_rate_of_the_currency_that_is_counted_in_is_refused() -> None:
    with pytest.raises(InvalidNumber):
        ranked(line(1, "100", "10"), rates={"USD": D(2)})


def test_an_issuer_counts_up_to_its_cap_of_the_value_before_caps() -> None:
    same = {number: SecurityTraits(number, "EQUITY", "USD", "Acme") for number in (1, 2, 3)}
    schedule = HaircutSchedule("capped", default=D(0), issuer_cap=D("0.40"))
    lines = [line(1, "30", "10"), line(2, "20", "10"), line(3, "10", "10"), line(4, "40", "10")]

    ranking = ranked(*lines, schedule=schedule, traits=same)

    # 1,000 before caps, so 400 of Acme: its best item whole, the next cut to what is left, the last not at all
    assert [(item.ticker, item.before_cap, item.lendable_value, item.reason) for item in ranking.items] == [
        ("XYZ", 400, 400, None),
        ("AAPL", 300, 300, None),
        ("MSFT", 200, 100, Ineligible.ISSUER_CAP),
        ("TSLA", 100, None, Ineligible.ISSUER_CAP),
    ]
    assert [item.rank for item in ranking.items] == [1, 2, 3, None]


def test_sovereigns_are_not_capped() -> None:
    treasury = {1: SecurityTraits(1, "BOND", "USD", "Treasury", "SOVEREIGN", date(2020, 1, 1))}
    schedule = HaircutSchedule("capped", default=D(0), issuer_cap=D("0.10"))

    assert only(ranked(line(1, "10", "10"), schedule=schedule, traits=treasury)).lendable_value == 100


def test_the_same_snapshot_gives_an_identical_ranking_whatever_the_order_of_its_lines() -> None:
    lines = [line(number, held, price) for number, (held, price) in SOURCE_BOOK.items()]

    assert ranked(*lines).payload == ranked(*reversed(lines)).payload
    assert ranked(*lines).payload_hash == ranked(*reversed(lines)).payload_hash
    assert ranked(*lines[:3]).payload_hash != ranked(*lines).payload_hash


def test_an_empty_book_has_an_empty_ranking() -> None:
    assert (ranked().items, ranked().lendable_value) == ((), 0)


@pytest.mark.parametrize(
    ("lines", "rates"),
    [
        ([line(1, "9999999999", "1", account_id=1), line(1, "9999999999", "1", account_id=2)], {}),
        ([line(number, "9999999999", "9999999999") for number in (1, 2)], {}),
        ([line(1, "9999999999", "9999999999")], {"EUR": D(2)}),
    ],
)
def test_a_book_whose_numbers_do_not_fit_the_agreed_decimals_is_refused(lines, rates) -> None:
    traits = {1: SecurityTraits(1, "EQUITY", "EUR" if rates else "USD", "Acme")}

    with pytest.raises(InvalidNumber):
        ranked(*lines, rates=rates, traits=traits, schedule=HaircutSchedule("none", default=D(0)))


def source_ranking() -> CollateralRanking:
    return ranked(*(line(n, held, price) for n, (held, price) in SOURCE_BOOK.items()), schedule=SOURCE_HAIRCUTS)


def test_cheapest_to_deliver_gives_the_deepest_haircut_first_and_only_what_is_needed_of_the_last() -> None:
    delivery = source_ranking().cheapest_to_deliver(D(20_000))

    assert [(item.ticker, item.quantity, item.covered_value) for item in delivery.items] == [
        ("TSLA", 50, 10_000),
        ("XYZ", 10, 900),
        ("AAPL", D("53.21637427"), D("9100.00000017")),  # 9,100 / 171 a share, rounded up to cover it
    ]
    assert (delivery.required, delivery.shortfall) == (20_000, 0)
    assert delivery.covered >= 20_000


def test_what_the_book_cannot_cover_is_the_shortfall() -> None:
    delivery = source_ranking().cheapest_to_deliver(D(100_000))

    assert (delivery.covered, delivery.shortfall) == (87_520, 12_480)
    assert len(delivery.items) == 4


def test_a_capped_item_covers_no_more_than_its_cap() -> None:
    schedule = HaircutSchedule("capped", default=D(0), issuer_cap=D("0.50"))
    delivery = ranked(line(1, "90", "10"), line(2, "10", "10"), schedule=schedule).cheapest_to_deliver(D(1_000))

    assert [(item.ticker, item.quantity, item.covered_value) for item in delivery.items] == [
        ("AAPL", 50, 500),
        ("MSFT", 10, 100),
    ]
    assert delivery.shortfall == 400


@pytest.mark.parametrize("amount", ["0", "-1"])
def test_an_amount_that_is_not_above_0_is_refused(amount: str) -> None:
    with pytest.raises(InvalidNumber):
        source_ranking().cheapest_to_deliver(D(amount))


numbers = st.decimals(min_value="0.00000001", max_value="1000000000", places=8)
books = st.lists(st.tuples(numbers, numbers), min_size=1, max_size=6)
cuts = st.dictionaries(st.integers(1, 6), st.decimals(min_value=0, max_value=1, places=4), max_size=6)
caps = st.none() | st.decimals(min_value="0.01", max_value=1, places=2)
amounts = st.decimals(min_value="0.00000001", max_value="1000000000000", places=8)


def drawn(
    book: list[tuple[Decimal, Decimal]], by_security: dict[int, Decimal], cap: Decimal | None
) -> CollateralRanking:
    schedule = HaircutSchedule("drawn", default=D("0.25"), by_security=by_security, issuer_cap=cap)
    lines = [line(number, f"{held:f}", f"{price:f}") for number, (held, price) in enumerate(book, start=1)]
    return ranked(*lines, schedule=schedule)


@given(books, cuts, caps, amounts)
def test_a_delivery_covers_what_is_required_or_gives_everything_and_names_the_shortfall(
    book: list[tuple[Decimal, Decimal]], by_security: dict[int, Decimal], cap: Decimal | None, amount: Decimal
) -> None:
    ranking = drawn(book, by_security, cap)

    delivery = ranking.cheapest_to_deliver(amount)

    assert delivery.shortfall == max(0, amount - delivery.covered)
    if delivery.shortfall:
        assert delivery.covered == ranking.lendable_value


@given(books, cuts, caps, amounts)
def test_a_delivery_needs_its_last_item_to_the_last_unit(
    book: list[tuple[Decimal, Decimal]], by_security: dict[int, Decimal], cap: Decimal | None, amount: Decimal
) -> None:
    ranking = drawn(book, by_security, cap)
    delivery = ranking.cheapest_to_deliver(amount)
    if delivery.shortfall or not delivery.items:
        return

    last = delivery.items[-1]
    item = next(item for item in ranking.items if item.security_id == last.security_id)
    assert item.before_cap is not None

    before = delivery.covered - last.covered_value
    one_less = share(item.before_cap, last.quantity - SCALE, item.quantity)
    assert before < amount
    assert before + one_less <= amount  # equal only where one unit more or less is worth under half of 0.00000001


@given(books, cuts, caps)
def test_no_delivered_item_had_a_deeper_haircut_left_behind(
    book: list[tuple[Decimal, Decimal]], by_security: dict[int, Decimal], cap: Decimal | None
) -> None:
    ranking = drawn(book, by_security, cap)
    if not ranking.lendable_value:
        return

    haircuts = [item.haircut for item in ranking.cheapest_to_deliver(ranking.lendable_value).items]

    assert haircuts == sorted(haircuts, reverse=True)


@given(books, cuts, caps)
def test_ranks_are_dense_values_fall_and_the_last_cumulative_value_is_the_total(
    book: list[tuple[Decimal, Decimal]], by_security: dict[int, Decimal], cap: Decimal | None
) -> None:
    ranking = drawn(book, by_security, cap)
    eligible = [item for item in ranking.items if item.is_eligible]

    assert [item.rank for item in eligible] == list(range(1, len(eligible) + 1))
    values = [item.lendable_value for item in eligible]
    assert values == sorted(values, reverse=True)
    assert not eligible or eligible[-1].cumulative_value == ranking.lendable_value
