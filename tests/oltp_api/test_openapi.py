"""The OpenAPI document shows an example of everything that is sent and answered, and the examples are true."""

from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import jsonschema
import pytest
from jsonschema import Draft202012Validator

from oltp_api.web.examples import models_with_examples

Document = Mapping[str, Any]


@pytest.fixture(scope="module")
def document(api: httpx.Client) -> Document:
    answer: Document = api.get(str(api.base_url).removesuffix("/api/v1/") + "/openapi.json").json()
    return answer


def operations(document: Document) -> Iterator[tuple[str, Document]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def resolved(document: Document, schema: Document) -> Document:
    """The model behind a reference; of "this or nothing", this."""
    for branch in schema.get("anyOf", ()):
        if "$ref" in branch:
            schema = branch
    if "$ref" in schema:
        found: Document = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
        return found
    return schema


def has_example(document: Document, content: Document) -> bool:
    return all(
        media.get("example") or media.get("examples") or resolved(document, media.get("schema", {})).get("examples")
        for media in content.values()
    )


def missing(document: Document) -> list[str]:
    """Bodies and answers without an example, by name."""
    found = []
    for name, operation in operations(document):
        body = operation.get("requestBody", {}).get("content", {})
        if not has_example(document, body):
            found.append(f"{name}: body")
        for status, response in operation["responses"].items():
            content = response.get("content", {})
            if not has_example(document, content):
                model = next(iter(content.values())).get("schema", {}).get("$ref", "").rsplit("/", 1)[-1]
                found.append(f"{name}: {status} {model}")
    return found


def test_every_body_and_every_answer_has_an_example(document: Document) -> None:
    assert missing(document) == []


def test_control_a_model_without_an_example_is_named(document: Document) -> None:
    models = {**document["components"]["schemas"]}
    models["CashView"] = {name: value for name, value in models["CashView"].items() if name != "examples"}
    without = {**document, "components": {"schemas": models}}

    assert missing(without) == ["GET /api/v1/portfolios/{portfolio_id}/cash: 200 CashView"]


def test_every_example_fits_its_model(document: Document) -> None:
    for name, model in document["components"]["schemas"].items():
        for example in model.get("examples", ()):
            schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
            jsonschema.validate(example, schema)


def test_every_example_names_exactly_the_fields_of_its_model(document: Document) -> None:
    described = document["components"]["schemas"]
    shown = [described[model.__name__] for model in models_with_examples() if model.__name__ in described]

    assert len(shown) > 25
    for model in shown:
        assert set(model["examples"][0]) == set(model["properties"]), model["title"]


def test_every_problem_example_has_the_status_and_code_it_is_shown_under(document: Document) -> None:
    seen = set()
    for _, operation in operations(document):
        for status, response in operation["responses"].items():
            for media, content in response.get("content", {}).items():
                if media == "application/problem+json":
                    problem = Draft202012Validator(content["schema"])  # made once: it takes longer than an example
                    for code, example in content["examples"].items():
                        assert (example["value"]["status"], example["value"]["code"]) == (int(status), code)
                        problem.validate(example["value"])
                        seen.add(code)

    assert {"portfolio_not_found", "insufficient_cash", "busy", "no_release"} <= seen
