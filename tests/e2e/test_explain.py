"""Every figure of the demo's documents has a reference, which resolves to the same value and down to rows of tables."""

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from importlib import import_module
from typing import Any
from uuid import UUID

import httpx
import pytest
from pydantic import BaseModel

from application.explanations.trees import explanation, kind_of
from domain.references import FigureReference, figures, found_at
from domain.units import PLAIN_UNITS, unit_of
from oltp_api.analytics.schemas import ValuesView
from oltp_api.explain.schemas import ChangeView
from oltp_api.gains.schemas import GainsView
from oltp_api.review.schemas import ReviewView
from oltp_api.risk_analyses.schemas import RiskAnalysisResultView
from oltp_api.simulations.schemas import SimulationResultView
from ops import cli
from storage.lake.mounted import mounted
from storage.settings import REPOSITORY
from tests.e2e.conftest import savings
from tests.effort import IS_LONG
from tests.oltp_api.people import first_code, invited, registered, served_with_accounts

LEDGER = "raw/pg_transaction_ledger"
MARKET = {"marts/fact_price_daily", "raw/price_daily", "raw/yield_curve", "marts/fx_rate_daily"}
_NOBODYS = "00000000-0000-4000-8000-00000000dead"
_PER_KIND = 10 if IS_LONG else 1
_KINDS = 1 if IS_LONG else 3
"""Each kind in the long form, each third by default."""
_EVERY = 1 if IS_LONG else 60
"""Steps of a fan, which are 361 rows of the same figures."""
_STEP = re.compile(r"fan/(\d+)/")
_UNIT = re.compile(r"[A-Z]{3}( per [A-Z]{3})?")


@dataclass(frozen=True)
class Answer:
    """A document as the API gives it, and with its amounts as numbers."""

    json: dict[str, Any]
    typed: Mapping[str, Any]

    @property
    def explain(self) -> FigureReference:
        return FigureReference.parse(self.json["explain"])

    @cached_property
    def references(self) -> Sequence[FigureReference]:
        """References to its figures; to those of a fan at a few steps."""
        places = [place for place, _ in figures(self.typed)]
        steps = [_STEP.search(place) for place in places]
        shown = [place for place, step in zip(places, steps, strict=True) if not step or int(step[1]) % _EVERY == 0]
        return [FigureReference.parse(f"{self.json['explain']}{place}") for place in shown]


