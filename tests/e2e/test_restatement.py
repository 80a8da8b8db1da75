"""An older release answers as it did, and a restatement says what changed and why; what changes a security's own prices
is released with it: one that jumps, and that somebody says it is right.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import dagster as dg
import pytest

from ops import cli
from pipelines.automation import due_now
from pipelines.definitions import build_defs
from pipelines.quality.quarantine import listed
from tests.e2e.as_traded_books import named, post_prices

CHECK = dg.AssetCheckKey(dg.AssetKey(["meta", "release"]), "restatements_have_a_cause")
TODAY = date(2013, 3, 1)
MEASURED = ("day", "total", "holdings", "benchmark", "periods", "risk", "concentration", "curve")


class Told:
    """A home with two portfolios, and what was said at each of its releases."""

    def __init__(self, home: Any, other_id: str) -> None:
        self.home, self.portfolio_id, self.other_id = home, home.portfolio_id, other_id

    def get(self, address: str, **query: str) -> Any:
        with self.home.client() as client:
            return client.get(address, params=query).raise_for_status().json()

    def review(self, **query: str) -> dict[str, Any]:
        answer = self.get(f"/portfolios/{self.portfolio_id}/review", **query)
        return {name: answer[name] for name in MEASURED}

    def post(self, address: str, body: dict[str, Any]) -> Any:
        with self.home.client() as client:
            return client.post(address, json=body).raise_for_status().json()

    def restated(self, since: str, portfolio_id: str = "") -> dict[str, Any]:
        found: dict[str, Any] = self.get(f"/portfolios/{portfolio_id or self.portfolio_id}/restatement", since=since)
        return found

    def checked(self) -> dict[str, Any]:
        """Return what the newest refresh's check of restatements has left in Dagster's log."""
        with self.home.joined() as instance:
            (record,) = instance.event_log_storage.get_asset_check_execution_history(CHECK, limit=1)
        evaluation = record.event.dagster_event.event_specific_data
        metadata = {name: entry.value for name, entry in evaluation.metadata.items()}
        return {"passed": evaluation.passed, "said": evaluation.description, **metadata}

    def released_at(self) -> str:
        return str(self.get("/releases/latest")["released_at"])

    def post_prices(self, ticker: str, closes: dict[str, str]) -> None:
        with self.home.client() as client:
            post_prices(client, ticker, closes)

    @property
    def holder(self) -> str:
        """The address of who has UNLISTED."""
        with self.home.client() as client:
            return f"/portfolios/{named('own prices')(client)}"

    def held(self) -> dict[str, Any]:
        """UNLISTED as it is held in the newest release."""
        rows = self.get(f"{self.holder}/positions")["positions"]
        return next(row for row in rows if row["ticker"] == "UNLISTED")

    def valued(self) -> tuple[str, str, str, int]:
        """UNLISTED's status and value, how much of the total has a value, and how much of it nobody has confirmed."""
        shown = self.get(f"{self.holder}/positions")["total"]
        assert self.get(f"{self.holder}/review")["total"] == shown
        held = self.held()
        return held["status"], held["market_value"], shown["coverage_pct"], shown["n_unconfirmed"]

    def marked(self) -> tuple[bool, bool]:
        """Say whether the list of what is put out names UNLISTED, and the page what is not confirmed."""
        with self.home.client() as client:
            page = client.get(f"{self.holder}/review.html").text
        return "UNLISTED" in listed(self.home.lake), "Not all of it is confirmed" in page


@pytest.fixture(scope="module")
def told(new_home) -> Iterator[Told]:
    with new_home(named("restated"), "as_traded", begins_with="as_traded") as home:
        with home.client() as client:
            other = named("left alone")(client)
        yield Told(home, other)


