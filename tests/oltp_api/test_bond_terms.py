"""Terms of bonds over HTTP: what is not priced, or cannot be scheduled, is refused by name and nothing is stored."""

from typing import Any

import psycopg
import pytest

from storage.postgres.database import Database

BOND = {
    "maturity_date": "2027-02-15",
    "coupon_rate_pct": "2.25",
    "day_count": "ACT/ACT ICMA",
    "coupon_frequency": 2,
    "issue_date": "2017-02-15",
}
UNPRICED: list[dict[str, Any]] = [
    {"indexed_to": "CPI-U"},
    {"inflation_linked": True},
    {"floating_index": "SOFR"},
    {"margin_bps": "35"},
    {"put_schedule": [{"day": "2022-02-15", "price": "100"}]},
    {"convertible_into": "ACME"},
    {"perpetual": True},
    {"redemption_pct": "103"},
    {"colour": "green"},
    {"day_count": "BUS/252"},
    {"day_count": "ACT/ACT ISDA"},
    {"coupon_frequency": 6},
    {"coupon_frequency": "SEMIANNUAL"},
    {"payment_calendar": "TOKYO"},
    {"payment_convention": "NEAREST"},
    {"call_schedule": [{"date": "2022-02-15", "price": "101"}]},
    {"call_schedule": "at any time"},
    {"coupon_steps": [{"day": "2022-02-15", "spread_bps": "50"}]},
    {"amortisation": {"type": "annuity"}},
]
UNSCHEDULED: list[dict[str, Any]] = [
    {"coupon_frequency": 5},
    {"coupon_frequency": 0},
    {"first_coupon_date": "2027-08-15"},
    {"first_coupon_date": "2016-08-15"},
    {"first_coupon_date": "2017-09-01"},
    {"issue_date": "2027-02-15"},
    {"maturity_date": "9999-02-15"},
    {"dated_date": "2017-03-15"},
    {"penultimate_coupon_date": "2027-02-15"},
    {"penultimate_coupon_date": "2026-11-15", "first_coupon_date": "2017-08-15"},
    {"ex_coupon_days": 170},
    {"ex_coupon_business_days": 7},
    {"ex_coupon_days": 7, "ex_coupon_business_days": 7, "payment_calendar": "UK"},
    {"payment_convention": "FOLLOWING"},
    {"payment_calendar": "TARGET"},
    {"coupon_steps": [{"day": "2020-03-15", "rate_pct": "3"}]},
    {"coupon_steps": [{"day": "2021-02-15", "rate_pct": "3"}, {"day": "2020-02-15", "rate_pct": "4"}]},
    {"coupon_steps": [{"day": "2027-02-15", "rate_pct": "3"}]},
    {"coupon_rate_pct": "0", "coupon_frequency": None, "ex_coupon_days": 7},
    {"amortisation": [{"day": "2020-03-15", "face_pct": "3"}]},
    {"call_schedule": [{"day": "2020-03-15", "price": "101"}]},
    {"call_schedule": [{"day": "2020-02-15", "price": "9"}], "amortisation": [{"day": "2020-02-15", "face_pct": "3"}]},
    {"amortisation": [{"day": "2027-02-15", "face_pct": "3"}]},
    {"amortisation": [{"day": "2020-02-15", "face_pct": "50"}, {"day": "2021-02-15", "face_pct": "50"}]},
    {"coupon_frequency": None},
]