def typed(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return {name: typed(getattr(value, name)) for name in type(value).model_fields}
    return [typed(one) for one in value] if isinstance(value, list | tuple) else value


@pytest.fixture(scope="module")
def client(platform_home: Any) -> Iterator[httpx.Client]:
    with platform_home.client() as client:
        yield client


def documents_of(client: httpx.Client, portfolio_id: str) -> list[Answer]:
    def answer(model: type[BaseModel], address: str) -> Answer:
        found = client.get(address).raise_for_status().json()
        return Answer(found, typed(model.model_validate(found)))

    here = f"/portfolios/{portfolio_id}"
    simulations = client.get(f"{here}/simulations").json()["items"]
    analyses = client.get(f"{here}/risk-analyses").json()["items"]
    return [
        answer(ReviewView, f"{here}/review"),
        answer(ValuesView, f"{here}/values?from=2010-05-01&to=2010-05-20"),
        answer(ValuesView, f"{here}/values?from=2017-03-25"),
        answer(GainsView, f"{here}/gains?year=all"),
        answer(GainsView, f"{here}/gains"),
        *(answer(ChangeView, f"{here}/change?from={day}") for day in ("2016-12-31", "2006-01-01")),
        *(
            answer(SimulationResultView, f"/simulations/{one['simulation_id']}")
            for one in simulations
            if one["status"] == "DONE"
        ),
        *(answer(RiskAnalysisResultView, f"/risk-analyses/{one['analysis_id']}") for one in analyses),
    ]


@pytest.fixture(scope="module")
def documents(client: httpx.Client) -> list[Answer]:
    portfolios = client.get("/portfolios").json()["items"]
    return [one for portfolio in portfolios for one in documents_of(client, portfolio["portfolio_id"])]


def explained(client: httpx.Client, reference: object) -> dict[str, Any]:
    answer = client.get("/explain", params={"ref": str(reference)})
    assert answer.status_code == 200, (str(reference), answer.text)
    found: dict[str, Any] = answer.json()
    return found


def nodes(figure: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield figure
    for child in figure["children"]:
        yield from nodes(child)


def test_every_figure_has_a_kind_and_a_unit(documents: list[Answer]) -> None:
    n = 0
    for document in documents:
        for reference in document.references:
            assert kind_of(reference) is not None, str(reference)
            unit = unit_of(document.json, reference.place.removeprefix(document.explain.place))
            assert unit in PLAIN_UNITS or _UNIT.fullmatch(unit), (str(reference), unit)
            n += 1
    assert n > 5_000


def test_figures_of_each_kind_resolve_to_their_value_and_down_to_rows(
    client: httpx.Client, documents: list[Answer]
) -> None:
    draw = random.Random(19)
    kinds: dict[tuple[str, str], list[tuple[Answer, FigureReference]]] = {}
    for document in documents:
        for reference in document.references:
            kind = kind_of(reference)
            assert kind is not None
            kinds.setdefault((reference.document, kind.place.pattern), []).append((document, reference))
    for references in list(kinds.values())[::_KINDS]:
        for document, reference in draw.sample(references, min(_PER_KIND, len(references))):
            found = explained(client, reference)
            place = reference.place.removeprefix(document.explain.place)
            assert found["figure"]["value"] == found_at(document.json, place), str(reference)
            assert found["figure"]["unit"] == unit_of(document.json, place)
            assert found["n_nodes"] == len(list(nodes(found["figure"]))) <= 200
            assert "not known" not in found["figure"]["label"], (str(reference), found["figure"]["label"])
            sources = [node["source"] for node in nodes(found["figure"]) if node["source"]]
            rows = [one for one in sources if one["table"] == LEDGER and one["key"].startswith("seq")]
            assert rows or any(one["table"] in MARKET for one in sources), str(reference)
            assert all(one["version"] is not None for one in sources), (str(reference), sources)
            follow(client, found)


def follow(client: httpx.Client, found: dict[str, Any]) -> None:
    """The first of the figures below it resolves too, to what the node says."""
    below = [node for node in nodes(found["figure"]) if node["reference"] and node["reference"] != found["ref"]]
    for node in below[:1]:
        figure = explained(client, node["reference"])["figure"]
        assert (figure["value"], figure["unit"]) == (node["value"], node["unit"]), node["reference"]


def test_what_computes_a_figure_and_its_rules_are_there(documents: list[Answer]) -> None:
    rulebook = (REPOSITORY / "docs" / "rulebook.md").read_text()
    kinds = {kind_of(reference) for document in documents for reference in document.references}
    for kind in kinds:
        assert kind is not None
        assert f"\n## {kind.rulebook}\n" in rulebook, kind.rulebook
        names = ("sharpe", "sortino") if "{name}" in kind.made_by else ("",)
        for name in names:
            made_by = kind.made_by.replace("{name}", name)
            module, _, function = made_by.partition(":")
            is_there = hasattr(import_module(module), function) if function else (REPOSITORY / made_by).is_file()
            assert is_there, made_by


def test_a_holding_in_the_terminal(
    platform_home: Any, client: httpx.Client, capsys: pytest.CaptureFixture[str]
) -> None:
    review = client.get(f"/portfolios/{platform_home.portfolio_id}/review").json()
    url = platform_home.base_url.removesuffix("/api/v1")
    code = cli.main(["explain", "--ref", f"{review['explain']}/periods/1Y/twr", "--api", url])
    printed = capsys.readouterr().out

    assert code == 0
    assert "time-weighted return of 1Y" in printed
    assert LEDGER in printed
    assert max(map(len, printed.splitlines())) <= 100


@pytest.mark.parametrize(
    ("reference", "status", "said"),
    [
        ("nothing", 422, "is written <review|values|gains|change|simulation|analysis>"),
        ("review/{id}@{release}:/total/unheard_of", 404, "no figure stands there"),
        ("review/{id}@{release}:/holdings/NOBODY/value", 404, "there is no 'NOBODY'"),
        ("review/{id}@{release}:/holdings", 404, "no figure stands there"),
        ("review/{id}@999:/total/cash", 404, "there is no release 999"),
        ("review/{id}@{release},2050-01-01:/total/cash", 404, "has not this day"),
        ("values/{id}@{release}:/values/yesterday/cash", 404, "is no day"),
        ("values/{id}@{release}:/values/1980-01-01/cash", 404, "there is no '1980-01-01'"),
        ("change/{id}@{release}:/2017-12-31/change", 404, "nothing changed"),
        ("change/{id}@{release}:/release-999/change", 404, "nothing changed"),
        ("analysis/{other}@{release}:/facts/F1/value", 404, "analysis"),
        ("simulation/{other}@{release}:/seed", 404, "simulation"),
        ("values/{other}@{release}:/values/2017-03-29/cash", 404, "portfolio"),
    ],
)
def test_what_names_no_figure_is_refused_in_a_sentence(
    client: httpx.Client, platform_home: Any, reference: str, status: int, said: str
) -> None:
    names = {"id": platform_home.portfolio_id, "release": platform_home.head.release_id, "other": _NOBODYS}
    answer = client.get("/explain", params={"ref": reference.format(**names)})

    assert answer.status_code == status, answer.text
    assert said in answer.json()["detail"]


def test_an_older_release_answers_as_it_did_and_one_whose_tables_are_gone_says_so(
    client: httpx.Client, platform_home: Any
) -> None:
    head = platform_home.head
    place = "/values/2017-03-29/total_value"
    here = f"values/{platform_home.portfolio_id}"
    newest, first = (explained(client, f"{here}@{number}:{place}") for number in (head.release_id, 1))

    assert (first["release_id"], newest["release_id"]) == (1, head.release_id)
    assert first["figure"]["value"] == newest["figure"]["value"]


def test_a_figure_is_explained_to_those_who_may_see_its_portfolio(new_home: Any) -> None:
    with new_home(savings, begins_with="demo") as home, served_with_accounts(home.settings) as address:
        ada = registered(address, first_code(home.settings), "ada@example.org")
        bob = invited(ada, "bob@example.org")
        standing = ada.get(f"/portfolios/{home.portfolio_id}/simulations").json()["items"][0]["simulation_id"]
        release = home.head.release_id
        asked = {
            "portfolio_not_found": f"review/{home.portfolio_id}@{release},2017-03-29:/holdings/AAPL/value",
            "simulation_not_found": f"simulation/{standing}@{release}:/summary/figures/median/value",
        }
        other = ada.token("read", portfolio_ids=[ada.portfolio("Another")])
        for code, reference in asked.items():
            for nobody in (bob.client, other):
                answer = nobody.get("/explain", params={"ref": reference})
                assert (answer.status_code, answer.json()["code"]) == (404, code)
        ada.share(home.portfolio_id, bob, "VIEWER")
        for reference in asked.values():
            figures_of = [one.get("/explain", ref=reference).json()["figure"] for one in (ada, bob)]
            assert figures_of[0] == figures_of[1]
            assert [node for node in nodes(figures_of[0]) if node["source"] and node["source"]["table"] == LEDGER]
        assert bob.get("/explain", ref="nothing").status_code == 422


def test_a_release_that_has_not_got_a_table_yet_says_so(client: httpx.Client, platform_home: Any) -> None:
    day = "2017-03-29"
    values = client.get(f"/portfolios/{platform_home.portfolio_id}/values?from={day}&to={day}").json()
    reference = FigureReference.parse(f"{values['explain']}/values/{day}/realised")
    head = platform_home.head
    versions = {table: version for table, version in head.versions.items() if table != "positions/disposal"}
    older = mounted(platform_home.lake, replace(head, versions=versions))

    tree = explanation(reference, values, older, UUID(platform_home.portfolio_id), date.fromisoformat(day))

    (missing,) = [node for node in tree if node.source and node.source.version is None]
    assert missing.source is not None
    assert (missing.label, missing.source.table) == ("not kept in this release", "positions/disposal")
    assert any(node.source and node.source.table == LEDGER for node in tree)


def test_the_examples_of_the_documentation_are_true(client: httpx.Client, platform_home: Any) -> None:
    page = (REPOSITORY / "docs" / "explain.md").read_text()
    simulations = client.get(f"/portfolios/{platform_home.portfolio_id}/simulations").json()["items"]
    analysis = client.get(f"/portfolios/{platform_home.portfolio_id}/risk-analyses").json()["items"][0]
    release = str(platform_home.head.release_id)
    names = {
        "<portfolio>": platform_home.portfolio_id,
        "<simulation>": simulations[0]["simulation_id"],
        "<analysis>@12": f"{analysis['analysis_id']}@{analysis['release_id']}",
    }

    def here(text: str) -> str:
        for name, meant in names.items():
            text = text.replace(name, meant)
        return text.replace("@12", f"@{release}")

    references = re.findall(r"^\w+/<\w+>@\S+$", page, flags=re.MULTILINE)
    assert len(references) == 6
    for reference in references:
        assert explained(client, here(reference))["figure"]["label"]
    (curled,) = re.findall(r"--data-urlencode 'ref=([^']+)'", page)
    assert explained(client, here(curled))["figure"]["unit"] == "USD"
    asked = re.findall(r"`(?:GET /api/v1/portfolios/<portfolio>/change)?\?((?:from|on)=[^`]+)`", page)
    assert len(asked) == 2
    for query in asked:
        address = f"/portfolios/{platform_home.portfolio_id}/change?{query.replace('=11', '=1')}"
        assert client.get(address).raise_for_status().json()["sentences"]


def test_figures_of_pages_lead_to_their_explanations(client: httpx.Client, platform_home: Any) -> None:
    here = f"/portfolios/{platform_home.portfolio_id}"
    standing = client.get(f"{here}/simulations").json()["items"][0]["simulation_id"]
    for page, least in (
        (f"{here}/review.html", 60),
        (f"{here}/gains.html?year=all", 8),
        (f"/simulations/{standing}/simulation.html", 8),
    ):
        links = re.findall(r'class="apart" href="/api/v1(/explain.html\?ref=[^"]+)"', client.get(page).text)
        assert len(links) >= least, page
        for link in links if IS_LONG else random.Random(7).sample(links, 5):
            answer = client.get(link)
            assert answer.status_code == 200, (page, link, answer.text)
            assert answer.text.rstrip().endswith("</html>")
