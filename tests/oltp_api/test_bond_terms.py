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
]
UNSCHEDULED: list[dict[str, Any]] = [
    {"coupon_frequency": 5},
    {"coupon_frequency": 0},
    {"first_coupon_date": "2027-08-15"},
    {"first_coupon_date": "2016-08-15"},
    {"first_coupon_date": "2017-09-01"},
    {"issue_date": "2027-02-15"},
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