def problem(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def term_of(wrong: dict[str, Any]) -> str:
    return next(iter(wrong))


@pytest.mark.parametrize("wrong", UNPRICED, ids=lambda wrong: f"{term_of(wrong)}={wrong[term_of(wrong)]}")
def test_terms_that_are_not_priced_are_refused_by_name_however_they_come(api, stored, wrong) -> None:
    api.post("/securities", json={"ticker": "BARE", "asset_type": "BOND"})
    before = stored()
    terms = {**BOND, **wrong}
    answers = [
        api.post("/securities", json={"ticker": "UNPRICED", "asset_type": "BOND", "bond": terms}),
        api.put("/securities/BARE/details", json={"bond": terms}),
    ]

    for answer in answers:
        assert problem(answer) == (422, "bond_terms_not_priced")
        assert answer.json()["field"] == f"bond.{term_of(wrong)}"
        assert term_of(wrong) in answer.json()["detail"]
    assert stored() == before
    assert api.get("/securities/BARE").json()["bond"] is None


@pytest.mark.parametrize("wrong", UNSCHEDULED, ids=str)
def test_terms_of_which_no_schedule_can_be_made_are_refused_by_name(api, stored, wrong) -> None:
    api.post("/securities", json={"ticker": "BARE", "asset_type": "BOND"})
    before = stored()
    terms = {**BOND, **wrong}

    for answer in (
        api.post("/securities", json={"ticker": "UNPLANNED", "asset_type": "BOND", "bond": terms}),
        api.put("/securities/BARE/details", json={"bond": terms}),
    ):
        assert problem(answer) == (422, "bond_terms_not_scheduled")
        assert answer.json()["field"]
    assert stored() == before


def test_a_term_that_is_completed_later_must_be_one_that_can_be_scheduled(api) -> None:
    bare = {name: value for name, value in BOND.items() if name != "issue_date"}
    api.post("/securities", json={"ticker": "LATERTERM", "asset_type": "BOND", "bond": bare})

    wrong = api.put("/securities/LATERTERM/details", json={"bond": {"first_coupon_date": "2017-09-01"}})

    assert problem(wrong) == (422, "bond_terms_not_scheduled")
    right = api.put("/securities/LATERTERM/details", json={"bond": {"first_coupon_date": "2017-08-15"}})
    assert right.json()["bond"]["first_coupon_date"] == "2017-08-15"


def test_terms_stated_beside_the_bond_are_refused_by_name_too(api, stored) -> None:
    before = stored()
    asked = {"ticker": "BESIDE", "asset_type": "BOND", "bond": BOND}

    assert problem(api.post("/securities", json={**asked, "indexed_to": "CPI-U"})) == (422, "bond_terms_not_priced")
    assert problem(api.post("/securities", json={**asked, "colour": "green"})) == (422, "invalid_input")
    assert problem(api.put("/securities/AAPL/details", json={"indexed_to": "CPI-U"})) == (422, "invalid_input")
    assert stored() == before


def test_terms_registered_before_they_were_refused_stay_and_are_completed(api, database: Database) -> None:
    made = api.post("/securities", json={"ticker": "OLDROW", "asset_type": "BOND"}).json()
    with psycopg.connect(database.admin_url) as owner:  # as the product registered it before, off its schedule
        owner.execute(
            "insert into bond_details (security_id, maturity_date, coupon_rate_pct, coupon_frequency, day_count,"
            " issue_date, first_coupon_date)"
            " values (%s, '2018-05-31', 4, 4, 'ACT/ACT ICMA', '2016-02-15', '2016-04-30')",
            (made["security_id"],),
        )

    completed = api.put("/securities/OLDROW/details", json={"bond": {"issuer": "UST", "maturity_date": "2018-05-31"}})

    assert completed.status_code == 200, completed.text
    bond = api.get("/securities/OLDROW").json()["bond"]
    assert (bond["first_coupon_date"], bond["issuer"]) == ("2016-04-30", "UST")


def test_every_term_that_is_priced_is_kept_as_it_was_said_and_not_rewritten(api) -> None:
    said = {
        **BOND,
        "maturity_date": "2027-05-31",
        "dated_date": "2017-01-15",
        "penultimate_coupon_date": "2027-02-15",
        "ex_coupon_business_days": 7,
        "payment_convention": "FOLLOWING",
        "payment_calendar": "UK",
        "coupon_steps": [{"day": "2020-02-15", "rate_pct": "2.5"}, {"day": "2022-02-15", "rate_pct": "3"}],
        "amortisation": [{"day": "2025-02-15", "face_pct": "25"}, {"day": "2026-02-15", "face_pct": "12.5"}],
    }

    kept = api.post("/securities", json={"ticker": "MANYTERMS", "asset_type": "BOND", "bond": said}).json()["bond"]

    assert {name: kept[name] for name in said} == said
    again = api.put("/securities/MANYTERMS/details", json={"bond": {**said, "issuer": "HM Treasury"}})
    assert again.json()["bond"] == {**kept, "issuer": "HM Treasury"}
    calls = {**BOND, "call_schedule": [{"day": "2022-02-15", "price": "101.5"}]}
    callable_early = api.post("/securities", json={"ticker": "CALLED", "asset_type": "BOND", "bond": calls}).json()
    assert callable_early["bond"]["call_schedule"] == calls["call_schedule"]
    other = api.put("/securities/MANYTERMS/details", json={"bond": {"coupon_steps": said["coupon_steps"][:1]}})
    assert problem(other) == (409, "already_known")


def test_an_odd_last_period_pays_for_its_days(api, new_portfolio) -> None:
    """ICMA rule 251: 75 of 90 days first, and what was due until the market's last day, 2017-03-29."""
    terms = {
        "maturity_date": "2018-05-31",
        "coupon_rate_pct": "4",
        "day_count": "ACT/ACT ICMA",
        "coupon_frequency": 4,
        "issue_date": "2016-02-15",
        "first_coupon_date": "2016-04-30",
        "penultimate_coupon_date": "2018-04-30",
    }
    api.post("/securities", json={"ticker": "ODDLAST", "asset_type": "BOND", "bond": terms}).raise_for_status()
    mine = new_portfolio(initial_cash="200000", business_date="2016-02-15")
    mine.buy("100000", "100", "ODDLAST", business_date="2016-02-15").raise_for_status()

    api.post(f"/portfolios/{mine.portfolio_id}/bond-income").raise_for_status()

    items = api.get(f"/portfolios/{mine.portfolio_id}/transactions?type=COUPON").json()["items"]
    paid = [(row["business_date"], round(float(row["cash_effect"]), 2)) for row in items]
    assert paid == [("2016-04-30", 833.33), ("2016-07-31", 1000), ("2016-10-31", 1000), ("2017-01-31", 1000)]


def test_a_seller_in_the_ex_coupon_period_keeps_the_coupon_which_is_paid_on_the_next_business_day(
    api, new_portfolio
) -> None:
    terms = {
        "maturity_date": "2020-01-07",
        "coupon_rate_pct": "4",
        "day_count": "ACT/ACT ICMA",
        "coupon_frequency": 2,
        "issue_date": "2015-01-07",
        "ex_coupon_business_days": 7,
        "payment_convention": "FOLLOWING",
        "payment_calendar": "UK",
    }
    api.post("/securities", json={"ticker": "GILT", "asset_type": "BOND", "bond": terms}).raise_for_status()
    mine = new_portfolio(initial_cash="200000", business_date="2015-06-01")
    mine.buy("10000", "100", "GILT", business_date="2015-06-01").raise_for_status()
    sold = {"type": "SELL", "ticker": "GILT", "price": "100"}
    mine.post(**sold, quantity="4000", business_date="2016-06-27").raise_for_status()  # the day before it is ex
    mine.post(**sold, quantity="6000", business_date="2016-12-29").raise_for_status()  # 7 January is a Saturday

    rows = api.post(f"/portfolios/{mine.portfolio_id}/bond-income").json()["transactions"]

    paid = [(row["business_date"], row["ex_date"], float(row["cash_effect"])) for row in rows]
    assert paid == [
        ("2015-07-07", "2015-06-26", 200.0),
        ("2016-01-07", "2015-12-24", 200.0),
        ("2016-07-07", "2016-06-28", 120.0),
        ("2017-01-09", "2016-12-28", 120.0),
    ]
