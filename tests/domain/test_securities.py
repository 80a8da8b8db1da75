"""Identifiers of a security, and what may be said of it (RULEBOOK 13). They are real ones, from public filings."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import AlreadyKnown, InvalidIdentifier, InvalidInput, InvalidNumber
from domain.securities import (
    AssetType,
    BondDetails,
    EquityDetails,
    FundDetails,
    Identifier,
    IdentifierType,
    KnownIdentifier,
    PriceKind,
    Reference,
    Security,
    completed,
    cusip_check_digit,
    isin_check_digit,
    joined,
    usual_price_kind,
)

TICKER, CUSIP, ISIN = IdentifierType.TICKER, IdentifierType.CUSIP, IdentifierType.ISIN

# Apple, Microsoft, Alphabet, Cisco, Berkshire Hathaway, Accenture (foreign: it begins with a letter).
CUSIPS = ["037833100", "594918104", "02079K107", "17275R102", "084670702", "G1151C101"]
# Apple, Microsoft, BAE Systems, SAP, Nestlé, Toyota, a Treasury note of 2027.
ISINS = ["US0378331005", "US5949181045", "GB0002634946", "DE0007164600", "CH0038863350", "JP3633400001", "US912828V988"]
TREASURY = {"maturity_date": date(2027, 2, 15), "coupon_rate_pct": Decimal("2.25"), "day_count": "ACT/ACT ICMA"}


@pytest.mark.parametrize("value", CUSIPS)
def test_the_check_digit_of_a_real_cusip_is_right(value: str) -> None:
    assert Identifier.parse(CUSIP, f" {value.lower()} ") == Identifier(CUSIP, value)


@pytest.mark.parametrize("value", ISINS)
def test_the_check_digit_of_a_real_isin_is_right(value: str) -> None:
    assert Identifier.parse(ISIN, value) == Identifier(ISIN, value)


def mistyped(values: list[str]) -> list[tuple[str, str]]:
    """Every real identifier with every one of its digits replaced by every other digit."""
    return [
        (value, value[:place] + other + value[place + 1 :])
        for value in values
        for place, digit in enumerate(value)
        if digit.isdigit()
        for other in "0123456789"
        if other != digit
    ]


def swapped(values: list[str]) -> list[str]:
    """Every real identifier with every two neighbouring digits swapped, but 0 and 9, which the method cannot tell."""
    return [
        value[:place] + value[place + 1] + value[place] + value[place + 2 :]
        for value in values
        for place in range(len(value) - 1)
        if value[place : place + 2].isdigit()
        and value[place] != value[place + 1]
        and set(value[place : place + 2]) != {"0", "9"}
    ]


@pytest.mark.parametrize(("id_type", "values"), [(CUSIP, CUSIPS), (ISIN, ISINS)])
def test_one_wrong_digit_in_a_cusip_or_isin_is_always_refused(id_type: IdentifierType, values: list[str]) -> None:
    wrong = [value for _, value in mistyped(values)]
    assert len(wrong) > 300
    for value in wrong:
        with pytest.raises(InvalidIdentifier, match="check digit"):
            Identifier.parse(id_type, value)


@pytest.mark.parametrize(("id_type", "values"), [(CUSIP, CUSIPS), (ISIN, ISINS)])
def test_two_swapped_digits_in_a_cusip_or_isin_are_refused(id_type: IdentifierType, values: list[str]) -> None:
    wrong = swapped(values)
    assert len(wrong) > 20
    for value in wrong:
        with pytest.raises(InvalidIdentifier, match="check digit"):
            Identifier.parse(id_type, value)


@given(st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ*@#", min_size=8, max_size=8), st.sampled_from("0123456789"))
def test_of_ten_last_digits_of_a_cusip_one_is_right(body: str, digit: str) -> None:
    if digit == cusip_check_digit(body):
        assert Identifier.parse(CUSIP, body + digit).value == body + digit
    else:
        with pytest.raises(InvalidIdentifier):
            Identifier.parse(CUSIP, body + digit)


@given(
    st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=2, max_size=2),
    st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=9, max_size=9),
    st.integers(0, 8),
    st.sampled_from("0123456789"),
)
def test_an_isin_tells_any_change_of_one_digit(country: str, body: str, place: int, digit: str) -> None:
    right = country + body + isin_check_digit(country + body)
    changed = country + body[:place] + digit + body[place + 1 :] + right[-1]
    assert Identifier.parse(ISIN, right).value == right
    if body[place].isdigit() and body[place] != digit:
        with pytest.raises(InvalidIdentifier):
            Identifier.parse(ISIN, changed)


def test_an_isin_of_the_us_contains_its_cusip() -> None:
    assert Identifier(ISIN, "US0378331005").contradicts(Identifier(CUSIP, "594918104"))
    assert not Identifier(ISIN, "US0378331005").contradicts(Identifier(CUSIP, "037833100"))
    assert not Identifier(ISIN, "GB0002634946").contradicts(Identifier(CUSIP, "037833100"))


def test_an_isin_cannot_be_registered_as_a_ticker() -> None:
    with pytest.raises(InvalidIdentifier, match="is an ISIN"):
        Identifier.parse(TICKER, "us0378331005")


@pytest.mark.parametrize(
    ("text", "id_type"),
    [("aapl", TICKER), ("US0378331005", ISIN), ("037833100", CUSIP), ("US0378331006", TICKER), ("G1151C101", TICKER)],
)
def test_a_name_without_a_type_is_an_isin_or_cusip_only_if_it_is_a_right_one(
    text: str, id_type: IdentifierType
) -> None:
    assert Identifier.guess(text) == Identifier(id_type, text.upper())


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("aapl", Reference("AAPL")),
        ("US0378331005", Reference("US0378331005")),
        ("isin:US0378331005", Reference("US0378331005", ISIN)),
        ("TICKER:BRK.B", Reference("BRK.B", TICKER)),
        ("id:17", Reference(security_id=17)),
    ],
)
def test_a_security_is_pointed_at_by_any_identifier_by_one_of_a_type_or_by_its_id(
    text: str, reference: Reference
) -> None:
    assert Reference.parse(text) == reference


@pytest.mark.parametrize("text", ["", "a b", "id:", "id:-1", "id:1e3", "SEDOL:0263494", "\0", "x" * 21, "🍎"])
def test_what_cannot_point_at_a_security_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        Reference.parse(text)


def known(*identifiers: tuple[IdentifierType, str]) -> list[KnownIdentifier]:
    return [KnownIdentifier(Identifier(*identifier), is_primary=True) for identifier in identifiers]


def test_the_first_identifier_of_a_type_is_primary_and_no_other_is() -> None:
    apple = known((TICKER, "AAPL"))

    assert joined(Identifier(ISIN, "US0378331005"), apple).is_primary
    assert not joined(Identifier(TICKER, "APC"), apple).is_primary


def test_an_identifier_that_has_ended_is_not_primary() -> None:
    assert not joined(Identifier(TICKER, "FB"), [], date(2012, 5, 18), date(2022, 6, 9)).is_primary


@pytest.mark.parametrize("value", ["US5949181045", "GB0002634946"])
def test_a_security_has_one_isin_at_a_time(value: str) -> None:
    with pytest.raises(AlreadyKnown):
        joined(Identifier(ISIN, value), known((ISIN, "US0378331005")))


def test_a_security_may_have_another_isin_before() -> None:
    apple = [KnownIdentifier(Identifier(ISIN, "US0378331005"), True, valid_from=date(2005, 1, 1))]
    earlier = joined(Identifier(ISIN, "GB0002634946"), apple, None, date(2005, 1, 1))

    assert earlier.valid_to == date(2005, 1, 1)


def test_an_isin_and_a_cusip_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(InvalidIdentifier, match="contradicts"):
        joined(Identifier(CUSIP, "594918104"), known((ISIN, "US0378331005")))


def test_an_identifier_ends_after_it_began() -> None:
    with pytest.raises(InvalidInput):
        joined(Identifier(TICKER, "FB"), [], date(2022, 6, 9), date(2022, 6, 9))


@pytest.mark.parametrize("asset_type", [AssetType.FUND, AssetType.BOND, AssetType.INDEX])
def test_equity_details_are_only_for_equity_and_etf(asset_type: AssetType) -> None:
    for owner in (AssetType.EQUITY, AssetType.ETF):
        assert completed(EquityDetails, owner, None, {"sector": "Energy"}) == EquityDetails(sector="Energy")
    with pytest.raises(InvalidInput, match="only to EQUITY and ETF"):
        completed(EquityDetails, asset_type, None, {"sector": "Energy"})


@pytest.mark.parametrize("asset_type", [AssetType.EQUITY, AssetType.ETF, AssetType.FUND, AssetType.INDEX])
def test_bond_details_are_only_for_bonds(asset_type: AssetType) -> None:
    facts = {**TREASURY, "coupon_frequency": 2}
    assert completed(BondDetails, AssetType.BOND, None, facts) == BondDetails(**facts)
    with pytest.raises(InvalidInput, match="only to BOND"):
        completed(BondDetails, asset_type, None, facts)


@pytest.mark.parametrize("asset_type", [AssetType.EQUITY, AssetType.BOND, AssetType.INDEX])
def test_fund_details_are_only_for_funds_and_etfs(asset_type: AssetType) -> None:
    assert completed(FundDetails, AssetType.ETF, None, {"category": "Bonds"}) == FundDetails(category="Bonds")
    with pytest.raises(InvalidInput, match="only to FUND and ETF"):
        completed(FundDetails, asset_type, None, {"category": "Bonds"})


def test_details_that_are_missing_are_filled_in_and_what_is_known_stays() -> None:
    before = EquityDetails(exchange="XNAS", sector="IT")
    after = completed(EquityDetails, AssetType.EQUITY, before, {"sector": "IT", "country": "US", "industry": None})

    assert after == EquityDetails(exchange="XNAS", country="US", sector="IT")


def test_a_detail_that_is_known_is_not_rewritten() -> None:
    with pytest.raises(AlreadyKnown) as refused:
        completed(EquityDetails, AssetType.EQUITY, EquityDetails(sector="IT"), {"country": "US", "sector": "Energy"})

    assert refused.value.facts == {"field": "sector", "known": "IT"}


@pytest.mark.parametrize("missing", TREASURY)
def test_a_bonds_terms_are_known_whole_or_not_at_all(missing: str) -> None:
    facts = {name: value for name, value in TREASURY.items() if name != missing}
    with pytest.raises(InvalidInput, match=missing):
        completed(BondDetails, AssetType.BOND, None, {**facts, "coupon_frequency": 2})


@pytest.mark.parametrize(
    "wrong",
    [
        {"coupon_frequency": None},
        {"coupon_rate_pct": Decimal(0)},
        {"coupon_rate_pct": Decimal(-1)},
        {"issue_date": date(2027, 2, 15)},
        {"first_coupon_date": date(2027, 2, 16)},
        {"issue_date": date(2017, 2, 15), "first_coupon_date": date(2017, 2, 15)},
        {"denomination": Decimal(0)},
    ],
)
def test_terms_that_cannot_be_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises((InvalidInput, InvalidNumber)):
        BondDetails(**{**TREASURY, "coupon_frequency": 2, **wrong})


def test_a_zero_coupon_bond_has_no_frequency() -> None:
    assert BondDetails(date(2027, 2, 15), Decimal(0), "ACT/ACT ICMA").coupon_frequency is None


def test_a_price_of_a_bond_is_per_cent_of_par_and_of_anything_else_per_unit() -> None:
    factors = {kind: Security(1, "X", kind, "USD", "X").price_factor for kind in AssetType}

    assert factors == {**dict.fromkeys(AssetType, Decimal(1)), AssetType.BOND: Decimal("0.01")}


def test_an_index_has_index_prices_and_anything_else_the_price_on_the_screen() -> None:
    assert usual_price_kind(AssetType.INDEX) is PriceKind.PRICE_INDEX
    assert usual_price_kind(AssetType.FUND) is PriceKind.AS_TRADED