@pytest.fixture(scope="module")
def corrected(told) -> dict[str, Any]:
    """Record a back-dated buy, and prices of UNLISTED of which the newest jumps; return the review before it, when that
    was released, its row, the check after it, and what UNLISTED was and is."""
    before, since, valued = told.review(), told.released_at(), told.valued()
    told.post_prices("UNLISTED", {"2013-02-28": "13", "2013-03-01": "0.52"})
    buy = {"type": "BUY", "ticker": "AAPL", "quantity": "10", "price": "544.47", "business_date": "2012-03-01"}
    row = told.post(f"/portfolios/{told.portfolio_id}/transactions", {**buy, "note": "found in a drawer"})
    told.home.pick_up()
    seen = {"before": valued, "valued": told.valued(), "marked": told.marked()}
    return {"review": before, "since": since, "seq": row["seq"], "check": told.checked(), **seen}


def test_the_older_figures_come_back_to_the_last_digit(told, corrected) -> None:
    assert told.review() != corrected["review"]
    assert told.review(as_known_on=corrected["since"]) == corrected["review"]
    asked_then = {"as_of": "2012-12-31", "as_known_on": corrected["since"]}
    assert told.review(**asked_then) != told.review(as_of="2012-12-31")


def test_a_restatement_names_the_row_that_corrects_and_the_days_it_reaches(told, corrected) -> None:
    found = told.restated(corrected["since"])

    (cause,) = found["transactions"]
    assert (cause["seq"], cause["ticker"], cause["business_date"], cause["note"]) == (
        corrected["seq"],
        "AAPL",
        "2012-03-01",
        "found in a drawer",
    )
    assert (found["prices"], found["rates"]) == ([], [])
    assert (found["first_day"], found["last_day"], found["until"]) == ("2012-03-01", str(TODAY), str(TODAY))
    assert found["n_days"] == (TODAY - date(2012, 3, 1)).days + 1
    assert len(found["days"]) == 100
    before, after = (Decimal(review["total"]["total_value"]) for review in (corrected["review"], told.review()))
    assert (Decimal(found["last"]["before_value"]), Decimal(found["last"]["after_value"])) == (before, after)
    assert Decimal(found["last"]["change"]) == after - before == 10 * (Decimal("430.47") - Decimal("544.47"))
    assert found["before"]["released_at"] == corrected["since"]


def test_the_refresh_checks_that_what_it_restates_has_a_cause(told, corrected) -> None:
    check, asked = corrected["check"], told.restated(corrected["since"])

    assert check["passed"]
    assert check["said"] == f"368 days of 2 portfolios restated since release {asked['before']['release_id']}"
    assert (check["restated portfolios"], check["restated days"], check["causes not looked up"]) == (2, 368, 0)
    assert f"restated ({told.portfolio_id}) | 366 | 2012-03-01 | 2013-03-01" in check["most changed"]
    assert f"ledger row {corrected['seq']}, BUY AAPL on 2012-03-01: found in a drawer" in check["causes"]
    assert check["largest change"].endswith(asked["largest"]["business_date"])


def test_the_command_says_it_in_words(told, corrected, capsys) -> None:
    api = told.home.base_url.removesuffix("/api/v1")
    words = ("restatement", "--portfolio", told.portfolio_id, "--api", api)

    assert cli.main([*words, "--since", corrected["since"]]) == 0

    said = capsys.readouterr().out
    assert "366 days from 2012-03-01 to 2013-03-01 have other figures" in said
    assert f"because of ledger row {corrected['seq']}: BUY AAPL on 2012-03-01" in said
    assert cli.main([*words, "--since", "1999-01-01"]) == 2


def test_between_two_releases_rows_that_came_later_are_corrections(told, corrected) -> None:
    asked = {"on": str(TODAY), "before_release": "1"}
    change = told.get(f"/portfolios/{told.portfolio_id}/change", **asked)

    amounts = {term["name"]: Decimal(term["amount"]) for term in change["terms"]}
    assert amounts == {"CORRECTION-AAPL": 10 * (Decimal("430.47") - Decimal("544.47"))}
    assert change["terms"][0]["seqs"] == [corrected["seq"]]
    assert Decimal(change["change"]) == sum(amounts.values())
    assert Decimal(change["rounding"]) == 0
    (said, *_) = change["sentences"]
    assert said.startswith(f"The value of {TODAY}, as the later release tells it instead of the earlier one, fell by")
    reference = f"{change['explain']}/terms/CORRECTION-AAPL/amount"
    figure = told.get("/explain", ref=reference)["figure"]
    assert figure["value"] == change["terms"][0]["amount"]
    (rows, *_) = figure["children"]
    assert [row["source"]["key"] for row in rows["children"]] == [f"seq {corrected['seq']}"]


