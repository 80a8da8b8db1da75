"""Values that are quickly made are frozen dataclasses in everything else."""

import pickle
from copy import copy, deepcopy
from dataclasses import FrozenInstanceError, dataclass, field, replace
from typing import Any

import pytest

from domain.values import quickly_made


@dataclass(frozen=True, slots=True)
class Slow:
    name: str
    parts: list[int] = field(default_factory=list)
    seq: int = field(default=0, compare=False)


@quickly_made
@dataclass(frozen=True, slots=True)
class Quick:
    name: str
    parts: list[int] = field(default_factory=list)
    seq: int = field(default=0, compare=False)


def test_a_value_is_what_a_frozen_dataclass_would_be() -> None:
    made = Quick("a", seq=3)

    assert repr(made) == repr(Slow("a", seq=3)).replace("Slow", "Quick")
    assert made == Quick("a", [], 4)
    assert made != Quick("b")
    assert replace(made, parts=[1]) == Quick("a", [1])
    assert made.parts is not Quick("a").parts
    name = "name"
    with pytest.raises(FrozenInstanceError):
        setattr(made, name, "b")
    for args in ((), ("a", [], 0, "more")):
        wrong: Any = args
        with pytest.raises(TypeError):
            Quick(*wrong)


@pytest.mark.parametrize("copied", [copy, deepcopy, lambda value: pickle.loads(pickle.dumps(value))])
def test_a_value_is_copied_whole(copied: Any) -> None:
    made = copied(Quick("a", [1], 3))

    assert (type(made), made.name, made.parts, made.seq) == (Quick, "a", [1], 3)
