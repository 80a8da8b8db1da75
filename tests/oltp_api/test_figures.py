"""Floats of answers: no negative zero, no 1e-17 for nothing, whatever view they are in and however deep."""

import json
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path

import numpy as np
from pydantic import BaseModel

import oltp_api
from oltp_api.web.schemas import Request, View


class Inner(View):
    figure: float | None
    fan: Sequence[Mapping[str, float]] | None


class Outer(View):
    inner: Sequence[Inner]
    pair: tuple[float, float]


NOTHING = Outer(
    inner=[
        Inner(figure=-0.0, fan=[{"p5": -0.0, "p50": 1e-17, "p95": -1.5}]),
        Inner(figure=None, fan=None),
        Inner(figure=float("nan"), fan=[]),
    ],
    pair=(-1e-13, 0.25),
)


def models() -> Iterator[type[BaseModel]]:
    """Every model of a body or an answer."""
    root = Path(oltp_api.__file__).parent
    for file in root.rglob("*.py"):
        module = ".".join(("oltp_api", *file.relative_to(root).with_suffix("").parts))
        for found in vars(import_module(module.removesuffix(".__init__"))).values():
            if isinstance(found, type) and issubclass(found, BaseModel) and found.__module__ == module:
                yield found


def test_a_negative_zero_and_noise_are_written_as_zero() -> None:
    text = NOTHING.model_dump_json()

    assert json.loads(text) == {
        "inner": [
            {"figure": 0, "fan": [{"p5": 0, "p50": 0, "p95": -1.5}]},
            {"figure": None, "fan": None},
            {"figure": None, "fan": []},
        ],
        "pair": [0, 0.25],
    }
    assert "-0" not in text


def test_a_part_that_was_not_validated_is_written_so_too() -> None:
    fan = [{"step": 252, "p5": -0.0, "p50": np.float64(-0.0)}]
    built = Outer.model_construct(inner=[Inner.model_construct(figure=-0.0, fan=fan)], pair=(0.0, 0.0))

    (inner,) = json.loads(built.model_dump_json())["inner"]
    assert str(inner) == "{'figure': 0.0, 'fan': [{'step': 252.0, 'p5': 0.0, 'p50': 0.0}]}"


def test_every_answer_is_a_view() -> None:
    others = {model.__name__ for model in models() if not issubclass(model, View | Request)}

    assert others == {
        "ProblemView",
        "_Metadata",
    }  # which document a problem, and what a provider says: neither has a float
