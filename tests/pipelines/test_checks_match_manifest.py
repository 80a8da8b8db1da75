"""The rules of STYLE on the dbt project, and that no dbt test is lost on the way to Dagster; read from the manifest."""

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

import dagster as dg
import pytest

from storage.settings import REPOSITORY

Node = Mapping[str, Any]

NODES = json.loads((REPOSITORY / "dbt_project" / "target" / "manifest.json").read_text())["nodes"]
MODELS = {key: node for key, node in NODES.items() if node["resource_type"] == "model"}
TESTS = {key: node for key, node in NODES.items() if node["resource_type"] == "test"}


@pytest.fixture
def marts() -> dg.AssetsDefinition:
    from pipelines.marts.assets import marts

    return marts


def layer(node: Node) -> str:
    """staging, intermediate or marts."""
    return str(node["fqn"][1])


def models_of(*layers: str) -> list[Any]:
    found = [node for node in MODELS.values() if layer(node) in layers]
    return [pytest.param(node, id=node["name"]) for node in sorted(found, key=lambda node: node["name"])]


def asset_under_test(test: Node) -> dg.AssetKey:
    """The mart that a test is about: the one it is written under, or the one it names in `meta.dagster.ref`."""
    named = test["config"].get("meta", {}).get("dagster", {}).get("ref", {}).get("name")
    model = next((node for node in MODELS.values() if node["name"] == named), None) or MODELS[test["attached_node"]]
    return dg.AssetKey([model["schema"], model["name"]])


def test_every_dbt_test_is_exactly_one_asset_check(marts: dg.AssetsDefinition) -> None:
    expected = Counter((asset_under_test(test), test["name"]) for test in TESTS.values())

    assert Counter((spec.asset_key, spec.name) for spec in marts.check_specs) == expected
    assert set(expected.values()) == {1}


def test_no_two_dbt_tests_share_a_name() -> None:
    # A run selects the tests of its checks by name.
    names = Counter(node["name"] for node in [*TESTS.values(), *MODELS.values()])

    assert [name for name, times in names.items() if times > 1] == []


def test_every_mart_is_exactly_one_asset(marts: dg.AssetsDefinition) -> None:
    expected = {dg.AssetKey([node["schema"], node["name"]]) for node in MODELS.values() if layer(node) == "marts"}

    assert set(marts.keys) == expected


def test_every_dbt_test_fails_the_build() -> None:
    assert {test["config"]["severity"].lower() for test in TESTS.values()} == {"error"}


def test_every_model_is_in_a_layer() -> None:
    assert {layer(node) for node in MODELS.values()} == {"staging", "intermediate", "marts"}


def test_only_staging_reads_sources() -> None:
    readers = {
        layer(node)
        for node in [*MODELS.values()]
        if any(parent.startswith("source.") for parent in node["depends_on"]["nodes"])
    }

    assert readers == {"staging"}


def test_no_dbt_test_reads_a_source() -> None:
    assert [
        name for name, test in TESTS.items() if any("source." in parent for parent in test["depends_on"]["nodes"])
    ] == []


@pytest.mark.parametrize("model", models_of("staging", "intermediate"))
def test_nothing_below_reads_a_mart(model: Node) -> None:
    parents = [MODELS[parent] for parent in model["depends_on"]["nodes"] if parent in MODELS]

    assert [parent["name"] for parent in parents if layer(parent) == "marts"] == []


@pytest.mark.parametrize("model", models_of("staging", "intermediate"))
def test_what_is_below_the_marts_is_ephemeral_and_named_for_its_layer(model: Node) -> None:
    prefix = {"staging": "stg_", "intermediate": "int_"}[layer(model)]

    assert model["name"].startswith(prefix)
    assert model["config"]["materialized"] == "ephemeral"


@pytest.mark.parametrize("model", models_of("staging"))
def test_a_staging_model_reads_nothing_but_sources(model: Node) -> None:
    assert {parent.partition(".")[0] for parent in model["depends_on"]["nodes"]} == {"source"}


@pytest.mark.parametrize("model", models_of("marts"))
def test_a_mart_has_an_enforced_contract(model: Node) -> None:
    assert model["config"]["contract"]["enforced"] is True


def keys_of(model: Node) -> list[list[str]]:
    """The columns of every unique_key test of a model."""
    about = [test for test in TESTS.values() if test.get("attached_node") == model["unique_id"]]
    named = [test["test_metadata"] for test in about]
    return [metadata["kwargs"]["columns"] for metadata in named if metadata["name"] == "unique_key"]


@pytest.mark.parametrize("model", models_of("marts"))
def test_a_mart_says_its_grain_and_tests_it(model: Node) -> None:
    assert model["description"].startswith("Grain: one row per")
    assert len(keys_of(model)) == 1


@pytest.mark.parametrize("model", models_of("marts"))
def test_every_column_of_a_mart_has_a_description_and_a_type(model: Node) -> None:
    incomplete = [
        name for name, column in model["columns"].items() if not (column["description"] and column["data_type"])
    ]

    assert model["columns"]
    assert incomplete == []


@pytest.mark.parametrize("model", models_of("marts"))
def test_the_key_of_a_mart_is_made_of_columns_that_are_never_null(model: Node) -> None:
    not_null = {
        name
        for name, column in model["columns"].items()
        if "not_null" in {constraint["type"] for constraint in column["constraints"]}
    }

    assert [column for key in keys_of(model) for column in key if column not in not_null] == []


@pytest.mark.parametrize("model", models_of("marts"))
def test_a_mart_that_is_built_by_windows_has_its_day_in_its_key(model: Node) -> None:
    days = model["config"].get("date_column")
    if model["config"]["materialized"] != "windowed":
        assert days is None
        return
    if days is None:
        assert model["config"]["owner_column"] == "portfolio_id", "built by portfolios, if not by days"
        return

    assert days in model["columns"]
    assert model["columns"][days]["data_type"] == "date"