def test_a_portfolio_that_nothing_touched_is_not_restated(told, corrected) -> None:
    found = told.restated(corrected["since"], told.other_id)

    assert (found["n_days"], found["days"], found["transactions"], found["prices"]) == (0, [], [], [])
    assert found["last"]["change"] == "0"


@pytest.fixture(scope="module")
def repriced(told, corrected) -> str:
    """Say that UNLISTED's price is right, post another of ACME, and do what the daemon does once its sensor finds the
    release behind, which is asserted of the first; return when the release before was made."""
    since = told.released_at()
    told.post_prices("UNLISTED", {"2013-03-01": "0.52"})
    with told.home.joined() as instance:
        assert due_now(instance, told.home.platform, ["refresh", "pick_up"]).is_due
    told.post_prices("ACME", {"2012-08-01": "19"})
    told.home.pick_up()
    return since


def test_a_newest_price_that_jumps_counts_and_is_marked_until_somebody_says_that_it_is_right(
    told, corrected, repriced
) -> None:
    status, value, coverage, _ = corrected["before"]

    assert (status, value) == ("PRICED", "125")
    assert corrected["valued"] == ("UNCONFIRMED", "5.2", coverage, 1)
    assert corrected["marked"] == (True, True)
    assert told.valued() == ("PRICED", "5.2", coverage, 0)
    assert told.marked() == (False, False)


def test_a_corrected_price_counts_and_the_older_one_stays(told, repriced) -> None:
    posted = told.get("/securities/UNLISTED/prices", superseded="true")["items"]
    why = told.get(f"/lineage{told.holder}/securities/{told.held()['security_id']}")

    assert [(row["close"], row["is_current"]) for row in posted if row["price_date"] == "2013-03-01"] == [
        ("12.5", False),
        ("0.52", False),
        ("0.52", True),
    ]
    assert (told.get("/securities/UNLISTED/price")["close"], why["price"]["price_source"]) == ("0.52", "POSTED")


def test_a_price_that_is_another_one_is_named_with_the_days_it_reaches(told, repriced) -> None:
    found, check = told.restated(repriced, told.other_id), told.checked()

    (price,) = found["prices"]
    assert (price["what"], price["n_days"], price["first_day"], price["before"], price["after"]) == (
        "ACME",
        1,
        "2012-08-01",
        "18",
        "19",
    )
    assert found["transactions"] == []
    assert (found["first_day"], found["last_day"]) == ("2012-08-01", "2012-10-31"), "until the next price"
    assert found["largest"]["change"] == "50"
    assert (check["passed"], check["restated portfolios"], check["causes not looked up"]) == (True, 2, 0)
    assert check["causes"].count("1 price of ACME from 2012-08-01 on: on 2012-08-01 18 before, 19 now") == 2


def test_the_check_alone_looks_at_the_newest_release_again(told, repriced) -> None:
    job = build_defs(told.home.platform).resolve_implicit_global_asset_job_def()
    before = told.checked()

    with told.home.joined() as instance:
        assert (
            job.get_subset(asset_check_selection={CHECK}, asset_selection=set())
            .execute_in_process(instance=instance)
            .success
        )

    assert told.checked() == before


def test_since_now_nothing_is_restated_and_before_all_there_is_nothing_to_compare(told, corrected) -> None:
    later = datetime.fromisoformat(told.released_at()) + timedelta(seconds=1)

    assert told.restated(later.isoformat().replace("+00:00", "Z"))["n_days"] == 0
    with told.home.client() as client:
        answers = [
            client.get(f"/portfolios/{told.portfolio_id}/restatement", params=query)
            for query in ({"since": "1999-01-01"}, {"since": "last week"}, {})
        ]
    assert [answer.status_code for answer in answers] == [404, 422, 422]
