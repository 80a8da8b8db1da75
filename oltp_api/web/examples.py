"""Examples in the OpenAPI document of every answer whose model has none of its own; each noun's are in `examples.json`.

Requests carry theirs themselves (`json_schema_extra`), and problems are in `problems.py`.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import is_dataclass
from functools import cache
from pathlib import Path
from typing import Any, get_args

from fastapi import FastAPI
from pydantic import BaseModel

_FILES = sorted(Path(__file__).resolve().parent.parent.glob("*/examples.json"))


@cache
def written_examples() -> Mapping[str, Mapping[str, Any]]:
    """By a model's name, the fields that its example does not have from what it extends or consists of."""
    return {name: example for file in _FILES for name, example in json.loads(file.read_text()).items()}


def example_of(model: type) -> dict[str, Any]:
    """The example of a model that has one; that of a dataclass is written whole."""
    written = written_examples()
    example = {
        name: value for base in reversed(model.__mro__) for name, value in written.get(base.__name__, {}).items()
    }
    for name, field in getattr(model, "model_fields", {}).items():
        part = next((each for each in _parts(field.annotation) if each.__name__ in written), None)
        if name not in example and part is not None:
            example[name] = example_of(part) if field.annotation in (part, part | None) else [example_of(part)]
    return example


def show_examples(app: FastAPI) -> None:
    """Add the examples to the models of `app`'s OpenAPI document that bring none themselves."""
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        document = plain()
        models = document.get("components", {}).get("schemas", {})
        for model in models_with_examples():
            if model.__name__ in models:
                models[model.__name__].setdefault("examples", [example_of(model)])
        for name in models.keys() & written_examples().keys():  # what is left is of dataclasses
            models[name].setdefault("examples", [dict(written_examples()[name])])
        for model in models.values():
            item = _model(model.get("properties", {}).get("items", {}).get("items", {}), models)
            if item and "examples" in item:  # a page shows what its rows show
                model.setdefault("examples", [{"items": item["examples"][:1], "next_cursor": None}])
        for model in models.values():
            if "examples" in model:
                model["examples"] = [_with_nulls(example, model, models) for example in model["examples"]]
        return document

    app.openapi = openapi  # pyrefly: ignore[method-assign]


def models_with_examples(of: type[BaseModel] = BaseModel) -> Iterator[type[BaseModel]]:
    for model in of.__subclasses__():
        if model.__name__ in written_examples():
            yield model
        yield from models_with_examples(model)


def _parts(annotation: Any) -> Iterator[type]:
    """The models and dataclasses that an annotation names, in whatever they stand."""
    if isinstance(annotation, type) and (issubclass(annotation, BaseModel) or is_dataclass(annotation)):
        yield annotation
    for argument in get_args(annotation):
        yield from _parts(argument)


def _with_nulls(example: Any, schema: Mapping[str, Any], models: Mapping[str, Any]) -> Any:
    """FastAPI leaves what is null out of examples; what a model always answers is shown again, however deep."""
    model = _model(schema, models) or schema
    if isinstance(example, list):
        return [_with_nulls(item, model.get("items", {}), models) for item in example]
    if not isinstance(example, dict):
        return example
    known = model.get("properties", {})
    absent = {name: None for name in model.get("required", ()) if name not in example}
    return {**absent, **{name: _with_nulls(value, known.get(name, {}), models) for name, value in example.items()}}


def _model(schema: Mapping[str, Any], models: Mapping[str, Any]) -> Any:
    """The model that a schema refers to, alone or as one branch; None if to none."""
    for branch in (schema, *schema.get("anyOf", ())):
        if "$ref" in branch:
            return models.get(branch["$ref"].rpartition("/")[2])
    return None
